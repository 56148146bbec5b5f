// SPDX-License-Identifier: GPL-2.0
/*
 * The numbers of one PID namespace: sequential ones without holes (sequence.c), or
 * those that follow from each task's cloner and its ordinal among the cloner's clones
 * (lineage.c). What is known of each live task is kept by record.c.
 */
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "joiner.h"
#include "lineage.h"
#include "numbers.h"
#include "vprocns.h"

/**
 * vprocns_numbers_init - prepares the numbers of a group
 * @n: zeroed memory in which the range, the seed and .by_lineage are filled in
 *
 * Return: 0 or -ENOMEM.
 */
int vprocns_numbers_init(struct vprocns_numbers *n)
{
	raw_spin_lock_init(&n->lock);
	vprocns_sequence_init(&n->sequence, n->by_lineage ? 1 : n->first,
			      n->by_lineage ? U32_MAX : n->last);
	if (!n->by_lineage)
		return 0;
	n->outside_start = vprocns_lineage_start(n->seed, VPROCNS_LINEAGE_OUTSIDE,
						 vprocns_numbers_span(n));
	n->slot_start = vprocns_lineage_start(n->seed, VPROCNS_LINEAGE_SLOT,
					      vprocns_numbers_span(n));
	return vprocns_records_init(&n->records);
}

/**
 * vprocns_numbers_exit - frees what that took
 * @n: the numbers, which nobody uses any more
 */
void vprocns_numbers_exit(struct vprocns_numbers *n)
{
	struct vprocns_place *place;

	vprocns_records_exit(&n->records);
	while ((place = vprocns_sequence_reuse(&n->sequence)))
		kfree(place);
}

/**
 * vprocns_numbers_pass - a clone has got a later number than its place
 * @n: the numbers, sequential
 * @from: its place
 * @to: its number, round the range; the numbers before are in use
 *
 * Context: any; takes @n's lock.
 */
void vprocns_numbers_pass(struct vprocns_numbers *n, u32 from, u32 to)
{
	raw_spin_lock(&n->lock);
	vprocns_sequence_pass(&n->sequence, from, to);
	raw_spin_unlock(&n->lock);
}

/**
 * vprocns_numbers_retake - takes the oldest place that came back
 * @n: the numbers
 *
 * Context: process; takes @n's lock.
 * Return: the place; 0 when there is none any more.
 */
u32 vprocns_numbers_retake(struct vprocns_numbers *n)
{
	struct vprocns_place *returned;
	u32 place = 0;

	raw_spin_lock(&n->lock);
	returned = vprocns_sequence_reuse(&n->sequence);
	raw_spin_unlock(&n->lock);
	if (returned)
		place = returned->place;
	kfree(returned);
	return place;
}

static void give_place_back(struct vprocns_numbers *n, u32 place)
{
	struct vprocns_place *returned;
	bool done;

	raw_spin_lock(&n->lock);
	done = vprocns_sequence_untake(&n->sequence, place);
	raw_spin_unlock(&n->lock);
	if (done)
		return;
	/* A place may not get lost. There are no more of these than cloners at once. */
	returned = kmalloc(sizeof(*returned), GFP_KERNEL | __GFP_NOFAIL);
	returned->place = place;
	raw_spin_lock(&n->lock);
	vprocns_sequence_give_back(&n->sequence, returned);
	raw_spin_unlock(&n->lock);
}

/**
 * vprocns_numbers_give_back - a clone failed: all that it took may be had again
 * @n: the numbers
 * @number: what it took
 *
 * Context: process; takes @n's lock; may sleep.
 */
void vprocns_numbers_give_back(struct vprocns_numbers *n,
			       struct vprocns_number *number)
{
	if (number->record) {
		raw_spin_lock(&n->lock);
		if (number->pid)
			vprocns_record_remove(&n->records, number->record);
		else
			vprocns_record_put(&n->records, number->record);
		raw_spin_unlock(&n->lock);
		put_pid(number->pid);
	}
	if (number->place)
		give_place_back(n, number->place);
}

