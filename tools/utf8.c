// SPDX-License-Identifier: GPL-2.0
/* Names that programs chose, as text. */
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"

char *utf8_text(const char *bytes)
{
	/* iconv() stops at the first byte that is no UTF-8. */
	const iconv_t converter = iconv_open("UTF-8", "UTF-8");
	char *from = (char *)bytes, *text, *to;
	size_t left = strlen(bytes), room;

	if (converter == (iconv_t)-1)
		return NULL;
	room = left * strlen(REPLACEMENT);
	text = malloc(room + 1);
	to = text;
	while (text && iconv(converter, &from, &left, &to, &room) == (size_t)-1) {
		memcpy(to, REPLACEMENT, strlen(REPLACEMENT));
		to += strlen(REPLACEMENT);
		room -= strlen(REPLACEMENT);
		from++;
		left--;
		iconv(converter, NULL, NULL, NULL, NULL);
	}
	if (text)
		*to = '\0';
	iconv_close(converter);
	return text;
}
