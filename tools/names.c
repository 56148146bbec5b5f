// SPDX-License-Identifier: GPL-2.0
/* What the numbers of the interface are called, both ways. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "policy.h"
#include "tool.h"
#include "vprocns.h"

static const char *const profiles[] = {
	[VPROCNS_PROFILE_SHADOW]	= "shadow",
	[VPROCNS_PROFILE_SHADOW_STRICT]	= "shadow-strict",
	[VPROCNS_PROFILE_LINUX]		= "linux",
	[VPROCNS_PROFILE_CONTAINER]	= "container",
};

static const char *const numberings[] = {
	[VPROCNS_NUMBERING_SEQUENTIAL]	= "sequential",
	[VPROCNS_NUMBERING_LINEAGE]	= "lineage",
};

static const char *const vforks[] = {
	[VPROCNS_VFORK_PROFILE]	= "profile",
	[VPROCNS_VFORK_REAL]	= "real",
	[VPROCNS_VFORK_FORK]	= "fork",
};

static const char *const caps[] = {
	[VPROCNS_CAPS_PROFILE]	= "profile",
	[VPROCNS_CAPS_HOST]	= "host",
	[VPROCNS_CAPS_EMPTY]	= "empty",
	[VPROCNS_CAPS_EMPTY_V3]	= "empty-v3",
};

static const char *const calls[] = {
	[VPROCNS_CALL_CLONE]	= "clone",
	[VPROCNS_CALL_CLONE3]	= "clone3",
	[VPROCNS_CALL_FORK]	= "fork",
	[VPROCNS_CALL_VFORK]	= "vfork",
	[VPROCNS_CALL_UNSHARE]	= "unshare",
	[VPROCNS_CALL_SETNS]	= "setns",
	[VPROCNS_CALL_NUMBER]	= "number",
};

static const char *const states[] = {
	[VPROCNS_STATE_NEW]	= "new",
	[VPROCNS_STATE_BOUND]	= "bound",
	[VPROCNS_STATE_ENDED]	= "ended",
};

/* By bit; clone3(2) up to Linux 7.x. Bits 0 to 7 are the exit signal of clone(2). */
static const char *const flags[64] = {
	[7]  = "NEWTIME",	[8]  = "VM",		[9]  = "FS",
	[10] = "FILES",		[11] = "SIGHAND",	[12] = "PIDFD",
	[13] = "PTRACE",	[14] = "VFORK",		[15] = "PARENT",
	[16] = "THREAD",	[17] = "NEWNS",		[18] = "SYSVSEM",
	[19] = "SETTLS",	[20] = "PARENT_SETTID",
	[21] = "CHILD_CLEARTID", [22] = "DETACHED",	[23] = "UNTRACED",
	[24] = "CHILD_SETTID",	[25] = "NEWCGROUP",	[26] = "NEWUTS",
	[27] = "NEWIPC",	[28] = "NEWUSER",	[29] = "NEWPID",
	[30] = "NEWNET",	[31] = "IO",		[32] = "CLEAR_SIGHAND",
	[33] = "INTO_CGROUP",	[34] = "AUTOREAP",	[35] = "NNP",
	[36] = "PIDFD_AUTOKILL", [37] = "EMPTY_MNTNS",
};

static const char *name_of(const char *const *names, size_t count, __u32 value)
{
	return value < count ? names[value] : NULL;
}

static bool value_of(const char *const *names, size_t count, const char *word,
		     __u32 *value)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(names[i], word))
			continue;
		*value = i;
		return true;
	}
	return false;
}

const char *profile_name(__u32 profile)
{
	return name_of(profiles, ARRAY_SIZE(profiles), profile);
}

const char *numbering_name(__u32 numbering)
{
	return name_of(numberings, ARRAY_SIZE(numberings), numbering);
}

const char *vfork_name(__u32 vfork)
{
	return name_of(vforks, ARRAY_SIZE(vforks), vfork);
}

const char *caps_name(__u32 value)
{
	return name_of(caps, ARRAY_SIZE(caps), value);
}

const char *state_name(__u32 state)
{
	return name_of(states, ARRAY_SIZE(states), state);
}

const char *call_name(__u32 call)
{
	return name_of(calls, ARRAY_SIZE(calls), call);
}

const char *rule_name(__u32 rule)
{
	return vprocns_policy_rule_name(rule);
}

const char *errno_name(int err)
{
	return strerrorname_np(err);
}

bool profile_value(const char *word, __u32 *value)
{
	return value_of(profiles, ARRAY_SIZE(profiles), word, value);
}

bool numbering_value(const char *word, __u32 *value)
{
	return value_of(numberings, ARRAY_SIZE(numberings), word, value);
}

bool vfork_value(const char *word, __u32 *value)
{
	return value_of(vforks, ARRAY_SIZE(vforks), word, value);
}

bool caps_value(const char *word, __u32 *value)
{
	return value_of(caps, ARRAY_SIZE(caps), word, value);
}

/* Leading zeros say nothing: 010 is ten. */
static int base_of(const char *word)
{
	return strncasecmp(word, "0x", 2) ? 10 : 16;
}

static bool one_flag(const char *word, __u64 *value)
{
	char *end;
	int bit;

	if (*word >= '0' && *word <= '9') {
		errno = 0;
		*value = strtoull(word, &end, base_of(word));
		return !errno && !*end;
	}
	if (!strncasecmp(word, "CLONE_", 6))
		word += 6;
	for (bit = 0; bit < 64; bit++) {
		if (!flags[bit] || strcasecmp(flags[bit], word))
			continue;
		*value = 1ULL << bit;
		return true;
	}
	return false;
}

bool flags_value(const char *word, __u64 *value)
{
	char *const copy = strdup(word);
	char *rest = copy;
	__u64 one;
	bool ok = copy;

	*value = 0;
	while (ok && rest) {
		ok = one_flag(strsep(&rest, "|"), &one);
		if (ok)
			*value |= one;
	}
	free(copy);
	return ok;
}

char *flags_text(__u64 value)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out;
	int bit;

	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	if (!value)
		fputc('0', out);
	for (bit = 0; value; bit++) {
		if (!(value & (1ULL << bit)))
			continue;
		value &= ~(1ULL << bit);
		if (flags[bit])
			fputs(flags[bit], out);
		else
			fprintf(out, "%#llx", 1ULL << bit);
		if (value)
			fputc('|', out);
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

bool signal_value(const char *word, int *value)
{
	long number;
	char *end;
	int i;

	errno = 0;
	number = strtol(word, &end, base_of(word));
	if (end != word && !*end && !errno && number >= INT_MIN &&
	    number <= INT_MAX) {
		*value = number;
		return true;
	}
	if (!strncasecmp(word, "SIG", 3))
		word += 3;
	for (i = 1; i < NSIG; i++) {
		const char *const name = sigabbrev_np(i);

		if (!name || strcasecmp(name, word))
			continue;
		*value = i;
		return true;
	}
	return false;
}
