#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel with KCSAN sees a data race done on purpose, and a race fails the run
# when a module takes part in it, however deep in the stack, and only then.
kernel=kcsan
. "$(dirname "$0")/faulty.sh"

# logged FRAMES: a report in the kernel's words, with FRAMES in its second stack.
logged() {
	# shellcheck disable=SC2016
	run "${vm[@]}" -- bash -c 'while IFS= read -r line; do
		echo "<3>$line" >/dev/kmsg
	done <<<"$1"' bash "\
==================================================================
BUG: KCSAN: data-race in first / second

write to 0xffffffff81000000 of 8 bytes by task 1 on cpu 0:
 first+0x10/0x20
 entry_SYSCALL_64_after_hwframe+0x63/0xcd

read to 0xffffffff81000000 of 8 bytes by task 2 on cpu 1:
 second+0x10/0x20
 $1
 entry_SYSCALL_64_after_hwframe+0x63/0xcd

Reported by Kernel Concurrency Sanitizer on:
CPU: 1 PID: 2 Comm: [vprocns] Not tainted 6.1.0 #1
=================================================================="
}

run "${vm[@]}" -- true
is "nothing done, nothing reported" 0
sees race "KCSAN: data-race in count_unlocked [faulty] / race [faulty]"
logged "third+0x10/0x20"
is "a race of the kernel with itself fails nothing" 0
say "$([[ $err == "vm: "[1-9]*" data races of the kernel with itself"* ]]; echo $?)" "but is counted"
logged "asm_sysvec_apic_timer_interrupt+0x16/0x20
 third+0x10/0x20 [vprocns]"
is "nor does one in an interrupt that came upon the module" 0
logged "third+0x10/0x20 [vprocns]"
is "one that came through the module fails the run" 124
say "$([[ $err == *"BUG: KCSAN: data-race in first / second"* ]]; echo $?)" "and is named"
tap_end
