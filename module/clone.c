// SPDX-License-Identifier: GPL-2.0
/*
 * The clone path, in the order in which a clone takes it:
 *
 * 1. kernel_clone() is entered: the policy judges the kernel's own copy of the
 *    arguments, so every entry to clone is one path and nobody can change them
 *    afterwards. A refusal goes to a target that returns the errno; an allowed
 *    clone is marked as the program's own.
 * 2. alloc_pid() is redirected to ours: it takes a number and has the original
 *    put it into a struct pid. From there the kernel carries it everywhere.
 * 3. sched_process_fork: the clone succeeded, before the child runs. The
 *    number is committed. One that never comes here is given out again.
 *
 * Which number it is, numbering.c says: the next one, or, with lineage
 * numbering, the one that follows from the cloner's descent (lineage.c).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/binfmts.h>
#include <linux/cred.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/static_call.h>

#include "clone.h"
#include "compat.h"
#include "event.h"
#include "group.h"
#include "hooks.h"
#include "lineage.h"
#include "request.h"

static struct pid *no_alloc_pid(struct pid_namespace *ns, pid_t *set_tid,
				size_t set_tid_size)
{
	return ERR_PTR(-EOPNOTSUPP);
}

/* The original; patched to a direct call: see vprocns_kallsyms. */
DEFINE_STATIC_CALL(vprocns_alloc_pid_original, no_alloc_pid);

/* Lets alloc_pid() take our set_tid, whoever the cloner is. */
static const struct cred *number_cred;

/*
 * Its address in kernel_clone_args.set_tid, with a set_tid_size of 0 that
 * keeps the kernel from reading it, tells a program's clone from a thread that
 * the kernel makes for a member (io_uring), which has no kernel_clone().
 */
static pid_t programs_own;

/*
 * A self-bound group's init makes the first process, threads-only or not: its main
 * thread does, so that no two can be first.
 */
static bool is_first_process(const struct vprocns_group *group)
{
	return group->self_bound && !READ_ONCE(group->has_program) &&
	       task_pid(current) == group->init;
}

/* A word for what a clone asks: the flags have no bits where the signal is. */
static u64 pack_request(const struct kernel_clone_args *args)
{
	if (args->flags & CSIGNAL || args->exit_signal & ~CSIGNAL)
		return 0;
	return args->flags | args->exit_signal;
}

static void refuse_clone(struct vprocns_group *group,
			 const struct kernel_clone_args *args,
			 const struct vprocns_verdict *verdict)
{
	const struct vprocns_refusal refusal = {
		.call = vprocns_clone_call(), .rule = verdict->rule,
		.flags = args->flags, .exit_signal = args->exit_signal,
		.err = verdict->err,
	};

	vprocns_group_refused(group, &refusal);
}

/* Returns NULL or the target that refuses. */
static void *judge_clone(struct vprocns_group *group,
			 struct kernel_clone_args *args, u64 *passed)
{
	struct vprocns_policy policy = group->policy;
	struct vprocns_verdict verdict;
	const bool first = policy.threads_only && is_first_process(group);
	const bool asks_admin = vprocns_policy_asks_admin(&policy, args->flags);

	if (first)
		policy.threads_only = false;
	if (asks_admin)
		policy.admin = vprocns_group_admin(group);
	verdict = vprocns_policy_clone(&policy, args->flags, args->exit_signal);
	if (verdict.err) {
		refuse_clone(group, args, &verdict);
		return vprocns_refuse(verdict.err);
	}

	if (verdict.flags != args->flags) {
		vprocns_event_rewritten(group, args->flags, verdict.flags);
		args->flags = verdict.flags;
		atomic64_inc(&group->rewritten);
		/* Said later: printing is not for a handler. */
		atomic_cmpxchg(&group->vfork_warning, 0, 1);
	} else if (!first && !asks_admin) {
		WRITE_ONCE(*passed, pack_request(args));
	}
	return NULL;
}

/**
 * vprocns_enter_kernel_clone - judges a member's clone
 * @fregs: the registers at the entry of kernel_clone()
 *
 * Context: ftrace handler of a task outside the initial PID namespace.
 * Return: a target that refuses, or NULL.
 */
void *vprocns_enter_kernel_clone(struct ftrace_regs *fregs)
{
	struct kernel_clone_args *const args =
		(void *)vprocns_regs_argument(fregs, 0);
	struct vprocns_group *group;
	void *refusal;
	u64 request, *passed;

	group = vprocns_group_of(task_active_pid_ns(current));
	if (!group)
		return NULL;

	/* Most clones ask for what the one before asked for. */
	request = pack_request(args);
	passed = &group->passed[!!(args->flags & CLONE_THREAD)];
	if (!request || READ_ONCE(*passed) != request) {
		refusal = judge_clone(group, args, passed);
		if (refusal)
			return refusal;
	}
	if (!args->set_tid_size)
		args->set_tid = &programs_own;
	return NULL;
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
		static_call(vprocns_alloc_pid_original)(ns, &nr, 1);

	exchange_cred(own);
	/* The privilege was ours: process accounting must not show it. */
	if (!privileged)
		current->flags &= ~PF_SUPERPRIV;
	return pid;
}