/**
 * vprocns_numbers_hold - a clone has a struct pid now
 * @n: the numbers
 * @number: what it took
 * @pid: its struct pid
 *
 * Context: process; takes @n's lock for a task that joins by lineage.
 */
void vprocns_numbers_hold(struct vprocns_numbers *n, struct vprocns_number *number,
			  struct pid *pid)
{
	const u32 nr = pid->numbers[pid->level].nr;

	if (!n->by_lineage && unlikely(nr != number->place)) {
		vprocns_numbers_pass(n, number->place, nr);
		/* This is what comes back if the clone fails. */
		number->place = nr;
	}
	if (!number->record)
		return;
	/*
	 * The commit finds it by the pid: the task isn't known yet. With a reference, so
	 * that no other pid has the address as long as the record has this key.
	 */
	number->pid = get_pid(pid);
	number->record->key = pid;
	raw_spin_lock(&n->lock);
	vprocns_record_insert(&n->records, number->record);
	raw_spin_unlock(&n->lock);
}

static struct vprocns_origin origin_before(pid_t tid)
{
	return (struct vprocns_origin) { VPROCNS_LINEAGE_BEFORE, tid };
}

/* Field by field: clearing all of it first would cost more than the rest. */
static void fill_in(struct vprocns_record *record, const void *key,
		    const struct vprocns_origin *origin,
		    const struct vprocns_origin *process, u32 execs)
{
	record->key = key;
	record->origin = *origin;
	record->process = *process;
	record->children = 0;
	record->child = NULL;
	record->execs = execs;
	record->known = false;
	record->started = false;
}

/* A task that was there before the bind has its record from its first clone on. */
static noinline struct vprocns_record *adopt(struct vprocns_numbers *n)
{
	struct vprocns_record *const own = vprocns_record_take(&n->records);
	const struct vprocns_origin origin = origin_before(task_pid_vnr(current));
	const struct vprocns_origin process = origin_before(task_tgid_vnr(current));

	if (own) {
		fill_in(own, current, &origin, &process, 0);
		vprocns_record_insert(&n->records, own);
	}
	return own;
}

/* Under the lock. The cloner's record, or NULL when it or its child lacks one. */
static struct vprocns_record *find_cloner(struct vprocns_numbers *n)
{
	struct vprocns_record *own = vprocns_record_find(&n->records, current);

	if (unlikely(!own))
		own = adopt(n);
	if (likely(own && !own->child))
		own->child = vprocns_record_take(&n->records);
	return likely(own && own->child) ? own : NULL;
}

/*
 * Sees to it that the cloner has a record for its child, since the commit can't
 * allocate, and returns the cloner's own; or NULL without memory.
 */
static struct vprocns_record *prepare(struct vprocns_numbers *n)
{
	struct vprocns_records *const table = &n->records;
	struct vprocns_record *own;
	bool untidy;

	for (;;) {
		raw_spin_lock(&n->lock);
		own = find_cloner(n);
		untidy = vprocns_records_untidy(table);
		raw_spin_unlock(&n->lock);
		if (likely(own))
			break;
		if (vprocns_records_stock(table, &n->lock))
			return NULL;
	}
	if (unlikely(untidy))
		vprocns_records_tidy(table, &n->lock);
	return own;
}

/* The record of a task that joins; or NULL without memory. */
static struct vprocns_record *prepare_joiner(struct vprocns_numbers *n)
{
	struct vprocns_record *record;
	bool untidy;

	raw_spin_lock(&n->lock);
	record = vprocns_record_take(&n->records);
	untidy = vprocns_records_untidy(&n->records);
	raw_spin_unlock(&n->lock);
	if (untidy)
		vprocns_records_tidy(&n->records, &n->lock);
	return record ?: kmalloc(sizeof(*record), GFP_KERNEL_ACCOUNT);
}

