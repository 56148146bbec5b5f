#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scale.sh groups|members|parallel [ARGUMENT]...: runs build/bench/scale for each
# kind that it knows, or for parallel once. In the VM, with the module loaded;
# each in a cgroup of its own, which tells what the kernel has used for it.
set -euo pipefail

work=$(mktemp -d)
# On tmpfs: a wait for a file of the host is idle time, which counts as well.
cp "$(dirname "$0")/../build/bench/scale" "$work/scale"
pid_max=$(</proc/sys/kernel/pid_max)
trap 'echo "$pid_max" >/proc/sys/kernel/pid_max' EXIT
echo 200000 >/proc/sys/kernel/pid_max
echo +memory >/sys/fs/cgroup/cgroup.subtree_control

in_cgroup() {
	mkdir "/sys/fs/cgroup/$1"
	# shellcheck disable=SC2016
	bash -euc 'echo $$ >"/sys/fs/cgroup/$0/cgroup.procs"; exec "$@"' "$@"
	rmdir "/sys/fs/cgroup/$1"
}

case $1 in
parallel) "$work/scale" "$@" ;;
*)
	for kind in plain sequential lineage; do
		in_cgroup $kind "$work/scale" "$1" $kind "${@:2}"
	done
	;;
esac
