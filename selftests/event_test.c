// SPDX-License-Identifier: GPL-2.0
/*
 * Events by a group's descriptor: what they say of a program, and what becomes of
 * them when a reader is slow, gone, killed, in another namespace, or not alone.
 * COUNT is how many threads the storm has.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/resource.h>

#include "common.h"

FIXTURE_VARIANT_ADD(group, sequential) { {} };

FIXTURE(family) {
	int group;
	__u64 id;
};

FIXTURE_VARIANT(family) {
	struct vprocns_create create;
};

FIXTURE_SETUP(family)
{
	self->group = make_group(&variant->create);
	ASSERT_LE(0, self->group);
	self->id = get_info(self->group).id;
}

FIXTURE_TEARDOWN(family)
{
	close(self->group);
	EXPECT_TRUE(group_goes(self->id));
}

FIXTURE_VARIANT_ADD(family, sequential) { {} };
FIXTURE_VARIANT_ADD(family, lineage) {
	{ .numbering = VPROCNS_NUMBERING_LINEAGE, .seed = 7 }
};

#define ROOM	65536

static int want_events(int group, unsigned int size, unsigned int wake)
{
	struct vprocns_events events = { .size = size, .wake = wake };

	return call(group, VPROCNS_EVENTS, &events);
}

static struct vprocns_events_stats events_stats(int group)
{
	struct vprocns_events_stats stats;

	if (ioctl(group, VPROCNS_EVENTS_STATS, &stats)) {
		perror("VPROCNS_EVENTS_STATS");
		exit(1);
	}
	return stats;
}

static ssize_t read_raw(int group, void *to, size_t size)
{
	const ssize_t ret = read(group, to, size);

	return ret < 0 ? -errno : ret;
}

static void set_nonblock(int group, bool on)
{
	const int flags = fcntl(group, F_GETFL);

	fcntl(group, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

/* Another descriptor of the same group. */
static int open_again(__u64 id)
{
	struct vprocns_open open = { .id = id };
	const int device = open_device();
	const int group = call(device, VPROCNS_OPEN, &open);

	close(device);
	return group;
}

static int poll_for(int group, int milliseconds)
{
	struct pollfd fd = { .fd = group, .events = POLLIN };

	return poll(&fd, 1, milliseconds) < 0 ? -errno : fd.revents;
}

/* All that a reader got. */
struct story {
	char *bytes;
	size_t size;
	__u64 records;
	__u64 lost;
	/* Something was no whole record. */
	bool torn;
};

static const struct vprocns_event *next_event(const struct story *story,
					      const struct vprocns_event *last)
{
	const char *const at = last ? (char *)last + last->size : story->bytes;

	return at < story->bytes + story->size ? (void *)at : NULL;
}

static void add_to(struct story *story, const char *bytes, size_t size)
{
	const struct vprocns_event *event;
	size_t at;

	for (at = 0; at < size; at += event->size) {
		event = (const void *)(bytes + at);
		if (size - at < sizeof(*event) || event->size < sizeof(*event) ||
		    event->size % 8 || event->size > size - at) {
			story->torn = true;
			return;
		}
		story->records++;
		story->lost += event->lost;
	}
	story->bytes = realloc(story->bytes, story->size + size);
	memcpy(story->bytes + story->size, bytes, size);
	story->size += size;
}

/* Reads to the end of the group, or while there is something. */
static struct story read_story(int group)
{
	static _Thread_local char buffer[ROOM];
	struct story story = {};
	ssize_t size;

	while ((size = read(group, buffer, sizeof(buffer))) > 0)
		add_to(&story, buffer, size);
	return story;
}

static const struct vprocns_event *find(const struct story *story, int kind,
					int tid)
{
	const struct vprocns_event *event = NULL;

	while ((event = next_event(story, event)))
		if (event->kind == kind && event->tid == tid)
			return event;
	return NULL;
}

/* What a record has no bit for is 0, and each ns of a task is the user's or the system's. */
static bool is_whole(const struct vprocns_event *event)
{
	const struct vprocns_event_exit *const exit = (const void *)event;
	const struct vprocns_event_new *const new = (const void *)event;

	switch (event->kind) {
	case VPROCNS_EVENT_NEW:
		return !new->reserved &&
		       (new->has & VPROCNS_EVENT_LINEAGE ||
			!(new->lineage | new->cloner_lineage | new->ordinal));
	case VPROCNS_EVENT_EXIT:
		return !exit->reserved &&
		       (exit->has & VPROCNS_EVENT_LINEAGE || !exit->lineage) &&
		       (exit->has & VPROCNS_EVENT_MAXRSS || !exit->maxrss) &&
		       (exit->has & VPROCNS_EVENT_RUN_DELAY || !exit->run_delay) &&
		       exit->utime + exit->stime == exit->runtime;
	default:
		return true;
	}
}

