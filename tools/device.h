/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_DEVICE_H
#define _VPROCNS_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "vprocns.h"

#define DEVICE "/dev/vprocns"

/* All end the tool with a line that says what to do when they can't. */

/* The system handle. */
int device_open(void);
/* A new group's descriptor. */
int group_create(int device, const struct vprocns_create *create);
/* The descriptor of the group that @word names, by id or by name. */
int group_open(int device, const char *word);
/* @flags: VPROCNS_BIND_*. */
void group_bind(int group, int pidfd, const struct vprocns_create *create,
		__u32 flags);
/* The caller's next child in the group takes the slot. */
void group_slot(int group, __u32 slot);
struct vprocns_info group_info(int group);
struct vprocns_stats group_stats(int group);
/* One entry for each rule that refused something; how many. */
size_t group_refusals(int group, struct vprocns_refused *refused, size_t capacity);
/* kernel.pid_max: one more than the highest number that can be given. */
long pid_max(void);
/* The live tasks, by ascending TID; for free(). */
struct vprocns_member *group_members(int group, size_t *count);

/* Whether the module that is loaded is not the one that modprobe would load. */
bool device_is_outdated(void);

#endif
