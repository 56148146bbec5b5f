// SPDX-License-Identifier: GPL-2.0
/* `vprocns compare`: which threads are slower or faster, A beside B. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "comparison.h"
#include "options.h"
#include "table.h"
#include "tool.h"
#include "trials.h"

#define MOST_RUNS	10000
/* From ten times as much on, a percentage is hard to read. */
#define MANY_TIMES	9

struct compare {
	struct compare_options options;
	struct trials trials;
	size_t nr_record_options;
	bool across;
	char **a;
	size_t nr_a;
	char **b;
	size_t nr_b;
	struct tasks **runs;
	struct match *match;
	struct comparison comparison;
};

/* Of the sum by the clock, whatever else is compared. */
static const struct metric elapsed = { .name = "elapsed", .unit = UNIT_NS };

static const struct column columns[] = {
	{ "PLACE",	COLUMN_TEXT },
	{ "TID",	COLUMN_NUMBER },
	{ "COMMAND",	COLUMN_TEXT },
	{ "A",		COLUMN_NUMBER },
	{ "B",		COLUMN_NUMBER },
	{ "CHANGE",	COLUMN_NUMBER },
	{ "FROM",	COLUMN_NUMBER },
	{ "TO",		COLUMN_NUMBER },
	{ "VISIBLE",	COLUMN_NUMBER },
	{ "VERDICT",	COLUMN_TEXT },
};

void compare_export(const struct compare_options *options,
		    struct json_object *document)
{
	const int style = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE;
	FILE *file;

	if (!strcmp(options->export, "-")) {
		printf("%s\n", json_object_to_json_string_ext(document, style));
	} else {
		file = fopen(options->export, "we");
		if (!file ||
		    fprintf(file, "%s\n",
			    json_object_to_json_string_ext(document, style)) < 0 ||
		    fclose(file))
			fail("%s: %s", options->export, strerror(errno));
	}
	json_object_put(document);
}

static const char *percent(double part, char *text, size_t size)
{
	if (isinf(part))
		snprintf(text, size, "?");
	else if (part >= MANY_TIMES)
		snprintf(text, size, "x%.0f", 1 + part);
	else
		snprintf(text, size, "%+.1f%%", 100 * part);
	return text;
}

static const char *verdict_name(const struct metric *metric,
				enum comparison_verdict verdict)
{
	/* More CPU time is slower; more faults are more. */
	const bool time = metric->unit == UNIT_NS;

	switch (verdict) {
	case VERDICT_SLIGHT:
		return "slight";
	case VERDICT_SLOWER:
		return time ? "slower" : "more";
	case VERDICT_FASTER:
		return time ? "faster" : "less";
	default:
		return "";
	}
}

static void add_row(const struct compare *compare, struct table *table,
		    const struct compared *compared, const char *name,
		    const struct metric *metric)
{
	char text[METRIC_TEXT];

	table_row(table);
	if (compared->row) {
		const struct task *const task =
			match_any(compare->match, compared->row);
		char *const place = match_place(compare->match, compared->row);

		table_cell(table, "%s", place);
		table_cell(table, "%d", task->tid);
		table_cell(table, "%s", task->comm);
		free(place);
	} else {
		table_no_cell(table);
		table_no_cell(table);
		table_cell(table, "%s", name);
	}
	table_cell(table, "%s", metric_text(metric, compared->median_a, text));
	table_cell(table, "%s", metric_text(metric, compared->median_b, text));
	table_cell(table, "%s", percent(compared->change.estimate, text,
					sizeof(text)));
	table_cell(table, "%s", percent(compared->change.low, text, sizeof(text)));
	table_cell(table, "%s", percent(compared->change.high, text,
					sizeof(text)));
	table_cell(table, "%s", percent(compared->visible, text, sizeof(text)) +
				(*text == '+'));
	table_cell(table, "%s", verdict_name(metric, compared->verdict));
}

