// SPDX-License-Identifier: GPL-2.0
/*
 * The trust model of Documentation/security.md: whose rules hold for whom, and what
 * one user can do to another. What the tool does is in tool_test.sh.
 */
#define _GNU_SOURCE
#include <linux/capability.h>

#include "common.h"

FIXTURE_VARIANT_ADD(group, shadow) { {} };

#define ALICE 1001
#define BOB 1002

#define LIMIT "/sys/module/vprocns/parameters/max_user_groups"

/* What @what returns, 0 or -errno, to a child with this UID and no capability. */
static int as_user(uid_t uid, int (*what)(int), int fd)
{
	const pid_t pid = fork();

	if (!pid) {
		if (setgid(uid) || setuid(uid))
			_exit(255);
		_exit(-what(fd));
	}
	return -status_of(pid);
}

/* For later, without the node's permissions: the device was opened by root. */
static int create_named(int device, const char *name)
{
	struct vprocns_create create = {};

	strcpy(create.name, name);
	return call(device, VPROCNS_CREATE, &create);
}

static int open_named(int device, const char *name)
{
	struct vprocns_open open = {};

	strcpy(open.name, name);
	return call(device, VPROCNS_OPEN, &open);
}

static bool is_gone(int device, const char *name)
{
	struct vprocns_open open = {};

	strcpy(open.name, name);
	return EVENTUALLY(open_and_close(device, &open) == -ENOENT);
}

static bool own_user_namespace(void)
{
	char map[64];

	/* Who has changed its UID may not write there otherwise. */
	prctl(PR_SET_DUMPABLE, 1);
	snprintf(map, sizeof(map), "%d %d 1\n", getuid(), getuid());
	return !unshare(CLONE_NEWUSER) &&
	       write_to("/proc/self/setgroups", "deny") &&
	       write_to("/proc/self/uid_map", map) &&
	       write_to("/proc/self/gid_map", map);
}

static int bind_own(int group)
{
	return bind_group(group, -1);
}

static int make_and_bind_own(int device)
{
	const int group = create_named(device, "");

	return group < 0 ? group : bind_own(group);
}

/* In a namespace that root made, pid 1 has no privileges any more. */
static int in_namespace_of_root(int (*what)(int), int fd)
{
	const pid_t init = sys_clone(CLONE_NEWPID | SIGCHLD);

	if (!init) {
		if (setgid(ALICE) || setuid(ALICE))
			_exit(255);
		_exit(-what(fd));
	}
	return -status_of(init);
}

TEST_F(device, own_namespace_needs_power_over_it)
{
	EXPECT_EQ(-EPERM, in_namespace_of_root(make_and_bind_own, self->fd));
}

/* What counts is the power of who made the descriptor. */
TEST_F(group, descriptor_of_the_powerful)
{
	EXPECT_EQ(0, in_namespace_of_root(bind_own, self->group));
}

static int bind_in_own_user_namespace(int device)
{
	/* As `vprocns run` has it: the group first, then the namespaces. */
	const int group = create_named(device, "");
	pid_t init;

	if (group < 0)
		return group;
	init = sys_clone(CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD);
	if (!init)
		_exit(-bind_own(group));
	return -status_of(init);
}

TEST_F(device, user_binds_what_is_the_users)
{
	EXPECT_EQ(0, as_user(ALICE, bind_in_own_user_namespace, self->fd));
}

/* Pid 1 of a group that ALICE made, in a user namespace of her own. */
static pid_t group_of_alice(int device)
{
	int ready[2];
	pid_t pid;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (!pid) {
		const int group = setgid(ALICE) || setuid(ALICE) ? -1 :
				  create_named(device, "alices");
		const pid_t init = group < 0 ? -1 :
			sys_clone(CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD);

		if (init)
			_exit(init < 0 || write(ready[1], &init, sizeof(init)) !=
			      sizeof(init));
		if (bind_own(group))
			_exit(1);
		close(group);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (status_of(pid) || read(ready[0], &pid, sizeof(pid)) != sizeof(pid))
		pid = -1;
	close(ready[0]);
	return pid;
}

static bool is_bound(int device, const char *name)
{
	const int group = open_named(device, name);
	bool bound;

	if (group < 0)
		return false;
	bound = get_info(group).state == VPROCNS_STATE_BOUND;
	close(group);
	return bound;
}

static int cap_set(__u32 bits)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	const struct __user_cap_data_struct data[2] = {
		{ .permitted = bits, .effective = bits },
	};

	return raw(syscall(SYS_capset, &header, data));
}

