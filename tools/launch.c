// SPDX-License-Identifier: GPL-2.0
/* Starts a program in a new group: the namespaces, pid 1, and the program itself. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "init.h"
#include "launch.h"
#include "program.h"
#include "report.h"
#include "tool.h"

/* A launch on its way. */
struct start {
	const struct launch *launch;
	const struct launch_watch *watch;
	struct relay *relay;
	int group;
	int inner_socket;
	uid_t uid;
	gid_t gid;
	pid_t caller;
};

static void take_part(const char *value, struct launch *launch)
{
	char *end, *of;
	unsigned long part, parts;

	part = strtoul(value, &end, 10);
	parts = *end == '/' ? strtoul(end + 1, &of, 10) : 0;
	if (*value < '1' || *value > '9' || !parts || *of || part > parts ||
	    parts > INT_MAX)
		misuse("part '%s': K/N is needed, with K from 1 to N", value);
	launch->part = part;
	launch->parts = parts;
}

bool launch_option(int option, const char *value, struct launch *launch)
{
	switch (option) {
	case OPT_PART:
		take_part(value, launch);
		return true;
	case OPT_PRIVATE_TMP:
		launch->private_tmp = true;
		return true;
	case OPT_PRIVATE_IPC:
		launch->private_ipc = true;
		return true;
	case OPT_USER:
		if (geteuid())
			misuse("--user is for root");
		launch->account = account_of(value);
		launch->has_account = true;
		return true;
	case OPT_WAIT:
		launch->waits = true;
		return true;
	case OPT_QUIET:
		launch->quiet = true;
		return true;
	default:
		return group_option(option, value, &launch->create);
	}
}

/* The same for all who give the same range and the same number of parts. */
static void narrow_range(struct launch *launch)
{
	struct vprocns_create *const create = &launch->create;
	const __u32 first = create->first ?: VPROCNS_FIRST_TID;
	const __u32 last = create->last ?: pid_max() - 1;
	__u32 size;

	if (!launch->part)
		return;
	size = last >= first ? (last - first + 1) / launch->parts : 0;
	if (!size)
		misuse("part %u/%u: there are no %u numbers from %u to %u",
		       launch->part, launch->parts, launch->parts, first, last);
	create->first = first + (launch->part - 1) * size;
	create->last = create->first + size - 1;
}

void launch_arguments(int argc, char **argv, struct launch *launch)
{
	check_group_options(&launch->create);
	narrow_range(launch);
	if (optind == argc)
		misuse("no program given; see vprocns %s --help", argv[0]);
	launch->argv = argv + optind;
}

/* Another group that gives out the same numbers now; its id, or 0. */
static __u64 twin_of(int device, const struct vprocns_info *ours)
{
	/* The oldest that are there; a host with more has been warned. */
	__u64 ids[16];
	struct vprocns_list list = {
		.ids = (uintptr_t)ids, .capacity = ARRAY_SIZE(ids),
	};
	struct vprocns_info other;
	__u64 twin = 0;
	__u32 i;
	int fd;

	if (ioctl(device, VPROCNS_LIST, &list))
		return 0;
	for (i = 0; i < list.count && !twin; i++) {
		struct vprocns_open open = { .id = ids[i] };

		if (ids[i] == ours->id)
			continue;
		fd = ioctl(device, VPROCNS_OPEN, &open);
		if (fd < 0)
			continue;
		if (!ioctl(fd, VPROCNS_INFO, &other) &&
		    other.state == VPROCNS_STATE_BOUND &&
		    other.first <= ours->last && ours->first <= other.last)
			twin = other.id;
		close(fd);
	}
	return twin;
}

