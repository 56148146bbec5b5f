#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# `vprocns record` and `show`, and the tracepoints: what they say of a program, twice
# the same of one that races, and what becomes of a recording when something dies.
# Runs in the VM, with the module loaded.
. "$(dirname "$0")/tap.sh"

here=$(cd "$(dirname "$0")" && pwd -P)
racer=$here/../build/selftests/racer
work=$(mktemp -d)
cd "$work" || exit 1

# pick FILE EXPRESSION: of a recording's lines, as a list of objects named "lines".
pick() {
	python3 -c '
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
def of(kind):
    return [line for line in lines if line["kind"] == kind]
print(eval(sys.argv[2]))' "$@"
}
# says NAME FILE EXPRESSION VALUE
says() {
	run pick "$2" "$3"
	is "$1" 0 "$4"
}

# A program, a thread of another, a refusal.
program='/bin/true; unshare -U true; python3 -c "
import threading
thread = threading.Thread(target=sum, args=[range(100000)])
thread.start()
thread.join()"; exit 7'
run vprocns record -o a.jsonl --name rec --top 2 -- bash -c "$program"
is "record: the program's own status" 7
holds "record: a table of the two that ran longest, and where it is" \
	bash -c 'grep -q "^ *TID  *TGID" <<<"$1" && grep -q ": a.jsonl$" <<<"$1" &&
		(($(grep -c "python3\|bash\|true\|unshare" <<<"$1") >= 2))' - "$err"
says "the first line is the header" a.jsonl \
	'lines[0]["kind"], lines[0]["version"], lines[0]["group"]["numbering"], lines[0]["group"]["name"], lines[0]["command"][0]' \
	"('header', 1, 'lineage', 'rec', 'bash')"
says "the last line has the totals" a.jsonl \
	'lines[-1]["kind"], lines[-1]["status"], lines[-1]["refused"], lines[-1]["lost"]' \
	"('totals', 7, {'unshare': 1}, 0)"
says "each clone and each end is there" a.jsonl \
	'len(of("new")) == lines[-1]["clones"], len(of("exit")) == lines[-1]["exits"], len(of("new"))' \
	'(True, True, 5)'
says "programs by their paths" a.jsonl \
	'[line["filename"].split("/")[-1] for line in of("exec")]' \
	"['bash', 'true', 'unshare', 'python3']"
says "what was refused" a.jsonl \
	'[(line["tid"], line["call"], line["rule"], line["flags"], line["errno"]) for line in of("refused")]' \
	"[(1002, 'unshare', 'unshare', 'NEWUSER', 'EOPNOTSUPP')]"
says "a thread is its process's" a.jsonl \
	'[(line["cloner"], line["tgid"], line["ordinal"]) for line in of("new") if line["tid"] != line["tgid"]]' \
	'[(1003, 1003, 1)]'
says "the first program's end" a.jsonl \
	'[(line["status"], line["comm"]) for line in of("exit") if line["tid"] == 1000]' \
	"[(1792, 'bash')]"
says "times and counters make sense" a.jsonl \
	'all(0 < line["start"] < line["end"] == line["time"] and 0 < line["runtime"] <= line["end"] - line["start"] and
	     line["utime"] + line["stime"] <= line["runtime"] for line in of("exit") if line["tid"] != 1)' \
	True
says "peaks of memory come with processes" a.jsonl \
	'["maxrss" in line for line in of("exit") if line["tid"] == line["tgid"]] == 5 * [True]' True

run vprocns record -o killed.jsonl -- bash -c 'kill -TERM $$'
is "record: 128 and the signal" 143
run vprocns record -o none.jsonl -- /nonexistent
is "record: 127 when there is no program" 127
says "and the recording says so" none.jsonl 'lines[-1]["status"]' 127
run vprocns record -o /nonexistent/x -- true
one_line "record: a file that can't be made" 125 "/nonexistent/x: No such file"
run vprocns record -o /dev/full -- true
holds "record: a full disk is told" \
	bash -c '[[ $1 == 125 && $2 == *"the recording can'\''t be written: No space left"* ]]' - "$status" "$err"
