/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_RECORDING_H
#define _VPROCNS_RECORDING_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What header.version is: see Documentation/recording.md. */
#define RECORDING_VERSION 1

struct recording;

/* Opens a recording ("-" is standard input), or ends the tool with a line about it. */
struct recording *recording_open(const char *path);
/*
 * Goes to the next line; false at the end. The first one is the header, of a version
 * that we know. A last line that is cut off counts as the end; another one that is no
 * JSON object ends the tool.
 */
bool recording_next(struct recording *recording);
void recording_close(struct recording *recording);

/* Members of that line, until the next one; @otherwise, NULL or false where absent. */
int64_t recording_number(struct recording *recording, const char *name,
			 int64_t otherwise);
const char *recording_text(struct recording *recording, const char *name);
bool recording_flag(struct recording *recording, const char *name);
/* An object or an array. */
struct json_object *recording_nested(const struct recording *recording,
				     const char *name);

/*
 * Lines that are written: an object to which members are added in order.
 * Texts may have any bytes: those that are no UTF-8 become U+FFFD.
 */
struct json_object *line_new(const char *kind);
void line_add(struct json_object *line, const char *name,
	      struct json_object *value);
void line_number(struct json_object *line, const char *name, int64_t value);
void line_text(struct json_object *line, const char *name, const char *text);
struct json_object *text_new(const char *text);
/* Writes it and frees it. Errors are the stream's own. */
void line_write(struct json_object *line, FILE *to);

#endif