/* Those that changed before all others, and each part by what it weighs. */
static int by_weight(const void *a, const void *b)
{
	const struct compared *const one = a, *const other = b;
	const double left = fmax(one->median_a, one->median_b);
	const double right = fmax(other->median_a, other->median_b);

	if (!one->verdict != !other->verdict)
		return one->verdict ? -1 : 1;
	return (left < right) - (left > right);
}

static void print_table(struct compare *compare)
{
	struct comparison *const comparison = &compare->comparison;
	struct table *const table = table_new("threads", columns,
					      ARRAY_SIZE(columns), false);
	size_t i;

	for (i = 0; i < comparison->nr_threads; i++) {
		if (i >= COMPARE_SHOWN && !compare->options.all &&
		    !comparison->threads[i].verdict)
			break;
		add_row(compare, table, &comparison->threads[i], NULL,
			&comparison->metric);
	}
	add_row(compare, table, &comparison->total, "(all tasks)",
		&comparison->metric);
	add_row(compare, table, &comparison->elapsed, "(elapsed)", &elapsed);
	table_print(table);
	if (i < comparison->nr_threads)
		printf("%zu more threads: --all shows them\n",
		       comparison->nr_threads - i);
}

static int ascending(const void *a, const void *b)
{
	const double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

static void print_visible(const struct comparison *comparison)
{
	double *const visible = need(calloc(comparison->nr_threads + 1,
					    sizeof(*visible)));
	const size_t count = comparison->nr_threads;
	size_t i;

	for (i = 0; i < count; i++)
		visible[i] = comparison->threads[i].visible;
	qsort(visible, count, sizeof(*visible), ascending);
	if (isinf(visible[count - 1]))
		printf("no difference could be told from noise: at least %zu runs of each are needed\n",
		       comparison_least_pairs());
	else
		printf("differences under %.1f%% would not show in any thread, under %.1f%% not in every one (VISIBLE)\n",
		       100 * visible[0], 100 * visible[count - 1]);
	free(visible);
}

static void print_named(const struct compare *compare)
{
	const struct comparison *const comparison = &compare->comparison;
	const struct task *slight = NULL;
	size_t i, named = 0, nr_slight = 0;

	for (i = 0; i < comparison->nr_threads; i++) {
		const struct compared *const thread = &comparison->threads[i];
		const struct task *const task =
			match_any(compare->match, thread->row);
		char *place, by[32], low[32], high[32];

		if (thread->verdict == VERDICT_SLIGHT) {
			slight = task;
			nr_slight++;
		}
		if (thread->verdict <= VERDICT_SLIGHT)
			continue;
		named++;
		place = match_place(compare->match, thread->row);
		printf("%d %s (%s): %s, %s (%s to %s)%s\n", task->tid,
		       task->comm, place,
		       verdict_name(&comparison->metric, thread->verdict),
		       percent(thread->change.estimate, by, sizeof(by)),
		       percent(thread->change.low, low, sizeof(low)),
		       percent(thread->change.high, high, sizeof(high)),
		       comparison->paced ? " relative to the other threads" : "");
		free(place);
	}
	if (!named)
		printf("no thread of %zu differs by more than noise explains\n",
		       comparison->nr_threads);
	if (slight)
		printf("%zu more changed by less than %g%% of the greatest change, as a thread may that waits for another (%d %s, for one)\n",
		       nr_slight, 100 * COMPARISON_SLIGHT, slight->tid,
		       slight->comm);
}

static void print_left_out(const struct compare *compare)
{
	const struct comparison *const comparison = &compare->comparison;

	if (comparison->paced)
		printf("whole runs were faster or slower than usual, by %.1f%% (median): each thread is compared with the pace of its run\n",
		       100 * expm1(comparison->pace_noise));
	if (comparison->nr_light)
		printf("threads that used less than %g%% of an average thread and are not judged: %zu\n",
		       100 * COMPARISON_LIGHT, comparison->nr_light);
	if (comparison->partial) {
		const struct task *const task =
			match_any(compare->match, comparison->partial);

		printf("%zu tasks are not in every run and are not judged (%d %s, for one): see vprocns diff\n",
		       comparison->nr_partial, task->tid, task->comm);
	}
}

static struct json_object *values_json(const double *values, size_t count)
{
	struct json_object *const array = need(json_object_new_array());
	size_t i;

	for (i = 0; i < count; i++)
		json_object_array_add(array,
				      json_object_new_int64((int64_t)values[i]));
	return array;
}

/* What is not known, an end of an interval for one, is absent. */
static void add_number(struct json_object *object, const char *name,
		       double value)
{
	char text[32];

	if (!isfinite(value))
		return;
	snprintf(text, sizeof(text), "%.6g", value);
	json_object_object_add(object, name,
			       json_object_new_double_s(value, text));
}

static void add_int(struct json_object *object, const char *name, int64_t value)
{
	json_object_object_add(object, name, json_object_new_int64(value));
}

static void add_text(struct json_object *object, const char *name,
		     const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

static struct json_object *compared_json(const struct compare *compare,
					 const struct compared *compared,
					 const struct metric *metric)
{
	struct json_object *const object = need(json_object_new_object());
	const size_t pairs = compare->comparison.pairs;

	if (compared->row) {
		const struct task *const task =
			match_any(compare->match, compared->row);
		char *const place = match_place(compare->match, compared->row);

		add_text(object, "place", place);
		add_int(object, "tid", task->tid);
		add_text(object, "comm", task->comm);
		free(place);
	}
	json_object_object_add(object, "a", values_json(compared->a, pairs));
	json_object_object_add(object, "b", values_json(compared->b, pairs));
	add_number(object, "median_a", compared->median_a);
	add_number(object, "median_b", compared->median_b);
	add_number(object, "change", compared->change.estimate);
	add_number(object, "low", compared->change.low);
	add_number(object, "high", compared->change.high);
	add_number(object, "visible", compared->visible);
	add_number(object, "p", compared->p);
	add_text(object, "verdict",
		 compared->verdict ?
			 verdict_name(metric, compared->verdict) : "none");
	return object;
}

static void export(const struct compare *compare)
{
	const struct comparison *const comparison = &compare->comparison;
	struct json_object *const document = need(json_object_new_object());
	struct json_object *const threads = need(json_object_new_array());
	size_t i;

	add_int(document, "version", 1);
	add_text(document, "a", compare->runs[0]->command);
	add_text(document, "b", compare->runs[comparison->pairs]->command);
	add_text(document, "metric", comparison->metric.name);
	add_int(document, "runs", (int64_t)comparison->pairs);
	add_number(document, "error", COMPARISON_ERROR);
	add_number(document, "threshold", comparison->threshold);
	json_object_object_add(document, "paced",
			       json_object_new_boolean(comparison->paced));
	if (comparison->paced)
		add_number(document, "pace_noise",
			   expm1(comparison->pace_noise));
	for (i = 0; i < comparison->nr_threads; i++)
		json_object_array_add(threads,
				      compared_json(compare,
						    &comparison->threads[i],
						    &comparison->metric));
	json_object_object_add(document, "threads", threads);
	json_object_object_add(document, "total",
			       compared_json(compare, &comparison->total,
					     &comparison->metric));
	json_object_object_add(document, "elapsed",
			       compared_json(compare, &comparison->elapsed,
					     &elapsed));
	add_int(document, "light", (int64_t)comparison->nr_light);
	add_int(document, "partial", (int64_t)comparison->nr_partial);
	compare_export(&compare->options, document);
}

/* What makes the same name mean different tasks, or hides tasks. */
static void warn(const struct compare *compare)
{
	const size_t all = 2 * compare->comparison.pairs;
	size_t sequential = 0, collided = 0, joined = 0, lost = 0;
	size_t attached = 0, i;
	size_t refused[2] = {};

	for (i = 0; i < all; i++) {
		const struct tasks *const run = compare->runs[i];

		if (!run->complete)
			fail("%s: this recording is cut off; it can't be compared",
			     run->path);
		sequential += !run->lineage;
		collided += run->collisions > 0;
		joined += run->joined > 1;
		lost += run->lost > 0;
		attached += run->attached;
		refused[i >= compare->comparison.pairs] += run->nr_refusals;
	}
	if (sequential)
		complain("%zu of %zu runs are numbered in the order of clones: TIDs may differ between runs; tasks are matched by who cloned them",
			 sequential, all);
	if (collided)
		complain("in %zu of %zu runs numbers collided: TIDs there may depend on scheduling; tasks are matched by who cloned them",
			 collided, all);
	if (joined)
		complain("in %zu of %zu runs tasks joined from outside: these are matched in the order in which they came, which depends on scheduling",
			 joined, all);
	if (lost)
		complain("in %zu of %zu runs events were lost: tasks may be missing",
			 lost, all);
	if (attached)
		complain("%zu of %zu recordings began when the group was there: tasks that had ended are missing",
			 attached, all);
	if (refused[0] != refused[1])
		complain("the group refused %zu calls in the runs of A and %zu in those of B: the programs may have gone other ways",
			 refused[0], refused[1]);
}

/* Only what was recorded in turn has the machine's drift in both. */
static bool in_turn(const struct compare *compare)
{
	const size_t pairs = compare->comparison.pairs;
	uint64_t last_a = 0, first_b = UINT64_MAX, last_b = 0,
		 first_a = UINT64_MAX;
	size_t i;

	for (i = 0; i < pairs; i++) {
		const uint64_t a = compare->runs[i]->base;
		const uint64_t b = compare->runs[pairs + i]->base;

		last_a = a > last_a ? a : last_a;
		first_a = a < first_a ? a : first_a;
		last_b = b > last_b ? b : last_b;
		first_b = b < first_b ? b : first_b;
	}
	return last_a > first_b && last_b > first_a;
}

static int compare_runs(struct compare *compare)
{
	struct comparison *const comparison = &compare->comparison;
	const size_t all = 2 * comparison->pairs;
	bool named = false;
	size_t i;

	compare->runs = need(calloc(all, sizeof(*compare->runs)));
	for (i = 0; i < all; i++)
		compare->runs[i] = tasks_read(i < comparison->pairs ?
			compare->a[i] : compare->b[i - comparison->pairs]);
	warn(compare);
	if (!compare->trials.pairs && comparison->pairs > 1 && !in_turn(compare))
		complain("all recordings of one side were made before those of the other: a change of the machine in between looks like one of the program");
	comparison->metric = metric_named(compare->options.metric,
					  compare->runs[0]);
	comparison->threshold = compare->options.threshold;
	compare->match = match_recordings(compare->runs, all);
	comparison_make(comparison, compare->runs, compare->match);
	if (!comparison->nr_threads)
		fail("no thread is in every run and has the metric '%s'",
		     comparison->metric.name);
	qsort(comparison->threads, comparison->nr_threads,
	      sizeof(*comparison->threads), by_weight);
	if (!compare->options.export || strcmp(compare->options.export, "-")) {
		print_table(compare);
		print_named(compare);
		print_visible(comparison);
		print_left_out(compare);
	}
	if (compare->options.export)
		export(compare);
	for (i = 0; i < comparison->nr_threads; i++)
		named |= comparison->threads[i].verdict != VERDICT_NONE;
	comparison_free(comparison);
	match_free(compare->match);
	for (i = 0; i < all; i++)
		tasks_free(compare->runs[i]);
	free(compare->runs);
	return named;
}

static int run_and_compare(struct compare *compare, char *const *commands)
{
	struct trials *const trials = &compare->trials;
	int status;

	trials->commands[0] = commands[0];
	trials->commands[1] = commands[1];
	trials_run(trials);
	compare->comparison.pairs = trials->pairs;
	compare->a = trials->paths;
	compare->b = trials->paths + trials->pairs;
	status = compare_runs(compare);
	trials_forget(trials);
	return status;
}

static int compare_recordings(struct compare *compare)
{
	const size_t pairs = compare->nr_a < compare->nr_b ? compare->nr_a :
							     compare->nr_b;

	if (!pairs)
		misuse("recordings are needed before --against and after it; see vprocns compare --help");
	if (compare->nr_a != compare->nr_b)
		complain("recordings are compared in pairs: the last %zu of %s are left out",
			 compare->nr_a + compare->nr_b - 2 * pairs,
			 compare->nr_a > pairs ? "A" : "B");
	compare->comparison.pairs = pairs;
	return compare_runs(compare);
}

static const struct option options[] = {
	GROUP_OPTIONS,
	{ "runs", required_argument, NULL, 'n' },
	{ "warmup", required_argument, NULL, OPT_WARMUP },
	{ "ignore-failure", no_argument, NULL, OPT_IGNORE_FAILURE },
	{ "keep", required_argument, NULL, OPT_KEEP },
	{ "against", no_argument, NULL, OPT_AGAINST },
	{ "across", no_argument, NULL, OPT_ACROSS },
	{ "metric", required_argument, NULL, OPT_METRIC },
	{ "threshold", required_argument, NULL, OPT_THRESHOLD },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "events", required_argument, NULL, OPT_EVENTS },
	{ "export-json", required_argument, NULL, OPT_EXPORT_JSON },
	HELP_OPTION
};

static const char *name_of(int option)
{
	const struct option *one = options;

	while (one->val != option)
		one++;
	return one->name;
}

/* An option that is record's: handed on as one word. */
static void pass_on(struct compare *compare, int option, const char *value)
{
	const char *const name = name_of(option);
	struct trials *const trials = &compare->trials;
	char **const options = need(reallocarray(trials->options,
						 compare->nr_record_options + 2,
						 sizeof(*options)));
	int length;

	if (value)
		length = asprintf(&options[compare->nr_record_options], "--%s=%s",
				  name, value);
	else
		length = asprintf(&options[compare->nr_record_options], "--%s",
				  name);
	if (length < 0)
		fail("out of memory");
	options[++compare->nr_record_options] = NULL;
	trials->options = options;
}

static double threshold(const char *word)
{
	char *end;
	const double value = strtod(word, &end);

	if (end == word || *end || !(value >= 0) || value > 1000)
		misuse("threshold '%s': a percentage from 0 to 1000 is needed",
		       word);
	return value / 100;
}

static void take_own(struct compare *compare, int option)
{
	switch (option) {
	case 'n':
		compare->trials.pairs = number(optarg, "number of runs", 1,
					       MOST_RUNS);
		return;
	case OPT_WARMUP:
		compare->trials.warmup = number(optarg, "number of warm-up runs",
						0, MOST_RUNS);
		return;
	case OPT_EVENTS:
		pass_on(compare, option, optarg);
		return;
	case OPT_IGNORE_FAILURE:
		compare->trials.ignore_failure = true;
		return;
	case OPT_KEEP:
		compare->trials.keep = optarg;
		return;
	case OPT_ACROSS:
		compare->across = true;
		return;
	case OPT_METRIC:
		compare->options.metric = optarg;
		return;
	case OPT_THRESHOLD:
		compare->options.threshold = threshold(optarg);
		return;
	case OPT_ALL:
		compare->options.all = true;
		return;
	case OPT_EXPORT_JSON:
		compare->options.export = optarg;
		return;
	}
}

/* What stands on the command line besides options, and what these have said. */
struct line {
	char **words;
	size_t count;
	bool against;
	bool numbered;
	struct vprocns_create create;
};

static void read_line(struct compare *compare, int argc, char **argv,
		      struct line *line)
{
	int option;

	line->words = need(calloc((size_t)argc + 1, sizeof(*line->words)));
	/* Words come in their order, so that --against parts them. */
	while ((option = next_option(argc, argv, OPTIONS_AND_WORDS, options)) != -1) {
		if (option == OPTION_WORD) {
			line->words[line->count++] = optarg;
		} else if (option == OPT_AGAINST) {
			line->against = true;
			compare->nr_a = line->count;
		} else if (group_option(option, optarg, &line->create)) {
			pass_on(compare, option, optarg);
			line->numbered |= option == OPT_NUMBERING;
		} else {
			take_own(compare, option);
		}
	}
	while (optind < argc)
		line->words[line->count++] = argv[optind++];
	if (compare->across && line->against)
		misuse("--across and --against contradict each other");
	if (!compare->across && !line->against && line->count != 2)
		misuse("two commands are needed, each as one word; see vprocns compare --help");
}

static int compare_main(int argc, char **argv)
{
	struct compare compare = {
		.options = { .metric = "runtime", .threshold = 0.01 },
		.trials = { .pairs = 10 },
	};
	struct line line = {};
	int status;

	read_line(&compare, argc, argv, &line);
	if (compare.across) {
		status = across(line.words, line.count, &compare.options);
	} else if (line.against) {
		compare.a = line.words;
		compare.b = line.words + compare.nr_a;
		compare.nr_b = line.count - compare.nr_a;
		compare.trials.pairs = 0;
		status = compare_recordings(&compare);
	} else {
		if (!line.numbered) {
			pass_on(&compare, OPT_NUMBERING, "lineage");
			line.create.numbering = VPROCNS_NUMBERING_LINEAGE;
		}
		check_group_options(&line.create);
		status = run_and_compare(&compare, line.words);
	}
	free(line.words);
	return status;
}

const struct command compare_command = {
	.name = "compare",
	.summary = "tell which threads are slower or faster than before",
	.usage = "[OPTION]... 'CMD A' 'CMD B'\n"
		 "       vprocns compare [OPTION]... A.jsonl... --against B.jsonl...\n"
		 "       vprocns compare --across [OPTION]... RANKS.jsonl...\n"
		 "\n"
		 "Runs two commands in turn by vprocns record, or reads recordings that were made\n"
		 "before. Names the threads that used more or less CPU time, by more than noise\n"
		 "explains. With --across it shows, for one run on many machines or ranks, how\n"
		 "each thread's use differs between them, and which ones stand out.\n"
		 "If one of them is more than plain words, /bin/sh runs both.\n"
		 "\n"
		 "  --runs N, -n N     run each command N times (10)\n"
		 "  --warmup N         before that, run each N times without looking at it (0)\n"
		 "  --ignore-failure   go on when a command does not exit with 0\n"
		 "  --keep DIR         keep the recordings in DIR\n"
		 "  --against          the files after it are the recordings of B\n"
		 "  --across           recordings of ranks: one each, or one of ranks that joined a\n"
		 "                     group by slots\n"
		 "  --metric NAME      what to compare: runtime (default), run_delay, min_flt and\n"
		 "                     so on, as vprocns diff --help lists them\n"
		 "  --events LIST      also record these counters, so that --metric can name one\n"
		 "  --threshold P      changes under P percent are not named (1)\n"
		 "  --all              show all threads, not the 20 heaviest\n"
		 "  --export-json FILE write all values to FILE; with '-' print nothing else\n"
		 "\n"
		 "Options of the groups that it makes; the numbering is lineage if not given:\n"
		 GROUP_USAGE
		 "\n"
		 "Exit status: 0 when no thread is named, 1 when one is, 2 when something is wrong.\n",
	.main = compare_main,
	.failure = EXIT_WRONG_USAGE,
	.misuse = EXIT_WRONG_USAGE,
};
