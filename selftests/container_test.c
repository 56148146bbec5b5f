// SPDX-License-Identifier: GPL-2.0
/*
 * Profile container: namespaces are EPERM to programs without CAP_SYS_ADMIN,
 * by every call, and whatever other threads do to the arguments meanwhile.
 */
#define _GNU_SOURCE
#include <linux/capability.h>

#include "common.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static const struct {
	const char *file;
	int flag;
} kinds[] = {
	{ "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC },
	{ "mnt", CLONE_NEWNS }, { "net", CLONE_NEWNET },
	{ "uts", CLONE_NEWUTS }, { "time", CLONE_NEWTIME },
	{ "pid", CLONE_NEWPID }, { "user", CLONE_NEWUSER },
};

FIXTURE_VARIANT_ADD(group, sequential) {
	{ .profile = VPROCNS_PROFILE_CONTAINER }
};
FIXTURE_VARIANT_ADD(group, lineage) {
	{ .profile = VPROCNS_PROFILE_CONTAINER,
	  .numbering = VPROCNS_NUMBERING_LINEAGE }
};

/* As a runtime leaves its program: some capabilities, not this one. */
static bool drop_admin(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return false;
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	data[0].permitted &= ~(1U << CAP_SYS_ADMIN);
	data[0].inheritable = 0;
	data[1].inheritable = 0;
	return !syscall(SYS_capset, &header, data) &&
	       !prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN);
}

/* 0, or the errno of a clone3 whose child ends at once. */
static int clone3_with(__u64 flags)
{
	struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };
	const pid_t pid = sys_clone3(&args);

	if (!pid)
		_exit(0);
	if (pid > 0)
		status_of(pid);
	return pid < 0 ? errno : 0;
}

static int clone_with(unsigned long flags)
{
	const pid_t pid = sys_clone(flags | SIGCHLD);

	if (!pid)
		_exit(0);
	if (pid > 0)
		status_of(pid);
	return pid < 0 ? errno : 0;
}

static int unshare_with(int flags)
{
	const pid_t pid = fork();

	if (!pid)
		_exit(unshare(flags) ? errno : 0);
	return status_of(pid);
}

static int setns_with(const char *file, int flag)
{
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = setns(fd, flag) ? errno : 0;
	close(fd);
	return err;
}

static void expect_all(struct __test_metadata *_metadata, bool admin)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const int flag = kinds[i].flag;
		const bool never = flag == CLONE_NEWPID || flag == CLONE_NEWUSER;
		const int err = admin && !never ? 0 : EPERM;

		EXPECT_EQ(err, clone3_with(flag)) {
			TH_LOG("%s", kinds[i].file);
		}
		/* clone(2) has its exit signal where NEWTIME is. */
		if (flag != CLONE_NEWTIME)
			EXPECT_EQ(err, clone_with(flag)) {
				TH_LOG("%s", kinds[i].file);
			}
		EXPECT_EQ(err, unshare_with(flag)) {
			TH_LOG("%s", kinds[i].file);
		}
		EXPECT_EQ(err, setns_with(kinds[i].file, flag)) {
			TH_LOG("%s", kinds[i].file);
		}
		EXPECT_EQ(err, setns_with(kinds[i].file, 0)) {
			TH_LOG("%s", kinds[i].file);
		}
	}
}

