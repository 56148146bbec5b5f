#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs real programs outside, in a plain PID namespace and in groups, and compares.

usage: programs.py --list | --build | [--part K/N] [NAME]...

A row for each program: what it came to outside (its status), and for each other way of
running it

  same     the same status and standard output as outside, or as in the plain PID namespace
  told     something else, and a line of vprocns said why; where the line has options that
           let it pass, it comes to the same with these
  known    something else, for a reason that EXPECTED has
  DIFFERS  something else, and nobody was told: a failure

A program that fails outside is a failure too, as is a reason in EXPECTED that is not
needed. --part runs every N-th program, from the K-th.

Runs in the VM as root, with the module loaded; make check-programs installs the programs,
and builds some (--build) outside of the VM, where it takes a tenth of the time.
"""
import argparse
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

BUILT = pathlib.Path(__file__).resolve().parent.parent / "build/programs"
SECONDS = 180

# What is written into the directory that a program runs in.
FILES = {
    "threads.c": """#include <pthread.h>
#include <stdio.h>
static void *run(void *arg) { return arg; }
int main(void)
{
	pthread_t thread[8];
	for (long i = 0; i < 8; i++) pthread_create(&thread[i], NULL, run, (void *)i);
	for (long i = 0; i < 8; i++) { void *end; pthread_join(thread[i], &end); printf("%ld\\n", (long)end); }
	return 0;
}
""",
    "leak.c": """#include <stdlib.h>
#include <stdio.h>
int main(void) { char *p = malloc(10); printf("%d\\n", p != NULL); free(p); return 0; }
""",
    "own.c": """#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
static char stack[65536] __attribute__((aligned(16)));
static volatile int ran;
static int body(void *arg) { (void)arg; ran = 1; syscall(SYS_exit, 0); return 0; }
int main(void)
{
	if (clone(body, stack + sizeof(stack), CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
		  CLONE_THREAD | CLONE_SYSVSEM, NULL) < 0)
		return printf("no thread: %s\\n", strerror(errno)), 1;
	while (!ran)
		usleep(1000);
	puts("ran");
	return 0;
}
""",
    "dump.c": """#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
static char stack[65536] __attribute__((aligned(16)));
static int helper(void *arg) { (void)arg; puts("dumped"); fflush(stdout); return 0; }
int main(void)
{
	int pid = clone(helper, stack + sizeof(stack), CLONE_FS | CLONE_UNTRACED | SIGCHLD, NULL);
	if (pid < 0)
		return printf("no dump: %s\\n", strerror(errno)), 1;
	return waitpid(pid, NULL, 0) != pid;
}
""",
    "omp.c": """#include <stdio.h>
int main(void)
{
	long sum = 0;
#pragma omp parallel for reduction(+:sum) num_threads(4)
	for (int i = 0; i < 1000; i++) sum += i;
	printf("%ld\\n", sum);
	return 0;
}
""",
    "mpi.c": """#include <mpi.h>
#include <stdio.h>
int main(int argc, char **argv)
{
	int rank, sum;
	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
	if (!rank) printf("%d\\n", sum);
	return MPI_Finalize();
}
""",
    "work.go": """package main
import ("fmt"; "os/exec"; "sync")
func main() {
	var wg sync.WaitGroup
	sums := make([]int, 8)
	for i := range sums {
		wg.Add(1)
		go func(i int) { defer wg.Done(); for k := 0; k < 100000; k++ { sums[i] += k % (i + 1) } }(i)
	}
	wg.Wait()
	out, err := exec.Command("echo", "child").Output()
	fmt.Println(sums, string(out), err)
}
""",
    "work.rs": """use std::{process::Command, thread};
fn main() {
    let all: Vec<_> = (0..8).map(|i: u32| thread::spawn(move || i * i)).collect();
    println!("{:?}", all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>());
    print!("{}", String::from_utf8_lossy(&Command::new("echo").arg("child").output().unwrap().stdout));
}
""",
    "fork.c": """#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
	int i, status;
	char sum = '0';
	for (i = 0; i < 3; i++)
		if (!fork()) _exit(i);
	if (!vfork()) execl("/bin/sh", "sh", "-c", "exit 4", (char *)0);
	while (wait(&status) > 0) sum += WEXITSTATUS(status);
	return write(1, &sum, 1) != 1;
}
""",
    "Work.java": """import java.util.concurrent.*;
