// SPDX-License-Identifier: GPL-2.0
/*
 * The plumbing: entry hooks by ftrace and probes on tracepoints. It knows no
 * policy.
 *
 * One ftrace_ops holds all functions, so they come and go as one: nothing is
 * ever half hooked. Only unloading the module waits for RCU-tasks. Each probe
 * comes and goes by itself: most groups need none.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/percpu.h>
#include <linux/pid_namespace.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "clone.h"
#include "compat.h"
#include "group.h"
#include "hooks.h"
#include "pid.h"

/* A loop of short runs must not pay for text patching each time. */
#define IDLE_DELAY	(5 * HZ)

static struct vprocns_hook *hooks;
static size_t nr_hooks;
/* Where ftrace patches the two of a clone. */
static unsigned long kernel_clone_ip __ro_after_init;
static unsigned long alloc_pid_ip __ro_after_init;
static struct vprocns_probe *probes;

/*
 * Protects hooked, ready and which probes are on, and is held while the kernel's text
 * is patched: not taken with a lock that another group's calls need.
 */
static DEFINE_MUTEX(hooks_lock);
static bool hooked;
/* What is needed was found, and the module is not on its way out. */
static bool ready;
/* Who needs them. Goes up under hooks_lock, so that they don't go meanwhile. */
static atomic_t hook_users = ATOMIC_INIT(0);
static bool keep_hooks;

DEFINE_PER_CPU(long, vprocns_inside);

/* ftrace calls us at no other place. */
static const struct vprocns_hook *hook_at(unsigned long ip)
{
	const struct vprocns_hook *hook;

	for (hook = hooks; hook < hooks + nr_hooks; hook++)
		if (hook->ip == ip && hook->redirect)
			return hook;
	return NULL;
}

/* Apart from the handler, which then has no registers to save. */
static noinline notrace void redirect(unsigned long ip, struct ftrace_regs *fregs)
{
	const struct vprocns_hook *const hook = hook_at(ip);
	void *target;

	if (WARN_ON_ONCE(!hook))
		return;
	/* An RCU read side, too. */
	preempt_disable_notrace();
	target = hook->redirect(fregs);
	preempt_enable_notrace();
	if (likely(target))
		vprocns_regs_set_ip(fregs, (unsigned long)target);
}

/*
 * Members, and tasks outside a group that may put one into it. A few others, whose
 * namespaces fall together with a group's in the table: a redirect looks again. A task
 * that exits has no namespaces any more.
 */
static __always_inline bool concerns_us(void)
{
	const struct nsproxy *const namespaces = current->nsproxy;
	const struct pid_namespace *ns;

	if (!namespaces)
		return false;
	ns = namespaces->pid_ns_for_children;
	if (!ns->level)
		return false;
	return vprocns_group_may_be_of(ns) ||
	       (unlikely(ns != ns_of_pid(task_pid(current))) &&
		vprocns_group_may_be_of(ns_of_pid(task_pid(current))));
}

/*
 * Nothing that it calls is hooked, so it does without ftrace's guard against
 * recursion, which FTRACE_OPS_FL_RECURSION would ask for. The two of a clone are called
 * by name, which spares it a search and calls by pointers.
 */
static void notrace vprocns_ftrace(unsigned long ip, unsigned long parent_ip,
				   struct ftrace_ops *ops,
				   struct ftrace_regs *fregs)
{
	if (ip == kernel_clone_ip)
		vprocns_hook_kernel_clone(fregs);
	else if (ip == alloc_pid_ip)
		vprocns_hook_alloc_pid(fregs);
	else if (concerns_us())
		redirect(ip, fregs);
}

#define HOOK_FLAGS							\
	(FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT | VPROCNS_FTRACE_REGS)

/* On the heap: where ftrace has shut itself down, it outlives the module. */
static struct ftrace_ops *hook_ops;

static void notrace do_nothing(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
}

/*
 * A BPF trampoline at a function makes way for us, but for as long as a program
 * comes to it or goes the kernel has us try again, a millisecond later.
 */
static int register_patiently(struct ftrace_ops *ops)
{
	unsigned int tries = 1000;
	int err;

	do {
		err = register_ftrace_function(ops);
	} while (err == -EAGAIN && --tries);
	return err == -EAGAIN ? -EBUSY : err;
}

