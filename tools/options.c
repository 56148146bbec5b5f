// SPDX-License-Identifier: GPL-2.0
/* The options that several commands have in common, and how options are read. */
#define _GNU_SOURCE
#include <ctype.h>
#include <limits.h>
#include <linux/sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "options.h"
#include "policy.h"
#include "tool.h"

static void take_name(const char *name, char *to)
{
	const size_t length = strlen(name);
	size_t i;

	if (!length || length >= VPROCNS_NAME_LEN || !isalpha((unsigned char)*name))
		goto bad;
	for (i = 1; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
			goto bad;
	memcpy(to, name, length + 1);
	return;
bad:
	misuse("name '%s': a letter and then up to %d letters, digits, '.', '_' and '-' are needed",
	       name, VPROCNS_NAME_LEN - 2);
}

/* --allow +FLAGS: those and the profile's, which may be named later. */
static bool adds;

bool group_option(int option, const char *value, struct vprocns_create *create)
{
	switch (option) {
	case OPT_PROFILE:
		if (!profile_value(value, &create->profile))
			misuse("profile '%s': shadow, shadow-strict, linux or container is needed",
			       value);
		return true;
	case OPT_THREADS_ONLY:
		create->flags |= VPROCNS_CREATE_THREADS_ONLY;
		return true;
	case OPT_ALLOW:
		adds = *value == '+';
		if (!flags_value(value + adds, &create->allowed))
			misuse("flags '%s': names of clone flags or numbers, joined by '|', are needed",
			       value);
		if (create->allowed & (CLONE_NEWPID | CLONE_NEWUSER))
			misuse("flags '%s': NEWPID and NEWUSER can't be allowed in a group",
			       value);
		create->flags |= VPROCNS_CREATE_ALLOWED;
		return true;
	case OPT_VFORK:
		if (!vfork_value(value, &create->vfork))
			misuse("vfork '%s': real or fork is needed", value);
		return true;
	case OPT_CAPS:
		if (!caps_value(value, &create->caps))
			misuse("caps '%s': host, empty or empty-v3 is needed",
			       value);
		return true;
	case OPT_NUMBERING:
		if (!numbering_value(value, &create->numbering))
			misuse("numbering '%s': sequential or lineage is needed",
			       value);
		return true;
	case OPT_SEED:
		create->seed = number(value, "seed", 0, UINT64_MAX);
		return true;
	case OPT_FIRST:
		create->first = number(value, "first number", 1, UINT_MAX);
		return true;
	case OPT_LAST:
		create->last = number(value, "last number", 1, UINT_MAX);
		return true;
	case OPT_NAME:
		take_name(value, create->name);
		return true;
	default:
		return false;
	}
}

void check_group_options(struct vprocns_create *create)
{
	const struct vprocns_create plain = { .profile = create->profile };
	struct vprocns_policy policy;

	if (adds && !vprocns_policy_init(&policy, &plain))
		create->allowed |= policy.allowed;
	if (create->seed && create->numbering != VPROCNS_NUMBERING_LINEAGE)
		misuse("--seed goes with --numbering lineage");
}

static const char *option_name(const struct option *options, int value)
{
	while (options->name && options->val != value)
		options++;
	return options->name ? options->name : "";
}

/* @word has no exact match: the names that it begins, with ", " between; or NULL. */
static char *candidates(const struct option *options, const char *word)
{
	const size_t length = strcspn(word, "=");
	char *names = NULL, *longer;
	unsigned int count = 0;

	for (; options->name; options++) {
		if (strncmp(options->name, word, length))
			continue;
		if (asprintf(&longer, "%s%s--%s", names ? names : "",
			     names ? ", " : "", options->name) < 0)
			fail("out of memory");
		free(names);
		names = longer;
		count++;
	}
	if (count > 1)
		return names;
	free(names);
	return NULL;
}

static noreturn void refuse_option(char **argv, int option,
				   const struct option *options)
{
	const char *const word = argv[optind - 1];
	char *names;

	if (option == ':')
		misuse("option '--%s' needs a value", option_name(options, optopt));
	/* An option without a letter has a value that is no character. */
	if (optopt > UCHAR_MAX)
		misuse("option '--%s' takes no value", option_name(options, optopt));
	if (optopt)
		misuse("unknown option '-%c'; see %s --help", optopt, command_words());
	names = candidates(options, word + 2);
	if (names)
		misuse("option '%s' is ambiguous: %s", word, names);
	misuse("unknown option '%s'; see %s --help", word,
	       command_words());
}

/* Those of @options that are a letter, as getopt() wants them, and -h. */
static void letters_of(enum option_order order, const struct option *options,
		       char *letters)
{
	static const char *const orders[] = {
		[OPTIONS_FIRST]		= "+:h",
		[OPTIONS_ANYWHERE]	= ":h",
		[OPTIONS_AND_WORDS]	= "-:h",
	};

	letters = stpcpy(letters, orders[order]);
	for (; options->name; options++) {
		if (options->val > UCHAR_MAX)
			continue;
		*letters++ = options->val;
		if (options->has_arg == required_argument)
			*letters++ = ':';
	}
	*letters = '\0';
}

int next_option(int argc, char **argv, enum option_order order,
		const struct option *options)
{
	char letters[16];
	int option;

	letters_of(order, options, letters);
	option = getopt_long(argc, argv, letters, options, NULL);

	if (option == 'h' || option == OPT_HELP)
		help();
	if (option == ':' || option == '?')
		refuse_option(argv, option, options);
	return option;
}

bool print_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, OPT_JSON },
		HELP_OPTION
	};
	bool json = false;

	while (next_option(argc, argv, OPTIONS_ANYWHERE, options) != -1)
		json = true;
	return json;
}

void no_arguments(int argc, char **argv)
{
	if (optind < argc)
		misuse("takes no argument: '%s'", argv[optind]);
}

char *one_argument(int argc, char **argv, const char *what)
{
	if (optind == argc)
		misuse("no %s given; see %s --help", what, command_words());
	if (optind < argc - 1)
		misuse("one %s only: '%s' is one too many", what, argv[optind + 1]);
	return argv[optind];
}
