// SPDX-License-Identifier: GPL-2.0
/*
 * Whose namespace a group may be bound to, and how long it lives: with the
 * descriptor, with the members, with both, with two users at once.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "common.h"

FIXTURE_VARIANT_ADD(group, shadow) { {} };

TEST_F(group, bind_of_the_initial_namespace)
{
	const int fd = sys_pidfd_open(getpid());

	EXPECT_EQ(-EPERM, bind_group(self->group, -1));
	EXPECT_EQ(-EPERM, bind_group(self->group, fd));
	EXPECT_EQ(VPROCNS_STATE_NEW, get_info(self->group).state);
	close(fd);
}

TEST_F(group, bind_of_no_process)
{
	const int null = open("/dev/null", O_RDONLY);
	struct vprocns_bind bind = { .pidfd = -2 };
	const pid_t dead = sys_clone(CLONE_NEWPID | SIGCHLD);
	int fd;

	EXPECT_EQ(-EBADF, bind_group(self->group, null));
	EXPECT_EQ(-EBADF, bind_group(self->group, 12345));
	EXPECT_EQ(-EINVAL, call(self->group, VPROCNS_BIND, &bind));
	if (!dead)
		_exit(0);
	fd = sys_pidfd_open(dead);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, status_of(dead));
	EXPECT_EQ(-ESRCH, bind_group(self->group, fd));
	close(null);
	close(fd);
}

/* A dead init that nobody has waited for yet is gone as well. */
TEST_F(group, bind_of_a_zombie)
{
	const pid_t dead = sys_clone(CLONE_NEWPID | SIGCHLD);
	siginfo_t info;
	int fd;

	if (!dead)
		_exit(0);
	fd = sys_pidfd_open(dead);
	ASSERT_EQ(0, waitid(P_PID, dead, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(-ESRCH, bind_group(self->group, fd));
	EXPECT_EQ(0, status_of(dead));
	close(fd);
}

TEST_F(group, bind_once)
{
	const pid_t init = sleeping_namespace();
	const int fd = sys_pidfd_open(init);
	const struct vprocns_create none = {};
	const int other = make_group(&none);
	struct vprocns_info info;

	ASSERT_EQ(0, bind_group(self->group, fd));
	EXPECT_EQ(-EALREADY, bind_group(self->group, fd));
	EXPECT_EQ(-EBUSY, bind_group(other, fd));
	info = get_info(self->group);
	EXPECT_EQ(VPROCNS_STATE_BOUND, info.state);
	EXPECT_EQ(init, info.init);
	EXPECT_EQ(1, info.members);
	EXPECT_NE(0, info.ns_inum);
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).state ==
			       VPROCNS_STATE_ENDED));
	EXPECT_EQ(-ESRCH, bind_group(self->group, fd));
	EXPECT_EQ(0, get_info(self->group).members);
	close(other);
	close(fd);
}

/* Not init, but inside: only pid 1 may bind its own. */
TEST_F(group, bind_from_inside_by_another)
{
	const pid_t init = sys_clone(CLONE_NEWPID | SIGCHLD);
	pid_t pid;

	if (!init) {
		pid = fork();
		if (!pid)
			_exit(-bind_group(self->group, -1));
		_exit(status_of(pid));
	}
	EXPECT_EQ(EPERM, status_of(init));
}

static int bind_given_group(int pidfd)
{
	/* The group's descriptor was inherited under this number. */
	return bind_group(100, pidfd);
}

TEST_F(group, bind_needs_power_over_the_namespace)
{
	const pid_t init = sleeping_namespace();
	const int fd = sys_pidfd_open(init);

	ASSERT_EQ(100, dup2(self->group, 100));
	EXPECT_EQ(EPERM, as_nobody(bind_given_group, fd));
	EXPECT_EQ(0, bind_group(self->group, fd));
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
	close(fd);
	close(100);
}

static int open_node(int unused __attribute__((unused)))
{
	return open_device() < 0 ? -errno : 0;
}

TEST(node_is_not_for_everybody)
{
	struct stat stat_buf;

	ASSERT_EQ(0, stat("/dev/vprocns", &stat_buf));
	EXPECT_EQ(S_IFCHR | 0660, stat_buf.st_mode);
	EXPECT_EQ(EACCES, as_nobody(open_node, -1));
}

static int open_first_group(int device)
{
	struct vprocns_open open = {};

	strcpy(open.name, "roots");
	return call(device, VPROCNS_OPEN, &open) < 0 ? -errno : 0;
}

