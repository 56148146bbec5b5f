// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that join a group from outside and have to be told apart: those with
 * a slot, and those that begin at their first exec.
 *
 * One is waiting until its clone has a struct pid, then it is alive until its last
 * thread exits, or, without a slot, until its exec. Where the clone fails a slot waits
 * again: the same task may try once more.
 */
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "joiner.h"

/**
 * vprocns_joiners_init - makes an empty set
 * @joiners: zeroed memory
 */
void vprocns_joiners_init(struct vprocns_joiners *joiners)
{
	raw_spin_lock_init(&joiners->lock);
	INIT_LIST_HEAD(&joiners->waiting);
	INIT_LIST_HEAD(&joiners->unused);
	hash_init(joiners->alive);
}

static void free_one(struct vprocns_joiner *joiner)
{
	put_pid(joiner->asker);
	put_pid(joiner->process);
	kfree(joiner);
}

static void free_list(struct list_head *list)
{
	struct vprocns_joiner *joiner, *next;

	list_for_each_entry_safe(joiner, next, list, list)
		free_one(joiner);
}

/**
 * vprocns_joiners_exit - frees all that a set holds
 * @joiners: the set, which nobody uses any more
 */
void vprocns_joiners_exit(struct vprocns_joiners *joiners)
{
	struct vprocns_joiner *joiner;
	struct hlist_node *next;
	int i;

	hash_for_each_safe(joiners->alive, i, next, joiner, node)
		free_one(joiner);
	free_list(&joiners->waiting);
	free_list(&joiners->unused);
	kvfree(joiners->slots);
}

static void free_unused(struct vprocns_joiners *joiners)
{
	LIST_HEAD(unused);

	raw_spin_lock(&joiners->lock);
	list_splice_init(&joiners->unused, &unused);
	raw_spin_unlock(&joiners->lock);
	free_list(&unused);
}

static struct vprocns_joiner *new_joiner(u32 slot)
{
	struct vprocns_joiner *const joiner =
		kzalloc(sizeof(*joiner), GFP_KERNEL_ACCOUNT);

	if (joiner) {
		joiner->asker = get_pid(task_pid(current));
		joiner->slot = slot;
	}
	return joiner;
}

/* It is of no use any more; its slot is free. */
static void retire(struct vprocns_joiners *joiners,
		   struct vprocns_joiner *joiner)
{
	lockdep_assert_held(&joiners->lock);
	if (joiner->slot != VPROCNS_NO_SLOT)
		joiners->slots[joiner->slot] = NULL;
	WRITE_ONCE(joiners->nr_starting,
		   joiners->nr_starting - joiner->starting);
	WRITE_ONCE(joiners->nr, joiners->nr - 1);
	list_add(&joiner->list, &joiners->unused);
}

/* The waiting one that the caller's next clone is for. */
static struct vprocns_joiner *find_asked(struct vprocns_joiners *joiners)
{
	struct vprocns_joiner *joiner;

	list_for_each_entry(joiner, &joiners->waiting, list)
		if (joiner->asker == task_pid(current))
			return joiner;
	return NULL;
}

static struct vprocns_joiner *find_alive(struct vprocns_joiners *joiners,
					 const struct pid *process)
{
	struct vprocns_joiner *joiner;

	hash_for_each_possible(joiners->alive, joiner, node,
			       (unsigned long)process)
		if (joiner->process == process)
			return joiner;
	return NULL;
}

/* A waiting one that nobody will clone: its asker is gone, or on its way. */
static bool is_abandoned(const struct vprocns_joiner *joiner)
{
	const struct task_struct *asker;
	bool gone;

	rcu_read_lock();
	asker = pid_task(joiner->asker, PIDTYPE_PID);
	/* A task changes its own flags at any time, and any moment's will do. */
	gone = !asker || data_race(asker->flags) & PF_EXITING;
	rcu_read_unlock();
	return gone;
}

static void abandon(struct vprocns_joiners *joiners,
		    struct vprocns_joiner *joiner)
{
	list_del(&joiner->list);
	retire(joiners, joiner);
}

