// SPDX-License-Identifier: GPL-2.0
/* `vprocns ps`: the live tasks of a group, by both numbers. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "options.h"
#include "table.h"
#include "tool.h"

#define MEMBERS_AT_ONCE 256

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
	struct vprocns_member found[MEMBERS_AT_ONCE];
	struct vprocns_members members = {
		.members = (uintptr_t)found, .capacity = MEMBERS_AT_ONCE,
	};
	struct table *table;
	int device, group;
	__u32 i;

	if (optind != argc - 1)
		misuse("one group is needed; see vprocns ps --help");
	device = device_open();
	group = group_open(device, argv[optind]);
	table = table_new("members", columns, ARRAY_SIZE(columns), json);
	do {
		if (ioctl(group, VPROCNS_MEMBERS, &members))
			fail("the members can't be listed: %s", strerror(errno));
		for (i = 0; i < members.count; i++) {
			table_row(table);
			table_cell(table, "%d", found[i].tid);
			table_cell(table, "%d", found[i].tgid);
			table_cell(table, "%d", found[i].ppid);
			table_cell(table, "%d", found[i].host_tid);
			table_cell(table, "%d", found[i].host_tgid);
			table_cell(table, "%s", found[i].comm);
		}
	} while (members.count == MEMBERS_AT_ONCE);
	table_print(table);
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
