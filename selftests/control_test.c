// SPDX-License-Identifier: GPL-2.0
/* The interface: every ioctl with sense and with nonsense. */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "common.h"

FIXTURE_VARIANT_ADD(group, shadow) { {} };

/* The ioctl @cmd with another size of its struct. */
static unsigned int sized(unsigned int cmd, size_t size)
{
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size);
}

static int create(int fd, const struct vprocns_create *request)
{
	const int group = call(fd, VPROCNS_CREATE, (void *)request);

	if (group < 0)
		return group;
	close(group);
	return 0;
}

static int pid_max(void)
{
	FILE *const file = fopen("/proc/sys/kernel/pid_max", "re");
	int value = 0;

	if (!file || fscanf(file, "%d", &value) != 1)
		return -1;
	fclose(file);
	return value;
}

TEST_F(device, version)
{
	EXPECT_EQ(VPROCNS_ABI_VERSION, call(self->fd, VPROCNS_VERSION, NULL));
}

TEST_F(device, unknown_ioctls)
{
	EXPECT_EQ(-ENOTTY, call(self->fd, _IO(VPROCNS_IOC, 0x7f), NULL));
	EXPECT_EQ(-ENOTTY, call(self->fd, _IO('x', 1), NULL));
	EXPECT_EQ(-ENOTTY, call(self->fd, VPROCNS_INFO, NULL));
	EXPECT_EQ(-ENOTTY, call(self->fd, 0, NULL));
	EXPECT_EQ(-ENOTTY, call(self->fd, ~0U, NULL));
}

