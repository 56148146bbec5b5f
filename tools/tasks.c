// SPDX-License-Identifier: GPL-2.0
/* A recording as its tasks: who cloned whom, and what each of them used. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"
#include "tasks.h"
#include "tool.h"

static const struct {
	const char *name;
	enum metric_unit unit;
} uses[] = {
	[USE_RUNTIME]		= { "runtime", UNIT_NS },
	[USE_UTIME]		= { "utime", UNIT_NS },
	[USE_STIME]		= { "stime", UNIT_NS },
	[USE_RUN_DELAY]		= { "run_delay", UNIT_NS },
	[USE_NVCSW]		= { "nvcsw", UNIT_COUNT },
	[USE_NIVCSW]		= { "nivcsw", UNIT_COUNT },
	[USE_MIN_FLT]		= { "min_flt", UNIT_COUNT },
	[USE_MAJ_FLT]		= { "maj_flt", UNIT_COUNT },
	[USE_RCHAR]		= { "rchar", UNIT_BYTES },
	[USE_WCHAR]		= { "wchar", UNIT_BYTES },
	[USE_READ_BYTES]	= { "read_bytes", UNIT_BYTES },
	[USE_WRITE_BYTES]	= { "write_bytes", UNIT_BYTES },
	[USE_MAXRSS]		= { "maxrss", UNIT_KIB },
};

/* Lineages that are no task's: of what joined from outside, by a slot, and of pid 1. */
#define LINEAGE_OUTSIDE	0xffffffffffffffffULL
#define LINEAGE_SLOT	0xfffffffffffffffcULL
#define LINEAGE_INIT	0xfffffffffffffffdULL

/* A task that was there when the recording began, and has a lineage. */
struct present {
	uint64_t lineage;
	uint64_t cloner_lineage;
	uint64_t ordinal;
	struct task *task;
};

/*
 * While a recording is read: which task has a TID now, and where lists end; those that
 * were there, until all of them are known and their cloners can be found.
 */
struct reader {
	struct recording *recording;
	struct tasks *tasks;
	struct task **by_tid;
	size_t nr_tids;
	size_t room;
	struct present *present;
	size_t nr_present;
	uint64_t joined;
	uint64_t by_slot;
	uint64_t by_kernel;
};

static int64_t number_in(struct reader *reader, const char *name,
			 int64_t otherwise)
{
	return recording_number(reader->recording, name, otherwise);
}

static char *copy_in(struct reader *reader, const char *name)
{
	const char *const text = recording_text(reader->recording, name);

	return need(strdup(text ? text : ""));
}

static void take_comm(struct reader *reader, struct task *task)
{
	const char *const comm = recording_text(reader->recording, "comm");

	if (comm)
		snprintf(task->comm, sizeof(task->comm), "%s", comm);
}

static struct task *with_tid(struct reader *reader, int64_t tid)
{
	return tid > 0 && (size_t)tid < reader->nr_tids ?
		       reader->by_tid[tid] : NULL;
}

static void set_tid(struct reader *reader, int64_t tid, struct task *task)
{
	size_t room = reader->nr_tids ? reader->nr_tids : 4096;

	if (tid <= 0 || tid > 1 << 22)
		fail("%s: %" PRId64 " is no TID", reader->tasks->path, tid);
	while (room <= (size_t)tid)
		room *= 2;
	if (room != reader->nr_tids) {
		reader->by_tid = need(reallocarray(reader->by_tid, room,
						   sizeof(*reader->by_tid)));
		memset(reader->by_tid + reader->nr_tids, 0,
		       (room - reader->nr_tids) * sizeof(*reader->by_tid));
		reader->nr_tids = room;
	}
	reader->by_tid[tid] = task;
}

/* Siblings come in ascending order nearly always: they are sorted at the end. */
static struct task *add(struct reader *reader, struct task *cloner,
			enum task_origin origin, uint64_t ordinal, int64_t tid)
{
	struct tasks *const tasks = reader->tasks;
	struct task *const task = need(calloc(1, sizeof(*task)));
	struct task **const list = cloner ? &cloner->children : &tasks->roots;