/*
 * Registering all failed: tries each alone, to name the one that is taken. Not each
 * time, since anybody may try again and again, and ftrace waits for RCU-tasks. The
 * ops is a new one each time: one whose filter was freed may not be used again.
 */
static void name_the_taken(int err)
{
	static DEFINE_RATELIMIT_STATE(naming, 60 * HZ, 3);
	struct ftrace_ops *trial;
	size_t i;

	if (!__ratelimit(&naming))
		return;
	trial = kzalloc(sizeof(*trial), GFP_KERNEL);
	if (!trial)
		return;
	trial->func = do_nothing;
	trial->flags = HOOK_FLAGS;
	for (i = 0; i < nr_hooks; i++) {
		int ret = ftrace_set_filter_ip(trial, hooks[i].ip, 0, 1);

		if (!ret)
			ret = register_patiently(trial);
		if (ret) {
			pr_err("%s can't be hooked (%d): a live patch or another module has it\n",
			       vprocns_symbol_name(hooks[i].symbol), ret);
			break;
		}
		/* ftrace has shut itself down, and still calls it. */
		if (unregister_ftrace_function(trial))
			return;
	}
	if (i == nr_hooks)
		pr_err("the hooks can't be registered (%d)\n", err);
	ftrace_free_filter(trial);
	kfree(trial);
}

static int probe_on(struct vprocns_probe *probe)
{
	const int err = tracepoint_probe_register(probe->tp, probe->probe, NULL);

	if (err)
		pr_err_ratelimited("the tracepoint %s can't be probed (%d)\n",
				   probe->name, err);
	probe->on = !err;
	return err;
}

/* What is on without a user after an error goes with what has lost its last one. */
static int probes_on(enum vprocns_probes which)
{
	size_t i;
	int err = 0;

	lockdep_assert_held(&hooks_lock);
	for (i = 0; i < which && !err; i++)
		if (!probes[i].on)
			err = probe_on(&probes[i]);
	return err;
}

/* Those that nobody needs. Waits for nobody, as hooks_off(). */
static void probes_off(void)
{
	size_t i;

	lockdep_assert_held(&hooks_lock);
	for (i = 0; i < VPROCNS_PROBE_NR; i++)
		if (probes[i].on && !atomic_read(&probes[i].users)) {
			tracepoint_probe_unregister(probes[i].tp,
						    probes[i].probe, NULL);
			probes[i].on = false;
		}
}

static int hooks_on(void)
{
	int err;

	lockdep_assert_held(&hooks_lock);
	if (!vprocns_ftrace_is_on()) {
		pr_err_ratelimited("kernel.ftrace_enabled is 0: set it to 1 to make groups\n");
		return -ENODEV;
	}
	err = register_patiently(hook_ops);
	if (err)
		name_the_taken(err);
	else
		hooked = true;
	return err;
}

/* What is not on. */
static int all_on(void)
{
	int err = probes_on(VPROCNS_ALL_PROBES);

	if (!err && !hooked)
		err = hooks_on();
	return err;
}

static long sum_inside(void)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(&vprocns_inside, cpu));
	return sum;
}

/*
 * Takes the hooks off, and waits for nobody: as long as the module is there, a task
 * that is still in a handler, a target or a probe does no harm. To ftrace the ops and its
 * trampoline look like the kernel's own, which are never freed; for others it waits
 * for RCU-tasks, seconds on a busy machine, under a lock that the next bind needs,
 * or frees the trampoline without waiting where the next bind is refused. free_ops()
 * waits and frees.
 *
 * An error leaves the hooks as they were, and the module held until that has
 * changed: ftrace has shut itself down, patches nothing any more, and we are
 * called for good.
 */
static int hooks_off(void)
{
	static bool stuck;
	int err;

	lockdep_assert_held(&hooks_lock);
	hook_ops->flags &= ~(FTRACE_OPS_FL_DYNAMIC | FTRACE_OPS_FL_ALLOC_TRAMP);
	err = unregister_ftrace_function(hook_ops);
	if (err && !stuck) {
		pr_err("the hooks can't be taken off (%d): the module stays\n",
		       err);
		__module_get(THIS_MODULE);
	} else if (!err && stuck) {
		module_put(THIS_MODULE);
	}
	stuck = err;
	hooked = err;
	return err;
}

static void hooks_idle(struct work_struct *work);
static DECLARE_DELAYED_WORK(idle_work, hooks_idle);

