/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_SLOTS_H
#define _VPROCNS_SLOTS_H

#include <stddef.h>

#include "tasks.h"

/**
 * slots_split() - a recording of several ranks as one of each
 * @tasks: a recording; freed unless it is the only element of what is returned
 * @count: out: how many there are
 *
 * Each rank has what joined by its slot, as its first program, and what that has
 * cloned. The rest is left out. A recording without slots is one rank.
 *
 * Return: the ranks by ascending slot; the caller frees the array.
 */
struct tasks **slots_split(struct tasks *tasks, size_t *count);

#endif
