// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vprocns and the group descriptors: checks arguments, calls the others, and
 * converts what they say. Structs of the interface end here; but for those of events,
 * which are the records themselves, and what vprocns_policy_init() reads.
 * Semantics and errors of each ioctl: uapi/vprocns.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>

#include "control.h"
#include "group.h"
#include "hooks.h"
#include "member.h"
#include "ring.h"
#include "symbols.h"

/**
 * struct descriptor - an open file of a group
 * @group: the group, with a reference
 * @ring: its events; NULL before VPROCNS_EVENTS, then fixed. Published by a
 *	release, read by an acquire.
 */
struct descriptor {
	struct vprocns_group *group;
	struct vprocns_ring *ring;
};

/* First versions: what an older caller must at least pass. */
#define CREATE_SIZE_VER0	72
#define OPEN_SIZE_VER0		40
#define LIST_SIZE_VER0		24
#define BIND_SIZE_VER0		8
#define INFO_SIZE_VER0		104
#define STATS_SIZE_VER0		240
#define TRANSLATE_SIZE_VER0	16
#define MEMBERS_SIZE_VER0	24
#define MEMBER_SIZE_VER0	40

#define SLOT_SIZE_VER0		8
#define REFUSALS_SIZE_VER0	24
#define REFUSED_SIZE_VER0	64
#define EVENTS_SIZE_VER0	8
#define EVENTS_STATS_SIZE_VER0	24

/* The longest struct of an array. */
#define ENTRY_SIZE_MAX		4096

static void check_abi(void)
{
	/* What has grown since stands with today's size. */
	BUILD_BUG_ON(sizeof(struct vprocns_create) != 80);
	BUILD_BUG_ON(sizeof(struct vprocns_open) != OPEN_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct vprocns_list) != LIST_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct vprocns_bind) != BIND_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct vprocns_info) != 112);
	BUILD_BUG_ON(sizeof(struct vprocns_stats) != 248);
	BUILD_BUG_ON(sizeof(struct vprocns_translate) != TRANSLATE_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct vprocns_members) != MEMBERS_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct vprocns_member) != 72);
	BUILD_BUG_ON(sizeof(struct vprocns_slot) != SLOT_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct vprocns_refusals) != REFUSALS_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct vprocns_refused) != REFUSED_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct vprocns_events) != EVENTS_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct vprocns_events_stats) != EVENTS_STATS_SIZE_VER0);
	BUILD_BUG_ON(VPROCNS_RULE_NR > VPROCNS_REFUSED_SLOTS);
}

static int copy_in(void *to, size_t known, size_t ver0, unsigned int cmd,
		   const void __user *arg)
{
	if (_IOC_SIZE(cmd) < ver0)
		return -EINVAL;
	return copy_struct_from_user(to, known, arg, _IOC_SIZE(cmd));
}

/* What we know, as far as the caller's struct goes, and zeros beyond ours. */
static int copy_sized(void __user *arg, size_t size, const void *from,
		      size_t known)
{
	if (copy_to_user(arg, from, min(size, known)))
		return -EFAULT;
	if (size > known && clear_user(arg + known, size - known))
		return -EFAULT;
	return 0;
}

static int copy_out(void __user *arg, unsigned int cmd, const void *from,
		    size_t known)
{
	return copy_sized(arg, _IOC_SIZE(cmd), from, known);
}

/*
 * A group's rules hold for programs that have more privileges than its maker, by a
 * setuid file for instance. So it takes power over the namespace that gives them,
 * that of the task that made the descriptor: pid 1 may have dropped its own by now.
 */
static bool may_bind_own(const struct file *file)
{
	return file_ns_capable(file, task_active_pid_ns(current)->user_ns,
			       CAP_SYS_ADMIN);
}

