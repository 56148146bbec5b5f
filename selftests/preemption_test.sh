#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# preemption_test.sh [inside]: what runs with preemption off takes as many instructions
# among many members as among few. On the host it boots a machine whose clock counts
# them, and is run there once more.
[[ ${1-} == inside ]] || VM_NAME=preemption exec "$(dirname "$0")/vm/run" --icount -- "$0" inside
. "$(dirname "$0")/tap.sh"

dir=$(mktemp -d /tmp/preemption.XXXXXX)

# argv[1] tasks with its own, and as many refusals but for one; when stdin has ended, 41
# forks by the name of forker, each with a refusal.
program='
import _thread, ctypes, os, sys, threading
threading.stack_size(65536)
CLONE_NEWUTS = 0x04000000
unshare = ctypes.CDLL(None).unshare
ready, ends = threading.Semaphore(0), threading.Event()
def wait():
    ready.release()
    ends.wait()
others = range(int(sys.argv[1]) - 1)
for _ in others:
    _thread.start_new_thread(wait, ())
for _ in others:
    ready.acquire()
    unshare(CLONE_NEWUTS)
sys.stdin.read()
with open(f"/proc/self/task/{threading.get_native_id()}/comm", "w") as comm:
    comm.write("forker")
for _ in range(41):
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    unshare(CLONE_NEWUTS)
os._exit(0)'

# Where locks are taken: our target of alloc_pid(), our probes and what counts a refusal.
# The clock is the processor's: one an instruction.
functions=(alloc_by_lineage vprocns_probe_newtask vprocns_probe_exit vprocns_refusal_add)
for function in "${functions[@]}"; do
	echo "p:held/begin_$function vprocns:$function" >>$tracing/kprobe_events
	echo "r:held/end_$function vprocns:$function" >>$tracing/kprobe_events
done
echo 'comm == "forker"' >$tracing/events/held/filter
clock=$(sed 's/.*\[\(.*\)\].*/\1/' $tracing/trace_clock)
echo x86-tsc >$tracing/trace_clock
echo 1 >$tracing/events/held/enable

# held TASKS: the median of what each function takes among so many, as "NAME=N" each.
held() {
	echo >$tracing/trace
	"${how[@]}" python3 -c "$program" "$1" </dev/null
	sed -nE 's/.* ([0-9]+): (begin|end)_(\w+): .*/\1 \2 \3/p' $tracing/trace |
		awk '$2 == "begin" { begin[$3] = $1 } $2 == "end" { print $3, $1 - begin[$3] }' |
		sort -k1,1 -k2,2n | awk '
			{ took[$1, ++count[$1]] = $2 }
			END { for (name in count) print name "=" took[name, int((count[name] + 1) / 2)] }' |
		sort
}

# grown COUNT FEW... MANY...: those of MANY that took more than FEW by what a list of 1,000
# would. COUNT is how many there are.
grown() {
	awk -v count="$1" 'BEGIN {
		half = (ARGC - 1) / 2
		for (i = 1; i <= half; i++) {
			split(ARGV[i], few, "=")
			split(ARGV[i + half], many, "=")
			if (few[1] != many[1] || !few[2] || many[2] > few[2] + 1000)
				print few[1], "took", few[2], "among few,", many[2], "among many"
		}
		if (half != count)
			print half, "functions were called, not", count
	}' "${@:2}"
}

# compare NAME COUNT COMMAND [OPTION]...: a group by that command, in which so many of the
# functions are called.
compare() {
	local name=$1
	how=("${@:3}")
	few=$(held 2)
	many=$(held 1000)
	# shellcheck disable=SC2086
	run grown "$2" $few $many
	is "as long among 1,000 members as among two: $name" 0 ""
}

compare "lineage" 3 vprocns run --quiet --numbering lineage --

# beside_joiner CMD...: beside a process with a slot, which each exit of a process looks
# for. The program goes on once nobody has the FIFO open any more.
beside_joiner() {
	vprocns run --quiet --numbering lineage --name crowd -- "$@" <"$dir/go" &
	exec {go}>"$dir/go"
	await bash -c 'vprocns ps crowd | grep -q " python3$"'
	vprocns exec --slot 7 crowd sleep 1000 {go}>&- &
	await bash -c 'vprocns ps crowd | grep -q " sleep$"'
	exec {go}>&-
	wait
}
mkfifo "$dir/go"
compare "a joiner with a slot" 3 beside_joiner

# Last, since the probe of a new task, which only a reader brings, stays some seconds.
compare "a reader" 4 vprocns record --quiet -o "$dir/recording" --

echo 0 >$tracing/events/held/enable
echo "$clock" >$tracing/trace_clock
for function in "${functions[@]}"; do
	echo "-:held/begin_$function" >>$tracing/kprobe_events
	echo "-:held/end_$function" >>$tracing/kprobe_events
done
rm -r "$dir"
tap_end
