// SPDX-License-Identifier: GPL-2.0
/*
 * What a clone costs, and a group or a member takes, as they become many; and
 * whether groups wait for one another. Time is instructions in the VM of
 * `selftests/vm/run --icount`.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kinds.h"
#include "measure.h"
#include "vprocns.h"

#define MAX_NAMESPACES 16384
#define REPEATS 501

static const char usage[] =
	"usage: scale groups KIND SIZE...\n"
	"       scale members KIND SIZE...\n"
	"       scale parallel ROUNDS FORKS\n"
	"\n"
	"groups: at each SIZE, ascending, so many PID namespaces live, each with an init\n"
	"and one process. KIND is plain, or the numbering of the group that each is bound\n"
	"to: sequential or lineage. members: one namespace with so many processes. Prints\n"
	"a line of tab-separated words for each SIZE: what, KIND, SIZE; what a fork, exit\n"
	"and wait takes in the first namespace, and what making one more took, in\n"
	"nanoseconds; and how many bytes the kernel charged for it to the cgroup of the\n"
	"program, which should have one to itself.\n"
	"\n"
	"parallel: processes on CPU 0 and 1 fork FORKS times each at the same time, in\n"
	"one namespace or in two, plain or groups; all in turn, ROUNDS times. Prints for\n"
	"one and for two: the medians of both in nanoseconds a fork; the median, the lower\n"
	"and the upper quartile of the groups' ratios to the plain ones, round by round.\n"
	"\n"
	"As root, with vprocns loaded; kernel.pid_max must allow for what is asked.\n";

/* The first process of a namespace does what it is told, by a byte on a pipe. */
enum order { MORE = 'm', MEASURE = 'f', FORK = 'p' };

struct worker {
	int to, from;
};

static pid_t inits[MAX_NAMESPACES];
static size_t nr_inits;

static double time_forks(void)
{
	static double times[REPEATS];
	double begin;
	size_t i;

	for (i = 0; i < REPEATS; i++) {
		begin = now();
		spend();
		times[i] = now() - begin;
	}
	return median(times, REPEATS);
}

static void sleep_for_good(void)
{
	for (;;)
		pause();
}

/* @count processes that sleep. */
static void fork_sleepers(unsigned int count)
{
	pid_t pid;

	while (count--) {
		pid = fork();
		if (pid < 0)
			err(1, "fork");
		if (!pid)
			sleep_for_good();
	}
}

static void obey(int from, int to)
{
	unsigned int amount;
	double answer;
	char order;

	for (;;) {
		read_all(from, &order, 1);
		read_all(from, &amount, sizeof(amount));
		answer = now();
		switch (order) {
		case MORE:
			fork_sleepers(amount);
			answer = now() - answer;
			break;
		case MEASURE:
			answer = time_forks();
			break;
		case FORK:
			while (amount--)
				spend();
			answer = now() - answer;
			break;
		}
		write_all(to, &answer, sizeof(answer));
	}
}

static void keep_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "CPU %d", cpu);
}

/*
 * A namespace with an init and @nr_workers processes, which obey @workers and
 * stay on CPUs from @cpu on, or one that sleeps. Returns once all are there.
 */
static void make_namespace(const struct kind *kind, struct worker *workers,
			   int nr_workers, int cpu)
{
	int ready[2], to[2][2], from[2][2];
	pid_t init;
	char byte;
	int i;

	if (nr_inits == MAX_NAMESPACES)
		errx(2, "more than %d namespaces", MAX_NAMESPACES);
	if (pipe2(ready, O_CLOEXEC))
		err(1, "pipe");
	for (i = 0; i < nr_workers; i++)
		if (pipe2(to[i], O_CLOEXEC) || pipe2(from[i], O_CLOEXEC))
			err(1, "pipe");
	init = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, NULL, NULL, NULL);
	if (init < 0)
		err(1, "clone");
	if (!init) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		bind_self(kind, VPROCNS_PROFILE_SHADOW, 0);
		for (i = 0; i < nr_workers; i++)
			if (!fork()) {
				keep_on_cpu(cpu + i);
				obey(to[i][0], from[i][1]);
			}
		if (!nr_workers)
			fork_sleepers(1);
		write_all(ready[1], "", 1);
		sleep_for_good();
	}
	inits[nr_inits++] = init;
	read_all(ready[0], &byte, 1);
	close(ready[0]);
	close(ready[1]);
	for (i = 0; i < nr_workers; i++) {
		close(to[i][0]);
		close(from[i][1]);
		workers[i] = (struct worker) { to[i][1], from[i][0] };
	}
}

static void end_namespaces(void)
{
	while (nr_inits) {
		kill(inits[--nr_inits], SIGKILL);
		waitpid(inits[nr_inits], NULL, 0);
	}
}

