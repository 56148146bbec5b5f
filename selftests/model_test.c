// SPDX-License-Identifier: GPL-2.0
/*
 * A model of which clones Shadow supports, and with which errno it refuses the others,
 * judges 10,000 combinations through the real calls. It was written from the tables of
 * Documentation/semantics.md, without a look at the module's policy, so that a mistake
 * has to be made twice to stay unseen. COUNT and SEED: see fuzz.h.
 */
#define _GNU_SOURCE
#include "common.h"
#include "fuzz.h"

FIXTURE_VARIANT_ADD(group, shadow) { { .profile = VPROCNS_PROFILE_SHADOW } };

#define F(name) ((__u64)CLONE_##name)

/* What a simulated program may ask for at all. */
static const __u64 supported =
	F(VM) | F(FS) | F(FILES) | F(SIGHAND) | F(THREAD) | F(SYSVSEM) |
	F(SETTLS) | F(PARENT_SETTID) | F(CHILD_SETTID) | F(CHILD_CLEARTID) |
	F(PARENT) | F(CLEAR_SIGHAND) | F(VFORK);

struct combination {
	bool is_clone3;
	__u64 flags;
	__u64 exit_signal;
	int said;
};

/* One sentence of the documentation: a clone with all of @with and none of @without. */
struct sentence {
	__u64 with;
	__u64 without;
	int err;
	const char *words;
};

static const struct sentence sentences[] = {
	{ F(THREAD), F(SIGHAND), EINVAL, "a thread shares signal handlers" },
	{ F(THREAD), F(SETTLS), EOPNOTSUPP, "a thread has storage of its own" },
	/* An exit signal is no flag: see judge(). */
	{ F(SIGHAND), F(VM), EINVAL, "shared handlers need shared memory" },
	{ F(VM), F(THREAD) | F(VFORK), EOPNOTSUPP,
	  "only threads and vfork share memory" },
	{ F(CLEAR_SIGHAND) | F(SIGHAND), 0, EINVAL,
	  "handlers are cleared or shared" },
};

static bool speaks_of(const struct sentence *sentence, __u64 flags)
{
	return (flags & sentence->with) == sentence->with &&
	       !(flags & sentence->without);
}

/* What Linux says of clone3's struct before anybody else is asked: clone3(2). */
static int judge_struct(const struct combination *c)
{
	if (!c->is_clone3)
		return 0;
	/* CLONE_NEWTIME is in the byte that clone(2) has its signal in. */
	if (c->flags & ~(0x3ffffff00ULL | F(NEWTIME)) || c->flags & F(DETACHED))
		return EINVAL;
	if (c->exit_signal > 64)
		return EINVAL;
	if ((c->flags & F(THREAD) || c->flags & F(PARENT)) && c->exit_signal)
		return EINVAL;
	return c->flags & F(SIGHAND) && c->flags & F(CLEAR_SIGHAND) ? EINVAL : 0;
}

static int judge(const struct combination *c, const char **why)
{
	size_t i;

	*why = "clone3's struct";
	if (judge_struct(c))
		return EINVAL;
	*why = "the exit signal is none";
	if (c->exit_signal > 64)
		return EINVAL;
	for (i = 0; i < ARRAY_SIZE(sentences); i++) {
		if (i == 2) {
			*why = "a thread's end sends no signal";
			if (c->flags & F(THREAD) && c->exit_signal)
				return EOPNOTSUPP;
		}
		*why = sentences[i].words;
		if (speaks_of(&sentences[i], c->flags))
			return sentences[i].err;
	}
	*why = "a flag is not supported";
	return c->flags & ~supported ? EOPNOTSUPP : 0;
}

