#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The hook in containers of crun and runc: a small part of make check-containers.
here=$(cd "$(dirname "$0")" && pwd -P)
. "$here/tap.sh"
tool=$(command -v vprocns)
oci=$here/../integration/oci

top=$(mktemp -d)
cd "$top" || exit 1
mkdir -p rootfs/{bin,proc,dev,sys,tmp}
cp /bin/busybox rootfs/bin
ln -s busybox rootfs/bin/sh
cat >rootfs/numbers <<'S'
echo $$
sh -c 'echo $$; sh -c "echo \$\$"; true'
sh -c 'echo $$'
S

no_group() {
	[[ $(vprocns ls --json | grep -c '"id"') == 0 ]]
}
# contain HOOK ARGS [KEY=VALUE]... -- RUNTIME...: a container by it.
contain() {
	local words=()
	while [[ $1 != -- ]]; do
		words+=("$1")
		shift
	done
	shift
	"$oci/bundle" "$top" "${words[@]}" && "$@" </dev/null
}
# numbers: what a container's programs are numbered, in a line.
numbers() {
	contain "$@" | paste -sd ' '
}

run numbers "$tool" "/bin/sh /numbers" numbering=lineage -- crun run c
lineage=$out
[[ $status == 0 && $out == "1 1000 1001 "* && $out != *" 1002" && $(wc -w <<<"$out") == 4 ]]
say $? "crun: numbers by lineage"
for runtime in crun runc; do
	run numbers "" "/bin/sh /numbers" -- $runtime run plain
	[[ $status == 0 && $(wc -w <<<"$out") == 4 && $out != *1000* ]]
	say $? "$runtime: without the hook as ever"
	run numbers "$tool" "/bin/sh /numbers" profile=container -- $runtime run sequential
	is "$runtime: the first task is 1000, whatever the runtime made before" 0 "1 1000 1001 1002"
	run numbers "$tool" "/bin/sh /numbers" numbering=lineage -- $runtime run lineage
	is "$runtime: by lineage as by crun" 0 "$lineage"
	run contain "$tool" "/bin/busybox unshare -U /bin/busybox echo made" profile=container -- $runtime run denied
	[[ $status != 0 && $out != *made* && $err == *"Operation not permitted"* ]]
	say $? "$runtime: profile container holds"
	run contain "$tool" "/bin/busybox echo started" profile=nonsense -- $runtime run wrong
	[[ $status != 0 && $out$err != *started* ]]
	say $? "$runtime: a wrong annotation keeps the container from starting"
	contain "$tool" "/bin/busybox sleep 1000" numbering=lineage -- $runtime run --detach held >/dev/null 2>&1
	run bash -c "$runtime exec held /bin/sh /numbers </dev/null | paste -sd ' '"
	is "$runtime: exec" 0 "${first:=$out}"
	[[ $first == [1-9]*" "* ]]
	say $? "$runtime: with numbers"
	$runtime delete --force held
	holds "$runtime: no group stays" eventually no_group
done

# What Docker and containerd run.
run contain "" "/bin/sh /numbers" -- "$oci/runtime" numbering=lineage create --bundle "$top" made
runc delete --force made
is "runtime: a container is created" 0
contain "" "/bin/sh /numbers" -- "$oci/runtime" numbering=lineage create --bundle "$top" made >created
runc start made
await grep -q ... created
await bash -c 'runc state made | grep -q stopped'
run paste -sd ' ' created
is "runtime: and has the hook" 0 "$lineage"
runc delete --force made
run contain "" "/bin/sh /numbers" numbering=nonsense -- "$oci/runtime" create --bundle "$top" wrong
[[ $status != 0 && $err == *"numbering 'nonsense'"* ]]
say $? "runtime: a wrong annotation is told"
holds "no group stays" eventually no_group
cd / && rm -rf "$top"
tap_end
