// SPDX-License-Identifier: GPL-2.0
/* Which number comes next, whatever happens to clones. */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

#include "common.h"

/* The profile that lets clones fail after the number was taken (CLONE_PIDFD). */
FIXTURE_VARIANT_ADD(group, sequential) {
	{ .profile = VPROCNS_PROFILE_LINUX }
};
/*
 * The children of the first program are numbered as in a sequence. With this
 * seed the first sixteen of them have children of different numbers.
 */
FIXTURE_VARIANT_ADD(group, lineage) {
	{
		.profile = VPROCNS_PROFILE_LINUX,
		.numbering = VPROCNS_NUMBERING_LINEAGE,
		.seed = 1,
	}
};

/*
 * Sequential: every number from the first to before the next one was given to
 * a clone. Lineage: every clone has the number that its place gives.
 */
static bool has_no_holes(int group)
{
	const struct vprocns_info info = get_info(group);

	if (info.numbering == VPROCNS_NUMBERING_LINEAGE)
		return !get_stats(group).collisions;
	return info.next - info.first == get_stats(group).clones;
}

MEMBER_TEST(same_list_in_every_group)
{
	int i;

	for (i = 1; i <= 20; i++)
		EXPECT_EQ(FIRST + i, spend_number());
	EXPECT_TRUE(has_no_holes(self->group));
}

MEMBER_TEST(no_hole_after_a_refusal)
{
	EXPECT_EQ(-1, sys_clone(CLONE_NEWPID | SIGCHLD));
	EXPECT_EQ(FIRST + 1, spend_number());
}

MEMBER_TEST(no_hole_after_efault)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = 8,
	};

	EXPECT_EQ(-1, sys_clone3(&args));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(FIRST + 1, spend_number());
	EXPECT_EQ(-1, sys_clone3(&args));
	EXPECT_EQ(-1, sys_clone3(&args));
	EXPECT_EQ(FIRST + 2, spend_number());
	EXPECT_TRUE(has_no_holes(self->group));
}

MEMBER_TEST(no_hole_after_emfile)
{
	int pidfd;
	struct clone_args args = {
		.flags = CLONE_PIDFD, .exit_signal = SIGCHLD,
		.pidfd = (uintptr_t)&pidfd,
	};
	struct rlimit limit = { 3, 3 };

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-1, sys_clone3(&args));
	EXPECT_EQ(EMFILE, errno);
	EXPECT_EQ(FIRST + 1, spend_number());
}

MEMBER_TEST(no_hole_after_a_full_cgroup)
{
	ASSERT_TRUE(enter_full_cgroup("/sys/fs/cgroup/sequence_test"));
	EXPECT_EQ(-1, fork());
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, fork());
	EXPECT_TRUE(write_to("/sys/fs/cgroup/cgroup.procs", "0"));
	EXPECT_EQ(FIRST + 1, spend_number());
	EXPECT_TRUE(has_no_holes(self->group));
}

static void ignore(int signal __attribute__((unused)))
{
}

/* The kernel restarts a fork that a signal meets, as often as it meets it. */
MEMBER_TEST(no_hole_after_restarts)
{
	const struct sigaction action = {
		.sa_handler = ignore, .sa_flags = SA_RESTART,
	};
	const struct itimerval storm = { { 0, 200 }, { 0, 200 } };
	const struct itimerval calm = {};
	int i;

	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &storm, NULL));
	for (i = 1; i <= 100; i++)
		EXPECT_EQ(FIRST + i, spend_number());
	setitimer(ITIMER_REAL, &calm, NULL);
	EXPECT_TRUE(has_no_holes(self->group));
}

MEMBER_TEST(no_hole_after_kills)
{
	pthread_t thread;
	int round, i;
	pid_t pid;

	for (round = 0; round < 10; round++) {
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			for (i = 0; i < 3; i++)
				pthread_create(&thread, NULL, fork_on, NULL);
			fork_on(NULL);
		}
		usleep(20000 + round * 1777);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, status_of(pid));
	}
	/* What killed clones have left is given out first. */
	for (i = 0; i < 50; i++)
		ASSERT_LT(0, spend_number());
	EXPECT_TRUE(has_no_holes(self->group));
}

static void *fork_some(void *arg)
{
	int i;

	for (i = 0; i < 25; i++)
		if (spend_number() < 0)
			return arg;
	return NULL;
}

#define IN_FLIGHT 1000

