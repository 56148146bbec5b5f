#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the commands of Documentation/compare.md in a machine with the module loaded, in
# their order. What they name there must be named, whatever the times are: TAP.
. "$(dirname "$0")/tap.sh"

top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "$top/build/manual.XXXXXX")
trap 'rm -rf "$work" "$tap_out" "$tap_err"' EXIT
mkdir -p "$work/a/b"
ln -s "$top/demo" "$work/demo"
cd "$work/a/b" || exit 1

# Words without numbers: what a reader would look for.
words() {
	grep -E '(slower|faster|more|less), |^no thread of |^[0-9.]+ +[0-9]+ [^ ]+ +(task|program|name|end) | .* b-01.jsonl ' |
		sed -E '/b-01/s/^(.*( [^ 0-9]+|tasks\))) +[0-9].*/\1 b-01/; s/[-+x]?[0-9][0-9.]*( ([mun]?s|[KM]iB)\b|%)?/N/g; s/ +/ /g; s/ $//'
}

# check COMMAND < the output that it has there
check() {
	local expected missing
	expected=$(words)
	run bash -c "$1"
	missing=$(comm -23 <(sort <<<"$expected") <(words <"$tap_out" | sort))
	[[ $status -le 1 && -z $missing ]]
	say $? "$1"
	[[ -z $missing ]] || sed 's/^/# missing: /' <<<"$missing"
}

command='' output=''
while IFS= read -r line; do
	if [[ $line == '    $ '* ]]; then
		[[ -z $command ]] || check "$command" <<<"$output"
		command=${line#'    $ '}
		command=${command#sudo } output=''
	elif [[ $line == '    '* ]]; then
		output+=${line#'    '}$'\n'
	elif [[ $command ]]; then
		check "$command" <<<"$output"
		command=''
	fi
done <"$top/Documentation/compare.md"
say $((tap_count < 10)) "there are commands"
tap_end
