#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The tool as its users meet it. Runs in the VM, with the module loaded.
. "$(dirname "$0")/tap.sh"

vectors=$(dirname "$0")/vectors/clone.tsv
user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
work=$(mktemp -d)

has_json() {
	run "$@"
	((status == 0)) || return 1
	python3 -m json.tool <"$tap_out" >/dev/null
}
zero_caps() {
	[[ $(grep -c '^Cap' <<<"$1") == 5 ]] && ! grep '^Cap' <<<"$1" | grep -qv '0000000000000000$'
}
# with_capability FLAG: grep with a file capability, effective or not.
with_capability() {
	cp /bin/grep "$work/cap-grep"
	python3 -c 'import os, struct, sys
os.setxattr(sys.argv[1], "security.capability",
            struct.pack("<5I", 0x02000000 | int(sys.argv[2]), 1 << 21, 0, 0, 0))' \
		"$work/cap-grep" "$1"
}
bound() {
	vprocns ls | grep -qE " $1 +bound "
}
gone() {
	! vprocns stat "$1" 2>/dev/null
}

# What needs no module.
for command in run exec bind kill ls ps stat map check explain; do
	holds "$command --help" vprocns $command --help
done
run vprocns
one_line "no command" 2 "no command given"
run vprocns nonsense
one_line "unknown command" 2 "'nonsense' is no command"
run vprocns --nonsense
one_line "unknown option in place of a command" 2 "unknown option '--nonsense'"
run vprocns ls --nonsense
one_line "unknown option" 2 "unknown option '--nonsense'; see vprocns ls --help"
run vprocns ls -jq
one_line "unknown letter" 2 "unknown option '-j'"
run vprocns run --first
one_line "missing value" 125 "option '--first' needs a value"
run vprocns run --strict=1 true
one_line "a value too many" 125 "option '--strict' takes no value"
run vprocns run --n x true
one_line "ambiguous option" 125 "option '--n' is ambiguous: --numbering, --name"
run vprocns ls alpha
one_line "an argument where none is taken" 2 "takes no argument: 'alpha'"
run vprocns ps
one_line "no group" 2 "no group given"
run vprocns ps alpha beta
one_line "a group too many" 2 "one group only: 'beta' is one too many"
run vprocns help nonsense
one_line "help of an unknown command" 2 "'nonsense' is no command"
run vprocns --help
whole=$out
for word in -h help; do
	run vprocns $word
	is "$word" 0 "$whole"
done
run vprocns run --help
whole=$out
for words in "run -h" "help run"; do
	# shellcheck disable=SC2086
	run vprocns $words
	is "$words" 0 "$whole"
done
run vprocns -V
is "-V" 0 "$(vprocns --version)"
for words in --help --version help "help ls" "ls --help" "explain clone VM" check; do
	# shellcheck disable=SC2086
	run bash -c 'vprocns "$@" >/dev/full' full $words
	say "$((status == 0 || $(grep -c "standard output: No space" "$tap_err") != 1))" \
		"a full disk fails: $words"
done
run bash -c "cut -f1-4 '$vectors' | vprocns explain --batch | cmp - '$vectors'"
is "explain --batch reproduces the vectors" 0 ""
run bash -c "printf 'clone\t0x0\t0\t0\nclone\t0x0\t0\n' | vprocns explain --batch >/dev/null"
one_line "explain --batch with a short row" 2 "line 2:"
run bash -c "printf 'clone\t0x4100\t17\t0\n' | vprocns explain --vfork real --batch"
has "explain --batch takes --vfork" '0	0x4100$'
run vprocns explain clone 'VM|VFORK|SIGHAND|NEWNS'
has "explain names the rule and the flag" 'refused EOPNOTSUPP unsupported-flag NEWNS'
say "$((status != 1))" "explain: refused is status 1"
run vprocns explain clone 'VM|VFORK'
is "explain: allowed is status 0" 0
run vprocns explain clone3 'VM|AUTOREAP'
has "explain names the unknown flag" 'refused EINVAL +unknown-flag AUTOREAP'
run vprocns explain clone 010
has "explain: leading zeros are decimal" '^clone 0 +10 '
run vprocns explain --profile shadow-strict clone3 'CLONE_VM|vfork'
has "explain says what runs" 'allowed +0$'
run vprocns explain --threads-only clone 0x11
has "explain takes the low byte as the exit signal" 'clone 0 .*17 refused EOPNOTSUPP threads-only'
holds "explain --json" has_json vprocns explain --json clone FS
run vprocns explain clone NOSUCH
one_line "explain of an unknown name" 2 "flags 'NOSUCH'"
run vprocns explain clone 0x100000000
one_line "explain of too many bits" 2 "clone takes 32 bits"
run vprocns explain --allow NEWPID clone VM
one_line "explain --allow of what is never allowed" 2 "NEWPID and NEWUSER can't be allowed"
holds "check" vprocns check
holds "check --json" has_json vprocns check --json

