// SPDX-License-Identifier: GPL-2.0
/* What is named and what is not, in made-up runs. The numbers: compare_library.py. */
#define _GNU_SOURCE
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "comparison.h"

#define MOST_THREADS	40
#define MOST_PAIRS	16
#define TRIES		200
/* At least 19 of 20. */
#define NEARLY_ALL	(TRIES * 19 / 20)
#define MAIN_TIME	5e6
#define THREAD_TIME	100e6

/* The tool's way to end (tool.h); a test that comes here fails. */
void fail(const char *format, ...);
void misuse(const char *format, ...);

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	abort();
}

void misuse(const char *format, ...)
{
	fail("%s", format);
}

/**
 * struct model - how the times of made-up threads come about
 * @pairs: runs of A, and of B
 * @threads: how many
 * @slow: which of them has @factor in B, from 0; -1 for none, @threads for all
 * @factor: by how much
 * @first: how many times longer the first thread, which has little to do, takes in B
 * @noise: of each thread: the standard deviation of its logarithm
 * @pace: of each run, likewise
 * @drift: how far the pace goes on from run to run, likewise
 * @outliers: how many of a hundred runs of a thread take up to half as long again
 */
struct model {
	size_t pairs;
	size_t threads;
	int slow;
	double factor;
	double first;
	double noise;
	double pace;
	double drift;
	int outliers;
};

static double uniform(void)
{
	return drand48();
}

static double normal(void)
{
	return sqrt(-2 * log(1 - uniform())) * cos(2 * M_PI * uniform());
}

struct world {
	struct task tasks[2 * MOST_PAIRS][MOST_THREADS + 1];
	struct task *all[2 * MOST_PAIRS][MOST_THREADS + 1];
	struct tasks runs[2 * MOST_PAIRS];
	struct tasks *pointers[2 * MOST_PAIRS];
	struct match *match;
	struct comparison comparison;
};

static void set_task(struct world *world, size_t run, size_t place, double time)
{
	struct task *const task = &world->tasks[run][place];

	task->origin = TASK_CLONED;
	task->ordinal = place;
	task->tid = (int32_t)(1000 + place);
	task->tgid = 1000;
	task->exited = true;
	task->end = (int64_t)time;
	task->used[USE_RUNTIME] = (int64_t)time;
	task->has = 1 << USE_RUNTIME;
	if (place) {
		task->cloner = &world->tasks[run][0];
		world->tasks[run][place - 1].next = task;
	}
	world->all[run][place] = task;
}

static void set_run(struct world *world, const struct model *model, size_t run,
		    double pace)
{
	const bool is_b = run >= model->pairs;
	size_t i;

	world->pointers[run] = &world->runs[run];
	world->runs[run].all = world->all[run];
	world->runs[run].count = model->threads + 1;
	world->runs[run].roots = &world->tasks[run][0];
	set_task(world, run, 0, MAIN_TIME * (is_b ? model->first : 1) *
				exp(pace + model->noise * normal()));
	for (i = 0; i < model->threads; i++) {
		double time = THREAD_TIME * (1 + 0.1 * (double)i) *
			      exp(pace + model->noise * normal());

		if (is_b && (model->slow == (int)i ||
			     model->slow == (int)model->threads))
			time *= model->factor;
		if (100 * uniform() < model->outliers)
			time *= 1 + uniform() / 2;
		set_task(world, run, i + 1, time);
	}
	/* The first is the cloner of the others, not their sibling. */
	world->tasks[run][0].children = world->tasks[run][0].next;
	world->tasks[run][0].next = NULL;
}

static struct world *make_world(const struct model *model)
{
	struct world *const world = calloc(1, sizeof(*world));
	double drift = 0;
	size_t i, turn;

	/* In the order in which the tool runs them: A B, B A. */
	for (i = 0; i < model->pairs; i++) {
		for (turn = 0; turn < 2; turn++) {
			drift += model->drift * normal();
			set_run(world, model, i + (i + turn) % 2 * model->pairs,
				drift + model->pace * normal());
		}
	}
	world->comparison.metric.name = "runtime";
	world->comparison.metric.use = USE_RUNTIME;
	world->comparison.pairs = model->pairs;
	world->comparison.threshold = 0.01;
	world->match = match_recordings(world->pointers, 2 * model->pairs);
	comparison_make(&world->comparison, world->pointers, world->match);
	return world;
}

