// SPDX-License-Identifier: GPL-2.0
/*
 * Group objects: made, bound to a PID namespace, found by it, ended with it.
 *
 * Locks, none taken under another: groups_lock; hooks_lock (hooks.c), which may be
 * held for long; init's wait_pidfd.lock, under which only end_work is queued. Only
 * the lock of a group's numbers is, innermost everywhere.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "event.h"
#include "group.h"
#include "hooks.h"
#include "member.h"
#include "symbols.h"

static unsigned int max_groups = 16384;
module_param(max_groups, uint, 0644);
MODULE_PARM_DESC(max_groups, "how many groups may be there at once");

static unsigned int max_user_groups = 1024;
module_param(max_user_groups, uint, 0644);
MODULE_PARM_DESC(max_user_groups, "how many groups one user may have at once");

/* Protects these tables, nr_groups, next_id and every group's state. */
static DEFINE_MUTEX(groups_lock);
static DEFINE_XARRAY(groups_by_id);
static unsigned int nr_groups;
static u64 next_id = 1;
/* Those with a name. Many users may have one of the same. */
static DEFINE_HASHTABLE(groups_by_name, 12);
static u32 name_seed __ro_after_init;
/* How many each user is charged with, by UID. */
static DEFINE_XARRAY(groups_of_user);

DEFINE_HASHTABLE(vprocns_groups_by_ns, VPROCNS_NS_BITS);
static struct workqueue_struct *end_queue;

/**
 * vprocns_group_of_current - the group whose rules hold for the caller
 *
 * Context: RCU read side, which keeps the group; any. Takes the lock of a group's
 * joiners, innermost.
 * Return: the group; NULL outside of any, and for a task that joined one and is to
 * begin at its first exec.
 */
struct vprocns_group *vprocns_group_of_current(void)
{
	return vprocns_group_of_member(task_active_pid_ns(current));
}

/**
 * vprocns_group_start - pid 1 of a PID namespace executes a program
 * @ns: the namespace
 *
 * Context: any, no lock.
 */
void vprocns_group_start(const struct pid_namespace *ns)
{
	struct vprocns_group *group;

	rcu_read_lock();
	group = vprocns_group_bound_to(ns);
	if (group && READ_ONCE(group->waits_for_exec)) {
		WRITE_ONCE(group->begun, ktime_get_ns());
		/* Pairs with the acquire in vprocns_group_exits(). */
		smp_store_release(&group->waits_for_exec, false);
	}
	rcu_read_unlock();
}

/**
 * vprocns_group_get_of - the group that a PID namespace is bound to, with a reference
 * @ns: the namespace
 *
 * Context: RCU read side; any, no lock.
 * Return: the group, for vprocns_group_put(), or NULL.
 */
struct vprocns_group *vprocns_group_get_of(const struct pid_namespace *ns)
{
	struct vprocns_group *const group = vprocns_group_of(ns);

	return group && kref_get_unless_zero(&group->refs) ? group : NULL;
}

/**
 * vprocns_group_admin - whether the caller administers the group's namespace
 * @group: the group, which is bound
 *
 * A task that has made itself a user namespace below has every capability there,
 * and none that counts here.
 *
 * Context: any; RCU read side. LSMs are asked, and audit is not told.
 * Return: true when it has CAP_SYS_ADMIN over the user namespace that owns
 * the group's PID namespace.
 */
bool vprocns_group_admin(const struct vprocns_group *group)
{
	return ns_capable_noaudit(group->ns->user_ns, CAP_SYS_ADMIN);
}

static bool is_owner(const struct vprocns_group *group)
{
	return uid_eq(current_euid(), group->creator->euid);
}

static bool may_open(const struct vprocns_group *group)
{
	return is_owner(group) ||
	       ns_capable_noaudit(group->creator->user_ns, CAP_SYS_ADMIN);
}

/* Seeded, so that no user can have others' names meet in one chain. */
static u32 hash_name(const char *name)
{
	return jhash(name, strlen(name), name_seed);
}

/*
 * The caller's own group of this name, or the only one of others that the caller
 * could open; ENOTUNIQ where there are several.
 */
static struct vprocns_group *find_by_name(const char *name)
{
	struct vprocns_group *group, *found = NULL;
	bool unique = true;

