// SPDX-License-Identifier: GPL-2.0
/* `vprocns run`: a new group around a new program. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "options.h"
#include "program.h"
#include "relay.h"
#include "tool.h"

#define RUN_USAGE							\
	"[OPTION]... [--] CMD [ARG]...\n"				\
	"\n"								\
	"Runs CMD as the first program of a new group: TID 1000, the group's own\n" \
	"/proc, its clone policy and its capability view.\n"		\
	"\n"								\
	GROUP_USAGE							\
	"  --report          say at the end, on standard error, how many tasks were made\n" \
	"                    and whether their numbers depended on scheduling\n" \
	"\n"								\
	"Exit status: that of CMD, or 128+n when signal n ended it; 125 when the\n" \
	"group can't be made, 126 when CMD can't be executed, 127 when there is none.\n"

struct run {
	struct vprocns_create create;
	char **argv;
	bool report;
	int group;
	int alive[2];
	uid_t uid;
	gid_t gid;
};

static void read_options(int argc, char **argv, struct run *run)
{
	static const struct option options[] = {
		GROUP_OPTIONS,
		{ "report", no_argument, NULL, OPT_REPORT },
		{ "help", no_argument, NULL, OPT_HELP },
		{}
	};
	int option;

	/* '+': what stands behind CMD is CMD's. */
	while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		if (option == OPT_HELP)
			help();
		if (option == OPT_REPORT)
			run->report = true;
		else if (!group_option(option, optarg, &run->create))
			bad_option(argv);
	}
	check_group_options(&run->create);
	if (optind == argc)
		misuse("no program given; see vprocns run --help");
	run->argv = argv + optind;
}

static void write_line(const char *path, const char *format, unsigned int id)
{
	FILE *const file = fopen(path, "we");

	if (!file || fprintf(file, format, id, id) < 0 || fclose(file))
		fail("%s: %s", path, strerror(errno));
}

/* To the program, an unprivileged user is who he was. */
static void map_ids(const struct run *run)
{
	write_line("/proc/self/setgroups", "deny", 0);
	write_line("/proc/self/uid_map", "%u %u 1\n", run->uid);
	write_line("/proc/self/gid_map", "%u %u 1\n", run->gid);
}

/* Pid 1 of the group. The steps stand in the order that they need. */
static noreturn void be_init(const struct run *run, bool own_users)
{
	pid_t program;

	/* Ours of the pipe's ends would hide the parent's death. */
	close(run->alive[1]);
	relay_bind_life(run->alive[0]);

	/* Both need capabilities, and mounts are refused to members. */
	if (own_users)
		map_ids(run);
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL))
		fail("/proc can't be mounted: %s", strerror(errno));

	/* A member's capset() is answered by the group, so it drops nothing. */
	if (group_info(run->group).caps != VPROCNS_CAPS_HOST)
		program_drop();

	group_bind(run->group, -1, &run->create);
	close(run->group);

	program = fork();
	if (program < 0)
		fail("the program can't be started: %s", strerror(errno));
	if (!program)
		program_execute(run->argv);
	/* With pid 1 the kernel ends everybody else in the namespace. */
	_exit(relay_until_end(program));
}

static pid_t clone_init(struct run *run, unsigned long flags)
{
	const pid_t pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		be_init(run, flags & CLONE_NEWUSER);
	return pid;
}

static pid_t start_init(struct run *run)
{
	pid_t pid = clone_init(run, CLONE_NEWPID | CLONE_NEWNS);

	if (pid < 0 && errno == EPERM)
		pid = clone_init(run,
				 CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUSER);
	if (pid >= 0)
		return pid;
	if (errno == EPERM || errno == ENOSPC || errno == EUSERS)
		fail("no user namespace for you (%s): be root, or have kernel.unprivileged_userns_clone or user.max_user_namespaces raised",
		     strerror(errno));
	fail("a PID namespace can't be made: %s", strerror(errno));
}

/* Tasks that joined are numbered as they came, and their children with them. */
static void report(const struct run *run)
{
	const struct vprocns_stats stats = group_stats(run->group);
	const char *verdict;

	if (run->create.numbering != VPROCNS_NUMBERING_LINEAGE)
		verdict = "numbered in the order in which they were made";
	else if (stats.collisions)
		verdict = "numbers may depend on scheduling; try another --seed or a larger range";
	else if (stats.joined > 1)
		verdict = "numbers depend on the order in which tasks joined from outside";
	else
		verdict = "numbers are independent of scheduling, as far as each task's own clones are";
	complain("%llu tasks, %llu collisions: %s", stats.clones,
		 stats.collisions, verdict);
}

static int run_main(int argc, char **argv)
{
	struct run run = { .uid = geteuid(), .gid = getegid() };
	int device, status;
	pid_t init;

	read_options(argc, argv, &run);
	device = device_open();
	run.group = group_create(device, &run.create);
	close(device);
	if (pipe2(run.alive, O_CLOEXEC))
		fail("no pipe: %s", strerror(errno));
	relay_begin();
	init = start_init(&run);
	close(run.alive[0]);
	status = relay_until_end(init);
	if (run.report)
		report(&run);
	return status;
}

const struct command run_command = {
	.name = "run",
	.summary = "run a program in a new group",
	.usage = RUN_USAGE,
	.main = run_main,
	.failure = EXIT_OWN_FAILURE,
	.misuse = EXIT_OWN_FAILURE,
};
