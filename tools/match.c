// SPDX-License-Identifier: GPL-2.0
/* The same logical tasks in several recordings. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match.h"
#include "tool.h"

/* More than that to be laid side by side, and siblings are taken by their ordinals. */
#define MOST_CELLS	((size_t)1 << 22)

/**
 * struct level - siblings, laid side by side
 * @parent: row of their cloner
 * @of: for each row, a task of each recording or NULL
 * @count: how many rows
 * @next: the first that is not in the match yet
 */
struct level {
	struct match_row *parent;
	const struct task **of;
	size_t count;
	size_t next;
};

struct matcher {
	struct match *match;
	struct level *stack;
	size_t depth;
	size_t room;
};

static const struct task *of_programs(const struct task *task)
{
	while (task && task->origin == TASK_KERNEL)
		task = task->next;
	return task;
}

static size_t length_of(const struct task *task)
{
	size_t length = 0;

	for (task = of_programs(task); task; task = of_programs(task->next))
		length++;
	return length;
}

static int compare_names(const struct task *one, const struct task *other)
{
	if (one->origin != other->origin)
		return one->origin < other->origin ? -1 : 1;
	return (one->ordinal > other->ordinal) - (one->ordinal < other->ordinal);
}

static const struct task **row_of(const struct match *match,
				  const struct level *level, size_t row)
{
	return level->of + row * match->nr_recordings;
}

/* By ordinal: the first of what is left in each list is taken off all that have it. */
static void merge(const struct match *match, struct level *level,
		  const struct task **lists)
{
	const size_t nr = match->nr_recordings;

	for (;;) {
		const struct task **const row = row_of(match, level, level->count);
		const struct task *first = NULL;
		size_t i;

		for (i = 0; i < nr; i++) {
			lists[i] = of_programs(lists[i]);
			if (lists[i] && (!first || compare_names(lists[i], first) < 0))
				first = lists[i];
		}
		if (!first)
			return;
		for (i = 0; i < nr; i++) {
			if (!lists[i] || compare_names(lists[i], first))
				continue;
			row[i] = lists[i];
			lists[i] = lists[i]->next;
		}
		level->count++;
	}
}

static bool same_text(const char *one, const char *other)
{
	return one && other ? !strcmp(one, other) : one == other;
}

/* Does the same, as far as a recording shows; whatever it is called in numbers. */
static bool alike(const struct task *one, const struct task *other)
{
	return one->origin == other->origin &&
	       (one->tid == one->tgid) == (other->tid == other->tgid) &&
	       (one->origin != TASK_BEFORE || one->tid == other->tid) &&
	       !strcmp(one->comm, other->comm) &&
	       same_text(one->programs, other->programs);
}

/* Rows so far, and one more list to stand beside them. */
struct alignment {
	const struct match *match;
	struct level *level;
	size_t side;
	const struct task **rows;
	size_t nr_rows;
	const struct task **list;
	size_t nr_list;
	const struct task **of;
	size_t count;
};

/* One more row of the result: an old row, a task beside it, or one of both alone. */
static void put(struct alignment *to, size_t row, const struct task *task)
{
	const size_t nr = to->match->nr_recordings;
	const struct task **const of = to->of + to->count++ * nr;

	if (row < to->nr_rows)
		memcpy(of, row_of(to->match, to->level, row),
		       nr * sizeof(struct task *));
	if (task)
		of[to->side] = task;
}

/* What stands between two that are alike: by pairs where it is as many, else alone. */
static void put_gap(struct alignment *to, size_t row, size_t rows, size_t task,
		    size_t tasks)
{
	size_t i;

	if (rows == tasks) {
		for (i = 0; i < rows; i++)
			put(to, row + i, to->list[task + i]);
		return;
	}
	for (i = 0; i < rows; i++)
		put(to, row + i, NULL);
	for (i = 0; i < tasks; i++)
		put(to, SIZE_MAX, to->list[task + i]);
}

