// SPDX-License-Identifier: GPL-2.0
/* Whose program it is, where root starts one for somebody. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "tool.h"

static bool is_number(const char *word, unsigned int *value)
{
	char *end;
	unsigned long number;

	if (!isdigit((unsigned char)*word))
		return false;
	errno = 0;
	number = strtoul(word, &end, 10);
	/* The highest number stands for "no id" in the system calls. */
	if (errno || *end || number >= UINT_MAX)
		return false;
	*value = number;
	return true;
}

static char *copy(const char *text)
{
	return need(strdup(text));
}

static void take_groups(struct account *account)
{
	account->nr_groups = 1;
	if (account->name) {
		account->nr_groups = 0;
		getgrouplist(account->name, account->gid, NULL,
			     &account->nr_groups);
	}
	account->groups = need(calloc(account->nr_groups + 1, sizeof(gid_t)));
	account->groups[0] = account->gid;
	if (account->name &&
	    getgrouplist(account->name, account->gid, account->groups,
			 &account->nr_groups) < 0)
		fail("the groups of %s can't be read", account->name);
}

static void take_user(struct account *account, const struct passwd *user)
{
	account->uid = user->pw_uid;
	account->gid = user->pw_gid;
	account->name = copy(user->pw_name);
	account->home = copy(user->pw_dir);
	account->shell = copy(*user->pw_shell ? user->pw_shell : "/bin/sh");
}

struct account account_of(const char *words)
{
	struct account account = {};
	char *const user = copy(words);
	char *const colon = strchr(user, ':');
	const char *const group = colon ? colon + 1 : NULL;
	const struct passwd *entry;
	const struct group *found;

	if (colon)
		*colon = '\0';
	entry = getpwnam(user);
	if (!entry && is_number(user, &account.uid))
		entry = getpwuid(account.uid);
	else if (!entry)
		misuse("user '%s': there is no such user", user);
	if (entry)
		take_user(&account, entry);
	else if (!group)
		misuse("user %s has no name and so no group: give --user %s:GROUP",
		       user, user);
	if (group) {
		found = getgrnam(group);
		if (found)
			account.gid = found->gr_gid;
		else if (!is_number(group, &account.gid))
			misuse("group '%s': there is no such group", group);
	}
	take_groups(&account);
	free(user);
	return account;
}

bool account_of_sudo(struct account *account)
{
	const char *const word = getenv("SUDO_UID");
	const struct passwd *user;
	struct stat here;
	unsigned int uid;

	/* Root without capabilities gets on where root owns the files. */
	if (geteuid() || !word || !is_number(word, &uid) || !uid ||
	    stat(".", &here) || !here.st_uid)
		return false;
	user = getpwuid(uid);
	if (!user)
		return false;
	take_user(account, user);
	take_groups(account);
	return true;
}

void account_enter(const struct account *account)
{
	if (cap_setgroups(account->gid, account->nr_groups, account->groups) ||
	    cap_setuid(account->uid))
		fail("%s can't be entered: %s",
		     account->name ?: "the user", strerror(errno));
	if (account->home)
		setenv("HOME", account->home, 1);
	if (account->shell)
		setenv("SHELL", account->shell, 1);
	if (account->name) {
		setenv("USER", account->name, 1);
		setenv("LOGNAME", account->name, 1);
	}
}
