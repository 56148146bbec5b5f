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

mapfile -t kernel < <(for package in /root/debs/new/linux-*.deb; do dpkg-deb -f "$package" Package; done)
run apt-get -q -y purge "${kernel[@]}"
is "the new kernel can be purged" 0
run apt-get -q -y purge vprocns vprocns-dkms libvprocns-dev
is "the packages can be purged" 0
holds "a group with members stays" getent group vprocns
gpasswd -d member vprocns >/dev/null
groupdel vprocns
nothing_left "and nothing else is left"
tap_end
