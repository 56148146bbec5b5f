// SPDX-License-Identifier: GPL-2.0
/*
 * Each row of vectors/clone.tsv through the real system calls, in a group of
 * profile shadow. Rows that Linux itself answers before or after the group
 * are told one by one, with the reason; everything else must match the row.
 */
#define _GNU_SOURCE
#include <libgen.h>
#include <limits.h>
#include <sys/mman.h>

#include "common.h"

struct row {
	char call[8];
	unsigned long long flags;
	long exit_signal;
	int threads_only;
	int err;
	unsigned long long flags_vfork_as_fork;
};

struct table {
	struct row *rows;
	size_t count;
};

/* What the calls returned; shared with the workers. */
static long *results;

/* Of a worker that an exit signal of 9 ended before it could tell. */
#define NO_ANSWER LONG_MIN

static int errno_of(const char *name)
{
	if (!strcmp(name, "0"))
		return 0;
	if (!strcmp(name, "EINVAL"))
		return EINVAL;
	return !strcmp(name, "EOPNOTSUPP") ? EOPNOTSUPP : -1;
}

static struct table read_table(void)
{
	char self[4096] = {}, path[4200], line[256], err[32];
	struct table table = {};
	struct row row;
	FILE *file;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return table;
	/* build/selftests/vectors_test */
	snprintf(path, sizeof(path), "%s/../../selftests/vectors/clone.tsv",
		 dirname(self));
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (*line == '#')
			continue;
		if (sscanf(line, "%7s %lli %ld %d %31s %lli", row.call,
			   (long long *)&row.flags, &row.exit_signal,
			   &row.threads_only, err,
			   (long long *)&row.flags_vfork_as_fork) != 6)
			break;
		row.err = errno_of(err);
		table.rows = realloc(table.rows,
				     (table.count + 1) * sizeof(row));
		table.rows[table.count++] = row;
	}
	if (file)
		fclose(file);
	return table;
}

static long request(const struct row *row)
{
	static char tls[64];
	static pid_t tids[2];
	int none = -1;
	struct clone_args args = {
		.flags = row->flags,
		.exit_signal = row->exit_signal,
		.pidfd = (uintptr_t)&none,
		.parent_tid = (uintptr_t)&tids[0],
		.child_tid = (uintptr_t)&tids[1],
		.tls = (uintptr_t)tls,
		.cgroup = row->flags & CLONE_INTO_CGROUP ? 1 : 0,
	};

	if (!strcmp(row->call, "clone3"))
		return clone_and_end(SYS_clone3, (long[5]) {
			(long)&args, sizeof(args),
		});
	return clone_and_end(SYS_clone, (long[5]) {
		row->flags | row->exit_signal, 0, (long)&tids[0],
		(long)&tids[1], (long)tls,
	});
}

/* One process a row: an exit signal of 9 takes the cloner with it. */
static void try_rows(const struct table *table, int threads_only)
{
	sigset_t all;
	size_t i;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (i = 0; i < table->count; i++) {
		if (table->rows[i].threads_only != threads_only)
			continue;
		if (threads_only) {
			/* No worker can be had; a signal of 9 is refused here. */
			results[i] = request(&table->rows[i]);
			continue;
		}
		results[i] = NO_ANSWER;
		pid = fork();
		if (!pid) {
			results[i] = request(&table->rows[i]);
			while (waitpid(-1, NULL, __WALL) > 0)
				;
			_exit(0);
		}
		/* CLONE_PARENT makes some of the clones our own children. */
		while (waitpid(-1, NULL, __WALL) > 0)
			;
	}
}

/*
 * What Linux says to a row before it comes to kernel_clone(), by what
 * clone3(2) documents as EINVAL; NULL when it comes there.
 */
static const char *linux_is_first(const struct row *row)
{
	const unsigned long long known =
		0xffffff00ULL | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;

	if (!strcmp(row->call, "clone"))
		return NULL;
	if (row->flags & CLONE_DETACHED)
		return "clone3 takes no CLONE_DETACHED";
	if (row->flags & ~(known | CLONE_NEWTIME))
		return "clone3 does not know a flag";
	if ((row->flags & (CLONE_SIGHAND | CLONE_CLEAR_SIGHAND)) ==
	    (CLONE_SIGHAND | CLONE_CLEAR_SIGHAND))
		return "clone3: SIGHAND with CLEAR_SIGHAND";
	if ((row->flags & (CLONE_THREAD | CLONE_PARENT)) && row->exit_signal)
		return "clone3: THREAD or PARENT with an exit signal";
	if (row->exit_signal & ~0xffL || row->exit_signal > 64)
		return "clone3: exit signal out of range";
	return NULL;
}

static void check_rows(struct __test_metadata *_metadata,
		       const struct table *table, int threads_only)
{
	size_t matched = 0, differ = 0, i;
	const char *why;

	for (i = 0; i < table->count; i++) {
		const struct row *const row = &table->rows[i];
		long ret = results[i];

		if (row->threads_only != threads_only)
			continue;
		why = linux_is_first(row);
		if (why && row->err != EINVAL) {
			TH_LOG("row %zu: EINVAL by Linux: %s", i + 1, why);
			EXPECT_EQ(-EINVAL, ret);
			differ++;
			continue;
		}
		/* The child has ended, so the clone succeeded. */
		if (ret == NO_ANSWER && row->exit_signal == SIGKILL)
			ret = 1;
		EXPECT_EQ(row->err, ret < 0 ? -ret : 0) {
			TH_LOG("row %zu: %s flags %#llx exit_signal %ld threads_only %d",
			       i + 1, row->call, row->flags, row->exit_signal,
			       row->threads_only);
		}
		matched++;
	}
	TH_LOG("%zu rows as the table has them, %zu first judged by Linux",
	       matched, differ);
}

static struct table table;

static void judge(struct __test_metadata *_metadata, int group,
		  int threads_only)
{
	pid_t init;

	table = read_table();
	ASSERT_EQ(1111, table.count);
	results = shared_memory(table.count * sizeof(*results));
	ASSERT_TRUE(results);
	init = enter_group(group);
	ASSERT_LE(0, init);
	if (!init) {
		try_rows(&table, threads_only);
		_exit(0);
	}
	ASSERT_EQ(0, status_of(init));
	check_rows(_metadata, &table, threads_only);
}

FIXTURE_VARIANT_ADD(group, shadow) { { .profile = VPROCNS_PROFILE_SHADOW } };
FIXTURE_VARIANT_ADD(group, vfork_as_fork) {
	{ .vfork = VPROCNS_VFORK_FORK }
};
FIXTURE_VARIANT_ADD(group, threads_only) {
	{ .flags = VPROCNS_CREATE_THREADS_ONLY }
};

TEST_F_TIMEOUT(group, rows, 300)
{
	const int threads_only = !!variant->create.flags;
	__u64 rewritten = 0;
	size_t i;

	judge(_metadata, self->group, threads_only);

	/* The last column: which clones went on with other flags. */
	for (i = 0; i < table.count; i++) {
		const struct row *const row = &table.rows[i];

		rewritten += row->threads_only == threads_only && !row->err &&
			     !linux_is_first(row) &&
			     row->flags_vfork_as_fork != row->flags;
	}
	if (variant->create.vfork != VPROCNS_VFORK_FORK)
		rewritten = 0;
	EXPECT_EQ(rewritten, get_stats(self->group).rewritten);
	EXPECT_EQ(variant->create.vfork == VPROCNS_VFORK_FORK, rewritten > 0);
}

TEST_HARNESS_MAIN
