// SPDX-License-Identifier: GPL-2.0
/*
 * The clone path, in the order in which a clone takes it:
 *
 * 1. kernel_clone() is redirected to a target. The policy judges the kernel's own
 *    copy of the arguments, so every entry to clone is one path and no program can
 *    change them afterwards. An allowed clone goes on in the original, with a
 *    struct vprocns_clone that describes it.
 * 2. alloc_pid() is redirected to pid.c, which gives the child its number, with lineage
 *    numbering its record, and counts it.
 * 3. task_newtask: the clone succeeded, before the child runs. Those who listen hear
 *    of it.
 * 4. The target sees what the original returns: a clone that failed gives all back
 *    that it took.
 *
 * numbers.c decides which number it is. Each probe, step 3 among them, is there only
 * while a group or somebody who listens needs it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/binfmts.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "clone.h"
#include "compat.h"
#include "event.h"
#include "group.h"
#include "hooks.h"
#include "pid.h"
#include "symbols.h"

unsigned long vprocns_clone_secret __ro_after_init;

/**
 * vprocns_clone_init - makes the secret that tells a clone of ours
 */
void __init vprocns_clone_init(void)
{
	vprocns_clone_secret = get_random_long();
}

/*
 * A self-bound group's init makes the first process, threads-only or not. Its main
 * thread does, so that there is only one.
 */
static bool is_first_process(const struct vprocns_group *group)
{
	return group->self_bound && task_pid(current) == group->init &&
	       !group->has_process;
}

/* A clone failed that was let through: if it was for the first process, that is to come. */
static void forget_process(struct vprocns_group *group, u64 flags)
{
	if (group->policy.threads_only && task_pid(current) == group->init &&
	    !(flags & CLONE_THREAD))
		group->has_process = false;
}

/*
 * A word for what a clone asks. The kernel has no flag in the uppermost bits, and lets
 * no signal through that CSIGNAL does not hold.
 */
static __always_inline u64 pack_request(const struct kernel_clone_args *args)
{
	return args->flags | (u64)args->exit_signal << 48;
}

/* The last request that the policy let through as it was, of such a clone. */
static __always_inline u64 *passed_by(struct vprocns_group *group,
				      const struct kernel_clone_args *args)
{
	return &group->passed[!!(args->flags & CLONE_THREAD)];
}

