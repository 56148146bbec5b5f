// SPDX-License-Identifier: GPL-2.0
/*
 * What members can do to tasks outside and to other groups: by number, and by
 * descriptors that they kept or were given. Documentation/escapes.md lists it.
 */
#define _GNU_SOURCE
#include <linux/kcmp.h>
#include <linux/nsfs.h>
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "common.h"

/* What a member may have kept open, or been handed, from outside. */
FIXTURE(kept) {
	int group;
	/* One that is bound to nothing, and a socket on which it waits. */
	int unbound;
	int socket;
	int proc;
	int pid_ns;
	int user_ns;
	int cgroups;
	/* A process outside, and the init of another group. */
	pid_t outsider;
	int outsider_fd;
	int neighbours;
	pid_t neighbour;
	int neighbour_fd;
};

FIXTURE_VARIANT(kept) {
	struct vprocns_create create;
};

FIXTURE_VARIANT_ADD(kept, shadow) { { .profile = VPROCNS_PROFILE_SHADOW } };
FIXTURE_VARIANT_ADD(kept, linux) { { .profile = VPROCNS_PROFILE_LINUX } };

/* Numbers that no member has. */
#define OUTSIDER 32000
#define NEIGHBOUR 32001

static volatile int outsiders_word = 1;

/* A process that sleeps and has the number @nr here. */
static pid_t new_outsider(unsigned long flags, pid_t nr)
{
	/* A new namespace's number comes first. */
	const bool below = flags & CLONE_NEWPID;
	pid_t numbers[] = { 1, nr };
	struct clone_args args = {
		.flags = flags, .exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)(numbers + !below),
		.set_tid_size = 1 + below,
	};
	const pid_t pid = sys_clone3(&args);

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

FIXTURE_SETUP(kept)
{
	int pair[2];

	self->group = make_group(&variant->create);
	self->unbound = make_group(&variant->create);
	self->neighbours = make_group(&variant->create);
	ASSERT_LE(0, self->group);
	ASSERT_LE(0, self->unbound);
	ASSERT_LE(0, self->neighbours);

	self->outsider = new_outsider(0, OUTSIDER);
	ASSERT_EQ(OUTSIDER, self->outsider);
	self->outsider_fd = sys_pidfd_open(OUTSIDER);
	self->neighbour = new_outsider(CLONE_NEWPID, NEIGHBOUR);
	ASSERT_EQ(NEIGHBOUR, self->neighbour);
	self->neighbour_fd = sys_pidfd_open(NEIGHBOUR);
	ASSERT_EQ(0, bind_group(self->neighbours, self->neighbour_fd));

	self->proc = open("/proc", O_RDONLY | O_DIRECTORY);
	self->pid_ns = open("/proc/self/ns/pid", O_RDONLY);
	self->user_ns = open("/proc/self/ns/user", O_RDONLY);
	self->cgroups = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, self->proc);
	ASSERT_LE(0, self->pid_ns);
	ASSERT_LE(0, self->user_ns);
	ASSERT_LE(0, self->cgroups);

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	ASSERT_TRUE(send_fd(pair[0], self->unbound));
	self->socket = pair[1];
}

/* Whatever the members did, those outside live. */
FIXTURE_TEARDOWN(kept)
{
	EXPECT_EQ(0, waitpid(OUTSIDER, NULL, WNOHANG));
	EXPECT_EQ(0, waitpid(NEIGHBOUR, NULL, WNOHANG));
	EXPECT_EQ(VPROCNS_STATE_NEW, get_info(self->unbound).state);
	EXPECT_EQ(0, get_stats(self->neighbours).clones);
	EXPECT_EQ(128 + SIGKILL, end_namespace(OUTSIDER));
	EXPECT_EQ(128 + SIGKILL, end_namespace(NEIGHBOUR));
	EXPECT_TRUE(close_group(self->group));
	EXPECT_TRUE(close_group(self->neighbours));
}

