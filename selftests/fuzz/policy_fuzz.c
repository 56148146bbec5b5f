// SPDX-License-Identifier: GPL-2.0
/* The policy: what must hold of every verdict, whatever is asked. */
#include <errno.h>
#include <linux/sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "holds.h"
#include "policy.h"

/* uapi/vprocns.h, enum vprocns_rule. */
static const int errno_of[] = {
	EINVAL, EINVAL, EINVAL, EOPNOTSUPP, EOPNOTSUPP, EOPNOTSUPP, EINVAL,
	EOPNOTSUPP, EINVAL, EOPNOTSUPP, [VPROCNS_RULE_NAMESPACE] = EPERM,
};

#define BELOW ((__u64)(CLONE_NEWPID | CLONE_NEWUSER))

struct input {
	struct vprocns_create create;
	__u64 flags;
	__u64 more;
	__s32 exit_signal;
};

static bool same(struct vprocns_verdict a, struct vprocns_verdict b)
{
	return a.err == b.err && a.flags == b.flags &&
	       (!a.err || a.rule == b.rule);
}

static void check_policy(const struct vprocns_policy *policy,
			 const struct vprocns_create *create)
{
	HOLDS(!(policy->allowed & BELOW));
	HOLDS(policy->vfork == VPROCNS_VFORK_REAL ||
	      policy->vfork == VPROCNS_VFORK_FORK);
	HOLDS(policy->caps >= VPROCNS_CAPS_HOST &&
	      policy->caps <= VPROCNS_CAPS_EMPTY_V3);
	HOLDS(!create->vfork || policy->vfork == create->vfork);
	HOLDS(!create->caps || policy->caps == create->caps);
	HOLDS(policy->threads_only ==
	      !!(create->flags & VPROCNS_CREATE_THREADS_ONLY));
}

static void check_allowed(const struct vprocns_policy *policy, __u64 flags,
			  int exit_signal, __u64 runs_with)
{
	const __u64 dropped = flags & ~runs_with;

	HOLDS(!(runs_with & ~flags));
	HOLDS(!(flags & ~policy->allowed) && !(flags & BELOW));
	HOLDS(!policy->threads_only || flags & CLONE_THREAD);
	if (dropped) {
		HOLDS(policy->vfork == VPROCNS_VFORK_FORK);
		HOLDS(dropped & CLONE_VFORK);
		HOLDS(!(dropped & ~(__u64)(CLONE_VFORK | CLONE_VM |
					   CLONE_SIGHAND)));
		HOLDS(!(flags & CLONE_THREAD) || dropped == CLONE_VFORK);
	}
	HOLDS(policy->vfork == VPROCNS_VFORK_REAL || !(runs_with & CLONE_VFORK));
	/* What it runs with is what it would have been let to ask for. */
	HOLDS(same(vprocns_policy_clone(policy, runs_with, exit_signal),
		   (struct vprocns_verdict) { .flags = runs_with }));
}

static void check_refused(struct vprocns_verdict verdict)
{
	HOLDS((verdict.rule >= 0 &&
	       verdict.rule <= VPROCNS_RULE_UNSUPPORTED_FLAG) ||
	      verdict.rule == VPROCNS_RULE_NAMESPACE);
	HOLDS(verdict.err == errno_of[verdict.rule]);
	HOLDS(!verdict.flags);
}

/* Groups that differ from this one in a single thing. */
static void check_relatives(const struct vprocns_policy *policy,
			    const struct input *in,
			    struct vprocns_verdict verdict)
{
	struct vprocns_policy other = *policy;
	struct vprocns_verdict of_other;

	other.allowed |= in->more & ~BELOW;
	of_other = vprocns_policy_clone(&other, in->flags, in->exit_signal);
	HOLDS(verdict.err ? of_other.err == verdict.err || !of_other.err :
	      same(of_other, verdict));
	HOLDS(!vprocns_policy_setns(&other, in->flags) ||
	      vprocns_policy_setns(policy, in->flags));
	HOLDS(!vprocns_policy_unshare(&other, in->flags) ||
	      vprocns_policy_unshare(policy, in->flags));

	other = *policy;
	other.threads_only = false;
	of_other = vprocns_policy_clone(&other, in->flags, in->exit_signal);
	HOLDS(verdict.err || same(of_other, verdict));
	if (in->flags & CLONE_THREAD)
		HOLDS(same(of_other, verdict));

	other = *policy;
	other.vfork = VPROCNS_VFORK_REAL;
	other.caps = VPROCNS_CAPS_HOST;
	of_other = vprocns_policy_clone(&other, in->flags, in->exit_signal);
	HOLDS(verdict.err ? same(of_other, verdict) :
	      !of_other.err && of_other.flags == in->flags);
}

static void check_namespaces(const struct vprocns_policy *policy,
			     const struct input *in)
{
	const int unshare = vprocns_policy_unshare(policy, in->flags);
	const int setns = vprocns_policy_setns(policy, in->flags);

	HOLDS(unshare == 0 || unshare == -EINVAL || unshare == -EOPNOTSUPP ||
	      unshare == -EPERM);
	HOLDS(setns == 0 || setns == -EOPNOTSUPP || setns == -EPERM);
	if (in->flags & BELOW)
		HOLDS(unshare && setns);
	/* The caller's own state is its own. */
	HOLDS(!vprocns_policy_unshare(policy, in->flags &
				      (CLONE_FILES | CLONE_FS | CLONE_SYSVSEM)));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct vprocns_policy policy = {}, again = {};
	struct vprocns_verdict verdict;
	struct input in = {};
	int err;

	memcpy(&in, data, size < sizeof(in) ? size : sizeof(in));
	/* Else nearly none is one. */
	in.create.profile %= VPROCNS_PROFILE_CONTAINER + 2;
	in.create.vfork %= VPROCNS_VFORK_FORK + 2;
	in.create.caps %= VPROCNS_CAPS_EMPTY_V3 + 2;
	in.create.flags %= 8;
	err = vprocns_policy_init(&policy, &in.create);
	HOLDS(err == vprocns_policy_init(&again, &in.create));
	HOLDS(err == 0 || err == -EINVAL);
	if (err)
		return -1;
	HOLDS(policy.allowed == again.allowed && policy.vfork == again.vfork);
	check_policy(&policy, &in.create);
	policy.admin = in.more & 1;

	verdict = vprocns_policy_clone(&policy, in.flags, in.exit_signal);
	HOLDS(same(verdict, vprocns_policy_clone(&policy, in.flags,
						 in.exit_signal)));
	if (verdict.err)
		check_refused(verdict);
	else
		check_allowed(&policy, in.flags, in.exit_signal, verdict.flags);
	check_relatives(&policy, &in, verdict);
	check_namespaces(&policy, &in);
	return 0;
}
