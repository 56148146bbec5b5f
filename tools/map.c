// SPDX-License-Identifier: GPL-2.0
/* `vprocns map`: one task's number on the other side, or the tree of all. */
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
#include "tree.h"

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

static void translate_one(int group, const char *name,
			  struct vprocns_translate *translate, bool json)
{
	if (!ioctl(group, VPROCNS_TRANSLATE, translate)) {
		print(translate, json);
		return;
	}
	if (errno == ESRCH)
		fail("no live task of group '%s' has the number %d: see 'vprocns ps'",
		     name, translate->tid);
	fail("the number can't be looked up: %s", strerror(errno));
}

static int map_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to-virtual", no_argument, NULL, OPT_TO_VIRTUAL },
		{ "json", no_argument, NULL, OPT_JSON },
		HELP_OPTION
	};
	struct vprocns_translate translate = { .direction = VPROCNS_TO_HOST };
	bool json = false, tree;
	int option, device, group;

	while ((option = next_option(argc, argv, OPTIONS_ANYWHERE, options)) != -1) {
		if (option == OPT_JSON)
			json = true;
		else
			translate.direction = VPROCNS_TO_VIRTUAL;
	}
	if (optind != argc - 1 && optind != argc - 2)
		misuse("a group is needed, and at most a TID; see vprocns map --help");
	tree = optind == argc - 1;
	if (tree && translate.direction == VPROCNS_TO_VIRTUAL)
		misuse("--to-virtual needs a TID");

	if (!tree)
		translate.tid = number(argv[optind + 1], "TID", 1, INT_MAX);
	device = device_open();
	group = group_open(device, argv[optind]);
	if (tree)
		tree_print(group, json);
	else
		translate_one(group, argv[optind], &translate, json);
	close(group);
	close(device);
	return 0;
}

const struct command map_command = {
	.name = "map",
	.summary = "tell a task's TID on the other side, or show who cloned whom",
	.usage = "[--to-virtual] [--json] GROUP [TID]\n"
		 "\n"
		 "Translates TID, the number of a task in GROUP, to its number in your PID\n"
		 "namespace. Without TID, prints the tree of GROUP's live tasks. With lineage\n"
		 "numbering the tree also has each task's lineage (the first 8 hex digits), the\n"
		 "TID of its cloner, and which of its cloner's successful clones it is.\n"
		 "\n"
		 "  --to-virtual  translate from your PID namespace to GROUP\n"
		 "  --json        print JSON\n",
	.main = map_main,
	.failure = 1,
	.misuse = EXIT_WRONG_USAGE,
};
