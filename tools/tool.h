/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_TOOL_H
#define _VPROCNS_TOOL_H

#include <stdbool.h>
#include <stdnoreturn.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define EXIT_WRONG_USAGE	2
/* run and exec keep the program's statuses apart from their own, like env(1). */
#define EXIT_NOT_CLEAN		124
#define EXIT_OWN_FAILURE	125
#define EXIT_NOT_EXECUTABLE	126
#define EXIT_NOT_FOUND		127
#define EXIT_SIGNAL		128

/**
 * struct command - one command of the tool
 * @name: what the user types
 * @summary: its line in `vprocns --help`
 * @usage: all of its own --help behind "usage: vprocns NAME "
 * @main: runs it; @argv starts with the name
 * @failure: exit status of its own failures
 * @misuse: exit status of wrong usage
 */
struct command {
	const char *name;
	const char *summary;
	const char *usage;
	int (*main)(int argc, char **argv);
	int failure;
	int misuse;
};

extern const struct command run_command;
extern const struct command exec_command;
extern const struct command bind_command;
extern const struct command kill_command;
extern const struct command ls_command;
extern const struct command ps_command;
extern const struct command stat_command;
extern const struct command map_command;
extern const struct command check_command;
extern const struct command explain_command;
extern const struct command oci_hook_command;
extern const struct command record_command;
extern const struct command show_command;
extern const struct command diff_command;
extern const struct command compare_command;
extern const struct command timeline_command;

/* Each prints one line and ends the process with the command's status. */
noreturn void fail(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
noreturn void misuse(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* One line; the caller goes on. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What was allocated: @memory, or the end of the tool where there was none. */
static inline void *need(void *memory)
{
	if (!memory)
		fail("out of memory");
	return memory;
}

/* Options of getopt_long() that have no letter. */
enum {
	OPT_HELP = 256,
	OPT_JSON,
	OPT_PROFILE,
	OPT_THREADS_ONLY,
	OPT_ALLOW,
	OPT_VFORK,
	OPT_CAPS,
	OPT_NUMBERING,
	OPT_FIRST,
	OPT_LAST,
	OPT_NAME,
	OPT_SEED,
	OPT_REPORT,
	OPT_BATCH,
	OPT_ADMIN,
	OPT_AT_EXEC,
	OPT_SLOT,
	OPT_TO_VIRTUAL,
	OPT_PART,
	OPT_PRIVATE_TMP,
	OPT_PRIVATE_IPC,
	OPT_USER,
	OPT_WAIT,
	OPT_QUIET,
	OPT_REPORT_FILE,
	OPT_STRICT,
	OPT_GROUP,
	OPT_DETACH,
	OPT_RECORD,
	OPT_RECORD_DIR,
	OPT_EVENTS,
	OPT_TOP,
	OPT_BY,
	OPT_SORT,
	OPT_TIMES,
	OPT_METRIC,
	OPT_ALL,
	OPT_AGAINST,
	OPT_ACROSS,
	OPT_WARMUP,
	OPT_THRESHOLD,
	OPT_KEEP,
	OPT_IGNORE_FAILURE,
	OPT_EXPORT_JSON,
};

/* "vprocns run": what the user typed to get here. */
const char *command_words(void);

/* Prints the command's usage, and ends the tool. */
noreturn void help(void);

/* A whole number of @min..@max, or a line about @what and the end. */
unsigned long long number(const char *word, const char *what,
			  unsigned long long min, unsigned long long max);

#endif