/* Most clones ask for what the one before asked for. */
static __always_inline bool was_passed(struct vprocns_group *group,
				       const struct kernel_clone_args *args)
{
	return READ_ONCE(*passed_by(group, args)) == pack_request(args);
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

static void warn_of_vfork(struct vprocns_group *group)
{
	atomic64_inc(&group->rewritten);
	if (!atomic_xchg(&group->vfork_warned, 1))
		pr_warn_ratelimited("group %llu: vfork runs as fork: an exec that fails is seen by exit status alone\n",
				    group->id);
}

/* For the first clone, and one that differs from those before. */
static int judge(struct vprocns_group *group, struct kernel_clone_args *args)
{
	struct vprocns_policy policy = group->policy;
	struct vprocns_verdict verdict;
	const bool first_process = policy.threads_only &&
				   is_first_process(group);
	const bool asks_admin = vprocns_policy_asks_admin(&policy, args->flags);

	if (first_process)
		policy.threads_only = false;
	if (asks_admin) {
		rcu_read_lock();
		policy.admin = vprocns_group_admin(group);
		rcu_read_unlock();
	}
	verdict = vprocns_policy_clone(&policy, args->flags, args->exit_signal);
	if (verdict.err) {
		refuse_clone(group, args, &verdict);
		return -verdict.err;
	}
	if (first_process && !(args->flags & CLONE_THREAD))
		group->has_process = true;

	if (verdict.flags != args->flags) {
		vprocns_event_rewritten(group, args->flags, verdict.flags);
		args->flags = verdict.flags;
		warn_of_vfork(group);
	} else if (!first_process && !asks_admin) {
		WRITE_ONCE(*passed_by(group, args), pack_request(args));
	}
	return 0;
}

static noinline void give_back(struct vprocns_clone *clone)
{
	struct vprocns_group *const group = clone->group;

	if (clone->counted) {
		atomic64_dec(&group->made[clone->is_thread]);
		if (clone->joins)
			atomic64_dec(&group->joined);
	}
	vprocns_numbers_give_back(&group->numbers, &clone->number);
	if (clone->joiner)
		vprocns_joiners_failed(&group->joiners, clone->joiner);
}

/* Makes a task of a group. */
static __always_inline pid_t clone_into(struct vprocns_group *group, bool joins,
					struct kernel_clone_args *args)
{
	struct vprocns_clone clone = {
		.token	= (unsigned long)&clone ^ vprocns_clone_secret,
		.group	= group,
		.joins	= joins,
		.is_thread = args->flags & CLONE_THREAD,
	};
	pid_t ret;

	if (joins) {
		clone.joiner = vprocns_joiners_begin(&group->joiners);
		if (IS_ERR(clone.joiner))
			return PTR_ERR(clone.joiner);
	}
	/* With a size it is the program's own, which pid.c refuses. */
	if (!args->set_tid_size)
		args->set_tid = (pid_t *)&clone;
	ret = static_call(vprocns_kernel_clone)(args);
	if (unlikely(ret < 0))
		give_back(&clone);
	/* So that what is left of it on the stack is not taken for a clone. */
	WRITE_ONCE(clone.token, 0);
	return ret;
}

/*
 * A clone from one namespace into another: the cloner's own group judges it, and the
 * other's numbers it.
 */
static pid_t clone_across(struct kernel_clone_args *args)
{
	struct vprocns_group *own, *joined;
	pid_t ret = 0;

	rcu_read_lock();
	own = vprocns_group_of_member(ns_of_pid(task_pid(current)));
	joined = vprocns_group_get_of(current->nsproxy->pid_ns_for_children);
	rcu_read_unlock();
	if (own)
		ret = judge(own, args);
	if (!ret) {
		/* None for a namespace below, which a member entered before the bind. */
		ret = joined ? clone_into(joined, true, args) :
			       static_call(vprocns_kernel_clone)(args);
		if (own && ret < 0)
			forget_process(own, args->flags);
	}
	if (joined)
		vprocns_group_put(joined);
	return ret;
}

/*
 * A clone by a process that has joined and begins at an exec that is still to come: no
 * clone of the group's, but a task in its namespace, unless that is one below.
 */
static pid_t clone_before_exec(struct vprocns_group *group,
			       struct kernel_clone_args *args)
{
	pid_t ret;

	if (!args->set_tid_size)
		args->set_tid = NULL;
	ret = static_call(vprocns_kernel_clone)(args);
	if (ret >= 0 && !(args->flags & CLONE_NEWPID))
		atomic64_inc(&group->made_before);
	return ret;
}

/* Apart from the target, which then saves no registers for what most clones are not. */
static noinline pid_t clone_unusually(struct vprocns_group *group,
				      struct kernel_clone_args *args)
{
	pid_t ret;

	if (!group)
		return clone_across(args);
	if (vprocns_joiners_is_starting(&group->joiners, current))
		return clone_before_exec(group, args);
	ret = judge(group, args);
	if (ret)
		return ret;
	ret = clone_into(group, false, args);
	if (ret < 0)
		forget_process(group, args->flags);
	return ret;
}

/*
 * The caller's group for a clone that stays in its namespace, or NULL: as the hook has
 * found it, where that could hand it on.
 */
static __always_inline struct vprocns_group *
group_of_caller(const struct kernel_clone_args *args)
{
	struct vprocns_group *group;

	if (likely(!args->set_tid_size))
		return (void *)args->set_tid;
	if (current->nsproxy->pid_ns_for_children != ns_of_pid(task_pid(current)))
		return NULL;
	preempt_disable_notrace();
	group = vprocns_group_of(ns_of_pid(task_pid(current)));
	preempt_enable_notrace();
	return group;
}

/*
 * Stands in for kernel_clone(). May sleep, for a vfork as long as its child likes. The
 * caller's group needs no reference: the init, and so the group, outlives the caller.
 */
static pid_t kernel_clone_target(struct kernel_clone_args *args)
{
	struct vprocns_group *const group = group_of_caller(args);
	pid_t ret;

	vprocns_target_begin();
	if (likely(group && !vprocns_joiners_any_starting(&group->joiners) &&
		   was_passed(group, args)))
		ret = clone_into(group, false, args);
	else
		ret = clone_unusually(group, args);
	vprocns_target_end();
	return ret;
}

/*
 * Has the target run in place of kernel_clone(). Where the program has no set_tid of its
 * own the kernel won't read that: it tells the target which group the caller is in, so
 * that the target need not look again. No register would do, since a BPF trampoline
 * that comes in between saves those of the function's own arguments alone.
 */
static __always_inline void go_to_target(struct ftrace_regs *fregs,
					 struct vprocns_group *group)
{
	struct kernel_clone_args *const args =
		(void *)vprocns_regs_argument(fregs, 0);

	if (likely(!args->set_tid_size))
		args->set_tid = (void *)group;
	vprocns_regs_set_ip(fregs, (unsigned long)kernel_clone_target);
}

/* For a caller whose children are in another namespace than itself. */
static noinline notrace void hook_across(struct ftrace_regs *fregs,
					 const struct pid_namespace *from,
					 const struct pid_namespace *to)
{
	/* An RCU read side, too. */
	preempt_disable_notrace();
	if (vprocns_group_of(from) || vprocns_group_of(to))
		go_to_target(fregs, NULL);
	preempt_enable_notrace();
}

/**
 * vprocns_hook_kernel_clone - takes over clones by members, and into groups
 * @fregs: the registers at the entry of kernel_clone()
 *
 * Those of nobody else: a vfork may stay in the target as long as its child likes, and
 * only a group holds the module meanwhile.
 *
 * Context: ftrace handler: see struct vprocns_hook.
 */
notrace void vprocns_hook_kernel_clone(struct ftrace_regs *fregs)
{
	const struct pid_namespace *const to = current->nsproxy->pid_ns_for_children;
	const struct pid_namespace *from;
	struct vprocns_group *group;

	if (!to->level)
		return;
	from = ns_of_pid(task_pid(current));
	if (unlikely(from != to)) {
		hook_across(fregs, from, to);
		return;
	}
	if (!vprocns_group_may_be_of(to))
		return;
	/* An RCU read side, too. */
	preempt_disable_notrace();
	group = vprocns_group_of(to);
	if (likely(group))
		go_to_target(fregs, group);
	preempt_enable_notrace();
}

/* Apart from the probe, which then has no registers to save for outsiders. */
static noinline void tell_new(struct pid_namespace *ns, struct task_struct *child,
			      u64 flags)
{
	struct task_struct *const parent = current;
	const bool joined = ns_of_pid(task_pid(parent)) != ns;
	struct vprocns_group *group;

	/* The kernel's own, which is no clone. */
	if (unlikely(child->flags & VPROCNS_PF_WORKER))
		return;
	/* An RCU read side, too. */
	preempt_disable_notrace();
	group = vprocns_group_of(ns);
	/* What a program does before it begins is no clone of the group's. */
	if (group && (joined || !vprocns_joiners_is_starting(&group->joiners, parent)))
		vprocns_event_new(group, child, flags);
	preempt_enable_notrace();
}

/*
 * Tells of a clone that succeeded; the current task has cloned, and the new one has not
 * run yet. No kernel-doc, which can't read these parameters.
 *
 * Context: tracepoint task_newtask; preemption off or on, as the kernel has it.
 */
VPROCNS_NEWTASK_PROBE(vprocns_probe_newtask)
{
	struct pid_namespace *const ns = ns_of_pid(task_pid(task));

	if (ns->level && vprocns_group_may_be_of(ns))
		tell_new(ns, task, clone_flags);
}

/**
 * vprocns_probe_exec - a task executed a program
 * @data: unused
 * @task: the task
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
	if (group && group->numbers.by_lineage && task->pid != old_pid)
		vprocns_numbers_exec(&group->numbers, task, old_pid);
	if (group) {
		vprocns_joiners_exec(&group->joiners, task);
		vprocns_event_exec(group, task, old_pid, bprm->filename);
	}
	rcu_read_unlock();
}

/* Apart from end_member(), so that nobody pays for it who is not recorded. */
static noinline void end_recorded(struct vprocns_group *group, struct task_struct *task)
{
	u64 lineage;
	const bool is_known = group->numbers.by_lineage &&
			      vprocns_numbers_end_known(&group->numbers, task, &lineage);

	vprocns_event_tell_exit(group, task, is_known ? &lineage : NULL);
}

/* Apart from the probe, as tell_new() is. */
static noinline void end_member(struct pid_namespace *ns, struct task_struct *task)
{
	struct vprocns_group *group;

	preempt_disable_notrace();
	group = vprocns_group_of(ns);
	if (group) {
		if (vprocns_event_exit_wanted(group))
			end_recorded(group, task);
		else if (group->numbers.by_lineage)
			vprocns_numbers_end(&group->numbers, task);
		if (!atomic_read(&task->signal->live))
			vprocns_joiners_end(&group->joiners, task);
	}
	preempt_enable_notrace();
}

/*
 * A member ends. No kernel-doc, which can't read these parameters.
 *
 * Context: tracepoint sched_process_exit; preemption off or on, as the kernel has it.
 */
VPROCNS_EXIT_PROBE(vprocns_probe_exit)
{
	struct pid_namespace *const ns = ns_of_pid(task_pid(task));

	if (ns->level && vprocns_group_may_be_of(ns))
		end_member(ns, task);
}
