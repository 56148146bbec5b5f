#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Measures vprocns beside what a user would take instead, and probes what each gives.

As root, with vprocns loaded and build/bench and build/selftests made. Prints lines of
tab-separated words:

  peer NAME VERSION COMMAND    how it is started, with CMD for a program
  absent NAME WHY              it is not there, or can't run true
  time NAME WHAT ROUNDS BASE VALUE RATIO LOW HIGH
                               nanoseconds and ratios to unshare, by versus's words
  fact NAME FACT VALUE         what a probe program saw inside
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(__file__).resolve().parent.parent / "build"
BASE = "unshare"
# What bench measures inside, and how often in one run of it.
RATES = ["fork", "vfork_exec", "thread", "gettid"]
REPEATS = ["--warmup", "10", "--repeats", "21"]
# Each measurement may last so long, in seconds, but has at least so many rounds.
BUDGET, LEAST, RESTED, MOST = 8, 5, 15, 31
# Longer than a kernel keeps vprocns's hooks behind the last group.
REST = 6
# What everything is compared with, and what differs from vprocns by what it refuses.
UNTIMED = [BASE, "vprocns-linux"]
# Whether numbers are the same is judged by so many runs.
RUNS = 5
PATIENCE = 120
# Calls that a tracer which gives out numbers of its own must see.
TRACED = "clone,clone3,fork,vfork,gettid,getpid,capget,capset,unshare,setns"

PREFIXES = {
    "host": [],
    "unshare": ["unshare", "--pid", "--fork", "--mount-proc"],
    "vprocns": ["vprocns", "run", "--"],
    "vprocns-lineage": ["vprocns", "run", "--numbering", "lineage", "--seed", "1", "--"],
    "vprocns-strict": ["vprocns", "run", "--profile", "shadow-strict", "--"],
    "vprocns-linux": ["vprocns", "run", "--profile", "linux", "--"],
    "bwrap": ["bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc",
              "--unshare-pid", "--"],
    "firejail": ["firejail", "--quiet", "--noprofile", "--"],
    "nspawn": ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--console=pipe",
               "--link-journal=no", "--directory=ROOT", "--"],
    "crun": ["crun", "run", "--bundle=BUNDLE", "peer"],
    "runc": ["runc", "run", "--bundle=BUNDLE", "peer"],
    "proot": ["proot"],
    "strace": ["strace", "--seccomp-bpf", "--follow-forks", "--output=/dev/null",
               f"--trace={TRACED}", "--"],
    # Last: what it leaves behind when it is stopped would disturb the others.
    "runsc": ["runsc", "--platform=ptrace", "--network=none", "--ignore-cgroups", "do"],
}
# A user namespace, for those that make one only when told to.
USER_OPTIONS = {"unshare": ["--user", "--map-root-user"]}
NOBODY = 65534


def say(*words):
    print(*words, sep="\t", flush=True)


class Place:
    """Programs, a root file system and bundles that all peers can reach."""

    def __init__(self, directory):
        self.directory = directory
        self.bundles = {}
        directory.chmod(0o755)
        for program in ("bench/bench", "bench/probe", "selftests/racer"):
            shutil.copy(BUILD / program, directory)
        shutil.copytree(BUILD.parent / "demo/hello", directory / "hello")
        self.root = directory / "root"
        self.root.mkdir()
        subprocess.run(["mount", "--bind", "/", self.root], check=True)

    def leave(self):
        subprocess.run(["umount", self.root], check=True)

    def bundle(self, argv, group):
        """What `runc spec` says, but for the program, its root, and who may run it."""
        words = tuple(map(str, argv))
        key = (words, group)
        if key not in self.bundles:
            bundle = self.directory / f"bundle{len(self.bundles)}"
            bundle.mkdir()
            rootless = [] if group is None else ["--rootless"]
            subprocess.run(["runc", "spec", *rootless], cwd=bundle, check=True)
            path = bundle / "config.json"
            config = json.loads(path.read_text())
            config["process"]["terminal"] = False
            config["process"]["args"] = words
            config["root"] = {"path": str(self.root), "readonly": False}
            if rootless:
                config["linux"]["uidMappings"][0]["hostID"] = NOBODY
                config["linux"]["gidMappings"][0]["hostID"] = group
            path.write_text(json.dumps(config))
            self.bundles[key] = bundle
        return self.bundles[key]

    def command(self, name, argv, group=None):
        """argv inside of the peer; with a group, as nobody with that one could start it."""
        prefix = PREFIXES[name]
        if "--bundle=BUNDLE" in prefix:
            return [word.replace("BUNDLE", str(self.bundle(argv, group))) for word in prefix]
        if group is not None:
            prefix = prefix[:1] + USER_OPTIONS.get(name, []) + prefix[1:]
        return [word.replace("ROOT", str(self.root)) for word in prefix] + list(map(str, argv))


