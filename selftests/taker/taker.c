// SPDX-License-Identifier: GPL-2.0
/*
 * Holds one kernel function like a live patch does, sends tasks in PID namespaces
 * from it elsewhere like bpf_override_return() does, or has it fail for one program
 * and another function take its time. Or holds a misc device's number.
 */
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

static char *symbol;
module_param(symbol, charp, 0444);
MODULE_PARM_DESC(symbol, "the function to hold");

static bool override;
module_param(override, bool, 0444);
MODULE_PARM_DESC(override, "have it fail instead, for tasks in PID namespaces");

static int error = EXDEV;
module_param(error, int, 0444);
MODULE_PARM_DESC(error, "with this errno; 0: with NULL");

static char *program;
module_param(program, charp, 0444);
MODULE_PARM_DESC(program, "for tasks whose name begins so, wherever they are");

static unsigned int after;
module_param(after, uint, 0444);
MODULE_PARM_DESC(after, "how many of their calls work before");

static unsigned int times = UINT_MAX;
module_param(times, uint, 0444);
MODULE_PARM_DESC(times, "how many fail, of those behind");

static char *slow;
module_param(slow, charp, 0444);
MODULE_PARM_DESC(slow, "another function, which takes these tasks two milliseconds longer");

static int minor;
module_param(minor, int, 0444);
MODULE_PARM_DESC(minor, "the minor number of a misc device to hold instead");

static const struct file_operations taker_fops = {
	.owner	= THIS_MODULE,
};

static struct miscdevice taker_device = {
	.name	= "taker",
	.fops	= &taker_fops,
};

static void notrace look_on(unsigned long ip, unsigned long parent_ip,
			    struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
}

static struct ftrace_ops taker_ops = {
	.func	= look_on,
	.flags	= FTRACE_OPS_FL_IPMODIFY |
		  FTRACE_OPS_FL_SAVE_REGS_IF_SUPPORTED,
};

static bool is_meant(void)
{
	return program ? strstarts(current->comm, program) :
			 task_active_pid_ns(current)->level;
}

/* Not mdelay(), which is short where QEMU's CPUs had turns as they measured it. */
static int go_slowly(struct kprobe *kp, struct pt_regs *regs)
{
	const u64 end = ktime_get_mono_fast_ns() + 2 * NSEC_PER_MSEC;

	while (is_meant() && ktime_get_mono_fast_ns() < end)
		cpu_relax();
	return 0;
}

static struct kprobe slow_probe = {
	.pre_handler = go_slowly,
};

static long elsewhere(void)
{
	return -error;
}

static int go_elsewhere(struct kprobe *kp, struct pt_regs *regs)
{
	if (!is_meant())
		return 0;
	if (after) {
		after--;
		return 0;
	}
	if (!times)
		return 0;
	times--;
	instruction_pointer_set(regs, (unsigned long)elsewhere);
	return 1;
}

/*
 * A probe that has one is never made a jump, which can't go elsewhere; but at the
 * entry of a function it excludes the module's hook.
 */
static void do_nothing(struct kprobe *kp, struct pt_regs *regs,
		       unsigned long flags)
{
}

static struct kprobe taker_probe = {
	.pre_handler = go_elsewhere,
};

static int take_over(void)
{
	int err;

	taker_probe.symbol_name = symbol;
	if (program)
		taker_probe.post_handler = do_nothing;
	err = register_kprobe(&taker_probe);
	if (err || !slow)
		return err;
	slow_probe.symbol_name = slow;
	err = register_kprobe(&slow_probe);
	if (err)
		unregister_kprobe(&taker_probe);
	return err;
}

static int __init taker_init(void)
{
	int err;

	if (minor) {
		taker_device.minor = minor;
		return misc_register(&taker_device);
	}
	if (!symbol)
		return -EINVAL;
	if (override)
		return take_over();
	err = ftrace_set_filter(&taker_ops, symbol, strlen(symbol), 1);
	if (!err)
		err = register_ftrace_function(&taker_ops);
	if (err)
		ftrace_free_filter(&taker_ops);
	return err;
}

static void __exit taker_exit(void)
{
	if (minor) {
		misc_deregister(&taker_device);
		return;
	}
	if (override) {
		if (slow)
			unregister_kprobe(&slow_probe);
		unregister_kprobe(&taker_probe);
		return;
	}
	unregister_ftrace_function(&taker_ops);
	ftrace_free_filter(&taker_ops);
}

module_init(taker_init);
module_exit(taker_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test helper: takes a function from others");
