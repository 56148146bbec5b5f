/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_PID_H
#define _VPROCNS_PID_H

struct ftrace_regs;

int vprocns_pid_init(void);
void vprocns_pid_exit(void);

void vprocns_hook_alloc_pid(struct ftrace_regs *fregs);

#endif
