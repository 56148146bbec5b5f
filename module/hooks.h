/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_HOOKS_H
#define _VPROCNS_HOOKS_H

#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "symbols.h"

struct ftrace_regs;

/**
 * struct vprocns_hook - a function of the kernel whose entry we look at
 *
 * @symbol: the function
 * @redirect: returns where to go instead, or NULL to go on. It is called for members
 *	and for tasks that may put one into a group, at times for others, with
 *	preemption off: no sleep, no user memory, no lock but those of a refusal's
 *	count and of rings. NULL for the two functions of a clone: the handler calls
 *	vprocns_hook_kernel_clone() and vprocns_hook_alloc_pid() for each task that
 *	comes, and these change the registers themselves.
 * @ip: where ftrace patches its entry; found by vprocns_hooks_init()
 */
struct vprocns_hook {
	enum vprocns_symbol symbol;
	void *(*redirect)(struct ftrace_regs *fregs);
	unsigned long ip;
};

/**
 * struct vprocns_probe - a tracepoint that we listen to
 * @name: its name
 * @probe: its probe, typed as the tracepoint wants it, with a data pointer first
 * @tp: the tracepoint; found by vprocns_hooks_init()
 * @users: who needs it. Goes up under a lock of hooks.c.
 * @on: the probe is there; under that lock
 */
struct vprocns_probe {
	const char *name;
	void *probe;
	struct tracepoint *tp;
	atomic_t users;
	bool on;
};

/* The places of the probes in their table. */
enum vprocns_probe_place {
	VPROCNS_PROBE_EXEC,
	VPROCNS_PROBE_EXIT,
	VPROCNS_PROBE_NEWTASK,
	VPROCNS_PROBE_NR
};

/**
 * enum vprocns_probes - which probes somebody needs: those before that place
 * @VPROCNS_OWN_PROBES: those of exec and exit, which groups need
 * @VPROCNS_ALL_PROBES: that of a new task, too, which only events need
 */
enum vprocns_probes {
	VPROCNS_OWN_PROBES = VPROCNS_PROBE_NEWTASK,
	VPROCNS_ALL_PROBES = VPROCNS_PROBE_NR,
};

int vprocns_hooks_init(struct vprocns_hook *hooks, size_t nr_hooks,
		       struct vprocns_probe *probes);
void vprocns_hooks_exit(void);
int vprocns_hooks_get(void);
void vprocns_hooks_put(void);
int vprocns_probes_get(enum vprocns_probes which);
void vprocns_probes_put(enum vprocns_probes which);

/*
 * Tasks inside a target. Each is counted up on one CPU and maybe down on
 * another, so only the sum means something.
 */
DECLARE_PER_CPU(long, vprocns_inside);

/*
 * The beginning of a redirect target. Every target that may sleep calls it once, first.
 * RCU-tasks covers the way from the handler to here. The handler can't count, since it
 * does not know whether the target will run: another handler may send the task
 * elsewhere.
 */
static inline void vprocns_target_begin(void)
{
	this_cpu_inc(vprocns_inside);
}

/*
 * The counterpart, called last. synchronize_rcu_tasks() in free_ops() covers the
 * instructions after it.
 */
static inline void vprocns_target_end(void)
{
	this_cpu_dec(vprocns_inside);
}

#endif