static long setns_native(int fd, int kind)
{
	return raw(syscall(SYS_setns, fd, kind));
}

#ifdef __x86_64__
static long setns_x32(int fd, int kind)
{
	return raw(syscall(x32(SYS_setns), fd, kind));
}

static long setns_int80(int fd, int kind)
{
	return int80(346, fd, kind);
}
#endif

static const struct setns_entry {
	const char *name;
	long (*ask)(int fd, int kind);
} setns_entries[] = {
	{ "setns", setns_native },
#ifdef __x86_64__
	{ "setns by int80", setns_int80 },
	{ "setns by x32", setns_x32 },
#endif
};

#ifdef __x86_64__
TEST(x32_entry)
{
	try_x32(_metadata);
}
#endif

#define EXPECT_SETNS(expected, file, kind) do {				\
	const int _fd = file;						\
	size_t _i;							\
									\
	for (_i = 0; _i < ARRAY_SIZE(setns_entries); _i++) {		\
		const long _ret = setns_entries[_i].ask(_fd, kind);	\
									\
		EXPECT_EQ(expected, _ret) {				\
			TH_LOG("%s, fd %d", setns_entries[_i].name, _fd); \
		}							\
	}								\
} while (0)

MEMBER_TEST_F(kept, setns_out)
{
	const int files[] = {
		self->pid_ns,
		openat(self->proc, "32000/ns/pid", O_RDONLY),
		openat(self->proc, "32001/ns/pid", O_RDONLY),
		open("/proc/self/ns/pid", O_RDONLY),
		open("/proc/self/ns/pid_for_children", O_RDONLY),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		ASSERT_LE(0, files[i]);
		EXPECT_SETNS(-EOPNOTSUPP, files[i], CLONE_NEWPID);
		EXPECT_SETNS(-EOPNOTSUPP, files[i], 0);
	}
	EXPECT_SETNS(-EOPNOTSUPP, self->user_ns, CLONE_NEWUSER);
	EXPECT_SETNS(-EOPNOTSUPP, self->user_ns, 0);
	EXPECT_SETNS(-EOPNOTSUPP, self->outsider_fd, CLONE_NEWPID);
	EXPECT_SETNS(-EOPNOTSUPP, self->outsider_fd, CLONE_NEWPID | CLONE_NEWNS);
	EXPECT_SETNS(-EOPNOTSUPP, self->neighbour_fd, CLONE_NEWPID);
	EXPECT_SETNS(-EINVAL, self->neighbour_fd, 0);
	EXPECT_EQ(-EPERM, raw(ioctl(files[3], NS_GET_PARENT)));
	STILL_HELD(FIRST + 1);
}

static long do_kill(pid_t nr)
{
	return kill(nr, SIGKILL);
}

static long do_kill_group(pid_t nr)
{
	return kill(-nr, SIGKILL);
}

static long do_tgkill(pid_t nr)
{
	return syscall(SYS_tgkill, nr, nr, SIGKILL);
}

static long do_pidfd_open(pid_t nr)
{
	return sys_pidfd_open(nr);
}

static long do_attach(pid_t nr)
{
	return ptrace(PTRACE_ATTACH, nr, NULL, NULL);
}

static long do_seize(pid_t nr)
{
	return ptrace(PTRACE_SEIZE, nr, NULL, NULL);
}

static long do_read_memory(pid_t nr)
{
	int word;
	struct iovec to = { &word, sizeof(word) };
	struct iovec from = { (void *)&outsiders_word, sizeof(word) };

	return process_vm_readv(nr, &to, 1, &from, 1, 0);
}

static long do_prlimit(pid_t nr)
{
	struct rlimit limit;

	return prlimit(nr, RLIMIT_NOFILE, NULL, &limit);
}

static long do_setaffinity(pid_t nr)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	return sched_setaffinity(nr, sizeof(cpus), &cpus);
}

