// SPDX-License-Identifier: GPL-2.0
/*
 * roles [--threads N] [--work N] [--slow ROLE PERCENT]: threads that each do the same
 * amount of work at the same time, but for one that has some percent more of it.
 * What compare_runs.py lets `vprocns compare` find.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_THREADS	64

static unsigned long work = 10000;
static int slow = -1;
static unsigned long percent;

static void *play(void *role)
{
	const int number = (int)(long)role;
	const unsigned long rounds = number == slow ? work + work * percent / 100 :
						      work;
	volatile unsigned long value = 1;
	unsigned long round, i;
	char name[16];

	snprintf(name, sizeof(name), "role-%d", number);
	pthread_setname_np(pthread_self(), name);
	for (round = 0; round < rounds; round++)
		for (i = 0; i < 1000; i++)
			value = value * 6364136223846793005 + 1;
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "threads", required_argument, NULL, 't' },
		{ "work", required_argument, NULL, 'w' },
		{ "slow", required_argument, NULL, 's' },
		{}
	};
	pthread_t threads[MOST_THREADS];
	long count = 8, i;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 't') {
			count = atol(optarg);
		} else if (option == 'w') {
			work = strtoul(optarg, NULL, 10);
		} else if (option == 's' && optind < argc) {
			slow = atoi(optarg);
			percent = strtoul(argv[optind++], NULL, 10);
		} else {
			return 2;
		}
	}
	if (count < 1 || count > MOST_THREADS)
		return 2;
	for (i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, play, (void *)i))
			return 1;
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
