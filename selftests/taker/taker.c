// SPDX-License-Identifier: GPL-2.0
/* Holds one kernel function like a live patch does, for module_test.sh. */
#include <linux/ftrace.h>
#include <linux/module.h>

static char *symbol;
module_param(symbol, charp, 0444);
MODULE_PARM_DESC(symbol, "the function to hold");

static void notrace look_on(unsigned long ip, unsigned long parent_ip,
			    struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
}

static struct ftrace_ops taker_ops = {
	.func	= look_on,
	.flags	= FTRACE_OPS_FL_IPMODIFY |
		  FTRACE_OPS_FL_SAVE_REGS_IF_SUPPORTED,
};

static int __init taker_init(void)
{
	int err;

	if (!symbol)
		return -EINVAL;
	err = ftrace_set_filter(&taker_ops, symbol, strlen(symbol), 1);
	return err ? err : register_ftrace_function(&taker_ops);
}

static void __exit taker_exit(void)
{
	unregister_ftrace_function(&taker_ops);
	ftrace_free_filter(&taker_ops);
}

module_init(taker_init);
module_exit(taker_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test helper: holds a function as a live patch does");
