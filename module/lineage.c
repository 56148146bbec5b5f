// SPDX-License-Identifier: GPL-2.0
/*
 * The descent of a group's tasks: who cloned each, as which of the cloner's
 * clones, and how many clones it made itself. The rule that makes numbers of
 * it is in numbering.c.
 *
 * A task's record is filled in when its clone is committed and goes when it
 * exits, both in probes, which can't sleep. So spare records wait in a stock: the
 * cloner, who may sleep, fills it up, and the records of the dead return to it.
 * In a group whose tasks come and go, nothing is allocated.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "group.h"
#include "lineage.h"

#define FIRST_BITS	6
/* Records kept although nobody needs them now. */
#define KEEP_SPARE	64

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
 * @execs: how often a thread has taken over the process that way
 * @children: how many of its clones succeeded
 * @lineage: from @birth; only the task itself uses this copy
 * @start: where its children's numbers start; likewise
 * @known: the two are filled in; likewise
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

static u32 span_of(const struct vprocns_group *group)
{
	return group->create.last - group->create.first + 1;
}

static struct hlist_head *bucket_of(const struct vprocns_lineages *table,
				    const struct task_struct *task)
{
	const u32 i = hash_ptr(task, table->bits);

	/* Bucket i of the old table becomes 2i and 2i + 1 of this one. */
	if (table->old && i >> 1 < table->old_left)
		return &table->old[i >> 1];
	return &table->buckets[i];
}

static struct vprocns_descent *find(const struct vprocns_lineages *table,
				    const struct task_struct *task)
{
	struct vprocns_descent *descent;

	hlist_for_each_entry(descent, bucket_of(table, task), node)
		if (descent->task == task)
			return descent;
	return NULL;
}

static void move_one_bucket(struct vprocns_lineages *table)
{
	struct vprocns_descent *descent;
	struct hlist_node *next;

	if (!table->old_left)
		return;
	table->old_left--;
	hlist_for_each_entry_safe(descent, next, &table->old[table->old_left],
				  node) {
		hlist_del(&descent->node);
		hlist_add_head(&descent->node, bucket_of(table, descent->task));
	}
}

static void insert(struct vprocns_lineages *table,
		   struct vprocns_descent *descent)
{
	/* One for each that comes: the old table is empty before this one is full. */
	move_one_bucket(table);
	hlist_add_head(&descent->node, bucket_of(table, descent->task));
	table->nr++;
}

static void put_back(struct vprocns_lineages *table,
		     struct vprocns_descent *descent)
{
	hlist_add_head(&descent->node, &table->spare);
	table->nr_spare++;
}

static struct vprocns_descent *take_spare(struct vprocns_lineages *table)
{
	struct vprocns_descent *descent;

	if (!table->nr_spare)
		return NULL;
	descent = hlist_entry(table->spare.first, struct vprocns_descent, node);
	hlist_del(&descent->node);
	table->nr_spare--;
	return descent;
}

/**
 * vprocns_lineage_init - makes the table of a group with lineage numbering
 * @group: the group, with its request filled in
 *
 * Return: 0 or -ENOMEM.
 */
int vprocns_lineage_init(struct vprocns_group *group)
{
	struct vprocns_lineages *const table = &group->lineages;

	table->bits = FIRST_BITS;
	table->buckets = kvcalloc(1 << FIRST_BITS, sizeof(*table->buckets),
				  GFP_KERNEL_ACCOUNT);
	if (!table->buckets)
		return -ENOMEM;
	table->outside_start = vprocns_lineage_start(group->create.seed,
						     VPROCNS_LINEAGE_OUTSIDE,
						     span_of(group));
	return 0;
}

static void free_list(struct hlist_head *list)
{
	struct vprocns_descent *descent;
	struct hlist_node *next;

	hlist_for_each_entry_safe(descent, next, list, node)
		kfree(descent);
}

/**
 * vprocns_lineage_exit - frees what a group's table holds
 * @group: the group, which nobody uses any more; of any numbering
 */
void vprocns_lineage_exit(struct vprocns_group *group)
{
	struct vprocns_lineages *const table = &group->lineages;
	u32 i;

	for (i = 0; table->buckets && i < 1U << table->bits; i++)
		free_list(&table->buckets[i]);
	for (i = 0; i < table->old_left; i++)
		free_list(&table->old[i]);
	free_list(&table->spare);
	kvfree(table->buckets);
	kvfree(table->old);
}

