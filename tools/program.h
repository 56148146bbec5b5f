/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_PROGRAM_H
#define _VPROCNS_PROGRAM_H

#include <stdnoreturn.h>
#include <sys/types.h>

/* Gives up every capability for good; the view of a group is then a true one. */
void program_drop(void);
/* Executes @argv as the tool's own caller would have; 126 or 127 if it can't. */
noreturn void program_execute(char **argv, pid_t caller);

#endif
