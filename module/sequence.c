// SPDX-License-Identifier: GPL-2.0
/*
 * Places without holes. Pure, and built in user space too (numbering_test.c), so
 * it includes no kernel header but types.
 *
 * A place belongs to the clone that took it. When that clone fails, the place
 * comes back and is the next to be taken, so the places of the clones that
 * succeed have no holes.
 */
#include "sequence.h"

/**
 * vprocns_sequence_init - starts a sequence
 * @s: to fill
 * @first: first place, at least 1
 * @last: last place, at least @first
 */
void vprocns_sequence_init(struct vprocns_sequence *s, __u32 first, __u32 last)
{
	s->first = first;
	s->last = last;
	s->next = first;
	s->oldest = NULL;
	s->newest = &s->oldest;
}

/**
 * vprocns_sequence_reuse - takes a place that came back
 * @s: the sequence
 *
 * Return: the oldest such place, which the caller frees; NULL when there is none,
 * so that vprocns_sequence_take() is to be asked.
 */
struct vprocns_place *vprocns_sequence_reuse(struct vprocns_sequence *s)
{
	struct vprocns_place *const place = s->oldest;

	if (!place)
		return NULL;
	s->oldest = place->next;
	if (!s->oldest)
		s->newest = &s->oldest;
	return place;
}

static __u32 distance(const struct vprocns_sequence *s, __u32 from, __u32 to)
{
	return to >= from ? to - from : s->last - from + 1 + to - s->first;
}

/**
 * vprocns_sequence_pass - a clone that took a place has a later one instead
 * @s: the sequence
 * @from: the place that it took
 * @to: the place that it has, round the range; those before are in use
 */
void vprocns_sequence_pass(struct vprocns_sequence *s, __u32 from, __u32 to)
{
	const __u32 taken = distance(s, from, s->next);

	/* Unless other clones have taken places beyond that. */
	if (taken && taken <= distance(s, from, to))
		s->next = to == s->last ? s->first : to + 1;
}

/**
 * vprocns_sequence_untake - a clone failed: was its place the latest one taken?
 * @s: the sequence
 * @place: its place
 *
 * Return: true when it was, and is the next one again; false when it takes a
 * struct for vprocns_sequence_give_back().
 */
bool vprocns_sequence_untake(struct vprocns_sequence *s, __u32 place)
{
	if (s->next != (place == s->last ? s->first : place + 1))
		return false;
	s->next = place;
	return true;
}

/**
 * vprocns_sequence_give_back - a clone failed: its place is to be taken again
 * @s: the sequence
 * @place: its place; vprocns_sequence_reuse() hands the struct out again
 */
void vprocns_sequence_give_back(struct vprocns_sequence *s,
				struct vprocns_place *place)
{
	place->next = NULL;
	*s->newest = place;
	s->newest = &place->next;
}
