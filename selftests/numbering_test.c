// SPDX-License-Identifier: GPL-2.0
/* The pure numbering, in user space. What the kernel makes of it: sequence_test.c. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "lineage.h"
#include "sequence.h"
#include "siphash.h"

FIXTURE(sequence) {
	struct vprocns_sequence s;
	/* Holders that have gone, by number. */
	bool gone[32];
};

FIXTURE_SETUP(sequence)
{
	memset(self->gone, 0, sizeof(self->gone));
	vprocns_sequence_init(&self->s, 10, 13,
			       calloc(3, sizeof(struct vprocns_pending)), 3);
}

FIXTURE_TEARDOWN(sequence)
{
	free(self->s.pending);
}

static bool is_gone(const void *ctx, __u32 nr, const void *holder)
{
	const bool *const gone = ctx;

	return holder && gone[nr];
}

static __u32 take(FIXTURE_DATA(sequence) *self)
{
	return vprocns_sequence_take(&self->s, is_gone, self->gone);
}

static __u32 commit_one(FIXTURE_DATA(sequence) *self)
{
	const __u32 nr = take(self);

	vprocns_sequence_placed(&self->s, nr, nr, &self->gone[nr]);
	return vprocns_sequence_commit(&self->s, nr);
}

TEST_F(sequence, ascends_and_wraps)
{
	const __u32 expected[] = { 10, 11, 12, 13, 10, 11 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(expected); i++)
		EXPECT_EQ(expected[i], commit_one(self));
	EXPECT_EQ(0, self->s.nr_pending);
}

TEST_F(sequence, one_given_back_is_next)
{
	EXPECT_EQ(10, take(self));
	vprocns_sequence_placed(&self->s, 10, 10, VPROCNS_NOBODY);
	EXPECT_EQ(10, commit_one(self));
	EXPECT_EQ(11, commit_one(self));
}

TEST_F(sequence, one_whose_holder_is_gone_is_next)
{
	EXPECT_EQ(10, take(self));
	vprocns_sequence_placed(&self->s, 10, 10, &self->gone[10]);
	EXPECT_EQ(11, take(self));
	vprocns_sequence_placed(&self->s, 11, 11, &self->gone[11]);
	vprocns_sequence_commit(&self->s, 11);
	/* Still being cloned: not to be given to anybody. */
	EXPECT_EQ(12, commit_one(self));
	self->gone[10] = true;
	EXPECT_EQ(10, commit_one(self));
	EXPECT_EQ(13, commit_one(self));
}

TEST_F(sequence, one_that_is_tried_is_nobody_elses)
{
	EXPECT_EQ(10, take(self));
	self->gone[10] = true;
	EXPECT_EQ(11, take(self));
	EXPECT_EQ(12, take(self));
}

TEST_F(sequence, oldest_hole_first)
{
	int i;

	for (i = 10; i <= 12; i++)
		EXPECT_EQ(i, (int)take(self));
	for (i = 12; i >= 10; i--)
		vprocns_sequence_placed(&self->s, i, i, VPROCNS_NOBODY);
	for (i = 10; i <= 13; i++)
		EXPECT_EQ(i, (int)commit_one(self));
}

TEST_F(sequence, skipped_is_passed_over)
{
	EXPECT_EQ(10, take(self));
	vprocns_sequence_skip(&self->s, 10);
	EXPECT_EQ(11, commit_one(self));
	EXPECT_EQ(0, self->s.nr_pending);
}

TEST_F(sequence, unknown_numbers_do_no_harm)
{
	EXPECT_EQ(0, vprocns_sequence_commit(&self->s, 11));
	vprocns_sequence_skip(&self->s, 12);
	vprocns_sequence_placed(&self->s, 13, 13, VPROCNS_NOBODY);
	EXPECT_EQ(0, self->s.nr_pending);
	EXPECT_EQ(10, commit_one(self));
}

