// SPDX-License-Identifier: GPL-2.0
/* `vprocns record`: runs a program in a new group, and keeps what happens in it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"
#include "device.h"
#include "event.h"
#include "launch.h"
#include "live.h"
#include "names.h"
#include "recording.h"
#include "tool.h"

#define RECORD_USAGE							\
	"[-o FILE] [OPTION]... [--] CMD [ARG]...\n"			\
	"\n"								\
	"Runs CMD as 'vprocns run' does, with lineage numbering, and writes to FILE what\n" \
	"happens in the group: each clone, each program, each end of a task and what the\n" \
	"task used, each refusal. See 'vprocns show'.\n"			\
	"\n"								\
	"  --output FILE     or -o: where to write (vprocns.jsonl); - for standard output\n" \
	"  --events LIST     also count these events of perf in each task: names of\n" \
	"                    'perf list' like cycles,instructions,page-faults\n" \
	"  --top N           at the end, show the N tasks with the most CPU time (5)\n" \
	LAUNCH_USAGE							\
	"\n"								\
	"Exit status: as for run; 125 also when the recording can't be written.\n"

#define TOP_MAX		1000
/* Room for the events of some thousand tasks; less where RLIMIT_MEMLOCK says so. */
#define RING_MAX	4194304
#define RING_MIN	65536
/* What is not read yet is lost if we are killed, so we look now and then. */
#define LOOK_NS		200000000L
#define FILE_BUFFER	1048576
/* A run that lasts so long says how far it is. */
#define QUIET_NS	2000000000ULL

/* One of the tasks that ran longest. */
struct heavy {
	int tid;
	int tgid;
	uint64_t runtime;
	uint64_t run_delay;
	uint64_t life;
	char comm[VPROCNS_COMM_LEN];
};

/**
 * struct record - a recording on its way
 * @launch: the program and its group
 * @path: the file, or "-"
 * @out: the same, open
 * @options: those of the command line
 * @group: the group's descriptor, with a ring
 * @buffer: what is read from it; as large as the ring
 * @ring_size: bytes in both
 * @epoll: watches the group and the timer
 * @timer: fires every LOOK_NS
 * @counters: of perf, or NULL
 * @live: tasks by their TID outside
 * @base: when it began, in ns of CLOCK_MONOTONIC
 * @lost: events that are missing so far
 * @tasks: tasks that were made
 * @exits: tasks that ended
 * @ended: the group has ended and everything was read
 * @progress: say how far it is
 * @top: the tasks that ran longest, the longest first
 * @nr_top: how many are there
 * @max_top: how many are wanted
 */
