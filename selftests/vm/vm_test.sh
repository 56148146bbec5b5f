#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The test machine itself: what a test relies on must fail when it should.
. "$(dirname "$0")/../tap.sh"

vm=("$(dirname "$0")/run" --no-module)
# Made on first use, which is told on standard error.
"$(dirname "$0")/root" bookworm >&2

run "${vm[@]}" -- sh -c 'echo to-out; echo to-err >&2; exit 7'
say "$((status != 7))" "the status of a command"
say "$([[ $out == to-out ]]; echo $?)" "its standard output"
say "$([[ $err == to-err ]]; echo $?)" "its standard error"
run "${vm[@]}" -- sh -c 'echo "WARNING: of a test" >/dev/kmsg'
is "a warning in the kernel's log fails the run" 124
run "${vm[@]}" -- sh -c 'echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger'
is "a crash fails the run" 125
say "$(grep -q 'Kernel panic.*sysrq' <<<"$err"; echo $?)" "and the end of the kernel's log tells why"
run "${vm[@]}" --append reboot=triple -- sh -c \
	'echo 1 >/proc/sys/kernel/sysrq; echo b >/proc/sysrq-trigger'
say "$(grep -q '^Triple fault' <<<"$err"; echo $?)" "so does a triple fault, which the log knows nothing of"
run env VM_TIMEOUT=10 "${vm[@]}" -- sleep 1000
is "a hang fails the run" 125
run env VM_BOOT_TIMEOUT=3 "${vm[@]}" --append rdinit=/bin/sh -- true
is "a kernel that does not come up is booted twice" 125
say "$(grep -q 'stuck at its boot; once more' <<<"$err"; echo $?)" "which is said"
run "${vm[@]}" --kernel nosuch -- true
is "wrong usage" 2
run "${vm[@]}" --icount --cpus 2 -- true
is "instructions are counted on one CPU" 2
run "${vm[@]}" --in-turn -- nproc
is "two CPUs that take turns" 0 2
# By a real clock, hardly two of the loops take the same to the nanosecond.
run "${vm[@]}" --icount -- python3 -c '
import collections, os, time

def loop():
    begin = time.perf_counter_ns()
    for _ in range(10000):
        pass
    return time.perf_counter_ns() - begin

times = collections.Counter(loop() for _ in range(200)).most_common(2)
print(*times)
raise SystemExit(7 if os.cpu_count() == 1 and times[0][1] >= 20 else 1)'
is "time is instructions, and the status that of the command" 7

# What is typed and what is seen, where the terminal is a pipe.
work=$(mktemp -d)
mkfifo "$work/keys"
# shellcheck disable=SC2016
"${vm[@]}" --shell -- sh -c 'tty; echo ready; read -r word; echo "<$word>"; exit 7' \
	<"$work/keys" >"$work/seen" 2>"$work/err" &
exec 5>"$work/keys"
PATIENCE=10 await grep -q ready "$work/seen"
echo typed >&5
run wait $!
is "--shell: the status of a command on the terminal" 7
run tr -d '\r' <"$work/seen"
has "--shell: it has a terminal" '^/dev/ttyS1$'
has "--shell: it reads what is typed" '^<typed>$'
exec 5>&-
run "${vm[@]}" --gdb -- true
is "--gdb: wrong without the module" 2
"$(dirname "$0")/run" --gdb -- vprocns run -- true >"$work/seen" 2>"$work/err" &
PATIENCE=10 await grep -q "CMD waits for" "$work/err"
run gdb -nx -batch -x "$(grep -o '[^ ]*$' "$work/err")" -ex 'break system_ioctl' \
	-ex continue -ex bt -ex delete -ex detach
has "--gdb: a debugger stops in the module, at its source" ' system_ioctl .* at .*module/control.c:[0-9]+$'
run wait $!
is "--gdb: and lets it go on" 0
rm -rf "$work"
tap_end
