/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tracepoints vprocns:*, for perf, ftrace and BPF. Fields are named as the
 * members of the event's struct in uapi/vprocns.h; host TIDs are those of the initial
 * PID namespace. Times are the tracer's own, but for start and end.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vprocns

#if !defined(_VPROCNS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _VPROCNS_TRACE_H

#include <linux/tracepoint.h>

#include "compat.h"
#include "event.h"
#include "group.h"
#include "vprocns.h"

TRACE_EVENT(vprocns_made,
	TP_PROTO(const struct vprocns_group *group),
	TP_ARGS(group),
	TP_STRUCT__entry(
		__field(u64,	group)
		__array(char,	name, VPROCNS_NAME_LEN)
		__field(u32,	profile)
		__field(u32,	numbering)
		__field(u32,	first)
		__field(u32,	last)
		__field(u64,	seed)
	),
	TP_fast_assign(
		__entry->group = group->id;
		memcpy(__entry->name, group->name, VPROCNS_NAME_LEN);
		__entry->profile = group->policy.profile;
		__entry->numbering = vprocns_group_numbering(group);
		__entry->first = group->numbers.first;
		__entry->last = group->numbers.last;
		__entry->seed = group->numbers.seed;
	),
	TP_printk("group=%llu name=%s profile=%u numbering=%u first=%u last=%u seed=%llu",
		  __entry->group, __entry->name, __entry->profile,
		  __entry->numbering, __entry->first, __entry->last,
		  __entry->seed)
);

TRACE_EVENT(vprocns_bound,
	TP_PROTO(const struct vprocns_group *group,
		 const struct vprocns_event_bound *event),
	TP_ARGS(group, event),
	TP_STRUCT__entry(
		__field(u64,	group)
		__field(pid_t,	host_tid)
		__field(u32,	ns_inum)
	),
	TP_fast_assign(
		__entry->group = group->id;
		__entry->host_tid = event->event.host_tid;
		__entry->ns_inum = event->ns_inum;
	),
	TP_printk("group=%llu host_tid=%d ns_inum=%u", __entry->group,
		  __entry->host_tid, __entry->ns_inum)
);

TRACE_EVENT(vprocns_ended,
	TP_PROTO(const struct vprocns_group *group),
	TP_ARGS(group),
	TP_STRUCT__entry(
		__field(u64,	group)
	),
	TP_fast_assign(
		__entry->group = group->id;
	),
	TP_printk("group=%llu", __entry->group)
);

TRACE_EVENT_FN(vprocns_new,
	TP_PROTO(const struct vprocns_group *group,
		 const struct vprocns_event_new *event),
	TP_ARGS(group, event),
	TP_STRUCT__entry(
		__field(u64,	group)
		__field(pid_t,	tid)
		__field(pid_t,	tgid)
		__field(pid_t,	host_tid)
		__field(pid_t,	host_tgid)
		__field(pid_t,	cloner)
		__field(u32,	joined)
		__field(u32,	has)
		__field(u64,	flags)
		__field(u64,	lineage)
		__field(u64,	cloner_lineage)
		__field(u64,	ordinal)
		__array(char,	comm, VPROCNS_COMM_LEN)
	),
	TP_fast_assign(
		__entry->group = group->id;
		__entry->tid = event->event.tid;
		__entry->tgid = event->tgid;
		__entry->host_tid = event->event.host_tid;
		__entry->host_tgid = event->host_tgid;
		__entry->cloner = event->cloner;
		__entry->joined = event->joined;
		__entry->has = event->has;
		__entry->flags = event->flags;
		__entry->lineage = event->lineage;
		__entry->cloner_lineage = event->cloner_lineage;
		__entry->ordinal = event->ordinal;
		memcpy(__entry->comm, event->comm, VPROCNS_COMM_LEN);
	),
	TP_printk("group=%llu tid=%d tgid=%d host_tid=%d host_tgid=%d cloner=%d joined=%u has=%#x flags=%#llx lineage=%016llx cloner_lineage=%016llx ordinal=%llu comm=%s",
		  __entry->group, __entry->tid, __entry->tgid,
		  __entry->host_tid, __entry->host_tgid, __entry->cloner,
		  __entry->joined, __entry->has, __entry->flags,
		  __entry->lineage, __entry->cloner_lineage, __entry->ordinal,
		  __entry->comm),
	vprocns_event_traced, vprocns_event_untraced
);

TRACE_EVENT_FN(vprocns_exec,
	TP_PROTO(const struct vprocns_group *group,
		 const struct vprocns_event_exec *event, const char *filename),
	TP_ARGS(group, event, filename),
	TP_STRUCT__entry(
		__field(u64,	group)
		__field(pid_t,	tid)
		__field(pid_t,	host_tid)
		__field(pid_t,	old_host_tid)
		__field(u32,	has)
		__field(u64,	lineage)
		__array(char,	comm, VPROCNS_COMM_LEN)
		__string(filename, filename)
	),
	TP_fast_assign(
		__entry->group = group->id;
		__entry->tid = event->event.tid;
		__entry->host_tid = event->event.host_tid;
		__entry->old_host_tid = event->old_host_tid;
		__entry->has = event->has;
		__entry->lineage = event->lineage;
		memcpy(__entry->comm, event->comm, VPROCNS_COMM_LEN);
		vprocns_assign_str(filename, filename);
	),
	TP_printk("group=%llu tid=%d host_tid=%d old_host_tid=%d has=%#x lineage=%016llx comm=%s filename=%s",
		  __entry->group, __entry->tid, __entry->host_tid,
		  __entry->old_host_tid, __entry->has, __entry->lineage,
		  __entry->comm, __get_str(filename)),
	vprocns_event_traced, vprocns_event_untraced
);

