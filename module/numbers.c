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

/* Under the lock. A clone failed that had its number. */
static void forget_clone(struct vprocns_numbers *n, struct vprocns_number *number)
{
	struct vprocns_record *const cloner = number->cloner;

	vprocns_record_remove(&n->records, number->record);
	n->collisions -= number->collided;
	if (cloner) {
		cloner->children--;
		cloner->wanted = 0;
	}
}

/**
 * vprocns_numbers_give_back - a clone failed: all that it took may be had again
 * @n: the numbers
 * @number: what it took
 *
 * Context: the cloner's own; takes @n's lock; may sleep.
 */
void vprocns_numbers_give_back(struct vprocns_numbers *n,
			       struct vprocns_number *number)
{
	struct vprocns_record *const record = number->record;

	if (record) {
		raw_spin_lock(&n->lock);
		if (record->key)
			forget_clone(n, number);
		else
			vprocns_record_put(&n->records, record);
		raw_spin_unlock(&n->lock);
	}
	if (number->place)
		give_place_back(n, number->place);
}

static struct vprocns_origin origin_before(pid_t tid)
{
	return (struct vprocns_origin) { VPROCNS_LINEAGE_BEFORE, tid };
}

/* The record of a task that was there before the bind; or NULL while none is spare. */
static struct vprocns_record *adopt_task(struct vprocns_numbers *n,
					 struct task_struct *task,
					 struct vprocns_record *process)
{
	struct vprocns_record *const record = vprocns_record_take(&n->records);
	const struct vprocns_origin origin = origin_before(task_pid_vnr(task));

	if (record) {
		vprocns_record_fill(record, task_pid_vnr(task), &origin,
				    process ?: record);
		vprocns_record_insert(&n->records, record, task->pid);
	}
	return record;
}

/*
 * Under the lock. Such a task has its record from its first clone on, and so has its
 * process. Its first thread may have ended, or may be about to: then it comes here no
 * more, or says so again.
 */
static struct vprocns_record *adopt(struct vprocns_numbers *n)
{
	struct task_struct *const leader = current->group_leader;
	struct vprocns_record *process;

	if (leader == current)
		return adopt_task(n, current, NULL);
	process = vprocns_record_find(&n->records, current->tgid);
	if (!process) {
		process = adopt_task(n, leader, NULL);
		if (!process)
			return NULL;
		/* A task changes its own flags at any time. */
		process->ended = data_race(leader->flags) & PF_EXITING;
	}
	return adopt_task(n, current, process);
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

/* Under the lock. Most tasks never clone, so the first clone works it out. */
static void work_out_wanted(struct vprocns_numbers *n, struct vprocns_record *own)
{
	const u64 lineage = lineage_of(n, own);
	const struct vprocns_origin child = { lineage, own->children + 1 };

	own->wanted = number_of(n, &child,
				vprocns_lineage_start(n->seed, lineage,
						      vprocns_numbers_span(n)));
}

/**
 * vprocns_numbers_search_cloner - as vprocns_numbers_cloner(), for any clone
 * @n: the numbers
 *
 * Context: the member's own; takes @n's lock; may sleep.
 * Return: the caller's record, in which .wanted is worked out; NULL without memory.
 */
struct vprocns_record *vprocns_numbers_search_cloner(struct vprocns_numbers *n)
{
	struct vprocns_records *const table = &n->records;
	struct vprocns_record *own;

	for (;;) {
		raw_spin_lock(&n->lock);
		own = vprocns_record_find(table, current->pid) ?: adopt(n);
		if (likely(own)) {
			WRITE_ONCE(table->latest, own);
			if (!own->wanted)
				work_out_wanted(n, own);
		}
		raw_spin_unlock(&n->lock);
		if (likely(own))
			return own;
		if (vprocns_records_stock(table, &n->lock))
			return NULL;
	}
}

/* The record of a task that joins; or NULL without memory. */
static struct vprocns_record *prepare_joiner(struct vprocns_numbers *n)
{
	struct vprocns_record *record;

