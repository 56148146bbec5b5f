#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh PROGRAM...: runs each test program in the VM, and reads the kernel's
# log after each. run.sh reads what this prints.
directory=$(dirname "$0")

for program; do
	mark="=== $(basename "$program"), test $((++count))"
	echo "$mark" >/dev/kmsg
	echo "=== $(basename "$program")"
	"$program" </dev/null 2>&1
	echo "=== status $?"
	complaints=$("$directory/vm/complained" "$mark")
	if [[ $complaints ]]; then
		sed 's/^/# /' <<<"$complaints"
		echo "not ok - the kernel's log stays clean"
	else
		echo "ok - the kernel's log stays clean"
	fi
done
