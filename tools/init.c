// SPDX-License-Identifier: GPL-2.0
/* Pid 1 of a group: reaps, passes on what comes from outside, and tells of stops. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"
#include "relay.h"
#include "tool.h"

static void tell(const struct init *init, enum relay_subject subject, int value)
{
	const struct relay_message message = { subject, value };

	send(init->socket, &message, sizeof(message), MSG_NOSIGNAL);
}

static bool is_alive(const char *pid)
{
	char path[300], line[512] = "";
	const char *name_end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	line[fread(line, 1, sizeof(line) - 1, file)] = '\0';
	fclose(file);
	/* "PID (NAME) STATE ...", and a name may hold parentheses. */
	name_end = strrchr(line, ')');
	return name_end && !strchr("ZX", name_end[2]);
}

static int others_alive(void)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	int count = 0;

	if (!proc)
		return 0;
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    strcmp(entry->d_name, "1") && is_alive(entry->d_name))
			count++;
	closedir(proc);
	return count;
}

/* Returns whether it is the end. */
static bool reap(const struct init *init, bool *program_ended)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != init->program)
			continue;
		if (WIFSTOPPED(status)) {
			tell(init, RELAY_STOPPED, WSTOPSIG(status));
			continue;
		}
		tell(init, RELAY_ENDED, status);
		*program_ended = true;
	}
	if (!*program_ended)
		return false;
	/* Whatever there is in a namespace becomes the child of its pid 1 in the end. */
	if (init->waits)
		return pid < 0 && errno == ECHILD;
	tell(init, RELAY_LEFT, others_alive());
	return true;
}

static void pass_on(const struct init *init, const struct signalfd_siginfo *info,
		    bool program_ended)
{
	/* A pid 1 is not to be reached from inside; outside has no number here. */
	if (info->ssi_pid || info->ssi_code > 0)
		return;
	/* The daemons that we wait for. */
	if (program_ended)
		kill(-1, info->ssi_signo);
	else if (info->ssi_code == SI_QUEUE && info->ssi_int == RELAY_TO_GROUP)
		kill(-init->program, info->ssi_signo);
	else
		kill(init->program, info->ssi_signo);
}

static void obey(const struct init *init)
{
	struct relay_message message;

	if (recv(init->socket, &message, sizeof(message), MSG_DONTWAIT) !=
	    sizeof(message) || message.subject != RELAY_CONTINUE)
		return;
	if (message.value)
		tcsetpgrp(init->tty, init->program);
	kill(-init->program, SIGCONT);
}

void init_until_end(const struct init *init)
{
	struct pollfd fds[] = {
		{ .fd = relay_signals(), .events = POLLIN },
		{ .fd = init->socket, .events = POLLIN },
	};
	struct signalfd_siginfo info;
	bool program_ended = false;

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			fail("signals can't be waited for: %s", strerror(errno));
		if (fds[1].revents & POLLIN)
			obey(init);
		if (!(fds[0].revents & POLLIN) ||
		    read(fds[0].fd, &info, sizeof(info)) != sizeof(info))
			continue;
		if (info.ssi_signo != SIGCHLD)
			pass_on(init, &info, program_ended);
		else if (reap(init, &program_ended))
			return;
	}
}
