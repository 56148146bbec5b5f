// SPDX-License-Identifier: GPL-2.0
/*
 * Stands between a caller and a program, outside of the group: signals and the
 * terminal go in, stops and the status come out.
 *
 * The program has a process group of its own, so what the terminal sends reaches
 * either it or us, as job control of a shell has it: it has the terminal from its
 * start when it reads and writes there, and else when it first asks for it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launch.h"
#include "relay.h"
#include "tool.h"

static sigset_t callers_mask;
static struct sigaction callers_sigchld;

static bool have_terminal(const struct relay *relay)
{
	return relay->tty >= 0 && tcgetpgrp(relay->tty) == getpgrp();
}

void relay_begin(struct relay *relay)
{
	/* A caller that ignores SIGCHLD would have children vanish unwaited for. */
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	sigset_t all;

	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &callers_mask) ||
	    sigaction(SIGCHLD, &normal, &callers_sigchld))
		fail("signals can't be set up: %s", strerror(errno));

	*relay = (struct relay) { .socket = -1 };
	relay->tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	/* Beside others in a pipeline it gets the terminal when it asks. */
	relay->interactive = tcgetpgrp(STDIN_FILENO) >= 0 &&
			     tcgetpgrp(STDOUT_FILENO) >= 0;
	relay->owns_tty = relay->interactive && have_terminal(relay);
}

void relay_enter_group(const struct relay *relay)
{
	/* Without a terminal it may be the leader of a session already. */
	setpgid(0, 0);
	if (relay->owns_tty)
		tcsetpgrp(relay->tty, getpgrp());
}

void relay_undo(void)
{
	sigaction(SIGCHLD, &callers_sigchld, NULL);
	sigprocmask(SIG_SETMASK, &callers_mask, NULL);
}

int relay_signals(void)
{
	sigset_t all;
	int fd;

	sigfillset(&all);
	fd = signalfd(-1, &all, SFD_CLOEXEC);
	if (fd < 0)
		fail("signals can't be read: %s", strerror(errno));
	return fd;
}

static void send_to_group(const struct relay *relay, int signo)
{
	if (relay->socket < 0)
		kill(-relay->child, signo);
	else
		sigqueue(relay->child, signo,
			 (union sigval) { .sival_int = RELAY_TO_GROUP });
}

/* Lets the program go on, with the terminal if both are to have it. */
static void proceed(struct relay *relay)
{
	struct relay_message message = { .subject = RELAY_CONTINUE };

	relay->owns_tty = relay->interactive && have_terminal(relay);
	message.value = relay->owns_tty;
	if (relay->socket >= 0) {
		send(relay->socket, &message, sizeof(message), MSG_NOSIGNAL);
		return;
	}
	if (relay->owns_tty)
		tcsetpgrp(relay->tty, relay->child);
	kill(-relay->child, SIGCONT);
}

static void take_terminal(struct relay *relay)
{
	if (relay->owns_tty)
		tcsetpgrp(relay->tty, getpgrp());
	relay->owns_tty = false;
}

static bool take_pending(int signo)
{
	const struct timespec now = {};
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, signo);
	return sigtimedwait(&one, NULL, &now) == signo;
}

/* Has @signo do to us what it does by default; with @group to all of our group. */
static void suffer(int signo, bool group)
{
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	struct sigaction before;
	sigset_t one;

	sigaction(signo, &normal, &before);
	if (group)
		kill(0, signo);
	else
		raise(signo);
	sigemptyset(&one);
	sigaddset(&one, signo);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	sigprocmask(SIG_BLOCK, &one, NULL);
	sigaction(signo, &before, NULL);
}

/* The program has stopped, and so its caller is to see us stop. */
static void stop(struct relay *relay, int signo)
{
	const bool asks = signo == SIGTTIN || signo == SIGTTOU;
	const bool had_tty = relay->owns_tty;

	if (asks && have_terminal(relay)) {
		relay->interactive = true;
		proceed(relay);
		return;
	}
	if (relay->tty < 0 && !relay->stop_wanted)
		return;
	relay->stop_wanted = false;
	take_terminal(relay);
	take_pending(SIGCONT);
	suffer(signo, had_tty && signo != SIGSTOP);
	/* Nobody could let an orphaned process group go on, so nothing stops it. */
	if (!take_pending(SIGCONT) && signo != SIGSTOP && asks)
		send_to_group(relay, SIGHUP);
	if (asks)
		relay->interactive = true;
	proceed(relay);
}

