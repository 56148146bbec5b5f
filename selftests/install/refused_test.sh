#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Where the kernel takes signed modules only, and ours has no key that it knows, the
# machine boots as ever, and the tool says what there is to do. Then the packages go.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/common.sh"

booted
run vprocns run -- true
says "run says that the module can't be loaded" 125 "the module can't be loaded: 'modprobe vprocns' and the kernel log tell why"
run modprobe vprocns
says "modprobe says why" 1 "Key was rejected by service"
run vprocns check
says "check says what there is to do" 0 "takes signed modules only"
booted

apt-get -q -y purge 'linux-*-6.12*' 'linux-*-7.*' 'linux-*-5.10*' >/dev/null 2>&1
run apt-get -q -y purge vprocns vprocns-dkms libvprocns-dev
is "the packages can be purged" 0
holds "a group with members stays" getent group vprocns
gpasswd -d member vprocns >/dev/null
groupdel vprocns
apt-get -q -y --purge autoremove >/dev/null 2>&1
nothing_left "and nothing else is left"
tap_end
