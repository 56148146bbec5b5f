// SPDX-License-Identifier: GPL-2.0
/*
 * What a container's program sees of its group. Static: it is all that the test
 * containers have beside busybox.
 *
 * probe numbers		prints the TIDs of itself, a child, a thread and the child's child
 * probe namespaces	prints what each way to each kind of namespace answers
 * probe race		clone3 while a thread writes its flags: prints how many escaped
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#define RACES 2000

static int *shared;

static void *tell_tid(void *tid)
{
	*(int *)tid = syscall(SYS_gettid);
	return NULL;
}

static int numbers(void)
{
	int child, grandchild, err, thread_tid = 0;
	pthread_t thread;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	child = fork();
	if (!child) {
		grandchild = fork();
		if (!grandchild)
			_exit(0);
		*shared = grandchild;
		waitpid(grandchild, NULL, 0);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	err = pthread_create(&thread, NULL, tell_tid, &thread_tid);
	if (err) {
		printf("no thread: %s\n", strerrorname_np(err));
		return 1;
	}
	pthread_join(thread, NULL);
	printf("self %d child %d grandchild %d thread %d\n", getpid(), child,
	       *shared, thread_tid);
	return 0;
}

static long clone3_with(struct clone_args *args)
{
	return syscall(SYS_clone3, args, sizeof(*args));
}

/* The child's exit status, or -errno. */
static int ended(long pid)
{
	int status;

	if (!pid)
		_exit(0);
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int unshare_with(int flag)
{
	const pid_t pid = fork();

	if (!pid)
		_exit(unshare(flag) ? errno : 0);
	return -ended(pid);
}

static const char *said(int err)
{
	return err ? strerrorname_np(-err) : "0";
}

static int namespaces(void)
{
	static const struct {
		const char *name;
		unsigned int flag;
	} kinds[] = {
		{ "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS },
		{ "pid", CLONE_NEWPID },   { "net", CLONE_NEWNET },
		{ "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS },
		{ "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct clone_args args = {
			.flags = kinds[i].flag, .exit_signal = SIGCHLD,
		};

		printf("%s clone3 %s", kinds[i].name,
		       said(ended(clone3_with(&args))));
		/* clone(2) has its exit signal where NEWTIME is. */
		if (kinds[i].flag != CLONE_NEWTIME)
			printf(" clone %s",
			       said(ended(syscall(SYS_clone, kinds[i].flag | SIGCHLD,
						  0, 0, 0, 0))));
		printf(" unshare %s\n", said(unshare_with(kinds[i].flag)));
	}
	return 0;
}

static struct clone_args raced = { .exit_signal = SIGCHLD };
static bool stop;

static void *write_flags(void *arg)
{
	volatile __u64 *const flags = &raced.flags;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		*flags = CLONE_NEWUSER;
		*flags = 0;
	}
	return arg;
}

static ino_t user_namespace(void)
{
	struct stat about;

	return stat("/proc/self/ns/user", &about) ? 0 : about.st_ino;
}

static int race(void)
{
	const ino_t ours = user_namespace();
	int i, escaped = 0, refused = 0;
	pthread_t thread;
	long pid;

	if (pthread_create(&thread, NULL, write_flags, NULL))
		return 1;
	for (i = 0; i < RACES; i++) {
		pid = clone3_with(&raced);
		if (!pid)
			_exit(user_namespace() != ours);
		refused += pid < 0;
		escaped += pid > 0 && ended(pid);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("escaped %s refused %s\n", escaped ? "some" : "none",
	       refused ? "some" : "none");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "numbers"))
		return numbers();
	if (argc == 2 && !strcmp(argv[1], "namespaces"))
		return namespaces();
	if (argc == 2 && !strcmp(argv[1], "race"))
		return race();
	fputs("usage: probe numbers | namespaces | race\n", stderr);
	return 2;
}
