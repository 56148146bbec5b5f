// SPDX-License-Identifier: GPL-2.0
/* Two commands, run in turn under `vprocns record`. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"
#include "trials.h"

extern char **environ;

/* What atexit() and a signal have to find. */
static struct {
	char *directory;
	struct trials *trials;
} made;

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	interrupted = signal;
}

static char *path_of(const char *directory, const char *side, size_t run)
{
	char *path;

	if (asprintf(&path, "%s/%s-%02zu.jsonl", directory, side, run + 1) < 0)
		fail("out of memory");
	return path;
}

void trials_forget(struct trials *trials)
{
	size_t i;

	if (!made.directory)
		return;
	for (i = 0; i < 2 * trials->pairs; i++)
		unlink(trials->paths[i]);
	rmdir(made.directory);
	free(made.directory);
	made.directory = NULL;
}

static void forget(void)
{
	trials_forget(made.trials);
}

static void make_directory(struct trials *trials)
{
	const char *const base = getenv("TMPDIR");
	const char *directory = trials->keep;
	size_t i;

	if (directory) {
		if (mkdir(directory, 0777) && errno != EEXIST)
			fail("%s: %s", directory, strerror(errno));
	} else {
		if (asprintf(&made.directory, "%s/vprocns.XXXXXX",
			     base && *base ? base : "/tmp") < 0)
			fail("out of memory");
		if (!mkdtemp(made.directory))
			fail("%s: %s", made.directory, strerror(errno));
		directory = made.directory;
		made.trials = trials;
		atexit(forget);
	}
	trials->paths = need(calloc(2 * trials->pairs, sizeof(*trials->paths)));
	for (i = 0; i < trials->pairs; i++) {
		trials->paths[i] = path_of(directory, "a", i);
		trials->paths[trials->pairs + i] = path_of(directory, "b", i);
	}
}

/* What record said on its standard error, with a failure. */
static void show(int log)
{
	char text[4096];
	ssize_t length;

	lseek(log, 0, SEEK_SET);
	while ((length = read(log, text, sizeof(text))) > 0)
		if (write(STDERR_FILENO, text, length) < 0)
			break;
}

/* Whether more than words is in it: in the first word, = is an assignment. */
static bool needs_shell(const char *command)
{
	const char *const first = command + strspn(command, " \t");

	return !*first || strpbrk(command, "\"'\\`$&;|<>(){}[]*?!~#\n") ||
	       memchr(first, '=', strcspn(first, " \t"));
}

/* The words of a command, or of the shell that reads it. */
static void add_words(char **argv, char *command, bool by_shell)
{
	size_t count = 0;
	char *rest = command, *word;

	if (by_shell) {
		argv[count++] = "/bin/sh";
		argv[count++] = "-c";
		argv[count++] = command;
		return;
	}
	while ((word = strsep(&rest, " \t")))
		if (*word)
			argv[count++] = word;
}

static pid_t start(const struct trials *trials, const char *command,
		   const char *path, int log)
{
	char *const words = strdup(command);
	posix_spawn_file_actions_t actions;
	size_t count = 0, i;
	char **argv;
	pid_t pid;
	int error;

	while (trials->options[count])
		count++;
	argv = calloc(count + strlen(command) + 9, sizeof(*argv));
	if (!argv || !words || posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
					     O_RDONLY, 0) ||
	    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO,
					     "/dev/null", O_WRONLY, 0) ||
	    posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO))
		fail("out of memory");
	argv[0] = "vprocns";
	argv[1] = "record";
	argv[2] = "-o";
	argv[3] = (char *)path;
	for (i = 0; i < count; i++)
		argv[4 + i] = trials->options[i];
	argv[4 + count] = "--";
	/* Both or none: a shell is a task of its own, so places would not agree. */
	add_words(argv + 5 + count, words, needs_shell(trials->commands[0]) ||
		  needs_shell(trials->commands[1]));
	error = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv,
			    environ);
	if (error)
		fail("vprocns record can't be started: %s", strerror(error));
	posix_spawn_file_actions_destroy(&actions);
	free(argv);
	free(words);
	return pid;
}

static void end_if_interrupted(void)
{
	if (!interrupted)
		return;
	if (made.directory)
		trials_forget(made.trials);
	signal(interrupted, SIG_DFL);
	raise(interrupted);
}

static void run_one(const struct trials *trials, const char *command,
		    const char *path)
{
	const int log = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int status;
	pid_t pid;

	if (log < 0)
		fail("a temporary file can't be made: %s", strerror(errno));
	pid = start(trials, command, path, log);
	while (waitpid(pid, &status, 0) < 0)
		if (errno == EINTR && interrupted)
			kill(pid, interrupted);
	end_if_interrupted();
	if (status && !(trials->ignore_failure && WIFEXITED(status) &&
			WEXITSTATUS(status) != EXIT_OWN_FAILURE)) {
		show(log);
		fail("'%s' ended with %s %d%s", command,
		     WIFSIGNALED(status) ? "signal" : "status",
		     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		     WIFEXITED(status) && WEXITSTATUS(status) != EXIT_OWN_FAILURE ?
			     ": --ignore-failure goes on" : "");
	}
	close(log);
}

/* One line that is written over, and only where somebody looks. */
static void progress(const struct trials *trials, size_t done,
		     const struct timespec *since)
{
	const size_t all = 2 * (trials->warmup + trials->pairs);
	struct timespec now;
	double left;

	if (!isatty(STDERR_FILENO))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (double)(now.tv_sec - since->tv_sec) +
	       (double)(now.tv_nsec - since->tv_nsec) / 1e9;
	if (done == all)
		fprintf(stderr, "\r\033[K");
	else if (done)
		fprintf(stderr, "\r\033[Krun %zu of %zu, about %.0f s left",
			done + 1, all, left / (double)done * (double)(all - done));
	else
		fprintf(stderr, "run 1 of %zu", all);
}

void trials_run(struct trials *trials)
{
	const struct sigaction action = { .sa_handler = interrupt };
	const size_t all = trials->warmup + trials->pairs;
	struct timespec since;
	size_t i, turn;

	make_directory(trials);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	clock_gettime(CLOCK_MONOTONIC, &since);
	for (i = 0; i < all; i++) {
		/* A warm-up's recording is written over by the first run's. */
		const size_t pair = i < trials->warmup ? 0 : i - trials->warmup;

		for (turn = 0; turn < 2; turn++) {
			const size_t side = (i + turn) % 2;

			progress(trials, 2 * i + turn, &since);
			run_one(trials, trials->commands[side],
				trials->paths[side * trials->pairs + pair]);
		}
	}
	progress(trials, 2 * all, &since);
}