static unsigned int count_whole(const struct story *story)
{
	const struct vprocns_event *event = NULL;
	unsigned int whole = 0;

	while ((event = next_event(story, event)))
		whole += is_whole(event);
	return whole;
}

static const struct vprocns_event_new *find_new(const struct story *story,
						int ordinal)
{
	const struct vprocns_event *event = NULL;

	while ((event = next_event(story, event)))
		if (event->kind == VPROCNS_EVENT_NEW && !--ordinal)
			break;
	return (const void *)event;
}

static unsigned int count(const struct story *story, int kind)
{
	const struct vprocns_event *event = NULL;
	unsigned int sum = 0;

	while ((event = next_event(story, event)))
		sum += event->kind == kind;
	return sum;
}

TEST_F(group, arguments)
{
	EXPECT_EQ(-EINVAL, read_raw(self->group, &self->id, 8));
	EXPECT_EQ(-EINVAL, call(self->group, VPROCNS_EVENTS_STATS,
				&(struct vprocns_events_stats) {}));
	EXPECT_EQ(-EINVAL, want_events(self->group, 0, 0));
	EXPECT_EQ(-EINVAL, want_events(self->group, 2048, 0));
	EXPECT_EQ(-EINVAL, want_events(self->group, 4097, 0));
	EXPECT_EQ(-EINVAL, want_events(self->group, 12288, 0));
	EXPECT_EQ(-EINVAL, want_events(self->group, 2 * VPROCNS_EVENTS_MAX, 0));
	EXPECT_EQ(-EINVAL, want_events(self->group, 1U << 31, 0));
	EXPECT_EQ(-EINVAL, want_events(self->group, 4096, 4097));
	EXPECT_EQ(-EFAULT, call(self->group, VPROCNS_EVENTS, NULL));
	EXPECT_EQ(0, want_events(self->group, 4096, 4096));
	EXPECT_EQ(-EBUSY, want_events(self->group, 4096, 0));
	EXPECT_EQ(4096, events_stats(self->group).size);
	EXPECT_EQ(-EFAULT, call(self->group, VPROCNS_EVENTS_STATS, NULL));
	set_nonblock(self->group, true);
	EXPECT_EQ(-EAGAIN, read_raw(self->group, &self->id, 8));
	EXPECT_EQ(-EAGAIN, read_raw(self->group, NULL, 0));
	EXPECT_EQ(0, poll_for(self->group, 0));
}

TEST_F(group, readers_have_a_limit)
{
	int groups[VPROCNS_EVENTS_READERS];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		groups[i] = open_again(self->id);
		EXPECT_EQ(0, want_events(groups[i], 4096, 0));
	}
	EXPECT_EQ(-ENOSPC, want_events(self->group, 4096, 0));
	close(groups[0]);
	EXPECT_EQ(0, want_events(self->group, 4096, 0));
	for (i = 1; i < ARRAY_SIZE(groups); i++)
		close(groups[i]);
}

/* The memory counts as locked, as long as the descriptor is there. */
static int spend_limit(int group)
{
	const struct rlimit limit = { 1 << 20, 1 << 20 };

	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		return -EDOM;
	return want_events(group, 1 << 21, 0) == -ENOMEM ?
	       want_events(group, 1 << 20, 0) : -EDOM;
}

static long locked_kib(void)
{
	FILE *const file = fopen("/proc/self/status", "re");
	char line[128];
	long kib = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmLck: %ld", &kib) == 1)
			break;
	fclose(file);
	return kib;
}

TEST_F(group, memory_is_charged)
{
	const int again = open_again(self->id);

	EXPECT_EQ(0, as_nobody(spend_limit, self->group));
	EXPECT_EQ(0, locked_kib());
	EXPECT_EQ(0, want_events(again, 1 << 20, 0));
	EXPECT_EQ(1024, locked_kib());
	EXPECT_EQ(-EBUSY, want_events(again, 1 << 20, 0));
	EXPECT_EQ(1024, locked_kib());
	close(again);
	EXPECT_EQ(0, locked_kib());
}

