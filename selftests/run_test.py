#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What run.py takes, refuses, and runs where. It runs nothing here. No kernel."""
import unittest

import run
import tap


class Choose(unittest.TestCase):
    def setUp(self):
        self.known = run.known_tests()

    def refused(self, word, *told):
        with self.assertRaises(SystemExit) as caught:
            run.choose(self.known, [word])
        for one in told:
            self.assertIn(one, str(caught.exception))

    def chosen(self, *words):
        return {test.name: inner for test, inner in run.choose(self.known, words).items()}

    def test_all(self):
        self.assertEqual(set(self.known), set(self.chosen()))

    def test_programs(self):
        self.assertEqual(self.chosen("clone_test", "tool_test.sh"),
                         {"clone_test": [], "tool_test.sh": []})

    def test_a_wrong_program(self):
        self.refused("clone_tset", "no test clone_tset", "clone_test")

    def test_one_test(self):
        self.assertEqual(self.chosen("clone_test:vfork_child"), {"clone_test": ["vfork_child"]})

    def test_one_test_as_its_result_is_called(self):
        name = "group.linux.vfork_child"
        self.assertEqual(self.chosen(f"clone_test:{name}"), {"clone_test": [name]})

    def test_a_test_and_its_program(self):
        self.assertEqual(self.chosen("clone_test:vfork_child", "clone_test"), {"clone_test": []})

    def test_one_test_in_python(self):
        self.assertEqual(self.chosen("tap_test.py:Fails.test_todo"),
                         {"tap_test.py": ["Fails.test_todo"]})

    def test_a_wrong_test(self):
        self.refused("clone_test:vfork_chidl", "no test vfork_chidl in clone_test", "vfork_child")

    def test_a_script_is_whole(self):
        self.refused("tool_test.sh:help", "run whole")


class Places(unittest.TestCase):
    def setUp(self):
        self.known = run.known_tests()

    def places(self, *kernels):
        """place -> names of tests"""
        chosen = run.choose(self.known, [])
        return {job.place: [test.name for test, _ in job.tests]
                for job in run.kernels_jobs(run.Run(), chosen, kernels)}

    def test_each_test_runs_somewhere(self):
        ran = set().union(*self.places("bookworm", "trixie", "debug", "kcsan").values())
        self.assertEqual({name for name, test in self.known.items()
                          if test.on_system() and test.kernels == "systems"
                          and test.machine == "vm"}, set(self.known) - ran)

    def test_each_kernel(self):
        places = self.places("bookworm", "trixie")
        self.assertEqual(set(places), {"bookworm", "bookworm-in-turn", "trixie",
                                       "trixie-in-turn", "host"})
        for name in "clone_test", "terminal_test.py", "torture_test.sh":
            self.assertIn(name, places["bookworm"])
            self.assertIn(name, places["trixie"])

    def test_one_kernel_is_enough(self):
        places = self.places("bookworm", "trixie")
        self.assertIn("tool_sanitized_test.sh", places["bookworm"])
        self.assertNotIn("tool_sanitized_test.sh", places["trixie"])
        self.assertNotIn("tool_test.sh", places["bookworm"])
        self.assertIn("tool_test.sh", places["trixie"])

    def test_debug_kernels_run_what_may_fail(self):
        places = self.places("debug", "kcsan")
        self.assertIn("tool_test.sh", places["debug"])
        self.assertIn("tool_sanitized_test.sh", places["debug"])
        self.assertIn("tool_sanitized_test.sh", places["kcsan"])
        self.assertEqual(places["debug-vm"], ["debug_test.sh"])
        self.assertEqual(places["kcsan-vm"], ["kcsan_test.sh"])


if __name__ == "__main__":
    tap.main()
