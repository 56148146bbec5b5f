// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that join from outside: slots, which say which one it is whatever the
 * order, and VPROCNS_BIND_JOIN_AT_EXEC.
 */
#define _GNU_SOURCE
#include <sys/resource.h>

#include "by_lineage.h"

#define SLOT_LINEAGE VPROCNS_LINEAGE_SLOT

static int ask(int group, __u32 number)
{
	struct vprocns_slot slot = { .slot = number };

	return call(group, VPROCNS_SLOT, &slot);
}

/* The caller's children are born in the group from here on. */
static bool enter(pid_t init)
{
	const int pidfd = sys_pidfd_open(init);
	const bool good = pidfd >= 0 && !setns(pidfd, CLONE_NEWPID);

	close(pidfd);
	return good;
}

/* What a process that joined tells; shared. */
struct told {
	int err;
	pid_t tid;
	pid_t thread;
	pid_t child;
	bool stays, leaves;
};

static void *tell_tid(void *to)
{
	*(pid_t *)to = sys_gettid();
	return NULL;
}

static void be_joined(struct told *told)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	told->tid = getpid();
	if (!pthread_create(&thread, NULL, tell_tid, &told->thread))
		pthread_join(thread, NULL);
	told->child = spend_number();
	told->stays = true;
	while (!*(volatile bool *)&told->leaves)
		usleep(1000);
	_exit(0);
}

/* A process outside that clones one into the group, and ends with it. */
static pid_t join(int group, pid_t init, int slot, struct told *told)
{
	const pid_t outside = fork();
	pid_t joined;

	if (outside)
		return outside;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!enter(init))
		_exit(1);
	if (slot >= 0)
		told->err = ask(group, slot);
	if (told->err)
		_exit(2);
	joined = fork();
	if (!joined)
		be_joined(told);
	_exit(status_of(joined));
}

static int let_go(pid_t outside, struct told *told)
{
	told->leaves = true;
	return status_of(outside);
}

#define JOINERS 4

/* They join one after the other, in this order. */
static void join_all(struct __test_metadata *_metadata, const int *order,
		     struct told *told, const struct vprocns_create *create)
{
	const int group = make_group(create);
	pid_t init, outside[JOINERS];
	struct vprocns_info info;
	int i, slot;

	ASSERT_LE(0, group);
	init = sleeping_group(group);
	ASSERT_LT(0, init);
	info = get_info(group);
	memset(told, 0, JOINERS * sizeof(*told));
	for (i = 0; i < JOINERS; i++) {
		slot = order[i];
		outside[slot] = join(group, init, slot, &told[slot]);
		ASSERT_TRUE(EVENTUALLY(told[slot].stays));
	}
	for (slot = 0; slot < JOINERS; slot++) {
		const __u64 own = child_of(&info, SLOT_LINEAGE, slot + 1);

		EXPECT_EQ(number_of(&info, SLOT_LINEAGE, slot + 1),
			  told[slot].tid);
		EXPECT_EQ(number_of(&info, own, 1), told[slot].thread);
		EXPECT_EQ(number_of(&info, own, 2), told[slot].child);
	}
	for (slot = 0; slot < JOINERS; slot++)
		EXPECT_EQ(0, let_go(outside[slot], &told[slot]));
	EXPECT_EQ(0, collisions(group));
	EXPECT_EQ(JOINERS, get_stats(group).joined);
	end_namespace(init);
	EXPECT_TRUE(close_group(group));
}

TEST_F(group, numbers_depend_on_the_slot_alone)
{
	static const int up[] = { 0, 1, 2, 3 }, mixed[] = { 2, 0, 3, 1 };
	struct told *const told = shared_memory(JOINERS * sizeof(*told));

	ASSERT_TRUE(told);
	join_all(_metadata, up, told, &variant->create);
	join_all(_metadata, mixed, told, &variant->create);
}

/* What is told of such a member, and that others are counted apart from them. */
TEST_F(group, members_have_their_slot)
{
	struct told *const told = shared_memory(2 * sizeof(*told));
	struct vprocns_member found[8];
	struct vprocns_members members = {
		.members = (uintptr_t)found, .capacity = 8,
		.size = sizeof(*found),
	};
	const pid_t init = sleeping_group(self->group);
	struct vprocns_info info;
	int seen = 0;
	__u32 i;
	pid_t a, b;

	ASSERT_LT(0, init);
	info = get_info(self->group);
	a = join(self->group, init, 7, &told[0]);
	ASSERT_TRUE(EVENTUALLY(told[0].stays));
	b = join(self->group, init, -1, &told[1]);
	ASSERT_TRUE(EVENTUALLY(told[1].stays));
	EXPECT_EQ(number_of(&info, VPROCNS_LINEAGE_OUTSIDE, 1), told[1].tid);
	ASSERT_EQ(0, call(self->group, VPROCNS_MEMBERS, &members));
	for (i = 0; i < members.count; i++) {
		if (found[i].tid != told[0].tid)
			continue;
		seen++;
		EXPECT_EQ(SLOT_LINEAGE, found[i].cloner_lineage);
		EXPECT_EQ(8, found[i].birth);
		EXPECT_EQ(child_of(&info, SLOT_LINEAGE, 8), found[i].lineage);
	}
	EXPECT_EQ(1, seen);
	let_go(a, &told[0]);
	let_go(b, &told[1]);
	end_namespace(init);
}

