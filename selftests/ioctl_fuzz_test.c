// SPDX-License-Identifier: GPL-2.0
/*
 * Random ioctls: valid ones and ones that are off by a little, in memory of all
 * kinds, alone and beside threads that change the struct and the descriptor
 * meanwhile. Each answer is one that uapi/vprocns.h has for that ioctl, and
 * groups go on doing what they are for. COUNT and SEED: see fuzz.h.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>

#include "common.h"
#include "fuzz.h"
#include "policy.h"

/* What an ioctl may say beside the errors that all share. */
static const struct op {
	const char *name;
	unsigned int cmd;
	bool of_device;
	int errors[8];
} ops[] = {
	{ "VERSION", VPROCNS_VERSION, true, { EPERM } },
	{ "CREATE", VPROCNS_CREATE, true,
	  { EEXIST, ENOSPC, EPERM, ENOMEM, EMFILE, ENFILE } },
	{ "OPEN", VPROCNS_OPEN, true,
	  { ENOENT, ENOTUNIQ, EPERM, ENOMEM, EMFILE, ENFILE } },
	{ "LIST", VPROCNS_LIST, true, { EPERM } },
	{ "BIND", VPROCNS_BIND, false,
	  { EPERM, EALREADY, EBUSY, EBADF, ESRCH } },
	{ "INFO", VPROCNS_INFO, false, {} },
	{ "STATS", VPROCNS_STATS, false, {} },
	{ "TRANSLATE", VPROCNS_TRANSLATE, false, { ESRCH } },
	{ "MEMBERS", VPROCNS_MEMBERS, false, {} },
	{ "EVENTS", VPROCNS_EVENTS, false, { EBUSY, ENOSPC, ENOMEM } },
	/* EINVAL: there is no ring. */
	{ "EVENTS_STATS", VPROCNS_EVENTS_STATS, false, { EINVAL } },
	{ "REFUSALS", VPROCNS_REFUSALS, false, {} },
	{ "KILL", VPROCNS_KILL, false, { EPERM, ESRCH } },
	/* EINVAL: numbering is sequential. */
	{ "SLOT", VPROCNS_SLOT, false,
	  { EINVAL, ESRCH, EPERM, EBUSY, ENOSPC, ENOMEM } },
};

static const int shared_errors[] = { ENOTTY, EFAULT, EINVAL, E2BIG };

/*
 * Descriptors have fixed numbers, so that a wrong one hits none of the
 * harness's. Each is open all the time but the last.
 */
enum {
	FD_GROUPS	= 200,
	NR_GROUPS	= 8,
	FD_DEVICE	= FD_GROUPS + NR_GROUPS,
	FD_NULL,
	FD_SELF,
	FD_DEAD,
	FD_CROWDS,
	NR_CROWDS	= 3,
	FD_CLOSED	= FD_CROWDS + NR_CROWDS,
	FD_END,
};

/* How many calls a PID namespace lives; each can be bound but once. */
#define CROWD_LIFE	128

#define PAGE		4096
#define AREA		(8 * PAGE)

/* Twice the same memory, once read-only; behind each is none. */
struct area {
	unsigned char *rw;
	unsigned char *ro;
};

/* One thread's calls. */
struct fuzzer {
	__u64 state;
	__u64 count;
	/* The id of the group that is to stay as it is. */
	__u64 kept;
	struct area area;
	struct area answers;
	pid_t crowds[NR_CROWDS];
	bool is_member;
	bool races;
	__u64 succeeded[ARRAY_SIZE(ops)];
	__u64 failed;
	__u64 events_read;
	/* The first call with a wrong answer. */
	char wrong[256];
};

struct request {
	const struct op *op;
	int fd;
	unsigned int dir, type, nr, size;
	unsigned char *at;
	void *arg;
	unsigned int mutations;
};

union argument {
	struct vprocns_create create;
	struct vprocns_open open;
	struct vprocns_list list;
	struct vprocns_bind bind;
	struct vprocns_translate translate;
	struct vprocns_members members;
	struct vprocns_refusals refusals;
	struct vprocns_events events;
	struct vprocns_slot slot;
	__u32 words[1 << (_IOC_SIZEBITS - 2)];
	__u64 longs[1 << (_IOC_SIZEBITS - 3)];
	unsigned char bytes[1 << _IOC_SIZEBITS];
};

