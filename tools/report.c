// SPDX-License-Identifier: GPL-2.0
/* What is said of a run at its end: refusals, and what the numbers depend on. */
#define _GNU_SOURCE
#include <json-c/json.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "names.h"
#include "policy.h"
#include "report.h"
#include "tool.h"
#include "utf8.h"

#define NAMESPACES							\
	((__u64)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |		\
		 CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |		\
		 CLONE_NEWNET | CLONE_NEWTIME))
#define NEVER	((__u64)(CLONE_NEWPID | CLONE_NEWUSER))

struct refusals report_refusals(int group)
{
	struct refusals refusals;

	refusals.count = group_refusals(group, refusals.of,
					ARRAY_SIZE(refusals.of));
	return refusals;
}

static __u64 count_of(const struct refusals *refusals, __u32 rule)
{
	size_t i;

	for (i = 0; i < refusals->count; i++)
		if (refusals->of[i].rule == rule)
			return refusals->of[i].count;
	return 0;
}

/* Whether a group that is made otherwise would let the request pass. */
static bool would_pass(const struct vprocns_refused *refused,
		       const struct vprocns_create *create)
{
	struct vprocns_policy policy;

	if (vprocns_policy_init(&policy, create))
		return false;
	switch (refused->call) {
	case VPROCNS_CALL_UNSHARE:
		return !vprocns_policy_unshare(&policy, refused->last_flags);
	case VPROCNS_CALL_SETNS:
		return !vprocns_policy_setns(&policy, refused->last_flags);
	case VPROCNS_CALL_NUMBER:
		return false;
	default:
		return !vprocns_policy_clone(&policy, refused->flags,
					     refused->exit_signal).err &&
		       !vprocns_policy_clone(&policy, refused->last_flags,
					     refused->exit_signal).err;
	}
}

static bool all_would_pass(const struct refusals *refusals,
			   const struct vprocns_create *create)
{
	size_t i;

	for (i = 0; i < refusals->count; i++)
		if (!would_pass(&refusals->of[i], create))
			return false;
	return true;
}

/* New namespaces take capabilities as well. */
static bool asks_namespaces(const struct refusals *refusals)
{
	size_t i;

	for (i = 0; i < refusals->count; i++)
		if (refusals->of[i].flags & NAMESPACES)
			return true;
	return false;
}

/* For free(): the least that lets all of @refusals pass, or why nothing does. */
static char *remedy(const struct vprocns_info *info,
		    const struct refusals *refusals)
{
	struct vprocns_create create = {
		.profile = info->profile, .allowed = info->allowed,
		.flags = VPROCNS_CREATE_ALLOWED,
	};
	char *flags, *words = NULL;
	__u64 missing = 0;
	size_t i;

	for (i = 0; i < refusals->count; i++) {
		if (refusals->of[i].rule == VPROCNS_RULE_EXHAUSTED)
			return strdup("a larger range lets them pass: --first, --last");
		if (refusals->of[i].rule == VPROCNS_RULE_SET_TID)
			return strdup("nothing lets set_tid pass: numbers are the group's");
		if (refusals->of[i].flags & NEVER)
			return strdup("nothing lets NEWPID and NEWUSER pass in a group");
		missing |= refusals->of[i].flags & ~info->allowed;
	}
	if (info->flags & VPROCNS_CREATE_THREADS_ONLY &&
	    all_would_pass(refusals, &create))
		return strdup("they pass without --threads-only");
	create.allowed |= missing;
	if (missing && all_would_pass(refusals, &create)) {
		flags = flags_text(missing);
		if (!flags || asprintf(&words, "--allow '+%s'%s lets them pass", flags,
				       asks_namespaces(refusals) ?
				       " --caps host" : "") < 0)
			words = NULL;
		free(flags);
		return words;
	}
	create = (struct vprocns_create) { .profile = VPROCNS_PROFILE_LINUX };
	if (all_would_pass(refusals, &create))
		return strdup(asks_namespaces(refusals) ?
			      "--profile linux lets them pass" :
			      "--profile linux lets them pass; --caps empty can stay with it");
	return strdup("'vprocns explain' tells more");
}

static void print_rule(FILE *to, const struct vprocns_refused *refused)
{
	char *const flags = flags_text(refused->flags);

	fprintf(to, "%llu by rule %s", refused->count, rule_name(refused->rule));
	if (refused->flags && flags)
		fprintf(to, " (%s)", flags);
	free(flags);
}

bool report_refused(const struct vprocns_info *info, const struct refusals *now,
		    const struct refusals *before)
{
	struct refusals fresh = {};
	char *rules = NULL, *words;
	unsigned long long count = 0;
	size_t size, i;
	FILE *to;

	for (i = 0; i < now->count; i++) {
		struct vprocns_refused refused = now->of[i];

		refused.count -= count_of(before, refused.rule);
		count += refused.count;
		if (refused.count)
			fresh.of[fresh.count++] = refused;
	}
	if (!count)
		return false;
	to = open_memstream(&rules, &size);
	if (!to)
		fail("out of memory");
	for (i = 0; i < fresh.count; i++) {
		if (i)
			fputs(", ", to);
		print_rule(to, &fresh.of[i]);
	}
	fclose(to);
	words = remedy(info, &fresh);
	complain("%llu request%s refused: %s; %s", count,
		 count == 1 ? " was" : "s were", rules, words ?: "");
	free(words);
	free(rules);
	return true;
}

