#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Real programs of which one task is slowed, found by `vprocns compare`: TAP.

compare_runs.py [--tries N] [--runs N] [--percent P] [--load N] PROGRAM...
runs in a machine with the module loaded. In at least 19 of 20 tries the slowed task must
be named and no other, and without a slow-down none. PROGRAM is of threads, make, pool,
openmp, postgres. --load runs so many busy loops beside.
"""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(HERE, "../build")
ROLES = os.path.join(BUILD, "selftests/roles")
results = []


def say(good, name, note=""):
    results.append(good)
    print(f"{'ok' if good else 'not ok'} {len(results)} {name}", flush=True)
    if not good and note:
        print(f"# {note}")


class Program:
    """A command, the same with one task slowed, and which task that is."""
    options = []
    user = []

    def __init__(self, work, percent, size):
        self.work, self.percent, self.size = work, percent, size

    def file(self, name, text):
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def is_slowed(self, thread):
        raise NotImplementedError

    def command(self, slowed):
        raise NotImplementedError


class Threads(Program):
    """Eight threads, slowed by role."""

    def command(self, slowed):
        return f"{ROLES} --work {self.size}" + (f" --slow 3 {self.percent}" if slowed else "")

    def is_slowed(self, thread):
        return thread["comm"] == "role-3"


class Make(Program):
    """make -j4 of eight targets, each a program of its own; the fifth is slowed."""

    def __init__(self, *args):
        super().__init__(*args)
        self.makefile = self.file("Makefile", "all: t1 t2 t3 t4 t5 t6 t7 t8\nt%:\n"
                                  f"\t@exec -a $@ {ROLES} --threads 1 --work $(or $(work_$@),{self.size})\n"
                                  ".PHONY: all\nSHELL := /bin/bash\n")

    def command(self, slowed):
        more = self.size + self.size * self.percent // 100
        return f"make -s -j4 -f {self.makefile}" + (f" work_t5={more}" if slowed else "")

    def is_slowed(self, thread):
        # Its only thread: the fifth child's first.
        return thread["place"] == "1.5.1"


class Pool(Program):
    """A Python process pool; the third worker is slowed."""

    def __init__(self, *args):
        super().__init__(*args)
        self.script = self.file("pool.py", """
import multiprocessing, sys
def work(slow):
    rounds = int(sys.argv[1])
    if slow and multiprocessing.current_process()._identity[0] == 3:
        rounds += rounds * int(sys.argv[2]) // 100
    value = 1
    for _ in range(rounds * 100):
        value = value * 1103515245 + 12345 & 0xffffffff
def nothing(_):
    pass
if __name__ == "__main__":
    with multiprocessing.Pool(4, initializer=work, initargs=(int(sys.argv[2]) > 0,)) as pool:
        pool.close()
        pool.join()
""")

    def command(self, slowed):
        return f"python3 {self.script} {self.size} {self.percent if slowed else 0}"

    def is_slowed(self, thread):
        return thread["place"] == "1.3"


class OpenMP(Program):
    """A loop shared out by libgomp, of which the part of one thread is slowed."""

    def __init__(self, *args):
        super().__init__(*args)
        source = self.file("loop.c", """
#include <omp.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    const long rounds = atol(argv[1]), more = argc > 2 ? atol(argv[2]) : 0;
    omp_set_num_threads(8);
