#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh PROGRAM[:TEST]...: runs each test program in the VM, or one test in it, and
# reads the kernel's log after each. Prints what tap.py reads.
directory=$(dirname "$0")

for word; do
	IFS=: read -r program test <<<"$word"
	name=$(basename "$word")
	mark="=== $name, test $((++count))"
	echo "$mark" >/dev/kmsg
	echo "=== $name"
	status=0
	"$program" ${test:+"$test"} </dev/null 2>&1 || status=$?
	printf '\n=== status %d\n' "$status"
	complaints=$("$directory/vm/complained" "$mark")
	if [[ $complaints ]]; then
		sed 's/^/# /' <<<"$complaints"
		echo "=== log dirty"
	else
		echo "=== log clean"
	fi
done