/* At most %VPROCNS_SLOTS of them. */
static void abandon_all(struct vprocns_joiners *joiners)
{
	struct vprocns_joiner *joiner, *next;

	list_for_each_entry_safe(joiner, next, &joiners->waiting, list)
		if (is_abandoned(joiner))
			abandon(joiners, joiner);
}

static int add_waiting(struct vprocns_joiners *joiners,
		       struct vprocns_joiner *joiner)
{
	struct vprocns_joiner *before = NULL, *asked;

	if (joiner->slot != VPROCNS_NO_SLOT)
		before = joiners->slots[joiner->slot];
	asked = find_asked(joiners);
	if (before && before != asked) {
		/* Alive ones are in the table; the list is for the others. */
		if (hash_hashed(&before->node) || !is_abandoned(before))
			return -EBUSY;
		abandon(joiners, before);
	}
	if (asked)
		abandon(joiners, asked);
	if (joiners->nr == VPROCNS_SLOTS)
		abandon_all(joiners);
	if (joiners->nr == VPROCNS_SLOTS)
		return -ENOSPC;
	WRITE_ONCE(joiners->nr, joiners->nr + 1);
	list_add(&joiner->list, &joiners->waiting);
	if (joiner->slot != VPROCNS_NO_SLOT)
		joiners->slots[joiner->slot] = joiner;
	return 0;
}

static int make_slots(struct vprocns_joiners *joiners)
{
	struct vprocns_joiner **slots, **unused;

	if (READ_ONCE(joiners->slots))
		return 0;
	slots = kvcalloc(VPROCNS_SLOTS, sizeof(*slots), GFP_KERNEL_ACCOUNT);
	if (!slots)
		return -ENOMEM;
	raw_spin_lock(&joiners->lock);
	unused = joiners->slots ? slots : NULL;
	if (!unused)
		WRITE_ONCE(joiners->slots, slots);
	raw_spin_unlock(&joiners->lock);
	kvfree(unused);
	return 0;
}

static int add(struct vprocns_joiners *joiners, struct vprocns_joiner *joiner)
{
	int err;

	raw_spin_lock(&joiners->lock);
	err = add_waiting(joiners, joiner);
	raw_spin_unlock(&joiners->lock);
	if (err)
		free_one(joiner);
	free_unused(joiners);
	return err;
}

/**
 * vprocns_joiners_ask - the caller's next clone is to take a slot
 * @joiners: the set
 * @slot: the slot, below %VPROCNS_SLOTS
 *
 * Context: process; takes @joiners' lock; may sleep.
 * Return: 0, -EBUSY, -ENOSPC or -ENOMEM: see VPROCNS_SLOT.
 */
int vprocns_joiners_ask(struct vprocns_joiners *joiners, u32 slot)
{
	struct vprocns_joiner *joiner;
	int err;

	err = make_slots(joiners);
	if (err)
		return err;
	joiner = new_joiner(slot);
	return joiner ? add(joiners, joiner) : -ENOMEM;
}

/**
 * vprocns_joiners_begin - a task outside clones one into the namespace
 * @joiners: the set
 *
 * Context: the cloner's own; takes @joiners' lock; may sleep.
 * Return: what is to be told apart, for vprocns_joiners_placed(); NULL for a
 * joiner like any other; or an ERR_PTR: -ENOMEM, -EAGAIN with too many alive.
 */
struct vprocns_joiner *vprocns_joiners_begin(struct vprocns_joiners *joiners)
{
	struct vprocns_joiner *joiner;
	int err;

	raw_spin_lock(&joiners->lock);
	joiner = find_asked(joiners);
	raw_spin_unlock(&joiners->lock);
	if (joiner || !joiners->at_exec)
		return joiner;

	joiner = new_joiner(VPROCNS_NO_SLOT);
	if (!joiner)
		return ERR_PTR(-ENOMEM);
	err = add(joiners, joiner);
	return err ? ERR_PTR(-EAGAIN) : joiner;
}