/* Lengths of the longest common sequence of what follows each pair, as in diff(1). */
static uint32_t *common_lengths(const struct alignment *of, size_t row,
				size_t rows, size_t task, size_t tasks)
{
	uint32_t *const lengths = need(calloc((rows + 1) * (tasks + 1),
					      sizeof(*lengths)));
	const size_t width = tasks + 1;
	size_t i, j;

	for (i = rows; i--; ) {
		for (j = tasks; j--; ) {
			uint32_t *const cell = &lengths[i * width + j];

			if (alike(of->rows[row + i], of->list[task + j]))
				*cell = cell[width + 1] + 1;
			else
				*cell = cell[1] > cell[width] ? cell[1] :
								cell[width];
		}
	}
	return lengths;
}

static void put_middle(struct alignment *to, size_t row, size_t rows,
		       size_t task, size_t tasks)
{
	uint32_t *const lengths = common_lengths(to, row, rows, task, tasks);
	const size_t width = tasks + 1;
	size_t i = 0, j = 0, gap_i = 0, gap_j = 0;

	while (i < rows && j < tasks) {
		const uint32_t *const cell = &lengths[i * width + j];

		if (alike(to->rows[row + i], to->list[task + j])) {
			put_gap(to, row + gap_i, i - gap_i, task + gap_j,
				j - gap_j);
			put(to, row + i, to->list[task + j]);
			gap_i = ++i;
			gap_j = ++j;
		} else if (cell[width] >= cell[1]) {
			i++;
		} else {
			j++;
		}
	}
	put_gap(to, row + gap_i, rows - gap_i, task + gap_j, tasks - gap_j);
	free(lengths);
}

/* False where there is too much to lay side by side. */
static bool align(struct alignment *to)
{
	size_t begin = 0, end = 0, i;

	while (begin < to->nr_rows && begin < to->nr_list &&
	       alike(to->rows[begin], to->list[begin]))
		begin++;
	while (begin + end < to->nr_rows && begin + end < to->nr_list &&
	       alike(to->rows[to->nr_rows - 1 - end],
		     to->list[to->nr_list - 1 - end]))
		end++;
	if ((to->nr_rows - begin - end + 1) * (to->nr_list - begin - end + 1) >
	    MOST_CELLS)
		return false;
	for (i = 0; i < begin; i++)
		put(to, i, to->list[i]);
	put_middle(to, begin, to->nr_rows - begin - end, begin,
		   to->nr_list - begin - end);
	for (i = end; i; i--)
		put(to, to->nr_rows - i, to->list[to->nr_list - i]);
	return true;
}

static const struct task *any_of(const struct task **of, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (of[i])
			return of[i];
	return NULL;
}

/* Puts the list of one recording beside what is there; false where that is too much. */
static bool add_list(const struct match *match, struct level *level, size_t side,
		     const struct task *list)
{
	struct alignment to = {
		.match = match, .level = level, .side = side,
		.nr_rows = level->count, .nr_list = length_of(list),
	};
	bool done;
	size_t i;

	to.rows = need(calloc(to.nr_rows + 1, sizeof(struct task *)));
	to.list = need(calloc(to.nr_list + 1, sizeof(struct task *)));
	to.of = need(calloc((to.nr_rows + to.nr_list + 1) * match->nr_recordings,
			    sizeof(struct task *)));
	for (i = 0; i < to.nr_rows; i++)
		to.rows[i] = any_of(row_of(match, level, i),
				    match->nr_recordings);
	for (i = 0, list = of_programs(list); list;
	     list = of_programs(list->next))
		to.list[i++] = list;
	done = align(&to);
	free(to.list);
	free(to.rows);
	if (!done) {
		free(to.of);
		return false;
	}
	free(level->of);
	level->of = to.of;
	level->count = to.count;
	return true;
}

static void make_level(const struct match *match, struct level *level,
		       const struct task **lists)
{
	const size_t nr = match->nr_recordings;
	size_t i, sum = 1, different = 0;

	level->of = NULL;
	level->count = 0;
	for (i = 0; i < nr; i++) {
		sum += length_of(lists[i]);
		different += length_of(lists[i]) != length_of(lists[0]);
	}
	/* One more or one less would make all that follow others. */
	for (i = 0; different && i < nr; i++)
		if (!add_list(match, level, i, lists[i]))
			different = 0;
	if (different)
		return;
	free(level->of);
	level->count = 0;
	level->of = need(calloc(sum * nr, sizeof(struct task *)));
	merge(match, level, lists);
}

