#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the tool makes of made-up recordings: diff, compare and timeline. Needs no
# module. Real ones: record_test.sh, and make check-compare.
. "$(dirname "$0")/tap.sh"

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work" "$tap_out" "$tap_err"' EXIT
# The tool under the sanitizers; what it has when it ends need not be freed.
PATH=$here/../build/sanitized:$PATH
export ASAN_OPTIONS=detect_leaks=0
make_up() {
	"$here/recordings.py" "$@"
}
cd "$work" || exit 1

for command in diff compare timeline; do
	holds "$command --help" vprocns $command --help
done

# Reading: what is not as `record` writes it is json-c's, and comes to the same.
make_up tree 300 written.jsonl
sed 's/^{/{ /; s/,"/, "/g' written.jsonl >spaced.jsonl
run vprocns show --json written.jsonl
plain=$out
run vprocns show --json spaced.jsonl
is "show: other JSON, the same recording" 0 "$plain"
sed '0,/"comm":"as-1"/s//"comm":"a\\"s\\u0065","more":[1,{}]/' written.jsonl >escaped.jsonl
run vprocns show --by program escaped.jsonl
has "show: escapes and members that nobody knows" '^a"se +1 '
sed '7s/":/":00/' written.jsonl >damaged.jsonl
run vprocns show damaged.jsonl
one_line "show: a damaged line" 1 "damaged.jsonl: line 7 is no JSON object: the file is damaged"
sed '1s/"version":1/"version":2/' written.jsonl >newer.jsonl
run vprocns show newer.jsonl
one_line "show: another version" 1 "this recording has version 2, and this tool reads version 1"
head -c -30 written.jsonl >cut.jsonl
run vprocns show cut.jsonl
say "$([[ $status == 0 && $err == *"cut.jsonl is cut off"* ]]; echo $?)" "show: a last line that is cut off"

# in_time CMD...: the tool as it is installed, in 4 s of CPU time. It takes half of that
# or less on a quiet machine, and what grew with the square of the tasks an hour.
in_time() {
	local try

	for try in 1 2 3; do
		(ulimit -t 4 && exec "$here/../build/bin/vprocns" "$@" >shown) && return
	done
}
make_up tree 100000 many.jsonl
holds "show: 100,000 tasks in time" in_time show many.jsonl
holds "show: all of them" grep -q '^100000 tasks in ' shown
holds "show: 100,000 tasks by process in time" in_time show --by process many.jsonl
holds "diff: 100,000 tasks in time" in_time diff many.jsonl many.jsonl
rm many.jsonl shown

# diff
make_up threads a.jsonl
make_up threads b.jsonl --times 100e6,110e6,100e6,100e6
make_up threads three.jsonl --missing 2
run vprocns diff a.jsonl b.jsonl
is "diff: times are no structure" 0 ""
run vprocns diff a.jsonl three.jsonl
is "diff: a task in one only" 1 'PLACE  TID COMMAND  DIFFERENCE A    B
1.2   1002 worker-2 task       here '
run vprocns diff --json three.jsonl a.jsonl
run python3 -c 'import json, sys; d = json.loads(sys.argv[1])["differences"]; print(len(d), d[0]["place"], d[0]["a"], d[0]["b"])' "$out"
is "diff: --json" 0 "1 1.2 None here"
sed 's/"comm":"worker-3","status":0/"comm":"worker-3","status":9/; s/usr.bin.solve/opt\/solve/; s/"comm":"worker-4"/"comm":"writer"/' \
	a.jsonl >other.jsonl
run vprocns diff a.jsonl other.jsonl
is "diff: program, end and name" 1 'PLACE  TID COMMAND  DIFFERENCE A              B
1     1000 solve    program    /usr/bin/solve /opt/solve
1.3   1003 worker-3 end        exit 0         signal 9
1.4   1004 worker-4 name       worker-4       writer'
sed 's/"numbering":"lineage"/"numbering":"sequential"/; s/,"lineage":"[^"]*"//; s/,"cloner_lineage":"[^"]*"//; s/,"ordinal":[0-9]*//; s/"\(tid\|tgid\|cloner\)":1\([0-9][0-9]*\)/"\1":7\2/g' \
	a.jsonl >sequential.jsonl