/* Executes @path, and is not seen to fail. */
static pid_t execute(const char *path, const char *word)
{
	const pid_t pid = fork();

	if (!pid) {
		execl(path, path, "-c", word, NULL);
		_exit(127);
	}
	return pid;
}

/* A process, a thread, a program, and what is refused. */
static void be_family(void)
{
	spend_number();
	make_thread();
	status_of(execute("/bin/sh", "exit 7"));
	sys_clone(CLONE_NEWPID | SIGCHLD);
	if (unshare(CLONE_NEWUSER) != -1)
		_exit(1);
	/* A child that a signal ends. */
	end_namespace(sleeper());
	_exit(0);
}

TEST_F(family, tells_all)
{
	const bool by_lineage =
		variant->create.numbering == VPROCNS_NUMBERING_LINEAGE;
	const struct vprocns_event_new *new, *first;
	const struct vprocns_event_refused *refused;
	const struct vprocns_event_exit *exit;
	const struct vprocns_event_exec *exec;
	const struct vprocns_event *event;
	struct vprocns_stats stats;
	struct story story;
	__u64 time = 0;
	pid_t init;

	ASSERT_EQ(0, want_events(self->group, ROOM, 0));
	init = enter_group(self->group);
	ASSERT_LE(0, init);
	if (!init)
		be_family();
	story = read_story(self->group);
	EXPECT_EQ(0, status_of(init));
	ASSERT_FALSE(story.torn);
	EXPECT_EQ(0, story.lost);
	EXPECT_EQ(story.records, count_whole(&story));
	stats = get_stats(self->group);
	EXPECT_EQ(stats.clones, count(&story, VPROCNS_EVENT_NEW));
	EXPECT_EQ(stats.exits, count(&story, VPROCNS_EVENT_EXIT));
	EXPECT_EQ(refusals(&stats), count(&story, VPROCNS_EVENT_REFUSED));
	EXPECT_EQ(story.records, events_stats(self->group).told);
	EXPECT_EQ(0, events_stats(self->group).queued);

	/* The bind first, the end last; times of one task's events ascend. */
	event = next_event(&story, NULL);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(VPROCNS_EVENT_BOUND, event->kind);
	EXPECT_EQ(init, event->host_tid);
	EXPECT_EQ(get_info(self->group).ns_inum,
		  ((const struct vprocns_event_bound *)event)->ns_inum);
	for (; next_event(&story, event); event = next_event(&story, event)) {
		if (event->tid == FIRST) {
			EXPECT_LE(time, event->time);
			time = event->time;
		}
	}
	EXPECT_EQ(VPROCNS_EVENT_ENDED, event->kind);

	/* The first program. */
	first = find_new(&story, 1);
	ASSERT_NE(NULL, first);
	EXPECT_EQ(FIRST, first->event.tid);
	EXPECT_EQ(FIRST, first->tgid);
	EXPECT_EQ(1, first->cloner);
	EXPECT_EQ(0, first->joined);
	EXPECT_NE(0, first->event.host_tid);
	EXPECT_EQ(first->event.host_tid, first->host_tgid);
	EXPECT_TRUE(first->has & VPROCNS_EVENT_FLAGS);
	EXPECT_EQ(0, first->flags & CLONE_VM);
	EXPECT_EQ(by_lineage, !!(first->has & VPROCNS_EVENT_LINEAGE));
	EXPECT_EQ(by_lineage ? -3ULL : 0, first->cloner_lineage);
	EXPECT_EQ(by_lineage, first->ordinal);

	/* The thread is its second child, the program the third. */
	new = find_new(&story, 3);
	ASSERT_NE(NULL, new);
	EXPECT_EQ(FIRST, new->tgid);
	EXPECT_EQ(FIRST, new->cloner);
	EXPECT_TRUE(new->flags & CLONE_THREAD);
	EXPECT_EQ(by_lineage ? 2 : 0, new->ordinal);
	EXPECT_EQ(0, new->cloner_lineage);
	EXPECT_EQ(first->event.host_tid, new->host_tgid);
	EXPECT_STREQ(first->comm, new->comm);
	new = find_new(&story, 4);
	ASSERT_NE(NULL, new);
	exec = (const void *)find(&story, VPROCNS_EVENT_EXEC, new->event.tid);
	ASSERT_NE(NULL, exec);
	EXPECT_STREQ("sh", exec->comm);
	EXPECT_STREQ("/bin/sh", (const char *)exec + exec->filename);
	EXPECT_EQ(0, exec->old_host_tid);
	EXPECT_EQ(new->lineage, exec->lineage);
	EXPECT_EQ(new->event.host_tid, exec->event.host_tid);
	exit = (const void *)find(&story, VPROCNS_EVENT_EXIT, new->event.tid);
	ASSERT_NE(NULL, exit);
	EXPECT_EQ(7 << 8, exit->status);
	EXPECT_EQ(new->lineage, exit->lineage);
	EXPECT_STREQ("sh", exit->comm);
	new = find_new(&story, 5);
	ASSERT_NE(NULL, new);
	exit = (const void *)find(&story, VPROCNS_EVENT_EXIT, new->event.tid);
	ASSERT_NE(NULL, exit);
	EXPECT_EQ(SIGKILL, exit->status);

	refused = (const void *)find(&story, VPROCNS_EVENT_REFUSED, FIRST);
	ASSERT_NE(NULL, refused);
	EXPECT_EQ(VPROCNS_CALL_CLONE, refused->call);
	EXPECT_EQ(VPROCNS_RULE_UNSUPPORTED_FLAG, refused->rule);
	EXPECT_EQ(EOPNOTSUPP, refused->err);
	EXPECT_EQ(CLONE_NEWPID, refused->flags);
	EXPECT_EQ(SIGCHLD, refused->exit_signal);
	free(story.bytes);
}

