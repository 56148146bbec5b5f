// SPDX-License-Identifier: GPL-2.0
/*
 * What makes, joins and ends a task behaves in a group as outside. The list
 * holds what the Shadow simulator's own clone and fork tests look at.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/mman.h>

#include "common.h"

FIXTURE_VARIANT_ADD(group, shadow) { { .profile = VPROCNS_PROFILE_SHADOW } };
FIXTURE_VARIANT_ADD(group, strict) {
	{ .profile = VPROCNS_PROFILE_SHADOW_STRICT }
};
FIXTURE_VARIANT_ADD(group, linux) { { .profile = VPROCNS_PROFILE_LINUX } };

#define THREAD_FLAGS							\
	(CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD |		\
	 CLONE_SYSVSEM | CLONE_SETTLS | CLONE_CHILD_CLEARTID)

#define STACK_SIZE 65536

/* What a thread made by hand does, and what it leaves. */
struct thread {
	pid_t child_tid;
	pid_t parent_tid;
	pid_t own_tid;
	void (*work)(struct thread *thread);
	int fd;
	int result;
	/* errno lives here: the C library knows nothing of such a thread. */
	char tls[4096] __attribute__((aligned(64)));
	char stack[STACK_SIZE] __attribute__((aligned(64)));
};

static int thread_main(void *arg)
{
	struct thread *const thread = arg;

	thread->own_tid = sys_gettid();
	if (thread->work)
		thread->work(thread);
	syscall(SYS_exit, 0);
	return 0;
}

static struct thread *new_thread(void)
{
	struct thread *const thread =
		mmap(NULL, sizeof(*thread), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void **const tls = (void *)(thread->tls + 2048);

	/* x86: the thread pointer points to itself. */
	tls[0] = tls;
	tls[2] = tls;
	thread->child_tid = -1;
	return thread;
}

static pid_t start_thread(struct thread *thread, unsigned long flags)
{
	return clone(thread_main, thread->stack + STACK_SIZE,
		     THREAD_FLAGS | flags, thread, &thread->parent_tid,
		     thread->tls + 2048, &thread->child_tid);
}

/* The kernel clears the word and wakes it when the thread has ended. */
static void join_thread(struct thread *thread)
{
	pid_t tid;

	while ((tid = __atomic_load_n(&thread->child_tid, __ATOMIC_ACQUIRE)))
		syscall(SYS_futex, &thread->child_tid, FUTEX_WAIT, tid, NULL,
			NULL, 0);
}

static pid_t fork_by_clone(void)
{
	return sys_clone(SIGCHLD);
}

static pid_t fork_by_clone3(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };

	return sys_clone3(&args);
}

#ifdef SYS_fork
static pid_t fork_by_fork(void)
{
	return syscall(SYS_fork);
}
#endif

/* Each child knows its number, and its parent waits for that very number. */
MEMBER_TEST(fork_in_every_way)
{
	pid_t (*const ways[])(void) = {
		fork, fork_by_clone, fork_by_clone3,
#ifdef SYS_fork
		fork_by_fork,
#endif
	};
	siginfo_t info;
	pid_t pid;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		pid = ways[i]();
		ASSERT_LE(0, pid);
		if (!pid)
			_exit(getppid() != FIRST ||
			      sys_gettid() != FIRST + 1 + (int)i);
		EXPECT_EQ(FIRST + 1 + (int)i, pid);
		ASSERT_EQ(0, waitid(P_PID, pid, &info, WEXITED));
		EXPECT_EQ(pid, info.si_pid);
		EXPECT_EQ(0, info.si_status);
	}
}

MEMBER_TEST(child_shares_nothing)
{
	volatile int word = 1;
	const pid_t pid = fork();

	if (!pid) {
		word = 2;
		_exit(word != 2);
	}
	EXPECT_EQ(0, status_of(pid));
	EXPECT_EQ(1, word);
}

static void *note_tid(void *arg)
{
	*(pid_t *)arg = sys_gettid();
	return NULL;
}

