/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_STATISTICS_H
#define _VPROCNS_STATISTICS_H

/* What is known of numbers that vary. Pure: no I/O, no global state. */

#include <stdbool.h>
#include <stddef.h>

/* How many pairs are enumerated whole; more are sampled. */
#define STATISTICS_EXACT_PAIRS	14

/**
 * struct interval - an estimate, and what it may be off by
 * @estimate: the Hodges-Lehmann estimate
 * @low: the interval's lower end; -INFINITY where there are too few values
 * @high: its upper end; INFINITY likewise
 */
struct interval {
	double estimate;
	double low;
	double high;
};

/**
 * struct family - many paired samples that are tested at once
 * @pairs: values in each sample
 * @samples: how many samples
 * @differences: @samples times @pairs differences, sample by sample
 */
struct family {
	size_t pairs;
	size_t samples;
	double *differences;
};

/**
 * struct verdict - what the test says of one sample of a family
 * @p: how often chance alone makes one sample of the family or more differ as
 *	this one does (0..1); what is under the error that is allowed for the
 *	whole family differs
 * @visible: the difference, in the unit of the sample, that would just have been
 *	significant with the noise that this sample has
 */
struct verdict {
	double p;
	double visible;
};

/* The middle value, the mean of both for an even @count > 0. Sorts @values. */
double statistics_median(double *values, size_t count);

/* The value below which the part @at (0..1) of the sorted @values lies, by R's type 7. */
double statistics_quantile(const double *sorted, size_t count, double at);

/* Pulls the outermost tenth of the values at each end in to the next one. */
void statistics_winsorize(double *values, size_t count);

/* A shift with 95 %, from paired differences, of which there are @count > 0. */
struct interval statistics_shift(const double *differences, size_t count);

/**
 * statistics_test() - which samples of a family differ from 0
 * @family: the differences
 * @error: the chance of one wrong answer or more in the whole family
 * @verdicts: out: one for each sample
 *
 * Westfall and Young's step-down maxT over the signs of the pairs.
 *
 * Return: 0, or -ENOMEM.
 */
int statistics_test(const struct family *family, double error,
		    struct verdict *verdicts);

#endif
