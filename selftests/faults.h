/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of faults share: which errnos a fault may cause, and the calls
 * in which faults come. Debian's kernels inject none; the debug kernel does.
 * Include behind common.h.
 */
#ifndef _VPROCNS_SELFTESTS_FAULTS_H
#define _VPROCNS_SELFTESTS_FAULTS_H

#define DEBUGFS "/sys/kernel/debug/"

/* Whether a call worked, or failed with one of its errnos; 0 ends them. */
static inline bool works_or_documented(long ret, const int *errnos)
{
	while (ret < 0 && *errnos && -ret != *errnos)
		errnos++;
	return ret >= 0 || *errnos;
}

/* Those of uapi/vprocns.h that a fault may cause. */
static const int descriptor_errnos[] = { EFAULT, ENOMEM, EMFILE, ENFILE, 0 };
static const int copy_errnos[] = { EFAULT, 0 };
static const int bind_errnos[] = { EFAULT, ENOMEM, 0 };
/* Those of Linux. */
static const int clone_errnos[] = { ENOMEM, EAGAIN, 0 };
static const int load_errnos[] = { ENOMEM, EFAULT, 0 };
static const int ring_errnos[] = { ENOMEM, EFAULT, 0 };
static const int setns_errnos[] = { ENOMEM, 0 };
static const int capset_errnos[] = { ENOMEM, EFAULT, 0 };

/* By default only what may not sleep fails, and each failure has a back trace. */
static inline bool injection_is_set_up(void)
{
	return write_to(DEBUGFS "failslab/ignore-gfp-wait", "N") &&
	       write_to(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N") &&
	       write_to(DEBUGFS "failslab/cache-filter", "N") &&
	       write_to(DEBUGFS "fail_page_alloc/min-order", "0") &&
	       write_to(DEBUGFS "failslab/verbose", "0") &&
	       write_to(DEBUGFS "fail_page_alloc/verbose", "0") &&
	       write_to(DEBUGFS "fail_usercopy/verbose", "0");
}

#define NEEDS_INJECTION() do {						\
	if (access("/proc/thread-self/fail-nth", W_OK))			\
		SKIP(return, "this kernel injects no faults");		\
	ASSERT_TRUE(injection_is_set_up());				\
} while (0)

/* Whether a group does what groups are for. */
static inline bool numbers(int group)
{
	const pid_t init = enter_group(group);

	if (!init)
		_exit(sys_gettid() != FIRST || spend_number() != FIRST + 1);
	return status_of(init) == 0;
}

enum kind { PROCESS, VFORK, PIDFD, THREAD, KINDS };

/* Clones a child of this kind that ends at once. Its TID, or -errno. */
static inline long clone_kind(enum kind kind, int *pidfd)
{
	static const unsigned long flags[KINDS] = {
		[PROCESS]	= SIGCHLD,
		[VFORK]		= CLONE_VFORK | CLONE_VM | SIGCHLD,
		[PIDFD]		= CLONE_PIDFD | SIGCHLD,
		[THREAD]	= CLONE_VM | CLONE_FS | CLONE_FILES |
				  CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
	};
	const long arguments[5] = { flags[kind], 0, (long)pidfd };

	return clone_and_end(SYS_clone, arguments);
}

/* Waits for the end of such a child. */
static inline bool has_ended(enum kind kind, pid_t tid, int pidfd)
{
	if (kind == THREAD)
		return EVENTUALLY(syscall(SYS_tgkill, getpid(), tid, 0));
	if (kind == PIDFD && close(pidfd))
		return false;
	return status_of(tid) == 0;
}

static inline int load(const void *image, size_t size)
{
	return raw(syscall(SYS_init_module, image, size, ""));
}

static inline int unload(void)
{
	return raw(syscall(SYS_delete_module, "vprocns", O_NONBLOCK));
}

/* Bytes of the module's file, or -1. */
static inline ssize_t read_module(void *image, size_t size)
{
	const char *const module = getenv("MODULE");
	const int fd = module ? open(module, O_RDONLY | O_CLOEXEC) : -1;
	const ssize_t bytes = read(fd, image, size);

	close(fd);
	return bytes == (ssize_t)size ? -1 : bytes;
}

static char image[4 << 20];

#endif
