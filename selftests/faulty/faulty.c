// SPDX-License-Identifier: GPL-2.0
/* Does wrong on purpose, for vm/debug_test.sh: each fault must be seen. */
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *fault;
module_param(fault, charp, 0444);
MODULE_PARM_DESC(fault, "what to do");

static DEFINE_SPINLOCK(spin);
static DEFINE_MUTEX(left);
static DEFINE_MUTEX(right);
static int __rcu *protected;
static int raced;

static void out_of_bounds(void)
{
	char *bytes = kmalloc(8, GFP_KERNEL);

	/* The compiler would see it as well. */
	OPTIMIZER_HIDE_VAR(bytes);
	if (bytes)
		bytes[8] = 0;
	kfree(bytes);
}

static void atomic_sleep(void)
{
	spin_lock(&spin);
	mutex_lock(&left);
	mutex_unlock(&left);
	spin_unlock(&spin);
}

/* Several, since a stale stack may hold the address of one. */
static void leak(void)
{
	void *bytes;
	int i;

	for (i = 0; i < 16; i++) {
		bytes = kmalloc(64, GFP_KERNEL);
		OPTIMIZER_HIDE_VAR(bytes);
	}
}

static void lock_order(void)
{
	mutex_lock(&left);
	mutex_lock(&right);
	mutex_unlock(&right);
	mutex_unlock(&left);

	mutex_lock(&right);
	mutex_lock(&left);
	mutex_unlock(&left);
	mutex_unlock(&right);
}

static void rcu_unlocked(void)
{
	const int *const value = rcu_dereference(protected);

	if (value)
		pr_info("%d\n", *value);
}

static void shift(void)
{
	int bits = 40;

	OPTIMIZER_HIDE_VAR(bits);
	pr_info("%d\n", 1 << bits);
}

static void never(struct timer_list *timer)
{
}

static void free_timer(void)
{
	struct timer_list *const timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, never, 0);
	mod_timer(timer, jiffies + 100 * HZ);
	kfree(timer);
}

static int count_unlocked(void *unused)
{
	while (!kthread_should_stop()) {
		raced++;
		cond_resched();
	}
	return 0;
}

/* A race is seen when one of the two happens to be watched at the time. */
static void race(void)
{
	struct task_struct *const other =
		kthread_run(count_unlocked, NULL, "faulty");
	const unsigned long end = jiffies + 10 * HZ;

	if (IS_ERR(other))
		return;
	while (time_before(jiffies, end)) {
		raced++;
		cond_resched();
	}
	kthread_stop(other);
}

static const struct {
	const char *name;
	void (*commit)(void);
} faults[] = {
	{ "out-of-bounds", out_of_bounds },
	{ "atomic-sleep", atomic_sleep },
	{ "leak", leak },
	{ "lock-order", lock_order },
	{ "rcu-unlocked", rcu_unlocked },
	{ "shift", shift },
	{ "free-timer", free_timer },
	{ "race", race },
};

static int __init faulty_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		if (fault && !strcmp(fault, faults[i].name)) {
			faults[i].commit();
			return 0;
		}
	return -EINVAL;
}

static void __exit faulty_exit(void)
{
}

module_init(faulty_init);
module_exit(faulty_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test helper: does wrong on purpose");
