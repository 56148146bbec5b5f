#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Others that look at the functions that we hook, or at members: both keep
# working, whoever came first, and no member slips past its policy meanwhile.
# Runs in the VM, with the module loaded.
. "$(dirname "$0")/tap.sh"

tracing=/sys/kernel/tracing
setns=$(awk '$3 ~ /^__(x64|arm64)_sys_setns$/ { print $3 }' /proc/kallsyms)
work=$(mktemp -d)
watcher=

# In a group of its own, and in the one that lives if there is one.
guarded() {
	local seen
	# shellcheck disable=SC2016
	seen=$(vprocns run -- bash -c 'echo $BASHPID; (echo $BASHPID); unshare --uts true || echo refused' \
		2>/dev/null | xargs)
	[[ $seen == "1000 1001 refused" ]] || return
	vprocns run --profile linux -- nsenter --uts=/proc/self/ns/uts true || return
	[[ ! $living ]] || ! vprocns exec living unshare --uts true
}

# watch CMD...: in the background, until unwatch; ready once it says so.
watch() {
	"$@" >"$work/out" 2>&1 &
	watcher=$!
}

unwatch() {
	kill -INT $watcher
	wait $watcher
}

# beside NAME: on_NAME brings it up, saw_NAME tells whether it has seen a clone,
# off_NAME takes it away.
beside() {
	local name=$1
	start_group living
	if ! "on_$name"; then
		say 1 "$name comes up beside a group"
		"off_$name"
		end_group
		return
	fi
	holds "$name comes up beside a group" guarded
	holds "$name sees clones" "saw_$name"
	end_group
	# Takes the hooks off at once.
	await rmmod vprocns
	insmod "$MODULE"
	holds "a group comes beside $name" guarded
	start_group living
	"off_$name"
	holds "$name goes and the group stays" guarded
	end_group
	"on_$name" && "saw_$name"
	say $? "$name works as ever behind the group"
	"off_$name"
}

# Few, so that the clones are still in the buffer when it is read.
traced="alloc_pid kernel_clone ksys_unshare $setns copy_process"
on_function() {
	echo >$tracing/trace
	echo "$traced" >$tracing/set_ftrace_filter
	echo function >$tracing/current_tracer
}
saw_function() {
	(:)
	grep -q kernel_clone $tracing/trace
}
off_function() {
	echo nop >$tracing/current_tracer
	echo >$tracing/set_ftrace_filter
}

on_function_graph() {
	echo >$tracing/trace
	echo "$traced" >$tracing/set_ftrace_filter
	echo alloc_pid kernel_clone >$tracing/set_graph_function
	echo function_graph >$tracing/current_tracer
}
saw_function_graph() {
	(:)
	grep -q kernel_clone $tracing/trace
}
off_function_graph() {
	off_function
	echo >$tracing/set_graph_function
}

on_kprobes() {
	echo >$tracing/trace
	echo 'p:mine kernel_clone' >$tracing/kprobe_events &&
		echo 'r:yours alloc_pid' >>$tracing/kprobe_events &&
		echo "r:theirs $setns" >>$tracing/kprobe_events &&
		echo 1 >$tracing/events/kprobes/enable
}
saw_kprobes() {
	(:)
	grep -q mine: $tracing/trace && grep -q yours: $tracing/trace
}
off_kprobes() {
	echo 0 >$tracing/events/kprobes/enable
	echo >$tracing/kprobe_events
}

# Trampolines of BPF: the one at the return calls the original function itself.
on_bpf() {
	local fentry=fentry fexit=fexit
	[[ -z $(bpftrace -l kfunc:kernel_clone 2>/dev/null) ]] || fentry=kfunc fexit=kretfunc
	watch bpftrace -e "BEGIN { printf(\"ready\\n\"); }
		$fentry:kernel_clone { @entered = count(); }
		$fexit:kernel_clone { @left = count(); }
		$fexit:alloc_pid { printf(\"pid\\n\"); }"
	eventually grep -q ready "$work/out"
}
saw_bpf() {
	(:)
	eventually grep -q pid "$work/out"
}
off_bpf() {
	unwatch
	grep -q '@entered: [1-9]' "$work/out" && grep -q '@left: [1-9]' "$work/out"
	say $? "fentry and fexit counted"
}

on_perf() {
	local answer
	rm -f "$work"/{control,answer}
	mkfifo "$work"/{control,answer}
	watch perf record -q -a -e sched:sched_process_fork -D -1 \
		--control "fifo:$work/control,$work/answer" -o "$work/perf.data"
	echo enable >"$work/control"
	read -r answer <"$work/answer"
	[[ $answer == ack* ]]
}
# What it saw is known once it has ended.
saw_perf() {
	(:)
}
off_perf() {
	unwatch
	perf script -i "$work/perf.data" 2>/dev/null | grep -q sched_process_fork
	say $? "perf recorded forks"
}

echo 0 >/proc/sys/kernel/perf_event_paranoid
living=
guarded
say $? "the group is right by itself"
for neighbour in function function_graph kprobes bpf perf; do
	case $neighbour in
	bpf)
		command -v bpftrace >/dev/null || { skip "no bpftrace"; continue; }
		# Ours have no debug information, of which BTF is made.
		[[ -e /sys/kernel/btf/vmlinux ]] || { skip "no BTF, which fentry needs"; continue; }
		;;
	perf) perf --version >/dev/null 2>&1 || { skip "no perf"; continue; } ;;
	esac
	beside $neighbour
done

# Those that look at members.
# shellcheck disable=SC2016
program='echo $BASHPID; (echo $BASHPID); unshare --uts true 2>/dev/null || echo refused'
if command -v strace >/dev/null; then
	run strace -f -o "$work/strace" vprocns run -- bash -c "$program"
	is "all of it under strace" 0 $'1000\n1001\nrefused'
	run grep -c clone "$work/strace"
	holds "which saw clones" test "${out:?}" -gt 2

	mkfifo "$work/go"
	# shellcheck disable=SC2016
	vprocns run --name traced -- bash -c 'read -r line <$0; '"$program; sleep 1000" "$work/go" \
		>"$work/traced" &
	traced=$!
	await pgrep -f "^bash -c read"
	member=$(pgrep -f "^bash -c read")
	watch strace -f -o "$work/strace" -p "$member"
	await grep -q attached "$work/out"
	echo >"$work/go"
	holds "strace takes a member" eventually grep -q refused "$work/traced"
	unwatch
	run xargs <"$work/traced"
	is "whose numbers stay right" 0 "1000 1001 refused"
	holds "strace saw its clones" grep -q clone "$work/strace"
	kill $traced
	wait $traced
else
	skip "no strace"
fi
if command -v gdb >/dev/null; then
	run vprocns run -- gdb -q -batch -iex 'set debuginfod enabled off' -ex run \
		--args bash -c "$program; exec 9</nosuch"
	has "gdb in a group runs a program that has its numbers" '^\[Inferior 1 \(process 10[0-9]{2}\) exited'
	has "and that is judged" '^refused$'
	start_group living
	# shellcheck disable=SC2016
	run gdb -q -batch -iex 'set debuginfod enabled off' -ex 'print $_inferior' \
		-p "$(pgrep -f '^sleep 1000$')"
	has "gdb outside takes a member" '= 1$'
	holds "and lets it go" guarded
	end_group
else
	skip "no gdb"
fi
rm -r "$work"
tap_end
