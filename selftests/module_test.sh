#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module as a guest of the kernel: loading, unloading, and what it leaves
# registered. Runs in the VM, with the module loaded.
. "$(dirname "$0")/tap.sh"

ko=$MODULE

all_hooks() {
	[[ $(hooks) == "$(printf '%s\n' "${hooked[@]}" | sort)" ]]
}
no_probes() {
	# What listens to a tracepoint holds a reference of the module.
	[[ $(cat /sys/module/vprocns/refcnt) == 0 ]]
}
first_numbers() {
	# Ends are awaited, so the numbers follow one another.
	vprocns run -- bash -c 'echo $BASHPID; (echo $BASHPID); (echo $BASHPID)' | xargs
}
right_numbers() {
	[[ $(first_numbers) == "1000 1001 1002" ]]
}
no_groups() {
	local groups
	groups=$(vprocns ls) && [[ -z $groups ]]
}

# take ARG...: loads taker.ko.
take() {
	insmod "${ko%/*}/taker.ko" "$@"
}

# A test before this one may have ended a moment ago.
holds "loaded and idle, nothing is hooked" eventually no_hooks
start_group living
holds "a group makes the hooks appear" all_hooks
run rmmod vprocns
one_line "rmmod with a group is refused" 1 "in use"
holds "the group lives on" vprocns exec living true
holds "all hooks are still there" all_hooks
run sysctl -q kernel.ftrace_enabled=0
say "$((status == 0 || $(cat /proc/sys/kernel/ftrace_enabled) == 0))" "ftrace can't be switched off under a group"
holds "and the policy still holds" judged living
end_group
holds "no group, no hooks, some seconds later" eventually no_hooks
holds "and no reference" eventually no_probes

# An administrator can have them stay, or come before there is a group.
keep=/sys/module/vprocns/parameters/keep_hooks
echo 1 >$keep
holds "keep_hooks brings the hooks" all_hooks
start_group living
end_group
sleep 7
holds "and they stay after the last group" all_hooks
echo 0 >$keep
holds "until it is taken back" eventually no_hooks
run bash -c "echo 2 >$keep"
say $((status == 0)) "keep_hooks is yes or no"
rmmod vprocns
insmod "$ko" keep_hooks=1
holds "keep_hooks at the load" all_hooks
holds "is in nobody's way who unloads" rmmod vprocns
holds "and nothing stays hooked" no_hooks
insmod "$ko"

# Unloading at once, with the hooks still on.
for ((i = 0; i < 5; i++)); do
	right_numbers || break
	run rmmod vprocns
	((status == 0)) || break
	no_hooks || break
	insmod "$ko" || break
done
say $((i != 5)) "rmmod right behind a run, five times"

run insmod "$ko"
one_line "a second insmod is refused" 1 "File exists"
await no_hooks
# Since 7.3 a kernel need not let that happen.
if sysctl -q kernel.ftrace_enabled=0 2>/dev/null; then
	attempt vprocns run -- true
	one_line "a group without ftrace is refused" 125 "kernel.ftrace_enabled is 0: set it"
	holds "with a line in the log that says why" log_has "vprocns: kernel.ftrace_enabled is 0"
	holds "no group is left" no_groups
	holds "nor a hook" no_hooks
	holds "nor a reference" no_probes
	sysctl -q kernel.ftrace_enabled=1
	holds "and a group works once ftrace is on" right_numbers
	rmmod vprocns
	sysctl -q kernel.ftrace_enabled=0
	attempt insmod "$ko"
	one_line "insmod without ftrace is refused" 1 "No such device"
	holds "with a line that says why" log_has "vprocns: kernel.ftrace_enabled is 0"
	sysctl -q kernel.ftrace_enabled=1
else
	for ((i = 0; i < 8; i++)); do
		skip "this kernel's ftrace can't be switched off"
	done
	rmmod vprocns
fi
insmod "$ko"
holds "and works once ftrace is on" right_numbers

# A kernel that lacks something: the same module, looking for another name. Each
# fails before anything is brought up.
rmmod vprocns
plain=$(mktemp --suffix=.ko)
lacking=$(mktemp --suffix=.ko)
# Newer kernels look at a module's BTF, which has these names as well.
objcopy -R .BTF -R .BTF.base "$ko" "$plain"
mapfile -t looked_up < <(symbols LOOKED_UP)
for name in "${hooked[@]}" "${looked_up[@]}" kallsyms_lookup_name pid_max \
	task_newtask sched_process_{exec,exit}; do
	if [[ $name == pid_max ]] && ! grep -q ' pid_max$' /proc/kallsyms; then
		skip "this kernel's namespaces have a pid_max each"
		skip "this kernel's namespaces have a pid_max each"
		continue
	fi
	sed "s/$name/${name%?}X/g" "$plain" >"$lacking"
	attempt insmod "$lacking"
	say $((status == 0)) "insmod is refused where $name is missing"
	holds "with a line that names it" log_has "${name%?}X"
done
rm "$plain" "$lacking"
holds "and nothing stays half done" no_hooks
holds "but works where all is there" insmod "$ko"

