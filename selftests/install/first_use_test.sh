#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# After a boot, of the kernel that came by apt: nothing has loaded the module, and the
# first use does.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/common.sh"

booted
holds "no list has the module loaded at boot" bash -c '! grep -rqs vprocns /etc/modules-load.d /usr/lib/modules-load.d /etc/modules'
holds "it is not loaded" test ! -e /sys/module/vprocns
is_node "the node is there, and the group's"
# shellcheck disable=SC2016
run setpriv --reuid=member --regid=member --init-groups vprocns run -- bash -c 'echo $BASHPID'
is "a member of the group runs a group" 0 1000
holds "and that loaded the module" loaded_is_installed
holds "of this kernel" bash -c 'modinfo -n vprocns | grep -qF "/$(uname -r)/"'
holds "it can be unloaded" eventually rmmod vprocns
is_node "and the node stays"
holds "for the next use" numbers
run setpriv --reuid=nobody --regid=nogroup --clear-groups vprocns run -- true
says "who is not of the group is told" 125 "be root or of the group vprocns"
tap_end