static long do_setpriority(pid_t nr)
{
	return setpriority(PRIO_PROCESS, nr, 19);
}

static long do_kcmp(pid_t nr)
{
	return syscall(SYS_kcmp, getpid(), nr, KCMP_FILES, 0, 0);
}

static long do_getsid(pid_t nr)
{
	return getsid(nr);
}

static const struct by_number {
	const char *name;
	long (*call)(pid_t nr);
} by_number[] = {
	{ "kill", do_kill }, { "kill of a process group", do_kill_group },
	{ "tgkill", do_tgkill }, { "pidfd_open", do_pidfd_open },
	{ "PTRACE_ATTACH", do_attach }, { "PTRACE_SEIZE", do_seize },
	{ "process_vm_readv", do_read_memory }, { "prlimit", do_prlimit },
	{ "sched_setaffinity", do_setaffinity },
	{ "setpriority", do_setpriority }, { "kcmp", do_kcmp },
	{ "getsid", do_getsid },
};

/* A number names nobody but a member. */
MEMBER_TEST_F(kept, outsiders_by_number)
{
	const pid_t numbers[] = { OUTSIDER, NEIGHBOUR };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(by_number); i++)
		for (j = 0; j < ARRAY_SIZE(numbers); j++) {
			EXPECT_EQ(-ESRCH, raw(by_number[i].call(numbers[j]))) {
				TH_LOG("%s of %d", by_number[i].name,
				       numbers[j]);
			}
		}
	STILL_HELD(FIRST + 1);
}

MEMBER_TEST_F(kept, kill_everybody)
{
	const pid_t child = sleeper();

	ASSERT_EQ(FIRST + 1, child);
	EXPECT_EQ(0, kill(-1, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, status_of(child));
	/* Its init hears of nothing that it has no handler for. */
	EXPECT_EQ(0, kill(1, SIGKILL));
	STILL_HELD(FIRST + 2);
}

static int take_descriptor(int pidfd)
{
	return syscall(SYS_pidfd_getfd, pidfd, 0, 0) < 0 ? -errno : 0;
}

static long signal_by(int pidfd)
{
	return raw(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0));
}

/* A pidfd says whose it is; what it is good for, the namespace and privileges say. */
MEMBER_TEST_F(kept, outsiders_by_pidfd)
{
	const int pidfds[] = {
		self->outsider_fd, self->neighbour_fd,
		openat(self->proc, "32000", O_RDONLY | O_DIRECTORY),
	};
	siginfo_t info;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pidfds); i++) {
		ASSERT_LE(0, pidfds[i]);
		EXPECT_EQ(-EINVAL, signal_by(pidfds[i]));
	}
	EXPECT_EQ(-ECHILD, raw(waitid(P_PIDFD, self->outsider_fd, &info,
				      WEXITED | WNOHANG)));
	/* By design: who may trace an outsider may take its descriptors. */
	EXPECT_EQ(0, take_descriptor(self->outsider_fd));
	EXPECT_EQ(EPERM, as_nobody(take_descriptor, self->outsider_fd));
	STILL_HELD(FIRST + 2);
}

/* The word of an outsider becomes 2, through its /proc. */
static int write_memory(int proc)
{
	const int fd = openat(proc, "32000/mem", O_RDWR | O_CLOEXEC);
	int word = 2;

	if (fd < 0)
		return -errno;
	if (pwrite(fd, &word, sizeof(word), (uintptr_t)&outsiders_word) !=
	    sizeof(word) ||
	    pread(fd, &word, sizeof(word), (uintptr_t)&outsiders_word) !=
	    sizeof(word))
		return -EIO;
	return word == 2 && outsiders_word == 1 ? 0 : -EBADMSG;
}

static int write_score(int proc)
{
	return openat(proc, "32000/oom_score_adj", O_WRONLY) < 0 ? -errno : 0;
}

/*
 * A /proc kept open shows what its mount shows, whoever looks. What may be done
 * through it depends on privileges alone, as in Linux.
 */
