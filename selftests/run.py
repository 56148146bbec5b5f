#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Builds and runs every test, or those that are named, on each kernel that is named.
The last line says how many results passed, failed and were skipped.

What the tests print is kept in build/check/; costs.tsv there says what each took.
The file `placement` says which test runs where. Two machines run side by side, more
where there are more processors; what lasted longest in the last run starts first.

--systems makes a table of all kernels of a suite, each in a system where vprocns was
installed, and the tests built, with the suite's own tools (vm/system).
"""
import argparse
import collections
import concurrent.futures
import difflib
import functools
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import tap

TOP = pathlib.Path(__file__).resolve().parent.parent
HERE = TOP / "selftests"
CHECK = TOP / "build/check"
SYSTEMS = TOP / "build/systems"
# These see what others don't, so whatever may fail runs on each of them.
DEBUG_KERNELS = ("debug", "kcsan")
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def die(message):
    sys.exit(f"run.py: {message}")


class Test:
    """A test program: @file is what runs, @source has its tests' names."""

    def __init__(self, file, source):
        self.file, self.source, self.name = file, source, file.name
        self.machine, self.kernels = "vm", "every"

    def inner_names(self):
        """The tests in it that can be run alone, or None if it is run whole."""
        text = self.source.read_text(encoding="utf-8")
        if self.source.suffix == ".c":
            return re.findall(r"^\w*TEST(?:_\w+)?\((?:\w+,\s*)?(\w+)", text, re.MULTILINE)
        if "tap.main()" not in text:
            return None
        names, of_class = [], ""
        for word, method in re.findall(r"^(?:class (\w+)|    def (test_\w+))", text, re.MULTILINE):
            of_class = word or of_class
            names.append(f"{of_class}.{method}" if method else of_class)
        return names

    def on_kernel(self, kernel, first):
        """Whether it is one for a machine that boots that kernel of a build root."""
        if kernel in DEBUG_KERNELS and self.kernels in ("one", "others"):
            return True
        return self.kernels in ("every", "kernels", kernel, "one" if first else "others")

    def on_system(self):
        """Whether it is one for each system where vprocns is installed."""
        return self.kernels in ("systems", "every", "one", "others")


def known_tests():
    """Every test that there is, built or not, by its name."""
    listed = subprocess.run(["make", "-s", "--no-print-directory", "-C", HERE, "list"],
                            check=True, text=True, stdout=subprocess.PIPE).stdout
    tests = [Test(TOP / line, HERE / f"{os.path.basename(line)}.c") for line in listed.split()]
    for pattern in ("*_test.sh", "*_test.py", "*_lint.sh", "*_lint.py", "vm/*_test.sh", "kselftest/*_test.py"):
        tests += [Test(script, script) for script in sorted(HERE.glob(pattern))]
    known = {test.name: test for test in tests}
    for line in (HERE / "placement").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, machine, kernels, _ = line.split("\t")
            if name not in known:
                die(f"selftests/placement: there is no test {name}")
            known[name].machine, known[name].kernels = machine, kernels
    return known


def choose(known, words):
    """The tests that are asked for: for each the names in it, or none for all of it."""
    if not words:
        return {test: [] for test in known.values()}
    chosen = {}
    for word in words:
        name, _, inner = word.partition(":")
        test = known.get(name)
        if not test:
            near = difflib.get_close_matches(name, known, 3)
            die(f"no test {name}" + (f"; there is {', '.join(near)}" if near else ""))
        if inner:
            names = test.inner_names()
            if names is None:
                die(f"{name} is run whole; no test in it can be named")
            # A result of the harness is called fixture.variant.test.
            if inner not in names and inner.rpartition(".")[2] not in names:
                near = difflib.get_close_matches(inner, names, 5) or names
                die(f"no test {inner} in {name}; there is {', '.join(near)}")
        chosen.setdefault(test, []).append(inner)
    return {test: [] if "" in inner else inner for test, inner in chosen.items()}


