// SPDX-License-Identifier: GPL-2.0
/* Writes a group's events to a recording. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "event.h"
#include "live.h"
#include "names.h"
#include "recorder.h"
#include "recording.h"
#include "tool.h"

/* Room for the events of some thousand tasks; less where RLIMIT_MEMLOCK says so. */
#define RING_MAX	4194304
#define RING_MIN	65536
#define FILE_BUFFER	1048576

uint64_t recorder_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/* As much as the user may lock; the tool reads in time even with a little. */
static void ask_for_events(struct recorder *recorder)
{
	struct vprocns_events events = { .size = RING_MAX };

	for (;;) {
		events.wake = events.size / 4;
		if (!ioctl(recorder->group, VPROCNS_EVENTS, &events))
			break;
		if (errno == ENOSPC)
			fail("the group's events can't be read: it has %d readers, and may not have more",
			     VPROCNS_EVENTS_READERS);
		if (errno != ENOMEM)
			fail("the group's events can't be read: %s",
			     strerror(errno));
		events.size /= 2;
		if (events.size < RING_MIN)
			fail("no memory for events: raise 'ulimit -l' to %u or more",
			     RING_MIN / 1024);
	}
	recorder->ring_size = events.size;
	recorder->buffer = need(malloc(events.size));
	fcntl(recorder->group, F_SETFL, O_NONBLOCK);
}

void recorder_listen(struct recorder *recorder)
{
	recorder->attached = group_info(recorder->group).state != VPROCNS_STATE_NEW;
	ask_for_events(recorder);
	recorder->before = group_stats(recorder->group);
}

static struct json_object *group_object(const struct recorder *recorder)
{
	const struct vprocns_info info = group_info(recorder->group);
	struct json_object *const group = json_object_new_object();
	char text[24];

	line_number(group, "id", info.id);
	if (*info.name)
		line_text(group, "name", info.name);
	line_text(group, "profile", profile_name(info.profile));
	line_text(group, "numbering", numbering_name(info.numbering));
	line_text(group, "vfork", vfork_name(info.vfork));
	line_text(group, "caps", caps_name(info.caps));
	event_add_flags(group, "allowed", info.allowed);
	line_add(group, "threads_only",
		 json_object_new_boolean(info.flags &
					 VPROCNS_CREATE_THREADS_ONLY));
	line_number(group, "first", info.first);
	line_number(group, "last", info.last);
	if (info.numbering == VPROCNS_NUMBERING_LINEAGE) {
		snprintf(text, sizeof(text), "%llu", info.seed);
		line_text(group, "seed", text);
	}
	return group;
}

static struct json_object *host_object(void)
{
	struct json_object *const host = json_object_new_object();
	struct utsname names;

	uname(&names);
	line_text(host, "name", names.nodename);
	line_text(host, "kernel", names.release);
	line_text(host, "arch", names.machine);
	line_number(host, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	return host;
}

static struct json_object *counter_name(const struct recorder *recorder, size_t i)
{
	return text_new(counters_name(recorder->counters, i));
}

static struct json_object *words_array(char *const *words)
{
	struct json_object *const array = json_object_new_array();

	for (; *words; words++)
		json_object_array_add(array, text_new(*words));
	return array;
}

static void write_header(const struct recorder *recorder, char *const *command,
			 char *const *options)
{
	struct json_object *const line = line_new("header");
	struct json_object *array;
	const time_t seconds = time(NULL);
	char text[32];
	size_t i;

	line_number(line, "version", RECORDING_VERSION);
	line_text(line, "tool", "vprocns " VERSION);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&seconds));
	line_text(line, "date", text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)recorder->base);
	line_text(line, "base", text);
	line_add(line, "group", group_object(recorder));
	line_add(line, "host", host_object());
	if (command)
		line_add(line, "command", words_array(command));
	line_add(line, "options", words_array(options));
	if (recorder->attached)
		line_add(line, "attached", json_object_new_boolean(true));
	if (recorder->counters) {
		array = json_object_new_array();
		for (i = 0; i < counters_count(recorder->counters); i++)
			json_object_array_add(array, counter_name(recorder, i));
		line_add(line, "events", array);
	}
	line_write(line, recorder->out);
}

/*
 * Ended, but not waited for: its exit was told before, or is in the ring. Where /proc
 * hides it, it is taken to live.
 */
static bool has_exited(int host_tid)
{
	char path[32], text[512];
	const char *comm_end;
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "/proc/%d/stat", host_tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	comm_end = strrchr(text, ')');
	return comm_end && strchr("ZX", comm_end[2]);
}