# run: what the program gets, and what comes back.
run vprocns run -- bash -c 'echo $$ $PPID'
is "run: the first program is 1000" 0 "1000 1"
run bash -c 'echo through | vprocns run cat'
is "run: standard input" 0 "through"
run vprocns run -- bash -c 'echo to-err >&2'
say $((status)) "run: status of a program that writes to stderr"
for code in 0 1 42 124 255; do
	run vprocns run -- sh -c "exit $code"
	is "run: exit status $code" $code
done
run vprocns run -- sh -c 'kill -TERM $$'
is "run: a signal's end is 128+n" 143
run vprocns run -- sh -c 'kill -KILL $$'
is "run: likewise SIGKILL" 137
run vprocns run nosuchprogram
one_line "run: no such program" 127 "nosuchprogram: No such file"
run vprocns run /etc/passwd
one_line "run: not executable" 126 "Permission denied"
run vprocns run
one_line "run: no program" 125 "no program given"
run vprocns run --first 2000 --last 1999 true
one_line "run: range upside down" 125 "an ascending range within 2 to"
run vprocns run --last 4999999 true
one_line "run: range beyond pid_max" 125 "kernel.pid_max is"
run vprocns run --first x true
one_line "run: no number" 125 "first number 'x'"
run vprocns run --name 9lives true
one_line "run: bad name" 125 "name '9lives'"
run vprocns run --profile none true
one_line "run: bad profile" 125 "shadow, shadow-strict, linux or container"
run vprocns run --first 5000 -- sh -c 'echo $$'
is "run: --first" 0 5000
run vprocns run --first 05000 -- sh -c 'echo $$'
is "run: leading zeros are decimal" 0 5000
run vprocns run --numbering lineage --report -- bash -c '(echo $BASHPID); exit 3'
is "run: --report leaves output and status alone" 3 1001
say "$([[ $err == "vprocns: run: 2 tasks, 0 collisions: each number follows from its task's cloner and "* ]]; echo $?)" \
	"run: --report says what the numbers follow from"
run vprocns run --numbering lineage --first 10 --last 12 --report -- bash -c 'for i in 1 2 3 4; do (:); done'
say "$([[ $err == "vprocns: run: 5 tasks, 1 collision: numbers may depend on "* ]]; echo $?)" \
	"run: --report tells of collisions"
run vprocns run --report true
say "$([[ $err == "vprocns: run: 1 task, 0 collisions: numbered in the order in which they were made" ]]; echo $?)" \
	"run: --report of sequential numbering promises nothing"