/* Another level below @parent; its lists are what @parent's tasks cloned. */
static void push(struct matcher *matcher, struct match_row *parent,
		 const struct task **lists)
{
	struct level *level;

	if (matcher->depth == matcher->room) {
		matcher->room = matcher->room ? 2 * matcher->room : 64;
		matcher->stack = need(reallocarray(matcher->stack, matcher->room,
						   sizeof(*matcher->stack)));
	}
	level = &matcher->stack[matcher->depth++];
	level->parent = parent;
	level->next = 0;
	make_level(matcher->match, level, lists);
}

static size_t most_rows(struct tasks *const *recordings, size_t count)
{
	size_t sum = 0, i;

	for (i = 0; i < count; i++)
		sum += recordings[i]->count;
	return sum;
}

static void set_row(const struct match *match, struct match_row *row,
		    const struct level *level, size_t depth,
		    const struct task **lists)
{
	const struct task **const of = row_of(match, level, level->next);
	size_t i;

	row->parent = level->parent;
	row->depth = depth;
	for (i = 0; i < match->nr_recordings; i++) {
		row->of[i] = of[i];
		row->count += !!of[i];
		lists[i] = of[i] ? of[i]->children : NULL;
	}
}

/* Depth first, without recursion: each clone of a chain may clone the next. */
static void match_all(struct matcher *matcher, const struct task **places,
		      const struct task **lists)
{
	struct match *const match = matcher->match;

	while (matcher->depth) {
		struct level *const level = &matcher->stack[matcher->depth - 1];
		struct match_row *const row = &match->rows[match->nr_rows];

		if (level->next == level->count) {
			free(level->of);
			matcher->depth--;
			continue;
		}
		row->of = places + match->nr_rows++ * match->nr_recordings;
		set_row(match, row, level, matcher->depth - 1, lists);
		level->next++;
		push(matcher, row, lists);
	}
}

struct match *match_recordings(struct tasks *const *recordings, size_t count)
{
	/* Of equal recordings only a part is needed; untouched memory costs nothing. */
	const size_t room = most_rows(recordings, count) + 1;
	struct match *const match = need(calloc(1, sizeof(*match)));
	struct matcher matcher = { .match = match };
	const struct task **places, **lists;
	size_t i;

	match->nr_recordings = count;
	match->rows = need(calloc(room, sizeof(*match->rows)));
	places = need(calloc(room * count, sizeof(struct task *)));
	lists = need(calloc(count + 1, sizeof(struct task *)));
	match->rows[0].of = places;
	for (i = 0; i < count; i++)
		lists[i] = recordings[i]->roots;
	push(&matcher, NULL, lists);
	match_all(&matcher, places, lists);
	free(lists);
	free(matcher.stack);
	return match;
}

void match_free(struct match *match)
{
	free(match->rows[0].of);
	free(match->rows);
	free(match);
}

const struct task *match_any(const struct match *match,
			     const struct match_row *row)
{
	size_t i;

	for (i = 0; i < match->nr_recordings; i++)
		if (row->of[i])
			return row->of[i];
	return NULL;
}

bool match_is_init(const struct match *match, const struct match_row *row)
{
	return task_is_init(match_any(match, row));
}

char *match_place(const struct match *match, const struct match_row *row)
{
	const struct task *const task = match_any(match, row);
	char *above, *place;
	int length;

	switch (task->origin) {
	case TASK_JOINED:
		length = asprintf(&place, "joined %" PRIu64, task->ordinal);
		break;
	case TASK_BEFORE:
		length = asprintf(&place, task_is_init(task) ? "init" : "before %d",
				  task->tid);
		break;
	default:
		/* Init's first clone is the first program: "1". */
		if (!row->parent || match_is_init(match, row->parent)) {
			length = asprintf(&place, "%" PRIu64, task->ordinal);
			break;
		}
		above = match_place(match, row->parent);
		length = asprintf(&place, "%s.%" PRIu64, above, task->ordinal);
		free(above);
	}
	if (length < 0)
		fail("out of memory");
	return place;
}
