// SPDX-License-Identifier: GPL-2.0
/*
 * capget(2) and capset(2) of members: an empty view. `vprocns run` makes it a
 * true one by dropping every set before the program starts. A task that still
 * has a capability is shown none, but what it gives up it gives up: its capset
 * is the kernel's own.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "capability.h"
#include "compat.h"
#include "event.h"
#include "group.h"
#include "hooks.h"
#include "symbols.h"

/*
 * How the caller's group shows capabilities; HOST when it has none. Who joined
 * from a user namespace above the group's, with privileges that the group's
 * owner has not, is shown what the kernel says.
 */
static u32 view_of_current(void)
{
	const struct vprocns_group *group;
	u32 caps = VPROCNS_CAPS_HOST;

	rcu_read_lock();
	group = vprocns_group_of_current();
	if (group && current_in_userns(group->ns->user_ns))
		caps = group->policy.caps;
	rcu_read_unlock();
	return caps;
}

/*
 * Checks the header's version and says how many data words go with it. Like
 * Linux, an unknown version is answered with the newest.
 */
static int data_words(cap_user_header_t header, u32 caps, unsigned int *words)
{
	u32 version;

	if (get_user(version, &header->version))
		return -EFAULT;
	if (version == _LINUX_CAPABILITY_VERSION_3) {
		*words = _LINUX_CAPABILITY_U32S_3;
		return 0;
	}
	if (caps != VPROCNS_CAPS_EMPTY_V3) {
		if (version == _LINUX_CAPABILITY_VERSION_1) {
			*words = _LINUX_CAPABILITY_U32S_1;
			return 0;
		}
		if (version == _LINUX_CAPABILITY_VERSION_2) {
			*words = _LINUX_CAPABILITY_U32S_2;
			return 0;
		}
	}
	if (put_user((u32)_LINUX_CAPABILITY_VERSION_3, &header->version))
		return -EFAULT;
	return -EINVAL;
}

static bool task_exists(pid_t nr)
{
	bool exists;

	rcu_read_lock();
	exists = !nr || pid_task(find_vpid(nr), PIDTYPE_PID);
	rcu_read_unlock();
	return exists;
}

static long empty_capget(cap_user_header_t header, cap_user_data_t data)
{
	const u32 caps = view_of_current();
	unsigned int words;
	pid_t pid;
	int err;

	err = data_words(header, caps, &words);
	/* Without data it is the question which version we like best. */
	if (!data && err == -EINVAL && caps == VPROCNS_CAPS_EMPTY)
		return 0;
	if (!data || err)
		return err;

	if (get_user(pid, &header->pid))
		return -EFAULT;
	if (pid < 0)
		return -EINVAL;
	if (!task_exists(pid))
		return -ESRCH;
	return clear_user(data, words * sizeof(*data)) ? -EFAULT : 0;
}

static bool has_capabilities(const struct cred *cred)
{
	return !cap_isclear(cred->cap_permitted) ||
	       !cap_isclear(cred->cap_inheritable);
}

static long empty_capset(const struct pt_regs *regs)
{
	const cap_user_header_t header = (void __user *)vprocns_syscall_arg0(regs);
	const cap_user_data_t data = (void __user *)vprocns_syscall_arg1(regs);
	/* Effective, permitted and inheritable, for each word. */
	u32 sets[3 * _LINUX_CAPABILITY_U32S_3] = {};
	struct pt_regs same = *regs;
	unsigned int words;
	pid_t pid;
	int err;

	err = data_words(header, view_of_current(), &words);
	if (err)
		return err;
	/* The other two sets are never more than these. */
	if (has_capabilities(current_cred())) {
		vprocns_native_set_args(&same, (unsigned long)header,
					(unsigned long)data);
		return static_call(vprocns_capset)(&same);
	}
	if (get_user(pid, &header->pid))
		return -EFAULT;
	if (pid && pid != task_pid_vnr(current))
		return -EPERM;
	if (copy_from_user(sets, data, words * sizeof(*data)))
		return -EFAULT;
	return memchr_inv(sets, 0, sizeof(sets)) ? -EINVAL : 0;
}

static void tell_refused(int err)
{
	struct vprocns_group *group;

	rcu_read_lock();
	group = vprocns_group_of(task_active_pid_ns(current));
	if (group)
		vprocns_event_capset_refused(group, err);
	rcu_read_unlock();
}

/* Stand in for the system call entries. May sleep. */
static long capget_target(const struct pt_regs *regs)
{
	long ret;

	vprocns_target_begin();
	ret = empty_capget((void __user *)vprocns_syscall_arg0(regs),
			   (void __user *)vprocns_syscall_arg1(regs));
	vprocns_target_end();
	return ret;
}

static long capset_target(const struct pt_regs *regs)
{
	long ret;

	vprocns_target_begin();
	ret = empty_capset(regs);
	if (ret < 0)
		tell_refused(-ret);
	vprocns_target_end();
	return ret;
}

static void *unless_host(void *target)
{
	return view_of_current() == VPROCNS_CAPS_HOST ? NULL : target;
}

/**
 * vprocns_redirect_capget - the group's view in place of capget(2)
 * @fregs: the registers at the entry
 *
 * Context: ftrace handler of a task outside the initial PID namespace.
 * Return: the target, or NULL.
 */
void *vprocns_redirect_capget(struct ftrace_regs *fregs)
{
	return unless_host(capget_target);
}

/**
 * vprocns_redirect_capset - the group's view in place of capset(2)
 * @fregs: the registers at the entry
 *
 * Context: as vprocns_redirect_capget().
 * Return: the target, or NULL.
 */
void *vprocns_redirect_capset(struct ftrace_regs *fregs)
{
	/* The target calls the original with registers that are a copy. */
	if (vprocns_regs_argument(fregs, 0) !=
	    (unsigned long)task_pt_regs(current))
		return NULL;
	return unless_host(capset_target);
}