	if (tasks->count == reader->room) {
		reader->room = reader->room ? 2 * reader->room : 256;
		tasks->all = need(reallocarray(tasks->all, reader->room,
					       sizeof(*tasks->all)));
	}
	tasks->all[tasks->count++] = task;
	task->cloner = cloner;
	task->origin = origin;
	task->ordinal = ordinal;
	task->slot = -1;
	task->tid = (int32_t)tid;
	task->tgid = (int32_t)tid;
	/* Until an exit tells. */
	task->end = -1;
	task->next = *list;
	*list = task;
	set_tid(reader, tid, task);
	return task;
}

/* A cloner of which nothing was said: the namespace's init, or one from before the bind. */
static struct task *cloner_of(struct reader *reader, int64_t tid)
{
	struct task *const cloner = with_tid(reader, tid);

	if (cloner)
		return cloner;
	return add(reader, NULL, TASK_BEFORE, (uint64_t)tid, tid);
}

/* False where the line has none. */
static bool lineage_in(struct reader *reader, const char *name, uint64_t *lineage)
{
	const char *const text = recording_text(reader->recording, name);

	*lineage = text ? strtoull(text, NULL, 16) : 0;
	return text;
}

/* Of a task that joined from outside, whose ordinal is known. */
static void take_slot(struct reader *reader, struct task *task)
{
	uint64_t cloner;

	if (!lineage_in(reader, "cloner_lineage", &cloner) || cloner != LINEAGE_SLOT)
		return;
	task->slot = (int32_t)(task->ordinal - 1);
	reader->by_slot++;
}

static void take_member(struct reader *reader)
{
	const int64_t tid = number_in(reader, "tid", 0);
	struct present present = {
		.ordinal = (uint64_t)number_in(reader, "ordinal", 0),
	};
	const bool has_lineage = lineage_in(reader, "lineage", &present.lineage);

	lineage_in(reader, "cloner_lineage", &present.cloner_lineage);
	if (has_lineage && (present.cloner_lineage == LINEAGE_OUTSIDE ||
			    present.cloner_lineage == LINEAGE_SLOT)) {
		present.task = add(reader, NULL, TASK_JOINED, present.ordinal, tid);
		take_slot(reader, present.task);
		reader->joined++;
	} else {
		present.task = add(reader, NULL, TASK_BEFORE, (uint64_t)tid, tid);
	}
	present.task->tgid = (int32_t)number_in(reader, "tgid", tid);
	present.task->start = number_in(reader, "time", 0);
	take_comm(reader, present.task);
	/* It has none before its first clone. */
	if (tid == 1)
		present.lineage = LINEAGE_INIT;
	else if (!has_lineage)
		return;
	reader->present = need(reallocarray(reader->present,
					    reader->nr_present + 1,
					    sizeof(present)));
	reader->present[reader->nr_present++] = present;
}

static int by_lineage(const void *a, const void *b)
{
	const struct present *const one = a, *const other = b;

	return (one->lineage > other->lineage) - (one->lineage < other->lineage);
}

/* To their cloners, as far as these were there too: others stay roots. */
static void link_members(struct reader *reader)
{
	struct tasks *const tasks = reader->tasks;
	const size_t nr = reader->nr_present;
	size_t i;

	if (!nr)
		return;
	qsort(reader->present, nr, sizeof(*reader->present), by_lineage);
	for (i = 0; i < nr; i++) {
		const struct present *const own = &reader->present[i];
		const struct present key = { .lineage = own->cloner_lineage };
		const struct present *const cloner =
			bsearch(&key, reader->present, nr, sizeof(key), by_lineage);

		if (!cloner || own->task->origin != TASK_BEFORE || own == cloner ||
		    own->task->tid == 1)
			continue;
		own->task->cloner = cloner->task;
		own->task->origin = TASK_CLONED;
		own->task->ordinal = own->ordinal;
	}
	/* So far all of them are in this list. */
	tasks->roots = NULL;
	for (i = 0; i < tasks->count; i++) {
		struct task *const task = tasks->all[i];
		struct task **const list = task->cloner ? &task->cloner->children :
							  &tasks->roots;

		task->next = *list;
		*list = task;
	}
	reader->nr_present = 0;
}

