// SPDX-License-Identifier: GPL-2.0
/* The last steps before the user's program. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "program.h"
#include "relay.h"
#include "tool.h"

void program_drop(void)
{
	/*
	 * Empty sets, bounding and ambient too, and locked securebits: neither
	 * being root nor a setuid-root file brings anything back.
	 */
	if (cap_set_mode(CAP_MODE_NOPRIV))
		fail("the capabilities can't be dropped: %s (CAP_SETPCAP is needed, or --caps host)",
		     strerror(errno));
}

/*
 * What a service manager says is for one process is for the program, where the tool
 * was meant that started it.
 */
static void rename_in_environment(const char *name, pid_t caller)
{
	const char *const value = getenv(name);
	char ours[16];

	if (!value || strtol(value, NULL, 10) != caller)
		return;
	snprintf(ours, sizeof(ours), "%d", getpid());
	setenv(name, ours, 1);
}

void program_execute(char **argv, pid_t caller)
{
	int err;

	rename_in_environment("LISTEN_PID", caller);
	rename_in_environment("WATCHDOG_PID", caller);
	rename_in_environment("SYSTEMD_EXEC_PID", caller);
	relay_undo();
	execvp(argv[0], argv);
	err = errno;
	complain("%s: %s", argv[0], strerror(err));
	_exit(err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}
