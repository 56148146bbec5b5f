// SPDX-License-Identifier: GPL-2.0
/*
 * What a group is asked to be: checked, and with the defaults filled in. What
 * it says of the policy is policy.c's.
 */
#include <linux/ctype.h>
#include <linux/pid_namespace.h>
#include <linux/string.h>

#include "compat.h"
#include "hooks.h"
#include "request.h"
#include "vprocns.h"

static const int *global_pid_max;

/* isalpha() takes Latin-1 for letters. */
static bool is_letter(char c)
{
	return isascii(c) && isalpha(c);
}

/**
 * vprocns_name_ok - whether a group may have this name
 * @name: %VPROCNS_NAME_LEN bytes
 *
 * Return: true for a name as struct vprocns_create has it, and for none.
 */
bool vprocns_name_ok(const char *name)
{
	const size_t len = strnlen(name, VPROCNS_NAME_LEN);
	size_t i;

	if (!len)
		return !memchr_inv(name, 0, VPROCNS_NAME_LEN);
	if (len == VPROCNS_NAME_LEN || !is_letter(name[0]))
		return false;
	for (i = 1; i < len; i++)
		if (!is_letter(name[i]) && !isdigit(name[i]) &&
		    !strchr("._-", name[i]))
			return false;
	return !memchr_inv(name + len, 0, VPROCNS_NAME_LEN - len);
}

/**
 * vprocns_highest_tid - what kernel.pid_max lets a PID namespace have at most
 * @ns: the namespace
 *
 * Return: that TID, which may be lower the next time.
 */
u32 vprocns_highest_tid(const struct pid_namespace *ns)
{
	return vprocns_ns_pid_max(ns, global_pid_max) - 1;
}

/**
 * vprocns_range_ok - whether a PID namespace has all numbers of a range
 * @create: the request, complete
 * @ns: the namespace
 *
 * Return: true when it has.
 */
bool vprocns_range_ok(const struct vprocns_create *create,
		      const struct pid_namespace *ns)
{
	return create->first >= 2 && create->first <= create->last &&
	       create->last <= vprocns_highest_tid(ns);
}

static bool numbering_ok(const struct vprocns_create *create)
{
	return create->numbering == VPROCNS_NUMBERING_LINEAGE ||
	       (create->numbering == VPROCNS_NUMBERING_SEQUENTIAL &&
		!create->seed);
}

/**
 * vprocns_request_complete - checks a request and fills in its defaults
 * @create: the request
 *
 * Return: 0, or -EINVAL: see VPROCNS_CREATE.
 */
int vprocns_request_complete(struct vprocns_create *create)
{
	if (create->reserved || !numbering_ok(create) ||
	    !vprocns_name_ok(create->name))
		return -EINVAL;
	if (!create->first)
		create->first = VPROCNS_FIRST_TID;
	if (!create->last)
		create->last = vprocns_highest_tid(&init_pid_ns);
	return vprocns_range_ok(create, &init_pid_ns) ? 0 : -EINVAL;
}

/**
 * vprocns_requests_init - finds the kernel's pid_max
 *
 * Return: 0, or -ENOENT after a line in the log.
 */
int vprocns_requests_init(void)
{
	if (!VPROCNS_PID_MAX_SYMBOL)
		return 0;
	global_pid_max = vprocns_symbol(VPROCNS_PID_MAX_SYMBOL);
	return global_pid_max ? 0 : -ENOENT;
}
