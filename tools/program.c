// SPDX-License-Identifier: GPL-2.0
/* The last steps before the user's program. */
#include <errno.h>
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

void program_execute(char **argv)
{
	int err;

	relay_undo();
	execvp(argv[0], argv);
	err = errno;
	complain("%s: %s", argv[0], strerror(err));
	_exit(err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}
