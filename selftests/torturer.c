// SPDX-License-Identifier: GPL-2.0
/*
 * What torture.sh has done where a shell is too slow. Each part ends with one
 * line of NAME=COUNT, and fails after a line for each count that is wrong. `id`
 * has none: it prints the id of a group made now.
 *
 *   groups SECONDS WORKERS  groups made, bound, filled, killed and closed by
 *                           many at once; to unload the module is tried all
 *                           the while
 *   empty COUNT             groups made and closed
 *   churn                   forks and threads, until SIGTERM
 *   storm COUNT             as many clones in one group
 *   bomb CGROUP COUNT       fork bombs in one group, under a limit of tasks
 *   eat CGROUP              more memory than there is, in one group
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <time.h>

#include "common.h"

/* Of all groups of a run; shared by all that work on it. */
static struct tally {
	/* Groups: made; bound; whose init was killed amid clones; ended. */
	unsigned long created, bound, killed, ended;
	/* Clones and refusals as the groups have them, and as the programs do. */
	unsigned long clones, made, refused, asked;
	unsigned long joined, exits;
	unsigned long unloads_refused;
	unsigned long wrong;
} *tally;

#define ADD(counter, n) __atomic_add_fetch(&(counter), n, __ATOMIC_RELAXED)
#define GET(counter) __atomic_load_n(&(counter), __ATOMIC_ACQUIRE)

/* What the programs of one group count themselves. */
struct programs {
	unsigned long made;
	unsigned long asked;
};

static void *shared(size_t size)
{
	void *const memory = shared_memory(size);

	if (!memory) {
		perror("mmap");
		exit(1);
	}
	return memory;
}

static void __attribute__((format(printf, 1, 2))) wrong(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	ADD(tally->wrong, 1);
}

static void expect_equal(const char *what, unsigned long is, unsigned long should)
{
	if (is != should)
		wrong("%s: %lu, expected %lu", what, is, should);
}

static bool make_vforked(void)
{
	const pid_t pid = vfork();

	if (!pid)
		_exit(0);
	return pid > 0 && !status_of(pid);
}

/* An orphan before long. */
static bool make_and_leave(void)
{
	const pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid > 0;
}

static bool make_and_wait(void)
{
	return spend_number() > 0;
}

static bool (*const makers[])(void) = {
	make_thread, make_vforked, make_and_leave, make_and_wait,
};

static bool try_one(struct programs *programs)
{
	if (!makers[random() % ARRAY_SIZE(makers)]())
		return false;
	ADD(programs->made, 1);
	return true;
}

static void make_one(struct programs *programs)
{
	if (!try_one(programs))
		wrong("a clone in a group: %s", strerror(errno));
}

/* A namespace whose init was killed makes no task, a moment before it kills the rest. */
static void clone_until_killed(struct programs *programs)
{
	while (try_one(programs))
		;
	if (errno != ENOMEM)
		wrong("a clone in a storm: %s", strerror(errno));
	for (;;)
		pause();
}

static void ask_one(struct programs *programs)
{
	if (sys_clone(CLONE_NEWPID | SIGCHLD) == -1 && errno == EOPNOTSUPP)
		ADD(programs->asked, 1);
	else
		wrong("a namespace in a group is not refused");
}

/* Clones of every kind, some by a child, and refused ones among them. */
static void fill(struct programs *programs)
{
	pid_t child;
	int i;

	for (i = 0; i < 6; i++) {
		make_one(programs);
		ask_one(programs);
	}
	child = fork();
	if (!child) {
		make_one(programs);
		make_one(programs);
		_exit(0);
	}
	ADD(programs->made, 1);
	if (child < 0 || status_of(child))
		wrong("a child in a group");
}

/* The first program of a group: ends, or clones until it is killed. */
static void be_program(struct programs *programs, bool storms)
{
	/* It is a clone itself. */
	ADD(programs->made, 1);
	if (storms)
		clone_until_killed(programs);
	fill(programs);
	_exit(0);
}

