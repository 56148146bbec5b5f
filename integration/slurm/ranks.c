// SPDX-License-Identifier: GPL-2.0
/*
 * An MPI program whose ranks make threads that race, and a process. Prints a line
 * for each: node, rank, role and TID. Every rank sends 4 MiB to the next, so
 * that a transport by shared memory is used where there is one. The second of the
 * threads has 200 times the work of the others in the rank RANKS_SLOW of a Slurm step.
 */
#define _GNU_SOURCE
#include <mpi.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 3
#define BYTES (4 << 20)
#define ITERATIONS 1000000
#define SLOW 200

static pthread_barrier_t barrier;
static int tids[2 * THREADS];

static void *inner(void *tid)
{
	*(int *)tid = syscall(SYS_gettid);
	return NULL;
}

static bool is_slow(void)
{
	const char *const slow = getenv("RANKS_SLOW");
	const char *const rank = getenv("SLURM_PROCID");

	return slow && rank && !strcmp(slow, rank);
}

static void work(bool slow)
{
	volatile long i;

	for (i = ITERATIONS * (slow ? SLOW : 1L); i; i--)
		;
}

/* Each makes one more, all at once. */
static void *outer(void *arg)
{
	int *const tid = arg;
	pthread_t thread;

	work(is_slow() && tid == &tids[1]);

	*tid = syscall(SYS_gettid);
	pthread_barrier_wait(&barrier);
	if (!pthread_create(&thread, NULL, inner, tid + THREADS))
		pthread_join(thread, NULL);
	return NULL;
}

static int exchange(int rank, int ranks)
{
	char *const out = malloc(BYTES), *const in = calloc(1, BYTES);
	int i, wrong = 0;

	memset(out, 'A' + rank, BYTES);
	MPI_Sendrecv(out, BYTES, MPI_CHAR, (rank + 1) % ranks, 0, in, BYTES,
		     MPI_CHAR, (rank + ranks - 1) % ranks, 0, MPI_COMM_WORLD,
		     MPI_STATUS_IGNORE);
	for (i = 0; i < BYTES; i++)
		wrong += in[i] != 'A' + (rank + ranks - 1) % ranks;
	free(out);
	free(in);
	return wrong;
}

int main(int argc, char **argv)
{
	const char *const name = getenv("SLURMD_NODENAME");
	const char *const node = name ? name : "local";
	int rank, ranks, wrong, i;
	pthread_t threads[THREADS];
	pid_t child;

	/* Before MPI makes threads of its own, which depend on its version. */
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, outer, &tids[i]))
			return 1;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	child = fork();
	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	wrong = exchange(rank, ranks);
	printf("%s rank %d main %d\n", node, rank, getpid());
	for (i = 0; i < THREADS; i++)
		printf("%s rank %d thread%d %d inner%d %d\n", node, rank, i,
		       tids[i], i, tids[i + THREADS]);
	printf("%s rank %d child %d\n", node, rank, child);
	fflush(stdout);
	MPI_Finalize();
	return wrong != 0;
}