static int bind(struct file *file, unsigned int cmd, const void __user *arg)
{
	const struct descriptor *const descriptor = file->private_data;
	struct vprocns_group *const group = descriptor->group;
	struct vprocns_bind bind;
	struct file *pidfd;
	struct pid *pid;
	int err;

	err = copy_in(&bind, sizeof(bind), BIND_SIZE_VER0, cmd, arg);
	if (err)
		return err;
	if (bind.flags & ~(VPROCNS_BIND_AT_EXEC | VPROCNS_BIND_JOIN_AT_EXEC) ||
	    bind.pidfd < -1)
		return -EINVAL;

	if (bind.pidfd == -1) {
		if (task_active_pid_ns(current) == &init_pid_ns ||
		    task_tgid_vnr(current) != 1 || !may_bind_own(file))
			return -EPERM;
		return vprocns_group_bind(group, task_tgid(current), true,
					  bind.flags);
	}

	pidfd = fget(bind.pidfd);
	if (!pidfd)
		return -EBADF;
	pid = static_call(vprocns_pidfd_pid)(pidfd);
	if (IS_ERR(pid)) {
		err = -EBADF;
	} else if (ns_of_pid(pid) == &init_pid_ns ||
		   !ns_capable(ns_of_pid(pid)->user_ns, CAP_SYS_ADMIN)) {
		err = -EPERM;
	} else if (!pid_has_task(pid, PIDTYPE_PID)) {
		err = -ESRCH;
	} else {
		err = vprocns_group_bind(group, pid, false, bind.flags);
	}
	fput(pidfd);
	return err;
}

static int info(struct vprocns_group *group, unsigned int cmd, void __user *arg)
{
	struct vprocns_status status;
	struct vprocns_info info;

	if (_IOC_SIZE(cmd) < INFO_SIZE_VER0)
		return -EINVAL;
	status = vprocns_group_status(group);
	info = (struct vprocns_info) {
		.id		= group->id,
		.allowed	= group->policy.allowed,
		.state		= status.state,
		.profile	= group->policy.profile,
		.numbering	= vprocns_group_numbering(group),
		.vfork		= group->policy.vfork,
		.caps		= group->policy.caps,
		.flags		= group->flags,
		.first		= group->numbers.first,
		.last		= group->numbers.last,
		.next		= vprocns_numbers_next(&group->numbers),
		.owner		= from_kuid_munged(current_user_ns(),
						   group->creator->euid),
		.ns_inum	= status.ns_inum,
		.init		= status.init,
		.members	= status.members,
		.nested		= status.nested,
		.seed		= group->numbers.seed,
	};
	strscpy(info.name, group->name, sizeof(info.name));
	return copy_out(arg, cmd, &info, sizeof(info));
}

static int stats(struct vprocns_group *group, unsigned int cmd,
		 void __user *arg)
{
	struct vprocns_stats stats;
	u64 exits;
	int rule;

	if (_IOC_SIZE(cmd) < STATS_SIZE_VER0)
		return -EINVAL;
	/* First: what has ended was made, as the other numbers have it. */
	exits = vprocns_group_exits(group);
	stats = (struct vprocns_stats) {
		.threads	= atomic64_read(&group->made[true]),
		.joined		= atomic64_read(&group->joined),
		.kernel_threads	= atomic64_read(&group->kernel_threads),
		.exits		= exits,
		.rewritten	= atomic64_read(&group->rewritten),
		.collisions	= vprocns_numbers_collisions(&group->numbers),
	};
	stats.clones = stats.threads + atomic64_read(&group->made[false]);
	for (rule = 0; rule < VPROCNS_RULE_NR; rule++)
		stats.refused[rule] =
			vprocns_refusal_count_of(&group->refusals, rule).count;
	return copy_out(arg, cmd, &stats, sizeof(stats));
}

