// SPDX-License-Identifier: GPL-2.0
/* One word of the user's, taken for each kind of value in turn. */
#include <ctype.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "options.h"
#include "policy.h"
#include "tool.h"
#include "../tools/tool.h"

static void check_flags(const char *word)
{
	__u64 flags, again;
	char *text;

	if (!flags_value(word, &flags))
		return;
	/* No sign, no space: nothing that strtoull() alone would let through. */
	for (const char *c = word; *c; c++)
		HOLDS(isalnum((unsigned char)*c) || *c == '_' || *c == '|');
	text = flags_text(flags);
	HOLDS(text && flags_value(text, &again) && again == flags);
	free(text);
}

static void check_signal(const char *word)
{
	char text[16];
	int value, again;

	if (!signal_value(word, &value))
		return;
	if (isalpha((unsigned char)*word))
		HOLDS(value >= 1 && value < NSIG);
	snprintf(text, sizeof(text), "%d", value);
	HOLDS(signal_value(text, &again) && again == value);
}

/* Taken are the names, and nothing else. */
static void check_name(const char *word, const char *(*name)(__u32),
		       bool (*value)(const char *, __u32 *))
{
	__u32 found;
	int i;

	for (i = 0; name(i); i++)
		if (!strcmp(name(i), word))
			break;
	HOLDS(value(word, &found) == !!name(i));
	if (name(i))
		HOLDS(found == (__u32)i);
}

static void check_number(const char *word)
{
	unsigned long long value;
	const bool came =
		COMES_BACK(value = number(word, "number", 5, 1ULL << 40));

	if (!came) {
		HOLDS(end_status == EXIT_WRONG_USAGE);
		return;
	}
	HOLDS(value >= 5 && value <= 1ULL << 40);
	for (const char *c = word; *c; c++)
		HOLDS(isalnum((unsigned char)*c));
}

/* What the tool lets through, the module's policy takes. */
static void check_option(int option, const char *word)
{
	struct vprocns_create create = {};
	struct vprocns_policy policy;
	size_t i;

	if (!COMES_BACK(HOLDS(group_option(option, word, &create)))) {
		HOLDS(end_status == EXIT_WRONG_USAGE);
		return;
	}
	HOLDS(!vprocns_policy_init(&policy, &create));
	if (option != OPT_NAME)
		return;
	HOLDS(strlen(word) < VPROCNS_NAME_LEN);
	HOLDS(!strcmp(create.name, word) && isalpha((unsigned char)*word));
	for (i = strlen(word); i < VPROCNS_NAME_LEN; i++)
		HOLDS(!create.name[i]);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const int options[] = {
		OPT_PROFILE, OPT_THREADS_ONLY, OPT_ALLOW, OPT_VFORK, OPT_CAPS,
		OPT_NUMBERING, OPT_SEED, OPT_FIRST, OPT_LAST, OPT_NAME,
	};
	char *const word = word_of(data, size);
	size_t i;

	check_flags(word);
	check_signal(word);
	check_number(word);
	check_name(word, profile_name, profile_value);
	check_name(word, numbering_name, numbering_value);
	check_name(word, vfork_name, vfork_value);
	check_name(word, caps_name, caps_value);
	for (i = 0; i < ARRAY_SIZE(options); i++)
		check_option(options[i], word);
	free(word);
	return 0;
}
