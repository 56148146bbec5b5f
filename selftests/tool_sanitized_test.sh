#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# All of tool_test.sh, with the tool built under the sanitizers.
# Without address randomisation: before GCC 14, AddressSanitizer spins for ever
# where vm.mmap_rnd_bits is 32, as it is on newer kernels.
here=$(cd "$(dirname "$0")" && pwd -P)
PATH=${here%/*}/build/sanitized:$PATH exec setarch --addr-no-randomize "$here/tool_test.sh"