TEST_F(group, a_slot_in_use)
{
	struct told *const told = shared_memory(2 * sizeof(*told));
	const pid_t init = sleeping_group(self->group);
	pid_t first, second;

	ASSERT_LT(0, init);
	first = join(self->group, init, 3, &told[0]);
	ASSERT_TRUE(EVENTUALLY(told[0].stays));
	/* By a process that lives. */
	EXPECT_EQ(-EBUSY, ask(self->group, 3));
	EXPECT_EQ(0, let_go(first, &told[0]));
	/* By one that may clone it yet: us. Whoever asks twice has the last. */
	EXPECT_EQ(0, ask(self->group, 3));
	EXPECT_EQ(0, ask(self->group, 3));
	second = join(self->group, init, 3, &told[1]);
	EXPECT_EQ(2, status_of(second));
	EXPECT_EQ(-EBUSY, told[1].err);
	EXPECT_EQ(0, ask(self->group, 4));
	told[1].err = 0;
	second = join(self->group, init, 3, &told[1]);
	ASSERT_TRUE(EVENTUALLY(told[1].stays));
	/* As it was: the same slot, the same number. */
	EXPECT_EQ(told[0].tid, told[1].tid);
	EXPECT_EQ(0, let_go(second, &told[1]));
	end_namespace(init);
}

