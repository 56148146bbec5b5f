#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The probes of clone, exec and exit are there while somebody needs them, and else
# cost nobody anything. A kprobe counts how often they are called.
. "$(dirname "$0")/tap.sh"

dir=$(mktemp -d /tmp/probes.XXXXXX)
cd "$dir" || exit
mkfifo tell
events=$tracing/events

for probe in newtask exec exit; do
	echo "p:probed/$probe vprocns:vprocns_probe_$probe" >>$tracing/kprobe_events
done

# called CMD...: how often the probes were called meanwhile, if they were.
called() {
	echo >$tracing/trace
	echo 1 >$events/probed/enable
	"$@" >/dev/null
	echo 0 >$events/probed/enable
	grep -cE ' (newtask|exec|exit): ' $tracing/trace
}
# those NAME...: whether these probes were called, and no others.
those() {
	called /bin/true >/dev/null || :
	[[ $(grep -oE ' (newtask|exec|exit): ' $tracing/trace | sort -u | tr -d ' :' | xargs) == "$*" ]]
}
all_probes() { those exec exit newtask; }
own_probes() { those exec exit; }
no_probes() { those; }

# A group whose program makes a task each time that it is told, and says when that ended.
# shellcheck disable=SC2016
crowd() {
	vprocns run --quiet --name crowd "$@" -- bash -c '
		while read -r line; do (exit 3); echo "$line" >>told; done' <>tell 2>errors &
	crowd=$!
	await vprocns stat crowd
}
asked=0
ask() {
	asked=$((asked + 1))
	echo $asked >tell
	eventually grep -qx $asked told
}
end_crowd() {
	kill $crowd
	wait $crowd
}

holds "without a group there are no probes" eventually no_probes
crowd
run called ask
is "sequential numbering needs none" 1 0

# Other groups and what they need.
vprocns run --quiet --numbering lineage -- sleep 1000 &
lineage=$!
holds "a group by lineage brings those of exec and exit" eventually own_probes
kill $lineage
wait $lineage
holds "and takes them away again, some seconds later" eventually no_probes

# Readers of events. Each has all that comes after it.
cat >told_of.py <<'END'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
kinds = [line["kind"] for line in lines]
# The last task may have ended, and its exit be told, after the recorder was told to end.
print(kinds.count("new"), [line["status"] for line in lines if line["kind"] == "exit"])
END
vprocns record --quiet --group crowd -o live.jsonl &
recorder=$!
await grep -q '"kind":"member"' live.jsonl
for _ in 1 2 3; do ask; done
holds "so does a first reader of a group that is there" all_probes
kill -INT $recorder
wait $recorder
run python3 told_of.py live.jsonl
is "which is told of every task from then on" 0 "3 [768, 768, 768]"
holds "and they go after it" eventually no_probes

# Tracers. What comes at once they may miss; what comes once the probes are there, not.
echo >$tracing/trace
for event in new exit; do
	echo 1 >$events/vprocns/vprocns_$event/enable
done
holds "a tracepoint brings them" eventually all_probes
echo >$tracing/trace
for _ in 1 2 3; do ask; done
# The exit is told after the shell has waited.
traced() {
	grep -oE 'vprocns_(new|exit): ' $tracing/trace | sort | uniq -c | xargs
}
run traced
is "and has every task of a group that is there" 0 "3 vprocns_exit: 3 vprocns_new:"
echo 0 >$events/vprocns/vprocns_new/enable
holds "they stay for the other one" all_probes
sleep 6
holds "for as long as it is traced" all_probes
echo 0 >$events/vprocns/vprocns_exit/enable
holds "and go after the last" eventually no_probes
for event in refused rewritten bound; do
	echo 1 >$events/vprocns/vprocns_$event/enable
done
sleep 1
holds "what needs no probe brings none" no_probes
echo 0 >$events/vprocns/enable

# A group that is bound after the tracer came misses nothing.
echo >$tracing/trace
echo 1 >$events/vprocns/enable
vprocns run --quiet -- bash -c '(exit 3); exit'
echo 0 >$events/vprocns/enable
run bash -c "grep -c 'vprocns_new: .* tid=100[01] ' $tracing/trace"
is "a group that comes later is traced from its beginning" 0 2
end_crowd

# The module may go while it is traced, and come while it is.
eventually no_hooks
echo 1 >$events/vprocns/enable
for ((i = 0; i < 3; i++)); do
	rmmod vprocns || break
	insmod "$MODULE"
	echo 1 >$events/vprocns/enable
done
holds "it unloads under a tracer" test $i == 3
rmmod vprocns
holds "and while one comes" bash -c '! test -e /dev/vprocns'
for probe in newtask exec exit; do
	echo "-:probed/$probe" >>$tracing/kprobe_events
done
insmod "$MODULE"
cd /
rm -r "$dir"
tap_end