def build(tests):
    """Builds what they need: a program of the harness itself alone, a script whatever
    it may run."""
    programs = [os.path.relpath(test.file, HERE) for test in tests if test.source.suffix == ".c"]
    make = ["make", "-s", "--no-print-directory", f"-j{os.cpu_count()}", "-C"]
    goals = [TOP, "programs"] if len(programs) < len(tests) else [HERE, *programs]
    if subprocess.run([*make, *goals]).returncode:
        die("the build failed")


def cpu_seconds(pid):
    """What process @pid and all below it have used so far."""
    children, ticks = collections.defaultdict(list), {}
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{int(entry)}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except (ValueError, OSError):
            continue
        children[int(fields[1])].append(int(entry))
        # With what those had used that it waited for.
        ticks[int(entry)] = sum(map(int, fields[11:15]))
    total, left = 0, [pid]
    while left:
        one = left.pop()
        total += ticks.get(one, 0)
        left += children[one]
    return total / CLOCK_TICKS


class Stopwatch:
    """Wall-clock and CPU seconds of a process, from lap to lap."""

    def __init__(self, process):
        self.pid = process.pid
        self.wall, self.cpu = time.monotonic(), 0.0

    def lap(self):
        wall, cpu = time.monotonic(), cpu_seconds(self.pid)
        spent = (wall - self.wall, max(0.0, cpu - self.cpu))
        self.wall, self.cpu = wall, cpu
        return spent


class Run:
    """What all lanes share: the tally, the costs, the screen."""

    def __init__(self):
        with open(HERE / "skips", encoding="utf-8") as file:
            self.skips = tap.Skips(file)
        self.lock = threading.Lock()
        self.processes = set()
        self.stopping = False
        # Of each place: "passed", "failed" and "skipped".
        self.counts = collections.defaultdict(collections.Counter)
        # place, program, wall-clock seconds, CPU seconds
        self.costs = []

    def say(self, *lines):
        with self.lock:
            print(*lines, sep="\n", flush=True)

    def fail(self, place, *lines):
        self.say(*lines)
        self.counts[place]["failed"] += 1

    def total(self, *places):
        return sum((self.counts[place] for place in places), collections.Counter())

    def report(self, place, program, wall, cpu):
        """One line for a program, and what there is to say about failures in it."""
        verdict = tap.Verdict(program, lambda reason: self.skips.allow(place, reason))
        self.say(*verdict.tells,
                 f"{'FAIL' if verdict.failed else 'ok  '}  {place:<9} {program.name:<18} "
                 f"{verdict.passed} passed, {verdict.failed} failed, {verdict.skipped} skipped"
                 f" ({wall:.0f} s, {cpu:.0f} of CPU)",
                 *(f"#     {times} skipped: {why}" for why, times in verdict.skips.items()))
        self.counts[place].update(passed=verdict.passed, failed=verdict.failed,
                                  skipped=verdict.skipped)
        self.costs.append((place, program.name, wall, cpu))

    def start(self, command, **more):
        with self.lock:
            if self.stopping:
                sys.exit(1)
            process = subprocess.Popen(command, cwd=TOP, stdin=subprocess.DEVNULL, text=True,
                                       stdout=subprocess.PIPE, errors="replace", **more)
            self.processes.add(process)
        return process

    def stop(self):
        with self.lock:
            self.stopping = True
            for process in self.processes:
                process.terminate()

    def on_host(self, place, tests):
        """Programs that need no machine, or make one themselves."""
        with open(CHECK / f"{place}.log", "w", encoding="utf-8") as log:
            for test, inner in tests:
                process = self.start([test.file, *inner], stderr=subprocess.STDOUT)
                watch = Stopwatch(process)
                output = process.stdout.read()
                _, status, usage = os.wait4(process.pid, 0)
                self.processes.discard(process)
                process.returncode = os.waitstatus_to_exitcode(status)
                status = process.returncode if process.returncode >= 0 else 128 - process.returncode
                text = f"=== {test.name}\n{output}\n=== status {status}\n"
                log.write(text)
                log.flush()
                for program in tap.programs(text.splitlines(keepends=True)):
                    self.report(place, program, watch.lap()[0], usage.ru_utime + usage.ru_stime)

    def in_machine(self, place, kernel, options, tests):
        """Programs in a machine that vm/run makes with these options."""
        names = [f"{test.file.relative_to(TOP)}{name and ':'}{name}"
                 for test, inner in tests for name in inner or [""]]
        errors = CHECK / f"{place}.log.err"
        with open(CHECK / f"{place}.log", "w", encoding="utf-8") as log, \
                open(errors, "wb") as stderr:
            process = self.start(
                [HERE / "vm/run", *options, "--", "bash", "-c",
                 f'MODULE=$PWD/build/module/{kernel}/vprocns.ko exec selftests/guest.sh "$@"',
                 "guest", *names], stderr=stderr, env={**os.environ, "VM_NAME": place})
            watch = Stopwatch(process)

            def lines():
                for line in process.stdout:
                    if not log.tell():
                        self.costs.append((place, "(boot)", *watch.lap()))
                    log.write(line)
                    log.flush()
                    yield line

            for program in tap.programs(lines()):
                self.report(place, program, *watch.lap())
            status = process.wait()
            self.processes.discard(process)
        if status:
            told = errors.read_text(encoding="utf-8", errors="replace").splitlines()
            self.fail(place, *(f"# {line}" for line in told),
                      f"FAIL  {place}: ended with status {status}; see {log.name}")