struct record {
	struct launch launch;
	const char *path;
	FILE *out;
	struct json_object *options;
	int group;
	char *buffer;
	size_t ring_size;
	int epoll;
	int timer;
	struct counters *counters;
	struct live *live;
	uint64_t base;
	unsigned long long lost;
	unsigned long long tasks;
	unsigned long long exits;
	bool ended;
	bool progress;
	struct heavy *top;
	size_t nr_top;
	size_t max_top;
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static void read_options(int argc, char **argv, struct record *record,
			 const char **events)
{
	static const struct option options[] = {
		LAUNCH_OPTIONS,
		{ "output", required_argument, NULL, 'o' },
		{ "events", required_argument, NULL, OPT_EVENTS },
		{ "top", required_argument, NULL, OPT_TOP },
		HELP_OPTION
	};
	int option, i;

	/* So that a task has the same number in the next recording. */
	record->launch.create.numbering = VPROCNS_NUMBERING_LINEAGE;
	/* What comes after CMD is CMD's. */
	while ((option = next_option(argc, argv, OPTIONS_FIRST, options)) != -1) {
		if (option == 'o')
			record->path = optarg;
		else if (option == OPT_EVENTS)
			*events = optarg;
		else if (option == OPT_TOP)
			record->max_top = number(optarg, "top", 0, TOP_MAX);
		else
			launch_option(option, optarg, &record->launch);
	}
	launch_arguments(argc, argv, &record->launch);
	record->options = json_object_new_array();
	for (i = 1; argv + i < record->launch.argv; i++)
		if (strcmp(argv[i], "--"))
			json_object_array_add(record->options,
					      text_new(argv[i]));
}

static void open_output(struct record *record)
{
	record->out = strcmp(record->path, "-") ? fopen(record->path, "we") :
						  stdout;
	if (!record->out)
		fail("%s: %s", record->path, strerror(errno));
	setvbuf(record->out, NULL, _IOFBF, FILE_BUFFER);
}

/* As much as the user may lock; the tool reads in time even with a little. */
static void ask_for_events(struct record *record)
{
	struct vprocns_events events = { .size = RING_MAX };

	for (;;) {
		events.wake = events.size / 4;
		if (!ioctl(record->group, VPROCNS_EVENTS, &events))
			break;
		if (errno != ENOMEM)
			fail("the group's events can't be had: %s",
			     strerror(errno));
		events.size /= 2;
		if (events.size < RING_MIN)
			fail("no memory for events: raise 'ulimit -l' to %u or more",
			     RING_MIN / 1024);
	}
	record->ring_size = events.size;
	record->buffer = need(malloc(events.size));
	fcntl(record->group, F_SETFL, O_NONBLOCK);
}

static void watch(struct record *record, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (epoll_ctl(record->epoll, EPOLL_CTL_ADD, fd, &event))
		fail("events can't be waited for: %s", strerror(errno));
}

static void watch_all(struct record *record)
{
	const struct itimerspec often = {
		.it_interval.tv_nsec = LOOK_NS, .it_value.tv_nsec = LOOK_NS,
	};

	record->epoll = epoll_create1(EPOLL_CLOEXEC);
	record->timer = timerfd_create(CLOCK_MONOTONIC,
				       TFD_CLOEXEC | TFD_NONBLOCK);
	if (record->epoll < 0 || record->timer < 0 ||
	    timerfd_settime(record->timer, 0, &often, NULL))
		fail("events can't be waited for: %s", strerror(errno));
	watch(record, record->group);
	watch(record, record->timer);
}

static struct json_object *group_object(const struct record *record)
{
	const struct vprocns_info info = group_info(record->group);
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

static struct json_object *counter_name(const struct record *record, size_t i)
{
	return text_new(counters_name(record->counters, i));
}

static void write_header(struct record *record)
{
	struct json_object *const line = line_new("header");
	struct json_object *array;
	const time_t seconds = time(NULL);
	char text[32];
	char **word;
	size_t i;

	record->base = now();
	line_number(line, "version", RECORDING_VERSION);
	line_text(line, "tool", "vprocns " VERSION);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&seconds));
	line_text(line, "date", text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)record->base);
	line_text(line, "base", text);
	line_add(line, "group", group_object(record));
	line_add(line, "host", host_object());
	array = json_object_new_array();
	for (word = record->launch.argv; *word; word++)
		json_object_array_add(array, text_new(*word));
	line_add(line, "command", array);
	line_add(line, "options", record->options);
	if (record->counters) {
		array = json_object_new_array();
		for (i = 0; i < counters_count(record->counters); i++)
			json_object_array_add(array, counter_name(record, i));
		line_add(line, "events", array);
	}
	line_write(line, record->out);
	/* Whatever happens, there is a file that says what it was to be. */
	fflush(record->out);
}

/* Sorted into the table of those that ran longest, if it is one of them. */
static void rank(struct record *record, const struct vprocns_event_exit *exit)
{
	size_t at = record->nr_top;

	while (at && record->top[at - 1].runtime < exit->runtime)
		at--;
	if (at == record->max_top)
		return;
	if (record->nr_top < record->max_top)
		record->nr_top++;
	memmove(&record->top[at + 1], &record->top[at],
		(record->nr_top - at - 1) * sizeof(*record->top));
	record->top[at] = (struct heavy) {
		.tid = exit->event.tid,
		.tgid = exit->tgid,
		.runtime = exit->runtime,
		.run_delay = exit->run_delay,
		.life = exit->end - exit->start,
	};
	memcpy(record->top[at].comm, exit->comm, sizeof(exit->comm));
}

static void write_lost(struct record *record, uint64_t count)
{
	struct json_object *const line = line_new("lost");

	line_number(line, "count", count);
	line_write(line, record->out);
	record->lost += count;
}

