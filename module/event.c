// SPDX-License-Identifier: GPL-2.0
/*
 * Events: what happens in a group, told to tracers by the tracepoints vprocns:* and
 * to the group's owner by rings. Each function here returns at once when nobody
 * listens. No event waits or allocates, and each may come with preemption off.
 */
#include <linux/binfmts.h>
#include <linux/mutex.h>
#include <linux/pid_namespace.h>
#include <linux/rculist.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "event.h"
#include "group.h"
#include "hooks.h"
#include "ring.h"
#include "symbols.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#define EVENT_IS_WANTED(group, name)					\
	(vprocns_rings_wanted(&(group)->rings) ||			\
	 trace_vprocns_##name##_enabled())

/*
 * Of the tracepoints whose events come from probes, how many somebody traces. The
 * kernel says so under a lock that it takes to register a probe as well, so a worker
 * gets the probes.
 */
static unsigned int nr_traced;
/* The worker may get them. */
static bool following;
/* Protects these two. Taken under the kernel's lock of tracepoints; innermost. */
static DEFINE_MUTEX(traced_lock);
/* The worker's own. */
static bool has_probes;

static void follow_tracers(struct work_struct *work);
static DECLARE_DELAYED_WORK(follow_work, follow_tracers);

static void follow_tracers(struct work_struct *work)
{
	bool wanted;

	mutex_lock(&traced_lock);
	wanted = nr_traced && following;
	mutex_unlock(&traced_lock);
	if (wanted == has_probes)
		return;
	if (!wanted) {
		vprocns_probes_put(VPROCNS_ALL_PROBES);
	} else if (vprocns_probes_get(VPROCNS_ALL_PROBES)) {
		mod_delayed_work(vprocns_unbound_wq, &follow_work, HZ);
		return;
	}
	has_probes = wanted;
}

/**
 * vprocns_events_init - tracers get what they ask for
 *
 * What was asked for before, too: the tracepoints are there before the module is up.
 *
 * Context: process.
 */
void vprocns_events_init(void)
{
	mutex_lock(&traced_lock);
	following = true;
	mod_delayed_work(vprocns_unbound_wq, &follow_work, 0);
	mutex_unlock(&traced_lock);
}

/**
 * vprocns_events_exit - they get it no more
 *
 * Context: process; a tracer may still come and go.
 */
void vprocns_events_exit(void)
{
	mutex_lock(&traced_lock);
	following = false;
	mutex_unlock(&traced_lock);
	cancel_delayed_work_sync(&follow_work);
	follow_tracers(NULL);
}

/**
 * vprocns_events_settle - what tracers have asked for so far is there on return
 *
 * Context: process; waits for the worker, which takes hooks_lock.
 */
void vprocns_events_settle(void)
{
	flush_delayed_work(&follow_work);
}

static void count_traced(int change)
{
	mutex_lock(&traced_lock);
	nr_traced += change;
	if (following)
		mod_delayed_work(vprocns_unbound_wq, &follow_work, 0);
	mutex_unlock(&traced_lock);
}

/**
 * vprocns_event_traced - a first tracer comes to a tracepoint
 *
 * What happens in the next moment it may miss, but in no group that is bound later.
 *
 * Context: process, under the kernel's lock of tracepoints.
 * Return: 0.
 */
int vprocns_event_traced(void)
{
	count_traced(1);
	return 0;
}

/**
 * vprocns_event_untraced - the last tracer of a tracepoint goes
 *
 * Context: as vprocns_event_traced().
 */
void vprocns_event_untraced(void)
{
	count_traced(-1);
}

/* The number that a member, or the init, has in its group. */
static pid_t tid_of(const struct pid *pid)
{
	return pid->numbers[pid->level].nr;
}

/* The number that a reader in @ns knows, which most often is the initial one. */
static pid_t tid_for(struct pid *pid, struct pid_namespace *ns)
{
	return ns->level ? pid_nr_ns(pid, ns) : pid_nr(pid);
}

/* The beginning of a record of @pid's task, for tracers. */
static struct vprocns_event begin_at(u64 time, int kind, size_t size, struct pid *pid)
{
	return (struct vprocns_event) {
		.kind	  = kind,
		.size	  = size,
		.time	  = time,
		.tid	  = tid_of(pid),
		.host_tid = pid_nr(pid),
	};
}

/* For what happens now. */
static struct vprocns_event begin(int kind, size_t size, struct pid *pid)
{
	return begin_at(ktime_get_ns(), kind, size, pid);
}

/*
 * Without the lock of get_task_comm(), which may sleep; another thread may rename. The
 * kernel keeps zeros after a name.
 */
static void copy_comm(char *to, const struct task_struct *task)
{
	static_assert(VPROCNS_COMM_LEN == TASK_COMM_LEN);
	memcpy(to, task->comm, TASK_COMM_LEN);
	to[TASK_COMM_LEN - 1] = '\0';
}

/* To each ring, with the TID that its reader knows. */
static void tell(struct vprocns_group *group, struct vprocns_event *event,
		 struct pid *pid)
{
	struct vprocns_ring *ring;

	rcu_read_lock();
	list_for_each_entry_rcu(ring, &group->rings.list, node) {
		event->host_tid = tid_for(pid, ring->ns);
		vprocns_ring_write(ring, event);
	}
	rcu_read_unlock();
}

/**
 * vprocns_event_made - a group was made; nobody can read its descriptor yet
 * @group: the group
 *
 * Context: process.
 */
void vprocns_event_made(const struct vprocns_group *group)
{
	trace_vprocns_made(group);
}

/**
 * vprocns_event_bound - a group is about to be bound
 * @group: the group, which has its namespace and its init
 *
 * Context: process; before there is a member.
 */
void vprocns_event_bound(struct vprocns_group *group)
{
	struct vprocns_event_bound bound = {
		.event = begin(VPROCNS_EVENT_BOUND, sizeof(bound),
			       group->init),
		.ns_inum = group->ns->ns.inum,
	};

	bound.event.tid = 0;
	trace_vprocns_bound(group, &bound);
	tell(group, &bound.event, group->init);
}

/**
 * vprocns_event_ended - a group has ended; nothing follows
 * @group: the group
 *
 * Context: process; takes the lock of @group's rings.
 */
void vprocns_event_ended(struct vprocns_group *group)
{
	struct vprocns_event ended = {
		.kind	= VPROCNS_EVENT_ENDED,
		.size	= sizeof(ended),
		.time	= ktime_get_ns(),
	};

	trace_vprocns_ended(group);
	vprocns_rings_end(&group->rings, &ended);
}

/**
 * vprocns_event_tell_new - tells that a task was made
 * @group: its group
 * @child: the task, which has not run yet; the current one has cloned it
 * @flags: the clone flags that it was made with
 *
 * Context: probe of task_newtask; RCU read side; takes @group's lock.
 */
void vprocns_event_tell_new(struct vprocns_group *group,
			    struct task_struct *child, u64 flags)
{
	struct task_struct *const parent = current;
	struct vprocns_event_new new = {
		/* As its exit will tell. */
		.event = begin_at(child->start_time, VPROCNS_EVENT_NEW,
				  sizeof(new), task_pid(child)),
		.tgid = tid_of(task_tgid(child)),
		.host_tgid = pid_nr(task_tgid(child)),
		.joined = task_active_pid_ns(parent) != group->ns,
		.has = VPROCNS_EVENT_FLAGS,
		.flags = flags,
	};
	struct vprocns_origin origin;
	struct vprocns_ring *ring;

	if (!new.joined)
		new.cloner = tid_of(task_pid(parent));
	if (vprocns_numbers_describe(&group->numbers, child, &origin, &new.lineage)) {
		new.has |= VPROCNS_EVENT_LINEAGE;
		new.cloner_lineage = origin.cloner_lineage;
		new.ordinal = origin.ordinal;
	}
	copy_comm(new.comm, child);
	trace_vprocns_new(group, &new);

	/* As tell(), with a second number. */
	rcu_read_lock();
	list_for_each_entry_rcu(ring, &group->rings.list, node) {
		new.event.host_tid = tid_for(task_pid(child), ring->ns);
		new.host_tgid = tid_for(task_tgid(child), ring->ns);
		vprocns_ring_write(ring, &new.event);
	}
	rcu_read_unlock();
}

/**
 * vprocns_event_exec - a member executed a program
 * @group: its group
 * @task: the member
 * @old_pid: the TID that it had before, in the initial PID namespace
 * @filename: the path that was executed
 *
 * Context: probe of sched_process_exec; RCU read side; takes @group's lock.
 */
void vprocns_event_exec(struct vprocns_group *group, struct task_struct *task,
			pid_t old_pid, const char *filename)
{
	struct {
		struct vprocns_event_exec exec;
		char filename[VPROCNS_EVENT_FILENAME_LEN];
	} record;
	struct vprocns_event_exec *const exec = &record.exec;
	struct vprocns_origin origin;
	struct vprocns_ring *ring;
	size_t size;

	if (!EVENT_IS_WANTED(group, exec))
		return;
	memset(&record, 0, sizeof(record));
	strscpy(record.filename, filename, sizeof(record.filename));
	size = ALIGN(sizeof(*exec) + strlen(record.filename) + 1, 8);
	exec->event = begin(VPROCNS_EVENT_EXEC, size, task_pid(task));
	if (vprocns_numbers_describe(&group->numbers, task, &origin, &exec->lineage))
		exec->has = VPROCNS_EVENT_LINEAGE;
	copy_comm(exec->comm, task);
	exec->filename = offsetof(typeof(record), filename);
	exec->old_host_tid = old_pid == task->pid ? 0 : old_pid;
	trace_vprocns_exec(group, exec, filename);

	/* As tell(), with a second number: it is known for the initial namespace. */
	rcu_read_lock();
	list_for_each_entry_rcu(ring, &group->rings.list, node) {
		exec->event.host_tid = tid_for(task_pid(task), ring->ns);
		exec->old_host_tid = ring->ns->level || old_pid == task->pid ?
				     0 : old_pid;
		vprocns_ring_write(ring, &exec->event);
	}
	rcu_read_unlock();
}

/*
 * The run time up to now, and divided as getrusage(2) has it: by what ticks have seen. As
 * long as none has seen the task in the kernel that says that all is the user's. The kernel
 * takes a lock and some 100 instructions to say so.
 */
static void take_run(struct vprocns_event_exit *exit, struct task_struct *task)
{
	/* Also brings sum_exec_runtime up to now, which is divided. */
	exit->runtime = static_call(vprocns_task_sched_runtime)(task);
	if (likely(!task->stime && vprocns_ticks_count())) {
		exit->utime = exit->runtime;
		return;
	}
	task_cputime_adjusted(task, &exit->utime, &exit->stime);
	/* A tick between the two counts in these alone. */
	exit->runtime = max(exit->runtime, exit->utime + exit->stime);
}

/* From the counters that the kernel keeps of each task. */
static void fill_in_use(struct vprocns_event_exit *exit,
			struct task_struct *task)
{
	exit->start = task->start_time;
	take_run(exit, task);
	exit->nvcsw = task->nvcsw;
	exit->nivcsw = task->nivcsw;
	exit->min_flt = task->min_flt;
	exit->maj_flt = task->maj_flt;
#if defined(CONFIG_SCHED_INFO) && defined(CONFIG_SCHEDSTATS)
	exit->has |= VPROCNS_EVENT_RUN_DELAY;
	exit->run_delay = task->sched_info.run_delay;
#endif
#ifdef CONFIG_TASK_XACCT
	exit->has |= VPROCNS_EVENT_CHARS;
	exit->rchar = task->ioac.rchar;
	exit->wchar = task->ioac.wchar;
#endif
#ifdef CONFIG_TASK_IO_ACCOUNTING
	exit->has |= VPROCNS_EVENT_BYTES;
	exit->read_bytes = task->ioac.read_bytes;
	exit->write_bytes = task->ioac.write_bytes;
#endif
	/*
	 * Where the mm is gone by now (before 6.16), its peak was kept here. Each of
	 * the threads that end after the last one was counted sees 0.
	 */
	if (!atomic_read(&task->signal->live)) {
		exit->has |= VPROCNS_EVENT_MAXRSS;
		exit->maxrss = (u64)task->signal->maxrss << (PAGE_SHIFT - 10);
	}
}

/**
 * vprocns_event_tell_exit - tells that a member ends
 * @group: its group
 * @task: the member, which still has its numbers
 * @lineage: its lineage; or NULL if that is not known
 *
 * Context: probe of sched_process_exit, @task being the current one; RCU read side;
 * takes the kernel's lock of this CPU's run queue.
 */
void vprocns_event_tell_exit(struct vprocns_group *group, struct task_struct *task,
			     const u64 *lineage)
{
	struct vprocns_event_exit exit = {
		.tgid = tid_of(task_tgid(task)),
		.status = task->exit_code,
	};

	if (lineage) {
		exit.has = VPROCNS_EVENT_LINEAGE;
		exit.lineage = *lineage;
	}
	copy_comm(exit.comm, task);
	fill_in_use(&exit, task);
	/* After what was used, which is then never longer than the task's life. */
	exit.event = begin(VPROCNS_EVENT_EXIT, sizeof(exit), task_pid(task));
	exit.end = exit.event.time;
	trace_vprocns_exit(group, &exit);
	tell(group, &exit.event, task_pid(task));
}

/**
 * vprocns_event_refused - the current task was refused something
 * @group: the group that refused
 * @refusal: what, by which rule, with which errno
 *
 * Context: process, preemption off or on; an ftrace handler too.
 */
void vprocns_event_refused(struct vprocns_group *group,
			   const struct vprocns_refusal *refusal)
{
	struct vprocns_event_refused refused;

	if (!EVENT_IS_WANTED(group, refused))
		return;
	refused = (struct vprocns_event_refused) {
		.event = begin(VPROCNS_EVENT_REFUSED, sizeof(refused),
			       task_pid(current)),
		.call = refusal->call,
		.rule = refusal->rule,
		.err = refusal->err,
		.exit_signal = refusal->exit_signal,
		.flags = refusal->flags,
	};
	trace_vprocns_refused(group, &refused);
	tell(group, &refused.event, task_pid(current));
}

/**
 * vprocns_event_rewritten - the current task's clone goes on with other flags
 * @group: its group
 * @asked: the clone flags that it asked for
 * @flags: those that it gets
 *
 * Context: as vprocns_event_refused().
 */
void vprocns_event_rewritten(struct vprocns_group *group, u64 asked, u64 flags)
{
	struct vprocns_event_rewritten rewritten;

	if (!EVENT_IS_WANTED(group, rewritten))
		return;
	rewritten = (struct vprocns_event_rewritten) {
		.event = begin(VPROCNS_EVENT_REWRITTEN,
			       sizeof(rewritten), task_pid(current)),
		.asked = asked,
		.flags = flags,
	};
	trace_vprocns_rewritten(group, &rewritten);
	tell(group, &rewritten.event, task_pid(current));
}

/**
 * vprocns_event_capset_refused - the current task's capset(2) was refused
 * @group: its group
 * @err: the errno, positive
 *
 * Context: process.
 */
void vprocns_event_capset_refused(struct vprocns_group *group, int err)
{
	struct vprocns_event_capset_refused refused;

	if (!EVENT_IS_WANTED(group, capset_refused))
		return;
	refused = (struct vprocns_event_capset_refused) {
		.event = begin(VPROCNS_EVENT_CAPSET_REFUSED,
			       sizeof(refused), task_pid(current)),
		.err = err,
	};
	trace_vprocns_capset_refused(group, &refused);
	tell(group, &refused.event, task_pid(current));
}

static_assert(sizeof(struct vprocns_event) == 24);
static_assert(sizeof(struct vprocns_event_bound) == 32);
static_assert(sizeof(struct vprocns_event_new) == 96);
static_assert(sizeof(struct vprocns_event_exec) == 64);
static_assert(sizeof(struct vprocns_event_exit) == 184);
static_assert(sizeof(struct vprocns_event_refused) == 48);
static_assert(sizeof(struct vprocns_event_rewritten) == 40);
static_assert(sizeof(struct vprocns_event_capset_refused) == 32);