static void write_member(struct recorder *recorder,
			 const struct vprocns_member *member)
{
	struct json_object *const line = line_new("member");

	line_number(line, "time", recorder_now() - recorder->base);
	line_number(line, "tid", member->tid);
	line_number(line, "tgid", member->tgid);
	line_number(line, "host_tid", member->host_tid);
	line_number(line, "host_tgid", member->host_tgid);
	if (member->flags & VPROCNS_MEMBER_LINEAGE) {
		if (member->cloner)
			line_number(line, "cloner", member->cloner);
		event_add_lineage(line, "lineage", member->lineage);
		event_add_lineage(line, "cloner_lineage", member->cloner_lineage);
		line_number(line, "ordinal", member->birth);
	}
	line_text(line, "comm", member->comm);
	line_write(line, recorder->out);
}

static bool all_have_lineage(const struct vprocns_member *members, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!(members[i].flags & VPROCNS_MEMBER_LINEAGE))
			return false;
	return true;
}

/*
 * A task has no lineage here until its clone is over, which does not take long. Others
 * never have one, so they are not waited for longer.
 */
static struct vprocns_member *list_members(const struct recorder *recorder,
					   size_t *count)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct vprocns_member *members = group_members(recorder->group, count);
	int tries = group_info(recorder->group).numbering ==
		    VPROCNS_NUMBERING_LINEAGE ? 20 : 0;

	while (tries-- && !all_have_lineage(members, *count)) {
		free(members);
		nanosleep(&pause, NULL);
		members = group_members(recorder->group, count);
	}
	return members;
}

/* Who was there before the recording. A task that is made meanwhile may be among them. */
static void write_members(struct recorder *recorder)
{
	size_t count, i;
	struct vprocns_member *const members = list_members(recorder, &count);

	for (i = 0; i < count; i++) {
		const struct vprocns_member *const member = &members[i];
		struct live_task *task;

		if (member->host_tid && has_exited(member->host_tid))
			continue;
		write_member(recorder, member);
		recorder->tasks += member->tid != 1;
		/* One that we can't see. */
		if (!member->host_tid)
			continue;
		task = live_add(recorder->live, member->host_tid, 0);
		task->tid = member->tid;
		task->listed = true;
	}
	free(members);
}

void recorder_open(struct recorder *recorder, char *const *command,
		   char *const *options)
{
	static char *const none[] = { NULL };

	recorder->out = strcmp(recorder->path, "-") ?
			fopen(recorder->path, "we") : stdout;
	if (!recorder->out)
		fail("%s: %s", recorder->path, strerror(errno));
	setvbuf(recorder->out, NULL, _IOFBF, FILE_BUFFER);
	/* The counts, and for how long each was to count and did. */
	recorder->live = live_new(3 * counters_count(recorder->counters));
	recorder->base = recorder_now();
	write_header(recorder, command, options ? options : none);
	if (recorder->attached)
		write_members(recorder);
	/* Whatever happens, there is a file that says what it was to be. */
	fflush(recorder->out);
}

/* All descriptors from @first to @last, if there are any between. */
static void close_between(int first, int last)
{
	if (first <= last)
		close_range(first, last, 0);
}

pid_t recorder_detach(const struct recorder *recorder)
{
	const int file = fileno(recorder->out);
	const int low = file < recorder->group ? file : recorder->group;
	const int high = file < recorder->group ? recorder->group : file;
	const pid_t pid = fork();
	int null;

	if (pid < 0)
		fail("no recorder can be started: %s", strerror(errno));
	if (pid)
		return pid;
	setsid();
	null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	/* Nothing of our caller's may stay open because of us. */
	close_between(STDERR_FILENO + 1, low - 1);
	close_between(low + 1, high - 1);
	close_between(high + 1, INT_MAX);
	if (chdir("/"))
		fail("/: %s", strerror(errno));
	return 0;
}

static void write_lost(struct recorder *recorder, uint64_t count)
{
	struct json_object *const line = line_new("lost");

	line_number(line, "count", count);
	line_write(line, recorder->out);
	recorder->lost += count;
}

