// SPDX-License-Identifier: GPL-2.0
/*
 * VPROCNS_STATS: what counts as made and as ended, and from when on. Nobody looks at
 * a task's end as it happens, so each kind of end is here.
 */
#define _GNU_SOURCE
#include "common.h"

FIXTURE_VARIANT_ADD(group, sequential) { { .profile = VPROCNS_PROFILE_LINUX } };
FIXTURE_VARIANT_ADD(group, lineage) {
	{ .profile = VPROCNS_PROFILE_LINUX, .numbering = VPROCNS_NUMBERING_LINEAGE }
};

/* Whether so many were made since pid 1's first program, which counts, and have ended. */
/* Looked at until it is so: since 6.15 a number goes a moment after its task. */
static bool counted(int group, __u64 made, __u64 ended)
{
	const struct vprocns_stats stats = get_stats(group);

	return stats.clones == 1 + made && stats.exits == ended;
}

MEMBER_TEST(vfork_counts_while_the_child_lives)
{
	volatile bool child_counts = false;
	pid_t pid;

	pid = vfork();
	if (!pid) {
		child_counts = counted(self->group, 1, 0);
		_exit(0);
	}
	ASSERT_LT(0, pid);
	EXPECT_TRUE(child_counts);
	EXPECT_EQ(0, status_of(pid));
	EXPECT_TRUE(EVENTUALLY(counted(self->group, 1, 1)));
}

MEMBER_TEST(zombie_has_ended)
{
	const pid_t pid = fork();
	siginfo_t info;

	if (!pid)
		_exit(0);
	ASSERT_EQ(0, waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(3, get_info(self->group).members);
	EXPECT_TRUE(EVENTUALLY(counted(self->group, 1, 1)));
	EXPECT_EQ(0, status_of(pid));
	EXPECT_TRUE(EVENTUALLY(counted(self->group, 1, 1)));
}

static void *pause_on(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *execute_true(void *arg)
{
	execl("/bin/true", "true", NULL);
	_exit(1);
	return arg;
}

/* The leader's end is one of these, though its number lives on. */
MEMBER_TEST(exec_ends_all_other_threads)
{
	pthread_t thread;
	pid_t pid;

	pid = fork();
	if (!pid) {
		if (pthread_create(&thread, NULL, pause_on, NULL) ||
		    pthread_create(&thread, NULL, execute_true, NULL))
			_exit(1);
		pause_on(NULL);
	}
	EXPECT_EQ(0, status_of(pid));
	EXPECT_TRUE(EVENTUALLY(counted(self->group, 3, 3)));
	EXPECT_EQ(2, get_stats(self->group).threads);
}

/* Only who has its number by then: the address for the pidfd is looked at later. */
static long fail_late(void)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = 8,
	};

	return raw(sys_clone3(&args));
}

MEMBER_TEST(failed_clone_counts_for_nothing)
{
	EXPECT_EQ(-EFAULT, fail_late());
	EXPECT_TRUE(EVENTUALLY(counted(self->group, 0, 0)));
	EXPECT_LT(0, spend_number());
	EXPECT_EQ(-EFAULT, fail_late());
	EXPECT_TRUE(EVENTUALLY(counted(self->group, 1, 1)));
}

MEMBER_TEST(failed_thread_counts_for_nothing)
{
	ASSERT_TRUE(enter_full_cgroup("/sys/fs/cgroup/stats_test"));
	EXPECT_FALSE(make_thread());
	EXPECT_TRUE(EVENTUALLY(counted(self->group, 0, 0)));
	EXPECT_EQ(0, get_stats(self->group).threads);
	EXPECT_TRUE(write_to("/sys/fs/cgroup/cgroup.procs", "0"));
}

/* What has its number and is no task yet has not ended, nor has it after a kill. */
MEMBER_TEST(clone_in_flight_has_not_ended)
{
	struct uffd_msg message;
	int ready[2], uffd;
	pthread_t thread;
	void *page;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		page = page_that_does_not_come(&uffd);
		if (!page || pthread_create(&thread, NULL, clone_half, page) ||
		    read(uffd, &message, sizeof(message)) != sizeof(message) ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		pause_on(NULL);
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_TRUE(EVENTUALLY(counted(self->group, 3, 0)));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, status_of(pid));
	EXPECT_TRUE(EVENTUALLY(counted(self->group, 2, 2)));
}

static bool counted_all_but_one(int group)
{
	const struct vprocns_stats stats = get_stats(group);

	return stats.exits == stats.clones - 1;
}

