// SPDX-License-Identifier: GPL-2.0
/*
 * Stands in for alloc_pid() in a group's namespace: decides on a number and has
 * the original put it into a struct pid. From there the kernel carries it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/idr.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "clone.h"
#include "compat.h"
#include "group.h"
#include "hooks.h"
#include "pid.h"
#include "symbols.h"

/* Lets alloc_pid() take our set_tid: see alloc_exactly(). */
static const struct cred *number_cred;

/*
 * override_creds() of Linux 6.13 and later, on all: what it counted before was
 * one cache line for all groups. number_cred outlives every clone.
 */
static const struct cred *exchange_cred(const struct cred *cred)
{
	return rcu_replace_pointer(current->cred, cred, true);
}

static u32 nr_of(const struct pid *pid)
{
	return pid->numbers[pid->level].nr;
}

static bool in_use(struct pid_namespace *ns, u32 nr)
{
	bool used;

	rcu_read_lock();
	used = find_pid_ns(nr, ns);
	rcu_read_unlock();
	return used;
}

/*
 * The namespace's own search for a free number starts at a cursor. One clone at a
 * time moves it, so that the search finds what is free from there on. No other clone
 * waits for long, since alloc_pid() sleeps when memory is short: see alloc_exactly().
 */
static noinline bool wait_for_cursor(struct vprocns_numbers *n)
{
	unsigned int spins;

	for (spins = 100; spins; spins--) {
		cpu_relax();
		if (!test_bit(0, &n->cursor) && !test_and_set_bit_lock(0, &n->cursor))
			return true;
	}
	return false;
}

static __always_inline bool lock_cursor(struct vprocns_numbers *n)
{
	return likely(!test_and_set_bit_lock(0, &n->cursor)) || wait_for_cursor(n);
}

static void unlock_cursor(struct vprocns_numbers *n)
{
	clear_bit_unlock(0, &n->cursor);
}

/* With the cursor: @nr, or the next free number, or the first one; or what fails. */
static __always_inline struct pid *alloc_from(struct pid_namespace *ns, u32 nr)
{
	idr_set_cursor(&ns->idr, nr);
	return static_call(vprocns_alloc_pid)(ns, NULL, 0);
}

/*
 * With the cursor: the first free number from @nr on, to @last; EEXIST when there is
 * none. The namespaces below allocate without us, and may move the cursor between. So
 * while @nr is not seen to be in use, a few more tries; it may also be one that a
 * clone without the cursor is just taking. @pid is what the first try came to.
 */
static struct pid *search_on(struct pid_namespace *ns, u32 nr, u32 last,
			     struct pid *pid)
{
	unsigned int tries;
	bool passed_over;

	for (tries = 3; ; tries--) {
		if (IS_ERR(pid))
			return pid == ERR_PTR(-EAGAIN) ? ERR_PTR(-EEXIST) : pid;
		if (likely(nr_of(pid) == nr))
			return pid;
		passed_over = !tries || in_use(ns, nr);
		if (passed_over && nr_of(pid) > nr && nr_of(pid) <= last)
			return pid;
		static_call(vprocns_free_pid)(pid);
		if (passed_over)
			return ERR_PTR(-EEXIST);
		pid = alloc_from(ns, nr);
	}
}

static struct pid *search(struct pid_namespace *ns, u32 nr, u32 last)
{
	return search_on(ns, nr, last, alloc_from(ns, nr));
}

/*
 * Without the cursor: this number or EEXIST, also for one that no task can have since
 * kernel.pid_max was lowered. Asks for CAP_CHECKPOINT_RESTORE, so it is for a clone
 * that has lost the race for the cursor.
 */
static struct pid *alloc_exactly(struct pid_namespace *ns, pid_t nr)
{
	const unsigned int privileged = current->flags & PF_SUPERPRIV;
	const struct cred *const own = exchange_cred(number_cred);
	struct pid *const pid = static_call(vprocns_alloc_pid)(ns, &nr, 1);

	exchange_cred(own);
	/* The privilege was ours: process accounting must not show it. */
	if (!privileged)
		current->flags &= ~PF_SUPERPRIV;
	return pid == ERR_PTR(-EINVAL) ? ERR_PTR(-EEXIST) : pid;
}

/* ns_last_pid and loadavg say the last number, without the cursor too. */
static void set_last(struct vprocns_numbers *n, struct pid_namespace *ns, u32 nr)
{
	if (test_and_set_bit_lock(0, &n->cursor))
		return;
	idr_set_cursor(&ns->idr, nr + 1);
	unlock_cursor(n);
}

