// SPDX-License-Identifier: GPL-2.0
/*
 * Members that clone at once, beside members that are refused and somebody who
 * asks for all that a group tells. Both sides count the same. On a kernel with
 * KCSAN it lasts longer, with watchpoints set so often that nothing else could
 * be run like that: a data race is in the kernel's log.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <time.h>

#include "common.h"

#define WATCH "/sys/module/kcsan/parameters/skip_watch"
/* Of accesses, one in so many is watched. */
#define WATCH_OFTEN "100"
#define CLONERS 2
#define THREADS (CLONERS + 1)

/* What the members did, in memory that they share with the test. */
struct done {
	unsigned long cloned;
	unsigned long refused;
	unsigned long wrong;
};

struct work {
	struct done *done;
	time_t end;
	bool processes;
};

static void add(unsigned long *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/*
 * Until the time is over, and both kinds have come: a busy host may let no member run
 * for seconds. The harness ends the test where one never comes.
 */
static bool goes_on(const struct work *work)
{
	return time(NULL) < work->end ||
	       !__atomic_load_n(&work->done->cloned, __ATOMIC_RELAXED) ||
	       !__atomic_load_n(&work->done->refused, __ATOMIC_RELAXED);
}

static void *clone_away(void *arg)
{
	const struct work *const work = arg;
	bool process = false;
	bool good;

	while (goes_on(work)) {
		good = process ? spend_number() > 0 : make_thread();
		add(good ? &work->done->cloned : &work->done->wrong);
		process = work->processes && !process;
	}
	return NULL;
}

static void *be_refused(void *arg)
{
	const struct work *const work = arg;

	while (goes_on(work))
		add(sys_clone(CLONE_NEWPID | SIGCHLD) == -1 ?
		    &work->done->refused : &work->done->wrong);
	return NULL;
}

static void work_at_once(struct work *work)
{
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL,
				   i < CLONERS ? clone_away : be_refused, work))
			_exit(1);
		add(&work->done->cloned);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* How many questions had another answer than they must. */
static unsigned long ask_all(int group, const struct work *work)
{
	struct vprocns_member list[THREADS + 4];
	unsigned long wrong = 0;

	while (goes_on(work)) {
		struct vprocns_members members = {
			.members = (uintptr_t)list,
			.capacity = ARRAY_SIZE(list),
			.size = sizeof(list[0]),
		};
		struct vprocns_translate translate = { .tid = FIRST };
		int translated;

		get_info(group);
		get_stats(group);
		wrong += call(group, VPROCNS_MEMBERS, &members) != 0;
		/* The first program is not there all the time. */
		translated = call(group, VPROCNS_TRANSLATE, &translate);
		wrong += translated && translated != -ESRCH;
	}
	return wrong;
}

FIXTURE(race) {
	int group;
	char before[16];
	struct work work;
};

FIXTURE_VARIANT(race) {
	struct vprocns_create create;
	bool processes;
};

FIXTURE_VARIANT_ADD(race, threads_only) {
	.create = { .flags = VPROCNS_CREATE_THREADS_ONLY },
};

FIXTURE_VARIANT_ADD(race, sequential) {
	.processes = true,
};

FIXTURE_VARIANT_ADD(race, lineage) {
	.create = { .numbering = VPROCNS_NUMBERING_LINEAGE },
	.processes = true,
};

FIXTURE_SETUP(race)
{
	const int fd = open(WATCH, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		ASSERT_LT(0, read(fd, self->before, sizeof(self->before) - 1));
		close(fd);
		ASSERT_TRUE(write_to(WATCH, WATCH_OFTEN));
	}
	self->group = make_group(&variant->create);
	ASSERT_LE(0, self->group);
	self->work = (struct work) {
		.done = shared_memory(sizeof(struct done)),
		.end = time(NULL) + (fd < 0 ? 2 : 40),
		.processes = variant->processes,
	};
	ASSERT_TRUE(self->work.done);
}

FIXTURE_TEARDOWN(race)
{
	if (self->before[0])
		EXPECT_TRUE(write_to(WATCH, self->before));
	munmap(self->work.done, sizeof(struct done));
	EXPECT_TRUE(close_group(self->group));
}

TEST_F_TIMEOUT(race, both_sides_count_the_same, 120)
{
	const struct done *const done = self->work.done;
	const pid_t init = enter_group(self->group);
	struct vprocns_stats stats;

	ASSERT_LE(0, init);
	if (!init) {
		work_at_once(&self->work);
		_exit(0);
	}
	EXPECT_EQ(0, ask_all(self->group, &self->work));
	EXPECT_EQ(0, status_of(init));

	EXPECT_EQ(0, done->wrong);
	EXPECT_LT(0, done->cloned);
	EXPECT_LT(0, done->refused);
	/* And the first program. */
	stats = get_stats(self->group);
	EXPECT_EQ(done->cloned + 1, stats.clones);
	EXPECT_EQ(done->refused, refusals(&stats));
	TH_LOG("%lu clones, %lu refusals", done->cloned, done->refused);
}

TEST_HARNESS_MAIN
