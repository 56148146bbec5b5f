// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever can fail on our paths fails, one thing after the other: memory and
 * copies from and to user space, by /proc/thread-self/fail-nth. A call then
 * works or has its documented errno, and leaves nothing half done. Debian's
 * kernels have no such file; the debug kernel does.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/mman.h>

#include "common.h"

#define DEBUGFS "/sys/kernel/debug/"
#define HOOKED "/sys/kernel/tracing/enabled_functions"

/* The failures of one call: @nth is tried, @hit says that there was an nth. */
struct faults {
	int fd;
	unsigned int nth;
	bool hit;
};

static void start(struct faults *faults)
{
	*faults = (struct faults) {
		.fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC),
	};
	if (faults->fd < 0) {
		perror("fail-nth");
		_exit(1);
	}
}

static void arm(struct faults *faults)
{
	char word[16];
	const int length = snprintf(word, sizeof(word), "%u", ++faults->nth);

	if (pwrite(faults->fd, word, length, 0) != length) {
		perror("arm");
		_exit(1);
	}
}

/* A count that is not at its end may hit our own reading and writing instead. */
static void disarm(struct faults *faults)
{
	char word[16] = {};

	faults->hit = pread(faults->fd, word, sizeof(word) - 1, 0) > 0 &&
		      !atoi(word);
	while (!faults->hit && atoi(word)) {
		if (pwrite(faults->fd, "0", 1, 0) == 1)
			break;
		if (pread(faults->fd, word, sizeof(word) - 1, 0) <= 0)
			break;
	}
}

/* The result of @call with its next failure; for do { } while (faults.hit). */
#define FAULTY(faults, call) ({						\
	long _ret;							\
	arm(faults);							\
	_ret = (call);							\
	disarm(faults);							\
	_ret; })

static bool works_or_documented(int ret)
{
	return ret >= 0 || ret == -ENOMEM || ret == -EFAULT ||
	       ret == -EMFILE || ret == -ENFILE;
}

/* By default only what may not sleep fails, and each failure has a back trace. */
static bool injection_is_set_up(void)
{
	return write_to(DEBUGFS "failslab/ignore-gfp-wait", "N") &&
	       write_to(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N") &&
	       write_to(DEBUGFS "fail_page_alloc/min-order", "0") &&
	       write_to(DEBUGFS "failslab/verbose", "0") &&
	       write_to(DEBUGFS "fail_page_alloc/verbose", "0") &&
	       write_to(DEBUGFS "fail_usercopy/verbose", "0");
}

#define NEEDS_INJECTION() do {						\
	if (access("/proc/thread-self/fail-nth", W_OK))			\
		SKIP(return, "this kernel injects no faults");		\
	ASSERT_TRUE(injection_is_set_up());				\
} while (0)

static bool nothing_hooked(void)
{
	const int fd = open(HOOKED, O_RDONLY | O_CLOEXEC);
	char byte;
	const bool nothing = fd >= 0 && !read(fd, &byte, 1);

	close(fd);
	return nothing;
}

static int count_groups(int device)
{
	__u64 ids[8];
	struct vprocns_list list = { .ids = (uintptr_t)ids, .capacity = 8 };

	return call(device, VPROCNS_LIST, &list) ? -1 : (int)list.count;
}

/* Whether a group does what groups are for. */
static bool numbers(int group)
{
	const pid_t init = enter_group(group);

	if (!init)
		_exit(sys_gettid() != FIRST || spend_number() != FIRST + 1);
	return status_of(init) == 0;
}

FIXTURE_VARIANT_ADD(group, linux) {
	.create = { .profile = VPROCNS_PROFILE_LINUX },
};

