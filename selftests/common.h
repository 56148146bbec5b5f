/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the test programs share: groups, and a way to run a test's body as the
 * first program of one. Include once, after defining _GNU_SOURCE.
 */
#ifndef _VPROCNS_SELFTESTS_COMMON_H
#define _VPROCNS_SELFTESTS_COMMON_H

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "vprocns.h"

#define FIRST VPROCNS_FIRST_TID
#define MEMBER_SKIPPED 255

static inline int open_device(void)
{
	return open("/dev/vprocns", O_RDWR | O_CLOEXEC);
}

/* A new group's descriptor, or -errno. */
static inline int make_group(const struct vprocns_create *create)
{
	const int device = open_device();
	int group;

	if (device < 0)
		return -errno;
	group = ioctl(device, VPROCNS_CREATE, create);
	if (group < 0)
		group = -errno;
	close(device);
	return group;
}

/* 0 or -errno. */
static inline int bind_group(int group, int pidfd)
{
	struct vprocns_bind bind = { .pidfd = pidfd };

	return ioctl(group, VPROCNS_BIND, &bind) ? -errno : 0;
}

static inline struct vprocns_info get_info(int group)
{
	struct vprocns_info info;

	if (ioctl(group, VPROCNS_INFO, &info)) {
		perror("VPROCNS_INFO");
		exit(1);
	}
	return info;
}

static inline struct vprocns_stats get_stats(int group)
{
	struct vprocns_stats stats;

	if (ioctl(group, VPROCNS_STATS, &stats)) {
		perror("VPROCNS_STATS");
		exit(1);
	}
	return stats;
}

/* An ioctl's result, or -errno. */
static inline int call(int fd, unsigned int cmd, void *arg)
{
	const int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

/*
 * VPROCNS_OPEN's errno, or the number of a descriptor that is no more: an open
 * one would keep what is waited to be gone.
 */
static inline int open_and_close(int device, struct vprocns_open *open)
{
	const int group = call(device, VPROCNS_OPEN, open);

	if (group >= 0)
		close(group);
	return group;
}

/* How many groups the caller could open, up to 64; -1 if it may not ask. */
static inline int groups_listed(int device)
{
	__u64 ids[64];
	struct vprocns_list list = { .ids = (uintptr_t)ids, .capacity = 64 };

	return call(device, VPROCNS_LIST, &list) ? -1 : (int)list.count;
}

/* Of all rules. */
static inline unsigned long refusals(const struct vprocns_stats *stats)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < VPROCNS_RULE_NR; i++)
		sum += stats->refused[i];
	return sum;
}