static void grow(struct vprocns_group *group)
{
	struct vprocns_lineages *const table = &group->lineages;
	const u32 bits = READ_ONCE(table->bits) + 1;
	struct hlist_head *larger, *unused;

	/* Without memory for it the chains get longer, and that is all. */
	larger = kvcalloc(1UL << bits, sizeof(*larger),
			  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!larger)
		return;
	raw_spin_lock(&group->lock);
	if (bits == table->bits + 1 && !table->old_left) {
		unused = table->old;
		table->old = table->buckets;
		table->old_left = 1U << table->bits;
		table->buckets = larger;
		table->bits = bits;
	} else {
		/* Somebody else was faster. */
		unused = larger;
	}
	raw_spin_unlock(&group->lock);
	kvfree(unused);
}

/* Each clone in flight may be committed, and needs a record then. */
static u32 needed(const struct vprocns_group *group)
{
	return group->lineages.in_flight + group->numbering.nr_pending;
}

static bool is_crowded(const struct vprocns_group *group)
{
	const struct vprocns_lineages *const table = &group->lineages;

	return (table->old && !table->old_left) ||
	       table->nr >> table->bits ||
	       table->nr_spare > needed(group) + KEEP_SPARE;
}

/* What need not be done at once: a larger table, an old one and a spare less. */
static void tidy(struct vprocns_group *group)
{
	struct vprocns_lineages *const table = &group->lineages;
	struct vprocns_descent *unused = NULL;
	struct hlist_head *old = NULL;
	bool full;

	raw_spin_lock(&group->lock);
	if (!table->old_left)
		swap(old, table->old);
	full = !table->old && table->nr >> table->bits;
	if (table->nr_spare > needed(group) + KEEP_SPARE)
		unused = take_spare(table);
	raw_spin_unlock(&group->lock);
	kvfree(old);
	kfree(unused);
	if (full)
		grow(group);
}

static int stock_up(struct vprocns_group *group)
{
	struct vprocns_descent *const descent =
		kmalloc(sizeof(*descent), GFP_KERNEL_ACCOUNT);

	if (!descent)
		return -ENOMEM;
	raw_spin_lock(&group->lock);
	put_back(&group->lineages, descent);
	raw_spin_unlock(&group->lock);
	return 0;
}

/* A task that was there before the bind has its record from its first clone on. */
static struct vprocns_descent *adopt(struct vprocns_lineages *table)
{
	struct vprocns_descent *const own = take_spare(table);

	if (!own)
		return NULL;
	*own = (struct vprocns_descent) {
		.task	 = current,
		.birth	 = { VPROCNS_LINEAGE_BEFORE, task_pid_vnr(current) },
		.process = { VPROCNS_LINEAGE_BEFORE, task_tgid_vnr(current) },
	};
	insert(table, own);
	return own;
}

/* Under the lock. The cloner's record, or NULL when there is none spare for it. */
static struct vprocns_descent *mark_in_flight(struct vprocns_lineages *table)
{
	struct vprocns_descent *own = find(table, current);

	if (!own)
		own = adopt(table);
	if (own && !own->in_flight) {
		own->in_flight = true;
		table->in_flight++;
	}
	return own;
}

/* Returns the cloner's record, NULL for one outside the group, or an ERR_PTR. */
static struct vprocns_descent *prepare(struct vprocns_group *group, bool joins)
{
	struct vprocns_lineages *const table = &group->lineages;
	struct vprocns_descent *own = NULL;
	bool ready, crowded;

	for (;;) {
		raw_spin_lock(&group->lock);
		if (!joins)
			own = mark_in_flight(table);
		ready = (own || joins) && table->nr_spare >= needed(group);
		crowded = is_crowded(group);
		raw_spin_unlock(&group->lock);
		if (ready)
			break;
		if (stock_up(group))
			return ERR_PTR(-ENOMEM);
	}
	if (crowded)
		tidy(group);
	return own;
}

static u32 number_of(const struct vprocns_group *group,
		     const struct vprocns_birth *birth, u32 start)
{
	return vprocns_lineage_number(birth->cloner, start, birth->order,
				      group->create.first, span_of(group));
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
						   span_of(group));
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
	struct vprocns_lineages *const table = &group->lineages;
	struct vprocns_descent *const own = joined ? NULL : find(table, parent);
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
	descent = take_spare(table);
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
		table->in_flight--;
		if (!thread_group_leader(child)) {
			descent->process = own->process;
			descent->execs = own->execs;
		}
	}
	insert(table, descent);
	if (nr != number_of(group, &birth,
			    own ? own->start : table->outside_start))
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
	own = find(&group->lineages, task);
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
	struct vprocns_lineages *const table = &group->lineages;
	struct vprocns_descent *own;

	raw_spin_lock(&group->lock);
	own = find(table, task);
	if (own) {
		hlist_del(&own->node);
		table->nr--;
		/* Its last clone failed. */
		table->in_flight -= own->in_flight;
		put_back(table, own);
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
	descent = find(&group->lineages, task);
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
