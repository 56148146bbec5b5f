// SPDX-License-Identifier: GPL-2.0
/* Starts a program in a new group: the namespaces, pid 1, and the program itself. */
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
#include "launch.h"
#include "program.h"
#include "relay.h"
#include "tool.h"

/* A launch on its way. */
struct start {
	const struct launch *launch;
	const struct launch_watch *watch;
	int group;
	int alive[2];
	uid_t uid;
	gid_t gid;
};

bool launch_option(int option, const char *value, struct launch *launch)
{
	return group_option(option, value, &launch->create);
}

void launch_arguments(int argc, char **argv, struct launch *launch)
{
	check_group_options(&launch->create);
	if (optind == argc)
		misuse("no program given; see vprocns %s --help", argv[0]);
	launch->argv = argv + optind;
}

static void write_line(const char *path, const char *format, unsigned int id)
{
	FILE *const file = fopen(path, "we");

	if (!file || fprintf(file, format, id, id) < 0 || fclose(file))
		fail("%s: %s", path, strerror(errno));
}

/* To the program, an unprivileged user has the same ids as before. */
static void map_ids(const struct start *start)
{
	write_line("/proc/self/setgroups", "deny", 0);
	write_line("/proc/self/uid_map", "%u %u 1\n", start->uid);
	write_line("/proc/self/gid_map", "%u %u 1\n", start->gid);
}

/* Pid 1 of the group. The steps stand in the order that they need. */
static noreturn void be_init(const struct start *start, bool own_users)
{
	pid_t program;

	/* Our copy of the pipe's other end would hide the parent's death. */
	close(start->alive[1]);
	relay_bind_life(start->alive[0]);
	if (start->watch)
		close(start->watch->fd);

	/* Both need capabilities, and mounts are refused to members. */
	if (own_users)
		map_ids(start);
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL))
		fail("/proc can't be mounted: %s", strerror(errno));

	/* A member's capset() is answered by the group, so it drops nothing. */
	if (group_info(start->group).caps != VPROCNS_CAPS_HOST)
		program_drop();

	group_bind(start->group, -1, &start->launch->create, 0);
	close(start->group);

	program = fork();
	if (program < 0)
		fail("the program can't be started: %s", strerror(errno));
	if (!program)
		program_execute(start->launch->argv);
	/* With pid 1 the kernel ends everybody else in the namespace. */
	_exit(relay_until_end(program, NULL));
}

static pid_t clone_init(const struct start *start, unsigned long flags)
{
	const pid_t pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		be_init(start, flags & CLONE_NEWUSER);
	return pid;
}

static pid_t start_init(const struct start *start)
{
	pid_t pid = clone_init(start, CLONE_NEWPID | CLONE_NEWNS);

	if (pid < 0 && errno == EPERM)
		pid = clone_init(start,
				 CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUSER);
	if (pid >= 0)
		return pid;
	if (errno == EPERM || errno == ENOSPC || errno == EUSERS)
		fail("user namespaces are not available to you (%s): be root, or have kernel.unprivileged_userns_clone or user.max_user_namespaces raised",
		     strerror(errno));
	fail("a PID namespace can't be made: %s", strerror(errno));
}

int launch_program(const struct launch *launch, int group,
		   const struct launch_watch *watch)
{
	struct start start = {
		.launch = launch, .watch = watch, .group = group,
		.uid = geteuid(), .gid = getegid(),
	};
	pid_t init;

	if (pipe2(start.alive, O_CLOEXEC))
		fail("no pipe: %s", strerror(errno));
	relay_begin();
	init = start_init(&start);
	close(start.alive[0]);
	return relay_until_end(init, watch);
}