/* What the counters of @task have come to. @data is the recording. */
static void write_counters(void *data, int host_tid, struct live_task *task)
{
	const struct recorder *const recorder = data;
	const size_t count = counters_count(recorder->counters);
	const uint64_t *const enabled = task->counters + count;
	const uint64_t *const running = enabled + count;
	struct json_object *line, *object;
	bool scaled = false;
	size_t i;

	if (!task->parts)
		return;
	line = line_new("counters");
	object = json_object_new_object();
	for (i = 0; i < count; i++) {
		double value = task->counters[i];

		/* It never was on a CPU, where there are fewer counters than asked for. */
		if (enabled[i] && !running[i])
			continue;
		if (running[i] < enabled[i]) {
			value *= (double)enabled[i] / running[i];
			scaled = true;
		}
		line_number(object, counters_name(recorder->counters, i), value);
	}
	line_number(line, "time", task->ended - recorder->base);
	line_number(line, "tid", task->tid);
	line_number(line, "host_tid", host_tid);
	if (task->has_lineage)
		event_add_lineage(line, "lineage", task->lineage);
	line_add(line, "counters", object);
	if (scaled)
		line_add(line, "scaled", json_object_new_boolean(true));
	line_write(line, recorder->out);
}

static void take_part(void *data, const struct counters_part *part)
{
	struct recorder *const recorder = data;
	const size_t count = counters_count(recorder->counters);
	struct live_task *const task = live_find(recorder->live, part->host_tid,
						 part->time);

	/* Pid 1's maker, or a child of ours that is no member. */
	if (!task)
		return;
	task->counters[part->counter] += part->value;
	task->counters[count + part->counter] += part->enabled;
	task->counters[2 * count + part->counter] += part->running;
	task->ended = part->time;
	if (++task->parts < counters_parts(recorder->counters))
		return;
	write_counters(recorder, part->host_tid, task);
	live_remove(recorder->live, part->host_tid, task);
}

/* Whether it was listed by write_members() already, though it was made after the ring. */
static bool is_listed(const struct recorder *recorder,
		      const struct vprocns_event *event)
{
	struct live_task *const task = live_find(recorder->live, event->host_tid,
						 event->time);

	if (!task || !task->listed || task->tid != event->tid)
		return false;
	/* The next one of these numbers is another task. */
	task->listed = false;
	return true;
}

/* False where there is a line of it already. */
static bool take_new(struct recorder *recorder, const struct vprocns_event *event)
{
	const struct vprocns_event_new *const new = (const void *)event;
	struct live_task *task;

	if (is_listed(recorder, event))
		return false;
	task = live_add(recorder->live, event->host_tid, event->time);
	task->tid = event->tid;
	task->has_lineage = new->has & VPROCNS_EVENT_LINEAGE;
	task->lineage = new->lineage;
	recorder->tasks++;
	return true;
}

static void take_exit(struct recorder *recorder, const struct vprocns_event *event)
{
	struct live_task *const task = live_find(recorder->live, event->host_tid,
						 event->time);

	recorder->exits++;
	if (recorder->top)
		top_add(recorder->top, (const void *)event);
	/* Where it has counters, the last part of these removes it. */
	if (task && !recorder->counters)
		live_remove(recorder->live, event->host_tid, task);
}

/* The number that a thread had before it took over its process. */
static int take_exec(struct recorder *recorder, const struct vprocns_event *event)
{
	const struct vprocns_event_exec *const exec = (const void *)event;
	struct live_task *task;
	int tid;

	if (!exec->old_host_tid)
		return 0;
	task = live_find(recorder->live, exec->old_host_tid, event->time);
	if (!task)
		return 0;
	tid = task->tid;
	live_remove(recorder->live, exec->old_host_tid, task);
	/* Its counters come under its new TID. */
	task = live_add(recorder->live, event->host_tid, event->time);
	task->tid = event->tid;
	task->has_lineage = exec->has & VPROCNS_EVENT_LINEAGE;
	task->lineage = exec->lineage;
	return tid;
}

static void take_event(struct recorder *recorder,
		       const struct vprocns_event *event)
{
	struct json_object *line;
	bool wanted = true;
	int old_tid = 0;

	if (event->lost)
		write_lost(recorder, event->lost);
	/* Host TIDs of 0 are tasks that we can't see. */
	switch (event->host_tid ? event->kind : 0) {
	case VPROCNS_EVENT_BOUND:
		/* Pid 1, which is there already. */
		live_add(recorder->live, event->host_tid, 0)->tid = 1;
		break;
	case VPROCNS_EVENT_NEW:
		wanted = take_new(recorder, event);
		break;
	case VPROCNS_EVENT_EXEC:
		old_tid = take_exec(recorder, event);
		break;
	case VPROCNS_EVENT_EXIT:
		take_exit(recorder, event);
		break;
	}
	line = wanted ? event_line(event, recorder->base, old_tid) : NULL;
	if (line)
		line_write(line, recorder->out);
}

