// SPDX-License-Identifier: GPL-2.0
/*
 * The numbers of one PID namespace: sequential ones without holes (sequence.c), or
 * those that follow from who cloned each task, as which of the cloner's clones
 * (lineage.c). What is known of each live task is kept by record.c.
 */
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "lineage.h"
#include "numbers.h"
#include "vprocns.h"

/* Clones in flight at once, before the array grows. */
#define FIRST_PENDING	8

/**
 * vprocns_numbers_init - prepares the numbers of a group
 * @n: zeroed memory in which the range, the seed and .by_lineage are filled in
 *
 * Return: 0 or -ENOMEM.
 */
int vprocns_numbers_init(struct vprocns_numbers *n)
{
	struct vprocns_pending *pending;
	int err;

	pending = kmalloc_array(FIRST_PENDING, sizeof(*pending),
				GFP_KERNEL_ACCOUNT);
	if (!pending)
		return -ENOMEM;
	if (n->by_lineage) {
		err = vprocns_records_init(&n->records);
		if (err) {
			kfree(pending);
			return err;
		}
		n->outside_start = vprocns_lineage_start(n->seed,
							 VPROCNS_LINEAGE_OUTSIDE,
							 vprocns_numbers_span(n));
	}
	raw_spin_lock_init(&n->lock);
	vprocns_sequence_init(&n->sequence, n->by_lineage ? 1 : n->first,
			      n->by_lineage ? U32_MAX : n->last, pending,
			      FIRST_PENDING);
	return 0;
}

/**
 * vprocns_numbers_exit - frees what that took
 * @n: the numbers, which nobody uses any more
 */
void vprocns_numbers_exit(struct vprocns_numbers *n)
{
	vprocns_records_exit(&n->records);
	kvfree(n->sequence.pending);
}

/* The struct pid of a clone that failed is no longer the one with its number. */
static bool clone_failed(const void *ctx, u32 nr, const void *holder)
{
	struct pid_namespace *const ns = (void *)ctx;
	bool gone;

	rcu_read_lock();
	gone = find_pid_ns(nr, ns) != holder;
	rcu_read_unlock();
	return gone;
}

static int make_room(struct vprocns_numbers *n, u32 max)
{
	struct vprocns_pending *larger, *unused;

	/* Cloners that a cgroup keeps waiting may be thousands. */
	larger = kvmalloc_array(max, sizeof(*larger), GFP_KERNEL_ACCOUNT);
	if (!larger)
		return -ENOMEM;
	raw_spin_lock(&n->lock);
	unused = vprocns_sequence_grow(&n->sequence, larger, max);
	raw_spin_unlock(&n->lock);
	kvfree(unused);
	return 0;
}

/**
 * vprocns_numbers_take - takes a place in the sequence
 * @n: the numbers
 * @ns: its PID namespace, in which failed clones are looked for
 * @place: out: the place, for vprocns_numbers_hold() or _skip()
 *
 * Context: process; takes @n's lock; may sleep.
 * Return: 0 or -ENOMEM.
 */
int vprocns_numbers_take(struct vprocns_numbers *n, struct pid_namespace *ns,
			 u32 *place)
{
	u32 max;
	int err;

	for (;;) {
		raw_spin_lock(&n->lock);
		*place = vprocns_sequence_take(&n->sequence, clone_failed, ns);
		max = 2 * n->sequence.max_pending;
		raw_spin_unlock(&n->lock);
		if (*place)
			return 0;
		err = make_room(n, max);
		if (err)
			return err;
	}
}

/**
 * vprocns_numbers_skip - a place taken is in use by another task
 * @n: the numbers
 * @place: the place
 *
 * Context: any; takes @n's lock.
 */
void vprocns_numbers_skip(struct vprocns_numbers *n, u32 place)
{
	raw_spin_lock(&n->lock);
	vprocns_sequence_skip(&n->sequence, place);
	raw_spin_unlock(&n->lock);
}

/**
 * vprocns_numbers_hold - keeps a place until the commit
 * @n: the numbers
 * @place: the place
 * @pid: what has it now; an ERR_PTR gives the place back
 *
 * Context: any; takes @n's lock.
 */
void vprocns_numbers_hold(struct vprocns_numbers *n, u32 place,
			  const struct pid *pid)
{
	const bool failed = IS_ERR(pid);
	const u32 nr = failed ? 0 : pid->numbers[pid->level].nr;

	raw_spin_lock(&n->lock);
	vprocns_sequence_placed(&n->sequence, place, nr,
				failed ? VPROCNS_NOBODY : pid);
	raw_spin_unlock(&n->lock);
}

/* Each clone in flight may be committed, and needs a record then. */
static u32 needed(const struct vprocns_numbers *n)
{
	return n->in_flight + n->sequence.nr_pending;
}

/* A task that was there before the bind has its record from its first clone on. */
static struct vprocns_record *adopt(struct vprocns_numbers *n)
{
	struct vprocns_records *const table = &n->records;
	struct vprocns_record *own;