/* With the hooks off: the first group brings them up. */
TEST_F_TIMEOUT(device, create_first, 300)
{
	struct faults faults;
	int group;

	NEEDS_INJECTION();
	strcpy(self->create.name, "faulty");
	/* For the tables that it has besides. */
	self->create.numbering = VPROCNS_NUMBERING_LINEAGE;
	start(&faults);
	do {
		ASSERT_TRUE(EVENTUALLY(nothing_hooked()));
		group = FAULTY(&faults, call(self->fd, VPROCNS_CREATE,
					     &self->create));
		EXPECT_TRUE(works_or_documented(group)) {
			TH_LOG("fault %u: %s", faults.nth, strerror(-group));
		}
		if (group < 0) {
			EXPECT_EQ(0, count_groups(self->fd));
			continue;
		}
		EXPECT_TRUE(numbers(group)) {
			TH_LOG("fault %u", faults.nth);
		}
		close(group);
		EXPECT_TRUE(EVENTUALLY(count_groups(self->fd) == 0));
	} while (faults.hit);
	EXPECT_LE(0, group);
	EXPECT_LT(20, faults.nth);
	TH_LOG("%u faults", faults.nth - 1);
}

/* With the hooks on. */
TEST_F_TIMEOUT(group, create_another, 120)
{
	struct vprocns_create create = { .name = "faulty" };
	struct vprocns_open open = { .name = "faulty" };
	const int device = open_device();
	struct faults faults;
	int group;

	NEEDS_INJECTION();
	start(&faults);
	do {
		group = FAULTY(&faults, call(device, VPROCNS_CREATE, &create));
		EXPECT_TRUE(works_or_documented(group)) {
			TH_LOG("fault %u: %s", faults.nth, strerror(-group));
		}
		if (group >= 0)
			close(group);
		EXPECT_EQ(-ENOENT, call(device, VPROCNS_OPEN, &open));
		EXPECT_EQ(1, count_groups(device));
	} while (faults.hit);
	EXPECT_LE(0, group);
	EXPECT_LT(4, faults.nth);
	close(device);
}

/* Those that ask, each of a group that lives. */
TEST_F_TIMEOUT(group, questions, 120)
{
	const int device = open_device();
	struct vprocns_open open = { .id = get_info(self->group).id };
	struct vprocns_member found[4];
	__u64 ids[4];
	struct vprocns_info info;
	struct vprocns_stats stats;
	struct vprocns_list list;
	struct vprocns_members members;
	struct vprocns_translate translate;
	struct faults faults;
	int ret, question;
	pid_t init;

	NEEDS_INJECTION();
	init = sleeping_group(self->group);
	ASSERT_LT(0, init);
	for (question = 0; question < 6; question++) {
		start(&faults);
		do {
			list = (struct vprocns_list) {
				.ids = (uintptr_t)ids, .capacity = 4,
			};
			members = (struct vprocns_members) {
				.members = (uintptr_t)found, .capacity = 4,
			};
			translate = (struct vprocns_translate) { .tid = FIRST };
			ret = FAULTY(&faults,
				question == 0 ? open_and_close(device, &open) :
				question == 1 ? call(device, VPROCNS_LIST, &list) :
				question == 2 ? call(self->group, VPROCNS_INFO, &info) :
				question == 3 ? call(self->group, VPROCNS_STATS, &stats) :
				question == 4 ? call(self->group, VPROCNS_MEMBERS, &members) :
				call(self->group, VPROCNS_TRANSLATE, &translate));
			EXPECT_TRUE(works_or_documented(ret)) {
				TH_LOG("question %d, fault %u: %s", question,
				       faults.nth, strerror(-ret));
			}
		} while (faults.hit);
		EXPECT_LE(0, ret);
		EXPECT_LT(1, faults.nth);
		EXPECT_EQ(question == 1 ? 1 : 0, list.count);
		EXPECT_EQ(question == 4 ? 2 : 0, members.count);
		close(faults.fd);
	}
	EXPECT_EQ(1, get_stats(self->group).clones);
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
	/* Every descriptor that a failed OPEN took is back. */
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).state ==
			       VPROCNS_STATE_ENDED));
	close(self->group);
	EXPECT_TRUE(EVENTUALLY(count_groups(device) == 0));
	close(device);
}