MEMBER_TEST_F(kept, proc_of_the_outside)
{
	EXPECT_EQ(0, faccessat(self->proc, "32000/status", R_OK, 0));
	EXPECT_EQ(-1, access("/proc/32000", F_OK));
	EXPECT_EQ(0, write_memory(self->proc));
	EXPECT_EQ(0, write_score(self->proc));
	EXPECT_EQ(EACCES, as_nobody(write_memory, self->proc));
	EXPECT_EQ(EACCES, as_nobody(write_score, self->proc));
	STILL_HELD(FIRST + 3);
}

static int bind_to_itself(int group)
{
	return bind_group(group, sys_pidfd_open(getpid()));
}

/* Of other groups, and of one's own. */
MEMBER_TEST_F(kept, descriptors_of_groups)
{
	const int pidfd = sys_pidfd_open(getpid());
	const int sent = receive_fd(self->socket);

	ASSERT_LE(0, pidfd);
	ASSERT_LE(0, sent);
	EXPECT_EQ(get_info(self->unbound).id, get_info(sent).id);
	/* It is not pid 1; and the namespace is taken, as that group is. */
	EXPECT_EQ(-EPERM, bind_group(self->group, -1));
	EXPECT_EQ(-EALREADY, bind_group(self->group, pidfd));
	EXPECT_EQ(-EPERM, bind_group(sent, -1));
	EXPECT_EQ(-EBUSY, bind_group(sent, pidfd));
	EXPECT_EQ(-EBUSY, bind_group(sent, self->neighbour_fd));
	EXPECT_EQ(-EPERM, bind_group(sent, self->outsider_fd));
	EXPECT_EQ(EPERM, as_nobody(bind_to_itself, sent));
	/* No group descriptor has the device's calls. */
	EXPECT_EQ(-ENOTTY, call(sent, VPROCNS_VERSION, NULL));
	STILL_HELD(FIRST + 2);
}

static int translate(int group, __u32 direction, pid_t tid)
{
	struct vprocns_translate translate = {
		.direction = direction, .tid = tid,
	};

	return call(group, VPROCNS_TRANSLATE, &translate) ?: translate.result;
}

/* One of another group tells of it, in numbers that name nobody here. */
MEMBER_TEST_F(kept, descriptor_of_a_living_group)
{
	const struct vprocns_info info = get_info(self->neighbours);
	struct vprocns_member member = { .host_tid = -1, .host_tgid = -1 };
	struct vprocns_members members = {
		.members = (uintptr_t)&member, .capacity = 1,
		.size = sizeof(member),
	};

	EXPECT_EQ(VPROCNS_STATE_BOUND, info.state);
	EXPECT_EQ(1, info.members);
	EXPECT_EQ(0, info.init);
	ASSERT_EQ(0, call(self->neighbours, VPROCNS_MEMBERS, &members));
	EXPECT_EQ(1, members.count);
	EXPECT_EQ(1, member.tid);
	EXPECT_EQ(0, member.host_tid);
	EXPECT_EQ(0, member.host_tgid);
	/* Its pid 1 has no number here, and none of ours has one there. */
	EXPECT_EQ(-ESRCH, translate(self->neighbours, VPROCNS_TO_HOST, 1));
	EXPECT_EQ(-ESRCH, translate(self->neighbours, VPROCNS_TO_VIRTUAL, 1));
	EXPECT_EQ(-ESRCH, translate(self->neighbours, VPROCNS_TO_VIRTUAL, FIRST));
	EXPECT_EQ(-ESRCH,
		  translate(self->neighbours, VPROCNS_TO_VIRTUAL, NEIGHBOUR));
	/* Bound for good, to its own namespace. */
	EXPECT_EQ(-EALREADY,
		  bind_group(self->neighbours, sys_pidfd_open(getpid())));
	EXPECT_EQ(-EALREADY, bind_group(self->neighbours, self->neighbour_fd));
	EXPECT_EQ(info.ns_inum, get_info(self->neighbours).ns_inum);
	STILL_HELD(FIRST + 1);
}

