/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_CAPABILITY_H
#define _VPROCNS_CAPABILITY_H

struct ftrace_regs;

int vprocns_capability_init(void);

void *vprocns_enter_capget(struct ftrace_regs *fregs);
void *vprocns_enter_capset(struct ftrace_regs *fregs);

#endif
