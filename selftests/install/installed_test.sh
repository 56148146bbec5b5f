#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The packages, and after them a new kernel by apt, which the next boot is of
# (first_use_test.sh). Runs in a system of its own (run).
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/common.sh"

apt=(apt-get -q -y --no-install-recommends)
packages=build/packages/$(. /etc/os-release && echo "$VERSION_CODENAME")/now

# Libraries that the new kernel's packages bring or replace; no purge puts the old ones back.
mapfile -t needed < <(find /root/debs/new -name '*.deb' ! -name 'linux-*')
((${#needed[@]} == 0)) || "${apt[@]}" install "${needed[@]}" >/dev/null
useradd --create-home member
remember_all
holds "the packages install" "${apt[@]}" install ./"$packages"/*.deb
usermod -aG vprocns member
holds "so does a new kernel" "${apt[@]}" install /root/debs/new/linux-*.deb
holds "for which DKMS has built" bash -c 'ls /lib/modules/*/updates/dkms/vprocns.ko* | wc -l | grep -qx 2'
tap_end
