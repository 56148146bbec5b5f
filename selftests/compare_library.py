#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What `vprocns compare` computes, beside what SciPy does with the same numbers: TAP.

Made-up recordings go through the tool itself; needs python3-scipy.
"""
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy
from scipy import stats
from scipy.stats import mstats

import recordings

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.environ.get("VPROCNS", os.path.join(HERE, "../build/bin/vprocns"))
results = []


def say(good, name, note=""):
    results.append(good)
    print(f"{'ok' if good else 'not ok'} {len(results)} {name}", flush=True)
    if not good:
        print(f"# {note}")


def compare(work, a, b):
    """a and b: a row a run, a column a thread, in ns."""
    paths = {}
    for side, runs in (("a", a), ("b", b)):
        paths[side] = []
        for number, times in enumerate(runs):
            path = os.path.join(work, f"{side}{number}.jsonl")
            recordings.threads(path, times, base=2 * number + (side == "b") + 1)
            paths[side].append(path)
    done = subprocess.run([TOOL, "compare", "--threshold", "0", "--export-json", "-", *paths["a"], "--against", *paths["b"]],
                          check=False, capture_output=True, text=True)
    assert done.returncode in (0, 1) and not done.stderr, done.stderr
    return json.loads(done.stdout)


def threads_of(answer):
    return sorted((thread for thread in answer["threads"] if thread["tid"] > 1000), key=lambda thread: thread["tid"])


def logs(answer):
    """What the tool has read, thread by thread, the first process among them."""
    return [(numpy.log(thread["a"]), numpy.log(thread["b"])) for thread in answer["threads"]]


def t_statistic(differences, axis=0):
    mean = numpy.mean(differences, axis=axis)
    error = numpy.std(differences, axis=axis, ddof=1) / math.sqrt(differences.shape[axis])
    return numpy.abs(mean) / numpy.maximum(error, 1e-9)


def winsorized(a, b):
    both = numpy.asarray(mstats.winsorize(numpy.concatenate([a, b]), limits=(0.1, 0.1)))
    return both[len(a):] - both[:len(a)]


def check_intervals(work, chance):
    """Hodges-Lehmann, and the ends where Wilcoxon's exact test just says 5 %."""
    worst, wrong = 0, []
    for pairs in (6, 7, 10, 13):
        a = 1e8 * numpy.exp(chance.normal(0, 0.05, (pairs, 3)))
        b = 1e8 * numpy.exp(chance.normal(0.1, 0.05, (pairs, 3)))
        for thread in threads_of(compare(work, a, b)):
            differences = numpy.log(thread["b"]) - numpy.log(thread["a"])
            walsh = [(x + y) / 2 for x, y in itertools.combinations_with_replacement(differences, 2)]
            worst = max(worst, abs(math.log1p(thread["change"]) - numpy.median(walsh)))
            # Inside of the interval the test does not reject, outside it does.
            for end, inwards in (("low", 1), ("high", -1)):
                at = math.log1p(thread[end])
                inside = stats.wilcoxon(differences - at - inwards * 1e-5, mode="exact").pvalue
                outside = stats.wilcoxon(differences - at + inwards * 1e-5, mode="exact").pvalue
                if not inside > 0.05 >= outside:
                    wrong.append((pairs, end, inside, outside))
    say(worst < 2e-6, "the estimate is Hodges and Lehmann's", worst)
    say(not wrong, "the interval is what Wilcoxon's signed rank test does not reject", wrong)


def check_one(work, chance):
    """A family of one: SciPy's permutation test of the same statistic."""
    worst = 0
    for pairs in (7, 10, 12):
        for shift in (0, 0.02, 0.1):
            a = 1e8 * numpy.exp(chance.normal(0, 0.03, (pairs, 1)))
            b = 1e8 * numpy.exp(chance.normal(shift, 0.03, (pairs, 1)))
            total = compare(work, a, b)["total"]
            differences = winsorized(numpy.log(total["a"]), numpy.log(total["b"]))
            expected = stats.permutation_test((differences,), lambda x, axis: t_statistic(x, axis), vectorized=True,
                                              permutation_type="samples", alternative="greater", n_resamples=numpy.inf)
            worst = max(worst, abs(total["p"] - expected.pvalue))
    say(worst < 1e-5, "p of one sample is that of SciPy's permutation test", worst)


def step_down(samples):
    """Westfall and Young's, as their book has it: all signs, the greatest of those not above."""
    pairs = samples.shape[1]
    signs = numpy.array(list(itertools.product((1, -1), repeat=pairs)))
    of_signs = numpy.array([t_statistic(signs * sample, axis=1) for sample in samples])
    observed = t_statistic(samples, axis=1)
    order = numpy.argsort(-observed)
    p = numpy.zeros(len(samples))
    for place, sample in enumerate(order):
        greatest = of_signs[order[place:]].max(axis=0)
        p[sample] = (greatest >= observed[sample] * (1 - 1e-9)).mean()
    for before, after in itertools.pairwise(order):
        p[after] = max(p[after], p[before])
    greatest = numpy.sort(of_signs.max(axis=0))
    # All signs turned round give the same: the tool looks at half of them.
    return p, greatest[len(greatest) - 2 * int(0.02 * len(greatest) / 2)]


def check_family(work, chance):
    worst, furthest = 0, 0
    for pairs, shifts in ((8, [0, 0.02, 0.05, 0.1]), (10, [0, 0, 0, 0, 0, 0, 0, 0.1]), (10, [0.03] * 4), (11, [0] * 20)):
        a = 1e8 * numpy.exp(chance.normal(0, 0.03, (pairs, len(shifts))))
        b = 1e8 * numpy.exp(chance.normal(0, 0.03, (pairs, len(shifts))) + shifts)
        answer = compare(work, a, b)
        assert not answer["paced"]
        samples = numpy.array([winsorized(*pair) for pair in logs(answer)])
        expected, needed = step_down(samples)
        worst = max(worst, *(abs(thread["p"] - p) for thread, p in zip(answer["threads"], expected)))
        errors = samples.std(axis=1, ddof=1) / math.sqrt(pairs)
        furthest = max(furthest, *(abs(math.log1p(thread["visible"]) / (needed * error) - 1)
                                   for thread, error in zip(answer["threads"], errors) if error > 1e-6))
    say(worst < 1e-5, "p of a family is that of the step-down maxT procedure", worst)
    say(furthest < 0.02, "what is visible is the greatest t of 98 % of the signs", furthest)


def check_sampled(work, chance):
    """Too many pairs to enumerate: near SciPy's, as the sample is large."""
    a = 1e8 * numpy.exp(chance.normal(0, 0.03, (18, 1)))
    b = 1e8 * numpy.exp(chance.normal(0.012, 0.03, (18, 1)))
    total = compare(work, a, b)["total"]
    differences = winsorized(numpy.log(total["a"]), numpy.log(total["b"]))
    expected = stats.permutation_test((differences,), lambda x, axis: t_statistic(x, axis), vectorized=True,
                                      permutation_type="samples", alternative="greater", n_resamples=numpy.inf).pvalue
    say(abs(total["p"] - expected) < 4 * math.sqrt(expected * (1 - expected) / 8192) + 1e-3,
        "p of 18 pairs, sampled, is near the exact one", f"{total['p']}, exact {expected}")
    say(compare(work, a, b)["total"]["p"] == total["p"], "and the same each time")


def main():
    print("TAP version 13")
    chance = numpy.random.default_rng(20261127)
    with tempfile.TemporaryDirectory() as work:
        for check in (check_intervals, check_one, check_family, check_sampled):
            check(work, chance)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