/*
 * Far from all else: an address with a bit or a half of it changed leads
 * nowhere, or here, so that no answer is written over the program itself.
 */
#define AREAS 0x200000000000UL

static unsigned char *map(unsigned char *at, int fd, int protection)
{
	if (mmap(at, AREA, protection, MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
		 0) != at) {
		perror("mmap");
		exit(1);
	}
	return at;
}

static struct area map_area(void)
{
	static unsigned char *next = (unsigned char *)AREAS;
	const int fd = memfd_create("area", MFD_CLOEXEC);
	struct area area;

	if (ftruncate(fd, AREA)) {
		perror("memfd");
		exit(1);
	}
	area.rw = map(next, fd, PROT_READ | PROT_WRITE);
	area.ro = map(next + 2 * AREA, fd, PROT_READ);
	next += 4 * AREA;
	close(fd);
	return area;
}

/* Four tasks of a new PID namespace, without our descriptors. */
static pid_t crowd(void)
{
	const pid_t init = sys_clone(CLONE_NEWPID | SIGCHLD);

	if (init)
		return init;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close_range(3, ~0U, 0);
	sys_clone(SIGCHLD);
	sys_clone(SIGCHLD);
	for (;;)
		pause();
}

static void move_fd(int fd, int to)
{
	/* A read must not wait for events. */
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	if (fd < 0 || dup2(fd, to) < 0)
		perror("move_fd");
	close(fd);
}

static void renew_crowd(struct fuzzer *f, unsigned int i)
{
	if (f->crowds[i])
		end_namespace(f->crowds[i]);
	f->crowds[i] = crowd();
	move_fd(sys_pidfd_open(f->crowds[i]), FD_CROWDS + i);
}

/* A member, who can make no group, has @group alone. */
static void open_descriptors(struct fuzzer *f, int device, int group)
{
	const struct vprocns_create none = {};
	const pid_t dead = sys_clone(SIGCHLD);
	int i;

	if (!dead)
		_exit(0);
	move_fd(sys_pidfd_open(dead), FD_DEAD);
	status_of(dead);
	for (i = 0; i < NR_GROUPS; i++) {
		if (f->is_member)
			move_fd(dup(group), FD_GROUPS + i);
		else
			move_fd(make_group(&none), FD_GROUPS + i);
	}
	dup2(device, FD_DEVICE);
	move_fd(open("/dev/null", O_RDWR | O_CLOEXEC), FD_NULL);
	move_fd(sys_pidfd_open(getpid()), FD_SELF);
	for (i = 0; i < NR_CROWDS; i++) {
		if (f->is_member)
			dup2(FD_SELF, FD_CROWDS + i);
		else
			renew_crowd(f, i);
	}
}

static void close_descriptors(const struct fuzzer *f)
{
	int i;

	close_range(FD_GROUPS, FD_END, 0);
	for (i = 0; i < NR_CROWDS; i++)
		if (f->crowds[i])
			end_namespace(f->crowds[i]);
}

static int any_fd(__u64 *state)
{
	return once_in(state, 8) ? -1 - (int)below(state, 4) :
	       FD_GROUPS + (int)below(state, FD_END - FD_GROUPS);
}

/* So short that the random ones meet. */
static void random_name(__u64 *state, char *name)
{
	name[0] = 'a' + below(state, 4);
}

/* @size bytes for an answer, with nothing behind them. */
static __u64 answer_at(const struct fuzzer *f, size_t size)
{
	return (uintptr_t)(f->answers.rw + AREA - size);
}

