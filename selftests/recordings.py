#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Made-up recordings, for tests of what reads them.

recordings.py tree COUNT FILE [--seed N]     a tree of processes and threads
recordings.py slots FILE [--slow SLOT]       a group that four ranks joined by slots
recordings.py threads FILE [--times T,T,...] [--missing N] [--base NS]
                                             a program with a thread for each time
"""
import argparse
import json
import random

INIT = "fffffffffffffffd"
SLOT = "fffffffffffffffc"


class Recording:
    def __init__(self, command, base=1_000_000_000, numbering="lineage", host="node1"):
        self.lines = [{
            "kind": "header", "version": 1, "tool": "vprocns 0.1.0", "date": "2026-11-27T14:02:11Z",
            "base": str(base), "group": {"id": 1, "profile": "shadow", "numbering": numbering, "vfork": "real",
                                         "caps": "empty", "allowed": "VM|FS|FILES|SIGHAND|THREAD",
                                         "threads_only": False, "first": 1000, "last": 32767,
                                         **({"seed": "0"} if numbering == "lineage" else {})},
            "host": {"name": host, "kernel": "6.1.0-56-amd64", "arch": "x86_64", "cpus": 2},
            "command": command, "options": []}]
        self.clones = {1: 0}
        self.made = 0

    def new(self, time, tid, cloner, comm, thread_of=None):
        self.clones[cloner] += 1
        self.clones[tid] = 0
        self.made += 1
        self.lines.append({
            "kind": "new", "time": time, "tid": tid, "tgid": thread_of or tid, "host_tid": tid + 5000,
            "host_tgid": (thread_of or tid) + 5000, "cloner": cloner, "flags": "VM|THREAD" if thread_of else "0",
            "joined": False, "lineage": f"{tid:016x}", "cloner_lineage": INIT if cloner == 1 else f"{cloner:016x}",
            "ordinal": self.clones[cloner], "comm": comm})

    def join(self, time, tid, slot, comm):
        self.new(time, tid, 1, comm)
        self.lines[-1].update({"joined": True, "cloner_lineage": SLOT, "ordinal": slot + 1})
        del self.lines[-1]["cloner"]

    def exec(self, time, tid, filename):
        self.lines.append({"kind": "exec", "time": time, "tid": tid, "host_tid": tid + 5000,
                           "comm": filename.split("/")[-1][:15], "filename": filename})

    def exit(self, tid, comm, start, end, runtime, run_delay=0, status=0, tgid=None):
        self.lines.append({
            "kind": "exit", "time": end, "tid": tid, "tgid": tgid or tid, "host_tid": tid + 5000,
            "lineage": f"{tid:016x}", "comm": comm, "status": status, "start": start, "end": end,
            "runtime": runtime, "utime": runtime * 4 // 5, "stime": runtime - runtime * 4 // 5,
            "run_delay": run_delay, "nvcsw": 3, "nivcsw": 1, "min_flt": 120, "maj_flt": 0, "rchar": 4096,
            "wchar": 120, "read_bytes": 0, "write_bytes": 0, "maxrss": 2816})

    def refused(self, time, tid, call, rule, errno):
        self.lines.append({"kind": "refused", "time": time, "tid": tid, "host_tid": tid + 5000, "call": call,
                           "rule": rule, "flags": "NEWUSER", "errno": errno})

    def write(self, path, end):
        totals = {"kind": "totals", "time": end, "status": 0, "clones": self.made, "threads": 0, "joined": 0,
                  "kernel_threads": 0, "exits": self.made, "rewritten": 0, "collisions": 0, "refused": {}, "lost": 0}
        # In the order of time, as the module sees it; the header stays first.
        order = sorted(self.lines[1:], key=lambda line: line["time"])
        with open(path, "w", encoding="utf-8") as file:
            for line in [self.lines[0], *order, totals]:
                file.write(json.dumps(line, separators=(",", ":")) + "\n")


def tree(count, path, seed=1):
    """Like make: shells that run compilers, some of which have threads."""
    chance = random.Random(seed)
    recording = Recording(["make", "-j4", "all"])
    end = 0
    recording.new(1_000_000, 1000, 1, "vprocns")
    recording.exec(1_500_000, 1000, "/usr/bin/make")
    tid, time = 1000, 3_000_000
    while tid < 1000 + count - 1:
        tid += 1
        shell, start = tid, time
        life = chance.randrange(4_000_000, 40_000_000)
        recording.new(start, shell, 1000, "make")
        recording.exec(start + 200_000, shell, "/bin/sh")
        for _ in range(chance.randrange(1, 4)):
            if tid >= 1000 + count - 1:
                break
            tid += 1
            name = chance.choice(["cc1", "as", "ld", "collect2"])
            process, begun = tid, start + chance.randrange(300_000, life // 2)
            over = min(begun + chance.randrange(1_000_000, life), start + life)
            recording.new(begun, process, shell, "sh")
            recording.exec(begun + 100_000, process, "/usr/bin/" + name)
            for number in range(chance.choice([0, 0, 0, 4])):
                if tid >= 1000 + count - 1:
                    break
                tid += 1
                born = begun + chance.randrange(0, (over - begun) // 2)
                recording.new(born, tid, process, name, thread_of=process)
                recording.exit(tid, f"{name}-{number}", born, over - 1000, (over - born) * chance.randrange(10, 90) // 100,
                               (over - born) // 20, tgid=process)
            if chance.random() < 0.02:
                recording.refused(begun + 400_000, process, "unshare", "unshare", "EOPNOTSUPP")
            recording.exit(process, name, begun, over, (over - begun) * chance.randrange(20, 80) // 100,
                           (over - begun) // 10, status=256 if chance.random() < 0.02 else 0)
        recording.exit(shell, "sh", start, start + life, life // 30, life // 100)
        time += chance.randrange(500_000, 5_000_000)
        end = max(end, start + life + 1_000_000)
    recording.exit(1000, "make", 900_000, end - 100_000, 9_000_000, 400_000)
    recording.write(path, end)


def threads(path, times, missing=None, base=1_000_000_000, numbering="lineage", host="node1"):
    """A first program with one thread for each of times, in ns."""
    recording = Recording(["solve"], base, numbering, host)
    recording.new(1_000_000, 1000, 1, "vprocns")
    recording.exec(1_500_000, 1000, "/usr/bin/solve")
    for number, time in enumerate(times, 1):
        if number == missing:
            continue
        recording.new(2_000_000 + number, 1000 + number, 1000, "solve", thread_of=1000)
        recording.exit(1000 + number, f"worker-{number}", 2_000_000 + number, 3_000_000 + int(time), int(time),
                       tgid=1000)
    end = 4_000_000 + int(max(times))
    recording.exit(1000, "solve", 900_000, end, 2_000_000)
    recording.write(path, end + 1000)


def slots(path, slow=None):
    """Ranks that join in another order than that of their slots, with two threads each."""
    recording = Recording(["sleep"])
    recording.new(1_000_000, 1000, 1, "vprocns")
    recording.exit(1000, "sleep", 1_000_000, 400_000_000, 900_000_000)
    for place, slot in enumerate([2, 0, 3, 1]):
        tid = 2000 + 10 * slot
        recording.join(2_000_000 + place, tid, slot, "slurmstepd")
        recording.exec(2_500_000 + place, tid, "/usr/bin/solve")
        for number in 1, 2:
            runtime = 100_000_000 + 100_000 * slot + (40_000_000 if slot == slow and number == 2 else 0)
            recording.new(3_000_000 + place + number, tid + number, tid, "solve", thread_of=tid)
            recording.exit(tid + number, f"worker-{number}", 3_000_000, 3_000_000 + runtime, runtime, tgid=tid)
        recording.exit(tid, "solve", 2_000_000, 300_000_000, 2_000_000)
    recording.write(path, 400_000_001)


def main():
    parser = argparse.ArgumentParser()
    sub = parser.add_subparsers(dest="what", required=True)
    of_tree = sub.add_parser("tree")
    of_tree.add_argument("count", type=int)
    of_tree.add_argument("file")
    of_tree.add_argument("--seed", type=int, default=1)
    of_threads = sub.add_parser("threads")
    of_threads.add_argument("file")
    of_threads.add_argument("--times", default="100e6,100e6,100e6,100e6")
    of_threads.add_argument("--missing", type=int)
    of_threads.add_argument("--base", type=int, default=1_000_000_000)
    of_slots = sub.add_parser("slots")
    of_slots.add_argument("file")
    of_slots.add_argument("--slow", type=int)
    args = parser.parse_args()
    if args.what == "tree":
        tree(args.count, args.file, args.seed)
    elif args.what == "slots":
        slots(args.file, args.slow)
    else:
        threads(args.file, [float(time) for time in args.times.split(",")], args.missing, args.base)


if __name__ == "__main__":
    main()