public class Work {
	public static void main(String[] a) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(4);
		Future<Integer> f = pool.submit(() -> 42);
		System.out.println(f.get());
		pool.shutdown();
		Process p = new ProcessBuilder("/bin/echo", "child").start();
		System.out.print(new String(p.getInputStream().readAllBytes()));
		System.out.println(p.waitFor());
	}
}
""",
    "nginx.conf": """worker_processes 2; pid nginx.pid; error_log stderr emerg; user root;
events {}
http { access_log off; server { listen unix:web; root .; } }
""",
    "pool.py": """import multiprocessing
def square(x): return x * x
if __name__ == '__main__':
	with multiprocessing.Pool(3) as pool: print(pool.map(square, range(10)))
""",
    "makefile": "all: a b c\na b c:\n\t@sleep 0.1; echo made >$@\n",
}

# What is built of them, once.
BUILD = """
gcc -o threads threads.c -pthread
gcc -fsanitize=address -o asan leak.c
gcc -fsanitize=undefined -o ubsan leak.c
gcc -fsanitize=thread -o tsan threads.c -pthread
gcc -fopenmp -o omp omp.c
gcc -pg -O2 -o profiled threads.c -pthread
musl-gcc -static -o musl threads.c -pthread
diet gcc -o dietfork fork.c
rustc -O -o rustwork work.rs
gcc -o own own.c -pthread
gcc -o dump dump.c
mpicc -o mpi mpi.c
user=; ((UID)) || user='setpriv --reuid postgres --regid postgres --init-groups'
rm -rf d; install -d -m 700 ${user:+-o postgres} d
$user $(ls -d /usr/lib/postgresql/*/bin | tail -1)/initdb -N --wal-segsize 1 -D d -A trust -U lab >/dev/null
tar -c -I zstd -f data.tar.zst d; rm -rf d
HOME=$PWD GOCACHE=$PWD/../programs-cache go build -o gowork work.go
javac Work.java
"""

# Each runs in a directory of its own, a copy of the built one.
PROGRAMS = {
    "bash": "bash -c 'for i in 1 2 3; do (echo $i) & wait $!; done; coproc cat; echo x >&${COPROC[1]}; read y <&${COPROC[0]}; echo $y'",
    "dash": "dash -c 'trap \"echo end\" EXIT; sleep 0.1 & kill $!; wait $! || echo $?'",
    "zsh": "zsh -fc 'echo =(echo a | wc -l) | wc -w; { sleep 0.1; echo b } & wait; print ok'",
    "fish": "HOME=$PWD fish -c 'echo (math 1 + 2); sleep 0.1 & wait; echo ok'",
    "busybox": "busybox sh -c 'for i in a b; do echo $i | busybox md5sum; done'",
    "make": "make -s -j4 all; cat a b c",
    "xargs": "seq 20 | xargs -P 4 -n 1 echo | sort -n",
    "parallel": "HOME=$PWD parallel --will-cite -j 4 -k echo ::: 1 2 3 4",
    "timeout": "timeout -s INT 0.2 sleep 10",
    "flock": "flock lock sh -c 'echo locked; flock -n lock true || echo busy'",
    "script": "script -qec 'test -t 1 && echo terminal' log; echo $?",
    "gcc": "gcc -pipe -O2 -o again threads.c -pthread && ./again",
    "clang": "clang -O2 -o again threads.c -pthread && ./again",
    "cmake": "printf 'project(x C)\\nadd_executable(x leak.c)\\n' >CMakeLists.txt; cmake -G Ninja . >/dev/null && ninja >/dev/null && ./x",
    "git": "export HOME=$PWD; git init -q r && cd r && git -c user.name=a -c user.email=b commit -q --allow-empty -m c && git gc -q && git log --format=%s",
    "pigz": "tar -c threads.c leak.c | pigz -p 4 | pigz -d | tar -t",
    "xz": "xz -T2 -k threads.c && xz -dc threads.c.xz | cmp - threads.c && echo same",
    "zstd": "zstd -q -T2 threads.c && zstd -dc threads.c.zst | cmp - threads.c && echo same",
    "pbzip2": "pbzip2 -q -k -p4 threads.c && pbzip2 -dc threads.c.bz2 | cmp - threads.c && echo same",
    "rsync": "mkdir from to; cp *.c from; rsync -a from/ to/ && ls to",
    "sqlite3": "sqlite3 d 'create table t(a); insert into t values(1); select * from t'",
    "pthreads": "./threads",
    "OpenMP": "./omp",
    "Open-MPI": "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -n 3 ./mpi",
    "Python-threads": "python3 -c 'from concurrent.futures import ThreadPoolExecutor as P; print(list(P(4).map(lambda x: x * x, range(9))))'",
    "Python-pool": "python3 pool.py",
    "Perl": "perl -e 'pipe R, W; if (!fork) { print W \"child\\n\"; exit } close W; print <R>; wait; print $? >> 8, \"\\n\"'",
    "Ruby": "ruby -e 'puts 4.times.map { |i| Thread.new { i * i } }.map(&:value).inspect; puts `echo child`'",
    "Node": "node -e \"const {Worker} = require('worker_threads'); new Worker('console.log(1)', {eval: true}); console.log(require('child_process').execSync('echo child').toString())\" | sort",
    "Go": "./gowork",
    "OpenJDK": "java Work",
    "Erlang": "HOME=$PWD erl -noshell -eval 'io:format(\"~p~n\", [lists:sum([1,2,3])]), io:format(os:cmd(\"echo child\")), halt().'",
    "PHP": "php -r 'echo array_sum([1,2]), \"\\n\", shell_exec(\"echo child\");'",
    "Lua": "lua5.4 -e 'print(io.popen(\"echo child\"):read())'",
    "SBCL": "sbcl --noinform --non-interactive --eval '(princ (sb-thread:join-thread (sb-thread:make-thread (lambda () (+ 1 2)))))'",
    "Guile": "guile -c '(use-modules (ice-9 threads)) (display (par-map (lambda (x) (* x x)) (list 1 2 3)))' 2>&1",
    "Tcl": "echo 'puts [exec echo child]' | tclsh",
    "PostgreSQL": (
        "B=$(ls -d /usr/lib/postgresql/*/bin | tail -1); tar -xf data.tar.zst &&"
        " $B/pg_ctl -D d -w -t 120 -o \"-k $PWD -c listen_addresses='' -c fsync=off\" -l log start >/dev/null &&"
        " $B/psql -h $PWD -U lab -At -c 'select sum(x) from generate_series(1, 100) x' postgres;"
        " $B/pg_ctl -D d -m fast stop >/dev/null; echo $?"),
    "redis": (
        "redis-server --port 0 --unixsocket $PWD/s --save '' --daemonize no >/dev/null & sleep 2;"
        " redis-cli -s s set a b; redis-cli -s s get a; redis-cli -s s bgsave; kill $!; wait $!; echo $?"),
    "memcached": (
        "memcached -s $PWD/s -u root -t 4 & sleep 1; printf 'set a 0 0 1\\r\\nb\\r\\nget a\\r\\nquit\\r\\n' |"
        " socat - unix:s; kill $!; wait"),
    "nginx": (
        "nginx -p $PWD -c $PWD/nginx.conf -g 'daemon off;' & sleep 2; echo hello >page; chmod -R a+rX .;"
        " printf 'GET /page HTTP/1.0\\r\\n\\r\\n' | socat - unix:web | tail -1; kill $!; wait $!; echo $?"),
    "haproxy": "printf 'defaults\\n timeout client 1s\\n timeout server 1s\\n timeout connect 1s\\n' >c; haproxy -c -f c | tail -1",
    "ffmpeg": "ffmpeg -v error -threads 4 -f lavfi -i testsrc=d=0.4:s=160x120 -c:v mpeg4 -f md5 -",
    "stress-ng": "stress-ng --quiet --fork 2 --fork-ops 50 --clone 1 --clone-ops 50 --pthread 1 --pthread-ops 50",
    "fio": "fio --name=x --ioengine=io_uring --rw=randwrite --size=1m --bs=4k --iodepth=8 --minimal >/dev/null",
    "tmux": "export TMUX_TMPDIR=$PWD; tmux -f /dev/null new-session -d 'echo in a pane; sleep 100'; sleep 1; tmux capture-pane -p | head -1; tmux kill-server",
    "sshd": (
        "mkdir -p /run/sshd; chmod 700 .; ssh-keygen -q -t ed25519 -N '' -f k; cp k.pub a; /usr/sbin/sshd -D -e -p 2222"
        " -o ListenAddress=127.0.0.1 -h $PWD/k -o AuthorizedKeysFile=$PWD/a -o StrictModes=no -o UsePAM=no"
        " -o PidFile=none 2>log & sleep 2; ssh -p 2222 -i k -o StrictHostKeyChecking=no"
        " -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@127.0.0.1 'echo login'; s=$?; kill $!; exit $s"),
    "gdb": "gdb -q -batch -ex 'break run' -ex run -ex 'bt 1' ./threads 2>&1 | grep -c '^#0 '",
    "strace": "strace -f -o log ./threads; grep -c 'clone3\\?(' log",
    "perf": "perf stat -e task-clock -o log true",
    "valgrind": "valgrind -q --error-exitcode=9 ./threads",
    "AddressSanitizer": "./asan",
    "UBSan": "./ubsan",
    "ThreadSanitizer": "setarch -R ./tsan",
    "ltrace": "ltrace -f -o log ./threads",
    "uftrace": "uftrace record -d data ./profiled >/dev/null; uftrace report -d data | grep -wc run",
    "qemu-user": "qemu-x86_64 ./threads",
    "proot": "proot -0 id -u",
    "fakeroot": "fakeroot sh -c 'touch f; chown 7 f; stat -c %u f'",
    "musl": "./musl",
    "dietlibc": "./dietfork",
    "Rust": "./rustwork",
    "no-SETTLS": "./own",
    "crash-handler": "./dump",
    "tini": "tini -s -- sh -c 'exit 5'",
    "sudo": "sudo -n true",
    "su": "su nobody -s /bin/sh -c 'id -un'",
    "ping": "ping -c 1 -W 2 127.0.0.1 | grep -c 'bytes from'",
    "setpriv": "setpriv --reuid 65534 --clear-groups id -u",
    "bubblewrap": "bwrap --ro-bind / / --dev /dev --unshare-pid echo inside",
    "unshare": "unshare --uts sh -c 'hostname inside; hostname'",
    "dbus": "dbus-run-session -- sh -c 'dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId | wc -l'",
    "daemon": "setsid -f sh -c 'sleep 0.3; echo late >out'; sleep 1; cat out",
}
# Who runs them, if not root; how they end, if not with 0.
USERS = {"PostgreSQL": "postgres"}
STATUS = {"timeout": 124, "tini": 5}