MEMBER_TEST(pthread_numbers)
{
	pthread_t threads[4];
	pid_t tids[4];
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, note_tid,
					    &tids[i]));
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		EXPECT_EQ(FIRST + 1 + i, tids[i]);
	}
	EXPECT_EQ(FIRST, getpid());
}

MEMBER_TEST(settid_words)
{
	struct thread *const thread = new_thread();
	const pid_t tid = start_thread(thread, CLONE_PARENT_SETTID |
					       CLONE_CHILD_SETTID);

	ASSERT_EQ(FIRST + 1, tid);
	join_thread(thread);
	EXPECT_EQ(tid, thread->parent_tid);
	EXPECT_EQ(tid, thread->own_tid);
}

static void hold(struct thread *thread)
{
	/* CHILD_SETTID writes before anything of the child runs. */
	thread->result = __atomic_load_n(&thread->child_tid, __ATOMIC_ACQUIRE);
}

MEMBER_TEST(child_settid_is_there_at_once)
{
	struct thread *const thread = new_thread();
	pid_t tid;

	thread->work = hold;
	tid = start_thread(thread, CLONE_CHILD_SETTID);
	ASSERT_LT(0, tid);
	join_thread(thread);
	EXPECT_EQ(tid, thread->result);
}

static void sleep_a_little(struct thread *thread __attribute__((unused)))
{
	usleep(50000);
}

MEMBER_TEST(child_cleartid_wakes)
{
	struct thread *const thread = new_thread();

	thread->work = sleep_a_little;
	ASSERT_LT(0, start_thread(thread, CLONE_CHILD_SETTID));
	/* Hangs, and fails by its time limit, when nobody wakes it. */
	join_thread(thread);
	EXPECT_EQ(0, thread->child_tid);
}

static void redirect(struct thread *thread)
{
	thread->result = dup2(thread->fd, 100);
}

MEMBER_TEST(dup2_is_seen_with_clone_files)
{
	struct thread *const thread = new_thread();

	thread->fd = open("/dev/null", O_RDONLY);
	thread->work = redirect;
	ASSERT_LT(0, start_thread(thread, CLONE_FILES));
	join_thread(thread);
	EXPECT_EQ(100, thread->result);
	EXPECT_EQ(0, fcntl(100, F_GETFD));
}

MEMBER_TEST(dup2_is_not_seen_without_clone_files)
{
	struct thread *const thread = new_thread();

	thread->fd = open("/dev/null", O_RDONLY);
	thread->work = redirect;
	ASSERT_LT(0, start_thread(thread, 0));
	join_thread(thread);
	EXPECT_EQ(100, thread->result);
	EXPECT_EQ(-1, fcntl(100, F_GETFD));
	EXPECT_EQ(EBADF, errno);
}

static void seek(struct thread *thread)
{
	thread->result = lseek(thread->fd, 7, SEEK_SET);
}

/* One open file description, with and without a common table. */
MEMBER_TEST(file_offset_is_shared)
{
	const unsigned long flags[] = { 0, CLONE_FILES };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct thread *const thread = new_thread();

		thread->fd = open("/proc/self/exe", O_RDONLY);
		ASSERT_LE(0, thread->fd);
		thread->work = seek;
		ASSERT_LT(0, start_thread(thread, flags[i]));
		join_thread(thread);
		EXPECT_EQ(7, thread->result);
		EXPECT_EQ(7, lseek(thread->fd, 0, SEEK_CUR));
		close(thread->fd);
	}
}

MEMBER_TEST(tgkill_of_a_dead_thread)
{
	struct thread *const thread = new_thread();
	const pid_t tid = start_thread(thread, 0);

	ASSERT_LT(0, tid);
	join_thread(thread);
	/* The word is cleared a moment before the number is free. */
	EXPECT_TRUE(EVENTUALLY(syscall(SYS_tgkill, getpid(), tid, 0)));
	EXPECT_EQ(ESRCH, errno);
	EXPECT_EQ(0, syscall(SYS_tgkill, getpid(), getpid(), 0));
}

