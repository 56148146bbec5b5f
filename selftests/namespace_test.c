// SPDX-License-Identifier: GPL-2.0
/* unshare(2) and setns(2) of members, 32-bit clones, and tasks that join. */
#define _GNU_SOURCE
#include "common.h"

FIXTURE_VARIANT_ADD(group, shadow) { { .profile = VPROCNS_PROFILE_SHADOW } };
FIXTURE_VARIANT_ADD(group, linux) { { .profile = VPROCNS_PROFILE_LINUX } };
FIXTURE_VARIANT_ADD(group, shadow_with_uts) {
	{
		.flags = VPROCNS_CREATE_ALLOWED,
		/* What glibc's fork() is made of, and one more. */
		.allowed = CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID |
			   CLONE_NEWUTS,
	}
};

static const struct kind {
	const char *file;
	int flag;
} kinds[] = {
	{ "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC },
	{ "mnt", CLONE_NEWNS }, { "net", CLONE_NEWNET },
	{ "uts", CLONE_NEWUTS }, { "time", CLONE_NEWTIME },
	{ "pid", CLONE_NEWPID }, { "user", CLONE_NEWUSER },
};

static bool is_allowed(const FIXTURE_VARIANT(group) *variant, int flag)
{
	if (flag == CLONE_NEWPID || flag == CLONE_NEWUSER)
		return false;
	if (variant->create.flags)
		return flag == CLONE_NEWUTS;
	return variant->create.profile == VPROCNS_PROFILE_LINUX;
}

static int status_of_unshare(int flags)
{
	const pid_t pid = fork();

	if (!pid)
		_exit(unshare(flags) ? errno : 0);
	return status_of(pid);
}

MEMBER_TEST(unshare_follows_the_allowed_set)
{
	int refused = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const bool allowed = is_allowed(variant, kinds[i].flag);

		EXPECT_EQ(allowed ? 0 : EOPNOTSUPP,
			  status_of_unshare(kinds[i].flag));
		refused += !allowed;
	}
	/* One of them is enough. */
	EXPECT_EQ(EOPNOTSUPP, status_of_unshare(CLONE_NEWUTS | CLONE_NEWPID));
	EXPECT_EQ(refused + 1, get_stats(self->group)
				       .refused[VPROCNS_RULE_UNSHARE]);
}

MEMBER_TEST(unshare_of_ones_own_is_free)
{
	EXPECT_EQ(0, status_of_unshare(0));
	EXPECT_EQ(0, status_of_unshare(CLONE_FILES));
	EXPECT_EQ(0, status_of_unshare(CLONE_FS | CLONE_SYSVSEM));
}

MEMBER_TEST(unshare_of_unknown_bits)
{
	EXPECT_EQ(EINVAL, status_of_unshare(1));
	EXPECT_EQ(EINVAL, status_of_unshare(CLONE_PARENT));
	EXPECT_EQ(EINVAL, status_of_unshare(CLONE_VFORK));
}

static int ns_file(const char *kind)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int do_setns(int fd, int kind)
{
	return setns(fd, kind) ? errno : 0;
}

/* By the kind that was asked for, and by the file's own. */
MEMBER_TEST(setns_follows_the_allowed_set)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const int fd = ns_file(kinds[i].file);
		int expected = is_allowed(variant, kinds[i].flag) ? 0 :
								    EOPNOTSUPP;

		ASSERT_LE(0, fd);
		EXPECT_EQ(expected, do_setns(fd, kinds[i].flag)) {
			TH_LOG("%s", kinds[i].file);
		}
		EXPECT_EQ(expected, do_setns(fd, 0)) {
			TH_LOG("%s", kinds[i].file);
		}
		close(fd);
	}
	EXPECT_LT(0, get_stats(self->group).refused[VPROCNS_RULE_SETNS]);
}

MEMBER_TEST(setns_by_pidfd)
{
	const int fd = sys_pidfd_open(getpid());
	const bool uts = is_allowed(variant, CLONE_NEWUTS);

	ASSERT_LE(0, fd);
	EXPECT_EQ(uts ? 0 : EOPNOTSUPP, do_setns(fd, CLONE_NEWUTS));
	EXPECT_EQ(EOPNOTSUPP, do_setns(fd, CLONE_NEWUTS | CLONE_NEWPID));
	EXPECT_EQ(EOPNOTSUPP, do_setns(fd, CLONE_NEWUSER));
	EXPECT_EQ(EINVAL, do_setns(fd, 0));
}

