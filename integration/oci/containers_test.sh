#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Containers by crun, runc, podman, Docker and containerd, with the hook and without. Runs in the VM.
# STARTS: how many starts a table of numbers has (100; 10 of Docker, which takes seconds
# for each). PARTS: which of the parts below run (all).
here=$(cd "$(dirname "$0")" && pwd -P)
. "$here/../../selftests/tap.sh"
: "${STARTS:=100}"
DOCKER_STARTS=$((STARTS > 10 ? 10 : STARTS))
: "${PARTS:=tables execs podman_as_root recordings seccomp go podman_as_user docker containerd}"
tool=$(command -v vprocns)
build=$(realpath "${BUILD:-$here/../../build}")/integration

mkdir -p /tmp/oci/rootfs/{bin,proc,dev,sys,etc,tmp,run}
cd /tmp/oci || exit 1
cp "$build"/*probe /bin/busybox rootfs/bin
for name in sh echo sleep cat; do
	ln -s busybox rootfs/bin/$name
done
tar -C rootfs -cf image.tar .

no_group() {
	[[ $(vprocns ls --json | grep -c '"id"') == 0 ]]
}

# once RUNTIME HOOK ARGS [KEY=VALUE]...: one container; what it prints.
once() {
	local runtime=$1
	shift
	"$here/bundle" /tmp/oci "$@" && "$runtime" run "c$RANDOM$RANDOM" </dev/null
}
# in_a_row N CMD...: the different lines that N runs print, with their count.
in_a_row() {
	local n=$1 i
	shift
	for ((i = 0; i < n; i++)); do
		"$@" 2>&1
	done | sort | uniq -c
}
# The one table by lineage, of each runtime and engine.
expected=$(once crun "$tool" "/bin/probe numbers" numbering=lineage)
# And that of what exec starts first.
"$here/bundle" /tmp/oci "$tool" "/bin/sleep 1000" numbering=lineage
crun run --detach first </dev/null >/dev/null 2>&1
expected_of_exec=$(crun exec first /bin/probe numbers)
crun delete --force first

# What a container's programs are numbered, by the runtimes themselves.
tables() {
	local runtime

	for runtime in crun runc; do
		run once $runtime "" "/bin/probe numbers"
		[[ $status == 0 && $out != *1000* ]]
		say $? "$runtime: without the hook as ever"
		run in_a_row "$STARTS" once $runtime "$tool" "/bin/probe numbers" profile=container
		[[ $(wc -l <<<"$out") == 1 && $out == *" $STARTS self 1 child 1000 grandchild 1001 thread 1002" ]]
		say $? "$runtime: sequential: one table in $STARTS starts"
		run in_a_row "$STARTS" once $runtime "$tool" "/bin/probe numbers" numbering=lineage
		[[ $expected == "self 1 child 1000 "* && $out == *" $STARTS $expected" && $(wc -l <<<"$out") == 1 ]]
		say $? "$runtime: lineage: one table in $STARTS starts, the same as crun's"
		run once $runtime "$tool" "/bin/echo started" profile=nonsense
		[[ $status != 0 && $out != *started* ]]
		say $? "$runtime: a wrong annotation keeps the container from starting"
		run once $runtime "$tool" "/bin/echo started" profle=container
		[[ $status != 0 && $out != *started* ]]
		say $? "$runtime: and one that is misspelt"
		# With an empty view, which runtimes' own capset would not stand.
		run once $runtime "$tool" "/bin/probe numbers" profile=shadow caps=empty
		is "$runtime: profile shadow with an empty view" 0
	done
}

# What exec starts has the same numbers, whatever the runtime makes on its way.
execs() {
	local runtime numbers=()

	for runtime in crun runc; do
		"$here/bundle" /tmp/oci "$tool" "/bin/sleep 1000" numbering=lineage name=exec
		$runtime run --detach held </dev/null >/dev/null 2>&1
		run in_a_row 3 $runtime exec held /bin/probe numbers
		numbers+=("$(sed 's/^ *[0-9]* //' <<<"$out")")
		run $runtime exec held /bin/probe namespaces
		is "$runtime: exec of a prober" 0
		run vprocns ps exec
		is "$runtime: ps from outside" 0
		$runtime delete --force held
		await no_group
	done
	[[ ${numbers[0]} == "${numbers[1]}" && $(wc -l <<<"${numbers[0]}") == 3 &&
		$expected_of_exec == "self "* && ${numbers[0]} == *"$expected_of_exec"* ]]
	say $? "exec: the same numbers under crun and runc"
	echo "# ${numbers[0]@Q}"
}

# --- podman.

mkdir hooks.d
sed "s|@BINDIR@|${tool%/*}|" "$here/vprocns.json.in" >hooks.d/vprocns.json
"$here/seccomp" </usr/share/containers/seccomp.json >seccomp.json
# glibc falls back to clone when clone3 is ENOSYS, and on no other errno.
python3 -c '
import json, sys
profile = json.load(sys.stdin)
for rule in profile["syscalls"]:
    if rule["names"] == ["clone3"]:
        rule.update(action="SCMP_ACT_ERRNO", errnoRet=1, errno="EPERM")
json.dump(profile, sys.stdout)' <seccomp.json >no-clone3.json
cat >containers.conf <<'C'
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
hooks_dir = ["/tmp/oci/hooks.d"]
[containers]
netns = "none"
C
printf '[storage]\ndriver = "overlay"\nrunroot = "/tmp/oci/run"\ngraphroot = "/tmp/oci/graph"\n' >storage.conf
export CONTAINERS_CONF=/tmp/oci/containers.conf CONTAINERS_STORAGE_CONF=/tmp/oci/storage.conf
holds "podman: an image" podman import image.tar probe
marked=(--annotation org.vprocns.numbering=lineage)

# lifetime WHO PODMAN: a container's, and a pod's, by that user's podman.
lifetime() {
	local who=$1 p=$2

	holds "$who: a container that stays" "$p" run --detach --name stays "${marked[@]}" \
		--annotation org.vprocns.name=stays --health-cmd '/bin/probe numbers' --health-interval disable \
		probe /bin/sh -c 'trap "echo stopping; exit 0" TERM; while :; do sleep 1; done'
	run "$p" exec stays /bin/probe numbers
	[[ $status == 0 && $out == "$expected_of_exec" ]]
	say $? "$who: exec"
	holds "$who: health check" "$p" healthcheck run stays
	# A user without systemd has no cgroup to pause.
	if [[ $who == podman ]]; then
		holds "$who: pause" "$p" pause stays
		holds "$who: unpause" "$p" unpause stays
	fi
	run vprocns ps stays
	is "$who: ps from outside" 0
	holds "$who: restart, with the name" "$p" restart --time 5 stays
	run "$p" exec stays /bin/probe numbers
	[[ $status == 0 && $out == "$expected_of_exec" ]]
	say $? "$who: the same numbers after a restart"
	holds "$who: stop" "$p" stop --time 5 stays
	run "$p" logs stays
	has "$who: logs" stopping
	"$p" rm --force stays >/dev/null
	run eventually no_group
	is "$who: no group stays" 0

	run "$p" pod create --name pair --infra=false
	is "$who: a pod" 0
	run "$p" run --detach --pod pair --name one "${marked[@]}" --annotation org.vprocns.name=one probe /bin/sleep 1000
	is "$who: a pod's first container" 0
	run "$p" run --rm --pod pair "${marked[@]}" probe /bin/probe numbers
	[[ $status == 0 && $out == "self 1 child 1000 "* ]]
	say $? "$who: a pod's second container"
	"$p" pod rm --force --time 1 pair >/dev/null 2>&1
}

podman_as_root() {
	local runtime p

	for runtime in crun runc; do
		p=(podman --runtime $runtime)
		run "${p[@]}" run --rm probe /bin/probe numbers
		[[ $status == 0 && $out != *1000* ]]
		say $? "podman, $runtime: without an annotation as ever"
		run in_a_row "$STARTS" "${p[@]}" run --rm "${marked[@]}" probe /bin/probe numbers
		[[ $out == *" $STARTS $expected" && $(wc -l <<<"$out") == 1 ]]
		say $? "podman, $runtime: the same table in $STARTS starts"
		run "${p[@]}" run --rm --init "${marked[@]}" probe /bin/probe numbers
		[[ $status == 0 && $out == "self 1000 "* ]]
		say $? "podman, $runtime: --init: the program is 1000"
		run "${p[@]}" run --rm --annotation org.vprocns.profile=nonsense probe /bin/echo started
		[[ $status != 0 && $out != *started* ]]
		say $? "podman, $runtime: a wrong annotation keeps it from starting"
	done
	run "${p[@]}" run --rm --annotation org.vprocns.profile=nonsense probe /bin/echo started
	[[ $err == *"profile 'nonsense'"* ]]
	say $? "podman, runc: and the hook's line is shown"

	lifetime podman podman
}

# A container is recorded from its program on, and looked at from outside.
recordings() {
	local kept=/tmp/oci/kept runtime id
	local record=("${marked[@]}" --annotation org.vprocns.record=true)

	run podman run --rm "${record[@]}" probe /bin/echo started
	[[ $status != 0 && $out != *started* ]]
	say $? "record: refused where the hook has no directory for it"
	sed -i 's|"oci-hook"|"oci-hook", "--record-dir", "/tmp/oci/kept"|' hooks.d/vprocns.json
	run podman run --rm "${record[@]}" probe /bin/echo started
	[[ $status != 0 && $out != *started* ]]
	say $? "record: a directory that is not there keeps the container from starting"
	mkdir $kept
	for runtime in crun runc; do
		run podman --runtime $runtime run --cidfile $runtime.id "${record[@]}" probe /bin/probe numbers
		[[ $status == 0 && $out == "$expected" ]]
		say $? "record, $runtime: the same table"
		id=$(<$runtime.id)
		await grep -q '"kind":"totals"' "$kept/$id.jsonl"
		run python3 - "$kept/$id.jsonl" "$expected" <<'P'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
def of(kind):
    return [line for line in lines if line["kind"] == kind]
assert "attached" not in lines[0] and lines[-1]["lost"] == 0, lines[0]
assert [line["filename"] for line in of("exec")] == ["/bin/probe"], of("exec")
# In the order in which they are made: child, grandchild, thread.
words = sys.argv[2].split()
assert [line["tid"] for line in of("new")] == [int(words[i]) for i in (3, 5, 7)], of("new")
assert {line["tid"] for line in of("exit")} == {1, *(line["tid"] for line in of("new"))}, of("exit")
P
		is "record, $runtime: the program and its three tasks are in it, and nothing else" 0
	done
	run vprocns diff "$kept/$(<crun.id).jsonl" "$kept/$(<runc.id).jsonl"
	is "record: crun's and runc's recordings have the same structure" 0
	run vprocns compare "$kept/$(<crun.id).jsonl" --against "$kept/$(<runc.id).jsonl"
	is "record: and can be compared" 0
	has "record: thread by thread" ' probe '
	holds "record: nobody else may read it" test "$(stat -c %a "$kept/$id.jsonl")" == 600
	podman rm --all >/dev/null

	# From outside, while they live: what exec starts has the same place in both.
	for runtime in crun runc; do
		podman --runtime $runtime run --detach --name outside "${marked[@]}" \
			--annotation org.vprocns.name=outside probe \
			/bin/sh -c 'while :; do sleep 1; done' >/dev/null
		vprocns record --quiet --group outside -o outside.$runtime.jsonl &
		await grep -q '"kind":"member"' outside.$runtime.jsonl
		run vprocns ps outside
		has "record, $runtime: ps from outside" ' (sh|sleep) *$'
		holds "record, $runtime: exec while it is recorded from outside" podman exec outside /bin/probe numbers
		podman rm --force --time 0 outside >/dev/null
		run wait $!
		is "record, $runtime: from outside, until the container ends" 0
		run vprocns show outside.$runtime.jsonl
		has "record, $runtime: with what exec started" ' probe  *0 '
	done
	run vprocns compare outside.crun.jsonl --against outside.runc.jsonl
	is "record: two containers, recorded from outside, can be compared" 0
	has "record: what exec started is matched" ' probe '
	sed 's/^/# compare: /' "$tap_out"
	await bash -c '! pgrep -f "[v]procns oci-hook"'
}

# The seccomp profile that goes with profile container.
seccomp() {
	local confined

	confined=(--rm --security-opt seccomp=/tmp/oci/seccomp.json)
	run podman run "${confined[@]}" --annotation org.vprocns.profile=container probe /bin/probe namespaces
	[[ $status == 0 && $(grep -c 'clone3 EPERM' <<<"$out") == 8 && $out != *" 0"* && $out != *ENOSYS* ]]
	say $? "seccomp: every namespace is EPERM by clone3, clone and unshare"
	run podman run "${confined[@]}" --annotation org.vprocns.profile=container probe /bin/probe race
	[[ $status == 0 && $(grep -c 'escaped none refused some$' <<<"$out") == 8 ]]
	say $? "seccomp: nor does one come by threads that race"
	run podman run "${confined[@]}" probe /bin/probe race
	has "seccomp: the control: without vprocns a user namespace comes by threads that race" '^user escaped some '
	run podman run "${confined[@]}" probe /bin/probe namespaces
	has "seccomp: the control: without vprocns clone3 gives a user namespace" '^user clone3 0 clone EPERM unshare EPERM$'
	run podman run --rm --security-opt seccomp=/tmp/oci/no-clone3.json probe /bin/probe numbers
	[[ $status != 0 && $out == *"no thread"* ]]
	say $? "seccomp: glibc's threads do use clone3"
}

# Go's programs under that profile.
go() {
	local confined=(--rm --security-opt seccomp=/tmp/oci/seccomp.json)

	[[ -e rootfs/bin/goprobe ]] || {
		skip "Go before 1.20 makes nothing by clone3"
		return
	}
	run podman run "${confined[@]}" --annotation org.vprocns.profile=container probe /bin/goprobe clone
	is "Go: threads and a child" 0 made
	run podman run "${confined[@]}" --annotation org.vprocns.profile=container --volume /sys/fs/cgroup:/cgroup \
		probe /bin/goprobe cgroup /cgroup
	is "Go: a child in a cgroup" 0 made
	run podman run --rm --security-opt seccomp=/tmp/oci/no-clone3.json --volume /sys/fs/cgroup:/cgroup \
		probe /bin/goprobe cgroup /cgroup
	[[ $status == 1 && $out == *"operation not permitted"* ]]
	say $? "Go: which it makes by clone3"
	run podman run "${confined[@]}" --annotation org.vprocns.profile=container probe /bin/goprobe namespaces
	[[ $status == 1 && $out == *"operation not permitted"* ]]
	say $? "Go: no namespaces"
	run podman run "${confined[@]}" probe /bin/goprobe namespaces
	is "Go: the control: without vprocns clone3 gives it a user namespace" 0 made
}

# podman as a user.
podman_as_user() {
	local runtime

	useradd --create-home rootless
	usermod -aG vprocns rootless 2>/dev/null || { groupadd vprocns; usermod -aG vprocns rootless; }
	chgrp vprocns /dev/vprocns
	echo rootless:100000:65536 | tee /etc/subuid >/etc/subgid
	mkdir -p /run/user/"$(id -u rootless)"
	chown rootless: /run/user/"$(id -u rootless)"
	cp containers.conf image.tar /home/rootless
	chmod 755 /tmp/oci /tmp/oci/hooks.d
	cat >/home/rootless/run <<'R'
#!/bin/bash
cd || exit 1
export XDG_RUNTIME_DIR=/run/user/$(id -u) CONTAINERS_CONF=$HOME/containers.conf
unset CONTAINERS_STORAGE_CONF
exec podman --cgroup-manager cgroupfs --storage-driver vfs "$@"
R
	chmod 755 /home/rootless/run
	rootless() {
		runuser -u rootless -- env -u CONTAINERS_STORAGE_CONF HOME=/home/rootless /home/rootless/run "$@"
	}
	holds "rootless: an image" rootless import image.tar probe
	for runtime in crun runc; do
		run rootless --runtime $runtime run --rm "${marked[@]}" probe /bin/probe numbers
		[[ $status == 0 && $out == "$expected" ]]
		say $? "rootless, $runtime: the same table"
		run rootless --runtime $runtime run --rm --annotation org.vprocns.profile=container probe /bin/probe namespaces
		[[ $status == 0 && $(grep -c 'clone3 EPERM' <<<"$out") == 8 ]]
		say $? "rootless, $runtime: no namespaces"
		run rootless --runtime $runtime run --rm --init "${marked[@]}" probe /bin/probe numbers
		[[ $status == 0 && $out == "self 1000 "* ]]
		say $? "rootless, $runtime: --init: the program is 1000"
	done
	lifetime rootless rootless
}

# Engines without hooks.d, by a runtime that adds the hook.
docker() {
	local d=(env -u DOCKER_HOST /usr/bin/docker) start=(run --rm --network none) daemon

	mkdir -p /etc/docker
	printf '{"runtimes": {"vprocns": {"path": "%s", "runtimeArgs": ["numbering=lineage"]},
		"wrong": {"path": "%s", "runtimeArgs": ["profile=nonsense"]}}}' "$here/runtime" "$here/runtime" \
		>/etc/docker/daemon.json
	/usr/sbin/dockerd --iptables=false --ip6tables=false --bridge=none --data-root /tmp/oci/docker \
		--exec-root /run/docker-test --exec-opt native.cgroupdriver=cgroupfs >docker.log 2>&1 &
	daemon=$!
	await "${d[@]}" info
	holds "docker: an image" "${d[@]}" import image.tar probe
	run "${d[@]}" "${start[@]}" probe /bin/probe numbers
	[[ $status == 0 && $out != *1000* ]]
	say $? "docker: without the runtime as ever"
	run in_a_row "$DOCKER_STARTS" "${d[@]}" "${start[@]}" --runtime vprocns probe /bin/probe numbers
	[[ $out == *" $DOCKER_STARTS $expected" && $(wc -l <<<"$out") == 1 ]]
	say $? "docker: the same table in $DOCKER_STARTS starts"
	run "${d[@]}" "${start[@]}" --runtime vprocns --init probe /bin/probe numbers
	[[ $status == 0 && $out == "self 1000 "* ]]
	say $? "docker: --init: the program is 1000"
	run "${d[@]}" "${start[@]}" --runtime wrong probe /bin/echo started
	[[ $status != 0 && $out != *started* && $err == *"profile 'nonsense'"* ]]
	say $? "docker: a wrong setting keeps it from starting, and the hook's line is shown"
	run "${d[@]}" "${start[@]}" --annotation org.vprocns.seed=5 --runtime vprocns probe /bin/probe numbers
	if [[ $err == *"unknown flag: --annotation"* ]]; then
		skip "Docker before 24 has no annotations"
	else
		[[ $status == 0 && $out == "self 1 "* && $out != "$expected" ]]
		say $? "docker: an annotation"
	fi
	holds "docker: a container that stays" "${d[@]}" run --detach --name stays --network none \
		--runtime vprocns probe /bin/sh -c 'while :; do sleep 1; done'
	run "${d[@]}" exec stays /bin/probe numbers
	[[ $status == 0 && $out == "$expected_of_exec" ]]
	say $? "docker: exec"
	holds "docker: pause" "${d[@]}" pause stays
	holds "docker: unpause" "${d[@]}" unpause stays
	holds "docker: restart" "${d[@]}" restart --time 1 stays
	run "${d[@]}" exec stays /bin/probe numbers
	[[ $status == 0 && $out == "$expected_of_exec" ]]
	say $? "docker: the same numbers after a restart"
	"${d[@]}" rm --force stays >/dev/null
	holds "docker: no group stays" eventually no_group
	kill $daemon
	wait $daemon
}

containerd() {
	local c=(ctr --address /run/containerd-test/containerd.sock) daemon
	local start=(run --rm --rootfs --runc-binary "$here/runtime")

	printf 'version = 2\nroot = "/tmp/oci/containerd"\nstate = "/run/containerd-test"\n%s\n%s\n' \
		'disabled_plugins = ["io.containerd.grpc.v1.cri"]' \
		'grpc = {address = "/run/containerd-test/containerd.sock"}' >containerd.toml
	/usr/bin/containerd --config containerd.toml >containerd.log 2>&1 &
	daemon=$!
	await "${c[@]}" version
	run "${c[@]}" "${start[@]}" /tmp/oci/rootfs plain /bin/probe numbers
	[[ $status == 0 && $out != *1000* ]]
	say $? "containerd: without an annotation as ever"
	run "${c[@]}" "${start[@]}" "${marked[@]}" /tmp/oci/rootfs marked /bin/probe numbers
	[[ $status == 0 && $out == "$expected" ]]
	say $? "containerd: the same table with one"
	run "${c[@]}" "${start[@]}" --annotation org.vprocns.profile=nonsense /tmp/oci/rootfs wrong /bin/echo started
	[[ $status != 0 && $out != *started* && $err == *"profile 'nonsense'"* ]]
	say $? "containerd: a wrong annotation keeps it from starting, and the hook's line is shown"
	kill $daemon
	wait $daemon
}

for part in $PARTS; do
	$part
done
await no_group
tap_end
