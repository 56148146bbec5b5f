/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_SYMBOLS_H
#define _VPROCNS_SYMBOLS_H

#include <linux/pid.h>
#include <linux/sched/cputime.h>
#include <linux/sched/task.h>
#include <linux/static_call.h>
#include <linux/types.h>

struct pid_namespace;
struct pt_regs;

/* Each of symbol_list.h, as VPROCNS_SYMBOL_<name>. */
enum vprocns_symbol {
#define SYMBOL(name, use, when) VPROCNS_SYMBOL_##name,
#include "symbol_list.h"
#undef SYMBOL
	VPROCNS_SYMBOL_NR
};

/*
 * Calls of functions that are not exported; valid after vprocns_symbols_init().
 * Static calls are patched to direct calls. A call through a pointer would trap on
 * machines with IBT, where a function whose address the kernel never takes has lost
 * its landing pad.
 *
 * kernel_clone() and alloc_pid(), which we stand in for, are entered after the place
 * that ftrace patches: whoever traces them has seen this call already.
 */
DECLARE_STATIC_CALL(vprocns_free_pid, free_pid);
DECLARE_STATIC_CALL(vprocns_kernel_clone, kernel_clone);
DECLARE_STATIC_CALL(vprocns_alloc_pid, alloc_pid);
DECLARE_STATIC_CALL(vprocns_pidfd_pid, pidfd_pid);
DECLARE_STATIC_CALL(vprocns_capset, long (const struct pt_regs *regs));
DECLARE_STATIC_CALL(vprocns_task_sched_runtime, task_sched_runtime);
DECLARE_STATIC_CALL(vprocns_setns, long (const struct pt_regs *regs));

int vprocns_symbols_init(void);
const char *vprocns_symbol_name(enum vprocns_symbol symbol);
unsigned long vprocns_symbol_address(enum vprocns_symbol symbol);

bool vprocns_ftrace_is_on(void);
unsigned long vprocns_ftrace_site(unsigned long function);
u32 vprocns_highest_tid(const struct pid_namespace *ns);

#endif