MEMBER_TEST(setns_of_nonsense)
{
	const int fd = open("/dev/null", O_RDONLY);

	EXPECT_EQ(EBADF, do_setns(-1, 0));
	EXPECT_EQ(EINVAL, do_setns(fd, 0));
	EXPECT_EQ(EBADF, do_setns(12345, 0));
	/* The sign bit of the argument. */
	EXPECT_EQ(-1, setns(ns_file("uts"), CLONE_IO));
	EXPECT_EQ(is_linux(&variant->create) ? EINVAL : EOPNOTSUPP, errno);
}

/* Linux looks at the kind first; a group is asked before that. */
MEMBER_TEST(setns_of_another_kind_than_asked)
{
	const int fd = ns_file("uts");

	ASSERT_LE(0, fd);
	EXPECT_EQ(is_linux(&variant->create) ? EINVAL : EOPNOTSUPP,
		  do_setns(fd, CLONE_NEWNET));
	close(fd);
}

MEMBER_TEST(clone_follows_the_allowed_set)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct clone_args args = {
			.flags = kinds[i].flag, .exit_signal = SIGCHLD,
		};
		const pid_t pid = sys_clone3(&args);

		if (!pid)
			_exit(0);
		if (is_allowed(variant, kinds[i].flag)) {
			EXPECT_LT(0, pid);
			EXPECT_EQ(0, status_of(pid));
		} else {
			EXPECT_EQ(-1, pid);
			EXPECT_EQ(EOPNOTSUPP, errno);
		}
	}
}

#ifdef __x86_64__
/* The 32-bit entries are no way around. */
MEMBER_TEST(entries_of_32_bits)
{
	const int uts = ns_file("uts");
	const int expected = is_allowed(variant, CLONE_NEWUTS) ? 0 :
								 -EOPNOTSUPP;
	long pid;

	EXPECT_EQ(-EOPNOTSUPP, int80(120, CLONE_NEWPID | SIGCHLD, 0));
	EXPECT_EQ(-EOPNOTSUPP, int80(310, CLONE_NEWPID, 0));
	EXPECT_EQ(-EINVAL, int80(310, CLONE_VFORK, 0));
	EXPECT_EQ(expected, int80(346, uts, CLONE_NEWUTS));
	EXPECT_EQ(expected, int80(346, uts, 0));
	EXPECT_EQ(-EBADF, int80(346, -1, 0));

	pid = int80(2, 0, 0);
	if (!pid)
		_exit(sys_gettid() != FIRST + 1);
	EXPECT_EQ(FIRST + 1, pid);
	EXPECT_EQ(0, status_of(pid));
	pid = int80(120, SIGCHLD, 0);
	if (!pid)
		_exit(sys_gettid() != FIRST + 2);
	EXPECT_EQ(FIRST + 2, pid);
	EXPECT_EQ(0, status_of(pid));
}
#endif

/*
 * An outsider who enters the namespace and forks: the child has a number of
 * the group, the outsider's own call is not judged.
 */
TEST_F(group, a_task_from_outside_joins)
{
	const pid_t init = enter_group(self->group);
	struct vprocns_stats stats;
	int fd, status;
	pid_t pid;

	if (!init) {
		sleep(1);
		_exit(spend_number() != FIRST + 2);
	}
	ASSERT_TRUE(EVENTUALLY(get_info(self->group).members == 2));
	fd = sys_pidfd_open(init);
	ASSERT_EQ(0, setns(fd, CLONE_NEWPID));
	/* NEWUTS is nothing that shadow's members may. */
	pid = sys_clone(CLONE_NEWUTS | SIGCHLD);
	ASSERT_LE(0, pid);
	if (!pid) {
		if (getpid() != FIRST + 1)
			_exit(1);
		/* From now on it is judged like everybody. */
		if (sys_clone(CLONE_NEWPID | SIGCHLD) != -1 ||
		    errno != EOPNOTSUPP)
			_exit(2);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	stats = get_stats(self->group);
	EXPECT_EQ(1, stats.joined);
	EXPECT_EQ(0, stats.kernel_threads);
	EXPECT_EQ(0, status_of(init));
}

/* A namespace below, made before the bind, is no part of the group. */
TEST_F(group, nested_namespaces_are_told)
{
	const pid_t init = sys_clone(CLONE_NEWPID | SIGCHLD);
	int fd;

	if (!init) {
		if (!sys_clone(CLONE_NEWPID | SIGCHLD)) {
			sleep(1);
			/* Not judged, not numbered. */
			_exit(getpid() != 1 || spend_number() != 2);
		}
		_exit(status_of(-1));
	}
	ASSERT_LT(0, init);
	usleep(200000);
	fd = sys_pidfd_open(init);
	ASSERT_EQ(0, bind_group(self->group, fd));
	EXPECT_EQ(1, get_info(self->group).members);
	EXPECT_EQ(1, get_info(self->group).nested);
	EXPECT_EQ(0, status_of(init));
}

TEST_HARNESS_MAIN
