/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_MEMBER_H
#define _VPROCNS_MEMBER_H

#include <linux/types.h>

struct vprocns_group;
struct vprocns_info;
struct vprocns_member;
struct vprocns_translate;

void vprocns_members_count(struct vprocns_group *group,
			   struct vprocns_info *info);
int vprocns_member_translate(struct vprocns_group *group,
			     struct vprocns_translate *translate);
bool vprocns_member_next(struct vprocns_group *group, int after,
			 struct vprocns_member *member);

#endif
