// SPDX-License-Identifier: GPL-2.0
/*
 * Random clones of members, by every entry, in groups of random kinds. Each is
 * refused just when the policy's own source (policy.c, linked in here) refuses
 * it, with its errno; each that succeeds has the number that the numbering's
 * own source gives, so one that fails leaves no hole, wherever it fails; and
 * the group's counters add up. COUNT and SEED: see fuzz.h.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>

#include "common.h"
#include "fuzz.h"
#include "lineage.h"
#include "policy.h"

#define PAGE	4096

/* Below 4 GB, for the 32-bit entry. */
#define SCRATCH	((unsigned char *)0x20000000)
#define GUARD	(SCRATCH + PAGE)
#define READ_ONLY (GUARD + PAGE)

/* The words that a clone writes. */
#define PIDFD_WORD	((uintptr_t)SCRATCH)
#define PARENT_WORD	((uintptr_t)SCRATCH + 4)
#define CHILD_WORD	((uintptr_t)SCRATCH + 8)
#define SET_TID		((uintptr_t)SCRATCH + 64)
#define TLS		((uintptr_t)SCRATCH + 512)

/* How many clones one group, and one process of it, has to do with. */
#define ROUND	128
#define LIFE	64

enum entry { BY_CLONE, BY_CLONE3, BY_FORK, BY_VFORK, NR_ENTRIES };

/* Other architectures have neither fork and vfork nor a 32-bit entry. */
static const long native[NR_ENTRIES] = {
	SYS_clone, SYS_clone3,
#ifdef __x86_64__
	SYS_fork, SYS_vfork,
#endif
};

/* One call, and what is behind the struct of a clone3. */
struct request {
	enum entry entry;
	bool by_int80;
	bool unreadable;
	bool has_more;
	size_t size;
	struct clone_args args;
};

/* Who clones: what the numbers of its children follow from. */
struct cloner {
	__u64 lineage;
	__u64 children;
};

/* One group's round; in memory that all its tasks share. */
struct round {
	struct vprocns_info info;
	struct vprocns_policy policy;
	__u64 seed;
	__u64 count;
	__u64 done;
	pid_t next;
	/* The call that is under way, whose child may end its cloner. */
	bool under_way;
	pid_t expected;
	__u64 clones;
	__u64 rewritten;
	__u64 refused[VPROCNS_RULE_NR];
	/* Where it can't be told who said EINVAL. */
	__u64 maybe_rewritten;
	__u64 maybe_refused[VPROCNS_RULE_NR];
	char wrong[256];
};

static int cgroup;

/* All: glibc's sigfillset() leaves out two that it uses itself. */
static void block_signals(void)
{
	const __u64 all = ~0ULL;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof(all));
}

