// SPDX-License-Identifier: GPL-2.0
/* What a program can tell of the process namespace that it runs in. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Written to ns_last_pid: the next task should have one more. */
#define CHOSEN 5000

static const char usage[] =
	"usage: probe [--choose]\n"
	"\n"
	"Prints what a program sees of the process namespace that it runs in: lines of a\n"
	"name, a tab and a value. --choose alters the namespace, and prints last-pid alone.\n"
	"\n"
	"  tid           its own\n"
	"  children      those of three children, one after the other\n"
	"  failed-clone  an errno, and how many numbers the clone that had it used up: one\n"
	"                that asks for a pidfd at an address that is none\n"
	"  clone3 X, clone X, unshare X\n"
	"                ok, or the errno; Y without Z is flags that Linux takes and glibc\n"
	"                does not use\n"
	"  capget        whether a set of its own has a capability in it, by capget\n"
	"  bounding      likewise the bounding set\n"
	"  last-pid      the TID of a child after 4999 was written to\n"
	"                /proc/sys/kernel/ns_last_pid, or the errno of that\n";

static void show(const char *call, const char *what, long ret)
{
	printf("%s%s%s\t%s\n", call, *what ? " " : "", what,
	       ret < 0 ? strerrorname_np(errno) : "ok");
}

static void reap(pid_t pid)
{
	if (waitpid(pid, NULL, __WALL) != pid)
		err(1, "waitpid");
}

static pid_t child(void)
{
	const pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid < 0)
		err(1, "fork");
	reap(pid);
	return pid;
}

static long do_clone3(struct clone_args *args)
{
	const long pid = syscall(SYS_clone3, args, sizeof(*args));

	if (!pid)
		_exit(0);
	if (pid > 0)
		reap(pid);
	return pid;
}

static void show_numbers(void)
{
	int i;

	printf("tid\t%ld\nchildren\t", syscall(SYS_gettid));
	for (i = 0; i < 3; i++)
		printf("%s%d", i ? " " : "", child());
	putchar('\n');
}

static void show_failed_clone(void)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = 1,
		.exit_signal = SIGCHLD,
	};
	const pid_t before = child();
	const long ret = do_clone3(&args);
	const char *const error = ret < 0 ? strerrorname_np(errno) : "ok";

	printf("failed-clone\t%s %d\n", error, child() - before - 1);
}

static void show_last_pid(void)
{
	const int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);

	if (fd < 0 || dprintf(fd, "%d", CHOSEN - 1) < 0)
		printf("last-pid\t%s\n", strerrorname_np(errno));
	else
		printf("last-pid\t%d\n", child());
}

static void show_clone3(const char *what, uint64_t flags)
{
	int pidfd;
	struct clone_args args = {
		.flags = flags,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};

	show("clone3", what, do_clone3(&args));
}

static int end(void *unused)
{
	return !!unused;
}

/* What ends at once needs no thread pointer of its own. */
static void show_clone(const char *what, int flags)
{
	static char stack[65536];
	const pid_t pid = clone(end, stack + sizeof(stack), flags, NULL);

	show("clone", what, pid);
	if (pid > 0 && !(flags & CLONE_THREAD))
		reap(pid);
}

static void show_unshare(const char *what, int flags)
{
	const pid_t pid = fork();

	if (!pid) {
		show("unshare", what, unshare(flags));
		_exit(0);
	}
	if (pid < 0)
		err(1, "fork");
	reap(pid);
}

static void show_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	__u32 any = 0, bounding = 0;
	int i;

	if (syscall(SYS_capget, &header, data))
		err(1, "capget");
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		any |= data[i].effective | data[i].permitted | data[i].inheritable;
	for (i = 0; i <= CAP_LAST_CAP; i++)
		bounding |= prctl(PR_CAPBSET_READ, i) == 1;
	printf("capget\t%s\n", any ? "some" : "empty");
	printf("bounding\t%s\n", bounding ? "some" : "empty");
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	/* A child must not print what its parent has in the buffer. */
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc == 2 && !strcmp(argv[1], "--choose")) {
		show_last_pid();
		return 0;
	}
	if (argc > 1)
		errx(2, "%s means nothing; see probe --help", argv[1]);

	show_numbers();
	show_failed_clone();
	show_clone3("NEWPID", CLONE_NEWPID);
	show_clone3("NEWUSER", CLONE_NEWUSER);
	show_clone3("NEWNS", CLONE_NEWNS);
	show_clone3("PIDFD", CLONE_PIDFD);
	show_clone("VM without VFORK", CLONE_VM | SIGCHLD);
	show_unshare("NEWPID", CLONE_NEWPID);
	show_unshare("NEWUSER", CLONE_NEWUSER);
	show_capabilities();
	/* Last: its end has nobody who waits for it. */
	show_clone("THREAD without SETTLS",
		   CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		   CLONE_SYSVSEM);
	return 0;
}
