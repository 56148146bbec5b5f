/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_SEQUENCE_H
#define _VPROCNS_SEQUENCE_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

/**
 * struct vprocns_pending - a place whose clone has not succeeded yet
 * @place: its place in the sequence
 * @nr: the number that @holder has; the place itself where places are numbers
 * @holder: who has the place: NULL while it is being tried, %VPROCNS_NOBODY
 *	when it was given back, else what the caller passed to _placed()
 */
struct vprocns_pending {
	__u32 place;
	__u32 nr;
	const void *holder;
};

#define VPROCNS_NOBODY	((const void *)1)

/**
 * struct vprocns_sequence - which places come next
 *
 * With sequential numbering the places are the numbers. With lineage numbering
 * they count the tasks that join from outside.
 *
 * @first: first place
 * @last: last place
 * @next: what is tried when nothing was given back
 * @nr_pending: places in @pending
 * @max_pending: room in @pending
 * @pending: places taken and not committed, oldest first
 *
 * The caller serialises all calls on one object.
 */
struct vprocns_sequence {
	__u32 first;
	__u32 last;
	__u32 next;
	__u32 nr_pending;
	__u32 max_pending;
	struct vprocns_pending *pending;
};

/* Says whether @holder no longer holds @nr: its clone failed. */
typedef bool (*vprocns_gone_fn)(const void *ctx, __u32 nr, const void *holder);

void vprocns_sequence_init(struct vprocns_sequence *n, __u32 first, __u32 last,
			   struct vprocns_pending *pending, __u32 max_pending);
struct vprocns_pending *vprocns_sequence_grow(struct vprocns_sequence *n,
					      struct vprocns_pending *larger,
					       __u32 max_pending);
__u32 vprocns_sequence_take(struct vprocns_sequence *n, vprocns_gone_fn gone,
			    const void *ctx);
void vprocns_sequence_placed(struct vprocns_sequence *n, __u32 place,
			     __u32 nr, const void *holder);
void vprocns_sequence_skip(struct vprocns_sequence *n, __u32 place);
__u32 vprocns_sequence_commit(struct vprocns_sequence *n, __u32 nr);

#endif
