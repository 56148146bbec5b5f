// SPDX-License-Identifier: GPL-2.0
/* Tables and JSON from one description, by libsmartcols. */
#define _GNU_SOURCE
#include <libsmartcols/libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "table.h"
#include "tool.h"
#include "utf8.h"

struct table {
	struct libscols_table *scols;
	struct libscols_line *row;
	size_t column;
};

static int flags_of(enum column_kind kind)
{
	switch (kind) {
	case COLUMN_NUMBER:
	case COLUMN_WIDE:
		return SCOLS_FL_RIGHT;
	case COLUMN_TREE:
		return SCOLS_FL_TREE;
	default:
		return 0;
	}
}

struct table *table_new(const char *name, const struct column *columns,
			size_t nr_columns, bool json)
{
	struct table *const table = calloc(1, sizeof(*table));
	size_t i;

	if (!table)
		fail("out of memory");
	table->scols = scols_new_table();
	if (!table->scols || scols_table_set_name(table->scols, name) ||
	    scols_table_enable_json(table->scols, json))
		fail("out of memory");
	for (i = 0; i < nr_columns; i++) {
		struct libscols_column *const column =
			scols_table_new_column(table->scols, columns[i].name, 0,
					       flags_of(columns[i].kind));

		if (!column ||
		    scols_column_set_json_type(column,
					       columns[i].kind == COLUMN_TEXT ||
					       columns[i].kind == COLUMN_WIDE ?
					       SCOLS_JSON_STRING :
					       SCOLS_JSON_NUMBER))
			fail("out of memory");
	}
	return table;
}

void table_row(struct table *table)
{
	table_row_below(table, NULL);
}

struct libscols_line *table_row_below(struct table *table,
				      struct libscols_line *parent)
{
	table->row = scols_table_new_line(table->scols, parent);
	if (!table->row)
		fail("out of memory");
	table->column = 0;
	return table->row;
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list args;
	char *bytes, *text;
	int length;

	va_start(args, format);
	length = vasprintf(&bytes, format, args);
	va_end(args);
	if (length < 0)
		fail("out of memory");
	text = utf8_text(bytes);
	if (scols_line_refer_data(table->row, table->column++, text))
		fail("out of memory");
	free(bytes);
}

void table_no_cell(struct table *table)
{
	table->column++;
}

void table_print(struct table *table)
{
	if (scols_print_table(table->scols))
		fail("the table can't be printed");
	scols_unref_table(table->scols);
	free(table);
}
