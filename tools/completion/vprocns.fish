# SPDX-License-Identifier: GPL-2.0
# fish completion for vprocns(1)

set -g __vprocns_with_value --profile --allow --vfork --caps --numbering --seed --first --last --name \
    --part --user --report-file --output -o --group --events --top --slot

function __vprocns_groups
    vprocns ls --json 2>/dev/null |
        sed -n 's/^ *"\(id\|name\)": "\{0,1\}\([^",]*\)"\{0,1\},$/\2/p' |
        grep -vx null
end

# The words before the cursor; those after `vprocns` are our command and its own.
function __vprocns_words
    commandline -opc
end

function __vprocns_wants_command
    test (count (__vprocns_words)) -eq 1
end

function __vprocns_is
    set -l words (__vprocns_words)
    test (count $words) -gt 1; and contains -- $words[2] $argv
end

# CMD and its words before the cursor, each on a line. Fails where they are still ours: by 2
# where CMD may come next, by 1 where it may not.
function __vprocns_program_words
    set -l words (__vprocns_words)
    set -l groups 0
    contains -- "$words[2]" run record exec; or return 1
    test $words[2] = exec; and set groups 1
    set -l at 3
    while test $at -le (count $words)
        switch $words[$at]
            case --
                if test $groups -eq 0
                    printf '%s\n' $words[(math $at + 1)..]
                    return 0
                end
            case $__vprocns_with_value
                set at (math $at + 1)
                test $at -gt (count $words); and return 1
            case '-*'
                true
            case '*'
                if test $groups -eq 0
                    printf '%s\n' $words[$at..]
                    return 0
                end
                set groups 0
        end
        set at (math $at + 1)
    end
    return (math 2 - $groups)
end

function __vprocns_at_program
    __vprocns_program_words >/dev/null
end

# CMD may come here, as well as an option.
function __vprocns_before_program
    __vprocns_program_words >/dev/null
    test $status -eq 2; and not string match -q -- '-*' (commandline -ct)
end

function __vprocns_program
    set -l words (__vprocns_program_words)
    complete --do-complete=(string join ' ' -- (string escape -- $words) (commandline -ct))
end

# Our own words, as opposed to CMD's.
function __vprocns_own
    __vprocns_is $argv; and not __vprocns_at_program
end

complete -c vprocns -f
complete -c vprocns -n __vprocns_at_program -a '(__vprocns_program)'

# NAME DESCRIPTION
function __vprocns_command
    complete -c vprocns -n __vprocns_wants_command -a $argv[1] -d $argv[2]
    complete -c vprocns -n '__vprocns_is help' -a $argv[1] -d $argv[2]
end
__vprocns_command run 'run a program in a new group'
__vprocns_command record 'keep what the tasks of a group do'
__vprocns_command show 'show a recording'
__vprocns_command exec 'run a program in a group'
__vprocns_command bind 'make a group of a PID namespace'
__vprocns_command kill 'end groups with all their members'
__vprocns_command ls 'list groups'
__vprocns_command ps 'list the tasks of a group'
__vprocns_command stat 'show the counters of a group'
__vprocns_command map 'translate numbers, or show the tree of tasks'
__vprocns_command check 'tell what this kernel lacks for vprocns'
__vprocns_command explain 'say whether a clone would be allowed'
__vprocns_command diff 'tell what two recordings differ in'
__vprocns_command compare 'name the threads that got slower'
__vprocns_command timeline 'draw a recording'
complete -c vprocns -n __vprocns_wants_command -a help -d 'say what a command takes'
complete -c vprocns -n __vprocns_wants_command -s h -l help -d 'list the commands'
complete -c vprocns -n __vprocns_wants_command -s V -l version -d 'print the version'

# COMMANDS OPTION...: an option of these commands, as complete(1) has it.
function __vprocns_option
    complete -c vprocns -n "__vprocns_own $argv[1]" $argv[2..]
end
set -l all run record show exec bind kill ls ps stat map check explain diff compare timeline
__vprocns_option "$all" -s h -l help -d 'say what the command takes'