def run(command, **where):
    """The program's output, or RuntimeError with its last words."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=PATIENCE, check=False, **where)
    except FileNotFoundError:
        raise RuntimeError("not installed") from None
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"not done after {PATIENCE} seconds") from None
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines() or [""]
        raise RuntimeError(f"status {done.returncode}: {words[-1].strip()}")
    return done.stdout


def version(name):
    program = PREFIXES[name][:1]
    if not program:
        return os.uname().release
    return re.search(r"\d[-+~.:\w]*", run([*program, "--version"]))[0]


def versus(place, name, argv, *options):
    """One unmeasured round tells how many fit the budget."""
    commands = [*place.command(BASE, argv), "::", *place.command(name, argv)]
    program = [BUILD / "bench/versus", *options]
    first = run([*program, "--rounds", "1", *commands]).split("\t")
    rests = 2 * REST if "--rest" in options else 0
    rounds = BUDGET / ((float(first[1]) + float(first[2])) / 1e9 + rests)
    # A rest is no work: those pairs may be as many as a median deserves.
    rounds = max(RESTED if rests else LEAST, min(MOST, int(rounds)))
    return run([*program, "--rounds", str(rounds), *commands]).strip().split("\t")


def rates_of(place, name):
    """{bench: nanoseconds} by one run of bench inside, on one CPU."""
    bench = ["taskset", "-c", "1", place.directory / "bench", *REPEATS, *RATES]
    lines = run(place.command(name, bench)).splitlines()
    return {words[0]: float(words[1]) for words in map(str.split, lines)}


def time_rates(place, name):
    """Likewise paired: one run inside unshare, one inside the peer, and again."""
    pairs = [(rates_of(place, BASE), rates_of(place, name)) for _ in range(LEAST)]
    for bench in RATES:
        bases = [base[bench] for base, _ in pairs]
        values = [value[bench] for _, value in pairs]
        low, ratio, high = statistics.quantiles(map(lambda a, b: b / a, bases, values),
                                                n=4, method="inclusive")
        say("time", name, bench, LEAST, f"{statistics.median(bases):.0f}",
            f"{statistics.median(values):.0f}", f"{ratio:.3f}", f"{low:.3f}", f"{high:.3f}")


def time_peer(place, name):
    # What they leave behind is gone after a rest; others need none.
    rest = ["--rest", str(REST)] if name.startswith("vprocns") else []
    make = ["make", "-sB", "-j2", "-C", place.directory / "hello"]
    say("time", name, "warm", *versus(place, name, ["true"]))
    say("time", name, "cold", *versus(place, name, ["true"], "--cold", *rest))
    time_rates(place, name)
    say("time", name, "make", *versus(place, name, make))


def same(place, name, argv):
    """Whether it prints the same, in whichever order, in each of RUNS runs."""
    command = place.command(name, argv)
    seen = {tuple(sorted(run(command).splitlines())) for _ in range(RUNS)}
    return "same" if len(seen) == 1 else f"{len(seen)} ways in {RUNS} runs"


def as_user(place, name):
    """Whether somebody without capabilities, who may open /dev/vprocns, gets true to run."""
    group = os.stat("/dev/vprocns").st_gid if os.path.exists("/dev/vprocns") else NOBODY
    with tempfile.TemporaryDirectory(dir=place.directory) as own:
        os.chown(own, NOBODY, group)
        try:
            run(["setpriv", f"--reuid={NOBODY}", f"--regid={group}", "--clear-groups",
                 *place.command(name, ["true"], group)],
                cwd=own, env={**os.environ, "HOME": own, "XDG_RUNTIME_DIR": own})
        except RuntimeError as error:
            return f"no: {error}"
    return "yes"


def chosen(place, name):
    """The number that a task got which was to have 5000."""
    if not name.startswith("vprocns"):
        return run(place.command(name, [place.directory / "probe", "--choose"])).split()[1]
    prefix, command, *rest = place.command(name, [place.directory / "probe"])
    return run([prefix, command, "--first", "5000", *rest]).split()[1]


def probe_peer(place, name):
    """Each fact by a program that looks; one that fails is a fact as well."""
    probe = [place.directory / "probe"]
    facts = dict(line.split("\t") for line in run(place.command(name, probe)).splitlines())
    for fact, value in facts.items():
        say("fact", name, fact, value)
    questions = {
        "chosen": lambda: chosen(place, name),
        "same": lambda: same(place, name, probe),
        "racing": lambda: same(place, name, [place.directory / "racer"]),
        "user": lambda: as_user(place, name),
    }
    for fact, question in questions.items():
        try:
            say("fact", name, fact, question())
        except RuntimeError as error:
            say("fact", name, fact, error)


def measure(place, name, parts):
    try:
        number = version(name)
        run(place.command(name, ["true"]))
    except RuntimeError as error:
        say("absent", name, error)
        return
    say("peer", name, number, " ".join([*PREFIXES[name], "CMD"]))
    if "time" in parts and name not in UNTIMED:
        time_peer(place, name)
    if "fact" in parts:
        probe_peer(place, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["time", "fact"], help="measure, or probe, alone")
    parser.add_argument("peer", nargs="*", choices=[[], *PREFIXES], help="all if none is given")
    arguments = parser.parse_args()
    parts = [arguments.only] if arguments.only else ["time", "fact"]
    # Neither in /tmp nor in /var/tmp: some give the program one of its own.
    with tempfile.TemporaryDirectory(dir="/srv") as directory:
        place = Place(pathlib.Path(directory))
        try:
            for name in arguments.peer or PREFIXES:
                measure(place, name, parts)
        finally:
            place.leave()


if __name__ == "__main__":
    main()