static int translate(struct vprocns_group *group, unsigned int cmd,
		     void __user *arg)
{
	struct vprocns_translate translate;
	int err;

	err = copy_in(&translate, sizeof(translate), TRANSLATE_SIZE_VER0, cmd,
		      arg);
	if (err)
		return err;
	if (translate.reserved || translate.direction > VPROCNS_TO_VIRTUAL)
		return -EINVAL;
	translate.result = translate.direction == VPROCNS_TO_HOST ?
			   vprocns_member_host_tid(group, translate.tid) :
			   vprocns_member_tid(group, translate.tid);
	return translate.result < 0 ? translate.result :
	       copy_out(arg, cmd, &translate, sizeof(translate));
}

static struct vprocns_member member_of(const struct vprocns_task *task)
{
	struct vprocns_member member = {
		.tid		= task->tid,
		.tgid		= task->tgid,
		.ppid		= task->ppid,
		.host_tid	= task->host_tid,
		.host_tgid	= task->host_tgid,
	};

	strscpy(member.comm, task->comm, sizeof(member.comm));
	if (task->has_lineage) {
		member.flags = VPROCNS_MEMBER_LINEAGE;
		member.lineage = task->lineage;
		member.cloner_lineage = task->origin.cloner_lineage;
		member.birth = task->origin.ordinal;
		member.cloner = task->origin.cloner_tid;
	}
	return member;
}

static int members(struct vprocns_group *group, unsigned int cmd,
		   void __user *arg)
{
	struct vprocns_members members;
	struct vprocns_member member;
	struct vprocns_task task;
	u8 __user *to;
	size_t size;
	int err;

	err = copy_in(&members, sizeof(members), MEMBERS_SIZE_VER0, cmd, arg);
	if (err)
		return err;
	size = members.size ?: MEMBER_SIZE_VER0;
	if (size < MEMBER_SIZE_VER0 || size > ENTRY_SIZE_MAX || size % 8 ||
	    members.after < 0)
		return -EINVAL;

	to = u64_to_user_ptr(members.members);
	members.count = 0;
	while (members.count < members.capacity &&
	       vprocns_member_next(group, members.after, &task)) {
		member = member_of(&task);
		err = copy_sized(to, size, &member, sizeof(member));
		if (err)
			return err;
		to += size;
		members.after = member.tid;
		members.count++;
		cond_resched();
	}
	return copy_out(arg, cmd, &members, sizeof(members));
}

static struct vprocns_refused refused_of(int rule,
					 const struct vprocns_refusal_count *count)
{
	struct vprocns_refused refused = {
		.count		= count->count,
		.flags		= count->flags,
		.last_flags	= count->last.flags,
		.rule		= rule,
		.call		= count->last.call,
		.exit_signal	= count->last.exit_signal,
		.err		= count->last.err,
		.tid		= count->tid,
	};

	strscpy(refused.comm, count->comm, sizeof(refused.comm));
	return refused;
}

static int refusals(struct vprocns_group *group, unsigned int cmd,
		    void __user *arg)
{
	struct vprocns_refusals refusals;
	struct vprocns_refusal_count count;
	struct vprocns_refused refused;
	u8 __user *to;
	size_t size;
	int rule;
	int err;

	err = copy_in(&refusals, sizeof(refusals), REFUSALS_SIZE_VER0, cmd, arg);
	if (err)
		return err;
	size = refusals.size ?: REFUSED_SIZE_VER0;
	if (size < REFUSED_SIZE_VER0 || size > ENTRY_SIZE_MAX || size % 8 ||
	    refusals.reserved)
		return -EINVAL;

	to = u64_to_user_ptr(refusals.refusals);
	refusals.count = 0;
	for (rule = 0; rule < VPROCNS_RULE_NR; rule++) {
		if (refusals.count == refusals.capacity)
			break;
		count = vprocns_refusal_count_of(&group->refusals, rule);
		if (!count.count)
			continue;
		refused = refused_of(rule, &count);
		err = copy_sized(to, size, &refused, sizeof(refused));
		if (err)
			return err;
		to += size;
		refusals.count++;
	}
	return copy_out(arg, cmd, &refusals, sizeof(refusals));
}

static struct vprocns_ring *ring_of(struct descriptor *descriptor)
{
	/* Pairs with the exchange in events(). */
	return smp_load_acquire(&descriptor->ring);
}

