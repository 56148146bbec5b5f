#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module under strain, for minutes: groups that many make and kill at once,
# loads and unloads, lack of memory and of tasks, stress-ng, processors that
# come and go. What is counted on both sides must be equal at the end. Runs in
# the VM, with the module loaded.
#
# TORTURE is how many times longer than usual it all lasts; SHARE=20 does a
# twentieth of it.
. "$(dirname "$0")/tap.sh"

here=$(cd "$(dirname "$0")" && pwd -P)
torturer=$here/../build/selftests/torturer
ko=$MODULE
times=${TORTURE:-1}
share=${SHARE:-1}
slowness=${PATIENCE:-1}
user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
work=$(mktemp -d)
mark="=== torture.sh, process $$"
echo "$mark" >/dev/kmsg
declare -A sum

# amount N: how long or how often something is done, of N usually.
amount() {
	local n=$(($1 * times / share))
	echo $((n ? n : 1))
}
# per_patience N: likewise, of N on an ordinary kernel.
per_patience() {
	local n=$(($(amount "$1") / slowness))
	echo $((n ? n : 1))
}
# part NAME ARG...: a part of torturer, whose counts are added up.
part() {
	local name=$1 pair
	shift
	run "$torturer" "$@"
	is "$name" 0
	for pair in $out; do
		((sum[${pair%=*}] += ${pair#*=}))
	done
	echo "# $out"
}
no_reference() {
	[[ $(</sys/module/vprocns/refcnt) == 0 ]]
}
# equal NAME COUNT COUNT
equal() {
	echo "# $1: $2 and $3"
	say "$(($2 != $3))" "$1: both sides counted the same"
}

# all_groups NAME FIRST COUNT: the module made so many since the group FIRST.
all_groups() {
	equal "$1" $(($("$torturer" id) - $2 - 1)) "$3"
}

# Groups of the tool, beside those of the torturer, until a file is there.
tool_groups() {
	local runs=0 name running unshared init
	until [[ -e $work/enough ]]; do
		name=tool$1.$runs
		vprocns run --name "$name" --numbering lineage -- sleep 1000 &
		running=$!
		eventually vprocns exec "$name" true
		[[ $(vprocns exec "$name" bash -c '(echo $BASHPID); echo $BASHPID' | wc -l) == 2 ]] ||
			echo "exec in $name"
		kill -KILL $running
		wait $running

		unshare --pid --fork sleep 1000 &
		unshared=$!
		eventually pgrep -P $unshared
		init=$(pgrep -P $unshared)
		vprocns bind "$init" >"$work/id$1" || echo "bind of $init"
		kill -KILL "$init"
		wait $unshared

		[[ $(vprocns run -- bash -c 'echo $BASHPID; (echo $BASHPID)') == $'1000\n1001' ]] ||
			echo "run"
		runs=$((runs + 1))
	done >>"$work/wrong" 2>/dev/null
	echo "$runs" >"$work/runs$1"
}
first=$("$torturer" id)
for i in 1 2; do
	tool_groups $i &
	tools[i]=$!
done
part "groups of four at once; the module is never unloaded under one" \
	groups "$(amount 120)" 4
touch "$work/enough"
wait "${tools[@]}"
echo "# beside them, runs, execs and binds by the tool: $(cat "$work"/runs* | xargs)"
run cat "$work/wrong"
is "and the tool's groups were right" 0 ""
# Each of its rounds makes three.
all_groups "groups made by the module and by who asked for them" "$first" \
	$((sum[created] + 3 * ($(cat "$work"/runs* | paste -sd+))))
holds "with the last of them rmmod succeeds" eventually rmmod vprocns
insmod "$ko"

# Loads while the machine forks and makes threads. Where QEMU emulates two
# processors, one may go on meeting an int3 that the other has replaced long ago
# (seen: stuck at alloc_pid+0, where a nop stood). So who forks there shares the
# processor with who loads.
cpus=$(taskset -cp $$)
if grep -q 'QEMU TCG' /proc/cpuinfo; then
	run taskset -cp 0 $$
fi
"$torturer" churn >"$work/churn" 2>"$work/wrong" &
churn=$!
loads=$(per_patience 1000)
for ((i = 0; i < loads; i++)); do
	# The group of the last run may end a moment behind it.
	eventually rmmod vprocns || break
	insmod "$ko" || break
	# Every tenth time it goes with its hooks on.
	((i % 10)) || [[ $(vprocns run -- bash -c 'echo $$') == 1000 ]] || break
done
echo "# $i loads and unloads"
say $((i != loads)) "$loads loads and unloads while the machine forks"
run taskset -cp "${cpus##*: }" $$
holds "which goes on to do so" kill $churn
wait $churn
run cat "$work/wrong"
is "and no clone of it failed" 0 ""
outside=$(sed 's/.* made=\([0-9]*\) .*/\1/' "$work/churn")
echo "# $outside clones meanwhile"
say "$((outside < loads))" "but there was more than one a load"
holds "and nothing stays hooked" eventually no_hooks

first=$("$torturer" id)
made=${sum[created]}
stressed=0

# Lack of memory, and of tasks.
cgroups=/sys/fs/cgroup
echo "+memory +pids" >$cgroups/cgroup.subtree_control
mkdir $cgroups/hungry $cgroups/full
echo 64M >$cgroups/hungry/memory.max
echo 200 >$cgroups/full/pids.max
rounds=$(amount 5)
for ((i = 0; i < rounds; i++)); do
	part "memory runs out in a group, round $((i + 1))" eat $cgroups/hungry
done
kills=$(awk '$1 == "oom_kill" { print $2 }' $cgroups/hungry/memory.events)
equal "tasks that the kernel killed" "$kills" $((3 * rounds))
part "fork bombs in a group" bomb $cgroups/full "$rounds"
rmdir $cgroups/hungry $cgroups/full

# Programs that do all that clone, fork and exec can do. A refused flag is a
# failure to stress-ng, but not to its status. It would print each under a lock that
# whoever waits tries every 100 ms, hundreds of unshare's children at once.
# stress PROFILE EXPECTED NAME: EXPECTED is which namespaces it may miss.
stress() {
	local name=$3 as=()
	stressed=$((stressed + 1))
	[[ $name != exec ]] || as=("${user[@]}")
	run timeout $((120 * slowness)) "${as[@]}" vprocns run --report --profile "$1" -- \
		stress-ng --log-lockless --temp-path /tmp --timeout "$(amount 3)" --"$name" 2
	# What each of its processes says, said once.
	sed 's/\[[0-9]*\] //' "$tap_out" "$tap_err" | sort | uniq -c >"$work/said"
	sed 's/^/# /' "$work/said"
	grep -q "successful run completed" "$work/said" || status=1
	# stress-ng and its two stressors are not enough.
	(($(sed -nE 's/.*: ([0-9]+) tasks, .*/\1/p' "$work/said") > 3)) || status=1
	! grep fail: "$work/said" |
		grep -qvE "unshare\(($2)\) failed, errno=95 " || status=1
	mv "$work/said" "$tap_out"
	say "$((status != 0))" "stress-ng --$name in a group of profile $1"
}
chmod 666 /dev/vprocns
for name in clone fork vfork pthread exec daemon zombie pidfd kill unshare; do
	stress linux 'CLONE_NEWPID|CLONE_NEWUSER|clone_flag' $name
	stress shadow 'CLONE_NEW[A-Z]*|clone_flag' $name
done

# Processors that come and go under clones.
switch=/sys/devices/system/cpu/cpu1/online
if [[ -w $switch ]]; then
	switches=0
	until [[ -e $work/stormed ]]; do
		echo 0 >$switch && echo 1 >$switch && switches=$((switches + 1))
		echo $switches >"$work/switches"
	done &
	switcher=$!
	part "clones while a processor comes and goes" storm "$(per_patience 4000)"
	touch "$work/stormed"
	wait $switcher
	echo "# it went and came $(<"$work/switches") times"
	say "$(($(<"$work/switches") == 0))" "it did"
else
	skip "a processor that comes and goes: this machine has none"
fi

# What is left of many groups.
slab() {
	# What waits for its end comes to it, and what is only kept goes.
	eventually no_hooks
	sleep 1
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "SUnreclaim:" || $1 == "Percpu:" || $1 == "KernelStack:" { kb += $2 } END { print kb }' /proc/meminfo
}
part "groups to begin with" empty $((2000 * times / slowness))
before=$(slab)
# No share of them: what else comes and goes would count for more.
many=$((50000 * times / slowness))
part "$many groups more" empty "$many"
after=$(slab)
echo "# memory of the kernel: $before kB before, $after kB behind $many groups"
say "$(((after - before) * 1024 / many >= 16))" "and nothing of them stays, or less than 16 bytes"

echo "# groups: ${sum[created]} made, ${sum[bound]} bound, ${sum[killed]} killed amid clones, ${sum[ended]} ended"
echo "# clones: ${sum[clones]} counted by groups, ${sum[joined]} of them joined, ${sum[exits]} exits"
echo "# refused: ${sum[refused]} clones, ${sum[unloads_refused]} unloads"
all_groups "groups made by the module since the loads, and asked for" "$first" \
	$((sum[created] - made + stressed))
equal "bound groups and ended ones" "${sum[bound]}" "${sum[ended]}"
equal "exits, and clones with an init a group" "${sum[exits]}" \
	$((sum[clones] + sum[ended]))
equal "refused clones, and those that programs saw refused" \
	"${sum[refused]}" "${sum[asked]}"
holds "no reference is left" eventually no_reference
holds "and the module can go" rmmod vprocns
insmod "$ko"
run "$here/vm/complained" "$mark"
is "the kernel's log stays clean" 1 ""
rm -rf "$work"
tap_end