static void take_new(struct reader *reader)
{
	const int64_t tid = number_in(reader, "tid", 0);
	const int64_t cloner_tid = number_in(reader, "cloner", 0);
	struct task *cloner = NULL, *task;
	enum task_origin origin = TASK_CLONED;
	uint64_t ordinal;

	if (recording_flag(reader->recording, "joined")) {
		origin = TASK_JOINED;
		ordinal = ++reader->joined;
	} else {
		cloner = cloner_of(reader, cloner_tid > 0 ? cloner_tid : 1);
		/* The newest child is at the head of the list. */
		ordinal = cloner->children ? cloner->children->ordinal + 1 : 1;
	}
	ordinal = (uint64_t)number_in(reader, "ordinal", (int64_t)ordinal);
	task = add(reader, cloner, origin, ordinal, tid);
	task->tgid = (int32_t)number_in(reader, "tgid", tid);
	task->start = number_in(reader, "time", 0);
	take_comm(reader, task);
	if (origin == TASK_JOINED)
		take_slot(reader, task);
}

static void take_exec(struct reader *reader)
{
	const int64_t tid = number_in(reader, "tid", 0);
	const int64_t old_tid = number_in(reader, "old_tid", 0);
	const char *const filename = recording_text(reader->recording, "filename");
	struct task *const task = cloner_of(reader, tid);
	struct task *const thread = old_tid ? with_tid(reader, old_tid) : NULL;
	char *programs;

	/* A thread that took over its process goes on as the process. */
	if (thread && thread != task) {
		thread->end = number_in(reader, "time", 0);
		thread->exited = false;
		set_tid(reader, old_tid, NULL);
		task->exited = false;
	}
	take_comm(reader, task);
	if (asprintf(&programs, "%s%s%s", task->programs ? task->programs : "",
		     task->programs ? "\n" : "", filename ? filename : "?") < 0)
		fail("out of memory");
	free(task->programs);
	task->programs = programs;
}

static void take_exit(struct reader *reader)
{
	const int64_t tid = number_in(reader, "tid", 0);
	struct task *task = with_tid(reader, tid);
	size_t use;

	/* A TID that is used again had its exit. */
	if (!task || task->exited) {
		const bool before = tid == 1 ||
			recording_text(reader->recording, "lineage");

		task = add(reader, NULL, before ? TASK_BEFORE : TASK_KERNEL,
			   before ? (uint64_t)tid : ++reader->by_kernel, tid);
		task->tgid = (int32_t)number_in(reader, "tgid", tid);
	}
	take_comm(reader, task);
	task->exited = true;
	task->status = (int32_t)number_in(reader, "status", 0);
	task->end = number_in(reader, "end", number_in(reader, "time", 0));
	task->start = number_in(reader, "start", task->start);
	for (use = 0; use < USE_NR; use++) {
		task->used[use] = number_in(reader, uses[use].name, -1);
		if (task->used[use] >= 0)
			task->has |= 1u << use;
	}
}

static void take_counters(struct reader *reader)
{
	const struct tasks *const tasks = reader->tasks;
	struct task *const task = with_tid(reader, number_in(reader, "tid", 0));
	struct json_object *const counters =
		recording_nested(reader->recording, "counters");
	struct json_object *value;
	size_t i;

	if (!task || !tasks->nr_events || !counters)
		return;
	if (!task->counters)
		task->counters = need(calloc(tasks->nr_events,
					     sizeof(*task->counters)));
	for (i = 0; i < tasks->nr_events; i++)
		task->counters[i] =
			json_object_object_get_ex(counters, tasks->events[i],
						  &value) ?
			json_object_get_int64(value) : -1;
}

static void take_refused(struct reader *reader)
{
	struct tasks *const tasks = reader->tasks;
	struct task_refusal *refusal;

	tasks->refusals = need(reallocarray(tasks->refusals,
					    tasks->nr_refusals + 1,
					    sizeof(*refusal)));
	refusal = &tasks->refusals[tasks->nr_refusals++];
	refusal->task = with_tid(reader, number_in(reader, "tid", 0));
	refusal->time = number_in(reader, "time", 0);
	refusal->call = copy_in(reader, "call");
	refusal->rule = copy_in(reader, "rule");
	refusal->error = copy_in(reader, "errno");
}

static const char *text_at(struct json_object *array, size_t place)
{
	const char *const text =
		json_object_get_string(json_object_array_get_idx(array, place));

	return text ? text : "";
}

/* NULL where it is absent. */
static const char *text_in(struct json_object *object, const char *name)
{
	struct json_object *text;

	return json_object_object_get_ex(object, name, &text) ?
	       json_object_get_string(text) : NULL;
}

