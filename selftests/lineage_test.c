// SPDX-License-Identifier: GPL-2.0
/*
 * Lineage numbering in the kernel: every number is the one that the rule gives
 * (lineage.c, linked in here), whatever else goes on. How tasks get a lineage
 * that no member cloned is in descent_test.c, what holds for any numbering in
 * sequence_test.c; the runs that race are in repeat_test.sh.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>

#include "by_lineage.h"

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
	int *const made = shared_memory(sizeof(*made));
	int i, least = 1 << 30, most = 0;
	pthread_t thread;

	ASSERT_TRUE(made);
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

/* A file that is no program, which shows when nothing is left of the old program. */
static void write_broken_program(const char *path)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segment;
	} file = {};
	const int self = open("/proc/self/exe", O_RDONLY);
	const int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0755);

	if (read(self, &file.header, sizeof(file.header)) != sizeof(file.header))
		_exit(101);
	file.header.e_type = ET_EXEC;
	file.header.e_phoff = offsetof(typeof(file), segment);
	file.header.e_phnum = 1;
	file.segment = (Elf64_Phdr) {
		.p_type = PT_LOAD, .p_flags = PF_R, .p_align = 4096,
		.p_vaddr = -(1UL << 32), .p_filesz = 64, .p_memsz = 64,
	};
	if (write(fd, &file, sizeof(file)) != sizeof(file))
		_exit(102);
	close(fd);
	close(self);
}

/*
 * The thread is the process by then, and dies as that. Nobody but the kernel's log tells
 * if something is left of the thread that it was.
 */
MEMBER_TEST(exec_by_a_thread_that_fails)
{
	enum { TIMES = 50 };
	const struct vprocns_info info = get_info(self->group);
	char path[] = "/tmp/lineage_test.broken";
	char *argv[] = { path, NULL };
	pthread_t thread;
	int i;

	write_broken_program(path);
	for (i = 1; i <= TIMES; i++) {
		const pid_t pid = fork();
		int status;

		if (!pid) {
			pthread_create(&thread, NULL, exec_argv, argv);
			/* Its first thread may have ended before. */
			if (i % 2)
				pthread_exit(NULL);
			for (;;)
				pause();
		}
		EXPECT_EQ(number_of(&info, 0, i), pid);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
	}
	EXPECT_EQ(number_of(&info, 0, TIMES + 1), spend_number());
	EXPECT_EQ(0, collisions(self->group));
	unlink(path);
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

TEST_HARNESS_MAIN
