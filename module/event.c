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
	return ns->level ? pid_nr_ns(pid, ns) : pid->numbers[0].nr;
}

/* The beginning of a record of @pid's task, for a reader in @ns; but for .lost. */
static __always_inline void begin_at(struct vprocns_event *event, u64 time, int kind,
				     size_t size, struct pid *pid,
				     struct pid_namespace *ns)
{
	event->kind = kind;
	event->size = size;
	event->time = time;
	event->tid = tid_of(pid);
	event->host_tid = tid_for(pid, ns);
}

/* The same for what happens now, for tracers, and so far nothing was lost. */
static struct vprocns_event begin(int kind, size_t size, struct pid *pid)
{
	struct vprocns_event event = {};

	begin_at(&event, ktime_get_ns(), kind, size, pid, &init_pid_ns);
	return event;
}

/*
 * Without the lock of get_task_comm(), which may sleep; another thread may rename. The
 * kernel keeps zeros after a name.
 */
static __always_inline void copy_comm(char *to, const struct task_struct *task)
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

/*
 * Makes the record of a new task. Field by field, since a whole struct is cleared first,
 * and each byte, since it may be a ring's.
 */
static __always_inline void make_new(struct vprocns_event_new *new,
				     struct task_struct *task, u64 flags,
				     const struct vprocns_record *record,
				     struct pid_namespace *ns)
{
	struct pid *const parent = task_pid(current);
	struct pid *const pid = task_pid(task);
	struct pid *const tgid = task_tgid(task);
	const bool joined = ns_of_pid(parent) != ns_of_pid(pid);

	/* As its exit will tell. */
	begin_at(&new->event, task->start_time, VPROCNS_EVENT_NEW, sizeof(*new), pid, ns);
	new->tgid = tid_of(tgid);
	new->host_tgid = tid_for(tgid, ns);
	new->cloner = joined ? 0 : tid_of(parent);
	new->joined = joined;
	new->has = VPROCNS_EVENT_FLAGS | (record ? VPROCNS_EVENT_LINEAGE : 0);
	new->reserved = 0;
	new->flags = flags;
	new->lineage = record ? record->lineage : 0;
	new->cloner_lineage = record ? record->origin.cloner_lineage : 0;
	new->ordinal = record ? record->origin.ordinal : 0;
	copy_comm(new->comm, task);
}

