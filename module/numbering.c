// SPDX-License-Identifier: GPL-2.0
/*
 * Which number a task gets. Pure, and built in user space too
 * (numbering_test.c), so it includes no kernel header but types.
 *
 * A place in a sequence is pending from _take() to _commit(). One that is given
 * back, or whose holder is gone (its clone failed), is the next to be taken,
 * so the places of the clones that succeed have no holes.
 */
#ifdef __KERNEL__
#include <linux/siphash.h>
#include <linux/string.h>
#else
#include <string.h>
#include "siphash.h"
#endif

#include "numbering.h"

/**
 * vprocns_numbering_init - starts a sequence
 * @n: to fill
 * @first: first place, at least 1
 * @last: last place, at least @first
 * @pending: room for places in flight
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
 * vprocns_numbering_grow - gives more room to places in flight
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
 * vprocns_numbering_take - the place to try next
 * @n: the sequence
 * @gone: tells a holder whose clone failed
 * @ctx: passed to @gone
 *
 * The caller then says what became of it: _placed() or _skip().
 *
 * Return: the place, or 0 when _grow() has to make room first.
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
 * vprocns_numbering_placed - a place taken is held now, or given back
 * @n: the sequence
 * @place: the place
 * @nr: the number that @holder has
 * @holder: what @gone will be asked about, or %VPROCNS_NOBODY to give it back
 */
void vprocns_numbering_placed(struct vprocns_sequence *n, __u32 place,
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
 * vprocns_numbering_skip - a place taken is in use by something else
 * @n: the sequence
 * @place: the place
 */
void vprocns_numbering_skip(struct vprocns_sequence *n, __u32 place)
{
	struct vprocns_pending *const p = find_tried(n, place);

	if (p)
		forget(n, p);
}

/**
 * vprocns_numbering_commit - the clone that took a place succeeded
 * @n: the sequence
 * @nr: the number that it got; one that is not pending is left alone
 *
 * Return: the place, or 0 when the number is not pending.
 */
__u32 vprocns_numbering_commit(struct vprocns_sequence *n, __u32 nr)
{
	struct vprocns_pending *const p = find_held(n, nr);
	__u32 place;

	if (!p)
		return 0;
	place = p->place;
	forget(n, p);
	return place;
}

/*
 * Lineage. The hash is SipHash-2-4, the kernel's own for tables that others
 * try to steer: a program that doesn't know the seed can't aim its clones at
 * a number. The key is the seed and eight zero bytes.
 */
static siphash_key_t key_of(__u64 seed)
{
	return (siphash_key_t) { { seed, 0 } };
}

static bool is_first_program(__u64 cloner, __u64 birth)
{
	return cloner == VPROCNS_LINEAGE_INIT && birth == 1;
}

/**
 * vprocns_lineage_of - a task's lineage, which its children's numbers follow from
 * @seed: the group's seed
 * @cloner: lineage of who cloned it
 * @birth: as which of the cloner's successful clones, from 1; for
 *	%VPROCNS_LINEAGE_OUTSIDE as which task that joined, for
 *	%VPROCNS_LINEAGE_BEFORE its TID
 *
 * Return: SipHash of (@cloner, @birth), both as 64 bits, little-endian; 0 for
 * init's first child, %VPROCNS_LINEAGE_INIT for pid 1.
 */
__u64 vprocns_lineage_of(__u64 seed, __u64 cloner, __u64 birth)
{
	const siphash_key_t key = key_of(seed);

	if (is_first_program(cloner, birth))
		return 0;
	if (cloner == VPROCNS_LINEAGE_BEFORE && birth == 1)
		return VPROCNS_LINEAGE_INIT;
	return siphash_2u64(cloner, birth, &key);
}

/**
 * vprocns_lineage_start - where in the range a task's children start
 * @seed: the group's seed
 * @lineage: the task's lineage
 * @span: how many numbers the range has
 *
 * Return: 0 for the first program; else SipHash of @lineage, modulo @span.
 */
__u32 vprocns_lineage_start(__u64 seed, __u64 lineage, __u32 span)
{
	const siphash_key_t key = key_of(seed);

	return lineage ? siphash_1u64(lineage, &key) % span : 0;
}

/**
 * vprocns_lineage_number - the number that a child is to have
 * @cloner: lineage of who clones it
 * @start: where the cloner's children start: vprocns_lineage_start()
 * @birth: which child it is
 * @first: first number of the range
 * @span: how many numbers the range has
 *
 * Return: @first for the first program; else so far behind the start as the
 * child is behind the cloner's earlier ones, so that siblings stand side by side.
 */
__u32 vprocns_lineage_number(__u64 cloner, __u32 start, __u64 birth,
			     __u32 first, __u32 span)
{
	if (is_first_program(cloner, birth))
		return first;
	return first + (start + birth) % span;
}
