// SPDX-License-Identifier: GPL-2.0
/*
 * What a group refused, rule by rule: counted when it happens, in the path of the
 * task that was refused, and logged later by a worker, once for each rule.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/ratelimit.h>
#include <linux/string.h>

#include "policy.h"
#include "refusal.h"

/* Lines of all groups: a user can make many. */
static DEFINE_RATELIMIT_STATE(log_rate, HZ, 10);

static const char *const calls[] = {
	[VPROCNS_CALL_CLONE]	= "clone",
	[VPROCNS_CALL_CLONE3]	= "clone3",
	[VPROCNS_CALL_FORK]	= "fork",
	[VPROCNS_CALL_VFORK]	= "vfork",
	[VPROCNS_CALL_UNSHARE]	= "unshare",
	[VPROCNS_CALL_SETNS]	= "setns",
	[VPROCNS_CALL_NUMBER]	= "clone",
};

/**
 * vprocns_refusal_init - sets up an empty table
 * @table: the table; zeroed
 */
void vprocns_refusal_init(struct vprocns_refusal_table *table)
{
	BUILD_BUG_ON(BITS_PER_TYPE(table->logged) < VPROCNS_RULE_NR);
	raw_spin_lock_init(&table->lock);
}

/**
 * vprocns_refusal_add - counts a refusal to the current task
 * @table: its group's table
 * @refusal: what was refused
 *
 * Context: process, preemption off or on; takes @table's lock.
 * Return: whether vprocns_refusal_log() has something to do that it had not before.
 */
bool vprocns_refusal_add(struct vprocns_refusal_table *table,
			 const struct vprocns_refusal *refusal)
{
	struct vprocns_refusal_count *const count =
		&table->counts[refusal->rule];
	const u32 bit = BIT(refusal->rule);
	bool wake = false;

	raw_spin_lock(&table->lock);
	count->count++;
	count->flags |= refusal->flags;
	count->last = *refusal;
	count->tid = task_pid_vnr(current);
	strscpy(count->comm, current->comm, sizeof(count->comm));
	if (!(table->logged & bit)) {
		wake = !table->unlogged;
		table->logged |= bit;
		table->unlogged |= bit;
	}
	raw_spin_unlock(&table->lock);
	return wake;
}

/**
 * vprocns_refusal_log - writes the lines that the kernel's log lacks
 * @table: a group's table
 * @id: the group's id
 * @name: its name, or empty
 *
 * Context: process; takes @table's lock.
 */
void vprocns_refusal_log(struct vprocns_refusal_table *table, u64 id,
			 const char *name)
{
	struct vprocns_refusal_count count;
	u32 unlogged;
	int rule;

	raw_spin_lock(&table->lock);
	unlogged = table->unlogged;
	table->unlogged = 0;
	raw_spin_unlock(&table->lock);

	for (rule = 0; rule < VPROCNS_RULE_NR; rule++) {
		if (!(unlogged & BIT(rule)))
			continue;
		count = vprocns_refusal_count_of(table, rule);
		if (!__ratelimit(&log_rate))
			continue;
		pr_notice("group %llu%s%s: %s by task %d (%*pE) refused with %pe by rule %s, flags %#llx; 'vprocns stat %llu' counts further ones\n",
			  id, *name ? " " : "", name, calls[count.last.call],
			  count.tid, (int)strlen(count.comm), count.comm,
			  ERR_PTR(-count.last.err),
			  vprocns_policy_rule_name(rule), count.last.flags, id);
	}
}

/**
 * vprocns_refusal_count_of - what a rule refused
 * @table: a group's table
 * @rule: enum vprocns_rule
 *
 * Context: process; takes @table's lock.
 * Return: a copy of what is kept.
 */
struct vprocns_refusal_count
vprocns_refusal_count_of(struct vprocns_refusal_table *table, int rule)
{
	struct vprocns_refusal_count count;

	raw_spin_lock(&table->lock);
	count = table->counts[rule];
	raw_spin_unlock(&table->lock);
	return count;
}
