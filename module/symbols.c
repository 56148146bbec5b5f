// SPDX-License-Identifier: GPL-2.0
/*
 * The symbols that the kernel does not export: found by name when the module loads.
 * symbol_list.h is the list of them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>

#include "compat.h"
#include "symbols.h"

DEFINE_STATIC_CALL_NULL(vprocns_free_pid, free_pid);
DEFINE_STATIC_CALL_NULL(vprocns_kernel_clone, kernel_clone);
DEFINE_STATIC_CALL_NULL(vprocns_alloc_pid, alloc_pid);
DEFINE_STATIC_CALL_NULL(vprocns_pidfd_pid, pidfd_pid);
DEFINE_STATIC_CALL_NULL(vprocns_capset, long (const struct pt_regs *regs));
DEFINE_STATIC_CALL_NULL(vprocns_task_sched_runtime, task_sched_runtime);
DEFINE_STATIC_CALL_NULL(vprocns_setns, long (const struct pt_regs *regs));

DEFINE_STATIC_CALL_NULL(vprocns_kallsyms, kallsyms_lookup_name);
DEFINE_STATIC_CALL_NULL(vprocns_ftrace_location, ftrace_location);

enum use {
	LINKED,
	LOOKED_UP,
	HOOKED,
};

static const struct {
	const char *name;
	enum use use;
	bool needed;
} symbols[] = {
#define SYMBOL(name, use, when) { #name, use, VPROCNS_NEEDED_##when },
#include "symbol_list.h"
#undef SYMBOL
};

static unsigned long addresses[VPROCNS_SYMBOL_NR];

static int find_kallsyms(void)
{
	/* Never armed: disarming takes memory, and fails without a word. */
	struct kprobe kp = {
		.symbol_name	= "kallsyms_lookup_name",
		.flags		= KPROBE_FLAG_DISABLED,
	};
	const int err = register_kprobe(&kp);

	if (err) {
		pr_err("kallsyms_lookup_name can't be found (%d): a kernel with CONFIG_KPROBES and CONFIG_KALLSYMS is needed\n",
		       err);
		return err;
	}
	static_call_update(vprocns_kallsyms, (void *)kp.addr);
	unregister_kprobe(&kp);
	return 0;
}

static void *found(enum vprocns_symbol symbol)
{
	return (void *)addresses[symbol];
}

/**
 * vprocns_symbol_address - the address of a symbol
 * @symbol: the symbol
 *
 * Return: its address in the kernel.
 */
unsigned long vprocns_symbol_address(enum vprocns_symbol symbol)
{
	return addresses[symbol];
}

/**
 * vprocns_ftrace_site - where ftrace patches the entry of a function
 * @function: its address
 *
 * Return: the address, or 0 when ftrace can't patch it.
 */
unsigned long vprocns_ftrace_site(unsigned long function)
{
	return static_call(vprocns_ftrace_location)(function);
}

/* Where the function goes on after the place that ftrace patches, or NULL. */
static void *body_of(enum vprocns_symbol symbol)
{
	const unsigned long site = vprocns_ftrace_site(addresses[symbol]);

	if (site)
		return (void *)site + MCOUNT_INSN_SIZE;
	pr_err("%s can't be hooked: it is not traceable here\n",
	       symbols[symbol].name);
	return NULL;
}

static int find_bodies(void)
{
	void *const kernel_clone_body = body_of(VPROCNS_SYMBOL_kernel_clone);
	void *const alloc_pid_body = body_of(VPROCNS_SYMBOL_alloc_pid);

	if (!kernel_clone_body || !alloc_pid_body)
		return -ENOENT;
	static_call_update(vprocns_kernel_clone, kernel_clone_body);
	static_call_update(vprocns_alloc_pid, alloc_pid_body);
	return 0;
}

/**
 * vprocns_symbols_init - finds all that this kernel must have
 *
 * Context: process; before everything else that the module brings up.
 * Return: 0, or a negative errno after an error line that names what is missing.
 */
int vprocns_symbols_init(void)
{
	const int err = find_kallsyms();
	size_t i;

	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(symbols); i++) {
		if (symbols[i].use == LINKED || !symbols[i].needed)
			continue;
		addresses[i] = static_call(vprocns_kallsyms)(symbols[i].name);
		if (!addresses[i]) {
			pr_err("this kernel has no symbol %s, or hides it: vprocns can't run on it\n",
			       symbols[i].name);
			return -ENOENT;
		}
	}
	static_call_update(vprocns_ftrace_location, found(VPROCNS_SYMBOL_ftrace_location));
	static_call_update(vprocns_free_pid, found(VPROCNS_SYMBOL_free_pid));
	static_call_update(vprocns_pidfd_pid, found(VPROCNS_SYMBOL_pidfd_pid));
	static_call_update(vprocns_task_sched_runtime,
			   found(VPROCNS_SYMBOL_task_sched_runtime));
	static_call_update(vprocns_capset, found(VPROCNS_SYSCALL_NATIVE(capset)));
	static_call_update(vprocns_setns, found(VPROCNS_SYSCALL_NATIVE(setns)));
	return find_bodies();
}

/**
 * vprocns_symbol_name - the name of a symbol
 * @symbol: the symbol
 *
 * Return: its name in the kernel.
 */
const char *vprocns_symbol_name(enum vprocns_symbol symbol)
{
	return symbols[symbol].name;
}

/**
 * vprocns_ftrace_is_on - whether ftrace may hook functions
 *
 * Return: the value of kernel.ftrace_enabled.
 */
bool vprocns_ftrace_is_on(void)
{
	return READ_ONCE(*(const int *)addresses[VPROCNS_SYMBOL_ftrace_enabled]);
}

/**
 * vprocns_highest_tid - what kernel.pid_max lets a PID namespace have at most
 * @ns: the namespace
 *
 * Return: that TID, which may be lower the next time.
 */
u32 vprocns_highest_tid(const struct pid_namespace *ns)
{
	return vprocns_ns_pid_max(ns, (const int *)addresses[VPROCNS_SYMBOL_pid_max]) - 1;
}