TEST_F_TIMEOUT(device, bind, 120)
{
	struct faults faults;
	int group, fd, ret;
	pid_t init;

	NEEDS_INJECTION();
	start(&faults);
	do {
		group = call(self->fd, VPROCNS_CREATE, &self->create);
		ASSERT_LE(0, group);
		init = sleeping_namespace();
		fd = sys_pidfd_open(init);
		ret = FAULTY(&faults, bind_group(group, fd));
		EXPECT_TRUE(!ret || ret == -EFAULT) {
			TH_LOG("fault %u: %s", faults.nth, strerror(-ret));
		}
		EXPECT_EQ(ret ? VPROCNS_STATE_NEW : VPROCNS_STATE_BOUND,
			  get_info(group).state);
		EXPECT_EQ(ret ? 0 : -EALREADY, bind_group(group, fd));
		EXPECT_EQ(1, get_info(group).members);
		close(fd);
		close(group);
		EXPECT_EQ(128 + SIGKILL, end_namespace(init));
	} while (faults.hit);
	EXPECT_EQ(0, ret);
	EXPECT_LT(1, faults.nth);
	EXPECT_TRUE(EVENTUALLY(count_groups(self->fd) == 0));
}

/*
 * Clones with one failure each, of which those that succeed have the numbers
 * from @next on. Returns the next number; -nth for the one that went wrong.
 */
static int clone_with_faults(int next)
{
	struct faults faults;
	long pid;

	start(&faults);
	do {
		pid = FAULTY(&faults, raw(sys_clone(SIGCHLD)));
		if (!pid)
			_exit(sys_gettid() != next);
		if (pid < 0) {
			if (pid != -ENOMEM && pid != -EAGAIN) {
				fprintf(stderr, "# fault %u: %s\n", faults.nth,
					strerror(-pid));
				return -faults.nth;
			}
		} else {
			if (status_of(pid)) {
				fprintf(stderr, "# fault %u: not %d\n",
					faults.nth, next);
				return -faults.nth;
			}
			next++;
		}
	} while (faults.hit);
	close(faults.fd);
	if (pid < 0 || faults.nth < 20)
		return -faults.nth;
	fprintf(stderr, "# %u faults\n", faults.nth - 1);
	return next;
}

MEMBER_TEST(clone)
{
	int next;

	NEEDS_INJECTION();
	next = clone_with_faults(FIRST + 1);
	ASSERT_LT(FIRST, next);
	EXPECT_EQ(next, spend_number());
}

/* Where the cloner's and the child's records take memory as well. */
TEST_F_TIMEOUT(device, clone_by_lineage, 120)
{
	pid_t init;
	int group, next;

	NEEDS_INJECTION();
	self->create.numbering = VPROCNS_NUMBERING_LINEAGE;
	group = call(self->fd, VPROCNS_CREATE, &self->create);
	ASSERT_LE(0, group);
	init = enter_group(group);
	if (!init) {
		next = clone_with_faults(FIRST + 1);
		_exit(next < FIRST || spend_number() != next);
	}
	EXPECT_EQ(0, status_of(init));
	EXPECT_EQ(0, get_stats(group).collisions);
	close(group);
}

/* A task that is put into the group from outside. */
TEST_F_TIMEOUT(group, join, 120)
{
	pid_t init, outsider;
	int fd;

	NEEDS_INJECTION();
	init = sleeping_group(self->group);
	ASSERT_LT(0, init);
	fd = sys_pidfd_open(init);
	outsider = fork();
	if (!outsider)
		_exit(setns(fd, CLONE_NEWPID) ||
		      clone_with_faults(FIRST + 1) < FIRST);
	EXPECT_EQ(0, status_of(outsider));
	EXPECT_LT(0, get_stats(self->group).joined);
	EXPECT_EQ(get_stats(self->group).joined + 1,
		  get_stats(self->group).clones);
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
	close(fd);
}

/* As many as are in flight before the module has to make room for more. */
#define IN_FLIGHT 8

/* Its clone stops in the kernel, behind alloc_pid(), where no page is yet. */
static void *clone_into_nowhere(void *pidfd)
{
	const pid_t pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, pidfd,
				  NULL, 0);

	if (!pid)
		_exit(0);
	return (void *)(long)status_of(pid);
}

