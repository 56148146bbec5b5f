// SPDX-License-Identifier: GPL-2.0
/*
 * Lineage numbering in the kernel: every number is the one that the rule gives
 * (numbering.c, linked in here), whatever else goes on. What holds for any
 * numbering is in sequence_test.c; the runs that race are in repeat_test.sh.
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <pthread.h>
#include <sys/mman.h>

#include "common.h"
#include "numbering.h"

#define LINEAGE VPROCNS_NUMBERING_LINEAGE
#define SEED 0xfeedfacecafebeef

FIXTURE_VARIANT_ADD(group, seed_0) { { .numbering = LINEAGE } };
FIXTURE_VARIANT_ADD(group, seed_big) {
	{ .numbering = LINEAGE, .seed = SEED, .profile = VPROCNS_PROFILE_LINUX }
};
FIXTURE_VARIANT_ADD(group, short_range) {
	{ .numbering = LINEAGE, .first = 5000, .last = 9000 }
};

/* The number of the @birth-th child of a task with @lineage. */
static pid_t number_of(const struct vprocns_info *info, __u64 lineage,
		       __u64 birth)
{
	const __u32 span = info->last - info->first + 1;

	return vprocns_lineage_number(lineage,
				      vprocns_lineage_start(info->seed, lineage,
							    span),
				      birth, info->first, span);
}

static __u64 child_of(const struct vprocns_info *info, __u64 lineage,
		      __u64 birth)
{
	return vprocns_lineage_of(info->seed, lineage, birth);
}

static pid_t collisions(int group)
{
	return get_stats(group).collisions;
}

MEMBER_TEST(children_of_the_first_program)
{
	const struct vprocns_info info = get_info(self->group);
	int i;

	EXPECT_EQ((pid_t)info.first, getpid());
	for (i = 1; i <= 20; i++)
		EXPECT_EQ((pid_t)info.first + i, spend_number());
	EXPECT_EQ(0, collisions(self->group));
	EXPECT_EQ(LINEAGE, info.numbering);
	EXPECT_EQ(variant->create.seed, info.seed);
	EXPECT_EQ(0, info.next);
}

/* Three deep; in each generation the third child is a parent. Ends with 0. */
static int descend(const struct vprocns_info *info, __u64 lineage, int depth)
{
	pid_t pid;
	int i;

	for (i = 1; i <= 5; i++) {
		pid = fork();
		if (!pid && i == 3 && depth)
			_exit(descend(info, child_of(info, lineage, i),
				      depth - 1));
		if (!pid)
			_exit(0);
		if (pid != number_of(info, lineage, i))
			return 1;
		if (status_of(pid))
			return 2;
	}
	return 0;
}

MEMBER_TEST(generations)
{
	const struct vprocns_info info = get_info(self->group);

	EXPECT_EQ(0, descend(&info, 0, 3));
	EXPECT_EQ(0, collisions(self->group));
}

struct job {
	const struct vprocns_info *info;
	__u64 lineage;
};

/* A thread whose children are counted from its own first. */
static void *fork_three(void *arg)
{
	const struct job *const job = arg;
	int i;

	for (i = 1; i <= 3; i++)
		if (spend_number() != number_of(job->info, job->lineage, i))
			return arg;
	return NULL;
}

MEMBER_TEST(threads_count_for_themselves)
{
	const struct vprocns_info info = get_info(self->group);
	struct job jobs[8];
	pthread_t threads[8];
	void *failed;
	int i;

	for (i = 0; i < 8; i++) {
		jobs[i] = (struct job) { &info, child_of(&info, 0, i + 1) };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, fork_three,
					    &jobs[i]));
	}
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &failed));
		EXPECT_EQ(NULL, failed);
	}
	EXPECT_EQ((pid_t)info.first + 9, spend_number());
	EXPECT_EQ(0, collisions(self->group));
}

/* Who cloned, not whose child it is; and a vfork is a clone. */
MEMBER_TEST(the_cloner_counts)
{
	const struct vprocns_info info = get_info(self->group);
	const __u64 lineage = child_of(&info, 0, 1);
	pid_t pid = fork();

	if (!pid) {
		pid = sys_clone(CLONE_PARENT | SIGCHLD);
		if (!pid)
			_exit(0);
		if (pid != number_of(&info, lineage, 1))
			_exit(1);
		pid = vfork();
		if (!pid)
			_exit(0);
		_exit(pid != number_of(&info, lineage, 2));
	}
	EXPECT_EQ(0, status_of(pid));
	EXPECT_EQ(0, status_of(number_of(&info, lineage, 1)));
	EXPECT_EQ((pid_t)info.first + 2, spend_number());
}

