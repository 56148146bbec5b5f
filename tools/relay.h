/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_RELAY_H
#define _VPROCNS_RELAY_H

#include <stdbool.h>
#include <sys/types.h>

struct launch_watch;

/* With a signal that pid 1 gets: the program's whole process group is meant. */
#define RELAY_TO_GROUP	1

enum relay_subject {
	RELAY_STOPPED,		/* from pid 1: the signal that stopped the program */
	RELAY_ENDED,		/* from pid 1: the program's wait status */
	RELAY_LEFT,		/* from pid 1: how many others were there at its end */
	RELAY_CONTINUE,		/* to pid 1: 1 if the program gets the terminal */
};

/* What goes between the tool and pid 1, by a socket that keeps messages apart. */
struct relay_message {
	enum relay_subject subject;
	int value;
};

/**
 * struct relay - the tool's side of a program that it has started
 * @child: pid 1 of the group, or the program itself
 * @socket: to pid 1; -1 when @child is the program
 * @tty: the controlling terminal; -1 without one
 * @interactive: the program gets the terminal whenever we have it
 * @owns_tty: it has it now
 * @stop_wanted: we were told to stop, and told the program
 * @status: the program's wait status
 * @ended: @status is set
 * @left: processes that were there when the program ended
 */
struct relay {
	pid_t child;
	int socket;
	int tty;
	bool interactive;
	bool owns_tty;
	bool stop_wanted;
	int status;
	bool ended;
	int left;
};

/* Before the fork: from here on no signal is lost. Fills @relay but for the child. */
void relay_begin(struct relay *relay);
/*
 * In the child that becomes the program, before it executes: its own process group,
 * with the terminal if it is to have it.
 */
void relay_enter_group(const struct relay *relay);
/* And then its signals as the caller of the tool had them. */
void relay_undo(void);
/*
 * Passes signals on, and the terminal to and fro, until the child has ended; serves
 * @watch, if not NULL.
 */
void relay_until_end(struct relay *relay, const struct launch_watch *watch);
/* The program's status as a shell has it. */
int relay_shell_status(const struct relay *relay);
/* Ends the tool as the program ended, by the same signal if it was one. */
int relay_leave(const struct relay *relay);
/* In a child: dies with the other end of @socket, which only the parent has. */
void relay_bind_life(int socket);
/* A descriptor from which blocked signals are read. */
int relay_signals(void);

#endif