/* What the counters of @task have come to. @data is the recording. */
static void write_counters(void *data, int host_tid, struct live_task *task)
{
	const struct record *const record = data;
	const size_t count = counters_count(record->counters);
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
		line_number(object, counters_name(record->counters, i), value);
	}
	line_number(line, "time", task->ended - record->base);
	line_number(line, "tid", task->tid);
	line_number(line, "host_tid", host_tid);
	if (task->has_lineage)
		event_add_lineage(line, "lineage", task->lineage);
	line_add(line, "counters", object);
	if (scaled)
		line_add(line, "scaled", json_object_new_boolean(true));
	line_write(line, record->out);
}

static void take_part(void *data, const struct counters_part *part)
{
	struct record *const record = data;
	const size_t count = counters_count(record->counters);
	struct live_task *const task = live_find(record->live, part->host_tid,
						 part->time);

	/* Pid 1's maker, or a child of ours that is no member. */
	if (!task)
		return;
	task->counters[part->counter] += part->value;
	task->counters[count + part->counter] += part->enabled;
	task->counters[2 * count + part->counter] += part->running;
	task->ended = part->time;
	if (++task->parts < counters_parts(record->counters))
		return;
	write_counters(record, part->host_tid, task);
	live_remove(record->live, part->host_tid, task);
}

static void take_new(struct record *record, const struct vprocns_event *event)
{
	const struct vprocns_event_new *const new = (const void *)event;
	struct live_task *const task = live_add(record->live, event->host_tid,
						event->time);

	task->tid = event->tid;
	task->has_lineage = new->has & VPROCNS_EVENT_LINEAGE;
	task->lineage = new->lineage;
	record->tasks++;
}

static void take_exit(struct record *record, const struct vprocns_event *event)
{
	struct live_task *const task = live_find(record->live, event->host_tid,
						 event->time);

	record->exits++;
	rank(record, (const void *)event);
	/* Where it has counters, the last part of these removes it. */
	if (task && !record->counters)
		live_remove(record->live, event->host_tid, task);
}

/* The number that a thread had before it took over its process. */
static int take_exec(struct record *record, const struct vprocns_event *event)
{
	const struct vprocns_event_exec *const exec = (const void *)event;
	struct live_task *task;
	int tid;

	if (!exec->old_host_tid)
		return 0;
	task = live_find(record->live, exec->old_host_tid, event->time);
	if (!task)
		return 0;
	tid = task->tid;
	live_remove(record->live, exec->old_host_tid, task);
	/* Its counters come under its new TID. */
	task = live_add(record->live, event->host_tid, event->time);
	task->tid = event->tid;
	task->has_lineage = exec->has & VPROCNS_EVENT_LINEAGE;
	task->lineage = exec->lineage;
	return tid;
}

static void take_event(struct record *record, const struct vprocns_event *event)
{
	struct json_object *line;
	int old_tid = 0;

	if (event->lost)
		write_lost(record, event->lost);
	/* Host TIDs of 0 are tasks that we can't see. */
	switch (event->host_tid ? event->kind : 0) {
	case VPROCNS_EVENT_BOUND:
		/* Pid 1, which is there already. */
		live_add(record->live, event->host_tid, 0)->tid = 1;
		break;
	case VPROCNS_EVENT_NEW:
		take_new(record, event);
		break;
	case VPROCNS_EVENT_EXEC:
		old_tid = take_exec(record, event);
		break;
	case VPROCNS_EVENT_EXIT:
		take_exit(record, event);
		break;
	}
	line = event_line(event, record->base, old_tid);
	if (line)
		line_write(line, record->out);
}

static void take_events(struct record *record, size_t size)
{
	size_t at;

	for (at = 0; at < size;) {
		const struct vprocns_event *const event =
			(const void *)(record->buffer + at);

		take_event(record, event);
		at += event->size;
	}
}

/* Reads what is there. */
static void look(struct record *record)
{
	ssize_t size;

	/* What perf says up to here is of tasks that the group has told of. */
	if (record->counters)
		counters_mark(record->counters);
	while ((size = read(record->group, record->buffer,
			    record->ring_size)) > 0)
		take_events(record, size);
	if (!size)
		record->ended = true;
	if (record->counters)
		counters_read(record->counters, take_part, record);
	fflush(record->out);
}

static void say_progress(const struct record *record)
{
	const unsigned long long ns = now() - record->base;

	if (record->progress && ns > QUIET_NS)
		fprintf(stderr, "\r%llu s, %llu tasks, %llu alive\033[K",
			ns / 1000000000, record->tasks,
			record->tasks + 1 - record->exits);
}

