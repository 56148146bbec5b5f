// SPDX-License-Identifier: GPL-2.0
/* `vprocns run`: a new group around a new program. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "launch.h"
#include "report.h"
#include "tool.h"

#define RUN_USAGE							\
	"[OPTION]... [--] CMD [ARG]...\n"				\
	"\n"								\
	"Runs CMD as the first program of a new group: with TID 1000, the group's own\n" \
	"/proc, its clone policy and its capability view. Unless the view is 'host', CMD\n" \
	"has no capabilities, even as root, and no_new_privs is set.\n"	\
	"\n"								\
	LAUNCH_USAGE							\
	"  --report[=json]   say at the end, on standard error, how many tasks were made\n" \
	"                    and what their numbers depended on; json: with all refusals\n" \
	"  --report-file F   write that into the file F instead\n"	\
	"  --strict          exit with 124 when CMD succeeded, but something was refused\n" \
	"                    or numbers may depend on scheduling\n"	\
	"\n"								\
	"Ends as CMD ends: with its exit status, or by its signal (128+n in a shell).\n" \
	"Exits with 125 when the group can't be made, 126 when CMD can't be executed, 127\n" \
	"when CMD is not found.\n"

struct run {
	struct launch launch;
	bool wants_report;
	bool json;
	bool strict;
	FILE *report;
};

static void take_report(const char *format, struct run *run)
{
	run->wants_report = true;
	if (format && strcmp(format, "json") && strcmp(format, "text"))
		misuse("report '%s': text or json is needed", format);
	run->json = format && !strcmp(format, "json");
}

static void take_file(const char *path, struct run *run)
{
	run->wants_report = true;
	run->report = fopen(path, "we");
	if (!run->report)
		fail("%s: %s", path, strerror(errno));
}

static void read_options(int argc, char **argv, struct run *run)
{
	static const struct option options[] = {
		LAUNCH_OPTIONS,
		{ "report", optional_argument, NULL, OPT_REPORT },
		{ "report-file", required_argument, NULL, OPT_REPORT_FILE },
		{ "strict", no_argument, NULL, OPT_STRICT },
		HELP_OPTION
	};
	int option;

	/* What comes after CMD is CMD's. */
	while ((option = next_option(argc, argv, OPTIONS_FIRST, options)) != -1) {
		switch (option) {
		case OPT_REPORT:
			take_report(optarg, run);
			break;
		case OPT_REPORT_FILE:
			take_file(optarg, run);
			break;
		case OPT_STRICT:
			run->strict = true;
			break;
		default:
			launch_option(option, optarg, &run->launch);
		}
	}
	launch_arguments(argc, argv, &run->launch);
}

static void write_report(const struct run *run, const struct report *report,
			 int group)
{
	FILE *const file = run->report ?: stderr;

	(run->json ? report_json : report_text)(file, report, group);
	if (fflush(file) || ferror(file))
		fail("the report can't be written: %s", strerror(errno));
}

static int run_main(int argc, char **argv)
{
	struct run run = {};
	struct report report = {};
	int group;

	read_options(argc, argv, &run);
	group = launch_group(&run.launch);
	launch_as_sudo_user(&run.launch, group);
	report.status = launch_program(&run.launch, group, NULL);
	report.info = group_info(group);
	report.argv = run.launch.argv;
	report.left = run.launch.relay.left;
	if (run.wants_report)
		write_report(&run, &report, group);
	launch_tell(&run.launch, group);
	if (run.strict && !report.status && !report_is_clean(&report, group))
		return EXIT_NOT_CLEAN;
	return relay_leave(&run.launch.relay);
}

const struct command run_command = {
	.name = "run",
	.summary = "run a program in a new group",
	.usage = RUN_USAGE,
	.main = run_main,
	.failure = EXIT_OWN_FAILURE,
	.misuse = EXIT_OWN_FAILURE,
};
