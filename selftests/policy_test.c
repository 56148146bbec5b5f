// SPDX-License-Identifier: GPL-2.0
/* The pure policy, in user space: every row of vectors/clone.tsv, and the rest. */
#define _GNU_SOURCE
#include <errno.h>
#include <libgen.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "policy.h"

static struct vprocns_policy resolve(struct vprocns_create create)
{
	struct vprocns_policy policy = {};

	if (vprocns_policy_init(&policy, &create))
		policy.profile = ~0U;
	return policy;
}

static int err_of(struct vprocns_create create, __u64 flags, int exit_signal)
{
	const struct vprocns_policy policy = resolve(create);

	return vprocns_policy_clone(&policy, flags, exit_signal).err;
}

static __u64 left_of(struct vprocns_create create, __u64 flags)
{
	const struct vprocns_policy policy = resolve(create);

	return vprocns_policy_clone(&policy, flags, 0).flags;
}

static FILE *open_vectors(void)
{
	char self[4096] = {}, path[4200];

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return NULL;
	/* build/unit/policy_test */
	snprintf(path, sizeof(path), "%s/../../selftests/vectors/clone.tsv",
		 dirname(self));
	return fopen(path, "re");
}

TEST(vectors)
{
	FILE *const file = open_vectors();
	char line[256], call[8], err[32];
	long long flags, left;
	int exit_signal, threads_only, rows = 0;

	ASSERT_NE(NULL, file);
	while (fgets(line, sizeof(line), file)) {
		struct vprocns_create create = {};
		struct vprocns_verdict verdict;
		struct vprocns_policy policy;

		if (*line == '#')
			continue;
		ASSERT_EQ(6, sscanf(line, "%7s %lli %d %d %31s %lli", call,
				    &flags, &exit_signal, &threads_only, err,
				    &left));
		if (threads_only)
			create.flags = VPROCNS_CREATE_THREADS_ONLY;
		create.vfork = VPROCNS_VFORK_FORK;
		policy = resolve(create);
		verdict = vprocns_policy_clone(&policy, flags, exit_signal);
		EXPECT_STREQ(err, verdict.err ? strerrorname_np(verdict.err) :
						"0") {
			TH_LOG("%s", line);
		}
		EXPECT_EQ((__u64)left, verdict.flags) {
			TH_LOG("%s", line);
		}
		rows++;
	}
	fclose(file);
	EXPECT_EQ(1111, rows);
}

TEST(profiles)
{
	const struct vprocns_policy shadow = resolve((struct vprocns_create) {});
	const struct vprocns_policy strict = resolve((struct vprocns_create) {
		.profile = VPROCNS_PROFILE_SHADOW_STRICT,
	});
	const struct vprocns_policy host = resolve((struct vprocns_create) {
		.profile = VPROCNS_PROFILE_LINUX,
	});

	EXPECT_EQ(VPROCNS_VFORK_REAL, shadow.vfork);
	EXPECT_EQ(VPROCNS_CAPS_EMPTY, shadow.caps);
	EXPECT_EQ(VPROCNS_VFORK_FORK, strict.vfork);
	EXPECT_EQ(VPROCNS_CAPS_EMPTY_V3, strict.caps);
	EXPECT_EQ(VPROCNS_VFORK_REAL, host.vfork);
	EXPECT_EQ(VPROCNS_CAPS_HOST, host.caps);
	EXPECT_EQ(shadow.allowed, strict.allowed);
	EXPECT_EQ(~(__u64)(CLONE_NEWPID | CLONE_NEWUSER), host.allowed);
}

TEST(overrides)
{
	const struct vprocns_policy policy = resolve((struct vprocns_create) {
		.profile = VPROCNS_PROFILE_SHADOW_STRICT,
		.flags = VPROCNS_CREATE_ALLOWED | VPROCNS_CREATE_THREADS_ONLY,
		.allowed = CLONE_VM,
		.vfork = VPROCNS_VFORK_REAL,
		.caps = VPROCNS_CAPS_HOST,
	});

	EXPECT_EQ(CLONE_VM, policy.allowed);
	EXPECT_EQ(VPROCNS_VFORK_REAL, policy.vfork);
	EXPECT_EQ(VPROCNS_CAPS_HOST, policy.caps);
	EXPECT_TRUE(policy.threads_only);
}

TEST(bad_requests)
{
	const struct vprocns_create wrong[] = {
		{ .profile = 4 }, { .vfork = 3 }, { .caps = 4 },
		{ .flags = 4 }, { .allowed = 1 },
		{ .flags = VPROCNS_CREATE_ALLOWED, .allowed = CLONE_NEWPID },
		{ .flags = VPROCNS_CREATE_ALLOWED, .allowed = CLONE_NEWUSER },
	};
	struct vprocns_policy policy;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		EXPECT_EQ(-EINVAL, vprocns_policy_init(&policy, &wrong[i])) {
			TH_LOG("request %zu", i);
		}
}

