// SPDX-License-Identifier: GPL-2.0
/* The commands, and how all of them end when something is wrong. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"
#include "vprocns.h"

static const struct command *const commands[] = {
	&run_command,
	&exec_command,
	&bind_command,
	&kill_command,
	&ls_command,
	&ps_command,
	&stat_command,
	&map_command,
	&check_command,
	&explain_command,
	&oci_hook_command,
	&record_command,
	&show_command,
	&diff_command,
	&compare_command,
	&timeline_command,
};

static const struct command *command;

static void complain_v(const char *format, va_list args)
{
	fflush(stdout);
	fputs("vprocns: ", stderr);
	if (command)
		fprintf(stderr, "%s: ", command->name);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain_v(format, args);
	va_end(args);
}

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain_v(format, args);
	va_end(args);
	exit(command ? command->failure : EXIT_FAILURE);
}

void misuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain_v(format, args);
	va_end(args);
	exit(command ? command->misuse : EXIT_WRONG_USAGE);
}

const char *command_words(void)
{
	static char words[32];

	snprintf(words, sizeof(words), "vprocns %s", command->name);
	return words;
}

/* A full disk or a closed pipe must not pass for success. */
static int finish(int status)
{
	if (fflush(stdout) || ferror(stdout))
		fail("standard output: %s", strerror(errno));
	return status;
}

void help(void)
{
	printf("usage: %s %s", command_words(), command->usage);
	exit(finish(EXIT_SUCCESS));
}

unsigned long long number(const char *word, const char *what,
			  unsigned long long min, unsigned long long max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	/* Leading zeros say nothing: 01000 is a thousand. */
	value = strtoull(word, &end, strncasecmp(word, "0x", 2) ? 10 : 16);
	/* strtoull() takes a sign, and spaces before it. */
	if (errno || !isdigit((unsigned char)*word) || *end || value < min ||
	    value > max)
		misuse("%s '%s': a number from %llu to %llu is needed", what,
		       word, min, max);
	return value;
}

static void help_all(void)
{
	size_t i;

	puts("usage: vprocns COMMAND [OPTION]... [ARGUMENT]...\n"
	     "\n"
	     "Virtual process namespaces: repeatable thread IDs, a clone flag policy and\n"
	     "an empty capability view for groups of tasks.\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
	puts("\nEach command has --help, and 'vprocns help COMMAND' shows the same.\n"
	     "The manual is vprocns(1).");
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i]->name))
			return commands[i];
	misuse("'%s' is no command; see vprocns --help", name);
}

static bool is_one_of(const char *word, const char *one, const char *other)
{
	return !strcmp(word, one) || !strcmp(word, other);
}

int main(int argc, char **argv)
{
	const char *const word = argc < 2 ? "" : argv[1];

	if (argc < 2)
		misuse("no command given; see vprocns --help");
	if (is_one_of(word, "--version", "-V")) {
		printf("vprocns %s (interface %d)\n", VERSION,
		       VPROCNS_ABI_VERSION);
		return finish(EXIT_SUCCESS);
	}
	if (!strcmp(word, "help") && argc == 3) {
		command = find_command(argv[2]);
		help();
	}
	if (!strcmp(word, "help") || is_one_of(word, "--help", "-h")) {
		help_all();
		return finish(EXIT_SUCCESS);
	}
	if (*word == '-')
		misuse("unknown option '%s'; see vprocns --help", word);
	command = find_command(word);
	return finish(command->main(argc - 1, argv + 1));
}
