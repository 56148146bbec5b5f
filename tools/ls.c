// SPDX-License-Identifier: GPL-2.0
/* `vprocns ls`: the groups that the caller could open. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "names.h"
#include "options.h"
#include "table.h"
#include "tool.h"

#define IDS_AT_ONCE 64

static const struct column columns[] = {
	{ "ID",		COLUMN_NUMBER },
	{ "NAME",	COLUMN_TEXT },
	{ "STATE",	COLUMN_TEXT },
	{ "PROFILE",	COLUMN_TEXT },
	{ "NUMBERING",	COLUMN_TEXT },
	{ "SEED",	COLUMN_WIDE },
	{ "FIRST",	COLUMN_NUMBER },
	{ "LAST",	COLUMN_NUMBER },
	{ "NEXT",	COLUMN_NUMBER },
	{ "MEMBERS",	COLUMN_NUMBER },
	{ "NESTED",	COLUMN_NUMBER },
	{ "INIT",	COLUMN_NUMBER },
	{ "OWNER",	COLUMN_NUMBER },
};

static void list_group(struct table *table, const struct vprocns_info *info)
{
	table_row(table);
	table_cell(table, "%llu", info->id);
	table_cell(table, "%s", info->name);
	table_cell(table, "%s", state_name(info->state));
	table_cell(table, "%s", profile_name(info->profile));
	table_cell(table, "%s", numbering_name(info->numbering));
	table_cell(table, "%llu", info->seed);
	table_cell(table, "%u", info->first);
	table_cell(table, "%u", info->last);
	if (info->numbering == VPROCNS_NUMBERING_SEQUENTIAL)
		table_cell(table, "%u", info->next);
	else
		table_no_cell(table);
	table_cell(table, "%u", info->members);
	table_cell(table, "%u", info->nested);
	table_cell(table, "%d", info->init);
	table_cell(table, "%u", info->owner);
}

static int ls_main(int argc, char **argv)
{
	const bool json = print_options(argc, argv);
	__u64 ids[IDS_AT_ONCE];
	struct vprocns_list list = {
		.ids = (uintptr_t)ids, .capacity = IDS_AT_ONCE,
	};
	struct table *table;
	int device;
	__u32 i;

	no_arguments(argc, argv);
	device = device_open();
	table = table_new("groups", columns, ARRAY_SIZE(columns), json);
	do {
		if (ioctl(device, VPROCNS_LIST, &list))
			fail("the groups can't be listed: %s", strerror(errno));
		for (i = 0; i < list.count; i++) {
			struct vprocns_open open = { .id = ids[i] };
			const int group = ioctl(device, VPROCNS_OPEN, &open);
			struct vprocns_info info;

			/* It went away in the meantime. */
			if (group < 0)
				continue;
			info = group_info(group);
			list_group(table, &info);
			close(group);
		}
	} while (list.count == IDS_AT_ONCE);
	table_print(table);
	close(device);
	return 0;
}

const struct command ls_command = {
	.name = "ls",
	.summary = "list groups",
	.usage = "[--json]\n"
		 "\n"
		 "Lists the groups that you may open: your own, and for root all groups.\n",
	.main = ls_main,
	.failure = 1,
	.misuse = EXIT_WRONG_USAGE,
};