TRACE_EVENT_FN(vprocns_exit,
	TP_PROTO(const struct vprocns_group *group,
		 const struct vprocns_event_exit *event),
	TP_ARGS(group, event),
	TP_STRUCT__entry(
		__field(u64,	group)
		__field(pid_t,	tid)
		__field(pid_t,	tgid)
		__field(pid_t,	host_tid)
		__field(int,	status)
		__field(u32,	has)
		__field(u64,	lineage)
		__array(char,	comm, VPROCNS_COMM_LEN)
		__field(u64,	start)
		__field(u64,	end)
		__field(u64,	runtime)
		__field(u64,	utime)
		__field(u64,	stime)
		__field(u64,	run_delay)
		__field(u64,	nvcsw)
		__field(u64,	nivcsw)
		__field(u64,	min_flt)
		__field(u64,	maj_flt)
		__field(u64,	rchar)
		__field(u64,	wchar)
		__field(u64,	read_bytes)
		__field(u64,	write_bytes)
		__field(u64,	maxrss)
	),
	TP_fast_assign(
		__entry->group = group->id;
		__entry->tid = event->event.tid;
		__entry->tgid = event->tgid;
		__entry->host_tid = event->event.host_tid;
		__entry->status = event->status;
		__entry->has = event->has;
		__entry->lineage = event->lineage;
		memcpy(__entry->comm, event->comm, VPROCNS_COMM_LEN);
		__entry->start = event->start;
		__entry->end = event->end;
		__entry->runtime = event->runtime;
		__entry->utime = event->utime;
		__entry->stime = event->stime;
		__entry->run_delay = event->run_delay;
		__entry->nvcsw = event->nvcsw;
		__entry->nivcsw = event->nivcsw;
		__entry->min_flt = event->min_flt;
		__entry->maj_flt = event->maj_flt;
		__entry->rchar = event->rchar;
		__entry->wchar = event->wchar;
		__entry->read_bytes = event->read_bytes;
		__entry->write_bytes = event->write_bytes;
		__entry->maxrss = event->maxrss;
	),
	TP_printk("group=%llu tid=%d tgid=%d host_tid=%d status=%#x has=%#x lineage=%016llx comm=%s start=%llu end=%llu runtime=%llu utime=%llu stime=%llu run_delay=%llu nvcsw=%llu nivcsw=%llu min_flt=%llu maj_flt=%llu rchar=%llu wchar=%llu read_bytes=%llu write_bytes=%llu maxrss=%llu",
		  __entry->group, __entry->tid, __entry->tgid,
		  __entry->host_tid, __entry->status, __entry->has,
		  __entry->lineage, __entry->comm, __entry->start,
		  __entry->end, __entry->runtime, __entry->utime,
		  __entry->stime, __entry->run_delay, __entry->nvcsw,
		  __entry->nivcsw, __entry->min_flt, __entry->maj_flt,
		  __entry->rchar, __entry->wchar, __entry->read_bytes,
		  __entry->write_bytes, __entry->maxrss),
	vprocns_event_traced, vprocns_event_untraced
);

TRACE_EVENT(vprocns_refused,
	TP_PROTO(const struct vprocns_group *group,
		 const struct vprocns_event_refused *event),
	TP_ARGS(group, event),
	TP_STRUCT__entry(
		__field(u64,	group)
		__field(pid_t,	tid)
		__field(pid_t,	host_tid)
		__field(u32,	call)
		__field(u32,	rule)
		__field(u32,	errno)
		__field(u32,	exit_signal)
		__field(u64,	flags)
	),
	TP_fast_assign(
		__entry->group = group->id;
		__entry->tid = event->event.tid;
		__entry->host_tid = event->event.host_tid;
		__entry->call = event->call;
		__entry->rule = event->rule;
		__entry->errno = event->err;
		__entry->exit_signal = event->exit_signal;
		__entry->flags = event->flags;
	),
	TP_printk("group=%llu tid=%d host_tid=%d call=%u rule=%u errno=%u exit_signal=%u flags=%#llx",
		  __entry->group, __entry->tid, __entry->host_tid,
		  __entry->call, __entry->rule, __entry->errno,
		  __entry->exit_signal, __entry->flags)
);

TRACE_EVENT(vprocns_rewritten,
	TP_PROTO(const struct vprocns_group *group,
		 const struct vprocns_event_rewritten *event),
	TP_ARGS(group, event),
	TP_STRUCT__entry(
		__field(u64,	group)
		__field(pid_t,	tid)
		__field(pid_t,	host_tid)
		__field(u64,	asked)
		__field(u64,	flags)
	),
	TP_fast_assign(
		__entry->group = group->id;
		__entry->tid = event->event.tid;
		__entry->host_tid = event->event.host_tid;
		__entry->asked = event->asked;
		__entry->flags = event->flags;
	),
	TP_printk("group=%llu tid=%d host_tid=%d asked=%#llx flags=%#llx",
		  __entry->group, __entry->tid, __entry->host_tid,
		  __entry->asked, __entry->flags)
);

TRACE_EVENT(vprocns_capset_refused,
	TP_PROTO(const struct vprocns_group *group,
		 const struct vprocns_event_capset_refused *event),
	TP_ARGS(group, event),
	TP_STRUCT__entry(
		__field(u64,	group)
		__field(pid_t,	tid)
		__field(pid_t,	host_tid)
		__field(u32,	errno)
	),
	TP_fast_assign(
		__entry->group = group->id;
		__entry->tid = event->event.tid;
		__entry->host_tid = event->event.host_tid;
		__entry->errno = event->err;
	),
	TP_printk("group=%llu tid=%d host_tid=%d errno=%u", __entry->group,
		  __entry->tid, __entry->host_tid, __entry->errno)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