static u32 number_of(const struct vprocns_numbers *n,
		     const struct vprocns_origin *origin, u32 start)
{
	return vprocns_lineage_number(origin->cloner_lineage, start,
				      origin->ordinal, n->first,
				      vprocns_numbers_span(n));
}

/* Under the lock. A hash, which only the first that asks works out. */
static u64 lineage_of(const struct vprocns_numbers *n, struct vprocns_record *record)
{
	if (!record->known)
		record->lineage = vprocns_lineage_of(n->seed,
						     record->origin.cloner_lineage,
						     record->origin.ordinal);
	record->known = true;
	return record->lineage;
}

/* Most tasks never clone, so the first clone works it out. */
static noinline void work_out_start(struct vprocns_numbers *n,
				    struct vprocns_record *own)
{
	raw_spin_lock(&n->lock);
	own->start = vprocns_lineage_start(n->seed, lineage_of(n, own),
					   vprocns_numbers_span(n));
	own->started = true;
	raw_spin_unlock(&n->lock);
}

/**
 * vprocns_numbers_of_child - by lineage: the number for a clone of the caller
 * @n: the numbers
 *
 * Context: the member's own; may sleep.
 * Return: the number that the child is to have; 0 without memory.
 */
u32 vprocns_numbers_of_child(struct vprocns_numbers *n)
{
	struct vprocns_record *const own = prepare(n);

	if (unlikely(!own))
		return 0;
	if (unlikely(!own->started))
		work_out_start(n, own);
	own->wanted = vprocns_lineage_number(own->lineage, own->start,
					     own->children + 1, n->first,
					     vprocns_numbers_span(n));
	return own->wanted;
}

static u32 number_of_joiner(const struct vprocns_numbers *n,
			    const struct vprocns_origin *origin)
{
	return number_of(n, origin,
			 origin->cloner_lineage == VPROCNS_LINEAGE_SLOT ?
			 n->slot_start : n->outside_start);
}

/**
 * vprocns_numbers_of_joiner - by lineage: the number for a task from outside
 * @n: the numbers
 * @number: .place: as which task from outside, unless it has a slot; out: .record
 * @slot: its slot, or %VPROCNS_NO_SLOT
 *
 * Context: process; may sleep.
 * Return: the number that it is to have; 0 without memory.
 */
u32 vprocns_numbers_of_joiner(struct vprocns_numbers *n,
			      struct vprocns_number *number, u32 slot)
{
	struct vprocns_record *const record = prepare_joiner(n);
	struct vprocns_origin origin = { VPROCNS_LINEAGE_OUTSIDE, number->place };

	if (!record)
		return 0;
	if (slot != VPROCNS_NO_SLOT)
		origin = (struct vprocns_origin) { VPROCNS_LINEAGE_SLOT,
						   (u64)slot + 1 };
	fill_in(record, NULL, &origin, &origin, 0);
	number->record = record;
	return number_of_joiner(n, &origin);
}

static u32 tid_of(struct task_struct *task)
{
	const struct pid *const pid = task_pid(task);

	return pid->numbers[pid->level].nr;
}

static void commit_joiner(struct vprocns_numbers *n, struct task_struct *child)
{
	struct vprocns_records *const table = &n->records;
	struct vprocns_record *const record =
		vprocns_record_find(table, task_pid(child));

	/* It had its number before the bind. */
	if (!record)
		return;
	vprocns_record_rename(table, record, child);
	/* The child has one, so that this is not the last. */
	put_pid(task_pid(child));
	n->collisions += tid_of(child) != number_of_joiner(n, &record->origin);
}

static void commit_member(struct vprocns_numbers *n, struct task_struct *parent,
			  struct task_struct *child)
{
	struct vprocns_record *const own = vprocns_record_find(&n->records, parent);
	struct vprocns_origin origin;
	struct vprocns_record *record;

