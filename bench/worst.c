// SPDX-License-Identifier: GPL-2.0
/*
 * What a clone or a call costs where it could cost most: in a range that is
 * nearly full or full, beside clones that stand still half-way, and among ten
 * thousand names.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kinds.h"
#include "measure.h"
#include "vprocns.h"

#define MAX_REPEATS 501
/* Numbers below are never given again once the kernel has wrapped round. */
#define RESERVED 300
#define MAX_CLONES 4096
#define MAX_GROUPS 16384

static const char usage[] =
	"usage: worst range KIND NUMBERS REPEATS\n"
	"       worst flight KIND CLONES REPEATS\n"
	"       worst names GROUPS REPEATS\n"
	"\n"
	"Each prints lines of tab-separated words, the last in nanoseconds. KIND is that of\n"
	"a new PID namespace: plain, or the numbering of the group that it is bound to:\n"
	"sequential or lineage.\n"
	"\n"
	"range: a namespace with so many numbers; what a fork, exit and wait takes on\n"
	"average when it is empty, half full, when 99 and 99.9 percent are in use, and what\n"
	"a fork takes that finds none (full). A plain one's numbers are those of the whole\n"
	"machine: kernel.pid_max is lowered for it.\n"
	"flight: a fork, exit and wait while so many other clones of the namespace have\n"
	"their number and wait for a page that does not come; none, then CLONES.\n"
	"names: CREATE of a group with a name, and OPEN of one by its name, with so many\n"
	"named groups there.\n"
	"REPEATS is how many of each are measured; as many forks come first that are not.\n"
	"\n"
	"As root, with vprocns loaded, in the VM of selftests/vm/run --icount, where\n"
	"nanoseconds are instructions.\n";

static double times[MAX_REPEATS];
static unsigned int repeats;

static double mean(size_t count)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < count; i++)
		sum += times[i];
	return sum / count;
}

/*
 * The kernel's own threads come and go in a plain namespace's range: one that takes
 * the last number has it back in a moment.
 */
static double mean_fork(void)
{
	double begin;
	unsigned int i = 0;
	pid_t pid;

	while (i < repeats) {
		begin = now();
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid < 0 && errno == EAGAIN) {
			usleep(1000);
			continue;
		}
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			err(1, "fork");
		times[i++] = now() - begin;
	}
	return mean(repeats);
}

static void warm_up(void)
{
	unsigned int i;

	/* Until the kernel's caches of memory are as full as they stay. */
	for (i = 0; i < repeats; i++)
		spend();
}

static void say(const char *what, const char *kind, const char *at, double value)
{
	printf("%s\t%s\t%s\t%.0f\n", what, kind, at, value);
	fflush(stdout);
}

/* Runs @inside as a process of a new namespace of that kind. */
static void in_namespace(const struct kind *kind, unsigned int profile,
			 unsigned int last, void (*inside)(const struct kind *))
{
	pid_t init, process;
	int status;

	fflush(stdout);
	init = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, NULL, NULL, NULL);
	if (init < 0)
		err(1, "clone");
	if (!init) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		bind_self(kind, profile, last);
		process = fork();
		if (!process) {
			inside(kind);
			exit(0);
		}
		if (waitpid(process, &status, 0) != process || status)
			errx(1, "the process in the namespace ended with %#x", status);
		_exit(0);
	}
	if (waitpid(init, &status, 0) != init || status)
		errx(1, "the namespace's init ended with %#x", status);
}

static unsigned int numbers;
static pid_t *singles;
static size_t nr_singles;

static void *sleep_for_good(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* @count processes of one thread, to be ended one by one. Returns how many there are. */
static size_t add_singles(size_t count)
{
	pid_t pid;

	while (count--) {
		pid = fork();
		if (pid < 0)
			break;
		if (!pid)
			sleep_for_good(NULL);
		singles[nr_singles++] = pid;
	}
	return nr_singles;
}

/* A process of up to @count threads that sleep. Returns how many there are. */
static int add_family(int count)
{
	int made = 1, ready[2];
	pthread_attr_t small;
	pthread_t thread;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		err(1, "pipe");
	pid = fork();
	if (pid < 0) {
		close(ready[0]);
		close(ready[1]);
		return 0;
	}
	if (!pid) {
		pthread_attr_init(&small);
		pthread_attr_setstacksize(&small, 16384);
		while (made < count &&
		       !pthread_create(&thread, &small, sleep_for_good, NULL))
			made++;
		write_all(ready[1], &made, sizeof(made));
		sleep_for_good(NULL);
	}
	read_all(ready[0], &made, sizeof(made));
	close(ready[0]);
	close(ready[1]);
	return made;
}

/* @count sleepers, or as many as the namespace lets there be. */
static void fill(int count)
{
	int made;

	while (count > 0) {
		made = add_family(count < 64 ? count : 64);
		if (!made)
			return;
		count -= made;
	}
}

static void end_singles(size_t left)
{
	while (nr_singles > left) {
		kill(singles[--nr_singles], SIGKILL);
		waitpid(singles[nr_singles], NULL, 0);
	}
}

/* A number that has become free meanwhile is taken as those before were. */
static double mean_refusal(void)
{
	double begin;
	size_t i = 0;
	pid_t pid;

	while (i < 50) {
		begin = now();
		pid = fork();
		times[i] = now() - begin;
		if (!pid)
			sleep_for_good(NULL);
		if (pid > 0)
			continue;
		if (errno != EAGAIN)
			err(1, "fork in a full range");
		i++;
	}
	return mean(50);
}

/* The last ones made are the first to go, so free numbers lie together. */
static void measure_range(const struct kind *kind)
{
	const size_t percent = numbers / 100, permille = numbers / 1000;

	singles = calloc(percent, sizeof(*singles));
	if (!singles)
		err(1, "no memory");
	if (!kind->grouped)
		write_number("/proc/sys/kernel/pid_max", RESERVED + numbers);
	warm_up();
	say("range", kind->name, "empty", mean_fork());
	if (add_singles(percent) != percent)
		err(1, "fork");
	fill(numbers / 2 - percent);
	say("range", kind->name, "half", mean_fork());
	fill(numbers);
	say("range", kind->name, "full", mean_refusal());
	end_singles(percent - permille);
	say("range", kind->name, "99.9", mean_fork());
	end_singles(0);
	say("range", kind->name, "99", mean_fork());
}

static void range(const struct kind *kind)
{
	const struct rlimit many = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_NPROC, &many))
		err(1, "RLIMIT_NPROC");
	in_namespace(kind, VPROCNS_PROFILE_SHADOW, FIRST + numbers - 1,
		     measure_range);
}

