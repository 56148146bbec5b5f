/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_LAUNCH_H
#define _VPROCNS_LAUNCH_H

#include "options.h"

/**
 * struct launch - what a program is started with, in a new group; read once
 * @create: the group
 * @argv: the program and its arguments
 */
struct launch {
	struct vprocns_create create;
	char **argv;
};

/* The options of all commands that start a program in a new group. */
#define LAUNCH_OPTIONS	GROUP_OPTIONS
#define LAUNCH_USAGE	GROUP_USAGE

/* Takes one of them, by its OPT_ number; false when it is none of them. */
bool launch_option(int option, const char *value, struct launch *launch);
/* When all were taken: checks them, and takes the program from getopt's rest. */
void launch_arguments(int argc, char **argv, struct launch *launch);

/**
 * struct launch_watch - a descriptor that the caller reads while the program runs
 * @fd: polled for input, and closed in the new processes
 * @ready: called when there is input or the other end has gone; returns whether @fd is
 *	to be polled on
 * @data: for @ready
 */
struct launch_watch {
	int fd;
	bool (*ready)(void *data);
	void *data;
};

/*
 * Starts the program in @group, which is new, passes signals on to it, and returns
 * when everything in the group has ended: the program's status, as a shell has it.
 * @watch may be NULL. What is left to read of it then is the caller's to read.
 */
int launch_program(const struct launch *launch, int group,
		   const struct launch_watch *watch);

#endif
