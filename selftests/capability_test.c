// SPDX-License-Identifier: GPL-2.0
/*
 * capget(2) and capset(2) in a group, at the native entry, the 32-bit one and
 * x32's. What the tool drops before a program starts is in tool_test.sh.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <sys/mman.h>

#include "common.h"
#include "fuzz.h"

FIXTURE_VARIANT_ADD(group, shadow) { { .profile = VPROCNS_PROFILE_SHADOW } };
FIXTURE_VARIANT_ADD(group, strict) {
	{ .profile = VPROCNS_PROFILE_SHADOW_STRICT }
};
FIXTURE_VARIANT_ADD(group, linux_empty) {
	{ .profile = VPROCNS_PROFILE_LINUX, .caps = VPROCNS_CAPS_EMPTY }
};
FIXTURE_VARIANT_ADD(group, linux) { { .profile = VPROCNS_PROFILE_LINUX } };

/* In the low 4 GiB, for the 32-bit entry; two words and one that stays. */
struct memory {
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[3];
};

enum entry {
	NATIVE,
#ifdef __x86_64__
	COMPAT,
	X32,
#endif
	ENTRIES
};

static struct memory *memory;

/* 0 or -errno. */
static int cap_call(enum entry entry, bool set, const void *header,
		    const void *data)
{
	const long nr = set ? SYS_capset : SYS_capget;

	switch (entry) {
#ifdef __x86_64__
	case COMPAT:
		return int80(set ? 185 : 184, (long)header, (long)data);
	case X32:
		return raw(syscall(x32(nr), header, data));
#endif
	default:
		return raw(syscall(nr, header, data));
	}
}

static int get(enum entry entry, __u32 version, int pid)
{
	memory->header.version = version;
	memory->header.pid = pid;
	memset(memory->data, 0x5a, sizeof(memory->data));
	return cap_call(entry, false, &memory->header, memory->data);
}

static int set(enum entry entry, __u32 version, int pid, int word, __u32 bits)
{
	memory->header.version = version;
	memory->header.pid = pid;
	memset(memory->data, 0, sizeof(memory->data));
	memory->data[word].permitted = bits;
	return cap_call(entry, true, &memory->header, memory->data);
}

/* Whether exactly the first @words are empty and the rest is untouched. */
static bool is_empty(int words)
{
	static const struct __user_cap_data_struct none;
	struct __user_cap_data_struct untouched;
	int i;

	memset(&untouched, 0x5a, sizeof(untouched));
	for (i = 0; i < 3; i++)
		if (memcmp(&memory->data[i], i < words ? &none : &untouched,
			   sizeof(none)))
			return false;
	return true;
}

static bool is_strict(const FIXTURE_VARIANT(group) *variant)
{
	return variant->create.profile == VPROCNS_PROFILE_SHADOW_STRICT;
}

static bool is_host(const FIXTURE_VARIANT(group) *variant)
{
	return variant->create.profile == VPROCNS_PROFILE_LINUX &&
	       !variant->create.caps;
}

#ifdef __x86_64__
TEST(x32_entry)
{
	try_x32(_metadata);
}
#endif

#define FOR_EACH_ENTRY(entry)						\
	if (is_host(variant))						\
		SKIP(return, "this group has the kernel's own view");	\
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE,		\
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);	\
	ASSERT_NE(MAP_FAILED, memory);					\
	for (enum entry entry = NATIVE; entry < ENTRIES; entry++)

MEMBER_TEST(version_3)
{
	FOR_EACH_ENTRY(entry) {
		EXPECT_EQ(0, get(entry, _LINUX_CAPABILITY_VERSION_3, 0));
		EXPECT_TRUE(is_empty(2));
	}
}

MEMBER_TEST(versions_1_and_2)
{
	const int expected = is_strict(variant) ? -EINVAL : 0;

	FOR_EACH_ENTRY(entry) {
		EXPECT_EQ(expected, get(entry, _LINUX_CAPABILITY_VERSION_1, 0));
		EXPECT_TRUE(is_empty(expected ? 0 : 1));
		EXPECT_EQ(expected, get(entry, _LINUX_CAPABILITY_VERSION_2, 0));
		EXPECT_TRUE(is_empty(expected ? 0 : 2));
		EXPECT_EQ(expected,
			  set(entry, _LINUX_CAPABILITY_VERSION_1, 0, 0, 0));
		/* With version 1 the second word is not looked at. */
		EXPECT_EQ(expected,
			  set(entry, _LINUX_CAPABILITY_VERSION_1, 0, 1, 1));
		EXPECT_EQ(-EINVAL,
			  set(entry, _LINUX_CAPABILITY_VERSION_2, 0, 1, 1));
	}
}

