/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_SEQUENCE_H
#define _VPROCNS_SEQUENCE_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

/**
 * struct vprocns_place - a place that came back, because its clone failed
 * @next: the place that came back after it
 * @place: the place
 */
struct vprocns_place {
	struct vprocns_place *next;
	__u32 place;
};

/**
 * struct vprocns_sequence - which places come next
 *
 * With sequential numbering the places are the numbers. With lineage numbering
 * they count the tasks that join from outside.
 *
 * @first: first place
 * @last: last place
 * @next: the place to take when none came back
 * @oldest: the places that came back, in the order in which they did
 * @newest: where the next such place is linked
 *
 * The caller serialises all calls on one object. Each takes constant time.
 */
struct vprocns_sequence {
	__u32 first;
	__u32 last;
	__u32 next;
	struct vprocns_place *oldest;
	struct vprocns_place **newest;
};

void vprocns_sequence_init(struct vprocns_sequence *s, __u32 first, __u32 last);
struct vprocns_place *vprocns_sequence_reuse(struct vprocns_sequence *s);
void vprocns_sequence_pass(struct vprocns_sequence *s, __u32 from, __u32 to);
bool vprocns_sequence_untake(struct vprocns_sequence *s, __u32 place);
void vprocns_sequence_give_back(struct vprocns_sequence *s,
				struct vprocns_place *place);

/**
 * vprocns_sequence_take - takes the next place
 * @s: the sequence
 *
 * Return: the place; after the last comes the first.
 */
static inline __u32 vprocns_sequence_take(struct vprocns_sequence *s)
{
	const __u32 place = s->next;

	s->next = place == s->last ? s->first : place + 1;
	return place;
}

#endif
