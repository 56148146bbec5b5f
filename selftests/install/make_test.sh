#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# `make install` and `make uninstall`, with DKMS and without, over themselves and each
# other. Runs in a system of its own (run).
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/common.sh"

make -s tool
useradd --no-create-home member
remember_all
updates=/lib/modules/$release/updates

# Nothing may be there after a refusal.
mv /lib/modules/"$release"/build /root/build
run make install
says "without headers it stops at once, naming them" 2 "install linux-headers-$release"
mv /root/build /lib/modules/"$release"/build
rm -f build/tools/needs
mv /usr/include/sys/capability.h /root
run make install
says "a package that the tool needs is named" 2 "install libcap-dev"
mv /root/capability.h /usr/include/sys/
run make install DESTDIR=/root/staged PREFIX=/usr
is "it can be staged" 0
holds "with the tool" test -x /root/staged/usr/bin/vprocns
holds "and the module's source" test -s /root/staged/usr/src/vprocns-*/dkms.conf
nothing_left "and neither these two nor that has changed the system"

# Without DKMS, and again.
mv /usr/sbin/dkms /root/dkms
holds "without DKMS it installs" make install
holds "the module is in updates" test -e "$updates/vprocns.ko"
holds "and loaded" loaded_is_installed
holds "it numbers" numbers
holds "twice is as once" make install
holds "what is loaded stays right" loaded_is_installed
change_source
holds "another state of the source is installed" make install
holds "and loaded at once" loaded_is_installed
mv /root/dkms /usr/sbin/dkms

# DKMS after that.
usermod -aG vprocns member
holds "DKMS takes over" make install
holds "its module is there" test -e "$updates/dkms/vprocns.ko"
holds "and the other one gone" test ! -e "$updates/vprocns.ko"
holds "and modprobe takes it" bash -c "modinfo -n vprocns | grep -q dkms/vprocns.ko"
change_source
holds "another state of the source by DKMS" make install
holds "is loaded at once" loaded_is_installed
modinfo vprocns | grep -q "^change: *$changes$"
say $? "and is that one"

# For one kernel of two; the second is as the first by another name.
other=$release-other
cp -al "/lib/modules/$release" "/lib/modules/$other"
rm -rf "/lib/modules/$other/updates"
sum=$(sha256sum "$updates"/dkms/vprocns.ko*)
change_source
holds "for one kernel of two" make install KVER="$other"
modinfo -k "$other" vprocns | grep -q "^change: *$changes$"
say $? "it has the module"
holds "by DKMS" bash -c "dkms status vprocns | grep -F ', $other,' | grep -q installed"
holds "the other kernel keeps its own" test "$(sha256sum "$updates"/dkms/vprocns.ko*)" = "$sum"
holds "which stays loaded" loaded_is_installed
run make install KVER=1.2.3
says "for one that has no headers it stops at once" 2 "install linux-headers-1.2.3"
rm -rf "/lib/modules/$other"

# While a group lives.
change_source
start_group alive
run make install
is "it installs while a group lives" 0
has "and says that the module stays" "groups are alive, so the module of before stays"
holds "the group goes on" vprocns exec alive true
run loaded_is_installed
is "on the module that it has" 1
run vprocns check
has "check tells" "not the one that is installed"
end_group
holds "after its end the module goes" eventually rmmod vprocns
holds "and the new one comes" modprobe vprocns
holds "which is the installed one" loaded_is_installed

# A new release over the old one.
edit 's/^MODULE_VERSION.*/MODULE_VERSION("9.9");/' module/main.c
rm build/tools/main.o
holds "a new release installs over it" make install
run dkms status vprocns
has "DKMS has the new one" "9\.9.*installed"
is "and it alone" 0 "$(grep 9.9 <<<"$out")"
holds "and the old source is gone" test "$(echo /usr/src/vprocns-*)" = /usr/src/vprocns-9.9
run vprocns --version
has "the tool is of that release" "9\.9"
holds "as is what is loaded" grep -qx 9.9 /sys/module/vprocns/version
holds "members are still members" bash -c 'getent group vprocns | grep -q member'

# Uninstalling.
start_group alive
run make uninstall
is "with a group alive it uninstalls" 0
has "saying that the module stays" "groups are alive, so the module stays loaded"
has "and that the group has members" "has members, so it stays"
end_group
holds "then rmmod works" eventually rmmod vprocns
holds "it installs again" make install
holds "and the group has its members" bash -c 'getent group vprocns | grep -q member'
gpasswd -d member vprocns >/dev/null
usermod -g vprocns member
mv "/lib/modules/$release" /root/gone
run make uninstall
is "it uninstalls without the running kernel's files, as a member's main group" 0
mv /root/gone "/lib/modules/$release"
usermod -g member member
run make uninstall
is "and finishes when they are back" 0
nothing_left "and nothing is left"
tap_end
