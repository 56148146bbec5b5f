// SPDX-License-Identifier: GPL-2.0
/*
 * What clones and the calls that a group may touch cost, in nanoseconds. They
 * are instructions in the VM of `selftests/vm/run --icount`.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

#define MAX_REPEATS 10001
#define WARMUP 100

static const char usage[] =
	"usage: bench [--rounds N] [--warmup N] [--repeats N] [--] [BENCH]...\n"
	"\n"
	"Measures what an operation costs, and prints for each BENCH, or for all, a\n"
	"line of tab-separated words: its name, the median of the repeats, the lowest\n"
	"and the highest of them, in nanoseconds an operation.\n"
	"\n"
	"  --rounds N   operations in a repeat; else as many as suit the operation\n"
	"  --repeats N  likewise; at most 10001\n"
	"  --warmup N   operations before the first repeat; 100 if not given\n"
	"\n"
	"It runs on x86-64 and arm64. On a real machine, keep it on one CPU and compare\n"
	"within one sitting: taskset -c 1 bench; taskset -c 1 vprocns run -- bench\n"
	"\n"
	"BENCH is one of:\n";

/* What vfork_exec and posix_spawn execute: this program, told to end at once. */
static char self[4096];
static char *const end_at_once[] = { self, "--end", NULL };
static char *const no_environment[] = { NULL };

static void reap(pid_t pid)
{
	int status;

	if (pid < 0)
		err(1, "no child");
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	if (status)
		errx(1, "the child ended with status %#x", status);
}

static void do_fork(void)
{
	const pid_t pid = fork();

	if (!pid)
		_exit(0);
	reap(pid);
}

static void do_vfork_exec(void)
{
	const pid_t pid = vfork();

	if (!pid) {
		execve(self, end_at_once, no_environment);
		_exit(127);
	}
	reap(pid);
}

static void do_posix_spawn(void)
{
	pid_t pid;

	errno = posix_spawn(&pid, self, NULL, NULL, end_at_once, no_environment);
	if (errno)
		err(1, "posix_spawn");
	reap(pid);
}

static void *return_at_once(void *unused)
{
	return unused;
}

static void do_thread(void)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, return_at_once, NULL);
	if (!errno)
		errno = pthread_join(thread, NULL);
	if (errno)
		err(1, "pthread");
}

/* A thread of the kernel's alone: it ends without having touched its stack. */
static void do_clone3(void)
{
	static char stack[64];
	static char tls[64];
	static pid_t tid;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			 CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
			 CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
		.parent_tid = (uintptr_t)&tid,
		.child_tid = (uintptr_t)&tid,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
		.tls = (uintptr_t)tls,
	};
	pid_t seen;
	long ret;

