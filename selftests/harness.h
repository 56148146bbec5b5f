/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's test harness, of whichever version, with what ours needs of it: a
 * test's result, patience, and a way to run one test alone.
 */
#ifndef _VPROCNS_SELFTESTS_HARNESS_H
#define _VPROCNS_SELFTESTS_HARNESS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"

/* How many times longer than usual this machine may take; see vm/run. */
static inline unsigned int patience(void)
{
	const char *const word = getenv("PATIENCE");
	const int times = word ? atoi(word) : 1;

	return times > 1 ? times : 1;
}

/*
 * The harness has kept a test's result in two ways: since Linux 6.9 as the exit
 * code of the test's process. Makefile looks which one this is.
 */
#ifdef HARNESS_HAS_EXIT_CODE
static inline bool has_passed(const struct __test_metadata *test)
{
	return __test_passed((struct __test_metadata *)test);
}

static inline bool has_skipped(const struct __test_metadata *test)
{
	return test->exit_code == KSFT_SKIP;
}

static inline void set_skipped(struct __test_metadata *test)
{
	test->exit_code = KSFT_SKIP;
}
#else
static inline bool has_passed(const struct __test_metadata *test)
{
	return test->passed;
}

static inline bool has_skipped(const struct __test_metadata *test)
{
	return test->skip;
}

static inline void set_skipped(struct __test_metadata *test)
{
	test->skip = 1;
}
#endif

/* Whether @word names the test: as its result does, or without fixture and variant. */
static inline bool is_named(const char *word, const struct __fixture_metadata *fixture,
			    const struct __fixture_variant_metadata *variant,
			    const struct __test_metadata *test)
{
	const char *const name = variant ? variant->name : "";
	char full[256];

	snprintf(full, sizeof(full), "%s%s%s.%s", fixture->name, *name ? "." : "", name,
		 test->name);
	return !strcmp(word, full) || !strcmp(word, test->name);
}

/* Leaves of a fixture's variants and tests those that @word names; true if any. */
static inline bool keep_named(struct __fixture_metadata *fixture, const char *word)
{
	struct __fixture_variant_metadata **variant = &fixture->variant;
	struct __test_metadata **test = &fixture->tests;

	while (*test) {
		const struct __fixture_variant_metadata *v = fixture->variant;

		while (v && !is_named(word, fixture, v, *test))
			v = v->next;
		if (v || (!fixture->variant && is_named(word, fixture, NULL, *test)))
			test = &(*test)->next;
		else
			*test = (*test)->next;
	}
	while (*variant && fixture->tests) {
		if (is_named(word, fixture, *variant, fixture->tests))
			variant = &(*variant)->next;
		else
			*variant = (*variant)->next;
	}
	return fixture->tests;
}

/* Runs all tests, or those that the only argument names; with patience. */
static inline int run_named(int argc, char **argv)
{
	struct __fixture_metadata *fixture;
	struct __test_metadata *test;
	bool found = argc < 2;

	for (fixture = __fixture_list; fixture; fixture = fixture->next) {
		if (argc > 1 && keep_named(fixture, argv[1]))
			found = true;
		for (test = fixture->tests; test; test = test->next)
			test->timeout *= patience();
	}
	if (argc > 2 || !found) {
		fprintf(stderr, "usage: %s [TEST]; %s\n", argv[0],
			found ? "one test" : "there is no such test");
		return 2;
	}
	return test_harness_run(1, argv);
}

/* What TEST_HARNESS_MAIN calls. */
#define test_harness_run(argc, argv) run_named(argc, argv)

#endif