static void burn(unsigned int milliseconds)
{
	struct timespec now;

	do {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < milliseconds);
}

#define PAGES	256

/* Writes, touches and runs for a while; says what getrusage() says. */
static int use_much(struct rusage *own)
{
	static char page[4096];
	char *memory;
	int fd, i;

	memory = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(memory, PAGES * 4096, MADV_NOHUGEPAGE);
	fd = memfd_create("x", MFD_CLOEXEC);
	for (i = 0; i < PAGES; i++) {
		memory[i * 4096] = 1;
		if (write(fd, page, sizeof(page)) != sizeof(page))
			return 1;
	}
	/* Long enough to sleep for on a busy machine, too. */
	for (i = 0; i < 20; i++)
		usleep(2000);
	burn(50);
	return getrusage(RUSAGE_SELF, own) ? 1 : 0;
}

static __u64 nanoseconds(struct timeval time)
{
	return time.tv_sec * 1000000000ULL + time.tv_usec * 1000ULL;
}

TEST_F(family, exit_has_what_was_used)
{
	struct rusage *const own = shared_memory(sizeof(*own));
	const struct vprocns_event_exit *exit;
	struct timespec now;
	struct story story;
	pid_t init;

	ASSERT_EQ(0, want_events(self->group, ROOM, 0));
	init = enter_group(self->group);
	ASSERT_LE(0, init);
	if (!init)
		_exit(use_much(own));
	EXPECT_EQ(0, status_of(init));
	story = read_story(self->group);
	clock_gettime(CLOCK_MONOTONIC, &now);
	exit = (const void *)find(&story, VPROCNS_EVENT_EXIT, FIRST);
	ASSERT_NE(NULL, exit);
	EXPECT_EQ(0, exit->status);
	EXPECT_LT(exit->start, exit->end);
	EXPECT_EQ(find(&story, VPROCNS_EVENT_NEW, FIRST)->time, exit->start);
	EXPECT_EQ(exit->event.time, exit->end);
	EXPECT_LE(exit->end, now.tv_sec * 1000000000ULL + now.tv_nsec);
	EXPECT_LE(50 * 1000000ULL, exit->runtime);
	/* The clock of the run queue is not that of the end; emulated, they drift apart. */
	EXPECT_LE(exit->runtime - exit->runtime / 20, exit->end - exit->start);
	EXPECT_LE(exit->utime + exit->stime, exit->runtime);
	EXPECT_LT(exit->runtime - exit->runtime / 50, exit->utime + exit->stime);
	/* Divided as getrusage(2) does; a tick after it shifts that a little. */
	EXPECT_LE(nanoseconds(own->ru_utime) * 4 / 5, exit->utime);
	EXPECT_LE(nanoseconds(own->ru_stime) * 4 / 5, exit->stime);
	EXPECT_LE((__u64)own->ru_minflt, exit->min_flt);
	EXPECT_GT((__u64)own->ru_minflt + 50, exit->min_flt);
	EXPECT_LE((__u64)own->ru_nvcsw, exit->nvcsw);
	EXPECT_LE(10, exit->nvcsw);
	EXPECT_LE(PAGES * 4, exit->maxrss);
	EXPECT_LE((__u64)own->ru_maxrss, exit->maxrss);
	EXPECT_GE((__u64)own->ru_maxrss + 1024, exit->maxrss);
	EXPECT_TRUE(exit->has & VPROCNS_EVENT_MAXRSS);
	if (exit->has & VPROCNS_EVENT_CHARS)
		EXPECT_LE(PAGES * 4096, exit->wchar);
	if (!(exit->has & VPROCNS_EVENT_RUN_DELAY))
		EXPECT_EQ(0, exit->run_delay);
	free(story.bytes);
}

