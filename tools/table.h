/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_TABLE_H
#define _VPROCNS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum column_kind {
	COLUMN_TEXT,
	COLUMN_NUMBER,
};

/**
 * struct column - one column of a table, and member of each JSON object
 * @name: in capitals; JSON has it in small letters
 * @kind: numbers stand to the right, and without quotes in JSON
 */
struct column {
	const char *name;
	enum column_kind kind;
};

/* Prints a table, or a JSON object with the array @name. Ends the tool on ENOMEM. */
struct table *table_new(const char *name, const struct column *columns,
			size_t nr_columns, bool json);
void table_row(struct table *table);
/* The cells of a row, from left to right. */
void table_cell(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* And frees it. */
void table_print(struct table *table);

#endif
