// SPDX-License-Identifier: GPL-2.0
/* The options that several commands have in common. */
#include <ctype.h>
#include <limits.h>
#include <linux/sched.h>
#include <stdint.h>
#include <string.h>

#include "names.h"
#include "options.h"
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
		if (!flags_value(value, &create->allowed))
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

void check_group_options(const struct vprocns_create *create)
{
	if (create->seed && create->numbering != VPROCNS_NUMBERING_LINEAGE)
		misuse("--seed goes with --numbering lineage");
}

bool print_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, OPT_HELP },
		{}
	};
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		switch (option) {
		case OPT_JSON:
			json = true;
			break;
		case OPT_HELP:
			help();
		default:
			bad_option(argv);
		}
	}
	return json;
}
