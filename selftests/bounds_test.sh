#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a clone may cost at most, however many tasks there are: how often it asks the
# kernel for a number, and gives back a wrong one, counted by kprobes.
. "$(dirname "$0")/tap.sh"

dir=$(mktemp -d /tmp/bounds.XXXXXX)
# A name that no other task has.
cp "$(command -v python3)" "$dir/filler"

# argv[1] tasks with its own, then kernel.pid_max, which some kernels have in each
# namespace, becomes argv[2], if there is one; then five forks by the name of forker.
# shellcheck disable=SC2016
program='
import os, sys, threading, time
threading.stack_size(65536)
ready, ends = threading.Semaphore(0), threading.Event()
def wait():
    ready.release()
    ends.wait()
for _ in range(int(sys.argv[1]) - 1):
    threading.Thread(target=wait).start()
    ready.acquire()
print("filled", flush=True)
sys.stdin.readline()
for pid_max in sys.argv[2:]:
    with open("/proc/sys/kernel/pid_max", "w") as file:
        file.write(pid_max)
with open(f"/proc/self/task/{threading.get_native_id()}/comm", "w") as comm:
    comm.write("forker")
for _ in range(5):
    try:
        pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
        print("forked")
    except BlockingIOError:
        print("EAGAIN")
sys.stdout.flush()
ends.set()
os._exit(0)'

echo "p:bounds/find find_pid_ns" >>$tracing/kprobe_events
echo "p:bounds/free free_pid" >>$tracing/kprobe_events
echo 'comm == "forker"' >$tracing/events/bounds/filter

# forks_in FIRST LAST TASKS [PID_MAX]: in a range where so many are, what five forks
# come to, and how often they look and give back, if that is more than 8 times
# each: a look and a number too high for either half of the range, a last look, and the
# kernel's own.
forks_in() {
	local range=(--first "$1" --last "$2") status=0 looks
	shift 2
	mkfifo "$dir/go"
	vprocns run "${range[@]}" --numbering "$numbering" -- \
		"$dir/filler" -c "$program" "$@" <"$dir/go" >"$dir/out" &
	exec {go}>"$dir/go"
	await grep -q filled "$dir/out"
	echo >$tracing/trace
	echo 1 >$tracing/events/bounds/enable
	echo >&$go
	exec {go}>&-
	wait $! || status=$?
	echo 0 >$tracing/events/bounds/enable
	rm "$dir/go"
	looks=$(grep -c "forker-" $tracing/trace)
	sed 1d "$dir/out" | sort | uniq -c | sed 's/^ *//'
	((looks >= 5 && looks <= 40)) || echo "$looks looks"
	return $status
}

pid_max=$(</proc/sys/kernel/pid_max)
sysctl -q kernel.pid_max=4194304
for numbering in sequential lineage; do
	run forks_in 1000 1199 198
	is "a nearly full range is looked through at once: $numbering" 0 "5 forked"
	run forks_in 1000 1199 200
	is "so is a full one: $numbering" 0 "5 EAGAIN"
	run forks_in 50000 4194303 100 50050
	is "so is one that kernel.pid_max has cut off: $numbering" 0 "5 EAGAIN"
	sysctl -q kernel.pid_max=4194304
done
sysctl -q kernel.pid_max="$pid_max"

for name in find free; do
	echo "-:bounds/$name" >>$tracing/kprobe_events
done
rm -r "$dir"
tap_end