static unsigned int clones;
static struct clone_args in_flight = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD };

static void *clone_half(void *unused)
{
	/* It has its number when it writes the pidfd, which takes the page. */
	if (!syscall(SYS_clone3, &in_flight, sizeof(in_flight)))
		_exit(0);
	return unused;
}

/* So many threads whose clones wait for a page that nobody brings. */
static void put_in_flight(unsigned int count)
{
	struct uffd_msg message;
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register wanted = {
		.range.len = 4096,
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	const int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	pthread_attr_t small;
	pthread_t thread;
	unsigned int i;
	void *page;

	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || page == MAP_FAILED || ioctl(fd, UFFDIO_API, &api))
		err(1, "userfaultfd");
	wanted.range.start = (uintptr_t)page;
	if (ioctl(fd, UFFDIO_REGISTER, &wanted))
		err(1, "UFFDIO_REGISTER");
	in_flight.pidfd = (uintptr_t)page;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	for (i = 0; i < count; i++) {
		errno = pthread_create(&thread, &small, clone_half, NULL);
		if (errno)
			err(1, "thread");
		read_all(fd, &message, sizeof(message));
	}
}

static void measure_flight(const struct kind *kind)
{
	char at[16], byte;
	int ready[2];
	pid_t pid;

	warm_up();
	say("flight", kind->name, "0", mean_fork());
	if (pipe2(ready, O_CLOEXEC))
		err(1, "pipe");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		put_in_flight(clones);
		write_all(ready[1], "", 1);
		sleep_for_good(NULL);
	}
	close(ready[1]);
	read_all(ready[0], &byte, 1);
	snprintf(at, sizeof(at), "%u", clones);
	say("flight", kind->name, at, mean_fork());
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int create_named(int device, unsigned int number)
{
	struct vprocns_create create = {};
	int group;

	snprintf(create.name, sizeof(create.name), "a-group-with-a-name-%u", number);
	group = ioctl(device, VPROCNS_CREATE, &create);
	if (group < 0)
		err(1, "group %u", number);
	return group;
}

static void names(unsigned int groups)
{
	const struct rlimit many = { MAX_GROUPS + 64, MAX_GROUPS + 64 };
	const int device = open_device();
	struct vprocns_open by_name = {};
	char at[16];
	double begin;
	unsigned int i;
	int group;

	if (setrlimit(RLIMIT_NOFILE, &many))
		err(1, "RLIMIT_NOFILE");
	for (i = 0; i < groups; i++)
		create_named(device, i);
	snprintf(at, sizeof(at), "%u", groups);
	for (i = 0; i < repeats; i++) {
		begin = now();
		group = create_named(device, groups);
		times[i] = now() - begin;
		close(group);
	}
	say("names", "create", at, mean(repeats));
	snprintf(by_name.name, sizeof(by_name.name), "a-group-with-a-name-%u",
		 groups - 1);
	for (i = 0; i < repeats; i++) {
		begin = now();
		group = ioctl(device, VPROCNS_OPEN, &by_name);
		times[i] = now() - begin;
		if (group < 0)
			err(1, "VPROCNS_OPEN");
		close(group);
	}
	say("names", "open", at, mean(repeats));
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc > 2)
		repeats = amount(argv[argc - 1], MAX_REPEATS);
	if (argc == 5 && !strcmp(argv[1], "range")) {
		numbers = amount(argv[3], 1000000);
		range(find_kind(argv[2]));
	} else if (argc == 5 && !strcmp(argv[1], "flight")) {
		clones = amount(argv[3], MAX_CLONES);
		in_namespace(find_kind(argv[2]), VPROCNS_PROFILE_LINUX, 0,
			     measure_flight);
	} else if (argc == 4 && !strcmp(argv[1], "names")) {
		names(amount(argv[2], MAX_GROUPS));
	} else {
		errx(2, "wrong usage; see worst --help");
	}
	return 0;
}
