/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_LINEAGE_H
#define _VPROCNS_LINEAGE_H

#include <linux/types.h>

#include "descent.h"

struct task_struct;
struct vprocns_group;
struct vprocns_member;

/**
 * struct vprocns_lineages - a group's side of lineage numbering
 *
 * All of it is under the group's lock. A commit can't allocate, so each clone
 * in flight has a record waiting in @table's stock for its child.
 *
 * @table: the records of its live tasks; empty memory with another numbering
 * @in_flight: members' clones that have begun and not been committed
 * @outside_start: where the numbers of tasks that join from outside start
 */
struct vprocns_lineages {
	struct vprocns_descents table;
	u32 in_flight;
	u32 outside_start;
};

int vprocns_lineage_init(struct vprocns_group *group);
void vprocns_lineage_exit(struct vprocns_group *group);

int vprocns_lineage_begin(struct vprocns_group *group, u32 *nr);
int vprocns_lineage_begin_join(struct vprocns_group *group, u32 place, u32 *nr);
void vprocns_lineage_commit(struct vprocns_group *group,
			    struct task_struct *parent,
			    struct task_struct *child, bool joined);
void vprocns_lineage_exec(struct vprocns_group *group,
			  const struct task_struct *task);
void vprocns_lineage_end(struct vprocns_group *group,
			 const struct task_struct *task);
void vprocns_lineage_describe(struct vprocns_group *group,
			      const struct task_struct *task,
			      struct vprocns_member *member);

#endif
