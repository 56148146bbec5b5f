/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_COMPARE_H
#define _VPROCNS_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/**
 * struct compare_options - what both ways to compare are told
 * @metric: name of what is compared
 * @threshold: changes under it are not named: 0.01 is 1 %
 * @all: show every thread
 * @export: file that receives all of it as JSON, or "-"; NULL without
 */
struct compare_options {
	const char *metric;
	double threshold;
	bool all;
	const char *export;
};

/* A table of the heaviest threads is that long without --all. */
#define COMPARE_SHOWN	20

/* `compare --across`: one run on many ranks. Returns the exit status. */
int across(char *const *paths, size_t count,
	   const struct compare_options *options);

/* Writes @document where --export-json wants it, and frees it. */
void compare_export(const struct compare_options *options,
		    struct json_object *document);

#endif
