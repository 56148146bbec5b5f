#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The commands of Documentation/measure.md print what stands there. Runs in the VM."""
import doctest
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import tap

TOP = pathlib.Path(__file__).resolve().parent.parent
PAGE = TOP / "Documentation/measure.md"
SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def commands():
    """Each command of the page, with what it prints: lines of code up to the next one."""
    found = []
    for block in re.findall(r"(?:^    .*\n)+", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        for line in re.sub(r"(?m)^    ", "", block).splitlines():
            if line.startswith("$ "):
                found.append([line[2:], ""])
            else:
                found[-1][1] += line + "\n"
    return found


class Measure(unittest.TestCase):
    def test_commands(self):
        checker = doctest.OutputChecker()
        with tempfile.TemporaryDirectory() as place:
            os.symlink(TOP / "demo", f"{place}/demo")
            self.assertLess(12, len(commands()))
            for command, expected in commands():
                with self.subTest(command=command):
                    said = subprocess.run(["bash", "-c", command], cwd=place, text=True, capture_output=True,
                                          stdin=subprocess.DEVNULL, check=False, timeout=600)
                    self.assertTrue(checker.check_output(expected, said.stdout, SAME),
                                    f"\nexpected:\n{expected}\nprinted:\n{said.stdout}\n{said.stderr[-2000:]}")


if __name__ == "__main__":
    tap.main()