/**
 * vprocns_joiners_placed - the clone has its struct pid, which tells the process from now on
 * @joiners: the set
 * @joiner: from vprocns_joiners_begin()
 * @pid: the struct pid
 *
 * Context: the cloner's own; takes @joiners' lock.
 */
void vprocns_joiners_placed(struct vprocns_joiners *joiners,
			    struct vprocns_joiner *joiner, struct pid *pid)
{
	raw_spin_lock(&joiners->lock);
	list_del(&joiner->list);
	/* With a reference: if the clone fails, no other process is taken for this one. */
	joiner->process = get_pid(pid);
	hash_add(joiners->alive, &joiner->node, (unsigned long)pid);
	joiner->starting = joiners->at_exec;
	WRITE_ONCE(joiners->nr_starting,
		   joiners->nr_starting + joiner->starting);
	raw_spin_unlock(&joiners->lock);
}

/**
 * vprocns_joiners_failed - the clone has failed that has begun
 * @joiners: the set
 * @joiner: from vprocns_joiners_begin()
 *
 * A slot waits for the cloner's next clone.
 *
 * Context: the cloner's own; takes @joiners' lock.
 */
void vprocns_joiners_failed(struct vprocns_joiners *joiners,
			    struct vprocns_joiner *joiner)
{
	struct pid *process;

	raw_spin_lock(&joiners->lock);
	process = joiner->process;
	if (process) {
		hash_del(&joiner->node);
		WRITE_ONCE(joiners->nr_starting,
			   joiners->nr_starting - joiner->starting);
		joiner->starting = false;
		joiner->process = NULL;
		list_add(&joiner->list, &joiners->waiting);
	}
	if (joiner->slot == VPROCNS_NO_SLOT)
		abandon(joiners, joiner);
	raw_spin_unlock(&joiners->lock);
	put_pid(process);
}

/**
 * vprocns_joiners_exec - a member executes a program
 * @joiners: the set
 * @task: the member
 *
 * Context: the task's own; takes @joiners' lock.
 */
void vprocns_joiners_exec(struct vprocns_joiners *joiners,
			  struct task_struct *task)
{
	struct vprocns_joiner *joiner;

	if (!READ_ONCE(joiners->nr_starting))
		return;
	raw_spin_lock(&joiners->lock);
	joiner = find_alive(joiners, task_tgid(task));
	if (joiner && joiner->slot == VPROCNS_NO_SLOT) {
		/* A member like any other from here on. */
		hash_del(&joiner->node);
		retire(joiners, joiner);
	} else if (joiner && joiner->starting) {
		joiner->starting = false;
		WRITE_ONCE(joiners->nr_starting, joiners->nr_starting - 1);
	}
	raw_spin_unlock(&joiners->lock);
}

/**
 * vprocns_joiners_remove - a process that had to be told apart ends
 * @joiners: the set
 * @task: its last thread, or that of any other
 *
 * Context: the task's own; takes @joiners' lock.
 */
void vprocns_joiners_remove(struct vprocns_joiners *joiners,
			    struct task_struct *task)
{
	struct vprocns_joiner *joiner;

	raw_spin_lock(&joiners->lock);
	joiner = find_alive(joiners, task_tgid(task));
	if (joiner) {
		hash_del(&joiner->node);
		retire(joiners, joiner);
	}
	raw_spin_unlock(&joiners->lock);
}

/**
 * vprocns_joiners_find_starting - whether a member has joined and not executed yet
 * @joiners: the set
 * @task: the member, or a thread of its
 *
 * Context: any in which @task stays; takes @joiners' lock.
 * Return: true when its process begins at an exec that is still to come.
 */
bool vprocns_joiners_find_starting(struct vprocns_joiners *joiners,
				   struct task_struct *task)
{
	const struct vprocns_joiner *joiner;
	bool starting;

	raw_spin_lock(&joiners->lock);
	joiner = find_alive(joiners, task_tgid(task));
	starting = joiner && joiner->starting;
	raw_spin_unlock(&joiners->lock);
	return starting;
}