# Tests that one lane runs in one go; call() does it.
Job = collections.namedtuple("Job", "place tests call")


def host_jobs(run, chosen, place, wanted):
    tests = [(test, inner) for test, inner in chosen.items()
             if test.machine == "host" and wanted(test)]
    return [Job(place, tests, functools.partial(run.on_host, place, tests))] if tests else []


def machine_jobs(run, chosen, option, kernel, wanted):
    """One machine whose processors run at once, and one where they take turns."""
    jobs = []
    base = f"{kernel}-system" if option == "--system" else kernel
    for machine, place, options in ("vm", base, []), ("in-turn", f"{base}-in-turn", ["--in-turn"]):
        tests = [(test, inner) for test, inner in chosen.items() if wanted(test, machine)]
        # What only systems have looks at what was installed, before others load it anew.
        tests.sort(key=lambda one: (one[0].kernels != "systems", one[0].machine == "host"))
        if tests:
            jobs.append(Job(place, tests, functools.partial(
                run.in_machine, place, kernel, [option, kernel, *options], tests)))
    return jobs


def kernels_jobs(run, chosen, kernels):
    jobs = []
    for kernel in kernels:
        jobs += machine_jobs(run, chosen, "--kernel", kernel, lambda test, machine, kernel=kernel:
                             test.machine == machine and test.on_kernel(kernel, kernel == kernels[0]))
    for kernel in kernels:
        jobs += host_jobs(run, chosen, f"{kernel}-vm",
                          lambda test, kernel=kernel: test.kernels == kernel)
    return jobs + host_jobs(run, chosen, "host", lambda test: test.kernels in ("-", "systems"))


