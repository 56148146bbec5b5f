// SPDX-License-Identifier: GPL-2.0
/*
 * Ways out of a group that its members may try. Documentation/escapes.md lists
 * them, with those that other tests show.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/sysmacros.h>
#include <sys/user.h>

#include "common.h"

FIXTURE_VARIANT_ADD(group, shadow) { { .profile = VPROCNS_PROFILE_SHADOW } };
FIXTURE_VARIANT_ADD(group, linux) { { .profile = VPROCNS_PROFILE_LINUX } };

/* The first line, without its end. */
static const char *get(const char *path)
{
	static char line[256];
	FILE *const file = fopen(path, "re");

	line[0] = '\0';
	if (file) {
		if (fgets(line, sizeof(line), file))
			line[strcspn(line, "\n")] = '\0';
		fclose(file);
	}
	return line;
}

/* In the low 4 GiB, where the 32-bit entry finds them. */
static struct clone_args *low_args(unsigned long flags)
{
	static struct clone_args *args;

	if (!args)
		args = mmap(NULL, sizeof(*args), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	*args = (struct clone_args) { .flags = flags, .exit_signal = SIGCHLD };
	return args;
}

static long clone_native(unsigned long flags)
{
	return raw(sys_clone(flags | SIGCHLD));
}

static long clone3_native(unsigned long flags)
{
	return raw(sys_clone3(low_args(flags)));
}

static long unshare_native(unsigned long flags)
{
	return raw(syscall(SYS_unshare, flags));
}

#ifdef __x86_64__
static long clone_x32(unsigned long flags)
{
	return raw(syscall(x32(SYS_clone), flags | SIGCHLD, 0, 0, 0, 0));
}

static long clone3_x32(unsigned long flags)
{
	return raw(syscall(x32(SYS_clone3), low_args(flags),
			   sizeof(struct clone_args)));
}

static long unshare_x32(unsigned long flags)
{
	return raw(syscall(x32(SYS_unshare), flags));
}

static long clone_int80(unsigned long flags)
{
	return int80(120, flags | SIGCHLD, 0);
}

static long clone3_int80(unsigned long flags)
{
	return int80(435, (long)low_args(flags), sizeof(struct clone_args));
}

static long unshare_int80(unsigned long flags)
{
	return int80(310, flags, 0);
}
#endif

/* Every way to ask the kernel for a new namespace. */
static const struct entry {
	const char *name;
	/* A child's TID, 0 in the child or without one, or -errno. */
	long (*ask)(unsigned long flags);
	enum { CLONE, CLONE3, UNSHARE } kind;
} entries[] = {
	{ "clone", clone_native, CLONE },
	{ "clone3", clone3_native, CLONE3 },
	{ "unshare", unshare_native, UNSHARE },
#ifdef __x86_64__
	{ "clone by int80", clone_int80, CLONE },
	{ "clone3 by int80", clone3_int80, CLONE3 },
	{ "unshare by int80", unshare_int80, UNSHARE },
	{ "clone by x32", clone_x32, CLONE },
	{ "clone3 by x32", clone3_x32, CLONE3 },
	{ "unshare by x32", unshare_x32, UNSHARE },
#endif
};

#ifdef __x86_64__
TEST(x32_entry)
{
	try_x32(_metadata);
}
#endif

MEMBER_TEST(a_level_below)
{
	const unsigned long levels[] = {
		CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWPID | CLONE_NEWUSER,
		CLONE_NEWPID | CLONE_NEWNS,
	};
	struct vprocns_stats stats;
	unsigned long refused = 0;
	size_t i, j;
	long ret;

	for (i = 0; i < ARRAY_SIZE(entries); i++)
		for (j = 0; j < ARRAY_SIZE(levels); j++) {
			ret = entries[i].ask(levels[j]);
			if (!ret && entries[i].kind != UNSHARE)
				_exit(0);
			EXPECT_EQ(-EOPNOTSUPP, ret) {
				TH_LOG("%s %#lx", entries[i].name, levels[j]);
			}
			refused++;
		}
	stats = get_stats(self->group);
	EXPECT_EQ(refused, stats.refused[VPROCNS_RULE_UNSHARE] +
			   stats.refused[VPROCNS_RULE_UNSUPPORTED_FLAG]);
	STILL_HELD(FIRST + 1);
}

/* Asks in another process. 0 or an errno. */
static int ask_there(const struct entry *entry, unsigned long flags)
{
	const pid_t pid = fork();
	long ret;

	if (!pid) {
		ret = entry->ask(flags);
		if (ret > 0)
			ret = status_of(ret);
		_exit(ret < 0 ? -ret : ret);
	}
	return status_of(pid);
}

MEMBER_TEST(other_namespaces)
{
	const unsigned long kinds[] = {
		CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
		CLONE_NEWNET, CLONE_NEWTIME,
	};
	const int expected = is_linux(&variant->create) ? 0 : EOPNOTSUPP;
	int next = FIRST + 1;
	size_t i, j;
	int err;

	for (i = 0; i < ARRAY_SIZE(entries); i++)
		for (j = 0; j < ARRAY_SIZE(kinds); j++) {
			/* In clone's own argument that bit is the signal's. */
			if (entries[i].kind == CLONE &&
			    kinds[j] == CLONE_NEWTIME)
				continue;
			err = ask_there(&entries[i], kinds[j]);
			next++;
			EXPECT_EQ(expected, err) {
				TH_LOG("%s %#lx", entries[i].name, kinds[j]);
			}
			next += !expected && entries[i].kind != UNSHARE;
		}
	STILL_HELD(next);
}

/* The kernel reads less of an argument than a register holds. */
MEMBER_TEST(bits_beyond_an_argument)
{
	const unsigned long beyond = 1UL << 40;
	const int pid = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);