TEST_F(device, create_refuses_unknown_values)
{
	const struct vprocns_create wrong[] = {
		{ .flags = 1U << 2 }, { .flags = 1U << 31 },
		{ .profile = 4 }, { .profile = ~0U },
		{ .numbering = 2 }, { .vfork = 3 }, { .caps = 4 },
		{ .reserved = 1 }, { .seed = 1 },
		{ .allowed = CLONE_VM },
		{ .flags = VPROCNS_CREATE_ALLOWED, .allowed = CLONE_NEWPID },
		{ .flags = VPROCNS_CREATE_ALLOWED, .allowed = CLONE_NEWUSER },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		EXPECT_EQ(-EINVAL, create(self->fd, &wrong[i])) {
			TH_LOG("request %zu", i);
		}
	EXPECT_EQ(0, create(self->fd, &self->create));
}

TEST_F(device, create_checks_the_range)
{
	const unsigned int max = pid_max();
	const struct {
		unsigned int first, last;
		int expected;
	} ranges[] = {
		{ 1, 0, -EINVAL }, { 2, 0, 0 }, { 2, 2, 0 }, { 3, 2, -EINVAL },
		{ 0, 999, -EINVAL }, { 0, 1000, 0 }, { 0, 1, -EINVAL },
		{ max - 1, 0, 0 }, { max, 0, -EINVAL },
		{ 0, max - 1, 0 }, { 0, max, -EINVAL },
		{ ~0U, 0, -EINVAL }, { 0, ~0U, -EINVAL }, { ~0U, ~0U, -EINVAL },
		{ 1U << 31, 0, -EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		self->create.first = ranges[i].first;
		self->create.last = ranges[i].last;
		EXPECT_EQ(ranges[i].expected,
			  create(self->fd, &self->create)) {
			TH_LOG("%u to %u", ranges[i].first, ranges[i].last);
		}
	}
}

TEST_F(device, create_checks_the_name)
{
	const char *const wrong[] = { "1", "-a", ".a", "a b", "a/b", "a\n", "\xe4" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		strcpy(self->create.name, wrong[i]);
		EXPECT_EQ(-EINVAL, create(self->fd, &self->create)) {
			TH_LOG("'%s'", wrong[i]);
		}
	}
	/* No end, and something behind the end. */
	memset(self->create.name, 'a', VPROCNS_NAME_LEN);
	EXPECT_EQ(-EINVAL, create(self->fd, &self->create));
	self->create.name[5] = '\0';
	EXPECT_EQ(-EINVAL, create(self->fd, &self->create));
	memset(self->create.name, 0, VPROCNS_NAME_LEN);
	self->create.name[1] = 'a';
	EXPECT_EQ(-EINVAL, create(self->fd, &self->create));
	strcpy(self->create.name, "A-b.c_9");
	EXPECT_EQ(0, create(self->fd, &self->create));
}

TEST_F(device, structs_may_grow)
{
	struct {
		struct vprocns_create create;
		__u64 later[4];
	} newer = {};
	const int group = call(self->fd, sized(VPROCNS_CREATE, sizeof(newer)),
			       &newer);

	EXPECT_LE(0, group);
	close(group);
	newer.later[3] = 1;
	EXPECT_EQ(-E2BIG, call(self->fd, sized(VPROCNS_CREATE, sizeof(newer)),
			       &newer));
	EXPECT_EQ(-EINVAL, call(self->fd, sized(VPROCNS_CREATE, 64), &newer));
	EXPECT_EQ(-EINVAL, call(self->fd, sized(VPROCNS_CREATE, 0), &newer));
	EXPECT_EQ(-EINVAL, call(self->fd, sized(VPROCNS_OPEN, 4), &newer));
	EXPECT_EQ(-EINVAL, call(self->fd, sized(VPROCNS_LIST, 4), &newer));
}

/* Programs built before the structs grew: what is behind is not touched. */
TEST_F(device, structs_of_the_first_version)
{
	struct vprocns_create create = { .seed = 1 };
	struct vprocns_stats stats;
	struct vprocns_info info;
	const int group = call(self->fd, sized(VPROCNS_CREATE, 72), &create);

	ASSERT_LE(0, group);
	memset(&stats, 0xff, sizeof(stats));
	memset(&info, 0xff, sizeof(info));
	EXPECT_EQ(0, call(group, sized(VPROCNS_STATS, 240), &stats));
	EXPECT_EQ(0, stats.refused[VPROCNS_REFUSED_SLOTS - 1]);
	EXPECT_EQ(~0ULL, stats.collisions);
	EXPECT_EQ(0, call(group, sized(VPROCNS_INFO, 104), &info));
	EXPECT_EQ(FIRST, info.first);
	EXPECT_EQ(~0ULL, info.seed);
	close(group);
}

TEST_F(group, answers_may_grow)
{
	struct {
		struct vprocns_info info;
		__u64 later[4];
	} newer;

	memset(&newer, 0xff, sizeof(newer));
	EXPECT_EQ(0, call(self->group, sized(VPROCNS_INFO, sizeof(newer)),
			  &newer));
	EXPECT_EQ(0, newer.later[0] | newer.later[3]);
	EXPECT_EQ(-EINVAL, call(self->group, sized(VPROCNS_INFO, 8), &newer));
	EXPECT_EQ(-EINVAL, call(self->group, sized(VPROCNS_STATS, 8), &newer));
	EXPECT_EQ(-EINVAL, call(self->group, sized(VPROCNS_BIND, 4), &newer));
	EXPECT_EQ(-EINVAL, call(self->group, sized(VPROCNS_TRANSLATE, 4),
				&newer));
	EXPECT_EQ(-EINVAL, call(self->group, sized(VPROCNS_MEMBERS, 4),
				&newer));
}

TEST_F(group, bad_memory)
{
	const unsigned int group_calls[] = {
		VPROCNS_BIND, VPROCNS_INFO, VPROCNS_STATS, VPROCNS_TRANSLATE,
		VPROCNS_MEMBERS,
	};
	const unsigned int device_calls[] = {
		VPROCNS_CREATE, VPROCNS_OPEN, VPROCNS_LIST,
	};
	const int device = open_device();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(group_calls); i++)
		EXPECT_EQ(-EFAULT, call(self->group, group_calls[i],
					(void *)8));
	for (i = 0; i < ARRAY_SIZE(device_calls); i++)
		EXPECT_EQ(-EFAULT, call(device, device_calls[i], (void *)8));
	close(device);
}

TEST_F(group, answers_to_read_only_memory)
{
	void *const page = mmap(NULL, 4096, PROT_READ,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vprocns_list list = { .ids = 8, .capacity = 4 };
	struct vprocns_members members = { .members = 8, .capacity = 4 };
	const int device = open_device();
	const pid_t init = enter_group(self->group);

	if (!init) {
		usleep(300000);
		_exit(0);
	}
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).members == 2));
	EXPECT_EQ(-EFAULT, call(self->group, VPROCNS_INFO, page));
	EXPECT_EQ(-EFAULT, call(self->group, VPROCNS_STATS, page));
	EXPECT_EQ(-EFAULT, call(device, VPROCNS_LIST, page));
	EXPECT_EQ(-EFAULT, call(device, VPROCNS_LIST, &list));
	EXPECT_EQ(-EFAULT, call(self->group, VPROCNS_MEMBERS, &members));
	EXPECT_EQ(0, status_of(init));
	close(device);
}

