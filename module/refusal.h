/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_REFUSAL_H
#define _VPROCNS_REFUSAL_H

#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "vprocns.h"

/**
 * struct vprocns_refusal - one request of a program that was refused
 * @flags: the clone flags that it asked for; 0 where the call has none
 * @rule: enum vprocns_rule
 * @call: enum vprocns_call
 * @exit_signal: of a clone; else 0
 * @err: the positive errno that the program gets
 */
struct vprocns_refusal {
	u64 flags;
	int rule;
	int call;
	int exit_signal;
	int err;
};

/**
 * struct vprocns_refusal_count - what is kept of all requests that one rule refused
 * @count: how many
 * @flags: the flags of all of them
 * @last: the last one
 * @tid: TID in the group of the task that made the last one
 * @comm: that task's name
 */
struct vprocns_refusal_count {
	u64 count;
	u64 flags;
	struct vprocns_refusal last;
	pid_t tid;
	char comm[TASK_COMM_LEN];
};

/**
 * struct vprocns_refusal_table - what a group's rules refused
 * @lock: protects the rest. Raw: a refusal may come with preemption off. Innermost.
 * @logged: bit by rule: the kernel's log has its line, or will have it
 * @unlogged: bit by rule: those that are still to be logged
 * @counts: by rule
 */
struct vprocns_refusal_table {
	raw_spinlock_t lock;
	u32 logged;
	u32 unlogged;
	struct vprocns_refusal_count counts[VPROCNS_RULE_NR];
};

void vprocns_refusal_init(struct vprocns_refusal_table *table);
bool vprocns_refusal_add(struct vprocns_refusal_table *table,
			 const struct vprocns_refusal *refusal);
void vprocns_refusal_log(struct vprocns_refusal_table *table, u64 id,
			 const char *name);
struct vprocns_refusal_count
vprocns_refusal_count_of(struct vprocns_refusal_table *table, int rule);

#endif