	/* Without one for a child, the clone had its number before the bind. */
	if (unlikely(!own || !own->child))
		return;
	record = own->child;
	own->child = NULL;
	origin = (struct vprocns_origin) { own->lineage, ++own->children,
					   tid_of(parent) };
	if (thread_group_leader(child))
		fill_in(record, child, &origin, &origin, 0);
	else
		fill_in(record, child, &origin, &own->process, own->execs);
	vprocns_record_insert(&n->records, record);
	n->collisions += tid_of(child) != own->wanted;
}

/**
 * vprocns_numbers_commit - by lineage: a task has its record from here on
 * @n: the numbers
 * @parent: the task that cloned
 * @child: the new task, which has not run yet
 * @joined: @parent is no member
 *
 * Context: any; takes @n's lock.
 */
void vprocns_numbers_commit(struct vprocns_numbers *n,
			    struct task_struct *parent,
			    struct task_struct *child, bool joined)
{
	raw_spin_lock(&n->lock);
	if (unlikely(joined))
		commit_joiner(n, child);
	else
		commit_member(n, parent, child);
	raw_spin_unlock(&n->lock);
}

/**
 * vprocns_numbers_exec - a thread took over its process by executing a program
 * @n: the numbers, by lineage
 * @task: the thread, which has the leader's number by now
 *
 * From here on the thread is the process. How many clones the old leader had made
 * by then was a race, so the thread's clones are counted from a place of their own.
 *
 * Context: the task's own; takes @n's lock.
 */
void vprocns_numbers_exec(struct vprocns_numbers *n,
			  const struct task_struct *task)
{
	struct vprocns_record *own;

	raw_spin_lock(&n->lock);
	own = vprocns_record_find(&n->records, task);
	if (own) {
		own->origin = own->process;
		own->execs++;
		own->children = (u64)own->execs << 32;
		own->known = false;
		own->started = false;
	}
	raw_spin_unlock(&n->lock);
}

/**
 * vprocns_numbers_end - a member exits, and clones no more
 * @n: the numbers, by lineage
 * @task: the member
 *
 * Context: the task's own; takes @n's lock.
 */
void vprocns_numbers_end(struct vprocns_numbers *n,
			 const struct task_struct *task)
{
	struct vprocns_record *own;

	raw_spin_lock(&n->lock);
	own = vprocns_record_find(&n->records, task);
	if (own)
		vprocns_record_remove(&n->records, own);
	raw_spin_unlock(&n->lock);
}

/**
 * vprocns_numbers_describe - how a member came about
 * @n: the numbers
 * @task: the member
 * @origin: out, where it is known
 * @lineage: out, where it is known: its lineage
 *
 * Context: RCU read side, which keeps @task; takes @n's lock.
 * Return: whether it is known; never without lineage numbering.
 */
bool vprocns_numbers_describe(struct vprocns_numbers *n,
			      const struct task_struct *task,
			      struct vprocns_origin *origin, u64 *lineage)
{
	struct vprocns_record *record;

	if (!n->by_lineage)
		return false;
	raw_spin_lock(&n->lock);
	record = vprocns_record_find(&n->records, task);
	if (record) {
		*origin = record->origin;
		*lineage = lineage_of(n, record);
	}
	raw_spin_unlock(&n->lock);
	return record;
}

/**
 * vprocns_numbers_next - where the search for the next number starts
 * @n: the numbers
 *
 * Context: any; takes @n's lock.
 * Return: the number; 0 by lineage, where it depends on the cloner.
 */
u32 vprocns_numbers_next(struct vprocns_numbers *n)
{
	u32 next;

	if (n->by_lineage)
		return 0;
	raw_spin_lock(&n->lock);
	next = n->sequence.next;
	raw_spin_unlock(&n->lock);
	return next;
}

/**
 * vprocns_numbers_collisions - how many lineages found their number in use
 * @n: the numbers
 *
 * Context: any; takes @n's lock.
 * Return: the count; see struct vprocns_stats.
 */
u64 vprocns_numbers_collisions(struct vprocns_numbers *n)
{
	u64 collisions;

	raw_spin_lock(&n->lock);
	collisions = n->collisions;
	raw_spin_unlock(&n->lock);
	return collisions;
}
