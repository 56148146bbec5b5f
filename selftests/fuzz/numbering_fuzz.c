// SPDX-License-Identifier: GPL-2.0
/*
 * Any history of a sequence against a model of it that knows nothing of arrays
 * that grow and shift; and the rule of lineages against libsodium's SipHash.
 */
#include <sodium/crypto_shorthash_siphash24.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "holds.h"
#include "lineage.h"
#include "sequence.h"

#define MAX_CLONES 256

/* One clone in flight. The older one has the lower index. */
static struct clone {
	enum { TRIES, HOLDS_IT, GIVEN_BACK, OVER } state;
	__u32 place;
	__u32 nr;
	bool gone;
} clones[MAX_CLONES];

static unsigned int nr_clones;

static bool is_gone(const void *ctx, __u32 nr, const void *holder)
{
	const struct clone *const clone = holder;

	HOLDS(ctx == clones);
	HOLDS(clone->state == HOLDS_IT && clone->nr == nr);
	return clone->gone;
}

/* The oldest whose place is to be had again. */
static struct clone *oldest_hole(void)
{
	unsigned int i;

	for (i = 0; i < nr_clones; i++)
		if (clones[i].state == GIVEN_BACK ||
		    (clones[i].state == HOLDS_IT && clones[i].gone))
			return &clones[i];
	return NULL;
}

static unsigned int in_flight(void)
{
	unsigned int i, count = 0;

	for (i = 0; i < nr_clones; i++)
		count += clones[i].state != OVER;
	return count;
}

/* One of those in @state, by any number. */
static struct clone *some(int state, unsigned int pick)
{
	unsigned int i;

	for (i = 0; i < nr_clones; i++) {
		struct clone *const clone = &clones[(i + pick) % nr_clones];

		/* Of those that try one place, which is which can't be told. */
		if ((int)clone->state == state)
			return clone;
	}
	return NULL;
}

static struct clone *oldest_that_tries(__u32 place)
{
	unsigned int i;

	for (i = 0; i < nr_clones; i++)
		if (clones[i].state == TRIES && clones[i].place == place)
			return &clones[i];
	abort();
}

static void take(struct vprocns_sequence *s, __u32 *next)
{
	struct clone *const hole = oldest_hole();
	__u32 place = vprocns_sequence_take(s, is_gone, clones);

	if (!place) {
		const __u32 room = s->max_pending + 1;

		HOLDS(!hole && in_flight() == s->max_pending);
		free(vprocns_sequence_grow(s, calloc(room, sizeof(*s->pending)),
					    room));
		place = vprocns_sequence_take(s, is_gone, clones);
	}
	HOLDS(place >= s->first && place <= s->last);
	if (hole) {
		HOLDS(place == hole->place);
		hole->state = TRIES;
		return;
	}
	HOLDS(place == *next);
	*next = *next == s->last ? s->first : *next + 1;
	clones[nr_clones++] = (struct clone) { .state = TRIES, .place = place };
}

static void place(struct vprocns_sequence *s, struct clone *clone, __u32 nr)
{
	unsigned int i;

	if (!clone)
		return;
	clone = oldest_that_tries(clone->place);
	/* Whoever held the number was not gone for nothing. */
	for (i = 0; i < nr_clones; i++)
		if (clones[i].state == HOLDS_IT && clones[i].nr == nr)
			clones[i].state = GIVEN_BACK;
	vprocns_sequence_placed(s, clone->place, nr, clone);
	clone->state = HOLDS_IT;
	clone->nr = nr;
	clone->gone = false;
}

static void give_back(struct vprocns_sequence *s, struct clone *clone)
{
	if (!clone)
		return;
	clone = oldest_that_tries(clone->place);
	vprocns_sequence_placed(s, clone->place, 0, VPROCNS_NOBODY);
	clone->state = GIVEN_BACK;
}

static void skip(struct vprocns_sequence *s, struct clone *clone)
{
	if (!clone)
		return;
	clone = oldest_that_tries(clone->place);
	vprocns_sequence_skip(s, clone->place);
	clone->state = OVER;
}

static void commit(struct vprocns_sequence *s, struct clone *clone)
{
	if (!clone)
		return;
	HOLDS(vprocns_sequence_commit(s, clone->nr) == clone->place);
	HOLDS(!vprocns_sequence_commit(s, clone->nr));
	clone->state = OVER;
}