run vprocns diff a.jsonl sequential.jsonl
is "diff: other numbers, the same tasks" 0 ""
head -c 1500 a.jsonl | head -n -1 >cut.jsonl
run vprocns diff a.jsonl cut.jsonl
say "$([[ $status == 1 && $err == *"cut.jsonl: this recording is cut off"* ]]; echo $?)" "diff: one that is cut off is told"
run vprocns diff --times a.jsonl b.jsonl
has "diff --times: the greatest difference first" '^1.2 +1002 worker-2 +100 ms +110 ms +\+10.0%$'
run vprocns diff --metric min_flt a.jsonl b.jsonl
has "diff --metric" '^1.1 +1001 worker-1 +120 +120 +\+0.0%$'
run vprocns diff a.jsonl
one_line "diff of one" 2 "two recordings are needed"
run vprocns diff a.jsonl nosuch.jsonl
one_line "diff: no such file" 2 "nosuch.jsonl: No such file"
echo '{"kind":"nothing"}' >empty.jsonl
run vprocns diff a.jsonl empty.jsonl
one_line "diff: no recording" 2 "empty.jsonl"
run vprocns diff --metric speed a.jsonl b.jsonl
one_line "diff: no such metric" 2 "metric 'speed'"

# A chain of clones, each by the one before: nothing goes as deep as the tree does.
python3 - "$here" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
import recordings
chain = recordings.Recording(["chain"])
chain.new(1000, 1000, 1, "chain")
for tid in range(1001, 31000):
    chain.new(tid, tid, tid - 1, "chain")
chain.write("chain.jsonl", 40000)
END
run vprocns diff chain.jsonl chain.jsonl
is "diff: a chain of 30,000" 0 ""

# compare: ten runs, in turn, with noise of one in a hundred; thread 3 is slowed.
python3 - "$here" <<'END'
import random
import sys
sys.path.insert(0, sys.argv[1])
import recordings
chance = random.Random(7)
for run in range(10):
    for side, slow in (("a", 1), ("b", 1), ("s", 1.1)):
        times = [100e6 * chance.lognormvariate(0, 0.01) * (slow if thread == 2 else 1) for thread in range(8)]
        recordings.threads(f"{side}{run}.jsonl", times, base=run * 10 + "abs".index(side) + 1)
for rank in range(8):
    times = [100e6 * chance.lognormvariate(0, 0.01) * (1.4 if (rank, thread) == (5, 1) else 1) for thread in range(4)]
    recordings.threads(f"rank{rank}.jsonl", times)
END
run vprocns compare a?.jsonl --against s?.jsonl
say "$([[ $status == 1 && -z $err ]]; echo $?)" "compare: something is slower"
has "compare: the slow thread is named" '^1003 worker-3 \(1\.3\): slower, \+(9|1[01])\.[0-9]% '
say "$([[ $(grep -cE '^[0-9.]+ +[0-9]+ .* slower$' "$tap_out") == 1 ]]; echo $?)" "compare: and no other"
has "compare: what could not be seen is told" '^differences under [1-4]\.[0-9]% would not show in any thread'
has "compare: with a total" '^ +\(all tasks\) +80[0-9] ms +8[01][0-9] ms '
run vprocns compare a?.jsonl --against b?.jsonl
say $((status)) "compare: nothing is slower"
has "compare: nobody is named" '^no thread of 9 differs by more than noise explains$'
run vprocns compare --threshold 30 a?.jsonl --against s?.jsonl
say $((status)) "compare: --threshold"
run vprocns compare --export-json - a?.jsonl --against s?.jsonl
run python3 -c 'import json, sys
answer = json.loads(sys.argv[1])
print(answer["version"], answer["metric"], answer["runs"], [t["tid"] for t in answer["threads"] if t["verdict"] == "slower"])' "$out"
is "compare: --export-json" 0 "1 runtime 10 [1003]"
run vprocns compare a[0-5].jsonl --against s[0-5].jsonl
has "compare: too few runs" '^no difference could be told from noise: at least 7 runs of each are needed$'
run vprocns compare a0.jsonl --against s0.jsonl
say $((status)) "compare: one run of each names nobody"
has "compare: and says so" '^no difference could be told from noise: at least 7 runs of each are needed$'
run vprocns compare a?.jsonl --against s[0-7].jsonl
say "$([[ $err == *"the last 2 of A are left out"* ]]; echo $?)" "compare: what has no pair is left out"
make_up threads late.jsonl --base 900
run vprocns compare a0.jsonl a1.jsonl --against late.jsonl late.jsonl
say "$([[ $err == *"all recordings of one side were made before those of the other"* ]]; echo $?)" \
	"compare: sides that were not recorded in turn are told"
sed 's/"collisions":0/"collisions":2/; s/"numbering":"lineage"/"numbering":"sequential"/' a0.jsonl >collided.jsonl
run vprocns compare collided.jsonl --against b0.jsonl
say "$([[ $err == *"in 1 of 2 runs numbers collided"* && $err == *"1 of 2 runs are numbered in the order of clones"* ]]; echo $?)" \
	"compare: numbers that depend on scheduling are told"