def run_lanes(run, jobs):
    """Runs the jobs, what lasted longest in the last run first; by default those with
    most tests, and those whose processors take turns before the host's."""
    last = {}
    if (CHECK / "costs.tsv").exists():
        for line in (CHECK / "costs.tsv").read_text(encoding="utf-8").splitlines():
            place, program, wall, _ = line.split("\t")
            last[place, program] = float(wall)

    def expected(job):
        default = 100 if job.place.endswith("-in-turn") else 10
        return sum(last.get((job.place, test.name), default) for test, _ in job.tests)

    jobs = sorted(jobs, key=expected, reverse=True)
    # A machine has two processors. One lane more, since each waits a sixth of its time.
    with concurrent.futures.ThreadPoolExecutor(max(2, os.cpu_count() // 2) + 1) as lanes:
        try:
            for done in concurrent.futures.as_completed([lanes.submit(job.call) for job in jobs]):
                done.result()
        except BaseException:
            run.stop()
            raise


def run_systems(run, chosen, suites):
    """The rows of the table: each kernel of each suite's system."""
    rows = []
    for suite in suites:
        made = subprocess.run([HERE / "vm/system", suite], check=False)
        listed = SYSTEMS / f"{suite}.kernels"
        if made.returncode or not listed.read_text(encoding="utf-8").split():
            run.fail(suite, f"FAIL  {suite}: there is no system with a kernel")
            rows.append(f"| {suite} | | no system | | | | |")
            continue
        kernels = [line.split() for line in listed.read_text(encoding="utf-8").splitlines()]
        jobs = {kernel: machine_jobs(run, chosen, "--system", kernel, lambda test, machine:
                                     test.on_system() and machine == {"host": "vm"}.get(
                                         test.machine, test.machine))
                for kernel, _, state in kernels if state != "refused"}
        run_lanes(run, sum(jobs.values(), []))
        for kernel, release, state in kernels:
            if state != "built":
                run.fail(kernel, f"FAIL  {kernel}: the build by DKMS was {state}")
            loaded, counts = "-", run.total(kernel)
            for job in jobs.get(kernel, []):
                counts += run.total(job.place)
                log = (CHECK / f"{job.place}.log").read_text(encoding="utf-8")
                loaded = next(iter(re.findall(r"^# loaded: (.*)", log, re.MULTILINE)), loaded)
            rows.append(f"| {kernel} | {release} | {state} | {loaded} | " +
                        " | ".join(str(counts[what]) for what in ("passed", "failed", "skipped")) +
                        " |")
    return ["| kernel | release | build | loaded | passed | failed | skipped |",
            "| --- | --- | --- | --- | ---: | ---: | ---: |", *rows]


def main():
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", action="append", default=[], dest="kernels", metavar="SUITE",
                        help="boot that suite's kernel; may be repeated")
    parser.add_argument("--systems", action="append", default=[], dest="suites", metavar="SUITE",
                        help="all kernels of that suite, in its system; may be repeated")
    parser.add_argument("--tests", default="", metavar="NAMES",
                        help="run these alone: clone_test, or clone_test:NAME for one test in it")
    parser.add_argument("--list", action="store_true", help="say which test runs where")
    options = parser.parse_args()
    known = known_tests()
    if options.list:
        for name, test in sorted(known.items()):
            print(f"{name}\t{test.machine}\t{test.kernels}")
        return
    chosen = choose(known, options.tests.split())
    if options.tests:
        for test in chosen:
            # Whoever names it wants it on each kernel that is named.
            test.kernels = {"one": "every", "others": "every"}.get(test.kernels, test.kernels)
    run = Run()
    jobs = kernels_jobs(run, chosen, options.kernels)
    if options.kernels and not jobs:
        die(f"none of these tests is for {' '.join(options.kernels)}: {options.tests}")
    CHECK.mkdir(parents=True, exist_ok=True)
    build(chosen if options.kernels else known.values())
    table = []
    try:
        run_lanes(run, jobs)
        if options.suites:
            table = run_systems(run, chosen, options.suites)
    except KeyboardInterrupt:
        die("interrupted")
    if not options.tests:
        (CHECK / "costs.tsv").write_text("".join(
            f"{place}\t{program}\t{wall:.1f}\t{cpu:.1f}\n"
            for place, program, wall, cpu in run.costs), encoding="utf-8")
    total = run.total(*list(run.counts))
    if not total:
        die(f"none of these tests ran: {options.tests}")
    print(*table, f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped",
          sep="\n")
    sys.exit(total["failed"] > 0)


if __name__ == "__main__":
    # As Ctrl-C does it: the machines are ended, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
