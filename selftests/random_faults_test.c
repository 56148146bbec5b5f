// SPDX-License-Identifier: GPL-2.0
/*
 * Whole lives of groups while whatever they take of the kernel fails at random:
 * memory, pages, and copies from and to user space, once or several times in a
 * call. Each call works or has its documented errno, and in the end nothing is
 * left: no group, no number, no reference.
 */
#define _GNU_SOURCE
#include <linux/capability.h>

#include "common.h"
#include "faults.h"

/* What one life is to have, shared by its tasks, of which one at a time clones. */
struct life {
	bool by_lineage;
	/* The number of the first program's next child. */
	pid_t next;
	/* The first program has done all, or has seen something go wrong. */
	bool done;
	int wrong;
	/* Of all lives. */
	unsigned int calls;
	unsigned int failed;
};

static const char *const random_faults[] = {
	"failslab", "fail_page_alloc", "fail_usercopy",
};

/* More than ever happen: what is left of it tells how many did. */
#define MOST_FAULTS "1000000000"

static bool set_random(const char *name, const char *value)
{
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(random_faults); i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s/%s", random_faults[i],
			 name);
		if (!write_to(path, value))
			return false;
	}
	return true;
}

static long count_random(void)
{
	char path[128];
	const long most = atol(MOST_FAULTS);
	long left, count = 0;
	FILE *file;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(random_faults); i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s/times",
			 random_faults[i]);
		file = fopen(path, "re");
		if (!file || fscanf(file, "%ld", &left) != 1)
			return -1;
		fclose(file);
		count += most - left;
		fprintf(stderr, "# %s: %ld\n", random_faults[i], most - left);
	}
	return count;
}

/* /proc/thread-self/make-it-fail, read or written in spite of faults. */
static bool make_it_fail(const char *set)
{
	char is = 0;
	int fd;

	do {
		fd = open("/proc/thread-self/make-it-fail",
			  (set ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	} while (fd < 0);
	while ((set ? write(fd, set, 1) : read(fd, &is, 1)) != 1)
		;
	close(fd);
	return is == '1';
}

/* The result of @call, in which faults may come, as in who is cloned by it. */
#define AT_RANDOM(call) ({						\
	long _ret;							\
	make_it_fail("1");						\
	_ret = (call);							\
	make_it_fail("0");						\
	_ret; })

/* Counts a call, and sees to its result. */
static bool came_to(struct life *life, long ret, const int *errnos)
{
	const bool good = works_or_documented(ret, errnos);

	life->calls++;
	life->failed += ret < 0;
	if (!good)
		fprintf(stderr, "# call %u: %s\n", life->calls, strerror(-ret));
	return good;
}

/* The first to see it says where. */
#define WRONG(life) do {						\
	if (!(life)->wrong)						\
		(life)->wrong = __LINE__;				\
	(life)->done = true;						\
	_exit(1);							\
} while (0)

/* A child of the first program. Its own child takes a number of the sequence. */
static void live_as_child(struct life *life)
{
	const unsigned long long before = real_sets();
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = {};
	long pid, ret;

	if (sys_gettid() != life->next++)
		WRONG(life);
	pid = AT_RANDOM(clone_kind(PROCESS, NULL));
	if (!came_to(life, pid, clone_errnos))
		WRONG(life);
	if (pid > 0 && !life->by_lineage && pid != life->next++)
		WRONG(life);
	/* Last, since without CAP_SYS_RESOURCE it can't be spared faults any more. */
	make_it_fail("1");
	ret = raw(syscall(SYS_capset, &header, none));
	if (ret)
		make_it_fail("0");
	if (!came_to(life, ret, capset_errnos))
		WRONG(life);
	/* What it said has happened, and nothing else. */
	if (!before || real_sets() != (ret ? before : 0))
		WRONG(life);
	_exit(pid > 0 ? status_of(pid) : 0);
}

static void live_as_program(struct life *life)
{
	int round, kind, pidfd, ring;
	long pid;

	if (getpid() != FIRST)
		WRONG(life);
	for (round = 0; round < 2; round++) {
		for (kind = 0; kind < KINDS; kind++) {
			pid = AT_RANDOM(kind == PROCESS ?
					raw(sys_clone(SIGCHLD)) :
					clone_kind(kind, &pidfd));
			if (!pid)
				live_as_child(life);
			if (!came_to(life, pid, clone_errnos))
				WRONG(life);
			if (pid < 0)
				continue;
			if (kind != PROCESS && pid != life->next++)
				WRONG(life);
			if (!has_ended(kind, pid, pidfd))
				WRONG(life);
		}
		ring = AT_RANDOM(make_kernel_thread());
		if (!came_to(life, ring, ring_errnos))
			WRONG(life);
		if (ring >= 0)
			close(ring);
	}
	life->done = true;
	for (;;)
		pause();
}

static void live_as_init(struct life *life, int group)
{
	bool inherited = false;
	long ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	do {
		ret = AT_RANDOM(bind_group(group, -1));
		if (!came_to(life, ret, bind_errnos))
			WRONG(life);
	} while (ret);
	do {
		make_it_fail("1");
		ret = raw(sys_clone(SIGCHLD));
		if (!ret)
			inherited = make_it_fail(NULL);
		make_it_fail("0");
		if (!ret && !inherited)
			WRONG(life);
		if (!ret)
			live_as_program(life);
		if (!came_to(life, ret, clone_errnos))
			WRONG(life);
	} while (ret < 0);
	for (;;)
		pause();
}

