#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh TREE PROGRAMS: runs each of these test programs of the kernel in a plain PID
# namespace and in a group. A line for each result: where, program, number, result, name.
tree=$1
programs=$2
copy=$(mktemp -d)
out=$(mktemp)
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

# Tests in TAP each, and the program's exit status.
results() {
	awk -v OFS='\t' -v where="$1" -v program="$2" -v status="$3" '
		/^(# )?(not )?ok [0-9]/ {
			result = /# SKIP/ ? "skip" : /not ok/ ? "not ok" : "ok"
			sub(/^(# )?(not )?ok [0-9]+ *(- )?/, "")
			print where, program, ++n, result, $0
		}
		END { print where, program, "exit", status, "" }
	' "$out"
}

while read -r program; do
	for where in plain group; do
		cd "$copy/${program%/*}" || exit 1
		status=0
		# Children would print what is in the buffer that they got once more.
		"in_$where" timeout --kill-after=5 $((900 * ${PATIENCE:-1})) \
			stdbuf -oL "./${program##*/}" <"/dev/null" >"$out" 2>&1 || status=$?
		results $where "$program" $status
		sed "s|^|$where $program: |" "$out" >&2
	done
done <"$programs"
