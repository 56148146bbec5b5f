#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The debug kernel sees: each kind of fault, done on purpose, fails the run and
# is named; none done fails nothing.
kernel=debug
. "$(dirname "$0")/faulty.sh"

run "${vm[@]}" -- true
is "nothing done, nothing reported" 0
sees out-of-bounds "KASAN: slab-out-of-bounds in out_of_bounds"
sees atomic-sleep "sleeping function called from invalid context"
sees leak "kmemleak: 16 new suspected memory leaks"
sees lock-order "possible circular locking dependency"
sees rcu-unlocked "suspicious RCU usage"
sees shift "UBSAN: shift-out-of-bounds"
sees free-timer "ODEBUG: free active"
tap_end
