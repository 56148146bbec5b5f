/* SPDX-License-Identifier: GPL-2.0 */
/* What the benchmark programs share. */
#ifndef _VPROCNS_BENCH_MEASURE_H
#define _VPROCNS_BENCH_MEASURE_H

#include <err.h>
#include <stdlib.h>
#include <time.h>

/* In nanoseconds. */
static inline double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static inline int compare(const void *one, const void *other)
{
	const double a = *(const double *)one, b = *(const double *)other;

	return (a > b) - (a < b);
}

/* Sorts @values. */
static inline double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* An argument; ends the program when it is none. */
static inline unsigned int amount(const char *word, unsigned long max)
{
	char *end;
	const unsigned long value = strtoul(word, &end, 10);

	if (*word < '0' || *word > '9' || *end || !value || value > max)
		errx(2, "%s is not a number from 1 to %lu", word, max);
	return value;
}

#endif
