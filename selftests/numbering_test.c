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
	struct vprocns_place places[16];
};

FIXTURE_SETUP(sequence)
{
	vprocns_sequence_init(&self->s, 10, 13);
}

FIXTURE_TEARDOWN(sequence)
{
}

static __u32 take(FIXTURE_DATA(sequence) *self)
{
	struct vprocns_place *const back = vprocns_sequence_reuse(&self->s);

	return back ? back->place : vprocns_sequence_take(&self->s);
}

/* Whether it took a struct. */
static bool give_back(FIXTURE_DATA(sequence) *self, __u32 place)
{
	struct vprocns_place *const back = &self->places[place];

	if (vprocns_sequence_untake(&self->s, place))
		return false;
	back->place = place;
	vprocns_sequence_give_back(&self->s, back);
	return true;
}

TEST_F(sequence, ascends_and_wraps)
{
	const __u32 expected[] = { 10, 11, 12, 13, 10, 11 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(expected); i++)
		EXPECT_EQ(expected[i], take(self));
}

TEST_F(sequence, the_latest_given_back_is_next)
{
	EXPECT_EQ(10, take(self));
	EXPECT_FALSE(give_back(self, 10));
	EXPECT_EQ(10, take(self));
	EXPECT_EQ(11, take(self));
	EXPECT_EQ(12, take(self));
	EXPECT_EQ(13, take(self));
	EXPECT_FALSE(give_back(self, 13));
	EXPECT_EQ(13, take(self));
	EXPECT_EQ(10, take(self));
}

TEST_F(sequence, an_earlier_one_given_back_is_next)
{
	EXPECT_EQ(10, take(self));
	EXPECT_EQ(11, take(self));
	EXPECT_TRUE(give_back(self, 10));
	EXPECT_EQ(10, take(self));
	EXPECT_EQ(12, take(self));
}

TEST_F(sequence, given_back_in_the_order_in_which_they_came)
{
	int i;

	for (i = 10; i <= 13; i++)
		EXPECT_EQ(i, (int)take(self));
	EXPECT_TRUE(give_back(self, 12));
	EXPECT_TRUE(give_back(self, 10));
	EXPECT_TRUE(give_back(self, 11));
	EXPECT_EQ(12, take(self));
	EXPECT_EQ(10, take(self));
	EXPECT_EQ(11, take(self));
	EXPECT_EQ(10, take(self));
}

TEST_F(sequence, passed_over)
{
	EXPECT_EQ(10, take(self));
	/* 10 and 11 are in use, so it has 12. */
	vprocns_sequence_pass(&self->s, 10, 12);
	EXPECT_EQ(13, take(self));
	/* 13 is in use, and 10 behind it. */
	vprocns_sequence_pass(&self->s, 13, 11);
	EXPECT_EQ(12, take(self));
}

TEST_F(sequence, passing_does_not_go_back)
{
	EXPECT_EQ(10, take(self));
	EXPECT_EQ(11, take(self));
	EXPECT_EQ(12, take(self));
	vprocns_sequence_pass(&self->s, 10, 11);
	EXPECT_EQ(13, take(self));
}

TEST_F(sequence, range_of_one)
{
	vprocns_sequence_init(&self->s, 7, 7);
	EXPECT_EQ(7, take(self));
	EXPECT_EQ(7, take(self));
	EXPECT_FALSE(give_back(self, 7));
	EXPECT_EQ(7, take(self));
}

/* Any order of events: no place is lost, none is had by two. */
TEST(random_histories)
{
	enum { FREE, HAD, BACK } state[64] = {};
	struct vprocns_place places[64], *back;
	struct vprocns_sequence s;
	unsigned int seed = 1;
	__u32 place, waiting = 0;
	int i, j;

	vprocns_sequence_init(&s, 10, 60);
	for (i = 0; i < 100000; i++) {
		back = vprocns_sequence_reuse(&s);
		place = back ? back->place : vprocns_sequence_take(&s);
		ASSERT_LE(10, place);
		ASSERT_GE(60, place);
		if (back) {
			ASSERT_EQ(BACK, state[place]);
			waiting--;
		} else {
			ASSERT_EQ(0, waiting);
			/* In use by a task of the round before. */
			if (state[place] == HAD)
				continue;
		}
		state[place] = HAD;
		for (j = 10; j <= 60; j++) {
			if (state[j] != HAD || rand_r(&seed) % 8)
				continue;
			/* Its clone fails, or it exits. */
			state[j] = FREE;
			if (rand_r(&seed) % 2 || vprocns_sequence_untake(&s, j))
				continue;
			places[j].place = j;
			vprocns_sequence_give_back(&s, &places[j]);
			state[j] = BACK;
			waiting++;
		}
	}
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
