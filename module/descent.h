/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_DESCENT_H
#define _VPROCNS_DESCENT_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct task_struct;

/**
 * struct vprocns_birth - how a task came about
 * @cloner: lineage of who cloned it, or a VPROCNS_LINEAGE_* value
 * @order: as which of the cloner's clones: see vprocns_lineage_of()
 * @cloner_tid: TID of who cloned it, or 0
 */
struct vprocns_birth {
	u64 cloner;
	u64 order;
	u32 cloner_tid;
};

/**
 * struct vprocns_descent - what is known of one live task
 * @node: in the table, by @task, or in the stock
 * @task: whose record it is; it removes itself on exit
 * @birth: the task's own
 * @process: that of its process, which it takes over when it execs
 * @children: how many of its clones succeeded
 * @lineage: from @birth; only the task itself uses this copy
 * @start: where its children's numbers start; likewise
 * @execs: how often a thread has taken over the process by an exec
 * @known: @lineage and @start are filled in; likewise
 * @in_flight: a clone of its has begun and was not committed
 */
struct vprocns_descent {
	struct hlist_node node;
	const struct task_struct *task;
	struct vprocns_birth birth;
	struct vprocns_birth process;
	u64 children;
	u64 lineage;
	u32 start;
	u32 execs : 30;
	u32 known : 1;
	u32 in_flight : 1;
};

/**
 * struct vprocns_descents - a table of them, by task
 *
 * The owner's lock protects it and every record's node.
 *
 * @buckets: the table
 * @bits: there are 2^bits buckets
 * @old: the smaller table that is being emptied, or NULL
 * @old_left: how many buckets of @old are not moved yet
 * @nr: records in the table
 * @spare: records that no task has
 * @nr_spare: how many
 */
struct vprocns_descents {
	struct hlist_head *buckets;
	u32 bits;
	struct hlist_head *old;
	u32 old_left;
	u32 nr;
	struct hlist_head spare;
	u32 nr_spare;
};

int vprocns_descents_init(struct vprocns_descents *table);
void vprocns_descents_exit(struct vprocns_descents *table);

struct vprocns_descent *vprocns_descent_find(const struct vprocns_descents *table,
					     const struct task_struct *task);
void vprocns_descent_insert(struct vprocns_descents *table,
			    struct vprocns_descent *descent);
void vprocns_descent_remove(struct vprocns_descents *table,
			    struct vprocns_descent *descent);
struct vprocns_descent *vprocns_descent_take(struct vprocns_descents *table);

int vprocns_descents_stock(struct vprocns_descents *table, raw_spinlock_t *lock);
struct vprocns_descent *vprocns_descents_surplus(struct vprocns_descents *table,
						 u32 needed);
bool vprocns_descents_crowded(const struct vprocns_descents *table);
void vprocns_descents_tidy(struct vprocns_descents *table, raw_spinlock_t *lock);

#endif