/* Words with what a shell would take apart in quotes; the group where there are none. */
static char *command_in(struct reader *reader, struct json_object *group)
{
	struct json_object *const words =
		recording_nested(reader->recording, "command");
	char *command = NULL;
	size_t length, i, count;
	FILE *text;

	if (!json_object_is_type(words, json_type_array)) {
		const char *const name = text_in(group, "name");

		if (asprintf(&command, "group %s", name ? name :
			     text_in(group, "id") ?: "?") < 0)
			fail("out of memory");
		return command;
	}
	text = need(open_memstream(&command, &length));
	count = json_object_array_length(words);
	for (i = 0; i < count; i++) {
		const char *const word = text_at(words, i);
		const bool plain = *word && !strpbrk(word, " \t\n\"'\\$&;|<>()*?`#");

		fprintf(text, "%s%s%s%s", i ? " " : "", plain ? "" : "'", word,
			plain ? "" : "'");
	}
	fclose(text);
	return need(command);
}

static char *copy_of(const char *text)
{
	return text ? need(strdup(text)) : NULL;
}

static void take_header(struct reader *reader)
{
	struct recording *const recording = reader->recording;
	struct tasks *const tasks = reader->tasks;
	struct json_object *const group = recording_nested(recording, "group");
	struct json_object *const host = recording_nested(recording, "host");
	struct json_object *const events = recording_nested(recording, "events");
	const char *const numbering = text_in(group, "numbering");
	const char *const base = recording_text(recording, "base");
	size_t i;

	tasks->command = command_in(reader, group);
	tasks->attached = recording_flag(recording, "attached");
	tasks->date = copy_in(reader, "date");
	tasks->base = base ? strtoull(base, NULL, 10) : 0;
	tasks->lineage = numbering && !strcmp(numbering, "lineage");
	tasks->seed = copy_of(text_in(group, "seed"));
	tasks->host = copy_of(text_in(host, "name"));
	if (!json_object_is_type(events, json_type_array))
		return;
	tasks->nr_events = json_object_array_length(events);
	tasks->events = need(calloc(tasks->nr_events + 1,
				    sizeof(*tasks->events)));
	for (i = 0; i < tasks->nr_events; i++)
		tasks->events[i] = need(strdup(text_at(events, i)));
}

static void take_totals(struct reader *reader)
{
	struct tasks *const tasks = reader->tasks;

	tasks->complete = true;
	tasks->status = (int32_t)number_in(reader, "status", -1);
	tasks->collisions = (uint64_t)number_in(reader, "collisions", 0);
	tasks->lost = (uint64_t)number_in(reader, "lost", 0);
}

static const struct {
	const char *kind;
	void (*take)(struct reader *reader);
} kinds[] = {
	{ "new",	take_new },
	{ "member",	take_member },
	{ "exit",	take_exit },
	{ "exec",	take_exec },
	{ "counters",	take_counters },
	{ "refused",	take_refused },
	{ "header",	take_header },
	{ "totals",	take_totals },
};

static void take(struct reader *reader)
{
	const char *const kind = recording_text(reader->recording, "kind");
	const int64_t time = number_in(reader, "time", 0);
	size_t i;

	if (time > reader->tasks->end)
		reader->tasks->end = time;
	for (i = 0; kind && i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kind, kinds[i].kind))
			continue;
		/* These come first. */
		if (kinds[i].take != take_member)
			link_members(reader);
		kinds[i].take(reader);
		return;
	}
}

static int by_ordinal(const void *a, const void *b)
{
	const struct task *const one = *(struct task *const *)a;
	const struct task *const other = *(struct task *const *)b;

	if (one->origin != other->origin)
		return one->origin < other->origin ? -1 : 1;
	return (one->ordinal > other->ordinal) - (one->ordinal < other->ordinal);
}

/* Lists were built from the head, so the last to come is first. */
static void sort_list(struct task **list)
{
	struct task *task, **sorted, *ordered = NULL;
	size_t count = 0, i = 0;

	for (task = *list; task; task = task->next)
		count++;
	if (count < 2)
		return;
	sorted = need(calloc(count, sizeof(struct task *)));
	for (task = *list; task; task = task->next)
		sorted[i++] = task;
	qsort(sorted, count, sizeof(struct task *), by_ordinal);
	while (count--) {
		sorted[count]->next = ordered;
		ordered = sorted[count];
	}
	*list = ordered;
	free(sorted);
}

static void finish(struct tasks *tasks)
{
	size_t i;

	for (i = 0; i < tasks->count; i++) {
		struct task *const task = tasks->all[i];

		sort_list(&task->children);
		if (task->end < task->start)
			task->end = tasks->end;
	}
	sort_list(&tasks->roots);
}

