// SPDX-License-Identifier: GPL-2.0
/*
 * Descent: what is known of each task of a group with lineage numbering, and how
 * tasks come by it that no member has cloned.
 */
#define _GNU_SOURCE

#include "by_lineage.h"

/* What a group's tasks look like from outside; 0 when there are others. */
static size_t members_of(int group, struct vprocns_member *found, size_t count)
{
	struct vprocns_members members = {
		.members = (uintptr_t)found, .capacity = count,
		.size = sizeof(*found),
	};

	return call(group, VPROCNS_MEMBERS, &members) ? 0 : members.count;
}

TEST_F(group, members_tell_their_descent)
{
	const struct vprocns_info info = get_info(self->group);
	const pid_t init = enter_group(self->group);
	const __u64 first_child = child_of(&info, 0, 1);
	struct vprocns_member found[5];
	size_t i;

	if (!init) {
		if (!fork())
			fork();
		else
			make_kernel_thread();
		for (;;)
			pause();
	}
	/* A task is a member before its clone has been counted. */
	ASSERT_TRUE(EVENTUALLY(get_info(self->group).members == 5 &&
			       get_stats(self->group).clones == 3));
	ASSERT_EQ(5, members_of(self->group, found, 5));
	for (i = 0; i < 5; i++) {
		const struct vprocns_member *const member = &found[i];

		if (member->tid == (pid_t)info.last) {
			/* The kernel's thread. */
			EXPECT_EQ(0, member->flags);
			continue;
		}
		EXPECT_EQ(VPROCNS_MEMBER_LINEAGE, member->flags);
		EXPECT_EQ(member->lineage,
			  child_of(&info, member->cloner_lineage,
				   member->birth));
		if (member->tid == 1) {
			EXPECT_EQ(VPROCNS_LINEAGE_INIT, member->lineage);
			EXPECT_EQ(0, member->cloner);
		} else if (member->tid == (pid_t)info.first) {
			EXPECT_EQ(0, member->lineage);
			EXPECT_EQ(1, member->cloner);
		} else {
			EXPECT_EQ(member->ppid, member->cloner);
			EXPECT_EQ(1, member->birth);
			EXPECT_EQ(member->tid == (pid_t)info.first + 1 ?
				  0 : first_child, member->cloner_lineage);
		}
	}
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
}

/* Joins by a fork that @flags and @pidfd may make fail; its TID, or -errno. */
static pid_t join_group(pid_t init, __u64 flags, int *pidfd)
{
	struct clone_args args = {
		.flags = flags, .pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};
	const int fd = sys_pidfd_open(init);
	int tid[2];
	pid_t pid;

	if (setns(fd, CLONE_NEWPID) || pipe(tid))
		return -errno;
	close(fd);
	pid = sys_clone3(&args);
	if (pid < 0)
		return -errno;
	if (!pid) {
		const pid_t own[] = { getpid(), spend_number() };

		_exit(write(tid[1], own, sizeof(own)) != sizeof(own));
	}
	return status_of(pid) ? -ECHILD : tid[0];
}

TEST_F(group, tasks_that_join)
{
	const struct vprocns_info info = get_info(self->group);
	const pid_t init = sleeping_group(self->group);
	pid_t told[2];
	__u64 i;
	int fd;

	ASSERT_LT(0, init);
	for (i = 1; i <= 3; i++) {
		/* One that fails is none. */
		EXPECT_EQ(-EFAULT, join_group(init, CLONE_PIDFD, (int *)8));
		fd = join_group(init, 0, NULL);
		ASSERT_LE(0, fd);
		ASSERT_EQ(sizeof(told), read(fd, told, sizeof(told)));
		close(fd);
		EXPECT_EQ(number_of(&info, VPROCNS_LINEAGE_OUTSIDE, i), told[0]);
		EXPECT_EQ(number_of(&info,
				    child_of(&info, VPROCNS_LINEAGE_OUTSIDE, i),
				    1), told[1]);
	}
	EXPECT_EQ(3, get_stats(self->group).joined);
	EXPECT_EQ(0, collisions(self->group));
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
}