	lockdep_assert_held(&groups_lock);
	hash_for_each_possible(groups_by_name, group, name_node,
			       hash_name(name)) {
		if (strcmp(group->name, name) || !may_open(group))
			continue;
		if (is_owner(group))
			return group;
		unique = !found;
		found = group;
	}
	return unique ? found : ERR_PTR(-ENOTUNIQ);
}

static bool name_is_taken(const char *name)
{
	const struct vprocns_group *group;

	lockdep_assert_held(&groups_lock);
	hash_for_each_possible(groups_by_name, group, name_node,
			       hash_name(name))
		if (!strcmp(group->name, name) && is_owner(group))
			return true;
	return false;
}

/*
 * The UID that answers for @cred: that of the maker of the outermost user namespace.
 * So another namespace, with other UIDs in it, is no way to more groups.
 */
static unsigned long charged_uid(const struct cred *cred)
{
	const struct user_namespace *ns = cred->user_ns;
	kuid_t uid = cred->euid;

	for (; ns->parent; ns = ns->parent)
		uid = ns->owner;
	return __kuid_val(uid);
}

static int charge(const struct cred *cred)
{
	const unsigned long uid = charged_uid(cred);
	const unsigned long count = xa_to_value(xa_load(&groups_of_user, uid));

	lockdep_assert_held(&groups_lock);
	if (count >= READ_ONCE(max_user_groups) && !capable(CAP_SYS_RESOURCE))
		return -EDQUOT;
	return xa_err(xa_store(&groups_of_user, uid, xa_mk_value(count + 1),
			       GFP_KERNEL_ACCOUNT));
}

static void uncharge(const struct cred *cred)
{
	const unsigned long uid = charged_uid(cred);
	const unsigned long count = xa_to_value(xa_load(&groups_of_user, uid));

	lockdep_assert_held(&groups_lock);
	/* Neither needs memory. */
	if (count > 1)
		xa_store(&groups_of_user, uid, xa_mk_value(count - 1),
			 GFP_KERNEL);
	else
		xa_erase(&groups_of_user, uid);
}

static bool init_is_gone(struct pid *init)
{
	struct task_struct *task;
	bool gone;

	rcu_read_lock();
	task = pid_task(init, PIDTYPE_TGID);
	/* A zombie init has seen every other member out. */
	gone = !task ||
	       (READ_ONCE(task->exit_state) && thread_group_empty(task));
	rcu_read_unlock();
	return gone;
}

static int wake_on_exit(wait_queue_entry_t *wait, unsigned int mode, int flags,
			void *key)
{
	struct vprocns_group *const group =
		container_of(wait, struct vprocns_group, init_wait);

	queue_work(end_queue, &group->end_work);
	return 0;
}

/* What a bound group needs of the kernel: the hooks, and the probes if @probes. */
static int take_hooks(bool probes)
{
	int err;

	/* Whoever traces already sees all of the group. */
	vprocns_events_settle();
	err = vprocns_hooks_get();
	if (!err && probes) {
		err = vprocns_probes_get(VPROCNS_OWN_PROBES);
		if (err)
			vprocns_hooks_put();
	}
	return err;
}

static void drop_hooks(bool probes)
{
	if (probes)
		vprocns_probes_put(VPROCNS_OWN_PROBES);
	vprocns_hooks_put();
}

static void end_group(struct work_struct *work)
{
	struct vprocns_group *const group =
		container_of(work, struct vprocns_group, end_work);

	mutex_lock(&groups_lock);
	if (group->state != VPROCNS_STATE_BOUND || !init_is_gone(group->init)) {
		mutex_unlock(&groups_lock);
		return;
	}
	group->state = VPROCNS_STATE_ENDED;
	remove_wait_queue(&group->init->wait_pidfd, &group->init_wait);
	/* The bind and the exit both queue it: no second run after the free. */
	cancel_work(work);
	hash_del_rcu(&group->node);
	mutex_unlock(&groups_lock);

	vprocns_event_ended(group);
	drop_hooks(group->has_probes);
	vprocns_group_put(group);
}

static void log_refusals(struct work_struct *work)
{
	struct vprocns_group *const group =
		container_of(work, struct vprocns_group, refusal_work);

	vprocns_refusal_log(&group->refusals, group->id, group->name);
	vprocns_group_put(group);
}

/**
 * vprocns_group_refused - the current task was refused something
 * @group: its group, or that of the task that it was about to make
 * @refusal: what was asked, which rule refused it, and with which errno
 *
 * Counts, and leaves the line in the log to a worker: the caller may be an ftrace
 * handler.
 *
 * Context: process, preemption off or on, with a reference or as a member; takes
 * the lock of @group's refusals.
 */