/* Memory that children share, or NULL. */
static inline void *shared_memory(size_t size)
{
	void *const memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

union control {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static inline bool send_fd(int socket, int fd)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	union control control = {};
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *const cmsg = CMSG_FIRSTHDR(&message);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1;
}

/* -1 if none comes. */
static inline int receive_fd(int socket)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union control control = {};
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket, &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static inline bool is_linux(const struct vprocns_create *create)
{
	return create->profile == VPROCNS_PROFILE_LINUX;
}

/* Whether all of @text could be written to the file. */
static inline bool write_to(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	const bool good = fd >= 0 &&
			  write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* What a call of the C library came to, or -errno. */
static inline long raw(long ret)
{
	return ret == -1 ? -errno : ret;
}

static inline pid_t sys_clone(unsigned long flags)
{
	return syscall(SYS_clone, flags, 0, NULL, NULL, 0);
}

static inline pid_t sys_clone3(struct clone_args *args)
{
	return syscall(SYS_clone3, args, sizeof(*args));
}

static inline pid_t sys_gettid(void)
{
	return syscall(SYS_gettid);
}

#ifdef __x86_64__
/* Debian's kernels have x32 if their command line says so, as vm/run's does. */
static inline bool has_x32(void)
{
	return syscall(__X32_SYSCALL_BIT | SYS_gettid) > 0;
}

/* A system call's number at the x32 entry; the native one where there is none. */
static inline long x32(long nr)
{
	return has_x32() ? __X32_SYSCALL_BIT | nr : nr;
}

/* For a test of each program that uses it: says where there was none. */
static inline void try_x32(struct __test_metadata *_metadata)
{
	if (!has_x32())
		SKIP(return, "this kernel has no x32 entry");
	EXPECT_EQ(getpid(), syscall(x32(SYS_getpid)));
}

/* The 32-bit entry of a 64-bit process: no 32-bit program is needed. */
static inline long int80(long nr, long first, long second)
{
	long ret;

	asm volatile("int $0x80" : "=a" (ret)
		     : "a" (nr), "b" (first), "c" (second), "d" (0L),
		       "S" (0L), "D" (0L)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}
#endif

/*
 * Clones without a C library: the child, which may share our memory and have
 * no stack of its own, ends at once without touching either. The arguments of
 * SYS_clone are in x86-64's order, child_tid before tls.
 */
static inline long clone_and_end(long nr, const long arguments[5])
{
#if defined(__x86_64__)
	register long r10 asm("r10") = arguments[3];
	register long r8 asm("r8") = arguments[4];
	long ret;

	asm volatile("syscall\n\t"
		     "test %%rax, %%rax\n\t"
		     "jnz 1f\n\t"
		     "mov %[exit], %%eax\n\t"
		     "xor %%edi, %%edi\n\t"
		     "syscall\n\t"
		     "1:"
		     : "=a" (ret)
		     : "a" (nr), "D" (arguments[0]), "S" (arguments[1]),
		       "d" (arguments[2]), "r" (r10), "r" (r8),
		       [exit] "i" (SYS_exit)
		     : "memory", "cc", "rcx", "r11");
	return ret;
#elif defined(__aarch64__)
	register long x0 asm("x0") = arguments[0];
	register long x1 asm("x1") = arguments[1];
	register long x2 asm("x2") = arguments[2];
	register long x3 asm("x3") = arguments[nr == SYS_clone ? 4 : 3];
	register long x4 asm("x4") = arguments[nr == SYS_clone ? 3 : 4];
	register long x8 asm("x8") = nr;

	asm volatile("svc #0\n\t"
		     "cbnz x0, 1f\n\t"
		     "mov x8, %[exit]\n\t"
		     "svc #0\n\t"
		     "1:"
		     : "+r" (x0)
		     : "r" (x1), "r" (x2), "r" (x3), "r" (x4), "r" (x8),
		       [exit] "i" (SYS_exit)
		     : "memory", "cc");
	return x0;
#endif
}

/* Where there is no 32-bit entry for a 64-bit process, there is no such flag. */
#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

static inline int sys_pidfd_open(pid_t pid)
{
	return syscall(SYS_pidfd_open, pid, 0);
}

/* As a shell has it: the exit status, or 128+n for signal n. */
static inline int status_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

/* A child that ends at once, reaped. Its TID, or -errno. */
static inline pid_t spend_number(void)
{
	const pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid < 0 || status_of(pid) ? -errno : pid;
}

/* A child that lives until it is killed. Its TID, or -1. */
static inline pid_t sleeper(void)
{
	const pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	return pid;
}

/* Polls, for what no call waits for; false after ten seconds of patience. */
#define EVENTUALLY(condition) ({					\
	int _left = 10000 * patience();					\
	while (!(condition) && _left--)					\
		usleep(1000);						\
	_left > 0; })

/*
 * Pid 1 of a new namespace binds it to @group. Returns in the first program,
 * whose exit status becomes that of pid 1.
 */
static inline void be_init(int group)
{
	int status, err;
	pid_t program, pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL)) {
		perror("mount");
		_exit(1);
	}
	err = bind_group(group, -1);
	if (err) {
		fprintf(stderr, "bind: %s\n", strerror(-err));
		_exit(1);
	}
	program = fork();
	if (!program)
		return;
	if (program < 0) {
		perror("fork");
		_exit(1);
	}
	do {
		pid = waitpid(-1, &status, __WALL);
	} while (pid != program);
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				    WEXITSTATUS(status));
}

