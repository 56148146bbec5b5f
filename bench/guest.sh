#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh MODULE [OPTION|BENCH]...: runs build/bench/bench, with what follows
# MODULE, at every place. In the VM, where MODULE is not loaded yet. Prints the
# program's lines with the place in front.
set -euo pipefail

module=$1
shift
arguments=("$@")
work=$(mktemp -d)
program=$work/bench
reader=$work/reader
# On tmpfs: a wait for a file of the host is idle time, which counts as well.
cp "$(dirname "$0")"/../build/bench/{bench,reader} "$work"
mkfifo "$work/ready" "$work/go" "$work/alive" "$work/reads"
export program work
# Everywhere numbers that lie equally deep in the kernel's tree of them: 4096 to
# 262143, also where they are hashes. The page tables are the same, since the machine
# randomizes no address.
export first=5000

measure() { # WHERE CMD...
	"${@:2}" >"$work/out"
	sed "s/^/$1\t/" "$work/out"
}

outside() {
	echo $((first - 1)) >/proc/sys/kernel/ns_last_pid
	"$program" "${arguments[@]}"
}

# beside_group NUMBERING CMD...: while a group lives that CMD has nothing to do with.
beside_group() {
	local numbering=$1 group
	shift
	# shellcheck disable=SC2016
	vprocns run --numbering "$numbering" -- bash -c 'echo >"$work/alive"; exec sleep infinity' &
	group=$!
	read -r <"$work/alive"
	"$@"
	kill "$group"
	wait "$group" || (($? == 143))
}

# inside [BIND-OPTION]...: in a PID namespace of its own, without an option a
# plain one. Whatever is set up is set up in both, so that only the module differs.
# With $reads, somebody reads the group's events.
# shellcheck disable=SC2016
inside() {
	local init maker group reading
	unshare --pid --fork --mount-proc bash -euc '
		echo $((first - 1)) >/proc/sys/kernel/ns_last_pid
		echo >"$work/ready"
		read -r <"$work/go"
		"$program" "$@"
		exit' init "${arguments[@]}" &
	maker=$!
	read -r <"$work/ready"
	init=$(pgrep --parent $maker)
	(($# == 0)) || group=$(vprocns bind --first "$first" "$@" "$init")
	if [[ ${reads-} ]]; then
		"$reader" "$group" >"$work/reads" &
		reading=$!
		read -r <"$work/reads"
	fi
	echo >"$work/go"
	wait $maker
	[[ ! ${reads-} ]] || wait $reading
}

recorded() {
	local reads=yes
	inside "$@"
}

measure host outside
measure pidns inside
insmod "$module"
measure idle outside
measure elsewhere_sequential beside_group sequential outside
measure beside_sequential beside_group sequential inside
measure sequential inside --numbering sequential
measure strict inside --profile shadow-strict
# Last: by lineage a group needs probes as well, which stay for some seconds.
measure elsewhere_lineage beside_group lineage outside
measure beside_lineage beside_group lineage inside
measure lineage inside --numbering lineage
measure recorded recorded --numbering lineage