	raw_spin_lock(&n->lock);
	record = vprocns_record_take(&n->records);
	raw_spin_unlock(&n->lock);
	return record ?: vprocns_record_make();
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
	struct vprocns_origin origin = { VPROCNS_LINEAGE_OUTSIDE, number->place };
	u32 start = n->outside_start;

	number->record = prepare_joiner(n);
	if (!number->record)
		return 0;
	if (slot != VPROCNS_NO_SLOT) {
		origin = (struct vprocns_origin) { VPROCNS_LINEAGE_SLOT,
						   (u64)slot + 1 };
		start = n->slot_start;
	}
	vprocns_record_fill(number->record, 0, &origin, number->record);
	return number_of(n, &origin, start);
}

/**
 * vprocns_numbers_collide - by lineage: a clone has another number than the one wanted
 * @n: the numbers
 * @number: what it took; it has its record
 * @nr: the number
 *
 * Context: process; takes @n's lock.
 */
void vprocns_numbers_collide(struct vprocns_numbers *n, struct vprocns_number *number,
			     u32 nr)
{
	raw_spin_lock(&n->lock);
	number->collided = true;
	number->record->tid = nr;
	n->collisions++;
	raw_spin_unlock(&n->lock);
}

/**
 * vprocns_numbers_keep_joiner - by lineage: a task that joins has its number, and its record
 * from here on
 * @n: the numbers
 * @number: what it took
 * @nr: the number
 * @host_nr: the number in the initial PID namespace
 *
 * Context: process; takes @n's lock; may sleep.
 */
void vprocns_numbers_keep_joiner(struct vprocns_numbers *n,
				 struct vprocns_number *number, u32 nr, u32 host_nr)
{
	bool untidy;

