/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_NUMBERS_H
#define _VPROCNS_NUMBERS_H

#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "record.h"
#include "sequence.h"

/**
 * struct vprocns_number - the number of one clone under way
 * @place: its place in the sequence, sequential or of a task that joins; or 0
 * @collided: by lineage: it is not the one that was wanted
 * @record: by lineage: its record, which a clone that fails takes back
 * @cloner: by lineage: the cloner's record; NULL for a task that joins
 */
struct vprocns_number {
	u32 place;
	bool collided;
	struct vprocns_record *record;
	struct vprocns_record *cloner;
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
 * @records: by lineage: what is known of each task
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
struct vprocns_record *vprocns_numbers_search_cloner(struct vprocns_numbers *n);
u32 vprocns_numbers_of_joiner(struct vprocns_numbers *n,
			      struct vprocns_number *number, u32 slot);
void vprocns_numbers_collide(struct vprocns_numbers *n, struct vprocns_number *number,
			     u32 nr);
void vprocns_numbers_keep_joiner(struct vprocns_numbers *n,
				 struct vprocns_number *number, u32 nr, u32 host_nr);
void vprocns_numbers_pass_by(struct vprocns_numbers *n, u32 host_nr);
void vprocns_numbers_give_back(struct vprocns_numbers *n,
			       struct vprocns_number *number);

void vprocns_numbers_exec(struct vprocns_numbers *n, const struct task_struct *task,
			  u32 old_nr);
void vprocns_numbers_end(struct vprocns_numbers *n, struct task_struct *task);
bool vprocns_numbers_end_known(struct vprocns_numbers *n, struct task_struct *task,
			       u64 *lineage);
const struct vprocns_record *vprocns_numbers_record(struct vprocns_numbers *n,
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

/*
 * By lineage: the caller's record; .wanted is the number that its clone is to have. NULL
 * without memory. Context: the member's own; may sleep.
 */
static __always_inline struct vprocns_record *
vprocns_numbers_cloner(struct vprocns_numbers *n)
{
	struct vprocns_record *const own =
		vprocns_record_latest(&n->records, current->pid);

	return likely(own && own->wanted) ? own : vprocns_numbers_search_cloner(n);
}

/*
 * By lineage: a clone has the number that it wanted, and its record from here on. @cloner:
 * from vprocns_numbers_cloner(). @host_nr: its number in the initial PID namespace.
 * @is_thread: it is a thread of the cloner's process. Returns 0 or -ENOMEM. Context: the
 * member's own; takes @n's lock; may sleep.
 */
static __always_inline int vprocns_numbers_keep(struct vprocns_numbers *n,
						struct vprocns_number *number,
						struct vprocns_record *cloner,
						u32 host_nr, bool is_thread)
{
	struct vprocns_records *const table = &n->records;
	const u32 nr = cloner->wanted;
	struct vprocns_record *record;
	struct vprocns_origin origin;
	bool untidy;

	raw_spin_lock(&n->lock);
	record = vprocns_record_take(table);
	if (unlikely(!record)) {
		raw_spin_unlock(&n->lock);
		record = vprocns_record_make();
		if (!record)
			return -ENOMEM;
		raw_spin_lock(&n->lock);
	}
	origin = (struct vprocns_origin) { cloner->lineage, ++cloner->children,
					   cloner->tid };
	vprocns_record_fill(record, nr, &origin, is_thread ? cloner->process : record);
	vprocns_record_insert(table, record, host_nr);
	/* The first process has a number of its own, from which the others don't follow. */
	cloner->wanted = unlikely(origin.ordinal == 1 || nr == n->last) ? 0 : nr + 1;
	untidy = vprocns_records_untidy(table);
	raw_spin_unlock(&n->lock);
	number->record = record;
	number->cloner = cloner;
	if (unlikely(untidy))
		vprocns_records_tidy(table, &n->lock);
	return 0;
}

/* How many numbers there are to give. */
static inline u32 vprocns_numbers_span(const struct vprocns_numbers *n)
{
	return n->last - n->first + 1;
}

#endif
