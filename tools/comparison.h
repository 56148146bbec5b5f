/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_COMPARISON_H
#define _VPROCNS_COMPARISON_H

#include "match.h"
#include "statistics.h"
#include "tasks.h"

/* The chance of one thread or more being named where nothing differs. */
#define COMPARISON_ERROR	0.02
/* Under this part of an average thread's use nothing is said of a thread. */
#define COMPARISON_LIGHT	0.005
/* Under this part of the greatest change another is no regression of its own. */
#define COMPARISON_SLIGHT	0.1

enum comparison_verdict {
	/* Nothing that is certain, or nothing that is large enough. */
	VERDICT_NONE,
	/* Certain, but little beside the greatest change, which it may come from. */
	VERDICT_SLIGHT,
	/* From here on a thread is named. */
	VERDICT_SLOWER,
	VERDICT_FASTER,
};

/**
 * struct compared - one thread, or a sum, in all the runs
 * @row: the thread; NULL for a sum
 * @a: its values in the runs of A
 * @b: likewise of B, in the same order of pairs
 * @median_a: the middle one of @a
 * @median_b: the middle one of @b
 * @change: B beside A, and its 95 % interval: 0.1 is 10 % more
 * @visible: the least change that would have been seen, likewise
 * @p: how often chance alone shows such a change in one thread or more
 * @verdict: what is said of it
 */
struct compared {
	const struct match_row *row;
	double *a;
	double *b;
	double median_a;
	double median_b;
	struct interval change;
	double visible;
	double p;
	enum comparison_verdict verdict;
};

/**
 * struct comparison - pairs of runs, and what they show
 * @metric: what is compared
 * @pairs: how many runs there are of each
 * @threshold: changes under it are not named: 0.01 is 1 %
 * @paced: changes are relative to the pace of each run, by which all its threads are
 *	slower or faster alike
 * @pace_noise: how much the pace varies from run to run: the median deviation
 * @threads: those that are in every run and have enough of the metric to tell
 * @nr_threads: how many
 * @nr_light: threads under %COMPARISON_LIGHT of an average one; they are not judged
 * @nr_partial: tasks that are not in every run
 * @partial: the heaviest of these; NULL without
 * @total: the sum of all tasks
 * @elapsed: from the begin of the first task to the end of the last
 */
struct comparison {
	struct metric metric;
	size_t pairs;
	double threshold;
	bool paced;
	double pace_noise;
	struct compared *threads;
	size_t nr_threads;
	size_t nr_light;
	size_t nr_partial;
	const struct match_row *partial;
	struct compared total;
	struct compared elapsed;
};

/**
 * comparison_make() - compare runs thread by thread
 * @comparison: @metric, @pairs and @threshold are set; the rest is filled in
 * @runs: the runs of A, then as many of B
 * @match: of all @runs
 */
void comparison_make(struct comparison *comparison, struct tasks *const *runs,
		     const struct match *match);
void comparison_free(struct comparison *comparison);

/* How many pairs of runs are needed so that anything can be named. */
size_t comparison_least_pairs(void);

/* What all tasks of a run used together; the most of them where a sum means nothing. */
double comparison_total(const struct metric *metric, const struct tasks *run);
/* ns from the begin of the first task to the end of the last. */
double comparison_elapsed(const struct tasks *run);

#endif