# A step that fails although all is there. Behind the function: its errno or 0 for
# NULL, how many of its calls work before, what insmod says, and what the log has.
workqueue=alloc_workqueue
! grep -q ' alloc_workqueue_noprof$' /proc/kallsyms || workqueue+=_noprof
rmmod vprocns
# A work queue that stays can be seen nowhere, so those that go are counted.
echo 'p:vprocns/destroyed destroy_workqueue' >>$tracing/kprobe_events
echo 1 >$tracing/events/vprocns/enable
traced=$(hooks)
steps=0
while IFS=: read -r name error after words line; do
	if ! take "symbol=$name" override=1 program=insmod "error=$error" "after=$after"; then
		say 1 "the module that has $name fail loads"
		continue
	fi
	attempt insmod "$ko"
	rmmod taker
	one_line "insmod ends where call $((after + 1)) of $name fails" 1 "$words"
	holds "with its line, if it has one" log_has ${line:+"$line"}
	holds "no device" test ! -e /dev/vprocns
	holds "no hook" test "$(hooks)" == "$traced"
	insmod "$ko"
	holds "and works when it does not fail" right_numbers
	rmmod vprocns
	steps=$((steps + 1))
done <<END
ftrace_set_filter_ip:18:0:cross-device:kernel_clone can't be hooked (-18)
ftrace_set_filter_ip:18:4:cross-device:${hooked[4]} can't be hooked (-18)
tracepoint_probe_register:18:0:cross-device:sched_process_exec can't be probed (-18)
tracepoint_probe_register:18:2:cross-device:task_newtask can't be probed (-18)
register_ftrace_function:18:0:cross-device:can't be hooked (-18)
register_ftrace_function:11:0:busy:can't be hooked (-16)
kallsyms_lookup_name:0:1:Unknown symbol:no symbol ${looked_up[0]}
prepare_kernel_cred:0:0:allocate memory:
kallsyms_lookup_name:0:4:Unknown symbol:no symbol ${looked_up[3]}
$workqueue:0:0:allocate memory:
misc_register:18:0:cross-device:
END
echo 0 >$tracing/events/vprocns/enable
run grep -cE '^ *(ins|rm)mod-.* destroyed: ' $tracing/trace
is "each load that came as far as the device had its work queue destroyed" 0 $((steps + 1))
echo -:vprocns/destroyed >>$tracing/kprobe_events
insmod "$ko"

# EAGAIN is what the kernel says while a BPF program comes to a trampoline or goes.
rmmod vprocns
holds "the module that has it say so for a while loads" \
	take symbol=register_ftrace_function override=1 program=insmod error=11 times=500
holds "insmod tries until it does not" insmod "$ko"
rmmod taker

# Where ftrace takes nothing off, the module may not go: it is still called.
holds "the module that has the hooks stay loads" \
	take symbol=unregister_ftrace_function override=1 error=19 program=kworker
attempt right_numbers
holds "hooks that can't be taken off have a line" eventually log_has "can't be taken off (-19)"
run rmmod vprocns
one_line "and keep the module" 1 "in use"
holds "with which groups work" right_numbers
rmmod taker
holds "until they can" eventually no_hooks
holds "and no longer" eventually no_probes
holds "the module that has them stay for rmmod loads" \
	take symbol=unregister_ftrace_function override=1 error=19 program=rmmod
holds "hooks are on" right_numbers
attempt true
rmmod vprocns &
leaving=$!
await log_has "can't be taken off"
holds "while they stay the machine forks" bash -c '(:); (:)'
holds "and rmmod has not ended" kill -0 $leaving
# By another name, which is not had to fail.
(exec -a rmmod kmod taker)
run wait $leaving
is "it does once they go" 0
holds "and nothing is hooked" no_hooks
insmod "$ko"
holds "and a new load works" right_numbers

# The last step of making a group, with the hooks on by then.
holds "the module that has a descriptor fail loads" \
	take symbol=anon_inode_getfd override=1 program=vprocns error=24
run vprocns run -- true
one_line "no group without a descriptor" 125 "Too many open files"
rmmod taker
holds "and none is left" no_groups
holds "nor a hook, some seconds later" eventually no_hooks
holds "nor a reference" eventually no_probes
holds "and works when it does not fail" right_numbers

# The number of the node, which another driver has.
minor=$(modinfo -F alias "$ko" | sed -n 's/^char-major-10-//p')
rmmod vprocns
holds "another driver takes the node's number" take minor="$minor"
attempt insmod "$ko"
one_line "insmod is refused while it has it" 1 "busy"
holds "with a line that says where to look" log_has "another driver has the misc minor $minor"
rmmod taker
holds "and works when it has gone" insmod "$ko"
holds "with the node of that number" test "$(stat -c %Hr:%Lr /dev/vprocns)" = "10:$minor"

