/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_JOINER_H
#define _VPROCNS_JOINER_H

#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "vprocns.h"

struct pid;
struct task_struct;

/**
 * struct vprocns_joiner - a process that joins from outside, or is to join
 * @list: in the list of those that wait, or of unused ones
 * @node: in the table by @process once that is known
 * @asker: the task that clones it, with a reference
 * @process: its struct pid, with a reference; NULL while it waits
 * @slot: the slot, or %VPROCNS_NO_SLOT
 * @starting: it is there and has not executed a program yet
 */
struct vprocns_joiner {
	struct list_head list;
	struct hlist_node node;
	struct pid *asker;
	struct pid *process;
	u32 slot;
	bool starting;
};

#define VPROCNS_NO_SLOT	U32_MAX

/**
 * struct vprocns_joiners - those of one PID namespace that have to be told apart
 * @lock: protects all but @at_exec. Raw: the probes may run with preemption off.
 *	No other lock is taken under it.
 * @at_exec: each begins at its first exec; fixed by the bind
 * @slots: by slot; NULL until the first is asked for
 * @waiting: those whose clone has no struct pid yet
 * @alive: the others, by process
 * @unused: to be freed when somebody may sleep
 * @nr: how many there are but for @unused, at most %VPROCNS_SLOTS
 * @nr_starting: how many have not executed a program yet
 */
struct vprocns_joiners {
	raw_spinlock_t lock;
	bool at_exec;
	struct vprocns_joiner **slots;
	struct list_head waiting;
	DECLARE_HASHTABLE(alive, 6);
	struct list_head unused;
	u32 nr;
	u32 nr_starting;
};

void vprocns_joiners_init(struct vprocns_joiners *joiners);
void vprocns_joiners_exit(struct vprocns_joiners *joiners);

int vprocns_joiners_ask(struct vprocns_joiners *joiners, u32 slot);
struct vprocns_joiner *vprocns_joiners_begin(struct vprocns_joiners *joiners);
void vprocns_joiners_placed(struct vprocns_joiners *joiners,
			    struct vprocns_joiner *joiner, struct pid *pid);
void vprocns_joiners_failed(struct vprocns_joiners *joiners,
			    struct vprocns_joiner *joiner);
void vprocns_joiners_exec(struct vprocns_joiners *joiners,
			  struct task_struct *task);
void vprocns_joiners_remove(struct vprocns_joiners *joiners,
			    struct task_struct *task);
bool vprocns_joiners_find_starting(struct vprocns_joiners *joiners,
				   struct task_struct *task);

/* Whether some process that has joined begins at an exec that is still to come. */
static inline bool vprocns_joiners_any_starting(const struct vprocns_joiners *joiners)
{
	return unlikely(READ_ONCE(joiners->nr_starting));
}

/*
 * Whether @task, a member or a thread of its, has joined and not executed yet: its
 * process begins at an exec that is still to come. Context: any in which @task stays;
 * takes @joiners' lock.
 */
static inline bool vprocns_joiners_is_starting(struct vprocns_joiners *joiners,
					       struct task_struct *task)
{
	return vprocns_joiners_any_starting(joiners) &&
	       vprocns_joiners_find_starting(joiners, task);
}

/*
 * The last thread of @task's process exits. Context: the task's own; takes @joiners'
 * lock.
 */
static inline void vprocns_joiners_end(struct vprocns_joiners *joiners,
				       struct task_struct *task)
{
	if (unlikely(READ_ONCE(joiners->nr)))
		vprocns_joiners_remove(joiners, task);
}

#endif
