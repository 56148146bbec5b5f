#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh TREE PROGRAMS: runs each of these test programs of the kernel in a plain PID
# namespace and in a group, and prints what tap.py reads; a name is "plain PROGRAM" or
# "group PROGRAM".
tree=$1
programs=$2
copy=$(mktemp -d)
# Some look at the file system that they are on.
cp -a "$tree/tools/testing/selftests/." "$copy"

# What vprocns run makes, without a group: pid 1 waits for the program.
in_plain() {
	# shellcheck disable=SC2016
	unshare --pid --fork --mount-proc --propagation slave bash -c '"$@"; exit $?' pid1 "$@"
}
in_group() {
	vprocns run --profile linux -- "$@"
}

while read -r program; do
	for where in plain group; do
		echo "=== $where $program"
		cd "$copy/${program%/*}" || exit 1
		status=0
		# Children would print what is in the buffer that they got once more.
		"in_$where" timeout --kill-after=5 $((900 * ${PATIENCE:-1})) \
			stdbuf -oL "./${program##*/}" </dev/null 2>&1 || status=$?
		printf '\n=== status %d\n' "$status"
	done
done <"$programs"
