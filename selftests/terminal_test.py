#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""`vprocns run` and `exec` on a terminal, under a shell's job control and around one. TAP."""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["PS1"] = "prompt> "
            os.environ["TERM"] = "dumb"
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
        self.seen = ""

    def type(self, text):
        self.seen = ""
        os.write(self.fd, text.encode())

    def resize(self, rows, columns):
        self.seen = ""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

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

    def say(good, name):
        nonlocal count, failed
        count += 1
        print("ok" if good else "not ok", count, name, flush=True)
        if not good:
            failed += 1
            for line in shell.seen.splitlines():
                print("#", repr(line))

    def step(name, text, pattern):
        shell.type(text)
        say(shell.expect(pattern), name)

    def absent(name, word):
        say(word not in shell.seen, name)

    print("TAP version 13")
    assert shell.expect("prompt> ")
    step("starts", "vprocns run -- sh -c 'echo at=$$; exec sleep 100'\n", r"at=\d+\r")
    step("Ctrl-C ends it", "\x03", r"prompt> $")
    step("and the shell sees the signal", "echo status=$?\n", r"status=130\r")
    step("Ctrl-\\ too", "vprocns run -- sh -c 'echo at=$$; exec sleep 100'\n", r"at=\d+\r")
    step("with its own signal", "\x1c", r"prompt> $")
    step("which the shell sees", "echo status=$?\n", r"status=131\r")

    step("a loop starts", "for i in 1 2 3; do echo round=$i; vprocns run -- sh -c 'echo in; exec sleep 100'; done\n",
         r"round=1\r[\s\S]*\bin\r")
    step("Ctrl-C ends the loop", "\x03", r"prompt> $")
    absent("no second round", "round=2")
    step("a script with a loop starts",
         "bash -c 'for i in 1 2 3; do echo round=$i; vprocns run sh -c \"echo in; exec sleep 100\"; done'\n",
         r"round=1\r[\s\S]*\bin\r")
    step("Ctrl-C ends the script", "\x03", r"prompt> $")
    absent("no second round", "round=2")

    step("starts again", "vprocns run -- sh -c 'echo at=$$; sleep 2; echo over'\n", r"at=\d+\r")
    time.sleep(0.5)
    step("Ctrl-Z stops it", "\x1a", r"Stopped[^\r]*vprocns run")
    step("it waits", "sleep 3; echo slept=$?\n", r"slept=0\r")
    step("fg goes on with it", "fg\n", r"over\r[\s\S]*prompt> $")
    step("to its end", "echo status=$?\n", r"status=0\r")
    step("starts a third time", "vprocns run -- sh -c 'echo at=$$; sleep 2; echo over'\n", r"at=\d+\r")
    time.sleep(0.5)
    step("Ctrl-Z stops it again", "\x1a", r"Stopped[^\r]*vprocns run")
    step("bg goes on with it", "bg\n", r"over\r")
    step("to its end there", "wait; echo status=$?\n", r"status=0\r")
    step("a background job ends by kill", "vprocns run sleep 100 & sleep 1; kill %1; wait %1; echo status=$?\n",
         r"status=143\r")

    step("a background job that reads the terminal stops", "vprocns run sed 's/^/got=/' & sleep 2; jobs\n",
         r"Stopped[^\r]*vprocns run")
    step("fg gives it the terminal", "fg\n", r"vprocns run sed[^\r]*\r")
    step("so that it reads", "words\n", r"got=words\r")
    step("to the end of input", "\x04", r"prompt> $")
    step("and ends well", "echo status=$?\n", r"status=0\r")
    step("one that sets the terminal stops", "vprocns run stty sane & sleep 2; jobs\n",
         r"Stopped[^\r]*vprocns run")
    step("and goes on by fg", "fg\n", r"prompt> $")
    step("to its end then", "echo status=$?\n", r"status=0\r")

    step("in a pipeline", "vprocns run -- sh -c 'echo at=$$; exec sleep 100' | sed 's/^/from /'\n", r"from at=\d+\r")
    step("Ctrl-C ends all of it", "\x03", r"prompt> $")
    step("and one that pages", "vprocns run seq 3 | { read x; read y </dev/tty; echo got=$x,$y; }\n", r"y </dev/tty")
    step("reads the terminal", "line\n", r"got=1,line\r")
    step("and inside one", "echo 5 | vprocns run -- bash -c 'read x; read y </dev/tty; echo got=$x,$y'\n", r"</dev/tty")
    step("the program can ask for the terminal", "line\n", r"got=5,line\r")

    step("kill 0 stays inside", "bash -c 'vprocns run -- sh -c \"kill 0\"; echo after=$?'\n", r"after=143\r")
    step("the process group is inside", "vprocns run -- bash -c 'read -a s </proc/self/stat; echo pgrp=${s[4]},$$'\n",
         r"pgrp=(\d+),\1\r")

    # A handler would be too late where the signal comes just before the sleep.
    step("a program that looks at the window's size",
         "vprocns run python3 -c 'import os, signal; "
         "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH]); "
         "signal.signal(signal.SIGINT, signal.SIG_DFL); print(\"up\", flush=True); "
         "signal.sigwait([signal.SIGWINCH]); print(*os.get_terminal_size(), flush=True); "
         "signal.pause()'\n", r"\bup\r")
    shell.resize(30, 90)
    say(shell.expect(r"90 30\r"), "hears of its change")
    step("and ends by Ctrl-C", "\x03", r"prompt> $")

    step("a shell inside", "PS1='inner> ' vprocns run -- bash --norc --noprofile -i\n", r"inner> $")
    absent("which has job control", "no job control")
    step("runs a job", "echo $((40+2)); sleep 100\n", r"42\r")
    time.sleep(1)
    step("that Ctrl-C ends", "\x03", r"inner> $")
    step("with its signal", "echo status=$?\n", r"status=130\r")
    step("runs another", "echo $((40+3)); sleep 100\n", r"43\r")
    time.sleep(1)
    step("that Ctrl-Z stops", "\x1a", r"Stopped[^\r]*sleep 100[\s\S]*inner> $")
    step("bg goes on with", "bg; jobs\n", r"Running[^\r]*sleep 100")
    step("fg takes to the front", "fg\n", r"fg\r\n\r?sleep 100\r")
    time.sleep(1)
    step("and Ctrl-C ends", "\x03", r"inner> $")
    step("a background reader stops", "cat & sleep 1; jobs\n", r"Stopped[^\r]*cat")
    step("fg lets it read", "fg\n", r"fg\r\n\r?cat\r")
    step("what is typed", "words\n", r"words\r\n\r?words\r")
    step("to its end", "\x04", r"inner> $")
    step("suspend stops the whole group", "suspend -f\n", r"Stopped[\s\S]*prompt> $")
    step("and fg comes back to it", "fg\n", r"\n[\s\S]*inner> |inner> $")
    step("as it was", "echo $((40+4))\n", r"44\r[\s\S]*inner> $")
    step("the shell ends", "exit 7\n", r"prompt> $")
    step("with its status", "echo status=$?\n", r"status=7\r")

    if "--no-exec" not in sys.argv:
        step("a group to join", "vprocns run --name term sleep 1000 &\n", r"prompt> $")
        step("is there", "until vprocns exec term true; do sleep 0.2; done; echo ready=$?\n", r"ready=0\r")
        step("exec starts", "vprocns exec term sh -c 'echo at=$$; exec sleep 100'\n", r"at=\d+\r")
        time.sleep(0.5)
        step("Ctrl-Z stops exec", "\x1a", r"Stopped[^\r]*vprocns exec")
        step("fg goes on with exec", "fg\n", r"exec sleep 100")
        time.sleep(1)
        step("Ctrl-C ends exec", "\x03", r"prompt> $")
        step("by its signal", "echo status=$?\n", r"status=130\r")
        step("kill 0 in exec stays inside", "bash -c 'vprocns exec term sh -c \"kill 0\"; echo after=$?'\n",
             r"after=143\r")
        step("the group ends", "kill %1; wait %1; echo status=$?\n", r"status=143\r")
    print(f"1..{count}")
    return failed != 0


sys.exit(main())