/* A ring, and the probes that most of its events come from. */
static struct vprocns_ring *open_ring(struct vprocns_rings *rings, u32 size,
				      u32 wake)
{
	struct vprocns_ring *ring;
	const int err = vprocns_probes_get(VPROCNS_ALL_PROBES);

	if (err)
		return ERR_PTR(err);
	ring = vprocns_ring_create(rings, size, wake);
	if (IS_ERR(ring))
		vprocns_probes_put(VPROCNS_ALL_PROBES);
	return ring;
}

static void close_ring(struct vprocns_rings *rings, struct vprocns_ring *ring)
{
	vprocns_ring_destroy(rings, ring);
	vprocns_probes_put(VPROCNS_ALL_PROBES);
}

static int events(struct descriptor *descriptor, unsigned int cmd,
		  const void __user *arg)
{
	struct vprocns_rings *const rings = &descriptor->group->rings;
	struct vprocns_events events;
	struct vprocns_ring *ring;
	int err;

	err = copy_in(&events, sizeof(events), EVENTS_SIZE_VER0, cmd, arg);
	if (err)
		return err;
	if (ring_of(descriptor))
		return -EBUSY;
	if (events.size < VPROCNS_EVENTS_MIN || events.size > VPROCNS_EVENTS_MAX ||
	    !is_power_of_2(events.size) || events.wake > events.size)
		return -EINVAL;
	ring = open_ring(rings, events.size, events.wake);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	/* Another thread may have been faster. */
	if (cmpxchg_release(&descriptor->ring, NULL, ring)) {
		close_ring(rings, ring);
		return -EBUSY;
	}
	return 0;
}

static int events_stats(struct descriptor *descriptor, unsigned int cmd,
			void __user *arg)
{
	struct vprocns_ring *const ring = ring_of(descriptor);
	struct vprocns_events_stats stats;
	struct vprocns_ring_stats counts;

	if (_IOC_SIZE(cmd) < EVENTS_STATS_SIZE_VER0 || !ring)
		return -EINVAL;
	counts = vprocns_ring_stats(ring);
	stats = (struct vprocns_events_stats) {
		.told	= counts.told,
		.lost	= counts.lost,
		.queued	= counts.queued,
		.size	= ring->size,
	};
	return copy_out(arg, cmd, &stats, sizeof(stats));
}

static int slot(struct vprocns_group *group, unsigned int cmd,
		const void __user *arg)
{
	struct vprocns_slot slot;
	int err;

	err = copy_in(&slot, sizeof(slot), SLOT_SIZE_VER0, cmd, arg);
	if (err)
		return err;
	if (slot.reserved || slot.slot >= VPROCNS_SLOTS ||
	    !group->numbers.by_lineage)
		return -EINVAL;
	if (!vprocns_group_takes_joiners(group))
		return -ESRCH;
	if (task_active_pid_ns(current) == group->ns)
		return -EPERM;
	return vprocns_joiners_ask(&group->joiners, slot.slot);
}

static long group_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct descriptor *const descriptor = file->private_data;
	struct vprocns_group *const group = descriptor->group;
	void __user *const to = (void __user *)arg;

	if (cmd == VPROCNS_KILL)
		return vprocns_group_kill(group);
	if (_IOC_TYPE(cmd) != VPROCNS_IOC)
		return -ENOTTY;
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(VPROCNS_BIND):
		return bind(file, cmd, to);
	case _IOC_NR(VPROCNS_INFO):
		return info(group, cmd, to);
	case _IOC_NR(VPROCNS_STATS):
		return stats(group, cmd, to);
	case _IOC_NR(VPROCNS_TRANSLATE):
		return translate(group, cmd, to);
	case _IOC_NR(VPROCNS_MEMBERS):
		return members(group, cmd, to);
	case _IOC_NR(VPROCNS_SLOT):
		return slot(group, cmd, to);
	case _IOC_NR(VPROCNS_REFUSALS):
		return refusals(group, cmd, to);
	case _IOC_NR(VPROCNS_EVENTS):
		return events(descriptor, cmd, to);
	case _IOC_NR(VPROCNS_EVENTS_STATS):
		return events_stats(descriptor, cmd, to);
	default:
		return -ENOTTY;
	}
}

