/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_MATCH_H
#define _VPROCNS_MATCH_H

#include <stddef.h>

#include "tasks.h"

/**
 * struct match_row - one logical task, in all the recordings
 * @parent: row of its cloner; NULL for a root
 * @depth: how many rows are above it
 * @of: for each recording, the task; NULL where there is none
 * @count: in how many recordings it is
 */
struct match_row {
	struct match_row *parent;
	size_t depth;
	const struct task **of;
	size_t count;
};

/**
 * struct match - recordings laid side by side
 * @rows: logical tasks; what a task cloned stands below it, by ordinal
 * @nr_rows: how many
 * @nr_recordings: how many recordings
 */
struct match {
	struct match_row *rows;
	size_t nr_rows;
	size_t nr_recordings;
};

/**
 * match_recordings() - find the same logical task in each recording
 * @recordings: as they were read
 * @count: how many
 *
 * A task is the same where its cloner is the same and it is the same of its
 * cloner's clones. That needs neither the same seed nor lineage numbering. Where a
 * cloner made more clones in one recording than in another, these are laid side by
 * side as diff(1) does it with lines, by kind, programs and name. Tasks that the
 * kernel made for others are left out: their order does not repeat.
 */
struct match *match_recordings(struct tasks *const *recordings, size_t count);
void match_free(struct match *match);

/* A task of the row, of the first recording that has it. */
const struct task *match_any(const struct match *match,
			     const struct match_row *row);

/* Pid 1 of the group: the tool itself. */
bool match_is_init(const struct match *match, const struct match_row *row);

/* Its place: "2.1" is the first clone of the first program's second clone. Freed by caller. */
char *match_place(const struct match *match, const struct match_row *row);

#endif