	EXPECT_EQ(-EOPNOTSUPP, raw(sys_clone(beyond | CLONE_NEWPID | SIGCHLD)));
	EXPECT_EQ(-EINVAL, raw(unshare_native(beyond | CLONE_NEWPID)));
	EXPECT_EQ(-EOPNOTSUPP,
		  raw(syscall(SYS_setns, pid, beyond | CLONE_NEWPID)));
	EXPECT_EQ(-EOPNOTSUPP, raw(syscall(SYS_setns, pid, beyond)));
	STILL_HELD(FIRST + 1);
}

struct flips {
	bool done;
	struct clone_args args;
};

static void *flip_flags(void *arg)
{
	struct flips *const flips = arg;

	while (!__atomic_load_n(&flips->done, __ATOMIC_RELAXED))
		__atomic_xor_fetch(&flips->args.flags, CLONE_NEWPID,
				   __ATOMIC_RELAXED);
	return NULL;
}

/* Another thread changes clone3's arguments while they are judged. */
MEMBER_TEST(racing_arguments)
{
	struct flips flips = { .args.exit_signal = SIGCHLD };
	int made = 0, refused = 0, i;
	pthread_t thread;
	long ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, flip_flags, &flips));
	for (i = 0; i < 500; i++) {
		ret = raw(sys_clone3(&flips.args));
		if (!ret)
			_exit(getpid() == 1);
		if (ret < 0) {
			ASSERT_EQ(-EOPNOTSUPP, ret);
			refused++;
			continue;
		}
		ASSERT_EQ(FIRST + 2 + made, ret);
		ASSERT_EQ(0, status_of(ret));
		made++;
	}
	__atomic_store_n(&flips.done, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(refused, get_stats(self->group)
				   .refused[VPROCNS_RULE_UNSUPPORTED_FLAG]);
	STILL_HELD(FIRST + 2 + made);
}

#ifdef __x86_64__
/*
 * A child under ptrace enters getppid() and comes out of the call that its
 * tracer has made of it. Its errno.
 */
static int turned_into(long nr, unsigned long arg0, unsigned long arg1)
{
	const pid_t pid = fork();
	int status;

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(syscall(SYS_getppid) < 0 ? errno : 0);
	}
	if (waitpid(pid, &status, 0) != pid ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD))
		return -1;
	do {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) ||
		    waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return -1;
	} while (ptrace(PTRACE_PEEKUSER, pid,
			offsetof(struct user, regs.orig_rax), NULL) !=
		 SYS_getppid);
	if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax),
		   nr) ||
	    ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rdi), arg0) ||
	    ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rsi), arg1) ||
	    ptrace(PTRACE_CONT, pid, NULL, NULL))
		return -1;
	return status_of(pid);
}

