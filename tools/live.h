/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_LIVE_H
#define _VPROCNS_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct live_task - who had a TID outside, from some time on
 * @tid: TID in the group
 * @has_lineage: @lineage is set
 * @lineage: its lineage
 * @since: when it was made, in ns of CLOCK_MONOTONIC
 * @ended: when its counters came, likewise
 * @listed: it was there before
 * @before: who had the TID before, and is still waited for; or NULL
 * @parts: how many parts of its counters have come
 * @counters: for the owner of the table to fill in; zeros at first
 */
struct live_task {
	int tid;
	bool has_lineage;
	uint64_t lineage;
	uint64_t since;
	uint64_t ended;
	bool listed;
	struct live_task *before;
	unsigned int parts;
	uint64_t counters[];
};

/* Tasks by their TID outside. */
struct live;

/* @nr_counters: room in each task's counters. */
struct live *live_new(size_t nr_counters);
void live_free(struct live *live);
/* A new task; those before it that are not removed yet keep their places. */
struct live_task *live_add(struct live *live, int host_tid, uint64_t since);
/* Who had the TID at that time, or NULL. */
struct live_task *live_find(const struct live *live, int host_tid,
			    uint64_t time);
void live_remove(struct live *live, int host_tid, struct live_task *task);
/* Calls @each for all that are left. */
void live_each(const struct live *live,
	       void (*each)(void *data, int host_tid, struct live_task *task),
	       void *data);

#endif