run vprocns record --events nonsense -- true
one_line "record: an unknown counter" 125 "event 'nonsense'"
run vprocns record --top x -- true
one_line "record: a bad number" 125 "top 'x'"

# Counters: where this kernel's perf has them.
sysctl -q kernel.perf_event_paranoid=-1
run vprocns record -o counters.jsonl --events page-faults,task-clock,cycles -- bash -c '/bin/true; exit 0'
is "record: counters that can't be had fail nothing" 0
if grep -q "nothing is counted" <<<"$err"; then
	says "and are not in the recording" counters.jsonl '"events" in lines[0], len(of("counters"))' '(False, 0)'
	skip "this kernel's perf loses the counters of tasks"
	skip "this kernel's perf loses the counters of tasks"
else
	says "those that can be are in the header" counters.jsonl \
		'{"page-faults", "task-clock"} <= set(lines[0]["events"])' True
	says "each task has them" counters.jsonl \
		'{line["tid"] for line in of("new")} <= {line["tid"] for line in of("counters")}' True
	says "and they agree with the kernel's own" counters.jsonl \
		'all(abs(line["counters"]["page-faults"] - exit["min_flt"] - exit["maj_flt"]) < 100
		     for line in of("counters") for exit in of("exit") if exit["tid"] == line["tid"] != 1)' True
fi

# A recorder that dies leaves what it had.
vprocns record -o dead.jsonl -- bash -c '/bin/true; sleep 600; :' 2>/dev/null &
recorder=$!
await grep -q '"sleep"' dead.jsonl
kill -KILL $recorder
wait $recorder 2>/dev/null
says "a recorder that is killed leaves what it had" dead.jsonl \
	'lines[0]["kind"], lines[-1]["kind"] == "totals", len(of("new"))' "('header', False, 3)"
run vprocns show dead.jsonl
holds "show: says that it is cut off" bash -c '[[ $1 == 0 && $2 == *"dead.jsonl is cut off"* ]]' - "$status" "$err"

# A group that is there. Its first program makes a child that ends each time that it is told.
mkfifo tell
vprocns run --quiet --numbering lineage --name live -- bash -c 'sleep 1000 & while read -r line; do (exit 3); done; wait' <>tell 2>/dev/null &
await bash -c 'vprocns ps live | grep -q " sleep$"'
asked=0
have_ended() {
	vprocns stat live | grep -q "^exits  *$asked$"
}
ask() {
	echo >tell
	asked=$((asked + 1))
	await have_ended
}
ask
vprocns record --group live -o live.jsonl 2>live.err &
recorder=$!
await grep -q '"member"' live.jsonl
ask
ask
kill -INT $recorder
run wait $recorder
is "record --group: is stopped by a signal" 0
says "and says that it began in the middle" live.jsonl \
	'lines[0]["attached"], "command" in lines[0], lines[0]["group"]["name"], "status" in lines[-1]' "(True, False, 'live', False)"
says "with those that were there, by who cloned them" live.jsonl \
	'[(line["tid"], line["cloner"], line["ordinal"]) for line in of("member") if line["tid"] != 1] == [(1000, 1, 1), (lines[3]["tid"], 1000, 1)]' True
says "and what came then, in events and in totals" live.jsonl \
	'len(of("new")), [line["status"] for line in of("exit")], lines[-1]["clones"], lines[-1]["exits"], len(of("ended"))' \
	'(2, [768, 768], 2, 2, 0)'
holds "record --group: tells how many ended and how many are there" grep -q ': 2 tasks ended in .*, 3 are there: live.jsonl$' live.err
run vprocns show live.jsonl
holds "show: says so, and has the children of a task that was there" \
	bash -c '[[ $1 == 0 && $3 == *"live.jsonl began when the group was there"* ]] && grep -q "^  [|\`]-[0-9]* bash  *3 " <<<"$2"' - "$status" "$out" "$err"
