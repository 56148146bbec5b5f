/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_ACCOUNT_H
#define _VPROCNS_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * struct account - the user that a program runs as
 * @uid: user
 * @gid: group
 * @groups: all groups
 * @nr_groups: how many
 * @name: login name, or NULL where the number has none
 * @home: home directory, or NULL
 * @shell: login shell, or NULL
 */
struct account {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	int nr_groups;
	char *name;
	char *home;
	char *shell;
};

/* The one that "NAME[:GROUP]" means, names or numbers; ends the tool if there is none. */
struct account account_of(const char *words);
/*
 * Whoever called sudo, if that started the tool in a directory that is not root's;
 * false otherwise.
 */
bool account_of_sudo(struct account *account);
/* Ids and environment; the capabilities, if there are any, are kept until dropped. */
void account_enter(const struct account *account);

#endif