/* An argument that makes sense. */
static void fill(struct fuzzer *f, unsigned int cmd, union argument *a)
{
	static const __u32 sizes[] = { 0, 40, 64, 72, 96, 4096 };
	__u64 *const state = &f->state;

	switch (cmd) {
	case VPROCNS_CREATE:
		a->create = random_create(state);
		if (once_in(state, 2))
			random_name(state, a->create.name);
		if (once_in(state, 2))
			a->create.first = 2 + below(state, 30000);
		if (once_in(state, 2))
			a->create.last = 32767 - below(state, 700);
		break;
	case VPROCNS_OPEN:
		if (once_in(state, 2))
			a->open.id = 1 + below(state, 64);
		else
			random_name(state, a->open.name);
		break;
	case VPROCNS_LIST:
		a->list.capacity = below(state, 8);
		a->list.ids = answer_at(f, a->list.capacity * sizeof(__u64));
		a->list.after = once_in(state, 2) ? 0 : below(state, 64);
		break;
	case VPROCNS_BIND:
		a->bind.pidfd = once_in(state, 8) ? -1 :
				FD_SELF + (int)below(state, FD_END - FD_SELF);
		break;
	case VPROCNS_TRANSLATE:
		a->translate.direction = below(state, 2);
		/* A crowd is 1 to 4 inside, and mostly its init's and the next ones outside. */
		if (once_in(state, 4))
			a->translate.tid = below(state, 4);
		else if (a->translate.direction == VPROCNS_TO_HOST)
			a->translate.tid = 1 + below(state, 3);
		else
			a->translate.tid = ONE_OF(state, f->crowds) + (int)below(state, 3);
		break;
	case VPROCNS_EVENTS:
		a->events.size = VPROCNS_EVENTS_MIN << below(state, 3);
		a->events.wake = below(state, a->events.size + 1);
		break;
	case VPROCNS_MEMBERS:
		a->members.capacity = below(state, 6);
		a->members.size = ONE_OF(state, sizes);
		a->members.after = below(state, 4);
		a->members.members =
			answer_at(f, a->members.capacity *
				  (a->members.size ? a->members.size : 40));
		break;
	case VPROCNS_SLOT:
		a->slot.slot = below(state, VPROCNS_SLOTS + 1);
		break;
	case VPROCNS_REFUSALS:
		a->refusals.capacity = below(state, 6);
		/* 40 is too short for these. */
		a->refusals.size = once_in(state, 3) ? 0 : 64 + 8 * below(state, 504);
		a->refusals.refusals =
			answer_at(f, a->refusals.capacity *
				  (a->refusals.size ? a->refusals.size : 64));
		break;
	}
}

static uintptr_t bad_address(struct fuzzer *f)
{
	const uintptr_t addresses[] = {
		0, 8, PAGE - 1, (uintptr_t)f->answers.ro,
		(uintptr_t)f->answers.ro + AREA, (uintptr_t)f->answers.rw + AREA - 4,
		(uintptr_t)f->answers.rw + AREA - 1, 0x7ffffffff000 - 8,
		1ULL << 47, 0xffff888000000000, 0xffffffff81000000, -4096UL, -1UL,
	};

	return ONE_OF(&f->state, addresses);
}

static unsigned int odd_word(__u64 *state)
{
	static const __u32 words[] = {
		0, 1, 2, 7, 40, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
	};

	return once_in(state, 3) ? next_random(state) : ONE_OF(state, words);
}

static unsigned int odd_size(__u64 *state, unsigned int size)
{
	switch (below(state, 4)) {
	case 0:
		return (size + below(state, 17) - 8) & _IOC_SIZEMASK;
	case 1:
		return below(state, 300);
	case 2:
		return PAGE + below(state, 17) - 8;
	default:
		return below(state, _IOC_SIZEMASK + 1);
	}
}

/* The struct of another version of us, with nothing behind it either. */
static void resize(struct fuzzer *f, struct request *r, union argument *a)
{
	const unsigned int old = r->size;
	const bool in_place = r->arg == r->at;

	r->size = odd_size(&f->state, old);
	if (r->size > old)
		memset(a->bytes + old, 0, r->size - old);
	if (r->size && once_in(&f->state, 4))
		a->bytes[below(&f->state, r->size)] = 1;
	r->at = f->area.rw + AREA - r->size;
	if (in_place)
		r->arg = r->at;
}