/*
 * Most tasks end before a tick has seen them: all that they ran is the user's then. Of
 * those that run for half a tick of 4 ms no more than half are seen; slow kernels have none.
 */
TEST_F(family, a_short_run_is_the_users)
{
	const struct vprocns_event_exit *exit;
	const struct vprocns_event *event = NULL;
	int users = 0, brief = 0, i;
	struct story story;
	pid_t init;

	ASSERT_EQ(0, want_events(self->group, ROOM, 0));
	init = enter_group(self->group);
	ASSERT_LE(0, init);
	if (!init) {
		for (i = 0; i < 50; i++)
			spend_number();
		_exit(0);
	}
	EXPECT_EQ(0, status_of(init));
	story = read_story(self->group);
	while ((event = next_event(&story, event))) {
		exit = (const void *)event;
		if (event->kind != VPROCNS_EVENT_EXIT || exit->runtime > 2000000)
			continue;
		brief++;
		users += !exit->stime && exit->utime == exit->runtime;
	}
	TH_LOG("%d of %d that ran for less than 2 ms were seen by no tick", users, brief);
	EXPECT_LE(brief / 4, users);
	free(story.bytes);
}

static void *exec_from_thread(void *arg)
{
	(void)arg;
	execl("/bin/true", "true", NULL);
	return NULL;
}

TEST_F(family, a_thread_execs)
{
	const struct vprocns_event_exec *exec;
	const struct vprocns_event_new *thread;
	struct story story;
	pthread_t other;
	pid_t init;

	ASSERT_EQ(0, want_events(self->group, ROOM, 0));
	init = enter_group(self->group);
	ASSERT_LE(0, init);
	if (!init) {
		pthread_create(&other, NULL, exec_from_thread, NULL);
		pthread_join(other, NULL);
		_exit(1);
	}
	EXPECT_EQ(0, status_of(init));
	story = read_story(self->group);
	thread = find_new(&story, 2);
	exec = (const void *)find(&story, VPROCNS_EVENT_EXEC, FIRST);
	ASSERT_NE(NULL, thread);
	ASSERT_NE(NULL, exec);
	EXPECT_EQ(thread->event.host_tid, exec->old_host_tid);
	EXPECT_EQ(thread->host_tgid, exec->event.host_tid);
	/* The process goes on, so it has the process's. */
	EXPECT_EQ(0, exec->lineage);
	free(story.bytes);
}

TEST_F(group, rewritten_and_capset)
{
	const struct vprocns_create strict = {
		.profile = VPROCNS_PROFILE_SHADOW_STRICT,
	};
	const struct vprocns_event_capset_refused *capset;
	const struct vprocns_event_rewritten *rewritten;
	const int group = make_group(&strict);
	const __u64 id = get_info(group).id;
	struct story story;
	pid_t init;

	ASSERT_EQ(0, want_events(group, ROOM, 0));
	init = enter_group(group);
	ASSERT_LE(0, init);
	if (!init) {
		const __u32 header[2] = { 0x20080522 };
		const __u32 none[6] = {}, some[6] = { 1, 1, 1 };

		status_of(sys_clone(CLONE_VFORK | CLONE_VM | SIGCHLD));
		/* Who has none can only ask for none. */
		_exit(syscall(SYS_capset, header, none) ||
		      !syscall(SYS_capset, header, some));
	}
	EXPECT_EQ(0, status_of(init));
	story = read_story(group);
	rewritten = (const void *)find(&story, VPROCNS_EVENT_REWRITTEN, FIRST);
	capset = (const void *)find(&story, VPROCNS_EVENT_CAPSET_REFUSED, FIRST);
	ASSERT_NE(NULL, rewritten);
	EXPECT_EQ(CLONE_VFORK | CLONE_VM, rewritten->asked);
	EXPECT_EQ(0, rewritten->flags);
	ASSERT_NE(NULL, capset);
	EXPECT_EQ(EINVAL, capset->err);
	free(story.bytes);
	close(group);
	EXPECT_TRUE(group_goes(id));
}

