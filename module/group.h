/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_GROUP_H
#define _VPROCNS_GROUP_H

#include <linux/atomic.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/kref.h>
#include <linux/pid_namespace.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "joiner.h"
#include "numbers.h"
#include "policy.h"
#include "refusal.h"
#include "ring.h"

/**
 * struct vprocns_setup - what a group is made from
 * @policy: what its programs may ask for
 * @flags: VPROCNS_CREATE_* bits, which @policy has already; for those who ask
 * @first: first number of the range
 * @last: last number of the range
 * @by_lineage: numbers follow from lineages
 * @seed: what lineages mix in
 * @name: the group's name, or empty
 */
struct vprocns_setup {
	struct vprocns_policy policy;
	u32 flags;
	u32 first;
	u32 last;
	bool by_lineage;
	u64 seed;
	char name[VPROCNS_NAME_LEN];
};

/**
 * struct vprocns_status - how a group stands
 * @state: enum vprocns_state
 * @ns_inum: inode number of the PID namespace, or 0
 * @init: TID of the namespace's init in the caller's PID namespace, or 0
 * @members: tasks of the group
 * @nested: tasks of PID namespaces below the group's
 */
struct vprocns_status {
	u32 state;
	u32 ns_inum;
	pid_t init;
	u32 members;
	u32 nested;
};

/**
 * struct vprocns_group - one group of tasks
 * @numbers: which TIDs come next, with a lock of its own
 * @made: tasks that programs made: processes, and threads of their makers' processes.
 *	Those whose clone is under way are among them once they have a number.
 * @joined: see struct vprocns_stats
 * @made_before: tasks made by processes that joined and had not begun yet
 * @kernel_threads: see struct vprocns_stats
 * @rewritten: see struct vprocns_stats
 * @refusals: what the rules refused
 * @rings: those that read the group's events
 * @policy: fixed when the group is made
 * @passed: the last allowed request, packed by pack_request(), without and with
 *	CLONE_THREAD; all bits if none. Spares judging it again.
 * @flags: VPROCNS_CREATE_* bits, which @policy has already; fixed
 * @name: or empty; fixed
 * @joiners: the processes from outside that have to be told apart
 * @self_bound: bound by its own init; fixed by the bind
 * @waits_for_exec: its rules begin when its init executes a program. Cleared by a
 *	release after @begun, read by an acquire where that is read, too.
 * @begun: when they began, in ns, as a task's start is
 * @has_process: a member of a threads-only group that its init binds has made its
 *	process, or is about to; init's main thread alone uses it
 * @has_probes: it needs the probes; fixed by the bind
 * @vfork_warned: the log says that vfork runs as fork
 * @node: in the table by namespace while the group is bound
 * @name_node: in the table by name, if it has one; under groups_lock
 * @ns: the namespace, with a reference; NULL until bound, then fixed.
 *	Published by a release store, read by an acquire load.
 * @id: fixed
 * @state: enum vprocns_state; under groups_lock
 * @refs: one for each descriptor, one while bound, short ones in targets
 * @creator: credential of the task that made it; fixed
 * @init: PID of @ns's init, with a reference; NULL until bound, then fixed
 * @init_wait: in @init's queue for its exit while bound
 * @end_work: ends the group when the init is gone
 * @refusal_work: logs what @refusals has to log; queued with a reference
 * @rcu: delays the free past RCU look-ups by namespace
 */
struct vprocns_group {
	struct vprocns_numbers numbers;
	atomic64_t made[2];
	atomic64_t joined;
	atomic64_t made_before;
	atomic64_t kernel_threads;
	atomic64_t rewritten;
	struct vprocns_refusal_table refusals;

	struct vprocns_rings rings;
	struct vprocns_policy policy;
	u64 passed[2];
	u32 flags;
	char name[VPROCNS_NAME_LEN];
	struct vprocns_joiners joiners;
	bool self_bound;
	bool waits_for_exec;
	u64 begun;
	bool has_process;
	bool has_probes;
	atomic_t vfork_warned;

	struct hlist_node node;
	struct hlist_node name_node;
	struct pid_namespace *ns;
	u64 id;
	u32 state;
	struct kref refs;
	const struct cred *creator;
	struct pid *init;
	wait_queue_entry_t init_wait;
	struct work_struct end_work;
	struct work_struct refusal_work;
	struct rcu_head rcu;
};

#define VPROCNS_NS_BITS 12

/*
 * The bound groups, by PID namespace. Each clone looks up several times, and in a chain
 * of a few that is cheapest. Changed under groups_lock, read under RCU.
 */
extern DECLARE_HASHTABLE(vprocns_groups_by_ns, VPROCNS_NS_BITS);

/* Whether a PID namespace may be a group's; if not, it was none in this moment. */
static __always_inline bool vprocns_group_may_be_of(const struct pid_namespace *ns)
{
	return !hlist_empty(&vprocns_groups_by_ns[hash_min((unsigned long)ns,
							   VPROCNS_NS_BITS)]);
}

/*
 * The group that a PID namespace is bound to, also one that waits for pid 1 to execute;
 * or NULL. Context: RCU read side or preemption off, which keeps the group; no lock.
 */
static __always_inline struct vprocns_group *
vprocns_group_bound_to(const struct pid_namespace *ns)
{
	struct vprocns_group *group;

	hash_for_each_possible_rcu(vprocns_groups_by_ns, group, node, (unsigned long)ns,
				   rcu_read_lock_any_held())
		if (group->ns == ns)
			return group;
	return NULL;
}

/* The same, but NULL for one that waits: it has no members yet. */
static __always_inline struct vprocns_group *
vprocns_group_of(const struct pid_namespace *ns)
{
	struct vprocns_group *const group = vprocns_group_bound_to(ns);

	return likely(group && !READ_ONCE(group->waits_for_exec)) ? group : NULL;
}

/*
 * The same, but NULL also if the caller joined it and begins at an exec that is still to
 * come. @ns is the caller's.
 */
static __always_inline struct vprocns_group *
vprocns_group_of_member(const struct pid_namespace *ns)
{
	struct vprocns_group *const group = vprocns_group_of(ns);

	return likely(group && !vprocns_joiners_is_starting(&group->joiners, current)) ?
	       group : NULL;
}

/* As enum vprocns_numbering has it. */
static inline u32 vprocns_group_numbering(const struct vprocns_group *group)
{
	return group->numbers.by_lineage ? VPROCNS_NUMBERING_LINEAGE :
					   VPROCNS_NUMBERING_SEQUENTIAL;
}

int vprocns_groups_init(void);
void vprocns_groups_exit(void);

struct vprocns_group *vprocns_group_create(const struct vprocns_setup *setup);
struct vprocns_group *vprocns_group_open(u64 id, const char *name);
u64 vprocns_group_next_id(u64 after);
int vprocns_group_bind(struct vprocns_group *group, struct pid *pid, bool self,
		       u32 flags);
void vprocns_group_start(const struct pid_namespace *ns);
int vprocns_group_kill(struct vprocns_group *group);
void vprocns_group_put(struct vprocns_group *group);
struct vprocns_status vprocns_group_status(struct vprocns_group *group);
u64 vprocns_group_exits(const struct vprocns_group *group);

void vprocns_group_refused(struct vprocns_group *group,
			   const struct vprocns_refusal *refusal);

struct vprocns_group *vprocns_group_get_of(const struct pid_namespace *ns);
struct vprocns_group *vprocns_group_of_current(void);
bool vprocns_group_takes_joiners(const struct vprocns_group *group);
bool vprocns_group_admin(const struct vprocns_group *group);

#endif
