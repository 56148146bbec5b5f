/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_INIT_H
#define _VPROCNS_INIT_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * struct init - what pid 1 of a group does
 * @program: the first program, a process group of its own
 * @socket: to the tool outside: see struct relay_message
 * @tty: the terminal, to give to the program; -1 without one
 * @waits: for all processes, not for the program alone
 */
struct init {
	pid_t program;
	int socket;
	int tty;
	bool waits;
};

/* Returns when the program has ended, and with @waits all others too. */
void init_until_end(const struct init *init);

#endif