/* Says on @ready when all are in flight, or closes it. */
static void keep_in_flight(int ready)
{
	struct uffd_msg message;
	pthread_attr_t small;
	pthread_t thread;
	void *page;
	int uffd, i;

	page = page_that_does_not_come(&uffd);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	for (i = 0; page && i < IN_FLIGHT; i++)
		if (pthread_create(&thread, &small, clone_half, page) ||
		    read(uffd, &message, sizeof(message)) != sizeof(message))
			_exit(1);
	if (!page || write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* What a fork takes at least, in nanoseconds. */
static long long shortest_fork(void)
{
	long long took, least = LLONG_MAX;
	struct timespec begin, end;
	int i;

	for (i = 0; i < 100; i++) {
		clock_gettime(CLOCK_MONOTONIC, &begin);
		if (spend_number() < 0)
			return -1;
		clock_gettime(CLOCK_MONOTONIC, &end);
		took = (end.tv_sec - begin.tv_sec) * 1000000000LL +
		       end.tv_nsec - begin.tv_nsec;
		if (took < least)
			least = took;
	}
	return least;
}

MEMBER_TEST(a_thousand_in_flight_cost_others_nothing)
{
	const long long alone = shortest_fork();
	long long beside = LLONG_MAX, took;
	int ready[2], i;
	char byte;
	pid_t pid;

	ASSERT_LT(0, alone);
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		keep_in_flight(ready[1]);
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	/* What else the machine does may keep it from being as short as it is. */
	for (i = 0; i < 10 && beside >= alone + alone / 2; i++) {
		took = shortest_fork();
		ASSERT_LT(0, took);
		if (took < beside)
			beside = took;
	}
	TH_LOG("a fork takes %lld us, beside %d in flight %lld us", alone / 1000,
	       IN_FLIGHT, beside / 1000);
	EXPECT_LT(beside, alone + alone / 2);

	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, status_of(pid));
	/* Numbers that so many tasks have by lineage are not all different. */
	if (variant->create.numbering)
		return;
	for (i = 0; i < IN_FLIGHT; i++)
		ASSERT_TRUE(make_thread());
	EXPECT_TRUE(has_no_holes(self->group));
}

MEMBER_TEST(no_hole_among_parallel_clones)
{
	pthread_t threads[16];
	void *failed;
	int i;

	for (i = 0; i < 16; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, fork_some,
					    &threads));
	for (i = 0; i < 16; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &failed));
		EXPECT_EQ(NULL, failed);
	}
	EXPECT_EQ(1 + 16 + 16 * 25, get_stats(self->group).clones);
	EXPECT_TRUE(has_no_holes(self->group));
	EXPECT_EQ(variant->create.numbering ? FIRST + 17 :
		  FIRST + 16 + 16 * 25 + 1, spend_number());
}

MEMBER_TEST(kernel_threads_from_the_top)
{
	const int last = get_info(self->group).last;

	ASSERT_LE(0, make_kernel_thread());
	EXPECT_TRUE(has_thread(last));
	ASSERT_LE(0, make_kernel_thread());
	EXPECT_TRUE(has_thread(last - 1));
	EXPECT_EQ(FIRST + 1, spend_number());
	EXPECT_EQ(2, get_stats(self->group).kernel_threads);
	EXPECT_EQ(2, get_stats(self->group).clones);
}

FIXTURE(small) {
	int group;
};

FIXTURE_SETUP(small)
{
	const struct vprocns_create create = { .first = 10, .last = 13 };

	self->group = make_group(&create);
	ASSERT_LE(0, self->group);
}

FIXTURE_TEARDOWN(small)
{
	EXPECT_TRUE(close_group(self->group));
}

/* Runs @member in the group; fails the test with the line that it returns. */
#define IN_GROUP(member) do {						\
	const pid_t _init = enter_group(self->group);			\
									\
	ASSERT_LE(0, _init);						\
	if (!_init)							\
		_exit(member());					\
	EXPECT_EQ(0, status_of(_init));					\
} while (0)

static int wraps(void)
{
	const pid_t expected[] = { 11, 12, 13, 11, 12, 13, 11 };
	size_t i;

	if (getpid() != 10)
		return 1;
	for (i = 0; i < ARRAY_SIZE(expected); i++)
		if (spend_number() != expected[i])
			return 2 + i;
	return 0;
}

TEST_F(small, wraps_without_the_numbers_in_use)
{
	IN_GROUP(wraps);
}

static int skips(void)
{
	if (spend_number() != 11 || sleeper() != 12)
		return 1;
	if (spend_number() != 13 || spend_number() != 11)
		return 2;
	return spend_number() == 13 ? 0 : 3;
}