/* One thing wrong, maybe. */
static void mutate(struct fuzzer *f, struct request *r, union argument *a)
{
	/* None that any file answers to. */
	static const unsigned char types[] = { 'x', 0xd0, 0xd2, VPROCNS_IOC };
	__u64 *const state = &f->state;
	const unsigned int size = _IOC_SIZE(r->op->cmd);

	switch (below(state, 10)) {
	case 0:
	case 1:
		if (size)
			a->bytes[below(state, size)] ^= 1 << below(state, 8);
		break;
	case 2:
	case 3:
		if (size)
			a->words[below(state, size / 4)] = odd_word(state);
		break;
	case 4:
		if (size)
			a->longs[below(state, size / 8)] = bad_address(f);
		break;
	case 5:
		resize(f, r, a);
		break;
	case 6:
		r->nr = below(state, 0x1c);
		break;
	case 7:
		r->dir = below(state, 4);
		r->type = ONE_OF(state, types);
		break;
	case 8:
		r->fd = any_fd(state);
		break;
	case 9:
		switch (below(state, 4)) {
		case 0:
			/* Some of it, and then nothing. */
			r->at = f->area.rw + AREA - below(state, r->size + 1);
			r->arg = r->at;
			break;
		case 1:
			r->arg = f->area.ro + (r->at - f->area.rw);
			break;
		case 2:
			/* Not aligned. */
			r->at -= below(state, PAGE);
			r->arg = r->at;
			break;
		default:
			r->arg = (void *)bad_address(f);
		}
	}
}

/* Groups that are killed at once would have no members to ask for. */
static const struct op *next_op(__u64 *state)
{
	const struct op *op;

	do {
		op = &ONE_OF(state, ops);
	} while (op->cmd == VPROCNS_KILL && !once_in(state, 24));
	return op;
}

/* Leaves the argument in memory, with nothing behind it. */
static struct request next_request(struct fuzzer *f)
{
	static _Thread_local union argument a;
	const struct op *const op = next_op(&f->state);
	struct request r = {
		.op = op,
		.fd = op->of_device ? FD_DEVICE :
		      FD_GROUPS + (int)below(&f->state, NR_GROUPS),
		.dir = _IOC_DIR(op->cmd),
		.type = _IOC_TYPE(op->cmd),
		.nr = _IOC_NR(op->cmd),
		.size = _IOC_SIZE(op->cmd),
		.at = f->area.rw + AREA - _IOC_SIZE(op->cmd),
		.mutations = once_in(&f->state, 3) ? 0 : 1 + below(&f->state, 3),
	};
	unsigned int i;
	size_t left;

	r.arg = r.at;
	memset(&a, 0, r.size);
	fill(f, op->cmd, &a);
	for (i = 0; i < r.mutations; i++)
		mutate(f, &r, &a);
	left = f->area.rw + AREA - r.at;
	memcpy(r.at, &a, r.size < left ? r.size : left);
	return r;
}

/* The one that its number says, which may be another than it was made from. */
static const struct op *op_of(const struct request *r)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		const unsigned int cmd = ops[i].cmd;

		if (r->type != _IOC_TYPE(cmd) || r->nr != _IOC_NR(cmd))
			continue;
		/* Those without a struct, which could grow. */
		if (!_IOC_SIZE(cmd) && (r->size || r->dir))
			continue;
		return &ops[i];
	}
	return NULL;
}

static bool is_in(int err, const int *errors, size_t count)
{
	while (count--)
		if (errors[count] == err)
			return true;
	return false;
}

/* By the number, when no other thread moves descriptors. */
static bool has_op(int fd, const struct op *op)
{
	if (fd >= FD_GROUPS && fd < FD_DEVICE)
		return op && !op->of_device;
	return fd == FD_DEVICE && op && op->of_device;
}

/* They have ioctls of their own since 6.11: process and argument come first. */
static bool is_of_pidfd(int err)
{
	return err == EINVAL || err == ESRCH;
}

static bool is_documented(const struct fuzzer *f, const struct request *r,
			  int err)
{
	const struct op *const op = op_of(r);

	if (f->races)
		return err == EBADF || is_of_pidfd(err) || is_in(err, shared_errors, 4) ||
		       (op && is_in(err, op->errors, ARRAY_SIZE(op->errors)));
	if (r->fd < FD_GROUPS || r->fd == FD_CLOSED)
		return err == EBADF;
	if (f->is_member && r->fd == FD_DEVICE)
		return err == EPERM;
	if (!has_op(r->fd, op))
		return err == ENOTTY ||
		       (r->fd >= FD_SELF && is_of_pidfd(err));
	/* What makes sense may be refused, but not for its form. */
	return (r->mutations && is_in(err, shared_errors, 4)) ||
	       is_in(err, op->errors, ARRAY_SIZE(op->errors));
}

