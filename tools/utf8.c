// SPDX-License-Identifier: GPL-2.0
/* Names that programs chose, as text. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"
#include "utf8.h"

static const char unknown[] = "\xef\xbf\xbd";

/*
 * How many bytes from @text on are one character of UTF-8; 0 when they are none.
 * glibc's iconv() takes what is past U+10FFFF for a character, and JSON must not have it.
 */
static size_t character(const unsigned char *text)
{
	static const struct {
		unsigned char mask, head;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	uint32_t value;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(forms); i++)
		if ((*text & forms[i].mask) == forms[i].head)
			break;
	if (i == ARRAY_SIZE(forms))
		return 0;
	value = *text & (unsigned char)~forms[i].mask;
	for (k = 1; k <= i; k++) {
		if ((text[k] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (text[k] & 0x3f);
	}
	if (value < forms[i].least || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff))
		return 0;
	return i + 1;
}

char *utf8_text(const char *bytes)
{
	const unsigned char *from = (const unsigned char *)bytes;
	char *text, *to;
	size_t length;

	while (*from && *from < 0x80)
		from++;
	if (!*from)
		return need(strdup(bytes));
	/* At most three bytes for one. */
	text = need(malloc(3 * strlen(bytes) + 1));
	for (to = text, from = (const unsigned char *)bytes; *from;
	     from += length ? length : 1) {
		length = character(from);
		to = mempcpy(to, length ? (const char *)from : unknown,
			     length ? length : sizeof(unknown) - 1);
	}
	*to = '\0';
	return text;
}
