#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# preemption_test.sh [inside]: what runs with preemption off takes as many instructions
# among many members as among few. On the host it boots a machine whose clock counts
# them, and is run there once more.
[[ ${1-} == inside ]] || VM_NAME=preemption exec "$(dirname "$0")/vm/run" --icount -- "$0" inside
. "$(dirname "$0")/tap.sh"

dir=$(mktemp -d /tmp/preemption.XXXXXX)

# argv[1] tasks with its own, then 41 forks by the name of forker.
program='
import _thread, os, sys, threading
threading.stack_size(65536)
ready, ends = threading.Semaphore(0), threading.Event()
def wait():
    ready.release()
    ends.wait()
others = range(int(sys.argv[1]) - 1)
for _ in others:
    _thread.start_new_thread(wait, ())
for _ in others:
    ready.acquire()
with open(f"/proc/self/task/{threading.get_native_id()}/comm", "w") as comm:
    comm.write("forker")
for _ in range(41):
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
os._exit(0)'

# Our probes, in which the locks are taken. The clock is the processor's: one an instruction.
for probe in newtask exit; do
	echo "p:held/begin_$probe vprocns:vprocns_probe_$probe" >>$tracing/kprobe_events
	echo "r:held/end_$probe vprocns:vprocns_probe_$probe" >>$tracing/kprobe_events
done
echo 'comm == "forker"' >$tracing/events/held/filter
clock=$(sed 's/.*\[\(.*\)\].*/\1/' $tracing/trace_clock)
echo x86-tsc >$tracing/trace_clock
echo 1 >$tracing/events/held/enable

# held TASKS: the median of what a fork takes in each probe among so many, as
# "exit=N newtask=N".
held() {
	echo >$tracing/trace
	vprocns "${how[@]}" -- python3 -c "$program" "$1"
	sed -nE 's/.* ([0-9]+): (begin|end)_(newtask|exit): .*/\1 \2 \3/p' $tracing/trace |
		awk '$2 == "begin" { begin[$3] = $1 } $2 == "end" { print $3, $1 - begin[$3] }' |
		sort -k1,1 -k2,2n | awk '
			{ took[$1, ++count[$1]] = $2 }
			END { for (probe in count) print probe "=" took[probe, int((count[probe] + 1) / 2)] }' |
		sort
}

# grown FEW MANY: those of MANY that took more than FEW by what a list of 1,000 would.
grown() {
	awk 'BEGIN {
		for (i = 1; i <= 2; i++) {
			split(ARGV[i], few, "=")
			split(ARGV[i + 2], many, "=")
			if (few[1] != many[1] || !few[2] || many[2] > few[2] + 1000)
				print few[1], "took", few[2], "among few,", many[2], "among many"
		}
	}' "$@"
}

# compare NAME COMMAND [OPTION]...: a group by that command.
compare() {
	local name=$1
	how=("${@:2}")
	few=$(held 2)
	many=$(held 1000)
	# shellcheck disable=SC2086
	run grown $few $many
	is "as long among 1,000 members as among two: $name" 0 ""
}

# With sequential numbering it takes a reader that there are probes.
compare "lineage" run --numbering lineage
compare "a reader" record --quiet -o "$dir/recording"

echo 0 >$tracing/events/held/enable
echo "$clock" >$tracing/trace_clock
for probe in newtask exit; do
	echo "-:held/begin_$probe" >>$tracing/kprobe_events
	echo "-:held/end_$probe" >>$tracing/kprobe_events
done
rm -r "$dir"
tap_end
