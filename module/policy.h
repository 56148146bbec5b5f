/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_POLICY_H
#define _VPROCNS_POLICY_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

#include "vprocns.h"

/**
 * struct vprocns_policy - what a group's programs may ask of clone
 * @allowed: clone flags that the last rule lets through
 * @profile: enum vprocns_profile: which table of rules is judged
 * @vfork: VPROCNS_VFORK_REAL or VPROCNS_VFORK_FORK
 * @caps: VPROCNS_CAPS_HOST, _EMPTY or _EMPTY_V3
 * @threads_only: refuse clones that make a process
 * @admin: false in the group's own; in a copy made to judge one caller: it has
 *	CAP_SYS_ADMIN over the user namespace that owns the group's PID namespace
 */
struct vprocns_policy {
	__u64 allowed;
	__u32 profile;
	__u32 vfork;
	__u32 caps;
	bool threads_only;
	bool admin;
};

/**
 * struct vprocns_verdict - the answer to one request
 * @rule: the enum vprocns_rule that refused it; undefined when @err is 0
 * @err: 0, or the positive errno
 * @flags: what the clone is to run with; 0 when refused
 * @at_fault: those of its flags that the rule refused it for; 0 when allowed, or
 *	when the rule is about a flag that is not there or about the exit signal
 */
struct vprocns_verdict {
	int rule;
	int err;
	__u64 flags;
	__u64 at_fault;
};

const char *vprocns_policy_rule_name(unsigned int rule);
int vprocns_policy_init(struct vprocns_policy *policy,
			const struct vprocns_create *create);
struct vprocns_verdict vprocns_policy_clone(const struct vprocns_policy *policy,
					    __u64 flags, int exit_signal);
bool vprocns_policy_asks_admin(const struct vprocns_policy *policy, __u64 flags);
int vprocns_policy_unshare(const struct vprocns_policy *policy, __u64 flags);
int vprocns_policy_setns(const struct vprocns_policy *policy, __u64 flags);

#endif
