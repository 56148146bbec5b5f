// SPDX-License-Identifier: GPL-2.0
/* Runs of A and of B compared thread by thread; Documentation/compare.md has the method. */
#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "comparison.h"
#include "tool.h"

/* So many threads are needed to tell the pace of a run from what a thread does. */
#define PACE_THREADS	5
/* So many threads are enough to tell how much of their noise it is. */
#define PACE_SAMPLE	100
/* The pace is taken out where the noise without it is under this part of what it was. */
#define PACE_GAIN	0.7

/* Logarithms of all values, thread by thread, in the order of the runs. */
struct logs {
	size_t runs;
	size_t threads;
	double *values;
	double *pace;
};

static double *new_values(size_t count)
{
	return need(calloc(count + 1, sizeof(double)));
}

static double median_of(const double *values, size_t count)
{
	double *const copy = new_values(count);
	double median;

	memcpy(copy, values, count * sizeof(*copy));
	median = statistics_median(copy, count);
	free(copy);
	return median;
}

double comparison_total(const struct metric *metric, const struct tasks *run)
{
	double total = 0, value;
	size_t i;

	for (i = 0; i < run->count; i++) {
		const struct task *const task = run->all[i];

		if (task_is_init(task) ||
		    !metric_of(metric, run, task, &value))
			continue;
		total = metric->use == USE_MAXRSS ? fmax(total, value) :
						    total + value;
	}
	return total;
}

double comparison_elapsed(const struct tasks *run)
{
	int64_t start = INT64_MAX, end = INT64_MIN;
	size_t i;

	for (i = 0; i < run->count; i++) {
		const struct task *const task = run->all[i];

		if (task_is_init(task))
			continue;
		if (task->start < start)
			start = task->start;
		if (task->end > end)
			end = task->end;
	}
	return end > start ? (double)(end - start) : 0;
}

static void set_medians(struct compared *compared, size_t pairs)
{
	compared->median_a = median_of(compared->a, pairs);
	compared->median_b = median_of(compared->b, pairs);
}

static bool take_thread(struct comparison *comparison,
			struct tasks *const *runs, const struct match *match,
			const struct match_row *row)
{
	struct compared *const thread =
		&comparison->threads[comparison->nr_threads];
	const size_t pairs = comparison->pairs;
	size_t i;

	thread->row = row;
	thread->a = new_values(2 * pairs);
	thread->b = thread->a + pairs;
	for (i = 0; i < match->nr_recordings; i++)
		if (!metric_of(&comparison->metric, runs[i], row->of[i],
			       &thread->a[i]))
			break;
	if (i < match->nr_recordings) {
		free(thread->a);
		return false;
	}
	set_medians(thread, pairs);
	return true;
}

/* The use of an average thread on the side where it is less. */
static double average_use(const struct comparison *comparison)
{
	double a = 0, b = 0;
	size_t i;

	for (i = 0; i < comparison->nr_threads; i++) {
		a += comparison->threads[i].median_a;
		b += comparison->threads[i].median_b;
	}
	return i ? fmin(a, b) / (double)i : 0;
}

static void drop_light(struct comparison *comparison)
{
	const double average = average_use(comparison);
	struct compared *const threads = comparison->threads;
	size_t i, kept = 0;

	for (i = 0; i < comparison->nr_threads; i++) {
		if (fmax(threads[i].median_a, threads[i].median_b) <
		    COMPARISON_LIGHT * average)
			free(threads[i].a);
		else
			threads[kept++] = threads[i];
	}
	comparison->nr_light = comparison->nr_threads - kept;
	comparison->nr_threads = kept;
}

static double weight(const struct comparison *comparison,
		     struct tasks *const *runs, const struct match *match,
		     const struct match_row *row)
{
	double most = 0, value;
	size_t i;

	for (i = 0; row && i < match->nr_recordings; i++)
		if (row->of[i] && metric_of(&comparison->metric, runs[i],
					    row->of[i], &value))
			most = fmax(most, value);
	return most;
}

static void take_threads(struct comparison *comparison,
			 struct tasks *const *runs, const struct match *match)
{
	size_t i;

	comparison->threads = need(calloc(match->nr_rows + 1,
					  sizeof(*comparison->threads)));
	for (i = 0; i < match->nr_rows; i++) {
		const struct match_row *const row = &match->rows[i];

		if (match_is_init(match, row))
			continue;
		if (row->count == match->nr_recordings) {
			comparison->nr_threads +=
				take_thread(comparison, runs, match, row);
			continue;
		}
		comparison->nr_partial++;
		if (weight(comparison, runs, match, row) >=
		    weight(comparison, runs, match, comparison->partial))
			comparison->partial = row;
	}
	drop_light(comparison);
}