void vprocns_group_refused(struct vprocns_group *group,
			   const struct vprocns_refusal *refusal)
{
	vprocns_event_refused(group, refusal);
	if (!vprocns_refusal_add(&group->refusals, refusal))
		return;
	/* Gets no last one: a member or the caller's reference keeps the group. */
	kref_get(&group->refs);
	queue_work(end_queue, &group->refusal_work);
}

static int set_up(struct vprocns_group *group, const struct vprocns_setup *setup)
{
	struct vprocns_numbers *const n = &group->numbers;

	group->policy = setup->policy;
	group->passed[0] = U64_MAX;
	group->passed[1] = U64_MAX;
	group->flags = setup->flags;
	strscpy(group->name, setup->name, sizeof(group->name));
	kref_init(&group->refs);
	vprocns_rings_init(&group->rings);
	init_waitqueue_func_entry(&group->init_wait, wake_on_exit);
	INIT_WORK(&group->end_work, end_group);
	INIT_WORK(&group->refusal_work, log_refusals);
	vprocns_refusal_init(&group->refusals);
	vprocns_joiners_init(&group->joiners);
	n->first = setup->first;
	n->last = setup->last;
	n->seed = setup->seed;
	n->by_lineage = setup->by_lineage;
	return vprocns_numbers_init(n);
}

static int enlist(struct vprocns_group *group)
{
	int err;

	lockdep_assert_held(&groups_lock);
	if (group->name[0] && name_is_taken(group->name))
		return -EEXIST;
	if (nr_groups >= READ_ONCE(max_groups))
		return -ENOSPC;
	err = charge(group->creator);
	if (err)
		return err;

	group->id = next_id;
	err = xa_insert(&groups_by_id, group->id, group, GFP_KERNEL_ACCOUNT);
	if (err) {
		uncharge(group->creator);
		return err;
	}
	if (group->name[0])
		hash_add(groups_by_name, &group->name_node,
			 hash_name(group->name));
	next_id++;
	nr_groups++;
	return 0;
}

/**
 * vprocns_group_create - makes a group that is bound to nothing yet
 * @setup: what it is to be; the caller has checked it
 *
 * Context: process; takes groups_lock.
 * Return: the group with one reference, or an ERR_PTR: see VPROCNS_CREATE.
 */
struct vprocns_group *vprocns_group_create(const struct vprocns_setup *setup)
{
	struct vprocns_group *group;
	int err;

	group = kzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	if (!group)
		return ERR_PTR(-ENOMEM);
	err = set_up(group, setup);
	if (err)
		goto err_free;

	group->creator = get_current_cred();
	mutex_lock(&groups_lock);
	err = enlist(group);
	mutex_unlock(&groups_lock);
	if (err)
		goto err_cred;
	vprocns_event_made(group);
	return group;

err_cred:
	put_cred(group->creator);
	vprocns_numbers_exit(&group->numbers);
err_free:
	kfree(group);
	return ERR_PTR(err);
}

/**
 * vprocns_group_open - finds a group that is there
 * @id: its id, or 0
 * @name: its name, where @id is 0
 *
 * Context: process; takes groups_lock.
 * Return: the group with a reference, or an ERR_PTR: see VPROCNS_OPEN.
 */
struct vprocns_group *vprocns_group_open(u64 id, const char *name)
{
	struct vprocns_group *group;

	mutex_lock(&groups_lock);
	group = id ? xa_load(&groups_by_id, id) : find_by_name(name);
	/* Nobody learns what groups others have. */
	if (!group || (!IS_ERR(group) && !may_open(group)))
		group = ERR_PTR(-ENOENT);
	if (!IS_ERR(group))
		kref_get(&group->refs);
	mutex_unlock(&groups_lock);
	return group;
}

/**
 * vprocns_group_next_id - the next group that the caller could open
 * @after: ids up to this one are passed over
 *
 * Context: process; takes groups_lock.
 * Return: its id, or 0.
 */
u64 vprocns_group_next_id(u64 after)
{
	const struct vprocns_group *group;
	unsigned long id = after;

	mutex_lock(&groups_lock);
	do {
		group = xa_find_after(&groups_by_id, &id, ULONG_MAX, XA_PRESENT);
	} while (group && !may_open(group));
	mutex_unlock(&groups_lock);
	return group ? id : 0;
}