struct tasks *tasks_read(const char *path)
{
	struct tasks *const tasks = need(calloc(1, sizeof(*tasks)));
	struct reader reader = {
		.recording = recording_open(path), .tasks = tasks,
	};

	tasks->path = path;
	tasks->slot = -1;
	while (recording_next(reader.recording))
		take(&reader);
	recording_close(reader.recording);
	link_members(&reader);
	free(reader.present);
	tasks->joined = reader.joined - reader.by_slot;
	free(reader.by_tid);
	finish(tasks);
	return tasks;
}

void tasks_free(struct tasks *tasks)
{
	size_t i;

	for (i = 0; i < tasks->count; i++) {
		free(tasks->all[i]->programs);
		free(tasks->all[i]->counters);
		free(tasks->all[i]);
	}
	for (i = 0; i < tasks->nr_refusals; i++) {
		free(tasks->refusals[i].call);
		free(tasks->refusals[i].rule);
		free(tasks->refusals[i].error);
	}
	for (i = 0; i < tasks->nr_events; i++)
		free(tasks->events[i]);
	free(tasks->events);
	free(tasks->refusals);
	free(tasks->all);
	free(tasks->command);
	free(tasks->host);
	free(tasks->seed);
	free(tasks->date);
	free(tasks);
}

bool task_is_init(const struct task *task)
{
	return task->origin == TASK_BEFORE && task->tid == 1;
}

const char *tasks_use_name(enum task_use use)
{
	return uses[use].name;
}

static void list_metrics(const struct tasks *tasks, const char *name)
{
	char *list = NULL;
	size_t length, i;
	FILE *const text = need(open_memstream(&list, &length));

	for (i = 0; i < USE_NR; i++)
		fprintf(text, "%s%s", i ? ", " : "", uses[i].name);
	for (i = 0; i < tasks->nr_events; i++)
		fprintf(text, ", %s", tasks->events[i]);
	fclose(text);
	misuse("metric '%s': one of %s is needed%s", name, list,
	       tasks->nr_events ? "" :
				  "; counters are there with record --events");
}

struct metric metric_named(const char *name, const struct tasks *tasks)
{
	struct metric metric = { .name = name, .use = -1, .unit = UNIT_COUNT };
	size_t i;

	for (i = 0; i < USE_NR; i++) {
		if (strcmp(name, uses[i].name))
			continue;
		metric.use = (int)i;
		metric.unit = uses[i].unit;
		return metric;
	}
	for (i = 0; i < tasks->nr_events; i++)
		if (!strcmp(name, tasks->events[i]))
			return metric;
	list_metrics(tasks, name);
	return metric;
}

bool metric_of(const struct metric *metric, const struct tasks *tasks,
	       const struct task *task, double *value)
{
	size_t i;

	if (metric->use >= 0) {
		*value = (double)task->used[metric->use];
		return task->has & 1u << metric->use;
	}
	for (i = 0; task->counters && i < tasks->nr_events; i++) {
		if (strcmp(metric->name, tasks->events[i]))
			continue;
		*value = (double)task->counters[i];
		return task->counters[i] >= 0;
	}
	return false;
}

const char *metric_text(const struct metric *metric, double value, char *text)
{
	static const struct {
		const char *suffix[5];
		double step;
	} scales[] = {
		[UNIT_NS]	= { { "ns", "us", "ms", "s", NULL }, 1000 },
		[UNIT_BYTES]	= { { "B", "KiB", "MiB", "GiB", NULL }, 1024 },
		[UNIT_KIB]	= { { "KiB", "MiB", "GiB", "TiB", NULL }, 1024 },
		[UNIT_COUNT]	= { { "", "k", "M", "G", NULL }, 1000 },
	};
	const char *const *suffix = scales[metric->unit].suffix;
	const double step = scales[metric->unit].step;

	for (; value >= step && suffix[1]; suffix++)
		value /= step;
	if (suffix == scales[metric->unit].suffix || value >= 100)
		snprintf(text, METRIC_TEXT, "%.0f", value);
	else
		snprintf(text, METRIC_TEXT, value >= 10 ? "%.1f" : "%.2f", value);
	if (**suffix)
		snprintf(text + strlen(text), METRIC_TEXT - strlen(text), " %s",
			 *suffix);
	return text;
}
