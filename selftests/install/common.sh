# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of installations share. Sourced, after tap.sh.

release=$(uname -r)

# Everything on the disk, one line each, and the content of what may be written anew with
# what it had before. Left out is what any boot or any command of apt, dpkg and the shadow
# suite writes, whatever it is about: logs, caches, states of the machine, the copies that
# they keep of a file's former state; and the key that DKMS makes at its first build.
listing() {
	find / -xdev \
		\( -path /root -o -path /var/log -o -path /var/cache -o -path /tmp -o -path /var/tmp \
		-o -path /var/lib/systemd -o -path /var/lib/apt -o -path /run -o -path /lost+found \
		-o -path '/var/lib/dpkg/*-old' -o -path /var/lib/dpkg/lock -o -path /var/lib/dpkg/triggers/Lock \
		-o -path '/var/backups' -o -path '/var/lib/dkms/mok.*' -o -path '/etc/*-' \
		-o -path /etc/.pwd.lock \) -prune -o \
		\( -path '/etc/*' -o -path '/var/lib/*' -o -path '/usr/lib/modules/*/modules.*' \
		-o -path '/usr/local/*' \) -type f -exec sha256sum {} + -o \
		-type f -printf '%s %t %m %u:%g %p\n' -o \
		-printf '%y %m %u:%g %p %l\n' | LC_ALL=C sort -k 2
}

before=/root/before
remember_all() {
	listing >$before
}

# nothing_left NAME: the disk has what it had before, and nothing more.
nothing_left() {
	listing >/root/after
	run diff $before /root/after
	say "$status" "$1"
}

# The kernel keeps a group's hooks for a while after its end; the module can go at once.
loaded_is_installed() {
	local installed

	installed=$(modinfo -F srcversion vprocns)
	[[ $installed && $(cat /sys/module/vprocns/srcversion) == "$installed" ]]
}

# edit SCRIPT FILE: as sed -i, but the file keeps its date, so that make builds nothing
# of the tool anew, which takes an emulated machine minutes. The module is built from a copy.
edit() {
	touch -r "$2" /root/date
	sed -i "$1" "$2"
	touch -r /root/date "$2"
}

# change_source: makes another build of the same release of the checkout's module.
changes=0
change_source() {
	changes=$((changes + 1))
	edit "s/^MODULE_LICENSE.*/&\nMODULE_INFO(change, \"$changes\");/" module/main.c
}

numbers() {
	[[ $(vprocns run -- bash -c 'echo $BASHPID') == 1000 ]]
}

# says NAME STATUS WORDS: the last run() ended so and said that, on whatever stream.
says() {
	grep -qF -- "$3" "$tap_out" "$tap_err" && [[ $status == "$2" ]]
	say $? "$1"
}

# is_node NAME: /dev/vprocns is there, for the group.
is_node() {
	holds "$1" eventually bash -c '[[ $(stat -c "%F %G %a" /dev/vprocns) == "character special file vprocns 660" ]]'
}

# The boot went well: systemd has nothing to complain of.
booted() {
	eventually bash -c 'systemctl is-system-running | grep -qv starting' || :
	run systemctl --no-pager --plain --no-legend --failed
	is "no unit has failed" 0 ""
}