MEMBER_TEST(unknown_version)
{
	FOR_EACH_ENTRY(entry) {
		EXPECT_EQ(-EINVAL, get(entry, 12345, 0));
		EXPECT_TRUE(is_empty(0));
		EXPECT_EQ(_LINUX_CAPABILITY_VERSION_3, memory->header.version);
		EXPECT_EQ(-EINVAL, set(entry, 12345, 0, 0, 0));
		EXPECT_EQ(_LINUX_CAPABILITY_VERSION_3, memory->header.version);
	}
}

/* The way to ask which version the kernel likes best. */
MEMBER_TEST(no_data)
{
	FOR_EACH_ENTRY(entry) {
		memory->header.version = 12345;
		EXPECT_EQ(is_strict(variant) ? -EINVAL : 0,
			  cap_call(entry, false, &memory->header, NULL));
		EXPECT_EQ(_LINUX_CAPABILITY_VERSION_3, memory->header.version);
		EXPECT_EQ(0, cap_call(entry, false, &memory->header, NULL));
		/* Linux: what is not there is not copied from. */
		EXPECT_EQ(-EFAULT, cap_call(entry, true, &memory->header, NULL));
	}
}

MEMBER_TEST(bad_memory)
{
	FOR_EACH_ENTRY(entry) {
		EXPECT_EQ(-EFAULT, cap_call(entry, false, NULL, memory->data));
		EXPECT_EQ(-EFAULT, cap_call(entry, true, NULL, memory->data));
		memory->header.version = _LINUX_CAPABILITY_VERSION_3;
		memory->header.pid = 0;
		EXPECT_EQ(-EFAULT, cap_call(entry, false, &memory->header,
					    (void *)8));
		EXPECT_EQ(-EFAULT, cap_call(entry, true, &memory->header,
					    (void *)8));
	}
}

/* Linux's way: a part that can be written may have been. */
MEMBER_TEST(data_that_can_be_written_in_part)
{
	unsigned char *const page =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct __user_cap_data_struct *const data = (void *)(page + 4096 - 12);

	ASSERT_NE(MAP_FAILED, (void *)page);
	ASSERT_EQ(0, mprotect(page + 4096, 4096, PROT_NONE));
	FOR_EACH_ENTRY(entry) {
		memory->header.version = _LINUX_CAPABILITY_VERSION_3;
		memory->header.pid = 0;
		/* The second of two does not fit. */
		EXPECT_EQ(-EFAULT, cap_call(entry, false, &memory->header, data));
		if (is_strict(variant))
			continue;
		memory->header.version = _LINUX_CAPABILITY_VERSION_1;
		EXPECT_EQ(0, cap_call(entry, false, &memory->header, data));
	}
}

MEMBER_TEST(other_pids)
{
	const pid_t child = sleeper();

	FOR_EACH_ENTRY(entry) {
		EXPECT_EQ(0, get(entry, _LINUX_CAPABILITY_VERSION_3, FIRST));
		EXPECT_TRUE(is_empty(2));
		EXPECT_EQ(0, get(entry, _LINUX_CAPABILITY_VERSION_3, child));
		EXPECT_TRUE(is_empty(2));
		EXPECT_EQ(0, get(entry, _LINUX_CAPABILITY_VERSION_3, 1));
		EXPECT_TRUE(is_empty(2));
		EXPECT_EQ(-ESRCH, get(entry, _LINUX_CAPABILITY_VERSION_3, 4000));
		EXPECT_EQ(-EINVAL, get(entry, _LINUX_CAPABILITY_VERSION_3, -1));
		EXPECT_TRUE(is_empty(0));
		EXPECT_EQ(0, set(entry, _LINUX_CAPABILITY_VERSION_3, FIRST, 0,
				 0));
		EXPECT_EQ(-EPERM, set(entry, _LINUX_CAPABILITY_VERSION_3, child,
				      0, 0));
	}
	kill(child, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, status_of(child));
}

