#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Others that look at the functions that we hook, or at members: both keep
# working, whoever came first, and no member slips past its policy meanwhile.
# Runs in the VM, with the module loaded.
. "$(dirname "$0")/tap.sh"

caller=$(dirname "$0")/../build/selftests/caller
own=$(</proc/$$/comm)
work=$(mktemp -d)
watcher=
looper=

# In a group of its own, and in the one that lives if there is one.
guarded() {
	vprocns run -- "$caller" || return
	vprocns run --profile linux -- nsenter --uts=/proc/self/ns/uts true || return
	[[ ! $living ]] || judged living
}

# watch CMD...: in the background, until unwatch; ready once it says so.
watch() {
	: >"$work/out"
	"$@" >>"$work/out" 2>&1 &
	watcher=$!
}

# bpftrace forgets a SIGINT that comes while it reads events, until there is one more.
interrupted() {
	! kill -INT $watcher ||
		timeout $((30 * ${PATIENCE:-1})) tail -f -s 0.1 --pid=$watcher /dev/null
}

unwatch() {
	# Twice as patient: the kernel waits for all tasks, as where bpftrace comes up.
	eventually interrupted || await interrupted
	kill -KILL $watcher 2>/dev/null
	# Some end by the signal.
	wait $watcher || :
}

# sees NAME: it saw what we did, outside, and what a member did. log_NAME prints a
# line COMM-PID ... WHAT for each call, and saw_NAME the WHAT that are expected.
sees() {
	local comm what
	echo >$tracing/trace
	: >"$work/out"
	(:)
	vprocns run -- "$caller" || return
	"log_$1" >"$work/log"
	for comm in "$own" "${caller##*/}"; do
		for what in $("saw_$1" "$comm"); do
			# The graph tracer cuts names.
			grep -qE "${comm:0:7}[^ ]*-.*\<$what\>" "$work/log" && continue
			echo "no $what by $comm"
			return 1
		done
	done
}

# looping: until looped a member, of a group of its own, goes on making the calls that
# are hooked.
looping() {
	start_group looping --profile shadow-strict --last 1999
	: >"$work/calls"
	vprocns exec looping "$caller" "$work/calls" >"$work/asked" 2>"$work/slips" &
	looper=$!
	await test -s "$work/calls"
}

looped() {
	rm "$work/calls"
	run wait $looper
	cp "$work/slips" "$tap_err"
	say "$status" "its calls come to what they must, each of them"
	vprocns stat looping | awk '$1 == "clones" || $1 ~ /^refused:/ && $2 { print $1, $2 }' \
		>"$work/counted"
	holds "and are counted, each of them" diff "$work/asked" "$work/counted"
	end_group
}

# goes_on COUNT: it has made more than COUNT calls.
goes_on() {
	local count
	read -r count <"$work/calls"
	((count > $1))
}

# meanwhile CMD...: it made calls while CMD ran.
meanwhile() {
	local before after
	read -r before <"$work/calls"
	"$@" || return
	read -r after <"$work/calls"
	echo "$((after - before)) calls during $*"
	((after > before))
}

come_and_go() {
	local -i i result=0
	for ((i = 0; i < $2 && result == 0; i++)); do
		meanwhile "on_$1" || result=1
		meanwhile "off_$1" || result=1
	done
	return $result
}

# amid NAME: it comes and goes while a member calls.
amid() {
	local times=3
	# Slow to come up.
	[[ $1 != bpf && $1 != perf && $1 != gdb ]] || times=1
	looping
	holds "$1 comes and goes while a member calls" come_and_go "$1" $times
	looped
}

# beside NAME: on_NAME brings it up, off_NAME takes it away.
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
	holds "$name sees clones, a member's too" sees "$name"
	end_group
	# Takes the hooks off at once.
	await rmmod vprocns
	insmod "$MODULE"
	holds "a group comes beside $name" guarded
	holds "$name sees a member that came behind it" sees "$name"
	start_group living
	"off_$name"
	holds "$name goes and the group stays" guarded
	end_group
	"on_$name"
	holds "$name works as ever behind the group" sees "$name"
	"off_$name"
	amid "$name"
}

