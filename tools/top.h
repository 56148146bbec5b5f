/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_TOP_H
#define _VPROCNS_TOP_H

#include <stddef.h>

#include "vprocns.h"

/* Those of a group's tasks that ran longest; freed by free(). */
struct top;

/* Room for @max of them; may be 0. */
struct top *top_new(size_t max);
/* A task that ended: into the table, if it is one of them. */
void top_add(struct top *top, const struct vprocns_event_exit *exit);
/* To standard error. */
void top_print(const struct top *top);

#endif
