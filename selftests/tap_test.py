#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The reader of TAP: what passes, and what must not. No kernel."""
import unittest

import tap

SKIPS = tap.Skips(["# comment\n", "^book\tno faults\n", ".\teverywhere\n"])


def read(text, where="bookworm", nested=False):
    """The verdict about one program that printed @text, which has the frame's marks."""
    program, = tap.programs(text.splitlines(keepends=True), nested)
    return tap.Verdict(program, lambda reason: SKIPS.allow(where, reason))


def framed(output, status=0, log="=== log clean\n"):
    return f"=== a_test\n{output}\n=== status {status}\n{log}"


class Passes(unittest.TestCase):
    def counts(self, verdict, passed, failed, skipped):
        self.assertEqual((verdict.passed, verdict.failed, verdict.skipped),
                         (passed, failed, skipped), verdict.tells)

    def test_plan_first(self):
        self.counts(read(framed("TAP version 13\n1..2\nok 1 a\nok 2 - b\n")), 3, 0, 0)

    def test_plan_last(self):
        self.counts(read(framed("ok 1 a\nok 2 b\n1..2\n", log="")), 2, 0, 0)

    def test_noise_and_comments(self):
        self.counts(read(framed("1..1\n# RUN a ...\nhello\n  ok 7 indented\nok 1 a\n")), 2, 0, 0)

    def test_a_skip_that_is_allowed(self):
        verdict = read(framed("1..2\nok 1 # SKIP no faults here\nok 2 b # skip everywhere\n"))
        self.counts(verdict, 1, 0, 2)
        self.assertEqual(verdict.skips, {"no faults here": 1, "everywhere": 1})

    def test_a_whole_program_that_is_skipped(self):
        self.counts(read(framed("1..0 # SKIP everywhere\n")), 1, 0, 1)

    def test_two_programs(self):
        text = framed("1..1\nok 1\n") + framed("ok 1 x\n1..1\n")
        both = list(tap.programs(text.splitlines(keepends=True)))
        self.assertEqual([len(p.results) for p in both], [1, 1])
        self.assertEqual([p.faults for p in both], [[], []])

    def test_a_directive_is_a_whole_word(self):
        self.counts(read(framed("1..1\nok 1 clone #3 is TODO\n")), 2, 0, 0)

    def test_nested_results(self):
        program, = tap.programs(framed("1..2\n# ok 1 a\n# not ok 2 b\n").splitlines(True), True)
        self.assertEqual([r.passed for r in program.results], [True, False])


class Fails(unittest.TestCase):
    def fails(self, text, *words, failures=1, where="bookworm"):
        verdict = read(text, where)
        told = "\n".join(verdict.tells)
        self.assertEqual(verdict.failed, failures, told)
        for word in words:
            self.assertIn(word, told)

    def test_a_failed_result_with_its_comments(self):
        self.fails(framed("1..1\n# a_test.c:3: Expected 1\nnot ok 1 a\n", 1),
                   "not ok 1 a", "Expected 1")

    def test_a_failed_result_with_status_0(self):
        self.fails(framed("1..1\nnot ok 1 a\n"), "not ok 1 a")

    def test_a_number_three_times(self):
        self.fails(framed("1..3\nok 1 first\nok 1 first\nok 1 first\n"),
                   "number 1 where 2 was due", "number 1 where 3 was due", failures=2)

    def test_numbers_out_of_order(self):
        self.fails(framed("1..2\nok 2 b\nok 1 a\n"), failures=2)

    def test_a_number_that_is_left_out(self):
        self.fails(framed("1..2\nok 1 a\nok 3 c\n"), "number 3 where 2 was due")

    def test_a_result_without_a_number(self):
        self.fails(framed("1..2\nok 1 a\nok - anything at all\n"), "without a number")

    def test_only_the_word(self):
        self.fails(framed("1..1\nok\n"), "without a number")

    def test_one_missing(self):
        self.fails(framed("1..2\nok 1 a\n"), "1 results where 2 were planned")

    def test_one_too_many(self):
        self.fails(framed("1..1\nok 1 a\nok 2 b\n"), "2 results where 1 were planned")

    def test_no_plan(self):
        self.fails(framed("ok 1 a\n"), "no plan")

    def test_two_plans(self):
        self.fails(framed("1..1\nok 1 a\n1..1\n"), "a second plan")

    def test_a_plan_amid_the_results(self):
        self.fails(framed("ok 1 a\n1..2\nok 2 b\n"), "after the plan at the end")

    def test_nothing(self):
        self.fails(framed(""), "no plan")

    def test_todo(self):
        self.fails(framed("1..2\nok 1 a # TODO\nnot ok 2 b # TODO later\n"), failures=2)

    def test_xfail(self):
        self.fails(framed("1..1\nok 1 a # XFAIL known\n"), "XFAIL")

    def test_a_skip_that_is_not_allowed(self):
        self.fails(framed("1..1\nok 1 # SKIP too tired\n"), "not in selftests/skips")

    def test_a_skip_that_is_not_allowed_here(self):
        self.fails(framed("1..1\nok 1 # SKIP no faults\n"), "no faults", where="trixie")

    def test_a_skip_without_a_reason(self):
        self.fails(framed("1..1\nok 1 a # SKIP\n"), "not in selftests/skips")

    def test_a_failure_that_is_called_a_skip(self):
        self.fails(framed("1..1\nnot ok 1 a # SKIP everywhere\n"), "not ok 1 a")

    def test_a_plan_of_none(self):
        self.fails(framed("1..0\n"), "not in selftests/skips")

    def test_bail_out(self):
        self.fails(framed("1..1\nok 1 a\nBail out! no device\n"), "Bail out! no device")

    def test_a_signal(self):
        self.fails(framed("1..1\nok 1 a\n", 139), "ended by signal 11")

    def test_a_status_without_a_failure(self):
        self.fails(framed("1..1\nok 1 a\n# out of memory\n", 3), "status 3", "out of memory")

    def test_cut_off_in_a_line(self):
        self.fails(framed("1..1\nok 1 a\nok 2 hal"), "cut off in a line: ok 2 hal",
                   "2 results where 1", failures=2)

    def test_the_machine_ended(self):
        self.fails("=== a_test\n1..2\nok 1 a\n", "did not come to its end",
                   "1 results where 2", failures=2)

    def test_the_machine_ended_in_a_line(self):
        self.fails("=== a_test\n1..1\nok 1 a\nok 2", "cut off", "did not come", failures=3)

    def test_a_dirty_log(self):
        self.fails(framed("1..1\nok 1 a\n", log="# BUG: it\n=== log dirty\n"),
                   "log stays clean", "BUG: it")

    def test_something_after_the_end(self):
        self.fails(framed("1..1\nok 1 a\n", log="ok 2 late\n=== log clean\n"),
                   "printed after its end")

    def test_something_before_the_beginning(self):
        first, *_ = tap.programs(["vm: hello\n", *framed("1..1\nok 1\n").splitlines(True)])
        self.assertIn("before any program", first.faults[0])


if __name__ == "__main__":
    tap.main()