# saw COMM OUTSIDE...: what we call, or that and all else that is hooked.
saw() {
	local comm=$1
	shift
	if [[ $comm == "$own" ]]; then
		echo "$@"
	else
		echo "${hooked[@]}"
	fi
}

# Few, so that the clones are still in the buffer when it is read.
on_function() {
	echo "${hooked[@]}" copy_process >$tracing/set_ftrace_filter
	echo function >$tracing/current_tracer
}
# A line names the caller, too, which is one of ours for another.
log_function() {
	sed 's/ <-.*//' $tracing/trace
}
saw_function() {
	saw "$1" kernel_clone alloc_pid
}
off_function() {
	echo nop >$tracing/current_tracer
	echo >$tracing/set_ftrace_filter
}

on_function_graph() {
	echo "${hooked[@]}" copy_process >$tracing/set_ftrace_filter
	echo function_graph >$tracing/current_tracer
	echo 1 >$tracing/options/funcgraph-proc
}
log_function_graph() {
	cat $tracing/trace
}
saw_function_graph() {
	saw_function "$1"
}
off_function_graph() {
	off_function
}

saw_in_and_out() {
	local name
	for name in $(saw_function "$1"); do
		echo "in_$name" "out_$name"
	done
}

set_kprobes() {
	local name
	for name in "${hooked[@]}"; do
		echo "p:in_$name $name" && echo "r:out_$name $name"
	done >$tracing/kprobe_events
}

on_kprobes() {
	set_kprobes
	echo 1 >$tracing/events/kprobes/enable
}
log_kprobes() {
	cat $tracing/trace
}
saw_kprobes() {
	saw_in_and_out "$1"
}
off_kprobes() {
	echo 0 >$tracing/events/kprobes/enable
	echo >$tracing/kprobe_events
}

# Trampolines of BPF: the one at the return calls the original function itself, or
# what we have in its place, and so sees what the member gets.
on_bpf() {
	local name fentry=fentry fexit=fexit program='BEGIN { printf("ready\n"); }'
	[[ -z $(bpftrace -l kfunc:kernel_clone 2>/dev/null) ]] || fentry=kfunc fexit=kretfunc
	for name in "${hooked[@]}"; do
		program+=" $fentry:$name { printf(\"%s- in_$name\\n\", comm); }"
		program+=" $fexit:$name { printf(\"%s- out_$name=%d\\n\", comm, (int64)retval); }"
	done
	watch bpftrace -e "$program"
	# For each of these the kernel waits for all tasks, while a member is busy. The
	# whole line, since a warning of bpftrace's quotes the program.
	eventually grep -qx ready "$work/out" || eventually grep -qx ready "$work/out"
}
# It takes its time.
log_bpf() {
	local what
	for what in $(saw_bpf "${caller##*/}"); do
		eventually grep -q "${caller##*/}- $what" "$work/out" || break
	done
	cat "$work/out"
}
saw_bpf() {
	local name
	saw_in_and_out "$1"
	[[ $1 != "$own" ]] || return 0
	for name in "${hooked[@]}"; do
		case $name in
		kernel_clone | ksys_unshare | *_setns) echo "out_$name=-95" ;;
		*_capset) echo "out_$name=-22" ;;
		*_capget) echo "out_$name=0" ;;
		esac
	done
}
off_bpf() {
	unwatch
}