/* A task outside, when the first program clones no more. */
static void live_as_joiner(struct life *life, int fd)
{
	long ret;

	do {
		ret = AT_RANDOM(raw(setns(fd, CLONE_NEWPID)));
		if (!came_to(life, ret, setns_errnos))
			WRONG(life);
	} while (ret);
	ret = AT_RANDOM(raw(sys_clone(SIGCHLD)));
	if (!ret) {
		if (!life->by_lineage && sys_gettid() != life->next)
			WRONG(life);
		_exit(0);
	}
	if (!came_to(life, ret, clone_errnos))
		WRONG(life);
	_exit(ret > 0 ? status_of(ret) : 0);
}

static bool ask_at_random(struct life *life, int device, int group)
{
	struct vprocns_member found[4];
	__u64 ids[4];
	struct vprocns_list list = { .ids = (uintptr_t)ids, .capacity = 4 };
	struct vprocns_members members = {
		.members = (uintptr_t)found, .capacity = 4,
		.size = sizeof(found[0]),
	};
	struct vprocns_info info;
	struct vprocns_stats stats;

	return came_to(life, AT_RANDOM(call(device, VPROCNS_LIST, &list)),
		       copy_errnos) &&
	       came_to(life, AT_RANDOM(call(group, VPROCNS_INFO, &info)),
		       copy_errnos) &&
	       came_to(life, AT_RANDOM(call(group, VPROCNS_STATS, &stats)),
		       copy_errnos) &&
	       came_to(life, AT_RANDOM(call(group, VPROCNS_MEMBERS, &members)),
		       copy_errnos);
}

/* One life, from the making to the end. False when something was wrong. */
static bool live(struct life *life, int device)
{
	const struct vprocns_create create = {
		.profile = VPROCNS_PROFILE_LINUX,
		.caps = VPROCNS_CAPS_EMPTY,
		.numbering = life->by_lineage,
		.seed = life->by_lineage,
	};
	pid_t init, joiner;
	int group, fd;
	bool good;

	life->next = FIRST + 1;
	life->done = false;
	life->wrong = 0;
	group = AT_RANDOM(call(device, VPROCNS_CREATE, (void *)&create));
	if (!came_to(life, group, descriptor_errnos))
		return false;
	if (group < 0)
		return true;
	init = sys_clone(CLONE_NEWPID | SIGCHLD);
	if (!init)
		live_as_init(life, group);
	fd = sys_pidfd_open(init);
	good = ask_at_random(life, device, group) &&
	       EVENTUALLY(__atomic_load_n(&life->done, __ATOMIC_ACQUIRE)) &&
	       !life->wrong;
	joiner = fork();
	if (!joiner)
		live_as_joiner(life, fd);
	good = good && !status_of(joiner) && !life->wrong &&
	       ask_at_random(life, device, group) &&
	       !get_stats(group).collisions;
	good = end_namespace(init) == 128 + SIGKILL && good;
	close(fd);
	close(group);
	return good;
}

#define LIVES 200

/* Whole lives, of which any call may fail, more often from one to the next. */
TEST_F_TIMEOUT(device, faults_at_random, 1200)
{
	const ssize_t size = read_module(image, sizeof(image));
	/*
	 * Of so many chances one, every other time. A fork has some 270. Primes:
	 * every second chance is one of kmemleak's, which does the call no harm.
	 */
	static const char *const chances[] = { "211", "101", "53" };
	struct life *const life = shared_memory(sizeof(*life));
	int i, group;
	long count;

	NEEDS_INJECTION();
	ASSERT_LT(0, size);
	ASSERT_TRUE(set_random("times", MOST_FAULTS));
	ASSERT_TRUE(set_random("task-filter", "Y"));
	ASSERT_TRUE(set_random("probability", "50"));
	for (i = 0; i < LIVES && has_passed(_metadata); i++) {
		life->by_lineage = i % 2;
		ASSERT_TRUE(set_random("interval",
				       chances[i % ARRAY_SIZE(chances)]));
		EXPECT_TRUE(live(life, self->fd)) {
			TH_LOG("life %d: line %d", i, life->wrong);
		}
		if (i % 50 == 49)
			TH_LOG("%d lives", i + 1);
	}
	ASSERT_TRUE(set_random("probability", "0"));
	ASSERT_TRUE(set_random("interval", "1"));
	count = count_random();
	TH_LOG("%d lives, %ld faults, of %u calls %u failed", i, count,
	       life->calls, life->failed);
	EXPECT_LT(LIVES, count);
	EXPECT_LT(LIVES, life->failed);

	EXPECT_TRUE(EVENTUALLY(groups_listed(self->fd) == 0));
	group = call(self->fd, VPROCNS_CREATE, &self->create);
	ASSERT_LE(0, group);
	EXPECT_TRUE(numbers(group));
	close(group);
	close(self->fd);
	EXPECT_TRUE(EVENTUALLY(!unload()));
	ASSERT_EQ(0, load(image, size));
	self->fd = open_device();
}

TEST_HARNESS_MAIN
