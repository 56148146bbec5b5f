# SPDX-License-Identifier: GPL-2.0
"""TAP, read strictly: what any consumer of TAP fails is failed here as well.

guest.sh and run.py frame what each program prints:

    === NAME
    (the program's output)

    === status N
    === log clean

The empty line is the frame's. Where it is missing, the program's last line was
cut off. The last line says whether the kernel's log stayed clean; "dirty" comes
after what the log complains of, as comments. Programs that need no kernel have none.

Tests that are written in Python print TAP by main().
"""
import re
import sys
import unittest
from typing import Iterable, Iterator, NamedTuple, Optional

PLAN = re.compile(r"1\.\.(\d+)(?:\s*#\s*SKIP\b\s*(.*))?\s*$", re.IGNORECASE)
RESULT = re.compile(r"(not )?ok\b(?:[ \t]+(\d+))?(.*)$")
DIRECTIVE = re.compile(r"(?:^|\s)#\s*(SKIP|TODO|XFAIL)\b\S*\s*(.*)$", re.IGNORECASE)
STATUS = re.compile(r"=== status (\d+)$")
LOG = re.compile(r"=== log (clean|dirty)$")
# What the kernel's harness prints about each test, failed or not.
HARNESS = re.compile(r"# +(RUN|OK|Starting|Totals|PASSED|FAILED:)")


class Result(NamedTuple):
    """One result as the program printed it, with the comments that belong to it."""
    number: Optional[int]
    passed: bool
    name: str
    directive: str = ""  # SKIP, TODO, XFAIL or nothing
    reason: str = ""
    comments: tuple = ()

    def __str__(self):
        words = ["ok" if self.passed else "not ok"]
        if self.number is not None:
            words.append(str(self.number))
        if self.name:
            words.append(self.name)
        if self.directive:
            words.append(f"# {self.directive} {self.reason}".rstrip())
        return " ".join(words)


class Program:
    """What one test program printed. `faults` are what no result says: each counts as
    a failure of its own. `nested` takes results of a subtest ("# ok 1") for results."""

    def __init__(self, name: str, nested: bool = False):
        self.name = name
        self.nested = nested
        self.plan: Optional[int] = None
        self.plan_skips = ""
        self.results: list[Result] = []
        self.faults: list[str] = []
        self.status: Optional[int] = None
        self.log: Optional[bool] = None
        self.log_comments: list[str] = []
        self.comments: list[str] = []
        self.last_line: Optional[str] = None
        self.plan_is_last = False

    def read(self, line: str) -> None:
        """Takes one line, without its end."""
        if self.status is None:
            self._read_output(line)
        elif log := LOG.match(line):
            self.log = log[1] == "clean"
        elif line.startswith("#"):
            self.log_comments.append(line)
        elif line:
            self.faults.append(f"printed after its end: {line}")

    def _read_output(self, line: str) -> None:
        if status := STATUS.match(line):
            self.status = int(status[1])
            if self.last_line is None:
                self.faults.append("the frame is broken: no line before the status")
            elif self.last_line:
                self.faults.append(f"cut off in a line: {self.last_line}")
            return
        self.last_line = line
        if self.nested:
            line = re.sub(r"^(# )+(?=(not )?ok\b)", "", line)
        if plan := PLAN.match(line):
            self._read_plan(int(plan[1]), plan[2])
        elif line.startswith("Bail out!"):
            self.faults.append(line.strip())
        elif result := RESULT.match(line):
            self._read_result(*result.groups())
        elif line.startswith("#") and not HARNESS.match(line):
            self.comments.append(line)

    def _read_plan(self, count: int, reason: Optional[str]) -> None:
        if self.plan is not None:
            self.faults.append(f"a second plan, 1..{count}")
            return
        self.plan = count
        if count == 0:
            self.plan_skips = reason or "without a reason"
        self.plan_is_last = bool(self.results)

    def _read_result(self, bad: Optional[str], number: Optional[str], rest: str) -> None:
        directive, reason = "", ""
        if found := DIRECTIVE.search(rest):
            directive, reason = found[1].upper(), found[2].strip()
            rest = rest[:found.start()]
        name = re.sub(r"^(\s*-)?\s*", "", rest).strip()
        result = Result(int(number) if number else None, not bad, name, directive, reason,
                        tuple(self.comments))
        self.comments = []
        due = len(self.results) + 1
        if result.number is None:
            self.faults.append(f"a result without a number: {result}")
        elif result.number != due:
            self.faults.append(f"number {result.number} where {due} was due: {result}")
        if self.plan_is_last:
            self.faults.append(f"a result after the plan at the end: {result}")
        self.results.append(result)

    def end(self) -> None:
        """The output is over: what is missing becomes known."""
        if self.status is None:
            self.faults.append("it did not come to its end")
        elif self.status >= 128:
            self.faults.append(f"ended by signal {self.status - 128}")
        if self.plan is None:
            self.faults.append("no plan")
        elif self.plan != len(self.results):
            self.faults.append(f"{len(self.results)} results where {self.plan} were planned")


