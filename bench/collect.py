#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs bench/guest.sh in some boots of the VM and writes what they say as JSON."""
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
PLACES = ["host", "pidns", "idle", "elsewhere", "sequential", "lineage", "strict"]
BENCHES = ["fork", "vfork_exec", "posix_spawn", "thread", "clone3",
           "getpid", "gettid", "capget", "kill0"]


def boot(kernel, options):
    """One boot: {(bench, place): instructions}."""
    module = CHECKOUT / "build/module" / kernel / "vprocns.ko"
    run = subprocess.run(
        [CHECKOUT / "selftests/vm/run", "--icount", "--no-module", "--kernel", kernel,
         "--", CHECKOUT / "bench/guest.sh", module, *options],
        stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        sys.exit(f"a boot ended with status {run.returncode}")
    cost = {}
    for line in run.stdout.splitlines():
        place, bench, median, *_ = line.split("\t")
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


def collect(kernel, boots, options):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        costs = list(pool.map(lambda _: boot(kernel, options), range(boots)))
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
        "date": datetime.date.today().isoformat(),
        "boots": boots,
        "instructions": rows,
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="What is not understood, say --rounds N, goes to build/bench/bench.")
    parser.add_argument("--kernel", default="bookworm", help="bookworm (the default), trixie, ...")
    parser.add_argument("--boots", type=int, default=3, help="3 if not given")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="the JSON file")
    arguments, options = parser.parse_known_args()
    results = collect(arguments.kernel, arguments.boots, options)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
