/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_TRIALS_H
#define _VPROCNS_TRIALS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct trials - two commands that are run and recorded in turn
 * @commands: A and B; if a shell has to read one of them, it reads both
 * @pairs: how often each is run
 * @warmup: how many pairs are run before, and forgotten
 * @ignore_failure: go on where a command ends with another status than 0
 * @options: words for `vprocns record`, NULL at the end
 * @keep: directory that keeps the recordings; NULL: none does
 * @paths: out: the recordings of A, then those of B
 */
struct trials {
	const char *commands[2];
	size_t pairs;
	size_t warmup;
	bool ignore_failure;
	char **options;
	const char *keep;
	char **paths;
};

/*
 * Runs them, or ends the tool with a line about what went wrong. Each second pair
 * begins with B, so that neither is always the one that runs first.
 */
void trials_run(struct trials *trials);
/* Removes the recordings that nobody wants to keep. */
void trials_forget(struct trials *trials);

#endif
