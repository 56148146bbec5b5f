// SPDX-License-Identifier: GPL-2.0
/* `vprocns show`: a recording as a tree, or a table by thread, process or program. */
#define _GNU_SOURCE
#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "options.h"
#include "table.h"
#include "tasks.h"
#include "tool.h"

#define SHOW_USAGE							\
	"[OPTION]... FILE\n"						\
	"\n"								\
	"Shows the recording FILE ('vprocns record'; - is standard input): who cloned\n" \
	"whom, how each task ended, and what it used.\n"		\
	"\n"								\
	"  --by WHAT         thread, process or program: a table with one row for each,\n" \
	"                    and sums, in place of the tree\n"		\
	"  --sort METRIC     the greatest first: runtime (default of --by), utime, stime,\n" \
	"                    run_delay, nvcsw, nivcsw, min_flt, maj_flt, rchar, wchar,\n" \
	"                    read_bytes, write_bytes, maxrss, or a counter of the recording\n" \
	"  --json            print JSON\n"

enum by { BY_TREE, BY_THREAD, BY_PROCESS, BY_PROGRAM };

/* One row: a task, or the sum of several. */
struct row {
	const struct task *task;
	size_t tasks;
	double values[USE_NR];
	uint32_t has;
	/* By the recording's events; NULL without. */
	double *counters;
	double key;
};

struct show {
	enum by by;
	bool json;
	const char *sort;
	struct tasks *tasks;
	struct table *table;
	struct row *rows;
	size_t nr_rows;
	struct row sum;
	struct column *columns;
	size_t nr_columns;
	/* Of the last columns: uses, then counters. */
	struct metric *metrics;
	size_t nr_metrics;
	struct metric ns;
};

/* What is shown of each; JSON has all of them. */
static const enum task_use shown[] = {
	USE_RUNTIME, USE_RUN_DELAY, USE_NVCSW, USE_NIVCSW, USE_MIN_FLT,
	USE_MAJ_FLT, USE_MAXRSS,
};

static void add_column(struct show *show, const char *name,
		       enum column_kind kind)
{
	show->columns[show->nr_columns++] = (struct column) { name, kind };
}

static size_t nr_uses(const struct show *show)
{
	return show->json ? USE_NR : ARRAY_SIZE(shown);
}

static enum task_use use_at(const struct show *show, size_t i)
{
	return show->json ? (enum task_use)i : shown[i];
}

/* As the recording calls it, but in capitals, as tables have it. */
static const char *heading(const char *name)
{
	char *const text = need(strdup(name));
	char *c;

	for (c = text; *c; c++)
		*c = toupper((unsigned char)*c);
	return text;
}

static void add_metric(struct show *show, const char *name)
{
	show->metrics[show->nr_metrics++] = metric_named(name, show->tasks);
	add_column(show, heading(name), COLUMN_NUMBER);
}

static void set_up_columns(struct show *show)
{
	const struct tasks *const tasks = show->tasks;
	size_t i;

	show->columns = need(calloc(10 + USE_NR + tasks->nr_events,
				    sizeof(*show->columns)));
	if (show->by == BY_PROGRAM) {
		add_column(show, "COMMAND", COLUMN_TEXT);
	} else {
		add_column(show, show->by == BY_PROCESS ? "TGID" : "TID",
			   show->by == BY_TREE ? COLUMN_TREE : COLUMN_NUMBER);
		if (show->by == BY_THREAD)
			add_column(show, "TGID", COLUMN_NUMBER);
		add_column(show, "COMMAND", COLUMN_TEXT);
		add_column(show, "END", COLUMN_TEXT);
		add_column(show, "START", COLUMN_NUMBER);
		add_column(show, "LIFE", COLUMN_NUMBER);
	}
	if (show->by == BY_PROCESS || show->by == BY_PROGRAM)
		add_column(show, "TASKS", COLUMN_NUMBER);
	show->metrics = need(calloc(USE_NR + tasks->nr_events,
				    sizeof(*show->metrics)));
	for (i = 0; i < nr_uses(show); i++)
		add_metric(show, tasks_use_name(use_at(show, i)));
	for (i = 0; i < tasks->nr_events; i++)
		add_metric(show, tasks->events[i]);
	show->ns = metric_named("runtime", tasks);
}

static void end_text(const struct task *task, char *text, size_t size)
{
	if (!task->exited)
		snprintf(text, size, "-");
	else if (WIFSIGNALED(task->status))
		snprintf(text, size, "SIG%s",
			 sigabbrev_np(WTERMSIG(task->status)) ?: "?");
	else
		snprintf(text, size, "%d", WEXITSTATUS(task->status));
}

static void value_cell(const struct show *show, const struct metric *metric,
		       double value)
{
	char text[METRIC_TEXT];

	if (show->json)
		table_cell(show->table, "%.0f", value);
	else
		table_cell(show->table, "%s", metric_text(metric, value, text));
}