/* Two bytes are an event. */
static void check_history(const unsigned char *data, size_t size)
{
	struct vprocns_sequence s;
	struct clone *clone;
	__u32 next = 10;

	nr_clones = 0;
	vprocns_sequence_init(&s, 10, 10 + *data % 40,
			       calloc(1, sizeof(*s.pending)), 1);
	for (data++, size--; size >= 2 && nr_clones < MAX_CLONES;
	     data += 2, size -= 2) {
		const unsigned int pick = data[1];

		switch (data[0] % 8) {
		case 0:
		case 1:
		case 2:
			take(&s, &next);
			break;
		case 3:
			clone = some(TRIES, pick);
			place(&s, clone, clone ? clone->place : 0);
			break;
		case 4:
			/* Of lineage numbering, where they are two things. */
			place(&s, some(TRIES, pick), 1000 + pick);
			break;
		case 5:
			if (pick % 2)
				give_back(&s, some(TRIES, pick));
			else
				skip(&s, some(TRIES, pick));
			break;
		case 6:
			commit(&s, some(HOLDS_IT, pick));
			break;
		case 7:
			clone = some(HOLDS_IT, pick);
			if (clone)
				clone->gone = true;
			break;
		}
		HOLDS(s.nr_pending == in_flight());
		HOLDS(s.next == next && s.nr_pending <= s.max_pending);
	}
	free(s.pending);
}

/* SipHash-2-4 of the words' bytes, by hand. */
static __u64 hash(__u64 seed, const __u64 *words, size_t count)
{
	unsigned char key[16] = {}, in[16], out[8];
	__u64 value = 0;
	size_t i;

	for (i = 0; i < 8; i++)
		key[i] = seed >> (8 * i);
	for (i = 0; i < 8 * count; i++)
		in[i] = words[i / 8] >> (8 * (i % 8));
	crypto_shorthash_siphash24(out, in, 8 * count, key);
	for (i = 0; i < 8; i++)
		value |= (__u64)out[i] << (8 * i);
	return value;
}

struct descent {
	__u64 seed;
	__u64 cloner;
	__u64 birth;
	__u32 first;
	__u32 last;
};

static void check_lineage(const unsigned char *data, size_t size)
{
	__u64 special[] = {
		0, VPROCNS_LINEAGE_INIT, VPROCNS_LINEAGE_BEFORE,
		VPROCNS_LINEAGE_OUTSIDE,
	};
	struct descent d = { .last = 1 };
	__u64 lineage, expected;
	__u32 start, nr, span;

	memcpy(&d, data, size < sizeof(d) ? size : sizeof(d));
	if (d.cloner % 8 < 4)
		d.cloner = special[d.cloner % 4];
	d.birth += !d.birth;
	d.first += d.first < 2 ? 2 : 0;
	if (d.last < d.first)
		d.last = d.first;
	span = d.last - d.first + 1;

	lineage = vprocns_lineage_of(d.seed, d.cloner, d.birth);
	expected = hash(d.seed, (__u64[]) { d.cloner, d.birth }, 2);
	if (d.birth == 1 && d.cloner == VPROCNS_LINEAGE_INIT)
		expected = 0;
	if (d.birth == 1 && d.cloner == VPROCNS_LINEAGE_BEFORE)
		expected = VPROCNS_LINEAGE_INIT;
	HOLDS(lineage == expected);

	start = vprocns_lineage_start(d.seed, d.cloner, span);
	HOLDS(start == (d.cloner ? hash(d.seed, &d.cloner, 1) % span : 0));

	nr = vprocns_lineage_number(d.cloner, start, d.birth, d.first, span);
	HOLDS(nr >= d.first && nr <= d.last);
	if (d.birth == 1 && d.cloner == VPROCNS_LINEAGE_INIT)
		HOLDS(nr == d.first);
	else if (d.birth < UINT64_MAX - UINT32_MAX)
		HOLDS(vprocns_lineage_number(d.cloner, start, d.birth + 1,
					     d.first, span) ==
		      (nr == d.last ? d.first : nr + 1));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	if (!size)
		return 0;
	if (*data % 2)
		check_lineage(data + 1, size - 1);
	else
		check_history(data, size);
	return 0;
}