class Verdict:
    """What a program's output amounts to: counts, and what to tell about failures."""

    def __init__(self, program: Program, may_skip):
        """may_skip(REASON) says whether that may be skipped here."""
        self.passed = self.failed = 0
        self.skips: dict[str, int] = {}
        self.tells: list[str] = []
        for result in program.results:
            if result.directive == "SKIP" and result.passed:
                self._skip(result.reason, may_skip, str(result))
            elif result.passed and not result.directive:
                self.passed += 1
            else:
                self._fail(str(result), result.comments)
        if program.plan == 0 and not program.results:
            self._skip(program.plan_skips, may_skip, f"1..0 # SKIP {program.plan_skips}")
        # What the last result has nothing to do with: why a program ended early.
        for fault in program.faults:
            self._fail(f"# {program.name}: {fault}", ())
        if program.faults:
            self.tells += program.comments
        if program.status and program.status < 128 and not self.failed:
            self._fail(f"# {program.name}: status {program.status} without a failed result",
                       program.comments)
        if program.log is not None:
            if program.log:
                self.passed += 1
            else:
                self._fail("not ok - the kernel's log stays clean", program.log_comments)
        self.skipped = sum(self.skips.values())

    def _fail(self, line: str, comments: Iterable[str]) -> None:
        self.failed += 1
        self.tells += [line, *comments]

    def _skip(self, reason: str, may_skip, line: str) -> None:
        if may_skip(reason):
            self.skips[reason] = self.skips.get(reason, 0) + 1
        else:
            self._fail(f"not {line}: not in selftests/skips", ())


def programs(lines: Iterable[str], nested: bool = False) -> Iterator[Program]:
    """Each program as soon as what it printed is over."""
    program = None
    for line in lines:
        whole = line.endswith("\n")
        line = line.rstrip("\r\n")
        mark = line.startswith("=== ") and not STATUS.match(line) and not LOG.match(line)
        if mark and (program is None or program.status is not None):
            if program:
                program.end()
                yield program
            program = Program(line[4:], nested)
        elif program:
            program.read(line)
            if not whole:
                program.faults.append(f"cut off in a line: {line}")
            if program.log is not None:
                program.end()
                yield program
                program = None
        elif line:
            program = Program("(before the first program)", nested)
            program.faults.append(f"printed before any program began: {line}")
    if program:
        program.end()
        yield program


class Skips:
    """The skips that are allowed: rows of `where<TAB>reason`, both patterns."""

    def __init__(self, lines: Iterable[str]):
        rows = [line.rstrip("\n").split("\t") for line in lines
                if line.strip() and not line.startswith("#")]
        self.rows = [(re.compile(where), re.compile(reason)) for where, reason in rows]

    def allow(self, where: str, reason: str) -> bool:
        """Whether a test may be skipped for that reason on the kernel called @where."""
        return bool(reason) and any(w.search(where) and r.search(reason) for w, r in self.rows)


class _Printer(unittest.TestResult):
    """One result a test, whatever comes of its subtests."""

    def __init__(self):
        super().__init__()
        self.count, self.troubles, self.skip = 0, [], None

    def startTest(self, test):
        super().startTest(test)
        self.troubles, self.skip = [], None

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._trouble(test, self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self._trouble(test, self.errors[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self._trouble(subtest, self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.skip = reason

    def _trouble(self, test, text):
        self.troubles.append(test)
        for line in f"{test}\n{text}".splitlines():
            print(f"# {line}", flush=True)

    def stopTest(self, test):
        super().stopTest(test)
        self.count += 1
        word = "not ok" if self.troubles else "ok"
        name = test.id().removeprefix("__main__.")
        print(f"{word} {self.count} {name}" + (f" # SKIP {self.skip}" if self.skip else ""),
              flush=True)


def main() -> None:
    """Runs the tests of the calling program, or those that its arguments name
    (Class.method), and prints TAP."""
    loader = unittest.defaultTestLoader
    try:
        suite = (loader.loadTestsFromNames(sys.argv[1:], sys.modules["__main__"])
                 if sys.argv[1:] else loader.loadTestsFromModule(sys.modules["__main__"]))
    except AttributeError as error:
        sys.exit(f"{sys.argv[0]}: {error}")
    print(f"TAP version 13\n1..{suite.countTestCases()}", flush=True)
    printer = _Printer()
    suite.run(printer)
    sys.exit(not printer.wasSuccessful())
