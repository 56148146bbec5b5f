// SPDX-License-Identifier: GPL-2.0
/* The file that `vprocns record` writes: JSON Lines, by json-c. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"
#include "tool.h"
#include "utf8.h"

struct recording {
	const char *path;
	FILE *file;
	char *text;
	size_t room;
	unsigned long number;
	struct json_tokener *tokener;
	struct json_object *line;
};

struct recording *recording_open(const char *path)
{
	struct recording *const recording = calloc(1, sizeof(*recording));

	if (!recording)
		fail("out of memory");
	recording->tokener = json_tokener_new();
	if (!recording->tokener)
		fail("out of memory");
	recording->path = path;
	recording->file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	if (!recording->file)
		fail("%s: %s", path, strerror(errno));
	return recording;
}

static void check_header(const struct recording *recording)
{
	struct json_object *kind, *version;

	if (!json_object_object_get_ex(recording->line, "kind", &kind) ||
	    strcmp(json_object_get_string(kind), "header") ||
	    !json_object_object_get_ex(recording->line, "version", &version))
		fail("%s: this is no recording: 'vprocns record' makes one",
		     recording->path);
	if (json_object_get_int64(version) != RECORDING_VERSION)
		fail("%s: this recording has version %s, and this tool reads version %d: use the tool that made it, or a newer one",
		     recording->path, json_object_get_string(version),
		     RECORDING_VERSION);
}

struct json_object *recording_next(struct recording *recording)
{
	ssize_t length;

	json_object_put(recording->line);
	recording->line = NULL;
	length = getline(&recording->text, &recording->room, recording->file);
	if (length < 0) {
		if (ferror(recording->file))
			fail("%s: %s", recording->path, strerror(errno));
		if (!recording->number)
			fail("%s: this is no recording: it is empty",
			     recording->path);
		return NULL;
	}
	recording->number++;
	json_tokener_reset(recording->tokener);
	recording->line = json_tokener_parse_ex(recording->tokener,
						recording->text, length);
	if (!json_object_is_type(recording->line, json_type_object)) {
		/* Whoever wrote it died meanwhile. */
		if (recording->number > 1 && recording->text[length - 1] != '\n')
			return NULL;
		if (recording->number == 1)
			fail("%s: this is no recording: 'vprocns record' makes one",
			     recording->path);
		fail("%s: line %lu is no JSON object: the file is damaged",
		     recording->path, recording->number);
	}
	if (recording->number == 1)
		check_header(recording);
	return recording->line;
}

void recording_close(struct recording *recording)
{
	json_object_put(recording->line);
	json_tokener_free(recording->tokener);
	free(recording->text);
	if (recording->file != stdin)
		fclose(recording->file);
	free(recording);
}

struct json_object *text_new(const char *text)
{
	char *const clean = utf8_text(text);
	struct json_object *const value = need(json_object_new_string(clean));

	free(clean);
	return value;
}

struct json_object *line_new(const char *kind)
{
	struct json_object *const line = json_object_new_object();

	if (!line)
		fail("out of memory");
	line_text(line, "kind", kind);
	return line;
}

/* The names are constants, and each is added once. */
void line_add(struct json_object *line, const char *name,
	      struct json_object *value)
{
	if (!value ||
	    json_object_object_add_ex(line, name, value,
				      JSON_C_OBJECT_ADD_KEY_IS_NEW |
				      JSON_C_OBJECT_KEY_IS_CONSTANT))
		fail("out of memory");
}

void line_number(struct json_object *line, const char *name, int64_t value)
{
	line_add(line, name, json_object_new_int64(value));
}

void line_text(struct json_object *line, const char *name, const char *text)
{
	line_add(line, name, text_new(text));
}

void line_write(struct json_object *line, FILE *to)
{
	size_t length;
	const char *const text =
		json_object_to_json_string_length(line,
						  JSON_C_TO_STRING_PLAIN |
						  JSON_C_TO_STRING_NOSLASHESCAPE,
						  &length);

	if (!text)
		fail("out of memory");
	fwrite(text, 1, length, to);
	fputc('\n', to);
	json_object_put(line);
}
