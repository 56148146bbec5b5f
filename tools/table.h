/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_TABLE_H
#define _VPROCNS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct libscols_line;

enum column_kind {
	COLUMN_TEXT,
	COLUMN_NUMBER,
	/* Of 64 bits, which a double would round: JSON has it as a string. */
	COLUMN_WIDE,
	/* A number too, drawn with the branches of the tree that rows below make. */
	COLUMN_TREE,
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
/* A row that stands below another, or below none; for the rows below it. */
struct libscols_line *table_row_below(struct table *table,
				      struct libscols_line *parent);
/* The cells of a row, from left to right. */
void table_cell(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* An empty cell; null in JSON. */
void table_no_cell(struct table *table);
/* And frees it. */
void table_print(struct table *table);

#endif
