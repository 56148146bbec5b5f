// SPDX-License-Identifier: GPL-2.0
/* `vprocns map`: one task's number on the other side. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "options.h"
#include "table.h"
#include "tool.h"

static const struct column columns[] = {
	{ "TID",	COLUMN_NUMBER },
	{ "HOST-TID",	COLUMN_NUMBER },
};

static void print(const struct vprocns_translate *translate, bool json)
{
	const bool to_host = translate->direction == VPROCNS_TO_HOST;
	struct table *table;

	if (!json) {
		printf("%d\n", translate->result);
		return;
	}
	table = table_new("map", columns, ARRAY_SIZE(columns), json);
	table_row(table);
	table_cell(table, "%d", to_host ? translate->tid : translate->result);
	table_cell(table, "%d", to_host ? translate->result : translate->tid);
	table_print(table);
}

static int map_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to-virtual", no_argument, NULL, OPT_TO_VIRTUAL },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, OPT_HELP },
		{}
	};
	struct vprocns_translate translate = { .direction = VPROCNS_TO_HOST };
	bool json = false;
	int option, device, group;

	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == OPT_HELP)
			help();
		else if (option == OPT_JSON)
			json = true;
		else if (option == OPT_TO_VIRTUAL)
			translate.direction = VPROCNS_TO_VIRTUAL;
		else
			bad_option(argv);
	}
	if (optind != argc - 2)
		misuse("a group and a TID are needed; see vprocns map --help");

	translate.tid = number(argv[optind + 1], "TID", 1, INT_MAX);
	device = device_open();
	group = group_open(device, argv[optind]);
	if (ioctl(group, VPROCNS_TRANSLATE, &translate)) {
		if (errno == ESRCH)
			fail("no live task of group '%s' has the number %d: see 'vprocns ps'",
			     argv[optind], translate.tid);
		fail("the number can't be looked up: %s", strerror(errno));
	}
	print(&translate, json);
	close(group);
	close(device);
	return 0;
}

const struct command map_command = {
	.name = "map",
	.summary = "tell a task's TID on the other side",
	.usage = "[--to-virtual] [--json] GROUP TID\n"
		 "\n"
		 "Prints the TID that the task with number TID in GROUP has in your PID\n"
		 "namespace.\n"
		 "\n"
		 "  --to-virtual  the other way round\n"
		 "  --json        print JSON\n",
	.main = map_main,
	.failure = 1,
	.misuse = EXIT_WRONG_USAGE,
};