on_perf() {
	local answer
	rm -f "$work"/{control,answer}
	mkfifo "$work"/{control,answer}
	set_kprobes || return
	watch "${perf_record[@]}" --no-buildid -a -e 'kprobes:*' -D -1 \
		--control "fifo:$work/control,$work/answer" -o "$work/perf.data"
	echo enable >"$work/control"
	read -r answer <"$work/answer"
	[[ $answer == ack* ]]
}
# What it recorded is known once it has ended.
log_perf() {
	off_perf
	perf script -i "$work/perf.data" -F comm,tid,event 2>/dev/null | sed -E 's/^ *([^ ]+) +/\1-/'
	on_perf
}
saw_perf() {
	saw_in_and_out "$1"
}
off_perf() {
	unwatch
	echo >$tracing/kprobe_events
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

# Those that redirect: who has a function first keeps it. The first is the least of
# what a live patch does, the second is one.
take_taker() {
	insmod "${MODULE%/*}/taker.ko" symbol=ksys_unshare
}
give_taker() {
	rmmod taker
}

patching=/sys/kernel/livepatch/patcher
# Task by task.
take_patcher() {
	insmod "${MODULE%/*}/patcher.ko" && eventually grep -qx 0 $patching/transition
}
give_patcher() {
	echo 0 >$patching/enabled
	eventually rmmod patcher
}

only_takers() {
	[[ $(hooks) == ksys_unshare ]]
}

# against NAME WHO: take_NAME takes a function that we need, give_NAME gives it back.
against() {
	local name=$1 who=$2
	eventually rmmod vprocns
	holds "$who takes a function" "take_$name"
	attempt insmod "$MODULE"
	one_line "insmod is refused beside $who" 1 "busy"
	holds "with a line that names the function" log_has "vprocns: ksys_unshare can't be hooked (-16)"
	holds "and leaves no hook" only_takers
	holds "$who gives it back" "give_$name"
	holds "and insmod works" insmod "$MODULE"
	"take_$name"
	attempt vprocns run -- true
	one_line "no group beside $who" 125 "holds a function that is needed"
	holds "with a line that names the function" log_has "vprocns: ksys_unshare can't be hooked (-16)"
	run vprocns ls
	is "none is left" 0 ""
	holds "and no hook" only_takers
	holds "nor a reference" test "$(</sys/module/vprocns/refcnt)" == 0
	"give_$name"
	start_group living
	holds "a group works when it has gone" guarded
	run "take_$name"
	one_line "$who takes no function that a group needs" 1 "busy"
	holds "and the group works as before" guarded
	end_group
}
against taker "a holder"
if [[ -e ${MODULE%/*}/patcher.ko ]]; then
	against patcher "a live patch"
else
	skip "this kernel has no live patches"
fi

# Those that look at members. What the one that calls forks has its name.
on_strace() {
	watch strace -f -o /dev/null -p "$(pgrep -ox "${caller##*/}")"
	eventually grep -q attached "$work/out"
}
# It may have gone before the member, which it had stopped, goes on.
off_strace() {
	local count
	unwatch
	read -r count <"$work/calls"
	eventually goes_on "$count"
}

on_gdb() {
	gdb -q -batch -iex 'set debuginfod enabled off' -p "$(pgrep -ox "${caller##*/}")" |
		grep '^\[Inferior 1 .* detached\]$'
}
# It goes by itself, so this is once more.
off_gdb() {
	on_gdb
}

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
	amid strace
else
	skip "no strace"
fi
if command -v gdb >/dev/null; then
	run vprocns run -- gdb -q -batch -iex 'set debuginfod enabled off' -ex run \
		--args bash -c "$program; exec 9</nosuch"
	has "gdb in a group runs a program that has its numbers" '^\[Inferior 1 \(process 10[0-9]{2}\) exited'
	has "and that is judged" '^refused$'
	start_group living
	member=$(pgrep -f '^sleep 1000$')
	run gdb -q -batch -iex 'set debuginfod enabled off' -ex 'info inferiors' -p "$member"
	has "gdb outside takes a member" "^\* 1 +process $member "
	holds "and lets it go" guarded
	end_group
	amid gdb
else
	skip "no gdb"
fi
rm -r "$work"
tap_end
