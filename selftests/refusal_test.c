// SPDX-License-Identifier: GPL-2.0
/* What is kept and logged of requests that a group refused. */
#define _GNU_SOURCE
#include "common.h"

FIXTURE_VARIANT_ADD(group, shadow) { .create = {} };

static struct vprocns_refused list[VPROCNS_REFUSED_SLOTS];

/* How many rules refused something; they are in list[]. */
static int get_refusals(int group)
{
	struct vprocns_refusals refusals = {
		.refusals = (uintptr_t)list,
		.capacity = VPROCNS_REFUSED_SLOTS,
		.size = sizeof(list[0]),
	};

	memset(list, 0xff, sizeof(list));
	return call(group, VPROCNS_REFUSALS, &refusals) ?: (int)refusals.count;
}

MEMBER_TEST(each_rule_keeps_flags_and_the_last_one)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD, .pidfd = 8, .exit_signal = SIGUSR1,
	};

	EXPECT_EQ(0, get_refusals(self->group));
	EXPECT_EQ(-1, sys_clone(CLONE_NEWPID | SIGCHLD));
	EXPECT_EQ(-1, sys_clone(CLONE_PTRACE | SIGCHLD));
	EXPECT_EQ(-1, sys_clone(CLONE_VM | SIGUSR2));
	prctl(PR_SET_NAME, "refused");
	EXPECT_EQ(-1, sys_clone3(&args));

	ASSERT_EQ(2, get_refusals(self->group));
	EXPECT_EQ(VPROCNS_RULE_VM_NEEDS_THREAD_OR_VFORK, list[0].rule);
	EXPECT_EQ(1, list[0].count);
	EXPECT_EQ(VPROCNS_CALL_CLONE, list[0].call);
	EXPECT_EQ(CLONE_VM, list[0].flags);
	EXPECT_EQ(SIGUSR2, list[0].exit_signal);
	EXPECT_EQ(EOPNOTSUPP, list[0].err);
	EXPECT_STREQ("refusal_test", list[0].comm);

	EXPECT_EQ(VPROCNS_RULE_UNSUPPORTED_FLAG, list[1].rule);
	EXPECT_EQ(3, list[1].count);
	EXPECT_EQ(VPROCNS_CALL_CLONE3, list[1].call);
	EXPECT_EQ(CLONE_NEWPID | CLONE_PTRACE | CLONE_PIDFD, list[1].flags);
	EXPECT_EQ(CLONE_PIDFD, list[1].last_flags);
	EXPECT_EQ(SIGUSR1, list[1].exit_signal);
	EXPECT_EQ(EOPNOTSUPP, list[1].err);
	EXPECT_EQ(FIRST, list[1].tid);
	EXPECT_EQ(0, list[1].reserved);
	EXPECT_STREQ("refused", list[1].comm);
	/* And they are what the counters say. */
	EXPECT_EQ(4, ({ const struct vprocns_stats stats = get_stats(self->group);
			refusals(&stats); }));
}

MEMBER_TEST(other_calls_than_clone)
{
	const int mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	pid_t number = 4242;
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number,
		.set_tid_size = 1,
	};

	EXPECT_EQ(-EOPNOTSUPP, raw(unshare(CLONE_NEWNS | CLONE_FILES)));
	EXPECT_EQ(-EOPNOTSUPP, raw(setns(mounts, 0)));
	EXPECT_EQ(-1, sys_clone3(&args));
	EXPECT_EQ(EPERM, errno);

	ASSERT_EQ(3, get_refusals(self->group));
	EXPECT_EQ(VPROCNS_RULE_UNSHARE, list[0].rule);
	EXPECT_EQ(VPROCNS_CALL_UNSHARE, list[0].call);
	EXPECT_EQ(CLONE_NEWNS | CLONE_FILES, list[0].last_flags);
	EXPECT_EQ(EOPNOTSUPP, list[0].err);
	EXPECT_EQ(VPROCNS_RULE_SETNS, list[1].rule);
	EXPECT_EQ(VPROCNS_CALL_SETNS, list[1].call);
	EXPECT_EQ(CLONE_NEWNS, list[1].last_flags);
	EXPECT_EQ(VPROCNS_RULE_SET_TID, list[2].rule);
	EXPECT_EQ(VPROCNS_CALL_NUMBER, list[2].call);
	EXPECT_EQ(EPERM, list[2].err);
	EXPECT_EQ(0, list[2].flags);
}

FIXTURE(threads_only) {
	int group;
};

FIXTURE_VARIANT(threads_only) {
	struct vprocns_create create;
};

FIXTURE_VARIANT_ADD(threads_only, shadow) {
	.create = { .flags = VPROCNS_CREATE_THREADS_ONLY },
};

FIXTURE_SETUP(threads_only)
{
	self->group = make_group(&variant->create);
	ASSERT_LE(0, self->group);
}

FIXTURE_TEARDOWN(threads_only)
{
	EXPECT_TRUE(close_group(self->group));
}

#ifdef __x86_64__
static __u32 last_call(int group)
{
	get_refusals(group);
	return list[0].call;
}

