# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What making a system takes, whatever its architecture. Sourced, with $suite
# set; takes the lock of that system until the caller ends.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
checkout=$(cd "$here/../.." && pwd -P)
root=$checkout/build/systems/$suite
log=$root.log
clone=$root/root/vprocns

mkdir -p "$checkout/build/systems"
exec {lock}>"$root.lock"
flock "$lock"

failed() {
	tail -n 30 "$log" >&2
	echo "vm: $1; all of it: $log" >&2
	exit 1
}

# Objects stay: make knows which are old.
copy_checkout() {
	mkdir -p "$clone/build"
	find "$clone" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
	tar -C "$checkout" --exclude=./build --exclude=./.git -cf - . | tar -C "$clone" -xf -
	# The test harness of bookworm's kernel does for all.
	cp -r --preserve=timestamps -T "$checkout/build/kernel" "$clone/build/kernel"
}

# Nothing is written to the disk, so it needs little room.
make_disk() {
	echo "vm: making the disk of $suite"
	rm -f "$root.img"
	mke2fs -q -t ext4 -O ^has_journal -d "$root" "$root.img" \
		"$(($(du -sk --apparent-size "$root" | cut -f 1) * 5 / 4 + 262144))k" >>"$log" 2>&1 ||
		failed "the disk of $suite could not be made"
}
