/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_LAUNCH_H
#define _VPROCNS_LAUNCH_H

#include "account.h"
#include "options.h"
#include "relay.h"

/**
 * struct launch - what a program is started with, in a new group; read once
 * @create: the group
 * @argv: the program and its arguments
 * @account: whom it runs as, if @has_account
 * @has_account: as somebody else than the caller
 * @private_tmp: with a /tmp, /var/tmp of its own
 * @private_ipc: with shared memory, semaphores and message queues of its own
 * @part: with this part of the range of numbers, from 1; 0: with all of it
 * @parts: of how many
 * @waits: ends when all of its processes have, not when the program has
 * @quiet: says nothing but errors
 * @relay: how the program ended; set by launch_program()
 */
struct launch {
	struct vprocns_create create;
	char **argv;
	struct account account;
	bool has_account;
	bool private_tmp;
	bool private_ipc;
	__u32 part;
	__u32 parts;
	bool waits;
	bool quiet;
	struct relay relay;
};

/* The options of all commands that start a program in a new group. */
#define LAUNCH_OPTIONS							\
	GROUP_OPTIONS,							\
	{ "part", required_argument, NULL, OPT_PART },			\
	{ "private-tmp", no_argument, NULL, OPT_PRIVATE_TMP },		\
	{ "private-ipc", no_argument, NULL, OPT_PRIVATE_IPC },		\
	{ "user", required_argument, NULL, OPT_USER },			\
	{ "wait", no_argument, NULL, OPT_WAIT },			\
	{ "quiet", no_argument, NULL, OPT_QUIET }

#define LAUNCH_USAGE							\
	GROUP_USAGE							\
	"  --part K/N        the K-th of N parts of these numbers, for N runs at once\n" \
	"  --private-tmp     an empty /tmp and /var/tmp of its own\n"	\
	"  --private-ipc     shared memory, semaphores and message queues of its own\n" \
	"  --user USER[:GROUP]  run CMD as this user, with the user's groups (root can);\n" \
	"                    with sudo in a directory that is not root's: the one who\n" \
	"                    called sudo, unless --caps or --user says otherwise\n" \
	"  --wait            wait for CMD's daemons; without it they end with CMD\n" \
	"  --quiet           no line at the end about refusals and the like\n"

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

/* Makes the group, and warns if another one runs with the same numbers. */
int launch_group(const struct launch *launch);
/*
 * Chooses the user who called sudo, where no other was: root without capabilities can't
 * even write the directory that it was called in.
 */
void launch_as_sudo_user(struct launch *launch, int group);
/*
 * Starts the program in @group, which is new, passes signals on to it, and returns
 * when everything in the group has ended: the program's status, as a shell has it.
 * @watch may be NULL. What is left to read of it then is the caller's to read.
 */
int launch_program(struct launch *launch, int group,
		   const struct launch_watch *watch);
/* The lines of a run's end, unless it is quiet: refusals, and what else went otherwise. */
void launch_tell(const struct launch *launch, int group);

#endif