static ssize_t group_read(struct file *file, char __user *to, size_t size,
			  loff_t *position)
{
	struct vprocns_ring *const ring = ring_of(file->private_data);

	if (!ring)
		return -EINVAL;
	return vprocns_ring_read(ring, to, size, !(file->f_flags & O_NONBLOCK));
}

static __poll_t group_poll(struct file *file, poll_table *table)
{
	struct descriptor *const descriptor = file->private_data;
	struct vprocns_rings *const rings = &descriptor->group->rings;
	struct vprocns_ring *const ring = ring_of(descriptor);
	__poll_t ready = 0;

	poll_wait(file, &rings->end_wait, table);
	if (READ_ONCE(rings->ended))
		ready = EPOLLHUP;
	if (ring)
		ready |= vprocns_ring_poll(ring, file, table);
	return ready;
}

static int group_release(struct inode *inode, struct file *file)
{
	struct descriptor *const descriptor = file->private_data;
	struct vprocns_group *const group = descriptor->group;

	if (descriptor->ring)
		close_ring(&group->rings, descriptor->ring);
	vprocns_group_put(group);
	kfree(descriptor);
	return 0;
}

static const struct file_operations group_fops = {
	.owner		= THIS_MODULE,
	.read		= group_read,
	.poll		= group_poll,
	.unlocked_ioctl	= group_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.release	= group_release,
};

/* Takes over the reference. */
static int open_descriptor(struct vprocns_group *group)
{
	struct descriptor *descriptor;
	int fd;

	if (IS_ERR(group))
		return PTR_ERR(group);
	descriptor = kzalloc(sizeof(*descriptor), GFP_KERNEL_ACCOUNT);
	if (!descriptor) {
		vprocns_group_put(group);
		return -ENOMEM;
	}
	descriptor->group = group;
	fd = anon_inode_getfd("[vprocns]", &group_fops, descriptor,
			      O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		vprocns_group_put(group);
		kfree(descriptor);
	}
	return fd;
}

/* isalpha() takes Latin-1 for letters. */
static bool is_letter(char c)
{
	return isascii(c) && isalpha(c);
}

/* A name as struct vprocns_create has it, or none. */
static bool name_ok(const char *name)
{
	const size_t len = strnlen(name, VPROCNS_NAME_LEN);
	size_t i;

	if (!len)
		return !memchr_inv(name, 0, VPROCNS_NAME_LEN);
	if (len == VPROCNS_NAME_LEN || !is_letter(name[0]))
		return false;
	for (i = 1; i < len; i++)
		if (!is_letter(name[i]) && !isdigit(name[i]) &&
		    !strchr("._-", name[i]))
			return false;
	return !memchr_inv(name + len, 0, VPROCNS_NAME_LEN - len);
}

static bool numbering_ok(const struct vprocns_create *create)
{
	return create->numbering == VPROCNS_NUMBERING_LINEAGE ||
	       (create->numbering == VPROCNS_NUMBERING_SEQUENTIAL &&
		!create->seed);
}

/* Checks a request, and fills in the defaults. */
static int set_up(struct vprocns_setup *setup, const struct vprocns_create *create)
{
	const u32 highest = vprocns_highest_tid(&init_pid_ns);

	if (create->reserved || !numbering_ok(create) || !name_ok(create->name))
		return -EINVAL;
	*setup = (struct vprocns_setup) {
		.flags		= create->flags,
		.first		= create->first ?: VPROCNS_FIRST_TID,
		.last		= create->last ?: highest,
		.by_lineage	= create->numbering == VPROCNS_NUMBERING_LINEAGE,
		.seed		= create->seed,
	};
	strscpy(setup->name, create->name, sizeof(setup->name));
	if (setup->first < 2 || setup->first > setup->last || setup->last > highest)
		return -EINVAL;
	return vprocns_policy_init(&setup->policy, create);
}

