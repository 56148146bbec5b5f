// SPDX-License-Identifier: GPL-2.0
/* `vprocns bind`: a group around a PID namespace that somebody else made. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "options.h"
#include "table.h"
#include "tool.h"

#define BIND_USAGE							\
	"[OPTION]... PID\n"						\
	"\n"								\
	"Makes a group and binds it to the PID namespace of process PID, for example the\n" \
	"first process of a container. Prints the group's id. The group lives as long as\n" \
	"that namespace. Processes that are in it already keep their numbers and their\n" \
	"capabilities. So the capability view is host, in every profile, unless --caps is\n" \
	"given.\n" \
	"\n"								\
	GROUP_USAGE							\
	"  --at-exec         begin when pid 1 of the namespace executes its next program\n" \
	"  --json            print JSON\n"

static int bind_main(int argc, char **argv)
{
	static const struct option options[] = {
		GROUP_OPTIONS,
		{ "at-exec", no_argument, NULL, OPT_AT_EXEC },
		{ "json", no_argument, NULL, OPT_JSON },
		HELP_OPTION
	};
	static const struct column column = { "ID", COLUMN_NUMBER };
	struct vprocns_create create = {};
	bool json = false, by_default;
	__u32 flags = 0;
	int option, device, group, pidfd;
	pid_t pid;

	while ((option = next_option(argc, argv, OPTIONS_ANYWHERE, options)) != -1) {
		if (option == OPT_JSON)
			json = true;
		else if (option == OPT_AT_EXEC)
			flags = VPROCNS_BIND_AT_EXEC;
		else
			group_option(option, optarg, &create);
	}
	check_group_options(&create);
	/* Unlike run, bind drops nothing: an empty view would hide what is there. */
	by_default = create.caps == VPROCNS_CAPS_PROFILE;
	if (by_default)
		create.caps = VPROCNS_CAPS_HOST;
	pid = number(one_argument(argc, argv, "process"), "process", 1, INT_MAX);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0 && errno == ESRCH)
		fail("there is no process %d", pid);
	if (pidfd < 0)
		fail("process %d: %s", pid, strerror(errno));
	device = device_open();
	group = group_create(device, &create);
	group_bind(group, pidfd, &create, flags);
	if (by_default && create.profile != VPROCNS_PROFILE_LINUX &&
	    create.profile != VPROCNS_PROFILE_CONTAINER)
		complain("capabilities are shown as they are; --caps empty hides them");

	if (json) {
		struct table *const table = table_new("bind", &column, 1, json);

		table_row(table);
		table_cell(table, "%llu", group_info(group).id);
		table_print(table);
	} else {
		printf("%llu\n", group_info(group).id);
	}
	close(group);
	close(device);
	close(pidfd);
	return 0;
}

const struct command bind_command = {
	.name = "bind",
	.summary = "make a group of a PID namespace that is there",
	.usage = BIND_USAGE,
	.main = bind_main,
	.failure = 1,
	.misuse = EXIT_WRONG_USAGE,
};
