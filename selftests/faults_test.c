// SPDX-License-Identifier: GPL-2.0
/*
 * What can fail on our paths fails, one thing after the other: memory and copies
 * from and to user space, by /proc/thread-self/fail-nth. A call then works or
 * has its documented errno, and leaves nothing half done.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/mman.h>

#include "common.h"
#include "faults.h"

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

static __u64 events_told(int group)
{
	struct vprocns_events_stats stats = {};

	return ioctl(group, VPROCNS_EVENTS_STATS, &stats) ? 0 : stats.told;
}

FIXTURE_VARIANT_ADD(group, linux) {
	.create = { .profile = VPROCNS_PROFILE_LINUX },
};

/* With the hooks off: the first bind brings them up, and the probes if it needs them. */
static void bind_first(struct __test_metadata *_metadata, int device,
		       struct vprocns_create *create)
{
	struct faults faults;
	int group, fd, ret;
	pid_t init;

	start(&faults);
	do {
		ASSERT_TRUE(EVENTUALLY(nothing_hooked()));
		group = call(device, VPROCNS_CREATE, create);
		ASSERT_LE(0, group);
		init = sleeping_namespace();
		fd = sys_pidfd_open(init);
		ret = FAULTY(&faults, bind_group(group, fd));
		EXPECT_TRUE(works_or_documented(ret, bind_errnos)) {
			TH_LOG("fault %u: %s", faults.nth, strerror(-ret));
		}
		EXPECT_EQ(ret ? VPROCNS_STATE_NEW : VPROCNS_STATE_BOUND,
			  get_info(group).state);
		close(fd);
		close(group);
		EXPECT_EQ(128 + SIGKILL, end_namespace(init));
		EXPECT_TRUE(EVENTUALLY(groups_listed(device) == 0));
	} while (faults.hit);
	EXPECT_EQ(0, ret);
	EXPECT_LT(create->numbering ? 4 : 1, faults.nth);
	TH_LOG("%u faults", faults.nth - 1);
	create->numbering = VPROCNS_NUMBERING_SEQUENTIAL;
	group = call(device, VPROCNS_CREATE, create);
	ASSERT_LE(0, group);
	EXPECT_TRUE(numbers(group));
	close(group);
}

TEST_F_TIMEOUT(device, bind_first, 300)
{
	NEEDS_INJECTION();
	bind_first(_metadata, self->fd, &self->create);
}

TEST_F_TIMEOUT(device, bind_first_by_lineage, 300)
{
	NEEDS_INJECTION();
	self->create.numbering = VPROCNS_NUMBERING_LINEAGE;
	bind_first(_metadata, self->fd, &self->create);
}

/* With the probes off: the first reader brings them up. */
TEST_F_TIMEOUT(device, read_first, 300)
{
	struct vprocns_events events = { .size = VPROCNS_EVENTS_MIN };
	struct faults faults;
	int group, ret;
	pid_t init;

	NEEDS_INJECTION();
	start(&faults);
	do {
		/* Nothing says that they have gone, five seconds after the last reader. */
		sleep(7);
		group = call(self->fd, VPROCNS_CREATE, &self->create);
		ASSERT_LE(0, group);
		ret = FAULTY(&faults, call(group, VPROCNS_EVENTS, &events));
		EXPECT_TRUE(works_or_documented(ret, bind_errnos)) {
			TH_LOG("fault %u: %s", faults.nth, strerror(-ret));
		}
		if (ret)
			EXPECT_EQ(0, call(group, VPROCNS_EVENTS, &events));
		init = sleeping_group(group);
		EXPECT_LT(0, init);
		EXPECT_EQ(128 + SIGKILL, end_namespace(init));
		EXPECT_TRUE(EVENTUALLY(get_info(group).state == VPROCNS_STATE_ENDED));
		/* The bind, one task, its end and that of pid 1, and the group's. */
		EXPECT_EQ(5, events_told(group));
		close(group);
	} while (faults.hit);
	EXPECT_EQ(0, ret);
	EXPECT_LT(4, faults.nth);
	TH_LOG("%u faults", faults.nth - 1);
}