run vprocns run --numbering lineage --seed 18446744073709551615 -- bash -c '(sh -c "echo \$\$"; :)'
other=$out
run vprocns run --numbering lineage --seed 1 -- bash -c '(sh -c "echo \$\$"; :)'
say "$([[ $out && $other && $out != "$other" ]]; echo $?)" "run: --seed gives other numbers"
run vprocns run --seed 1 true
one_line "run: --seed without lineage" 125 "--seed goes with --numbering lineage"
run vprocns run --numbering lineage --seed -1 true
one_line "run: a negative seed" 125 "seed '-1'"
run vprocns run --numbering lineage --seed 18446744073709551616 true
one_line "run: a seed of too many bits" 125 "a number from 0 to 18446744073709551615"
run vprocns run --quiet --threads-only -- bash -c 'ls; true'
one_line "run: --threads-only refuses a fork" 254 "fork: Operation not supported"
run vprocns run -- unshare --uts true
say $((status == 0)) "run: namespaces are refused"
run vprocns run --profile linux -- unshare --uts true
is "run: --profile linux allows them" 0
run vprocns run --caps host --allow 'NEWUTS|VM|VFORK|CHILD_SETTID|CHILD_CLEARTID' -- unshare --uts true
is "run: --allow" 0
run vprocns run ls /proc/self/fd
is "run: no descriptor of ours is left open" 0 $'0\n1\n2\n3'
run bash -c 'vprocns run ls / >/dev/full'
say $((status == 0)) "run: a full disk is the program's failure"
run vprocns run -- bash -c '(sleep 0.1; exit 3) & disown; exit 4'
is "run: orphans do not decide the status" 4
run bash -c 'trap "" CHLD; vprocns run -- sh -c "exit 6"'
is "run: a caller that ignores SIGCHLD" 6
run bash -c 'trap "" HUP; vprocns run -- grep SigIgn /proc/self/status'
has "run: ignored signals stay ignored" 'SigIgn:.*1$'
run vprocns run -- grep -E 'SigBlk|SigIgn' /proc/self/status
is "run: and no other is, or blocked" 0 $'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000'

# What was refused is told at the end.
run vprocns run -- unshare --uts true
say "$([[ $err == *$'\n'"vprocns: run: 1 request was refused: 1 by rule unshare (NEWUTS); --allow '+NEWUTS' --caps host lets them pass" ]]; echo $?)" \
	"run: a refusal is told, with what lets it pass"
run vprocns run --allow +NEWUTS --caps host -- unshare --uts true
say "$([[ $status == 0 && ! $err ]]; echo $?)" "run: which does, and then there is nothing to tell"
run vprocns run --quiet -- unshare --uts true
say "$([[ $err == "unshare: unshare failed: Operation not supported" ]]; echo $?)" "run: --quiet tells nothing"
run vprocns run --threads-only -- bash -c 'ls; true'
say "$([[ $err == *"by rule threads-only ("*"); they pass without --threads-only" ]]; echo $?)" "run: a process too many"
run vprocns run --last 1001 -- bash -c 'sleep 1 & sleep 1 & sleep 1 & wait'
say "$([[ $err == *"by rule exhausted; a larger range lets them pass: --first, --last"* ]]; echo $?)" \
	"run: a range that is too small"
run vprocns run --report=json -- unshare --uts true
run python3 -c '
import json, sys
report = json.loads([line for line in sys.argv[1].splitlines() if line.startswith("{")][0])
(refusal,) = report["refusals"]
print(report["command"], report["status"], report["tasks"], report["seed"], refusal["rule"],
      refusal["count"], refusal["flags"], refusal["errno"], refusal["tid"], refusal["comm"])' "$err"
is "run: --report=json has it all" 0 \
	"['unshare', '--uts', 'true'] 1 1 0 unshare 1 ['NEWUTS'] EOPNOTSUPP 1000 unshare"
run vprocns run --quiet --report=json --report-file "$work/report" -- sh -c 'exit 3'
say "$([[ $status == 3 && ! $err && $(<"$work/report") == '{"group":'*'"status":3,'* ]]; echo $?)" "run: --report-file"
run vprocns run --report-file /nonexistent/report true
one_line "run: --report-file that can't be made" 125 "/nonexistent/report: No such file"
run vprocns run --report-file /dev/full true
one_line "run: --report-file that is full" 125 "the report can't be written"
run vprocns run --report=xml true
one_line "run: --report of another kind" 125 "text or json is needed"
run vprocns run --strict -- sh -c 'unshare --uts true 2>/dev/null; true'
is "run: --strict rejects a run with refusals" 124
run vprocns run --strict --numbering lineage --first 10 --last 12 -- bash -c 'for i in 1 2 3 4; do (:); done'
is "run: --strict rejects a run with collisions" 124
run vprocns run --strict --numbering lineage -- bash -c '(:); :'
is "run: --strict takes one without" 0
run vprocns run --strict -- sh -c 'unshare --uts true 2>/dev/null; exit 3'
is "run: --strict leaves a failure as it is" 3