/* An outsider puts a task into the group, which makes another. */
static void join_group(pid_t init, struct programs *programs)
{
	const pid_t outsider = fork();
	pid_t pid;

	if (!outsider) {
		if (setns(sys_pidfd_open(init), CLONE_NEWPID))
			_exit(1);
		pid = fork();
		if (!pid) {
			make_one(programs);
			_exit(0);
		}
		_exit(pid < 0 || status_of(pid));
	}
	ADD(programs->made, 1);
	if (status_of(outsider))
		wrong("a task does not join");
}

/* A group whose init is gone: everything that it counted has an end. */
static void settle(int group, const struct programs *programs, bool quiet)
{
	struct vprocns_stats stats;
	struct vprocns_info info;

	if (!EVENTUALLY(get_info(group).state == VPROCNS_STATE_ENDED)) {
		wrong("a group without init does not end");
		return;
	}
	ADD(tally->ended, 1);
	info = get_info(group);
	stats = get_stats(group);
	expect_equal("members of an ended group", info.members, 0);
	/* Init is no clone of the group's, but one of its ends. */
	expect_equal("exits", stats.exits, stats.clones + 1);
	if (quiet) {
		expect_equal("clones", stats.clones, programs->made);
		expect_equal("refusals", refusals(&stats), programs->asked);
		if (info.numbering == VPROCNS_NUMBERING_SEQUENTIAL)
			expect_equal("numbers", info.next - info.first,
				     stats.clones);
	} else if (stats.clones < programs->made) {
		wrong("%llu clones, programs made %lu", stats.clones,
		      programs->made);
	}
	ADD(tally->clones, stats.clones);
	ADD(tally->refused, refusals(&stats));
	ADD(tally->joined, stats.joined);
	ADD(tally->exits, stats.exits);
	ADD(tally->made, programs->made);
	ADD(tally->asked, programs->asked);
}

static pid_t start(int group, struct programs *programs, bool storms)
{
	const pid_t init = enter_group(group);

	if (!init)
		be_program(programs, storms);
	if (init < 0)
		wrong("a namespace can't be made: %s", strerror(errno));
	else
		ADD(tally->bound, 1);
	return init;
}

static void let_end(int group, struct programs *programs)
{
	expect_equal("status", status_of(start(group, programs, false)), 0);
	settle(group, programs, true);
	close(group);
}

static void kill_in_a_storm(int group, struct programs *programs)
{
	const unsigned long enough = random() % 50;
	const pid_t init = start(group, programs, true);

	if (!EVENTUALLY(GET(programs->made) > enough))
		wrong("no storm");
	expect_equal("status", end_namespace(init), 128 + SIGKILL);
	ADD(tally->killed, 1);
	settle(group, programs, false);
	close(group);
}

