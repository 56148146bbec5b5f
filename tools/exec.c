// SPDX-License-Identifier: GPL-2.0
/* `vprocns exec`: one more program in a group that is there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "options.h"
#include "program.h"
#include "relay.h"
#include "report.h"
#include "tool.h"

#define EXEC_USAGE							\
	"[OPTION]... GROUP [--] CMD [ARG]...\n"				\
	"\n"								\
	"Runs CMD as one more program of GROUP, an id or a name. CMD gets the group's\n" \
	"next TID, and its parent is outside. Exit status: as for run.\n" \
	"\n"								\
	"  --slot N          with lineage numbering: its number depends on N (0 to 4095),\n" \
	"                    not on how many programs joined before\n"	\
	"  --quiet           no line at the end about what the group refused meanwhile\n"

/* Whether what this link in /proc leads to is the same for the group's pid 1. */
static bool same_as_ours(int init, const char *link)
{
	char ours[32], theirs[32];
	struct stat our, their;

	snprintf(ours, sizeof(ours), "/proc/self/%s", link);
	snprintf(theirs, sizeof(theirs), "/proc/%d/%s", init, link);
	if (stat(ours, &our) || stat(theirs, &their))
		fail("%s can't be read: %s", theirs, strerror(errno));
	return our.st_ino == their.st_ino && our.st_dev == their.st_dev;
}

static struct vprocns_info living_group(int group)
{
	const struct vprocns_info info = group_info(group);

	if (info.state == VPROCNS_STATE_NEW)
		fail("group %llu has no process yet", info.id);
	if (info.state == VPROCNS_STATE_ENDED)
		fail("group %llu has ended", info.id);
	if (!info.init)
		fail("group %llu can't be seen from this PID namespace", info.id);
	return info;
}

/* Children are born in the group from here on. */
static void join(int group)
{
	const struct vprocns_info info = living_group(group);
	const int pidfd = syscall(SYS_pidfd_open, info.init, 0);
	char *const directory = get_current_dir_name();
	int kinds = CLONE_NEWPID | CLONE_NEWNS;

	/* A TID may have a new owner by now: the group must still be there. */
	if (pidfd < 0 || living_group(group).init != info.init)
		fail("group %llu has ended", info.id);
	/* That of run, about to clone: we would take its program's number. */
	if (!group_stats(group).clones && same_as_ours(info.init, "exe"))
		fail("group %llu has no program yet", info.id);
	if (!same_as_ours(info.init, "ns/user"))
		kinds |= CLONE_NEWUSER;
	if (setns(pidfd, kinds))
		fail("the namespaces of group %llu can't be joined: %s (root or its owner can)",
		     info.id, strerror(errno));
	close(pidfd);
	/* Joining a mount namespace leads to its root; most often both agree. */
	if (directory && chdir(directory))
		complain("group %llu has no directory %s: the program starts in /",
			 info.id, directory);
	free(directory);
	/* Now: a member's capset() is answered by the group. */
	if (info.caps != VPROCNS_CAPS_HOST)
		program_drop();
}

static int exec_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "slot", required_argument, NULL, OPT_SLOT },
		{ "quiet", no_argument, NULL, OPT_QUIET },
		HELP_OPTION
	};
	struct refusals before;
	struct vprocns_info info;
	const pid_t caller = getpid();
	struct relay relay;
	bool quiet = false;
	int option, slot = -1;
	int sockets[2];
	int device;
	int group;

	while ((option = next_option(argc, argv, OPTIONS_FIRST, options)) != -1)
		if (option == OPT_QUIET)
			quiet = true;
		else
			slot = number(optarg, "slot", 0, VPROCNS_SLOTS - 1);
	if (optind == argc)
		misuse("no group given; see vprocns exec --help");
	device = device_open();
	group = group_open(device, argv[optind++]);
	close(device);
	if (optind < argc && !strcmp(argv[optind], "--"))
		optind++;
	if (optind == argc)
		misuse("no program given; see vprocns exec --help");

	join(group);
	before = report_refusals(group);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		fail("no socket: %s", strerror(errno));
	relay_begin(&relay);
	/* The next clone's, so nothing may come between. */
	if (slot >= 0)
		group_slot(group, slot);
	relay.child = fork();
	if (relay.child < 0)
		fail("the program can't be started: %s", strerror(errno));
	if (!relay.child) {
		close(sockets[1]);
		relay_bind_life(sockets[0]);
		/* Without a terminal nothing speaks for the caller's session. */
		if (relay.tty < 0)
			setsid();
		relay_enter_group(&relay);
		program_execute(argv + optind, caller);
	}
	close(sockets[0]);
	/* Before it can have the terminal; without one, setsid() needs to be first. */
	if (relay.tty >= 0)
		setpgid(relay.child, relay.child);
	relay_until_end(&relay, NULL);
	if (!quiet) {
		const struct refusals now = report_refusals(group);

		info = group_info(group);
		report_refused(&info, &now, &before);
	}
	return relay_leave(&relay);
}

const struct command exec_command = {
	.name = "exec",
	.summary = "run one more program in a group",
	.usage = EXEC_USAGE,
	.main = exec_main,
	.failure = EXIT_OWN_FAILURE,
	.misuse = EXIT_OWN_FAILURE,
};