static void free_world(struct world *world)
{
	comparison_free(&world->comparison);
	match_free(world->match);
	free(world);
}

static bool named(const struct world *world, int slow)
{
	size_t i;

	for (i = 0; i < world->comparison.nr_threads; i++) {
		const struct compared *const thread =
			&world->comparison.threads[i];
		const int tid = match_any(world->match, thread->row)->tid;

		if (tid == 1001 + slow)
			return thread->verdict == VERDICT_SLOWER;
	}
	return false;
}

static int nr_named(const struct world *world)
{
	size_t i;
	int count = 0;

	for (i = 0; i < world->comparison.nr_threads; i++)
		count += world->comparison.threads[i].verdict > VERDICT_SLIGHT;
	return count;
}

/* In how many of the tries exactly the slow thread is named, or none where none is. */
static int right(const struct model *model, const char *what)
{
	int try, count = 0;

	srand48(1);
	for (try = 0; try < TRIES; try++) {
		struct world *const world = make_world(model);

		count += nr_named(world) == (model->slow >= 0) &&
			 (model->slow < 0 || named(world, model->slow));
		free_world(world);
	}
	fprintf(stderr, "# %s: right in %d of %d tries\n", what, count, TRIES);
	return count;
}

static const struct model quiet = {
	.pairs = 10, .threads = 8, .slow = -1, .factor = 1.1, .first = 1, .noise = 0.02,
	.pace = 0.005, .outliers = 2,
};
/* As measured on two busy processors: whole runs differ more than threads in them. */
static const struct model busy = {
	.pairs = 10, .threads = 8, .slow = -1, .factor = 1.3, .first = 1, .noise = 0.07,
	.pace = 0.25, .outliers = 1,
};

TEST(quiet_machine_names_nobody)
{
	ASSERT_LE(NEARLY_ALL, right(&quiet, "quiet, nothing slow"));
}

TEST(quiet_machine_names_the_slow_thread_alone)
{
	struct model model = quiet;

	model.slow = 3;
	ASSERT_LE(NEARLY_ALL, right(&model, "quiet, 10 % slow"));
}

TEST(busy_machine_names_nobody)
{
	ASSERT_LE(NEARLY_ALL, right(&busy, "busy, nothing slow"));
}

TEST(busy_machine_names_the_slow_thread_alone)
{
	struct model model = busy;

	model.slow = 5;
	ASSERT_LE(NEARLY_ALL, right(&model, "busy, 30 % slow"));
}

TEST(many_threads_name_nobody)
{
	struct model model = quiet;

	model.threads = MOST_THREADS;
	model.noise = 0.015;
	ASSERT_LE(NEARLY_ALL, right(&model, "40 threads, nothing slow"));
	model.slow = 39;
	ASSERT_LE(NEARLY_ALL, right(&model, "40 threads, 10 % slow"));
}

/* With so few threads their pace can't be told from what they do: the pairs must help. */
TEST(few_threads_on_a_machine_that_drifts)
{
	struct model model = {
		.pairs = 10, .threads = 2, .slow = -1, .factor = 1.3,
		.first = 1, .noise = 0.03, .drift = 0.05,
	};

	ASSERT_LE(NEARLY_ALL, right(&model, "drift, nothing slow"));
	model.slow = 1;
	ASSERT_LE(NEARLY_ALL, right(&model, "drift, 30 % slow"));
}

TEST(all_slow_are_all_named)
{
	struct model model = quiet;
	struct world *world;

	model.slow = (int)model.threads;
	srand48(1);
	world = make_world(&model);
	ASSERT_EQ(8, nr_named(world));
	ASSERT_EQ(VERDICT_SLOWER, world->comparison.total.verdict);
	ASSERT_EQ(VERDICT_SLOWER, world->comparison.elapsed.verdict);
	free_world(world);
}