static struct combination random_combination(__u64 *state)
{
	static const __u64 shapes[] = {
		0, F(VM) | F(VFORK),
		F(THREAD) | F(SIGHAND) | F(VM) | F(SETTLS),
		F(THREAD) | F(SIGHAND) | F(VM) | F(SETTLS) | F(FS) | F(FILES),
		F(CLEAR_SIGHAND), F(PARENT),
	};
	static const __u64 signals[] = { 0, 0, 0, 17, 17, 17, 1, 34, 64, 65, 80, 255 };
	struct combination c = {
		.is_clone3 = once_in(state, 2),
		.flags = ONE_OF(state, shapes),
		.exit_signal = ONE_OF(state, signals),
	};
	int flips = below(state, 4);

	/* Any mixture of what is supported, or some steps away from what works. */
	if (once_in(state, 3))
		c.flags = next_random(state) & supported;
	while (flips--)
		c.flags ^= 1ULL << (8 + below(state, 26));
	if (once_in(state, 32))
		c.flags ^= once_in(state, 2) ? F(NEWTIME) : 1ULL << (34 + below(state, 30));
	if (c.is_clone3 && c.flags & (F(THREAD) | F(PARENT)) && !once_in(state, 4))
		c.exit_signal = 0;
	if (!c.is_clone3)
		c.flags &= 0xffffff00;
	return c;
}

static long try(const struct combination *c)
{
	static char tls[64];
	static pid_t tids[2];
	static int pidfd;
	struct clone_args args = {
		.flags = c->flags, .exit_signal = c->exit_signal,
		.pidfd = (uintptr_t)&pidfd,
		.parent_tid = (uintptr_t)&tids[0],
		.child_tid = (uintptr_t)&tids[1],
		.tls = (uintptr_t)tls,
		.cgroup = c->flags & F(INTO_CGROUP) ? 1 : 0,
	};

	if (c->is_clone3)
		return clone_and_end(SYS_clone3, (long[5]) {
			(long)&args, sizeof(args),
		});
	return clone_and_end(SYS_clone, (long[5]) {
		c->flags | c->exit_signal, 0, (long)&tids[0], (long)&tids[1],
		(long)tls,
	});
}

static struct combination *all;

static void try_all(__u64 count)
{
	sigset_t signals;
	__u64 i;

	sigfillset(&signals);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	for (i = 0; i < count; i++) {
		const long ret = try(&all[i]);

		all[i].said = ret < 0 ? -ret : 0;
		while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
			;
	}
}

TEST_F_TIMEOUT(group, model, 300)
{
	const __u64 count = environment("COUNT", 10000);
	const __u64 seed = run_seed();
	__u64 state = seed, i, times[3] = {};
	const char *why;
	pid_t init;

	TH_LOG("SEED=%#llx COUNT=%llu", seed, count);
	all = shared_memory(count * sizeof(*all));
	ASSERT_TRUE(all);
	for (i = 0; i < count; i++) {
		all[i] = random_combination(&state);
		all[i].said = -1;
	}
	init = enter_group(self->group);
	ASSERT_LE(0, init);
	if (!init) {
		const pid_t worker = fork();

		if (!worker) {
			try_all(count);
			_exit(0);
		}
		/* Siblings of the worker are ours, by CLONE_PARENT. */
		while (waitpid(-1, NULL, __WALL) > 0)
			;
		_exit(worker < 0);
	}
	ASSERT_EQ(0, status_of(init));
	for (i = 0; i < count; i++) {
		const int err = judge(&all[i], &why);

		EXPECT_EQ(err, all[i].said) {
			TH_LOG("%s flags %#llx signal %llu: %s",
			       all[i].is_clone3 ? "clone3" : "clone",
			       all[i].flags, all[i].exit_signal, why);
		}
		times[err == EOPNOTSUPP ? 2 : err == EINVAL]++;
	}
	TH_LOG("%llu succeed, %llu EINVAL, %llu EOPNOTSUPP", times[0], times[1],
	       times[2]);
	/* Each answer is tried often. */
	for (i = 0; i < 3; i++)
		EXPECT_LE(count / 10, times[i]);
}

TEST_HARNESS_MAIN
