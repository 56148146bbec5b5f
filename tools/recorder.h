/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_RECORDER_H
#define _VPROCNS_RECORDER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "counters.h"
#include "top.h"
#include "vprocns.h"

/* What is not read yet is lost if we are killed, so we look now and then. */
#define RECORDER_LOOK_MS	200
/* Nobody knows how the program ended. */
#define RECORDER_NO_STATUS	(-1)

/**
 * struct recorder - a recording on its way
 * @group: the group's descriptor; set by the caller, as what follows up to @top
 * @path: the file, or "-"
 * @counters: of perf, or NULL
 * @top: where tasks that ended go, or NULL
 * @out: the file, open
 * @attached: the group was bound before, so its beginning is missing
 * @before: the group's counters before
 * @buffer: what is read from the group's ring; as large as that
 * @ring_size: bytes in both
 * @live: tasks by their TID outside
 * @base: when it began, in ns of CLOCK_MONOTONIC
 * @lost: events that are missing so far
 * @tasks: tasks that were made or were there, but for pid 1
 * @exits: tasks that ended
 * @ended: the group has ended and everything was read
 */
struct recorder {
	int group;
	const char *path;
	struct counters *counters;
	struct top *top;
	FILE *out;
	bool attached;
	struct vprocns_stats before;
	char *buffer;
	size_t ring_size;
	struct live *live;
	uint64_t base;
	unsigned long long lost;
	unsigned long long tasks;
	unsigned long long exits;
	bool ended;
};

/* Has the group's events kept from here on. */
void recorder_listen(struct recorder *recorder);
/*
 * Opens the file, and writes the header and the tasks that are there. @command and
 * @options end with NULL, and may be NULL: what runs in the group, and how.
 */
void recorder_open(struct recorder *recorder, char *const *command,
		   char *const *options);
/*
 * Goes on in a new process of a session of its own, which has nothing open but the file
 * and the group. Returns 0 there, and its PID in the caller.
 */
pid_t recorder_detach(const struct recorder *recorder);

/* Writes what has come; false when the group has ended and that was all. */
bool recorder_look(struct recorder *recorder);
/* Until the group ends, or somebody has us stop by SIGINT, SIGTERM or SIGHUP. */
void recorder_until_end(struct recorder *recorder);
/* Of a group whose pid 1 is gone: it ends at once, and has told everything then. */
void recorder_drain(struct recorder *recorder);
/*
 * Writes the totals, with @status as a shell has it or RECORDER_NO_STATUS, and ends the
 * tool if the file could not be written.
 */
void recorder_close(struct recorder *recorder, int status);

/* ns of CLOCK_MONOTONIC */
uint64_t recorder_now(void);

#endif
