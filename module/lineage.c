// SPDX-License-Identifier: GPL-2.0
/*
 * Lineage numbering: who cloned each task, as which of the cloner's clones, and
 * how many clones it made itself. The rule that makes numbers of it is in
 * numbering.c, the records are kept by descent.c.
 */
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "group.h"
#include "lineage.h"

/**
 * vprocns_lineage_init - prepares a group for lineage numbering
 * @group: the group, with its request filled in
 *
 * Return: 0 or -ENOMEM.
 */
int vprocns_lineage_init(struct vprocns_group *group)
{
	group->lineages.outside_start =
		vprocns_lineage_start(group->create.seed,
				      VPROCNS_LINEAGE_OUTSIDE,
				      vprocns_group_span(group));
	return vprocns_descents_init(&group->lineages.table);
}

/**
 * vprocns_lineage_exit - frees what that took
 * @group: the group, which nobody uses any more; of any numbering
 */
void vprocns_lineage_exit(struct vprocns_group *group)
{
	vprocns_descents_exit(&group->lineages.table);
}

/* Each clone in flight may be committed, and needs a record then. */
static u32 needed(const struct vprocns_group *group)
{
	return group->lineages.in_flight + group->numbering.nr_pending;
}

/* A task that was there before the bind has its record from its first clone on. */
static struct vprocns_descent *adopt(struct vprocns_group *group)
{
	struct vprocns_descents *const table = &group->lineages.table;
	struct vprocns_descent *own;

	/* The others are for clones in flight. */
	if (table->nr_spare <= needed(group))
		return NULL;
	own = vprocns_descent_take(table);
	*own = (struct vprocns_descent) {
		.task	 = current,
		.birth	 = { VPROCNS_LINEAGE_BEFORE, task_pid_vnr(current) },
		.process = { VPROCNS_LINEAGE_BEFORE, task_tgid_vnr(current) },
	};
	vprocns_descent_insert(table, own);
	return own;
}

/* Under the lock. The cloner's record, or NULL when there is none spare for it. */
static struct vprocns_descent *mark_in_flight(struct vprocns_group *group)
{
	struct vprocns_lineages *const lineages = &group->lineages;
	struct vprocns_descent *own = vprocns_descent_find(&lineages->table,
							   current);

	if (!own)
		own = adopt(group);
	if (own && !own->in_flight) {
		own->in_flight = true;
		lineages->in_flight++;
	}
	return own;
}

/* Returns the cloner's record, NULL for one outside the group, or an ERR_PTR. */
static struct vprocns_descent *prepare(struct vprocns_group *group, bool joins)
{
	struct vprocns_descents *const table = &group->lineages.table;
	struct vprocns_descent *own = NULL, *surplus = NULL;
	bool ready, crowded;
	u32 need;

	for (;;) {
		raw_spin_lock(&group->lock);
		if (!joins)
			own = mark_in_flight(group);
		need = needed(group);
		ready = (own || joins) && table->nr_spare >= need;
		if (ready)
			surplus = vprocns_descents_surplus(table, need);
		crowded = vprocns_descents_crowded(table);
		raw_spin_unlock(&group->lock);
		if (ready)
			break;
		if (vprocns_descents_stock(table, &group->lock))
			return ERR_PTR(-ENOMEM);
	}
	kfree(surplus);
	if (crowded)
		vprocns_descents_tidy(table, &group->lock);
	return own;
}

static u32 number_of(const struct vprocns_group *group,
		     const struct vprocns_birth *birth, u32 start)
{
	return vprocns_lineage_number(birth->cloner, start, birth->order,
				      group->create.first,
				      vprocns_group_span(group));
}

static struct vprocns_birth next_child(const struct vprocns_descent *own,
				       u32 tid)
{
	return (struct vprocns_birth) { own->lineage, own->children + 1, tid };
}

static struct vprocns_birth joiner(u32 place)
{
	return (struct vprocns_birth) { VPROCNS_LINEAGE_OUTSIDE, place };
}

/**
 * vprocns_lineage_begin - a member clones
 * @group: its group
 * @nr: out: the number that the child is to have
 *
 * Context: the member's own; may sleep.
 * Return: 0 or -ENOMEM.
 */
int vprocns_lineage_begin(struct vprocns_group *group, u32 *nr)
{
	struct vprocns_descent *const own = prepare(group, false);
	const u64 seed = group->create.seed;
	struct vprocns_birth birth;

	if (IS_ERR(own))
		return PTR_ERR(own);
	/* Most tasks never clone, so it is for the first clone to find out. */
	if (!own->known) {
		own->lineage = vprocns_lineage_of(seed, own->birth.cloner,
						  own->birth.order);
		own->start = vprocns_lineage_start(seed, own->lineage,
						   vprocns_group_span(group));
		own->known = true;
	}
	birth = next_child(own, 0);
	*nr = number_of(group, &birth, own->start);
	return 0;
}

