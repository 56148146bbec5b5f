#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs real programs outside and inside a group, and compares. Needs the module
# loaded and the tool on PATH; `make demo` runs it in a VM.

here=$(cd "$(dirname "$0")" && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1
table=$(printf 'PROGRAM\tOUTSIDE\tINSIDE\tVERDICT')
failed=0

add_row() { # PROGRAM OUTSIDE INSIDE VERDICT
	table+=$'\n'$(printf '%s\t%s\t%s\t%s' "$@")
	[[ $4 == same || $4 == right ]] || failed=1
}

# show NAME CMD...: what it prints to stdout must be the same both times; what
# it tells of its numbers goes to stderr.
show() {
	local name=$1 outside inside verdict=DIFFERENT
	shift
	echo
	echo "--- $name"
	"$@" >"$work/outside" 2>"$work/outside.err"
	outside=$?
	vprocns run -- "$@" >"$work/inside" 2>"$work/inside.err"
	inside=$?
	sed 's/^/    /' "$work/inside"
	sed 's/^/    group sees  /' "$work/inside.err"
	if cmp -s "$work/outside" "$work/inside" && ((outside == inside)); then
		verdict=same
	else
		diff "$work/outside" "$work/inside" | sed 's/^/    /'
	fi
	add_row "$name" "status $outside" "status $inside" "$verdict"
}

pipeline() {
	echo "shell: $$" >&2
	seq 1 100000 | sort -rn | head -n 3 | paste -sd ' '
}
export -f pipeline

build() {
	rm -rf "$1/hello"
	cp -r "$2/hello" "$1/hello"
	make -s -j2 -C "$1/hello" && "$1/hello/hello"
}
export -f build

# shellcheck disable=SC2016
show "shell pipeline" bash -c pipeline
show "make -j2" bash -c 'build "$@"' build "$work" "$here"
show "Python process pool" python3 "$here/pool.py"
show "robust and PI mutexes" "${DEMO_BUILD:?}/mutexes"
show "posix_spawn of no file" python3 "$here/spawn.py"

echo
echo "--- the group's own /proc"
# shellcheck disable=SC2016
seen=$(vprocns run -- bash -c 'echo $$ $(ls /proc | grep "^[0-9]" | sort -n | xargs)')
echo "    first program $(cut -d' ' -f1 <<<"$seen"); in /proc: $(cut -d' ' -f2- <<<"$seen")"
case $seen in
"1000 1 1000 "*) add_row "first program, /proc" "-" "$(cut -d' ' -f1 <<<"$seen")" right ;;
*) add_row "first program, /proc" "-" "$seen" WRONG ;;
esac

echo
column -t -s $'\t' <<<"$table"
exit $failed
