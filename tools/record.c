// SPDX-License-Identifier: GPL-2.0
/* `vprocns record`: keeps what happens in a group, a new one or one that is there. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "launch.h"
#include "recorder.h"
#include "tool.h"

#define RECORD_USAGE							\
	"[-o FILE] [OPTION]... [--] CMD [ARG]...\n"			\
	"       vprocns record [-o FILE] --group GROUP [--detach]\n"	\
	"                      [--user USER] [--top N] [--quiet]\n"	\
	"\n"								\
	"Runs CMD as 'vprocns run' does, with lineage numbering, and writes to FILE what\n" \
	"happens in the group: each clone, each program, each end of a task and what the\n" \
	"task used, each refusal. With --group it records a group that is there, until the\n" \
	"group ends or Ctrl-C. See 'vprocns show'.\n"			\
	"\n"								\
	"  --output FILE     or -o: where to write (vprocns.jsonl); - for standard output\n" \
	"  --group GROUP     record this group, an id or a name; what came before is missing\n" \
	"  --detach          with --group: when the recording has begun, print the PID of a\n" \
	"                    recorder that goes on; SIGTERM has it finish\n" \
	"  --events LIST     also count these events of perf in each task: names of\n" \
	"                    'perf list' like cycles,instructions,page-faults\n" \
	"  --top N           at the end, show the N tasks with the most CPU time (5)\n" \
	LAUNCH_USAGE							\
	"\n"								\
	"With --group, --user is who writes FILE. Exit status: as for run; 125 also when\n" \
	"the recording can't be written; with --group 0 otherwise.\n"

#define TOP_MAX		1000
/* A run that lasts so long says how far it is. */
#define QUIET_NS	2000000000ULL

/**
 * struct record - what the command line says, and the run
 * @launch: the program and its group
 * @recorder: the recording
 * @options: those of the command line
 * @events: names of counters; NULL without
 * @group: the group that is there; NULL for a new one
 * @detach: go on in the background
 * @new_only: the last option that is for a new group; NULL without
 * @epoll: watches the group and the timer
 * @timer: fires every RECORDER_LOOK_MS
 * @progress: say how far it is
 */
struct record {
	struct launch launch;
	struct recorder recorder;
	char **options;
	const char *events;
	const char *group;
	bool detach;
	const char *new_only;
	int epoll;
	int timer;
	bool progress;
};

/* The words up to @end. */
static void keep_options(struct record *record, char **argv, char **end)
{
	size_t count = 0;

	record->options = need(calloc(end - argv + 1, sizeof(char *)));
	for (argv++; argv < end; argv++)
		if (strcmp(*argv, "--"))
			record->options[count++] = *argv;
}

static const char *name_of(const struct option *options, int option)
{
	while (options->val != option)
		options++;
	return options->name;
}

/* With --group nothing is started, so what a start takes is a mistake. */
static void check_group_alone(int argc, char **argv, const struct record *record)
{
	if (record->new_only)
		misuse("--%s is for a new group, and --group takes one that is there",
		       record->new_only);
	if (record->events)
		misuse("--events counts from a task's first instruction on, which --group does not see");
	if (record->detach && !strcmp(record->recorder.path, "-"))
		misuse("--detach needs a file: give --output");
	if (optind < argc)
		misuse("--group starts no program: '%s' is one too many", argv[optind]);
}

static void read_options(int argc, char **argv, struct record *record)
{
	static const struct option options[] = {
		LAUNCH_OPTIONS,
		{ "output", required_argument, NULL, 'o' },
		{ "group", required_argument, NULL, OPT_GROUP },
		{ "detach", no_argument, NULL, OPT_DETACH },
		{ "events", required_argument, NULL, OPT_EVENTS },
		{ "top", required_argument, NULL, OPT_TOP },
		HELP_OPTION
	};
	size_t top = 5;
	int option;

	/* So that a task has the same number in the next recording. */
	record->launch.create.numbering = VPROCNS_NUMBERING_LINEAGE;
	/* What comes after CMD is CMD's. */
	while ((option = next_option(argc, argv, OPTIONS_FIRST, options)) != -1) {
		if (option == 'o') {
			record->recorder.path = optarg;
		} else if (option == OPT_GROUP) {
			record->group = optarg;
		} else if (option == OPT_DETACH) {
			record->detach = true;
		} else if (option == OPT_EVENTS) {
			record->events = optarg;
		} else if (option == OPT_TOP) {
			top = number(optarg, "top", 0, TOP_MAX);
		} else {
			launch_option(option, optarg, &record->launch);
			if (option != OPT_USER && option != OPT_QUIET)
				record->new_only = name_of(options, option);
		}
	}
	record->recorder.top = top_new(top);
	if (record->group) {
		check_group_alone(argc, argv, record);
		keep_options(record, argv, argv + argc);
		return;
	}
	if (record->detach)
		misuse("--detach goes with --group");
	launch_arguments(argc, argv, &record->launch);
	keep_options(record, argv, record->launch.argv);
}