/* Its one descriptor is closed while members live, and the group opened again. */
static void close_and_join(int group, struct programs *programs)
{
	struct vprocns_open open = { .id = get_info(group).id };
	const int device = open_device();
	const pid_t init = sys_clone(CLONE_NEWPID | SIGCHLD);
	int pidfd;

	if (!init) {
		close(group);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	pidfd = sys_pidfd_open(init);
	expect_equal("bind", bind_group(group, pidfd), 0);
	ADD(tally->bound, 1);
	close(pidfd);
	close(group);
	join_group(init, programs);
	join_group(init, programs);
	group = call(device, VPROCNS_OPEN, &open);
	close(device);
	expect_equal("status", end_namespace(init), 128 + SIGKILL);
	if (group < 0) {
		wrong("a group can't be opened again: %s", strerror(-group));
		return;
	}
	settle(group, programs, true);
	close(group);
}

static void one_group(struct programs *programs)
{
	const struct vprocns_create create = {
		.profile = random() % (VPROCNS_PROFILE_LINUX + 1),
		.numbering = random() % (VPROCNS_NUMBERING_LINEAGE + 1),
	};
	const int group = make_group(&create);

	if (group < 0) {
		wrong("a group can't be made: %s", strerror(-group));
		return;
	}
	ADD(tally->created, 1);
	memset(programs, 0, sizeof(*programs));
	switch (random() % 4) {
	case 0:
		let_end(group, programs);
		break;
	case 1:
		kill_in_a_storm(group, programs);
		break;
	case 2:
		close_and_join(group, programs);
		break;
	default:
		close(group);
	}
}

static void work_until(time_t end, unsigned int seed)
{
	struct programs *const programs = shared(sizeof(*programs));

	srandom(seed);
	do {
		one_group(programs);
	} while (time(NULL) < end);
	exit(0);
}

static void unload_until(time_t end)
{
	do {
		if (!syscall(SYS_delete_module, "vprocns", O_NONBLOCK))
			wrong("the module was unloaded");
		else if (errno != EWOULDBLOCK)
			wrong("unloading: %s", strerror(errno));
		else
			ADD(tally->unloads_refused, 1);
		usleep(1000);
	} while (time(NULL) < end);
	exit(0);
}

static void work_together(int seconds, int workers, unsigned int seed)
{
	const time_t end = time(NULL) + seconds;
	int i;

	if (!fork())
		unload_until(end);
	for (i = 0; i < workers; i++)
		if (!fork())
			work_until(end, seed + i);
	for (i = 0; i < workers + 1; i++)
		if (status_of(-1))
			wrong("a worker died");
}

/* All the while one thing holds the module: a descriptor, members, the device. */
static void groups(int seconds, int workers)
{
	const struct vprocns_create none = {};
	int group = make_group(&none);
	const pid_t init = sleeping_namespace();
	const int pidfd = sys_pidfd_open(init);
	int device;

	if (group < 0 || init < 0) {
		wrong("no first group");
		return;
	}
	ADD(tally->created, 1);
	work_together(seconds / 3, workers, 1);
	expect_equal("bind", bind_group(group, pidfd), 0);
	close(group);
	work_together(seconds / 3, workers, 1000);
	device = open_device();
	expect_equal("status", end_namespace(init), 128 + SIGKILL);
	work_together(seconds / 3, workers, 2000);
	close(device);
	if (!tally->killed)
		wrong("no group was killed amid its clones");
}

static void empty(int count)
{
	const int device = open_device();
	struct vprocns_create create = {};
	int group;

	while (count--) {
		create.numbering = count % 2;
		group = call(device, VPROCNS_CREATE, &create);
		if (group < 0) {
			wrong("a group can't be made: %s", strerror(-group));
			return;
		}
		close(group);
		ADD(tally->created, 1);
	}
	close(device);
}

static volatile sig_atomic_t enough;

static void be_enough(int signal __attribute__((unused)))
{
	enough = 1;
}

static void churn(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, be_enough);
	while (!enough) {
		if (!make_thread() || !make_and_wait() || !make_vforked())
			wrong("a clone outside: %s", strerror(errno));
		else
			tally->made += 3;
	}
}

/* In one group that ends by itself; what @program does there. */
static void one_program(void (*program)(struct programs *programs, void *arg),
			void *arg)
{
	const struct vprocns_create create = {
		.profile = VPROCNS_PROFILE_LINUX,
	};
	struct programs *const programs = shared(sizeof(*programs));
	const int group = make_group(&create);
	pid_t init;

	if (group < 0) {
		wrong("a group can't be made: %s", strerror(-group));
		return;
	}
	ADD(tally->created, 1);
	init = enter_group(group);
	if (!init) {
		ADD(programs->made, 1);
		program(programs, arg);
		_exit(0);
	}
	ADD(tally->bound, 1);
	expect_equal("status", status_of(init), 0);
	settle(group, programs, true);
	close(group);
}

struct share {
	struct programs *programs;
	int count;
};

static void *make_share(void *arg)
{
	struct share *const share = arg;

	while (share->count--)
		make_one(share->programs);
	return NULL;
}

#define STORMERS 4

static void storm(struct programs *programs, void *arg)
{
	struct share shares[STORMERS];
	pthread_t threads[STORMERS];
	int i;

	for (i = 0; i < STORMERS; i++) {
		shares[i] = (struct share) { programs, *(int *)arg / STORMERS };
		if (pthread_create(&threads[i], NULL, make_share, &shares[i]))
			wrong("no thread");
		ADD(programs->made, 1);
	}
	for (i = 0; i < STORMERS; i++)
		pthread_join(threads[i], NULL);
}

static bool put(const char *directory, const char *name, const char *word)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return write_to(path, word);
}

static unsigned long read_number(const char *directory, const char *name)
{
	char path[256];
	unsigned long number = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%lu", &number) != 1)
		wrong("%s can't be read", path);
	if (file)
		fclose(file);
	return number;
}