/* By @entry: 0 or -errno. */
static int set_all(enum entry entry, __u32 permitted, __u32 inheritable)
{
	memory->header.version = _LINUX_CAPABILITY_VERSION_3;
	memory->header.pid = 0;
	memset(memory->data, 0, sizeof(memory->data));
	memory->data[0].permitted = permitted;
	memory->data[0].effective = permitted;
	memory->data[0].inheritable = inheritable;
	return cap_call(entry, true, &memory->header, memory->data);
}

#define A_FEW (_BITUL(CAP_CHOWN) | _BITUL(CAP_SYS_ADMIN))

/*
 * A child that has all capabilities gives up most of them, then the rest. Returns
 * the line of what was wrong.
 */
static int give_up(enum entry entry, __u32 version)
{
	if (real_set("CapPrm") != real_set("CapBnd"))
		return __LINE__;
	if (set_all(entry, A_FEW, 1U << CAP_CHOWN))
		return __LINE__;
	if (real_set("CapPrm") != A_FEW || real_set("CapEff") != A_FEW)
		return __LINE__;
	/* More than there is: Linux says no. */
	if (set_all(entry, ~0U, 0) != -EPERM || real_set("CapPrm") != A_FEW)
		return __LINE__;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0) ||
	    real_set("CapAmb") != 1U << CAP_CHOWN)
		return __LINE__;
	/* The view is empty all the time. */
	if (get(entry, version, 0) || memory->data[0].effective)
		return __LINE__;
	if (mount("none", "/proc/fs", "tmpfs", 0, NULL))
		return __LINE__;
	if (set(entry, version, 0, 0, 0) || real_sets())
		return __LINE__;
	if (!mount("none", "/proc/fs", "tmpfs", 0, NULL) || errno != EPERM)
		return __LINE__;
	/* From here on the view is a true one. */
	if (set(entry, version, 0, 0, 1) != -EINVAL ||
	    set(entry, version, 0, 0, 0) || real_sets())
		return __LINE__;
	return 0;
}

/* A drop that is answered by 0 has happened, for all that later asks. */
MEMBER_TEST(what_is_given_up_is_gone)
{
	static const __u32 versions[] = {
		_LINUX_CAPABILITY_VERSION_3, _LINUX_CAPABILITY_VERSION_2,
		_LINUX_CAPABILITY_VERSION_1,
	};
	const size_t count = is_strict(variant) ? 1 : ARRAY_SIZE(versions);
	int *const wrong = shared_memory(sizeof(*wrong));
	size_t i;
	pid_t child;

	ASSERT_NE(NULL, wrong);
	FOR_EACH_ENTRY(entry) {
		for (i = 0; i < count; i++) {
			child = fork();
			if (!child) {
				*wrong = give_up(entry, versions[i]);
				_exit(0);
			}
			EXPECT_EQ(0, status_of(child));
			EXPECT_EQ(0, *wrong) {
				TH_LOG("line %d, entry %d, version %#x", *wrong,
				       entry, versions[i]);
			}
		}
	}
}

/* What a thread keeps by an inheritable set alone is a capability as well. */
MEMBER_TEST(inheritable_alone)
{
	pid_t child;

	FOR_EACH_ENTRY(entry) {
		child = fork();
		if (!child) {
			if (set_all(entry, 0, 1U << CAP_CHOWN) ||
			    real_set("CapInh") != 1U << CAP_CHOWN)
				_exit(1);
			if (set_all(entry, 0, 0) || real_sets())
				_exit(2);
			_exit(0);
		}
		EXPECT_EQ(0, status_of(child));
	}
}

MEMBER_TEST(only_nothing_can_be_set)
{
	FOR_EACH_ENTRY(entry) {
		EXPECT_EQ(0, set(entry, _LINUX_CAPABILITY_VERSION_3, 0, 0, 0));
		EXPECT_EQ(-EINVAL,
			  set(entry, _LINUX_CAPABILITY_VERSION_3, 0, 0, 1));
		EXPECT_EQ(-EINVAL, set(entry, _LINUX_CAPABILITY_VERSION_3, 0, 1,
				       1U << 31));
	}
}

