#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The debug kernel sees: each kind of fault, done on purpose, fails the run and
# is named; none done fails nothing. And it makes calls fail.
kernel=debug
. "$(dirname "$0")/faulty.sh"

# Where one of these is missing, the tests of faults are skipped.
injection=(/proc/thread-self/{fail-nth,make-it-fail}
	/sys/kernel/debug/{failslab,fail_page_alloc,fail_usercopy,fail_function})

run "${vm[@]}" -- ls -d "${injection[@]}"
is "nothing done, nothing reported, and calls can be made to fail" 0
sees out-of-bounds "KASAN: slab-out-of-bounds in out_of_bounds"
sees atomic-sleep "sleeping function called from invalid context"
sees leak "kmemleak: 16 new suspected memory leaks"
sees lock-order "possible circular locking dependency"
sees rcu-unlocked "suspicious RCU usage"
sees shift "UBSAN: shift-out-of-bounds"
sees free-timer "ODEBUG: free active"
tap_end