TEST_F(sequence, room_for_more)
{
	struct vprocns_pending *larger, *unused;
	int i;

	for (i = 10; i <= 12; i++)
		EXPECT_EQ(i, (int)take(self));
	EXPECT_EQ(0, take(self));
	larger = calloc(6, sizeof(*larger));
	unused = vprocns_sequence_grow(&self->s, larger, 6);
	EXPECT_NE(larger, unused);
	free(unused);
	EXPECT_EQ(13, take(self));
	/* Somebody else was faster: the smaller one comes back. */
	larger = calloc(6, sizeof(*larger));
	EXPECT_EQ(larger, vprocns_sequence_grow(&self->s, larger, 6));
	free(larger);
	vprocns_sequence_placed(&self->s, 10, 10, VPROCNS_NOBODY);
	EXPECT_EQ(10, take(self));
}

TEST_F(sequence, range_of_one)
{
	free(self->s.pending);
	vprocns_sequence_init(&self->s, 7, 7,
			       calloc(3, sizeof(struct vprocns_pending)), 3);
	EXPECT_EQ(7, commit_one(self));
	EXPECT_EQ(7, commit_one(self));
}

/* Places that are not numbers, as of tasks that join from outside. */
TEST_F(sequence, places_with_other_numbers)
{
	EXPECT_EQ(10, take(self));
	vprocns_sequence_placed(&self->s, 10, 30, &self->gone[30]);
	EXPECT_EQ(11, take(self));
	vprocns_sequence_placed(&self->s, 11, 20, &self->gone[20]);
	EXPECT_EQ(11, vprocns_sequence_commit(&self->s, 20));
	EXPECT_EQ(0, vprocns_sequence_commit(&self->s, 10));
	EXPECT_EQ(10, vprocns_sequence_commit(&self->s, 30));
	EXPECT_EQ(12, take(self));
}

/* Its clone failed, and the number went to another before anybody asked. */
TEST_F(sequence, number_of_a_failed_clone_in_new_hands)
{
	EXPECT_EQ(10, take(self));
	vprocns_sequence_placed(&self->s, 10, 30, &self->gone[30]);
	EXPECT_EQ(11, take(self));
	vprocns_sequence_placed(&self->s, 11, 30, &self->gone[30]);
	EXPECT_EQ(11, vprocns_sequence_commit(&self->s, 30));
	EXPECT_EQ(10, take(self));
}

/* Any order of events: no number is lost, none is given twice at a time. */
TEST(random_histories)
{
	struct vprocns_sequence s;
	static bool gone[64], live[64];
	unsigned int seed = 1;
	__u32 nr, holes;
	int i, j;

	vprocns_sequence_init(&s, 10, 60,
			       calloc(64, sizeof(struct vprocns_pending)), 64);
	for (i = 0; i < 100000; i++) {
		nr = vprocns_sequence_take(&s, is_gone, gone);
		ASSERT_LE(10, nr);
		ASSERT_GE(60, nr);
		if (live[nr]) {
			vprocns_sequence_skip(&s, nr);
			continue;
		}
		gone[nr] = false;
		live[nr] = true;
		vprocns_sequence_placed(&s, nr, nr, &gone[nr]);
		switch (rand_r(&seed) % 3) {
		case 0:
			vprocns_sequence_commit(&s, nr);
			break;
		default:
			/* Its clone fails now. */
			gone[nr] = true;
			live[nr] = false;
		}
		for (j = 10; j <= 60; j++)
			if (live[j] && rand_r(&seed) % 8 == 0)
				live[j] = false;
	}
	for (holes = 0, i = 0; i < (int)s.nr_pending; i++)
		holes += !!s.pending[i].holder;
	EXPECT_LE(holes, 1);
	free(s.pending);
}

/* The reference vectors of SipHash-2-4 for 8 and 16 bytes. */
TEST(siphash_is_siphash)
{
	const siphash_key_t key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };

	EXPECT_EQ(0x93f5f5799a932462, siphash_1u64(key.key[0], &key));
	EXPECT_EQ(0x3f2acc7f57c29bdb,
		  siphash_2u64(key.key[0], key.key[1], &key));
}

#define OUTSIDE VPROCNS_LINEAGE_OUTSIDE
#define BEFORE VPROCNS_LINEAGE_BEFORE
#define INIT VPROCNS_LINEAGE_INIT