	number->record->tid = nr;
	raw_spin_lock(&n->lock);
	vprocns_record_insert(&n->records, number->record, host_nr);
	untidy = vprocns_records_untidy(&n->records);
	raw_spin_unlock(&n->lock);
	if (untidy)
		vprocns_records_tidy(&n->records, &n->lock);
}

/**
 * vprocns_numbers_pass_by - by lineage: a number goes to a task that has no record
 * @n: the numbers
 * @host_nr: the number in the initial PID namespace
 *
 * Context: process; takes @n's lock.
 */
void vprocns_numbers_pass_by(struct vprocns_numbers *n, u32 host_nr)
{
	raw_spin_lock(&n->lock);
	vprocns_record_outdate(vprocns_records_bucket(&n->records, host_nr), host_nr);
	raw_spin_unlock(&n->lock);
}

/* Under the lock. The record that the thread had before it executed. */
static struct vprocns_record *find_thread(struct vprocns_records *table, u32 old_key,
					  const struct vprocns_record *process)
{
	struct vprocns_record *record;

	hlist_for_each_entry(record, vprocns_records_bucket(table, old_key), node)
		if (record->process == process && record != process &&
		    (record->key & ~VPROCNS_RECORD_STALE) == old_key)
			return record;
	return NULL;
}

/**
 * vprocns_numbers_exec - a thread took over its process by executing a program
 * @n: the numbers, by lineage
 * @task: the thread, which has the leader's number by now
 * @old_nr: the number that it had before, in the initial PID namespace
 *
 * From here on the thread is the process. How many clones the old leader had made
 * by then was a race, so the thread's clones are counted from a place of their own.
 *
 * Context: the task's own; takes @n's lock.
 */
void vprocns_numbers_exec(struct vprocns_numbers *n, const struct task_struct *task,
			  u32 old_nr)
{
	struct vprocns_record *process, *own;

	raw_spin_lock(&n->lock);
	process = vprocns_record_find(&n->records, task->pid);
	if (!process)
		goto out;
	/* All other threads have ended, and their records are gone. */
	own = find_thread(&n->records, old_nr, process);
	process->ended = false;
	if (own) {
		vprocns_record_remove(&n->records, own);
		process->execs++;
		process->children = (u64)process->execs << 32;
		process->wanted = 0;
	} else if (process->origin.cloner_lineage == VPROCNS_LINEAGE_BEFORE) {
		/* Whether the old leader had cloned after the bind was a race, too. */
		vprocns_record_remove(&n->records, process);
	}
out:
	raw_spin_unlock(&n->lock);
}

/*
 * Under the lock. A process has ended. If its record outlived the first thread and
 * another thread is the first by now, that has failed to execute a program after it had
 * taken over: it had a record as well, which is found where that may take its time.
 */
static void end_process(struct vprocns_records *table, struct vprocns_record *process,
			bool by_first)
{
	if (by_first && unlikely(process->ended)) {
		vprocns_record_take_out(table, process);
		process->next = table->lost;
		table->lost = process;
		table->untidy = true;
	} else if (by_first || process->ended) {
		vprocns_record_remove(table, process);
	}
}

/* Returns whether @lineage, which may be NULL, was filled in. */
static __always_inline bool end_member(struct vprocns_numbers *n, struct task_struct *task,
				       u64 *lineage)
{
	struct vprocns_records *const table = &n->records;
	struct vprocns_record *record;
	bool last, is_known;

	raw_spin_lock(&n->lock);
	record = vprocns_record_find(table, task->pid);
	is_known = lineage && record;
	if (is_known)
		*lineage = lineage_of(n, record);
	/* Under the lock: either we see it or the last thread sees that we have ended. */
	last = !atomic_read(&task->signal->live);
	if (likely(record && record->process != record))
		vprocns_record_remove(table, record);
	else if (record && !last)
		record->ended = true;
	else if (record)
		end_process(table, record, true);
	if (unlikely(last && !thread_group_leader(task))) {
		record = vprocns_record_find(table, task->tgid);
		if (record)
			end_process(table, record, false);
	}
	raw_spin_unlock(&n->lock);
	return is_known;
}

/**
 * vprocns_numbers_end - a member exits, and clones no more
 * @n: the numbers, by lineage
 * @task: the member
 *
 * The record of a process's first thread stays until the last thread exits: one of them
 * may take over by executing a program.
 *
 * Context: the task's own; takes @n's lock.
 */
void vprocns_numbers_end(struct vprocns_numbers *n, struct task_struct *task)
{
	end_member(n, task, NULL);
}

/**
 * vprocns_numbers_end_known - the same, and says what the member's lineage was
 * @n: the numbers, by lineage
 * @task: the member
 * @lineage: out, where it is known
 *
 * Context: as vprocns_numbers_end().
 * Return: whether it is known.
 */
bool vprocns_numbers_end_known(struct vprocns_numbers *n, struct task_struct *task,
			       u64 *lineage)
{
	return end_member(n, task, lineage);
}

/* Under the lock. A member's record, in which its lineage is known; or NULL. */
static struct vprocns_record *find_known(struct vprocns_numbers *n,
					 const struct task_struct *task)
{
	struct vprocns_record *const record =
		vprocns_record_find(&n->records, task->pid);

	if (record)
		lineage_of(n, record);
	return record;
}

/**
 * vprocns_numbers_record - what is known of a member that stays what it is meanwhile
 * @n: the numbers
 * @task: the member: the current task, or one that it has cloned and that has not run yet
 *
 * Context: the task's own, or its cloner's; takes @n's lock.
 * Return: the task's record, of which .origin and .lineage may be read; or NULL. Never one
 * without lineage numbering.
 */
const struct vprocns_record *vprocns_numbers_record(struct vprocns_numbers *n,
						    const struct task_struct *task)
{
	struct vprocns_record *record;

	if (!n->by_lineage)
		return NULL;
	raw_spin_lock(&n->lock);
	record = find_known(n, task);
	raw_spin_unlock(&n->lock);
	return record;
}

/**
 * vprocns_numbers_describe - how a member came about
 * @n: the numbers
 * @task: the member, which may end at any time
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
	const struct vprocns_record *record;

	if (!n->by_lineage)
		return false;
	raw_spin_lock(&n->lock);
	record = find_known(n, task);
	if (record) {
		*origin = record->origin;
		*lineage = record->lineage;
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