/* Threads of another task ask for themselves: also pid 0 in a new process. */
MEMBER_TEST(children_see_the_same)
{
	const pid_t child = fork();

	if (!child) {
		memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (get(NATIVE, _LINUX_CAPABILITY_VERSION_3, 0))
			_exit(1);
		_exit(is_empty(2) ? 0 : 2);
	}
	EXPECT_EQ(is_host(variant) ? 2 : 0, status_of(child));
}

/* A random capset by @entry, half of them of nothing; the kernel's own answer to it. */
static int random_set(__u64 *state, enum entry entry, bool *of_nothing)
{
	static const __u32 versions[] = {
		_LINUX_CAPABILITY_VERSION_3, _LINUX_CAPABILITY_VERSION_3,
		_LINUX_CAPABILITY_VERSION_3, _LINUX_CAPABILITY_VERSION_2,
		_LINUX_CAPABILITY_VERSION_1, 0, 0x20080523,
	};
	const int pids[] = { 0, 0, 0, getpid(), 1, getppid(), -1, 4000 };
	const __u32 drop = next_random(state);
	const void *data = memory->data;
	unsigned int i;

	memory->header.version = ONE_OF(state, versions);
	memory->header.pid = ONE_OF(state, pids);
	memset(memory->data, 0, sizeof(memory->data));
	*of_nothing = once_in(state, 2);
	for (i = 0; i < 2 && !*of_nothing; i++) {
		const unsigned long long have = real_set("CapPrm") >> 32 * i;

		memory->data[i].permitted = have & drop;
		memory->data[i].effective = have & drop & next_random(state);
		memory->data[i].inheritable = have & next_random(state) &
					      next_random(state);
		if (once_in(state, 8))
			memory->data[i].permitted ^= 1U << below(state, 32);
	}
	*of_nothing = !memory->data[0].permitted && !memory->data[1].permitted &&
		      !memory->data[0].inheritable && !memory->data[1].inheritable;
	if (once_in(state, 16))
		data = once_in(state, 2) ? NULL : (void *)1;
	return cap_call(entry, true, &memory->header, data);
}

/* A life of random calls. Returns the line of what was wrong. */
static int give_up_at_random(__u64 *state)
{
	unsigned int round;

	for (round = 0; round < 8; round++) {
		unsigned long long before, inheritable;
		bool of_nothing;
		int ret;

		if (once_in(state, 4))
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE,
			      below(state, 40), 0, 0);
		before = real_sets();
		inheritable = real_set("CapInh");
		ret = random_set(state, below(state, ENTRIES), &of_nothing);
		if (ret) {
			if (real_sets() != before)
				return __LINE__;
		} else if (of_nothing) {
			if (real_sets())
				return __LINE__;
		} else if (real_sets() & ~(before | inheritable)) {
			return __LINE__;
		} else if (memory->header.version != _LINUX_CAPABILITY_VERSION_1) {
			/* Linux leaves out what is no capability. */
			const unsigned long long asked =
				memory->data[0].permitted |
				(unsigned long long)memory->data[1].permitted << 32;

			if (real_set("CapPrm") != (asked & real_set("CapBnd")))
				return __LINE__;
		}
	}
	return 0;
}

/* COUNT lives: after a 0 the sets are what was asked for, after an errno as before. */
MEMBER_TEST(what_it_says_has_happened)
{
	const __u64 seed = run_seed(), count = environment("COUNT", 60);
	int *const wrong = shared_memory(sizeof(*wrong));
	__u64 state = seed, i;

	ASSERT_NE(NULL, wrong);
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, memory);
	for (i = 0; i < count; i++) {
		const pid_t child = fork();

		if (!child) {
			*wrong = give_up_at_random(&state);
			_exit(0);
		}
		ASSERT_EQ(0, status_of(child));
		ASSERT_EQ(0, *wrong) {
			TH_LOG("line %d; SEED=%llu, life %llu", *wrong, seed, i);
		}
		next_random(&state);
	}
}

static bool has_all(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {};

	return !syscall(SYS_capget, &header, data) &&
	       data[0].effective == ~0U;
}

MEMBER_TEST(host_view_is_untouched)
{
	EXPECT_EQ(is_host(variant), has_all());
}

TEST_F(group, outsiders_are_untouched)
{
	const pid_t init = enter_group(self->group);

	if (!init) {
		usleep(200000);
		_exit(0);
	}
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).members == 2));
	EXPECT_TRUE(has_all());
	EXPECT_EQ(0, status_of(init));
}

TEST_HARNESS_MAIN