/* Says that it is there; once told to go on, what its next two children get. */
static void spend_when_told(int go, int tell)
{
	pid_t pid[2];
	char c;

	if (write(tell, "", 1) != 1 || read(go, &c, 1) != 1)
		_exit(1);
	pid[0] = spend_number();
	pid[1] = spend_number();
	if (write(tell, pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
}

TEST_F(group, tasks_that_were_there)
{
	const struct vprocns_info info = get_info(self->group);
	int go[2], tell[2], fd, i;
	pid_t init, told[2];
	char c;

	ASSERT_EQ(0, pipe(go) | pipe(tell));
	init = sys_clone(CLONE_NEWPID | SIGCHLD);
	if (!init) {
		if (!fork()) {
			spend_when_told(go[0], tell[1]);
			_exit(0);
		}
		if (status_of(2))
			_exit(1);
		spend_when_told(go[0], tell[1]);
		_exit(0);
	}
	fd = sys_pidfd_open(init);
	ASSERT_EQ(1, read(tell[0], &c, 1));
	ASSERT_EQ(0, bind_group(self->group, fd));
	close(fd);

	ASSERT_EQ(1, write(go[1], "", 1));
	ASSERT_EQ(sizeof(told), read(tell[0], told, sizeof(told)));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(number_of(&info,
				    child_of(&info, VPROCNS_LINEAGE_BEFORE, 2),
				    i + 1), told[i]);
	/* Now pid 1: its first child is the first program. */
	ASSERT_EQ(1, read(tell[0], &c, 1));
	ASSERT_EQ(1, write(go[1], "", 1));
	ASSERT_EQ(sizeof(told), read(tell[0], told, sizeof(told)));
	EXPECT_EQ((pid_t)info.first, told[0]);
	EXPECT_EQ(number_of(&info, VPROCNS_LINEAGE_INIT, 2), told[1]);
	EXPECT_EQ(0, status_of(init));
}

/*
 * Each needs a record for itself when others have clones in flight. What goes
 * wrong then is in the kernel's log.
 */
TEST_F(group, many_that_were_there)
{
	enum { MANY = 40, EACH = 10 };
	int go[2], there[2], fd, i, j;
	char all[MANY];
	pid_t init;

	ASSERT_EQ(0, pipe(go) | pipe(there));
	init = sys_clone(CLONE_NEWPID | SIGCHLD);
	if (!init) {
		for (i = 0; i < MANY; i++) {
			if (fork())
				continue;
			if (write(there[1], all, 1) != 1 ||
			    read(go[0], all, 1) != 1)
				_exit(1);
			for (j = 0; j < EACH; j++)
				if (spend_number() < 0)
					_exit(1);
			_exit(0);
		}
		for (j = 0, i = 0; i < MANY; i++)
			j |= status_of(-1);
		_exit(j);
	}
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(1, read(there[0], all, 1));
	fd = sys_pidfd_open(init);
	ASSERT_EQ(0, bind_group(self->group, fd));
	close(fd);
	ASSERT_EQ(MANY, write(go[1], all, MANY));
	EXPECT_EQ(0, status_of(init));
	EXPECT_EQ(MANY * EACH, get_stats(self->group).clones);
}

TEST(other_numberings_have_no_lineage)
{
	const struct vprocns_create create = {};
	const int group = make_group(&create);
	struct vprocns_member found[2];
	pid_t init;

	ASSERT_LE(0, group);
	init = sleeping_group(group);
	ASSERT_LT(0, init);
	ASSERT_EQ(2, members_of(group, found, 2));
	EXPECT_EQ(0, found[0].flags | found[1].flags);
	EXPECT_EQ(0, found[1].lineage | found[1].birth | found[1].cloner);
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
	close(group);
}

TEST_HARNESS_MAIN