static int catch_faults_of(void *page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .start = (uintptr_t)page, .len = 4096 },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	const int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) ||
	    ioctl(fd, UFFDIO_REGISTER, &range))
		return -1;
	return fd;
}

MEMBER_TEST(clone_with_many_in_flight)
{
	int *const page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_zeropage fill = {
		.range = { .start = (uintptr_t)page, .len = 4096 },
	};
	pthread_t threads[IN_FLIGHT];
	/* Behind our own, the threads' and those in flight. */
	const int first = FIRST + 1 + 2 * IN_FLIGHT;
	int i, fd, next;
	void *status;

	NEEDS_INJECTION();
	fd = catch_faults_of(page);
	ASSERT_LE(0, fd);
	for (i = 0; i < IN_FLIGHT; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL,
					    clone_into_nowhere, &page[i]));
	ASSERT_TRUE(EVENTUALLY(get_info(self->group).next == first));
	next = clone_with_faults(first);
	EXPECT_LT(FIRST, next);
	ASSERT_EQ(0, ioctl(fd, UFFDIO_ZEROPAGE, &fill));
	for (i = 0; i < IN_FLIGHT; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &status));
		EXPECT_EQ(NULL, status);
	}
	EXPECT_EQ(next, spend_number());
}

/* What stands in for system calls of members. */
MEMBER_TEST(capabilities_and_namespaces)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	const int ns = open("/proc/self/ns/pid_for_children", O_RDONLY);
	struct faults faults;
	int ret;

	NEEDS_INJECTION();
	start(&faults);
	do {
		ret = FAULTY(&faults, raw(syscall(SYS_capget, &header, data)));
		EXPECT_TRUE(!ret || ret == -EFAULT);
	} while (faults.hit);
	EXPECT_EQ(0, ret);
	EXPECT_LT(1, faults.nth);
	close(faults.fd);

	start(&faults);
	do {
		ret = FAULTY(&faults, raw(setns(ns, CLONE_NEWPID)));
		EXPECT_EQ(-EOPNOTSUPP, ret);
	} while (faults.hit);
	close(faults.fd);
	close(ns);
}

static int load(const void *image, size_t size)
{
	return raw(syscall(SYS_init_module, image, size, ""));
}

static int unload(void)
{
	return raw(syscall(SYS_delete_module, "vprocns", O_NONBLOCK));
}

/* Each step of the bring-up. */
TEST_F_TIMEOUT(device, insmod, 1200)
{
	const char *const module = getenv("MODULE");
	static char image[4 << 20];
	struct faults faults;
	ssize_t size;
	int fd, ret;

	NEEDS_INJECTION();
	ASSERT_NE(NULL, module);
	close(self->fd);
	fd = open(module, O_RDONLY | O_CLOEXEC);
	size = read(fd, image, sizeof(image));
	close(fd);
	ASSERT_LT(0, size);
	ASSERT_GT((ssize_t)sizeof(image), size);
	ASSERT_TRUE(EVENTUALLY(!unload()));
	start(&faults);
	do {
		ret = FAULTY(&faults, load(image, size));
		EXPECT_TRUE(works_or_documented(ret)) {
			TH_LOG("fault %u: %s", faults.nth, strerror(-ret));
		}
		EXPECT_TRUE(nothing_hooked());
		EXPECT_EQ(!ret, !access("/sys/module/vprocns", F_OK));
		EXPECT_EQ(!ret, !access("/dev/vprocns", F_OK)) {
			TH_LOG("fault %u", faults.nth);
		}
		if (faults.nth % 50 == 0)
			TH_LOG("%u faults", faults.nth);
		if (!ret && faults.hit)
			EXPECT_EQ(0, unload());
	} while (faults.hit);
	EXPECT_EQ(0, ret);
	EXPECT_LT(100, faults.nth);
	TH_LOG("%u faults", faults.nth - 1);
	self->fd = open_device();
	ret = call(self->fd, VPROCNS_CREATE, &self->create);
	ASSERT_LE(0, ret);
	EXPECT_TRUE(numbers(ret));
	close(ret);
}

TEST_HARNESS_MAIN
