#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh PROGRAM...: runs each test program in the VM, and reads the kernel's
# log after each. run.sh reads what this prints.
directory=$(dirname "$0")

for program; do
	seen=$(dmesg | wc -l)
	echo "=== $(basename "$program")"
	"$program" </dev/null 2>&1
	echo "=== status $?"
	complaints=$(dmesg | tail -n "+$((seen + 1))" | grep -E -f "$directory/vm/complaints")
	if [[ $complaints ]]; then
		sed 's/^/# /' <<<"$complaints"
		echo "not ok - the kernel's log stays clean"
	else
		echo "ok - the kernel's log stays clean"
	fi
done
