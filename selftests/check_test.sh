#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What `vprocns check` says of kernels and systems that lack something: each case is this
# system with one file changed, in mounts of its own. Runs in the VM, with the module loaded.
. "$(dirname "$0")/tap.sh"

work=$(mktemp -d)
# Only what is looked for, since these two are long, and slow to read in an emulated machine.
pattern=$(sed -n 's/^SYMBOL(\(\w*\),.*/\1/p' "$(dirname "$0")/../module/symbol_list.h" | paste -sd '|')
grep -E " ($pattern)$" /proc/kallsyms >"$work/kallsyms"
grep -E "^($pattern)( |$)" /sys/kernel/tracing/available_filter_functions >"$work/functions"
# with SCRIPT: check, after that in mounts of its own.
with() {
	# shellcheck disable=SC2016
	run unshare --mount bash -c 'cd "$1"; mount --bind kallsyms /proc/kallsyms
		mount --bind functions /sys/kernel/tracing/available_filter_functions
		eval "$2"; exec vprocns check' with "$work" "$1"
}
# tells NAME STATUS FEATURE STATE WORDS
tells() {
	[[ $status == "$2" ]] && grep -qE "^$3 +$4 .*$5" "$tap_out"
	say $? "$1"
}
# replace FILE CONTENT: has another content, for the script of with().
replace='replace() { printf "%s\n" "$2" >file.$((++files)); mount --bind file.$files "$1"; }; '
no_module='mkdir sys; mount -t tmpfs tmpfs /sys/module; mount -t tmpfs tmpfs /dev; '

run vprocns check
is "all is well here" 0
holds "and every feature is ok" bash -c '! grep -vE "^(FEATURE|[a-z0-9_-]+ +ok)" "$1"' ok <(echo "$out")

with "$replace replace /proc/kallsyms '0 T kernel_clone'"
tells "a kernel without a symbol" 1 alloc_pid missing "no such symbol"
with "$replace replace /sys/kernel/tracing/available_filter_functions kernel_clone"
tells "a function that can't be traced" 1 alloc_pid missing "can't be traced"
with "umount /sys/kernel/tracing/available_filter_functions; umount -a -t tracefs; umount -a -t debugfs"
tells "no tracefs" 0 tracefs off "mount -t tracefs none /sys/kernel/tracing"
tells "so nobody knows what can be traced" 0 alloc_pid unknown "tracefs would say"
run setpriv --reuid 65534 --regid 65534 --clear-groups vprocns check
tells "somebody else is sent to root" 0 alloc_pid unknown "be root"
tells "and told about the device" 0 module ok "be root or of the group vprocns"
with "$replace replace /proc/sys/kernel/ftrace_enabled 0"
tells "ftrace is off" 1 ftrace missing "sysctl kernel.ftrace_enabled=1"
with "$replace replace /proc/sys/user/max_user_namespaces 0"
tells "no user namespaces" 0 user-namespaces off "raise user.max_user_namespaces"

# Without loadable modules /proc has no list of them.
with 'mkdir proc; mount -t tmpfs tmpfs proc; cp /proc/kallsyms proc/; mkdir -p proc/self/ns proc/sys; : >proc/self/ns/pid; mount --rbind /proc/sys proc/sys; mount --move proc /proc'
tells "a kernel without modules" 1 modules missing "CONFIG_MODULES"
with "$replace $no_module replace /proc/sys/kernel/modules_disabled 1"
tells "modules are disabled until the next boot" 1 modules missing "before the next boot"
with "$replace replace /proc/sys/kernel/modules_disabled 1"
tells "which is no matter once it is loaded" 0 modules ok ""
with "$no_module"
tells "it is not loaded" 0 module off "not loaded: modprobe vprocns"
with "$replace $no_module mkdir -p /sys/module/module/parameters; echo Y >/sys/module/module/parameters/sig_enforce"
tells "signatures are required" 0 module off "takes signed modules only"
with "$replace $no_module mount -t tmpfs tmpfs /sys/kernel/security; echo 'none [integrity] confidentiality' >/sys/kernel/security/lockdown"
tells "the kernel is locked down" 0 module off "locked down, .* signed modules only"
with "$replace $no_module mount -t tmpfs tmpfs /sys/kernel/security; echo '[none] integrity confidentiality' >/sys/kernel/security/lockdown"
tells "the kernel could be" 0 module off "not loaded: modprobe vprocns"

with "mount -t tmpfs tmpfs /dev"
tells "the device is hidden" 0 module off "loaded, but /dev/vprocns is not in this /dev"
run unshare --mount bash -c 'mount -t tmpfs tmpfs /dev; exec vprocns ls'
one_line "as other commands say" 1 "the module is loaded, but /dev/vprocns is not in this /dev"
run vprocns run vprocns check
tells "somebody in a group" 0 module ok "you are in a group"
# shellcheck disable=SC2016
with "$replace replace \"\$(readlink -f /usr/sbin/modinfo)\" \$'#!/bin/sh\necho 0123456789ABCDEF01234567'; chmod 755 file.1"
tells "another module is loaded than is installed" 0 module off "not the one that is installed"
rm -rf "$work"
tap_end
