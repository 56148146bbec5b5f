// SPDX-License-Identifier: GPL-2.0
/* `vprocns timeline`: a recording as a trace, or as a page to look at. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match.h"
#include "options.h"
#include "tasks.h"
#include "tool.h"

/* The page, with a mark where the recording goes; the Makefile makes a string of it. */
static const char page[] =
#include "timeline.html.h"
;
#define PAGE_MARK	"@RECORDING@"

/* Of a task in the page; timeline.html has the same. */
#define KIND_THREAD	1
#define KIND_JOINED	2
#define KIND_EXITED	4
#define KIND_KERNEL	8
#define KIND_BEFORE	16

/* What the page shows of what a task used, by the recording's names. */
static const enum task_use shown[] = {
	USE_RUNTIME, USE_UTIME, USE_STIME, USE_RUN_DELAY, USE_NVCSW, USE_NIVCSW,
	USE_MIN_FLT, USE_MAJ_FLT, USE_MAXRSS,
};

struct timeline {
	struct tasks *tasks;
	struct match *match;
	FILE *file;
	/* A trace has its first event, so a comma comes before the next. */
	bool has_event;
	/* In the order of the tree, those that the kernel made last. */
	const struct task **order;
	size_t count;
	/* By task, sorted: where it stands in @order. */
	struct place {
		const struct task *task;
		size_t index;
		const struct match_row *row;
	} *places;
};

static int by_address(const void *a, const void *b)
{
	const struct place *const one = a, *const other = b;

	return (one->task > other->task) - (one->task < other->task);
}

static const struct place *find(const struct timeline *timeline,
				const struct task *task)
{
	const struct place wanted = { .task = task };

	return task ? bsearch(&wanted, timeline->places, timeline->count,
			      sizeof(wanted), by_address) : NULL;
}

static void append(struct timeline *timeline, const struct task *task,
		   const struct match_row *row)
{
	timeline->places[timeline->count] = (struct place){
		.task = task, .index = timeline->count, .row = row,
	};
	timeline->order[timeline->count++] = task;
}

static void set_order(struct timeline *timeline)
{
	const struct tasks *const tasks = timeline->tasks;
	const struct match *const match = timeline->match;
	size_t i;

	timeline->order = need(calloc(tasks->count + 1,
				      sizeof(struct task *)));
	timeline->places = need(calloc(tasks->count + 1,
				       sizeof(*timeline->places)));
	for (i = 0; i < match->nr_rows; i++)
		append(timeline, match->rows[i].of[0], &match->rows[i]);
	for (i = 0; i < tasks->count; i++)
		if (tasks->all[i]->origin == TASK_KERNEL)
			append(timeline, tasks->all[i], NULL);
	qsort(timeline->places, timeline->count, sizeof(*timeline->places),
	      by_address);
}

static bool is_thread(const struct task *task)
{
	return task->tid != task->tgid;
}

/* The process of a thread is its cloner's; where nobody cloned it, the one of that TGID. */
static const struct task *process_of(const struct timeline *timeline,
				     const struct task *task)
{
	const struct task *process = task;
	size_t i;

	while (is_thread(process) && process->cloner)
		process = process->cloner;
	if (!is_thread(process))
		return process;
	for (i = timeline->count; i--; )
		if (timeline->order[i]->tid == task->tgid)
			return timeline->order[i];
	return task;
}

/* JSON that can stand in a page: no '<' can end its script. */
static void put_text(FILE *file, const char *text)
{
	struct json_object *const string = need(json_object_new_string(text));
	const int style = JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *c = json_object_to_json_string_ext(string, style);

	for (; *c; c++) {
		if (*c == '<')
			fputs("\\u003c", file);
		else
			fputc(*c, file);
	}
	json_object_put(string);
}

static int kind_of(const struct task *task)
{
	return (is_thread(task) ? KIND_THREAD : 0) |
	       (task->origin == TASK_JOINED ? KIND_JOINED : 0) |
	       (task->exited ? KIND_EXITED : 0) |
	       (task->origin == TASK_KERNEL ? KIND_KERNEL : 0) |
	       (task->origin == TASK_BEFORE ? KIND_BEFORE : 0);
}

/* A line for the last program is enough: the page has no room for a history. */
static const char *program_of(const struct task *task)
{
	const char *const last = task->programs ? strrchr(task->programs, '\n') :
						  NULL;

	return last ? last + 1 : task->programs ? task->programs : "";
}