/* Whether the group can be bound to @ns, of which @init is pid 1, if any. */
static int check_bind(const struct vprocns_group *group,
		      const struct pid_namespace *ns, struct pid *init)
{
	bool taken;

	lockdep_assert_held(&groups_lock);
	if (group->state != VPROCNS_STATE_NEW)
		return -EALREADY;
	if (group->numbers.last > vprocns_highest_tid(ns))
		return -EINVAL;
	if (!init || init_is_gone(init))
		return -ESRCH;
	rcu_read_lock();
	taken = vprocns_group_bound_to(ns);
	rcu_read_unlock();
	return taken ? -EBUSY : 0;
}

static void become_bound(struct vprocns_group *group, struct pid_namespace *ns,
			 struct pid *init, bool self, u32 flags, bool probes)
{
	lockdep_assert_held(&groups_lock);
	kref_get(&group->refs);
	/* Until the release: a target may hold the group beyond its end. */
	__module_get(THIS_MODULE);
	group->self_bound = self;
	group->waits_for_exec = flags & VPROCNS_BIND_AT_EXEC;
	group->joiners.at_exec = flags & VPROCNS_BIND_JOIN_AT_EXEC;
	group->has_probes = probes;
	group->begun = ktime_get_ns();
	group->init = get_pid(init);
	/* Pairs with smp_load_acquire() in member.c, and in vprocns_group_exits(). */
	smp_store_release(&group->ns, get_pid_ns(ns));
	group->state = VPROCNS_STATE_BOUND;
	vprocns_event_bound(group);
	hash_add_rcu(vprocns_groups_by_ns, &group->node, (unsigned long)ns);
	add_wait_queue(&init->wait_pidfd, &group->init_wait);
	/* It may have ended before we were in the queue. */
	queue_work(end_queue, &group->end_work);
}

/**
 * vprocns_group_bind - binds a group to a PID namespace, for good
 * @group: the group
 * @pid: a process of the namespace
 * @self: the caller is that namespace's init
 * @flags: VPROCNS_BIND_* bits
 *
 * A clone that a member has begun before the bind and ends after it may be
 * numbered like a kernel-made thread.
 *
 * Context: process; takes groups_lock and hooks_lock, one after the other; patches
 * the kernel's text if no other group is bound.
 * Return: 0 or a negative errno: see VPROCNS_BIND. The caller has checked the
 * permission.
 */
int vprocns_group_bind(struct vprocns_group *group, struct pid *pid, bool self,
		       u32 flags)
{
	struct pid_namespace *const ns = ns_of_pid(pid);
	/* They keep the records, and see who executes and who has joined. */
	const bool probes = group->numbers.by_lineage || flags;
	struct pid *init;
	int err;

	rcu_read_lock();
	init = get_pid(find_pid_ns(1, ns));
	rcu_read_unlock();

	/* Looks first: a bind that is refused has nothing patched. */
	mutex_lock(&groups_lock);
	err = check_bind(group, ns, init);
	mutex_unlock(&groups_lock);
	if (!err)
		err = take_hooks(probes);
	if (err)
		goto out;

	mutex_lock(&groups_lock);
	err = check_bind(group, ns, init);
	if (!err)
		become_bound(group, ns, init, self, flags, probes);
	mutex_unlock(&groups_lock);
	if (err)
		drop_hooks(probes);
out:
	put_pid(init);
	return err;
}

/**
 * vprocns_group_takes_joiners - whether a process can join a group now
 * @group: the group
 *
 * Context: process; takes groups_lock.
 * Return: true when the group is bound, has not ended, and its rules have begun.
 */
bool vprocns_group_takes_joiners(const struct vprocns_group *group)
{
	bool takes;

	mutex_lock(&groups_lock);
	takes = group->state == VPROCNS_STATE_BOUND &&
		!READ_ONCE(group->waits_for_exec);
	mutex_unlock(&groups_lock);
	return takes;
}

/**
 * vprocns_group_kill - ends a group
 * @group: the group
 *
 * All members are killed, which takes its time; one that is not bound never will be.
 *
 * Context: process; takes groups_lock.
 * Return: 0 or a negative errno: see VPROCNS_KILL.
 */