# The program's surroundings.
ids='read -a stat </proc/self/stat; echo ${stat[4]} ${stat[5]}'
run setsid -w vprocns run -- bash -c "$ids"
is "run: process group and session are inside" 0 "1000 1"
run setsid -w vprocns run -- bash -c 'kill -TERM 0'
is "run: kill 0 ends the program" 143
run bash -c 'vprocns run -- bash -c "kill -TERM 0"; echo lives'
is "run: and not the caller" 0 lives
run python3 -c 'import subprocess; print(subprocess.call(["vprocns", "run", "sh", "-c", "kill -SEGV $$"]))'
is "run: the tool dies by the program's signal" 0 -11
run env LISTEN_PID=1 WATCHDOG_PID=1 vprocns run -- sh -c 'echo $LISTEN_PID $WATCHDOG_PID'
is "run: what is for another process stays so" 0 "1 1"
run sh -c 'LISTEN_PID=$$ WATCHDOG_PID=$$ exec vprocns run -- sh -c "echo \$LISTEN_PID \$WATCHDOG_PID"'
is "run: what the service manager says to the tool is for the program" 0 "1000 1000"
run vprocns run -- sh -c 'sleep 1000 & sleep 1000 &'
say "$([[ $err == "vprocns: run: 2 processes left behind ended with the program: --wait waits"* ]]; echo $?)" \
	"run: ended daemons are told"
run vprocns run --wait -- sh -c '(sleep 1; echo late) & exit 4'
is "run: --wait waits for them, and has the program's status" 4 late
vprocns run --wait --name daemons -- sh -c 'sleep 1000 &' &
tool=$!
await bash -c 'vprocns ps daemons | grep -q "^1001 "'
kill -TERM $tool
wait $tool
holds "run: --wait passes signals on to daemons" eventually gone daemons

# Runs beside each other.
start_group beside
run vprocns run -- sh -c 'echo $$'
say "$([[ $out == 1000 && $err == "vprocns: run: group "*" has the same numbers now"*"--part K/N"* ]]; echo $?)" \
	"run: a second group with the same numbers is warned of"
run vprocns run --quiet true
say "$([[ ! $err ]]; echo $?)" "run: not with --quiet"
run vprocns run --first 20000 true
say "$([[ $err == *"has the same numbers"* ]]; echo $?)" "run: ranges that meet are warned of"
run vprocns run --private-tmp --private-ipc true
say "$([[ ! $err ]]; echo $?)" "run: not where nothing is shared"
end_group
for part in 1 2 3; do
	vprocns run --first 2000 --last 2999 --part $part/3 -- bash -c 'echo $BASHPID; (echo $BASHPID); sleep 1' \
		>"$work/part.$part" 2>&1 &
done
wait
run cat "$work"/part.{1,2,3}
is "run: --part gives ranges that don't meet" 0 $'2000\n2001\n2333\n2334\n2666\n2667'
for part in 0/3 4/3 1 x/3 1/x 1/; do
	run vprocns run --part $part true
	one_line "run: --part $part" 125 "K/N is needed"
done
run vprocns run --first 10 --last 12 --part 1/4 true
one_line "run: more parts than numbers" 125 "there are no 4 numbers from 10 to 12"
scratch='d=/tmp/calc.$$; mkdir -p $d; echo "$1" >$d/input; sleep 1; cat $d/input'
for option in --quiet --private-tmp; do
	for i in 1 2; do
		vprocns run --quiet $option -- sh -c "$scratch" sh $i >"$work/scratch.$i" 2>&1 &
	done
	wait
	run cat "$work"/scratch.{1,2}
	if [[ $option == --quiet ]]; then
		say "$([[ $out == $'1\n1' || $out == $'2\n2' ]]; echo $?)" "run: names by PID are shared in /tmp"
	else
		is "run: but not with --private-tmp" 0 $'1\n2'
	fi