/**
 * vprocns_lineage_begin_join - a task outside puts one into the group
 * @group: the group
 * @place: as which such task
 * @nr: out: the number that it is to have
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int vprocns_lineage_begin_join(struct vprocns_group *group, u32 place, u32 *nr)
{
	const struct vprocns_descent *const none = prepare(group, true);
	const struct vprocns_birth birth = joiner(place);

	if (IS_ERR(none))
		return PTR_ERR(none);
	*nr = number_of(group, &birth, group->lineages.outside_start);
	return 0;
}

static u32 tid_of(struct task_struct *task)
{
	const struct pid *const pid = task_pid(task);

	return pid->numbers[pid->level].nr;
}

/**
 * vprocns_lineage_commit - a clone succeeded
 * @group: the child's group; its lock is held
 * @parent: who cloned
 * @child: the new task
 * @joined: @parent is no member
 *
 * Context: any.
 */
void vprocns_lineage_commit(struct vprocns_group *group,
			    struct task_struct *parent,
			    struct task_struct *child, bool joined)
{
	struct vprocns_lineages *const lineages = &group->lineages;
	struct vprocns_descents *const table = &lineages->table;
	struct vprocns_descent *const own =
		joined ? NULL : vprocns_descent_find(table, parent);
	const u32 nr = tid_of(child);
	struct vprocns_descent *descent;
	struct vprocns_birth birth;

	lockdep_assert_held(&group->lock);
	if (joined)
		birth = joiner(vprocns_numbering_commit(&group->numbering, nr));
	else if (own && own->in_flight)
		birth = next_child(own, tid_of(parent));
	else
		birth.order = 0;
	/* It had its number before the bind. */
	if (!birth.order)
		return;

	/* prepare() left one for each clone in flight. */
	descent = vprocns_descent_take(table);
	if (WARN_ON_ONCE(!descent))
		return;
	*descent = (struct vprocns_descent) {
		.task	 = child,
		.birth	 = birth,
		.process = birth,
	};
	if (own) {
		own->children++;
		own->in_flight = false;
		lineages->in_flight--;
		if (!thread_group_leader(child)) {
			descent->process = own->process;
			descent->execs = own->execs;
		}
	}
	vprocns_descent_insert(table, descent);
	if (nr != number_of(group, &birth,
			    own ? own->start : lineages->outside_start))
		group->collisions++;
}

/**
 * vprocns_lineage_exec - a thread took over its process by executing a program
 * @group: its group
 * @task: the thread, which has the leader's number by now
 *
 * From here on it is the process. How many clones the old leader had made by
 * then was a race, so those of the new one are counted from a place of their own.
 *
 * Context: the task's own; takes @group's lock.
 */
void vprocns_lineage_exec(struct vprocns_group *group,
			  const struct task_struct *task)
{
	struct vprocns_descent *own;

	raw_spin_lock(&group->lock);
	own = vprocns_descent_find(&group->lineages.table, task);
	if (own) {
		own->birth = own->process;
		own->execs++;
		own->children = (u64)own->execs << 32;
		own->known = false;
	}
	raw_spin_unlock(&group->lock);
}

/**
 * vprocns_lineage_end - a member exits, and clones no more
 * @group: its group
 * @task: the member
 *
 * Context: the task's own; takes @group's lock.
 */
void vprocns_lineage_end(struct vprocns_group *group,
			 const struct task_struct *task)
{
	struct vprocns_lineages *const lineages = &group->lineages;
	struct vprocns_descent *own;

	raw_spin_lock(&group->lock);
	own = vprocns_descent_find(&lineages->table, task);
	if (own) {
		/* Its last clone failed. */
		lineages->in_flight -= own->in_flight;
		vprocns_descent_remove(&lineages->table, own);
	}
	raw_spin_unlock(&group->lock);
}

/**
 * vprocns_lineage_describe - adds the descent of a member to what is told of it
 * @group: its group, of any numbering
 * @task: the member
 * @member: .flags and what stands behind .comm are set if it has one
 *
 * Context: RCU read side, which keeps @task; takes @group's lock.
 */
void vprocns_lineage_describe(struct vprocns_group *group,
			      const struct task_struct *task,
			      struct vprocns_member *member)
{
	const struct vprocns_descent *descent;

	if (!vprocns_by_lineage(group))
		return;
	raw_spin_lock(&group->lock);
	descent = vprocns_descent_find(&group->lineages.table, task);
	if (descent) {
		member->flags |= VPROCNS_MEMBER_LINEAGE;
		member->lineage = vprocns_lineage_of(group->create.seed,
						     descent->birth.cloner,
						     descent->birth.order);
		member->cloner_lineage = descent->birth.cloner;
		member->birth = descent->birth.order;
		member->cloner = descent->birth.cloner_tid;
	}
	raw_spin_unlock(&group->lock);
}
