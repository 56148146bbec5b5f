#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What programs.py says of programs that are made up: each word of its table. No kernel."""
import contextlib
import io
import sys
import unittest
from unittest import mock

import programs
import tap

GOOD, BAD = (0, "good\n"), (1, "")
ADVICE = ["2 requests were refused: 2 by rule unshare (NEWUTS); --allow +NEWUTS --caps host lets them pass"]


class Row(unittest.TestCase):
    """One program, which ends as RESULTS has it; {way: (result, what vprocns told)}."""

    def row(self, ways, advised=GOOD, expected=None):
        self.commands = []

        def run(command, _, __):
            self.commands.append(command)
            for way, words in programs.WAYS.items():
                if command == words:
                    return *ways.get(way, (GOOD, [])), "its error"
            return advised, [], ""

        with mock.patch.object(programs, "run", run), \
                mock.patch.dict(programs.EXPECTED, expected or {}):
            row, self.notes = programs.compare("bash", None)
        return dict(zip(programs.WAYS, row))

    def words(self, **others):
        return {"outside": "0"} | {way: "same" for way in programs.WAYS if way != "outside"} | others

    def test_same(self):
        self.assertEqual(self.row({}), self.words())
        self.assertEqual(self.notes, [])

    def test_same_as_in_a_pid_namespace(self):
        row = self.row({way: (BAD, []) for way in programs.WAYS if way != "outside"})
        self.assertEqual(row, self.words(pidns="differs"))

    def test_told_and_the_advice_helps(self):
        self.assertEqual(self.row({"shadow": (BAD, ADVICE)}), self.words(shadow="told"))
        self.assertIn([*programs.WAYS["shadow"], "--allow", "+NEWUTS", "--caps", "host"], self.commands)

    def test_told_without_advice(self):
        self.assertEqual(self.row({"shadow": (BAD, ["1 request was refused: 1 by rule caps"])}, BAD),
                         self.words(shadow="told"))

    def test_told_and_the_advice_does_not_help(self):
        self.assertEqual(self.row({"shadow": (BAD, ADVICE)}, BAD), self.words(shadow="WRONG ADVICE"))

    def test_nobody_was_told(self):
        self.assertEqual(self.row({"strict": (BAD, [])}), self.words(strict="DIFFERS"))
        self.assertIn("its error", self.notes[-1])

    def test_told_but_it_hangs(self):
        self.assertEqual(self.row({"linux": (("hangs", ""), ADVICE)}), self.words(linux="DIFFERS"))

    def test_only_its_output_differs(self):
        self.assertEqual(self.row({"lineage": ((0, "other\n"), [])}), self.words(lineage="DIFFERS"))

    def test_known(self):
        self.assertEqual(self.row({"shadow": (BAD, [])}, expected={("bash", "shadow"): "a reason"}),
                         self.words(shadow="known"))
        self.assertEqual(self.notes, ["bash, shadow, known: a reason"])

    def test_a_reason_that_is_not_needed(self):
        self.assertEqual(self.row({}, expected={("bash", "shadow"): "a reason"}),
                         self.words(shadow="NOT NEEDED"))

    def test_it_fails_outside(self):
        self.assertEqual(self.row({way: (BAD, []) for way in programs.WAYS})["outside"], "FAILS 1")

    def test_it_hangs_outside(self):
        self.assertEqual(self.row({"outside": (("hangs", ""), [])})["outside"], "FAILS hangs")


class Whole(unittest.TestCase):
    """Which words make the run fail."""

    def status(self, word):
        row = ["0", "same", word, "same", "same", "same", "1"]
        with mock.patch.object(programs, "compare", lambda *_: (row, [])), \
                mock.patch.object(programs, "BUILT", "/dev/null"), \
                mock.patch.object(sys, "argv", ["programs.py", "bash"]), \
                contextlib.redirect_stdout(io.StringIO()):
            return programs.main()

    def test_words(self):
        for word, status in (("same", 0), ("told", 0), ("known", 0), ("DIFFERS", 1),
                             ("WRONG ADVICE", 1), ("NOT NEEDED", 1), ("FAILS 1", 1), ("FAILS hangs", 1)):
            with self.subTest(word=word):
                self.assertEqual(self.status(word), status)


if __name__ == "__main__":
    tap.main()