static void put_task(const struct timeline *timeline, const struct task *task)
{
	const struct place *const place = find(timeline, task);
	const struct place *const cloner = find(timeline, task->cloner);
	char *const name = place->row ? match_place(timeline->match, place->row) :
					need(strdup(""));
	FILE *const file = timeline->file;
	size_t i;

	fprintf(file, "[%d,%d,%zd,%zu,%d,%" PRId64 ",%" PRId64 ",%d,", task->tid,
		task->tgid, cloner ? (ssize_t)cloner->index : -1,
		find(timeline, process_of(timeline, task))->index, kind_of(task),
		task->start, task->end, task->status);
	put_text(file, task->comm);
	fputc(',', file);
	put_text(file, program_of(task));
	fputc(',', file);
	put_text(file, name);
	for (i = 0; i < ARRAY_SIZE(shown); i++)
		fprintf(file, ",%" PRId64, task->has & 1u << shown[i] ?
						   task->used[shown[i]] : -1);
	fputc(']', file);
	free(name);
}

static void put_recording(const struct timeline *timeline)
{
	const struct tasks *const tasks = timeline->tasks;
	FILE *const file = timeline->file;
	size_t i;

	fputs("{\"command\":", file);
	put_text(file, tasks->command);
	fputs(",\"host\":", file);
	put_text(file, tasks->host ? tasks->host : "");
	fputs(",\"date\":", file);
	put_text(file, tasks->date);
	fprintf(file, ",\"end\":%" PRId64 ",\"complete\":%s,\"lost\":%" PRIu64
		",\"collisions\":%" PRIu64 ",\n", tasks->end,
		tasks->complete ? "true" : "false", tasks->lost,
		tasks->collisions);
	fputs("\"members\":[\"tid\",\"tgid\",\"cloner\",\"process\",\"kind\",\"start\",\"end\",\"status\",\"comm\",\"program\",\"place\"",
	      file);
	for (i = 0; i < ARRAY_SIZE(shown); i++)
		fprintf(file, ",\"%s\"", tasks_use_name(shown[i]));
	fputs("],\n\"tasks\":[", file);
	for (i = 0; i < timeline->count; i++) {
		fputs(i ? ",\n" : "\n", file);
		put_task(timeline, timeline->order[i]);
	}
	fputs("],\n\"refusals\":[", file);
	for (i = 0; i < tasks->nr_refusals; i++) {
		const struct task_refusal *const refusal = &tasks->refusals[i];
		const struct place *const place = find(timeline, refusal->task);

		fprintf(file, "%s[%zd,%" PRId64 ",", i ? ",\n" : "\n",
			place ? (ssize_t)place->index : -1, refusal->time);
		put_text(file, refusal->call);
		fputc(',', file);
		put_text(file, refusal->rule);
		fputc(',', file);
		put_text(file, refusal->error);
		fputc(']', file);
	}
	fputs("]}", file);
}

static void write_page(const struct timeline *timeline)
{
	const char *const mark = strstr(page, PAGE_MARK);

	fwrite(page, 1, (size_t)(mark - page), timeline->file);
	put_recording(timeline);
	fputs(mark + strlen(PAGE_MARK), timeline->file);
}

/* The begin of an event of the Trace Event Format. */
static void begin_event(struct timeline *timeline, const char *phase,
			const struct task *task)
{
	fprintf(timeline->file, "%s\n{\"ph\":\"%s\",\"pid\":%d,\"tid\":%d",
		timeline->has_event ? "," : "", phase, task->tgid, task->tid);
	timeline->has_event = true;
}

/* As above, with its time, in microseconds. */
static void put_event(struct timeline *timeline, const char *phase,
		      const struct task *task, int64_t time)
{
	begin_event(timeline, phase, task);
	fprintf(timeline->file, ",\"ts\":%.3f", (double)time / 1000);
}

static void put_name(struct timeline *timeline, const struct task *task,
		     const char *what)
{
	begin_event(timeline, "M", task);
	fprintf(timeline->file, ",\"name\":\"%s\",\"args\":{\"name\":", what);
	put_text(timeline->file, task->comm);
	fputs("}}", timeline->file);
}

static void put_place(struct timeline *timeline, const struct task *task,
		      const char *what, size_t index)
{
	begin_event(timeline, "M", task);
	fprintf(timeline->file, ",\"name\":\"%s\",\"args\":{\"sort_index\":%zu}}",
		what, index);
}

