// SPDX-License-Identifier: GPL-2.0
/*
 * Which number a task gets. Pure, and built in user space too
 * (numbering_test.c), so it includes no kernel header but types.
 *
 * A number is pending from _take() to _commit(). One that is given back, or
 * whose holder is gone (its clone failed), is the next to be taken, so the
 * numbers of the clones that succeed have no holes.
 */
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

#include "numbering.h"

/**
 * vprocns_numbering_init - starts a sequence
 * @n: to fill
 * @first: first number, at least 2
 * @last: last number, at least @first
 * @pending: room for numbers in flight
 * @max_pending: how many fit in @pending, at least 1
 */
void vprocns_numbering_init(struct vprocns_sequence *n, __u32 first, __u32 last,
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
 * vprocns_numbering_grow - gives more room to numbers in flight
 * @n: the sequence
 * @larger: the new array
 * @max_pending: how many fit in @larger
 *
 * Return: the array that is no longer used: the old one, or @larger when
 * somebody else has made room in the meantime.
 */
struct vprocns_pending *vprocns_numbering_grow(struct vprocns_sequence *n,
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

static struct vprocns_pending *find(struct vprocns_sequence *n, __u32 nr)
{
	__u32 i;

	for (i = 0; i < n->nr_pending; i++)
		if (n->pending[i].nr == nr)
			return &n->pending[i];
	return NULL;
}

/* The numbers in flight: like find(), but only the one that is being tried. */
static struct vprocns_pending *find_tried(struct vprocns_sequence *n, __u32 nr)
{
	__u32 i;

	for (i = 0; i < n->nr_pending; i++)
		if (n->pending[i].nr == nr && !n->pending[i].holder)
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
 * vprocns_numbering_take - the number to try next
 * @n: the sequence
 * @gone: tells a number whose clone failed
 * @ctx: passed to @gone
 *
 * The caller then says what became of it: _placed(), _skip() or _commit().
 *
 * Return: the number, or 0 when _grow() has to make room first.
 */
__u32 vprocns_numbering_take(struct vprocns_sequence *n, vprocns_gone_fn gone,
			     const void *ctx)
{
	struct vprocns_pending *p;

	for (p = n->pending; p < n->pending + n->nr_pending; p++) {
		if (!p->holder)
			continue;
		if (p->holder == VPROCNS_NOBODY || gone(ctx, p->nr, p->holder)) {
			p->holder = NULL;
			return p->nr;
		}
	}

	if (n->nr_pending == n->max_pending)
		return 0;
	p = &n->pending[n->nr_pending++];
	p->nr = n->next;
	p->holder = NULL;
	n->next = n->next == n->last ? n->first : n->next + 1;
	return p->nr;
}

/**
 * vprocns_numbering_placed - a number taken is held now, or given back
 * @n: the sequence
 * @nr: the number
 * @holder: what @gone will be asked about, or %VPROCNS_NOBODY to give it back
 */
void vprocns_numbering_placed(struct vprocns_sequence *n, __u32 nr,
			      const void *holder)
{
	struct vprocns_pending *const p = find_tried(n, nr);

	if (p)
		p->holder = holder;
}

/**
 * vprocns_numbering_skip - a number taken is in use by something else
 * @n: the sequence
 * @nr: the number
 */
void vprocns_numbering_skip(struct vprocns_sequence *n, __u32 nr)
{
	struct vprocns_pending *const p = find_tried(n, nr);

	if (p)
		forget(n, p);
}

/**
 * vprocns_numbering_commit - the clone that took a number succeeded
 * @n: the sequence
 * @nr: the number; one that is not pending is left alone
 */
void vprocns_numbering_commit(struct vprocns_sequence *n, __u32 nr)
{
	struct vprocns_pending *const p = find(n, nr);

	if (p)
		forget(n, p);
}