#pragma omp parallel for schedule(static, 1)
    for (int part = 0; part < 8; part++) {
        volatile unsigned long value = 1;
        for (long i = 0; i < (part == 5 ? rounds + more : rounds) * 1000; i++)
            value = value * 6364136223846793005 + 1;
    }
}
""")
        self.program = os.path.join(self.work, "loop")
        subprocess.run(["gcc", "-O2", "-fopenmp", "-o", self.program, source], check=True)

    def command(self, slowed):
        # Waiting threads sleep: what they spin would be CPU time of theirs. By env, since a
        # shell would be a task of its own.
        return f"env OMP_WAIT_POLICY=passive {self.program} {self.size}" + \
            (f" {self.size * self.percent // 100}" if slowed else "")

    def is_slowed(self, thread):
        # The first part is the main thread's own.
        return thread["place"] == "1.5"


class Postgres(Program):
    """PostgreSQL under pgbench, of which one client's backend has more to do."""
    user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]

    def __init__(self, *args):
        super().__init__(*args)
        [self.bin] = glob.glob("/usr/lib/postgresql/*/bin")[:1]
        os.chmod(self.work, 0o777)
        self.data = os.path.join(self.work, "data")
        subprocess.run([*self.user, os.path.join(self.bin, "initdb"), "-D", self.data, "-A", "trust", "-U", "postgres", "-N"],
                       check=True, stdout=subprocess.DEVNULL)
        script = self.file("work.sql", "\\set n :rows\n\\if :client_id = 2\n\\set n :rows * (100 + :more) / 100\n\\endif\n"
                           "SELECT sum(i * i % 7) FROM generate_series(1::bigint, :n) AS i;\n")
        # No fork while it waits for the server: how many there would be is a race. No end
        # by the clock: the machine's goes on while the server waits for a busy host's disk.
        self.script = self.file("pg.sh", f"""
set -e
rm -f {self.data}/postmaster.pid
{self.bin}/postgres -D {self.data} -k {self.work} -h '' -c autovacuum=off -c fsync=off -c jit=off \\
    -c max_parallel_workers_per_gather=0 -c logging_collector=off >{self.work}/log 2>&1 &
server=$!
exec 9<>{self.work}/never
while kill -0 $server; do
    lines=()
    [[ ! -e {self.data}/postmaster.pid ]] || mapfile -t lines <{self.data}/postmaster.pid
    [[ ${{lines[7]-}} != ready* ]] || break
    read -t 0.1 -u 9 || :
done
{self.bin}/pgbench -n -h {self.work} -U postgres -c 4 -j 1 -t 20 -D rows={self.size * 10} -D more=$1 -f {script} postgres
kill -INT $server
wait $server
""")
        os.mkfifo(os.path.join(self.work, "never"))
        os.chmod(os.path.join(self.work, "never"), 0o666)
        os.chmod("/dev/vprocns", 0o666)
        self.backend = self.find_backend()

    def command(self, slowed):
        return f"bash {self.script} {self.percent if slowed else 0}"

    def find_backend(self):
        """The place of the third client's backend: where ten times the work shows most."""
        recordings = []
        for more in ("0", "900"):
            recordings.append(os.path.join(self.work, "with-" + more))
            done = subprocess.run([*self.user, "vprocns", "record", "-o", recordings[-1], "--", "bash", self.script, more],
                                  check=False, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"pgbench: status {done.returncode}: {done.stdout}{done.stderr}")
        shown = subprocess.run(["vprocns", "diff", "--times", "--json", *recordings], check=True, capture_output=True, text=True)
        return json.loads(shown.stdout)["times"][0]["place"]

    def is_slowed(self, thread):
        return thread["place"] == self.backend


PROGRAMS = {"threads": (Threads, 200), "make": (Make, 200), "pool": (Pool, 200), "openmp": (OpenMP, 200),
            "postgres": (Postgres, 500)}


def compare(program, runs, slowed, keep=None):
    command = [*program.user, "vprocns", "compare", "-n", str(runs), "--export-json", "-", *program.options]
    done = subprocess.run([*command, program.command(False), program.command(slowed)], check=False, capture_output=True, text=True)
    if done.returncode not in (0, 1) or not done.stdout:
        raise RuntimeError(f"status {done.returncode}: {done.stderr}")
    answer = json.loads(done.stdout)
    answer["notes"] = done.stderr
    return answer


def describe(threads):
    return ", ".join(f"{t['tid']} {t['comm']} ({t['place']}) {100 * t['change']:+.1f}%" for t in threads) or "none"


def try_often(program, name, args):
    for slowed in (True, False):
        right = 0
        for number in range(args.tries):
            answer = compare(program, args.runs, slowed)
            named = [thread for thread in answer["threads"] if thread["verdict"] in ("slower", "faster")]
            good = len(named) == 1 and named[0]["verdict"] == "slower" and program.is_slowed(named[0]) if slowed else not named
            right += good
            visible = sorted(thread["visible"] for thread in answer["threads"])
            print(f"# {name}, {args.percent if slowed else 0} % slowed, try {number + 1}: named {describe(named)}; "
                  f"visible {100 * visible[0]:.1f}..{100 * visible[-1]:.1f} %{'; paced' if answer['paced'] else ''}"
                  f"; {answer['partial']} partial{'' if good else '; WRONG'}", flush=True)
            if answer["notes"]:
                print("# " + answer["notes"].replace("\n", "\n# "))
        what = f"the task slowed by {args.percent} % is named, and no other" if slowed else "without a slow-down none is named"
        say(right >= args.tries * 19 / 20, f"{name}: {what}, in {right} of {args.tries} tries")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--percent", type=int, default=10)
    parser.add_argument("--load", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1, help="so many times the usual work")
    parser.add_argument("programs", nargs="+", choices=PROGRAMS)
    args = parser.parse_args()
    print("TAP version 13")
    load = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(args.load)]
    try:
        for name in args.programs:
            kind, size = PROGRAMS[name]
            work = tempfile.mkdtemp(dir="/tmp")
            try:
                try_often(kind(work, args.percent, int(size * args.scale)), name, args)
            finally:
                shutil.rmtree(work)
    finally:
        for process in load:
            process.kill()
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
