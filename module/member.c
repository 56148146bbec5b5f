// SPDX-License-Identifier: GPL-2.0
/*
 * The live tasks of a group, found in its namespace's table of numbers: no
 * list of ours has to be kept true.
 */
#include <linux/idr.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "group.h"
#include "member.h"

static bool is_member(const struct vprocns_group *group, struct pid *pid)
{
	return ns_of_pid(pid) == group->ns;
}

/**
 * vprocns_members_count - counts the live tasks in a group's namespace
 * @group: the group, which is bound
 * @info: .members and .nested are added to
 *
 * Context: process; may take long.
 */
void vprocns_members_count(struct vprocns_group *group,
			   struct vprocns_info *info)
{
	struct pid *pid;
	int nr = 1;

	/* One RCU section a task: there may be millions. */
	for (;; nr++) {
		rcu_read_lock();
		pid = idr_get_next(&group->ns->idr, &nr);
		if (pid && pid_task(pid, PIDTYPE_PID)) {
			if (is_member(group, pid))
				info->members++;
			else
				info->nested++;
		}
		rcu_read_unlock();
		if (!pid)
			return;
		cond_resched();
	}
}

/**
 * vprocns_member_translate - a member's TID seen from the other side
 * @group: the group
 * @translate: the question; .result is the answer
 *
 * Context: process.
 * Return: 0, -EINVAL for an unknown direction, -ESRCH when no live member has it.
 */
int vprocns_member_translate(struct vprocns_group *group,
			     struct vprocns_translate *translate)
{
	/* Pairs with smp_store_release() in vprocns_group_bind(). */
	struct pid_namespace *const ns = smp_load_acquire(&group->ns);
	const bool to_host = translate->direction == VPROCNS_TO_HOST;
	struct pid *pid;
	int err = -ESRCH;

	if (translate->reserved || translate->direction > VPROCNS_TO_VIRTUAL)
		return -EINVAL;
	if (!ns)
		return -ESRCH;

	rcu_read_lock();
	pid = to_host ? find_pid_ns(translate->tid, ns) :
			find_vpid(translate->tid);
	if (pid && is_member(group, pid) && pid_task(pid, PIDTYPE_PID)) {
		translate->result = to_host ? pid_vnr(pid) : pid_nr_ns(pid, ns);
		/* 0: the caller's namespace can't see the task. */
		err = translate->result ? 0 : -ESRCH;
	}
	rcu_read_unlock();
	return err;
}

static void describe(struct vprocns_group *group, int tid,
		     struct task_struct *task, struct vprocns_member *member)
{
	struct task_struct *const parent = rcu_dereference(task->real_parent);
	struct vprocns_origin origin;
	u64 lineage;

	*member = (struct vprocns_member) {
		.tid		= tid,
		.tgid		= task_tgid_nr_ns(task, group->ns),
		.ppid		= task_tgid_nr_ns(parent, group->ns),
		.host_tid	= task_pid_vnr(task),
		.host_tgid	= task_tgid_vnr(task),
	};
	get_task_comm(member->comm, task);
	if (!vprocns_numbers_describe(&group->numbers, task, &origin, &lineage))
		return;
	member->flags |= VPROCNS_MEMBER_LINEAGE;
	member->lineage = lineage;
	member->cloner_lineage = origin.cloner_lineage;
	member->birth = origin.ordinal;
	member->cloner = origin.cloner_tid;
}

/**
 * vprocns_member_next - describes the live member with the next TID
 * @group: the group
 * @after: TIDs up to this one are passed over
 * @member: out
 *
 * Context: process.
 * Return: whether there was one.
 */
bool vprocns_member_next(struct vprocns_group *group, int after,
			 struct vprocns_member *member)
{
	/* Pairs with smp_store_release() in vprocns_group_bind(). */
	struct pid_namespace *const ns = smp_load_acquire(&group->ns);
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
			describe(group, nr, task, member);
		rcu_read_unlock();
		cond_resched();
	} while (pid && !task);
	return task;
}
