// SPDX-License-Identifier: GPL-2.0
/*
 * How long a group takes to come, at any moment of the hooks' going: what CREATE and
 * BIND wait for on a machine that is busy in the kernel.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kinds.h"
#include "measure.h"
#include "vprocns.h"

/* The module takes the hooks off so long after the last group's end. */
#define IDLE_MS 5000
#define TASKS 4

static const char usage[] =
	"usage: bind ROUNDS\n"
	"\n"
	"Four tasks are busy in the kernel, two with forks and two with long reads. ROUNDS\n"
	"times each, a group is made and bound: while the hooks are on; when they have\n"
	"been off for long, which is what going on takes; and around the moment in which\n"
	"they go off. Prints a line of tab-separated words for each: when, and median and\n"
	"maximum of CREATE, of BIND and of both, in milliseconds.\n"
	"\n"
	"As root, with vprocns loaded and no group bound.\n";

static void pause_ms(double ms)
{
	const struct timespec time = {
		.tv_sec = ms / 1000,
		.tv_nsec = (long)(ms * 1e6) % 1000000000,
	};

	nanosleep(&time, NULL);
}

static void be_busy(int number)
{
	static char memory[1 << 20];
	const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		if (number % 2) {
			pid = fork();
			if (!pid)
				_exit(0);
			waitpid(pid, NULL, 0);
		} else if (read(zero, memory, sizeof(memory)) < 0) {
			_exit(1);
		}
	}
}

static pid_t new_namespace(void)
{
	const pid_t init = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);

	if (init < 0)
		err(1, "clone");
	if (!init) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return init;
}

struct times {
	double *create, *bind, *both;
};

static void measure(int device, const struct times *times, int round)
{
	const pid_t init = new_namespace();
	struct vprocns_create create = {};
	struct vprocns_bind bind = { .pidfd = syscall(SYS_pidfd_open, init, 0) };
	double begin, made, bound;
	int group;

	begin = now();
	group = ioctl(device, VPROCNS_CREATE, &create);
	made = now();
	if (group < 0 || ioctl(group, VPROCNS_BIND, &bind))
		err(1, group < 0 ? "CREATE" : "BIND");
	bound = now();
	times->create[round] = (made - begin) / 1e6;
	times->bind[round] = (bound - made) / 1e6;
	times->both[round] = (bound - begin) / 1e6;
	close(group);
	close(bind.pidfd);
	kill(init, SIGKILL);
	waitpid(init, NULL, 0);
}

static void show(double *values, int count)
{
	const double middle = median(values, count);

	printf("\t%.1f\t%.1f", middle, values[count - 1]);
}

/* Rounds are @delay ms after the last group's end, and up to @spread later. */
static void measure_all(int device, const char *when, int rounds, double delay,
			double spread)
{
	const struct times times = {
		calloc(rounds, sizeof(double)), calloc(rounds, sizeof(double)),
		calloc(rounds, sizeof(double)),
	};
	int i;

	if (!times.create || !times.bind || !times.both)
		err(1, "memory");
	for (i = 0; i < rounds; i++) {
		pause_ms(delay + spread * i / rounds);
		measure(device, &times, i);
	}
	printf("%s", when);
	show(times.create, rounds);
	show(times.bind, rounds);
	show(times.both, rounds);
	printf("\n");
	fflush(stdout);
	free(times.create);
	free(times.bind);
	free(times.both);
}

int main(int argc, char **argv)
{
	int device, rounds, i;

	if (argc != 2) {
		fputs(usage, stderr);
		return 2;
	}
	rounds = amount(argv[1], 1000);
	device = open_device();
	for (i = 0; i < TASKS; i++)
		if (!fork())
			be_busy(i);
	measure_all(device, "on", rounds, 50, 0);
	measure_all(device, "off", rounds, IDLE_MS + 2000, 0);
	measure_all(device, "going", rounds, IDLE_MS - 20, 400);
	return 0;
}
