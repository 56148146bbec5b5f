// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever can fail on our paths fails, one thing after the other: memory and
 * copies from and to user space, by /proc/thread-self/fail-nth; and many things
 * at random. A call then works or has its documented errno, and leaves nothing
 * half done. Debian's kernels have no such file; the debug kernel does.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <linux/io_uring.h>
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

/* Whether a call worked, or failed with one of its errnos; 0 ends them. */
static bool works_or_documented(long ret, const int *errnos)
{
	while (ret < 0 && *errnos && -ret != *errnos)
		errnos++;
	return ret >= 0 || *errnos;
}

/* Those of uapi/vprocns.h that a fault may cause. */
static const int descriptor_errnos[] = { EFAULT, ENOMEM, EMFILE, ENFILE, 0 };
static const int copy_errnos[] = { EFAULT, 0 };
/* Those of Linux. */
static const int clone_errnos[] = { ENOMEM, EAGAIN, 0 };
static const int load_errnos[] = { ENOMEM, EFAULT, 0 };
static const int ring_errnos[] = { ENOMEM, EFAULT, 0 };
static const int setns_errnos[] = { ENOMEM, 0 };

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

/* How many functions are hooked, or -1. */
static int count_hooks(void)
{
	FILE *const file = fopen(HOOKED, "re");
	int c, lines = 0;

	if (!file)
		return -1;
	while ((c = getc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}

static bool nothing_hooked(void)
{
	return count_hooks() == 0;
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
		EXPECT_TRUE(works_or_documented(group, descriptor_errnos)) {
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
		EXPECT_TRUE(works_or_documented(group, descriptor_errnos)) {
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
			EXPECT_TRUE(works_or_documented(ret, question ?
							copy_errnos :
							descriptor_errnos)) {
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
		EXPECT_TRUE(works_or_documented(ret, copy_errnos)) {
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

FIXTURE(numbered) {
	int group;
};

FIXTURE_VARIANT(numbered) {
	struct vprocns_create create;
};

FIXTURE_VARIANT_ADD(numbered, sequential) {
	{ .profile = VPROCNS_PROFILE_LINUX }
};
/* Where the cloner's and the child's records take memory as well. */
FIXTURE_VARIANT_ADD(numbered, lineage) {
	{
		.profile = VPROCNS_PROFILE_LINUX,
		.numbering = VPROCNS_NUMBERING_LINEAGE,
		.seed = 1,
	}
};

FIXTURE_SETUP(numbered)
{
	self->group = make_group(&variant->create);
	ASSERT_LE(0, self->group);
}

/* Each clone that succeeded had the number of its lineage. */
FIXTURE_TEARDOWN(numbered)
{
	EXPECT_EQ(0, get_stats(self->group).collisions);
	close(self->group);
}

static bool by_lineage(const struct vprocns_create *create)
{
	return create->numbering == VPROCNS_NUMBERING_LINEAGE;
}

enum kind { PROCESS, VFORK, PIDFD, THREAD, KINDS };

/* Clones a child of this kind that ends at once. Its TID, or -errno. */
static long clone_kind(enum kind kind, int *pidfd)
{
	static const unsigned long flags[KINDS] = {
		[PROCESS]	= SIGCHLD,
		[VFORK]		= CLONE_VFORK | CLONE_VM | SIGCHLD,
		[PIDFD]		= CLONE_PIDFD | SIGCHLD,
		[THREAD]	= CLONE_VM | CLONE_FS | CLONE_FILES |
				  CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
	};
	const long arguments[5] = { flags[kind], 0, (long)pidfd };

	return clone_and_end(SYS_clone, arguments);
}

/* Waits for the end of such a child. */
static bool has_ended(enum kind kind, pid_t tid, int pidfd)
{
	if (kind == THREAD)
		return EVENTUALLY(syscall(SYS_tgkill, getpid(), tid, 0));
	if (kind == PIDFD && close(pidfd))
		return false;
	return status_of(tid) == 0;
}

static void *shared_page(void)
{
	void *const page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED) {
		perror("mmap");
		_exit(1);
	}
	return page;
}

/*
 * Clones with one failure each, of which those that succeed have the numbers
 * from @next on; 0: from that of the first. Returns the next number; -nth for the
 * one that went wrong.
 */
static int clone_with_faults(enum kind kind, int next)
{
	/* What a task outside is told of its child is another number. */
	pid_t *const own_number = shared_page();
	unsigned int failed = 0;
	struct faults faults;
	int pidfd, nr;
	long pid;

	start(&faults);
	do {
		pid = FAULTY(&faults, kind == PROCESS ? raw(sys_clone(SIGCHLD)) :
						      clone_kind(kind, &pidfd));
		if (!pid) {
			*own_number = sys_gettid();
			_exit(0);
		}
		if (!works_or_documented(pid, clone_errnos)) {
			fprintf(stderr, "# fault %u: %s\n", faults.nth,
				strerror(-pid));
			return -faults.nth;
		}
		if (pid < 0) {
			failed++;
			continue;
		}
		if (!has_ended(kind, pid, pidfd))
			return -faults.nth;
		nr = kind == PROCESS ? *own_number : pid;
		if (next && nr != next) {
			fprintf(stderr, "# fault %u: %d, not %d\n", faults.nth,
				nr, next);
			return -faults.nth;
		}
		next = nr + 1;
	} while (faults.hit);
	close(faults.fd);
	munmap(own_number, 4096);
	fprintf(stderr, "# %u faults, %u clones failed\n", faults.nth - 1,
		failed);
	if (pid < 0 || !failed)
		return -faults.nth;
	return next;
}

MEMBER_TEST_F(numbered, clone)
{
	int kind, next = FIRST + 1;

	NEEDS_INJECTION();
	for (kind = 0; kind < KINDS; kind++) {
		next = clone_with_faults(kind, next);
		ASSERT_LT(FIRST, next) {
			TH_LOG("kind %d", kind);
		}
	}
	EXPECT_EQ(next, spend_number());
}

/* A task that is put into the group from outside. */
TEST_F_TIMEOUT(numbered, join, 120)
{
	pid_t *const first = shared_page();
	pid_t init, outsider;
	int fd;

	NEEDS_INJECTION();
	init = sleeping_group(self->group);
	ASSERT_LT(0, init);
	fd = sys_pidfd_open(init);
	outsider = fork();
	if (!outsider) {
		if (setns(fd, CLONE_NEWPID))
			_exit(1);
		/* One that lives, or its record would do for the next. */
		if (!fork()) {
			*first = sys_gettid();
			for (;;)
				pause();
		}
		if (!EVENTUALLY(__atomic_load_n(first, __ATOMIC_RELAXED)))
			_exit(2);
		_exit(clone_with_faults(PROCESS, *first + 1) <= *first);
	}
	EXPECT_EQ(0, status_of(outsider));
	if (!by_lineage(&variant->create))
		EXPECT_EQ(FIRST + 1, *first);
	EXPECT_LT(1, get_stats(self->group).joined);
	EXPECT_EQ(get_stats(self->group).joined + 1,
		  get_stats(self->group).clones);
	EXPECT_EQ(128 + SIGKILL, end_namespace(init));
	close(fd);
}

/* A task that was there before the bind: its first clone makes its record. */
TEST_F_TIMEOUT(numbered, clone_from_before, 120)
{
	int ready[2], go[2], fd, next;
	pid_t init, member;
	char byte;

	NEEDS_INJECTION();
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	init = sys_clone(CLONE_NEWPID | SIGCHLD);
	if (!init) {
		member = fork();
		if (member)
			_exit(status_of(member));
		if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		next = clone_with_faults(PROCESS, by_lineage(&variant->create) ?
					 0 : FIRST);
		_exit(next < FIRST || spend_number() != next);
	}
	fd = sys_pidfd_open(init);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(0, bind_group(self->group, fd));
	ASSERT_EQ(1, write(go[1], "", 1));
	EXPECT_EQ(0, status_of(init));
	close(fd);
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	close(go[1]);
}

/* A thread that the kernel makes for a member. A descriptor, or -errno. */
static long make_kernel_thread(void)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL };

	return raw(syscall(SYS_io_uring_setup, 1, &params));
}

MEMBER_TEST_F(numbered, kernel_thread)
{
	const pid_t last = get_info(self->group).last;
	struct vprocns_stats stats;
	struct faults faults;
	long ring;

	NEEDS_INJECTION();
	start(&faults);
	do {
		ring = FAULTY(&faults, make_kernel_thread());
		EXPECT_TRUE(works_or_documented(ring, ring_errnos)) {
			TH_LOG("fault %u: %s", faults.nth, strerror(-ring));
		}
		if (ring >= 0) {
			EXPECT_TRUE(has_thread(last)) {
				TH_LOG("fault %u", faults.nth);
			}
			close(ring);
		}
		EXPECT_TRUE(EVENTUALLY(!has_thread(last)));
	} while (faults.hit);
	EXPECT_LE(0, ring);
	EXPECT_LT(20, faults.nth);
	TH_LOG("%u faults", faults.nth - 1);
	/* Nobody else has ended. */
	stats = get_stats(self->group);
	EXPECT_LT(0, stats.kernel_threads);
	EXPECT_EQ(stats.exits, stats.kernel_threads);
	EXPECT_EQ(FIRST + 1, spend_number());
}

/* With pid 1 and the first program as many as the table has buckets at first. */
#define CROWD 62

/* The next clone makes a larger table, or does without. */
TEST_F_TIMEOUT(device, clone_in_a_crowd, 120)
{
	pid_t init;
	int group, i, next;

	NEEDS_INJECTION();
	self->create.numbering = VPROCNS_NUMBERING_LINEAGE;
	group = call(self->fd, VPROCNS_CREATE, &self->create);
	ASSERT_LE(0, group);
	init = enter_group(group);
	if (!init) {
		for (i = 1; i <= CROWD; i++)
			if (sleeper() != FIRST + i)
				_exit(1);
		next = clone_with_faults(PROCESS, FIRST + i);
		/* One could do without. */
		_exit(next < FIRST + i + 2 || spend_number() != next);
	}
	EXPECT_EQ(0, status_of(init));
	EXPECT_EQ(0, get_stats(group).collisions);
	close(group);
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
	next = clone_with_faults(PROCESS, first);
	EXPECT_LT(FIRST, next);
	ASSERT_EQ(0, ioctl(fd, UFFDIO_ZEROPAGE, &fill));
	for (i = 0; i < IN_FLIGHT; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &status));
		EXPECT_EQ(NULL, status);
	}
	EXPECT_EQ(next, spend_number());
}

/*
 * What stands in for system calls of members. Nothing can fail in our capget,
 * whose copies are single words and zeros, nor where setns is refused.
 */
TEST_F_TIMEOUT(device, capabilities_and_namespaces, 120)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {};
	struct faults faults;
	int group, ns, ret;
	pid_t init;

	NEEDS_INJECTION();
	self->create.profile = VPROCNS_PROFILE_LINUX;
	self->create.caps = VPROCNS_CAPS_EMPTY;
	group = call(self->fd, VPROCNS_CREATE, &self->create);
	ASSERT_LE(0, group);
	init = enter_group(group);
	if (init) {
		EXPECT_EQ(0, status_of(init));
		close(group);
		return;
	}

	start(&faults);
	do {
		ret = FAULTY(&faults, raw(syscall(SYS_capset, &header, data)));
		EXPECT_TRUE(works_or_documented(ret, copy_errnos));
	} while (faults.hit);
	EXPECT_EQ(0, ret);
	EXPECT_LT(1, faults.nth);
	close(faults.fd);
	/* It was ours: Linux lets root keep them all. */
	data[0].permitted = 1;
	EXPECT_EQ(-EINVAL, raw(syscall(SYS_capset, &header, data)));

	ns = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	start(&faults);
	do {
		ret = FAULTY(&faults, raw(setns(ns, CLONE_NEWUTS)));
		EXPECT_TRUE(works_or_documented(ret, setns_errnos)) {
			TH_LOG("fault %u: %s", faults.nth, strerror(-ret));
		}
	} while (faults.hit);
	EXPECT_EQ(0, ret);
	EXPECT_LT(1, faults.nth);
	close(faults.fd);
	close(ns);
	LEAVE();
}

static int load(const void *image, size_t size)
{
	return raw(syscall(SYS_init_module, image, size, ""));
}

static int unload(void)
{
	return raw(syscall(SYS_delete_module, "vprocns", O_NONBLOCK));
}

/* Bytes of the module's file, or -1. */
static ssize_t read_module(void *image, size_t size)
{
	const char *const module = getenv("MODULE");
	const int fd = module ? open(module, O_RDONLY | O_CLOEXEC) : -1;
	const ssize_t bytes = read(fd, image, size);

	close(fd);
	return bytes == (ssize_t)size ? -1 : bytes;
}

static char image[4 << 20];

/* Each step of the bring-up. A load that a fault did not fail is a whole one. */
TEST_F_TIMEOUT(device, insmod, 1200)
{
	const ssize_t size = read_module(image, sizeof(image));
	struct faults faults;
	int group, ret, hooks;

	NEEDS_INJECTION();
	ASSERT_LT(0, size);
	group = call(self->fd, VPROCNS_CREATE, &self->create);
	ASSERT_LE(0, group);
	hooks = count_hooks();
	EXPECT_LT(0, hooks);
	close(group);
	start(&faults);
	do {
		close(self->fd);
		if (!access("/sys/module/vprocns", F_OK))
			ASSERT_TRUE(EVENTUALLY(!unload()));
		ret = FAULTY(&faults, load(image, size));
		EXPECT_TRUE(works_or_documented(ret, load_errnos)) {
			TH_LOG("fault %u: %s", faults.nth, strerror(-ret));
		}
		EXPECT_TRUE(nothing_hooked());
		EXPECT_EQ(!ret, !access("/sys/module/vprocns", F_OK));
		EXPECT_EQ(!ret, !access("/dev/vprocns", F_OK)) {
			TH_LOG("fault %u", faults.nth);
		}
		if (faults.nth % 50 == 0)
			TH_LOG("%u faults", faults.nth);
		self->fd = open_device();
		if (ret)
			continue;
		group = call(self->fd, VPROCNS_CREATE, &self->create);
		EXPECT_LE(0, group);
		EXPECT_EQ(hooks, count_hooks()) {
			TH_LOG("fault %u", faults.nth);
		}
		EXPECT_TRUE(numbers(group)) {
			TH_LOG("fault %u", faults.nth);
		}
		close(group);
	} while (faults.hit);
	EXPECT_EQ(0, ret);
	EXPECT_LT(100, faults.nth);
	TH_LOG("%u faults", faults.nth - 1);
}

/* What one life is to have, shared by its tasks, of which one at a time clones. */
struct life {
	bool by_lineage;
	/* The number of the first program's next child. */
	pid_t next;
	/* The first program has done all, or has seen something go wrong. */
	bool done;
	int wrong;
	/* Of all lives. */
	unsigned int calls;
	unsigned int failed;
};

static const char *const random_faults[] = {
	"failslab", "fail_page_alloc", "fail_usercopy",
};

/* More than ever happen: what is left of it tells how many did. */
#define MOST_FAULTS 1000000000

static bool set_random(const char *name, const char *value)
{
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(random_faults); i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s/%s", random_faults[i],
			 name);
		if (!write_to(path, value))
			return false;
	}
	return true;
}

