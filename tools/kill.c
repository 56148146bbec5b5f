// SPDX-License-Identifier: GPL-2.0
/* `vprocns kill`: ends a group with all its members. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "options.h"
#include "tool.h"

#define KILL_USAGE							\
	"GROUP...\n"							\
	"\n"								\
	"Ends each GROUP, an id or a name, by SIGKILL to its pid 1, and waits until all\n" \
	"its members are gone. Only the group's owner and root can do this.\n"

/* A task that waits for a device may not hear even SIGKILL. */
#define PATIENCE_MS	10000
#define STEP_MS		10

static bool has_ended(int group)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	int waited;

	for (waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
		if (group_info(group).state == VPROCNS_STATE_ENDED)
			return true;
		nanosleep(&step, NULL);
	}
	return false;
}

static void kill_group(int device, const char *word)
{
	const int group = group_open(device, word);

	if (ioctl(group, VPROCNS_KILL) && errno != ESRCH)
		fail("group '%s' can't be ended: %s (its owner or root can)",
		     word, strerror(errno));
	if (!has_ended(group))
		fail("group '%s' was killed and still has members after %d seconds: see 'vprocns ps'",
		     word, PATIENCE_MS / 1000);
	close(group);
}

static int kill_main(int argc, char **argv)
{
	static const struct option options[] = {
		HELP_OPTION
	};
	int device;

	next_option(argc, argv, OPTIONS_ANYWHERE, options);
	if (optind == argc)
		misuse("no group given; see vprocns kill --help");
	device = device_open();
	for (; optind < argc; optind++)
		kill_group(device, argv[optind]);
	close(device);
	return 0;
}

const struct command kill_command = {
	.name = "kill",
	.summary = "end a group with all its members",
	.usage = KILL_USAGE,
	.main = kill_main,
	.failure = 1,
	.misuse = EXIT_WRONG_USAGE,
};