static void map_scratch(void)
{
	if (mmap(SCRATCH, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
	    SCRATCH ||
	    mmap(GUARD, PAGE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
	    GUARD ||
	    mmap(READ_ONLY, PAGE, PROT_READ,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
	    READ_ONLY) {
		perror("mmap");
		exit(1);
	}
}

/* @word, or an address that can't be written. */
static __u64 word_or_worse(__u64 *state, uintptr_t word)
{
	const uintptr_t bad[] = {
		0, 8, (uintptr_t)GUARD, (uintptr_t)GUARD - 2,
		(uintptr_t)READ_ONLY, 0xffff888000000000,
	};

	return once_in(state, 4) ? ONE_OF(state, bad) : word;
}

#define THREAD								\
	(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_SETTLS |	\
	 CLONE_FS | CLONE_FILES | CLONE_SYSVSEM)

static __u64 random_flags(__u64 *state)
{
	static const __u64 usual[] = {
		0, CLONE_VFORK | CLONE_VM, THREAD,
		THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
		CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
		CLONE_PARENT, CLONE_PIDFD, CLONE_INTO_CGROUP, CLONE_NEWUTS,
	};
	__u64 flags = ONE_OF(state, usual);
	unsigned int flips = once_in(state, 2) ? below(state, 4) : 0;

	if (once_in(state, 8))
		flags = next_random(state) & next_random(state) & 0x3ffffff80;
	while (flips--)
		flags ^= 1ULL << (once_in(state, 16) ? below(state, 64) :
				  7 + below(state, 27));
	/* These take long to make. */
	if (!once_in(state, 16))
		flags &= ~(__u64)CLONE_NEWNET;
	return flags;
}

static __u64 random_signal(__u64 *state, __u64 flags)
{
	static const __u64 odd[] = {
		SIGKILL, SIGSTOP, 64, 65, 255, 256, 1ULL << 31, 1ULL << 32,
		~0ULL,
	};

	if (once_in(state, 8))
		return ONE_OF(state, odd);
	if (once_in(state, 8))
		return below(state, 65);
	return flags & (CLONE_THREAD | CLONE_PARENT) ? 0 : SIGCHLD;
}

/* The newest fields, which few clones have. */
static void add_numbers(__u64 *state, struct clone_args *args)
{
	args->set_tid = once_in(state, 8) ? 0 :
			word_or_worse(state, SET_TID);
	args->set_tid_size = once_in(state, 8) ? next_random(state) :
			     below(state, 40);
}

static struct request random_request(__u64 *state)
{
	static const size_t sizes[] = {
		CLONE_ARGS_SIZE_VER0, CLONE_ARGS_SIZE_VER1, PAGE + 1, ~0UL,
		0, 8, CLONE_ARGS_SIZE_VER0 - 1, sizeof(struct clone_args) + 8,
	};
	const __u64 flags = random_flags(state);
	struct request r = {
#ifdef __x86_64__
		.entry = below(state, 3) < 2 ? BY_CLONE + below(state, 2) :
			 below(state, NR_ENTRIES),
		.by_int80 = once_in(state, 4),
#else
		.entry = BY_CLONE + below(state, 2),
#endif
		.size = sizeof(r.args),
		.args = {
			.flags = flags,
			.pidfd = word_or_worse(state, PIDFD_WORD),
			.child_tid = word_or_worse(state, CHILD_WORD),
			.parent_tid = word_or_worse(state, PARENT_WORD),
			.exit_signal = random_signal(state, flags),
			.tls = TLS,
			.cgroup = cgroup,
		},
	};

	if (once_in(state, 8))
		r.args.stack = (uintptr_t)SCRATCH + 2048;
	if (once_in(state, 16) || r.args.stack)
		r.args.stack_size = once_in(state, 8) ? ~0ULL : 1024;
	if (once_in(state, 16))
		add_numbers(state, &r.args);
	if (once_in(state, 4))
		r.args.cgroup = once_in(state, 2) ? next_random(state) :
				below(state, 3);
	if (once_in(state, 8))
		r.size = once_in(state, 2) ? ONE_OF(state, sizes) :
			 below(state, 300);
	r.has_more = once_in(state, 2);
	r.unreadable = once_in(state, 64);
	return r;
}

#ifdef __x86_64__
/*
 * As the 64-bit one in common.h; i386 has the arguments of clone(2) in another
 * order.
 */
static long clone_and_end_int80(long nr, const long arguments[5])
{
	long ret;

	asm volatile("int $0x80\n\t"
		     "test %%eax, %%eax\n\t"
		     "jnz 1f\n\t"
		     "mov $1, %%eax\n\t"
		     "xor %%ebx, %%ebx\n\t"
		     "int $0x80\n\t"
		     "1:"
		     : "=a" (ret)
		     : "a" (nr), "b" (arguments[0]), "c" (arguments[1]),
		       "d" (arguments[2]), "S" (arguments[4]),
		       "D" (arguments[3])
		     : "memory", "cc", "r8", "r9", "r10", "r11");
	return (int)ret;
}
#endif

static long enter(const struct request *r, const long arguments[5])
{
#ifdef __x86_64__
	static const long compat[] = { 120, 435, 2, 190 };

	if (r->by_int80)
		return clone_and_end_int80(compat[r->entry], arguments);
#endif
	return clone_and_end(native[r->entry], arguments);
}

/* The child ends at once. */
static long make(const struct request *r)
{
	const struct clone_args *const args = &r->args;
	unsigned char *at = GUARD;

	if (r->entry == BY_CLONE)
		return enter(r, (long[5]) {
			(args->flags & ~0xffULL) | (args->exit_signal & 0xff),
			args->stack, args->parent_tid, args->child_tid,
			args->tls,
		});
	if (r->entry != BY_CLONE3)
		return enter(r, (long[5]) {});
	if (r->size <= PAGE / 2) {
		at -= r->size;
		memset(at, 0, r->size);
		memcpy(at, args, r->size < sizeof(*args) ? r->size :
		       sizeof(*args));
		if (r->has_more && r->size > sizeof(*args))
			GUARD[-1] = 1;
	}
	return enter(r, (long[5]) { (long)(r->unreadable ? GUARD : at), r->size });
}

/* What the kernel makes of the request: fields that a size leaves out are 0. */
static struct clone_args as_taken(const struct request *r)
{
	struct clone_args args = { .exit_signal = SIGCHLD };

	switch (r->entry) {
	case BY_CLONE:
		args = r->args;
		args.flags &= 0xffffff00;
		args.exit_signal &= 0xff;
		args.set_tid_size = 0;
		break;
	case BY_CLONE3:
		args.exit_signal = 0;
		memcpy(&args, &r->args,
		       r->size < sizeof(args) ? r->size : sizeof(args));
		break;
	case BY_VFORK:
		args.flags = CLONE_VFORK | CLONE_VM;
		break;
	default:
		break;
	}
	return args;
}

static bool set_tid_is_readable(const struct clone_args *args)
{
	return args->set_tid >= (uintptr_t)SCRATCH &&
	       args->set_tid + args->set_tid_size * sizeof(pid_t) <=
	       (uintptr_t)GUARD;
}

/* Whether clone3 has an errno for its argument before it comes to the group. */
static bool linux_is_first(const struct request *r, const struct clone_args *args)
{
	const __u64 both = CLONE_SIGHAND | CLONE_CLEAR_SIGHAND;

	if (r->size > PAGE)
		return true;
	if (r->size < CLONE_ARGS_SIZE_VER0)
		return true;
	if (r->unreadable)
		return true;
	if (r->size > sizeof(*args) && r->has_more)
		return true;
	if (args->set_tid_size > 32 || !args->set_tid != !args->set_tid_size)
		return true;
	if (args->exit_signal & ~(__u64)CSIGNAL)
		return true;
	if (args->flags & CLONE_INTO_CGROUP &&
	    (args->cgroup > INT32_MAX || r->size < CLONE_ARGS_SIZE_VER2))
		return true;
	if (args->set_tid && !set_tid_is_readable(args) &&
	    args->set_tid != (uintptr_t)READ_ONLY)
		return true;
	if (args->flags & (CLONE_DETACHED | 0x7f) ||
	    (args->flags & both) == both ||
	    (args->flags & (CLONE_THREAD | CLONE_PARENT) && args->exit_signal))
		return true;
	if (!args->stack != !args->stack_size || args->stack_size == ~0ULL)
		return true;
	return false;
}

/*
 * What clone3 itself may say EINVAL to: flags that this kernel need not know;
 * and no signal, which 7.3 leaves to those behind.
 */
static bool may_be_unknown(const struct request *r)
{
	return r->entry == BY_CLONE3 &&
	       (r->args.flags >> 34 || r->args.exit_signal > 64);
}

static bool is_used(pid_t tid)
{
	return syscall(SYS_sched_getscheduler, tid) >= 0 || errno != ESRCH;
}

/* The number that the next child of @cloner is to have. */
static pid_t expected_number(const struct round *round,
			     const struct cloner *cloner)
{
	const struct vprocns_info *const info = &round->info;
	const __u32 span = info->last - info->first + 1;
	const __u32 start = vprocns_lineage_start(info->seed, cloner->lineage,
						  span);
	pid_t number = round->next;

	if (info->numbering == VPROCNS_NUMBERING_LINEAGE)
		number = vprocns_lineage_number(cloner->lineage, start,
						cloner->children + 1,
						info->first, span);
	while (is_used(number))
		number = number == (pid_t)info->last ? (pid_t)info->first :
						       number + 1;
	return number;
}

static void note_clone(struct round *round, struct cloner *cloner)
{
	const struct vprocns_info *const info = &round->info;

	round->clones++;
	cloner->children++;
	round->next = round->expected == (pid_t)info->last ?
		      (pid_t)info->first : round->expected + 1;
}

/* A thread, or our parent's child, is gone when its number is. */
static void await(pid_t tid)
{
	if (waitpid(tid, NULL, __WALL) == tid)
		return;
	while (is_used(tid))
		sched_yield();
}

static void wrong(struct round *round, const struct request *r, long ret,
		  const char *why)
{
	snprintf(round->wrong, sizeof(round->wrong),
		 "call %llu: %s: entry %d%s flags %#llx exit signal %lld size %zu: %ld, number %d",
		 round->done, why, r->entry,
		 r->by_int80 ? " (32-bit)" : "", r->args.flags,
		 (long long)r->args.exit_signal, r->size, ret, round->expected);
}

/* Compares what became of a clone with what had to. */
static void judge(struct round *round, struct cloner *cloner,
		  const struct request *r, long ret)
{
	const struct clone_args args = as_taken(r);
	const bool first = r->entry == BY_CLONE3 && linux_is_first(r, &args);
	const struct vprocns_verdict verdict =
		vprocns_policy_clone(&round->policy, args.flags,
				     args.exit_signal);

	if (ret < -4095 || (ret < 0 && !strerrorname_np(-ret))) {
		wrong(round, r, ret, "no errno");
	} else if (first) {
		/* The order of its complaints differs between kernels. */
		if (ret != -EINVAL && ret != -EFAULT && ret != -E2BIG)
			wrong(round, r, ret, "not what clone3 says first");
	} else if (may_be_unknown(r) && ret == -EINVAL) {
		/* By clone3, by the policy, or by what is behind both. */
		if (verdict.err == EINVAL)
			round->maybe_refused[verdict.rule]++;
		if (!verdict.err && verdict.flags != args.flags)
			round->maybe_rewritten++;
	} else if (verdict.err) {
		round->refused[verdict.rule]++;
		if (ret != -verdict.err)
			wrong(round, r, ret, "not the policy's errno");
	} else {
		round->rewritten += verdict.flags != args.flags;
		if (ret > 0 && args.set_tid_size)
			wrong(round, r, ret, "a number by set_tid");
		else if (ret > 0 && ret != round->expected)
			wrong(round, r, ret, "not its number");
		else if (ret > 0)
			note_clone(round, cloner);
		else if (ret == -EPERM && args.set_tid_size)
			round->refused[VPROCNS_RULE_SET_TID]++;
		/* Linux has it where one of the cgroups is threaded; all is in the root. */
		else if (ret == -EOPNOTSUPP)
			wrong(round, r, ret, "refused without a rule");
	}
}

/* Each has a state of its own, so that none depends on those before. */
static struct request this_request(const struct round *round)
{
	__u64 state = round->seed ^ (round->done * 0xd1342543de82ef95);

	return random_request(&state);
}

/* As many calls as one process makes, if none of them ends it. */
static void clone_some(struct round *round, struct cloner *cloner)
{
	const int free_fd = dup(0);
	struct request r;
	unsigned int i;
	long ret;

	close(free_fd);
	for (i = 0; i < LIFE && round->done < round->count && !*round->wrong;
	     i++, round->done++) {
		r = this_request(round);
		round->expected = expected_number(round, cloner);
		round->under_way = true;
		ret = make(&r);
		/* A child whose exit signal is SIGKILL has ended us by its end. */
		if (ret > 0)
			await(ret);
		judge(round, cloner, &r, ret);
		round->under_way = false;
		if (ret > 0 && r.args.flags & CLONE_PIDFD)
			close(free_fd);
	}
}

/* Also sees to the children that CLONE_PARENT has given us. */
static int wait_for(pid_t worker)
{
	int status;
	pid_t pid;

	do {
		pid = waitpid(-1, &status, __WALL | WUNTRACED);
		if (pid > 0 && WIFSTOPPED(status))
			kill(pid, SIGCONT);
	} while (pid > 0 && (pid != worker || WIFSTOPPED(status)));
	return pid > 0 ? status : -1;
}

/* A process of the group that clones until it ends, or is ended by a child. */
static void start_worker(struct round *round, struct cloner *self)
{
	struct cloner worker = {
		.lineage = vprocns_lineage_of(round->info.seed, self->lineage,
					      self->children + 1),
	};
	struct request r = {};
	const pid_t expected = expected_number(round, self);
	int status;
	pid_t pid;

	round->expected = expected;
	pid = sys_clone(SIGCHLD);
	if (!pid) {
		/* Nobody else of the group runs now. */
		note_clone(round, self);
		clone_some(round, &worker);
		_exit(0);
	}
	self->children++;
	if (pid != expected) {
		wrong(round, &r, pid, "not the worker's number");
		return;
	}
	status = wait_for(pid);
	r = this_request(round);
	if (status == SIGKILL && round->under_way) {
		/* By a child, so that clone was one. */
		round->under_way = false;
		judge(round, &worker, &r, round->expected);
		round->done++;
	} else if (status) {
		wrong(round, &r, status, "the worker's status");
	}
}

/* The first program of the group. */
static void run_round(struct round *round)
{
	struct cloner self = {};

	block_signals();
	map_scratch();
	cgroup = open("/sys/fs/cgroup", O_PATH | O_CLOEXEC);
	round->next = round->info.first + 1;
	while (round->done < round->count && !*round->wrong) {
		/* Where no process can be had, the signals that end are refused. */
		if (round->policy.threads_only)
			clone_some(round, &self);
		else
			start_worker(round, &self);
	}
}

static struct round *new_round(int group, __u64 seed, __u64 count)
{
	struct round *const round = shared_memory(sizeof(*round));

	*round = (struct round) {
		.info = get_info(group),
		.seed = seed,
		.count = count,
	};
	return round;
}

/* The counters of the group, which has ended. */
static void check_stats(struct __test_metadata *_metadata,
			const struct round *round, int group)
{
	const struct vprocns_stats stats = get_stats(group);
	size_t i;

	/* With the first program; and with pid 1, which ends as well. */
	EXPECT_EQ(round->clones + 1, stats.clones);
	EXPECT_EQ(round->clones + 2, stats.exits);
	EXPECT_LE(round->rewritten, stats.rewritten);
	EXPECT_GE(round->rewritten + round->maybe_rewritten, stats.rewritten);
	EXPECT_EQ(0, stats.joined);
	EXPECT_EQ(0, stats.kernel_threads);
	for (i = 0; i < VPROCNS_RULE_NR; i++) {
		EXPECT_LE(round->refused[i], stats.refused[i]) {
			TH_LOG("rule %zu", i);
		}
		EXPECT_GE(round->refused[i] + round->maybe_refused[i],
			  stats.refused[i]) {
			TH_LOG("rule %zu", i);
		}
	}
}

static __u64 fuzz_group(struct __test_metadata *_metadata,
			const struct vprocns_create *create, __u64 seed,
			__u64 count)
{
	const int group = make_group(create);
	struct round *round;
	__u64 clones;
	pid_t init;

	EXPECT_LE(0, group);
	round = new_round(group, seed, count);
	EXPECT_EQ(0, vprocns_policy_init(&round->policy, create));
	init = enter_group(group);
	if (!init) {
		run_round(round);
		_exit(0);
	}
	EXPECT_EQ(0, status_of(init));
	EXPECT_STREQ("", round->wrong);
	EXPECT_EQ(count, round->done);
	check_stats(_metadata, round, group);
	clones = round->clones;
	munmap(round, sizeof(*round));
	close(group);
	return clones;
}

#define CALLS environment("COUNT", 1000)

TEST_F_TIMEOUT(device, random_clones, 600)
{
	const __u64 seed = run_seed(), calls = CALLS;
	__u64 state = seed, done = 0, clones = 0, count;
	struct vprocns_create create;

	TH_LOG("SEED=%#llx", seed);
	while (done < calls && has_passed(_metadata)) {
		create = random_create(&state);
		/* glibc's fork, by which pid 1 makes the first program. */
		create.allowed |= create.flags & VPROCNS_CREATE_ALLOWED ?
				  CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID : 0;
		count = calls - done < ROUND ? calls - done : ROUND;
		clones += fuzz_group(_metadata, &create, next_random(&state),
				     count);
		done += count;
		EXPECT_TRUE(has_passed(_metadata)) {
			TH_LOG("profile %u flags %#x allowed %#llx numbering %u vfork %u",
			       create.profile, create.flags, create.allowed,
			       create.numbering, create.vfork);
		}
	}
	EXPECT_LT(0, clones);
	TH_LOG("%llu clones, %llu succeeded", calls, clones);
}

FIXTURE_VARIANT_ADD(group, shadow) { {} };
FIXTURE_VARIANT_ADD(group, strict) {
	{ .profile = VPROCNS_PROFILE_SHADOW_STRICT }
};
FIXTURE_VARIANT_ADD(group, linux) { { .profile = VPROCNS_PROFILE_LINUX } };

struct scribbler {
	struct clone_args *args;
	__u64 state;
	volatile bool on;
	volatile bool runs;
};

/* What is allowed and what never is, between any two looks of the kernel. */
static void *scribble(void *arg)
{
	static const __u64 flags[] = {
		0, CLONE_NEWPID, CLONE_NEWUSER, CLONE_VFORK | CLONE_VM, THREAD,
		THREAD | CLONE_NEWPID, CLONE_NEWPID | CLONE_NEWUSER,
	};
	struct scribbler *const s = arg;

	while (s->on) {
		const bool set_tid = once_in(&s->state, 8);

		*(volatile __u64 *)&s->args->flags = ONE_OF(&s->state, flags);
		*(volatile __u64 *)&s->args->set_tid = set_tid ? SET_TID : 0;
		*(volatile __u64 *)&s->args->set_tid_size = set_tid;
		s->runs = true;
	}
	return NULL;
}

/* Whatever it was that the kernel took, it was judged, and no other. */
MEMBER_TEST(arguments_that_change)
{
	const __u64 seed = run_seed(), calls = CALLS / 4;
	struct clone_args *const args =
		(struct clone_args *)(GUARD - sizeof(*args));
	struct scribbler s = { .args = args, .state = seed, .on = true };
	__u64 i, clones = 0, refused = 0;
	struct vprocns_stats stats;
	pthread_t thread;
	long ret;

	TH_LOG("SEED=%#llx", seed);
	block_signals();
	map_scratch();
	/* No exit signal, which threads have none of. */
	*args = (struct clone_args) { .tls = TLS };
	ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, &s));
	while (!s.runs)
		sched_yield();
	for (i = 0; i < calls || !refused; i++) {
		args->flags = 0;
		args->set_tid = 0;
		args->set_tid_size = 0;
		ret = clone_and_end(SYS_clone3, (long[5]) {
			(long)args, sizeof(*args),
		});
		/* The address of set_tid is not copied at once: half of it faults. */
		ASSERT_TRUE(ret > 0 || ret == -EINVAL || ret == -EFAULT ||
			    ret == -EPERM || ret == -EOPNOTSUPP) {
			TH_LOG("call %llu: %ld", i, ret);
		}
		if (ret > 0)
			await(ret);
		clones += ret > 0;
		refused += ret == -EOPNOTSUPP;
	}
	s.on = false;
	pthread_join(thread, NULL);
	EXPECT_LT(0, clones);
	/* A child in a namespace of its own would be in none of these. */
	EXPECT_TRUE(EVENTUALLY(get_info(self->group).members == 2));
	EXPECT_EQ(0, get_info(self->group).nested);
	stats = get_stats(self->group);
	EXPECT_EQ(clones + 2, stats.clones);
	EXPECT_EQ(clones + 1, stats.exits);
	EXPECT_EQ(FIRST + clones + 2, spend_number());
	TH_LOG("%llu calls, %llu succeeded", i, clones);
}

TEST_HARNESS_MAIN
