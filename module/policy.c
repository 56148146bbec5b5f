// SPDX-License-Identifier: GPL-2.0
/*
 * The clone policy: flags in, verdict out. Pure, and built in user space too
 * (`vprocns explain`, policy_test.c), so it includes no kernel header but types.
 */
#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/kernel.h>
#include <uapi/linux/sched.h>
#else
#include <errno.h>
#include <linux/sched.h>
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif
#include <linux/const.h>

#include "policy.h"

/* Linux 7.x: comes with a new, empty mount namespace. */
#define NEW_EMPTY_MNTNS	_BITULL(37)
/* Which unshare(2) spells with a bit that is CLONE_PARENT_SETTID elsewhere. */
#define EMPTY_MNTNS_AS_UNSHARED	((__u64)CLONE_PARENT_SETTID)

/* Shadow's table ends with CLONE_INTO_CGROUP: later bits are unknown to it. */
#define SHADOW_KNOWN		0x3ffffff80ULL

#define SHADOW_ALLOWED							\
	(CLONE_THREAD | CLONE_SIGHAND | CLONE_FS | CLONE_FILES |	\
	 CLONE_SETTLS | CLONE_VFORK | CLONE_VM | CLONE_SYSVSEM |	\
	 CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |			\
	 CLONE_CHILD_CLEARTID | CLONE_PARENT | CLONE_CLEAR_SIGHAND)

/* A level below the group would be a way out of it, in every profile. */
#define NEVER_ALLOWED		((__u64)(CLONE_NEWPID | CLONE_NEWUSER))

#define NAMESPACES							\
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |	\
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)
#define ALL_NAMESPACES		(NAMESPACES | NEW_EMPTY_MNTNS)

/* What unshare(2) takes besides namespaces: parts of the caller's own state. */
#define UNSHARE_OWN							\
	(CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM |		\
	 CLONE_FILES | CLONE_SYSVSEM)

/* What a rule looks at beside its flags. */
enum condition {
	ALWAYS,
	BEYOND_KNOWN,
	BEYOND_ALLOWED,
	SIGNAL_SET,
	SIGNAL_BAD,
	THREADS_ONLY_GROUP,
	NAMESPACE_DENIED,
};

/* Refuses a clone that has all of @has and none of @lacks, @when that holds. */
struct rule {
	int id;
	__u64 has;
	__u64 lacks;
	enum condition when;
	int err;
};

static const struct rule shadow_rules[] = {
	{ VPROCNS_RULE_UNKNOWN_FLAG, 0, 0, BEYOND_KNOWN, EINVAL },
	{ VPROCNS_RULE_EXIT_SIGNAL_RANGE, 0, 0, SIGNAL_BAD, EINVAL },
	{ VPROCNS_RULE_THREAD_NEEDS_SIGHAND,
	  CLONE_THREAD, CLONE_SIGHAND, ALWAYS, EINVAL },
	{ VPROCNS_RULE_THREAD_NEEDS_SETTLS,
	  CLONE_THREAD, CLONE_SETTLS, ALWAYS, EOPNOTSUPP },
	{ VPROCNS_RULE_THREAD_EXIT_SIGNAL,
	  CLONE_THREAD, 0, SIGNAL_SET, EOPNOTSUPP },
	{ VPROCNS_RULE_THREADS_ONLY,
	  0, CLONE_THREAD, THREADS_ONLY_GROUP, EOPNOTSUPP },
	{ VPROCNS_RULE_SIGHAND_NEEDS_VM,
	  CLONE_SIGHAND, CLONE_VM, ALWAYS, EINVAL },
	{ VPROCNS_RULE_VM_NEEDS_THREAD_OR_VFORK,
	  CLONE_VM, CLONE_THREAD | CLONE_VFORK, ALWAYS, EOPNOTSUPP },
	{ VPROCNS_RULE_CLEAR_SIGHAND_WITH_SIGHAND,
	  CLONE_SIGHAND | CLONE_CLEAR_SIGHAND, 0, ALWAYS, EINVAL },
	{ VPROCNS_RULE_UNSUPPORTED_FLAG, 0, 0, BEYOND_ALLOWED, EOPNOTSUPP },
};

/* Linux judges its own flags after us; only what a group adds is here. */
static const struct rule linux_rules[] = {
	{ VPROCNS_RULE_THREADS_ONLY,
	  0, CLONE_THREAD, THREADS_ONLY_GROUP, EOPNOTSUPP },
	{ VPROCNS_RULE_UNSUPPORTED_FLAG, 0, 0, BEYOND_ALLOWED, EOPNOTSUPP },
};

/* Sandboxes and runtimes expect EPERM where a namespace is not to be had. */
static const struct rule container_rules[] = {
	{ VPROCNS_RULE_THREADS_ONLY,
	  0, CLONE_THREAD, THREADS_ONLY_GROUP, EOPNOTSUPP },
	{ VPROCNS_RULE_NAMESPACE, 0, 0, NAMESPACE_DENIED, EPERM },
	{ VPROCNS_RULE_UNSUPPORTED_FLAG, 0, 0, BEYOND_ALLOWED, EOPNOTSUPP },
};

