#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What Documentation/services.md says of groups under systemd. Runs in a system of its own.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/common.sh"

useradd --no-create-home member
run make install
is "it installs" 0
place=/run/systemd/system
mkdir -p /etc/vprocns $place/vprocns@notify.service.d

# start NAME COMMAND [OPTIONS]: an instance of the unit.
start() {
	printf 'COMMAND=%s\nOPTIONS=%s\n' "$2" "${3-}" >"/etc/vprocns/$1.conf"
	run systemctl start "vprocns@$1"
}
property() {
	systemctl show --value -p "$2" "vprocns@$1"
}

cat >/root/daemon <<'END'
#!/bin/sh
trap 'echo told to end; exit 7' TERM
echo "at $$"
while :; do sleep 0.2; done
END
cat >/root/notifier <<'END'
#!/usr/bin/python3
import os, socket, sys, time
print("watchdog", os.environ.get("WATCHDOG_PID") == str(os.getpid()), flush=True)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))
    notify.send(b"READY=1\nSTATUS=up")
    for _ in range(8):
        notify.send(b"WATCHDOG=1")
        time.sleep(1)
    print("no longer", flush=True)
    time.sleep(1000)
END
cat >/root/listener <<'END'
#!/usr/bin/python3
import os, socket
print("listen", os.environ.get("LISTEN_PID") == str(os.getpid()), os.environ.get("LISTEN_FDS"), flush=True)
with socket.socket(fileno=3) as server:
    client, _ = server.accept()
    client.sendall(b"hello from %d\n" % os.getpid())
END
chmod 755 /root/daemon /root/notifier /root/listener

start web /root/daemon
is "an instance of the unit starts" 0
holds "its group has its name" eventually bash -c 'vprocns ls | grep -q " web  *bound "'
holds "the tool is its main process" grep -qx vprocns "/proc/$(property web MainPID)/comm"
holds "it says its number" eventually bash -c 'journalctl -b -o cat -u vprocns@web | grep -qx "at 1000"'
run vprocns exec web sh -c 'test $PPID = 0 && test $$ -gt 1000'
is "one can join it" 0
run systemctl stop vprocns@web
is "it stops" 0
holds "by a signal that the program has got" bash -c 'journalctl -b -o cat -u vprocns@web | grep -qx "told to end"'
run property web ExecMainStatus
is "with the program's own status" 0 7
run vprocns ls
is "and the group is gone" 0 ""
start failing /nonexistent/program
holds "a program that is not there fails the unit" eventually bash -c '[[ $(systemctl show --value -p ExecMainStatus vprocns@failing) == 127 ]]'
systemctl reset-failed vprocns@failing

printf '[Service]\nType=notify\nWatchdogSec=4\nTimeoutStartSec=60\n' >$place/vprocns@notify.service.d/type.conf
systemctl daemon-reload
start notify /root/notifier
is "sd_notify: the program says that it is ready" 0
run property notify StatusText
is "and how it is" 0 up
holds "its watchdog is its own" eventually bash -c 'journalctl -b -o cat -u vprocns@notify | grep -qx "watchdog True"'
holds "which lets it live while it speaks" eventually bash -c 'journalctl -b -o cat -u vprocns@notify | grep -qx "no longer"'
holds "and ends it after that" eventually bash -c '[[ $(systemctl show --value -p Result vprocns@notify) == watchdog ]]'
systemctl reset-failed vprocns@notify

printf '[Socket]\nListenStream=/run/listener.sock\n' >$place/vprocns@listener.socket
printf 'COMMAND=/root/listener\n' >/etc/vprocns/listener.conf
systemctl daemon-reload
run systemctl start vprocns@listener.socket
is "a socket" 0
run python3 -c '
import socket
with socket.socket(socket.AF_UNIX) as client:
    client.connect("/run/listener.sock")
    print(client.recv(100).decode(), end="")'
is "activates a program in a group" 0 "hello from 1000"
holds "which finds its socket" eventually bash -c 'journalctl -b -o cat -u vprocns@listener | grep -qx "listen True 1"'
systemctl stop vprocns@listener.socket

# The table: a row for each set of properties.
rows=0
while IFS='|' read -r _ properties works words _; do
	mapfile -t options < <(grep -o '`[^`]*`' <<<"$properties" | tr -d '`')
	# systemd-run makes one dollar of two.
	said=$(sed -n 's/^ "\([^"]*\)".*/\1/p' <<<"$words")
	run systemd-run -q --wait --pipe --collect "${options[@]/#/-p}" vprocns run -- sh -c 'echo $$$$'
	if [[ $works == " yes " ]]; then
		is "${options[*]}" 0 1000
	else
		say "$([[ $status != 0 && ($said || $words == *SIGSYS*) && $err == *"$said"* ]]; echo $?)" "${options[*]}: no"
	fi
	rows=$((rows + 1))
done < <(sed -n '/^## Properties/,$p' Documentation/services.md | grep '^| `')
say "$((rows < 30))" "the table has its rows"

rm -rf /etc/vprocns
run make uninstall
is "it uninstalls" 0
holds "the unit is gone" bash -c '! systemctl cat vprocns@web 2>/dev/null | grep -q vprocns'
tap_end
