// SPDX-License-Identifier: GPL-2.0
/* The pure numbering, in user space. What the kernel makes of it: sequence_test.c. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "numbering.h"

FIXTURE(sequence) {
	struct vprocns_sequence s;
	/* Holders that have gone, by number. */
	bool gone[32];
};

FIXTURE_SETUP(sequence)
{
	memset(self->gone, 0, sizeof(self->gone));
	vprocns_numbering_init(&self->s, 10, 13,
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
	return vprocns_numbering_take(&self->s, is_gone, self->gone);
}

static __u32 commit_one(FIXTURE_DATA(sequence) *self)
{
	const __u32 nr = take(self);

	vprocns_numbering_placed(&self->s, nr, &self->gone[nr]);
	vprocns_numbering_commit(&self->s, nr);
	return nr;
}

TEST_F(sequence, ascends_and_wraps)
{
	const __u32 expected[] = { 10, 11, 12, 13, 10, 11 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(expected); i++)
		EXPECT_EQ(expected[i], commit_one(self));
	EXPECT_EQ(0, self->s.nr_pending);
	EXPECT_EQ(4, vprocns_numbering_span(&self->s));
}

TEST_F(sequence, one_given_back_is_next)
{
	EXPECT_EQ(10, take(self));
	vprocns_numbering_placed(&self->s, 10, VPROCNS_NOBODY);
	EXPECT_EQ(10, commit_one(self));
	EXPECT_EQ(11, commit_one(self));
}

TEST_F(sequence, one_whose_holder_is_gone_is_next)
{
	EXPECT_EQ(10, take(self));
	vprocns_numbering_placed(&self->s, 10, &self->gone[10]);
	EXPECT_EQ(11, take(self));
	vprocns_numbering_placed(&self->s, 11, &self->gone[11]);
	vprocns_numbering_commit(&self->s, 11);
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
		vprocns_numbering_placed(&self->s, i, VPROCNS_NOBODY);
	for (i = 10; i <= 13; i++)
		EXPECT_EQ(i, (int)commit_one(self));
}

TEST_F(sequence, skipped_is_passed_over)
{
	EXPECT_EQ(10, take(self));
	vprocns_numbering_skip(&self->s, 10);
	EXPECT_EQ(11, commit_one(self));
	EXPECT_EQ(0, self->s.nr_pending);
}

TEST_F(sequence, unknown_numbers_do_no_harm)
{
	vprocns_numbering_commit(&self->s, 11);
	vprocns_numbering_skip(&self->s, 12);
	vprocns_numbering_placed(&self->s, 13, VPROCNS_NOBODY);
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
	unused = vprocns_numbering_grow(&self->s, larger, 6);
	EXPECT_NE(larger, unused);
	free(unused);
	EXPECT_EQ(13, take(self));
	/* Somebody else was faster: the smaller one comes back. */
	larger = calloc(6, sizeof(*larger));
	EXPECT_EQ(larger, vprocns_numbering_grow(&self->s, larger, 6));
	free(larger);
	vprocns_numbering_placed(&self->s, 10, VPROCNS_NOBODY);
	EXPECT_EQ(10, take(self));
}

TEST_F(sequence, range_of_one)
{
	free(self->s.pending);
	vprocns_numbering_init(&self->s, 7, 7,
			       calloc(3, sizeof(struct vprocns_pending)), 3);
	EXPECT_EQ(7, commit_one(self));
	EXPECT_EQ(7, commit_one(self));
	EXPECT_EQ(1, vprocns_numbering_span(&self->s));
}

/* Any order of events: no number is lost, none is given twice at a time. */
TEST(random_histories)
{
	struct vprocns_sequence s;
	static bool gone[64], live[64];
	unsigned int seed = 1;
	__u32 nr, holes;
	int i, j;

	vprocns_numbering_init(&s, 10, 60,
			       calloc(64, sizeof(struct vprocns_pending)), 64);
	for (i = 0; i < 100000; i++) {
		nr = vprocns_numbering_take(&s, is_gone, gone);
		ASSERT_LE(10, nr);
		ASSERT_GE(60, nr);
		if (live[nr]) {
			vprocns_numbering_skip(&s, nr);
			continue;
		}
		gone[nr] = false;
		live[nr] = true;
		vprocns_numbering_placed(&s, nr, &gone[nr]);
		switch (rand_r(&seed) % 3) {
		case 0:
			vprocns_numbering_commit(&s, nr);
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
		holes += s.pending[i].holder != NULL;
	EXPECT_LE(holes, 1);
	free(s.pending);
}

TEST_HARNESS_MAIN