static const struct profile {
	const struct rule *rules;
	size_t nr_rules;
	__u64 allowed;
	__u32 vfork;
	__u32 caps;
	bool guards_namespaces;
} profiles[] = {
	[VPROCNS_PROFILE_SHADOW] = {
		shadow_rules, ARRAY_SIZE(shadow_rules), SHADOW_ALLOWED,
		VPROCNS_VFORK_REAL, VPROCNS_CAPS_EMPTY,
	},
	[VPROCNS_PROFILE_SHADOW_STRICT] = {
		shadow_rules, ARRAY_SIZE(shadow_rules), SHADOW_ALLOWED,
		VPROCNS_VFORK_FORK, VPROCNS_CAPS_EMPTY_V3,
	},
	[VPROCNS_PROFILE_LINUX] = {
		linux_rules, ARRAY_SIZE(linux_rules), ~NEVER_ALLOWED,
		VPROCNS_VFORK_REAL, VPROCNS_CAPS_HOST,
	},
	[VPROCNS_PROFILE_CONTAINER] = {
		container_rules, ARRAY_SIZE(container_rules), ~NEVER_ALLOWED,
		VPROCNS_VFORK_REAL, VPROCNS_CAPS_HOST, true,
	},
};

static const char *const rule_names[VPROCNS_RULE_NR] = {
	[VPROCNS_RULE_UNKNOWN_FLAG]		= "unknown-flag",
	[VPROCNS_RULE_EXIT_SIGNAL_RANGE]	= "exit-signal-range",
	[VPROCNS_RULE_THREAD_NEEDS_SIGHAND]	= "thread-needs-sighand",
	[VPROCNS_RULE_THREAD_NEEDS_SETTLS]	= "thread-needs-settls",
	[VPROCNS_RULE_THREAD_EXIT_SIGNAL]	= "thread-exit-signal",
	[VPROCNS_RULE_THREADS_ONLY]		= "threads-only",
	[VPROCNS_RULE_SIGHAND_NEEDS_VM]		= "sighand-needs-vm",
	[VPROCNS_RULE_VM_NEEDS_THREAD_OR_VFORK]	= "vm-needs-thread-or-vfork",
	[VPROCNS_RULE_CLEAR_SIGHAND_WITH_SIGHAND] = "clear-sighand-with-sighand",
	[VPROCNS_RULE_UNSUPPORTED_FLAG]		= "unsupported-flag",
	[VPROCNS_RULE_UNSHARE]			= "unshare",
	[VPROCNS_RULE_SETNS]			= "setns",
	[VPROCNS_RULE_SET_TID]			= "set-tid",
	[VPROCNS_RULE_EXHAUSTED]		= "exhausted",
	[VPROCNS_RULE_NAMESPACE]		= "namespace",
};

/**
 * vprocns_policy_rule_name - what a rule is called
 * @rule: enum vprocns_rule
 *
 * Return: a static string, or NULL for a number that is no rule.
 */
const char *vprocns_policy_rule_name(unsigned int rule)
{
	return rule < VPROCNS_RULE_NR ? rule_names[rule] : NULL;
}

/**
 * vprocns_policy_init - resolves a profile and what overrides it
 * @policy: to fill
 * @create: the request; its flags, profile, allowed, vfork and caps are read
 *
 * Return: 0, or -EINVAL for an unknown value, an unknown flag bit, @allowed
 * without VPROCNS_CREATE_ALLOWED or with a PID or user namespace.
 */
int vprocns_policy_init(struct vprocns_policy *policy,
			const struct vprocns_create *create)
{
	const struct profile *profile;

	if (create->flags &
	    ~(VPROCNS_CREATE_THREADS_ONLY | VPROCNS_CREATE_ALLOWED))
		return -EINVAL;
	if (create->profile >= ARRAY_SIZE(profiles) ||
	    create->vfork > VPROCNS_VFORK_FORK ||
	    create->caps > VPROCNS_CAPS_EMPTY_V3)
		return -EINVAL;
	if (create->flags & VPROCNS_CREATE_ALLOWED ?
	    create->allowed & NEVER_ALLOWED : create->allowed)
		return -EINVAL;

	profile = &profiles[create->profile];
	policy->profile = create->profile;
	policy->allowed = create->flags & VPROCNS_CREATE_ALLOWED ?
			  create->allowed : profile->allowed;
	policy->vfork = create->vfork ? create->vfork : profile->vfork;
	policy->caps = create->caps ? create->caps : profile->caps;
	policy->threads_only = create->flags & VPROCNS_CREATE_THREADS_ONLY;
	policy->admin = false;
	return 0;
}

/**
 * vprocns_policy_asks_admin - whether a verdict depends on the caller's privilege
 * @policy: the group's
 * @flags: clone flags, or those of unshare(2) or setns(2)
 *
 * Return: true when &vprocns_policy.admin has to be filled in for the caller.
 */