static void *outlive(void *arg)
{
	usleep(100000);
	/* The leader is a zombie by now; the process is not. */
	_exit(sys_gettid() == FIRST + 2 && getpid() == FIRST + 1 ?
	      *(int *)arg : 1);
}

MEMBER_TEST(leader_exits_before_its_threads)
{
	static int status = 42;
	pthread_t thread;
	const pid_t pid = fork();

	if (!pid) {
		if (pthread_create(&thread, NULL, outlive, &status))
			_exit(2);
		syscall(SYS_exit, 0);
	}
	EXPECT_EQ(42, status_of(pid));
}

MEMBER_TEST(vfork_child)
{
	volatile int word = 1;
	const bool shares = variant->create.profile !=
			    VPROCNS_PROFILE_SHADOW_STRICT;
	const pid_t pid = vfork();

	if (!pid) {
		word = 2;
		_exit(9);
	}
	ASSERT_EQ(FIRST + 1, pid);
	EXPECT_EQ(9, status_of(pid));
	/* Real vfork runs in our memory; the emulated one in its own. */
	EXPECT_EQ(shares ? 2 : 1, word);
	EXPECT_EQ(!shares, get_stats(self->group).rewritten);
}

MEMBER_TEST(spawn)
{
	char *const argv[] = { "sh", "-c", "test $$ = 1001", NULL };
	pid_t pid;

	ASSERT_EQ(0, posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ));
	EXPECT_EQ(FIRST + 1, pid);
	EXPECT_EQ(0, status_of(pid));
}

MEMBER_TEST(spawn_of_a_missing_file)
{
	char *const argv[] = { "none", NULL };
	pid_t pid;
	const int err = posix_spawn(&pid, "/nonexistent/none", NULL, NULL, argv,
				    environ);

	if (variant->create.profile == VPROCNS_PROFILE_SHADOW_STRICT) {
		/* The error word is in memory that fork does not share. */
		EXPECT_EQ(0, err);
		EXPECT_EQ(127, status_of(pid));
	} else {
		EXPECT_EQ(ENOENT, err);
		EXPECT_EQ(-ECHILD, status_of(-1));
	}
}

static void *exec_self(void *arg)
{
	char *const argv[] = { "sh", "-c", arg, NULL };

	execv("/bin/sh", argv);
	return NULL;
}

/* The thread takes its leader's number; its own is not given to anybody yet. */
MEMBER_TEST(exec_by_another_thread)
{
	static char script[] =
		"test $$ = 1001 && test $(readlink /proc/self) = 1003";
	pthread_t thread;
	const pid_t pid = fork();

	if (!pid) {
		pthread_create(&thread, NULL, exec_self, script);
		for (;;)
			pause();
	}
	ASSERT_EQ(FIRST + 1, pid);
	EXPECT_EQ(0, status_of(pid));
}

/* The grandchild becomes its grandparent's child, and orphans pid 1's. */
MEMBER_TEST(parents)
{
	pid_t pid = fork();

	if (!pid) {
		pid = sys_clone(CLONE_PARENT | SIGCHLD);
		if (!pid)
			_exit(getppid() == FIRST ? 5 : 1);
		_exit(0);
	}
	EXPECT_EQ(0, status_of(pid));
	EXPECT_EQ(5, status_of(FIRST + 2));
}

static void ignore(int signal __attribute__((unused)))
{
}

/* 0 if a signal that the cloner treats @before is treated @after by the child. */
static int clear_sighand(void (*before)(int), void (*after)(int))
{
	struct clone_args args = {
		.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD,
	};
	struct sigaction action;
	pid_t pid;

	signal(SIGUSR1, before);
	pid = sys_clone3(&args);
	if (!pid) {
		sigaction(SIGUSR1, NULL, &action);
		_exit(action.sa_handler != after);
	}
	return pid < 0 ? pid : status_of(pid);
}

