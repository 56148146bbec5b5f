// SPDX-License-Identifier: GPL-2.0
/*
 * Who has which TID outside: events of a group have both numbers, and what perf and
 * an exec tell has the outer one alone. TIDs are used again, so times decide.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "tool.h"

struct live {
	size_t nr_counters;
	/* By TID; TIDs are given out in ascending order, so it is dense where it is used. */
	struct live_task **by_tid;
	size_t nr_tids;
};

struct live *live_new(size_t nr_counters)
{
	struct live *const live = need(calloc(1, sizeof(*live)));

	live->nr_counters = nr_counters;
	return live;
}

void live_free(struct live *live)
{
	size_t i;

	for (i = 0; i < live->nr_tids; i++)
		while (live->by_tid[i])
			live_remove(live, i, live->by_tid[i]);
	free(live->by_tid);
	free(live);
}

static void make_room(struct live *live, size_t tid)
{
	size_t room = live->nr_tids ? live->nr_tids : 4096;

	while (room <= tid)
		room *= 2;
	if (room == live->nr_tids)
		return;
	live->by_tid = need(reallocarray(live->by_tid, room, sizeof(*live->by_tid)));
	memset(live->by_tid + live->nr_tids, 0,
	       (room - live->nr_tids) * sizeof(*live->by_tid));
	live->nr_tids = room;
}

struct live_task *live_add(struct live *live, int host_tid, uint64_t since)
{
	struct live_task *const task =
		need(calloc(1, sizeof(*task) +
			       live->nr_counters * sizeof(*task->counters)));

	make_room(live, host_tid);
	task->since = since;
	task->before = live->by_tid[host_tid];
	live->by_tid[host_tid] = task;
	return task;
}

struct live_task *live_find(const struct live *live, int host_tid,
			    uint64_t time)
{
	struct live_task *task;

	if (host_tid < 0 || (size_t)host_tid >= live->nr_tids)
		return NULL;
	task = live->by_tid[host_tid];
	while (task && task->since > time)
		task = task->before;
	return task;
}

void live_remove(struct live *live, int host_tid, struct live_task *task)
{
	struct live_task **link = &live->by_tid[host_tid];

	while (*link != task)
		link = &(*link)->before;
	*link = task->before;
	free(task);
}

void live_each(const struct live *live,
	       void (*each)(void *data, int host_tid, struct live_task *task),
	       void *data)
{
	struct live_task *task;
	size_t i;

	for (i = 0; i < live->nr_tids; i++)
		for (task = live->by_tid[i]; task; task = task->before)
			each(data, i, task);
}
