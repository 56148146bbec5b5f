/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of lineage numbering share: its rule, from lineage.c. */
#ifndef _VPROCNS_BY_LINEAGE_H
#define _VPROCNS_BY_LINEAGE_H

#include "common.h"
#include "lineage.h"

#define LINEAGE VPROCNS_NUMBERING_LINEAGE
#define SEED 0xfeedfacecafebeef

FIXTURE_VARIANT_ADD(group, seed_0) { { .numbering = LINEAGE } };
FIXTURE_VARIANT_ADD(group, seed_big) {
	{ .numbering = LINEAGE, .seed = SEED, .profile = VPROCNS_PROFILE_LINUX }
};
FIXTURE_VARIANT_ADD(group, short_range) {
	{ .numbering = LINEAGE, .first = 5000, .last = 9000 }
};

/* The number of the @birth-th child of a task with @lineage. */
static inline pid_t number_of(const struct vprocns_info *info, __u64 lineage,
			      __u64 birth)
{
	const __u32 span = info->last - info->first + 1;

	return vprocns_lineage_number(lineage,
				      vprocns_lineage_start(info->seed, lineage,
							    span),
				      birth, info->first, span);
}

static inline __u64 child_of(const struct vprocns_info *info, __u64 lineage,
			     __u64 birth)
{
	return vprocns_lineage_of(info->seed, lineage, birth);
}

static inline pid_t collisions(int group)
{
	return get_stats(group).collisions;
}

#endif
