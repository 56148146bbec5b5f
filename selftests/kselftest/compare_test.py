#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The comparison of the kernel's own tests, on results that are made up. No kernel."""
import unittest

import compare
from compare import tap


def round_of(program, plain, group, plain_status=0, group_status=0):
    """What guest.sh prints of one round; @plain and @group are lines of TAP."""
    return "".join(f"=== {where} {program}\n{text}\n=== status {status}\n"
                   for where, text, status in (("plain", plain, plain_status),
                                               ("group", group, group_status)))


def compared(*logs, expected=""):
    rounds = compare.Rounds()
    rounds.add(log.splitlines(keepends=True) for log in logs)
    return compare.Comparison(rounds, compare.read_expected(expected.splitlines()))


class Compare(unittest.TestCase):
    def counts(self, comparison, **counts):
        self.assertEqual({k: v for k, v in comparison.counts.items() if v}, counts,
                         comparison.lines)

    def test_the_same(self):
        c = compared(round_of("a/b", "1..1\nok 1 x\n", "1..1\nok 1 x\n"))
        self.counts(c, same=2)
        self.assertTrue(c.good())
        self.assertEqual(c.lines[1].split(), ["a/b", "1/0/0,", "0", "1/0/0,", "0"])

    def test_fails_in_both(self):
        c = compared(round_of("a/b", "not ok 1 x\n", "not ok 1 x\n", 1, 1))
        self.counts(c, same=2)
        self.assertTrue(c.good())

    def test_a_difference(self):
        c = compared(round_of("a/b", "ok 1 x\nok 2 y\n", "ok 1 x\nnot ok 2 y\n", 0, 1))
        self.counts(c, same=1, unexpected=2)
        self.assertIn("  2 y: ok, in a group not ok: UNEXPECTED", c.lines)
        self.assertEqual(list(c.unlike), ["a/b"])
        self.assertFalse(c.good())

    def test_a_difference_with_a_reason(self):
        c = compared(round_of("a/b", "ok 1 x\n", "not ok 1 x\n", 0, 1),
                     expected="# note\na/b\t1\tok\tnot ok\tNEWPID\na/b\texit\t0\t1\tNEWPID\n")
        self.counts(c, expected=2)
        self.assertTrue(c.good())

    def test_a_reason_for_another_difference(self):
        c = compared(round_of("a/b", "ok 1 x\n", "ok 1 # SKIP no\n"),
                     expected="a/b\t1\tok\tnot ok\tNEWPID\n")
        self.counts(c, same=1, unexpected=1, gone=1)

    def test_a_reason_for_nothing(self):
        c = compared(round_of("a/b", "ok 1\n", "ok 1\n"), expected="c/d\t1-3,exit\tok\tnone\tno\n")
        self.counts(c, same=2, gone=4)
        self.assertEqual(list(c.unlike), ["c/d"])

    def test_ends_early_in_a_group(self):
        c = compared(round_of("a/b", "ok 1\nok 2\nok 3\n", "ok 1\n", 0, 1),
                     expected="a/b\t2-3\tok\tnone\tearly\na/b\texit\t0\t1\tearly\n")
        self.counts(c, same=1, expected=3)

    def test_runs_longer_in_a_group(self):
        c = compared(round_of("a/b", "ok 1\n", "ok 1\nok 2\n"))
        self.counts(c, same=2, unexpected=1)

    def test_nested_results_and_skips(self):
        c = compared(round_of("a/b", "# ok 1 x\nok 2 # SKIP no\n", "# not ok 1 x\nok 2 # SKIP no\n"))
        self.counts(c, same=2, unexpected=1)

    def test_did_not_run_in_both(self):
        for status in 124, 127:
            c = compared(round_of("a/b", "", "", status, status))
            self.counts(c, same=1, unexpected=1)

    def test_nothing_ran(self):
        self.assertFalse(compared("").good())

    def test_the_machine_ended(self):
        c = compared(round_of("a/b", "ok 1\n", "ok 1\n") + "=== plain c/d\nok 1\n")
        self.assertFalse(c.good())
        self.assertEqual(list(c.unlike), ["c/d"])


class Chance(unittest.TestCase):
    """Eight rounds decide; a result flips in some of them."""

    def rounds(self, plain, group):
        """How many of eight pass in either place."""
        return compared("".join(round_of("a/b", f"{'ok' if i < plain else 'not ok'} 1 x\n",
                                         f"{'ok' if i < group else 'not ok'} 1 x\n")
                                for i in range(8)))

    def test_always_the_same(self):
        self.assertEqual(self.rounds(8, 8).counts, {"same": 2})

    def test_flips_in_both(self):
        c = self.rounds(5, 4)
        self.assertEqual(c.counts, {"same": 1, "chance": 1})
        self.assertTrue(c.good())

    def test_five_eighths_is_chance(self):
        # The commonest differ, though by less than three quarters of the rounds.
        self.assertTrue(self.rounds(7, 2).good())

    def test_three_quarters_is_a_difference(self):
        self.assertFalse(self.rounds(8, 2).good())
        self.assertFalse(self.rounds(7, 1).good())

    def test_fewer_than_half_in_both(self):
        self.assertTrue(self.rounds(3, 0).good())

    def test_the_last_log_counts(self):
        first = round_of("a/b", "ok 1\n", "not ok 1\n") + round_of("c/d", "ok 1\n", "ok 1\n")
        again = round_of("a/b", "ok 1\n", "ok 1\n") * 8
        c = compared(first, again)
        self.assertEqual(c.counts, {"same": 4})
        self.assertEqual(c.rounds.count("a/b"), 8)


if __name__ == "__main__":
    tap.main()
