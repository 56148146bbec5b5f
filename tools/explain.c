// SPDX-License-Identifier: GPL-2.0
/* `vprocns explain`: the module's own policy, asked without the module. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "options.h"
#include "policy.h"
#include "table.h"
#include "tool.h"

#define EXPLAIN_USAGE							\
	"[OPTION]... clone|clone3 FLAGS [EXIT_SIGNAL]\n"		\
	"       vprocns explain [OPTION]... --batch\n"			\
	"\n"								\
	"Says whether a group's program may make this clone. If not, it says which rule\n" \
	"refuses it, with which errno and because of which flags; if so, with which flags\n" \
	"it runs. Needs no module. FLAGS: names or numbers, joined by '|', as in\n" \
	"'VM|VFORK'. EXIT_SIGNAL: number or name; if not given, SIGCHLD, or 0 with\n" \
	"THREAD.\n"							\
	"\n"								\
	"Exit status: 0 when the clone is allowed, 1 when it is refused, 2 when the\n" \
	"question is wrong. With --batch 0, or 2.\n"				\
	"\n"								\
	POLICY_USAGE							\
	"  --admin           the caller has CAP_SYS_ADMIN (for profile container)\n" \
	"  --batch           read rows of call, flags, exit_signal, threads_only from\n" \
	"                    standard input (tabs between, # lines skipped); print each\n" \
	"                    with its errno, and with the flags that it runs with when\n" \
	"                    vfork runs as fork, or as --vfork says\n"		\
	"  --json            print JSON\n"

/* clone(2) has the exit signal in the low byte of its flags. */
#define EXIT_SIGNAL_MASK 0xff

/* Judged for a caller with CAP_SYS_ADMIN. */
static bool admin;

static struct vprocns_policy policy_of(const struct vprocns_create *create)
{
	struct vprocns_policy policy;

	if (vprocns_policy_init(&policy, create))
		misuse("these options contradict each other; see vprocns explain --help");
	policy.admin = admin;
	return policy;
}

static void read_request(char **argv, int argc, __u64 *flags, int *exit_signal)
{
	const bool is_clone3 = !strcmp(argv[0], "clone3");

	if (!is_clone3 && strcmp(argv[0], "clone"))
		misuse("'%s': clone or clone3 is needed", argv[0]);
	if (!flags_value(argv[1], flags))
		misuse("flags '%s': names of clone flags or numbers, joined by '|', are needed",
		       argv[1]);
	*exit_signal = *flags & CLONE_THREAD ? 0 : SIGCHLD;
	if (!is_clone3) {
		if (*flags >> 32)
			misuse("flags '%s': clone takes 32 bits; clone3 takes more",
			       argv[1]);
		if (*flags & EXIT_SIGNAL_MASK) {
			if (argc > 2)
				misuse("flags '%s' have an exit signal in their low byte already",
				       argv[1]);
			*exit_signal = *flags & EXIT_SIGNAL_MASK;
			*flags &= ~(__u64)EXIT_SIGNAL_MASK;
		}
	}
	if (argc > 2 && !signal_value(argv[2], exit_signal))
		misuse("exit signal '%s': a number or a name is needed",
		       argv[2]);
}

/* Returns the exit status. */
static int explain_one(const struct vprocns_create *create, char **argv,
		       int argc, bool json)
{
	static const struct column columns[] = {
		{ "CALL",	 COLUMN_TEXT },
		{ "FLAGS",	 COLUMN_TEXT },
		{ "EXIT-SIGNAL", COLUMN_NUMBER },
		{ "VERDICT",	 COLUMN_TEXT },
		{ "ERRNO",	 COLUMN_TEXT },
		{ "RULE",	 COLUMN_TEXT },
		{ "BECAUSE-OF",	 COLUMN_TEXT },
		{ "RUNS-WITH",	 COLUMN_TEXT },
	};
	const struct vprocns_policy policy = policy_of(create);
	struct vprocns_verdict verdict;
	struct table *table;
	char *asked, *runs, *at_fault;
	int exit_signal;
	__u64 flags;

	read_request(argv, argc, &flags, &exit_signal);
	verdict = vprocns_policy_clone(&policy, flags, exit_signal);
	asked = flags_text(flags);
	runs = flags_text(verdict.flags);
	at_fault = flags_text(verdict.at_fault);
	if (!asked || !runs || !at_fault)
		fail("out of memory");

	table = table_new("explain", columns, ARRAY_SIZE(columns), json);
	table_row(table);
	table_cell(table, "%s", argv[0]);
	table_cell(table, "%s", asked);
	table_cell(table, "%d", exit_signal);
	table_cell(table, "%s", verdict.err ? "refused" : "allowed");
	table_cell(table, "%s", verdict.err ? errno_name(verdict.err) : "");
	table_cell(table, "%s", verdict.err ? rule_name(verdict.rule) : "");
	table_cell(table, "%s", verdict.at_fault ? at_fault : "");
	table_cell(table, "%s", verdict.err ? "" : runs);
	table_print(table);
	free(asked);
	free(runs);
	free(at_fault);
	return verdict.err ? 1 : 0;
}