static void use_cells(const struct show *show, const struct row *row)
{
	size_t i;

	for (i = 0; i < show->nr_metrics; i++) {
		const struct metric *const metric = &show->metrics[i];
		double value = -1;

		if (metric->use < 0 && row->counters)
			value = row->counters[i - nr_uses(show)];
		else if (metric->use >= 0 && row->has & 1U << metric->use)
			value = row->values[metric->use];
		if (value >= 0)
			value_cell(show, metric, value);
		else
			table_no_cell(show->table);
	}
}

/* What a task was, from its number to its life. */
static void task_cells(const struct show *show, const struct task *task)
{
	char end[32];

	if (show->by == BY_PROCESS)
		table_cell(show->table, "%d", task->tgid);
	else
		table_cell(show->table, "%d", task->tid);
	if (show->by == BY_THREAD)
		table_cell(show->table, "%d", task->tgid);
	table_cell(show->table, "%s", task->comm);
	end_text(task, end, sizeof(end));
	table_cell(show->table, "%s", end);
	value_cell(show, &show->ns, task->start);
	value_cell(show, &show->ns, task->end - task->start);
}

/* Adds @task to a sum. The peak of memory is a process's own, so that the greatest counts. */
static void add_up(const struct show *show, struct row *row,
		   const struct task *task)
{
	const size_t nr_events = show->tasks->nr_events;
	size_t i;

	row->tasks++;
	for (i = 0; i < USE_NR; i++) {
		if (!(task->has & 1U << i))
			continue;
		row->has |= 1U << i;
		if (i != USE_MAXRSS)
			row->values[i] += task->used[i];
		else if (row->values[i] < task->used[i])
			row->values[i] = task->used[i];
	}
	if (!task->counters)
		return;
	if (!row->counters) {
		row->counters = need(calloc(nr_events, sizeof(double)));
		for (i = 0; i < nr_events; i++)
			row->counters[i] = -1;
	}
	for (i = 0; i < nr_events; i++)
		if (task->counters[i] >= 0)
			row->counters[i] = task->counters[i] +
				(row->counters[i] < 0 ? 0 : row->counters[i]);
}

static double key_of(const struct show *show, const struct row *row)
{
	const struct metric metric = metric_named(show->sort, show->tasks);
	size_t i;

	for (i = 0; i < USE_NR; i++)
		if (!strcmp(metric.name, tasks_use_name(i)))
			return row->values[i];
	for (i = 0; i < show->tasks->nr_events; i++)
		if (row->counters && !strcmp(metric.name, show->tasks->events[i]))
			return row->counters[i];
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct row *const one = a, *const other = b;

	if (one->key != other->key)
		return one->key < other->key ? 1 : -1;
	/* In the order in which they came. */
	return one->task->start < other->task->start ? -1 :
	       one->task->start > other->task->start;
}

/* Tasks of one row stand together: of a process the leader first, of a program by name. */
static enum by grouping;

static int by_group(const void *a, const void *b)
{
	const struct task *const one = *(const struct task **)a;
	const struct task *const other = *(const struct task **)b;
	int order = 0;

	if (grouping == BY_PROGRAM)
		order = strcmp(one->comm, other->comm);
	if (grouping == BY_PROCESS && one->tgid != other->tgid)
		order = one->tgid < other->tgid ? -1 : 1;
	if (!order)
		order = one->start < other->start ? -1 :
			one->start > other->start;
	return order;
}

/* A TGID may have been used again: a process begins with its leader. */
static bool starts_row(const struct show *show, const struct task *before,
		       const struct task *task)
{
	switch (show->by) {
	case BY_PROGRAM:
		return strcmp(before->comm, task->comm);
	case BY_PROCESS:
		return before->tgid != task->tgid || task->tid == task->tgid;
	default:
		return true;
	}
}

static void make_rows(struct show *show)
{
	struct tasks *const tasks = show->tasks;
	const struct task **const all =
		need(calloc(tasks->count + 1, sizeof(*all)));
	size_t i, count = 0;

	for (i = 0; i < tasks->count; i++) {
		if (task_is_init(tasks->all[i]))
			continue;
		all[count++] = tasks->all[i];
		add_up(show, &show->sum, tasks->all[i]);
	}
	grouping = show->by;
	if (show->by != BY_THREAD)
		qsort(all, count, sizeof(*all), by_group);
	show->rows = need(calloc(count + 1, sizeof(*show->rows)));
	for (i = 0; i < count; i++) {
		if (!i || starts_row(show, all[i - 1], all[i]))
			show->rows[show->nr_rows++].task = all[i];
		add_up(show, &show->rows[show->nr_rows - 1], all[i]);
	}
	free(all);
	for (i = 0; i < show->nr_rows; i++)
		show->rows[i].key = key_of(show, &show->rows[i]);
	qsort(show->rows, show->nr_rows, sizeof(*show->rows), by_key);
}