/* True when the next child of this shell is @nr. */
#define NEXT_CHILD_IS "test $(readlink /proc/self) = %d"

static void exec_shell(const char *format, int nr)
{
	char script[256];

	snprintf(script, sizeof(script), format, nr);
	execl("/bin/sh", "sh", "-c", script, NULL);
}

MEMBER_TEST(exec_changes_nothing)
{
	const struct vprocns_info info = get_info(self->group);
	const pid_t pid = fork();

	if (!pid) {
		spend_number();
		spend_number();
		exec_shell(NEXT_CHILD_IS,
			   number_of(&info, child_of(&info, 0, 1), 3));
		_exit(100);
	}
	EXPECT_EQ(0, status_of(pid));
}

#define TAKEN_OVER(times) ((__u64)(times) << 32)

struct takeover {
	const struct vprocns_info *info;
	__u64 process;
	useconds_t delay;
};

static void *take_over(void *arg)
{
	const struct takeover *const job = arg;

	usleep(job->delay);
	exec_shell(NEXT_CHILD_IS,
		   number_of(job->info, job->process, TAKEN_OVER(1) + 1));
	_exit(100);
}

/*
 * The leader clones while a thread execs: how often is a race, and what comes
 * of the new program's children is not.
 */
MEMBER_TEST(exec_by_a_thread)
{
	const struct vprocns_info info = get_info(self->group);
	int *const made = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int i, least = 1 << 30, most = 0;
	pthread_t thread;

	ASSERT_NE(MAP_FAILED, made);
	for (i = 1; i <= 20; i++) {
		struct takeover job = {
			&info, child_of(&info, 0, i), i * 1500,
		};
		const pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid) {
			*made = 0;
			pthread_create(&thread, NULL, take_over, &job);
			for (;;) {
				spend_number();
				++*made;
			}
		}
		EXPECT_EQ(0, status_of(pid));
		least = *made < least ? *made : least;
		most = *made > most ? *made : most;
	}
	/* Else there was no race. */
	EXPECT_LT(least, most);
}

static void *exec_argv(void *argv)
{
	execvp(((char **)argv)[0], argv);
	_exit(100);
}

MEMBER_TEST(exec_by_a_thread_again)
{
	const struct vprocns_info info = get_info(self->group);
	char script[512];
	char *argv[] = { "python3", "-c", script, NULL };
	pthread_t thread;
	const pid_t pid = fork();

	if (!pid) {
		snprintf(script, sizeof(script),
			 "import os, threading, time\n"
			 "shell = ['sh', '-c', '" NEXT_CHILD_IS "']\n"
			 "threading.Thread(target=os.execv, args=('/bin/sh', shell)).start()\n"
			 "time.sleep(60)\n",
			 number_of(&info, child_of(&info, 0, 1),
				   TAKEN_OVER(2) + 1));
		pthread_create(&thread, NULL, exec_argv, argv);
		for (;;)
			pause();
	}
	EXPECT_EQ(0, status_of(pid));
}

static void *wait_for(void *futex)
{
	while (__atomic_load_n((int *)futex, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, futex, 0, 1, NULL);
	return NULL;
}

/* Enough at once for the table of tasks to grow several times, twice. */
MEMBER_TEST(many_threads)
{
	enum { MANY = 1500 };
	const struct vprocns_info info = get_info(self->group);
	static pthread_t threads[MANY];
	pthread_attr_t attr;
	int round, i, hold;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (round = 0; round < 2; round++) {
		hold = 1;
		for (i = 0; i < MANY; i++)
			ASSERT_EQ(0, pthread_create(&threads[i], &attr,
						    wait_for, &hold));
		EXPECT_EQ(number_of(&info, 0, (round + 1) * (MANY + 1)),
			  spend_number());
		__atomic_store_n(&hold, 0, __ATOMIC_RELEASE);
		syscall(SYS_futex, &hold, 1, MANY);
		for (i = 0; i < MANY; i++)
			ASSERT_EQ(0, pthread_join(threads[i], NULL));
	}
	EXPECT_EQ(0, collisions(self->group));
}

/* What a group's tasks look like from outside; 0 when there are others. */
static size_t members_of(int group, struct vprocns_member *found, size_t count)
{
	struct vprocns_members members = {
		.members = (uintptr_t)found, .capacity = count,
		.size = sizeof(*found),
	};

	return call(group, VPROCNS_MEMBERS, &members) ? 0 : members.count;
}

TEST_F(group, members_tell_their_descent)
{
	const struct vprocns_info info = get_info(self->group);
	const pid_t init = enter_group(self->group);
	const __u64 first_child = child_of(&info, 0, 1);
	struct vprocns_member found[5];
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL };
	size_t i;

	if (!init) {
		if (!fork())
			fork();
		else
			syscall(SYS_io_uring_setup, 1, &params);
		for (;;)
			pause();
	}
	/* A task is a member before its clone has been counted. */
	ASSERT_TRUE(EVENTUALLY(get_info(self->group).members == 5 &&
			       get_stats(self->group).clones == 3));
	ASSERT_EQ(5, members_of(self->group, found, 5));
	for (i = 0; i < 5; i++) {
		const struct vprocns_member *const member = &found[i];

		if (member->tid == (pid_t)info.last) {
			/* The kernel's thread. */
			EXPECT_EQ(0, member->flags);
			continue;
		}
		EXPECT_EQ(VPROCNS_MEMBER_LINEAGE, member->flags);
		EXPECT_EQ(member->lineage,
			  child_of(&info, member->cloner_lineage,
				   member->birth));
		if (member->tid == 1) {
			EXPECT_EQ(VPROCNS_LINEAGE_INIT, member->lineage);
			EXPECT_EQ(0, member->cloner);
		} else if (member->tid == (pid_t)info.first) {
			EXPECT_EQ(0, member->lineage);
			EXPECT_EQ(1, member->cloner);
		} else {
			EXPECT_EQ(member->ppid, member->cloner);
			EXPECT_EQ(1, member->birth);
			EXPECT_EQ(member->tid == (pid_t)info.first + 1 ?
				  0 : first_child, member->cloner_lineage);
		}
	}
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
}

