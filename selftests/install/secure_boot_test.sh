#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A machine with Secure Boot, as Documentation/secureboot.md tells it: a key that the
# firmware does not know, then one that it does.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/common.sh"

packages=build/packages/$(. /etc/os-release && echo "$VERSION_CODENAME")/now
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
holds "Secure Boot is on" bash -c 'mokutil --sb-state | grep -q "SecureBoot enabled"'
holds "and the kernel locked down" grep -qF '[integrity]' /sys/kernel/security/lockdown

run apt-get -q -y --no-install-recommends install ./"$packages"/*.deb
says "with an unknown key the packages install, and say what did not work" 0 "installed, but this kernel did not load it: Key was rejected by service"
holds "DKMS has signed" bash -c 'modinfo -F signer vprocns | grep -q .'
booted
run vprocns run -- true
says "run says that the module is not loaded" 125 "load"
run modprobe vprocns
says "modprobe says why" 1 "Key was rejected by service"
run vprocns check
says "check says what there is to do" 0 "takes signed modules only"

mkdir -p /etc/dkms/framework.conf.d
printf '%s\n' mok_signing_key=/root/vprocns/build/secure-boot/key mok_certificate=/root/vprocns/build/secure-boot/certificate.der \
	>/etc/dkms/framework.conf.d/key.conf
version=$(dkms status vprocns | sed -n 's|^vprocns/\([^,]*\),.*|\1|p' | head -n 1)
run dkms unbuild "vprocns/$version" -k "$release"
is "DKMS builds again" 0
run dkms install "vprocns/$version" -k "$release"
is "with the firmware's key" 0
holds "by which the module loads" modprobe vprocns
holds "it numbers" numbers
run vprocns run --numbering lineage --report -- bash -c '(:) & wait'
says "by lineage as well" 0 "0 collisions"
run vprocns check
is "check finds nothing amiss" 0
has "and says so" '^module +ok'

echo confidentiality >/sys/kernel/security/lockdown
holds "lockdown goes up to confidentiality" grep -qF '[confidentiality]' /sys/kernel/security/lockdown
holds "where it numbers" numbers
holds "the module goes" eventually rmmod vprocns
holds "and comes" modprobe vprocns
holds "and numbers" numbers
run vprocns check
is "check finds nothing amiss" 0
tap_end
