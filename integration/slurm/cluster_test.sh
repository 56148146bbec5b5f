#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The SPANK plugin on a cluster of two nodes in one machine. Runs in the VM.
# RUNS: how often the MPI program runs (20).
here=$(cd "$(dirname "$0")" && pwd -P)
. "$here/../../selftests/tap.sh"
build=$(realpath "${BUILD:-$here/../../build}")/integration
: "${RUNS:=20}"

useradd --create-home rank
install -m 0755 "$build"/ranks.* /usr/local/bin
holds "a cluster of two nodes" "$here/cluster" "$build/spank_vprocns.so"
((tap_failed == 0)) || {
	tap_end
	exit 1
}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

as_user() {
	runuser -u rank -- "$@"
}
no_group() {
	[[ $(vprocns ls --json | grep -c '"id"') == 0 ]]
}
no_rest() {
	! pgrep -x vprocns-init
}
# not_started WORDS [OPTION]...: srun with them starts no task, and says WORDS.
not_started() {
	local words=$1
	shift
	run srun -n1 "$@" echo started
	[[ $status != 0 && $out != *started* && $out$err == *"$words"* ]]
}

run srun --help
has "srun knows the options" '--vprocns-numbering'
run srun -N2 -n2 sh -c 'echo $$'
[[ $status == 0 && $(wc -w <<<"$out") == 2 ]]
say $? "without them all is as before"

# shellcheck disable=SC2016
numbers='echo $SLURM_PROCID $$ $(exec sh -c "echo \$PPID")'
run srun -N2 -n4 --vprocns sh -c "$numbers"
first=$(sort <<<"$out")
is "four tasks in groups" 0
[[ $(cut -d' ' -f2 <<<"$first" | sort -u | wc -l) == 2 ]]
say $? "tasks of one node differ, those of one local ID don't"
run as_user srun -N2 -n4 --chdir=/tmp --vprocns sh -c "$numbers"
[[ $status == 0 && $(sort <<<"$out") == "$first" ]]
say $? "a user has the same numbers"
run as_user srun -n1 --chdir=/tmp --vprocns sh -c 'id -un; grep ^NSpid: /proc/self/status | wc -w; readlink /proc/self/ns/user'
[[ $status == 0 && $out == "rank"$'\n'"2"$'\n'"$(readlink /proc/self/ns/user)" ]]
say $? "as the user, in no user namespace"
run as_user srun -n1 --chdir=/tmp --vprocns=container unshare --user true
[[ $status != 0 && $err == *"Operation not permitted"* ]]
say $? "the profile holds"
run env SLURM_VPROCNS=container srun -n1 unshare --uts --user true
[[ $status != 0 && $err == *"Operation not permitted"* ]]
say $? "an environment variable stands for the option"
not_started "shadow, shadow-strict, linux or container is needed" --vprocns=nonsense
say $? "an unknown profile is told"
SLURM_VPROCNS=nonsense not_started "shadow, shadow-strict, linux or container is needed"
say $? "and one in the environment"
not_started "goes with" --vprocns --vprocns-numbering=sequential --vprocns-seed=1
say $? "a seed without lineage is told"
run srun -n1 --vprocns --vprocns-numbering=sequential --vprocns-seed=1 --vprocns-numbering=lineage true
is "the last word of an option holds" 0
mv /dev/vprocns /dev/elsewhere
not_started "is the module loaded?" --vprocns
say $? "without the module a step with it does not start"
run srun -n1 echo started
is "and one without it does" 0 started
mv /dev/elsewhere /dev/vprocns

run srun -n1 --vprocns sh -c 'exit 7'
is "exit status" 7
# shellcheck disable=SC2016
run srun -n1 --vprocns sh -c 'kill -USR1 $$'
[[ $status == $((128 + 10)) && $err == *"User defined signal 1"* ]]
say $? "the signal that ended a task"
srun -n1 -J counted --vprocns sh -c 'trap "echo one" USR1; echo ready; i=0; while [ $i -lt 30 ]; do sleep 0.5; i=$((i+1)); done' >/tmp/counted &
await grep -q ready /tmp/counted
scancel --signal=USR1 -n counted 2>/dev/null
await grep -q one /tmp/counted
sleep 2
[[ $(grep -c one /tmp/counted) == 1 ]]
say $? "a signal by scancel comes once"
scancel -n counted
wait $!
await no_group
as_user srun -n2 -J long --chdir=/tmp --vprocns sleep 1000 &
await pgrep -x sleep
scancel -n long
wait $!
holds "scancel leaves no group" eventually no_group
holds "and no process" eventually no_rest