/* launch_program() calls it. */
static bool ready(void *data)
{
	struct record *const record = data;
	uint64_t times;

	look(record);
	if (read(record->timer, &times, sizeof(times)) > 0)
		say_progress(record);
	return !record->ended;
}

/* Pid 1 is gone, so the group ends at once, and has told everything then. */
static void read_to_the_end(struct record *record)
{
	struct pollfd fd = { .fd = record->group, .events = POLLIN };

	while (!record->ended && poll(&fd, 1, 10000) > 0)
		look(record);
	/* Counters of tasks that ended last. */
	if (record->counters) {
		counters_mark(record->counters);
		counters_read(record->counters, take_part, record);
		live_each(record->live, write_counters, record);
	}
	if (record->progress)
		fputs("\r\033[K", stderr);
}

static void write_totals(struct record *record, int status)
{
	const struct vprocns_stats stats = group_stats(record->group);
	struct json_object *const line = line_new("totals");
	struct json_object *const refused = json_object_new_object();
	struct vprocns_events_stats told = {};
	size_t rule;

	ioctl(record->group, VPROCNS_EVENTS_STATS, &told);
	/* At the very end, where no event came to tell of it. */
	if (told.lost > record->lost)
		write_lost(record, told.lost - record->lost);
	line_number(line, "time", now() - record->base);
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
	line_number(line, "lost", record->lost);
	line_write(line, record->out);
}

static void print_top(const struct record *record)
{
	size_t i;

	if (!record->nr_top)
		return;
	fprintf(stderr, "%8s %8s %10s %10s %10s  %s\n", "TID", "TGID", "CPU-MS",
		"WAITED-MS", "LIFE-MS", "COMMAND");
	for (i = 0; i < record->nr_top; i++) {
		const struct heavy *const task = &record->top[i];

		fprintf(stderr, "%8d %8d %10.1f %10.1f %10.1f  %s\n", task->tid,
			task->tgid, task->runtime / 1e6, task->run_delay / 1e6,
			task->life / 1e6, task->comm);
	}
}

static void say_end(const struct record *record)
{
	print_top(record);
	complain("%llu tasks in %.1f s: %s", record->exits,
		 (now() - record->base) / 1e9,
		 strcmp(record->path, "-") ? record->path : "standard output");
	if (record->lost)
		complain("%llu events were lost: the machine was too busy to keep them, and 'ulimit -l' bounds what can wait",
			 record->lost);
	if (record->counters && counters_lost(record->counters))
		complain("%llu counters of tasks were lost: count fewer events",
			 counters_lost(record->counters));
}

static int record_main(int argc, char **argv)
{
	struct record record = { .path = "vprocns.jsonl", .max_top = 5 };
	struct launch_watch launch_watch = { .ready = ready, .data = &record };
	const char *events = NULL;
	int status;

	read_options(argc, argv, &record, &events);
	record.top = need(calloc(record.max_top + 1, sizeof(*record.top)));
	record.group = launch_group(&record.launch);
	launch_as_sudo_user(&record.launch, record.group);
	ask_for_events(&record);
	if (events)
		record.counters = counters_start(events);
	/* The counts, and for how long each was to count and did. */
	record.live = live_new(3 * counters_count(record.counters));
	open_output(&record);
	watch_all(&record);
	record.progress = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO) &&
			  !record.launch.quiet;
	write_header(&record);
	launch_watch.fd = record.epoll;
	status = launch_program(&record.launch, record.group, &launch_watch);
	read_to_the_end(&record);
	write_totals(&record, status);
	if (fflush(record.out) || ferror(record.out))
		fail("%s: the recording can't be written: %s", record.path,
		     strerror(errno));
	if (!record.launch.quiet)
		say_end(&record);
	if (record.counters)
		counters_stop(record.counters);
	live_free(record.live);
	free(record.buffer);
	free(record.top);
	launch_tell(&record.launch, record.group);
	return relay_leave(&record.launch.relay);
}

const struct command record_command = {
	.name = "record",
	.summary = "run a program in a new group and keep what happens",
	.usage = RECORD_USAGE,
	.main = record_main,
	.failure = EXIT_OWN_FAILURE,
	.misuse = EXIT_OWN_FAILURE,
};
