#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A system where the packages of vprocns were installed: DKMS built the module for each
# of its kernels, and it was loaded from where DKMS put it. Runs in the VM, first.
. "$(dirname "$0")/../tap.sh"

release=$(uname -r)
file=$(modinfo -n vprocns)
# For the table of run.py.
echo "# loaded: $file"

[[ $file == /lib/modules/$release/updates/dkms/vprocns.ko* ]]
say $? "the module is where DKMS puts it"
# shellcheck disable=SC2016
holds "DKMS has it installed" bash -c \
	'dkms status vprocns | grep -F "$1," | grep -q ": *installed"' bash "$release"
[[ $(cat /sys/module/vprocns/srcversion) == "$(modinfo -F srcversion vprocns)" ]]
say $? "what is loaded is that file"
holds "the tool is in the path" test "$(command -v vprocns)" = /usr/bin/vprocns
run vprocns run -- bash -c 'echo $BASHPID'
is "and runs a group" 0 1000
run vprocns check
is "check finds nothing amiss" 0
holds "it goes" eventually modprobe -r vprocns
holds "and is gone" bash -c '! grep -q ^vprocns /proc/modules && ! [ -e /dev/vprocns ]'
holds "it comes back" modprobe vprocns
chmod 0660 /dev/vprocns
tap_end