#if defined(__x86_64__)
	asm volatile("syscall\n\t"
		     "test %%rax, %%rax\n\t"
		     "jnz 1f\n\t"
		     "xor %%edi, %%edi\n\t"
		     "mov %[exit], %%eax\n\t"
		     "syscall\n"
		     "1:"
		     : "=a" (ret)
		     : "0" (SYS_clone3), "D" (&args), "S" (sizeof(args)),
		       [exit] "i" (SYS_exit)
		     : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long x0 asm("x0") = (long)&args;
	register long x1 asm("x1") = sizeof(args);
	register long x8 asm("x8") = SYS_clone3;

	asm volatile("svc #0\n\t"
		     "cbnz x0, 1f\n\t"
		     "mov x8, %[exit]\n\t"
		     "svc #0\n"
		     "1:"
		     : "+r" (x0)
		     : "r" (x1), "r" (x8), [exit] "i" (SYS_exit)
		     : "memory");
	ret = x0;
#endif
	if (ret < 0) {
		errno = -ret;
		err(1, "clone3");
	}
	while ((seen = __atomic_load_n(&tid, __ATOMIC_ACQUIRE)))
		syscall(SYS_futex, &tid, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static void do_getpid(void)
{
	syscall(SYS_getpid);
}

static void do_gettid(void)
{
	syscall(SYS_gettid);
}

static void do_capget(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		err(1, "capget");
}

/* Of what a group judges, as little as Linux lets a caller ask for. */
static void do_capset(void)
{
	struct __user_cap_header_struct header = { .version = 0 };

	syscall(SYS_capset, &header, NULL);
}

static void do_unshare(void)
{
	if (syscall(SYS_unshare, CLONE_FS))
		err(1, "unshare");
}

static void do_setns(void)
{
	syscall(SYS_setns, -1, 0);
}

static void do_kill0(void)
{
	if (syscall(SYS_kill, syscall(SYS_getpid), 0))
		err(1, "kill");
}

/* 1000 instructions: tells whether the clock counts them. */
static void do_loop(void)
{
	unsigned int left = 500;

#if defined(__x86_64__)
	asm volatile("1:	sub $1, %0\n\t"
		     "jnz 1b"
		     : "+r" (left) : : "cc");
#elif defined(__aarch64__)
	asm volatile("1:	subs %w0, %w0, #1\n\t"
		     "b.ne 1b"
		     : "+r" (left) : : "cc");
#endif
}

/*
 * A repeat is short, so that the median is one without a timer interrupt, nor
 * what the kernel puts off and does for many at once: those make a mean of a
 * thousand forks differ by 0.3% between runs, and their median by 0.03%.
 */
static const struct bench {
	const char *name, *what;
	void (*operation)(void);
	unsigned int rounds, repeats;
} benches[] = {
	{ "fork", "fork, exit, wait", do_fork, 1, 1001 },
	{ "vfork_exec", "vfork, exec of this program, exit, wait",
	  do_vfork_exec, 1, 301 },
	{ "posix_spawn", "likewise by posix_spawn", do_posix_spawn, 1, 301 },
	{ "thread", "pthread_create, pthread_join", do_thread, 10, 201 },
	{ "clone3", "a thread by the system call alone, and its end",
	  do_clone3, 10, 201 },
	{ "getpid", "the system call", do_getpid, 1000, 5 },
	{ "gettid", "the system call", do_gettid, 1000, 5 },
	{ "capget", "the system call, of the caller", do_capget, 1000, 5 },
	{ "capset", "the system call, of an unknown version", do_capset, 1000, 5 },
	{ "unshare", "the system call, of what is not shared", do_unshare, 1000, 5 },
	{ "setns", "the system call, to a descriptor that is none", do_setns, 1000, 5 },
	{ "kill0", "getpid, and signal 0 to it", do_kill0, 1000, 5 },
	{ "loop", "1000 instructions", do_loop, 200, 5 },
};

#define NR_BENCHES (sizeof(benches) / sizeof(benches[0]))

static double time_rounds(const struct bench *bench, unsigned int rounds)
{
	const double begin = now();
	unsigned int i;

	for (i = 0; i < rounds; i++)
		bench->operation();
	return (now() - begin) / rounds;
}

struct amounts {
	unsigned int rounds, warmup, repeats;
};

static void measure(const struct bench *bench, const struct amounts *amounts)
{
	const unsigned int rounds = amounts->rounds ?: bench->rounds;
	const unsigned int repeats = amounts->repeats ?: bench->repeats;
	static double times[MAX_REPEATS];
	unsigned int i;
	double middle;

	time_rounds(bench, amounts->warmup);
	for (i = 0; i < repeats; i++)
		times[i] = time_rounds(bench, rounds);
	middle = median(times, repeats);
	printf("%s\t%.1f\t%.1f\t%.1f\n", bench->name, middle, times[0],
	       times[repeats - 1]);
}

static const struct bench *find_bench(const char *name)
{
	size_t i;

	for (i = 0; i < NR_BENCHES; i++)
		if (!strcmp(name, benches[i].name))
			return &benches[i];
	errx(2, "no bench %s; see bench --help", name);
}

static void help(void)
{
	size_t i;

	fputs(usage, stdout);
	for (i = 0; i < NR_BENCHES; i++)
		printf("  %-12s %s\n", benches[i].name, benches[i].what);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "warmup", required_argument, NULL, 'w' },
		{ "repeats", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ "end", no_argument, NULL, 'e' },
		{}
	};
	struct amounts amounts = { .warmup = WARMUP };
	int option, i;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			amounts.rounds = amount(optarg, 1000000);
			break;
		case 'w':
			amounts.warmup = amount(optarg, 1000000);
			break;
		case 'n':
			amounts.repeats = amount(optarg, MAX_REPEATS);
			break;
		case 'h':
			help();
			return 0;
		case 'e':
			return 0;
		default:
			return 2;
		}
	}
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		err(1, "/proc/self/exe");

	for (i = optind; i < argc; i++)
		find_bench(argv[i]);
	for (i = optind; i < argc; i++)
		measure(find_bench(argv[i]), &amounts);
	for (i = 0; optind == argc && i < (int)NR_BENCHES; i++)
		measure(&benches[i], &amounts);
	return 0;
}