int vprocns_group_kill(struct vprocns_group *group)
{
	struct pid *init = NULL;
	u32 state;
	int err;

	if (!may_open(group))
		return -EPERM;
	mutex_lock(&groups_lock);
	state = group->state;
	if (state == VPROCNS_STATE_NEW)
		group->state = VPROCNS_STATE_ENDED;
	else if (state == VPROCNS_STATE_BOUND)
		init = get_pid(group->init);
	mutex_unlock(&groups_lock);
	if (state == VPROCNS_STATE_ENDED)
		return -ESRCH;
	if (state == VPROCNS_STATE_NEW) {
		vprocns_event_ended(group);
		return 0;
	}

	/* From inside, the signal would be lost without a word. */
	err = pid_nr_ns(task_pid(current), group->ns) ? -EPERM :
	      kill_pid(init, SIGKILL, 0);
	put_pid(init);
	return err;
}

static void release_group(struct kref *refs)
{
	struct vprocns_group *const group =
		container_of(refs, struct vprocns_group, refs);
	const bool was_bound = group->ns;

	lockdep_assert_held(&groups_lock);
	xa_erase(&groups_by_id, group->id);
	/* Nothing where it has no name. */
	hash_del(&group->name_node);
	nr_groups--;
	uncharge(group->creator);
	mutex_unlock(&groups_lock);

	if (was_bound)
		put_pid_ns(group->ns);
	put_pid(group->init);
	put_cred(group->creator);
	vprocns_joiners_exit(&group->joiners);
	vprocns_numbers_exit(&group->numbers);
	kfree_rcu(group, rcu);
	/*
	 * Not the last instruction of ours: rmmod waits for targets and drains
	 * end_queue, and elsewhere an open file holds the module.
	 */
	if (was_bound)
		module_put(THIS_MODULE);
}

/**
 * vprocns_group_put - drops a reference; the last one frees the group
 * @group: the group
 *
 * Context: process; may take groups_lock.
 */
void vprocns_group_put(struct vprocns_group *group)
{
	kref_put_mutex(&group->refs, release_group, &groups_lock);
}

/**
 * vprocns_group_status - how a group stands
 * @group: the group
 *
 * Context: process; takes groups_lock; may take long.
 * Return: its state, and what only a bound group has.
 */
struct vprocns_status vprocns_group_status(struct vprocns_group *group)
{
	struct vprocns_status status = {};
	struct vprocns_members_count count;

	mutex_lock(&groups_lock);
	status.state = group->state;
	mutex_unlock(&groups_lock);
	/* One that was killed before it was bound has no namespace either. */
	if (status.state == VPROCNS_STATE_NEW || !group->ns)
		return status;
	status.ns_inum = group->ns->ns.inum;
	if (status.state == VPROCNS_STATE_BOUND) {
		status.init = pid_vnr(group->init);
		count = vprocns_members_count(group);
		status.members = count.members;
		status.nested = count.nested;
	}
	return status;
}

/**
 * vprocns_group_exits - how many of a group's tasks have ended
 * @group: the group
 *
 * Nobody counts them as they end: of all that were made, those are left out that are
 * there.
 *
 * Context: process; may take long.
 * Return: the number; see struct vprocns_stats.
 */
u64 vprocns_group_exits(const struct vprocns_group *group)
{
	s64 exits;

	/* Pairs with the release in become_bound(), and the one in vprocns_group_start(). */
	if (!smp_load_acquire(&group->ns) || smp_load_acquire(&group->waits_for_exec))
		return 0;
	/* Those made come first: of one that is made meanwhile nobody says that it ended. */
	exits = 1 + atomic64_read(&group->made[0]) + atomic64_read(&group->made[1]) +
		atomic64_read(&group->made_before);
	/* Pairs with smp_mb__before_atomic() in alloc_pid_for_clone(). */
	smp_rmb();
	exits -= vprocns_members_count(group).unfinished;
	/* Clones that began before the bind were not counted. */
	return max(exits, 0LL);
}

/**
 * vprocns_groups_init - brings up the tables
 *
 * Return: 0 or a negative errno.
 */
int vprocns_groups_init(void)
{
	name_seed = get_random_u32();
	end_queue = alloc_workqueue("vprocns", WQ_UNBOUND, 0);
	return end_queue ? 0 : -ENOMEM;
}

/**
 * vprocns_groups_exit - takes them down
 *
 * Context: process; no group is left, but the work that freed one may run.
 */
void vprocns_groups_exit(void)
{
	destroy_workqueue(end_queue);
	xa_destroy(&groups_by_id);
	xa_destroy(&groups_of_user);
}