static long count_random(void)
{
	char path[128];
	long left, count = 0;
	FILE *file;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(random_faults); i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s/times",
			 random_faults[i]);
		file = fopen(path, "re");
		if (!file || fscanf(file, "%ld", &left) != 1)
			return -1;
		fclose(file);
		count += MOST_FAULTS - left;
		fprintf(stderr, "# %s: %ld\n", random_faults[i],
			MOST_FAULTS - left);
	}
	return count;
}

/* /proc/thread-self/make-it-fail, read or written in spite of faults. */
static bool make_it_fail(const char *set)
{
	char is = 0;
	int fd;

	do {
		fd = open("/proc/thread-self/make-it-fail",
			  (set ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	} while (fd < 0);
	while ((set ? write(fd, set, 1) : read(fd, &is, 1)) != 1)
		;
	close(fd);
	return is == '1';
}

/* The result of @call, in which faults may come, as in who is cloned by it. */
#define AT_RANDOM(call) ({						\
	long _ret;							\
	make_it_fail("1");						\
	_ret = (call);							\
	make_it_fail("0");						\
	_ret; })

/* Counts a call, and sees to its result. */
static bool came_to(struct life *life, long ret, const int *errnos)
{
	const bool good = works_or_documented(ret, errnos);

	life->calls++;
	life->failed += ret < 0;
	if (!good)
		fprintf(stderr, "# call %u: %s\n", life->calls, strerror(-ret));
	return good;
}

