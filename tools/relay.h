/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_RELAY_H
#define _VPROCNS_RELAY_H

#include <sys/types.h>

struct launch_watch;

/* Before the fork: from here on no signal is lost. */
void relay_begin(void);
/* In the child, before it executes a program: as the caller of the tool had it. */
void relay_undo(void);
/*
 * Passes signals on to @child and reaps, until it ends; serves @watch, if not NULL.
 * Returns the status of @child as a shell has it.
 */
int relay_until_end(pid_t child, const struct launch_watch *watch);
/* In a child: dies with @parent_alive's other end, which only the parent has. */
void relay_bind_life(int parent_alive);

#endif
