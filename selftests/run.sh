#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [--kernel SUITE]... [--systems SUITE]...: runs every test, the last line
# tells how many passed, failed and were skipped. All they print is kept in
# build/check/. With --systems it is a table of all kernels of that suite, each
# in a system where vprocns was installed, and the tests built, with its own tools.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
build=${here%/*}/build
kernels=() suites=()
while (($#)); do
	case $1 in
	--kernel)
		kernels+=("${2?--kernel needs a suite}")
		shift 2
		;;
	--systems)
		suites+=("${2?--systems needs a suite}")
		shift 2
		;;
	*)
		echo "usage: run.sh [--kernel SUITE]... [--systems SUITE]..." >&2
		exit 2
		;;
	esac
done
((${#kernels[@]} + ${#suites[@]})) || kernels=(bookworm trixie)

# Those that patch the kernel's code again and again have a machine of their own.
patching=(module_test.sh neighbours_test.sh)
scripts=()
for script in "$here"/*_test.{sh,py}; do
	script=${script##*/}
	[[ " ${patching[*]} " == *" $script "* ]] || scripts+=("$script")
done

passed=0 failed=0 skipped=0
exec 4>&1
mkdir -p "$build/check"

# tally WHERE < output: one line a program, and the lines of what failed. A
# program that ends early fails by the tests that its plan promised.
tally() {
	local counts
	counts=$(awk -v where="$1" -v counts=/dev/fd/3 '
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
			fflush()
			P += good; F += bad + missing; S += skip
			good = bad = skip = plan = results = status = 0
			comments = ""
		}
		/^=== status / { status = $3; next }
		/^=== / { done_with(); name = $2; next }
		/^1\.\.[0-9]+/ { plan += substr($1, 4); next }
		/^ok - / { good++; next }
		/^not ok - / { bad++; printf "%s", comments; print; next }
		/^ok [0-9]+.*# SKIP/ { skip++; results++; print; comments = ""; next }
		/^ok [0-9]/ { good++; results++; comments = ""; next }
		/^not ok [0-9]/ { bad++; results++; print; printf "%s", comments; comments = ""; next }
		/^#/ { if ($0 !~ /^# +(RUN|OK|Starting|Totals|PASSED|FAILED:)/) comments = comments $0 "\n"; next }
		END { done_with(); print P + 0, F + 0, S + 0 >counts }
	' 3>&1 >&4)
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

# in_system WHERE OPTIONS -- PATTERN...: the options are vm/run's, of $kernel.
in_system() {
	local where=$1 options=()
	shift
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	# shellcheck disable=SC2016
	part "$where" "$here/vm/run" --system "$kernel" "${options[@]}" -- bash -c '
		MODULE=$PWD/build/module/$1/vprocns.ko exec selftests/guest.sh $2' \
		bash "$kernel" "$*"
}

if ((${#kernels[@]})); then
	echo "running the tests of this machine"
	part host host_programs "$build"/unit/*_test "$here"/*_lint.sh "$here"/vm/vm_test.sh
fi
for kernel in "${kernels[@]}"; do
	# What this kernel alone promises of the machine.
	[[ ! -e $here/vm/${kernel}_test.sh ]] ||
		part "$kernel-vm" host_programs "$here/vm/${kernel}_test.sh"
	echo "running the tests in a VM with the kernel of $kernel"
	guest=(env MODULE="$(readlink -f "$build")/module/$kernel/vprocns.ko" "$here/guest.sh")
	part "$kernel" "$here/vm/run" --kernel "$kernel" -- \
		"${guest[@]}" "$build"/selftests/*_test "${scripts[@]/#/$here/}"
	part "$kernel-in-turn" "$here/vm/run" --kernel "$kernel" --in-turn -- \
		"${guest[@]}" "${patching[@]/#/$here/}"
done

table=()
for suite in "${suites[@]}"; do
	if ! "$here/vm/system" "$suite"; then
		table+=("| $suite | | no system | | | |")
		((failed++))
		continue
	fi
	while read -r kernel release state; do
		if [[ $state == refused ]]; then
			table+=("| $kernel | $release | not built | | | |")
			((failed++))
			continue
		fi
		echo "running the tests in the system of $kernel, $release"
		before=("$passed" "$failed" "$skipped")
		in_system "$kernel-system" -- selftests/vm/system_test.sh \
			'build/unit/*_test' 'build/selftests/*_test' "${scripts[@]/#/selftests/}"
		in_system "$kernel-system-in-turn" --in-turn -- \
			"${patching[@]/#/selftests/}"
		loaded=$(sed -n 's/^# loaded: //p' "$build/check/$kernel-system.log")
		table+=("| $kernel | $release | $state | ${loaded:-no} | $((passed - before[0])) | $((failed - before[1])) | $((skipped - before[2])) |")
	done <"$build/systems/$suite.kernels"
done

if ((${#table[@]})); then
	echo "| kernel | release | build | loaded | passed | failed | skipped |"
	echo "| --- | --- | --- | --- | --- | --- | --- |"
	printf '%s\n' "${table[@]}"
fi
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
