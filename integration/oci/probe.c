// SPDX-License-Identifier: GPL-2.0
/*
 * What a container's program sees of its group. Static: it is all that the test
 * containers have beside busybox.
 *
 * probe numbers		prints the TIDs of itself, a child, a thread and the child's child
 * probe namespaces	prints what each way to each kind of namespace answers
 * probe race		clone3 while a thread writes its flags: prints for each kind
 *			of namespace whether a child got one, and whether one was refused
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
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
#define RACES 500

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

static const struct {
	const char *name;
	unsigned int flag;
	/* What a child has that was made with the flag. */
	const char *link;
} kinds[] = {
	{ "user", CLONE_NEWUSER, "user" },
	{ "mnt", CLONE_NEWNS, "mnt" },
	{ "pid", CLONE_NEWPID, "pid" },
	{ "net", CLONE_NEWNET, "net" },
	{ "ipc", CLONE_NEWIPC, "ipc" },
	{ "uts", CLONE_NEWUTS, "uts" },
	{ "cgroup", CLONE_NEWCGROUP, "cgroup" },
	{ "time", CLONE_NEWTIME, "time_for_children" },
};
#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int namespaces(void)
{
	size_t i;

	for (i = 0; i < NR_KINDS; i++) {
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
static unsigned int raced_flag;

/* Until the flag is 0. */
static void *write_flags(void *arg)
{
	volatile __u64 *const flags = &raced.flags;
	unsigned int flag;

	while ((flag = __atomic_load_n(&raced_flag, __ATOMIC_RELAXED))) {
		*flags = flag;
		*flags = 0;
	}
	return arg;
}

static ino_t namespace(const char *link)
{
	struct stat about;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", link);
	return stat(path, &about) ? 0 : about.st_ino;
}

static void race_for(const char *name, const char *link)
{
	const ino_t ours = namespace(link);
	int i, escaped = 0, refused = 0;
	long pid;

	for (i = 0; i < RACES; i++) {
		pid = clone3_with(&raced);
		if (!pid)
			_exit(namespace(link) != ours);
		refused += pid < 0;
		escaped += pid > 0 && ended(pid);
	}
	printf("%s escaped %s refused %s\n", name, escaped ? "some" : "none",
	       refused ? "some" : "none");
}

static int race(void)
{
	pthread_t thread;
	size_t i;

	for (i = 0; i < NR_KINDS; i++) {
		raced_flag = kinds[i].flag;
		if (pthread_create(&thread, NULL, write_flags, NULL))
			return 1;
		race_for(kinds[i].name, kinds[i].link);
		__atomic_store_n(&raced_flag, 0, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
	}
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