/* The new group is what was asked for. */
static bool is_as_asked(const struct request *r, int group)
{
	const struct vprocns_info info = get_info(group);
	struct vprocns_create asked = {};
	struct vprocns_policy policy;

	memcpy(&asked, r->arg, r->size < sizeof(asked) ? r->size : sizeof(asked));
	return !vprocns_policy_init(&policy, &asked) &&
	       info.allowed == policy.allowed &&
	       info.profile == policy.profile && info.vfork == policy.vfork &&
	       info.caps == policy.caps && info.flags == asked.flags &&
	       info.numbering == asked.numbering && info.seed == asked.seed &&
	       info.first == (asked.first ? asked.first : FIRST) &&
	       (!asked.last || info.last == asked.last) &&
	       info.state == VPROCNS_STATE_NEW &&
	       !memcmp(info.name, asked.name, sizeof(info.name));
}

static bool is_right(struct fuzzer *f, const struct request *r, int ret)
{
	const struct op *const op = op_of(r);

	if (ret < 0) {
		f->failed++;
		return is_documented(f, r, -ret);
	}
	if (!op || (!f->races && !has_op(r->fd, op)))
		return false;
	f->succeeded[op - ops]++;
	if (op->cmd == VPROCNS_VERSION)
		return ret == VPROCNS_ABI_VERSION;
	if (op->cmd != VPROCNS_CREATE && op->cmd != VPROCNS_OPEN)
		return ret == 0;
	if (!f->races && op->cmd == VPROCNS_CREATE && !is_as_asked(r, ret))
		return false;
	if (get_info(ret).id == f->kept)
		close(ret);
	else
		move_fd(ret, FD_GROUPS + (int)below(&f->state, NR_GROUPS));
	return true;
}

/* Reads events, where there are some, to all kinds of places. Whether all was well. */
static bool read_events(struct fuzzer *f)
{
	static const int errors[] = { EAGAIN, EINVAL, EFAULT, EBADF };
	const int fd = any_fd(&f->state);
	const size_t size = below(&f->state, once_in(&f->state, 2) ? 300 : AREA);
	void *const to = once_in(&f->state, 4) ? (void *)bad_address(f) :
						 f->answers.rw + AREA - size;
	const ssize_t ret = syscall(SYS_read, fd, to, size);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	poll(&poll_fd, 1, 0);
	if (ret < 0)
		return is_in(errno, errors, ARRAY_SIZE(errors));
	f->events_read += ret;
	return ret % 8 == 0;
}

static void *fuzz(void *arg)
{
	struct fuzzer *const f = arg;
	struct request r;
	__u64 i;
	int ret;

	for (i = 0; i < f->count && !*f->wrong; i++) {
		if (f->crowds[0] && i % CROWD_LIFE == CROWD_LIFE - 1)
			renew_crowd(f, i / CROWD_LIFE % NR_CROWDS);
		r = next_request(f);
		ret = call(r.fd, _IOC(r.dir, r.type, r.nr, r.size), r.arg);
		if (!is_right(f, &r, ret))
			snprintf(f->wrong, sizeof(f->wrong),
				 "call %llu, from %s: fd %d dir %u type %#x nr %#x size %u at %p, %u mutations: %d (%s)",
				 i, r.op->name, r.fd, r.dir,
				 r.type, r.nr, r.size, r.arg, r.mutations, ret,
				 ret < 0 ? strerrorname_np(-ret) : "fine");
		else if (once_in(&f->state, 8) && !read_events(f))
			snprintf(f->wrong, sizeof(f->wrong),
				 "read after call %llu", i);
	}
	return NULL;
}

static volatile bool races_on;

/* Changes what the callers pass, between any two looks of the kernel. */
static void *scribble(void *arg)
{
	const struct fuzzer *const f = arg;
	__u32 *const words = (__u32 *)(f->area.rw + AREA - 256);
	__u64 state = f->state;

	while (races_on)
		words[below(&state, 64)] ^= once_in(&state, 2) ?
					    1U << below(&state, 32) : odd_word(&state);
	return NULL;
}

