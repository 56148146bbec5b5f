#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Programs that race to make tasks, run again and again: with lineage numbering
# each task has the same number every time, with sequential numbering not.
# Runs in the VM, with the module loaded.
. "$(dirname "$0")/tap.sh"

here=$(cd "$(dirname "$0")" && pwd -P)
racer=$here/../build/selftests/racer
work=$(mktemp -d)
follows="0 collisions: each number follows from its task's cloner"

# Load from outside the group, which comes and goes, and leaves half of a processor.
load() {
	while :; do
		timeout 0.$((RANDOM % 5 + 1)) sh -c 'while :; do :; done'
		sleep 0.$((RANDOM % 5 + 1))
		for ((i = 0; i < RANDOM % 20; i++)); do
			/bin/true
		done
	done
}
load &
loader=$!

# run_once I OPTIONS CMD...: CMD prints which role has which number.
run_once() {
	# shellcheck disable=SC2086
	vprocns run $2 --report -- "${@:3}" 2>"$work/reports/$1" |
		sort >"$work/maps/$1"
}
different_maps() {
	sha256sum "$work"/maps/* | cut -d' ' -f1 | sort -u | wc -l
}
# begin: no maps
begin() {
	rm -rf "$work/maps" "$work/reports"
	mkdir "$work/maps" "$work/reports"
}
# same_numbers WHAT TASKS TIMES CMD...
same_numbers() {
	local what=$1 tasks=$2 times=$3 i
	begin
	for ((i = 0; i < times; i++)); do
		run_once $i "--numbering lineage --seed 1" "${@:4}"
	done
	run different_maps
	is "$what: the same map in $times runs" 0 1
	run cat "$work/maps/0"
	say "$(($(wc -l <"$tap_out") != tasks))" "$what: $tasks tasks have a number"
	# shellcheck disable=SC2016
	run sh -c 'cat "$1"/* | grep -cF " $2"' - "$work/reports" "$follows"
	is "$what: and each says what the numbers follow from" 0 "$times"
}
# other_numbers WHAT CMD...: as soon as two runs differ, that is shown. What is
# no race by design is hardly one where starting a process takes a second.
other_numbers() {
	local what=$1 i
	if ((${PATIENCE:-1} > 1)) && [[ $2 != "$racer" ]]; then
		skip "$what is too slow here to race"
		return
	fi
	begin
	for ((i = 0; i < 20; i++)); do
		run_once $i "--numbering sequential" "${@:2}"
		run different_maps
		((out < 2)) || break
	done
	say "$((out < 2))" "$what: sequential numbers are not the same"
}

# No number may follow from an address, which vm/run keeps the same for speed.
echo 2 >/proc/sys/kernel/randomize_va_space
# A kernel built to find fault takes seconds for a run.
same_numbers "259 racing tasks" 259 $((30 / ${PATIENCE:-1})) "$racer"
other_numbers "259 racing tasks" "$racer"
echo 0 >/proc/sys/kernel/randomize_va_space

mkdir "$work/project"
for name in a b c d e f g h; do
	printf '#include <stdio.h>\n\nint %s(void)\n{\n\treturn puts("%s");\n}\n' \
		$name $name >"$work/project/$name.c"
done
cat >"$work/project/Makefile" <<'END'
all: a.o b.o c.o d.o e.o f.o g.o h.o

%.o: %.c
	@echo "$@ $$$$"; $(CC) -c -o $@ $<
END
same_numbers "make -j4" 8 5 make -B -s -j4 -C "$work/project"
other_numbers "make -j4" make -B -s -j4 -C "$work/project"

same_numbers "Python process pool" 24 5 python3 "$here/pool.py"
other_numbers "Python process pool" python3 "$here/pool.py"

kill $loader
rm -rf "$work"
tap_end