make_up threads a9.jsonl --times 100e6,100e6,100e6,100e6,100e6,100e6,100e6,100e6 --missing 4
run vprocns compare a?.jsonl --against b?.jsonl
has "compare: a task that is not in every run is told" '^1 tasks are not in every run .*\(1004 worker-4'
run vprocns compare a0.jsonl cut.jsonl --against b0.jsonl b1.jsonl
say "$([[ $status == 2 && $err == *"cut.jsonl: this recording is cut off"* ]]; echo $?)" "compare: one that is cut off"
# Of 1,500 threads each is less than a thousandth of the whole, and of a rank.
python3 - "$here" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
import recordings
for run in range(7):
    for side, slow in (("few", 1), ("many", 1.1)):
        times = [1e6 + 1000 * (thread * run % 7) for thread in range(1500)] + [4e3]
        times[699] *= slow
        recordings.threads(f"{side}{run}.jsonl", times, base=run * 10 + len(side))
END
run vprocns compare few?.jsonl --against many?.jsonl
has "compare: one of very many threads is named" '^1700 worker-700 \(1\.700\): slower, \+10\.0% '
has "compare: how many are too light is told" '^threads that used less than 0.5% of an average thread and are not judged: 1$'
run vprocns compare --across few[0-5].jsonl many6.jsonl
has "compare --across: one of very many threads" '^1\.700 +1700 worker-700 +7 .* many6.jsonl \+10%$'
has "compare --across: how many are too light is told" '^threads that used less than 0.5% of an average thread on each rank and are left out: 1$'
# Beside 10 ms more, of 1 ms a fifth is little; alone it is what changed.
make_up threads light-a.jsonl --times 100e6,1e6
make_up threads light-b.jsonl --times 110e6,1.2e6
make_up threads light-c.jsonl --times 100e6,1.2e6
run vprocns compare light-a.jsonl{,,,,,,,,,} --against light-b.jsonl{,,,,,,,,,}
has "compare: the greatest change is named" '^1001 worker-1 \(1\.1\): slower, \+10\.0% '
has "compare: what is slight beside it is told" '^1 more changed by less than 10% of the greatest change, .* \(1002 worker-2, for one\)$'
has "compare: in the table, too" '^1\.2 +1002 worker-2 .* \+20\.0% .* slight$'
run vprocns compare light-a.jsonl{,,,,,,,,,} --against light-c.jsonl{,,,,,,,,,}
has "compare: and named when it is alone" '^1002 worker-2 \(1\.2\): slower, \+20\.0% '
run vprocns compare 'true'
one_line "compare: one command" 2 "two commands are needed"
run vprocns compare a0.jsonl --against
one_line "compare: nothing to compare with" 2 "before --against and after it"
run vprocns compare -n 0 true true
one_line "compare: no runs" 2 "number of runs '0'"
run vprocns compare --threshold x true true
one_line "compare: no threshold" 2 "threshold 'x'"
run vprocns compare --seed 1 --numbering sequential true true
one_line "compare: a seed without lineage" 2 "--seed goes with --numbering lineage"

# --across
run vprocns compare --across rank?.jsonl
say "$((status != 1))" "compare --across: somebody stands out"
has "compare --across: the rank is named" '^1.2 +1002 worker-2 +8 .* rank5.jsonl \+(39|4[01])%$'
has "compare --across: and it is in the sum" '^ +\(all tasks\) .* rank5.jsonl \+10%$'
say "$([[ $(grep -c rank5 "$tap_out") == 2 ]]; echo $?)" "compare --across: and in no other thread"
run vprocns compare --across rank[0-4].jsonl
say "$status" "compare --across: nobody stands out"
run vprocns compare --across rank[01].jsonl
has "compare --across: of two ranks none stands out" "^no rank is said to stand out: that needs at least 5 ranks$"
run vprocns compare --across --export-json - rank?.jsonl
run python3 -c 'import json, sys; print([t["tid"] for t in json.loads(sys.argv[1])["threads"] if t["stands_out"] == [5]])' "$out"
is "compare --across: --export-json" 0 "[1002]"
make_up slots node0.jsonl
make_up slots node1.jsonl --slow 2
run vprocns compare --across node?.jsonl
say "$((status != 1))" "compare --across: of ranks by slots somebody stands out"
has "compare --across: the node and the slot are named" '^1.2 +2002 worker-2 +8 .* node1.jsonl:2 \+40%$'
has "compare --across: what joined by no slot is left out" '^ +\(all tasks\) +8 +202 ms '
run bash -c 'vprocns compare --across --export-json - node?.jsonl | jq -c "[.ranks[] | [.file, .slot]] | sort | [first, last]"'
is "compare --across: slots in --export-json" 0 '[["node0.jsonl",0],["node1.jsonl",3]]'
make_up slots alone.jsonl
run vprocns compare --across alone.jsonl
say "$status" "compare --across: four ranks in one recording"
# The same recording, begun in the middle.
member() {
	jq -c 'if .kind == "header" then (.attached = true | del(.command)), {kind: "member", time: 1, tid: 1, tgid: 1, host_tid: 5001, host_tgid: 5001, lineage: "fffffffffffffffd", cloner_lineage: "fffffffffffffffe", ordinal: 1, comm: "vprocns"} elif .kind == "new" and .time < 2600000 then .kind = "member" | del(.flags, .joined) elif .kind == "totals" then del(.status) else . end' "$1"
}
member node1.jsonl >attached.jsonl
run vprocns show attached.jsonl
holds "show: a recording that began in the middle says so" \
	bash -c '[[ $1 == 0 && $2 == "vprocns: show: attached.jsonl began when the group was there"* && $3 == *"group 1"* && $3 != *status* ]]' \
	- "$status" "$err" "$out"