struct bombs {
	const char *cgroup;
	int count;
};

/* Everybody forks until there is no more room, and waits for the end. */
static void explode(struct programs *programs)
{
	for (;;) {
		const pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid)
			ADD(programs->made, 1);
	}
	if (errno != EAGAIN)
		wrong("a fork without room: %s", strerror(errno));
	for (;;)
		pause();
}

static void bomb(struct programs *programs, void *arg)
{
	const struct bombs *const bombs = arg;
	const unsigned long limit = read_number(bombs->cgroup, "pids.max");
	unsigned long filled;
	int i;

	for (i = 0; i < bombs->count; i++) {
		const unsigned long before = GET(programs->made);
		const pid_t pid = fork();

		if (!pid) {
			if (!put(bombs->cgroup, "cgroup.procs", "0"))
				wrong("no way into %s", bombs->cgroup);
			explode(programs);
		}
		ADD(programs->made, 1);
		if (!EVENTUALLY(GET(programs->made) - before == limit))
			wrong("%lu tasks, no bomb", GET(programs->made) - before);
		if (!put(bombs->cgroup, "cgroup.kill", "1"))
			wrong("no end to a bomb");
		expect_equal("status of a bomb", status_of(pid), 128 + SIGKILL);
		if (!EVENTUALLY(!read_number(bombs->cgroup, "pids.current")))
			wrong("a bomb does not end");
		/* The numbers that forks without room gave back come first. */
		for (filled = 0; filled < limit; filled++)
			make_one(programs);
	}
}

#define EATERS 3

static void be_eater(const char *cgroup)
{
	const size_t bite = 1 << 20;

	/* The kernel's log names it. */
	prctl(PR_SET_NAME, "eater");
	if (!put(cgroup, "cgroup.procs", "0"))
		_exit(1);
	for (;;)
		memset(mmap(NULL, bite, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, bite);
}

static void eat(struct programs *programs, void *arg)
{
	pid_t pids[EATERS];
	int i;

	for (i = 0; i < EATERS; i++) {
		pids[i] = fork();
		if (!pids[i])
			be_eater(arg);
		ADD(programs->made, 1);
	}
	for (i = 0; i < EATERS; i++)
		expect_equal("status of an eater", status_of(pids[i]),
			     128 + SIGKILL);
	expect_equal("number behind them", spend_number(),
		     FIRST + programs->made);
	ADD(programs->made, 1);
}

/* Ids follow one another, so two of them tell how many groups came between. */
static int print_id(void)
{
	const struct vprocns_create none = {};
	const int group = make_group(&none);

	if (group < 0)
		return 1;
	printf("%llu\n", get_info(group).id);
	return 0;
}

static int report(void)
{
	printf("created=%lu bound=%lu killed=%lu ended=%lu ", tally->created,
	       tally->bound, tally->killed, tally->ended);
	printf("clones=%lu made=%lu refused=%lu asked=%lu joined=%lu ",
	       tally->clones, tally->made, tally->refused, tally->asked,
	       tally->joined);
	printf("exits=%lu unloads_refused=%lu\n", tally->exits,
	       tally->unloads_refused);
	return !!tally->wrong;
}

int main(int argc, char **argv)
{
	const char *const part = argc > 1 ? argv[1] : "";
	const int number = argc > 2 ? atoi(argv[2]) : 0;

	if (!strcmp(part, "id"))
		return print_id();
	tally = shared(sizeof(*tally));
	if (!strcmp(part, "groups") && argc == 4) {
		groups(number, atoi(argv[3]));
	} else if (!strcmp(part, "empty") && argc == 3) {
		empty(number);
	} else if (!strcmp(part, "churn")) {
		churn();
	} else if (!strcmp(part, "storm") && argc == 3) {
		one_program(storm, (void *)&number);
	} else if (!strcmp(part, "bomb") && argc == 4) {
		struct bombs bombs = { argv[2], atoi(argv[3]) };

		one_program(bomb, &bombs);
	} else if (!strcmp(part, "eat") && argc == 3) {
		one_program(eat, argv[2]);
	} else {
		fprintf(stderr, "torturer: see the head of torturer.c\n");
		return 2;
	}
	return report();
}
