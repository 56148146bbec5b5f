// SPDX-License-Identifier: GPL-2.0
/*
 * A live patch, by which unshare(2) always fails, for neighbours_test.sh.
 */
#include <linux/errno.h>
#include <linux/livepatch.h>
#include <linux/module.h>

static int fail_to_unshare(unsigned long unshare_flags)
{
	return -EXDEV;
}

static struct klp_func functions[] = {
	{
		.old_name = "ksys_unshare",
		.new_func = fail_to_unshare,
	},
	{ }
};

static struct klp_object objects[] = {
	{ .funcs = functions },
	{ }
};

static struct klp_patch patch = {
	.mod	= THIS_MODULE,
	.objs	= objects,
};

static int __init patcher_init(void)
{
	return klp_enable_patch(&patch);
}

/* There must be one; the kernel lets it come to this once the patch is off. */
static void __exit patcher_exit(void)
{
}

module_init(patcher_init);
module_exit(patcher_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test helper: a live patch of a function that vprocns needs");
MODULE_INFO(livepatch, "Y");
