#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A part of `make torture` that ends in minutes. Runs in the VM, with the module
# loaded.
SHARE=100 exec "$(dirname "$0")/torture.sh"