MEMBER_TEST(clear_sighand)
{
	EXPECT_EQ(0, clear_sighand(ignore, SIG_DFL));
}

/* Linux's way: what is ignored stays so. */
MEMBER_TEST(clear_sighand_keeps_what_is_ignored)
{
	EXPECT_EQ(0, clear_sighand(SIG_IGN, SIG_IGN));
}

static int set_handler(void *arg __attribute__((unused)))
{
	signal(SIGUSR1, ignore);
	_exit(3);
}

/* Linux's way: a child of vfork may share its parent's handlers, and changes them. */
MEMBER_TEST(vfork_may_share_handlers)
{
	const bool shares = variant->create.profile !=
			    VPROCNS_PROFILE_SHADOW_STRICT;
	static char stack[STACK_SIZE] __attribute__((aligned(64)));
	struct sigaction action;
	pid_t pid;

	signal(SIGUSR1, SIG_DFL);
	pid = clone(set_handler, stack + sizeof(stack),
		    CLONE_SIGHAND | CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	ASSERT_LT(0, pid);
	EXPECT_EQ(3, status_of(pid));
	sigaction(SIGUSR1, NULL, &action);
	EXPECT_EQ(shares, action.sa_handler == ignore);
}

/* Linux's way: a sibling made by CLONE_PARENT has the cloner's exit signal. */
MEMBER_TEST(parent_takes_the_cloners_exit_signal)
{
	sigset_t set;
	siginfo_t info;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = sys_clone(SIGUSR2);
	ASSERT_LE(0, pid);
	if (!pid) {
		/* clone3 takes no signal with it; clone's is ignored. */
		pid = sys_clone(CLONE_PARENT | SIGUSR1);
		if (!pid)
			_exit(5);
		_exit(pid < 0);
	}
	ASSERT_EQ(SIGUSR2, sigwaitinfo(&set, &info));
	EXPECT_EQ(0, status_of(FIRST + 1));
	EXPECT_EQ(5, status_of(FIRST + 2));
	/* Both may have come as one. */
	EXPECT_NE(SIGUSR1, sigtimedwait(&set, &info, &(struct timespec) {}));
}

static void change_directory(struct thread *thread)
{
	thread->result = syscall(SYS_chdir, "/proc");
}

/* Linux's way: a thread has a directory of its own without CLONE_FS. */
MEMBER_TEST(chdir_follows_clone_fs)
{
	const unsigned long flags[] = { THREAD_FLAGS & ~CLONE_FS, THREAD_FLAGS };
	struct thread *thread;
	char where[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		thread = new_thread();
		ASSERT_EQ(0, chdir("/sys"));
		ASSERT_LT(0, clone(thread_main, thread->stack + STACK_SIZE,
				   flags[i], thread, NULL, thread->tls + 2048,
				   &thread->child_tid));
		/* The word is the one that CLEARTID clears. */
		join_thread(thread);
		EXPECT_STREQ("/sys", getcwd(where, sizeof(where)));

		thread = new_thread();
		thread->work = change_directory;
		ASSERT_LT(0, clone(thread_main, thread->stack + STACK_SIZE,
				   flags[i], thread, NULL, thread->tls + 2048,
				   &thread->child_tid));
		join_thread(thread);
		EXPECT_EQ(0, thread->result);
		EXPECT_STREQ(i ? "/proc" : "/sys", getcwd(where, sizeof(where)));
	}
}

MEMBER_TEST(exit_signal_is_delivered)
{
	sigset_t set;
	siginfo_t info;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = sys_clone(SIGUSR2);
	if (!pid)
		_exit(0);
	ASSERT_EQ(SIGUSR2, sigwaitinfo(&set, &info));
	EXPECT_EQ(pid, info.si_pid);
	EXPECT_EQ(0, status_of(pid));
}

/* Numbers are the group's to give. */
MEMBER_TEST(set_tid_is_refused)
{
	pid_t wanted = 2000;
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&wanted, .set_tid_size = 1,
	};

	EXPECT_EQ(-1, sys_clone3(&args));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(1, get_stats(self->group).refused[VPROCNS_RULE_SET_TID]);
	EXPECT_EQ(FIRST + 1, spend_number());
}