/* Apart from the caller, which then has no record on its stack, and no guard for it. */
static noinline void trace_new(const struct vprocns_group *group,
			       struct task_struct *task, u64 flags,
			       const struct vprocns_record *record)
{
	struct vprocns_event_new new;

	make_new(&new, task, flags, record, &init_pid_ns);
	trace_vprocns_new(group, &new);
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
	const struct vprocns_record *const record =
		vprocns_numbers_record(&group->numbers, child);
	struct vprocns_event_new *new;
	struct vprocns_ring *ring;

	if (trace_vprocns_new_enabled())
		trace_new(group, child, flags, record);
	list_for_each_entry_rcu(ring, &group->rings.list, node) {
		raw_spin_lock(&ring->lock);
		new = vprocns_ring_reserve(ring, sizeof(*new));
		if (new) {
			make_new(new, child, flags, record, ring->ns);
			vprocns_ring_commit(ring, &new->event, sizeof(*new));
		}
		raw_spin_unlock(&ring->lock);
	}
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
	const struct vprocns_record *known;
	struct vprocns_ring *ring;
	size_t size;

	if (!EVENT_IS_WANTED(group, exec))
		return;
	memset(&record, 0, sizeof(record));
	strscpy(record.filename, filename, sizeof(record.filename));
	size = ALIGN(sizeof(*exec) + strlen(record.filename) + 1, 8);
	exec->event = begin(VPROCNS_EVENT_EXEC, size, task_pid(task));
	known = vprocns_numbers_record(&group->numbers, task);
	if (known) {
		exec->has = VPROCNS_EVENT_LINEAGE;
		exec->lineage = known->lineage;
	}
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

/* What an exit's record has of the run time. */
struct run {
	u64 total;
	u64 user;
	u64 system;
};

/*
 * Up to now, and divided as getrusage(2) has it: by what ticks have seen. As long as none
 * has seen the task in the kernel that says that all is the user's. The kernel takes a
 * lock and some 100 instructions to say so.
 */
static __always_inline struct run take_run(struct task_struct *task)
{
	/* Also brings sum_exec_runtime up to now, which is divided. */
	const u64 total = static_call(vprocns_task_sched_runtime)(task);
	u64 user, system;

	if (likely(!task->stime && vprocns_ticks_count()))
		return (struct run) { .total = total, .user = total };
	task_cputime_adjusted(task, &user, &system);
	/* A tick between the two counts in these alone. */
	return (struct run) { max(total, user + system), user, system };
}

/* Of the counters that not each kernel keeps, those of this one. */
#define COUNTED								\
	((IS_ENABLED(CONFIG_SCHED_INFO) && IS_ENABLED(CONFIG_SCHEDSTATS) ?	\
	  VPROCNS_EVENT_RUN_DELAY : 0) |					\
	 (IS_ENABLED(CONFIG_TASK_XACCT) ? VPROCNS_EVENT_CHARS : 0) |		\
	 (IS_ENABLED(CONFIG_TASK_IO_ACCOUNTING) ? VPROCNS_EVENT_BYTES : 0))

static __always_inline void set_counted(struct vprocns_event_exit *exit,
					const struct task_struct *task)
{
#if COUNTED & VPROCNS_EVENT_RUN_DELAY
	exit->run_delay = task->sched_info.run_delay;
#else
	exit->run_delay = 0;
#endif
#if COUNTED & VPROCNS_EVENT_CHARS
	exit->rchar = task->ioac.rchar;
	exit->wchar = task->ioac.wchar;
#else
	exit->rchar = 0;
	exit->wchar = 0;
#endif
#if COUNTED & VPROCNS_EVENT_BYTES
	exit->read_bytes = task->ioac.read_bytes;
	exit->write_bytes = task->ioac.write_bytes;
#else
	exit->read_bytes = 0;
	exit->write_bytes = 0;
#endif
}

/* As make_new(), from the counters that the kernel keeps of each task. */
static __always_inline void make_exit(struct vprocns_event_exit *exit,
				      struct task_struct *task, const u64 *lineage,
				      const struct run *run, u64 end,
				      struct pid_namespace *ns)
{
	const struct signal_struct *const signal = task->signal;
	/*
	 * Where the mm is gone by now (before 6.16), its peak was kept in the signal. Each
	 * of the threads that end after the last one was counted sees 0.
	 */
	const bool is_last = !atomic_read(&signal->live);

	begin_at(&exit->event, end, VPROCNS_EVENT_EXIT, sizeof(*exit), task_pid(task), ns);
	exit->tgid = tid_of(task_tgid(task));
	exit->status = task->exit_code;
	exit->has = COUNTED | (lineage ? VPROCNS_EVENT_LINEAGE : 0) |
		    (is_last ? VPROCNS_EVENT_MAXRSS : 0);
	exit->reserved = 0;
	exit->lineage = lineage ? *lineage : 0;
	copy_comm(exit->comm, task);
	exit->start = task->start_time;
	exit->end = end;
	exit->runtime = run->total;
	exit->utime = run->user;
	exit->stime = run->system;
	exit->nvcsw = task->nvcsw;
	exit->nivcsw = task->nivcsw;
	exit->min_flt = task->min_flt;
	exit->maj_flt = task->maj_flt;
	set_counted(exit, task);
	exit->maxrss = is_last ? (u64)signal->maxrss << (PAGE_SHIFT - 10) : 0;
}

/* Apart from the caller, as trace_new() is. */
static noinline void trace_exit(const struct vprocns_group *group,
				struct task_struct *task, const u64 *lineage,
				struct run run, u64 end)
{
	struct vprocns_event_exit exit;

	make_exit(&exit, task, lineage, &run, end, &init_pid_ns);
	trace_vprocns_exit(group, &exit);
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
	const struct run run = take_run(task);
	/* After what was used, which is then never longer than the task's life. */
	const u64 end = ktime_get_ns();
	struct vprocns_event_exit *exit;
	struct vprocns_ring *ring;

	if (trace_vprocns_exit_enabled())
		trace_exit(group, task, lineage, run, end);
	list_for_each_entry_rcu(ring, &group->rings.list, node) {
		raw_spin_lock(&ring->lock);
		exit = vprocns_ring_reserve(ring, sizeof(*exit));
		if (exit) {
			make_exit(exit, task, lineage, &run, end, ring->ns);
			vprocns_ring_commit(ring, &exit->event, sizeof(*exit));
		}
		raw_spin_unlock(&ring->lock);
	}
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
static_assert(sizeof(struct vprocns_event_exit) <= VPROCNS_RING_RECORD_MAX);
