/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_RECORDING_H
#define _VPROCNS_RECORDING_H

#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>

/* What header.version is: see Documentation/recording.md. */
#define RECORDING_VERSION 1

struct recording;

/* Opens a recording ("-" is standard input), or ends the tool with a line about it. */
struct recording *recording_open(const char *path);
/*
 * The next line, until the next call; NULL at the end. The first one is the header, of a
 * version that we know. A last line that is cut off counts as the end; another one
 * that is no JSON object ends the tool.
 */
struct json_object *recording_next(struct recording *recording);
void recording_close(struct recording *recording);

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