/* Tasks that joined are numbered as they came, and their children with them. */
static const char *verdict(const struct vprocns_info *info,
			   const struct vprocns_stats *stats)
{
	if (info->numbering != VPROCNS_NUMBERING_LINEAGE)
		return "numbered in the order in which they were made";
	if (stats->collisions)
		return "numbers may depend on scheduling; try another --seed or a larger range";
	if (stats->joined > 1)
		return "numbers depend on the order in which tasks joined from outside";
	return "each number follows from its task's cloner and the order of that cloner's clones; runs agree as far as the program repeats these";
}

void report_text(FILE *file, const struct report *report, int group)
{
	const struct vprocns_stats stats = group_stats(group);

	fprintf(file, "vprocns: run: %llu task%s, %llu collision%s: %s\n",
		stats.clones, stats.clones == 1 ? "" : "s", stats.collisions,
		stats.collisions == 1 ? "" : "s", verdict(&report->info, &stats));
}

static void add(struct json_object *to, const char *key, struct json_object *value)
{
	if (json_object_object_add(to, key, value))
		fail("out of memory");
}

static void add_text(struct json_object *to, const char *key, const char *text)
{
	add(to, key, text ? json_object_new_string(text) : NULL);
}

/* Text that programs or their callers chose, of any bytes. */
static struct json_object *foreign(const char *bytes)
{
	char *const text = utf8_text(bytes);
	struct json_object *const value = need(json_object_new_string(text));

	free(text);
	return value;
}

static void add_count(struct json_object *to, const char *key, __u64 count)
{
	add(to, key, json_object_new_int64(count));
}

static struct json_object *flags_list(__u64 flags)
{
	struct json_object *const list = json_object_new_array();
	char *const text = flags ? flags_text(flags) : NULL;
	char *rest = text, *word;

	while ((word = strsep(&rest, "|")))
		json_object_array_add(list, json_object_new_string(word));
	free(text);
	return list;
}

static struct json_object *refusals_list(int group)
{
	struct json_object *const list = json_object_new_array();
	const struct refusals refusals = report_refusals(group);
	size_t i;

	for (i = 0; i < refusals.count; i++) {
		const struct vprocns_refused *const refused = &refusals.of[i];
		struct json_object *const one = json_object_new_object();

		add_text(one, "rule", rule_name(refused->rule));
		add_count(one, "count", refused->count);
		add(one, "flags", flags_list(refused->flags));
		add_text(one, "call", call_name(refused->call));
		add(one, "last_flags", flags_list(refused->last_flags));
		add_text(one, "errno", errno_name(refused->err));
		add_count(one, "tid", refused->tid);
		add(one, "comm", foreign(refused->comm));
		json_object_array_add(list, one);
	}
	return list;
}

void report_json(FILE *file, const struct report *report, int group)
{
	const struct vprocns_stats stats = group_stats(group);
	const struct vprocns_info *const info = &report->info;
	struct json_object *const all = json_object_new_object();
	struct json_object *const words = json_object_new_array();
	char seed[24];
	int i;

	for (i = 0; report->argv[i]; i++)
		json_object_array_add(words, foreign(report->argv[i]));
	/* 64 bits survive a reader that has doubles only as text. */
	snprintf(seed, sizeof(seed), "%llu", info->seed);

	add_count(all, "group", info->id);
	add_text(all, "name", *info->name ? info->name : NULL);
	add(all, "command", words);
	add_count(all, "status", report->status);
	add_text(all, "profile", profile_name(info->profile));
	add_text(all, "caps", caps_name(info->caps));
	add_text(all, "numbering", numbering_name(info->numbering));
	add_text(all, "seed", seed);
	add_count(all, "first", info->first);
	add_count(all, "last", info->last);
	add_count(all, "tasks", stats.clones);
	add_count(all, "threads", stats.threads);
	add_count(all, "joined", stats.joined);
	add_count(all, "kernel_threads", stats.kernel_threads);
	add_count(all, "rewritten", stats.rewritten);
	add_count(all, "collisions", stats.collisions);
	add_text(all, "numbers", verdict(info, &stats));
	add_count(all, "ended_with_it", report->left);
	add(all, "refusals", refusals_list(group));
	fprintf(file, "%s\n", json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

bool report_is_clean(const struct report *report, int group)
{
	const struct vprocns_stats stats = group_stats(group);

	return !report_refusals(group).count && !stats.collisions &&
	       (report->info.numbering != VPROCNS_NUMBERING_LINEAGE ||
		stats.joined <= 1);
}
