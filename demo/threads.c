// SPDX-License-Identifier: GPL-2.0
/*
 * Two threads that write and one that reads, each by its name, and one of the writers
 * does twice the work. What Documentation/measure.md looks at.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct role {
	const char *name;
	unsigned long rounds;
} roles[] = {
	{ "reader", 1 },
	{ "writer", 1 },
	{ "writer-2", 2 },
};

#define NR_ROLES (sizeof(roles) / sizeof(*roles))

/* How many million steps a round has. */
static unsigned long length = 20;

static void *play(void *arg)
{
	const struct role *const role = arg;
	volatile unsigned long value = 1;
	unsigned long i;

	pthread_setname_np(pthread_self(), role->name);
	for (i = 0; i < role->rounds * length * 1000000; i++)
		value = value * 6364136223846793005 + 1;
	printf("%s %ld\n", role->name, syscall(SYS_gettid));
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[NR_ROLES];
	size_t i;

	if (argc > 1)
		length = strtoul(argv[1], NULL, 10);
	for (i = 0; i < NR_ROLES; i++)
		if (pthread_create(&threads[i], NULL, play, (void *)&roles[i]))
			return 1;
	for (i = 0; i < NR_ROLES; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
