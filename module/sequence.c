// SPDX-License-Identifier: GPL-2.0
/*
 * Places without holes. Pure, and built in user space too (numbering_test.c), so
 * it includes no kernel header but types.
 *
 * A place in a sequence is pending from _take() to _commit(). A place that was
 * given back, or whose holder is gone (its clone failed), is the next to be
 * taken, so the places of the clones that succeed have no holes.
 */
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

#include "sequence.h"

/**
 * vprocns_sequence_init - starts a sequence
 * @n: to fill
 * @first: first place, at least 1
 * @last: last place, at least @first
 * @pending: room for places in flight
 * @max_pending: how many fit in @pending, at least 1
 */
void vprocns_sequence_init(struct vprocns_sequence *n, __u32 first, __u32 last,
			   struct vprocns_pending *pending, __u32 max_pending)
{
	*n = (struct vprocns_sequence) {
		.first = first,
		.last = last,
		.next = first,
		.pending = pending,
		.max_pending = max_pending,
	};
}

/**
 * vprocns_sequence_grow - gives more room to places in flight
 * @n: the sequence
 * @larger: the new array
 * @max_pending: how many fit in @larger
 *
 * Return: the array that is no longer used: the old one, or @larger when
 * somebody else has made room in the meantime.
 */
struct vprocns_pending *vprocns_sequence_grow(struct vprocns_sequence *n,
					      struct vprocns_pending *larger,
					       __u32 max_pending)
{
	struct vprocns_pending *old = n->pending;

	if (max_pending <= n->max_pending)
		return larger;
	memcpy(larger, old, n->nr_pending * sizeof(*old));
	n->pending = larger;
	n->max_pending = max_pending;
	return old;
}

/* The place that is being tried. */
static struct vprocns_pending *find_tried(struct vprocns_sequence *n,
					  __u32 place)
{
	__u32 i;

	for (i = 0; i < n->nr_pending; i++)
		if (n->pending[i].place == place && !n->pending[i].holder)
			return &n->pending[i];
	return NULL;
}

/* The place whose holder has the number; no two have the same. */
static struct vprocns_pending *find_held(struct vprocns_sequence *n, __u32 nr)
{
	__u32 i;

	for (i = 0; i < n->nr_pending; i++)
		if (n->pending[i].nr == nr && n->pending[i].holder &&
		    n->pending[i].holder != VPROCNS_NOBODY)
			return &n->pending[i];
	return NULL;
}

static void forget(struct vprocns_sequence *n, struct vprocns_pending *p)
{
	struct vprocns_pending *const end = n->pending + --n->nr_pending;

	/* Keeps the order: the oldest hole is filled first. */
	memmove(p, p + 1, (end - p) * sizeof(*p));
}

/**
 * vprocns_sequence_take - the place to try next
 * @n: the sequence
 * @gone: tells a holder whose clone failed
 * @ctx: passed to @gone
 *
 * The caller then says what became of it: _placed() or _skip().
 *
 * Return: the place, or 0 when _grow() has to make room first.
 */
__u32 vprocns_sequence_take(struct vprocns_sequence *n, vprocns_gone_fn gone,
			    const void *ctx)
{
	struct vprocns_pending *p;

	for (p = n->pending; p < n->pending + n->nr_pending; p++) {
		if (!p->holder)
			continue;
		if (p->holder == VPROCNS_NOBODY || gone(ctx, p->nr, p->holder)) {
			p->holder = NULL;
			return p->place;
		}
	}

	if (n->nr_pending == n->max_pending)
		return 0;
	p = &n->pending[n->nr_pending++];
	p->place = n->next;
	p->holder = NULL;
	n->next = n->next == n->last ? n->first : n->next + 1;
	return p->place;
}

/**
 * vprocns_sequence_placed - a place taken is held now, or given back
 * @n: the sequence
 * @place: the place
 * @nr: the number that @holder has
 * @holder: what @gone will be asked about, or %VPROCNS_NOBODY to give it back
 */
void vprocns_sequence_placed(struct vprocns_sequence *n, __u32 place,
			     __u32 nr, const void *holder)
{
	struct vprocns_pending *const p = find_tried(n, place);
	struct vprocns_pending *const before = find_held(n, nr);

	/* Whoever had the number has it no more: that clone failed. */
	if (before && holder != VPROCNS_NOBODY)
		before->holder = VPROCNS_NOBODY;
	if (p) {
		p->nr = nr;
		p->holder = holder;
	}
}

/**
 * vprocns_sequence_skip - a place taken is in use by something else
 * @n: the sequence
 * @place: the place
 */
void vprocns_sequence_skip(struct vprocns_sequence *n, __u32 place)
{
	struct vprocns_pending *const p = find_tried(n, place);

	if (p)
		forget(n, p);
}

/**
 * vprocns_sequence_commit - the clone that took a place succeeded
 * @n: the sequence
 * @nr: the number that it got; one that is not pending is left alone
 *
 * Return: the place, or 0 when the number is not pending.
 */
__u32 vprocns_sequence_commit(struct vprocns_sequence *n, __u32 nr)
{
	struct vprocns_pending *const p = find_held(n, nr);
	__u32 place;

	if (!p)
		return 0;
	place = p->place;
	forget(n, p);
	return place;
}