static void print_rows(struct show *show)
{
	size_t i;

	make_rows(show);
	for (i = 0; i < show->nr_rows; i++) {
		const struct row *const row = &show->rows[i];

		table_row(show->table);
		if (show->by == BY_PROGRAM)
			table_cell(show->table, "%s", row->task->comm);
		else
			task_cells(show, row->task);
		if (show->by != BY_THREAD)
			table_cell(show->table, "%zu", row->tasks);
		use_cells(show, row);
		free(row->counters);
	}
	free(show->rows);
}

/* Siblings in the order in which they were made, or the greatest first. */
static void print_branch(struct show *show, const struct task *first,
			 struct libscols_line *above)
{
	const struct task *task;
	struct row *rows;
	size_t count = 0, i = 0;

	for (task = first; task; task = task->next)
		count++;
	rows = need(calloc(count + 1, sizeof(*rows)));
	for (task = first; task; task = task->next, i++) {
		rows[i].task = task;
		add_up(show, &rows[i], task);
		if (!task_is_init(task))
			add_up(show, &show->sum, task);
		if (show->sort)
			rows[i].key = key_of(show, &rows[i]);
	}
	if (show->sort)
		qsort(rows, count, sizeof(*rows), by_key);
	for (i = 0; i < count; i++) {
		struct libscols_line *const line =
			table_row_below(show->table, above);

		task_cells(show, rows[i].task);
		use_cells(show, &rows[i]);
		free(rows[i].counters);
		print_branch(show, rows[i].task->children, line);
	}
	free(rows);
}

static void say_sums(const struct show *show)
{
	const struct tasks *const tasks = show->tasks;
	const struct metric *const ns = &show->ns;
	char life[METRIC_TEXT], ran[METRIC_TEXT], waited[METRIC_TEXT];

	printf("\n%s\n%zu tasks in %s; ran %s, waited for a CPU %s",
	       tasks->command, show->sum.tasks,
	       metric_text(ns, tasks->end, life),
	       metric_text(ns, show->sum.values[USE_RUNTIME], ran),
	       metric_text(ns, show->sum.values[USE_RUN_DELAY], waited));
	if (tasks->nr_refusals)
		printf("; %zu calls refused", tasks->nr_refusals);
	if (tasks->complete && tasks->status >= 0)
		printf("; status %d", tasks->status);
	putchar('\n');
	if (tasks->attached)
		complain("%s began when the group was there: tasks that had ended are missing, and what others did before",
			 tasks->path);
	if (!tasks->complete)
		complain("%s is cut off: what came after is missing",
			 tasks->path);
	if (tasks->lost)
		complain("%s lacks %" PRIu64 " events, which were lost",
			 tasks->path, tasks->lost);
}

static enum by by_named(const char *word)
{
	static const char *const names[] = {
		[BY_THREAD] = "thread", [BY_PROCESS] = "process",
		[BY_PROGRAM] = "program",
	};
	size_t i;

	for (i = BY_THREAD; i < ARRAY_SIZE(names); i++)
		if (!strcmp(word, names[i]))
			return i;
	misuse("by '%s': thread, process or program is needed", word);
}

static int show_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "by", required_argument, NULL, OPT_BY },
		{ "sort", required_argument, NULL, OPT_SORT },
		{ "json", no_argument, NULL, OPT_JSON },
		HELP_OPTION
	};
	struct show show = {};
	size_t i;
	int option;

	while ((option = next_option(argc, argv, OPTIONS_ANYWHERE, options)) !=
	       -1) {
		if (option == OPT_BY)
			show.by = by_named(optarg);
		else if (option == OPT_SORT)
			show.sort = optarg;
		else
			show.json = true;
	}
	show.tasks = tasks_read(one_argument(argc, argv, "recording"));
	if (show.sort)
		metric_named(show.sort, show.tasks);
	else if (show.by != BY_TREE)
		show.sort = "runtime";
	set_up_columns(&show);
	show.table = table_new("tasks", show.columns, show.nr_columns,
			       show.json);
	if (show.by == BY_TREE)
		print_branch(&show, show.tasks->roots, NULL);
	else
		print_rows(&show);
	table_print(show.table);
	if (!show.json)
		say_sums(&show);
	free(show.sum.counters);
	for (i = show.nr_columns - show.nr_metrics; i < show.nr_columns; i++)
		free((char *)show.columns[i].name);
	free(show.metrics);
	free(show.columns);
	tasks_free(show.tasks);
	return 0;
}

const struct command show_command = {
	.name = "show",
	.summary = "show a recording, task by task",
	.usage = SHOW_USAGE,
	.main = show_main,
	.failure = 1,
	.misuse = EXIT_WRONG_USAGE,
};
