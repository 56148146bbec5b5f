#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# worst.sh REPEATS NUMBERS CLONES GROUPS [KIND]...: runs build/bench/worst for
# these kinds, or for all that it knows. In the VM, with the module loaded.
set -euo pipefail

work=$(mktemp -d)
# On tmpfs: a wait for a file of the host is idle time, which counts as well.
cp "$(dirname "$0")/../build/bench/worst" "$work/worst"
pid_max=$(</proc/sys/kernel/pid_max)
threads_max=$(</proc/sys/kernel/threads-max)
trap 'echo "$pid_max" >/proc/sys/kernel/pid_max
	echo "$threads_max" >/proc/sys/kernel/threads-max' EXIT
echo 100000 >/proc/sys/kernel/threads-max
repeats=$1 numbers=$2 clones=$3 groups=$4
shift 4
(($#)) || set -- plain sequential lineage
for kind; do
	# A plain namespace lowers it.
	echo 200000 >/proc/sys/kernel/pid_max
	"$work/worst" range "$kind" "$numbers" "$repeats"
	echo 200000 >/proc/sys/kernel/pid_max
	"$work/worst" flight "$kind" "$clones" "$repeats"
done
"$work/worst" names "$groups" "$repeats"
