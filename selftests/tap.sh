# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# TAP for the tests that are shell scripts. Sourced.

tap_count=0
tap_failed=0
tap_out=$(mktemp)
tap_err=$(mktemp)
trap 'rm -f "$tap_out" "$tap_err"' EXIT
echo "TAP version 13"

# say WHETHER NAME: one result; what the last run() printed goes with a failure.
say() {
	tap_count=$((tap_count + 1))
	if [[ $1 == 0 ]]; then
		echo "ok $tap_count $2"
		return
	fi
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count $2"
	sed 's/^/# out: /' "$tap_out"
	sed 's/^/# err: /' "$tap_err"
}

# run CMD...: its status in $status, its output in $out and $err.
run() {
	status=0
	"$@" >"$tap_out" 2>"$tap_err" || status=$?
	out=$(<"$tap_out")
	err=$(<"$tap_err")
}

# is NAME STATUS [OUT]: what the last run() must have come to.
is() {
	if [[ $status != "$2" ]]; then
		say 1 "$1"
		echo "# status $status, expected $2"
	elif [[ $# -gt 2 && $out != "$3" ]]; then
		say 1 "$1"
		echo "# expected output: ${3@Q}"
	else
		say 0 "$1"
	fi
}

# has NAME REGEX: what the last run() must have printed, somewhere.
has() {
	grep -qE -- "$2" "$tap_out"
	say $? "$1"
}

# one_line NAME STATUS WORDS: fails with one line that has WORDS in it.
one_line() {
	local lines
	lines=$(wc -l <"$tap_err")
	if [[ $status == "$2" && $lines == 1 && $err == *"$3"* && -z $out ]]; then
		say 0 "$1"
	else
		say 1 "$1"
		echo "# status $status, expected $2 and one line with ${3@Q}"
	fi
}

# holds NAME CMD...: CMD succeeds.
holds() {
	local name=$1
	shift
	run "$@"
	say "$status" "$name"
}

skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count # SKIP $1"
}

# Polls for what nothing waits for; half a minute of patience.
eventually() {
	local -i end=SECONDS+30*${PATIENCE:-1}
	until "$@" >/dev/null 2>&1; do
		((SECONDS <= end)) || return 1
		sleep 0.1
	done
}

# await CMD...: likewise; only what never comes is a result.
await() {
	eventually "$@" || say 1 "comes true: $*"
}

attempts=0
# attempt CMD...: like run; log_has looks at what the log has from here on.
attempt() {
	attempts=$((attempts + 1))
	attempt="=== attempt $attempts of $$."
	echo "$attempt" >/dev/kmsg
	run "$@"
}
# log_has [WORDS]: one line of the module, with WORDS in it; none without.
log_has() {
	local lines
	lines=$("$(dirname "${BASH_SOURCE[0]}")/vm/log_behind" "$attempt" | grep -F "vprocns: ") || :
	if [[ $# == 0 ]]; then
		[[ -z $lines ]]
	else
		[[ $lines == *"$1"* && $lines != *$'\n'* ]]
	fi
}

# symbols USE: what the module needs for that on this architecture, by its own list.
symbols() {
	local when="ALWAYS|X86_64|IA32"
	[[ $(uname -m) != aarch64 ]] || when="ALWAYS|ARM64"
	sed -nE "s/^SYMBOL\((\w+), $1, ($when)\)$/\1/p" \
		"$(dirname "${BASH_SOURCE[0]}")/../module/symbol_list.h"
}

# perf record, without /lib/modules, which it reads as it starts, for seconds in the VM.
# shellcheck disable=SC2016
perf_record=(unshare --mount sh -c
	'mount -t tmpfs none "/lib/modules/$(uname -r)" && exec perf record -q "$@"' -)

# What the module hooks while there is a group.
tracing=/sys/kernel/tracing
mapfile -t hooked < <(symbols HOOKED)
hooks() {
	awk '{print $1}' $tracing/enabled_functions | sort
}
no_hooks() {
	[[ -z $(hooks) ]]
}

# start_group NAME [OPTION]...: one that lives until end_group. $living is the tool
# that made it.
start_group() {
	vprocns run --name "$@" sleep 1000 &
	living=$!
	await vprocns exec "$1" true
}

end_group() {
	kill "$living"
	wait "$living"
	living=
}

# judged NAME: the group lives and refuses a member a namespace: it was unshare that
# failed, and for that.
judged() {
	local result=0 words
	words=$(vprocns exec --quiet "$1" unshare --uts true 2>&1) || result=$?
	echo "status $result: $words"
	[[ $result == 1 && $words == "unshare: unshare failed: Operation not supported" ]]
}

# Fails when a test did.
tap_end() {
	echo "1..$tap_count"
	((tap_failed == 0))
}
