// SPDX-License-Identifier: GPL-2.0
/*
 * Makes each call that is hooked, as the first program of a group of profile
 * `shadow`, and says which does not come to what it must. Its name tells a
 * member's calls from those of outsiders.
 *
 * With FILE, which it keeps telling how many calls were made: again and again
 * until that file is removed, beside the first program of a group of profile
 * `shadow-strict` that has the numbers up to LAST. At the end it prints what the
 * group must have counted, as `vprocns stat` does.
 */
#define _GNU_SOURCE
#include <linux/capability.h>

#include "common.h"

#define LAST 1999

static struct __user_cap_header_struct *header;
static struct __user_cap_data_struct *data;
static unsigned long calls, wrong;
static int file = -1;

static void expect(const char *what, long is, long should)
{
	char line[32];
	int size;

	calls++;
	if (file >= 0) {
		size = snprintf(line, sizeof(line), "%lu\n", calls);
		if (pwrite(file, line, size, 0) != size)
			wrong++;
	}
	if (is == should)
		return;
	/* One that goes wrong each time need not be told each time. */
	if (wrong++ < 10)
		fprintf(stderr, "%s: %ld, expected %ld\n", what, is, should);
}

static void make_each_call(void)
{
	const int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);

	header->version = _LINUX_CAPABILITY_VERSION_3;
	data->permitted = 1;
	expect("open", own < 0, false);
	expect("gettid", sys_gettid(), FIRST);
	expect("fork", spend_number(), FIRST + 1);
	expect("clone", raw(sys_clone(CLONE_NEWPID | SIGCHLD)), -EOPNOTSUPP);
	expect("unshare", raw(unshare(CLONE_NEWPID)), -EOPNOTSUPP);
	expect("setns", raw(setns(own, CLONE_NEWPID)), -EOPNOTSUPP);
	expect("capset", raw(syscall(SYS_capset, header, data)), -EINVAL);
	expect("capget", raw(syscall(SYS_capget, header, data)), 0);
	expect("what capget says", data->permitted, 0);
#ifdef __x86_64__
	data->permitted = 1;
	expect("setns by int80", int80(346, own, CLONE_NEWPID), -EOPNOTSUPP);
	expect("capset by int80", int80(185, (long)header, (long)data), -EINVAL);
	expect("capget by int80", int80(184, (long)header, (long)data), 0);
	expect("what it says", data->permitted, 0);
#endif
}

/* FIRST is the first program's. */
static pid_t behind(pid_t number, pid_t own)
{
	do {
		number = number < LAST ? number + 1 : FIRST + 1;
	} while (number == own);
	return number;
}

/* Calls that Linux, for want of capabilities, would answer otherwise: each tells who did. */
static void go_on_calling(void)
{
	const int own = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	const pid_t self = sys_gettid();
	unsigned long rounds, setns_calls = 0;
	pid_t number = self, pid;
	struct stat stat;

	for (rounds = 0; !fstat(file, &stat) && stat.st_nlink; rounds++) {
		/* What comes and goes meanwhile may have this very processor. */
		usleep(500);
		number = behind(number, self);
		expect("fork", spend_number(), number);
		pid = sys_clone(CLONE_NEWPID | SIGCHLD);
		if (!pid)
			_exit(0);
		expect("clone", raw(pid), -EOPNOTSUPP);
		if (pid > 0)
			status_of(pid);
		expect("unshare", raw(unshare(CLONE_NEWUTS)), -EOPNOTSUPP);
		expect("setns", raw(setns(own, CLONE_NEWUTS)), -EOPNOTSUPP);
		setns_calls++;
		data->permitted = 1;
		header->version = _LINUX_CAPABILITY_VERSION_3;
		expect("capset", raw(syscall(SYS_capset, header, data)), -EINVAL);
		header->version = _LINUX_CAPABILITY_VERSION_1;
		expect("capget", raw(syscall(SYS_capget, header, data)), -EINVAL);
#ifdef __x86_64__
		expect("setns by int80", int80(346, own, CLONE_NEWUTS), -EOPNOTSUPP);
		setns_calls++;
		header->version = _LINUX_CAPABILITY_VERSION_3;
		expect("capset by int80", int80(185, (long)header, (long)data), -EINVAL);
		header->version = _LINUX_CAPABILITY_VERSION_1;
		expect("capget by int80", int80(184, (long)header, (long)data), -EINVAL);
#endif
	}
	printf("clones %lu\n", self - FIRST + 1 + rounds);
	printf("refused:unsupported-flag %lu\n", rounds);
	printf("refused:unshare %lu\n", rounds);
	printf("refused:setns %lu\n", setns_calls);
}

int main(int argc, char **argv)
{
	/* In the low 4 GiB, for the 32-bit entry. */
	data = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (data == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	header = (void *)(data + 2);
	if (argc < 2) {
		make_each_call();
		return !!wrong;
	}
	file = open(argv[1], O_WRONLY | O_CLOEXEC);
	if (file < 0) {
		perror(argv[1]);
		return 1;
	}
	go_on_calling();
	return !!wrong;
}
