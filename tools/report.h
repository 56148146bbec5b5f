/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_REPORT_H
#define _VPROCNS_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "vprocns.h"

/* All refusals of a group since its bind, by ascending rule. */
struct refusals {
	struct vprocns_refused of[VPROCNS_REFUSED_SLOTS];
	size_t count;
};

/**
 * struct report - what is said of a run when it has ended
 * @info: the group
 * @argv: the program
 * @status: its status, as a shell has it
 * @left: how many processes were ended with it
 */
struct report {
	struct vprocns_info info;
	char **argv;
	int status;
	int left;
};

/* Of a group. */
struct refusals report_refusals(int group);
/*
 * One line on standard error if there is anything in @now that was not in @before:
 * how much was refused, and what would let it pass. Returns whether there was.
 */
bool report_refused(const struct vprocns_info *info, const struct refusals *now,
		    const struct refusals *before);
/* How many tasks, and what their numbers depend on: a line of text. */
void report_text(FILE *file, const struct report *report, int group);
/* All of it as one JSON object. */
void report_json(FILE *file, const struct report *report, int group);
/* Whether a script that wants the same numbers and calls each time can take the run. */
bool report_is_clean(const struct report *report, int group);

#endif
