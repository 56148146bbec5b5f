#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""`vprocns run` under a shell's job control: Ctrl-C, Ctrl-Z, fg. TAP."""
import os
import pty
import re
import select
import sys
import time


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["PS1"] = "prompt> "
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
        self.seen = ""

    def type(self, text):
        self.seen = ""
        os.write(self.fd, text.encode())

    def expect(self, pattern, seconds=20):
        end = time.monotonic() + seconds * int(os.environ.get("PATIENCE", 1))
        while not re.search(pattern, self.seen):
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                return False
            self.seen += os.read(self.fd, 4096).decode(errors="replace")
        return True


def main():
    shell = Shell()
    count = 0
    failed = 0

    def step(name, text, pattern):
        nonlocal count, failed
        count += 1
        shell.type(text)
        good = shell.expect(pattern)
        print("ok" if good else "not ok", count, name, flush=True)
        if not good:
            failed += 1
            for line in shell.seen.splitlines():
                print("#", repr(line))

    print("TAP version 13")
    assert shell.expect("prompt> ")
    step("starts", "vprocns run -- sh -c 'echo at=$$; exec sleep 100'\n", r"at=1000\r")
    step("Ctrl-C ends it", "\x03", r"prompt> $")
    step("and the shell sees the signal", "echo status=$?\n", r"status=130\r")
    step("starts again", "vprocns run -- sh -c 'echo at=$$; sleep 2; echo over'\n", r"at=1000\r")
    step("Ctrl-Z stops it", "\x1a", r"Stopped[^\r]*vprocns run")
    step("it waits", "sleep 3; echo slept=$?\n", r"slept=0\r")
    step("fg goes on with it", "fg\n", r"over\r[\s\S]*prompt> $")
    step("to its end", "echo status=$?\n", r"status=0\r")
    step("a background job ends by kill", "vprocns run sleep 100 & sleep 1; kill %1; wait %1; echo status=$?\n",
         r"status=143\r")
    print(f"1..{count}")
    return failed != 0


sys.exit(main())