MEMBER_TEST_F(kept, cgroups)
{
	const bool allowed = is_linux(&variant->create);
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD,
	};
	long ret;
	int fd;

	ASSERT_TRUE(!mkdirat(self->cgroups, "escape_test", 0755) ||
		    errno == EEXIST);
	args.cgroup = openat(self->cgroups, "escape_test", O_RDONLY);
	ret = raw(sys_clone3(&args));
	if (!ret)
		_exit(0);
	EXPECT_EQ(allowed ? FIRST + 1 : -EOPNOTSUPP, ret);
	if (ret > 0)
		EXPECT_EQ(0, status_of(ret));
	/* Whom it moves is told by number. */
	fd = openat(args.cgroup, "cgroup.procs", O_WRONLY);
	EXPECT_EQ(-1, write(fd, "32000", 5));
	EXPECT_EQ(ESRCH, errno);
	STILL_HELD(FIRST + 1 + allowed);
}

FIXTURE_VARIANT_ADD(group, shadow) { { .profile = VPROCNS_PROFILE_SHADOW } };
FIXTURE_VARIANT_ADD(group, linux) { { .profile = VPROCNS_PROFILE_LINUX } };

/* The only place to go to: a namespace below that was there before the bind. */
static pid_t enter_group_above(int group)
{
	const pid_t init = sys_clone(CLONE_NEWPID | CLONE_NEWNS | SIGCHLD);

	if (!init) {
		if (sleeping_namespace() != 2)
			_exit(1);
		be_init(group);
	}
	return init;
}

struct flips {
	bool done;
	int fds[2];
	int fd;
};

static void *flip_files(void *arg)
{
	struct flips *const flips = arg;
	unsigned int i = 0;

	while (!__atomic_load_n(&flips->done, __ATOMIC_RELAXED))
		dup2(flips->fds[i++ % 2], flips->fd);
	return NULL;
}

static bool children_stay(void)
{
	struct stat own, childrens;

	return !stat("/proc/thread-self/ns/pid", &own) &&
	       !stat("/proc/thread-self/ns/pid_for_children", &childrens) &&
	       own.st_ino == childrens.st_ino;
}

TEST_F_TIMEOUT(group, into_a_level_below, 120)
{
	const pid_t init = enter_group_above(self->group);
	struct flips flips = { .fd = 100 };
	int fd, i, raced = 0;
	pthread_t thread;

	ASSERT_LE(0, init);
	if (init) {
		EXPECT_EQ(0, status_of(init));
		return;
	}
	fd = open("/proc/2/ns/pid", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_SETNS(-EOPNOTSUPP, fd, CLONE_NEWPID);
	EXPECT_SETNS(-EOPNOTSUPP, fd, 0);
	EXPECT_SETNS(-EOPNOTSUPP, sys_pidfd_open(2), CLONE_NEWPID);
	STILL_HELD(FIRST + 1);

	/*
	 * Another thread changes what the descriptor is while it is judged. Where
	 * one of both may be entered, EINVAL says that it came in between.
	 */
	flips.fds[0] = fd;
	flips.fds[1] = open("/proc/self/ns/uts", O_RDONLY);
	ASSERT_EQ(100, dup2(fd, 100));
	ASSERT_EQ(0, pthread_create(&thread, NULL, flip_files, &flips));
	for (i = 0; is_linux(&variant->create) && i < 200000 && raced < 10; i++) {
		raced += setns(100, 0) && errno == EINVAL;
		if (i % 100 == 0)
			ASSERT_TRUE(children_stay());
	}
	EXPECT_TRUE(children_stay());
	__atomic_store_n(&flips.done, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	STILL_HELD(FIRST + 3);
	LEAVE();
}

TEST_HARNESS_MAIN
