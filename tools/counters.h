/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_COUNTERS_H
#define _VPROCNS_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Hardware and software counters of each task, by perf. Every process and thread that
 * this process makes from now on, and that these make, has counters of its own from its
 * first instruction on; the kernel hands them over when it ends (inherit_stat).
 */
struct counters;

/**
 * struct counters_part - what one counter of an ended task has come to on one CPU
 * @host_tid: the task
 * @time: when it ended, in ns of CLOCK_MONOTONIC
 * @counter: which one, from 0
 * @value: its count
 * @enabled: ns for which it was to count
 * @running: ns for which it did; less when counters took turns
 */
struct counters_part {
	int host_tid;
	uint64_t time;
	size_t counter;
	uint64_t value;
	uint64_t enabled;
	uint64_t running;
};

/*
 * Starts to count @list, names joined by commas. Says in one line what can't be
 * counted; NULL when that is everything. Names that nobody knows end the tool.
 */
struct counters *counters_start(const char *list);
void counters_stop(struct counters *counters);
size_t counters_count(const struct counters *counters);
const char *counters_name(const struct counters *counters, size_t counter);
/* How many parts each task has: one a counter and a CPU. */
unsigned int counters_parts(const struct counters *counters);

/* Keeps in mind how far the kernel has got; counters_read() goes to there. */
void counters_mark(struct counters *counters);
void counters_read(struct counters *counters,
		   void (*take)(void *data, const struct counters_part *part),
		   void *data);
/* Parts that the kernel had no room for. */
unsigned long long counters_lost(const struct counters *counters);

#endif