MEMBER_TEST(a_tracer_changes_the_call)
{
	const int own = open("/proc/self/ns/pid", O_RDONLY);

	EXPECT_EQ(EOPNOTSUPP, turned_into(SYS_clone, CLONE_NEWPID | SIGCHLD, 0));
	EXPECT_EQ(EOPNOTSUPP, turned_into(SYS_unshare, CLONE_NEWPID, 0));
	EXPECT_EQ(EOPNOTSUPP, turned_into(SYS_setns, own, CLONE_NEWPID));
	STILL_HELD(FIRST + 4);
}
#endif

static pid_t parent_of_orphan(int *next)
{
	int ends[2], parent = -1;
	pid_t pid;

	if (pipe(ends))
		return -1;
	pid = fork();
	if (!pid) {
		const pid_t middle = getpid();

		setsid();
		pid = fork();
		if (pid)
			_exit(0);
		EVENTUALLY(getppid() != middle);
		parent = getppid();
		_exit(write(ends[1], &parent, sizeof(parent)) < 0);
	}
	*next += 2;
	if (status_of(pid) ||
	    read(ends[0], &parent, sizeof(parent)) != sizeof(parent))
		return -1;
	return parent;
}

MEMBER_TEST(daemons)
{
	int next = FIRST + 1;

	EXPECT_EQ(1, parent_of_orphan(&next));
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	EXPECT_EQ(FIRST, parent_of_orphan(&next));
	STILL_HELD(next);
}

/* From inside the switch that takes a function tracer off everything. */
MEMBER_TEST(ftrace_switched_off)
{
	const char *const path = "/proc/sys/kernel/ftrace_enabled";

	EXPECT_FALSE(write_to(path, "0"));
	/* Since 7.3 nobody may. */
	EXPECT_TRUE(errno == EBUSY || errno == EOPNOTSUPP);
	EXPECT_STREQ("1", get(path));
	STILL_HELD(FIRST + 1);
	/* For the next test, should it have worked. */
	write_to(path, "1");
}

MEMBER_TEST(last_pid_written)
{
	ASSERT_TRUE(write_to("/proc/sys/kernel/ns_last_pid", "5000"));
	STILL_HELD(FIRST + 1);
}

MEMBER_TEST(module_taken_away)
{
	EXPECT_EQ(-EWOULDBLOCK,
		  raw(syscall(SYS_delete_module, "vprocns", O_NONBLOCK)));
	STILL_HELD(FIRST + 1);
}

MEMBER_TEST(node_made_anew)
{
	const char *const path = "/tmp/escape_test.node";
	struct stat node;

	ASSERT_EQ(0, stat("/dev/vprocns", &node));
	ASSERT_EQ(0, mknod(path, S_IFCHR | 0600, node.st_rdev));
	EXPECT_EQ(-EPERM, raw(open(path, O_RDWR)));
	EXPECT_EQ(0, unlink(path));
	STILL_HELD(FIRST + 1);
}

/* Has a worker thread do what the ring is asked for: nothing. */
static long work_by_worker(void)
{
	struct io_uring_params params = {};
	const int fd = syscall(SYS_io_uring_setup, 1, &params);
	struct io_uring_sqe *sqes;
	__u32 *ring;

	if (fd < 0)
		return -errno;
	ring = mmap(NULL, params.sq_off.array + sizeof(*ring),
		    PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    IORING_OFF_SQES);
	if (ring == MAP_FAILED || sqes == MAP_FAILED)
		return -errno;
	sqes[0].opcode = IORING_OP_NOP;
	sqes[0].flags = IOSQE_ASYNC;
	ring[params.sq_off.array / sizeof(*ring)] = 0;
	__atomic_store_n(ring + params.sq_off.tail / sizeof(*ring), 1,
			 __ATOMIC_RELEASE);
	return raw(syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS,
			   NULL, 0));
}