TEST(linux_profile)
{
	const struct vprocns_create create = {
		.profile = VPROCNS_PROFILE_LINUX,
	};
	struct vprocns_create threads_only = create;

	EXPECT_EQ(0, err_of(create, 0, 17));
	EXPECT_EQ(0, err_of(create, CLONE_NEWNS | CLONE_NEWUTS, 17));
	/* What Linux refuses by itself is left to it. */
	EXPECT_EQ(0, err_of(create, CLONE_SIGHAND, 17));
	EXPECT_EQ(0, err_of(create, 1ULL << 50, 200));
	EXPECT_EQ(EOPNOTSUPP, err_of(create, CLONE_NEWPID, 17));
	EXPECT_EQ(EOPNOTSUPP, err_of(create, CLONE_NEWUSER, 17));
	threads_only.flags = VPROCNS_CREATE_THREADS_ONLY;
	EXPECT_EQ(EOPNOTSUPP, err_of(threads_only, 0, 17));
	EXPECT_EQ(0, err_of(threads_only, CLONE_THREAD, 0));
}

TEST(container_profile)
{
	const __u64 kinds[] = {
		CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
		CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWTIME,
		/* CLONE_EMPTY_MNTNS of Linux 7. */
		1ULL << 37,
	};
	struct vprocns_policy policy = resolve((struct vprocns_create) {
		.profile = VPROCNS_PROFILE_CONTAINER,
	});
	struct vprocns_verdict verdict;
	size_t i;
	int err;

	EXPECT_EQ(VPROCNS_VFORK_REAL, policy.vfork);
	EXPECT_EQ(VPROCNS_CAPS_HOST, policy.caps);
	EXPECT_FALSE(policy.admin);
	EXPECT_FALSE(vprocns_policy_asks_admin(&policy, CLONE_VM | CLONE_VFORK));
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		EXPECT_TRUE(vprocns_policy_asks_admin(&policy, kinds[i]));
		policy.admin = false;
		verdict = vprocns_policy_clone(&policy, kinds[i], 17);
		EXPECT_EQ(EPERM, verdict.err);
		EXPECT_EQ(VPROCNS_RULE_NAMESPACE, verdict.rule);
		EXPECT_EQ(-EPERM, vprocns_policy_unshare(&policy, kinds[i]));
		EXPECT_EQ(-EPERM, vprocns_policy_setns(&policy, kinds[i]));
		policy.admin = true;
		err = kinds[i] == CLONE_NEWUSER || kinds[i] == CLONE_NEWPID ?
		      EPERM : 0;
		EXPECT_EQ(err, vprocns_policy_clone(&policy, kinds[i], 17).err);
		EXPECT_EQ(-err, vprocns_policy_unshare(&policy, kinds[i]));
		EXPECT_EQ(-err, vprocns_policy_setns(&policy, kinds[i]));
	}
	/* UNSHARE_EMPTY_MNTNS of Linux 7. */
	EXPECT_TRUE(vprocns_policy_asks_admin(&policy, 0x00100000));
	EXPECT_EQ(0, vprocns_policy_unshare(&policy, 0x00100000));
	policy.admin = false;
	EXPECT_EQ(-EPERM, vprocns_policy_unshare(&policy, 0x00100000));
	EXPECT_EQ(0, vprocns_policy_unshare(&policy, CLONE_FILES | CLONE_FS));
	/* The rest is Linux's own, as with profile linux. */
	EXPECT_EQ(0, vprocns_policy_clone(&policy, 0, 17).err);
	EXPECT_EQ(0, vprocns_policy_clone(&policy, CLONE_SIGHAND, 17).err);
	/* Which asks nobody. */
	policy = resolve((struct vprocns_create) {
		.profile = VPROCNS_PROFILE_LINUX,
	});
	EXPECT_FALSE(vprocns_policy_asks_admin(&policy, CLONE_NEWNS));
}

/* A set of one's own: namespaces stay EPERM, the rest is as in other profiles. */
TEST(container_profile_with_a_set)
{
	struct vprocns_policy policy = resolve((struct vprocns_create) {
		.profile = VPROCNS_PROFILE_CONTAINER,
		.flags = VPROCNS_CREATE_ALLOWED,
		.allowed = CLONE_VM | CLONE_NEWUTS,
	});

	EXPECT_EQ(EPERM, vprocns_policy_clone(&policy, CLONE_NEWUTS, 17).err);
	EXPECT_EQ(EPERM, vprocns_policy_clone(&policy, CLONE_NEWUTS | CLONE_FS,
					      17).err);
	EXPECT_EQ(EOPNOTSUPP, vprocns_policy_clone(&policy, CLONE_FS, 17).err);
	policy.admin = true;
	EXPECT_EQ(0, vprocns_policy_clone(&policy, CLONE_NEWUTS, 17).err);
	EXPECT_EQ(EPERM, vprocns_policy_clone(&policy, CLONE_NEWNS, 17).err);
	EXPECT_EQ(EOPNOTSUPP, vprocns_policy_clone(&policy, CLONE_FS, 17).err);
}

