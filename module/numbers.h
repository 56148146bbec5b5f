/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_NUMBERS_H
#define _VPROCNS_NUMBERS_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "record.h"
#include "sequence.h"

struct pid;

/**
 * struct vprocns_number - the number of one clone under way
 * @place: its place in the sequence, sequential or of a task that joins; or 0
 * @record: by lineage, of a task that joins: its record, until the commit
 * @pid: the key of @record when that is in the table, with a reference; or NULL
 */
struct vprocns_number {
	u32 place;
	struct vprocns_record *record;
	struct pid *pid;
};

/**
 * struct vprocns_numbers - the numbers of one PID namespace
 * @lock: protects what is neither fixed nor atomic. Raw, because the probes may run
 *	with preemption off. No other lock is taken under it.
 * @first: first number of the range; fixed
 * @last: last number of the range; fixed
 * @seed: what lineages mix in; fixed
 * @by_lineage: numbers follow from lineages, not from a sequence; fixed
 * @cursor: bit 0: a clone uses the cursor of the namespace's own search; see pid.c
 * @outside_start: where the numbers of tasks that join from outside start, by
 *	lineage; fixed
 * @slot_start: where those of tasks that join by a slot start, by lineage; fixed
 * @sequence: sequential: the next numbers. By lineage: counts the tasks that join
 *	from outside.
 * @records: by lineage: the records of the live tasks
 * @collisions: see struct vprocns_stats
 */
struct vprocns_numbers {
	raw_spinlock_t lock;
	u32 first;
	u32 last;
	u64 seed;
	bool by_lineage;
	unsigned long cursor;
	u32 outside_start;
	u32 slot_start;

	struct vprocns_sequence sequence;
	struct vprocns_records records;
	u64 collisions;
};

int vprocns_numbers_init(struct vprocns_numbers *n);
void vprocns_numbers_exit(struct vprocns_numbers *n);

u32 vprocns_numbers_retake(struct vprocns_numbers *n);
void vprocns_numbers_pass(struct vprocns_numbers *n, u32 from, u32 to);
u32 vprocns_numbers_of_child(struct vprocns_numbers *n);
u32 vprocns_numbers_of_joiner(struct vprocns_numbers *n,
			      struct vprocns_number *number, u32 slot);
void vprocns_numbers_hold(struct vprocns_numbers *n, struct vprocns_number *number,
			  struct pid *pid);
void vprocns_numbers_give_back(struct vprocns_numbers *n,
			       struct vprocns_number *number);

void vprocns_numbers_commit(struct vprocns_numbers *n,
			    struct task_struct *parent,
			    struct task_struct *child, bool joined);
void vprocns_numbers_exec(struct vprocns_numbers *n,
			  const struct task_struct *task);
void vprocns_numbers_end(struct vprocns_numbers *n,
			 const struct task_struct *task);
bool vprocns_numbers_describe(struct vprocns_numbers *n,
			      const struct task_struct *task,
			      struct vprocns_origin *origin, u64 *lineage);
u32 vprocns_numbers_next(struct vprocns_numbers *n);
u64 vprocns_numbers_collisions(struct vprocns_numbers *n);

/* Takes the next new place in the sequence; 0 while some wait that came back. */
static inline u32 vprocns_numbers_take(struct vprocns_numbers *n)
{
	u32 place = 0;

	raw_spin_lock(&n->lock);
	if (likely(!n->sequence.oldest))
		place = vprocns_sequence_take(&n->sequence);
	raw_spin_unlock(&n->lock);
	return place;
}

/* How many numbers there are to give. */
static inline u32 vprocns_numbers_span(const struct vprocns_numbers *n)
{
	return n->last - n->first + 1;
}

#endif
