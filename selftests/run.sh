#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [--kernel SUITE]... [--systems SUITE]... [--tests NAMES]: runs every test,
# or those that are named; the last line tells how many passed, failed and were
# skipped. All they print is kept in build/check/. With --systems it is a table of
# all kernels of that suite, each in a system where vprocns was installed, and the
# tests built, with its own tools.
set -uo pipefail

wrong() {
	echo "run.sh: $1" >&2
	echo "usage: run.sh [--kernel SUITE]... [--systems SUITE]... [--tests NAMES]" >&2
	exit 2
}

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
build=$(readlink -f build)
kernels=() suites=() tests=()
while (($#)); do
	(($# > 1)) || wrong "$1 needs a value"
	case $1 in
	--kernel) kernels+=("$2") ;;
	--systems) suites+=("$2") ;;
	--tests) read -ra tests <<<"$2" ;;
	*) wrong "unknown option $1" ;;
	esac
	shift 2
done
((${#kernels[@]} + ${#suites[@]})) || kernels=(bookworm trixie)

known=() of_host=() of_kernel=() of_system=() of_machine=() in_turn=() others=()
# choose ARRAY FILE...: those of the files that are asked for.
choose() {
	local -n array=$1
	local file
	shift
	array=()
	for file; do
		known+=("${file##*/}")
		[[ ${tests[*]} && " ${tests[*]} " != *" ${file##*/} "* ]] || array+=("$file")
	done
}
choose of_host build/unit/*_test selftests/*_lint.sh selftests/vm/vm_test.sh
# What debug kernels and systems alone promise.
choose of_kernel selftests/vm/{debug,kcsan}_test.sh
choose of_system selftests/vm/system_test.sh build/unit/*_test
# Too long for each of many systems.
straining=(selftests/torture_test.sh)
choose of_machine "${straining[@]}"
# Those that patch the kernel's code again and again have a machine of their own.
patching=(selftests/{module,neighbours}_test.sh)
choose in_turn "${patching[@]}"
mapfile -t rest < <(printf '%s\n' build/selftests/*_test selftests/*_test.{sh,py} |
	grep -vxFf <(printf '%s\n' "${patching[@]}" "${straining[@]}"))
choose others "${rest[@]}"
for test in "${tests[@]}"; do
	[[ " ${known[*]} " == *" $test "* ]] || wrong "no test $test"
done

passed=0 failed=0 skipped=0
exec 4>&1
mkdir -p "$build/check"

# tally WHERE < output: one line a program, and the lines of what failed. A
# program that ends early fails by the tests that its plan promised, and a skip by
# not being one of selftests/skips.
tally() {
	local counts
	counts=$(awk -v where="$1" -v counts=/dev/fd/3 -F '\t' '
		function done_with() {
			if (name == "")
				return
			missing = plan > results ? plan - results : 0
			if (!missing && !bad && (plan == 0 || status != 0))
				missing = 1
			if (missing)
				print "# " missing " result(s) missing, status " status
			printf "%s  %-9s %-18s %d passed, %d failed, %d skipped\n",
				bad + missing ? "FAIL" : "ok  ", where, name, good, bad + missing, skip
			for (reason in skips)
				print "#     " skips[reason] " skipped: " reason
			delete skips
			fflush()
			P += good; F += bad + missing; S += skip
			good = bad = skip = plan = results = status = 0
			comments = ""
		}
		FNR == NR { if (!/^#/ && where ~ $1) may[$2]; next }
		function expected(reason) {
			for (pattern in may)
				if (reason ~ pattern)
					return 1
			return 0
		}
		/^=== status / { status = substr($0, 12); next }
		/^=== / { done_with(); name = substr($0, 5); next }
		/^1\.\.[0-9]+/ { plan += substr($1, 4); next }
		/^ok - / { good++; next }
		/^not ok - / { bad++; printf "%s", comments; print; next }
		/^ok [0-9]+.*# SKIP/ {
			results++
			comments = ""
			if (expected($0)) {
				skip++
				sub(/.*# SKIP */, "")
				skips[$0]++
			} else {
				bad++
				print "not " $0 ": not in selftests/skips"
			}
			next
		}
		/^ok [0-9]/ { good++; results++; comments = ""; next }
		/^not ok [0-9]/ { bad++; results++; print; printf "%s", comments; comments = ""; next }
		/^#/ { if ($0 !~ /^# +(RUN|OK|Starting|Totals|PASSED|FAILED:)/) comments = comments $0 "\n"; next }
		END { done_with(); print P + 0, F + 0, S + 0 >counts }
	' selftests/skips - 3>&1 >&4)
	read -r p f s <<<"$counts"
	((passed += p, failed += f, skipped += s))
}