chmod 755 .
mkdir -m 777 theirs
run vprocns record --group live -o theirs/a.jsonl --detach --user nobody
recorder=$out
[[ $status == 0 && $(stat -c %U theirs/a.jsonl) == nobody && $(stat -c %U "/proc/$recorder") == nobody ]]
say $? "record --detach: goes on as the user who is to have the file"
ask
vprocns kill live
wait 2>/dev/null
await test ! -e "/proc/$recorder"
says "until the group ends" theirs/a.jsonl 'len(of("new")), lines[-2]["kind"], lines[-1]["kind"]' "(1, 'ended', 'totals')"
run vprocns record --group live
one_line "record --group: one that has ended" 125 "there is no group 'live'"
run vprocns record --group live true
one_line "record --group: and a program" 125 "--group starts no program"
run vprocns record --group live --seed 1
one_line "record --group: and an option of new groups" 125 "--seed is for a new group"
run vprocns record --detach true
one_line "record --detach: of a new group" 125 "--detach goes with --group"

# A race while it is listed: no task twice, each new one once.
vprocns run --quiet --numbering lineage --name race -- bash -c 'read -r line; while :; do (:); done' <>tell &
await vprocns exec --quiet race true
echo >tell
has_news() {
	(($(grep -c '"kind":"new"' "busy$i.jsonl") > 10))
}
for i in 1 2 3; do
	vprocns record --quiet --group race -o busy$i.jsonl &
	recorder=$!
	await has_news
	kill -TERM $recorder
	wait $recorder
done
vprocns kill race
wait 2>/dev/null
for i in 1 2 3; do
	says "record --group: of a busy group, each task once" busy$i.jsonl \
		'(lambda there: len(there) - len(set(there)))([line["lineage"] for line in of("new") + of("member") if "lineage" in line])' 0
	# The one that was there at first may have ended before the others were listed.
	says "record --group: and those that ended are known" busy$i.jsonl \
		'len({line["host_tid"] for line in of("exit")} - {line["host_tid"] for line in of("new") + of("member")}) <= 1' True
done

# Without privileges, in a user namespace.
chmod 777 "$work"
chmod 666 /dev/vprocns
run setpriv --reuid 65534 --regid 65534 --clear-groups \
	vprocns record -o nobody.jsonl -- bash -c '/bin/true; exit 0'
is "record: as a user without privileges" 0
says "who sees every task" nobody.jsonl 'len(of("new")), all(line["host_tid"] for line in of("new"))' '(2, True)'
chmod 660 /dev/vprocns

# show
run vprocns show a.jsonl
is "show: a tree" 0
has "with the thread below its process" '^ *[`|]-1003 .*python3 '
has "and sums" '^5 tasks in .* 1 calls refused; status 7$'
run vprocns show --by process --sort min_flt --json a.jsonl
is "show: processes as JSON" 0
holds "show: the sums are those of the recording" python3 -c '
import json, sys
lines = [json.loads(line) for line in open("a.jsonl")]
exits = [line for line in lines if line["kind"] == "exit" and line["tid"] != 1]
shown = json.loads(sys.argv[1])["tasks"]
for name in "runtime", "nvcsw", "min_flt", "rchar":
    assert sum(line[name] for line in exits) == sum(row[name] for row in shown), name
assert [row["min_flt"] for row in shown] == sorted((row["min_flt"] for row in shown), reverse=True)
assert [row["tasks"] for row in shown if row["tgid"] == 1003] == [2]
assert len(shown) == 4' "$out"
run vprocns show --by thread a.jsonl
holds "show: a row for each thread" bash -c '(($(grep -c "^ *[0-9]\{4,\} *[0-9]\{4,\} [a-z]" <<<"$1") == 5))' - "$out"
run vprocns show --by program a.jsonl
has "show: programs" '^python3 +2 '
echo '{"kind":"header","version":2}' >newer.jsonl
run vprocns show newer.jsonl
one_line "show: a recording of another version" 1 "has version 2"
run vprocns show /etc/passwd
one_line "show: something else" 1 "this is no recording"
run vprocns show /dev/null
one_line "show: nothing" 1 "it is empty"
run vprocns show nonexistent
one_line "show: no such file" 1 "nonexistent: No such file"
run vprocns show --sort nonsense a.jsonl
one_line "show: an unknown metric" 2 "nonsense"
run vprocns show --by nonsense a.jsonl
one_line "show: an unknown way" 2 "by 'nonsense'"

