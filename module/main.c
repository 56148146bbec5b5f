// SPDX-License-Identifier: GPL-2.0
/*
 * What is hooked, what is brought up in which order, and taken down in reverse.
 */
#include <linux/module.h>
#include <trace/events/sched.h>
#include <trace/events/task.h>

#include "capability.h"
#include "clone.h"
#include "compat.h"
#include "control.h"
#include "event.h"
#include "group.h"
#include "hooks.h"
#include "namespace.h"
#include "pid.h"
#include "symbols.h"

static struct vprocns_hook hooks[] = {
	{ VPROCNS_SYMBOL_kernel_clone },
	{ VPROCNS_SYMBOL_alloc_pid },
	{ VPROCNS_SYMBOL_ksys_unshare, vprocns_redirect_unshare },
	{ VPROCNS_SYSCALL_NATIVE(setns), vprocns_redirect_setns },
	{ VPROCNS_SYSCALL_NATIVE(capget), vprocns_redirect_capget },
	{ VPROCNS_SYSCALL_NATIVE(capset), vprocns_redirect_capset },
#ifdef VPROCNS_HAVE_COMPAT
	{ VPROCNS_SYSCALL_COMPAT(setns), vprocns_redirect_setns },
	{ VPROCNS_SYSCALL_COMPAT(capget), vprocns_redirect_capget },
	{ VPROCNS_SYSCALL_COMPAT(capset), vprocns_redirect_capset },
#endif
};

static struct vprocns_probe probes[VPROCNS_PROBE_NR] = {
	[VPROCNS_PROBE_EXEC]	= { "sched_process_exec", vprocns_probe_exec },
	[VPROCNS_PROBE_EXIT]	= { "sched_process_exit", vprocns_probe_exit },
	[VPROCNS_PROBE_NEWTASK]	= { "task_newtask", vprocns_probe_newtask },
};

/* A probe that is not as its tracepoint calls it does not compile. */
static void check_probes(void)
{
	check_trace_callback_type_task_newtask(vprocns_probe_newtask);
	check_trace_callback_type_sched_process_exec(vprocns_probe_exec);
	check_trace_callback_type_sched_process_exit(vprocns_probe_exit);
}

static int __init vprocns_init(void)
{
	int err;

	check_probes();
	vprocns_clone_init();
	err = vprocns_symbols_init();
	if (err)
		return err;
	err = vprocns_hooks_init(hooks, ARRAY_SIZE(hooks), probes);
	if (err)
		return err;
	err = vprocns_pid_init();
	if (err)
		goto err_hooks;
	err = vprocns_groups_init();
	if (err)
		goto err_pid;
	vprocns_events_init();
	/* Last: from here on there can be groups. */
	err = vprocns_control_init();
	if (err)
		goto err_events;
	return 0;

err_events:
	vprocns_events_exit();
	vprocns_groups_exit();
err_pid:
	vprocns_pid_exit();
err_hooks:
	vprocns_hooks_exit();
	return err;
}

static void __exit vprocns_exit(void)
{
	/* The last group's end needs the hooks' lock, and the hooks its table. */
	vprocns_control_exit();
	vprocns_events_exit();
	vprocns_hooks_exit();
	vprocns_groups_exit();
	vprocns_pid_exit();
}

module_init(vprocns_init);
module_exit(vprocns_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Virtual process namespaces for tagged groups of tasks");
MODULE_VERSION("0.1.0");