#define WRONG(life) do {						\
	(life)->wrong = __LINE__;					\
	(life)->done = true;						\
	_exit(1);							\
} while (0)

/* A child of the first program. Its own child takes a number of the sequence. */
static void live_as_child(struct life *life)
{
	long pid;

	if (sys_gettid() != life->next++)
		WRONG(life);
	pid = AT_RANDOM(clone_kind(PROCESS, NULL));
	if (!came_to(life, pid, clone_errnos))
		WRONG(life);
	if (pid > 0 && !life->by_lineage && pid != life->next++)
		WRONG(life);
	_exit(pid > 0 ? status_of(pid) : 0);
}

static void live_as_program(struct life *life)
{
	int round, kind, pidfd, ring;
	long pid;

	if (getpid() != FIRST)
		WRONG(life);
	for (round = 0; round < 2; round++) {
		for (kind = 0; kind < KINDS; kind++) {
			pid = AT_RANDOM(kind == PROCESS ?
					raw(sys_clone(SIGCHLD)) :
					clone_kind(kind, &pidfd));
			if (!pid)
				live_as_child(life);
			if (!came_to(life, pid, clone_errnos))
				WRONG(life);
			if (pid < 0)
				continue;
			if (kind != PROCESS && pid != life->next++)
				WRONG(life);
			if (!has_ended(kind, pid, pidfd))
				WRONG(life);
		}
		ring = AT_RANDOM(make_kernel_thread());
		if (!came_to(life, ring, ring_errnos))
			WRONG(life);
		if (ring >= 0)
			close(ring);
	}
	life->done = true;
	for (;;)
		pause();
}