static void hooks_idle(struct work_struct *work)
{
	mutex_lock(&hooks_lock);
	if (!atomic_read(&hook_users) && !keep_hooks && hooked && hooks_off())
		mod_delayed_work(vprocns_unbound_wq, &idle_work, IDLE_DELAY);
	if (!keep_hooks)
		probes_off();
	mutex_unlock(&hooks_lock);
}

static int set_keep_hooks(const char *value, const struct kernel_param *param)
{
	int err;

	mutex_lock(&hooks_lock);
	err = param_set_bool(value, param);
	/* At the load it is looked at later, at the unload no more. */
	if (!err && ready && keep_hooks) {
		err = all_on();
		if (err)
			keep_hooks = false;
	}
	if (ready && !keep_hooks)
		mod_delayed_work(vprocns_unbound_wq, &idle_work, 0);
	mutex_unlock(&hooks_lock);
	return err;
}

static const struct kernel_param_ops keep_hooks_ops = {
	.set	= set_keep_hooks,
	.get	= param_get_bool,
};

module_param_cb(keep_hooks, &keep_hooks_ops, &keep_hooks, 0644);
MODULE_PARM_DESC(keep_hooks, "keep the kernel's functions hooked while no group is bound");

/**
 * vprocns_hooks_get - a group needs the hooks
 *
 * Context: process; takes hooks_lock; patches the kernel's text if no other group
 * needs them.
 * Return: 0; -ENODEV when ftrace is switched off, -ETXTBSY when another user has a
 * function, or what else registering said. Each with a line in the log.
 */
int vprocns_hooks_get(void)
{
	int err = 0;

	mutex_lock(&hooks_lock);
	if (!hooked)
		err = hooks_on();
	if (!err)
		atomic_inc(&hook_users);
	mutex_unlock(&hooks_lock);
	/* EBUSY is a namespace that is another group's. */
	return err == -EBUSY ? -ETXTBSY : err;
}

/**
 * vprocns_hooks_put - a group no longer needs them; off some seconds later
 *
 * Context: any that may not be in an interrupt; takes no lock.
 */
void vprocns_hooks_put(void)
{
	if (atomic_dec_and_test(&hook_users))
		mod_delayed_work(vprocns_unbound_wq, &idle_work, IDLE_DELAY);
}

/**
 * vprocns_probes_get - somebody needs probes
 * @which: which ones
 *
 * On return each task that executes or exits, and, as @which says, is made comes by
 * them. Those that are about to may not: what a probe has to see begins later.
 *
 * Context: process; takes hooks_lock; patches the kernel's text if nobody else needs
 * them.
 * Return: 0, -ENOMEM, or what else registering said; with a line in the log.
 */
int vprocns_probes_get(enum vprocns_probes which)
{
	size_t i;
	int err;

	mutex_lock(&hooks_lock);
	err = probes_on(which);
	for (i = 0; i < which && !err; i++)
		atomic_inc(&probes[i].users);
	if (err)
		mod_delayed_work(vprocns_unbound_wq, &idle_work, IDLE_DELAY);
	mutex_unlock(&hooks_lock);
	return err;
}

/**
 * vprocns_probes_put - somebody no longer needs them; off some seconds later
 * @which: as vprocns_probes_get() had it
 *
 * Context: any that may not be in an interrupt; takes no lock.
 */
void vprocns_probes_put(enum vprocns_probes which)
{
	bool idle = false;
	size_t i;

	for (i = 0; i < which; i++)
		idle |= atomic_dec_and_test(&probes[i].users);
	if (idle)
		mod_delayed_work(vprocns_unbound_wq, &idle_work, IDLE_DELAY);
}

static void match_probe(struct tracepoint *tp, void *unused)
{
	size_t i;

	for (i = 0; i < VPROCNS_PROBE_NR; i++)
		if (!strcmp(tp->name, probes[i].name))
			probes[i].tp = tp;
}

static unsigned long site_of(enum vprocns_symbol symbol)
{
	return vprocns_ftrace_site(vprocns_symbol_address(symbol));
}