# A function that another one redirects.
rmmod vprocns
if take symbol=ksys_unshare; then
	attempt insmod "$ko"
	one_line "insmod is refused while a function is taken" 1 "busy"
	holds "with a line that names the function" log_has "vprocns: ksys_unshare can't be hooked"
	holds "and nothing stays half done" bash -c "! awk '{print \$1}' $tracing/enabled_functions | grep -v ksys_unshare"
	rmmod taker
	insmod "$ko"
	take symbol=ksys_unshare
	run vprocns run -- true
	one_line "so is a group" 125 "holds a function that is needed"
	run bash -c "echo 1 >$keep"
	say $((status == 0)) "and keep_hooks says so"
	run cat $keep
	is "and stays off" 0 N
	rmmod taker
else
	say 1 "the module that takes a function loads"
	insmod "$ko"
fi
holds "and works once it is free" right_numbers

echo 1 >/sys/module/vprocns/parameters/max_groups
start_group only
run vprocns run -- true
one_line "no more groups than max_groups" 125 "too many groups"
end_group
echo 16384 >/sys/module/vprocns/parameters/max_groups
user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
chmod 666 /dev/vprocns
echo 0 >/sys/module/vprocns/parameters/max_user_groups
run "${user[@]}" vprocns run -- true
one_line "no more groups of a user than max_user_groups" 125 "you have as many groups as one user may"
holds "which is no limit for root" right_numbers
echo 1024 >/sys/module/vprocns/parameters/max_user_groups
holds "and none for who has fewer" "${user[@]}" vprocns run -- true
chmod 660 /dev/vprocns

# A handler that is called after ours has the last word on where a task goes.
capget=${hooked[4]}
ask='import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.capget((ctypes.c_uint32 * 2)(0x20080522), (ctypes.c_uint32 * 6)()), ctypes.get_errno())'
rmmod vprocns
take "symbol=$capget" override=1
insmod "$ko"
work=$(mktemp -d)
mkfifo "$work/go"
# shellcheck disable=SC2016
unshare --pid --fork bash -c 'read -r <"$0/go"; python3 -c "$1" >"$0/out"' "$work" "$ask" &
holder=$!
await pgrep -P $holder
holds "a namespace is bound" vprocns bind --caps empty "$(pgrep -P $holder)"
echo >"$work/go"
wait $holder
run cat "$work/out"
is "another handler sends a member elsewhere" 0 "-1 18"
rmmod vprocns &
holds "and the module can be unloaded" eventually test ! -e /sys/module/vprocns
rmmod taker
insmod "$ko"

# Faults in what is hooked would be one as well, but for that the two exclude
# each other.
inject=/sys/kernel/debug/fail_function
if [[ -d $inject ]]; then
	start_group living
	holds "nobody injects faults into what is hooked" bash -c "! echo $capget >$inject/inject"
	end_group
	rmmod vprocns
	echo "$capget" >$inject/inject
	run insmod "$ko"
	one_line "and what faults are injected into is not hooked" 1 "resource busy"
	echo >$inject/inject
	insmod "$ko"
else
	skip "this kernel injects no faults into functions"
	skip "this kernel injects no faults into functions"
fi

# The last to hold a group may be a task that joined as it ended, and nothing else holds
# the module then. Here a tracer stops it on its way out of the clone.
cat >"$work/tracer" <<'END'
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
init, SEIZE, TRACEFORK, WALL = sys.argv[1], 0x4206, 2, 0x40000000
begin, go = os.pipe()
joiner = os.fork()
if not joiner:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    libc.setns(os.open(f"/proc/{init}/ns/pid", os.O_RDONLY), 0)
    os.read(begin, 1)
    os.fork()
    signal.pause()
libc.ptrace(SEIZE, joiner, None, ctypes.c_void_p(TRACEFORK))
os.write(go, b"1")
_, status = os.waitpid(joiner, WALL)
print(joiner if status >> 8 == signal.SIGTRAP | 1 << 8 else "lost", flush=True)
# The child, which the tracer has as well, has to go for the namespace to go.
while True:
    pid, status = os.waitpid(-1, WALL)
    if pid == joiner:
        break
END
vprocns run --name held -- sleep 1000 &
living=$!
await pgrep -x sleep
init=$(pgrep -P $living)
python3 "$work/tracer" "$init" >"$work/traced" &
tracer=$!
await test -s "$work/traced"
kill -KILL "$init"
wait $living
run vprocns run --name held -- true
one_line "a task that joins holds a group without init" 125 "take another name"
run rmmod vprocns
one_line "and the group the module" 1 "in use"
kill -KILL "$(<"$work/traced")"
wait $tracer
holds "until it is killed" eventually rmmod vprocns
insmod "$ko"

# Groups that end while their members clone, and rmmod in between.
for ((i = 0; i < 20; i++)); do
	vprocns run -- bash -c 'while :; do (:) & (:); done' &
	storm=$!
	sleep 0.2
	kill -9 $storm
	wait $storm
	if ((i % 5 == 4)) && ! eventually rmmod vprocns; then
		break
	fi
	[[ -e /sys/module/vprocns ]] || insmod "$ko"
done 2>/dev/null
say $((i != 20)) "groups killed in a storm of clones, and the module taken away"
holds "after all of this numbers are right" right_numbers
tap_end
