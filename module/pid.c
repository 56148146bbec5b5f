// SPDX-License-Identifier: GPL-2.0
/*
 * Stands in for alloc_pid() in a group's namespace: decides on a number and has
 * the original put it into a struct pid. From there the kernel carries it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "compat.h"
#include "group.h"
#include "hooks.h"
#include "pid.h"
#include "symbols.h"

/* Lets alloc_pid() take our set_tid, whatever the cloner may do. */
static const struct cred *number_cred;

/*
 * Its address in kernel_clone_args.set_tid, with a set_tid_size of 0 that
 * keeps the kernel from reading it, tells a program's clone from a thread that
 * the kernel makes for a member (io_uring) without kernel_clone().
 */
static pid_t programs_own;

/**
 * vprocns_pid_mark - marks a clone as the program's own
 * @args: its arguments
 *
 * Context: any.
 */
void vprocns_pid_mark(struct kernel_clone_args *args)
{
	if (!args->set_tid_size)
		args->set_tid = &programs_own;
}

/*
 * override_creds() of Linux 6.13 and later, on all: what it counted before was
 * one cache line for all groups. number_cred outlives every clone.
 */
static const struct cred *exchange_cred(const struct cred *cred)
{
	return rcu_replace_pointer(current->cred, cred, true);
}

static struct pid *alloc_number(struct pid_namespace *ns, pid_t nr)
{
	const unsigned int privileged = current->flags & PF_SUPERPRIV;
	const struct cred *const own = exchange_cred(number_cred);
	struct pid *const pid =
		static_call(vprocns_alloc_pid)(ns, &nr, 1);

	exchange_cred(own);
	/* The privilege was ours: process accounting must not show it. */
	if (!privileged)
		current->flags &= ~PF_SUPERPRIV;
	return pid;
}

/*
 * EEXIST also for a number that no task can have since kernel.pid_max was lowered.
 * The first candidate is usually free. After a miss the next is likely taken too,
 * so look before trying.
 */
static struct pid *try_number(struct pid_namespace *ns, u32 nr, bool first_try)
{
	struct pid *pid;
	bool used;

	if (!first_try) {
		rcu_read_lock();
		used = nr > vprocns_highest_tid(ns) || find_pid_ns(nr, ns);
		rcu_read_unlock();
		if (used)
			return ERR_PTR(-EEXIST);
	}
	pid = alloc_number(ns, nr);
	return pid == ERR_PTR(-EINVAL) ? ERR_PTR(-EEXIST) : pid;
}

static struct pid *refuse_number(struct vprocns_group *group, int rule, int err)
{
	const struct vprocns_refusal refusal = {
		.call = VPROCNS_CALL_NUMBER, .rule = rule, .err = err,
	};

	vprocns_group_refused(group, &refusal);
	return ERR_PTR(-err);
}

static struct pid *exhausted(struct vprocns_group *group)
{
	return refuse_number(group, VPROCNS_RULE_EXHAUSTED, EAGAIN);
}

/* The first free number from @nr on, round the range upwards or downwards. */
static struct pid *alloc_near(struct vprocns_group *group,
			      struct pid_namespace *ns, u32 nr, bool down)
{
	const u32 first = group->numbers.first;
	const u32 last = min(group->numbers.last, vprocns_highest_tid(ns));
	struct pid *pid;
	u32 i;

	if (nr > last)
		nr = down ? last : first;
	for (i = first; i <= last; i++) {
		pid = try_number(ns, nr, i == first);
		if (pid != ERR_PTR(-EEXIST))
			return pid;
		cond_resched();
		if (fatal_signal_pending(current))
			return ERR_PTR(-EINTR);
		if (down)
			nr = nr == first ? last : nr - 1;
		else
			nr = nr == last ? first : nr + 1;
	}
	return exhausted(group);
}

/* From the top, downwards, so that the program's own numbers don't move. */
static struct pid *alloc_for_kernel(struct vprocns_group *group,
				    struct pid_namespace *ns)
{
	struct pid *const pid = alloc_near(group, ns, group->numbers.last, true);

	if (!IS_ERR(pid))
		atomic64_inc(&group->kernel_threads);
	return pid;
}