/*
 * EEXIST also for a number that nobody can have since kernel.pid_max was lowered.
 * The first that a clone tries is free most of the time; where one is not, the
 * next may not be either, and to look is cheaper than an attempt.
 */
static struct pid *try_number(struct pid_namespace *ns, u32 nr, bool first)
{
	struct pid *pid;
	bool used;

	if (!first) {
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

/* The first number that is free, from @nr on, round the range upwards or down. */
static struct pid *alloc_near(struct vprocns_group *group,
			      struct pid_namespace *ns, u32 nr, bool down)
{
	const u32 first = group->create.first;
	const u32 last = min(group->create.last, vprocns_highest_tid(ns));
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
	struct pid *const pid = alloc_near(group, ns, group->create.last, true);

	if (!IS_ERR(pid))
		atomic64_inc(&group->kernel_threads);
	return pid;
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

static int make_room(struct vprocns_group *group, u32 max)
{
	struct vprocns_pending *larger, *unused;

	/* Cloners that a cgroup keeps waiting may be thousands. */
	larger = kvmalloc_array(max, sizeof(*larger), GFP_KERNEL_ACCOUNT);
	if (!larger)
		return -ENOMEM;
	raw_spin_lock(&group->lock);
	unused = vprocns_numbering_grow(&group->numbering, larger, max);
	raw_spin_unlock(&group->lock);
	kvfree(unused);
	return 0;
}

static int take_place(struct vprocns_group *group, struct pid_namespace *ns,
		      u32 *place)
{
	u32 max;
	int err;

	for (;;) {
		raw_spin_lock(&group->lock);
		*place = vprocns_numbering_take(&group->numbering, clone_failed,
						ns);
		max = 2 * group->numbering.max_pending;
		raw_spin_unlock(&group->lock);
		if (*place)
			return 0;
		err = make_room(group, max);
		if (err)
			return err;
	}
}

static void skip_place(struct vprocns_group *group, u32 place)
{
	raw_spin_lock(&group->lock);
	vprocns_numbering_skip(&group->numbering, place);
	raw_spin_unlock(&group->lock);
}

/* Keeps the place for @pid until the commit; gives it back if that is an error. */
static void hold_place(struct vprocns_group *group, u32 place,
		       const struct pid *pid)
{
	const bool failed = IS_ERR(pid);
	const u32 nr = failed ? 0 : pid->numbers[pid->level].nr;

	raw_spin_lock(&group->lock);
	vprocns_numbering_placed(&group->numbering, place, nr,
				 failed ? VPROCNS_NOBODY : pid);
	raw_spin_unlock(&group->lock);
}

/* Sequential numbering, in which a place is a number. */
static struct pid *alloc_next(struct vprocns_group *group,
			      struct pid_namespace *ns)
{
	const u32 span = vprocns_group_span(group);
	struct pid *pid;
	u32 i, nr;
	int err;

	for (i = 0; i < span; i++) {
		err = take_place(group, ns, &nr);
		if (err)
			return ERR_PTR(err);
		pid = try_number(ns, nr, i == 0);
		if (pid != ERR_PTR(-EEXIST)) {
			hold_place(group, nr, pid);
			return pid;
		}
		skip_place(group, nr);
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
	const int err = vprocns_lineage_begin(group, &nr);

	return err ? ERR_PTR(err) : alloc_near(group, ns, nr, false);
}

/* For a cloner outside; a place in the sequence counts such tasks. */
static struct pid *alloc_for_joiner(struct vprocns_group *group,
				    struct pid_namespace *ns)
{
	struct pid *pid;
	u32 place, nr;
	int err;

	err = take_place(group, ns, &place);
	if (err)
		return ERR_PTR(err);
	err = vprocns_lineage_begin_join(group, place, &nr);
	pid = err ? ERR_PTR(err) : alloc_near(group, ns, nr, false);
	hold_place(group, place, pid);
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
	/* An outsider who puts a task into the group comes unmarked. */
	if (set_tid != &programs_own && !joins)
		return alloc_for_kernel(group, ns);
	if (!vprocns_by_lineage(group))
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

	vprocns_hook_enter();
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
		pid = static_call(vprocns_alloc_pid_original)(ns, set_tid,
							      set_tid_size);
	}
	vprocns_hook_leave();
	return pid;
}

/**
 * vprocns_enter_alloc_pid - takes over the allocation for a group's namespace
 * @fregs: the registers at the entry of alloc_pid()
 *
 * Context: ftrace handler of any task: the namespace says whose group it is,
 * which for a task put into the group from outside is not the caller's.
 * Return: alloc_pid_target(), or NULL, as for its call of the original.
 */
void *vprocns_enter_alloc_pid(struct ftrace_regs *fregs)
{
	const struct pid_namespace *const ns =
		(void *)vprocns_regs_argument(fregs, 0);

	if (!vprocns_group_of(ns))
		return NULL;
	/* By alloc_number(). A kretprobe may have changed where it returns to. */
	if (current_cred() == number_cred)
		return NULL;
	return alloc_pid_target;
}

/* Apart from the probe, which so has no registers to save for outsiders. */
static noinline void commit_clone(struct task_struct *parent,
				  struct task_struct *child)
{
	const struct pid *const pid = task_pid(child);
	const struct upid *const upid = &pid->numbers[pid->level];
	struct vprocns_group *group;
	bool joined;

	rcu_read_lock();
	group = vprocns_group_of(upid->ns);
	if (group) {
		joined = task_active_pid_ns(parent) != upid->ns;
		raw_spin_lock(&group->lock);
		if (vprocns_by_lineage(group))
			vprocns_lineage_commit(group, parent, child, joined);
		else
			vprocns_numbering_commit(&group->numbering, upid->nr);
		group->clones++;
		/* is_first_process() looks without the lock. */
		if (!joined && thread_group_leader(child))
			WRITE_ONCE(group->has_program, true);
		group->threads += !thread_group_leader(child);
		group->joined += joined;
		raw_spin_unlock(&group->lock);
		vprocns_event_new(group, parent, child);
	}
	rcu_read_unlock();
}

/**
 * vprocns_probe_fork - commits the number of a clone that succeeded
 * @data: unused
 * @parent: who cloned
 * @child: the new task, which has not run yet
 *
 * Context: tracepoint sched_process_fork; preemption off or on, as the kernel has it.
 */
void vprocns_probe_fork(void *data, struct task_struct *parent,
			struct task_struct *child)
{
	if (task_pid(child)->level)
		commit_clone(parent, child);
}

/**
 * vprocns_probe_exec - a task executed a program
 * @data: unused
 * @task: who did
 * @old_pid: its TID before, in the initial PID namespace
 * @bprm: the program
 *
 * Context: tracepoint sched_process_exec; preemption off or on, as the kernel has it.
 */
void vprocns_probe_exec(void *data, struct task_struct *task, pid_t old_pid,
			struct linux_binprm *bprm)
{
	struct pid *const pid = task_pid(task);
	struct vprocns_group *group;

	if (!pid->level)
		return;
	if (is_child_reaper(pid))
		vprocns_group_start(pid->numbers[pid->level].ns);
	rcu_read_lock();
	group = vprocns_group_of(task_active_pid_ns(task));
	/* Only a thread that is not the leader changes its number: to the leader's. */
	if (group && vprocns_by_lineage(group) && task->pid != old_pid)
		vprocns_lineage_exec(group, task);
	if (group)
		vprocns_event_exec(group, task, old_pid, bprm->filename);
	rcu_read_unlock();
}

/* Apart from the probe, as commit_clone() is. */
static noinline void count_exit(struct task_struct *task)
{
	struct vprocns_group *group;

	rcu_read_lock();
	group = vprocns_group_of(task_active_pid_ns(task));
	if (group) {
		atomic64_inc(&group->exits);
		vprocns_event_exit(group, task);
		if (vprocns_by_lineage(group))
			vprocns_lineage_end(group, task);
	}
	rcu_read_unlock();
}

/*
 * Counts a member's end. No kernel-doc, which can't read these parameters.
 *
 * Context: tracepoint sched_process_exit; preemption off or on, as the kernel has it.
 */
VPROCNS_EXIT_PROBE(vprocns_probe_exit)
{
	if (task_pid(task)->level)
		count_exit(task);
}

/**
 * vprocns_clone_init - finds the original alloc_pid() and a credential for it
 *
 * Return: 0 or a negative errno.
 */
int vprocns_clone_init(void)
{
	void *const original = vprocns_symbol("alloc_pid");

	if (!original)
		return -ENOENT;
	static_call_update(vprocns_alloc_pid_original, original);
	number_cred = prepare_kernel_cred(&init_task);
	return number_cred ? 0 : -ENOMEM;
}

/**
 * vprocns_clone_exit - gives the credential back
 */
void vprocns_clone_exit(void)
{
	put_cred(number_cred);
}