/*
 * Known answers by OpenSSL's SipHash. For the lineage 1 with the seed 0:
 * printf '\1\0\0\0\0\0\0\0' | openssl mac -macopt size:8 \
 *	-macopt hexkey:00000000000000000000000000000000 -in - SIPHASH
 */
TEST(lineages_are_known)
{
	const struct {
		__u64 seed, cloner, birth, lineage;
	} known[] = {
		{ 0, 0, 1, 0xcaf8f14cfc92c3f8 },
		{ 0, 0, 2, 0xbc3d046ce2073b62 },
		{ 0, OUTSIDE, 1, 0x73cc7caa2f78e75f },
		{ 0, OUTSIDE, 2, 0xc123867522153c1e },
		{ 0, BEFORE, 77, 0xe2f0941d56a1b415 },
		{ 0, INIT, 2, 0xddcc39e4ef3b9c2 },
		{ 0, 0x123456789abcdef, (1ULL << 32) + 1, 0x97b3244c8f1c08fb },
		{ 1, 0, 1, 0x61898eda6826e71e },
		{ 1, OUTSIDE, 1, 0x1d019fe1c61df336 },
		{ 0xfeedfacecafebeef, 0, 2, 0x6f9508e74cf786bf },
		{ 0xfeedfacecafebeef, 0x123456789abcdef, (1ULL << 32) + 1,
		  0x69a6fa7354cfa88 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		EXPECT_EQ(known[i].lineage,
			  vprocns_lineage_of(known[i].seed, known[i].cloner,
					     known[i].birth)) {
			TH_LOG("row %zu", i);
		}
}

TEST(lineages_of_the_first)
{
	EXPECT_EQ(INIT, vprocns_lineage_of(7, BEFORE, 1));
	EXPECT_EQ(0, vprocns_lineage_of(7, INIT, 1));
	EXPECT_NE(0, vprocns_lineage_of(7, 0, 1));
}

#define SPAN 31768

TEST(starts_are_known)
{
	const struct {
		__u64 seed, lineage;
		__u32 span, start;
	} known[] = {
		{ 0, 0, SPAN, 0 },
		{ 9, 0, SPAN, 0 },
		{ 0, 1, SPAN, 29094 },
		{ 0, 1, 4193304, 1854086 },
		{ 0, OUTSIDE, SPAN, 4134 },
		{ 0, BEFORE, SPAN, 9065 },
		{ 0, INIT, SPAN, 20521 },
		{ 1, 1, SPAN, 29202 },
		{ 1, 0x123456789abcdef, 4193304, 3755980 },
		{ 0xfeedfacecafebeef, OUTSIDE, SPAN, 31430 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		EXPECT_EQ(known[i].start,
			  vprocns_lineage_start(known[i].seed, known[i].lineage,
						known[i].span)) {
			TH_LOG("row %zu", i);
		}
	EXPECT_EQ(0, vprocns_lineage_start(0, 1, 1));
}

TEST(siblings_stand_side_by_side)
{
	__u32 birth;

	EXPECT_EQ(1000, vprocns_lineage_number(INIT, 20521, 1, 1000, SPAN));
	EXPECT_EQ(21523, vprocns_lineage_number(INIT, 20521, 2, 1000, SPAN));
	for (birth = 1; birth < SPAN; birth++)
		EXPECT_EQ(1000 + birth,
			  vprocns_lineage_number(0, 0, birth, 1000, SPAN));
	EXPECT_EQ(1000, vprocns_lineage_number(0, 0, SPAN, 1000, SPAN));
	EXPECT_EQ(32767,
		  vprocns_lineage_number(1, SPAN - 1, SPAN, 1000, SPAN));
	EXPECT_EQ(1000, vprocns_lineage_number(1, SPAN - 1, 1, 1000, SPAN));
	EXPECT_EQ(7, vprocns_lineage_number(1, 0, 1ULL << 40, 7, 1));
	/* The first child behind an exec by a thread. */
	EXPECT_EQ(30006, vprocns_lineage_number(1, 5, (1ULL << 32) + 1, 1000,
						SPAN));
	/* No overflow where the range is as long as can be. */
	EXPECT_EQ(2, vprocns_lineage_number(1, ~0U - 2, 1, 2, ~0U - 1));
}

TEST_HARNESS_MAIN
