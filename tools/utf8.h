/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_UTF8_H
#define _VPROCNS_UTF8_H

/*
 * For free(): @bytes, with U+FFFD for each byte that is no UTF-8: a task may give
 * itself any name, and JSON must be read everywhere.
 */
char *utf8_text(const char *bytes);

#endif