/* A group whose program does @what; the ring is full of it. Returns when it ended. */
static void spend_numbers(struct __test_metadata *_metadata, int group,
			  unsigned int how_many)
{
	const pid_t init = enter_group(group);

	ASSERT_LE(0, init);
	if (!init) {
		while (how_many--)
			spend_number();
		_exit(0);
	}
	EXPECT_EQ(0, status_of(init));
	EXPECT_TRUE(EVENTUALLY(poll_for(group, 0) & POLLHUP));
}

TEST_F(group, records_stay_whole)
{
	char *const two = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct story story = {};
	char buffer[4096];
	ssize_t size;

	ASSERT_EQ(0, want_events(self->group, ROOM, 0));
	spend_numbers(_metadata, self->group, 3);
	EXPECT_EQ(-EINVAL, read_raw(self->group, buffer, 0));
	EXPECT_EQ(-EINVAL, read_raw(self->group, buffer, 31));
	/* What can't be written is not consumed. */
	ASSERT_EQ(0, mprotect(two + 4096, 4096, PROT_NONE));
	EXPECT_EQ(-EFAULT, read_raw(self->group, two + 4096 - 16, 4096));
	EXPECT_EQ(-EFAULT, read_raw(self->group, two + 4096, 4096));
	/* Exactly one, and one that the room for two does not split. */
	EXPECT_EQ(32, read_raw(self->group, buffer, 32));
	add_to(&story, buffer, 32);
	size = read_raw(self->group, buffer, 2 * sizeof(struct vprocns_event_new) - 8);
	EXPECT_EQ(sizeof(struct vprocns_event_new), size);
	add_to(&story, buffer, size);
	while ((size = read_raw(self->group, buffer, 300)) > 0)
		add_to(&story, buffer, size);
	EXPECT_EQ(0, size);
	EXPECT_FALSE(story.torn);
	EXPECT_EQ(story.records, events_stats(self->group).told);
	/* bound, 4 new, 5 exits with pid 1, ended */
	EXPECT_EQ(11, story.records);
	EXPECT_EQ(POLLHUP, poll_for(self->group, 0));
	free(story.bytes);
}

TEST_F(group, what_is_lost_is_counted)
{
	struct vprocns_events_stats stats;
	struct story story;

	ASSERT_EQ(0, want_events(self->group, VPROCNS_EVENTS_MIN, 0));
	spend_numbers(_metadata, self->group, 200);
	stats = events_stats(self->group);
	/* bound, 201 new, 202 exits, ended */
	EXPECT_EQ(405, stats.told + stats.lost);
	EXPECT_LT(300, stats.lost);
	EXPECT_LT(VPROCNS_EVENTS_MIN - 184, stats.queued);
	story = read_story(self->group);
	EXPECT_FALSE(story.torn);
	EXPECT_EQ(stats.told, story.records);
	EXPECT_NE(NULL, find(&story, VPROCNS_EVENT_NEW, FIRST));
	free(story.bytes);
}

/*
 * A reader that comes now and then: what it has and what it is told of add up. Each place
 * of the ring has been others' before.
 */
TEST_F(group, gaps_are_told_where_they_are)
{
	struct story story = {};
	char buffer[1024];
	ssize_t size;
	pid_t init;

	ASSERT_EQ(0, want_events(self->group, VPROCNS_EVENTS_MIN, 0));
	init = enter_group(self->group);
	ASSERT_LE(0, init);
	if (!init) {
		unsigned int i;

		for (i = 0; i < 200; i++)
			spend_number();
		_exit(0);
	}
	do {
		const __u64 lost = events_stats(self->group).lost;

		/* Not before some more are lost, or it ends. */
		EXPECT_TRUE(EVENTUALLY(events_stats(self->group).lost > lost ||
				       poll_for(self->group, 0) & POLLHUP));
		size = read_raw(self->group, buffer, sizeof(buffer));
		if (size > 0)
			add_to(&story, buffer, size);
	} while (size > 0);
	EXPECT_EQ(0, size);
	EXPECT_EQ(0, status_of(init));
	EXPECT_FALSE(story.torn);
	EXPECT_EQ(events_stats(self->group).told, story.records);
	EXPECT_EQ(405, story.records + events_stats(self->group).lost);
	EXPECT_LE(story.lost, events_stats(self->group).lost);
	EXPECT_LT(0, story.lost);
	EXPECT_EQ(story.records, count_whole(&story));
	free(story.bytes);
}

