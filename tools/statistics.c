// SPDX-License-Identifier: GPL-2.0
/* What is known of numbers that vary; Documentation/compare.md has the sources. */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "statistics.h"

/* Samples of the signs where there are too many to enumerate; the first is as measured. */
#define SAMPLED_FLIPS	8192
#define INTERVAL_ERROR	0.05
/* Where nothing varies: a billionth, squared, so that no difference is no difference. */
#define NO_VARIANCE	0.000000000000000001
/* What differs by rounding alone is as great. */
#define ROUNDED		0.999999999

static int ascending(const void *a, const void *b)
{
	const double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

static double middle(const double *sorted, size_t count)
{
	return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

double statistics_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), ascending);
	return middle(values, count);
}

double statistics_quantile(const double *sorted, size_t count, double at)
{
	const double place = at * (double)(count - 1);
	const size_t below = (size_t)place;

	if (below + 1 >= count)
		return sorted[count - 1];
	return sorted[below] +
	       (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

void statistics_winsorize(double *values, size_t count)
{
	const size_t cut = count / 10;
	double *const sorted = malloc(count * sizeof(*sorted));
	size_t i;

	/* What is not pulled in is still right, but more easily misled. */
	if (!sorted)
		return;
	memcpy(sorted, values, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), ascending);
	for (i = 0; i < count; i++)
		values[i] = fmin(fmax(values[i], sorted[cut]),
				 sorted[count - 1 - cut]);
	free(sorted);
}

/*
 * How many of the sorted Walsh averages lie outside of the interval at each end:
 * the greatest k with P(W < k) <= error/2, for the signed rank sum W of @count
 * values, whose distribution is that of a sum of 1..count with each taken or not.
 */
static size_t outside(size_t count)
{
	const size_t sums = count * (count + 1) / 2;
	double *const chance = calloc(sums + 1, sizeof(*chance));
	double below = 0;
	size_t rank, sum, k;

	if (!chance)
		return 0;
	chance[0] = 1;
	for (rank = 1; rank <= count; rank++) {
		for (sum = rank * (rank + 1) / 2; sum >= rank; sum--)
			chance[sum] = (chance[sum] + chance[sum - rank]) / 2;
		for (sum = 0; sum < rank; sum++)
			chance[sum] /= 2;
	}
	for (k = 0; k <= sums; k++) {
		below += chance[k];
		if (below > INTERVAL_ERROR / 2)
			break;
	}
	free(chance);
	return k;
}

struct interval statistics_shift(const double *differences, size_t count)
{
	struct interval shift = { .low = -INFINITY, .high = INFINITY };
	const size_t averages = count * (count + 1) / 2;
	double *const walsh = malloc(averages * sizeof(*walsh));
	size_t i, j, k = 0, cut;

	if (!walsh) {
		shift.estimate = NAN;
		return shift;
	}
	for (i = 0; i < count; i++)
		for (j = i; j < count; j++)
			walsh[k++] = (differences[i] + differences[j]) / 2;
	shift.estimate = statistics_median(walsh, averages);
	cut = outside(count);
	if (cut) {
		shift.low = walsh[cut - 1];
		shift.high = walsh[averages - cut];
	}
	free(walsh);
	return shift;
}

/* SplitMix64: small, and the same in every run. */
static uint64_t draw(uint64_t *state)
{
	uint64_t word = *state += 0x9e3779b97f4a7c15;

	word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
	word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
	return word ^ (word >> 31);
}

/* The last pair keeps its sign: all signs turned round give the same |t|. */
static size_t flips_of(size_t pairs)
{
	return pairs <= STATISTICS_EXACT_PAIRS ? (size_t)1 << (pairs - 1) :
						 SAMPLED_FLIPS;
}

/* The sum of the differences under each choice of signs; the first is as measured. */
static void sum_flips(const double *differences, size_t pairs, double *sums)
{
	const size_t flips = flips_of(pairs);
	uint64_t state = 1, word = 0;
	size_t flip, i, bit;

	sums[0] = 0;
	for (i = 0; i < pairs; i++)
		sums[0] += differences[i];
	if (pairs <= STATISTICS_EXACT_PAIRS) {
		for (bit = 0; bit + 1 < pairs; bit++)
			for (flip = 0; flip < (size_t)1 << bit; flip++)
				sums[flip + ((size_t)1 << bit)] =
					sums[flip] - 2 * differences[bit];
		return;
	}
	/* Every sample has the same choices: that is what keeps dependence among them. */
	for (flip = 1; flip < flips; flip++) {
		sums[flip] = 0;
		for (i = 0; i < pairs; i++) {
			if (i % 64 == 0)
				word = draw(&state);
			sums[flip] += word >> (i % 64) & 1 ? differences[i] :
							     -differences[i];
		}
	}
}

static double square_sum(const double *differences, size_t pairs)
{
	double squares = 0;
	size_t i;

	for (i = 0; i < pairs; i++)
		squares += differences[i] * differences[i];
	return squares;
}

/* |t| of a paired sample, from its sum and the sum of its squares. */
static double t_of(double sum, double squares, size_t pairs)
{
	const double mean = sum / (double)pairs;
	double variance = (squares / (double)pairs - mean * mean) /
			  (double)(pairs - 1);

	if (variance < NO_VARIANCE)
		variance = NO_VARIANCE;
	return fabs(mean) / sqrt(variance);
}

static double standard_error(const double *differences, size_t pairs)
{
	double sum = 0, squares = square_sum(differences, pairs);
	size_t i;

	for (i = 0; i < pairs; i++)
		sum += differences[i];
	squares -= sum * sum / (double)pairs;
	return sqrt(fmax(squares, 0) / (double)(pairs - 1) / (double)pairs);
}

struct observed {
	size_t sample;
	double t;
};

static int by_t(const void *a, const void *b)
{
	const struct observed *const one = a, *const other = b;

	return ascending(&one->t, &other->t);
}

/* What the greatest |t| of all exceeds with the chance @error, where nothing differs. */
static double critical(double *greatest, size_t flips, double error)
{
	const size_t above = (size_t)(error * (double)flips);

	if (!above)
		return INFINITY;
	qsort(greatest, flips, sizeof(*greatest), ascending);
	return greatest[flips - above];
}

int statistics_test(const struct family *family, double error,
		    struct verdict *verdicts)
{
	const size_t pairs = family->pairs, samples = family->samples;
	const size_t flips = flips_of(pairs);
	struct observed *order;
	double *sums, *greatest, p = 0, needed;
	size_t i, flip, reached;
	int error_code = -ENOMEM;

	/* One pair says nothing of its noise. */
	if (pairs < 2) {
		for (i = 0; i < samples; i++)
			verdicts[i] = (struct verdict) {
				.p = 1,
				.visible = INFINITY,
			};
		return 0;
	}
	order = calloc(samples, sizeof(*order));
	sums = calloc(flips, sizeof(*sums));
	greatest = calloc(flips, sizeof(*greatest));
	if ((samples && !order) || !sums || !greatest)
		goto out;
	for (i = 0; i < samples; i++) {
		const double *const differences = family->differences + i * pairs;
		double sum = 0;
		size_t j;

		for (j = 0; j < pairs; j++)
			sum += differences[j];
		order[i].sample = i;
		order[i].t = t_of(sum, square_sum(differences, pairs), pairs);
	}
	qsort(order, samples, sizeof(*order), by_t);

	/* From the least: each is compared with the greatest of it and those below. */
	for (i = 0; i < samples; i++) {
		const double *const differences =
			family->differences + order[i].sample * pairs;
		const double squares = square_sum(differences, pairs);

		sum_flips(differences, pairs, sums);
		for (flip = 0, reached = 0; flip < flips; flip++) {
			greatest[flip] = fmax(greatest[flip],
					      t_of(sums[flip], squares, pairs));
			reached += greatest[flip] >= order[i].t * ROUNDED;
		}
		verdicts[order[i].sample].p = (double)reached / (double)flips;
	}
	/* What is less striking than another can't be more certain. */
	for (i = samples; i--; ) {
		struct verdict *const verdict = &verdicts[order[i].sample];

		p = fmax(p, verdict->p);
		verdict->p = p;
	}
	needed = critical(greatest, flips, error);
	for (i = 0; i < samples; i++)
		verdicts[i].visible =
			needed * standard_error(family->differences + i * pairs,
						pairs);
	error_code = 0;
out:
	free(greatest);
	free(sums);
	free(order);
	return error_code;
}
