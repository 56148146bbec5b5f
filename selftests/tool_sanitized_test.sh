#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# All of tool_test.sh, with the tool built under the sanitizers.
here=$(cd "$(dirname "$0")" && pwd -P)
# The leak checker clones a helper at exit, and spins when that lands in another
# PID namespace, as it does behind `vprocns exec` (seen on Linux 7.2).
export ASAN_OPTIONS=detect_leaks=0
PATH=${here%/*}/build/sanitized:$PATH exec "$here/tool_test.sh"
