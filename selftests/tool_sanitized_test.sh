#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# All of tool_test.sh, with the tool built under the sanitizers.
here=$(cd "$(dirname "$0")" && pwd -P)
PATH=${here%/*}/build/sanitized:$PATH exec "$here/tool_test.sh"