/* Closes what the callers use, by putting something else in its place. */
static void *swap(void *arg)
{
	const struct fuzzer *const f = arg;
	__u64 state = ~f->state;

	while (races_on) {
		dup2(FD_GROUPS + (int)below(&state, FD_CROWDS - FD_GROUPS),
		     FD_GROUPS + (int)below(&state, NR_GROUPS));
		/* Now and then nothing. */
		if (once_in(&state, 8))
			close(FD_GROUPS + (int)below(&state, NR_GROUPS));
		usleep(below(&state, 200));
	}
	return NULL;
}

static struct fuzzer new_fuzzer(__u64 state, __u64 count, int group)
{
	return (struct fuzzer) {
		.state = state,
		.count = count,
		.kept = get_info(group).id,
		.area = map_area(),
		.answers = map_area(),
	};
}

/*
 * Every ioctl had what it needs to succeed, and not all did. Which do in a race
 * is luck, but some do.
 */
static void check_fuzzer(struct __test_metadata *_metadata,
			 const struct fuzzer *f)
{
	__u64 succeeded = 0;
	size_t i;

	EXPECT_STREQ("", f->wrong);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		succeeded += f->succeeded[i];
		/* A slot is had by lineage alone, of a group that is bound just then. */
		if (f->races || ops[i].cmd == VPROCNS_SLOT)
			continue;
		/* A member's own namespace is bound already, and not a member's to end. */
		EXPECT_EQ(f->is_member && (ops[i].of_device ||
					   ops[i].cmd == VPROCNS_BIND ||
					   ops[i].cmd == VPROCNS_KILL),
			  !f->succeeded[i]) {
			TH_LOG("%s", ops[i].name);
		}
	}
	EXPECT_LT(0, succeeded);
	EXPECT_LT(0, f->failed);
	TH_LOG("%llu calls, %llu succeeded, %llu bytes of events", f->count,
	       succeeded, f->events_read);
}

/* A group that was there all the time numbers and counts. */
static void check_group(struct __test_metadata *_metadata, int group)
{
	struct vprocns_stats stats;
	pid_t init;

	ASSERT_EQ(VPROCNS_STATE_NEW, get_info(group).state);
	init = enter_group(group);
	ASSERT_LE(0, init);
	if (!init)
		_exit(sys_gettid() != FIRST || spend_number() != FIRST + 1 ||
		      sys_clone(CLONE_NEWPID | SIGCHLD) != -1 ||
		      spend_number() != FIRST + 2);
	EXPECT_EQ(0, status_of(init));
	stats = get_stats(group);
	EXPECT_EQ(3, stats.clones);
	EXPECT_EQ(4, stats.exits);
	EXPECT_EQ(1, stats.refused[VPROCNS_RULE_UNSUPPORTED_FLAG]);
}

#define ALICE 1001

/*
 * A user without privileges, whose calls come to the same whatever the fuzzers do
 * with their groups, of the same names and with the next ids. Returns the line of
 * what was wrong.
 */
static int be_alice(__u64 state, int device)
{
	struct vprocns_create create = {};
	struct vprocns_open by_name = {}, by_id = {};
	struct vprocns_info info;
	int group, again, left;

	if (setgid(ALICE) || setuid(ALICE))
		return __LINE__;
	for (;;) {
		memset(create.name, 0, sizeof(create.name));
		random_name(&state, create.name);
		memcpy(by_name.name, create.name, sizeof(by_name.name));
		group = call(device, VPROCNS_CREATE, &create);
		/* One of her own, that root has opened and still holds. */
		if (group == -EEXIST)
			group = call(device, VPROCNS_OPEN, &by_name);
		/* Or held until a moment ago. */
		if (group == -ENOENT)
			continue;
		if (group < 0)
			return __LINE__;
		info = get_info(group);
		if (info.owner != ALICE || strcmp(info.name, create.name))
			return __LINE__;
		again = call(device, VPROCNS_OPEN, &by_name);
		if (again < 0 || get_info(again).id != info.id)
			return __LINE__;
		close(again);
		/* Ids of others are as if there were none. */
		by_id.id = info.id + 1 + below(&state, 4);
		left = call(device, VPROCNS_OPEN, &by_id);
		if (left != -ENOENT)
			return __LINE__;
		if (groups_listed(device) > 4)
			return __LINE__;
		close(group);
	}
}

static pid_t start_alice(__u64 seed, int device, int *wrong)
{
	const pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		*wrong = be_alice(seed, device);
		_exit(1);
	}
	return pid;
}

