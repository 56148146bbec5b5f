#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What stands in several places is the same in each: the version, the tool's commands
and options, and the licences. No kernel."""
import pathlib
import re
import subprocess
import unittest

import completing
import tap

TOP = pathlib.Path(__file__).resolve().parent.parent
TOOL = TOP / "build/bin/vprocns"
SPDX = re.compile(r"SPDX-License-Identifier: (.+?)(?: -->| \*/|\s*)$", re.MULTILINE)
# Formats without comments, texts that are the licence, and what others' tools write.
NO_SPDX = re.compile(r"^(LICENSE|LICENSES/.*|(.*/)?debian/.*|.*\.(json|jsonl|svg|png|tsv|csv|html)(\.in)?|"
                     r"selftests/vm/complaints|results/.*|NEWS)$")


def read(name):
    return (TOP / name).read_text(encoding="utf-8")


def licence_of(name):
    """What the file's first lines say it is under, or nothing."""
    found = SPDX.search("".join(read(name).splitlines(keepends=True)[:3]))
    return found[1] if found else ""


def tracked():
    """The files of the checkout; a copy without git has all of them but build/."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files"], cwd=TOP, text=True,
                            capture_output=True, check=False)
    if listed.returncode == 0:
        return [name for name in listed.stdout.splitlines() if (TOP / name).is_file()]
    return [str(path.relative_to(TOP)) for path in TOP.rglob("*")
            if path.is_file() and path.relative_to(TOP).parts[0] not in ("build", ".git")]


def help_of(*command):
    return subprocess.run([TOOL, *command, "--help"], text=True, capture_output=True,
                          check=True).stdout


def options_in(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def options_of(*command):
    """Those that a help lists, or has in its usage; not what it mentions otherwise."""
    return options_in("\n".join(line for line in help_of(*command).splitlines()
                                if re.match(r"usage:|\s+(--|vprocns )", line)))


def commands():
    return sorted(set(re.findall(r"^  ([a-z]+) ", help_of(), re.MULTILINE)))


def manual():
    """The manual as text, with options as they are typed."""
    return re.sub(r"\\-", "-", re.sub(r"\bFl ", "-", read("tools/vprocns.1")))


class Version(unittest.TestCase):
    def setUp(self):
        self.version = re.search(r'^MODULE_VERSION\("(.*)"\);', read("module/main.c"),
                                 re.MULTILINE)[1]

    def test_tool(self):
        said = subprocess.run([TOOL, "--version"], text=True, capture_output=True, check=True)
        self.assertIn(self.version, said.stdout.split())

    def test_dkms(self):
        # The installation fills it in.
        self.assertIn('PACKAGE_VERSION="#MODULE_VERSION#"', read("packaging/dkms.conf"))

    def test_manual(self):
        for page in TOP.glob("tools/*.[1-8]"):
            with self.subTest(page=page.name):
                self.assertIn(f"\n.Os vprocns {self.version}\n", page.read_text(encoding="utf-8"))

    def test_packages(self):
        for name in tracked():
            with self.subTest(name=name):
                if name.endswith("debian/changelog"):
                    self.assertRegex(read(name), rf"\Avprocns \({self.version}[-~+)]")
                elif name.endswith(".spec"):
                    stated = re.findall(r"(?m)^Version:\s*([0-9]\S*)", read(name))
                    self.assertEqual([], [one for one in stated if one != self.version])

    def test_news(self):
        first = re.search(r"^vprocns (\S+)", read("NEWS"), re.MULTILINE)[1]
        self.assertEqual(self.version, first)


class Tool(unittest.TestCase):
    def test_there_are_commands(self):
        self.assertIn("run", commands())

    def test_each_option_that_is_parsed_is_in_a_help(self):
        parsed = set()
        for source in TOP.glob("tools/*.c"), TOP.glob("tools/*.h"):
            for file in source:
                parsed |= set(re.findall(
                    r'{\s*"([a-z-]+)",\s*(?:no|required|optional)_argument', file.read_text()))
        self.assertIn("profile", parsed)
        # Engines call oci-hook, so completions don't offer it.
        helps = set().union(*map(options_of, [*commands(), "oci-hook"]), options_in(help_of()))
        self.assertEqual(set(), {f"--{name}" for name in parsed} - helps)

    def test_completions_offer_commands_and_options(self):
        for name, start in completing.SHELLS.items():
            shell = start()
            self.addCleanup(shell.close)
            with self.subTest(shell=name):
                offered = {word for word in shell.offered("vprocns ") if not word.startswith("-")}
                self.assertEqual(set(commands()) | {"help"}, offered)
            for command in commands():
                with self.subTest(shell=name, command=command):
                    offered = {word for word in shell.offered(f"vprocns {command} --") if word.startswith("--")}
                    self.assertEqual(options_of(command) | {"--help"}, offered)

    def test_completions_find_groups_alike(self):
        # tool_test.sh looks at what the line of bash's finds.
        lines = {name: re.findall(r"sed -n '.*'", read(f"tools/completion/{name}"))
                 for name in ("vprocns", "_vprocns", "vprocns.fish")}
        self.assertEqual(1, len(lines["vprocns"]))
        self.assertEqual({name: lines["vprocns"] for name in lines}, lines)

    def test_manual_has_each_command(self):
        text = manual()
        for command in commands():
            with self.subTest(command=command):
                self.assertRegex(text, rf"(?m)^\.(It|Cm|Ss|Nm).*\b{command}\b")

    def test_manual_has_each_option(self):
        there = options_in(manual())
        for command in commands():
            with self.subTest(command=command):
                self.assertEqual(set(), options_of(command) - there)

    def test_manual_has_each_column_counter_and_rule(self):
        words = set(re.findall(r'{ "([A-Z][A-Z-]*)",\s*COLUMN_', "".join(
            read(f"tools/{name}.c") for name in ("ls", "ps", "map", "explain", "check"))))
        words |= set(re.findall(r'counter\(table, "([a-z-]+)"', read("tools/stat.c")))
        words |= set(re.findall(r'\[VPROCNS_RULE_\w+\]\s*= "([a-z-]+)"', "".join(
            path.read_text() for path in TOP.glob("*/*.c"))))
        words |= set(re.findall(r'add(?:_text|_count)?\((?:all|one), "(\w+)"', read("tools/report.c")))
        self.assertLess(60, len(words))
        there = set(re.findall(r"[\w-]+", " ".join(re.findall(r"(?m)^\.(?:It )?Li (.*)", manual()))))
        self.assertEqual(set(), words - there)


class Device(unittest.TestCase):
    """The header describes each ioctl; vprocns(4) has each, with the same errnos."""

    def setUp(self):
        self.calls = {}
        for comment, call in re.findall(r"/\*\*\n((?: \*.*\n)+?) \*/\n#define (VPROCNS_\w+)\s+_IO", read("uapi/vprocns.h")):
            returned = comment.partition("Return:")[2]
            self.calls[call] = set(re.findall(r"(?m)^ \* \* (E[A-Z0-9]+) -", returned))
        page = read("tools/vprocns.4")
        self.described = set(re.findall(r"(?m)^\.It Dv (VPROCNS_\w+)", page))
        self.errors = {call: set() for call in self.calls}
        for heading, errors in re.findall(r"(?s)\nOf\s(.*?)\n\.Bl -tag -width Er\n(.*?)\n\.El", page):
            for call in self.calls if "every call" in heading else re.findall(r"\.Dv (\w+)", heading):
                self.errors[call] |= set(re.findall(r"(?m)^\.It Bq Er (\w+)", errors))

    def test_manual_has_each_call(self):
        self.assertLess(12, len(self.calls))
        self.assertEqual(set(self.calls), self.described)

    def test_manual_has_each_errno(self):
        for call, errnos in self.calls.items():
            with self.subTest(call=call):
                self.assertEqual(set(), errnos - self.errors[call])


class Licences(unittest.TestCase):
    def setUp(self):
        self.licences = {name: licence_of(name) for name in tracked() if not NO_SPDX.match(name)}

    def test_each_file_names_one(self):
        self.assertEqual([], [name for name, licence in self.licences.items() if not licence])

    def test_the_text_of_each_is_here(self):
        texts = "".join(path.read_text(encoding="utf-8") for path in TOP.glob("LICENSES/*/*"))
        named = {one for licence in self.licences.values()
                 for one in re.split(r" (?:WITH|OR|AND) ", licence) if one}
        self.assertIn("GPL-2.0", named)
        for one in named:
            with self.subTest(licence=one):
                self.assertRegex(texts, rf"(?m)^(Valid-License|SPDX-Exception)-Identifier: {one}$")


if __name__ == "__main__":
    tap.main()