static void live_as_init(struct life *life, int group)
{
	bool inherited = false;
	long ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	do {
		ret = AT_RANDOM(bind_group(group, -1));
		if (!came_to(life, ret, copy_errnos))
			WRONG(life);
	} while (ret);
	do {
		make_it_fail("1");
		ret = raw(sys_clone(SIGCHLD));
		if (!ret)
			inherited = make_it_fail(NULL);
		make_it_fail("0");
		if (!ret && !inherited)
			WRONG(life);
		if (!ret)
			live_as_program(life);
		if (!came_to(life, ret, clone_errnos))
			WRONG(life);
	} while (ret < 0);
	for (;;)
		pause();
}

/* A task outside, when the first program clones no more. */
static void live_as_joiner(struct life *life, int fd)
{
	long ret;

	do {
		ret = AT_RANDOM(raw(setns(fd, CLONE_NEWPID)));
		if (!came_to(life, ret, setns_errnos))
			WRONG(life);
	} while (ret);
	ret = AT_RANDOM(raw(sys_clone(SIGCHLD)));
	if (!ret) {
		if (!life->by_lineage && sys_gettid() != life->next)
			WRONG(life);
		_exit(0);
	}
	if (!came_to(life, ret, clone_errnos))
		WRONG(life);
	_exit(ret > 0 ? status_of(ret) : 0);
}