MEMBER_TEST(io_uring_worker)
{
	const struct vprocns_info info = get_info(self->group);

	ASSERT_EQ(1, work_by_worker());
	EXPECT_EQ(1, get_stats(self->group).kernel_threads);
	EXPECT_TRUE(has_thread(info.last));
	STILL_HELD(FIRST + 1);
}

static unsigned int count_threads(void)
{
	struct stat tasks;

	/* A directory for each, beside its own two names. */
	return stat("/proc/self/task", &tasks) ? 0 : tasks.st_nlink - 2;
}

/* To open the device has the kernel load its module. */
MEMBER_TEST(vhost_thread)
{
	const struct vprocns_info info = get_info(self->group);
	const char *const path = "/tmp/escape_test.vhost";
	int fd;

	/* Misc device 238 is vhost-net. */
	ASSERT_EQ(0, mknod(path, S_IFCHR | 0600, makedev(10, 238)));
	fd = open(path, O_RDWR | O_CLOEXEC);
	EXPECT_EQ(0, unlink(path));
	if (fd < 0)
		SKIP(return, "this kernel has no vhost-net");
	/* VHOST_SET_OWNER, whose header comes with later kernels. */
	ASSERT_EQ(0, ioctl(fd, _IO(0xaf, 0x01)));
	if (count_threads() == 1) {
		EXPECT_EQ(0, get_stats(self->group).kernel_threads);
		STILL_HELD(FIRST + 1);
		SKIP(return, "before 6.4 a vhost thread is not of its owner's process");
	}
	EXPECT_EQ(2, count_threads());
	EXPECT_EQ(1, get_stats(self->group).kernel_threads);
	EXPECT_TRUE(has_thread(info.last));
	STILL_HELD(FIRST + 1);
}

static int pass(int gate[2])
{
	return write(gate[1], "", 1) == 1 ? 0 : -errno;
}

static int wait_at(int gate[2])
{
	char byte;

	return read(gate[0], &byte, 1) == 1 ? 0 : -errno;
}

/*
 * Has an outsider put @work into the group, and waits for it and for what it
 * leaves to that outsider. 0 when all of them ended with 0.
 */
static int status_of_joiner(pid_t init, int (*work)(void))
{
	const pid_t outsider = fork();
	int fd, status, all = 0;
	pid_t pid;

	if (outsider)
		return status_of(outsider);
	fd = sys_pidfd_open(init);
	if (fd < 0 || setns(fd, CLONE_NEWPID))
		_exit(101);
	pid = fork();
	if (!pid)
		_exit(work());
	while (waitpid(-1, &status, 0) > 0)
		all |= status;
	_exit(all ? 102 : 0);
}

/* A task joins and does @work, which makes one more, beside a member who waits. */
static void join_beside_a_member(struct __test_metadata *_metadata,
				 FIXTURE_DATA(group) *self, int (*work)(void))
{
	int gate[2];
	pid_t init;

	ASSERT_EQ(0, pipe(gate));
	init = enter_group(self->group);
	ASSERT_LE(0, init);
	if (!init) {
		EXPECT_EQ(0, wait_at(gate));
		STILL_HELD(FIRST + 4);
		LEAVE();
	}
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).members == 2));
	EXPECT_EQ(0, status_of_joiner(init, work));
	EXPECT_EQ(0, pass(gate));
	EXPECT_EQ(0, status_of(init));
}

/* A sibling whose parent is outside: no less a member. */
static int leave_a_sibling(void)
{
	const pid_t pid = sys_clone(CLONE_PARENT | SIGCHLD);

	if (pid)
		return pid != FIRST + 2;
	if (getpid() != FIRST + 2 || getppid())
		return 1;
	if (raw(sys_clone(CLONE_NEWPID | SIGCHLD)) != -EOPNOTSUPP ||
	    raw(unshare(CLONE_NEWUSER)) != -EOPNOTSUPP)
		return 2;
	return spend_number() != FIRST + 3;
}

TEST_F(group, clone_parent_to_the_outside)
{
	join_beside_a_member(_metadata, self, leave_a_sibling);
	EXPECT_EQ(1, get_stats(self->group).joined);
}