static void take_logs(const struct comparison *comparison, struct logs *logs)
{
	size_t i, run;

	logs->runs = 2 * comparison->pairs;
	logs->threads = comparison->nr_threads;
	logs->values = new_values(logs->runs * logs->threads);
	logs->pace = new_values(logs->runs);
	/* What is 0 counts as 1: one nanosecond, one fault. */
	for (i = 0; i < logs->threads; i++)
		for (run = 0; run < logs->runs; run++)
			logs->values[i * logs->runs + run] =
				log(fmax(comparison->threads[i].a[run], 1));
}

/* How far values are from their middle: the median of it. */
static double deviation(const double *values, size_t count)
{
	const double middle = median_of(values, count);
	double *const off = new_values(count);
	double result;
	size_t i;

	for (i = 0; i < count; i++)
		off[i] = fabs(values[i] - middle);
	result = statistics_median(off, count);
	free(off);
	return result;
}

/* Each thread's values less its own middle in @parts equal parts of the runs. */
static double *centred(const struct logs *logs, size_t parts)
{
	const size_t length = logs->runs / parts;
	double *const values = new_values(logs->runs * logs->threads);
	size_t i, j;

	for (i = 0; i < logs->threads * parts; i++) {
		const double middle = median_of(logs->values + i * length, length);

		for (j = 0; j < length; j++)
			values[i * length + j] =
				logs->values[i * length + j] - middle;
	}
	return values;
}

#define NO_THREAD	SIZE_MAX

/* The pace of each run: the middle of what its threads, but the named and @but, are off by. */
static void find_pace(const struct comparison *comparison,
		      const struct logs *logs, const double *values, size_t but,
		      double *pace)
{
	double *const of_run = new_values(logs->threads);
	size_t i, run, count;

	for (run = 0; run < logs->runs; run++) {
		for (i = 0, count = 0; i < logs->threads; i++)
			if (comparison->threads[i].verdict == VERDICT_NONE &&
			    i != but)
				of_run[count++] = values[i * logs->runs + run];
		pace[run] = statistics_median(of_run, count);
	}
	free(of_run);
}

/*
 * Whether whole runs are slower or faster, and how much of the noise that is.
 * Looked at within A and within B, so that a change from A to B has no part in it;
 * and for each thread by what the others do, so that none is its own measure.
 */
static void decide_pace(struct comparison *comparison, const struct logs *logs)
{
	const size_t sample = logs->threads < PACE_SAMPLE ? logs->threads :
							    PACE_SAMPLE;
	double *values, *pace, *less, *with, *without;
	size_t i, run;

	if (logs->threads < PACE_THREADS)
		return;
	values = centred(logs, 2);
	pace = new_values(logs->runs);
	with = new_values(sample);
	without = new_values(sample);
	less = new_values(logs->runs);
	for (i = 0; i < sample; i++) {
		const double *const own = values + i * logs->runs;

		find_pace(comparison, logs, values, i, pace);
		for (run = 0; run < logs->runs; run++)
			less[run] = own[run] - pace[run];
		with[i] = deviation(own, logs->runs);
		without[i] = deviation(less, logs->runs);
	}
	find_pace(comparison, logs, values, NO_THREAD, pace);
	comparison->pace_noise = deviation(pace, logs->runs);
	comparison->paced = statistics_median(without, sample) <
			    PACE_GAIN * statistics_median(with, sample);
	free(without);
	free(with);
	free(less);
	free(pace);
	free(values);
}

static void set_change(struct compared *compared, const double *differences,
		       size_t pairs)
{
	const struct interval shift = statistics_shift(differences, pairs);

	compared->change.estimate = expm1(shift.estimate);
	compared->change.low = expm1(shift.low);
	compared->change.high = expm1(shift.high);
}

static void judge(struct compared *compared, const struct verdict *verdict,
		  double threshold)
{
	const double change = compared->change.estimate;

	compared->p = verdict->p;
	/* The change that would be seen, whether it is named or not: at least @threshold. */
	compared->visible = fmax(expm1(verdict->visible), threshold);
	compared->verdict = VERDICT_NONE;
	if (verdict->p <= COMPARISON_ERROR && fabs(change) >= threshold)
		compared->verdict = change > 0 ? VERDICT_SLOWER : VERDICT_FASTER;
}

/* Of one sample's logarithms: those of A, then as many of B. */
static void set_differences(const double *logs, size_t pairs,
			    double *differences)
{
	size_t i;

	for (i = 0; i < pairs; i++)
		differences[i] = logs[pairs + i] - logs[i];
}

/* The estimate is robust by itself; the test is once the outermost runs are pulled in. */
static void prepare(struct compared *compared, const double *logs, size_t pairs,
		    double *differences)
{
	double *const values = new_values(2 * pairs);

	set_differences(logs, pairs, differences);
	set_change(compared, differences, pairs);
	memcpy(values, logs, 2 * pairs * sizeof(*values));
	statistics_winsorize(values, 2 * pairs);
	set_differences(values, pairs, differences);
	free(values);
}

