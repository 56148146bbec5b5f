// SPDX-License-Identifier: GPL-2.0
/* `vprocns compare --across`: each thread's use over the ranks of one run. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "comparison.h"
#include "slots.h"
#include "table.h"
#include "tool.h"

/* Under this many ranks the middle half of them says too little. */
#define LEAST_RANKS	5
/* "Far out": so many times the middle half's width away from it. */
#define FAR_OUT		3

/**
 * struct spread - one thread on all ranks
 * @row: the thread; NULL for the sum
 * @values: by rank; NAN where the rank does not have the thread
 * @median: of those that have it
 * @low: under it a rank stands out
 * @high: above it a rank stands out
 */
struct spread {
	const struct match_row *row;
	double *values;
	double median;
	double low;
	double high;
};

struct ranks {
	const struct compare_options *options;
	struct metric metric;
	struct tasks **of;
	size_t count;
	struct match *match;
	struct spread *threads;
	size_t nr_threads;
	size_t nr_light;
	struct spread total;
};

static const struct column columns[] = {
	{ "PLACE",	COLUMN_TEXT },
	{ "TID",	COLUMN_NUMBER },
	{ "COMMAND",	COLUMN_TEXT },
	{ "RANKS",	COLUMN_NUMBER },
	{ "LEAST",	COLUMN_NUMBER },
	{ "MEDIAN",	COLUMN_NUMBER },
	{ "MOST",	COLUMN_NUMBER },
	{ "SPREAD",	COLUMN_NUMBER },
	{ "STANDS-OUT",	COLUMN_TEXT },
};

