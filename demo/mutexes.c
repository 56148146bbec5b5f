// SPDX-License-Identifier: GPL-2.0
/*
 * Robust and priority-inheriting mutexes: glibc writes the owner's TID into
 * the futex, and the kernel reads it. They work only with real numbers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS	4
#define TURNS	500

static pthread_mutex_t robust, inheriting;
static int turns;

static void check(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(err));
	exit(1);
}

static void *die_as_owner(void *arg)
{
	fprintf(stderr, "owner that dies: %d\n", gettid());
	check(pthread_mutex_lock(&robust), "robust lock");
	return arg;
}

static void *take_turns(void *arg)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		check(pthread_mutex_lock(&inheriting), "inheriting lock");
		turns++;
		check(pthread_mutex_unlock(&inheriting), "inheriting unlock");
	}
	return arg;
}

static void make_mutexes(void)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	check(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST),
	      "robust");
	check(pthread_mutex_init(&robust, &attr), "robust init");
	pthread_mutexattr_init(&attr);
	check(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT),
	      "inheriting");
	check(pthread_mutex_init(&inheriting, &attr), "inheriting init");
}

int main(void)
{
	pthread_t threads[THREADS];
	int i, err;

	make_mutexes();
	check(pthread_create(&threads[0], NULL, die_as_owner, NULL), "thread");
	pthread_join(threads[0], NULL);
	err = pthread_mutex_lock(&robust);
	printf("robust mutex of a dead owner: %s\n", strerrorname_np(err));

	for (i = 0; i < THREADS; i++)
		check(pthread_create(&threads[i], NULL, take_turns, NULL),
		      "thread");
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("turns under an inheriting mutex: %d\n", turns);
	return 0;
}