/* Joins by a fork that @flags and @pidfd may make fail; its TID, or -errno. */
static pid_t join_group(pid_t init, __u64 flags, int *pidfd)
{
	struct clone_args args = {
		.flags = flags, .pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};
	const int fd = sys_pidfd_open(init);
	int tid[2];
	pid_t pid;

	if (setns(fd, CLONE_NEWPID) || pipe(tid))
		return -errno;
	close(fd);
	pid = sys_clone3(&args);
	if (pid < 0)
		return -errno;
	if (!pid) {
		const pid_t own[] = { getpid(), spend_number() };

		_exit(write(tid[1], own, sizeof(own)) != sizeof(own));
	}
	return status_of(pid) ? -ECHILD : tid[0];
}

TEST_F(group, tasks_that_join)
{
	const struct vprocns_info info = get_info(self->group);
	const pid_t init = enter_group(self->group);
	pid_t told[2];
	__u64 i;
	int fd;

	if (!init)
		for (;;)
			pause();
	ASSERT_TRUE(EVENTUALLY(get_info(self->group).members == 2));
	for (i = 1; i <= 3; i++) {
		/* One that fails is none. */
		EXPECT_EQ(-EFAULT, join_group(init, CLONE_PIDFD, (int *)8));
		fd = join_group(init, 0, NULL);
		ASSERT_LE(0, fd);
		ASSERT_EQ(sizeof(told), read(fd, told, sizeof(told)));
		close(fd);
		EXPECT_EQ(number_of(&info, VPROCNS_LINEAGE_OUTSIDE, i), told[0]);
		EXPECT_EQ(number_of(&info,
				    child_of(&info, VPROCNS_LINEAGE_OUTSIDE, i),
				    1), told[1]);
	}
	EXPECT_EQ(3, get_stats(self->group).joined);
	EXPECT_EQ(0, collisions(self->group));
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
}

