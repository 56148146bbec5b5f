/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_MEMBER_H
#define _VPROCNS_MEMBER_H

#include <linux/sched.h>
#include <linux/types.h>

#include "record.h"

struct vprocns_group;

/**
 * struct vprocns_task - a live task of a group, as it was at one moment
 * @tid: TID in the group
 * @tgid: TGID in the group
 * @ppid: TGID of the parent in the group; 0 when the parent is outside
 * @host_tid: TID in the caller's PID namespace; 0 when not visible there
 * @host_tgid: TGID in the caller's PID namespace; 0 when not visible there
 * @comm: its name
 * @has_lineage: @origin and @lineage are known
 * @origin: how it came about
 * @lineage: its lineage
 */
struct vprocns_task {
	pid_t tid;
	pid_t tgid;
	pid_t ppid;
	pid_t host_tid;
	pid_t host_tgid;
	char comm[TASK_COMM_LEN];
	bool has_lineage;
	struct vprocns_origin origin;
	u64 lineage;
};

/**
 * struct vprocns_members_count - how many tasks there are in a group's namespace
 * @members: tasks of the group
 * @nested: tasks of namespaces below
 * @unfinished: pid 1, if it has not begun to exit; those of the other @members that
 *	programs have made since the group began and that have not begun to exit; and
 *	those that are being made and have their number
 */
struct vprocns_members_count {
	u32 members;
	u32 nested;
	u32 unfinished;
};

struct vprocns_members_count
vprocns_members_count(const struct vprocns_group *group);
pid_t vprocns_member_host_tid(const struct vprocns_group *group, pid_t tid);
pid_t vprocns_member_tid(const struct vprocns_group *group, pid_t host_tid);
bool vprocns_member_next(struct vprocns_group *group, pid_t after,
			 struct vprocns_task *found);

#endif
