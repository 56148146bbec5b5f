// SPDX-License-Identifier: GPL-2.0
/* `vprocns run`: a new group around a new program. */
#include <stdbool.h>
#include <unistd.h>

#include "device.h"
#include "launch.h"
#include "tool.h"

#define RUN_USAGE							\
	"[OPTION]... [--] CMD [ARG]...\n"				\
	"\n"								\
	"Runs CMD as the first program of a new group: TID 1000, the group's own\n" \
	"/proc, its clone policy and its capability view.\n"		\
	"\n"								\
	LAUNCH_USAGE							\
	"  --report          say at the end, on standard error, how many tasks were made\n" \
	"                    and whether their numbers depended on scheduling\n" \
	"\n"								\
	"Exit status: that of CMD, or 128+n when signal n ended it; 125 when the\n" \
	"group can't be made, 126 when CMD can't be executed, 127 when there is none.\n"

static void read_options(int argc, char **argv, struct launch *launch,
			 bool *wants_report)
{
	static const struct option options[] = {
		LAUNCH_OPTIONS,
		{ "report", no_argument, NULL, OPT_REPORT },
		HELP_OPTION
	};
	int option;

	/* What comes after CMD is CMD's. */
	while ((option = next_option(argc, argv, OPTIONS_FIRST, options)) != -1) {
		if (option == OPT_REPORT)
			*wants_report = true;
		else
			launch_option(option, optarg, launch);
	}
	launch_arguments(argc, argv, launch);
}

/* Tasks that joined are numbered as they came, and their children with them. */
static void report(const struct launch *launch, int group)
{
	const struct vprocns_stats stats = group_stats(group);
	const char *verdict;

	if (launch->create.numbering != VPROCNS_NUMBERING_LINEAGE)
		verdict = "numbered in the order in which they were made";
	else if (stats.collisions)
		verdict = "numbers may depend on scheduling; try another --seed or a larger range";
	else if (stats.joined > 1)
		verdict = "numbers depend on the order in which tasks joined from outside";
	else
		verdict = "numbers are independent of scheduling, as far as each task's own clones are";
	complain("%llu tasks, %llu collisions: %s", stats.clones,
		 stats.collisions, verdict);
}

static int run_main(int argc, char **argv)
{
	struct launch launch = {};
	bool wants_report = false;
	int device, group, status;

	read_options(argc, argv, &launch, &wants_report);
	device = device_open();
	group = group_create(device, &launch.create);
	close(device);
	status = launch_program(&launch, group, NULL);
	if (wants_report)
		report(&launch, group);
	return status;
}

const struct command run_command = {
	.name = "run",
	.summary = "run a program in a new group",
	.usage = RUN_USAGE,
	.main = run_main,
	.failure = EXIT_OWN_FAILURE,
	.misuse = EXIT_OWN_FAILURE,
};
