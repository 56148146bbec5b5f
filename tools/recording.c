// SPDX-License-Identifier: GPL-2.0
/* The file that `vprocns record` writes: JSON Lines, by json-c. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"
#include "tool.h"
#include "utf8.h"

/* More than any line has that is no header. */
#define MOST_MEMBERS	48

enum member_type { MEMBER_TEXT, MEMBER_NUMBER, MEMBER_FALSE, MEMBER_TRUE };

/* Points into the line, which has a NUL at the end of the name and of a text. */
struct member {
	const char *name;
	enum member_type type;
	char *text;
	int64_t number;
};

/**
 * struct recording - a file, and the line of it that was read last
 * @members: of a line that is nothing but numbers, texts and flags, as nearly all are
 * @nr_members: how many; 0 where the line is @line
 * @next: the member after the one that was asked for last
 * @line: any other line, by json-c
 */
struct recording {
	const char *path;
	FILE *file;
	char *text;
	size_t room;
	unsigned long number;
	struct member members[MOST_MEMBERS];
	size_t nr_members;
	size_t next;
	struct json_tokener *tokener;
	struct json_object *line;
};

struct recording *recording_open(const char *path)
{
	struct recording *const recording = need(calloc(1, sizeof(*recording)));

	recording->tokener = need(json_tokener_new());
	recording->path = path;
	recording->file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	if (!recording->file)
		fail("%s: %s", path, strerror(errno));
	return recording;
}

static void check_header(struct recording *recording)
{
	const char *const kind = recording_text(recording, "kind");
	const int64_t version = recording_number(recording, "version", -1);

	if (!kind || strcmp(kind, "header") || version < 0)
		fail("%s: this is no recording: 'vprocns record' makes one",
		     recording->path);
	if (version != RECORDING_VERSION)
		fail("%s: this recording has version %" PRId64 ", and this tool reads version %d: use the tool that made it, or a newer one",
		     recording->path, version, RECORDING_VERSION);
}

/* The end of a string whose content begins at @at; NULL if json-c is to read it. */
static char *end_of_string(char *at)
{
	while (*at != '"' && *at != '\\' && (unsigned char)*at >= ' ')
		at++;
	return *at == '"' ? at : NULL;
}

/* As above, after the value of @member, which begins at @at. */
static char *scan_value(struct member *member, char *at)
{
	char *end;

	if (*at == '"') {
		member->type = MEMBER_TEXT;
		member->text = at + 1;
		end = end_of_string(at + 1);
		return end ? end + 1 : NULL;
	}
	if (!strncmp(at, "true", 4) || !strncmp(at, "false", 5)) {
		member->type = *at == 't' ? MEMBER_TRUE : MEMBER_FALSE;
		return at + (*at == 't' ? 4 : 5);
	}
	/* Zero is the only number that may begin with it. */
	end = at + (*at == '-');
	if (!isdigit((unsigned char)*end) ||
	    (*end == '0' && isdigit((unsigned char)end[1])))
		return NULL;
	errno = 0;
	member->type = MEMBER_NUMBER;
	member->number = strtoll(at, &end, 10);
	return errno ? NULL : end;
}

/*
 * Takes a line apart that `record` wrote, in place: json-c allocates 50 times for each,
 * and takes four times longer. False, with nothing changed, for a line that has more in
 * it: json-c reads that one.
 */
static bool scan(struct recording *recording, size_t length)
{
	char *at = recording->text;
	size_t i, count = 0;

	if (*at != '{')
		return false;
	do {
		struct member *const member = &recording->members[count];

		if (count++ == MOST_MEMBERS || at[1] != '"')
			return false;
		member->name = at + 2;
		at = end_of_string(at + 2);
		if (!at || at[1] != ':')
			return false;
		at = scan_value(member, at + 2);
	} while (at && *at == ',');
	if (!at || *at != '}' || strspn(at + 1, "\n") + at + 1 - recording->text !=
				 (ptrdiff_t)length)
		return false;
	for (i = 0; i < count; i++) {
		struct member *const member = &recording->members[i];

		*strchr(member->name, '"') = '\0';
		if (member->type == MEMBER_TEXT)
			*strchr(member->text, '"') = '\0';
	}
	recording->nr_members = count;
	return true;
}

/* False where it is no object. */
static bool parse(struct recording *recording, size_t length)
{
	json_tokener_reset(recording->tokener);
	recording->line = json_tokener_parse_ex(recording->tokener,
						recording->text, length);
	return json_object_is_type(recording->line, json_type_object);
}

bool recording_next(struct recording *recording)
{
	ssize_t length;

	json_object_put(recording->line);
	recording->line = NULL;
	recording->nr_members = 0;
	length = getline(&recording->text, &recording->room, recording->file);
	if (length < 0) {
		if (ferror(recording->file))
			fail("%s: %s", recording->path, strerror(errno));
		if (!recording->number)
			fail("%s: this is no recording: it is empty",
			     recording->path);
		return false;
	}
	recording->number++;
	if (!scan(recording, length) && !parse(recording, length)) {
		/* Whoever wrote it died meanwhile. */
		if (recording->number > 1 && recording->text[length - 1] != '\n')
			return false;
		if (recording->number == 1)
			fail("%s: this is no recording: 'vprocns record' makes one",
			     recording->path);
		fail("%s: line %lu is no JSON object: the file is damaged",
		     recording->path, recording->number);
	}
	if (recording->number == 1)
		check_header(recording);
	return true;
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

/* They are asked for in the order that they have, nearly. */
static const struct member *member_of(struct recording *recording,
				      const char *name)
{
	size_t i;

	for (i = 0; i < recording->nr_members; i++) {
		const size_t place = (recording->next + i) % recording->nr_members;

		if (strcmp(recording->members[place].name, name))
			continue;
		recording->next = place + 1;
		return &recording->members[place];
	}
	return NULL;
}

int64_t recording_number(struct recording *recording, const char *name,
			 int64_t otherwise)
{
	const struct member *const member = member_of(recording, name);
	struct json_object *value;

	if (member)
		return member->type == MEMBER_NUMBER ? member->number : otherwise;
	if (!json_object_object_get_ex(recording->line, name, &value))
		return otherwise;
	return json_object_get_int64(value);
}

const char *recording_text(struct recording *recording, const char *name)
{
	const struct member *const member = member_of(recording, name);
	struct json_object *value;

	if (member)
		return member->type == MEMBER_TEXT ? member->text : NULL;
	if (!json_object_object_get_ex(recording->line, name, &value))
		return NULL;
	return json_object_get_string(value);
}

bool recording_flag(struct recording *recording, const char *name)
{
	const struct member *const member = member_of(recording, name);
	struct json_object *value;

	if (member)
		return member->type == MEMBER_TRUE;
	return json_object_object_get_ex(recording->line, name, &value) &&
	       json_object_get_boolean(value);
}

struct json_object *recording_nested(const struct recording *recording,
				     const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(recording->line, name, &value))
		return NULL;
	return value;
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
	struct json_object *const line = need(json_object_new_object());

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
