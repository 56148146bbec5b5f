// SPDX-License-Identifier: GPL-2.0
/* `vprocns diff`: what two recordings differ in, task by task. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "match.h"
#include "options.h"
#include "table.h"
#include "tasks.h"
#include "tool.h"

/* A table of the heaviest tasks is that long without --all. */
#define SHOWN	25

enum { A, B, SIDES };

struct diff {
	bool times;
	bool all;
	bool json;
	struct metric metric;
	struct tasks *of[SIDES];
	struct match *match;
	size_t differences;
};

static const struct column columns[] = {
	{ "PLACE",	COLUMN_TEXT },
	{ "TID",	COLUMN_NUMBER },
	{ "COMMAND",	COLUMN_TEXT },
	{ "DIFFERENCE",	COLUMN_TEXT },
	{ "A",		COLUMN_TEXT },
	{ "B",		COLUMN_TEXT },
};

static const struct column time_columns[] = {
	{ "PLACE",	COLUMN_TEXT },
	{ "TID",	COLUMN_NUMBER },
	{ "COMMAND",	COLUMN_TEXT },
	{ "A",		COLUMN_NUMBER },
	{ "B",		COLUMN_NUMBER },
	{ "CHANGE",	COLUMN_NUMBER },
};

static void say_task(struct diff *diff, struct table *table,
		     const struct match_row *row)
{
	const struct task *const task = match_any(diff->match, row);
	char *const place = match_place(diff->match, row);

	table_row(table);
	table_cell(table, "%s", place);
	table_cell(table, "%d", task->tid);
	table_cell(table, "%s", task->comm);
	free(place);
}

static void say(struct diff *diff, struct table *table,
		const struct match_row *row, const char *what, const char *a,
		const char *b)
{
	say_task(diff, table, row);
	table_cell(table, "%s", what);
	if (a)
		table_cell(table, "%s", a);
	else
		table_no_cell(table);
	if (b)
		table_cell(table, "%s", b);
	else
		table_no_cell(table);
	diff->differences++;
}

/* How many rows stand below this one. */
static size_t below(const struct match *match, size_t place)
{
	size_t i;

	for (i = place + 1; i < match->nr_rows; i++)
		if (match->rows[i].depth <= match->rows[place].depth)
			break;
	return i - place - 1;
}

/* Only the topmost: what stands below a task that is not there can't be there. */
static size_t say_missing(struct diff *diff, struct table *table, size_t place)
{
	const struct match_row *const row = &diff->match->rows[place];
	const size_t children = below(diff->match, place);
	char text[64];

	if (children)
		snprintf(text, sizeof(text), "here, with %zu below it", children);
	else
		snprintf(text, sizeof(text), "here");
	say(diff, table, row, "task", row->of[A] ? text : NULL,
	    row->of[B] ? text : NULL);
	return children;
}

static const char *end_of(const struct task *task, char *text, size_t size)
{
	if (!task->exited)
		snprintf(text, size, "not ended");
	else if (WIFSIGNALED(task->status))
		snprintf(text, size, "signal %d", WTERMSIG(task->status));
	else
		snprintf(text, size, "exit %d", WEXITSTATUS(task->status));
	return text;
}

/* The first line in which two lists of programs differ. */
static bool first_program(const char *one, const char *other, char **a, char **b)
{
	static const char none[] = "none further";

	while (one && other) {
		const size_t length = strcspn(one, "\n");

		if (length != strcspn(other, "\n") || strncmp(one, other, length))
			break;
		one = one[length] ? one + length + 1 : NULL;
		other = other[length] ? other + length + 1 : NULL;
	}
	if (!one && !other)
		return false;
	*a = need(one ? strndup(one, strcspn(one, "\n")) : strdup(none));
	*b = need(other ? strndup(other, strcspn(other, "\n")) : strdup(none));
	return true;
}

static const char *kind_of(const struct task *task)
{
	return task->tid == task->tgid ? "process" : "thread";
}

/* The first of a task's differences; what follows may come of it. */
static void compare_task(struct diff *diff, struct table *table,
			 const struct match_row *row)
{
	const struct task *const a = row->of[A], *const b = row->of[B];
	char *program_a, *program_b, end_a[32], end_b[32];

	if (strcmp(kind_of(a), kind_of(b))) {
		say(diff, table, row, "kind", kind_of(a), kind_of(b));
	} else if (first_program(a->programs, b->programs, &program_a,
				 &program_b)) {
		say(diff, table, row, "program", program_a, program_b);
		free(program_a);
		free(program_b);
	} else if (strcmp(a->comm, b->comm)) {
		say(diff, table, row, "name", a->comm, b->comm);
	} else if (a->exited != b->exited || a->status != b->status) {
		say(diff, table, row, "end", end_of(a, end_a, sizeof(end_a)),
		    end_of(b, end_b, sizeof(end_b)));
	}
}

static void print_structure(struct diff *diff)
{
	const struct match *const match = diff->match;
	struct table *const table = table_new("differences", columns,
					      ARRAY_SIZE(columns), diff->json);
	size_t i;

	for (i = 0; i < match->nr_rows; i++) {
		if (match->rows[i].count == SIDES)
			compare_task(diff, table, &match->rows[i]);
		else
			i += say_missing(diff, table, i);
	}
	table_print(table);
}

struct used {
	const struct match_row *row;
	double value[SIDES];
};