/* Runs that are slower as wholes say so in the sum, and blame no thread. */
TEST(pace_is_no_threads_fault)
{
	struct model model = busy;
	struct world *world;

	model.slow = (int)model.threads;
	model.factor = 2;
	srand48(1);
	world = make_world(&model);
	ASSERT_TRUE(world->comparison.paced);
	ASSERT_GE(1, nr_named(world));
	ASSERT_EQ(VERDICT_SLOWER, world->comparison.total.verdict);
	free_world(world);
}

/* "Differences under it would not show": half of it hardly ever does, its double does. */
TEST(what_is_visible)
{
	struct model model = quiet;
	double visible = 0;
	int try, half = 0, twice = 0;
	size_t i;

	model.outliers = 0;
	srand48(1);
	for (try = 0; try < TRIES; try++) {
		struct world *const world = make_world(&model);

		for (i = 0; i < world->comparison.nr_threads; i++)
			visible += world->comparison.threads[i].visible /
				   (double)world->comparison.nr_threads / TRIES;
		free_world(world);
	}
	model.slow = 2;
	for (try = 0; try < TRIES; try++) {
		struct world *world;

		model.factor = 1 + visible / 2;
		world = make_world(&model);
		half += named(world, model.slow);
		free_world(world);
		model.factor = 1 + 2 * visible;
		world = make_world(&model);
		twice += named(world, model.slow);
		free_world(world);
	}
	fprintf(stderr, "# %.1f %% visible: half of it named in %d of %d tries, its double in %d\n",
	       100 * visible, half, TRIES, twice);
	ASSERT_GT(TRIES / 5, half);
	ASSERT_LT(TRIES * 9 / 10, twice);
}

TEST(too_few_pairs_name_nobody_and_say_so)
{
	struct model model = quiet;
	struct world *world;

	model.slow = 0;
	model.factor = 3;
	model.pairs = comparison_least_pairs() - 1;
	world = make_world(&model);
	ASSERT_EQ(0, nr_named(world));
	ASSERT_TRUE(isinf(world->comparison.threads[0].visible));
	free_world(world);
	model.pairs++;
	model.outliers = 0;
	world = make_world(&model);
	ASSERT_TRUE(named(world, 0));
	free_world(world);
}

/* A thread that waits for the slow one may work a little more or less for it. */
TEST(what_is_slight_is_not_named)
{
	const struct compared *first;
	struct model model = quiet;
	struct world *world;

	model.noise = 0.002;
	model.pace = 0;
	model.outliers = 0;
	model.first = 1.2;
	model.slow = 3;
	srand48(1);
	world = make_world(&model);
	first = &world->comparison.threads[0];
	ASSERT_EQ(1, nr_named(world));
	ASSERT_TRUE(named(world, 3));
	ASSERT_EQ(VERDICT_SLIGHT, first->verdict);
	ASSERT_LE(first->p, COMPARISON_ERROR);
	free_world(world);
	/* A tenth of what the other changes by, and more. */
	model.first = 1.4;
	world = make_world(&model);
	ASSERT_EQ(2, nr_named(world));
	free_world(world);
	/* Beside nothing it is the one that changed, however light. */
	model.first = 1.05;
	model.slow = -1;
	world = make_world(&model);
	ASSERT_EQ(1, nr_named(world));
	ASSERT_EQ(VERDICT_SLOWER, world->comparison.threads[0].verdict);
	free_world(world);
}

/* Where nothing varies, as with a clock that counts instructions. */
TEST(no_noise)
{
	struct model model = quiet;
	struct world *world;

	model.noise = 0;
	model.pace = 0;
	model.outliers = 0;
	world = make_world(&model);
	ASSERT_EQ(0, nr_named(world));
	free_world(world);
	model.slow = 4;
	world = make_world(&model);
	ASSERT_EQ(1, nr_named(world));
	ASSERT_TRUE(named(world, 4));
	free_world(world);
	/* Certain, and too small to be named. */
	model.factor = 1.005;
	world = make_world(&model);
	ASSERT_EQ(0, nr_named(world));
	free_world(world);
}

TEST_HARNESS_MAIN