static __u32 cap_get(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {};

	syscall(SYS_capget, &header, data);
	return data[0].effective;
}

/* A member of ALICE's group with the capabilities of root. */
static int joiner_meets_the_truth(void)
{
	if (cap_get() != ~0U || !real_set("CapEff"))
		return __LINE__;
	if (cap_set(1U << CAP_CHOWN) || cap_get() != 1U << CAP_CHOWN ||
	    real_set("CapEff") != 1U << CAP_CHOWN)
		return __LINE__;
	if (cap_set(0) || cap_get() || real_set("CapEff"))
		return __LINE__;
	if (cap_set(1) != -EPERM)
		return __LINE__;
	return 0;
}

TEST_F(device, privileged_joiner)
{
	int *const wrong = shared_memory(sizeof(*wrong));
	const pid_t init = group_of_alice(self->fd);
	const int fd = sys_pidfd_open(init);
	pid_t pid;

	ASSERT_LT(0, init);
	ASSERT_TRUE(EVENTUALLY(is_bound(self->fd, "alices")));
	pid = fork();
	if (!pid) {
		*wrong = setns(fd, CLONE_NEWPID) ? __LINE__ : 0;
		if (*wrong)
			_exit(1);
		pid = fork();
		if (!pid) {
			*wrong = sys_gettid() < FIRST ? __LINE__ :
				 joiner_meets_the_truth();
			_exit(0);
		}
		_exit(status_of(pid));
	}
	EXPECT_EQ(0, status_of(pid));
	EXPECT_EQ(0, *wrong) {
		TH_LOG("line %d", *wrong);
	}
	kill(init, SIGKILL);
	EXPECT_TRUE(is_gone(self->fd, "alices"));
	close(fd);
}

/* Who joins with no more than the owner has sees the group's view. */
TEST_F(device, joiner_of_the_owners_kind)
{
	const pid_t init = group_of_alice(self->fd);
	const int fd = sys_pidfd_open(init);
	pid_t pid;

	ASSERT_LT(0, init);
	ASSERT_TRUE(EVENTUALLY(is_bound(self->fd, "alices")));
	pid = fork();
	if (!pid) {
		if (setns(fd, CLONE_NEWUSER | CLONE_NEWPID))
			_exit(1);
		pid = fork();
		if (!pid)
			_exit(!real_set("CapEff") || cap_get() || cap_set(0) ||
			      real_set("CapEff"));
		_exit(status_of(pid));
	}
	EXPECT_EQ(0, status_of(pid));
	kill(init, SIGKILL);
	EXPECT_TRUE(is_gone(self->fd, "alices"));
	close(fd);
}

static int errno_only(int group)
{
	if (group >= 0)
		close(group);
	return group < 0 ? group : 0;
}

static int create_web(int device)
{
	return errno_only(create_named(device, "web"));
}

static int open_web(int device)
{
	return errno_only(open_named(device, "web"));
}

static int open_id(int device)
{
	struct vprocns_open open = { .id = atoi(getenv("ID")) };

	return errno_only(call(device, VPROCNS_OPEN, &open));
}

static int how_many_listed(int device)
{
	return -groups_listed(device);
}

/* A name is its owner's, and nobody learns of others' groups. */
TEST_F(device, names_are_their_owners)
{
	const int roots = create_named(self->fd, "web");
	char id[32];

	ASSERT_LE(0, roots);
	snprintf(id, sizeof(id), "%llu", get_info(roots).id);
	setenv("ID", id, 1);
	EXPECT_EQ(-ENOENT, as_user(ALICE, open_web, self->fd));
	EXPECT_EQ(-ENOENT, as_user(ALICE, open_id, self->fd));
	EXPECT_EQ(0, as_user(ALICE, how_many_listed, self->fd));
	EXPECT_EQ(0, as_user(ALICE, create_web, self->fd));
	EXPECT_EQ(-EEXIST, create_web(self->fd));
	close(roots);
}