	/* The others are for clones in flight. */
	if (table->nr_spare <= needed(n))
		return NULL;
	own = vprocns_record_take(table);
	*own = (struct vprocns_record) {
		.task	 = current,
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

/* Returns the cloner's record, NULL for one outside the group, or an ERR_PTR. */
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
		need = needed(n);
		ready = (own || joins) && table->nr_spare >= need;
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

static struct vprocns_origin next_child(const struct vprocns_record *own,
					u32 tid)
{
	return (struct vprocns_origin) { own->lineage, own->children + 1, tid };
}

static struct vprocns_origin joiner(u32 place)
{
	return (struct vprocns_origin) { VPROCNS_LINEAGE_OUTSIDE, place };
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
	struct vprocns_origin origin;

	if (IS_ERR(own))
		return PTR_ERR(own);
	/* Most tasks never clone, so the first clone works it out. */
	if (!own->known) {
		own->lineage = vprocns_lineage_of(n->seed,
						  own->origin.cloner_lineage,
						  own->origin.ordinal);
		own->start = vprocns_lineage_start(n->seed, own->lineage,
						   vprocns_numbers_span(n));
		own->known = true;
	}
	origin = next_child(own, 0);
	*nr = number_of(n, &origin, own->start);
	return 0;
}

/**
 * vprocns_numbers_of_joiner - by lineage: the number for a task from outside
 * @n: the numbers
 * @place: as which task from outside
 * @nr: out: the number that it is to have
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int vprocns_numbers_of_joiner(struct vprocns_numbers *n, u32 place, u32 *nr)
{
	const struct vprocns_record *const none = prepare(n, true);
	const struct vprocns_origin origin = joiner(place);

	if (IS_ERR(none))
		return PTR_ERR(none);
	*nr = number_of(n, &origin, n->outside_start);
	return 0;
}

static u32 tid_of(struct task_struct *task)
{
	const struct pid *const pid = task_pid(task);

	return pid->numbers[pid->level].nr;
}

static void commit_by_lineage(struct vprocns_numbers *n,
			      struct task_struct *parent,
			      struct task_struct *child, bool joined)
{
	struct vprocns_records *const table = &n->records;
	struct vprocns_record *const own =
		joined ? NULL : vprocns_record_find(table, parent);
	const u32 nr = tid_of(child);
	struct vprocns_record *record;
	struct vprocns_origin origin;

	lockdep_assert_held(&n->lock);
	if (joined)
		origin = joiner(vprocns_sequence_commit(&n->sequence, nr));
	else if (own && own->in_flight)
		origin = next_child(own, tid_of(parent));
	else
		origin.ordinal = 0;
	/* It had its number before the bind. */
	if (!origin.ordinal)
		return;

	/* prepare() left one for each clone in flight. */
	record = vprocns_record_take(table);
	if (WARN_ON_ONCE(!record))
		return;
	*record = (struct vprocns_record) {
		.task	 = child,
		.origin	 = origin,
		.process = origin,
	};
	if (own) {
		own->children++;
		own->in_flight = false;
		n->in_flight--;
		if (!thread_group_leader(child)) {
			record->process = own->process;
			record->execs = own->execs;
		}
	}
	vprocns_record_insert(table, record);
	if (nr != number_of(n, &origin, own ? own->start : n->outside_start))
		n->collisions++;
}

/**
 * vprocns_numbers_commit - a clone succeeded
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
	const bool thread = !thread_group_leader(child);

	raw_spin_lock(&n->lock);
	if (n->by_lineage)
		commit_by_lineage(n, parent, child, joined);
	else
		vprocns_sequence_commit(&n->sequence, tid_of(child));
	n->clones++;
	n->threads += thread;
	n->joined += joined;
	/* is_first_process() looks without the lock. */
	if (!joined && !thread)
		WRITE_ONCE(n->has_process, true);
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
 * vprocns_numbers_describe - adds the lineage of a member to its description
 * @n: the numbers
 * @task: the member
 * @member: .flags and the fields after .comm are set if the member has a lineage
 *
 * Context: RCU read side, which keeps @task; takes @n's lock.
 */
void vprocns_numbers_describe(struct vprocns_numbers *n,
			      const struct task_struct *task,
				struct vprocns_member *member)
{
	const struct vprocns_record *record;

	if (!n->by_lineage)
		return;
	raw_spin_lock(&n->lock);
	record = vprocns_record_find(&n->records, task);
	if (record) {
		member->flags |= VPROCNS_MEMBER_LINEAGE;
		member->lineage = vprocns_lineage_of(n->seed,
						     record->origin.cloner_lineage,
						     record->origin.ordinal);
		member->cloner_lineage = record->origin.cloner_lineage;
		member->birth = record->origin.ordinal;
		member->cloner = record->origin.cloner_tid;
	}
	raw_spin_unlock(&n->lock);
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
