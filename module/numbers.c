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
 * vprocns_numbers_take - takes a place in the sequence
 * @n: the numbers
 * @number: out: .place
 *
 * Context: process; takes @n's lock.
 * Return: true for a new place, false for one that came back from a failed clone.
 */
bool vprocns_numbers_take(struct vprocns_numbers *n, struct vprocns_number *number)
{
	struct vprocns_place *returned = NULL;

	raw_spin_lock(&n->lock);
	if (unlikely(n->sequence.oldest))
		returned = vprocns_sequence_reuse(&n->sequence);
	number->place = returned ? returned->place :
				   vprocns_sequence_take(&n->sequence);
	raw_spin_unlock(&n->lock);
	if (likely(!returned))
		return true;
	kfree(returned);
	return false;
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

/* A task that was there before the bind has its record from its first clone on. */
static struct vprocns_record *adopt(struct vprocns_numbers *n)
{
	struct vprocns_records *const table = &n->records;
	struct vprocns_record *own;

	/* The others are for clones in flight. */
	if (table->nr_spare <= n->in_flight)
		return NULL;
	own = vprocns_record_take(table);
	*own = (struct vprocns_record) {
		.key	 = current,
		.origin	 = { VPROCNS_LINEAGE_BEFORE, task_pid_vnr(current) },
		.process = { VPROCNS_LINEAGE_BEFORE, task_tgid_vnr(current) },
	};
	vprocns_record_insert(table, own);
	return own;
}

/* Under the lock. The cloner's record, or NULL when there is none spare for it. */
static struct vprocns_record *mark_in_flight(struct vprocns_numbers *n)
{
	struct vprocns_record *own = vprocns_record_find(&n->records, current);

	if (!own)
		own = adopt(n);
	if (own && !own->in_flight) {
		own->in_flight = true;
		n->in_flight++;
	}
	return own;
}

/*
 * Sees to it that a spare record is there for each clone in flight, and returns the
 * cloner's record; for a cloner outside the group, the record of the task that
 * joins; or an ERR_PTR.
 */
static struct vprocns_record *prepare(struct vprocns_numbers *n, bool joins)
{
	struct vprocns_records *const table = &n->records;
	struct vprocns_record *own = NULL, *surplus = NULL;
	bool ready, crowded;
	u32 need;

	for (;;) {
		raw_spin_lock(&n->lock);
		if (!joins)
			own = mark_in_flight(n);
		need = n->in_flight;
		/* The others are for members' clones. */
		if (joins && table->nr_spare > need)
			own = vprocns_record_take(table);
		ready = own && table->nr_spare >= need;
		if (ready)
			surplus = vprocns_records_surplus(table, need);
		crowded = vprocns_records_crowded(table);
		raw_spin_unlock(&n->lock);
		if (ready)
			break;
		if (vprocns_records_stock(table, &n->lock))
			return ERR_PTR(-ENOMEM);
	}
	kfree(surplus);
	if (crowded)
		vprocns_records_tidy(table, &n->lock);
	return own;
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

/**
 * vprocns_numbers_of_child - by lineage: the number for a clone of the caller
 * @n: the numbers
 * @nr: out: the number that the child is to have
 *
 * Context: the member's own; may sleep.
 * Return: 0 or -ENOMEM.
 */
int vprocns_numbers_of_child(struct vprocns_numbers *n, u32 *nr)
{
	struct vprocns_record *const own = prepare(n, false);

	if (IS_ERR(own))
		return PTR_ERR(own);
	/* Most tasks never clone, so the first clone works it out. */
	if (unlikely(!own->started)) {
		raw_spin_lock(&n->lock);
		own->start = vprocns_lineage_start(n->seed, lineage_of(n, own),
						   vprocns_numbers_span(n));
		own->started = true;
		raw_spin_unlock(&n->lock);
	}
	own->wanted = vprocns_lineage_number(own->lineage, own->start,
					     own->children + 1, n->first,
					     vprocns_numbers_span(n));
	*nr = own->wanted;
	return 0;
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
 * @nr: out: the number that it is to have
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int vprocns_numbers_of_joiner(struct vprocns_numbers *n,
			      struct vprocns_number *number, u32 slot, u32 *nr)
{
	struct vprocns_record *const record = prepare(n, true);

	if (IS_ERR(record))
		return PTR_ERR(record);
	*record = (struct vprocns_record) {
		.origin = { VPROCNS_LINEAGE_OUTSIDE, number->place },
	};
	if (slot != VPROCNS_NO_SLOT)
		record->origin = (struct vprocns_origin) { VPROCNS_LINEAGE_SLOT,
							   (u64)slot + 1 };
	record->process = record->origin;
	number->record = record;
	*nr = number_of_joiner(n, &record->origin);
	return 0;
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

static void commit_by_lineage(struct vprocns_numbers *n,
			      struct task_struct *parent,
			      struct task_struct *child)
{
	struct vprocns_records *const table = &n->records;
	struct vprocns_record *const own = vprocns_record_find(table, parent);
	struct vprocns_record *record;

	/* It had its number before the bind. */
	if (!own || !own->in_flight)
		return;

	/* prepare() left one for each clone in flight. */
	record = vprocns_record_take(table);
	if (WARN_ON_ONCE(!record))
		return;
	*record = (struct vprocns_record) {
		.key	= child,
		.origin	= { own->lineage, ++own->children, tid_of(parent) },
	};
	if (thread_group_leader(child)) {
		record->process = record->origin;
	} else {
		record->process = own->process;
		record->execs = own->execs;
	}
	own->in_flight = false;
	n->in_flight--;
	vprocns_record_insert(table, record);
	n->collisions += tid_of(child) != own->wanted;
}

static void commit_record(struct vprocns_numbers *n, struct task_struct *parent,
			  struct task_struct *child, bool joined)
{
	raw_spin_lock(&n->lock);
	if (joined)
		commit_joiner(n, child);
	else
		commit_by_lineage(n, parent, child);
	raw_spin_unlock(&n->lock);
}

/**
 * vprocns_numbers_commit - a clone succeeded
 * @n: the numbers
 * @parent: the task that cloned
 * @child: the new task, which has not run yet
 * @joined: @parent is no member
 *
 * Context: any; by lineage takes @n's lock.
 */
void vprocns_numbers_commit(struct vprocns_numbers *n,
			    struct task_struct *parent,
			      struct task_struct *child, bool joined)
{
	if (n->by_lineage)
		commit_record(n, parent, child, joined);
	atomic64_inc(&n->clones);
	if (!thread_group_leader(child))
		atomic64_inc(&n->threads);
	else if (!joined && !READ_ONCE(n->has_process))
		WRITE_ONCE(n->has_process, true);
	if (unlikely(joined))
		atomic64_inc(&n->joined);
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
	if (own) {
		/* Its last clone failed. */
		n->in_flight -= own->in_flight;
		vprocns_record_remove(&n->records, own);
	}
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