done
rm -rf /tmp/calc.1000
mkdir -p /dev/shm
touch /dev/shm/outside
ipcmk -Q >/dev/null
run vprocns run --private-ipc -- bash -c 'ls /dev/shm; ipcs -q | grep -c ^0x; touch /dev/shm/inside'
is "run: --private-ipc" 0 0
run vprocns run --quiet -- bash -c 'ls /dev/shm; ipcs -q | grep -c ^0x'
is "run: and without" 0 $'outside\n1'
ipcrm --all=msg
rm -f /dev/shm/outside

# Whom the program runs as.
mkdir "$work/home"
chown 65534 "$work/home"
run vprocns run -- touch "$work/home/file"
say "$([[ $status == 1 && $err == *"it was root without capabilities"*"--user NAME"* ]]; echo $?)" \
	"run: root without capabilities fails, and is told why"
run vprocns run --quiet -- touch "$work/home/file"
say "$([[ $err == "touch: "*"Permission denied" ]]; echo $?)" "run: not with --quiet"
chmod 755 "$work"
run vprocns run --user nobody -- bash -c 'touch "$1"; id -un; echo $HOME $USER; (echo $BASHPID)' bash "$work/home/file"
is "run: --user" 0 $'nobody\n/nonexistent nobody\n1003'
run vprocns run --user 65534:daemon -- bash -c 'echo $(id -u):$(id -gn)'
is "run: --user by number, with a group" 0 65534:daemon
run vprocns run --user nobody --caps host -- grep CapEff /proc/self/status
is "run: --user has no capabilities of root's" 0 $'CapEff:\t0000000000000000'
run vprocns run --user nosuch true
one_line "run: --user nobody knows" 125 "there is no such user"
run vprocns run --user nobody:nosuch true
one_line "run: a group nobody knows" 125 "there is no such group"
run "${user[@]}" vprocns run --user root true
one_line "run: --user is root's" 125 "--user is for root"
sudo=(env -C "$work/home" SUDO_UID=65534 SUDO_GID=65534)
run "${sudo[@]}" vprocns run -- touch made
say "$([[ $status == 0 && $err == "vprocns: run: runs the program as nobody, who called sudo"* &&
	$(stat -c %u "$work/home/made") == 65534 ]]; echo $?)" \
	"run: under sudo in the user's own directory, as that user"
run "${sudo[@]}" vprocns run --user root -- id -u
is "run: or as root if asked for" 0 0
run "${sudo[@]}" env -C / vprocns run -- id -u
say "$([[ $out == 0 && ! $err ]]; echo $?)" "run: under sudo in root's directory, as root"

# Signals on the way in.
vprocns run -- bash -c 'trap "exit 9" TERM; touch '"$work"'/ready; while :; do sleep 0.1; done' &
tool=$!
await test -e "$work/ready"
kill -TERM $tool
run wait $tool
is "run: SIGTERM reaches the program" 9
start_group killed
kill -KILL "$living"
wait "$living" 2>/dev/null
holds "run: when the tool is killed the group ends" eventually gone killed

# Capabilities: the view, /proc and the kernel agree.
run vprocns run grep Cap /proc/self/status
holds "run: all sets are empty" zero_caps "$out"
cp /bin/grep "$work/suid-grep"
chmod 4755 "$work/suid-grep"
run vprocns run "$work/suid-grep" Cap /proc/self/status
holds "run: and stay so behind a setuid-root file" zero_caps "$out"
chmod 666 /dev/vprocns
chmod 755 "$work"
run "${user[@]}" vprocns run "$work/suid-grep" Cap /proc/self/status
holds "run: for another user too" zero_caps "$out"
# Where a file's privileges are never honoured, these would say nothing.
run "${user[@]}" "$work/suid-grep" Cap /proc/self/status
has "run: which outside has that file's capabilities" 'CapEff:.*[1-9a-f]$'
with_capability 0
run "${user[@]}" "$work/cap-grep" Cap /proc/self/status
has "run: and of a file with a capability that" 'CapPrm:.*[1-9a-f]'
run vprocns run "$work/cap-grep" Cap /proc/self/status
holds "run: and behind a file with a capability" zero_caps "$out"
with_capability 1
run vprocns run "$work/cap-grep" Cap /proc/self/status
one_line "run: which is not executed where it wants it at once" 126 "Operation not permitted"
kept='exec 7</proc; exec vprocns run "$@" -- bash -c "exec 8<>/proc/self/fd/7/1/mem"'
run bash -c "$kept" kept
say "$([[ $err == *"Permission denied"* ]]; echo $?)" "run: no memory of outsiders through a /proc kept open"
run bash -c "$kept" kept --caps host
is "run: but with the capabilities of root" 0
run vprocns run -- mount -t tmpfs tmpfs /mnt
say $((status == 0)) "run: root of a group can't mount"
run vprocns run --caps host -- grep CapEff /proc/self/status
has "run: --caps host leaves them" 'CapEff:.*[1-9a-f]$'

