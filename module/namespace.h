/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_NAMESPACE_H
#define _VPROCNS_NAMESPACE_H

struct ftrace_regs;

int vprocns_namespace_init(void);

void *vprocns_enter_unshare(struct ftrace_regs *fregs);
void *vprocns_enter_setns(struct ftrace_regs *fregs);

#endif
