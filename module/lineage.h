/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_LINEAGE_H
#define _VPROCNS_LINEAGE_H

#include <linux/list.h>
#include <linux/types.h>

struct task_struct;
struct vprocns_group;
struct vprocns_member;

/**
 * struct vprocns_lineages - the descent of a group's live tasks, by task
 *
 * All of it is under the group's lock. A commit can't allocate, so each clone
 * in flight has a record waiting in @spare for its child.
 *
 * @buckets: the table; NULL in a group with another numbering
 * @bits: there are 2^bits buckets
 * @old: the smaller table that is being emptied, or NULL
 * @old_left: how many buckets of @old are not moved yet
 * @nr: records in the table
 * @spare: records that no task has
 * @nr_spare: how many
 * @in_flight: members' clones that have begun and not been committed
 * @outside_start: where the numbers of tasks that join from outside start
 */
struct vprocns_lineages {
	struct hlist_head *buckets;
	u32 bits;
	struct hlist_head *old;
	u32 old_left;
	u32 nr;
	struct hlist_head spare;
	u32 nr_spare;
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