static int by_difference(const void *a, const void *b)
{
	const struct used *const one = a, *const other = b;
	const double left = fabs(one->value[B] - one->value[A]);
	const double right = fabs(other->value[B] - other->value[A]);

	return (left < right) - (left > right);
}

static void value_cell(const struct diff *diff, struct table *table,
		       double value)
{
	char text[METRIC_TEXT];

	if (diff->json)
		table_cell(table, "%.0f", value);
	else
		table_cell(table, "%s", metric_text(&diff->metric, value, text));
}

static void print_use(struct diff *diff, struct table *table,
		      const struct used *used)
{
	const double a = used->value[A], b = used->value[B];

	say_task(diff, table, used->row);
	value_cell(diff, table, a);
	value_cell(diff, table, b);
	if (a <= 0)
		table_no_cell(table);
	else
		table_cell(table, diff->json ? "%.2f" : "%+.1f%%",
			   100 * (b / a - 1));
}

static void print_times(struct diff *diff)
{
	const struct match *const match = diff->match;
	struct used *const used = need(calloc(match->nr_rows + 1, sizeof(*used)));
	struct table *table;
	size_t i, count = 0;

	for (i = 0; i < match->nr_rows; i++) {
		const struct match_row *const row = &match->rows[i];

		if (row->count != SIDES || match_is_init(match, row))
			continue;
		if (!metric_of(&diff->metric, diff->of[A], row->of[A],
			       &used[count].value[A]) ||
		    !metric_of(&diff->metric, diff->of[B], row->of[B],
			       &used[count].value[B]))
			continue;
		used[count++].row = row;
	}
	qsort(used, count, sizeof(*used), by_difference);
	table = table_new("times", time_columns, ARRAY_SIZE(time_columns),
			  diff->json);
	for (i = 0; i < count && (diff->all || i < SHOWN); i++)
		print_use(diff, table, &used[i]);
	table_print(table);
	if (i < count)
		complain("%zu more tasks: --all shows them", count - i);
	complain("one run of each does not tell a change from noise: see vprocns compare --help");
	free(used);
}

static void warn(const struct tasks *tasks)
{
	if (!tasks->complete)
		complain("%s: this recording is cut off", tasks->path);
	if (tasks->lost)
		complain("%s: %" PRIu64 " events were lost: tasks may be missing",
			 tasks->path, tasks->lost);
	if (tasks->attached)
		complain("%s: it began when the group was there: tasks that had ended are missing",
			 tasks->path);
	if (tasks->joined > 1)
		complain("%s: %" PRIu64 " tasks joined from outside and are matched in the order in which they came",
			 tasks->path, tasks->joined);
}

static const struct option options[] = {
	{ "times", no_argument, NULL, OPT_TIMES },
	{ "metric", required_argument, NULL, OPT_METRIC },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "json", no_argument, NULL, OPT_JSON },
	HELP_OPTION
};

/* Returns the metric's name. */
static const char *read_options(struct diff *diff, int argc, char **argv)
{
	const char *metric = "runtime";
	int option;

	while ((option = next_option(argc, argv, OPTIONS_ANYWHERE, options)) != -1) {
		switch (option) {
		case OPT_TIMES:
			diff->times = true;
			break;
		case OPT_METRIC:
			metric = optarg;
			diff->times = true;
			break;
		case OPT_ALL:
			diff->all = true;
			break;
		case OPT_JSON:
			diff->json = true;
			break;
		}
	}
	if (optind != argc - SIDES)
		misuse("two recordings are needed; see vprocns diff --help");
	return metric;
}

static int diff_main(int argc, char **argv)
{
	struct diff diff = {};
	const char *const metric = read_options(&diff, argc, argv);
	int side;

	for (side = 0; side < SIDES; side++) {
		diff.of[side] = tasks_read(argv[optind + side]);
		warn(diff.of[side]);
	}
	diff.metric = metric_named(metric, diff.of[A]);
	diff.match = match_recordings(diff.of, SIDES);
	if (diff.times)
		print_times(&diff);
	else
		print_structure(&diff);
	match_free(diff.match);
	tasks_free(diff.of[A]);
	tasks_free(diff.of[B]);
	return diff.differences ? 1 : 0;
}

const struct command diff_command = {
	.name = "diff",
	.summary = "show what two recordings differ in",
	.usage = "[--times [--metric NAME] [--all]] [--json] A B\n"
		 "\n"
		 "Compares two recordings, task by task. Shows the tasks that are in only one of\n"
		 "them, and for each other task the first difference: whether it is a thread, the\n"
		 "programs that it executed, its name, its end. Two tasks are the same when they\n"
		 "have the same place: 1.2 is the second clone of the first program (1).\n"
		 "\n"
		 "  --times        show what the tasks used instead, the largest difference first\n"
		 "  --metric NAME  what to compare: runtime (default), utime, stime, run_delay,\n"
		 "                 nvcsw, nivcsw, min_flt, maj_flt, rchar, wchar, read_bytes,\n"
		 "                 write_bytes, maxrss, or a counter of record --events\n"
		 "  --all          show all tasks, not only the 25 that differ most\n"
		 "  --json         print JSON\n"
		 "\n"
		 "Exit status: 0 when the recordings have the same structure, 1 when they differ,\n"
		 "2 when something is wrong. With --times 0, or 2.\n",
	.main = diff_main,
	.failure = EXIT_WRONG_USAGE,
	.misuse = EXIT_WRONG_USAGE,
};
