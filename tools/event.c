// SPDX-License-Identifier: GPL-2.0
/* Events of the module, as lines of a recording: Documentation/recording.md. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include "event.h"
#include "names.h"
#include "recording.h"
#include "tool.h"

void event_add_flags(struct json_object *line, const char *name, uint64_t flags)
{
	char *const text = flags_text(flags);

	if (!text)
		fail("out of memory");
	line_text(line, name, text);
	free(text);
}

void event_add_lineage(struct json_object *line, const char *name,
		       uint64_t lineage)
{
	char text[17];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)lineage);
	line_text(line, name, text);
}

static void add_errno(struct json_object *line, int err)
{
	const char *const name = errno_name(err);

	if (name)
		line_text(line, "errno", name);
}

static void add_new(struct json_object *line, const struct vprocns_event *event)
{
	const struct vprocns_event_new *const new = (const void *)event;

	line_number(line, "tgid", new->tgid);
	line_number(line, "host_tid", event->host_tid);
	line_number(line, "host_tgid", new->host_tgid);
	if (new->cloner)
		line_number(line, "cloner", new->cloner);
	if (new->has & VPROCNS_EVENT_FLAGS)
		event_add_flags(line, "flags", new->flags);
	line_add(line, "joined", json_object_new_boolean(new->joined));
	if (new->has & VPROCNS_EVENT_LINEAGE) {
		event_add_lineage(line, "lineage", new->lineage);
		event_add_lineage(line, "cloner_lineage", new->cloner_lineage);
		line_number(line, "ordinal", new->ordinal);
	}
	line_text(line, "comm", new->comm);
}

static void add_exec(struct json_object *line, const struct vprocns_event *event,
		     int old_tid)
{
	const struct vprocns_event_exec *const exec = (const void *)event;

	line_number(line, "host_tid", event->host_tid);
	line_text(line, "comm", exec->comm);
	line_text(line, "filename", (const char *)event + exec->filename);
	if (old_tid)
		line_number(line, "old_tid", old_tid);
	if (exec->has & VPROCNS_EVENT_LINEAGE)
		event_add_lineage(line, "lineage", exec->lineage);
}

static void add_exit(struct json_object *line, const struct vprocns_event *event,
		     uint64_t base)
{
	const struct vprocns_event_exit *const exit = (const void *)event;

	line_number(line, "tgid", exit->tgid);
	line_number(line, "host_tid", event->host_tid);
	if (exit->has & VPROCNS_EVENT_LINEAGE)
		event_add_lineage(line, "lineage", exit->lineage);
	line_text(line, "comm", exit->comm);
	line_number(line, "status", exit->status);
	line_number(line, "start", exit->start - base);
	line_number(line, "end", exit->end - base);
	line_number(line, "runtime", exit->runtime);
	line_number(line, "utime", exit->utime);
	line_number(line, "stime", exit->stime);
	if (exit->has & VPROCNS_EVENT_RUN_DELAY)
		line_number(line, "run_delay", exit->run_delay);
	line_number(line, "nvcsw", exit->nvcsw);
	line_number(line, "nivcsw", exit->nivcsw);
	line_number(line, "min_flt", exit->min_flt);
	line_number(line, "maj_flt", exit->maj_flt);
	if (exit->has & VPROCNS_EVENT_CHARS) {
		line_number(line, "rchar", exit->rchar);
		line_number(line, "wchar", exit->wchar);
	}
	if (exit->has & VPROCNS_EVENT_BYTES) {
		line_number(line, "read_bytes", exit->read_bytes);
		line_number(line, "write_bytes", exit->write_bytes);
	}
	if (exit->has & VPROCNS_EVENT_MAXRSS)
		line_number(line, "maxrss", exit->maxrss);
}

static void add_refused(struct json_object *line,
			const struct vprocns_event *event)
{
	const struct vprocns_event_refused *const refused = (const void *)event;
	const char *const call = call_name(refused->call);
	const char *const rule = rule_name(refused->rule);

	line_number(line, "host_tid", event->host_tid);
	if (call)
		line_text(line, "call", call);
	if (rule)
		line_text(line, "rule", rule);
	/* A number is asked for by a clone whose flags were let through before. */
	if (refused->call != VPROCNS_CALL_NUMBER)
		event_add_flags(line, "flags", refused->flags);
	if (refused->exit_signal)
		line_number(line, "exit_signal", refused->exit_signal);
	add_errno(line, refused->err);
}

static void add_rewritten(struct json_object *line,
			  const struct vprocns_event *event)
{
	const struct vprocns_event_rewritten *const rewritten =
		(const void *)event;

	line_number(line, "host_tid", event->host_tid);
	event_add_flags(line, "asked", rewritten->asked);
	event_add_flags(line, "flags", rewritten->flags);
}

static const char *kind_name(unsigned int kind)
{
	static const char *const kinds[] = {
		[VPROCNS_EVENT_BOUND]		= "bound",
		[VPROCNS_EVENT_ENDED]		= "ended",
		[VPROCNS_EVENT_NEW]		= "new",
		[VPROCNS_EVENT_EXEC]		= "exec",
		[VPROCNS_EVENT_EXIT]		= "exit",
		[VPROCNS_EVENT_REFUSED]		= "refused",
		[VPROCNS_EVENT_REWRITTEN]	= "rewritten",
		[VPROCNS_EVENT_CAPSET_REFUSED]	= "capset_refused",
	};

	return kind < ARRAY_SIZE(kinds) ? kinds[kind] : NULL;
}

struct json_object *event_line(const struct vprocns_event *event, uint64_t base,
			       int old_tid)
{
	const char *const kind = kind_name(event->kind);
	struct json_object *line;

	if (!kind)
		return NULL;
	line = line_new(kind);
	line_number(line, "time", event->time - base);
	if (event->tid)
		line_number(line, "tid", event->tid);
	switch (event->kind) {
	case VPROCNS_EVENT_BOUND:
		line_number(line, "host_tid", event->host_tid);
		line_number(line, "ns_inum",
			    ((const struct vprocns_event_bound *)event)->ns_inum);
		break;
	case VPROCNS_EVENT_NEW:
		add_new(line, event);
		break;
	case VPROCNS_EVENT_EXEC:
		add_exec(line, event, old_tid);
		break;
	case VPROCNS_EVENT_EXIT:
		add_exit(line, event, base);
		break;
	case VPROCNS_EVENT_REFUSED:
		add_refused(line, event);
		break;
	case VPROCNS_EVENT_REWRITTEN:
		add_rewritten(line, event);
		break;
	case VPROCNS_EVENT_CAPSET_REFUSED:
		line_number(line, "host_tid", event->host_tid);
		add_errno(line, ((const struct vprocns_event_capset_refused *)
					 event)->err);
		break;
	}
	return line;
}