static int create(unsigned int cmd, const void __user *arg)
{
	struct vprocns_create create;
	struct vprocns_setup setup;
	int err;

	err = copy_in(&create, sizeof(create), CREATE_SIZE_VER0, cmd, arg);
	if (!err)
		err = set_up(&setup, &create);
	return err ? err : open_descriptor(vprocns_group_create(&setup));
}

static int open(unsigned int cmd, const void __user *arg)
{
	struct vprocns_open open;
	int err;

	err = copy_in(&open, sizeof(open), OPEN_SIZE_VER0, cmd, arg);
	if (!err && (!open.id == !open.name[0] || !name_ok(open.name)))
		err = -EINVAL;
	return err ? err : open_descriptor(vprocns_group_open(open.id, open.name));
}

static int list(unsigned int cmd, void __user *arg)
{
	struct vprocns_list list;
	u64 __user *to;
	int err;
	u64 id;

	err = copy_in(&list, sizeof(list), LIST_SIZE_VER0, cmd, arg);
	if (err)
		return err;

	to = u64_to_user_ptr(list.ids);
	list.count = 0;
	while (list.count < list.capacity) {
		id = vprocns_group_next_id(list.after);
		if (!id)
			break;
		if (put_user(id, to + list.count))
			return -EFAULT;
		list.after = id;
		list.count++;
		cond_resched();
	}
	return copy_out(arg, cmd, &list, sizeof(list));
}

/* A member must not steer groups, its own least of all. */
static int check_outside(void)
{
	bool inside;

	rcu_read_lock();
	inside = vprocns_group_of(task_active_pid_ns(current));
	rcu_read_unlock();
	return inside ? -EPERM : 0;
}

static long system_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *const to = (void __user *)arg;
	const int err = check_outside();

	if (err)
		return err;
	if (cmd == VPROCNS_VERSION)
		return VPROCNS_ABI_VERSION;
	if (_IOC_TYPE(cmd) != VPROCNS_IOC)
		return -ENOTTY;
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(VPROCNS_CREATE):
		return create(cmd, to);
	case _IOC_NR(VPROCNS_OPEN):
		return open(cmd, to);
	case _IOC_NR(VPROCNS_LIST):
		return list(cmd, to);
	default:
		return -ENOTTY;
	}
}

static int system_open(struct inode *inode, struct file *file)
{
	return check_outside();
}

static const struct file_operations system_fops = {
	.owner		= THIS_MODULE,
	.open		= system_open,
	.unlocked_ioctl	= system_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/*
 * A fixed minor gives the node at boot, before the module is loaded: its first
 * open() has the kernel load it by the alias. 243 to 254 are for local use in the
 * kernel's list of devices, which neither it nor a dynamic minor takes; OpenZFS has
 * 249. A dynamic one instead, should it be taken, would not be the node's.
 */
#define VPROCNS_MINOR	247

MODULE_ALIAS_MISCDEV(VPROCNS_MINOR);
MODULE_ALIAS("devname:vprocns");

static struct miscdevice system_device = {
	.minor	= VPROCNS_MINOR,
	.name	= "vprocns",
	.fops	= &system_fops,
	.mode	= 0660,
};

/**
 * vprocns_control_init - makes /dev/vprocns
 *
 * Return: 0 or a negative errno.
 */
int vprocns_control_init(void)
{
	int err;

	check_abi();
	err = misc_register(&system_device);
	if (err == -EBUSY)
		pr_err("another driver has the misc minor %d: /proc/misc names it\n",
		       VPROCNS_MINOR);
	return err;
}

/**
 * vprocns_control_exit - takes it away
 */
void vprocns_control_exit(void)
{
	misc_deregister(&system_device);
}