/* Sequential numbering, in which a place is a number. */
static struct pid *alloc_next(struct vprocns_group *group,
			      struct pid_namespace *ns)
{
	struct vprocns_numbers *const n = &group->numbers;
	const u32 span = vprocns_numbers_span(n);
	struct pid *pid;
	u32 i, nr;
	int err;

	for (i = 0; i < span; i++) {
		err = vprocns_numbers_take(n, ns, &nr);
		if (err)
			return ERR_PTR(err);
		pid = try_number(ns, nr, i == 0);
		if (pid != ERR_PTR(-EEXIST)) {
			vprocns_numbers_hold(n, nr, pid);
			return pid;
		}
		vprocns_numbers_skip(n, nr);
		cond_resched();
		if (fatal_signal_pending(current))
			return ERR_PTR(-EINTR);
	}
	return exhausted(group);
}

static struct pid *alloc_by_lineage(struct vprocns_group *group,
				    struct pid_namespace *ns)
{
	u32 nr;
	const int err = vprocns_numbers_of_child(&group->numbers, &nr);

	return err ? ERR_PTR(err) : alloc_near(group, ns, nr, false);
}

/* By lineage, for a cloner outside. The sequence counts such tasks. */
static struct pid *alloc_for_joiner(struct vprocns_group *group,
				    struct pid_namespace *ns)
{
	struct vprocns_numbers *const n = &group->numbers;
	struct pid *pid;
	u32 place, nr;
	int err;

	err = vprocns_numbers_take(n, ns, &place);
	if (err)
		return ERR_PTR(err);
	err = vprocns_numbers_of_joiner(n, place, &nr);
	pid = err ? ERR_PTR(err) : alloc_near(group, ns, nr, false);
	vprocns_numbers_hold(n, place, pid);
	return pid;
}

static struct pid *alloc_in_group(struct vprocns_group *group,
				  struct pid_namespace *ns, bool joins,
				  const pid_t *set_tid, size_t set_tid_size)
{
	if (set_tid_size)
		return refuse_number(group, VPROCNS_RULE_SET_TID, EPERM);
	if (atomic_read(&group->vfork_warning) == 1 &&
	    atomic_cmpxchg(&group->vfork_warning, 1, 2) == 1)
		pr_warn_ratelimited("group %llu: vfork runs as fork: an exec that fails is seen by exit status alone\n",
				    group->id);
	/* A task that joins from outside comes unmarked. */
	if (set_tid != &programs_own && !joins)
		return alloc_for_kernel(group, ns);
	if (!group->numbers.by_lineage)
		return alloc_next(group, ns);
	return joins ? alloc_for_joiner(group, ns) : alloc_by_lineage(group, ns);
}

/* Stands in for alloc_pid(). May sleep. */
static struct pid *alloc_pid_target(struct pid_namespace *ns, pid_t *set_tid,
				    size_t set_tid_size)
{
	const bool joins = task_active_pid_ns(current) != ns;
	struct vprocns_group *group;
	struct pid *pid;

	vprocns_target_begin();
	/* A member needs no reference: the init, and so the group, outlives it. */
	rcu_read_lock();
	group = joins ? vprocns_group_get_of(ns) : vprocns_group_of(ns);
	rcu_read_unlock();
	if (group) {
		pid = alloc_in_group(group, ns, joins, set_tid, set_tid_size);
		if (joins)
			vprocns_group_put(group);
	} else {
		/* It ended since the handler looked. */
		pid = static_call(vprocns_alloc_pid)(ns, set_tid,
						     set_tid_size);
	}
	vprocns_target_end();
	return pid;
}

/**
 * vprocns_redirect_alloc_pid - takes over the allocation for a group's namespace
 * @fregs: the registers at the entry of alloc_pid()
 *
 * Context: ftrace handler of any task. The group is the namespace's; for a task
 * put into it from outside that is not the caller's.
 * Return: alloc_pid_target(), or NULL, as for its call of the original.
 */
void *vprocns_redirect_alloc_pid(struct ftrace_regs *fregs)
{
	const struct pid_namespace *const ns =
		(void *)vprocns_regs_argument(fregs, 0);

	if (!vprocns_group_of(ns))
		return NULL;
	/* alloc_number() calls. A kretprobe may have changed where it returns to. */
	if (current_cred() == number_cred)
		return NULL;
	return alloc_pid_target;
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
