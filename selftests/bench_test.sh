#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The benchmarks run, at every place, and the README shows what they said last.
# What they measure here is not looked at. Runs in the VM.
. "$(dirname "$0")/tap.sh"

top=$(cd "$(dirname "$0")/.." && pwd -P)
bench=$top/build/bench/bench
names="fork vfork_exec posix_spawn thread clone3 getpid gettid capget capset unshare setns kill0 loop"

run "$bench" --help
has "help" "^usage: bench "
run "$bench" nosuch
one_line "a bench that is not there" 2 "no bench nosuch"
run "$bench" --rounds 0
one_line "no rounds" 2 "0 is not a number"
for name in $names; do
	run "$bench" --rounds 2 --warmup 1 --repeats 3 "$name"
	has "$name" "^$name	[0-9]+\.[0-9]	[0-9]+\.[0-9]	[0-9]+\.[0-9]$"
done

run "$top/build/bench/scale" --help
has "help of scale" "^usage: scale "
for wrong in "groups nosuch 1" "groups plain 0" "groups plain" "parallel 1"; do
	# shellcheck disable=SC2086
	run "$top/build/bench/scale" $wrong
	say "$((status != 2))" "scale: wrong usage: $wrong"
done
for what in groups members; do
	run "$top/bench/scale.sh" $what 1 3
	# The kernel may well have less in use behind so few groups than before them.
	has "scale: $what of each kind at each size" "^$what	lineage	3	[0-9]+	[0-9]+	-?[0-9]+$"
	[[ $(cut -f 2,3 "$tap_out" | xargs) == "plain 1 plain 3 sequential 1 sequential 3 lineage 1 lineage 3" ]]
	say $? "scale: and nothing else"
done
run "$top/bench/scale.sh" parallel 1 2
has "scale: one namespace and two" "^parallel	2	[0-9]+	[0-9]+	[0-9]+\.[0-9]{3}	[0-9]+\.[0-9]{3}	[0-9]+\.[0-9]{3}$"

run "$top/build/bench/worst" --help
has "help of worst" "^usage: worst "
for wrong in "range nosuch 400 5" "range plain 400" "flight plain 0 5" "flight plain 5 502" "names 5"; do
	# shellcheck disable=SC2086
	run "$top/build/bench/worst" $wrong
	say "$((status != 2))" "worst: wrong usage: $wrong"
done
run "$top/bench/worst.sh" 20 1000 5 20 plain lineage
has "worst: a range that is full" "^range	lineage	full	[0-9]+$"
has "worst: clones in flight" "^flight	plain	5	[0-9]+$"
has "worst: names" "^names	open	20	[0-9]+$"
[[ $(cut -f 1 "$tap_out" | uniq -c | xargs) == "5 range 2 flight 5 range 2 flight 2 names" ]]
say $? "worst: and nothing else"

run "$top/build/bench/versus" --help
has "help of versus" "^usage: versus "
for wrong in "--rounds 0 true :: true" "true true" "true ::" ":: true"; do
	# shellcheck disable=SC2086
	run "$top/build/bench/versus" $wrong
	say "$((status != 2))" "versus: wrong usage: $wrong"
done
run "$top/build/bench/versus" --rounds 3 true :: false
one_line "versus: a command that fails" 1 "false ended with status 0x100"
run "$top/build/bench/versus" --rounds 3 --cold true :: sleep 0.1
has "versus: two commands in turn" "^3	[0-9]+	[0-9]{9,}	[0-9]+\.[0-9]{3}	[0-9]+\.[0-9]{3}	[0-9]+\.[0-9]{3}$"
run "$top/build/bench/probe" --help
has "help of probe" "^usage: probe "
run vprocns run -- "$top/build/bench/probe"
has "probe: what a member is" "^tid	1000$"
has "probe: what a member may not" "^clone3 NEWPID	EOPNOTSUPP$"
has "probe: a member has no capability" "^capget	empty$"
run vprocns run --profile linux -- "$top/build/bench/probe"
has "probe: a clone that fails leaves no hole" "^failed-clone	EFAULT 0$"
run unshare --pid --fork "$top/build/bench/probe"
has "probe: outside a clone that fails leaves one" "^failed-clone	EFAULT 1$"
has "probe: what is allowed outside" "^clone3 NEWPID	ok$"

# It measures without the module first, and leaves it loaded as it was.
await rmmod vprocns
run "$top/bench/guest.sh" "$MODULE" --warmup 1 --rounds 2 --repeats 1
places=$(cut -f 1 "$tap_out" | uniq -c | xargs)
[[ $places == "13 host 13 pidns 13 idle 13 elsewhere_sequential 13 beside_sequential 13 sequential 13 strict 13 elsewhere_lineage 13 beside_lineage 13 lineage 13 recorded" ]]
say $? "every bench at every place"
chmod 0660 /dev/vprocns

run "$top/bench/report.py" "$top/results/bench.json"
is "the results are readable" 0
for text in README.md results/bench.md Documentation/peers.md; do
	shown=$(sed -n '/<!-- make bench writes this -->/,/<!-- to here -->/{//!p}' "$top/$text")
	[[ $shown && $out == *"$shown"* ]]
	say $? "$text shows them"
done
tap_end