cat >/tmp/batch <<'B'
#!/bin/sh
echo batch $$
srun -n2 sh -c 'echo step $$' | sort
B
run as_user sbatch --wait --chdir=/tmp --output=/tmp/batch.out -n2 -w n1 --vprocns /tmp/batch
[[ $status == 0 && $(grep -c step /tmp/batch.out) == 2 && $(awk '$2 < 1000' /tmp/batch.out) == "" ]]
say $? "sbatch --vprocns: the script and its steps"
sed 's/^/# batch: /' /tmp/batch.out

# The map from (node, rank, role) to TID.
map() {
	timeout 200 srun "$@" --mpi=pmix ranks.openmpi | sort
}
run map -N2 -n4 --vprocns
[[ $status == 0 && $(wc -l <<<"$out") == 20 ]]
say $? "an MPI program of 2 x 2 ranks"
expected=$out
same=1
for ((i = 1; i < RUNS; i++)); do
	run map -N2 -n4 --vprocns
	[[ $out != "$expected" ]] || same=$((same + 1))
done
[[ $same == "$RUNS" ]]
say $? "the same map in each of $RUNS runs"
run map -N2 -n4 --vprocns --vprocns-seed=5
[[ $status == 0 && $out != "$expected" ]]
say $? "another seed, another map"

# --- Recordings: one of each node, which has its ranks by slots.

mkdir -m 1777 /var/tmp/kept
export OMPI_MCA_mpi_yield_when_idle=1
run env RANKS_SLOW=6 timeout 300 runuser -u rank -- srun -N2 -n8 -O --chdir=/tmp --mpi=pmix \
	--vprocns --vprocns-record=/var/tmp/kept ranks.openmpi