static int hold_web(int device)
{
	const int group = create_named(device, "web");

	if (group >= 0)
		for (;;)
			pause();
	return group;
}

static pid_t holder(uid_t uid, int device)
{
	const int before = groups_listed(device);
	const pid_t pid = fork();

	if (!pid)
		_exit(setgid(uid) || setuid(uid) || hold_web(device));
	return EVENTUALLY(groups_listed(device) == before + 1) ? pid : -1;
}

/* Root finds its own by name first, then the only one, and is told of several. */
TEST_F(device, names_for_root)
{
	const pid_t alice = holder(ALICE, self->fd);
	int group;
	pid_t bob;

	ASSERT_LT(0, alice);
	group = open_named(self->fd, "web");
	ASSERT_LE(0, group);
	EXPECT_EQ(ALICE, get_info(group).owner);
	close(group);
	bob = holder(BOB, self->fd);
	ASSERT_LT(0, bob);
	EXPECT_EQ(-ENOTUNIQ, open_web(self->fd));
	group = create_named(self->fd, "web");
	ASSERT_LE(0, group);
	EXPECT_EQ(0, open_web(self->fd));
	close(group);
	end_namespace(alice);
	end_namespace(bob);
	EXPECT_TRUE(EVENTUALLY(groups_listed(self->fd) == 0));
}

/* As many as it can, up to 100. A count, or -errno of the last where not @expected. */
static int create_many(int device, int expected)
{
	int count, group = 0;

	for (count = 0; count < 100; count++) {
		group = create_named(device, "");
		if (group < 0)
			break;
	}
	return count == 100 || group == expected ? -count : group;
}

static int as_many_as_one_may(int device)
{
	return create_many(device, -EDQUOT);
}

/* What a user namespace of one's own, and one in it, bring. */
static int more_by_namespaces(int device)
{
	if (as_many_as_one_may(device) != -5)
		return -99;
	if (!own_user_namespace())
		return -98;
	if (create_named(device, "") != -EDQUOT)
		return -97;
	if (!own_user_namespace())
		return -96;
	return create_named(device, "");
}

static int in_another_namespace_first(int device)
{
	return own_user_namespace() ? more_by_namespaces(device) : -95;
}

TEST_F(device, groups_of_one_user_are_limited)
{
	ASSERT_TRUE(write_to(LIMIT, "5"));
	EXPECT_EQ(-5, as_user(ALICE, as_many_as_one_may, self->fd));
	/* They are gone with their descriptors. */
	EXPECT_EQ(-5, as_user(ALICE, as_many_as_one_may, self->fd));
	EXPECT_EQ(-EDQUOT, as_user(ALICE, more_by_namespaces, self->fd));
	EXPECT_EQ(-EDQUOT, as_user(ALICE, in_another_namespace_first, self->fd));
	/* CAP_SYS_RESOURCE, as for the kernel's own limits. */
	EXPECT_EQ(-100, as_user(0, as_many_as_one_may, self->fd));
	EXPECT_TRUE(write_to(LIMIT, "1024"));
	EXPECT_TRUE(EVENTUALLY(groups_listed(self->fd) == 0));
}

static int hold_as_many(int device)
{
	if (as_many_as_one_may(device) == -5)
		for (;;)
			pause();
	return 1;
}

TEST_F(device, limits_are_apart)
{
	pid_t alice;

	ASSERT_TRUE(write_to(LIMIT, "5"));
	alice = fork();
	if (!alice)
		_exit(setgid(ALICE) || setuid(ALICE) || hold_as_many(self->fd));
	EXPECT_TRUE(EVENTUALLY(groups_listed(self->fd) == 5));
	EXPECT_EQ(-5, as_user(BOB, as_many_as_one_may, self->fd));
	EXPECT_EQ(0, as_user(BOB, how_many_listed, self->fd));
	end_namespace(alice);
	EXPECT_TRUE(write_to(LIMIT, "1024"));
	EXPECT_TRUE(EVENTUALLY(groups_listed(self->fd) == 0));
}