/* Says that it is there; once told to go on, what its next two children get. */
static void spend_when_told(int go, int tell)
{
	pid_t pid[2];
	char c;

	if (write(tell, "", 1) != 1 || read(go, &c, 1) != 1)
		_exit(1);
	pid[0] = spend_number();
	pid[1] = spend_number();
	if (write(tell, pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
}

TEST_F(group, tasks_that_were_there)
{
	const struct vprocns_info info = get_info(self->group);
	int go[2], tell[2], fd, i;
	pid_t init, told[2];
	char c;

	ASSERT_EQ(0, pipe(go) | pipe(tell));
	init = sys_clone(CLONE_NEWPID | SIGCHLD);
	if (!init) {
		if (!fork()) {
			spend_when_told(go[0], tell[1]);
			_exit(0);
		}
		if (status_of(2))
			_exit(1);
		spend_when_told(go[0], tell[1]);
		_exit(0);
	}
	fd = sys_pidfd_open(init);
	ASSERT_EQ(1, read(tell[0], &c, 1));
	ASSERT_EQ(0, bind_group(self->group, fd));
	close(fd);

	ASSERT_EQ(1, write(go[1], "", 1));
	ASSERT_EQ(sizeof(told), read(tell[0], told, sizeof(told)));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(number_of(&info,
				    child_of(&info, VPROCNS_LINEAGE_BEFORE, 2),
				    i + 1), told[i]);
	/* Now pid 1: its first child is the first program. */
	ASSERT_EQ(1, read(tell[0], &c, 1));
	ASSERT_EQ(1, write(go[1], "", 1));
	ASSERT_EQ(sizeof(told), read(tell[0], told, sizeof(told)));
	EXPECT_EQ((pid_t)info.first, told[0]);
	EXPECT_EQ(number_of(&info, VPROCNS_LINEAGE_INIT, 2), told[1]);
	EXPECT_EQ(0, status_of(init));
}

/*
 * Each needs a record for itself when others have clones in flight. What goes
 * wrong then is in the kernel's log.
 */
TEST_F(group, many_that_were_there)
{
	enum { MANY = 40, EACH = 10 };
	int go[2], there[2], fd, i, j;
	char all[MANY];
	pid_t init;

	ASSERT_EQ(0, pipe(go) | pipe(there));
	init = sys_clone(CLONE_NEWPID | SIGCHLD);
	if (!init) {
		for (i = 0; i < MANY; i++) {
			if (fork())
				continue;
			if (write(there[1], all, 1) != 1 ||
			    read(go[0], all, 1) != 1)
				_exit(1);
			for (j = 0; j < EACH; j++)
				if (spend_number() < 0)
					_exit(1);
			_exit(0);
		}
		for (j = 0, i = 0; i < MANY; i++)
			j |= status_of(-1);
		_exit(j);
	}
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(1, read(there[0], all, 1));
	fd = sys_pidfd_open(init);
	ASSERT_EQ(0, bind_group(self->group, fd));
	close(fd);
	ASSERT_EQ(MANY, write(go[1], all, MANY));
	EXPECT_EQ(0, status_of(init));
	EXPECT_EQ(MANY * EACH, get_stats(self->group).clones);
}

/* A range of four, and a seed by which a grandchild wants a number in use. */
static __u64 colliding_seed(void)
{
	struct vprocns_info info = { .first = 10, .last = 13 };

	while (number_of(&info, child_of(&info, 0, 2), 1) != 11)
		info.seed++;
	return info.seed;
}

static int collide(void)
{
	struct clone_args fails = {
		.flags = CLONE_PIDFD, .pidfd = 8, .exit_signal = SIGCHLD,
	};
	pid_t pid;

	if (getpid() != 10 || sleeper() != 11)
		return 1;
	pid = fork();
	if (!pid) {
		/* It would collide, but comes to nothing. */
		if (sys_clone3(&fails) != -1 || errno != EFAULT)
			_exit(2);
		/* Wants 11; 12 is the cloner's own. */
		if (sleeper() != 13)
			_exit(3);
		/* Wants 12, and nothing is free. */
		if (fork() != -1 || errno != EAGAIN)
			_exit(4);
		kill(13, SIGKILL);
		if (status_of(13) != 128 + SIGKILL)
			_exit(5);
		/* Still the second: the one that failed does not count. */
		_exit(spend_number() == 13 ? 0 : 6);
	}
	if (pid != 12)
		return 7;
	if (status_of(pid))
		return 8;
	/* Nobody is in the way of the third. */
	return spend_number() == 13 ? 0 : 9;
}

TEST(collisions_are_counted)
{
	const struct vprocns_create create = {
		.numbering = LINEAGE, .first = 10, .last = 13,
		.seed = colliding_seed(), .profile = VPROCNS_PROFILE_LINUX,
	};
	const int group = make_group(&create);
	pid_t init;

	ASSERT_LE(0, group);
	init = enter_group(group);
	if (!init)
		_exit(collide());
	EXPECT_EQ(0, status_of(init));
	EXPECT_EQ(2, collisions(group));
	EXPECT_EQ(1, get_stats(group).refused[VPROCNS_RULE_EXHAUSTED]);
	EXPECT_EQ(6, get_stats(group).clones);
	close(group);
}

TEST(other_numberings_have_no_lineage)
{
	const struct vprocns_create create = {};
	const int group = make_group(&create);
	struct vprocns_member found[2];
	pid_t init;

	ASSERT_LE(0, group);
	init = enter_group(group);
	if (!init)
		for (;;)
			pause();
	ASSERT_TRUE(EVENTUALLY(get_info(group).members == 2));
	ASSERT_EQ(2, members_of(group, found, 2));
	EXPECT_EQ(0, found[0].flags | found[1].flags);
	EXPECT_EQ(0, found[1].lineage | found[1].birth | found[1].cloner);
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
	close(group);
}

TEST_HARNESS_MAIN
