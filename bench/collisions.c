// SPDX-License-Identifier: GPL-2.0
/*
 * How likely lineage numbers collide: trees of tasks that all live at once,
 * numbered by lineage.c itself with many seeds. No module, no machine of its
 * own: it can run anywhere.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lineage.h"
#include "vprocns.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define INIT VPROCNS_LINEAGE_INIT

struct tree {
	__u32 tasks;
	/* How many children each has, in the order in which the tasks are made. */
	__u32 children;
	__u32 span;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* Collisions of one tree with one seed. */
static __u32 simulate(const struct tree *tree, __u64 seed, __u64 *lineages,
		      unsigned char *used)
{
	__u32 made = 0, parent, birth, start, nr, collisions = 0;

	memset(used, 0, tree->span);
	lineages[made++] = vprocns_lineage_of(seed, INIT, 1);
	used[vprocns_lineage_number(INIT, 0, 1, 0, tree->span)] = 1;
	for (parent = 0; made < tree->tasks; parent++) {
		start = vprocns_lineage_start(seed, lineages[parent],
					      tree->span);
		for (birth = 1; birth <= tree->children && made < tree->tasks;
		     birth++) {
			nr = vprocns_lineage_number(lineages[parent], start,
						    birth, 0, tree->span);
			collisions += used[nr];
			while (used[nr])
				nr = (nr + 1) % tree->span;
			used[nr] = 1;
			lineages[made++] = vprocns_lineage_of(seed,
							      lineages[parent],
							      birth);
		}
	}
	return collisions;
}

/* No two of the runs of siblings overlap, as though they lay anywhere. */
static double expected(const struct tree *tree)
{
	const double runs = (double)(tree->tasks - 1) / tree->children;

	if (runs < 1)
		return 1;
	return exp(-runs * (runs - 1) / 2 * (2 * tree->children - 1) /
		   tree->span);
}

/* No two numbers are the same, if all were drawn. */
static double birthday(const struct tree *tree)
{
	return exp(-(double)tree->tasks * (tree->tasks - 1) / 2 / tree->span);
}

static void measure(const struct tree *tree, unsigned int runs)
{
	__u64 *const lineages = calloc(tree->tasks, sizeof(*lineages));
	unsigned char *const used = malloc(tree->span);
	unsigned int run, clean = 0;
	double sum = 0;
	__u32 found;

	if (!lineages || !used)
		fail("memory");
	for (run = 0; run < runs; run++) {
		found = simulate(tree, run, lineages, used);
		clean += !found;
		sum += found;
	}
	printf("| %u | %u | %u | %.3f | %.3f | %.3f | %.2f |\n",
	       tree->span + VPROCNS_FIRST_TID, tree->tasks, tree->children,
	       (double)clean / runs, expected(tree), birthday(tree),
	       sum / runs);
	free(used);
	free(lineages);
}

/* A node of a cluster: ranks that join by slot, each with so many threads. */
struct node {
	__u32 ranks;
	__u32 threads;
	__u32 span;
};

static __u32 take(__u32 nr, unsigned char *used, __u32 span)
{
	const __u32 collision = used[nr];

	while (used[nr])
		nr = (nr + 1) % span;
	used[nr] = 1;
	return collision;
}

/* Collisions of one node with one seed. */
static __u32 simulate_node(const struct node *node, __u64 seed,
			   unsigned char *used)
{
	const __u32 slots = vprocns_lineage_start(seed, VPROCNS_LINEAGE_SLOT,
						  node->span);
	__u32 rank, thread, start, collisions = 0;
	__u64 lineage;

	memset(used, 0, node->span);
	for (rank = 1; rank <= node->ranks; rank++) {
		lineage = vprocns_lineage_of(seed, VPROCNS_LINEAGE_SLOT, rank);
		collisions += take(vprocns_lineage_number(VPROCNS_LINEAGE_SLOT,
							  slots, rank, 0,
							  node->span),
				   used, node->span);
		start = vprocns_lineage_start(seed, lineage, node->span);
		for (thread = 1; thread <= node->threads; thread++)
			collisions += take(vprocns_lineage_number(lineage, start,
								  thread, 0,
								  node->span),
					   used, node->span);
	}
	return collisions;
}

static void measure_node(const struct node *node, unsigned int runs)
{
	unsigned char *const used = malloc(node->span);
	unsigned int run, clean = 0;
	double sum = 0;
	__u32 found;

	if (!used)
		fail("memory");
	for (run = 0; run < runs; run++) {
		found = simulate_node(node, run, used);
		clean += !found;
		sum += found;
	}
	printf("| %u | %u | %u | %.3f | %.2f |\n",
	       node->span + VPROCNS_FIRST_TID, node->ranks, node->threads,
	       (double)clean / runs, sum / runs);
	free(used);
}

static void measure_nodes(unsigned int runs)
{
	static const struct node nodes[] = {
		{ 16, 8, 32768 }, { 128, 8, 32768 }, { 16, 8, 4194304 },
		{ 128, 8, 4194304 }, { 128, 64, 4194304 },
	};
	size_t i;

	puts("\n| pid_max | ranks | threads of each | clean runs | collisions in a run |");
	puts("| --: | --: | --: | --: | --: |");
	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		struct node node = nodes[i];

		node.span -= VPROCNS_FIRST_TID;
		measure_node(&node, runs);
	}
}

static void print_head(void)
{
	static const char *const columns[] = {
		"pid_max", "tasks", "children of each", "runs without a collision",
		"by the formula", "birthday bound", "collisions in a run",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(columns); i++)
		printf("| %s ", columns[i]);
	puts("|");
	for (i = 0; i < ARRAY_SIZE(columns); i++)
		printf("| --: ");
	puts("|");
}

static void print_usage(const char *name)
{
	printf("usage: %s [--runs N]\n"
	       "\n"
	       "Prints how often a run of so many tasks, each with so many children, has no\n"
	       "collision with lineage numbering: of N runs with different seeds (1000), by\n"
	       "the formula, and if each number were drawn by chance (the birthday bound);\n"
	       "and how many collisions a run has. Then likewise for the ranks of a node, which\n"
	       "join by slot.\n", name);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "runs", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	static const __u32 maxima[] = { 32768, 4194304 };
	static const __u32 sizes[] = { 10, 100, 1000, 10000, 100000 };
	static const __u32 families[] = { 1, 2, 10, 100 };
	unsigned int runs = 1000;
	size_t m, s, f;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			print_usage(argv[0]);
			return 0;
		}
		runs = option == 'r' ? atoi(optarg) : 0;
		if (!runs) {
			print_usage(argv[0]);
			return 2;
		}
	}
	print_head();
	for (m = 0; m < ARRAY_SIZE(maxima); m++)
		for (s = 0; s < ARRAY_SIZE(sizes); s++)
			for (f = 0; f < ARRAY_SIZE(families); f++) {
				const struct tree tree = {
					sizes[s], families[f],
					maxima[m] - VPROCNS_FIRST_TID,
				};

				/* More than fit can't live at once. */
				if (tree.tasks <= tree.span)
					measure(&tree, runs);
			}
	measure_nodes(runs);
	return 0;
}
