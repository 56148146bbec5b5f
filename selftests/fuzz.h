/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzzers of the kernel share: random numbers that a seed repeats, and
 * requests for groups. COUNT and SEED in the environment say how many calls are
 * made and which. Include behind common.h.
 */
#ifndef _VPROCNS_SELFTESTS_FUZZ_H
#define _VPROCNS_SELFTESTS_FUZZ_H

#include <sys/random.h>

/* splitmix64: any state is as good as another, 0 too. */
static inline __u64 next_random(__u64 *state)
{
	__u64 z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static inline unsigned int below(__u64 *state, unsigned int limit)
{
	return next_random(state) % limit;
}

/* One in @times. */
static inline bool once_in(__u64 *state, unsigned int times)
{
	return !below(state, times);
}

#define ONE_OF(state, array) ((array)[below(state, ARRAY_SIZE(array))])

static inline __u64 environment(const char *name, __u64 otherwise)
{
	const char *const word = getenv(name);

	return word && *word ? strtoull(word, NULL, 0) : otherwise;
}

/* The run's seed; a new one each time when none is given. */
static inline __u64 run_seed(void)
{
	__u64 seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		perror("getrandom");
	return environment("SEED", seed);
}

/* A request that VPROCNS_CREATE takes, without a name and on the usual range. */
static inline struct vprocns_create random_create(__u64 *state)
{
	struct vprocns_create create = {
		.profile = below(state, VPROCNS_PROFILE_LINUX + 1),
		.numbering = below(state, VPROCNS_NUMBERING_LINEAGE + 1),
		.vfork = below(state, VPROCNS_VFORK_FORK + 1),
		.caps = below(state, VPROCNS_CAPS_EMPTY_V3 + 1),
	};

	if (once_in(state, 4))
		create.flags |= VPROCNS_CREATE_THREADS_ONLY;
	if (once_in(state, 3)) {
		create.flags |= VPROCNS_CREATE_ALLOWED;
		create.allowed = next_random(state) &
				 ~(__u64)(CLONE_NEWPID | CLONE_NEWUSER);
	}
	if (create.numbering == VPROCNS_NUMBERING_LINEAGE)
		create.seed = next_random(state);
	return create;
}

#endif