static void pass_on(struct relay *relay, const struct signalfd_siginfo *info)
{
	const int signo = info->ssi_signo;

	/* By suffer(), which was for others. */
	if (info->ssi_code == SI_USER && (pid_t)info->ssi_pid == getpid())
		return;
	if (signo == SIGTSTP || signo == SIGTTIN || signo == SIGTTOU)
		relay->stop_wanted = true;
	/* What the kernel sends for the terminal is for a whole process group. */
	if (info->ssi_code > 0)
		send_to_group(relay, signo);
	else
		kill(relay->child, signo);
	/* Somebody may have stopped us, and the shell have taken the terminal. */
	if (signo == SIGCONT && relay->tty >= 0)
		proceed(relay);
}

/* True when the child was among those that had ended. */
static bool reap(struct relay *relay)
{
	bool found = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != relay->child)
			continue;
		if (WIFSTOPPED(status)) {
			if (relay->socket < 0)
				stop(relay, WSTOPSIG(status));
			continue;
		}
		/* Pid 1 tells the program's status itself, unless it was killed. */
		if (!relay->ended)
			relay->status = status;
		relay->ended = true;
		found = true;
	}
	return found;
}

/* Returns whether there may be more. */
static bool take_message(struct relay *relay)
{
	struct relay_message message;
	const ssize_t size = recv(relay->socket, &message, sizeof(message),
				  MSG_DONTWAIT);

	/* 0 is the end, and sets no errno. */
	if (size != sizeof(message))
		return size < 0 && (errno == EAGAIN || errno == EINTR);
	switch (message.subject) {
	case RELAY_STOPPED:
		stop(relay, message.value);
		break;
	case RELAY_ENDED:
		relay->status = message.value;
		relay->ended = true;
		break;
	case RELAY_LEFT:
		relay->left = message.value;
		break;
	case RELAY_CONTINUE:
		break;
	}
	return true;
}

/* True when the child has ended. */
static bool take_signal(struct relay *relay, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		fail("signals can't be read: %s", strerror(errno));
	if (info.ssi_signo == SIGCHLD)
		return reap(relay);
	pass_on(relay, &info);
	return false;
}

void relay_until_end(struct relay *relay, const struct launch_watch *watch)
{
	struct pollfd fds[] = {
		{ .fd = relay_signals(), .events = POLLIN },
		{ .fd = relay->socket, .events = POLLIN },
		{ .fd = watch ? watch->fd : -1, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
			if (errno == EINTR)
				continue;
			fail("signals can't be waited for: %s", strerror(errno));
		}
		if (fds[2].revents && !watch->ready(watch->data))
			fds[2].fd = -1;
		if (fds[1].revents && !take_message(relay))
			fds[1].fd = -1;
		if (fds[0].revents && take_signal(relay, fds[0].fd))
			break;
	}
	/* What pid 1 said last. */
	while (fds[1].fd >= 0 && poll(&fds[1], 1, 0) > 0 && take_message(relay))
		;
	close(fds[0].fd);
	/* Who comes next in a script has the terminal again. */
	if (relay->owns_tty)
		tcsetpgrp(relay->tty, getpgrp());
}

int relay_shell_status(const struct relay *relay)
{
	return WIFSIGNALED(relay->status) ?
	       EXIT_SIGNAL + WTERMSIG(relay->status) :
	       WEXITSTATUS(relay->status);
}

int relay_leave(const struct relay *relay)
{
	const struct rlimit none = {};
	int signo;

	if (!WIFSIGNALED(relay->status))
		return WEXITSTATUS(relay->status);
	signo = WTERMSIG(relay->status);
	/* The dump is the program's, if there is one. */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	/* A key of the terminal ends all of a script or pipeline, not the program alone. */
	suffer(signo, relay->owns_tty && (signo == SIGINT || signo == SIGQUIT));
	return relay_shell_status(relay);
}

void relay_bind_life(int socket)
{
	struct pollfd ended = { .fd = socket };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		fail("PR_SET_PDEATHSIG: %s", strerror(errno));
	/* It may have died before that. */
	if (poll(&ended, 1, 0) > 0 && ended.revents & (POLLHUP | POLLERR))
		_exit(EXIT_OWN_FAILURE);
}