TEST_F(group, unknown_ioctls)
{
	EXPECT_EQ(-ENOTTY, call(self->group, VPROCNS_VERSION, NULL));
	EXPECT_EQ(-ENOTTY, call(self->group, VPROCNS_CREATE, NULL));
	EXPECT_EQ(-ENOTTY, call(self->group, _IO(VPROCNS_IOC, 0x7f), NULL));
	EXPECT_EQ(-ENOTTY, call(self->group, _IO('x', 0x11), NULL));
}

TEST_F(group, reserved_fields)
{
	struct vprocns_bind bind = { .pidfd = -1, .flags = 1U << 31 };
	struct vprocns_translate translate = { .tid = 1, .reserved = 1 };
	struct vprocns_members members = {};

	EXPECT_EQ(-EINVAL, call(self->group, VPROCNS_BIND, &bind));
	EXPECT_EQ(-EINVAL, call(self->group, VPROCNS_TRANSLATE, &translate));
	translate = (struct vprocns_translate) { .direction = 2, .tid = 1 };
	EXPECT_EQ(-EINVAL, call(self->group, VPROCNS_TRANSLATE, &translate));
	members = (struct vprocns_members) { .after = -1 };
	EXPECT_EQ(-EINVAL, call(self->group, VPROCNS_MEMBERS, &members));
}

TEST_F(device, names_are_unique)
{
	struct vprocns_open open = {};
	int group, again;

	strcpy(self->create.name, "unique");
	strcpy(open.name, "unique");
	EXPECT_EQ(-ENOENT, call(self->fd, VPROCNS_OPEN, &open));
	group = call(self->fd, VPROCNS_CREATE, &self->create);
	ASSERT_LE(0, group);
	EXPECT_EQ(-EEXIST, create(self->fd, &self->create));
	again = call(self->fd, VPROCNS_OPEN, &open);
	ASSERT_LE(0, again);
	EXPECT_EQ(get_info(group).id, get_info(again).id);
	close(group);
	/* One descriptor is enough to live. */
	EXPECT_EQ(-EEXIST, create(self->fd, &self->create));
	close(again);
	EXPECT_EQ(-ENOENT, call(self->fd, VPROCNS_OPEN, &open));
	EXPECT_EQ(0, create(self->fd, &self->create));
}

TEST_F(group, open_by_id)
{
	const struct vprocns_info info = get_info(self->group);
	struct vprocns_open open = { .id = info.id };
	const int device = open_device();
	const int group = call(device, VPROCNS_OPEN, &open);

	ASSERT_LE(0, group);
	EXPECT_EQ(info.id, get_info(group).id);
	EXPECT_NE(0, fcntl(group, F_GETFD) & FD_CLOEXEC);
	close(group);
	open.id = ~0ULL;
	EXPECT_EQ(-ENOENT, call(device, VPROCNS_OPEN, &open));
	strcpy(open.name, "both");
	EXPECT_EQ(-EINVAL, call(device, VPROCNS_OPEN, &open));
	memset(&open, 0, sizeof(open));
	EXPECT_EQ(-EINVAL, call(device, VPROCNS_OPEN, &open));
	memset(open.name, 'a', sizeof(open.name));
	EXPECT_EQ(-EINVAL, call(device, VPROCNS_OPEN, &open));
	close(device);
}

TEST_F(device, list_pages)
{
	__u64 ids[2] = {};
	struct vprocns_list list = { .ids = (uintptr_t)ids, .capacity = 2 };
	int groups[5], i;
	__u64 last = 0;

	for (i = 0; i < 5; i++) {
		groups[i] = call(self->fd, VPROCNS_CREATE, &self->create);
		ASSERT_LE(0, groups[i]);
	}
	list.after = get_info(groups[0]).id - 1;
	for (i = 0; i < 5; i++) {
		if (i % 2 == 0) {
			ASSERT_EQ(0, call(self->fd, VPROCNS_LIST, &list));
			EXPECT_EQ(i < 4 ? 2 : 1, list.count);
		}
		EXPECT_EQ(get_info(groups[i]).id, ids[i % 2]);
		EXPECT_LT(last, ids[i % 2]);
		last = ids[i % 2];
	}
	list.capacity = 0;
	EXPECT_EQ(0, call(self->fd, VPROCNS_LIST, &list));
	EXPECT_EQ(0, list.count);
	for (i = 0; i < 5; i++)
		close(groups[i]);
}

