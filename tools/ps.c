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
	{ "LINEAGE",	COLUMN_TEXT },
	{ "CLONER",	COLUMN_NUMBER },
	{ "ORDINAL",	COLUMN_WIDE },
	{ "COMMAND",	COLUMN_TEXT },
};

/* Only tasks of a group with lineage numbering have one. */
static void descent(struct table *table, const struct vprocns_member *member)
{
	if (!(member->flags & VPROCNS_MEMBER_LINEAGE)) {
		table_no_cell(table);
		table_no_cell(table);
		table_no_cell(table);
		return;
	}
	table_cell(table, "%016llx", member->lineage);
	table_cell(table, "%d", member->cloner);
	table_cell(table, "%llu", member->birth);
}

static int ps_main(int argc, char **argv)
{
	const bool json = print_options(argc, argv);
	const char *const word = one_argument(argc, argv, "group");
	struct vprocns_member *members;
	struct table *table;
	int device, group;
	size_t count, i;

	device = device_open();
	group = group_open(device, word);
	members = group_members(group, &count);
	table = table_new("members", columns, ARRAY_SIZE(columns), json);
	for (i = 0; i < count; i++) {
		table_row(table);
		table_cell(table, "%d", members[i].tid);
		table_cell(table, "%d", members[i].tgid);
		table_cell(table, "%d", members[i].ppid);
		table_cell(table, "%d", members[i].host_tid);
		table_cell(table, "%d", members[i].host_tgid);
		descent(table, &members[i]);
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
		 "Lists the live tasks of GROUP, an id or a name: their numbers in the group and\n"
		 "in your PID namespace (0 if a task can't be seen there). With lineage numbering\n"
		 "it also shows each task's lineage, the TID of its cloner (0 for one outside),\n"
		 "and which of its cloner's clones it is.\n",
	.main = ps_main,
	.failure = 1,
	.misuse = EXIT_WRONG_USAGE,
};
