// SPDX-License-Identifier: GPL-2.0
/* Those of a group's tasks that ran longest. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"
#include "top.h"

struct heavy {
	int tid;
	int tgid;
	uint64_t runtime;
	uint64_t run_delay;
	uint64_t life;
	char comm[VPROCNS_COMM_LEN];
};

/* Sorted, the longest first. */
struct top {
	size_t count;
	size_t max;
	struct heavy tasks[];
};

struct top *top_new(size_t max)
{
	struct top *const top =
		need(calloc(1, sizeof(*top) + (max + 1) * sizeof(top->tasks[0])));

	top->max = max;
	return top;
}

void top_add(struct top *top, const struct vprocns_event_exit *exit)
{
	size_t at = top->count;

	while (at && top->tasks[at - 1].runtime < exit->runtime)
		at--;
	if (at == top->max)
		return;
	if (top->count < top->max)
		top->count++;
	memmove(&top->tasks[at + 1], &top->tasks[at],
		(top->count - at - 1) * sizeof(top->tasks[0]));
	top->tasks[at] = (struct heavy) {
		.tid = exit->event.tid,
		.tgid = exit->tgid,
		.runtime = exit->runtime,
		.run_delay = exit->run_delay,
		.life = exit->end - exit->start,
	};
	memcpy(top->tasks[at].comm, exit->comm, sizeof(exit->comm));
}

void top_print(const struct top *top)
{
	size_t i;

	if (!top->count)
		return;
	fprintf(stderr, "%8s %8s %10s %10s %10s  %s\n", "TID", "TGID", "CPU-MS",
		"WAITED-MS", "LIFE-MS", "COMMAND");
	for (i = 0; i < top->count; i++) {
		const struct heavy *const task = &top->tasks[i];

		fprintf(stderr, "%8d %8d %10.1f %10.1f %10.1f  %s\n", task->tid,
			task->tgid, task->runtime / 1e6, task->run_delay / 1e6,
			task->life / 1e6, task->comm);
	}
}