static int ascending(const void *a, const void *b)
{
	const double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

/* Those that are there, sorted; the caller frees them. */
static double *sorted_values(const struct ranks *ranks,
			     const struct spread *spread, size_t *count)
{
	double *const values = need(calloc(ranks->count + 1, sizeof(*values)));
	size_t i;

	*count = 0;
	for (i = 0; i < ranks->count; i++)
		if (!isnan(spread->values[i]))
			values[(*count)++] = spread->values[i];
	qsort(values, *count, sizeof(*values), ascending);
	return values;
}

/* Tukey's outer fences, and never closer to the median than the threshold. */
static void set_fences(const struct ranks *ranks, struct spread *spread)
{
	size_t count;
	double *const values = sorted_values(ranks, spread, &count);
	const double least = ranks->options->threshold;
	double first, third;

	spread->median = statistics_quantile(values, count, 0.5);
	first = statistics_quantile(values, count, 0.25);
	third = statistics_quantile(values, count, 0.75);
	spread->low = -INFINITY;
	spread->high = INFINITY;
	if (count >= LEAST_RANKS) {
		spread->low = fmin(first - FAR_OUT * (third - first),
				   spread->median * (1 - least));
		spread->high = fmax(third + FAR_OUT * (third - first),
				    spread->median * (1 + least));
	}
	free(values);
}

static bool stands_out(const struct spread *spread, size_t rank)
{
	return spread->values[rank] < spread->low ||
	       spread->values[rank] > spread->high;
}

static double *rank_values(const struct ranks *ranks)
{
	double *const values = need(calloc(ranks->count + 1, sizeof(*values)));
	size_t i;

	for (i = 0; i < ranks->count; i++)
		values[i] = NAN;
	return values;
}

static void take_total(struct ranks *ranks)
{
	size_t i;

	ranks->total.values = rank_values(ranks);
	for (i = 0; i < ranks->count; i++)
		ranks->total.values[i] =
			comparison_total(&ranks->metric, ranks->of[i]);
	set_fences(ranks, &ranks->total);
}

static double most_of(const struct ranks *ranks, const struct spread *spread)
{
	double most = 0;
	size_t i;

	/* fmax() passes over the ranks that don't have the thread. */
	for (i = 0; i < ranks->count; i++)
		most = fmax(most, spread->values[i]);
	return most;
}

/* As in a comparison; a thread that is heavy on one rank stays. */
static void drop_light(struct ranks *ranks)
{
	double sum = 0;
	size_t i, kept = 0;

	for (i = 0; i < ranks->nr_threads; i++)
		sum += ranks->threads[i].median;
	for (i = 0; i < ranks->nr_threads; i++) {
		if (most_of(ranks, &ranks->threads[i]) * (double)ranks->nr_threads <
		    COMPARISON_LIGHT * sum)
			free(ranks->threads[i].values);
		else
			ranks->threads[kept++] = ranks->threads[i];
	}
	ranks->nr_light = ranks->nr_threads - kept;
	ranks->nr_threads = kept;
}

static void take_threads(struct ranks *ranks)
{
	const struct match *const match = ranks->match;
	size_t i, j;

	ranks->threads = need(calloc(match->nr_rows + 1,
				     sizeof(*ranks->threads)));
	for (i = 0; i < match->nr_rows; i++) {
		struct spread *const thread = &ranks->threads[ranks->nr_threads];
		const struct match_row *const row = &match->rows[i];
		size_t count = 0;
		double value;

		if (match_is_init(match, row))
			continue;
		thread->row = row;
		thread->values = rank_values(ranks);
		for (j = 0; j < ranks->count; j++) {
			if (!row->of[j] || !metric_of(&ranks->metric, ranks->of[j],
						      row->of[j], &value))
				continue;
			thread->values[j] = value;
			count++;
		}
		if (!count) {
			free(thread->values);
			continue;
		}
		set_fences(ranks, thread);
		ranks->nr_threads++;
	}
	drop_light(ranks);
}

static size_t nr_out(const struct ranks *ranks, const struct spread *spread)
{
	size_t i, count = 0;

	for (i = 0; i < ranks->count; i++)
		count += stands_out(spread, i);
	return count;
}

/* "rank7.jsonl", or where it has several ranks "node.jsonl:3". */
static void print_rank(FILE *text, const struct tasks *rank)
{
	const char *const slash = strrchr(rank->path, '/');

	fputs(slash ? slash + 1 : rank->path, text);
	if (rank->slot >= 0)
		fprintf(text, ":%d", rank->slot);
}

/* "rank7.jsonl +31%", as many as a line takes. */
static char *list_out(const struct ranks *ranks, const struct spread *spread)
{
	char *list = NULL;
	size_t length, i, left = nr_out(ranks, spread), shown = 0;
	FILE *const text = need(open_memstream(&list, &length));

	for (i = 0; i < ranks->count && shown < 4; i++) {
		if (!stands_out(spread, i))
			continue;
		fputs(shown++ ? ", " : "", text);
		print_rank(text, ranks->of[i]);
		fprintf(text, " %+.0f%%",
			100 * (spread->values[i] / spread->median - 1));
		left--;
	}
	if (left)
		fprintf(text, " and %zu more", left);
	fclose(text);
	return need(list);
}

static void add_row(const struct ranks *ranks, struct table *table,
		    const struct spread *spread)
{
	size_t count;
	double *const values = sorted_values(ranks, spread, &count);
	char *const out = list_out(ranks, spread);
	char text[METRIC_TEXT];

	table_row(table);
	if (spread->row) {
		const struct task *const task = match_any(ranks->match,
							  spread->row);
		char *const place = match_place(ranks->match, spread->row);

		table_cell(table, "%s", place);
		table_cell(table, "%d", task->tid);
		table_cell(table, "%s", task->comm);
		free(place);
	} else {
		table_no_cell(table);
		table_no_cell(table);
		table_cell(table, "(all tasks)");
	}
	table_cell(table, "%zu", count);
	table_cell(table, "%s", metric_text(&ranks->metric, values[0], text));
	table_cell(table, "%s", metric_text(&ranks->metric, spread->median, text));
	table_cell(table, "%s", metric_text(&ranks->metric, values[count - 1],
					    text));
	if (spread->median > 0)
		table_cell(table, "%.1f%%", 100 * (values[count - 1] - values[0]) /
					    spread->median);
	else
		table_no_cell(table);
	table_cell(table, "%s", out);
	free(out);
	free(values);
}

static void print(const struct ranks *ranks)
{
	struct table *const table = table_new("threads", columns,
					      ARRAY_SIZE(columns), false);
	size_t i;

	for (i = 0; i < ranks->nr_threads; i++)
		if (ranks->options->all || i < COMPARE_SHOWN ||
		    nr_out(ranks, &ranks->threads[i]))
			add_row(ranks, table, &ranks->threads[i]);
	add_row(ranks, table, &ranks->total);
	table_print(table);
	if (ranks->count < LEAST_RANKS)
		printf("no rank is said to stand out: that needs at least %d ranks\n",
		       LEAST_RANKS);
	if (ranks->nr_threads > COMPARE_SHOWN && !ranks->options->all)
		printf("shown are the first %d threads and those where a rank stands out: --all shows %zu\n",
		       COMPARE_SHOWN, ranks->nr_threads);
	if (ranks->nr_light)
		printf("threads that used less than %g%% of an average thread on each rank and are left out: %zu\n",
		       100 * COMPARISON_LIGHT, ranks->nr_light);
}

static void add_text(struct json_object *object, const char *name,
		     const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

static struct json_object *spread_json(const struct ranks *ranks,
				       const struct spread *spread)
{
	struct json_object *const object = need(json_object_new_object());
	struct json_object *const values = need(json_object_new_array());
	struct json_object *const out = need(json_object_new_array());
	size_t i;

	if (spread->row) {
		const struct task *const task = match_any(ranks->match,
							  spread->row);
		char *const place = match_place(ranks->match, spread->row);

		add_text(object, "place", place);
		json_object_object_add(object, "tid",
				       json_object_new_int(task->tid));
		add_text(object, "comm", task->comm);
		free(place);
	}
	for (i = 0; i < ranks->count; i++) {
		/* A rank without the thread has null: the places are the ranks'. */
		json_object_array_add(values, isnan(spread->values[i]) ? NULL :
			json_object_new_int64((int64_t)spread->values[i]));
		if (stands_out(spread, i))
			json_object_array_add(out, json_object_new_int64((int64_t)i));
	}
	json_object_object_add(object, "values", values);
	json_object_object_add(object, "median",
			       json_object_new_int64((int64_t)spread->median));
	json_object_object_add(object, "stands_out", out);
	return object;
}

static void export(const struct ranks *ranks)
{
	struct json_object *const document = need(json_object_new_object());
	struct json_object *const names = need(json_object_new_array());
	struct json_object *const threads = need(json_object_new_array());
	size_t i;

	json_object_object_add(document, "version", json_object_new_int(1));
	add_text(document, "metric", ranks->metric.name);
	for (i = 0; i < ranks->count; i++) {
		struct json_object *const rank = need(json_object_new_object());

		add_text(rank, "file", ranks->of[i]->path);
		if (ranks->of[i]->host)
			add_text(rank, "host", ranks->of[i]->host);
		if (ranks->of[i]->slot >= 0)
			json_object_object_add(rank, "slot",
					       json_object_new_int(ranks->of[i]->slot));
		json_object_array_add(names, rank);
	}
	json_object_object_add(document, "ranks", names);
	for (i = 0; i < ranks->nr_threads; i++)
		json_object_array_add(threads,
				      spread_json(ranks, &ranks->threads[i]));
	json_object_object_add(document, "threads", threads);
	json_object_object_add(document, "total",
			       spread_json(ranks, &ranks->total));
	json_object_object_add(document, "light",
			       json_object_new_int64((int64_t)ranks->nr_light));
	compare_export(ranks->options, document);
}

static void free_ranks(struct ranks *ranks)
{
	size_t i;

	for (i = 0; i < ranks->nr_threads; i++)
		free(ranks->threads[i].values);
	free(ranks->threads);
	free(ranks->total.values);
	match_free(ranks->match);
	for (i = 0; i < ranks->count; i++)
		tasks_free(ranks->of[i]);
	free(ranks->of);
}

static void add_ranks(struct ranks *ranks, const char *path)
{
	struct tasks *const tasks = tasks_read(path);
	struct tasks **split;
	size_t count;

	if (!tasks->complete)
		complain("%s: this recording is cut off: what its last tasks used is not known",
			 path);
	if (tasks->lost)
		complain("%s: %" PRIu64 " events were lost: tasks may be missing",
			 path, tasks->lost);
	if (tasks->attached)
		complain("%s: it began when the group was there: tasks that had ended are missing",
			 path);
	split = slots_split(tasks, &count);
	ranks->of = need(reallocarray(ranks->of, ranks->count + count,
				      sizeof(*ranks->of)));
	memcpy(ranks->of + ranks->count, split, count * sizeof(*split));
	ranks->count += count;
	free(split);
}

int across(char *const *paths, size_t count,
	   const struct compare_options *options)
{
	struct ranks ranks = { .options = options };
	bool out = false;
	size_t i;

	for (i = 0; i < count; i++)
		add_ranks(&ranks, paths[i]);
	if (ranks.count < 2)
		misuse("two ranks or more are needed; see vprocns compare --help");
	ranks.metric = metric_named(options->metric, ranks.of[0]);
	ranks.match = match_recordings(ranks.of, ranks.count);
	take_total(&ranks);
	take_threads(&ranks);
	if (!options->export || strcmp(options->export, "-"))
		print(&ranks);
	if (options->export)
		export(&ranks);
	for (i = 0; i < ranks.nr_threads; i++)
		out |= nr_out(&ranks, &ranks.threads[i]) > 0;
	free_ranks(&ranks);
	return out;
}
