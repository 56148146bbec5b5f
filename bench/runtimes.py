#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""How often runtimes repeat who clones whom: the table of Documentation/lineage.md.

usage: runtimes.py [RUNS [NAME]...]

Runs each program so many times (10) by `vprocns record`, with lineage numbering, and counts
how many different runs there were by three rules. A task's role is its name and its process.

  lineage    from the lineage to the role
  order      from the task's place in the order of its process's clones to the role
  threads    how many tasks each process had: no rule can do better than this
"""
import json
import os
import subprocess
import sys
import tempfile

GO = """package main

import ("os"; "sync")

func main() {
	var wg sync.WaitGroup
	for i := 0; i < 8; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			os.ReadDir("/usr/bin")
			s := 0
			for k := 0; k < 2000000; k++ { s += k % (i + 1) }
		}(i)
	}
	wg.Wait()
}
"""
JAVA = """import java.util.concurrent.*;
public class Work {
	public static void main(String[] a) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(4);
		for (int i = 0; i < 8; i++) {
			final int n = i;
			pool.submit(() -> { long s = 0; for (int k = 0; k < 2000000; k++) s += k % (n + 1); return s; });
		}
		pool.shutdown();
		pool.awaitTermination(60, TimeUnit.SECONDS);
		System.gc();
	}
}
"""
OPENMP = """#include <stdio.h>
int main(void)
{
	double sum = 0;
	int round;

	for (round = 0; round < 4; round++) {
#pragma omp parallel for reduction(+:sum) num_threads(4)
		for (int i = 0; i < 1000000; i++)
			sum += i / (round + 1.0);
	}
	printf("%f\\n", sum);
	return 0;
}
"""
NESTED = """#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
static void *work(void *role)
{
	pthread_t child[2];
	char name[16];

	snprintf(name, sizeof(name), "role-%ld", (long)role);
	pthread_setname_np(pthread_self(), name);
	for (long i = 0; (long)role < 10 && i < 2; i++) {
		usleep(rand() % 3000);
		pthread_create(&child[i], NULL, work, (void *)((long)role * 10 + i));
	}
	for (long i = 0; (long)role < 10 && i < 2; i++)
		pthread_join(child[i], NULL);
	return NULL;
}
int main(void)
{
	pthread_t thread[4];

	srand(time(NULL) ^ getpid() ^ clock());
	for (long i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, work, (void *)(i + 1));
	for (long i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	return 0;
}
"""
NODE = ("const c = require('crypto'); for (let i = 0; i < 8; i++)"
        " c.pbkdf2('a', 'b', 2000, 64, 'sha512', () => {});")
PYTHON = ("from concurrent.futures import ThreadPoolExecutor as P\n"
          "import hashlib\n"
          "with P(4) as pool: list(pool.map(lambda i: hashlib.pbkdf2_hmac('sha512', b'a', b'b', 20000), range(8)))")
ERLANG = "[spawn(fun() -> lists:seq(1, 100000) end) || _ <- lists:seq(1, 100)], timer:sleep(100), halt()."
RUBY = "8.times.map { |i| Thread.new { 200000.times { |k| k % (i + 1) } } }.each(&:join)"

# What builds it, in an empty directory, and what runs it.
PROGRAMS = {
    "pthreads that make pthreads": ("gcc -O2 -o nested nested.c -pthread", ["./nested"]),
    "OpenMP": ("gcc -O2 -fopenmp -o omp omp.c", ["./omp"]),
    "Python, a pool": ("", ["python3", "-c", PYTHON]),
    "Ruby": ("", ["ruby", "-e", RUBY]),
    "Node": ("", ["node", "-e", NODE]),
    "Erlang": ("", ["erl", "-noshell", "-eval", ERLANG]),
    "OpenJDK": ("javac Work.java", ["java", "Work"]),
    "Go": ("GOCACHE=$PWD/cache go build -o work work.go", ["./work"]),
}


def runs_of(recording):
    """What each of the rules makes of a run."""
    roles, order, cloned = {}, {}, {}
    with open(recording, encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    for event in events:
        if event["kind"] == "new":
            place = cloned[event["tgid"]] = cloned.get(event["tgid"], 0) + 1
            order[event["lineage"]] = (event["tgid"] if event["tgid"] == 1000 else 0, place)
        elif event["kind"] == "exit" and event.get("lineage") in order:
            roles[event["lineage"]] = event["comm"]
    return (tuple(sorted(roles.items())),
            tuple(sorted((order[lineage], comm) for lineage, comm in roles.items())),
            tuple(sorted(cloned.values())))


def main():
    times = int(sys.argv[1]) if sys.argv[1:] else 10
    print("| runtime | tasks | lineage | order | threads |", "| --- | --: | --: | --: | --: |", sep="\n")
    for name, (build, command) in PROGRAMS.items():
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        with tempfile.TemporaryDirectory() as place:
            os.chdir(place)
            for path, text in ("work.go", GO), ("Work.java", JAVA), ("omp.c", OPENMP), ("nested.c", NESTED):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            subprocess.run(build, shell=True, check=True)
            seen = [set(), set(), set()]
            tasks = []
            for _ in range(times):
                subprocess.run(["vprocns", "record", "--quiet", "--top", "0", "--seed", "1", "--caps", "host",
                                "-o", "run.jsonl", "--", *command],
                               check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                for kind, run in zip(seen, runs_of("run.jsonl")):
                    kind.add(run)
                tasks.append(len(runs_of("run.jsonl")[0]))
            os.chdir("/")
        counts = " | ".join(f"{len(kind)}" for kind in seen)
        print(f"| {name} | {min(tasks)} to {max(tasks)} | {counts} |", flush=True)


main()
