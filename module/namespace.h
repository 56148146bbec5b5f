/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_NAMESPACE_H
#define _VPROCNS_NAMESPACE_H

struct ftrace_regs;

void *vprocns_redirect_unshare(struct ftrace_regs *fregs);
void *vprocns_redirect_setns(struct ftrace_regs *fregs);

#endif