[[ $status == 0 && $(wc -l <<<"$out") == 40 ]]
say $? "2 x 4 ranks are recorded"
numbers=$out
kept=(/var/tmp/kept/slurm-*.jsonl)
[[ ${#kept[@]} == 2 && $(stat -c %U "${kept[@]}" | sort -u) == rank ]]
say $? "in a file of the user's for each node"
[[ $(tail -qn 1 "${kept[@]}" | grep -c '"kind":"totals".*"joined":4,.*"lost":0}$') == 2 ]]
say $? "which are complete when srun returns"
run python3 - "${kept[0]}" "$numbers" <<'P'
import json, re, sys
new = [json.loads(line) for line in open(sys.argv[1]) if '"kind":"new"' in line]
slots = {line["ordinal"] - 1: line["tid"] for line in new if line["cloner_lineage"] == "fffffffffffffffc"}
mains = {int(rank): int(tid) for rank, tid in re.findall(r"^n1 rank (\d) main (\d+)$", sys.argv[2], re.M)}
print(slots == mains, sorted(slots), json.loads(open(sys.argv[1]).readline()).get("attached"))
P
is "with the numbers that the ranks have, from the begin on" 0 "True [0, 1, 2, 3] None"
# A row has the number that the first rank has.
slowed=$(sed -nE 's/^n1 rank 0 thread1 ([0-9]+) .*/\1/p' <<<"$numbers")
run vprocns compare --across "${kept[@]}"
has "compare --across names the rank that was slowed, in its thread" " $slowed .* 8 .* slurm-[0-9]+\\.0\\.1\\.jsonl:2 \\+[0-9]+%\$"
sed 's/^/# across: /' "$tap_out"
not_started "No such file or directory" --vprocns --vprocns-record=/nonexistent
say $? "without its directory a step does not start"
not_started "absolute path" --vprocns --vprocns-record=here
say $? "a relative directory is refused"
holds "no recorder stays" eventually bash -c '! pgrep -f "[v]procns record"'
run sinfo -h -o %t
is "and both nodes are there as before" 0 idle

# The control: without slots and lineage it depends on who comes first.
run map -N2 -n4 --vprocns --vprocns-numbering=sequential
[[ $status == 0 && $out != "$expected" ]]
say $? "sequential numbers are others"
await no_group

# --- mpirun without Slurm, on one node and on two.

# on NODE CMD...: CMD there, as by ssh.
cat >/usr/local/bin/on <<'S'
#!/bin/sh
node=$1
shift
exec nsenter --target "$(cat /run/slurmd."$node".pid)" --net --uts --ipc --mount sh -c "$*"
S
# in-slot SLOT CMD...: in the node's group. Both nodes have one module, so two names.
cat >/usr/local/bin/in-slot <<'S'
#!/bin/sh
slot=$1
shift
SLURMD_NODENAME=$(uname -n)
export SLURMD_NODENAME
exec vprocns exec --slot "$slot" "mpi-$SLURMD_NODENAME" "$@"
S
chmod 755 /usr/local/bin/on /usr/local/bin/in-slot
# HOSTS CMD...: four ranks of it, there; all daemons but the first node's start by `on`.
around=()
open_mpi() {
	local hosts=$1
	shift
	timeout 200 "${around[@]}" mpirun.openmpi --mca plm_rsh_agent on --bind-to none \
		--host "$hosts" -np 4 "$@"
}
mpich() {
	local hosts=$1
	shift
	timeout 200 "${around[@]}" mpirun.mpich -launcher rsh -launcher-exec /usr/local/bin/on \
		-hosts "$hosts" -np 4 "$@"
}
# in_slots HOSTS LAUNCHER VARIABLE PROGRAM: ranks that join by the slot that their launcher says.
in_slots() {
	"$2" "$1" sh -c "exec in-slot \$$3 $4" | sort
}
# around LAUNCHER PROGRAM: four ranks in one group around the launcher.
around() {
	local around=(vprocns run --quiet --profile linux --numbering lineage --)
	"$1" n1:4 "$2" | sort
}
# same NAME CMD...: twice the same lines of four ranks, five for each.
same() {
	local name=$1 before
	shift
	run "$@"
	before=$out
	[[ $status == 0 && $(wc -l <<<"$out") == 20 ]] && run "$@"
	[[ $status == 0 && $(wc -l <<<"$out") == 20 && $out == "$before" ]]
	say $? "$name"
}
# nodes_agree NAME: of what the last run printed, ranks 0 and 1 on n1 have what 2 and 3 have on n2.
nodes_agree() {
	local first second
	first=$(sed -nE 's/^n1 rank ([01]) /\1 /p' <<<"$out")
	second=$(sed -nE 's/^n2 rank 2 /0 /p; s/^n2 rank 3 /1 /p' <<<"$out")
	[[ $(wc -l <<<"$first") == 10 && $first == "$second" ]]
	say $? "$1"
}
groups=()
for node in n1 n2; do
	on $node vprocns run --profile linux --numbering lineage --name mpi-$node -- sleep 1000 &
	groups+=($!)
	await vprocns exec mpi-$node true
done
ranks=(open_mpi OMPI_COMM_WORLD_LOCAL_RANK ranks.openmpi)
same "Open MPI: the same numbers by slot" in_slots n1:4 "${ranks[@]}"
same "Open MPI, two nodes: the same numbers by slot" in_slots n1:2,n2:2 "${ranks[@]}"
nodes_agree "Open MPI, two nodes: and on both"
ranks=(mpich MPI_LOCALRANKID ranks.mpich)
same "MPICH: the same numbers by slot" in_slots n1:4 "${ranks[@]}"
same "MPICH, two nodes: the same numbers by slot" in_slots n1:2,n2:2 "${ranks[@]}"
nodes_agree "MPICH, two nodes: and on both"
kill "${groups[@]}"
wait "${groups[@]}"
same "Open MPI: the same numbers in one group around mpirun" around open_mpi ranks.openmpi
same "MPICH: the same numbers in one group around mpirun" around mpich ranks.mpich
tap_end
