// SPDX-License-Identifier: GPL-2.0
/*
 * Makes each call that is hooked, as the first program of a group of profile
 * `shadow`, and says which does not come to what it must. Its name tells a
 * member's calls from those of outsiders.
 */
#define _GNU_SOURCE
#include <linux/capability.h>

#include "common.h"

static bool wrong;

static void expect(const char *what, long is, long should)
{
	if (is == should)
		return;
	printf("%s: %ld, expected %ld\n", what, is, should);
	wrong = true;
}

int main(void)
{
	/* In the low 4 GiB, for the 32-bit entry. */
	struct __user_cap_data_struct *const data =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct __user_cap_header_struct *const header = (void *)(data + 2);
	const int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);

	if (data == MAP_FAILED || own < 0) {
		perror("caller");
		return 1;
	}
	header->version = _LINUX_CAPABILITY_VERSION_3;
	data->permitted = 1;
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
	return wrong;
}
