#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The demo's programs behave in a group as outside. Runs in the VM.
. "$(dirname "$0")/tap.sh"

here=$(cd "$(dirname "$0")" && pwd -P)
DEMO_BUILD=$here/../build/demo holds "all programs of the demo" "$here/../demo/demo.sh"
tap_end
