#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares what the kernel's own tests print in a plain PID namespace and in a group.

A line for each program, and one for each result that differs, with its reason if the
file `expected` has one. Fails if a result differs without a reason, or if a reason is
of no use any more. Of several rounds the commonest result counts, and it differs if
three quarters of the rounds do; what is not the same in all rounds comes by chance.
"""
import argparse
import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # pylint: disable=wrong-import-position

# A result that a round does not have: the program ended before.
NONE = "none"
# That of timeout(1), and a shell's for a program that is not there.
NOT_RUN = ("124", "127")
SHARE = 0.75


def results_of(program):
    """test -> result, and test -> name. Tests are counted, since the numbers of some
    programs start anew; "exit" is the program's status."""
    results, names = {}, {}
    for count, result in enumerate(program.results, 1):
        results[count] = ("skip" if result.directive == "SKIP" else
                          "ok" if result.passed else "not ok")
        names[count] = result.name
    results["exit"] = NONE if program.status is None else str(program.status)
    return results, names


class Rounds:
    """All that was printed: of each program, its rounds in either place."""

    def __init__(self):
        self.rounds = collections.defaultdict(lambda: {"plain": [], "group": []})
        self.names = {}

    def add(self, logs):
        """Reads logs, each an iterable of lines. Of a program that is in several, the
        last one counts."""
        for log in logs:
            fresh = set()
            for program in tap.programs(log, nested=True):
                where, name = program.name.split(" ", 1)
                if name not in fresh:
                    fresh.add(name)
                    self.rounds.pop(name, None)
                results, names = results_of(program)
                self.rounds[name][where].append(results)
                self.names.update({(name, test): text for test, text in names.items()})

    def count(self, program):
        return max(map(len, self.rounds[program].values()))

    def tests(self, program):
        found = {test for rounds in self.rounds[program].values() for r in rounds for test in r}
        return sorted(found, key=lambda test: (test == "exit", test if test != "exit" else 0))

    def times(self, where, program, test, result):
        """In how many rounds it came to that; a round that is missing has no result."""
        return self.tally(where, program, test)[result]

    def tally(self, where, program, test):
        rounds = self.rounds[program][where]
        tally = collections.Counter(r.get(test, NONE) for r in rounds)
        tally[NONE] += self.count(program) - len(rounds)
        return tally

    def commonest(self, where, program, test):
        tally = self.tally(where, program, test)
        return max(sorted(tally), key=tally.get)

    def cell(self, where, program):
        """passed/failed/skipped, status"""
        of = collections.Counter(self.commonest(where, program, test)
                                 for test in self.tests(program) if test != "exit")
        status = self.commonest(where, program, "exit")
        return f"{of['ok']}/{of['not ok']}/{of['skip']}, {status}"


def read_expected(lines):
    """(program, test, plain, group) -> reason"""
    reasons = {}
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        program, tests, plain, group, why = line.rstrip("\n").split("\t")
        for part in tests.split(","):
            first, _, last = part.partition("-")
            for test in ["exit"] if part == "exit" else range(int(first), int(last or first) + 1):
                reasons[program, test, plain, group] = why
    return reasons


class Comparison:
    """The report's `lines`, and which programs are `unlike`."""

    def __init__(self, rounds, reasons):
        self.rounds, self.reasons = rounds, dict(reasons)
        self.counts = collections.Counter()
        self.unlike = {}  # in order
        self.lines = [f"{'(passed/failed/skipped, exit status)':<44} {'plain':<16} group"]
        for program in rounds.rounds:
            self.lines.append(f"{program:<44} {rounds.cell('plain', program):<16} "
                              f"{rounds.cell('group', program)}")
            for test in rounds.tests(program):
                self._compare(program, test)
        for program, test, _, _ in self.reasons:
            self.lines.append(f"expected, but not there: {program} {test}")
            self._is_unlike(program, "gone")
        if not rounds.rounds:
            self.lines.append("no program ran")
            self.counts["unexpected"] += 1
        self.lines.append(
            f"{self.counts['same']} results are the same, {self.counts['chance']} come by chance, "
            f"{self.counts['expected']} differ as expected, {self.counts['unexpected']} differ, "
            f"{self.counts['gone']} reasons are out of date")

    def _is_unlike(self, program, how):
        self.counts[how] += 1
        self.unlike[program] = None

    def _compare(self, program, test):
        count = self.rounds.count(program)
        plain = self.rounds.commonest("plain", program, test)
        group = self.rounds.commonest("group", program, test)
        in_plain = self.rounds.times("plain", program, test, plain)
        in_group = self.rounds.times("group", program, test, plain)
        name = f"  {test} {self.rounds.names.get((program, test), '')}".rstrip()
        if plain != group and in_plain - in_group >= SHARE * count:
            why = self.reasons.pop((program, test, plain, group), None)
            self.lines.append(f"{name}: {plain}, in a group {group}: {why or 'UNEXPECTED'}")
            if why:
                self.counts["expected"] += 1
            else:
                self._is_unlike(program, "unexpected")
            return
        if in_plain + in_group == 2 * count:
            self.counts["same"] += 1
        else:
            self.counts["chance"] += 1
            self.lines.append(f"{name}: {plain} in {in_plain} of {count} rounds, "
                              f"in a group in {in_group}: by chance")
        if test == "exit" and (plain in NOT_RUN or plain == NONE):
            self.lines.append(f"  exit: {plain} in both: it did not run to its end")
            self._is_unlike(program, "unexpected")

    def good(self):
        return not self.counts["unexpected"] and not self.counts["gone"]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("expected", help="file of differences and their reasons")
    parser.add_argument("logs", nargs="+", help="what guest.sh printed; of a program that is "
                        "in several, the last one counts")
    parser.add_argument("--unlike", metavar="FILE", required=True,
                        help="where to list the programs that differ without a reason")
    options = parser.parse_args()
    rounds = Rounds()
    logs = [open(log, encoding="utf-8", errors="replace") for log in options.logs]
    rounds.add(logs)
    with open(options.expected, encoding="utf-8") as file:
        comparison = Comparison(rounds, read_expected(file))
    print(*comparison.lines, sep="\n")
    pathlib.Path(options.unlike).write_text("".join(f"{name}\n" for name in comparison.unlike),
                                            encoding="utf-8")
    sys.exit(not comparison.good())


if __name__ == "__main__":
    main()