MEMBER_TEST(set_tid_size_is_checked_as_in_linux)
{
	struct clone_args args = { .exit_signal = SIGCHLD, .set_tid_size = 1 };

	EXPECT_EQ(-1, sys_clone3(&args));
	EXPECT_EQ(EINVAL, errno);
	args.set_tid = 8;
	EXPECT_EQ(-1, sys_clone3(&args));
	EXPECT_EQ(EFAULT, errno);
	args.set_tid_size = 1000;
	EXPECT_EQ(-1, sys_clone3(&args));
	EXPECT_EQ(EINVAL, errno);
}

/* Known departure: Linux finds these before the group is asked. */
MEMBER_TEST(clone3_arguments_are_linux_own)
{
	struct clone_args args = {
		.flags = THREAD_FLAGS, .exit_signal = SIGCHLD,
	};
	char large[256] = {};

	EXPECT_EQ(-1, sys_clone3(&args));
	EXPECT_EQ(EINVAL, errno);

	args = (struct clone_args) { .exit_signal = SIGCHLD };
	EXPECT_EQ(-1, syscall(SYS_clone3, &args, 8));
	EXPECT_EQ(EINVAL, errno);
	memcpy(large, &args, sizeof(args));
	large[200] = 1;
	EXPECT_EQ(-1, syscall(SYS_clone3, large, sizeof(large)));
	EXPECT_EQ(E2BIG, errno);

	/* Every size that Linux takes is taken. */
	large[200] = 0;
	args.exit_signal = SIGCHLD;
	const pid_t pid = syscall(SYS_clone3, large, sizeof(large));

	ASSERT_LE(0, pid);
	if (!pid)
		_exit(0);
	EXPECT_EQ(0, status_of(pid));
	EXPECT_EQ(FIRST + 1, pid);
}

/* Known departure: the clone has happened, so it does not fail. */
MEMBER_TEST(bad_parent_tid_does_not_fail)
{
	const pid_t pid = syscall(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, 0,
				  8, NULL, 0);

	ASSERT_LE(0, pid);
	if (!pid)
		_exit(0);
	EXPECT_EQ(0, status_of(pid));
}

/* Likewise; the child finds no word written, and runs. */
MEMBER_TEST(bad_child_tid_does_not_fail)
{
	const pid_t pid = clone_and_end(SYS_clone, (long[5]) {
		CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, 0, 0, 8, 0,
	});

	ASSERT_LT(0, pid);
	status_of(pid);
}

/* Known departure: clone3's stack and its size come together, as in Linux. */
MEMBER_TEST(clone3_stacks_are_linux_own)
{
	static char stack[4096];
	struct clone_args args = {
		.exit_signal = SIGCHLD, .stack = (uintptr_t)stack,
	};

	EXPECT_EQ(-EINVAL, raw(sys_clone3(&args)));
	args.stack = 0;
	args.stack_size = sizeof(stack);
	EXPECT_EQ(-EINVAL, raw(sys_clone3(&args)));
	args.stack = 0xffff888000000000;
	EXPECT_EQ(-EINVAL, raw(sys_clone3(&args)));
	EXPECT_EQ(FIRST + 1, spend_number());
}

MEMBER_TEST(refusals_are_counted)
{
	struct vprocns_stats stats;

	EXPECT_EQ(-1, sys_clone(CLONE_NEWPID | SIGCHLD));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, sys_clone(CLONE_NEWUSER | SIGCHLD));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, sys_clone(CLONE_SIGHAND | SIGCHLD));
	EXPECT_EQ(EINVAL, errno);
	stats = get_stats(self->group);
	EXPECT_EQ(2, stats.refused[VPROCNS_RULE_UNSUPPORTED_FLAG]);
	EXPECT_EQ(!is_linux(&variant->create),
		  stats.refused[VPROCNS_RULE_SIGHAND_NEEDS_VM]);
}