tree_of() {
	vprocns show --json "$1" 2>/dev/null | grep -vE '"(command|start|life)":'
}
[[ $(tree_of attached.jsonl) == "$(tree_of node1.jsonl)" && $(tree_of node1.jsonl | grep -c '"tid"') == 14 ]]
say $? "show: and has the same tasks in the same places"
run vprocns compare --across node0.jsonl attached.jsonl
has "compare --across: and the same ranks" '^1.2 +2002 worker-2 +8 .* attached.jsonl:2 \+40%$'

# timeline
make_up tree 300 tree.jsonl
sed -i 's/"comm":"as-1"/"comm":"<\/script><b>"/' tree.jsonl
run vprocns timeline tree.jsonl -o tree.html
is "timeline: a page" 0 ""
run python3 - <<'END'
import json
import re
page = open("tree.html", encoding="utf-8").read()
lines = [json.loads(line) for line in open("tree.jsonl", encoding="utf-8")]
[text] = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.S)
recording = json.loads(text)
at = {name: place for place, name in enumerate(recording["members"])}
tasks = {task[at["tid"]]: task for task in recording["tasks"]}
for line in lines:
    if line["kind"] == "exit":
        task = tasks[line["tid"]]
        for name in ("tgid", "comm", "start", "end", "status", "runtime", "run_delay", "maxrss"):
            assert task[at[name]] == line[name], (name, task, line)
    elif line["kind"] == "new":
        task = tasks[line["tid"]]
        assert recording["tasks"][task[at["cloner"]]][at["tid"]] == line["cloner"]
        assert recording["tasks"][task[at["process"]]][at["tid"]] == line["tgid"]
refused = [line for line in lines if line["kind"] == "refused"]
assert [r[1] for r in recording["refusals"]] == [line["time"] for line in refused] and refused
assert "://" not in re.sub(r"https?://www\.w3\.org", "", page), "something of the network"
print(len(tasks))
END
is "timeline: the page has every task and refusal" 0 301
run vprocns timeline tree.jsonl -o tree.json
run python3 - <<'END'
import json
events = json.load(open("tree.json", encoding="utf-8"))["traceEvents"]
lives = [event for event in events if event["ph"] == "X"]
starts = {event["id"]: event for event in events if event["ph"] == "s"}
ends = {event["id"]: event for event in events if event["ph"] == "f"}
lines = [json.loads(line) for line in open("tree.jsonl", encoding="utf-8")]
exits = {line["tid"]: line for line in lines if line["kind"] == "exit"}
for event in lives:
    if event["tid"] > 1:
        line = exits[event["tid"]]
        assert event["pid"] == line["tgid"] and event["name"] == line["comm"]
        assert abs(event["ts"] * 1000 - line["start"]) < 1 and abs(event["dur"] * 1000 - (line["end"] - line["start"])) < 1
# An arrow for each clone, from within the cloner's life.
assert starts.keys() == ends.keys() and len(starts) == 300
assert all(event["bp"] == "e" and event["ts"] == starts[name]["ts"] for name, event in ends.items())
assert len([e for e in events if e["ph"] == "i"]) == len([line for line in lines if line["kind"] == "refused"])
print(len(lives))
END
is "timeline: a trace" 0 301
run vprocns timeline tree.jsonl
one_line "timeline: no output" 2 "-o FILE.html or -o FILE.json is needed"
run vprocns timeline tree.jsonl -o tree.svg
one_line "timeline: another form" 2 "-o FILE.html or -o FILE.json is needed"
run vprocns timeline tree.jsonl -o nosuch/tree.html
one_line "timeline: no such directory" 1 "nosuch/tree.html: No such file"
ln -s /dev/full full.html
run vprocns timeline tree.jsonl -o full.html
say $((status == 0)) "timeline: what can't be written"
tap_end
