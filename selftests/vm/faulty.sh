# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For the tests of a kernel that finds fault, named in $kernel. Sourced.
. "$(dirname "$0")/../tap.sh"

here=$(cd "$(dirname "$0")" && pwd -P)
vm=("$here/run" --kernel "${kernel:?}" --no-module)
ko=$(readlink -f "$here/../../build")/module/$kernel/faulty.ko
# Made on first use, which is told on standard error.
"$here/build-module" "$kernel" >&2

# sees FAULT WORDS
sees() {
	run "${vm[@]}" -- insmod "$ko" "fault=$1"
	say "$((status != 124))" "$1 fails the run"
	[[ $err == *"$2"* ]]
	say $? "and is reported as: $2"
}
