// SPDX-License-Identifier: GPL-2.0
/*
 * The rule of lineage numbering. Pure, and built in user space too
 * (numbering_test.c), so it includes no kernel header but types.
 *
 * The hash is SipHash-2-4, the kernel's own for tables that others try to
 * steer: a program that doesn't know the seed can't aim its clones at a number.
 * The key is the seed and eight zero bytes.
 */
#ifdef __KERNEL__
#include <linux/siphash.h>
#else
#include <stdbool.h>
#include "siphash.h"
#endif

#include "lineage.h"

static siphash_key_t key_of(__u64 seed)
{
	return (siphash_key_t) { { seed, 0 } };
}

static bool is_first_process(__u64 cloner_lineage, __u64 ordinal)
{
	return cloner_lineage == VPROCNS_LINEAGE_INIT && ordinal == 1;
}

/**
 * vprocns_lineage_of - a task's lineage, which its children's numbers follow from
 * @seed: the group's seed
 * @cloner_lineage: lineage of the task that cloned it
 * @ordinal: as which of the cloner's successful clones, from 1; for
 *	%VPROCNS_LINEAGE_OUTSIDE as which task that joined, for
 *	%VPROCNS_LINEAGE_SLOT the slot plus 1, for
 *	%VPROCNS_LINEAGE_BEFORE its TID
 *
 * Return: SipHash of (@cloner_lineage, @ordinal), both as 64 bits, little-endian; 0 for
 * init's first child, %VPROCNS_LINEAGE_INIT for pid 1.
 */
__u64 vprocns_lineage_of(__u64 seed, __u64 cloner_lineage, __u64 ordinal)
{
	const siphash_key_t key = key_of(seed);

	if (is_first_process(cloner_lineage, ordinal))
		return 0;
	if (cloner_lineage == VPROCNS_LINEAGE_BEFORE && ordinal == 1)
		return VPROCNS_LINEAGE_INIT;
	return siphash_2u64(cloner_lineage, ordinal, &key);
}

/**
 * vprocns_lineage_start - where in the range a task's children start
 * @seed: the group's seed
 * @lineage: the task's lineage
 * @span: how many numbers the range has
 *
 * Return: 0 for the first process; else SipHash of @lineage, modulo @span.
 */
__u32 vprocns_lineage_start(__u64 seed, __u64 lineage, __u32 span)
{
	const siphash_key_t key = key_of(seed);

	return lineage ? siphash_1u64(lineage, &key) % span : 0;
}

/**
 * vprocns_lineage_number - the number that a child is to have
 * @cloner_lineage: lineage of the task that clones it
 * @start: where the cloner's children start: vprocns_lineage_start()
 * @ordinal: as which of the cloner's clones
 * @first: first number of the range
 * @span: how many numbers the range has
 *
 * Return: @first for the first process; else @start plus @ordinal, counted round
 * the range, so that siblings are adjacent.
 */
__u32 vprocns_lineage_number(__u64 cloner_lineage, __u32 start, __u64 ordinal,
			     __u32 first, __u32 span)
{
	if (is_first_process(cloner_lineage, ordinal))
		return first;
	return first + (start + ordinal) % span;
}