static void tell(const struct worker *worker, enum order order,
		 unsigned int amount)
{
	const char byte = order;

	write_all(worker->to, &byte, 1);
	write_all(worker->to, &amount, sizeof(amount));
}

static double hear(const struct worker *worker)
{
	double answer;

	read_all(worker->from, &answer, sizeof(answer));
	return answer;
}

/* What the kernel has charged to our cgroup for its own use. */
static double charged(void)
{
	char path[600], line[512];
	unsigned long bytes;
	FILE *file;

	file = fopen("/proc/self/cgroup", "re");
	if (!file || fscanf(file, "0::%400s", line) != 1)
		errx(1, "no cgroup of version 2");
	fclose(file);
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.stat", line);
	file = fopen(path, "re");
	if (!file)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "kernel %lu", &bytes) == 1) {
			fclose(file);
			return bytes;
		}
	errx(1, "%s has no line 'kernel'", path);
}

/* What it took to make @more namespaces with a process each. */
static double make_groups(const struct kind *kind, unsigned int more)
{
	const double begin = now();

	while (more--)
		make_namespace(kind, NULL, 0, 0);
	return now() - begin;
}

/* Likewise @more processes in the worker's namespace. */
static double make_members(const struct worker *worker, unsigned int more)
{
	tell(worker, MORE, more);
	return hear(worker);
}

static void scale(const char *what, const struct kind *kind,
		  const unsigned int *sizes, size_t nr_sizes)
{
	const bool groups = !strcmp(what, "groups");
	unsigned int count = 1, more;
	double bytes, nanoseconds;
	struct worker worker;
	size_t i;

	make_namespace(kind, &worker, 1, 0);
	for (i = 0; i < nr_sizes; i++) {
		more = sizes[i] > count ? sizes[i] - count : 0;
		bytes = charged();
		nanoseconds = groups ? make_groups(kind, more) :
				       make_members(&worker, more);
		bytes = charged() - bytes;
		count += more;
		tell(&worker, MEASURE, 0);
		printf("%s\t%s\t%u\t%.0f\t%.0f\t%.0f\n", what, kind->name,
		       sizes[i], hear(&worker), more ? nanoseconds / more : 0,
		       more ? bytes / more : 0);
		fflush(stdout);
	}
}

/* Nanoseconds a fork, of two processes that fork at the same time. */
static double fork_on_both(const struct kind *kind, int namespaces,
			   unsigned int forks)
{
	struct worker workers[2];
	double both;
	int i;

	for (i = 0; i < namespaces; i++)
		make_namespace(kind, &workers[i], 2 / namespaces, i);
	for (i = 0; i < 2; i++)
		tell(&workers[i], FORK, forks);
	both = hear(&workers[0]);
	both += hear(&workers[1]);
	for (i = 0; i < 2; i++) {
		close(workers[i].to);
		close(workers[i].from);
	}
	end_namespaces();
	return both / 2 / forks;
}

static void compare_parallel(int namespaces, unsigned int rounds,
			     unsigned int forks)
{
	static double plain[REPEATS], grouped[REPEATS], ratios[REPEATS];
	unsigned int i;

	for (i = 0; i < rounds; i++) {
		plain[i] = fork_on_both(&kinds[0], namespaces, forks);
		grouped[i] = fork_on_both(&kinds[1], namespaces, forks);
		ratios[i] = grouped[i] / plain[i];
	}
	printf("parallel\t%d\t%.0f\t%.0f\t%.3f", namespaces,
	       median(plain, rounds), median(grouped, rounds),
	       median(ratios, rounds));
	printf("\t%.3f\t%.3f\n", ratios[rounds / 4], ratios[rounds * 3 / 4]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned int sizes[32], rounds, forks;
	const struct kind *kind;
	const bool groups = argc > 1 && !strcmp(argv[1], "groups");
	size_t i, nr_sizes;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	signal(SIGPIPE, SIG_IGN);
	if (argc == 4 && !strcmp(argv[1], "parallel")) {
		rounds = amount(argv[2], REPEATS);
		forks = amount(argv[3], 1000000);
		compare_parallel(1, rounds, forks);
		compare_parallel(2, rounds, forks);
		return 0;
	}
	if (argc < 4 || (!groups && strcmp(argv[1], "members")) ||
	    argc - 3 > (int)(sizeof(sizes) / sizeof(sizes[0])))
		errx(2, "wrong usage; see scale --help");
	kind = find_kind(argv[2]);
	nr_sizes = argc - 3;
	for (i = 0; i < nr_sizes; i++)
		sizes[i] = amount(argv[i + 3], groups ? MAX_NAMESPACES : 1000000);
	scale(argv[1], kind, sizes, nr_sizes);
	end_namespaces();
	return 0;
}
