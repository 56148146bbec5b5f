// SPDX-License-Identifier: GPL-2.0
/* The tree of a group: who cloned whom. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "device.h"
#include "table.h"
#include "tool.h"
#include "tree.h"

static const struct column columns[] = {
	{ "TID",	COLUMN_TREE },
	{ "LINEAGE",	COLUMN_TEXT },
	{ "PARENT",	COLUMN_NUMBER },
	{ "K",		COLUMN_NUMBER },
	{ "COMMAND",	COLUMN_TEXT },
};

struct node {
	const struct vprocns_member *member;
	struct node *children;
	struct node *next;
};

static bool has_lineage(const struct vprocns_member *member)
{
	return member->flags & VPROCNS_MEMBER_LINEAGE;
}

/* Where the kernel tells no cloner: the process of a thread, or the parent. */
static __s32 parent_tid(const struct vprocns_member *member)
{
	if (has_lineage(member))
		return member->cloner;
	return member->tid == member->tgid ? member->ppid : member->tgid;
}

static int by_lineage(const void *a, const void *b)
{
	const struct vprocns_member *const one = (*(struct node **)a)->member;
	const struct vprocns_member *const other = (*(struct node **)b)->member;

	if (has_lineage(one) != has_lineage(other))
		return has_lineage(one) ? 1 : -1;
	return one->lineage < other->lineage ? -1 :
	       one->lineage > other->lineage;
}

static int by_tid(const void *key, const void *node)
{
	return *(const __s32 *)key - ((const struct node *)node)->member->tid;
}

/* As which child a task stands: numbers of siblings may have gone round the range. */
static int by_birth(const void *a, const void *b)
{
	const struct vprocns_member *const one = (*(struct node **)a)->member;
	const struct vprocns_member *const other = (*(struct node **)b)->member;

	if (one->birth != other->birth)
		return one->birth < other->birth ? -1 : 1;
	return one->tid - other->tid;
}

/* A TID may be another task's by now; a lineage is nobody else's. */
static struct node *find_parent(struct node *nodes, struct node **sorted,
				size_t count, const struct node *child)
{
	const __s32 tid = parent_tid(child->member);
	struct vprocns_member key = {
		.flags = VPROCNS_MEMBER_LINEAGE,
		.lineage = child->member->cloner_lineage,
	};
	const struct node wanted = { .member = &key };
	const struct node *const pointer = &wanted;
	struct node **found;

	if (!has_lineage(child->member))
		return bsearch(&tid, nodes, count, sizeof(*nodes), by_tid);
	found = bsearch(&pointer, sorted, count, sizeof(*sorted), by_lineage);
	return found ? *found : NULL;
}

static struct node *link_all(struct node *nodes, struct node **sorted,
			     size_t count)
{
	struct node **const ordered = need(reallocarray(NULL, count + 1,
							sizeof(*ordered)));
	struct node *roots = NULL;
	size_t i;

	for (i = 0; i < count; i++)
		ordered[i] = &nodes[i];
	qsort(ordered, count, sizeof(*ordered), by_birth);
	/* From the last, as each goes before those that are there. */
	while (i--) {
		struct node *const parent = find_parent(nodes, sorted, count,
							ordered[i]);
		struct node **const list = parent ? &parent->children : &roots;

		ordered[i]->next = *list;
		*list = ordered[i];
	}
	free(ordered);
	return roots;
}

static void add_rows(struct table *table, const struct node *node,
		     struct libscols_line *above)
{
	for (; node; node = node->next) {
		const struct vprocns_member *const member = node->member;
		const __s32 parent = parent_tid(member);
		struct libscols_line *const row = table_row_below(table, above);

		table_cell(table, "%d", member->tid);
		if (has_lineage(member))
			table_cell(table, "%08llx", member->lineage >> 32);
		else
			table_no_cell(table);
		if (parent)
			table_cell(table, "%d", parent);
		else
			table_no_cell(table);
		if (has_lineage(member))
			table_cell(table, "%llu", member->birth);
		else
			table_no_cell(table);
		table_cell(table, "%s", member->comm);
		add_rows(table, node->children, row);
	}
}

void tree_print(int group, bool json)
{
	struct table *const table = table_new("tree", columns,
					      ARRAY_SIZE(columns), json);
	struct vprocns_member *members;
	struct node *nodes, **sorted;
	size_t count, i;

	members = group_members(group, &count);
	nodes = need(calloc(count + 1, sizeof(*nodes)));
	sorted = need(calloc(count + 1, sizeof(*sorted)));
	for (i = 0; i < count; i++) {
		nodes[i].member = &members[i];
		sorted[i] = &nodes[i];
	}
	qsort(sorted, count, sizeof(*sorted), by_lineage);
	add_rows(table, link_all(nodes, sorted, count), NULL);
	table_print(table);
	free(sorted);
	free(nodes);
	free(members);
}
