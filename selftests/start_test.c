// SPDX-License-Identifier: GPL-2.0
/*
 * VPROCNS_BIND_AT_EXEC: a group around a namespace whose pid 1 is not yet the
 * program, as container runtimes have it when they run their hooks.
 */
#define _GNU_SOURCE
#include <linux/capability.h>

#include "common.h"

FIXTURE_VARIANT_ADD(group, sequential) { {} };
FIXTURE_VARIANT_ADD(group, lineage) {
	{ .numbering = VPROCNS_NUMBERING_LINEAGE }
};

/* What pid 1 found, before its exec and after; shared with it. */
struct found {
	bool ready, bound, started;
	pid_t before, after;
	int unshare_before, unshare_after;
	bool none_before, none_after;
};

/* The memory's descriptor in the program that pid 1 executes. */
#define FOUND_FD 60

static int unshare_uts(void)
{
	const pid_t pid = fork();

	if (!pid)
		_exit(unshare(CLONE_NEWUTS) ? errno : 0);
	return status_of(pid);
}

/* Whether the caller is shown no capabilities, though it has all. */
static bool shown_none(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	return !syscall(SYS_capget, &header, data) && !data[0].effective;
}

static struct found *map_found(int fd)
{
	void *const memory = mmap(NULL, sizeof(struct found),
				  PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* The program that pid 1 executes. */
static int be_program(void)
{
	struct found *const found = map_found(FOUND_FD);

	if (!found)
		return 1;
	found->after = spend_number();
	found->unshare_after = unshare_uts();
	found->none_after = shown_none();
	found->started = true;
	return 0;
}

static void execute_program(void)
{
	execl("/proc/self/exe", "start_test", "program", NULL);
	_exit(1);
}

static void *execute_in_thread(void *arg)
{
	execute_program();
	return arg;
}

/* Pid 1 as a runtime has it, which makes tasks and namespaces itself. */
static void be_runtime(struct found *found, bool by_thread)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL))
		_exit(2);
	found->ready = true;
	while (!*(volatile bool *)&found->bound)
		usleep(1000);
	found->before = spend_number();
	found->unshare_before = unshare_uts();
	found->none_before = shown_none();
	make_thread();
	if (by_thread && !pthread_create(&thread, NULL, execute_in_thread, NULL))
		pthread_join(thread, NULL);
	execute_program();
}

static pid_t start_runtime(struct found **found, bool by_thread)
{
	const int fd = syscall(SYS_memfd_create, "found", 0);
	pid_t init;

	if (fd < 0 || ftruncate(fd, sizeof(**found)) || dup2(fd, FOUND_FD) < 0)
		return -1;
	close(fd);
	*found = map_found(FOUND_FD);
	init = sys_clone(CLONE_NEWPID | CLONE_NEWNS | SIGCHLD);
	if (!init)
		be_runtime(*found, by_thread);
	return init > 0 && EVENTUALLY((*found)->ready) ? init : -1;
}

static int bind_to(int group, pid_t pid, __u32 flags)
{
	const int pidfd = sys_pidfd_open(pid);
	struct vprocns_bind bind = { .pidfd = pidfd, .flags = flags };
	const int err = call(group, VPROCNS_BIND, &bind);

	close(pidfd);
	return err;
}

static void expect_start(struct __test_metadata *_metadata, int group,
			 bool by_thread)
{
	const struct vprocns_create another = {};
	struct vprocns_stats stats;
	struct found *found;
	pid_t init;
	int other;

	init = start_runtime(&found, by_thread);
	ASSERT_LT(0, init);
	ASSERT_EQ(0, bind_to(group, init, VPROCNS_BIND_AT_EXEC));
	/* It is nobody else's any more. */
	other = make_group(&another);
	ASSERT_LE(0, other);
	EXPECT_EQ(-EBUSY, bind_to(other, init, 0));
	EXPECT_TRUE(close_group(other));
	found->bound = true;
	EXPECT_TRUE(EVENTUALLY(found->started));
	EXPECT_EQ(0, status_of(init));
	/* Nobody noticed a thing. */
	EXPECT_GT(FIRST, found->before);
	EXPECT_EQ(0, found->unshare_before);
	EXPECT_FALSE(found->none_before);
	/* And then it began. */
	EXPECT_EQ(FIRST, found->after);
	EXPECT_EQ(EOPNOTSUPP, found->unshare_after);
	EXPECT_TRUE(found->none_after);
	stats = get_stats(group);
	EXPECT_EQ(2, stats.clones);
	EXPECT_EQ(0, stats.threads);
}

TEST_F(group, begins_at_exec)
{
	expect_start(_metadata, self->group, false);
}

TEST_F(group, begins_at_the_exec_of_a_thread)
{
	expect_start(_metadata, self->group, true);
}

/* The control: without the flag pid 1 of a runtime is held to it all. */
TEST_F(group, begins_at_once_without_the_flag)
{
	struct found *found;
	const pid_t init = start_runtime(&found, false);

	ASSERT_LT(0, init);
	ASSERT_EQ(0, bind_to(self->group, init, 0));
	found->bound = true;
	EXPECT_TRUE(EVENTUALLY(found->started));
	EXPECT_EQ(0, status_of(init));
	EXPECT_EQ(FIRST, found->before);
	EXPECT_EQ(EOPNOTSUPP, found->unshare_before);
	EXPECT_TRUE(found->none_before);
	EXPECT_LT(FIRST, found->after);
}

TEST_F(group, unknown_flags_of_a_bind)
{
	EXPECT_EQ(-EINVAL, bind_to(self->group, getpid(), 1U << 31));
	EXPECT_EQ(-EPERM, bind_to(self->group, getpid(), VPROCNS_BIND_AT_EXEC));
}

/* Before the harness has its turn. */
static void __attribute__((constructor)) maybe_program(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "program"))
		_exit(be_program());
}

TEST_HARNESS_MAIN