/* With the tables that lineage numbering has besides. */
TEST_F_TIMEOUT(device, create_first, 300)
{
	struct faults faults;
	int group;

	NEEDS_INJECTION();
	strcpy(self->create.name, "faulty");
	self->create.numbering = VPROCNS_NUMBERING_LINEAGE;
	start(&faults);
	do {
		group = FAULTY(&faults, call(self->fd, VPROCNS_CREATE,
					     &self->create));
		EXPECT_TRUE(works_or_documented(group, descriptor_errnos)) {
			TH_LOG("fault %u: %s", faults.nth, strerror(-group));
		}
		if (group < 0) {
			EXPECT_EQ(0, groups_listed(self->fd));
			continue;
		}
		EXPECT_TRUE(numbers(group)) {
			TH_LOG("fault %u", faults.nth);
		}
		close(group);
		EXPECT_TRUE(EVENTUALLY(groups_listed(self->fd) == 0));
	} while (faults.hit);
	EXPECT_LE(0, group);
	EXPECT_LT(4, faults.nth);
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
		EXPECT_EQ(1, groups_listed(device));
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
	EXPECT_TRUE(EVENTUALLY(groups_listed(device) == 0));
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
	EXPECT_TRUE(EVENTUALLY(groups_listed(self->fd) == 0));
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
	EXPECT_TRUE(close_group(self->group));
}

static bool by_lineage(const struct vprocns_create *create)
{
	return create->numbering == VPROCNS_NUMBERING_LINEAGE;
}

/*
 * Clones with one failure each, of which those that succeed have the numbers
 * from @next on; 0: from that of the first. Returns the next number; -nth for the
 * one that went wrong.
 */
static int clone_with_faults(enum kind kind, int next)
{
	/* What a task outside is told of its child is another number. */
	pid_t *const own_number = shared_memory(4096);
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
	/* A thread has few. */
	if (pid < 0 || !failed || (kind == PROCESS && faults.nth < 20))
		return -faults.nth;
	return next;
}

/*
 * Whether from here on only what is accounted to a cgroup can fail: of a clone,
 * hardly more than what the module takes. vm/run has the kernel mark its caches.
 */
static bool only_accounted(bool only)
{
	return write_to(DEBUGFS "failslab/cache-filter", only ? "Y" : "N") &&
	       write_to(DEBUGFS "fail_page_alloc/min-order", only ? "11" : "0");
}

/*
 * A clone that lacks the nth thing that the module takes for it. Counted among all
 * else, one that survives an earlier failure could have taken it for good.
 */