/* As an exit status. */
static int list_groups(int device)
{
	return -groups_listed(device);
}

TEST_F(device, other_peoples_groups)
{
	int group;

	strcpy(self->create.name, "roots");
	group = call(self->fd, VPROCNS_CREATE, &self->create);
	ASSERT_LE(0, group);
	EXPECT_EQ(ENOENT, as_nobody(open_first_group, self->fd));
	EXPECT_EQ(0, as_nobody(list_groups, self->fd));
	EXPECT_EQ(1, groups_listed(self->fd));
	close(group);
}

TEST_F(group, members_can_not_steer)
{
	const int device = open_device();
	const pid_t init = enter_group(self->group);
	const struct vprocns_create none = {};

	if (!init) {
		if (open_device() >= 0 || errno != EPERM)
			_exit(3);
		if (make_group(&none) != -EPERM)
			_exit(1);
		if (call(device, VPROCNS_VERSION, NULL) != -EPERM)
			_exit(2);
		_exit(0);
	}
	EXPECT_EQ(0, status_of(init));
	close(device);
}

/* The group outlives its last descriptor, and can be opened again. */
TEST_F(device, descriptor_closed_while_members_run)
{
	struct vprocns_open open = {};
	int group;
	pid_t init;

	strcpy(self->create.name, "orphan");
	strcpy(open.name, "orphan");
	group = call(self->fd, VPROCNS_CREATE, &self->create);
	ASSERT_LE(0, group);
	init = sleeping_namespace();
	{
		const int fd = sys_pidfd_open(init);

		ASSERT_EQ(0, bind_group(group, fd));
		close(fd);
	}
	close(group);
	group = call(self->fd, VPROCNS_OPEN, &open);
	ASSERT_LE(0, group);
	EXPECT_EQ(1, get_info(group).members);
	close(group);
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
	EXPECT_TRUE(EVENTUALLY(open_and_close(self->fd, &open) == -ENOENT));
}

TEST_F(group, members_gone_while_the_descriptor_is_open)
{
	const pid_t init = enter_group(self->group);
	struct vprocns_info info;

	if (!init)
		_exit(spend_number() != FIRST + 1);
	EXPECT_EQ(0, status_of(init));
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).state ==
			       VPROCNS_STATE_ENDED));
	info = get_info(self->group);
	EXPECT_EQ(0, info.members);
	EXPECT_EQ(0, info.init);
	EXPECT_EQ(FIRST + 2, info.next);
	EXPECT_EQ(2, get_stats(self->group).clones);
	EXPECT_EQ(3, get_stats(self->group).exits);
}

TEST_F(group, descriptor_over_a_socket)
{
	const __u64 id = get_info(self->group).id;
	int pair[2], fd;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = fork();
	if (!pid) {
		close(self->group);
		fd = receive_fd(pair[1]);
		_exit(fd < 0 || get_info(fd).id != id);
	}
	ASSERT_TRUE(send_fd(pair[0], self->group));
	/* Ours is closed; the one on its way keeps the group. */
	close(self->group);
	EXPECT_EQ(0, status_of(pid));
}

/* Two at once: everybody's own groups, and both for one namespace. */
static void *make_and_bind(void *arg)
{
	const struct vprocns_create none = {};
	const int shared = *(int *)arg;
	int i, group, fd, err;
	pid_t init;

	for (i = 0; i < 40; i++) {
		group = make_group(&none);
		if (group < 0)
			return "create";
		err = bind_group(group, shared);
		if (err && err != -EBUSY)
			return "bind of the shared one";
		close(group);

		group = make_group(&none);
		init = sleeping_namespace();
		fd = sys_pidfd_open(init);
		if (group < 0 || bind_group(group, fd))
			return "bind";
		close(group);
		if (i % 2)
			kill(init, SIGKILL);
		close(fd);
		kill(init, SIGKILL);
		if (status_of(init) != 128 + SIGKILL)
			return "end";
	}
	return NULL;
}

TEST_F_TIMEOUT(device, two_at_once, 120)
{
	const pid_t init = sleeping_namespace();
	int shared = sys_pidfd_open(init);
	pthread_t threads[2];
	void *failed;
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, make_and_bind,
					    &shared));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &failed));
		EXPECT_EQ(NULL, failed) {
			TH_LOG("%s", (char *)failed);
		}
	}
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
	EXPECT_TRUE(EVENTUALLY(groups_listed(self->fd) == 0));
}

TEST_HARNESS_MAIN