# part WHERE CMD...: CMD prints === lines and TAP.
part() {
	local where=$1 log=$build/check/$1.log
	status=0
	shift
	"$@" >"$log" 2>"$log.err" || status=$?
	tally "$where" <"$log"
	if ((status)); then
		sed 's/^/# /' "$log.err"
		echo "FAIL  $where: ended with status $status; see $log"
		((failed++))
	fi
}

host_programs() {
	local program
	for program; do
		echo "=== $(basename "$program")"
		"$program" </dev/null 2>&1
		echo "=== status $?"
	done
}

# in_vm WHERE OPTION... -- FILE...: in a VM that vm/run makes with these options.
in_vm() {
	local where=$1 options=()
	shift
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	# shellcheck disable=SC2016
	(($# == 0)) || part "$where" selftests/vm/run "${options[@]}" -- bash -c '
		MODULE=$PWD/build/module/$1/vprocns.ko exec selftests/guest.sh "${@:2}"' \
		bash "$kernel" "$@"
}

if ((${#kernels[@]} && ${#of_host[@]})); then
	echo "running the tests of this machine"
	part host host_programs "${of_host[@]}"
fi
for kernel in "${kernels[@]}"; do
	for file in "${of_kernel[@]}"; do
		[[ $file != */${kernel}_test.sh ]] || part "$kernel-vm" host_programs "$file"
	done
	echo "running the tests in a VM with the kernel of $kernel"
	in_vm "$kernel" --kernel "$kernel" -- "${others[@]}" "${of_machine[@]}"
	in_vm "$kernel-in-turn" --kernel "$kernel" --in-turn -- "${in_turn[@]}"
done

table=()
for suite in "${suites[@]}"; do
	if ! selftests/vm/system "$suite"; then
		table+=("| $suite | | no system | | | | |")
		((failed++))
		continue
	fi
	while read -r kernel release state; do
		if [[ $state == refused ]]; then
			table+=("| $kernel | $release | not built | | | | |")
			((failed++))
			continue
		fi
		[[ $state != warned ]] || ((failed++))
		echo "running the tests in the system of $kernel, $release"
		before=("$passed" "$failed" "$skipped")
		# What an earlier run left is not to be read where this one has no such test.
		: >"$build/check/$kernel-system.log"
		in_vm "$kernel-system" --system "$kernel" -- "${of_system[@]}" "${others[@]}"
		in_vm "$kernel-system-in-turn" --system "$kernel" --in-turn -- "${in_turn[@]}"
		loaded=$(sed -n 's/^# loaded: //p' "$build/check/$kernel-system.log")
		table+=("| $kernel | $release | $state | ${loaded:--} | $((passed - before[0])) | $((failed - before[1])) | $((skipped - before[2])) |")
	done <"$build/systems/$suite.kernels"
	if [[ ! -s $build/systems/$suite.kernels ]]; then
		echo "FAIL  $suite: its system has no kernel"
		((failed++))
	fi
done

if ((${#table[@]})); then
	echo "| kernel | release | build | loaded | passed | failed | skipped |"
	echo "| --- | --- | --- | --- | --- | --- | --- |"
	printf '%s\n' "${table[@]}"
fi
((passed + failed + skipped)) || wrong "none of these tests belongs to this target: ${tests[*]}"
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