static bool ask_at_random(struct life *life, int device, int group)
{
	struct vprocns_member found[4];
	__u64 ids[4];
	struct vprocns_list list = { .ids = (uintptr_t)ids, .capacity = 4 };
	struct vprocns_members members = {
		.members = (uintptr_t)found, .capacity = 4,
		.size = sizeof(found[0]),
	};
	struct vprocns_info info;
	struct vprocns_stats stats;

	return came_to(life, AT_RANDOM(call(device, VPROCNS_LIST, &list)),
		       copy_errnos) &&
	       came_to(life, AT_RANDOM(call(group, VPROCNS_INFO, &info)),
		       copy_errnos) &&
	       came_to(life, AT_RANDOM(call(group, VPROCNS_STATS, &stats)),
		       copy_errnos) &&
	       came_to(life, AT_RANDOM(call(group, VPROCNS_MEMBERS, &members)),
		       copy_errnos);
}

/* One life, from the making to the end. False when something was wrong. */
static bool live(struct life *life, int device)
{
	const struct vprocns_create create = {
		.profile = VPROCNS_PROFILE_LINUX,
		.numbering = life->by_lineage,
		.seed = life->by_lineage,
	};
	pid_t init, joiner;
	int group, fd;
	bool good;

	life->next = FIRST + 1;
	life->done = false;
	life->wrong = 0;
	group = AT_RANDOM(call(device, VPROCNS_CREATE, (void *)&create));
	if (!came_to(life, group, descriptor_errnos))
		return false;
	if (group < 0)
		return true;
	init = sys_clone(CLONE_NEWPID | SIGCHLD);
	if (!init)
		live_as_init(life, group);
	fd = sys_pidfd_open(init);
	good = ask_at_random(life, device, group) &&
	       EVENTUALLY(__atomic_load_n(&life->done, __ATOMIC_ACQUIRE)) &&
	       !life->wrong;
	joiner = fork();
	if (!joiner)
		live_as_joiner(life, fd);
	good = good && !status_of(joiner) && !life->wrong &&
	       ask_at_random(life, device, group) &&
	       !get_stats(group).collisions;
	good = end_namespace(init) == 128 + SIGKILL && good;
	close(fd);
	close(group);
	return good;
}