static bool is_hooked(void)
{
	char line[256];
	FILE *const file = fopen("/sys/kernel/tracing/enabled_functions", "re");
	bool hooked = false;

	while (file && fgets(line, sizeof(line), file))
		hooked = hooked || !strncmp(line, "alloc_pid ", 10);
	if (file)
		fclose(file);
	return hooked;
}

/* A group that is not bound holds nothing of the kernel's. */
TEST_F_TIMEOUT(group, hooks_come_with_the_bind, 60)
{
	pid_t init;

	ASSERT_TRUE(EVENTUALLY(!is_hooked()));
	EXPECT_EQ(VPROCNS_STATE_NEW, get_info(self->group).state);
	init = sleeping_group(self->group);
	ASSERT_LT(0, init);
	EXPECT_TRUE(is_hooked());
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
	/* Nor does one that has ended. */
	EXPECT_TRUE(EVENTUALLY(!is_hooked()));
	EXPECT_EQ(VPROCNS_STATE_ENDED, get_info(self->group).state);
}

static int kill_group(int group)
{
	return call(group, VPROCNS_KILL, NULL);
}

TEST_F(group, kill_by_the_owner)
{
	const pid_t init = sleeping_group(self->group);

	ASSERT_LT(0, init);
	EXPECT_EQ(-EPERM, as_user(ALICE, kill_group, self->group));
	EXPECT_EQ(VPROCNS_STATE_BOUND, get_info(self->group).state);
	EXPECT_EQ(0, kill_group(self->group));
	EXPECT_EQ(128 + SIGKILL, status_of(init));
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).state ==
			       VPROCNS_STATE_ENDED));
	EXPECT_EQ(-ESRCH, kill_group(self->group));
}

MEMBER_TEST(kill_by_a_member)
{
	EXPECT_EQ(-EPERM, kill_group(self->group));
	STILL_HELD(FIRST + 1);
}

TEST_F(group, kill_before_the_bind)
{
	const pid_t init = sleeping_namespace();
	const int fd = sys_pidfd_open(init);

	EXPECT_EQ(-EPERM, as_user(ALICE, kill_group, self->group));
	EXPECT_EQ(0, kill_group(self->group));
	EXPECT_EQ(VPROCNS_STATE_ENDED, get_info(self->group).state);
	EXPECT_EQ(0, get_info(self->group).ns_inum);
	EXPECT_EQ(-EALREADY, bind_group(self->group, fd));
	EXPECT_EQ(-ESRCH, kill_group(self->group));
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
	close(fd);
}

/* The administrator sees whose a group is, and ends it. */
TEST_F(device, kill_by_the_administrator)
{
	const pid_t init = group_of_alice(self->fd);
	int group;

	ASSERT_LT(0, init);
	ASSERT_TRUE(EVENTUALLY(is_bound(self->fd, "alices")));
	group = open_named(self->fd, "alices");
	ASSERT_LE(0, group);
	EXPECT_EQ(ALICE, get_info(group).owner);
	EXPECT_EQ(-EPERM, as_user(BOB, kill_group, group));
	EXPECT_EQ(0, as_user(ALICE, kill_group, group));
	EXPECT_TRUE(EVENTUALLY(get_info(group).state == VPROCNS_STATE_ENDED));
	close(group);
	EXPECT_LT(0, group_of_alice(self->fd));
	ASSERT_TRUE(EVENTUALLY(is_bound(self->fd, "alices")));
	group = open_named(self->fd, "alices");
	EXPECT_EQ(0, kill_group(group));
	EXPECT_TRUE(EVENTUALLY(get_info(group).state == VPROCNS_STATE_ENDED));
	close(group);
	EXPECT_TRUE(EVENTUALLY(groups_listed(self->fd) == 0));
}

TEST_HARNESS_MAIN
