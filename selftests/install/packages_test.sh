#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Debian's packages: installed, upgraded, removed and installed again, beside kernels that
# come by apt. Runs in a system of its own (run).
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/common.sh"

apt=(apt-get -q -y --no-install-recommends)
packages=build/packages/$(. /etc/os-release && echo "$VERSION_CODENAME")

useradd --create-home member
remember_all
holds "the packages install" "${apt[@]}" install ./"$packages"/now/*.deb
holds "DKMS has built the module" bash -c "dkms status vprocns | grep -q 'installed'"
holds "it is loaded" loaded_is_installed
is_node "and its node the group's"
holds "it numbers" numbers
run make install
says "make install refuses, and names the package" 2 "the package vprocns is installed: remove it first"
run make uninstall
says "so does make uninstall" 2 "the package vprocns is installed"
usermod -aG vprocns member

start_group alive
run "${apt[@]}" install ./"$packages"/next/*.deb
says "an upgrade while a group lives says that the module stays" 0 "the module of before stays loaded"
holds "the group goes on" vprocns exec alive true
end_group
run "${apt[@]}" install --reinstall ./"$packages"/next/vprocns-dkms_*.deb
is "without one" 0
holds "it is replaced" loaded_is_installed
holds "by the new one" bash -c "modinfo vprocns | grep -q '^change: *next'"

# The header's as well: apt does not put an older one in a newer one's place by itself.
run "${apt[@]}" remove vprocns vprocns-dkms libvprocns-dev
is "they can be removed" 0
holds "the module is gone" test ! -e /sys/module/vprocns
holds "the group keeps its member" bash -c 'getent group vprocns | grep -q member'
mkdir -p /usr/local/bin
cp /bin/true /usr/local/bin/vprocns
run "${apt[@]}" install ./"$packages"/now/*.deb
says "beside make install they are refused" 100 "run 'make uninstall' there first"
rm /usr/local/bin/vprocns
run "${apt[@]}" install ./"$packages"/now/*.deb
is "and come back" 0
holds "with the group as it was" bash -c 'getent group vprocns | grep -q member'

# Kernels.
run "${apt[@]}" install /root/debs/new/*.deb
is "a new kernel installs by apt" 0
holds "and DKMS has built for it" bash -c 'ls /lib/modules/*/updates/dkms/vprocns.ko* | wc -l | grep -qx 2'
if [[ -d /root/debs/old ]]; then
	run "${apt[@]}" install /root/debs/old/*.deb
	is "so does one that is too old" 0
	run dpkg --audit
	is "which leaves no package half installed" 0 ""
	holds "and gets no module" bash -c '! ls /lib/modules/5.*/updates/dkms/vprocns.ko* 2>/dev/null'
else
	skip "no kernel that is too old waits here"
	skip "no kernel that is too old waits here"
	skip "no kernel that is too old waits here"
fi

# The third is for Slurm, which check-packages looks after.
run timeout 1800 autopkgtest --no-built-binaries --ignore-restrictions=isolation-machine \
	--test-name=groups --test-name=containers ./"$packages"/now/*.deb ./ -- null
is "the packages' own tests pass" 0
has "both of them" "containers *PASS"
tap_end