/* Half of them alone, a tenth by a member, the rest at once with others. */
#define CALLS environment("COUNT", 20000)

TEST_F_TIMEOUT(device, alone, 600)
{
	const __u64 seed = run_seed();
	const int group = make_group(&self->create), end = dup(0);
	int *const wrong = shared_memory(sizeof(*wrong));
	struct fuzzer f;
	pid_t alice;

	TH_LOG("SEED=%#llx", seed);
	ASSERT_LE(0, group);
	ASSERT_NE(NULL, wrong);
	f = new_fuzzer(seed, CALLS / 2, group);
	close(end);
	alice = start_alice(seed, self->fd, wrong);
	open_descriptors(&f, self->fd, group);
	fuzz(&f);
	close_descriptors(&f);
	EXPECT_EQ(128 + SIGKILL, end_namespace(alice));
	EXPECT_EQ(0, *wrong) {
		TH_LOG("line %d", *wrong);
	}
	check_fuzzer(_metadata, &f);
	check_group(_metadata, group);
	EXPECT_EQ(end, dup(0));
	close(group);
	EXPECT_TRUE(EVENTUALLY(groups_listed(self->fd) == 0));
}

/* To whom the device says EPERM, and whose group is not to be bound again. */
TEST_F_TIMEOUT(device, by_a_member, 600)
{
	const __u64 seed = run_seed();
	const int group = make_group(&self->create);
	struct fuzzer f;
	pid_t init;

	TH_LOG("SEED=%#llx", seed);
	ASSERT_LE(0, group);
	f = new_fuzzer(seed, CALLS / 10, group);
	f.is_member = true;
	init = enter_group(group);
	if (!init) {
		open_descriptors(&f, self->fd, group);
		fuzz(&f);
		close_descriptors(&f);
		check_fuzzer(_metadata, &f);
		/* Behind the one whose pidfd is FD_DEAD. */
		EXPECT_EQ(FIRST + 2, spend_number());
		fflush(NULL);
		_exit(!has_passed(_metadata));
	}
	EXPECT_EQ(0, status_of(init));
	EXPECT_EQ(3, get_stats(group).clones);
	close(group);
	EXPECT_TRUE(EVENTUALLY(groups_listed(self->fd) == 0));
}

#define CALLERS 2

/* There are not so many namespaces to bind that each caller has one. */
static void add_up(struct fuzzer *sum, const struct fuzzer *f)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		sum->succeeded[i] += f->succeeded[i];
	sum->count += f->count;
	sum->failed += f->failed;
	sum->events_read += f->events_read;
	if (*f->wrong)
		memcpy(sum->wrong, f->wrong, sizeof(sum->wrong));
}

TEST_F_TIMEOUT(device, racing, 600)
{
	const __u64 seed = run_seed();
	const int group = make_group(&self->create), end = dup(0);
	struct fuzzer f[CALLERS];
	pthread_t callers[CALLERS], scribbler, swapper;
	int i;

	TH_LOG("SEED=%#llx", seed);
	ASSERT_LE(0, group);
	close(end);
	for (i = 0; i < CALLERS; i++) {
		f[i] = new_fuzzer(seed + i, CALLS * 2 / 5 / CALLERS, group);
		f[i].area = f[0].area;
		f[i].races = true;
	}
	open_descriptors(&f[0], self->fd, group);
	races_on = true;
	ASSERT_EQ(0, pthread_create(&scribbler, NULL, scribble, &f[0]));
	ASSERT_EQ(0, pthread_create(&swapper, NULL, swap, &f[0]));
	for (i = 0; i < CALLERS; i++)
		ASSERT_EQ(0, pthread_create(&callers[i], NULL, fuzz, &f[i]));
	for (i = 0; i < CALLERS; i++)
		pthread_join(callers[i], NULL);
	races_on = false;
	pthread_join(scribbler, NULL);
	pthread_join(swapper, NULL);
	close_descriptors(&f[0]);
	for (i = 1; i < CALLERS; i++)
		add_up(&f[0], &f[i]);
	check_fuzzer(_metadata, &f[0]);
	check_group(_metadata, group);
	EXPECT_EQ(end, dup(0));
	close(group);
	EXPECT_TRUE(EVENTUALLY(groups_listed(self->fd) == 0));
}

TEST_HARNESS_MAIN