static int find_all(void)
{
	size_t i;
	int err;

	for_each_kernel_tracepoint(match_probe, NULL);
	for (i = 0; i < VPROCNS_PROBE_NR; i++)
		if (!probes[i].tp) {
			pr_err("this kernel has no tracepoint %s\n",
			       probes[i].name);
			return -ENOENT;
		}

	for (i = 0; i < nr_hooks; i++) {
		hooks[i].ip = site_of(hooks[i].symbol);
		err = ftrace_set_filter_ip(hook_ops, hooks[i].ip, 0, 0);
		if (err) {
			pr_err("%s can't be hooked (%d): it is not traceable here\n",
			       vprocns_symbol_name(hooks[i].symbol), err);
			return err;
		}
	}
	kernel_clone_ip = site_of(VPROCNS_SYMBOL_kernel_clone);
	alloc_pid_ip = site_of(VPROCNS_SYMBOL_alloc_pid);
	return 0;
}

/* For free_trampoline() to hook. */
static noinline void never_called(void)
{
}

/*
 * Hooked once more, on a function of ours that nobody calls, as an ops that may be
 * freed: now the kernel waits for whoever is in the trampoline, and frees it.
 */
static int free_trampoline(void)
{
	const unsigned long ip =
		vprocns_ftrace_site((unsigned long)never_called);
	int err;

	/* ftrace may be switched off by now, and nothing is redirected. */
	hook_ops->flags &= ~(FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT);
	if (hook_ops->trampoline)
		hook_ops->flags |= FTRACE_OPS_FL_ALLOC_TRAMP;
	err = ftrace_set_filter_ip(hook_ops, ip, 0, 1);
	if (!err)
		err = register_ftrace_function(hook_ops);
	return err ?: unregister_ftrace_function(hook_ops);
}

/* After the last time that the hooks were on. */
static void free_ops(void)
{
	int err;

	while ((err = free_trampoline()) == -ENOMEM)
		msleep(20);
	if (err) {
		pr_warn("ftrace is out of order (%d): a page of memory is lost\n",
			err);
		synchronize_rcu_tasks();
	}
	/*
	 * RCU-tasks has waited for every task in a handler or on its way from one: each
	 * is counted by now, or never enters a target. A target may sleep. From here on
	 * the sum only falls, and 0 is the end.
	 */
	while (sum_inside())
		msleep(20);
	/* The last instructions of those that have counted themselves out. */
	synchronize_rcu_tasks();
	tracepoint_synchronize_unregister();
	if (!err) {
		ftrace_free_filter(hook_ops);
		kfree(hook_ops);
	}
}

/**
 * vprocns_hooks_init - finds everything and tries it once
 * @hook_table: the functions
 * @hook_count: how many
 * @probe_table: the tracepoints, by enum vprocns_probe_place
 *
 * Nothing is registered on return, but with keep_hooks: hooks are there while a
 * group is bound, probes while somebody needs them.
 *
 * Return: 0, or a negative errno after one line that names what is missing.
 */
int vprocns_hooks_init(struct vprocns_hook *hook_table, size_t hook_count,
		       struct vprocns_probe *probe_table)
{
	int err;

	hooks = hook_table;
	nr_hooks = hook_count;
	probes = probe_table;

	hook_ops = kzalloc(sizeof(*hook_ops), GFP_KERNEL);
	if (!hook_ops)
		return -ENOMEM;
	hook_ops->func = vprocns_ftrace;
	hook_ops->flags = HOOK_FLAGS;

	err = find_all();
	if (err)
		goto err_ops;

	mutex_lock(&hooks_lock);
	err = all_on();
	ready = !err;
	if (err)
		probes_off();
	mutex_unlock(&hooks_lock);
	if (err)
		goto err_probes;
	hooks_idle(NULL);
	return 0;

err_probes:
	tracepoint_synchronize_unregister();
err_ops:
	ftrace_free_filter(hook_ops);
	kfree(hook_ops);
	return err;
}

/**
 * vprocns_hooks_exit - takes everything off at once
 *
 * Does not return before that is done: what is still called may not be freed.
 *
 * Context: process; no group is left, but a target that freed one may run; nobody
 * needs the probes.
 */
void vprocns_hooks_exit(void)
{
	mutex_lock(&hooks_lock);
	ready = false;
	keep_hooks = false;
	mutex_unlock(&hooks_lock);
	for (;;) {
		cancel_delayed_work_sync(&idle_work);
		hooks_idle(NULL);
		if (!hooked)
			break;
		ssleep(1);
	}
	free_ops();
}