struct reader {
	int group;
	struct story story;
};

static void *read_all(void *arg)
{
	struct reader *const reader = arg;

	reader->story = read_story(reader->group);
	return NULL;
}

/* Each with a ring of its own has everything. */
TEST_F(group, two_readers)
{
	const int again = open_again(self->id);
	struct story one, other;

	ASSERT_EQ(0, want_events(self->group, ROOM, 0));
	ASSERT_EQ(0, want_events(again, ROOM, 0));
	spend_numbers(_metadata, self->group, 20);
	one = read_story(self->group);
	other = read_story(again);
	EXPECT_EQ(45, one.records);
	ASSERT_EQ(one.size, other.size);
	EXPECT_EQ(0, memcmp(one.bytes, other.bytes, one.size));
	free(one.bytes);
	free(other.bytes);
	close(again);
}

/* Two that share a descriptor share its records. */
TEST_F(group, one_ring_for_two)
{
	struct reader readers[2] = {};
	pthread_t threads[2];
	int i;

	ASSERT_EQ(0, want_events(self->group, ROOM, 0));
	for (i = 0; i < 2; i++) {
		readers[i].group = self->group;
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, read_all,
					    &readers[i]));
	}
	spend_numbers(_metadata, self->group, 50);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(105, readers[0].story.records + readers[1].story.records);
	EXPECT_FALSE(readers[0].story.torn || readers[1].story.torn);
	for (i = 0; i < 2; i++)
		free(readers[i].story.bytes);
}

/* The ring outlives who asked for it: the descriptor is somebody else's as well. */
TEST_F(group, forked_reader)
{
	const pid_t maker = fork();
	struct story story;

	if (!maker)
		_exit(-want_events(self->group, ROOM, 0));
	EXPECT_EQ(0, status_of(maker));
	spend_numbers(_metadata, self->group, 5);
	story = read_story(self->group);
	EXPECT_EQ(15, story.records);
	free(story.bytes);
}

/* A reader that is killed while it waits is gone, and members never knew it. */
TEST_F(group, killed_reader)
{
	const pid_t reader = fork();
	int i;

	if (!reader) {
		const int again = open_again(self->id);
		char buffer[4096];

		if (want_events(again, 4096, 0))
			_exit(1);
		close(self->group);
		while (read(again, buffer, sizeof(buffer)) > 0)
			;
		_exit(2);
	}
	usleep(50000);
	kill(reader, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, status_of(reader));
	/* All places are free again. */
	for (i = 0; i < VPROCNS_EVENTS_READERS; i++) {
		const int again = open_again(self->id);

		EXPECT_EQ(0, want_events(again, 4096, 0));
		close(again);
	}
	spend_numbers(_metadata, self->group, 5);
}

/* The letter of /proc/PID/stat; the name before it has no space. */
static char state_of(pid_t pid)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%*d %*s %c", &state) != 1)
		state = 0;
	if (file)
		fclose(file);
	return state;
}

TEST_F(group, wakes_at_the_mark)
{
	const unsigned int wake = 40 * sizeof(struct vprocns_event_new);
	int woken[2], go[2], i;
	pid_t init, waiter;
	char byte;

	ASSERT_EQ(0, want_events(self->group, ROOM, wake));
	ASSERT_EQ(0, pipe(woken) || pipe(go));
	waiter = fork();
	ASSERT_LE(0, waiter);
	if (!waiter) {
		poll_for(self->group, -1);
		_exit(write(woken[1], "", 1) != 1);
	}
	/* What is there already would keep it from sleeping. */
	usleep(100000 * patience());
	ASSERT_TRUE(EVENTUALLY(state_of(waiter) == 'S'));
	init = enter_group(self->group);
	ASSERT_LE(0, init);
	if (!init) {
		/* Below the mark, a pause, and beyond it. */
		spend_number();
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		for (i = 0; i < 60; i++)
			spend_number();
		sleep(600);
		_exit(0);
	}
	/* It is not woken for what comes first; who looks sees that. */
	EXPECT_TRUE(EVENTUALLY(events_stats(self->group).queued > 400));
	EXPECT_EQ(POLLIN, poll_for(self->group, 0));
	usleep(100000 * patience());
	EXPECT_EQ(0, poll_for(woken[0], 0));
	EXPECT_GT(wake, events_stats(self->group).queued);
	EXPECT_EQ(1, write(go[1], "", 1));
	EXPECT_EQ(POLLIN, poll_for(woken[0], 20000 * patience()));
	EXPECT_LE(wake, events_stats(self->group).queued);
	EXPECT_EQ(0, status_of(waiter));
	/* The end wakes as well. */
	set_nonblock(self->group, false);
	kill(init, SIGKILL);
	status_of(init);
	free(read_story(self->group).bytes);
}