# The unprivileged user.
run "${user[@]}" vprocns run -- bash -c 'echo $$ $(id -u)'
is "run: unprivileged, as oneself" 0 "1000 65534"
"${user[@]}" vprocns run --name theirs -- sleep 1000 &
theirs=$!
await bound theirs
run vprocns ls
has "ls: tells root whose a group is" ' theirs +bound .* 65534( |$)'
start_group theirs
run "${user[@]}" vprocns ls
is "ls: shows a user the user's alone" 0 "$(vprocns ls | sed -n '1p; / 65534/p')"
end_group
await bash -c '(($(vprocns ls | grep -c " theirs ") == 1))'
holds "kill: root ends the group of a user" vprocns kill theirs
run wait $theirs
is "kill: whose run tells so" 137
run "${user[@]}" vprocns run --private-tmp --private-ipc -- bash -c 'touch /tmp/x /dev/shm/x && ls /tmp'
is "run: unprivileged, with private places" 0 x
run "${user[@]}" vprocns run -- bash -c 'stat -c %u /; exit 1'
say "$([[ $out == 65534 && $err == *"root's files belong to 65534"*"'sudo vprocns run'"* ]]; echo $?)" \
	"run: unprivileged, what is odd about root's files is told"
sysctl -q kernel.unprivileged_userns_clone=0
run "${user[@]}" vprocns run true
one_line "run: no user namespaces" 125 "kernel.unprivileged_userns_clone"
sysctl -q kernel.unprivileged_userns_clone=1
chmod 660 /dev/vprocns
run "${user[@]}" vprocns run true
one_line "run: no access" 125 "be root or of the group vprocns"
run "${user[@]}" vprocns ls
one_line "ls: no access" 1 "be root or of the group vprocns"
run vprocns run --quiet vprocns ls
one_line "a member can't steer" 1 "run this outside of it"

# A group whose run has bound it, and starts the program when strace has gone.
strace -D -f -I 1 -o /dev/null -P 'anon_inode:[vprocns]' \
	-e inject=close:delay_enter=1000000000 \
	vprocns run --name late -- sh -c 'echo $$; sleep 1000' >"$work/late" &
living=$!
await bound late
run vprocns exec late true
one_line "exec: before the program of run" 125 "has no program yet"
pkill -x strace
holds "exec: behind it" eventually vprocns exec late true
await test -s "$work/late"
run cat "$work/late"
is "run: which has the first number" 0 1000
end_group

# Groups that live.
start_group alpha
run vprocns run --name alpha true
one_line "run: a name that is taken" 125 "take another name"
run vprocns exec alpha bash -c 'echo $PPID; grep Cap /proc/self/status; pwd'
holds "exec: parent outside, no capabilities" zero_caps "$out"
run vprocns exec alpha unshare --uts true
say "$([[ $err == *$'\n'"vprocns: exec: 1 request was refused: 1 by rule unshare (NEWUTS)"* ]]; echo $?)" \
	"exec: a refusal is told"
run vprocns exec alpha true
say "$([[ ! $err ]]; echo $?)" "exec: earlier ones are not"
run setsid -w vprocns exec alpha -- bash -c "$ids; echo \$\$"
say "$([[ $out =~ ^([0-9]+)\ ([0-9]+)$'\n'([0-9]+)$ && ${BASH_REMATCH[1]} == "${BASH_REMATCH[3]}" && ${BASH_REMATCH[2]} == "${BASH_REMATCH[3]}" ]]; echo $?)" \
	"exec: process group and session are inside"