set -l policy run record bind explain compare
__vprocns_option "$policy" -l profile -xa 'shadow shadow-strict linux container' -d 'the clone policy'
__vprocns_option "$policy" -l threads-only -d 'no new processes but the first'
__vprocns_option "$policy" -l allow -x -d 'the clone flags to allow'
__vprocns_option "$policy" -l vfork -xa 'real fork' -d 'what vfork does'

set -l group run record bind compare
__vprocns_option "$group" -l caps -xa 'host empty empty-v3' -d 'the capability view'
__vprocns_option "$group" -l numbering -xa 'sequential lineage' -d 'how numbers are chosen'
__vprocns_option "$group" -l seed -x -d 'other numbers with lineage numbering'
__vprocns_option "$group" -l first -x -d 'the first TID to give'
__vprocns_option "$group" -l last -x -d 'the last TID to give'
__vprocns_option "$group" -l name -x -d 'a name to find the group by'

set -l launch run record
__vprocns_option "$launch" -l part -x -d 'one of N equal parts of the range'
__vprocns_option "$launch" -l private-tmp -d 'an empty /tmp and /var/tmp'
__vprocns_option "$launch" -l private-ipc -d 'shared memory, semaphores and queues of its own'
__vprocns_option "$launch" -l user -xa '(__fish_complete_users)' -d 'run the program as this user'
__vprocns_option "$launch" -l wait -d 'wait for daemons too'
__vprocns_option "run record exec" -l quiet -d 'no line at the end about refusals'
complete -c vprocns -n __vprocns_before_program -a '(complete --do-complete=(commandline -ct))'

__vprocns_option run -l report -fa 'text json' -d 'say at the end what the numbers depended on'
__vprocns_option run -l report-file -rF -d 'write that into a file'
__vprocns_option run -l strict -d 'fail when something was refused'
__vprocns_option "record timeline" -s o -l output -rF -d 'the file to write'
set -l events cycles instructions cache-misses branch-misses page-faults context-switches
__vprocns_option "record compare" -l events -xa "$events" -d 'also count these'
__vprocns_option record -l group -xa '(__vprocns_groups)' -d 'record this group, which is there'
__vprocns_option record -l detach -d 'go on in the background'
__vprocns_option record -l top -x -d 'how many tasks to show at the end'
__vprocns_option bind -l at-exec -d 'begin when pid 1 executes a program next'
__vprocns_option "show bind ls check ps stat map explain diff" -l json -d 'print JSON'
__vprocns_option "kill ps stat map" -a '(__vprocns_groups)' -d group
__vprocns_option exec -l slot -x -d 'by lineage, as the program of this slot'
complete -c vprocns -n '__vprocns_is exec; and not __vprocns_before_program; and not __vprocns_at_program' \
    -a '(__vprocns_groups)' -d group
__vprocns_option map -l to-virtual -d 'the other way round'
__vprocns_option explain -l admin -d 'the caller has CAP_SYS_ADMIN'
__vprocns_option explain -l batch -d 'read rows from standard input'
__vprocns_option explain -a 'clone clone3'
__vprocns_option show -l by -xa 'thread process program' -d 'a table with one row for each'
set -l metric runtime utime stime run_delay nvcsw nivcsw min_flt maj_flt rchar wchar read_bytes \
    write_bytes maxrss
__vprocns_option show -l sort -xa "$metric" -d 'the greatest first'
__vprocns_option "show diff compare timeline" -F
__vprocns_option diff -l times -d 'show what the tasks used'
__vprocns_option "diff compare" -l metric -xa "$metric" -d 'what to compare'
__vprocns_option "diff compare" -l all -d 'all of them'
__vprocns_option compare -s n -l runs -x -d 'how many runs of each'
__vprocns_option compare -l warmup -x -d 'how many to run before'
__vprocns_option compare -l ignore-failure -d 'go on when a command fails'
__vprocns_option compare -l keep -xa '(__fish_complete_directories)' -d 'keep the recordings there'
__vprocns_option compare -l against -d 'what follows are the recordings of B'
__vprocns_option compare -l across -d 'recordings of ranks'
__vprocns_option compare -l threshold -x -d 'smaller changes are not named'
__vprocns_option compare -l export-json -rF -d 'write all of it to a file'
functions -e __vprocns_command __vprocns_option
