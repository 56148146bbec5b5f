// SPDX-License-Identifier: GPL-2.0
/*
 * `vprocns explain` as the user has it: a line is an argument, and what comes
 * behind an empty line is standard input.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"
#include "../tools/tool.h"

#define MAX_ARGUMENTS 16

int tool_main(int argc, char **argv);

/* What the process would have taken along when it ended is no leak. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* Lines that ask: `explain --batch` answers each with one. */
static size_t count_rows(const char *text)
{
	size_t rows = 0;

	while (*text) {
		rows += *text != '#';
		text = strchrnul(text, '\n');
		text += *text == '\n';
	}
	return rows;
}

static int split(char *text, char **argv, char **input)
{
	int argc = 0;
	char *line;

	argv[argc++] = (char *)"vprocns";
	argv[argc++] = (char *)"explain";
	while ((line = strsep(&text, "\n")) && *line && argc < MAX_ARGUMENTS)
		argv[argc++] = line;
	argv[argc] = NULL;
	*input = text;
	return argc;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	FILE *const own_stdin = stdin, *const own_stdout = stdout;
	char *const text = word_of(data, size);
	char *argv[MAX_ARGUMENTS + 1], *input, *answer = NULL;
	const int argc = split(text, argv, &input);
	size_t length = 0;
	int status;
	bool came;

	if (!input)
		input = text + size;
	stdin = fmemopen(*input ? input : (char *)"\n", strlen(input), "r");
	stdout = open_memstream(&answer, &length);
	if (!stdin || !stdout)
		abort();
	optind = 0;
	came = COMES_BACK(status = tool_main(argc, argv));
	if (!came)
		status = end_status;
	fclose(stdin);
	fclose(stdout);
	stdin = own_stdin;
	stdout = own_stdout;

	HOLDS(status == 0 || status == EXIT_WRONG_USAGE);
	if (!status && !strncmp(answer, "# call\t", 7))
		HOLDS(count_rows(answer) == count_rows(input));
	free(answer);
	free(text);
	return 0;
}