/*
 * Binds @group to a new PID namespace. Returns pid 1's host TID; 0 in the
 * first program.
 */
static inline pid_t enter_group(int group)
{
	const pid_t init = sys_clone(CLONE_NEWPID | CLONE_NEWNS | SIGCHLD);

	if (!init)
		be_init(group);
	return init;
}

static inline void *end_at_once(void *arg)
{
	return arg;
}

/* Clones a thread, and waits for its end. */
static inline bool make_thread(void)
{
	pthread_t thread;

	return !pthread_create(&thread, NULL, end_at_once, NULL) &&
	       !pthread_join(thread, NULL);
}

/* Whether the caller's process has the thread, which may be one of the kernel's. */
static inline bool has_thread(pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d", tid);
	return !access(path, F_OK);
}

/* Has the kernel make a thread, like an io_uring worker. A descriptor, or -errno. */
static inline long make_kernel_thread(void)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL };

	return raw(syscall(SYS_io_uring_setup, 1, &params));
}

/* A page whose first user waits until somebody brings it, which nobody does. */
static inline void *page_that_does_not_come(int *uffd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register missing = {
		.range.len = 4096, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	void *const page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	missing.range.start = (uintptr_t)page;
	if (*uffd < 0 || page == MAP_FAILED || ioctl(*uffd, UFFDIO_API, &api) ||
	    ioctl(*uffd, UFFDIO_REGISTER, &missing))
		return NULL;
	return page;
}

/* Has its number when it waits for the page, to write the pidfd there, and is killed. */
static inline void *clone_half(void *page)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_VM, .exit_signal = SIGCHLD,
		.pidfd = (uintptr_t)page,
	};

	sys_clone3(&args);
	return NULL;
}

/* Pid 1 of a group whose program sleeps and is there; -1 if it never was. */
static inline pid_t sleeping_group(int group)
{
	const pid_t init = enter_group(group);

	if (!init)
		for (;;)
			pause();
	return EVENTUALLY(get_info(group).members == 2) ? init : -1;
}

#define NOBODY 65534

/* The status of another process that does @what as a user without privileges. */
static inline int as_nobody(int (*what)(int), int fd)
{
	const pid_t pid = fork();

	if (!pid) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(255);
		_exit(-what(fd));
	}
	return status_of(pid);
}

/* A PID namespace of one process that sleeps. Its host PID. */
static inline pid_t sleeping_namespace(void)
{
	const pid_t init = sys_clone(CLONE_NEWPID | SIGCHLD);

	if (!init) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return init;
}

static inline int end_namespace(pid_t init)
{
	kill(init, SIGKILL);
	return status_of(init);
}

/* The harness of Linux 7 lets the compiler see that a program uses no such fixture. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"

/* One of the caller's capability sets, as /proc has it; all bits if it can't be read. */
static inline unsigned long long real_set(const char *name)
{
	const size_t length = strlen(name);
	unsigned long long value = ~0ULL;
	char line[256];
	FILE *file;
	int tries;

	/* In spite of faults, which any step of it may meet. */
	for (tries = 0; tries < 1000 && value == ~0ULL; tries++) {
		file = fopen("/proc/thread-self/status", "re");
		while (file && fgets(line, sizeof(line), file))
			if (!strncmp(line, name, length) && line[length] == ':')
				value = strtoull(line + length + 1, NULL, 16);
		if (file)
			fclose(file);
	}
	return value;
}

/* Whatever the caller has, by any set. */
static inline unsigned long long real_sets(void)
{
	return real_set("CapInh") | real_set("CapPrm") | real_set("CapEff") |
	       real_set("CapAmb");
}

/* The device, and an empty request. */
FIXTURE(device) {
	int fd;
	struct vprocns_create create;
};

FIXTURE_SETUP(device)
{
	self->fd = open_device();
	ASSERT_LE(0, self->fd);
	memset(&self->create, 0, sizeof(self->create));
}

FIXTURE_TEARDOWN(device)
{
	close(self->fd);
}