static void put_life(struct timeline *timeline, const struct task *task,
		     size_t index)
{
	const struct place *const place = find(timeline, task);
	FILE *const file = timeline->file;
	size_t use;

	put_name(timeline, task, "thread_name");
	put_place(timeline, task, "thread_sort_index", index);
	if (!is_thread(task)) {
		put_name(timeline, task, "process_name");
		put_place(timeline, task, "process_sort_index", index);
	}
	put_event(timeline, "X", task, task->start);
	fprintf(file, ",\"dur\":%.3f,\"name\":",
		(double)(task->end - task->start) / 1000);
	put_text(file, task->comm);
	fputs(",\"cat\":\"task\",\"args\":{\"program\":", file);
	put_text(file, program_of(task));
	if (place->row) {
		char *const name = match_place(timeline->match, place->row);

		fputs(",\"place\":", file);
		put_text(file, name);
		free(name);
	}
	if (task->exited)
		fprintf(file, ",\"status\":%d", task->status);
	for (use = 0; use < USE_NR; use++)
		if (task->has & 1u << use)
			fprintf(file, ",\"%s\":%" PRId64, tasks_use_name(use),
				task->used[use]);
	fputs("}}", file);
}

/* An arrow from the cloner's life to the new one. */
static void put_clone(struct timeline *timeline, const struct task *task,
		      size_t index)
{
	if (!task->cloner)
		return;
	put_event(timeline, "s", task->cloner, task->start);
	fprintf(timeline->file, ",\"id\":%zu,\"name\":\"clone\",\"cat\":\"clone\"}",
		index + 1);
	put_event(timeline, "f", task, task->start);
	fprintf(timeline->file, ",\"bp\":\"e\",\"id\":%zu,\"name\":\"clone\",\"cat\":\"clone\"}",
		index + 1);
}

static void put_refusal(struct timeline *timeline,
			const struct task_refusal *refusal)
{
	if (!refusal->task)
		return;
	put_event(timeline, "i", refusal->task, refusal->time);
	fputs(",\"s\":\"t\",\"cat\":\"refused\",\"name\":", timeline->file);
	put_text(timeline->file, refusal->call);
	fputs(",\"args\":{\"rule\":", timeline->file);
	put_text(timeline->file, refusal->rule);
	fputs(",\"errno\":", timeline->file);
	put_text(timeline->file, refusal->error);
	fputs("}}", timeline->file);
}

static void write_trace(struct timeline *timeline)
{
	FILE *const file = timeline->file;
	size_t i;

	fputs("{\"displayTimeUnit\":\"ns\",\"otherData\":{\"command\":", file);
	put_text(file, timeline->tasks->command);
	fputs(",\"host\":", file);
	put_text(file, timeline->tasks->host ? timeline->tasks->host : "");
	fputs("},\"traceEvents\":[", file);
	for (i = 0; i < timeline->count; i++)
		put_life(timeline, timeline->order[i], i);
	for (i = 0; i < timeline->count; i++)
		put_clone(timeline, timeline->order[i], i);
	for (i = 0; i < timeline->tasks->nr_refusals; i++)
		put_refusal(timeline, &timeline->tasks->refusals[i]);
	fputs("\n]}\n", file);
}

static bool ends_with(const char *path, const char *suffix)
{
	const size_t length = strlen(path), of_suffix = strlen(suffix);

	return length > of_suffix && !strcmp(path + length - of_suffix, suffix);
}

static int timeline_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		HELP_OPTION
	};
	struct timeline timeline = {};
	const char *output = NULL;

	while (next_option(argc, argv, OPTIONS_ANYWHERE, options) != -1)
		output = optarg;
	if (optind != argc - 1)
		misuse("one recording is needed; see vprocns timeline --help");
	if (!output || !(ends_with(output, ".json") || ends_with(output, ".html")))
		misuse("-o FILE.html or -o FILE.json is needed, for a page or a trace");

	timeline.tasks = tasks_read(argv[optind]);
	timeline.match = match_recordings(&timeline.tasks, 1);
	set_order(&timeline);
	timeline.file = fopen(output, "we");
	if (!timeline.file)
		fail("%s: %s", output, strerror(errno));
	if (ends_with(output, ".html"))
		write_page(&timeline);
	else
		write_trace(&timeline);
	if (ferror(timeline.file) | fclose(timeline.file))
		fail("%s: %s", output, strerror(errno));
	free(timeline.order);
	free(timeline.places);
	match_free(timeline.match);
	tasks_free(timeline.tasks);
	return 0;
}

const struct command timeline_command = {
	.name = "timeline",
	.summary = "draw a recording: a page to look at, or a trace for Perfetto",
	.usage = "RECORDING -o FILE.html|FILE.json\n"
		 "\n"
		 "Writes when each task lived, who cloned it, what it used and what was refused.\n"
		 "FILE.html is a page of its own that needs nothing else: open it in a browser.\n"
		 "FILE.json is a trace that ui.perfetto.dev and chrome://tracing read.\n"
		 "\n"
		 "  --output FILE, -o FILE  what to write; its end says in which form\n",
	.main = timeline_main,
	.failure = 1,
	.misuse = EXIT_WRONG_USAGE,
};