int launch_group(const struct launch *launch)
{
	const int device = device_open();
	const int group = group_create(device, &launch->create);
	struct vprocns_info info;
	__u64 twin;

	if (!launch->quiet && !(launch->private_tmp && launch->private_ipc)) {
		info = group_info(group);
		twin = twin_of(device, &info);
		if (twin)
			complain("group %llu has the same numbers now, so files and shared memory that are named by PID may be mixed up: use --part K/N, or --private-tmp --private-ipc",
				 twin);
	}
	close(device);
	return group;
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

static void mount_at(const char *type, const char *path, const char *data,
		     unsigned long flags)
{
	if (mount(type, path, type, flags, data))
		fail("%s can't be mounted: %s", path, strerror(errno));
}

/* Not every system has all of them. */
static void mount_if_there(const char *type, const char *path, const char *data,
			   unsigned long flags)
{
	if (!access(path, F_OK))
		mount_at(type, path, data, flags);
}

static void mount_own(const struct launch *launch)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		fail("the mounts can't be made the group's own: %s",
		     strerror(errno));
	mount_at("proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC);
	if (launch->private_tmp) {
		mount_at("tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV);
		mount_if_there("tmpfs", "/var/tmp", "mode=1777",
			       MS_NOSUID | MS_NODEV);
	}
	if (launch->private_ipc) {
		mount_if_there("tmpfs", "/dev/shm", "mode=1777",
			       MS_NOSUID | MS_NODEV);
		mount_if_there("mqueue", "/dev/mqueue", NULL,
			       MS_NOSUID | MS_NODEV | MS_NOEXEC);
	}
}

/*
 * Never those of the tool's caller, which would be 0 here. Where there is a terminal,
 * the session stays the one that has it, as job control needs it.
 */
static void leave_callers_group(const struct start *start)
{
	if (start->relay->tty < 0)
		setsid();
	else
		setpgid(0, 0);
}

static noreturn void be_program(const struct start *start)
{
	relay_enter_group(start->relay);
	program_execute(start->launch->argv, start->caller);
}

/* Pid 1 of the group. The steps stand in the order that they need. */
static noreturn void be_init(const struct start *start, bool own_users)
{
	const struct launch *const launch = start->launch;
	struct init init = {
		.socket = start->inner_socket, .tty = start->relay->tty,
		.waits = launch->waits,
	};

	/* Our copy of the socket's other end would hide the parent's death. */
	close(start->relay->socket);
	if (start->watch)
		close(start->watch->fd);

	/* All need capabilities, and mounts are refused to members. */
	if (own_users)
		map_ids(start);
	mount_own(launch);
	leave_callers_group(start);
	if (launch->has_account)
		account_enter(&launch->account);

	/* A member's capset() is answered by the group, so it drops nothing. */
	if (group_info(start->group).caps != VPROCNS_CAPS_HOST)
		program_drop();
	/* Another user has forgotten it. */
	relay_bind_life(start->inner_socket);

	group_bind(start->group, -1, &launch->create, 0);
	close(start->group);

	init.program = fork();
	if (init.program < 0)
		fail("the program can't be started: %s", errno == EOPNOTSUPP ?
		     "the group's policy refuses the fork: --allow needs CHILD_SETTID and CHILD_CLEARTID" :
		     strerror(errno));
	if (!init.program)
		be_program(start);
	/* The program does the same: whoever is second finds it done. */
	setpgid(init.program, init.program);
	init_until_end(&init);
	/* With pid 1 the kernel ends everybody else in the namespace. */
	_exit(EXIT_SUCCESS);
}

static pid_t clone_init(const struct start *start, unsigned long flags)
{
	pid_t pid;

	flags |= CLONE_NEWPID | CLONE_NEWNS;
	if (start->launch->private_ipc)
		flags |= CLONE_NEWIPC;
	pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		be_init(start, flags & CLONE_NEWUSER);
	return pid;
}

static pid_t start_init(const struct start *start)
{
	pid_t pid = clone_init(start, 0);

	if (pid < 0 && errno == EPERM)
		pid = clone_init(start, CLONE_NEWUSER);
	if (pid >= 0)
		return pid;
	if (errno == EPERM || errno == ENOSPC || errno == EUSERS)
		fail("user namespaces are not available to you (%s): be root, or have kernel.unprivileged_userns_clone or user.max_user_namespaces raised",
		     strerror(errno));
	fail("a PID namespace can't be made: %s", strerror(errno));
}

void launch_as_sudo_user(struct launch *launch, int group)
{
	if (launch->has_account ||
	    group_info(group).caps == VPROCNS_CAPS_HOST ||
	    !account_of_sudo(&launch->account))
		return;
	launch->has_account = true;
	if (!launch->quiet)
		complain("runs the program as %s, who called sudo, since root has no capabilities in a group; --user root for root",
			 launch->account.name);
}

int launch_program(struct launch *launch, int group,
		   const struct launch_watch *watch)
{
	struct relay *const relay = &launch->relay;
	struct start start = {
		.launch = launch, .watch = watch, .relay = relay, .group = group,
		.uid = geteuid(), .gid = getegid(), .caller = getpid(),
	};
	int sockets[2];

	relay_begin(relay);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		fail("no socket: %s", strerror(errno));
	relay->socket = sockets[0];
	start.inner_socket = sockets[1];
	relay->child = start_init(&start);
	close(sockets[1]);
	relay_until_end(relay, watch);
	return relay_shell_status(relay);
}

/* What a program that failed may not have expected, and does not say itself. */
static void tell_what_lacks(const struct launch *launch, int group)
{
	if (group_info(group).caps == VPROCNS_CAPS_HOST)
		return;
	if (geteuid())
		complain("the program failed; in its user namespace root's files belong to 65534, which some programs refuse: 'sudo vprocns run' needs no such namespace and runs it as you");
	else if (!launch->has_account)
		complain("the program failed; it was root without capabilities, so other users' files and privileged calls were closed to it: --user NAME runs it as a user, --caps host keeps them");
}

void launch_tell(const struct launch *launch, int group)
{
	const struct relay *const relay = &launch->relay;
	const struct vprocns_info info = group_info(group);
	const struct refusals refusals = report_refusals(group);
	const struct refusals none = {};

	if (launch->quiet)
		return;
	if (relay->left)
		complain("%d process%s left behind ended with the program: --wait waits for such daemons",
			 relay->left, relay->left == 1 ? "" : "es");
	if (report_refused(&info, &refusals, &none))
		return;
	/* From 125 to 127 the tool has said itself what failed. */
	if (WIFEXITED(relay->status) && WEXITSTATUS(relay->status) &&
	    (WEXITSTATUS(relay->status) < EXIT_OWN_FAILURE ||
	     WEXITSTATUS(relay->status) > EXIT_NOT_FOUND))
		tell_what_lacks(launch, group);
}