static long clone_without(unsigned int nth, enum kind kind)
{
	struct faults faults;
	long ret;

	if (!only_accounted(true))
		return -EIO;
	start(&faults);
	faults.nth = nth - 1;
	ret = FAULTY(&faults, clone_kind(kind, NULL));
	close(faults.fd);
	return only_accounted(false) ? ret : -EIO;
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

/* As which of its cloner's clones a member of a small group was made; 0: none. */
static long birth_of(int group, pid_t tid)
{
	struct vprocns_member found[4];
	struct vprocns_members members = {
		.members = (uintptr_t)found, .capacity = ARRAY_SIZE(found),
		.size = sizeof(found[0]),
	};
	__u32 i;

	if (call(group, VPROCNS_MEMBERS, &members))
		return 0;
	for (i = 0; i < members.count && i < ARRAY_SIZE(found); i++)
		if (found[i].tid == tid)
			return found[i].birth;
	return 0;
}

/* A task that is put into the group from outside. */
TEST_F_TIMEOUT(numbered, join, 120)
{
	pid_t *const first = shared_memory(4096);
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
		/* It gives its place back. */
		if (by_lineage(&variant->create) &&
		    clone_without(1, VFORK) != -ENOMEM)
			_exit(3);
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
	EXPECT_EQ(1, by_lineage(&variant->create) ?
		  birth_of(self->group, *first) : *first - FIRST);
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
		/* Its own record, and the child's; a thread takes a list before. */
		if (by_lineage(&variant->create) &&
		    (clone_without(1, VFORK) != -ENOMEM ||
		     clone_without(2, VFORK) != -ENOMEM))
			_exit(2);
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
	/* Its end counts as nobody's, nor does that of one that was not made. */
	stats = get_stats(self->group);
	EXPECT_LT(0, stats.kernel_threads);
	EXPECT_EQ(0, stats.exits);
	EXPECT_EQ(FIRST + 1, spend_number());
}

/* With pid 1 and the first program as many as the table has buckets at first. */
#define CROWD 62

static void *stay(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* A thread more, with its next failure. Returns 0, or what went wrong. */
static int clone_in_a_crowd(struct faults *faults)
{
	const unsigned int nth = faults->nth;
	int i, next = FIRST + CROWD + 1;
	pthread_t thread;
	long tid;

	for (i = 0; i < CROWD; i++)
		if (pthread_create(&thread, NULL, stay, NULL))
			return 1;
	start(faults);
	faults->nth = nth;
	tid = FAULTY(faults, clone_kind(THREAD, NULL));
	if (!works_or_documented(tid, clone_errnos))
		return 2;
	if (tid > 0 && tid != next++)
		return 3;
	if (tid > 0 && !has_ended(THREAD, tid, -1))
		return 4;
	return spend_number() == next ? 0 : 5;
}

/*
 * The first clone behind the crowd makes a larger table, or does without. One that
 * survives an earlier failure would have it made, so each has a crowd of its own.
 */
TEST_F_TIMEOUT(device, clone_in_crowds, 300)
{
	struct faults *const faults = shared_memory(sizeof(*faults));
	pid_t init;
	int group;

	NEEDS_INJECTION();
	self->create.profile = VPROCNS_PROFILE_LINUX;
	self->create.numbering = VPROCNS_NUMBERING_LINEAGE;
	do {
		group = call(self->fd, VPROCNS_CREATE, &self->create);
		ASSERT_LE(0, group);
		init = enter_group(group);
		if (!init)
			_exit(clone_in_a_crowd(faults));
		EXPECT_EQ(0, status_of(init)) {
			TH_LOG("fault %u", faults->nth);
		}
		EXPECT_EQ(0, get_stats(group).collisions);
		close(group);
	} while (faults->hit && has_passed(_metadata));
	TH_LOG("%u faults", faults->nth - 1);
	EXPECT_LT(10, faults->nth);
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

	/* Last, since it leaves nothing to enter a namespace with. */
	EXPECT_NE(0, real_sets());
	start(&faults);
	do {
		ret = FAULTY(&faults, raw(syscall(SYS_capset, &header, data)));
		EXPECT_TRUE(works_or_documented(ret, capset_errnos));
		EXPECT_EQ(!ret, !real_sets());
	} while (faults.hit);
	EXPECT_EQ(0, ret);
	EXPECT_LT(1, faults.nth);
	close(faults.fd);
	/* Linux would say EPERM. */
	data[0].permitted = 1;
	EXPECT_EQ(-EINVAL, raw(syscall(SYS_capset, &header, data)));
	LEAVE();
}

/* Each step of the bring-up. A load that a fault did not fail is a whole one. */
TEST_F_TIMEOUT(device, insmod, 3600)
{
	const ssize_t size = read_module(image, sizeof(image));
	struct faults faults;
	int group, ret, hooks;

	NEEDS_INJECTION();
	ASSERT_LT(0, size);
	group = call(self->fd, VPROCNS_CREATE, &self->create);
	ASSERT_LE(0, group);
	EXPECT_TRUE(numbers(group));
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
		EXPECT_TRUE(numbers(group)) {
			TH_LOG("fault %u", faults.nth);
		}
		EXPECT_EQ(hooks, count_hooks()) {
			TH_LOG("fault %u", faults.nth);
		}
		close(group);
	} while (faults.hit);
	EXPECT_EQ(0, ret);
	EXPECT_LT(100, faults.nth);
	TH_LOG("%u faults", faults.nth - 1);
}

TEST_HARNESS_MAIN
