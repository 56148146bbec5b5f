#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What bash, zsh and fish complete after `vprocns`. No kernel; tool_test.sh asks for the
groups that live. TAP."""
import pathlib
import tempfile
import unittest

import completing
import tap

# As the tool prints a group with a name and one without.
STUB = """#!/bin/sh
cat <<'END'
{
   "groups": [
      {
         "id": 3,
         "name": "completed",
         "state": "bound"
      },{
         "id": 4,
         "name": null,
         "state": "bound"
      }
   ]
}
END
"""
# A line, what must be among what is offered there, and what must not be.
LINES = [
    ("vprocns ", {"run", "compare", "help"}, set()),
    ("vprocns r", {"run", "record"}, {"exec"}),
    ("vprocns help c", {"check", "compare"}, {"run"}),
    ("vprocns run --p", {"--profile", "--part", "--private-tmp"}, {"--quiet"}),
    ("vprocns run --profile ", {"shadow", "shadow-strict", "linux", "container"}, set()),
    ("vprocns run --profile=sh", {"shadow-strict"}, {"linux"}),
    ("vprocns explain --vfork ", {"real", "fork"}, set()),
    ("vprocns run --name x --user ro", {"root"}, set()),
    ("vprocns record -o /etc/host", {"hosts"}, set()),
    ("vprocns record --group comp", {"completed"}, set()),
    ("vprocns record --group completed --det", {"--detach"}, set()),
    ("vprocns show --by ", {"thread", "process", "program"}, set()),
    ("vprocns ps ", {"completed", "3", "4"}, {"null", "bound"}),
    ("vprocns kill comp", {"completed"}, set()),
    ("vprocns exec ", {"completed"}, {"ls"}),
    # From here on it is CMD's own business.
    ("vprocns run grep --inv", {"--invert-match"}, set()),
    ("vprocns run --profile linux slee", {"sleep"}, set()),
    ("vprocns run --profile linux -- ls --col", {"--color"}, set()),
    ("vprocns run --report ls /etc/host", {"hosts"}, set()),
    ("vprocns record --top 3 ls --col", {"--color"}, set()),
    ("vprocns exec completed slee", {"sleep"}, {"completed"}),
    ("vprocns exec completed ls --col", {"--color"}, set()),
    ("vprocns exec completed -- ls --p", set(), {"--profile", "--part"}),
]


def plain(words):
    """Without the option or the directory that some shells repeat."""
    return words | {word.split("=")[-1] for word in words} | {word.rsplit("/", 1)[-1] for word in words}


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        stub = pathlib.Path(cls.place.name, "vprocns")
        stub.write_text(STUB)
        stub.chmod(0o755)
        completing.PATH.insert(0, cls.place.name)

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    def complete(self, name):
        shell = completing.SHELLS[name]()
        self.addCleanup(shell.close)
        for line, there, absent in LINES:
            with self.subTest(line=line):
                offered = plain(shell.offered(line))
                self.assertEqual(set(), there - offered, f"offered: {sorted(offered)[:20]}")
                self.assertEqual(set(), absent & offered)

    def test_bash(self):
        self.complete("bash")

    def test_zsh(self):
        self.complete("zsh")

    def test_fish(self):
        self.complete("fish")


if __name__ == "__main__":
    tap.main()