static void watch(struct record *record, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (epoll_ctl(record->epoll, EPOLL_CTL_ADD, fd, &event))
		fail("events can't be waited for: %s", strerror(errno));
}

static void watch_all(struct record *record)
{
	const struct timespec look = { .tv_nsec = RECORDER_LOOK_MS * 1000000L };
	const struct itimerspec often = { .it_interval = look, .it_value = look };

	record->epoll = epoll_create1(EPOLL_CLOEXEC);
	record->timer = timerfd_create(CLOCK_MONOTONIC,
				       TFD_CLOEXEC | TFD_NONBLOCK);
	if (record->epoll < 0 || record->timer < 0 ||
	    timerfd_settime(record->timer, 0, &often, NULL))
		fail("events can't be waited for: %s", strerror(errno));
	watch(record, record->recorder.group);
	watch(record, record->timer);
}

static void say_progress(const struct record *record)
{
	const struct recorder *const recorder = &record->recorder;
	const unsigned long long ns = recorder_now() - recorder->base;

	if (record->progress && ns > QUIET_NS)
		fprintf(stderr, "\r%llu s, %llu tasks, %llu alive\033[K",
			ns / 1000000000, recorder->tasks,
			recorder->tasks + 1 - recorder->exits);
}

/* launch_program() calls it. */
static bool ready(void *data)
{
	struct record *const record = data;
	const bool more = recorder_look(&record->recorder);
	uint64_t times;

	if (read(record->timer, &times, sizeof(times)) > 0)
		say_progress(record);
	return more;
}

static void say_end(const struct record *record)
{
	const struct recorder *const recorder = &record->recorder;
	const double seconds = (recorder_now() - recorder->base) / 1e9;
	const char *const where = strcmp(recorder->path, "-") ? recorder->path :
							       "standard output";

	top_print(recorder->top);
	if (recorder->ended)
		complain("%llu tasks in %.1f s: %s", recorder->exits, seconds,
			 where);
	else
		complain("%llu tasks ended in %.1f s, %u are there: %s",
			 recorder->exits, seconds,
			 group_info(recorder->group).members, where);
	if (recorder->lost)
		complain("%llu events were lost: the machine was too busy to keep them, and 'ulimit -l' bounds what can wait",
			 recorder->lost);
	if (recorder->counters && counters_lost(recorder->counters))
		complain("%llu counters of tasks were lost: count fewer events",
			 counters_lost(recorder->counters));
}

/* One that is there. */
static int record_group(struct record *record)
{
	struct recorder *const recorder = &record->recorder;
	const int device = device_open();
	pid_t pid;

	recorder->group = group_open(device, record->group);
	close(device);
	if (group_info(recorder->group).state == VPROCNS_STATE_ENDED)
		fail("group '%s' has ended", record->group);
	recorder_listen(recorder);
	if (record->launch.has_account)
		account_enter(&record->launch.account);
	recorder_open(recorder, NULL, record->options);
	if (record->detach) {
		pid = recorder_detach(recorder);
		if (pid) {
			printf("%d\n", pid);
			return 0;
		}
	} else if (isatty(STDERR_FILENO) && !record->launch.quiet) {
		complain("recording; Ctrl-C ends it");
	}
	recorder_until_end(recorder);
	recorder_close(recorder, RECORDER_NO_STATUS);
	if (!record->launch.quiet)
		say_end(record);
	return 0;
}

static int record_program(struct record *record)
{
	struct launch_watch launch_watch = { .ready = ready, .data = record };
	struct recorder *const recorder = &record->recorder;
	struct launch *const launch = &record->launch;
	int status;

	recorder->group = launch_group(launch);
	launch_as_sudo_user(launch, recorder->group);
	recorder_listen(recorder);
	if (record->events)
		recorder->counters = counters_start(record->events);
	recorder_open(recorder, launch->argv, record->options);
	watch_all(record);
	record->progress = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO) &&
			   !launch->quiet;
	launch_watch.fd = record->epoll;
	status = launch_program(launch, recorder->group, &launch_watch);
	recorder_drain(recorder);
	if (record->progress)
		fputs("\r\033[K", stderr);
	recorder_close(recorder, status);
	if (!launch->quiet)
		say_end(record);
	if (recorder->counters)
		counters_stop(recorder->counters);
	launch_tell(launch, recorder->group);
	return relay_leave(&launch->relay);
}

static int record_main(int argc, char **argv)
{
	struct record record = { .recorder.path = "vprocns.jsonl" };
	int status;

	read_options(argc, argv, &record);
	status = record.group ? record_group(&record) : record_program(&record);
	free(record.recorder.top);
	free(record.options);
	return status;
}

const struct command record_command = {
	.name = "record",
	.summary = "keep what happens in a group, new or there",
	.usage = RECORD_USAGE,
	.main = record_main,
	.failure = EXIT_OWN_FAILURE,
	.misuse = EXIT_OWN_FAILURE,
};