MEMBER_TEST_F(threads_only, each_entry_is_told_from_the_others)
{
	const long nothing[5] = {};

	EXPECT_EQ(-EOPNOTSUPP, clone_and_end(SYS_fork, nothing));
	EXPECT_EQ(VPROCNS_CALL_FORK, last_call(self->group));
	EXPECT_EQ(-EOPNOTSUPP, clone_and_end(SYS_vfork, nothing));
	EXPECT_EQ(VPROCNS_CALL_VFORK, last_call(self->group));
	EXPECT_EQ(-EOPNOTSUPP, clone_and_end(SYS_clone, nothing));
	EXPECT_EQ(VPROCNS_CALL_CLONE, last_call(self->group));
	EXPECT_EQ(-EOPNOTSUPP, clone_and_end(x32(SYS_fork), nothing));
	EXPECT_EQ(VPROCNS_CALL_FORK, last_call(self->group));
	EXPECT_EQ(-EOPNOTSUPP, int80(2, 0, 0));
	EXPECT_EQ(VPROCNS_CALL_FORK, last_call(self->group));
	EXPECT_EQ(-EOPNOTSUPP, int80(190, 0, 0));
	EXPECT_EQ(VPROCNS_CALL_VFORK, last_call(self->group));
	EXPECT_EQ(-EOPNOTSUPP, int80(120, SIGCHLD, 0));
	EXPECT_EQ(VPROCNS_CALL_CLONE, last_call(self->group));
	EXPECT_EQ(7, list[0].count);
}
#endif

TEST_F(group, sizes_and_errors)
{
	struct vprocns_refusals refusals = {};

	EXPECT_EQ(0, call(self->group, VPROCNS_REFUSALS, &refusals));
	EXPECT_EQ(0, refusals.count);
	refusals.size = 56;
	EXPECT_EQ(-EINVAL, call(self->group, VPROCNS_REFUSALS, &refusals));
	refusals.size = 68;
	EXPECT_EQ(-EINVAL, call(self->group, VPROCNS_REFUSALS, &refusals));
	refusals.size = 4104;
	EXPECT_EQ(-EINVAL, call(self->group, VPROCNS_REFUSALS, &refusals));
	refusals.size = 0;
	refusals.reserved = 1;
	EXPECT_EQ(-EINVAL, call(self->group, VPROCNS_REFUSALS, &refusals));
	EXPECT_EQ(-EFAULT, call(self->group, VPROCNS_REFUSALS, (void *)8));
}

MEMBER_TEST(an_array_that_is_too_short_or_not_there)
{
	struct {
		struct vprocns_refused refused;
		__u64 later;
	} newer[2];
	struct vprocns_refusals refusals = {
		.refusals = (uintptr_t)newer, .size = sizeof(newer[0]),
		.capacity = 1,
	};

	EXPECT_EQ(-1, sys_clone(CLONE_NEWPID | SIGCHLD));
	EXPECT_EQ(-1, sys_clone(CLONE_VM | SIGCHLD));
	memset(newer, 0xff, sizeof(newer));
	EXPECT_EQ(0, call(self->group, VPROCNS_REFUSALS, &refusals));
	EXPECT_EQ(1, refusals.count);
	EXPECT_EQ(VPROCNS_RULE_VM_NEEDS_THREAD_OR_VFORK, newer[0].refused.rule);
	EXPECT_EQ(0, newer[0].later);
	EXPECT_EQ(~0U, newer[1].refused.rule);
	refusals.capacity = 2;
	EXPECT_EQ(0, call(self->group, VPROCNS_REFUSALS, &refusals));
	EXPECT_EQ(2, refusals.count);
	EXPECT_EQ(VPROCNS_RULE_UNSUPPORTED_FLAG, newer[1].refused.rule);
	refusals.refusals = 8;
	EXPECT_EQ(-EFAULT, call(self->group, VPROCNS_REFUSALS, &refusals));
}

/* How many records of the log, from where @log is on, have all of @words. */
static int logged(int log, const char *const words[2])
{
	char record[8192];
	ssize_t size;
	int count = 0;

	while ((size = read(log, record, sizeof(record) - 1)) > 0) {
		record[size] = '\0';
		count += strstr(record, words[0]) && strstr(record, words[1]);
	}
	return count;
}

MEMBER_TEST(the_log_has_one_line_a_rule)
{
	char name[32];
	const char *const clone_line[] = {
		name, "clone by task 1000 (refusal_test) refused with -EOPNOTSUPP"
	};
	const char *const unshare_line[] = { name, "by rule unshare" };
	const int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int lines = 0, i;

	ASSERT_LE(0, log);
	/* The log takes so many lines a second, and other tests have had theirs. */
	sleep(2);
	lseek(log, 0, SEEK_END);
	snprintf(name, sizeof(name), "group %llu:", get_info(self->group).id);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-1, sys_clone(CLONE_NEWPID | SIGCHLD));
	EXPECT_TRUE(EVENTUALLY((lines += logged(log, clone_line))));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-1, sys_clone(CLONE_PTRACE | SIGCHLD));
	EXPECT_EQ(-1, unshare(CLONE_NEWNS));
	lines = 0;
	EXPECT_TRUE(EVENTUALLY((lines += logged(log, unshare_line))));
	/* A second line for the clones would have come before that one. */
	lseek(log, 0, SEEK_SET);
	EXPECT_EQ(1, logged(log, clone_line));
	close(log);
}

TEST_HARNESS_MAIN
