// SPDX-License-Identifier: GPL-2.0
/*
 * Stands between a caller and a program: signals go in, the status comes out.
 * Used twice by `run`: outside the namespace, and by pid 1 inside.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"
#include "relay.h"
#include "tool.h"

static sigset_t callers_mask;
static struct sigaction callers_sigchld;

void relay_begin(void)
{
	/* A caller that ignores SIGCHLD would have children vanish unwaited for. */
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	sigset_t all;

	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &callers_mask) ||
	    sigaction(SIGCHLD, &normal, &callers_sigchld))
		fail("signals can't be set up: %s", strerror(errno));
}

void relay_undo(void)
{
	sigaction(SIGCHLD, &callers_sigchld, NULL);
	sigprocmask(SIG_SETMASK, &callers_mask, NULL);
}

static int shell_status(int status)
{
	return WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

/* True when @child was among those that had ended. */
static bool reap(pid_t child, int *status)
{
	bool found = false;
	int one;
	pid_t pid;

	while ((pid = waitpid(-1, &one, WNOHANG)) > 0) {
		if (pid != child)
			continue;
		*status = one;
		found = true;
	}
	return found;
}

static void pass_on(const struct signalfd_siginfo *info, pid_t child)
{
	/* What the terminal sends has reached the child as well. */
	if (info->ssi_code <= 0)
		kill(child, info->ssi_signo);
	/* The program stops itself; the caller's shell waits for us to stop. */
	if (info->ssi_signo == SIGTSTP)
		raise(SIGSTOP);
}

/* Takes one signal; true when @child has ended. */
static bool take_signal(int fd, pid_t child, int *status)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		fail("signals can't be read: %s", strerror(errno));
	if (info.ssi_signo == SIGCHLD)
		return reap(child, status);
	pass_on(&info, child);
	return false;
}

int relay_until_end(pid_t child, const struct launch_watch *watch)
{
	struct pollfd fds[] = {
		{ .events = POLLIN },
		{ .fd = watch ? watch->fd : -1, .events = POLLIN },
	};
	sigset_t all;
	int status;

	sigfillset(&all);
	fds[0].fd = signalfd(-1, &all, SFD_CLOEXEC);
	if (fds[0].fd < 0)
		fail("signals can't be read: %s", strerror(errno));
	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
			if (errno == EINTR)
				continue;
			fail("signals can't be waited for: %s", strerror(errno));
		}
		if (fds[1].revents && !watch->ready(watch->data))
			fds[1].fd = -1;
		if (fds[0].revents && take_signal(fds[0].fd, child, &status))
			break;
	}
	close(fds[0].fd);
	return shell_status(status);
}

void relay_bind_life(int parent_alive)
{
	struct pollfd ended = { .fd = parent_alive };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		fail("PR_SET_PDEATHSIG: %s", strerror(errno));
	/* It may have died before that. */
	if (poll(&ended, 1, 0))
		_exit(EXIT_OWN_FAILURE);
	close(parent_alive);
}
