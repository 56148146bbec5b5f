// SPDX-License-Identifier: GPL-2.0
/* `vprocns stat`: a group's counters. */
#include <unistd.h>

#include "device.h"
#include "names.h"
#include "options.h"
#include "table.h"
#include "tool.h"

static const struct column columns[] = {
	{ "COUNTER",	COLUMN_TEXT },
	{ "COUNT",	COLUMN_NUMBER },
};

static void counter(struct table *table, const char *name, __u64 count)
{
	table_row(table);
	table_cell(table, "%s", name);
	table_cell(table, "%llu", count);
}

static int stat_main(int argc, char **argv)
{
	const bool json = print_options(argc, argv);
	const char *const word = one_argument(argc, argv, "group");
	struct vprocns_stats stats;
	struct table *table;
	int device, group;
	__u32 rule;

	device = device_open();
	group = group_open(device, word);
	stats = group_stats(group);

	table = table_new("counters", columns, ARRAY_SIZE(columns), json);
	counter(table, "clones", stats.clones);
	counter(table, "threads", stats.threads);
	counter(table, "joined", stats.joined);
	counter(table, "kernel-threads", stats.kernel_threads);
	counter(table, "exits", stats.exits);
	counter(table, "rewritten", stats.rewritten);
	counter(table, "collisions", stats.collisions);
	for (rule = 0; rule < VPROCNS_RULE_NR; rule++) {
		if (!rule_name(rule))
			continue;
		table_row(table);
		table_cell(table, "refused:%s", rule_name(rule));
		table_cell(table, "%llu", stats.refused[rule]);
	}
	table_print(table);
	close(group);
	close(device);
	return 0;
}

const struct command stat_command = {
	.name = "stat",
	.summary = "show a group's counters",
	.usage = "[--json] GROUP\n"
		 "\n"
		 "Shows the counters of GROUP, an id or a name, since its bind: clones that\n"
		 "succeeded, tasks that found the number of their lineage in use, and how many\n"
		 "requests each rule refused.\n",
	.main = stat_main,
	.failure = 1,
	.misuse = EXIT_WRONG_USAGE,
};