# What differs although nobody is told, and why that is right: (NAME, WAY): REASON.
EXPECTED = {}

WAYS = {
    "outside": ["env"],
    "pidns": ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"],
    "shadow": ["vprocns", "run"],
    "strict": ["vprocns", "run", "--profile", "shadow-strict"],
    "linux": ["vprocns", "run", "--profile", "linux"],
    "lineage": ["vprocns", "run", "--profile", "linux", "--numbering", "lineage"],
}


def build():
    """Writes the sources to BUILT and compiles them."""
    BUILT.mkdir(parents=True, exist_ok=True)
    for path, text in FILES.items():
        BUILT.joinpath(path).write_text(text, encoding="utf-8")
    subprocess.run(["bash", "-ec", BUILD], cwd=BUILT, check=True)


def run(command, name, place):
    """Status and output, what vprocns told, and all of standard error."""
    command = list(command)
    with tempfile.TemporaryDirectory(dir=place.parent) as own:
        subprocess.run(["cp", "-a", f"{place}/.", own], check=True)
        user = USERS.get(name)
        if user:
            subprocess.run(["chown", "-R", user, own], check=True)
            if command[0] == "vprocns":
                command += ["--user", user]
            else:
                command += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        with subprocess.Popen([*command, "bash", "-c", PROGRAMS[name]], cwd=own, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as child:
            try:
                out, err = child.communicate(timeout=SECONDS)
                status = child.returncode
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                out, err = child.communicate()
                status = "hangs"
        out = out.decode(errors="replace").replace(own, "PLACE")
        err = err.decode(errors="replace")
    return (status, out), re.findall("^vprocns: run: (.*)", err, re.MULTILINE), err


def advice_helps(name, place, told, outside):
    """Whether it comes to the same with the options that the line has; true without any."""
    options = re.search(r"[;,] (--\S.*?) (?:lets them pass|keeps them)", "\n".join(told))
    return not options or run([*WAYS["shadow"], *shlex.split(options[1])], name, place)[0] == outside


def judge(name, way, results, told):
    """The word of a cell, and why."""
    result, outside, pidns = results[way], results["outside"], results["pidns"]
    reason = EXPECTED.get((name, way))
    if result == outside or way != "pidns" and result == pidns:
        return ("same", None) if reason is None else ("NOT NEEDED", reason)
    if reason is not None:
        return "known", reason
    if way == "pidns":
        return "differs", f"outside {outside!r}, here {result!r}"
    if told and result[0] != "hangs":
        return "told", "; ".join(told)
    return "DIFFERS", f"outside {outside!r}, here {result!r}"


def compare(name, place):
    """The row of the table, and what there is to say of what differs."""
    results = {}
    row = []
    notes = []
    began = time.monotonic()
    for way in WAYS:
        results[way], told, err = run(WAYS[way], name, place)
        if way == "outside":
            word = f"{results[way][0]}"
            why = None
            if results[way][0] != STATUS.get(name, 0):
                word, why = f"FAILS {word}", f"{results[way]!r}"
        else:
            word, why = judge(name, way, results, told)
            if word == "told" and way == "shadow" and not advice_helps(name, place, told, results["outside"]):
                word = "WRONG ADVICE"
        row.append(word)
        if why is not None:
            notes.append(f"{name}, {way}, {word}: {why}")
            if word.isupper() or word.startswith("FAILS"):
                notes.append(f"  standard error: {err[-400:]!r}")
    row.append(f"{time.monotonic() - began:.0f}")
    return row, notes


def chosen():
    """The programs that were asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--part", default="1/1")
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    if args.list:
        print("\n".join(PROGRAMS))
        sys.exit(0)
    if args.build:
        build()
        sys.exit(0)
    unknown = [name for name in args.names if name not in PROGRAMS]
    if unknown:
        parser.error(f"no such program: {', '.join(unknown)} (--list)")
    part, parts = map(int, args.part.split("/"))
    return (args.names or list(PROGRAMS))[part - 1::parts]


def main():
    names = chosen()
    failed = 0
    explained = []
    counts = {}
    with tempfile.TemporaryDirectory() as all_places:
        os.chmod(all_places, 0o755)
        place = pathlib.Path(all_places, "built")
        subprocess.run(["cp", "-a", BUILT, place], check=True)
        print(f"| program | {' | '.join(WAYS)} | seconds |\n| --- |{' --- |' * len(WAYS)} --: |", flush=True)
        for name in names:
            row, notes = compare(name, place)
            print(f"| {name} | {' | '.join(row)} |", flush=True)
            explained += notes
            failed += any(word.isupper() or word.startswith("FAILS") for word in row)
            for word in row[2:-1]:
                counts[word] = counts.get(word, 0) + 1
    print()
    for note in explained:
        print(note if note.startswith(" ") else f"- {note}")
    print(f"\n{len(names)} programs in {len(WAYS) - 2} kinds of group: " +
          ", ".join(f"{count} {word}" for word, count in sorted(counts.items())))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