/* When it has ended: nobody need have waited for it. */
TEST_F(group, who_ends_without_cloning_gives_it_back)
{
	const pid_t init = sleeping_group(self->group);
	siginfo_t info;
	pid_t pid;

	ASSERT_LT(0, init);
	pid = fork();
	if (!pid)
		_exit(-ask(self->group, 5));
	ASSERT_EQ(0, waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(0, ask(self->group, 5));
	EXPECT_EQ(0, status_of(pid));
	end_namespace(init);
}

/* Its number is not free before somebody has waited for it. */
TEST_F(group, a_zombie_keeps_the_number_but_not_the_slot)
{
	pid_t *const tids = shared_memory(2 * sizeof(*tids));
	const pid_t init = sleeping_group(self->group);
	siginfo_t info;
	pid_t pid, child[2];
	int i;

	ASSERT_LT(0, init);
	pid = fork();
	if (!pid) {
		if (!enter(init))
			_exit(1);
		for (i = 0; i < 2; i++) {
			if (ask(self->group, 6))
				_exit(2);
			child[i] = fork();
			if (!child[i]) {
				tids[i] = getpid();
				_exit(0);
			}
			waitid(P_PID, child[i], &info, WEXITED | WNOWAIT);
		}
		_exit(0);
	}
	EXPECT_EQ(0, status_of(pid));
	EXPECT_LT(0, tids[0]);
	EXPECT_LT(0, tids[1]);
	EXPECT_NE(tids[0], tids[1]);
	EXPECT_EQ(1, collisions(self->group));
	end_namespace(init);
}

static int report[2];

static void *execute(void *unused)
{
	char word[16];

	snprintf(word, sizeof(word), "%d", report[1]);
	execl("/proc/self/exe", "joiner_test", "sleeper", word, NULL);
	return unused;
}

/* The thread that executes becomes the process, which has the slot as before. */
TEST_F(group, a_thread_that_executes_keeps_the_slot)
{
	const pid_t init = sleeping_group(self->group);
	const struct vprocns_info info = get_info(self->group);
	pthread_t thread;
	pid_t pid, joined, tid = 0;

	ASSERT_LT(0, init);
	ASSERT_EQ(0, pipe(report));
	pid = fork();
	if (!pid) {
		if (!enter(init) || ask(self->group, 1))
			_exit(1);
		joined = fork();
		if (!joined) {
			pthread_create(&thread, NULL, execute, NULL);
			for (;;)
				pause();
		}
		_exit(status_of(joined));
	}
	close(report[1]);
	ASSERT_EQ(sizeof(tid), read(report[0], &tid, sizeof(tid)));
	EXPECT_EQ(number_of(&info, SLOT_LINEAGE, 2), tid);
	EXPECT_EQ(-EBUSY, ask(self->group, 1));
	end_namespace(init);
	EXPECT_EQ(128 + SIGKILL, status_of(pid));
}

/* Waiting, in flight or alive when it ends. */
TEST_F(group, a_group_ends_while_slots_are_held)
{
	struct told *const told = shared_memory(sizeof(*told));
	const pid_t init = sleeping_group(self->group);
	pid_t alive;

	ASSERT_LT(0, init);
	alive = join(self->group, init, 0, told);
	ASSERT_TRUE(EVENTUALLY(told->stays));
	ASSERT_EQ(0, ask(self->group, 1));
	end_namespace(init);
	EXPECT_EQ(128 + SIGKILL, status_of(alive));
	EXPECT_TRUE(EVENTUALLY(ask(self->group, 2) == -ESRCH));
}

/* A clone that fails when it has its number: there is no descriptor for a pidfd. */
TEST_F(group, a_failed_clone_leaves_the_slot)
{
	const pid_t init = sleeping_group(self->group);
	const struct vprocns_info info = get_info(self->group);
	const struct rlimit none = { 0, 0 };
	int pidfd = -1, i;
	struct clone_args args = {
		.flags = CLONE_PIDFD, .exit_signal = SIGCHLD,
		.pidfd = (uintptr_t)&pidfd,
	};
	pid_t pid;

	ASSERT_LT(0, init);
	pid = fork();
	if (!pid) {
		pid_t *const tid = shared_memory(sizeof(*tid));

		if (!enter(init) || ask(self->group, 2) ||
		    setrlimit(RLIMIT_NOFILE, &none))
			_exit(1);
		for (i = 0; i < 3; i++)
			if (sys_clone3(&args) != -1 || errno != EMFILE)
				_exit(2);
		pid = fork();
		if (!pid) {
			*tid = getpid();
			_exit(0);
		}
		status_of(pid);
		_exit(*tid == number_of(&info, SLOT_LINEAGE, 3) ? 0 : 3);
	}
	EXPECT_EQ(0, status_of(pid));
	EXPECT_EQ(1, get_stats(self->group).joined);
	end_namespace(init);
}

TEST_F(group, wrong_requests)
{
	struct vprocns_slot slot = { .slot = VPROCNS_SLOTS };
	const struct vprocns_create sequential = {};
	const int other = make_group(&sequential);
	pid_t init;

	EXPECT_EQ(-EINVAL, call(self->group, VPROCNS_SLOT, &slot));
	slot.slot = VPROCNS_SLOTS - 1;
	EXPECT_EQ(-ESRCH, call(self->group, VPROCNS_SLOT, &slot));
	init = sleeping_group(self->group);
	ASSERT_LT(0, init);
	EXPECT_EQ(0, call(self->group, VPROCNS_SLOT, &slot));
	slot.reserved = 1;
	EXPECT_EQ(-EINVAL, call(self->group, VPROCNS_SLOT, &slot));
	slot.reserved = 0;
	EXPECT_EQ(-EINVAL, call(other, VPROCNS_SLOT, &slot));
	EXPECT_EQ(-EFAULT, call(self->group, VPROCNS_SLOT, NULL));
	end_namespace(init);
	close(other);
}

MEMBER_TEST(a_member_has_no_slot)
{
	EXPECT_EQ(-EPERM, ask(self->group, 0));
}

/* All at once, each with its slot. */
TEST_F(group, a_launcher_that_races)
{
	enum { RANKS = 8, ROUNDS = 5 };
	struct told *const told = shared_memory(RANKS * sizeof(*told));
	const pid_t init = sleeping_group(self->group);
	const struct vprocns_info info = get_info(self->group);
	pid_t outside[RANKS];
	int round, i;

	ASSERT_LT(0, init);
	for (round = 0; round < ROUNDS; round++) {
		memset(told, 0, RANKS * sizeof(*told));
		for (i = 0; i < RANKS; i++)
			outside[i] = join(self->group, init, i, &told[i]);
		for (i = 0; i < RANKS; i++)
			EXPECT_TRUE(EVENTUALLY(told[i].stays));
		for (i = 0; i < RANKS; i++) {
			EXPECT_EQ(number_of(&info, SLOT_LINEAGE, i + 1),
				  told[i].tid);
			EXPECT_EQ(0, let_go(outside[i], &told[i]));
		}
	}
	EXPECT_EQ(0, collisions(self->group));
	end_namespace(init);
}

/* A runtime's way to the program: tasks of its own, namespaces, then the exec. */
static void be_runtime(bool busy)
{
	char word[2][16];
	pid_t before = 0;
	int err = 0;

	if (busy) {
		make_thread();
		before = spend_number();
		err = unshare(CLONE_NEWUTS) ? errno : 0;
	}
	snprintf(word[0], sizeof(word[0]), "%d", before);
	snprintf(word[1], sizeof(word[1]), "%d", err);
	execl("/proc/self/exe", "joiner_test", "program", word[0], word[1],
	      NULL);
	_exit(99);
}

/* What it found, on standard output; the harness has its turn only after. */
static void __attribute__((constructor)) maybe_program(int argc, char **argv)
{
	pid_t child = getpid();

	if (argc == 3 && !strcmp(argv[1], "sleeper")) {
		write(atoi(argv[2]), &child, sizeof(child));
		for (;;)
			pause();
	}
	if (argc != 4 || strcmp(argv[1], "program"))
		return;
	child = spend_number();
	printf("%d %s %s %d %d\n", getpid(), argv[2], argv[3], child,
	       unshare(CLONE_NEWUTS) ? errno : 0);
	fflush(NULL);
	_exit(0);
}

struct program {
	int tid, before, unshare_before, child, unshare_after;
};

static struct program join_and_execute(pid_t init, bool busy)
{
	struct program program = {};
	char line[128] = {};
	int out[2];
	pid_t pid;

	if (pipe(out))
		return program;
	pid = fork();
	if (!pid) {
		dup2(out[1], 1);
		if (!enter(init))
			_exit(1);
		pid = fork();
		if (!pid)
			be_runtime(busy);
		_exit(status_of(pid));
	}
	close(out[1]);
	status_of(pid);
	if (read(out[0], line, sizeof(line) - 1) > 0)
		sscanf(line, "%d %d %d %d %d", &program.tid, &program.before,
		       &program.unshare_before, &program.child,
		       &program.unshare_after);
	close(out[0]);
	return program;
}

static pid_t bound_namespace(int group, __u32 flags)
{
	const pid_t init = sleeping_namespace();
	struct vprocns_bind bind = {
		.pidfd = sys_pidfd_open(init), .flags = flags,
	};
	const int err = call(group, VPROCNS_BIND, &bind);

	close(bind.pidfd);
	return err ? -1 : init;
}

/* The same program after a runtime that makes tasks and after one that doesn't. */
static void both_ways(struct __test_metadata *_metadata,
		      const struct vprocns_create *create, __u32 flags,
		      struct program found[2], struct vprocns_stats *stats)
{
	int busy, group;
	pid_t init;

	for (busy = 0; busy < 2; busy++) {
		group = make_group(create);
		ASSERT_LE(0, group);
		init = bound_namespace(group, flags);
		ASSERT_LT(0, init);
		found[busy] = join_and_execute(init, busy);
		*stats = get_stats(group);
		end_namespace(init);
		EXPECT_TRUE(close_group(group));
	}
}

static void expect_same_start(struct __test_metadata *_metadata,
			      const struct vprocns_create *create)
{
	struct vprocns_stats stats;
	struct program found[2];

	both_ways(_metadata, create, VPROCNS_BIND_JOIN_AT_EXEC, found, &stats);
	EXPECT_LT(0, found[0].tid);
	EXPECT_EQ(found[0].tid, found[1].tid);
	EXPECT_EQ(found[0].child, found[1].child);
	/* From the top, unjudged. The thread's may be free again. */
	EXPECT_LE(get_info(make_group(create)).last - 1, found[1].before);
	EXPECT_EQ(0, found[1].unshare_before);
	EXPECT_EQ(EOPNOTSUPP, found[1].unshare_after);
	EXPECT_EQ(2, stats.clones);
	EXPECT_EQ(0, stats.threads);
	EXPECT_EQ(2, stats.kernel_threads);
}

TEST(a_joiner_begins_at_its_exec)
{
	const struct vprocns_create create = { .numbering = LINEAGE };

	expect_same_start(_metadata, &create);
}

TEST(a_joiner_begins_at_its_exec_sequential)
{
	const struct vprocns_create create = {};

	expect_same_start(_metadata, &create);
}

/* The control. */
TEST(without_the_flag_the_runtime_counts)
{
	const struct vprocns_create create = { .numbering = LINEAGE };
	struct vprocns_stats stats;
	struct program found[2];

	both_ways(_metadata, &create, 0, found, &stats);
	EXPECT_EQ(found[0].tid, found[1].tid);
	EXPECT_NE(found[0].child, found[1].child);
	EXPECT_EQ(EOPNOTSUPP, found[1].unshare_before);
	EXPECT_EQ(4, stats.clones);
}

TEST_HARNESS_MAIN
