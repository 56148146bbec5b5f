// SPDX-License-Identifier: GPL-2.0
/*
 * The live tasks of a group, found in its namespace's table of numbers: no
 * list of ours has to be kept true.
 */
#include <linux/idr.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "compat.h"
#include "group.h"
#include "member.h"

static bool is_member(const struct vprocns_group *group, struct pid *pid)
{
	return ns_of_pid(pid) == group->ns;
}

/* A number that was given, and that no task has yet. */
static bool is_in_flight(const struct pid *pid)
{
	int type;

	for (type = 0; type < PIDTYPE_MAX; type++)
		if (!hlist_empty(&pid->tasks[type]))
			return false;
	return true;
}

static bool is_unfinished(const struct vprocns_group *group, const struct pid *pid,
			  const struct task_struct *task)
{
	/* A task changes its own flags at any time, and any moment's will do. */
	return !(data_race(task->flags) & (PF_EXITING | VPROCNS_PF_WORKER)) &&
	       (pid == group->init || task->start_time >= READ_ONCE(group->begun));
}

static void count_one(const struct vprocns_group *group, struct pid *pid,
		      struct vprocns_members_count *count)
{
	const struct task_struct *const task = pid_task(pid, PIDTYPE_PID);

	if (!is_member(group, pid)) {
		count->nested += !!task;
	} else if (task) {
		count->members++;
		count->unfinished += is_unfinished(group, pid, task);
	} else {
		count->unfinished += is_in_flight(pid);
	}
}

/**
 * vprocns_members_count - counts the live tasks in a group's namespace
 * @group: the group, which is bound
 *
 * Context: process; may take long.
 * Return: how many there are; not all of them at the same moment.
 */
struct vprocns_members_count
vprocns_members_count(const struct vprocns_group *group)
{
	struct vprocns_members_count count = {};
	struct pid *pid;
	int nr = 1;

	/* One RCU section a task: there may be millions. */
	for (;; nr++) {
		rcu_read_lock();
		pid = idr_get_next(&group->ns->idr, &nr);
		if (pid)
			count_one(group, pid, &count);
		rcu_read_unlock();
		if (!pid)
			return count;
		cond_resched();
	}
}

/* Of a bound group, the TID that its live task @pid has in @ns; else -ESRCH. */
static pid_t tid_in(const struct vprocns_group *group, struct pid *pid,
		    struct pid_namespace *ns)
{
	if (!pid || !is_member(group, pid) || !pid_task(pid, PIDTYPE_PID))
		return -ESRCH;
	/* 0: that namespace can't see the task. */
	return pid_nr_ns(pid, ns) ?: -ESRCH;
}

/* NULL before the bind. */
static struct pid_namespace *ns_of(const struct vprocns_group *group)
{
	/* Pairs with smp_store_release() in vprocns_group_bind(). */
	return smp_load_acquire(&group->ns);
}

/**
 * vprocns_member_host_tid - a member's TID seen by the caller
 * @group: the group
 * @tid: its TID in the group
 *
 * Context: process.
 * Return: its TID in the caller's PID namespace, or -ESRCH.
 */
pid_t vprocns_member_host_tid(const struct vprocns_group *group, pid_t tid)
{
	struct pid_namespace *const ns = ns_of(group);
	pid_t host_tid;

	if (!ns)
		return -ESRCH;
	rcu_read_lock();
	host_tid = tid_in(group, find_pid_ns(tid, ns),
			  task_active_pid_ns(current));
	rcu_read_unlock();
	return host_tid;
}

/**
 * vprocns_member_tid - the TID in a group of a task that the caller sees
 * @group: the group
 * @host_tid: its TID in the caller's PID namespace
 *
 * Context: process.
 * Return: its TID in the group, or -ESRCH.
 */
pid_t vprocns_member_tid(const struct vprocns_group *group, pid_t host_tid)
{
	struct pid_namespace *const ns = ns_of(group);
	pid_t tid;

	if (!ns)
		return -ESRCH;
	rcu_read_lock();
	tid = tid_in(group, find_vpid(host_tid), ns);
	rcu_read_unlock();
	return tid;
}

static void describe(struct vprocns_group *group, pid_t tid,
		     struct task_struct *task, struct vprocns_task *found)
{
	struct task_struct *const parent = rcu_dereference(task->real_parent);

	*found = (struct vprocns_task) {
		.tid		= tid,
		.tgid		= task_tgid_nr_ns(task, group->ns),
		.ppid		= task_tgid_nr_ns(parent, group->ns),
		.host_tid	= task_pid_vnr(task),
		.host_tgid	= task_tgid_vnr(task),
	};
	get_task_comm(found->comm, task);
	found->has_lineage = vprocns_numbers_describe(&group->numbers, task,
						      &found->origin,
						      &found->lineage);
}

/**
 * vprocns_member_next - describes the live member with the next TID
 * @group: the group
 * @after: TIDs up to this one are passed over
 * @found: out
 *
 * Context: process.
 * Return: whether there was one.
 */
bool vprocns_member_next(struct vprocns_group *group, pid_t after,
			 struct vprocns_task *found)
{
	struct pid_namespace *const ns = ns_of(group);
	struct task_struct *task = NULL;
	struct pid *pid;
	int nr = after;

	if (!ns || after == INT_MAX)
		return false;
	/* One RCU section a task: those of the namespaces below may be many. */
	do {
		nr++;
		rcu_read_lock();
		pid = idr_get_next(&ns->idr, &nr);
		if (pid && is_member(group, pid))
			task = pid_task(pid, PIDTYPE_PID);
		if (task)
			describe(group, nr, task, found);
		rcu_read_unlock();
		cond_resched();
	} while (pid && !task);
	return task;
}