# Two runs of a program that races are the same text, but for times and host numbers.
story() {
	python3 -c '
import json, sys
keep = ("kind", "tid", "tgid", "cloner", "joined", "lineage", "cloner_lineage", "ordinal", "comm", "filename", "status")
lines = [json.loads(line) for line in open(sys.argv[1])]
for text in sorted(json.dumps({name: line[name] for name in keep if name in line})
                   for line in lines if line["kind"] in ("new", "exec", "exit")):
    print(text)' "$1"
}
for i in 1 2; do
	vprocns record -o race$i.jsonl --seed 1 -- "$racer" >/dev/null 2>&1
	story race$i.jsonl >race$i
done
says "a race of 259 tasks is recorded" race1.jsonl 'len(of("new")), lines[-1]["lost"], lines[-1]["collisions"]' '(259, 0, 0)'
holds "two recordings of it are the same text" diff race1 race2
for i in 1 2; do
	vprocns record -o seed$i.jsonl --seed $i -- bash -c '(exit 3); exit 0' 2>/dev/null
	story seed$i.jsonl >seed$i
done
run diff seed1 seed2
is "with another seed it is another" 1 "$out"

# The same by the tracepoints.
events=$tracing/events/vprocns
trace_text() {
	echo >$tracing/trace
	echo 16384 >$tracing/buffer_size_kb
	echo 1 >$events/enable
	vprocns run --numbering lineage --seed 1 -- "$racer" >/dev/null
	eventually grep -q vprocns_ended $tracing/trace
	echo 0 >$events/enable
	grep -oE 'vprocns_(new|exec|exit): .*' $tracing/trace |
		sed -E 's/ (group|host_tid|host_tgid|start|end|runtime|utime|stime|run_delay|nvcsw|nivcsw|min_flt|maj_flt|rchar|wchar|read_bytes|write_bytes|maxrss|has)=[^ ]*//g' |
		grep -v ' tid=1 ' | sort >"$1"
}
trace_text trace1
trace_text trace2
run bash -c 'grep -c "^vprocns_new" trace1'
is "tracepoints: a race of 259 tasks" 0 259
holds "tracepoints: two runs of it are the same text" diff trace1 trace2

# Those that others read by.
run "${perf_record[@]}" -a -o perf.data -e 'vprocns:*' vprocns run -- bash -c '(exit 3); unshare -U true'
run perf script -i perf.data -F event,trace
has "perf: shows a clone" 'vprocns_new: .* tid=1001 .* cloner=1000 '
has "perf: shows an end" 'vprocns_exit: .* tid=1001 .* status=0x300 '
# bash executes its last command itself.
has "perf: shows a refusal" 'vprocns_refused: .* tid=1000 .* errno=95 '
run trace-cmd record -q -o trace.dat -e vprocns vprocns run -- bash -c '(exit 3); exit 0'
run trace-cmd report -i trace.dat
has "trace-cmd: shows them" 'vprocns_new: .* tid=1001 '
has "trace-cmd: and the end of the group" 'vprocns_ended:'
# Its -c splits words and knows no quotes.
printf '%s\n' '#!/bin/bash' '(exit 3)' exit >two
chmod +x two
run timeout $((60 * ${PATIENCE:-1})) bpftrace -e 'tracepoint:vprocns:vprocns_new { printf("%d made %d\n", args->cloner, args->tid); }' \
	-c "$(command -v vprocns) run -- $PWD/two"
has "bpftrace: reads their fields" '^1000 made 1001$'

cd /
# 2>&1 has to be read by a shell, which is a task of its own: then both have it.
run vprocns compare -n 1 --export-json - '/bin/echo a b=c' '/bin/echo a 2>&1'
holds "compare: both commands have a shell, or none" \
	python3 -c 'import json, sys; sys.exit(json.loads(sys.argv[1])["partial"] != 0)' "$out"

rm -rf "$work"
tap_end