run vprocns exec alpha -- sh -c 'exit 5'
is "exec: exit status" 5
run vprocns exec alpha sh -c 'kill -9 $$'
is "exec: signal" 137
run vprocns exec alpha nosuchprogram
one_line "exec: no such program" 127 "nosuchprogram"
run vprocns exec nosuchgroup true
one_line "exec: no such group" 125 "there is no group 'nosuchgroup'"
run vprocns exec
one_line "exec: no group" 125 "no group given"
run vprocns ps alpha
has "ps: shows both" '^1000 +1000 +1 .*sleep$'
holds "ps: --json" has_json vprocns ps --json alpha
host=$(vprocns map alpha 1000)
run vprocns map --to-virtual alpha "$host"
is "map: there and back" 0 1000
holds "map: it is the sleep" grep -q sleep "/proc/$host/comm"
holds "map: --json" has_json vprocns map --json alpha 1000
run vprocns map alpha 4242
one_line "map: no such task" 1 "no live task"
run vprocns map alpha x
one_line "map: no number" 2 "TID 'x'"
run vprocns map --to-virtual alpha
one_line "map: --to-virtual of nothing" 2 "--to-virtual needs a TID"
run vprocns map alpha
has "map: the tree, without lineages" '^`-1000 +1 +sleep$'
vprocns run --numbering lineage --name family -- bash -c 'sleep 1000 & (sleep 1000 & sleep 1000) & wait' &
family=$!
sleeps() {
	[[ $(vprocns ps family | grep -c ' sleep$') == "$1" ]]
}
await sleeps 3
vprocns exec family sleep 1000 &
await sleeps 4
run vprocns map family
is "map: the tree of a group" 0 "$(
	cat <<-'END'
		TID         LINEAGE  PARENT K COMMAND
		1           ffffffff        1 vprocns
		`-1000      00000000      1 1 bash
		  |-1001    caf8f14c   1000 1 sleep
		  `-1002    bc3d046c   1000 2 bash
		    |-19485 b852da47   1002 1 sleep
		    `-19486 7280e0b2   1002 2 sleep
		5135        73cc7caa        1 sleep
	END
)"
run vprocns map --json family
run python3 -c '
import json, sys
task = json.loads(sys.argv[1])["tree"][0]["children"][0]["children"][1]["children"][1]
print(task["tid"], task["parent"], task["k"])' "$out"
is "map: the tree in JSON" 0 "19486 1002 2"
run vprocns ps --json family
run python3 -c '
import json, sys
last = json.loads(sys.argv[1])["members"][-1]
print(last["tid"], last["lineage"], last["cloner"], last["ordinal"], last["host-tid"] > 0)' "$out"
is "ps: lineage, cloner and ordinal" 0 "19486 $(vprocns ps family | awk '$1 == 19486 { print $6 }') 1002 2 True"
run vprocns ls
has "ls: shows the seed, and no next number" ' family +bound +shadow +lineage +0 +1000 +32767 +7 '
run vprocns stat family
has "stat: counts collisions" '^collisions +0$'
run vprocns exec --slot 3 family sh -c 'echo $$'
third=$out
run vprocns exec --slot 1 family sh -c 'echo $$'
say "$([[ $out && $third && $out != "$third" ]]; echo $?)" "exec: each slot has its number"
run vprocns exec --slot 3 family sh -c 'echo $$'
is "exec: a slot has the same number again" 0 "$third"
vprocns exec --slot 3 family sleep 1000 &
await bash -c "vprocns ps family | grep -q '^ *$third .* sleep'"
run vprocns exec --slot 3 family true
one_line "exec: a slot in use" 125 "slot 3 is in use"
run vprocns exec --slot 4096 family true
one_line "exec: a slot out of range" 125 "slot '4096'"
run vprocns exec --slot 0 alpha true
one_line "exec: a slot in a group that has none" 125 "slots go with --numbering lineage"
kill -9 $family
wait $family 2>/dev/null
run vprocns stat alpha
has "stat: counts clones" '^clones +[1-9]'
holds "stat: --json" has_json vprocns stat --json alpha
run vprocns kill
one_line "kill: no group" 2 "no group given"
run vprocns kill nosuchgroup
one_line "kill: no such group" 1 "there is no group 'nosuchgroup'"
alpha=$living
start_group doomed
victim=$living
holds "kill: ends a group" vprocns kill doomed
run wait $victim
is "kill: whose run tells so" 137
holds "kill: and has waited for its end" eval "! pgrep -x -P $victim sleep"
living=$alpha
run vprocns ls
has "ls: shows the group" ' alpha +bound +shadow +sequential +0 +1000 '
holds "ls: --json" has_json vprocns ls --json
completion=$(dirname "$0")/../tools/completion
run bash -c ". $completion/vprocns; _vprocns_groups | grep -x alpha"
is "bash completes groups" 0 alpha
kill "$living"
run wait "$living"
is "run: the program's own end by SIGTERM" 143
holds "the group goes with it" eventually gone alpha
run vprocns ls
is "ls: nothing left" 0 ""
holds "ls: --json of nothing" has_json vprocns ls --json
run vprocns ps alpha
one_line "ps: group gone" 1 "there is no group 'alpha'"

vprocns run --numbering lineage --seed 18446744073709551615 --name odd -- python3 -c '
import os, time
with open("/proc/self/comm", "wb") as comm:
    comm.write(b"a\xff\xc3\"\t\xf4\x90\x80\x80")
time.sleep(1000)' &
living=$!
await bash -c 'vprocns ps --json odd | grep -q "\"a"'
run bash -c 'vprocns ps --json odd | iconv -f UTF-8 -t UTF-8'
holds "ps: --json is UTF-8 whatever a task calls itself" python3 -c '
import json, sys
assert json.loads(sys.argv[1])["members"][1]["command"] == "a\ufffd\ufffd\"\t\ufffd\ufffd\ufffd\ufffd"' "$out"
run vprocns ls --json
holds "ls: --json does not round a seed" python3 -c '
import json, sys
assert json.loads(sys.argv[1])["groups"][0]["seed"] == "18446744073709551615"' "$out"
end_group

# Namespaces that others made.
unshare --pid --fork --mount-proc sleep 1000 &
maker=$!
await pgrep -P $maker
inner=$(pgrep -P $maker)
run vprocns bind --name other "$inner"
say "$status" "bind: a namespace of unshare(1)"
id=$out
say "$([[ $err == "vprocns: bind: capabilities are shown as they are"* ]]; echo $?)" \
	"bind: says that it drops nothing"
run vprocns exec "$id" sh -c 'echo $$'
is "bind: what joins is numbered" 0 1000
run nsenter -t "$inner" -p -m setpriv --inh-caps=+chown grep CapInh /proc/self/status
is "bind: so a container runtime can set capabilities" 0 $'CapInh:\t0000000000000001'
run vprocns bind "$inner"
one_line "bind: only once" 1 "bound to another group"
run vprocns bind $$
one_line "bind: never the initial one" 1 "can't be bound"
run vprocns bind 999999999
one_line "bind: no such process" 1 "there is no process"
run vprocns bind
one_line "bind: no process" 2 "no process given"
kill -9 "$inner"
wait $maker 2>/dev/null
holds "bind: ends with its namespace" eventually gone other
if command -v bwrap >/dev/null; then
	bwrap --unshare-pid --bind / / --proc /proc --dev-bind /dev /dev -- bash -c \
		"touch $work/in; while [[ ! -e $work/go ]]; do sleep 0.1; done; bash -c 'echo \$\$' >$work/number" &
	maker=$!
	await test -e "$work/in"
	inner=$(pgrep -P $maker)
	run vprocns bind --json "$inner"
	say "$status" "bind: a namespace of bubblewrap"
	touch "$work/go"
	wait $maker
	holds "bind: its next processes are numbered" bash -c "(( $(<"$work/number") >= 1000 ))"
else
	skip "bind: a namespace of bubblewrap: bwrap is not installed"
	skip "bind: its next processes are numbered: bwrap is not installed"
fi

# Without the module.
await rmmod vprocns
run vprocns run true
one_line "run: no module" 125 "modprobe vprocns"
run vprocns ls
one_line "ls: no module" 1 "modprobe vprocns"
holds "check: no module is no lack" vprocns check
insmod "$MODULE"
rm -rf "$work"
tap_end
