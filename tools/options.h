/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_OPTIONS_H
#define _VPROCNS_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>

#include "vprocns.h"

/* What a clone is judged by: run, bind and explain have these in common. */
#define POLICY_OPTIONS							\
	{ "profile", required_argument, NULL, OPT_PROFILE },		\
	{ "threads-only", no_argument, NULL, OPT_THREADS_ONLY },	\
	{ "allow", required_argument, NULL, OPT_ALLOW },		\
	{ "vfork", required_argument, NULL, OPT_VFORK }

/* The rest of what a group is made with. */
#define GROUP_OPTIONS							\
	POLICY_OPTIONS,							\
	{ "caps", required_argument, NULL, OPT_CAPS },			\
	{ "numbering", required_argument, NULL, OPT_NUMBERING },	\
	{ "seed", required_argument, NULL, OPT_SEED },			\
	{ "first", required_argument, NULL, OPT_FIRST },		\
	{ "last", required_argument, NULL, OPT_LAST },			\
	{ "name", required_argument, NULL, OPT_NAME }

#define POLICY_USAGE							\
	"  --profile P       shadow (default), shadow-strict, linux or container\n"	\
	"  --threads-only    the program can make threads, but no processes\n"		\
	"  --allow FLAGS     the clone flags to allow, instead of the profile's; +FLAGS:\n" \
	"                    the profile's and these\n"			\
	"  --vfork real|fork what vfork does, instead of what the profile says\n"

#define GROUP_USAGE							\
	POLICY_USAGE							\
	"  --caps VIEW       host, empty or empty-v3, instead of the profile's\n" \
	"  --numbering N     sequential (default), or lineage: by cloner, not by time\n" \
	"  --seed N          other numbers with --numbering lineage (0)\n"	\
	"  --first N         first TID to give (1000)\n"		\
	"  --last N          last TID to give (kernel.pid_max - 1)\n"	\
	"  --name NAME       a name to find the group by\n"

/* Takes one of the above, by its OPT_ number; false when it is none of them. */
bool group_option(int option, const char *value, struct vprocns_create *create);

/* When all were taken: completes them, and refuses those that contradict each other. */
void check_group_options(struct vprocns_create *create);

/* What every command has; the last of its options. */
#define HELP_OPTION	{ "help", no_argument, NULL, OPT_HELP }, {}

/*
 * Where a command's options may stand: before what it runs, anywhere, or anywhere with
 * each other word as an option too, whose number is OPTION_WORD.
 */
enum option_order { OPTIONS_FIRST, OPTIONS_ANYWHERE, OPTIONS_AND_WORDS };
#define OPTION_WORD	1

/*
 * getopt_long(), and -h; an option whose number is a letter has that one too. Prints the
 * help itself, and refuses what is no option with a line that says why. -1 after the
 * last one.
 */
int next_option(int argc, char **argv, enum option_order order,
		const struct option *options);

/* The options of the commands that only print: --json and --help. */
bool print_options(int argc, char **argv);

/* What follows the options: nothing, or one @what, which is returned. */
void no_arguments(int argc, char **argv);
char *one_argument(int argc, char **argv, const char *what);

#endif
