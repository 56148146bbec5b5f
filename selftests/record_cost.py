#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What `vprocns record` takes for a run of many tasks: TAP.

record_cost.py [TASKS]: runs in a machine with the module loaded, by --icount, where a
nanosecond is an instruction, and the clock on the wall leaps while the machine waits.
100,000 tasks if not told otherwise.
"""
import json
import os
import subprocess
import sys
import tempfile

STORM = """
#include <pthread.h>
#include <stdlib.h>
static void *nothing(void *unused)
{
    return unused;
}
int main(int argc, char **argv)
{
    pthread_t thread;
    for (long i = atol(argv[argc - 1]); i; i--)
        if (pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL))
            return 1;
}
"""
MOST_KIB = 60 * 1000 * 1000 // 1024
MOST_SECONDS = 10
results = []


def say(good, name):
    results.append(good)
    print(f"{'ok' if good else 'not ok'} {len(results)} {name}", flush=True)


def run(*command):
    """Seconds on the processor, and KiB of the greatest of all processes."""
    with subprocess.Popen(command) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{command}: status {process.returncode}"
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def main():
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    print("TAP version 13")
    with tempfile.TemporaryDirectory(dir="/tmp") as work:
        storm = os.path.join(work, "storm")
        subprocess.run(["gcc", "-O2", "-pthread", "-x", "c", "-o", storm, "-"], input=STORM, text=True, check=True)
        recording = os.path.join(work, "storm.jsonl")
        plain, _ = run("vprocns", "run", "--numbering", "lineage", storm, str(tasks))
        seconds, kib = run("vprocns", "record", "-o", recording, storm, str(tasks))
        size = os.path.getsize(recording)
        with open(recording, encoding="utf-8") as file:
            exits = 0
            for line in file:
                exits += line.startswith('{"kind":"exit"')
        totals = json.loads(line)
    print(f"# {tasks} threads: {plain:.2f} s in a group, {seconds:.2f} s recorded; {kib} KiB; a file of {size / 1e6:.1f} MB")
    say(totals["kind"] == "totals" and totals["lost"] == 0, "nothing is lost")
    say(exits == tasks + 2, f"{exits} ends are there: of each thread, the program and the group's first process")
    say(kib < MOST_KIB, "recording takes less than 60 MB of memory")
    say(seconds - plain < MOST_SECONDS, f"and less than {MOST_SECONDS} s beyond the run")
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