TEST_F(small, skips_a_child_that_lives)
{
	IN_GROUP(skips);
}

static int exhausts(void)
{
	int i;

	for (i = 11; i <= 13; i++)
		if (sleeper() != i)
			return 1;
	if (fork() != -1 || errno != EAGAIN)
		return 2;
	if (fork() != -1 || errno != EAGAIN)
		return 3;
	kill(12, SIGKILL);
	if (status_of(12) != 128 + SIGKILL)
		return 4;
	return spend_number() == 12 ? 0 : 5;
}

TEST_F(small, full_is_eagain_until_one_ends)
{
	IN_GROUP(exhausts);
	EXPECT_EQ(2, get_stats(self->group).refused[VPROCNS_RULE_EXHAUSTED]);
}

static int exhausts_from_the_top(void)
{
	if (sleeper() != 11 || make_kernel_thread() < 0 || !has_thread(13))
		return 1;
	if (make_kernel_thread() < 0 || !has_thread(12))
		return 2;
	if (make_kernel_thread() >= 0)
		return 3;
	return fork() == -1 && errno == EAGAIN ? 0 : 4;
}

TEST_F(small, kernel_threads_share_the_range)
{
	IN_GROUP(exhausts_from_the_top);
}

#define PID_MAX "/proc/sys/kernel/pid_max"

/* The kernel wants some hundred numbers for itself. */
FIXTURE(high) {
	int group;
	char pid_max[16];
};

FIXTURE_SETUP(high)
{
	const struct vprocns_create create = {
		.first = 2000, .last = 2009, .profile = VPROCNS_PROFILE_LINUX,
	};
	const int fd = open(PID_MAX, O_RDONLY | O_CLOEXEC);

	ASSERT_LT(0, read(fd, self->pid_max, sizeof(self->pid_max) - 1));
	close(fd);
	self->group = make_group(&create);
	ASSERT_LE(0, self->group);
}

FIXTURE_TEARDOWN(high)
{
	EXPECT_TRUE(write_to(PID_MAX, self->pid_max));
	EXPECT_TRUE(close_group(self->group));
}

static int wraps_at_pid_max(void)
{
	if (spend_number() != 2001)
		return 1;
	if (!write_to(PID_MAX, "2004"))
		return 2;
	if (spend_number() != 2002 || sleeper() != 2003)
		return 3;
	if (spend_number() != 2001 || sleeper() != 2002 || sleeper() != 2001)
		return 4;
	if (fork() != -1 || errno != EAGAIN)
		return 5;
	/* A thread that the kernel makes begins at the top. */
	return make_kernel_thread() < 0 && errno == EAGAIN ? 0 : 6;
}

/* Numbers that kernel.pid_max no longer lets anybody have are not free. */
TEST_F(high, pid_max_is_lowered)
{
	IN_GROUP(wraps_at_pid_max);
}

/* A child's children have numbers from all over the range of a lineage. */
static int clones_below_pid_max(void)
{
	pid_t pid;
	int i;

	if (!write_to(PID_MAX, "32768"))
		return 1;
	pid = fork();
	if (pid)
		return status_of(pid);
	for (i = 0; i < 20; i++) {
		pid = spend_number();
		if (pid < 0 || pid >= 32768)
			return 2;
		if (make_kernel_thread() < 0)
			return 3;
	}
	return 0;
}

/* Nobody tries in vain each of the millions that are out of reach. */
static void try_range_of_millions(struct __test_metadata *_metadata,
				  enum vprocns_numbering numbering)
{
	const struct vprocns_create create = {
		.profile = VPROCNS_PROFILE_LINUX, .numbering = numbering,
	};
	pid_t init;
	int group;

	ASSERT_TRUE(write_to(PID_MAX, "4194304"));
	group = make_group(&create);
	ASSERT_LE(0, group);
	init = enter_group(group);
	if (!init)
		_exit(clones_below_pid_max());
	EXPECT_EQ(0, status_of(init));
	EXPECT_TRUE(close_group(group));
}

TEST_F(high, millions_are_out_of_reach)
{
	try_range_of_millions(_metadata, VPROCNS_NUMBERING_SEQUENTIAL);
}

TEST_F(high, millions_are_out_of_reach_by_lineage)
{
	try_range_of_millions(_metadata, VPROCNS_NUMBERING_LINEAGE);
}

TEST_HARNESS_MAIN