struct row {
	const char *call;
	const char *flags;
	const char *exit_signal;
	const char *threads_only;
};

/* Columns after the fourth are the answers of another time. */
static bool split(char *line, struct row *row)
{
	line[strcspn(line, "\n")] = '\0';
	row->call = strsep(&line, "\t");
	row->flags = strsep(&line, "\t");
	row->exit_signal = strsep(&line, "\t");
	row->threads_only = strsep(&line, "\t");
	return row->threads_only;
}

static bool answer(const struct vprocns_create *create, const struct row *row)
{
	struct vprocns_create request = *create;
	struct vprocns_policy policy;
	struct vprocns_verdict verdict;
	int exit_signal;
	__u64 flags;

	if ((strcmp(row->call, "clone") && strcmp(row->call, "clone3")) ||
	    !flags_value(row->flags, &flags) ||
	    !signal_value(row->exit_signal, &exit_signal))
		return false;
	if (!strcmp(row->threads_only, "1"))
		request.flags |= VPROCNS_CREATE_THREADS_ONLY;
	else if (strcmp(row->threads_only, "0"))
		return false;

	if (!request.vfork)
		request.vfork = VPROCNS_VFORK_FORK;
	policy = policy_of(&request);
	verdict = vprocns_policy_clone(&policy, flags, exit_signal);
	printf("%s\t%s\t%s\t%s\t%s\t0x%llx\n", row->call, row->flags,
	       row->exit_signal, row->threads_only,
	       verdict.err ? errno_name(verdict.err) : "0", verdict.flags);
	return true;
}

static void explain_batch(const struct vprocns_create *create)
{
	unsigned long nr = 0;
	char *line = NULL;
	size_t size = 0;
	struct row row;

	puts("# call\tflags\texit_signal\tthreads_only\terrno\tflags_vfork_as_fork");
	while (getline(&line, &size, stdin) > 0) {
		nr++;
		if (*line == '#')
			continue;
		if (!split(line, &row) || !answer(create, &row))
			misuse("line %lu: call, flags, exit_signal and threads_only (0 or 1) are needed, with tabs between",
			       nr);
	}
	if (ferror(stdin))
		fail("standard input: %s", strerror(errno));
	free(line);
}

static int explain_main(int argc, char **argv)
{
	static const struct option options[] = {
		POLICY_OPTIONS,
		{ "admin", no_argument, NULL, OPT_ADMIN },
		{ "batch", no_argument, NULL, OPT_BATCH },
		{ "json", no_argument, NULL, OPT_JSON },
		HELP_OPTION
	};
	struct vprocns_create create = {};
	bool batch = false, json = false;
	int option;

	/* '+': an exit signal may be negative. */
	while ((option = next_option(argc, argv, OPTIONS_FIRST, options)) != -1) {
		if (option == OPT_ADMIN)
			admin = true;
		else if (option == OPT_BATCH)
			batch = true;
		else if (option == OPT_JSON)
			json = true;
		else
			group_option(option, optarg, &create);
	}
	argc -= optind;
	argv += optind;
	if (batch && (argc || json))
		misuse("--batch takes neither arguments nor --json");
	if (!batch && argc != 2 && argc != 3)
		misuse("a call and its flags are needed; see vprocns explain --help");

	if (!batch)
		return explain_one(&create, argv, argc, json);
	explain_batch(&create);
	return 0;
}

const struct command explain_command = {
	.name = "explain",
	.summary = "judge a clone request, without the module",
	.usage = EXPLAIN_USAGE,
	.main = explain_main,
	.failure = EXIT_WRONG_USAGE,
	.misuse = EXIT_WRONG_USAGE,
};