TEST_F(group, poll_tells_the_end)
{
	const int again = open_again(self->id);
	const pid_t init = sleeping_group(self->group);

	ASSERT_LT(0, init);
	EXPECT_EQ(0, poll_for(again, 10));
	kill(init, SIGKILL);
	EXPECT_EQ(POLLHUP, poll_for(again, 60000));
	status_of(init);
	/* A ring that comes too late has nothing. */
	EXPECT_EQ(0, want_events(again, 4096, 0));
	EXPECT_EQ(0, read_raw(again, &self->id, 8));
	EXPECT_EQ(POLLHUP, poll_for(again, 0));
	close(again);
}

/* Numbers outside are those of the reader's own namespace. */
TEST_F(group, reader_in_a_namespace)
{
	const pid_t reader = sys_clone(CLONE_NEWPID | SIGCHLD);
	const struct vprocns_event_new *new;
	struct story story;
	pid_t init;

	if (!reader) {
		if (want_events(self->group, ROOM, 0))
			_exit(1);
		init = enter_group(self->group);
		if (!init) {
			spend_number();
			_exit(0);
		}
		story = read_story(self->group);
		new = find_new(&story, 1);
		_exit(!new || new->event.tid != FIRST ||
		      new->event.host_tid != init + 1 ||
		      new->host_tgid != init + 1);
	}
	EXPECT_EQ(0, status_of(reader));
}

static int read_as_nobody(int group)
{
	char buffer[4096];

	if (want_events(group, 4096, 0))
		return -1;
	return read_raw(group, buffer, sizeof(buffer)) > 0 ? 0 : -2;
}

/* The descriptor is the right; no privilege is asked for. */
TEST_F(group, unprivileged_reader)
{
	const pid_t init = sleeping_group(self->group);
	int status;
	pid_t late;

	ASSERT_LT(0, init);
	late = fork();
	if (!late) {
		usleep(200000);
		kill(init, SIGKILL);
		_exit(0);
	}
	status = as_nobody(read_as_nobody, self->group);
	EXPECT_EQ(0, status);
	status_of(late);
	status_of(init);
}

static int end_now(void *arg)
{
	(void)arg;
	return 0;
}

/* Threads come as fast as can be, and nobody reads. */
TEST_F_TIMEOUT(group, storm, 600)
{
	const char *const word = getenv("COUNT");
	const unsigned int how_many = word ? atoi(word) : 2000;
	struct vprocns_events_stats stats;
	struct story story;
	pid_t init;

	ASSERT_EQ(0, want_events(self->group, 1 << 18, 0));
	init = enter_group(self->group);
	ASSERT_LE(0, init);
	if (!init) {
		static char stack[65536] __attribute__((aligned(16)));
		unsigned int i;

		for (i = 0; i < how_many; i++) {
			const pid_t pid =
				clone(end_now, stack + sizeof(stack),
				      CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);

			if (pid < 0 || status_of(pid))
				_exit(1);
		}
		_exit(0);
	}
	EXPECT_EQ(0, status_of(init));
	EXPECT_TRUE(EVENTUALLY(poll_for(self->group, 0) & POLLHUP));
	stats = events_stats(self->group);
	EXPECT_EQ(2 * (how_many + 1) + 3, stats.told + stats.lost);
	story = read_story(self->group);
	EXPECT_EQ(stats.told, story.records);
	EXPECT_FALSE(story.torn);
	TH_LOG("%u tasks: %llu events told, %llu lost", how_many, stats.told,
	       stats.lost);
	free(story.bytes);
}

TEST_HARNESS_MAIN