bool vprocns_policy_asks_admin(const struct vprocns_policy *policy, __u64 flags)
{
	return profiles[policy->profile].guards_namespaces &&
	       flags & (ALL_NAMESPACES | EMPTY_MNTNS_AS_UNSHARED);
}

/* Namespaces among @flags that the caller may not have. */
static bool namespace_denied(const struct vprocns_policy *policy, __u64 flags)
{
	flags &= ALL_NAMESPACES;
	return flags && (!policy->admin || flags & ~policy->allowed);
}

/* What unshare(2) and setns(2) answer; the order is that of the rules. */
static int judge_namespaces(const struct vprocns_policy *policy, __u64 flags)
{
	if (profiles[policy->profile].guards_namespaces &&
	    namespace_denied(policy, flags))
		return -EPERM;
	return flags & ~policy->allowed ? -EOPNOTSUPP : 0;
}

static bool rule_refuses(const struct rule *rule,
			 const struct vprocns_policy *policy,
			 __u64 flags, int exit_signal)
{
	if ((flags & rule->has) != rule->has || (flags & rule->lacks))
		return false;

	switch (rule->when) {
	case ALWAYS:
		return true;
	case BEYOND_KNOWN:
		return flags & ~SHADOW_KNOWN;
	case BEYOND_ALLOWED:
		return flags & ~policy->allowed;
	case SIGNAL_SET:
		return exit_signal != 0;
	case SIGNAL_BAD:
		return exit_signal < 0 || exit_signal > 64;
	case THREADS_ONLY_GROUP:
		return policy->threads_only;
	case NAMESPACE_DENIED:
		return namespace_denied(policy, flags);
	}
	return true;
}

/* Those of @flags for which @rule, which does, refuses. */
static __u64 flags_at_fault(const struct rule *rule,
			    const struct vprocns_policy *policy, __u64 flags)
{
	switch (rule->when) {
	case BEYOND_KNOWN:
		return flags & ~SHADOW_KNOWN;
	case BEYOND_ALLOWED:
		return flags & ~policy->allowed;
	case NAMESPACE_DENIED:
		return flags & ALL_NAMESPACES;
	default:
		return rule->has;
	}
}

static __u64 flags_to_run(const struct vprocns_policy *policy, __u64 flags)
{
	if (policy->vfork != VPROCNS_VFORK_FORK || !(flags & CLONE_VFORK))
		return flags;
	/* A thread shares its memory whatever becomes of the wait. */
	if (!(flags & CLONE_THREAD))
		flags &= ~(__u64)(CLONE_VM | CLONE_SIGHAND);
	return flags & ~(__u64)CLONE_VFORK;
}

/**
 * vprocns_policy_clone - judges one clone, clone3, fork or vfork
 * @policy: the group's
 * @flags: clone flags without the exit signal
 * @exit_signal: what the parent gets when the child ends
 *
 * Context: any; allocates and locks nothing.
 * Return: the verdict of the first rule that refuses, or the flags to run with.
 */
struct vprocns_verdict vprocns_policy_clone(const struct vprocns_policy *policy,
					    __u64 flags, int exit_signal)
{
	const struct profile *profile = &profiles[policy->profile];
	size_t i;

	for (i = 0; i < profile->nr_rules; i++) {
		const struct rule *rule = &profile->rules[i];

		if (rule_refuses(rule, policy, flags, exit_signal))
			return (struct vprocns_verdict) {
				.rule = rule->id, .err = rule->err,
				.at_fault = flags_at_fault(rule, policy, flags),
			};
	}
	return (struct vprocns_verdict) {
		.flags = flags_to_run(policy, flags),
	};
}

/**
 * vprocns_policy_unshare - judges the flags of unshare(2)
 * @policy: the group's
 * @flags: as the program gave them
 *
 * Only namespaces are judged. Bits that are unknown here are EINVAL, which is
 * also what a kernel says that does not know them.
 *
 * Return: 0 or a negative errno.
 */
int vprocns_policy_unshare(const struct vprocns_policy *policy, __u64 flags)
{
	if (flags & EMPTY_MNTNS_AS_UNSHARED)
		flags = (flags & ~EMPTY_MNTNS_AS_UNSHARED) |
			CLONE_NEWNS | NEW_EMPTY_MNTNS;
	flags &= ~(__u64)UNSHARE_OWN;
	if (flags & ~ALL_NAMESPACES)
		return -EINVAL;
	return judge_namespaces(policy, flags);
}

/**
 * vprocns_policy_setns - judges the namespaces that a setns(2) would enter
 * @policy: the group's
 * @flags: CLONE_NEW* of those namespaces
 *
 * Return: 0 or a negative errno.
 */
int vprocns_policy_setns(const struct vprocns_policy *policy, __u64 flags)
{
	return judge_namespaces(policy, flags);
}
