// SPDX-License-Identifier: GPL-2.0
/* `vprocns ps`: the live tasks of a group, by both numbers. */
#include <stdlib.h>
#include <unistd.h>

#include "device.h"
#include "options.h"
#include "table.h"
#include "tool.h"

static const struct column columns[] = {
	{ "TID",	COLUMN_NUMBER },
	{ "TGID",	COLUMN_NUMBER },
	{ "PPID",	COLUMN_NUMBER },
	{ "HOST-TID",	COLUMN_NUMBER },
	{ "HOST-TGID",	COLUMN_NUMBER },
	{ "COMMAND",	COLUMN_TEXT },
};

static int ps_main(int argc, char **argv)
{
	const bool json = print_options(argc, argv);
	struct vprocns_member *members;
	struct table *table;
	int device, group;
	size_t count, i;

	if (optind != argc - 1)
		misuse("one group is needed; see vprocns ps --help");
	device = device_open();
	group = group_open(device, argv[optind]);
	members = group_members(group, &count);
	table = table_new("members", columns, ARRAY_SIZE(columns), json);
	for (i = 0; i < count; i++) {
		table_row(table);
		table_cell(table, "%d", members[i].tid);
		table_cell(table, "%d", members[i].tgid);
		table_cell(table, "%d", members[i].ppid);
		table_cell(table, "%d", members[i].host_tid);
		table_cell(table, "%d", members[i].host_tgid);
		table_cell(table, "%s", members[i].comm);
	}
	table_print(table);
	free(members);
	close(group);
	close(device);
	return 0;
}

const struct command ps_command = {
	.name = "ps",
	.summary = "list the tasks of a group",
	.usage = "[--json] GROUP\n"
		 "\n"
		 "Lists the live tasks of GROUP, an id or a name: their numbers in the group,\n"
		 "and in your PID namespace (0 where they can't be seen from).\n",
	.main = ps_main,
	.failure = 1,
	.misuse = EXIT_WRONG_USAGE,
};