static void take_events(struct recorder *recorder, size_t size)
{
	size_t at;

	for (at = 0; at < size;) {
		const struct vprocns_event *const event =
			(const void *)(recorder->buffer + at);

		take_event(recorder, event);
		at += event->size;
	}
}

bool recorder_look(struct recorder *recorder)
{
	ssize_t size;

	/* What perf says up to here is of tasks that the group has told of. */
	if (recorder->counters)
		counters_mark(recorder->counters);
	while ((size = read(recorder->group, recorder->buffer,
			    recorder->ring_size)) > 0)
		take_events(recorder, size);
	if (!size)
		recorder->ended = true;
	if (recorder->counters)
		counters_read(recorder->counters, take_part, recorder);
	fflush(recorder->out);
	return !recorder->ended;
}

/* What stops a recording; from here on it is read and does nothing else. */
static int stop_signals(void)
{
	sigset_t stops;
	int fd;

	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGHUP);
	sigprocmask(SIG_BLOCK, &stops, NULL);
	fd = signalfd(-1, &stops, SFD_CLOEXEC);
	if (fd < 0)
		fail("signals can't be read: %s", strerror(errno));
	return fd;
}

void recorder_until_end(struct recorder *recorder)
{
	struct pollfd fds[] = {
		{ .fd = recorder->group, .events = POLLIN },
		{ .fd = stop_signals(), .events = POLLIN },
	};

	do
		poll(fds, ARRAY_SIZE(fds), RECORDER_LOOK_MS);
	while (recorder_look(recorder) && !fds[1].revents);
	close(fds[1].fd);
}

void recorder_drain(struct recorder *recorder)
{
	struct pollfd fd = { .fd = recorder->group, .events = POLLIN };

	while (!recorder->ended && poll(&fd, 1, 10000) > 0)
		recorder_look(recorder);
}

/* The group's counters since the recording began. */
static struct vprocns_stats stats_since(const struct recorder *recorder)
{
	struct vprocns_stats stats = group_stats(recorder->group);
	size_t rule;

	stats.clones -= recorder->before.clones;
	stats.threads -= recorder->before.threads;
	stats.joined -= recorder->before.joined;
	stats.kernel_threads -= recorder->before.kernel_threads;
	stats.exits -= recorder->before.exits;
	stats.rewritten -= recorder->before.rewritten;
	stats.collisions -= recorder->before.collisions;
	for (rule = 0; rule < VPROCNS_REFUSED_SLOTS; rule++)
		stats.refused[rule] -= recorder->before.refused[rule];
	return stats;
}

static void write_totals(struct recorder *recorder, int status)
{
	const struct vprocns_stats stats = stats_since(recorder);
	struct json_object *const line = line_new("totals");
	struct json_object *const refused = json_object_new_object();
	struct vprocns_events_stats told = {};
	size_t rule;

	ioctl(recorder->group, VPROCNS_EVENTS_STATS, &told);
	/* At the very end, where no event came to tell of it. */
	if (told.lost > recorder->lost)
		write_lost(recorder, told.lost - recorder->lost);
	line_number(line, "time", recorder_now() - recorder->base);
	if (status != RECORDER_NO_STATUS)
		line_number(line, "status", status);
	line_number(line, "clones", stats.clones);
	line_number(line, "threads", stats.threads);
	line_number(line, "joined", stats.joined);
	line_number(line, "kernel_threads", stats.kernel_threads);
	line_number(line, "exits", stats.exits);
	line_number(line, "rewritten", stats.rewritten);
	line_number(line, "collisions", stats.collisions);
	for (rule = 0; rule < VPROCNS_REFUSED_SLOTS; rule++)
		if (stats.refused[rule] && rule_name(rule))
			line_number(refused, rule_name(rule),
				    stats.refused[rule]);
	line_add(line, "refused", refused);
	line_number(line, "lost", recorder->lost);
	line_write(line, recorder->out);
}

void recorder_close(struct recorder *recorder, int status)
{
	/* Counters of tasks that ended last. */
	if (recorder->counters) {
		counters_mark(recorder->counters);
		counters_read(recorder->counters, take_part, recorder);
		live_each(recorder->live, write_counters, recorder);
	}
	write_totals(recorder, status);
	if (fflush(recorder->out) || ferror(recorder->out))
		fail("%s: the recording can't be written: %s", recorder->path,
		     strerror(errno));
	live_free(recorder->live);
	free(recorder->buffer);
}