/* What was let through with the capability must be judged again without. */
MEMBER_TEST(root_then_without_cap_sys_admin)
{
	struct vprocns_stats before, after;

	expect_all(_metadata, true);
	EXPECT_EQ(0, clone3_with(CLONE_NEWUTS));
	ASSERT_TRUE(drop_admin());
	before = get_stats(self->group);
	/* Linux says the same, but does not count. */
	EXPECT_EQ(EPERM, clone3_with(CLONE_NEWUTS));
	expect_all(_metadata, false);
	after = get_stats(self->group);
	EXPECT_EQ(2 * ARRAY_SIZE(kinds),
		  after.refused[VPROCNS_RULE_NAMESPACE] -
		  before.refused[VPROCNS_RULE_NAMESPACE]);
	EXPECT_EQ(ARRAY_SIZE(kinds), after.refused[VPROCNS_RULE_UNSHARE] -
				     before.refused[VPROCNS_RULE_UNSHARE]);
	EXPECT_EQ(2 * ARRAY_SIZE(kinds), after.refused[VPROCNS_RULE_SETNS] -
					 before.refused[VPROCNS_RULE_SETNS]);
	/* All else is Linux's own. */
	EXPECT_EQ(0, clone3_with(0));
	EXPECT_EQ(0, clone3_with(CLONE_FS | CLONE_FILES | CLONE_PARENT_SETTID));
	EXPECT_EQ(0, unshare_with(CLONE_FILES | CLONE_FS));
	EXPECT_TRUE(make_thread());
}

MEMBER_TEST(a_user_without_privileges)
{
	ASSERT_EQ(0, setgid(NOBODY) || setuid(NOBODY));
	expect_all(_metadata, false);
}

/*
 * A user namespace below the owner's, made before the bind: all capabilities in
 * it, and none of them counts.
 */
TEST(capabilities_of_a_namespace_below)
{
	const struct vprocns_create create = {
		.profile = VPROCNS_PROFILE_CONTAINER,
	};
	volatile bool *const ready = shared_memory(sizeof(*ready));
	const int group = make_group(&create);
	const pid_t init = sys_clone(CLONE_NEWPID | SIGCHLD);

	ASSERT_LE(0, group);
	ASSERT_LE(0, init);
	if (!init) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWUSER) || unshare(CLONE_NEWUTS))
			_exit(1);
		*ready = true;
		while (!get_info(group).ns_inum)
			usleep(1000);
		_exit(clone3_with(CLONE_NEWUTS) == EPERM ? 0 : 2);
	}
	EXPECT_TRUE(EVENTUALLY(*ready));
	EXPECT_EQ(0, bind_group(group, sys_pidfd_open(init)));
	EXPECT_EQ(0, status_of(init));
	EXPECT_TRUE(close_group(group));
}

struct race {
	struct clone_args args;
	bool stop;
};

static void *flip(void *arg)
{
	struct race *const race = arg;
	volatile __u64 *const flags = &race->args.flags;

	while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
		*flags = CLONE_NEWUSER;
		*flags = 0;
	}
	return NULL;
}

static ino_t user_namespace(void)
{
	struct stat about;

	return stat("/proc/self/ns/user", &about) ? 0 : about.st_ino;
}

/* Counts the clones that went through and came to be in another namespace. */
static unsigned int race(unsigned int rounds, unsigned int *refused)
{
	struct race race = { .args = { .exit_signal = SIGCHLD } };
	const ino_t ours = user_namespace();
	unsigned int i, escaped = 0;
	pthread_t thread;
	pid_t pid;

	*refused = 0;
	if (pthread_create(&thread, NULL, flip, &race))
		return ~0U;
	for (i = 0; i < rounds; i++) {
		pid = sys_clone3(&race.args);
		if (!pid)
			_exit(user_namespace() != ours);
		if (pid > 0)
			escaped += status_of(pid) != 0;
		else
			*refused += errno == EPERM;
	}
	__atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	return escaped;
}

MEMBER_TEST(threads_that_race_with_the_flags)
{
	unsigned int refused;

	ASSERT_TRUE(drop_admin());
	EXPECT_EQ(0, race(500, &refused));
	EXPECT_LT(0, refused);
}

/* The control: outside the group some of these come through. */
TEST(the_race_can_be_won_outside)
{
	unsigned int refused, escaped = 0, left = 1000;

	ASSERT_TRUE(drop_admin());
	/* Processors in turn, or busy ones, make it rare, and a round long. */
	while (!escaped && left--) {
		escaped = race(50, &refused);
		EXPECT_EQ(0, refused);
	}
	EXPECT_LT(0, escaped);
}

TEST_HARNESS_MAIN