TEST(vfork_as_fork)
{
	const struct vprocns_create create = { .vfork = VPROCNS_VFORK_FORK };
	const __u64 thread = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND |
			     CLONE_SETTLS;

	EXPECT_EQ(0, left_of(create, CLONE_VFORK));
	EXPECT_EQ(0, left_of(create, CLONE_VFORK | CLONE_VM));
	EXPECT_EQ(CLONE_FILES, left_of(create, CLONE_VFORK | CLONE_VM |
				       CLONE_SIGHAND | CLONE_FILES));
	/* A thread keeps what makes it one. */
	EXPECT_EQ(thread, left_of(create, thread | CLONE_VFORK));
	EXPECT_EQ(thread, left_of(create, thread));
}

TEST(which_rule)
{
	const struct vprocns_policy policy = resolve((struct vprocns_create) {
		.flags = VPROCNS_CREATE_THREADS_ONLY,
	});
	const struct {
		__u64 flags;
		int exit_signal;
		int rule;
	} rows[] = {
		{ 1ULL << 34, 17, VPROCNS_RULE_UNKNOWN_FLAG },
		{ 0, 65, VPROCNS_RULE_EXIT_SIGNAL_RANGE },
		{ 0, -1, VPROCNS_RULE_EXIT_SIGNAL_RANGE },
		{ CLONE_THREAD, 0, VPROCNS_RULE_THREAD_NEEDS_SIGHAND },
		{ CLONE_THREAD | CLONE_SIGHAND, 0,
		  VPROCNS_RULE_THREAD_NEEDS_SETTLS },
		{ CLONE_THREAD | CLONE_SIGHAND | CLONE_SETTLS, 17,
		  VPROCNS_RULE_THREAD_EXIT_SIGNAL },
		{ CLONE_VM, 17, VPROCNS_RULE_THREADS_ONLY },
		{ CLONE_THREAD | CLONE_SIGHAND | CLONE_SETTLS, 0,
		  VPROCNS_RULE_SIGHAND_NEEDS_VM },
		{ CLONE_THREAD | CLONE_SIGHAND | CLONE_SETTLS | CLONE_VM |
		  CLONE_CLEAR_SIGHAND, 0,
		  VPROCNS_RULE_CLEAR_SIGHAND_WITH_SIGHAND },
		{ CLONE_THREAD | CLONE_SIGHAND | CLONE_SETTLS | CLONE_VM |
		  CLONE_PTRACE, 0, VPROCNS_RULE_UNSUPPORTED_FLAG },
	};
	struct vprocns_verdict verdict;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		verdict = vprocns_policy_clone(&policy, rows[i].flags,
					       rows[i].exit_signal);
		EXPECT_NE(0, verdict.err);
		EXPECT_EQ(rows[i].rule, verdict.rule) {
			TH_LOG("row %zu", i);
		}
	}
}

TEST(unshare_and_setns)
{
	const struct vprocns_policy shadow = resolve((struct vprocns_create) {});
	const struct vprocns_policy host = resolve((struct vprocns_create) {
		.profile = VPROCNS_PROFILE_LINUX,
	});

	EXPECT_EQ(0, vprocns_policy_unshare(&shadow, CLONE_FILES | CLONE_FS));
	EXPECT_EQ(-EOPNOTSUPP, vprocns_policy_unshare(&shadow, CLONE_NEWNS));
	EXPECT_EQ(0, vprocns_policy_unshare(&host, CLONE_NEWNS));
	EXPECT_EQ(-EOPNOTSUPP, vprocns_policy_unshare(&host, CLONE_NEWPID));
	EXPECT_EQ(-EOPNOTSUPP, vprocns_policy_unshare(&host, CLONE_NEWUSER));
	EXPECT_EQ(-EINVAL, vprocns_policy_unshare(&host, 1));
	EXPECT_EQ(-EINVAL, vprocns_policy_unshare(&host, 1ULL << 40));
	/* UNSHARE_EMPTY_MNTNS of Linux 7 makes a mount namespace too. */
	EXPECT_EQ(0, vprocns_policy_unshare(&host, 0x00100000));
	EXPECT_EQ(-EOPNOTSUPP, vprocns_policy_unshare(&shadow, 0x00100000));
	EXPECT_EQ(0, vprocns_policy_setns(&host, CLONE_NEWUTS));
	EXPECT_EQ(-EOPNOTSUPP, vprocns_policy_setns(&host, CLONE_NEWPID));
	EXPECT_EQ(-EOPNOTSUPP, vprocns_policy_setns(&shadow, CLONE_NEWUTS));
}

TEST_HARNESS_MAIN
