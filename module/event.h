/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_EVENT_H
#define _VPROCNS_EVENT_H

#include <linux/tracepoint-defs.h>
#include <linux/types.h>

#include "group.h"

struct linux_binprm;
struct task_struct;
struct vprocns_refusal;

DECLARE_TRACEPOINT(vprocns_new);
DECLARE_TRACEPOINT(vprocns_exit);

void vprocns_events_init(void);
void vprocns_events_exit(void);
void vprocns_events_settle(void);
int vprocns_event_traced(void);
void vprocns_event_untraced(void);

void vprocns_event_made(const struct vprocns_group *group);
void vprocns_event_bound(struct vprocns_group *group);
void vprocns_event_ended(struct vprocns_group *group);
void vprocns_event_tell_new(struct vprocns_group *group,
			    struct task_struct *child, u64 flags);
void vprocns_event_exec(struct vprocns_group *group, struct task_struct *task,
			pid_t old_pid, const char *filename);
void vprocns_event_tell_exit(struct vprocns_group *group, struct task_struct *task,
			     const u64 *lineage);
void vprocns_event_refused(struct vprocns_group *group,
			   const struct vprocns_refusal *refusal);
void vprocns_event_rewritten(struct vprocns_group *group, u64 asked, u64 flags);
void vprocns_event_capset_refused(struct vprocns_group *group, int err);

/* A task was made; see vprocns_event_tell_new(). */
static inline void vprocns_event_new(struct vprocns_group *group,
				     struct task_struct *child, u64 flags)
{
	if (vprocns_rings_wanted(&group->rings) || tracepoint_enabled(vprocns_new))
		vprocns_event_tell_new(group, child, flags);
}

/* Whether anybody wants to hear of a member's end: see vprocns_event_tell_exit(). */
static inline bool vprocns_event_exit_wanted(const struct vprocns_group *group)
{
	return vprocns_rings_wanted(&group->rings) || tracepoint_enabled(vprocns_exit);
}

#endif
