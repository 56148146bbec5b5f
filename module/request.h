/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_REQUEST_H
#define _VPROCNS_REQUEST_H

#include <linux/types.h>

struct pid_namespace;
struct vprocns_create;

int vprocns_requests_init(void);

bool vprocns_name_ok(const char *name);
u32 vprocns_highest_tid(const struct pid_namespace *ns);
bool vprocns_range_ok(const struct vprocns_create *create,
		      const struct pid_namespace *ns);
int vprocns_request_complete(struct vprocns_create *create);

#endif
