// SPDX-License-Identifier: GPL-2.0
/*
 * 259 tasks that race to make one another: each makes six, threads and
 * processes in turn, three generations deep, with random delays, and all live
 * until the last is there. Prints the number of each by its role: "3.1" is the
 * first that the third made.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 6
#define DEPTH 3
#define TASKS (1 + 6 + 36 + 216)
#define DELAY_US 3000

struct race {
	int arrived;
	pid_t numbers[TASKS];
};

static struct race *race;

struct role {
	int index;
	int depth;
};

static void fail(const char *what)
{
	perror(what);
	syscall(SYS_exit_group, 1);
}

static void hesitate(void)
{
	unsigned int random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		fail("getrandom");
	usleep(random % DELAY_US);
}

static void await_all(void)
{
	int arrived = __atomic_add_fetch(&race->arrived, 1, __ATOMIC_SEQ_CST);

	if (arrived == TASKS)
		syscall(SYS_futex, &race->arrived, FUTEX_WAKE, TASKS);
	while (arrived != TASKS) {
		syscall(SYS_futex, &race->arrived, FUTEX_WAIT, arrived, NULL);
		arrived = __atomic_load_n(&race->arrived, __ATOMIC_SEQ_CST);
	}
}

static void *be(void *arg)
{
	const struct role *const role = arg;
	struct role roles[CHILDREN];
	pthread_t threads[CHILDREN];
	pid_t pids[CHILDREN] = {};
	int i, count = role->depth < DEPTH ? CHILDREN : 0;

	race->numbers[role->index] = syscall(SYS_gettid);
	for (i = 0; i < count; i++) {
		roles[i].index = role->index * CHILDREN + i + 1;
		roles[i].depth = role->depth + 1;
		hesitate();
		if (i % 2 == 0) {
			if (pthread_create(&threads[i], NULL, be, &roles[i]))
				fail("pthread_create");
			continue;
		}
		pids[i] = fork();
		if (pids[i] < 0)
			fail("fork");
		if (!pids[i]) {
			be(&roles[i]);
			_exit(0);
		}
	}
	await_all();
	for (i = 0; i < count; i++) {
		if (i % 2 == 0)
			pthread_join(threads[i], NULL);
		else if (waitpid(pids[i], NULL, 0) != pids[i])
			fail("waitpid");
	}
	return NULL;
}

static void print_role(int index)
{
	if (!index)
		return;
	print_role((index - 1) / CHILDREN);
	printf(".%d", (index - 1) % CHILDREN + 1);
}

int main(void)
{
	struct role first = {};
	int i;

	race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (race == MAP_FAILED)
		fail("mmap");
	be(&first);
	for (i = 0; i < TASKS; i++) {
		putchar('0');
		print_role(i);
		printf(" %d\n", race->numbers[i]);
	}
	return 0;
}