static void test(const struct comparison *comparison, struct compared *compared,
		 size_t count, const double *logs)
{
	const size_t pairs = comparison->pairs;
	struct family family = {
		.pairs = pairs,
		.samples = count,
		.differences = new_values(count * pairs),
	};
	struct verdict *const verdicts = need(calloc(count + 1, sizeof(*verdicts)));
	size_t i;

	for (i = 0; i < count; i++)
		prepare(&compared[i], logs + i * 2 * pairs, pairs,
			family.differences + i * pairs);
	if (statistics_test(&family, COMPARISON_ERROR, verdicts))
		fail("out of memory");
	for (i = 0; i < count; i++)
		judge(&compared[i], &verdicts[i], comparison->threshold);
	free(verdicts);
	free(family.differences);
}

static size_t nr_named(const struct comparison *comparison)
{
	size_t i, count = 0;

	for (i = 0; i < comparison->nr_threads; i++)
		count += comparison->threads[i].verdict != VERDICT_NONE;
	return count;
}

/* The pace without the threads that changed, so that they don't shift all others. */
static void test_paced(struct comparison *comparison, const struct logs *logs)
{
	const size_t values = logs->runs * logs->threads;
	double *const relative = new_values(values);
	double *const middles = centred(logs, 1);
	size_t named = 0, before, i;

	do {
		before = named;
		find_pace(comparison, logs, middles, NO_THREAD, logs->pace);
		for (i = 0; i < values; i++)
			relative[i] = logs->values[i] - logs->pace[i % logs->runs];
		test(comparison, comparison->threads, logs->threads, relative);
		named = nr_named(comparison);
		/* Where most change, the others are no measure. */
	} while (named > before && 2 * named < logs->threads);
	free(middles);
	free(relative);
}

/* In the metric's unit, from what the thread used before. */
static double amount_of(const struct compared *thread)
{
	if (thread->verdict == VERDICT_NONE)
		return 0;
	return fabs(thread->change.estimate) * fmax(thread->median_a, 1);
}

static void find_slight(struct comparison *comparison)
{
	double greatest = 0;
	size_t i;

	for (i = 0; i < comparison->nr_threads; i++)
		greatest = fmax(greatest, amount_of(&comparison->threads[i]));
	for (i = 0; i < comparison->nr_threads; i++) {
		struct compared *const thread = &comparison->threads[i];

		if (thread->verdict != VERDICT_NONE &&
		    amount_of(thread) < COMPARISON_SLIGHT * greatest)
			thread->verdict = VERDICT_SLIGHT;
	}
}

static void test_sum(const struct comparison *comparison, struct compared *sum)
{
	const size_t runs = 2 * comparison->pairs;
	double *const logs = new_values(runs);
	size_t i;

	for (i = 0; i < runs; i++)
		logs[i] = log(fmax(sum->a[i], 1));
	test(comparison, sum, 1, logs);
	free(logs);
}

static void take_sums(struct comparison *comparison, struct tasks *const *runs)
{
	const size_t pairs = comparison->pairs;
	size_t i;

	comparison->total.a = new_values(2 * pairs);
	comparison->total.b = comparison->total.a + pairs;
	comparison->elapsed.a = new_values(2 * pairs);
	comparison->elapsed.b = comparison->elapsed.a + pairs;
	for (i = 0; i < 2 * pairs; i++) {
		comparison->total.a[i] =
			comparison_total(&comparison->metric, runs[i]);
		comparison->elapsed.a[i] = comparison_elapsed(runs[i]);
	}
	set_medians(&comparison->total, pairs);
	set_medians(&comparison->elapsed, pairs);
}

void comparison_make(struct comparison *comparison, struct tasks *const *runs,
		     const struct match *match)
{
	struct logs logs;

	take_sums(comparison, runs);
	take_threads(comparison, runs, match);
	take_logs(comparison, &logs);
	decide_pace(comparison, &logs);
	if (comparison->paced)
		test_paced(comparison, &logs);
	else
		test(comparison, comparison->threads, logs.threads, logs.values);
	find_slight(comparison);
	test_sum(comparison, &comparison->total);
	test_sum(comparison, &comparison->elapsed);
	free(logs.pace);
	free(logs.values);
}

void comparison_free(struct comparison *comparison)
{
	size_t i;

	for (i = 0; i < comparison->nr_threads; i++)
		free(comparison->threads[i].a);
	free(comparison->threads);
	free(comparison->total.a);
	free(comparison->elapsed.a);
}

size_t comparison_least_pairs(void)
{
	size_t pairs = 1;

	/* All pairs of one sign, and of the other. */
	while (2 / exp2((double)pairs) > COMPARISON_ERROR)
		pairs++;
	return pairs;
}
