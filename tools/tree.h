/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_TREE_H
#define _VPROCNS_TREE_H

#include <stdbool.h>

/* Prints a group's live tasks below those that cloned them. */
void tree_print(int group, bool json);

#endif
