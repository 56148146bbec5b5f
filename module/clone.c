// SPDX-License-Identifier: GPL-2.0
/*
 * The clone path, in the order in which a clone takes it:
 *
 * 1. kernel_clone() is entered: the policy judges the kernel's own copy of the
 *    arguments, so every entry to clone is one path and no program can change
 *    them afterwards. A refusal goes to a target that returns the errno; an
 *    allowed clone is marked as the program's own.
 * 2. alloc_pid() is redirected to pid.c, which gives the child its number.
 * 3. sched_process_fork: the clone succeeded, before the child runs. The
 *    number is committed. One that is never committed is given out again.
 *
 * numbers.c decides which number it is.
 */
#include <linux/binfmts.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "clone.h"
#include "compat.h"
#include "event.h"
#include "group.h"
#include "hooks.h"
#include "pid.h"

/*
 * A self-bound group's init makes the first process, threads-only or not. Its main
 * thread does, so that there is only one.
 */
static bool is_first_process(const struct vprocns_group *group)
{
	return group->self_bound && !READ_ONCE(group->numbers.has_process) &&
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
	const bool first_process = policy.threads_only &&
				   is_first_process(group);
	const bool asks_admin = vprocns_policy_asks_admin(&policy, args->flags);

	if (first_process)
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
		/* The warning is printed later: a handler must not print. */
		atomic_cmpxchg(&group->vfork_warning, 0, 1);
	} else if (!first_process && !asks_admin) {
		WRITE_ONCE(*passed, pack_request(args));
	}
	return NULL;
}

/**
 * vprocns_redirect_kernel_clone - judges a member's clone
 * @fregs: the registers at the entry of kernel_clone()
 *
 * Context: ftrace handler of a task outside the initial PID namespace.
 * Return: a target that refuses, or NULL.
 */
void *vprocns_redirect_kernel_clone(struct ftrace_regs *fregs)
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
	vprocns_pid_mark(args);
	return NULL;
}

/* Apart from the probe, which then has no registers to save for outsiders. */
static noinline void commit_clone(struct task_struct *parent,
				  struct task_struct *child)
{
	const struct pid *const pid = task_pid(child);
	const struct upid *const upid = &pid->numbers[pid->level];
	struct vprocns_group *group;

	rcu_read_lock();
	group = vprocns_group_of(upid->ns);
	if (group) {
		vprocns_numbers_commit(&group->numbers, parent, child,
				       task_active_pid_ns(parent) != upid->ns);
		vprocns_event_new(group, parent, child);
	}
	rcu_read_unlock();
}

/**
 * vprocns_probe_fork - commits the number of a clone that succeeded
 * @data: unused
 * @parent: the task that cloned
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
		vprocns_numbers_exec(&group->numbers, task);
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
		if (group->numbers.by_lineage)
			vprocns_numbers_end(&group->numbers, task);
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
