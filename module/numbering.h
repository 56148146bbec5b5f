/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_NUMBERING_H
#define _VPROCNS_NUMBERING_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

/**
 * struct vprocns_pending - a number whose clone has not succeeded yet
 * @nr: the number
 * @holder: what holds it: NULL while it is being tried, %VPROCNS_NOBODY when
 *	it was given back, else what the caller passed to _placed()
 */
struct vprocns_pending {
	__u32 nr;
	const void *holder;
};

#define VPROCNS_NOBODY	((const void *)1)

/**
 * struct vprocns_sequence - which numbers come next
 * @first: first number of the range
 * @last: last number of the range
 * @next: what is tried when nothing was given back
 * @nr_pending: numbers in @pending
 * @max_pending: room in @pending
 * @pending: numbers taken and not committed, oldest first
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

void vprocns_numbering_init(struct vprocns_sequence *n, __u32 first, __u32 last,
			    struct vprocns_pending *pending, __u32 max_pending);
struct vprocns_pending *vprocns_numbering_grow(struct vprocns_sequence *n,
					       struct vprocns_pending *larger,
					       __u32 max_pending);
__u32 vprocns_numbering_take(struct vprocns_sequence *n, vprocns_gone_fn gone,
			     const void *ctx);
void vprocns_numbering_placed(struct vprocns_sequence *n, __u32 nr,
			      const void *holder);
void vprocns_numbering_skip(struct vprocns_sequence *n, __u32 nr);
void vprocns_numbering_commit(struct vprocns_sequence *n, __u32 nr);

static inline __u32 vprocns_numbering_span(const struct vprocns_sequence *n)
{
	return n->last - n->first + 1;
}

#endif
