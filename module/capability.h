/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_CAPABILITY_H
#define _VPROCNS_CAPABILITY_H

struct ftrace_regs;

void *vprocns_redirect_capget(struct ftrace_regs *fregs);
void *vprocns_redirect_capset(struct ftrace_regs *fregs);

#endif
