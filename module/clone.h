/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_CLONE_H
#define _VPROCNS_CLONE_H

#include <linux/types.h>

#include "compat.h"
#include "numbers.h"

struct ftrace_regs;
struct linux_binprm;
struct task_struct;
struct vprocns_group;
struct vprocns_joiner;

/**
 * struct vprocns_clone - a clone under way that makes a task of a group
 *
 * It stands on the stack of the target of kernel_clone(). Its address in
 * kernel_clone_args.set_tid, with a set_tid_size of 0 that keeps the kernel from
 * reading it, comes to alloc_pid(). There also come arrays of the kernel's own, with
 * what a program wrote in them, or what a call before left on the stack.
 *
 * @token: its own address, XORed with a secret that no program can know, while it is
 *	under way; tells it from other memory
 * @group: the group of the task that is made
 * @joins: the cloner is no member of @group
 * @is_thread: it is a thread of the cloner's process
 * @counted: it has its number, and @group counts it
 * @joiner: what @group has to tell apart of the task that joins; NULL for most
 * @number: the number of the task that is made
 */
struct vprocns_clone {
	unsigned long token;
	struct vprocns_group *group;
	bool joins;
	bool is_thread;
	bool counted;
	struct vprocns_joiner *joiner;
	struct vprocns_number number;
};

/* The secret of struct vprocns_clone's token; fixed when the module loads. */
extern unsigned long vprocns_clone_secret;

/* The clone under way that a set_tid of alloc_pid() is; or NULL. */
static inline struct vprocns_clone *vprocns_clone_of(void *set_tid)
{
	struct vprocns_clone *const clone = set_tid;

	return clone && READ_ONCE(clone->token) ==
			((unsigned long)clone ^ vprocns_clone_secret) ? clone : NULL;
}

void vprocns_clone_init(void);
void vprocns_hook_kernel_clone(struct ftrace_regs *fregs);
VPROCNS_NEWTASK_PROBE(vprocns_probe_newtask);
void vprocns_probe_exec(void *data, struct task_struct *task, pid_t old_pid,
			struct linux_binprm *bprm);
VPROCNS_EXIT_PROBE(vprocns_probe_exit);

#endif
