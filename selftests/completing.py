# SPDX-License-Identifier: GPL-2.0
"""What real shells offer on a command line, by the completion of this checkout."""
import os
import pathlib
import pty
import re
import select
import shlex
import subprocess
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
COMPLETION = TOP / "tools/completion"
# Whose first has the tool.
PATH = [str(TOP / "build/bin"), os.environ["PATH"]]


class Interactive:
    """A shell on a terminal of its own."""

    def __init__(self, *argv):
        self.place = tempfile.TemporaryDirectory()
        self.said = pathlib.Path(self.place.name, "said")
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(PATH=":".join(PATH), TERM="dumb", HOME=self.place.name, ZDOTDIR=self.place.name)
            os.execvp(argv[0], argv)
        self.marks = 0

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.pid, 0)
        self.place.cleanup()

    def type(self, text):
        """Types, and waits until the shell has done all of it."""
        self.marks += 1
        mark = pathlib.Path(self.place.name, f"mark{self.marks}")
        rest = f"{text}\n: >{mark}\n".encode()
        end = time.monotonic() + 30 * int(os.environ.get("PATIENCE", 1))
        while not mark.exists():
            if time.monotonic() > end:
                raise TimeoutError(text)
            readable, writable, _ = select.select([self.terminal], [self.terminal] if rest else [], [], 0.05)
            if readable:
                os.read(self.terminal, 65536)
            if writable:
                rest = rest[os.write(self.terminal, rest[:512]):]

    def words(self):
        return set(self.said.read_text().split("\n")) - {""}


class Bash(Interactive):
    def __init__(self):
        super().__init__("bash", "--norc", "--noprofile", "-i")
        self.type("[ ! -e /usr/share/bash-completion/bash_completion ] || . /usr/share/bash-completion/bash_completion")
        self.type(f". {COMPLETION}/vprocns")

    def offered(self, line):
        before = len(shlex.split(line + "x")) - 1
        # Escape and a star write all that is offered; then the line is the words of a command.
        self.type(f"{line}\x1b*\x01set -- \x05")
        self.type(f"shift {before}; printf '%s\\n' \"$@\" >{self.said}")
        return self.words() - {shlex.split(line + "x")[-1][:-1]}


class Zsh(Interactive):
    # compadd tells what of it the shell would show.
    SETUP = """
unsetopt beep prompt_cr prompt_sp
fpath=(%s $fpath)
autoload -Uz compinit && compinit -D -u
bindkey '^I' complete-word
compadd() {
	if [[ ${@[1,(i)(-|--)]} == *-[OAD]\\ * ]]; then
		builtin compadd "$@"
		return
	fi
	local -a hits
	builtin compadd -A hits "$@"
	print -rl -- $hits >>%s
	builtin compadd "$@"
}
"""

    def __init__(self):
        super().__init__("zsh", "-f", "-i")
        setup = pathlib.Path(self.place.name, "setup")
        setup.write_text(self.SETUP % (COMPLETION, self.said))
        self.type(f". {setup}")

    def offered(self, line):
        self.said.write_text("")
        os.write(self.terminal, f"{line}\t".encode())
        # Keys that wait already would cut the completion short.
        end = time.monotonic() + 3
        while not self.words() and time.monotonic() < end:
            if select.select([self.terminal], [], [], 0.05)[0]:
                os.read(self.terminal, 65536)
        # The line is given up by Ctrl-U.
        self.type("\x15")
        return {re.sub("=$", "", word) for word in self.words()}


class Fish:
    def __init__(self):
        self.place = tempfile.TemporaryDirectory()

    def close(self):
        self.place.cleanup()

    def offered(self, line):
        said = subprocess.run(
            ["fish", "-c", f"source {COMPLETION}/vprocns.fish; complete -C {shlex.quote(line)}"], text=True,
            capture_output=True, check=True,
            env=dict(os.environ, PATH=":".join(PATH), TERM="dumb", HOME=self.place.name, XDG_CONFIG_HOME=self.place.name))
        if said.stderr:
            raise RuntimeError(said.stderr)
        return {word.split("\t")[0].rstrip("=") for word in said.stdout.splitlines()}


SHELLS = {"bash": Bash, "zsh": Zsh, "fish": Fish}
