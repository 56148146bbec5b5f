// SPDX-License-Identifier: GPL-2.0
/* Two commands in turn, by the clock on the wall: what both take, and their ratio. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

#define MAX_ROUNDS 10001

static const char usage[] =
	"usage: versus [--rounds N] [--cold] [--rest SECONDS] BASE [ARG]... :: CMD [ARG]...\n"
	"\n"
	"Runs BASE and CMD in turn until both have run N times, and prints a line of\n"
	"tab-separated words: N, the median of what BASE took and of what CMD took, from\n"
	"start to end, in nanoseconds; and the median, the lower and the upper quartile of\n"
	"the ratios of CMD to BASE, each of the two that ran in the same round. What they\n"
	"write to standard output is dropped. Each runs once before that, unmeasured. If\n"
	"one fails, that is the end.\n"
	"\n"
	"  --rounds N      21 if not given; at most 10001\n"
	"  --cold          drop the page cache, dentries and inodes before each; as root\n"
	"  --rest SECONDS  sleep before each, for what a kernel keeps for a while\n"
	"\n"
	"A quiet machine helps; a busy one shows in how far the quartiles are apart.\n";

static bool cold;
static unsigned int rest;
static posix_spawn_file_actions_t no_output;

static void drop_page_cache(void)
{
	FILE *file;

	sync();
	file = fopen("/proc/sys/vm/drop_caches", "w");
	if (!file || fputs("3\n", file) < 0 || fclose(file))
		err(1, "/proc/sys/vm/drop_caches");
}

/* What it takes, in nanoseconds. */
static double run(char **argv)
{
	double begin, end;
	int status;
	pid_t pid;

	if (rest)
		sleep(rest);
	if (cold)
		drop_page_cache();
	begin = now();
	errno = posix_spawnp(&pid, argv[0], &no_output, NULL, argv, environ);
	if (errno)
		err(1, "%s", argv[0]);
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	end = now();
	if (status)
		errx(1, "%s ended with status %#x", argv[0], status);
	return end - begin;
}

static void compare_commands(char **base, char **other, unsigned int rounds)
{
	static double bases[MAX_ROUNDS], others[MAX_ROUNDS], ratios[MAX_ROUNDS];
	double base_median, median_ratio;
	unsigned int i;

	run(base);
	run(other);
	for (i = 0; i < rounds; i++) {
		bases[i] = run(base);
		others[i] = run(other);
		ratios[i] = others[i] / bases[i];
	}
	base_median = median(bases, rounds);
	median_ratio = median(ratios, rounds);
	printf("%u\t%.0f\t%.0f\t%.3f\t%.3f\t%.3f\n", rounds, base_median,
	       median(others, rounds), median_ratio, ratios[rounds / 4],
	       ratios[rounds * 3 / 4]);
}

/* Ends the first command at the "::", and finds the second. */
static char **split(char **argv)
{
	for (; *argv; argv++)
		if (!strcmp(*argv, "::")) {
			*argv = NULL;
			return argv + 1;
		}
	errx(2, "no :: between two commands; see versus --help");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "cold", no_argument, NULL, 'c' },
		{ "rest", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	unsigned int rounds = 21;
	char **other;
	int option;

	/* '+': what stands behind BASE is BASE's. */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			rounds = amount(optarg, MAX_ROUNDS);
			break;
		case 'c':
			cold = true;
			break;
		case 's':
			rest = amount(optarg, 3600);
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 2;
		}
	}
	other = split(argv + optind);
	if (!argv[optind] || !*other)
		errx(2, "a command is missing; see versus --help");
	posix_spawn_file_actions_init(&no_output);
	posix_spawn_file_actions_addopen(&no_output, STDOUT_FILENO, "/dev/null",
					 O_WRONLY, 0);
	compare_commands(argv + optind, other, rounds);
	return 0;
}