#define LIVES 200

/* Whole lives, of which any call may fail, more often from one to the next. */
TEST_F_TIMEOUT(device, faults_at_random, 1200)
{
	const ssize_t size = read_module(image, sizeof(image));
	/*
	 * Of so many chances one, every other time. A fork has some 270. Primes:
	 * every second chance is one of kmemleak's, which does the call no harm.
	 */
	static const char *const chances[] = { "211", "101", "53" };
	struct life *const life = shared_page();
	int i, group;
	long count;

	NEEDS_INJECTION();
	ASSERT_LT(0, size);
	ASSERT_TRUE(set_random("times", "1000000000"));
	ASSERT_TRUE(set_random("task-filter", "Y"));
	ASSERT_TRUE(set_random("probability", "50"));
	for (i = 0; i < LIVES && _metadata->passed; i++) {
		life->by_lineage = i % 2;
		ASSERT_TRUE(set_random("interval",
				       chances[i % ARRAY_SIZE(chances)]));
		EXPECT_TRUE(live(life, self->fd)) {
			TH_LOG("life %d: line %d", i, life->wrong);
		}
		if (i % 50 == 49)
			TH_LOG("%d lives", i + 1);
	}
	ASSERT_TRUE(set_random("probability", "0"));
	ASSERT_TRUE(set_random("interval", "1"));
	count = count_random();
	TH_LOG("%d lives, %ld faults, of %u calls %u failed", i, count,
	       life->calls, life->failed);
	EXPECT_LT(LIVES, count);
	EXPECT_LT(LIVES, life->failed);

	EXPECT_TRUE(EVENTUALLY(count_groups(self->fd) == 0));
	group = call(self->fd, VPROCNS_CREATE, &self->create);
	ASSERT_LE(0, group);
	EXPECT_TRUE(numbers(group));
	close(group);
	close(self->fd);
	EXPECT_TRUE(EVENTUALLY(!unload()));
	ASSERT_EQ(0, load(image, size));
	self->fd = open_device();
}

TEST_HARNESS_MAIN
