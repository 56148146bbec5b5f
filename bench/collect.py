#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs bench/guest.sh, scale.sh, worst.sh and peers.py in boots of the VM and writes what they say
as JSON.

QEMU counts each iteration of a REP instruction, a processor's own counter counts the instruction
once. So each boot is two machines: in one the kernel clears memory by bytes, in the other, which has
neither ERMS nor FSRM, by words of eight. What they differ by is 7/8 of the bytes, so 1/7 of it is
what the second machine's iterations add. What both copy by words (copy_page) stays in.
"""
import argparse
import concurrent.futures
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
PLACES = ["host", "pidns", "idle", "elsewhere_sequential", "elsewhere_lineage",
          "beside_sequential", "beside_lineage", "sequential", "lineage", "recorded",
          "strict"]
BENCHES = ["fork", "vfork_exec", "posix_spawn", "thread", "clone3",
           "getpid", "gettid", "capget", "capset", "unshare", "setns", "kill0"]
BY_WORDS = ["--cpu", "erms=off,fsrm=off"]
# Of worst.sh: repeats, numbers of a range, clones in flight, groups with names.
WORST = ["501", "4096", "1000", "10000"]
BINDS = "5"


# So many groups, and so many members of one group.
GROUPS = [1, 10, 100, 1000, 10000]
MEMBERS = [1, 10, 100, 1000, 10000, 30000]


def vm(options, command, **environment):
    """The lines that command prints in the VM, each as a list of words."""
    run = subprocess.run(
        [CHECKOUT / "selftests/vm/run", *options, "--", *command],
        stdout=subprocess.PIPE, text=True, check=False, env=os.environ | environment)
    if run.returncode:
        sys.exit(f"a boot ended with status {run.returncode}")
    return [line.split("\t") for line in run.stdout.splitlines()]


def machine(kernel, options, cpu):
    """One machine: {(bench, place): instructions, each iteration of REP counted}."""
    module = CHECKOUT / "build/module" / kernel / "vprocns.ko"
    cost = {}
    for place, bench, median, *_ in vm(["--kernel", kernel, "--icount", "--no-module", *cpu],
                                       [CHECKOUT / "bench/guest.sh", module, *options]):
        cost[bench, place] = float(median)
    for place in PLACES:
        # Six more than it has are the call's and the round's own.
        loop = cost.pop(("loop", place), None)
        if loop is None or not 1000 <= loop < 1010:
            sys.exit(f"at {place}, 1000 instructions took {loop}: the clock does not count them")
    wanted = {(bench, place) for bench in BENCHES for place in PLACES}
    if cost.keys() != wanted:
        sys.exit(f"not measured, or not expected: {sorted(cost.keys() ^ wanted)}")
    return cost


def boot(kernel, options):
    """One boot: {(bench, place): instructions, REP counted as one}."""
    by_words = machine(kernel, options, BY_WORDS)
    by_bytes = machine(kernel, options, [])
    return {key: words - max(by_bytes[key] - words, 0) / 7 for key, words in by_words.items()}


def scale(kernel, what, sizes):
    """Rows of what a fork costs, and one more takes, at each of sizes."""
    lines = vm(["--kernel", kernel, "--icount", "--memory", "6G", *BY_WORDS],
               [CHECKOUT / "bench/scale.sh", what, *map(str, sizes)])
    rows = [{"of": of, "kind": kind, "size": int(size), "fork": int(fork),
             "one_more": int(one_more), "bytes": int(charged)}
            for of, kind, size, fork, one_more, charged in lines]
    if [row["size"] for row in rows] != 3 * sizes:
        sys.exit(f"not all {what} were measured")
    return rows


def parallel(kernel):
    """Two CPUs that fork at once: a paired ratio, by the clock on the wall."""
    lines = vm(["--kernel", kernel, "--cpus", "2"],
               [CHECKOUT / "bench/scale.sh", "parallel", "51", "200"])
    return [{"namespaces": int(count), "plain": int(plain), "sequential": int(grouped),
             "ratio": float(ratio), "low": float(low), "high": float(high)}
            for _, count, plain, grouped, ratio, low, high in lines]


def worst(kernel):
    """What clones and calls take where they could take most."""
    lines = vm(["--kernel", kernel, "--icount", "--memory", "3G", *BY_WORDS],
               [CHECKOUT / "bench/worst.sh", *WORST])
    return [{"of": of, "kind": kind, "at": at, "value": int(value)}
            for of, kind, at, value in lines]


def binds(kernel):
    """Milliseconds, median and longest, until a group is bound, by the clock on the wall."""
    lines = vm(["--kernel", kernel], [CHECKOUT / "build/bench/bind", BINDS])
    return [{"when": when, "median": float(median), "longest": float(longest)}
            for when, _, _, _, _, median, longest in lines]


def peers():
    """What peers.py says in the system that has them."""
    subprocess.run([CHECKOUT / "selftests/vm/system", "peers"], check=True)
    found = {"date": today(), "peers": [], "absent": [], "times": [], "facts": []}
    for kind, name, *words in vm(["--system", "peers", "--memory", "3G"], ["bench/peers.py"],
                                 VM_TIMEOUT="5400"):
        if kind == "peer":
            found["peers"].append({"name": name, "version": words[0], "command": words[1]})
        elif kind == "absent":
            found["absent"].append({"name": name, "why": words[0]})
        elif kind == "time":
            what, rounds, base, value, *ratios = words
            ratio, low, high = map(float, ratios)
            found["times"].append({"name": name, "what": what, "rounds": int(rounds),
                                   "base": int(base), "value": int(value),
                                   "ratio": ratio, "low": low, "high": high})
        else:
            found["facts"].append({"name": name, "fact": words[0], "value": words[1]})
    return found


def today():
    return datetime.date.today().isoformat()


def collect(kernel, boots, options):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        costs = list(pool.map(lambda _: boot(kernel, options), range(boots)))
        many = [row for rows in pool.map(lambda args: scale(kernel, *args),
                                         [("groups", GROUPS), ("members", MEMBERS)])
                for row in rows]
    rows = []
    for bench in BENCHES:
        for place in PLACES:
            values = [cost[bench, place] for cost in costs]
            median = statistics.median(values)
            rows.append({
                "bench": bench,
                "where": place,
                "value": median,
                "spread": round((max(values) - min(values)) / median, 5),
            })
    return {
        "kernel": (CHECKOUT / "build/roots" / kernel / "kernel-release").read_text().strip(),
        "date": today(),
        "boots": boots,
        "instructions": rows,
        "scale": many,
        "worst": worst(kernel),
        "bind": binds(kernel),
        "parallel": parallel(kernel),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="What is not understood, say --rounds N, goes to build/bench/bench.")
    parser.add_argument("--kernel", default="bookworm", help="bookworm (the default), trixie, ...")
    parser.add_argument("--boots", type=int, default=3, help="3 if not given")
    parser.add_argument("--only", choices=["counts", "peers"],
                        help="and leave what else is in the file as it is")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="the JSON file")
    arguments, options = parser.parse_known_args()
    results = json.loads(arguments.output.read_text()) if arguments.only else {}
    if arguments.only != "peers":
        results |= collect(arguments.kernel, arguments.boots, options)
    if arguments.only != "counts":
        results["peers"] = peers()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
