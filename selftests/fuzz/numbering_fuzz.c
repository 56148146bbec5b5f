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

/* What came back, oldest first, and who has which place. */
static __u32 back[MAX_CLONES];
static unsigned int oldest, newest;
static __u32 had[MAX_CLONES];
static unsigned int nr_had;
static struct vprocns_place places[MAX_CLONES];

static void take(struct vprocns_sequence *s, __u32 *next)
{
	struct vprocns_place *const reused = vprocns_sequence_reuse(s);
	__u32 place;

	HOLDS(!reused == (oldest == newest));
	if (reused) {
		HOLDS(reused->place == back[oldest]);
		had[nr_had++] = back[oldest++];
		return;
	}
	place = vprocns_sequence_take(s);
	HOLDS(place == *next);
	*next = place == s->last ? s->first : place + 1;
	had[nr_had++] = place;
}

static void give_back(struct vprocns_sequence *s, __u32 *next, unsigned int pick)
{
	const unsigned int i = pick % nr_had;
	const __u32 place = had[i];
	const bool latest = *next == (place == s->last ? s->first : place + 1);

	had[i] = had[--nr_had];
	HOLDS(vprocns_sequence_untake(s, place) == latest);
	if (latest) {
		*next = place;
		return;
	}
	places[newest].place = place;
	vprocns_sequence_give_back(s, &places[newest]);
	back[newest++] = place;
}

/* The place that is @count after @from, round the range. */
static __u32 after(const struct vprocns_sequence *s, __u32 from, __u32 count)
{
	while (count--)
		from = from == s->last ? s->first : from + 1;
	return from;
}

static void pass(struct vprocns_sequence *s, __u32 *next, unsigned int pick)
{
	const __u32 span = s->last - s->first + 1, from = had[nr_had - 1];
	const __u32 count = pick % span;
	__u32 i;

	vprocns_sequence_pass(s, from, after(s, from, count));
	/* The next one stays where it is not passed over. */
	for (i = 1; i <= count; i++)
		if (*next == after(s, from, i)) {
			*next = after(s, from, count + 1);
			break;
		}
}

/* Two bytes are an event. */
static void check_history(const unsigned char *data, size_t size)
{
	struct vprocns_sequence s;
	__u32 next = 10;

	oldest = 0;
	newest = 0;
	nr_had = 0;
	vprocns_sequence_init(&s, 10, 10 + *data % 40);
	for (data++, size--; size >= 2 && nr_had + newest < MAX_CLONES - 1;
	     data += 2, size -= 2) {
		const unsigned int pick = data[1];

		switch (data[0] % 8) {
		case 0 ... 4:
			take(&s, &next);
			break;
		case 5:
			if (nr_had)
				pass(&s, &next, pick);
			break;
		default:
			if (nr_had)
				give_back(&s, &next, pick);
			break;
		}
		HOLDS(s.next == next);
	}
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