/* Later the cursor may be free. */
static int wait_a_tick(void)
{
	schedule_timeout_killable(1);
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* This number, or EEXIST. */
static struct pid *alloc_one(struct vprocns_numbers *n, struct pid_namespace *ns,
			     u32 nr, bool hidden)
{
	unsigned int cursor;
	struct pid *pid;

	for (;;) {
		if (lock_cursor(n)) {
			cursor = idr_get_cursor(&ns->idr);
			pid = search(ns, nr, nr);
			if (hidden)
				idr_set_cursor(&ns->idr, cursor);
			unlock_cursor(n);
			return pid;
		}
		pid = alloc_exactly(ns, nr);
		if (pid != ERR_PTR(-EPERM))
			break;
		if (wait_a_tick())
			return ERR_PTR(-EINTR);
	}
	if (!hidden && !IS_ERR(pid))
		set_last(n, ns, nr);
	return pid;
}

static struct pid *refuse_number(struct vprocns_group *group, int rule, int err)
{
	const struct vprocns_refusal refusal = {
		.call = VPROCNS_CALL_NUMBER, .rule = rule, .err = err,
	};

	vprocns_group_refused(group, &refusal);
	return ERR_PTR(-err);
}

/* The highest number that may be had now; lower than the first where none may. */
static u32 highest(const struct vprocns_numbers *n, const struct pid_namespace *ns)
{
	return min(n->last, vprocns_highest_tid(ns));
}

static struct pid *exhausted(struct vprocns_group *group, u32 nr)
{
	/* Numbers have run out in a namespace above. */
	if (nr <= highest(&group->numbers, group->ns) && !in_use(group->ns, nr))
		return ERR_PTR(-EAGAIN);
	return refuse_number(group, VPROCNS_RULE_EXHAUSTED, EAGAIN);
}

/*
 * With the cursor: the first free number from @nr on, round the range. @pid is what the
 * first try came to.
 */
static noinline struct pid *search_round(struct vprocns_numbers *n,
					 struct pid_namespace *ns, u32 nr,
					 struct pid *pid)
{
	const u32 last = highest(n, ns);

	/* It may not be had since kernel.pid_max was lowered. */
	if (nr > last) {
		if (!IS_ERR(pid))
			static_call(vprocns_free_pid)(pid);
		if (last < n->first)
			return ERR_PTR(-EEXIST);
		nr = n->first;
		pid = alloc_from(ns, nr);
	}
	pid = search_on(ns, nr, last, pid);
	if (pid == ERR_PTR(-EEXIST) && nr > n->first)
		pid = search(ns, n->first, nr - 1);
	return pid;
}

/*
 * Without the cursor: that number or one of the next few, or EEXIST. Most clones have
 * their first one, and need not look.
 */
static struct pid *alloc_beside(struct vprocns_numbers *n, struct pid_namespace *ns,
				u32 nr, u32 last)
{
	struct pid *pid = alloc_exactly(ns, nr);
	u32 tries = min(64, last - n->first);

	while (pid == ERR_PTR(-EEXIST) && tries--) {
		nr = nr == last ? n->first : nr + 1;
		if (!in_use(ns, nr))
			pid = alloc_exactly(ns, nr);
	}
	if (!IS_ERR(pid))
		set_last(n, ns, nr);
	return pid;
}

/* Until it has a number, or the cursor; then NULL. */
static noinline struct pid *alloc_without_cursor(struct vprocns_numbers *n,
						 struct pid_namespace *ns, u32 nr)
{
	const u32 last = highest(n, ns);
	struct pid *pid;

	if (nr > last)
		nr = n->first;
	do {
		pid = last < n->first ? ERR_PTR(-EEXIST) :
					alloc_beside(n, ns, nr, last);
		if (pid != ERR_PTR(-EEXIST) && pid != ERR_PTR(-EPERM))
			return pid;
		if (wait_a_tick())
			return ERR_PTR(-EINTR);
	} while (!lock_cursor(n));
	return NULL;
}

/*
 * The first free number from @nr on, round the range. @at_once: set where it is @nr,
 * seen without a look at what else there is.
 */
static __always_inline struct pid *alloc_near(struct vprocns_group *group,
					      struct pid_namespace *ns, u32 nr,
					      bool *at_once)
{
	struct vprocns_numbers *const n = &group->numbers;
	struct pid *pid;

	if (unlikely(!lock_cursor(n))) {
		pid = alloc_without_cursor(n, ns, nr);
		/* Never EEXIST: it has waited for the cursor instead. */
		if (pid)
			return pid;
	}
	pid = alloc_from(ns, nr);
	if (!IS_ERR(pid) && likely(nr_of(pid) == nr)) {
		unlock_cursor(n);
		*at_once = true;
		return pid;
	}
	pid = search_round(n, ns, nr, pid);
	unlock_cursor(n);
	return pid == ERR_PTR(-EEXIST) ? exhausted(group, nr) : pid;
}

/*
 * For a thread that the kernel makes: from the top, downwards, so that the program's
 * own numbers don't move.
 */
static struct pid *alloc_for_kernel(struct vprocns_group *group,
				    struct pid_namespace *ns)
{
	struct vprocns_numbers *const n = &group->numbers;
	struct pid *pid;
	u32 nr;

	for (nr = highest(n, ns); nr >= n->first; nr--) {
		if (!in_use(ns, nr)) {
			pid = alloc_one(n, ns, nr, true);
			if (!IS_ERR(pid)) {
				atomic64_inc(&group->kernel_threads);
				if (n->by_lineage)
					vprocns_numbers_pass_by(n, pid_nr(pid));
			}
			if (pid != ERR_PTR(-EEXIST))
				return pid;
		}
		cond_resched();
		if (fatal_signal_pending(current))
			return ERR_PTR(-EINTR);
	}
	return exhausted(group, highest(n, ns));
}

/*
 * Sequential numbering, in which a place is a number: one that came back and that
 * nothing else has taken since, or else a new one after all.
 */
static noinline struct pid *alloc_again(struct vprocns_clone *clone,
					struct pid_namespace *ns)
{
	struct vprocns_numbers *const n = &clone->group->numbers;
	struct pid *pid;
	bool at_once;

	for (;;) {
		clone->number.place = vprocns_numbers_retake(n);
		if (clone->number.place) {
			pid = alloc_one(n, ns, clone->number.place, false);
			if (pid != ERR_PTR(-EEXIST))
				return pid;
			cond_resched();
			continue;
		}
		clone->number.place = vprocns_numbers_take(n);
		if (clone->number.place)
			return alloc_near(clone->group, ns, clone->number.place,
					  &at_once);
	}
}

/* The clone has its number: it counts. */
static __always_inline void count_clone(struct vprocns_clone *clone)
{
	clone->counted = true;
	/* Pairs with smp_rmb() in vprocns_group_exits(): what counts is in the table. */
	smp_mb__before_atomic();
	atomic64_inc(&clone->group->made[clone->is_thread]);
}

static void count_joiner(struct vprocns_clone *clone, struct pid *pid)
{
	atomic64_inc(&clone->group->joined);
	if (clone->joiner)
		vprocns_joiners_placed(&clone->group->joiners, clone->joiner, pid);
}

/* Not for most clones: they had the number wanted at once, and nobody waits for them. */
static noinline struct pid *hold(struct vprocns_clone *clone, struct pid *pid)
{
	if (nr_of(pid) != clone->number.place) {
		vprocns_numbers_pass(&clone->group->numbers, clone->number.place,
				     nr_of(pid));
		/* This is what comes back if the clone fails. */
		clone->number.place = nr_of(pid);
	}
	if (clone->joins)
		count_joiner(clone, pid);
	return pid;
}

/*
 * Stands in for alloc_pid() in a clone that is under way in our kernel_clone(), with
 * sequential numbering.
 */
static struct pid *alloc_in_sequence(struct pid_namespace *ns, pid_t *set_tid,
				     size_t set_tid_size)
{
	struct vprocns_clone *const clone = (void *)set_tid;
	struct vprocns_group *const group = clone->group;
	bool at_once = false;
	struct pid *pid;
	u32 nr;

	nr = vprocns_numbers_take(&group->numbers);
	clone->number.place = nr;
	pid = likely(nr) ? alloc_near(group, ns, nr, &at_once) :
			   alloc_again(clone, ns);
	/* The clone will fail, too, and give back what it took. */
	if (IS_ERR(pid))
		return pid;
	count_clone(clone);
	return likely(at_once && !clone->joins) ? pid : hold(clone, pid);
}

static u32 number_of_joiner(struct vprocns_clone *clone)
{
	struct vprocns_numbers *const n = &clone->group->numbers;
	const u32 slot = clone->joiner ? clone->joiner->slot : VPROCNS_NO_SLOT;

	/* The sequence counts such tasks. */
	while (slot == VPROCNS_NO_SLOT && !clone->number.place)
		clone->number.place = vprocns_numbers_retake(n) ?:
				      vprocns_numbers_take(n);
	return vprocns_numbers_of_joiner(n, &clone->number, slot);
}

/* By lineage. */
static noinline struct pid *alloc_for_joiner(struct vprocns_clone *clone,
					     struct pid_namespace *ns)
{
	struct vprocns_numbers *const n = &clone->group->numbers;
	const u32 nr = number_of_joiner(clone);
	struct pid *pid;
	bool at_once;

	if (!nr)
		return ERR_PTR(-ENOMEM);
	pid = alloc_near(clone->group, ns, nr, &at_once);
	if (IS_ERR(pid))
		return pid;
	vprocns_numbers_keep_joiner(n, &clone->number, nr, pid_nr(pid));
	if (nr_of(pid) != nr)
		vprocns_numbers_collide(n, &clone->number, nr_of(pid));
	count_clone(clone);
	count_joiner(clone, pid);
	return pid;
}

/* The same by lineage. */
static struct pid *alloc_by_lineage(struct pid_namespace *ns, pid_t *set_tid,
				    size_t set_tid_size)
{
	struct vprocns_clone *const clone = (void *)set_tid;
	struct vprocns_group *const group = clone->group;
	struct vprocns_numbers *const n = &group->numbers;
	struct vprocns_record *cloner;
	bool at_once = false;
	struct pid *pid;

	if (unlikely(clone->joins))
		return alloc_for_joiner(clone, ns);
	cloner = vprocns_numbers_cloner(n);
	if (unlikely(!cloner))
		return ERR_PTR(-ENOMEM);
	pid = alloc_near(group, ns, cloner->wanted, &at_once);
	if (IS_ERR(pid))
		return pid;
	if (unlikely(vprocns_numbers_keep(n, &clone->number, cloner,
					  pid->numbers[0].nr, clone->is_thread))) {
		static_call(vprocns_free_pid)(pid);
		return ERR_PTR(-ENOMEM);
	}
	if (unlikely(!at_once && nr_of(pid) != clone->number.record->tid))
		vprocns_numbers_collide(n, &clone->number, nr_of(pid));
	count_clone(clone);
	return pid;
}

/*
 * Stands in for alloc_pid() otherwise: for threads that the kernel makes for a
 * member, for a set_tid of the program's own, and for clones begun before the bind.
 */
static struct pid *alloc_pid_for_others(struct pid_namespace *ns, pid_t *set_tid,
					size_t set_tid_size)
{
	struct vprocns_group *group;
	struct pid *pid;

	vprocns_target_begin();
	rcu_read_lock();
	group = vprocns_group_get_of(ns);
	rcu_read_unlock();
	if (!group)
		/* It ended since the handler looked. */
		pid = static_call(vprocns_alloc_pid)(ns, set_tid, set_tid_size);
	else if (set_tid_size)
		pid = refuse_number(group, VPROCNS_RULE_SET_TID, EPERM);
	else
		pid = alloc_for_kernel(group, ns);
	if (group)
		vprocns_group_put(group);
	vprocns_target_end();
	return pid;
}

/**
 * vprocns_hook_alloc_pid - takes over the allocation for a group's namespace
 * @fregs: the registers at the entry of alloc_pid()
 *
 * Context: ftrace handler: see struct vprocns_hook.
 */
notrace void vprocns_hook_alloc_pid(struct ftrace_regs *fregs)
{
	const struct pid_namespace *const ns =
		(void *)vprocns_regs_argument(fregs, 0);
	const struct vprocns_clone *clone = NULL;

	if (!ns->level)
		return;
	if (!vprocns_regs_argument(fregs, 2))
		clone = vprocns_clone_of((void *)vprocns_regs_argument(fregs, 1));
	if (clone && likely(clone->group->ns == ns)) {
		vprocns_regs_set_ip(fregs, clone->group->numbers.by_lineage ?
				    (unsigned long)alloc_by_lineage :
				    (unsigned long)alloc_in_sequence);
		return;
	}
	if (!vprocns_group_may_be_of(ns))
		return;
	preempt_disable_notrace();
	if (vprocns_group_of(ns))
		vprocns_regs_set_ip(fregs, (unsigned long)alloc_pid_for_others);
	preempt_enable_notrace();
}

/**
 * vprocns_pid_init - makes the credential for alloc_pid()
 *
 * Return: 0 or -ENOMEM.
 */
int vprocns_pid_init(void)
{
	number_cred = prepare_kernel_cred(&init_task);
	return number_cred ? 0 : -ENOMEM;
}

/**
 * vprocns_pid_exit - gives the credential back
 */
void vprocns_pid_exit(void)
{
	put_cred(number_cred);
}
