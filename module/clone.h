/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_CLONE_H
#define _VPROCNS_CLONE_H

#include <linux/types.h>

#include "compat.h"

struct ftrace_regs;
struct linux_binprm;
struct task_struct;

void *vprocns_redirect_kernel_clone(struct ftrace_regs *fregs);
void vprocns_probe_fork(void *data, struct task_struct *parent,
			struct task_struct *child);
void vprocns_probe_exec(void *data, struct task_struct *task, pid_t old_pid,
			struct linux_binprm *bprm);
VPROCNS_EXIT_PROBE(vprocns_probe_exit);

#endif
