// SPDX-License-Identifier: GPL-2.0
/*
 * unshare(2) and setns(2) of members: the ways around the clone policy, closed
 * by the same set of flags.
 */
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/sched.h>

#include "compat.h"
#include "group.h"
#include "hooks.h"
#include "namespace.h"
#include "symbols.h"

static struct vprocns_policy policy_for_current(const struct vprocns_group *group,
						u64 flags)
{
	struct vprocns_policy policy = group->policy;

	if (vprocns_policy_asks_admin(&policy, flags))
		policy.admin = vprocns_group_admin(group);
	return policy;
}

/* Targets that only refuse. They ignore the arguments. */
static long refuse_einval(void)
{
	return -EINVAL;
}

static long refuse_eperm(void)
{
	return -EPERM;
}

static long refuse_eopnotsupp(void)
{
	return -EOPNOTSUPP;
}

/* The target that returns @err, which a policy says. */
static void *refuse(int err)
{
	switch (err) {
	case -EINVAL:
		return refuse_einval;
	case -EPERM:
		return refuse_eperm;
	default:
		return refuse_eopnotsupp;
	}
}

/**
 * vprocns_redirect_unshare - judges a member's unshare(2)
 * @fregs: the registers at the entry of ksys_unshare()
 *
 * Context: ftrace handler of a task outside the initial PID namespace.
 * Return: a target that refuses, or NULL.
 */
void *vprocns_redirect_unshare(struct ftrace_regs *fregs)
{
	struct vprocns_group *const group = vprocns_group_of_current();
	struct vprocns_refusal refusal = {
		.call = VPROCNS_CALL_UNSHARE, .rule = VPROCNS_RULE_UNSHARE,
		.flags = vprocns_regs_argument(fregs, 0),
	};
	struct vprocns_policy policy;
	int err;

	if (!group)
		return NULL;
	policy = policy_for_current(group, refusal.flags);
	err = vprocns_policy_unshare(&policy, refusal.flags);
	if (!err)
		return NULL;
	refusal.err = -err;
	vprocns_group_refused(group, &refusal);
	return refuse(err);
}

/*
 * The kind of namespace that @fd stands for. 0 leaves the kind to the file,
 * which another thread can swap between our look and the kernel's; so the
 * kernel is always asked for the kind that was judged.
 */
static int kind_of(int fd)
{
	struct file *const file = fget(fd);
	int kind = -EINVAL;

	if (!file)
		return -EBADF;
	if (file_inode(file)->i_sb->s_magic == NSFS_MAGIC)
		kind = vprocns_ns_type(file_inode(file));
	fput(file);
	return kind;
}

/*
 * Return: the CLONE_NEW* to enter, or a negative errno. A pidfd with no kind
 * is EINVAL, as in Linux.
 */
static long judge_setns(int fd, u32 kind)
{
	struct vprocns_refusal refusal = {
		.call = VPROCNS_CALL_SETNS, .rule = VPROCNS_RULE_SETNS,
	};
	struct vprocns_policy policy;
	struct vprocns_group *group;
	long judged = kind;
	int err = 0;

	if (!kind)
		judged = kind_of(fd);
	if (judged < 0)
		return judged;
	rcu_read_lock();
	group = vprocns_group_of_current();
	if (group) {
		policy = policy_for_current(group, judged);
		err = vprocns_policy_setns(&policy, judged);
	}
	if (err) {
		refusal.flags = judged;
		refusal.err = -err;
		vprocns_group_refused(group, &refusal);
	}
	rcu_read_unlock();
	return err ?: judged;
}

/* Stands in for both entries, and calls the native one. May sleep. */
static long setns_target(const struct pt_regs *regs)
{
	const unsigned long fd = vprocns_syscall_arg0(regs);
	struct pt_regs judged = *regs;
	long ret;

	vprocns_target_begin();
	ret = judge_setns(fd, vprocns_syscall_arg1(regs));
	if (ret >= 0) {
		vprocns_native_set_args(&judged, fd, ret);
		ret = static_call(vprocns_setns)(&judged);
	}
	vprocns_target_end();
	return ret;
}

/**
 * vprocns_redirect_setns - has a member's setns(2) judged
 * @fregs: the registers at the entry
 *
 * Context: ftrace handler of a task outside the initial PID namespace.
 * Return: the target, which may sleep, or NULL.
 */
void *vprocns_redirect_setns(struct ftrace_regs *fregs)
{
	/* The target calls the original with registers that are a copy. */
	if (vprocns_regs_argument(fregs, 0) !=
	    (unsigned long)task_pt_regs(current))
		return NULL;
	return vprocns_group_of_current() ? setns_target : NULL;
}