TEST_F(group, translate)
{
	const pid_t init = sleeping_group(self->group);
	struct vprocns_translate translate = { .tid = FIRST };
	pid_t host;

	ASSERT_LT(0, init);
	ASSERT_EQ(0, call(self->group, VPROCNS_TRANSLATE, &translate));
	host = translate.result;
	EXPECT_NE(FIRST, host);
	translate = (struct vprocns_translate) {
		.direction = VPROCNS_TO_VIRTUAL, .tid = host,
	};
	ASSERT_EQ(0, call(self->group, VPROCNS_TRANSLATE, &translate));
	EXPECT_EQ(FIRST, translate.result);
	translate.tid = init;
	ASSERT_EQ(0, call(self->group, VPROCNS_TRANSLATE, &translate));
	EXPECT_EQ(1, translate.result);
	/* Alive, but no member. */
	translate.tid = getpid();
	EXPECT_EQ(-ESRCH, call(self->group, VPROCNS_TRANSLATE, &translate));
	translate.tid = -1;
	EXPECT_EQ(-ESRCH, call(self->group, VPROCNS_TRANSLATE, &translate));
	translate = (struct vprocns_translate) { .tid = 2000 };
	EXPECT_EQ(-ESRCH, call(self->group, VPROCNS_TRANSLATE, &translate));
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
	translate.tid = FIRST;
	EXPECT_EQ(-ESRCH, call(self->group, VPROCNS_TRANSLATE, &translate));
}

TEST_F(group, translate_before_the_bind)
{
	struct vprocns_translate translate = { .tid = 1 };
	struct vprocns_members members = { .capacity = 1 };

	EXPECT_EQ(-ESRCH, call(self->group, VPROCNS_TRANSLATE, &translate));
	EXPECT_EQ(0, call(self->group, VPROCNS_MEMBERS, &members));
	EXPECT_EQ(0, members.count);
}

TEST_F(group, members_page)
{
	const pid_t init = enter_group(self->group);
	struct vprocns_member found[2];
	struct vprocns_members members = {
		.members = (uintptr_t)found, .capacity = 2,
		.size = sizeof(*found),
	};
	int i;

	if (!init) {
		for (i = 0; i < 2; i++)
			if (!fork())
				break;
		for (;;)
			pause();
	}
	ASSERT_TRUE(EVENTUALLY(get_info(self->group).members == 4));
	ASSERT_EQ(0, call(self->group, VPROCNS_MEMBERS, &members));
	ASSERT_EQ(2, members.count);
	EXPECT_EQ(1, found[0].tid);
	EXPECT_EQ(init, found[0].host_tid);
	EXPECT_EQ(0, found[0].ppid);
	EXPECT_EQ(FIRST, found[1].tid);
	EXPECT_EQ(FIRST, found[1].tgid);
	EXPECT_EQ(1, found[1].ppid);
	EXPECT_STREQ("control_test", found[1].comm);
	members.capacity = 2;
	ASSERT_EQ(0, call(self->group, VPROCNS_MEMBERS, &members));
	ASSERT_EQ(2, members.count);
	EXPECT_EQ(FIRST + 2, found[1].tid);
	EXPECT_EQ(FIRST, found[1].ppid);
	ASSERT_EQ(0, call(self->group, VPROCNS_MEMBERS, &members));
	EXPECT_EQ(0, members.count);
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
}

/* Each takes what its caller calls a member, and no byte more. */
TEST_F(group, members_of_other_sizes)
{
	const __u32 sizes[] = { 0, 40, 64, sizeof(struct vprocns_member), 96 };
	const __u32 wrong[] = { 8, 39, 41, 44, 5000, ~0U };
	const pid_t init = sleeping_group(self->group);
	struct vprocns_members members = { .capacity = 2 };
	unsigned char found[3 * 96];
	size_t i;

	ASSERT_LT(0, init);
	members.members = (uintptr_t)found;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		const size_t size = sizes[i] ? sizes[i] : 40;
		const struct vprocns_member *const second =
			(void *)(found + size);

		memset(found, 0xff, sizeof(found));
		members.size = sizes[i];
		members.after = 0;
		ASSERT_EQ(0, call(self->group, VPROCNS_MEMBERS, &members));
		EXPECT_EQ(2, members.count);
		EXPECT_EQ(sizes[i], members.size);
		EXPECT_EQ(FIRST, second->tid);
		EXPECT_STREQ("control_test", second->comm);
		EXPECT_EQ(0xff, found[2 * size]);
		EXPECT_NE(0xff, found[2 * size - 1]);
	}
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		members.size = wrong[i];
		EXPECT_EQ(-EINVAL, call(self->group, VPROCNS_MEMBERS, &members));
	}
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
}

TEST_HARNESS_MAIN