MEMBER_TEST(clones_and_exits_are_counted)
{
	struct thread *const thread = new_thread();
	struct vprocns_stats stats;

	ASSERT_LT(0, start_thread(thread, 0));
	join_thread(thread);
	EXPECT_EQ(FIRST + 2, spend_number());
	/* A thread counts as gone a moment after its word is cleared. */
	EXPECT_TRUE(EVENTUALLY((stats = get_stats(self->group)).exits == 2));
	EXPECT_EQ(3, stats.clones);
	EXPECT_EQ(1, stats.threads);
	EXPECT_EQ(0, stats.joined);
	EXPECT_EQ(0, stats.kernel_threads);
}

FIXTURE(threads_only) {
	int group;
};

FIXTURE_SETUP(threads_only)
{
	const struct vprocns_create create = {
		.flags = VPROCNS_CREATE_THREADS_ONLY,
	};

	self->group = make_group(&create);
	ASSERT_LE(0, self->group);
}

FIXTURE_TEARDOWN(threads_only)
{
	EXPECT_TRUE(close_group(self->group));
}

TEST_F(threads_only, one_process)
{
	const pid_t init = enter_group(self->group);
	struct thread *thread;

	if (!init) {
		thread = new_thread();
		if (getpid() != FIRST)
			_exit(1);
		if (fork() != -1 || errno != EOPNOTSUPP)
			_exit(2);
		if (start_thread(thread, 0) != FIRST + 1)
			_exit(3);
		join_thread(thread);
		_exit(0);
	}
	EXPECT_EQ(0, status_of(init));
	EXPECT_EQ(1, get_stats(self->group).refused[VPROCNS_RULE_THREADS_ONLY]);
}

/* A thread of the init's is not its first process. */
TEST_F(threads_only, init_makes_a_thread_first)
{
	const pid_t init = sys_clone(CLONE_NEWPID | SIGCHLD);
	struct thread *thread;
	pid_t program;

	if (!init) {
		thread = new_thread();
		if (bind_group(self->group, -1))
			_exit(1);
		if (start_thread(thread, 0) != FIRST)
			_exit(2);
		join_thread(thread);
		program = fork();
		if (!program)
			_exit(0);
		if (program != FIRST + 1 || status_of(program))
			_exit(3);
		_exit(fork() != -1 || errno != EOPNOTSUPP);
	}
	EXPECT_EQ(0, status_of(init));
	EXPECT_EQ(1, get_stats(self->group).refused[VPROCNS_RULE_THREADS_ONLY]);
}

/* Who joins between the bind and the first program does not stand in for it. */
TEST_F(threads_only, somebody_joins_first)
{
	pid_t init, outsider, program;
	int bound[2], joined[2];
	char byte;

	ASSERT_EQ(0, pipe(bound));
	ASSERT_EQ(0, pipe(joined));
	init = sys_clone(CLONE_NEWPID | SIGCHLD);
	if (!init) {
		if (bind_group(self->group, -1) ||
		    write(bound[1], "", 1) != 1 || read(joined[0], &byte, 1) != 1)
			_exit(1);
		program = fork();
		if (!program)
			_exit(0);
		_exit(program != FIRST + 1 || status_of(program) ||
		      fork() != -1 || errno != EOPNOTSUPP);
	}
	ASSERT_EQ(1, read(bound[0], &byte, 1));
	outsider = fork();
	if (!outsider) {
		if (setns(sys_pidfd_open(init), CLONE_NEWPID))
			_exit(1);
		_exit(spend_number() < 0);
	}
	EXPECT_EQ(0, status_of(outsider));
	ASSERT_EQ(1, write(joined[1], "", 1));
	EXPECT_EQ(0, status_of(init));
}

TEST_HARNESS_MAIN