MEMBER_TEST(killed_clones_add_up)
{
	pthread_t thread;
	int round, i;
	__u64 before;
	pid_t pid;

	for (round = 0; round < 5; round++) {
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			for (i = 0; i < 3; i++)
				pthread_create(&thread, NULL, fork_on, NULL);
			fork_on(NULL);
		}
		before = get_stats(self->group).clones;
		EXPECT_TRUE(EVENTUALLY(get_stats(self->group).clones > before + 7));
		usleep(round * 177);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, status_of(pid));
	}
	/* Pid 1 takes those whose parent is gone. */
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).members == 2));
	EXPECT_TRUE(EVENTUALLY(counted_all_but_one(self->group)));
}

/* Nobody is said to have ended before it was made, whatever goes on meanwhile. */
MEMBER_TEST(never_more_ends_than_tasks)
{
	struct vprocns_stats stats;
	pid_t pid;
	int i;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		fork_on(NULL);
	for (i = 0; i < 300; i++) {
		stats = get_stats(self->group);
		/* We live, and so does our child. */
		ASSERT_LE(stats.exits + 2, stats.clones);
	}
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, status_of(pid));
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).members == 2));
	EXPECT_TRUE(EVENTUALLY(counted_all_but_one(self->group)));
}

MEMBER_TEST(kernel_thread_counts_as_itself_alone)
{
	int ring;

	EXPECT_LT(0, spend_number());
	ring = make_kernel_thread();
	ASSERT_LE(0, ring);
	EXPECT_EQ(1, get_stats(self->group).kernel_threads);
	EXPECT_TRUE(EVENTUALLY(counted(self->group, 1, 1)));
	close(ring);
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).members == 2));
	EXPECT_TRUE(EVENTUALLY(counted(self->group, 1, 1)));
}

static int join(pid_t init, bool fail)
{
	const int pidfd = sys_pidfd_open(init);
	pid_t pid;

	if (pidfd < 0 || setns(pidfd, CLONE_NEWPID))
		return -1;
	if (fail)
		return fail_late() == -EFAULT ? 0 : -1;
	pid = fork();
	if (!pid)
		_exit(3);
	return pid < 0 ? -1 : status_of(pid);
}

TEST_F(group, those_that_join)
{
	const pid_t init = sleeping_group(self->group);
	pid_t pid;

	ASSERT_LT(0, init);
	pid = fork();
	if (!pid)
		_exit(join(init, true));
	EXPECT_EQ(0, status_of(pid));
	EXPECT_TRUE(EVENTUALLY(counted(self->group, 0, 0)));
	EXPECT_EQ(0, get_stats(self->group).joined);
	pid = fork();
	if (!pid)
		_exit(join(init, false));
	EXPECT_EQ(3, status_of(pid));
	EXPECT_TRUE(EVENTUALLY(counted(self->group, 1, 1)));
	EXPECT_EQ(1, get_stats(self->group).joined);
	end_namespace(init);
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).state == VPROCNS_STATE_ENDED));
	/* The program, the one that joined, and pid 1. */
	EXPECT_TRUE(EVENTUALLY(counted(self->group, 1, 3)));
}

/* Pid 1 with a child and a thread. Says that they are there; ends the child when told. */
static void be_crowd(int told)
{
	const pid_t child = sleeper();
	pthread_t thread;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pthread_create(&thread, NULL, pause_on, NULL) ||
	    write(told, "", 1) != 1)
		_exit(1);
	if (read(told, &byte, 1) == 1) {
		kill(child, SIGKILL);
		status_of(child);
	}
	if (read(told, &byte, 1) == 1)
		spend_number();
	pause_on(NULL);
}

TEST_F(group, those_from_before_the_bind)
{
	int tell[2], pidfd;
	pid_t init;
	char byte;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, tell));
	init = sys_clone(CLONE_NEWPID | SIGCHLD);
	ASSERT_LE(0, init);
	if (!init)
		be_crowd(tell[0]);
	pidfd = sys_pidfd_open(init);
	ASSERT_LE(0, pidfd);
	ASSERT_EQ(1, read(tell[1], &byte, 1));
	ASSERT_EQ(0, bind_group(self->group, pidfd));
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).members == 3));
	EXPECT_TRUE(EVENTUALLY(get_stats(self->group).exits == 0));
	ASSERT_EQ(1, write(tell[1], "", 1));
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).members == 2));
	/* It was no clone of the group's. */
	EXPECT_TRUE(EVENTUALLY(get_stats(self->group).exits == 0));
	ASSERT_EQ(1, write(tell[1], "", 1));
	EXPECT_TRUE(EVENTUALLY(get_stats(self->group).exits == 1));
	EXPECT_EQ(1, get_stats(self->group).clones);
	end_namespace(init);
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).state == VPROCNS_STATE_ENDED));
	EXPECT_TRUE(EVENTUALLY(get_stats(self->group).exits == 2));
	close(pidfd);
}

TEST_HARNESS_MAIN
