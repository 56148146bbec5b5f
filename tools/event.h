/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_EVENT_H
#define _VPROCNS_EVENT_H

#include <json-c/json.h>
#include <stdint.h>

#include "vprocns.h"

/*
 * An event of the module as a line of a recording, or NULL for a kind that we do not
 * know. @base is what times count from; @old_tid is for an exec, 0 if there is none.
 */
struct json_object *event_line(const struct vprocns_event *event, uint64_t base,
			       int old_tid);

/* What other lines have as well. */
void event_add_flags(struct json_object *line, const char *name, uint64_t flags);
void event_add_lineage(struct json_object *line, const char *name,
		       uint64_t lineage);

#endif
