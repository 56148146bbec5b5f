// SPDX-License-Identifier: GPL-2.0
/* Ranks that share a group, and so a recording: told apart by the slots by which they joined. */
#include <stdlib.h>
#include <string.h>

#include "slots.h"
#include "tool.h"

static int32_t slot_of(const struct task *task)
{
	while (task->cloner)
		task = task->cloner;
	return task->slot;
}

/* Ascending; how many is the return value. */
static size_t list_slots(const struct tasks *tasks, int32_t *slots)
{
	const struct task *task;
	size_t count = 0;

	/* Roots that joined are sorted by slot. */
	for (task = tasks->roots; task; task = task->next)
		if (task->slot >= 0 && (!count || slots[count - 1] != task->slot))
			slots[count++] = task->slot;
	return count;
}

static char *copy(const char *text)
{
	return text ? need(strdup(text)) : NULL;
}

/* All of the recording but its tasks. */
static struct tasks *rank_new(const struct tasks *tasks, int32_t slot)
{
	struct tasks *const rank = need(calloc(1, sizeof(*rank)));
	size_t i;

	*rank = *tasks;
	rank->slot = slot;
	rank->command = copy(tasks->command);
	rank->host = copy(tasks->host);
	rank->seed = copy(tasks->seed);
	rank->date = copy(tasks->date);
	rank->events = need(calloc(tasks->nr_events + 1, sizeof(*rank->events)));
	for (i = 0; i < tasks->nr_events; i++)
		rank->events[i] = copy(tasks->events[i]);
	rank->refusals = NULL;
	rank->nr_refusals = 0;
	rank->roots = NULL;
	rank->all = need(calloc(tasks->count + 1, sizeof(*rank->all)));
	rank->count = 0;
	return rank;
}

/* What joined becomes the first program; another one of the same slot the second. */
static void add_root(struct tasks *rank, struct task *task)
{
	struct task **last = &rank->roots;

	task->origin = TASK_CLONED;
	task->ordinal = 1;
	for (; *last; last = &(*last)->next)
		task->ordinal++;
	*last = task;
	task->next = NULL;
}

static struct tasks *take_rank(struct tasks *tasks, int32_t slot)
{
	struct tasks *const rank = rank_new(tasks, slot);
	size_t i, left = 0;

	for (i = 0; i < tasks->count; i++) {
		struct task *const task = tasks->all[i];

		if (slot_of(task) != slot) {
			tasks->all[left++] = task;
			continue;
		}
		rank->all[rank->count++] = task;
	}
	tasks->count = left;
	for (i = 0; i < rank->count; i++)
		if (!rank->all[i]->cloner)
			add_root(rank, rank->all[i]);
	return rank;
}

struct tasks **slots_split(struct tasks *tasks, size_t *count)
{
	int32_t *const slots = need(calloc(tasks->count + 1, sizeof(*slots)));
	struct tasks **const ranks =
		need(calloc(tasks->count + 1, sizeof(struct tasks *)));
	size_t i;

	*count = list_slots(tasks, slots);
	for (i = 0; i < *count; i++)
		ranks[i] = take_rank(tasks, slots[i]);
	free(slots);
	if (*count) {
		tasks_free(tasks);
		return ranks;
	}
	ranks[0] = tasks;
	*count = 1;
	return ranks;
}
