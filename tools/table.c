// SPDX-License-Identifier: GPL-2.0
/* Tables and JSON from one description, by libsmartcols. */
#define _GNU_SOURCE
#include <libsmartcols/libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "table.h"
#include "tool.h"

struct table {
	struct libscols_table *scols;
	struct libscols_line *row;
	size_t column;
};

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
		const bool is_number = columns[i].kind == COLUMN_NUMBER;
		struct libscols_column *const column =
			scols_table_new_column(table->scols, columns[i].name, 0,
					       is_number ? SCOLS_FL_RIGHT : 0);

		if (!column ||
		    scols_column_set_json_type(column, is_number ?
					       SCOLS_JSON_NUMBER :
					       SCOLS_JSON_STRING))
			fail("out of memory");
	}
	return table;
}

void table_row(struct table *table)
{
	table->row = scols_table_new_line(table->scols, NULL);
	if (!table->row)
		fail("out of memory");
	table->column = 0;
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0 ||
	    scols_line_refer_data(table->row, table->column++, text))
		fail("out of memory");
}

void table_print(struct table *table)
{
	if (scols_print_table(table->scols))
		fail("the table can't be printed");
	scols_unref_table(table->scols);
	free(table);
}