static int leave_an_orphan(void)
{
	int next = FIRST + 2;

	return parent_of_orphan(&next) != 1;
}

/* A subreaper outside gets no orphan of a task that joined. */
TEST_F(group, orphans_of_a_joiner)
{
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	join_beside_a_member(_metadata, self, leave_an_orphan);
}

/* Its init is killed amid a storm of clones, and with it goes everybody. */
TEST_F(group, nobody_outlives_init)
{
	struct vprocns_stats stats;
	int gate[2];
	pid_t init, late;

	ASSERT_EQ(0, pipe(gate));
	init = enter_group(self->group);
	ASSERT_LE(0, init);
	if (!init) {
		fork();
		fork();
		for (;;)
			spend_number();
	}
	EXPECT_TRUE(EVENTUALLY(get_stats(self->group).clones > 50));
	late = fork();
	if (!late) {
		if (setns(sys_pidfd_open(init), CLONE_NEWPID) || wait_at(gate))
			_exit(255);
		_exit(fork() < 0 ? errno : 0);
	}
	/* It is not too late for it to enter. */
	EXPECT_TRUE(EVENTUALLY(get_stats(self->group).clones > 100));
	kill(init, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, status_of(init));
	EXPECT_EQ(0, pass(gate));
	EXPECT_EQ(ENOMEM, status_of(late));
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).state ==
			       VPROCNS_STATE_ENDED));
	EXPECT_EQ(0, get_info(self->group).members);
	/* Init is no clone of the group's, but one of its ends. */
	stats = get_stats(self->group);
	EXPECT_EQ(stats.clones + 1, stats.exits);
}

/*
 * What follows is no way out that a group closes. It is shown so that nobody
 * takes a group for more than it is.
 */
TEST_F(group, process_group_from_outside)
{
	pid_t init, outsider;

	/* The harness and what started it are not for this. */
	ASSERT_EQ(0, setpgid(0, 0));
	outsider = sleeper();
	signal(SIGUSR1, SIG_IGN);
	init = enter_group(self->group);
	ASSERT_LE(0, init);
	if (!init) {
		EXPECT_EQ(0, kill(0, SIGUSR1));
		STILL_HELD(FIRST + 1);
		LEAVE();
	}
	EXPECT_EQ(0, status_of(init));
	EXPECT_EQ(128 + SIGUSR1, status_of(outsider));
}

#define HELPER "/tmp/escape_test.helper"
#define HELPERS_NAMESPACE "/tmp/escape_test.namespace"
#define CORE_PATTERN "/proc/sys/kernel/core_pattern"

static int write_core_pattern(int unused __attribute__((unused)))
{
	return open(CORE_PATTERN, O_WRONLY) < 0 ? -errno : 0;
}

/* The kernel runs its helpers outside of everything. */
MEMBER_TEST(core_dump_helper)
{
	static const char script[] =
		"#!/bin/sh\nreadlink /proc/self/ns/pid >" HELPERS_NAMESPACE "\n";
	const int fd = open(HELPER, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	char before[256], own[64] = {};
	pid_t pid;

	ASSERT_EQ(sizeof(script) - 1, write(fd, script, sizeof(script) - 1));
	close(fd);
	ASSERT_LT(0, readlink("/proc/self/ns/pid", own, sizeof(own) - 1));
	strcpy(before, get(CORE_PATTERN));
	EXPECT_EQ(EACCES, as_nobody(write_core_pattern, 0));
	ASSERT_TRUE(write_to(CORE_PATTERN, "|" HELPER));
	pid = fork();
	if (!pid)
		abort();
	EXPECT_EQ(128 + SIGABRT, status_of(pid));
	EXPECT_TRUE(EVENTUALLY(!strncmp(get(HELPERS_NAMESPACE), "pid:", 4)));
	EXPECT_STRNE(own, get(HELPERS_NAMESPACE));
	EXPECT_TRUE(write_to(CORE_PATTERN, before));
	unlink(HELPER);
	unlink(HELPERS_NAMESPACE);
	STILL_HELD(FIRST + 3);
}

TEST_HARNESS_MAIN
