#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What people who measure the kernel see of a member's clones: each once, with the
# credential of its cloner; and the number where the kernel tells the last one.
. "$(dirname "$0")/tap.sh"

dir=$(mktemp -d /tmp/seen.XXXXXX)
chmod 755 "$dir"
# Names that no other task has.
cp "$(command -v bash)" "$dir/cloner"
cp "$(command -v python3)" "$dir/threader"
chgrp 65534 /dev/vprocns
chmod 660 /dev/vprocns

# shellcheck disable=SC2016
forks='for ((i = 0; i < 50; i++)); do (:); done'
threads='
import threading
for i in range(50):
    t = threading.Thread(target=int)
    t.start()
    t.join()'

as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# seen COMMAND...: prints how often such tasks entered alloc_pid() and
# kernel_clone(), and how often one was asked for CAP_CHECKPOINT_RESTORE.
seen() {
	echo >$tracing/trace
	as_nobody "$@" >/dev/null
	for name in alloc_pid kernel_clone capable; do
		grep -cE "(cloner|threader)-.* $name: " $tracing/trace
	done | paste -sd' '
}

echo "p:seen/alloc_pid alloc_pid" >>$tracing/kprobe_events
echo "p:seen/kernel_clone kernel_clone" >>$tracing/kprobe_events
capable='p:seen/capable cap_capable cap=$arg3:s32'
echo "$capable" >>$tracing/kprobe_events
echo 'cap == 40' >$tracing/events/seen/capable/filter
echo 1 >$tracing/events/seen/enable

for numbering in sequential lineage; do
	run seen vprocns run --numbering $numbering -- "$dir/cloner" -c "$forks"
	is "each fork is seen once, and asks for nothing: $numbering" 0 "50 50 0"
	run seen vprocns run --numbering $numbering -- "$dir/threader" -c "$threads"
	is "likewise each thread: $numbering" 0 "50 50 0"
done

echo 0 >$tracing/events/seen/enable
for name in alloc_pid kernel_clone capable; do
	echo "-:seen/$name" >>$tracing/kprobe_events
done

if command -v bpftrace >/dev/null; then
	cat >"$dir/clone" <<-END
		#!/bin/bash
		exec setpriv --reuid=65534 --regid=65534 --clear-groups \
			vprocns run -- "$dir/cloner" -c '$forks'
	END
	chmod 755 "$dir/clone"
	# It begins once the probe is there.
	bpftrace -e 'kprobe:alloc_pid /comm == "cloner"/ { @[uid] = count(); }' \
		-c "/bin/bash $dir/clone" >"$dir/bpftrace" 2>&1
	run grep @ "$dir/bpftrace"
	is "BPF sees each with the cloner's user" 0 "@[65534]: 50"
else
	skip "no bpftrace"
fi

# shellcheck disable=SC2016
run vprocns run -- bash -c '(:); (:); read -r _ _ _ _ last </proc/loadavg
	echo $last $(</proc/sys/kernel/ns_last_pid)'
is "loadavg and ns_last_pid say the last number" 0 "1002 1002"

# A security module that denies it changes nothing, one at a time or at once. Whoever is
# in the slow part has the cursor, so the others are asked for the capability.
holds "the module that denies capabilities loads" \
	insmod "${MODULE%/*}/taker.ko" symbol=cap_capable override=1 error=1 program=cloner \
	slow=idr_alloc_cyclic
# shellcheck disable=SC2016
run vprocns run -- "$dir/cloner" -c 'for ((i = 0; i < 20; i++)); do (:); done
	(exec bash -c "echo \$\$")'
is "clones succeed without CAP_CHECKPOINT_RESTORE" 0 1021
echo "$capable" >>$tracing/kprobe_events
echo 'cap == 40' >$tracing/events/seen/capable/filter
echo >$tracing/trace
echo 1 >$tracing/events/seen/enable
run vprocns run --quiet -- "$dir/cloner" -c 'for ((i = 0; i < 4; i++)); do
	(for ((j = 0; j < 25; j++)); do (:) || echo failed; done) &
done; wait'
echo 0 >$tracing/events/seen/enable
# Where a fork has EAGAIN the shell says so, and tries again.
[[ $status == 0 && -z $out$err ]]
say $? "so do clones at the same time"
holds "some of which were asked for it" grep -q 'cloner-.* capable: ' $tracing/trace
echo "-:seen/capable" >>$tracing/kprobe_events
rmmod taker

rm -r "$dir"
chgrp root /dev/vprocns
tap_end