/*
 * Whether a group that nobody holds any more goes. One that stays is told of by
 * the test that leaked it.
 */
static inline bool group_goes(__u64 id)
{
	struct vprocns_open open = { .id = id };
	const int device = open_device();
	const bool gone = EVENTUALLY(open_and_close(device, &open) == -ENOENT);

	close(device);
	return gone;
}

/* Its last descriptor; false if the group stays. */
static inline bool close_group(int group)
{
	const __u64 id = get_info(group).id;

	close(group);
	return group_goes(id);
}

/* One group for each test, made as the variant says. */
FIXTURE(group) {
	int group;
	__u64 id;
};

FIXTURE_VARIANT(group) {
	struct vprocns_create create;
};

FIXTURE_SETUP(group)
{
	self->group = make_group(&variant->create);
	ASSERT_LE(0, self->group);
	self->id = get_info(self->group).id;
}

FIXTURE_TEARDOWN(group)
{
	/* A test may have closed it. */
	close(self->group);
	EXPECT_TRUE(group_goes(self->id));
}

#pragma GCC diagnostic pop

/*
 * A test whose body is the first program of the group, TID 1000. What it
 * expects, asserts and skips counts as if it stood in the test itself. The
 * fixture has a member `group`.
 */
#define MEMBER_TEST_F(fixture, test_name)				\
	static void member_##fixture##_##test_name(			\
		struct __test_metadata *_metadata,			\
		FIXTURE_DATA(fixture) *self,				\
		const FIXTURE_VARIANT(fixture) *variant);		\
	TEST_F_TIMEOUT(fixture, test_name, 120)				\
	{								\
		const pid_t init = enter_group(self->group);		\
		int status;						\
									\
		ASSERT_LE(0, init);					\
		if (!init) {						\
			member_##fixture##_##test_name(_metadata, self,	\
						       variant);	\
			fflush(NULL);					\
			_exit(has_skipped(_metadata) ? MEMBER_SKIPPED :	\
			      !has_passed(_metadata));			\
		}							\
		status = status_of(init);				\
		if (status == MEMBER_SKIPPED)				\
			set_skipped(_metadata);				\
		else							\
			EXPECT_EQ(0, status);				\
	}								\
	static void member_##fixture##_##test_name(			\
		struct __test_metadata *_metadata __attribute__((unused)), \
		FIXTURE_DATA(fixture) *self __attribute__((unused)),	\
		const FIXTURE_VARIANT(fixture) *variant __attribute__((unused)))

/*
 * Whatever was tried before: every clone was counted and numbered, the next
 * has the number @next, and a level below is refused.
 */
#define STILL_HELD(next) do {						\
	EXPECT_EQ((next) - FIRST, get_stats(self->group).clones);	\
	EXPECT_EQ(next, spend_number());				\
	EXPECT_EQ(-EOPNOTSUPP, raw(sys_clone(CLONE_NEWPID | SIGCHLD)));	\
	EXPECT_EQ(-EOPNOTSUPP, raw(unshare(CLONE_NEWPID)));		\
} while (0)

/* The end of the first program, where the test is no MEMBER_TEST. */
#define LEAVE() do {							\
	fflush(NULL);							\
	_exit(!has_passed(_metadata));					\
} while (0)

#define MEMBER_TEST(test_name) MEMBER_TEST_F(group, test_name)

/* Makes a cgroup that has room for the caller alone, and enters it. */
static inline bool enter_full_cgroup(const char *cgroup)
{
	char limit[128], tasks[128];

	snprintf(limit, sizeof(limit), "%s/pids.max", cgroup);
	snprintf(tasks, sizeof(tasks), "%s/cgroup.procs", cgroup);
	return write_to("/sys/fs/cgroup/cgroup.subtree_control", "+pids") &&
	       (!mkdir(cgroup, 0755) || errno == EEXIST) &&
	       write_to(limit, "1") && write_to(tasks, "0");
}

/* A thread that forks until it is killed. */
static inline void *fork_on(void *arg)
{
	for (;;)
		spend_number();
	return arg;
}

#endif
