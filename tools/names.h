/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_NAMES_H
#define _VPROCNS_NAMES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/* Each returns a static string, or NULL for a value without a name. */
const char *profile_name(__u32 profile);
const char *numbering_name(__u32 numbering);
const char *vfork_name(__u32 vfork);
const char *caps_name(__u32 caps);
const char *state_name(__u32 state);
const char *rule_name(__u32 rule);
const char *call_name(__u32 call);
const char *errno_name(int err);

/* Each says whether @word is a name, and sets @value to what it stands for. */
bool profile_value(const char *word, __u32 *value);
bool numbering_value(const char *word, __u32 *value);
bool vfork_value(const char *word, __u32 *value);
bool caps_value(const char *word, __u32 *value);

/* Names joined by '|', and numbers; -1 in a name's place is refused. */
bool flags_value(const char *word, __u64 *flags);
/* For free(): the names of all bits, or "0". */
char *flags_text(__u64 flags);

/* By number, or by name with or without SIG. */
bool signal_value(const char *word, int *signal);

#endif
