/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_LINEAGE_H
#define _VPROCNS_LINEAGE_H

#include <linux/types.h>

/* Lineages that no task inherits. The first process's is 0. */
/* The cloner of a task that joined from outside. */
#define VPROCNS_LINEAGE_OUTSIDE	(~(__u64)0)
/* The cloner of a task that was there before the bind. */
#define VPROCNS_LINEAGE_BEFORE	(~(__u64)1)
/* Pid 1 of the namespace. */
#define VPROCNS_LINEAGE_INIT	(~(__u64)2)
/* The cloner of a task that joined from outside by a slot. */
#define VPROCNS_LINEAGE_SLOT	(~(__u64)3)

__u64 vprocns_lineage_of(__u64 seed, __u64 cloner_lineage, __u64 ordinal);
__u32 vprocns_lineage_start(__u64 seed, __u64 lineage, __u32 span);
__u32 vprocns_lineage_number(__u64 cloner_lineage, __u32 start, __u64 ordinal,
			     __u32 first, __u32 span);

#endif
