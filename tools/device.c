// SPDX-License-Identifier: GPL-2.0
/* /dev/vprocns and its errors, in words that say what to do. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "tool.h"

/* The first line of @stream without its end, empty if there is none. Closes it. */
static void first_line(FILE *stream, int (*close)(FILE *), char line[64])
{
	line[0] = 0;
	if (!stream)
		return;
	if (!fgets(line, 64, stream))
		line[0] = 0;
	line[strcspn(line, "\n")] = 0;
	close(stream);
}

bool device_is_outdated(void)
{
	char loaded[64], installed[64];

	/* A hash of the module's source, which the build puts into the module. */
	first_line(fopen("/sys/module/vprocns/srcversion", "re"), fclose, loaded);
	first_line(popen("PATH=/usr/sbin:/usr/bin:/sbin:/bin exec modinfo -F srcversion vprocns 2>/dev/null",
			 "re"), pclose, installed);
	return loaded[0] && installed[0] && strcmp(loaded, installed);
}

int device_open(void)
{
	const int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	int version;

	if (fd < 0) {
		switch (errno) {
		case ENOENT:
			if (!access("/sys/module/vprocns", F_OK))
				fail("the module is loaded, but " DEVICE " is not in this /dev: a sandbox or container has one of its own");
			fail("the module is not loaded: load it with 'modprobe vprocns'");
		case ENXIO:
		case ENODEV:
			/* The node is there, and the kernel has tried. */
			fail("the module can't be loaded: 'modprobe vprocns' and the kernel log tell why");
		case EACCES:
			fail("no access to " DEVICE ": be root or of the group vprocns");
		case EPERM:
			fail("a member of a group can't steer groups: run this outside of it");
		default:
			fail(DEVICE ": %s", strerror(errno));
		}
	}
	version = ioctl(fd, VPROCNS_VERSION);
	if (version != VPROCNS_ABI_VERSION && device_is_outdated())
		fail("the module of another release is still loaded (interface %d, the tool's is %d): once its groups have ended, 'rmmod vprocns' and 'modprobe vprocns' change it",
		     version, VPROCNS_ABI_VERSION);
	if (version != VPROCNS_ABI_VERSION)
		fail("the module's interface is version %d, the tool's %d: install both from one release",
		     version, VPROCNS_ABI_VERSION);
	return fd;
}

long pid_max(void)
{
	FILE *const file = fopen("/proc/sys/kernel/pid_max", "re");
	long max;

	if (!file || fscanf(file, "%ld", &max) != 1)
		fail("kernel.pid_max can't be read: %s", strerror(errno));
	fclose(file);
	return max;
}

static noreturn void bad_range(const struct vprocns_create *create)
{
	const long max = pid_max();

	if (!create->last)
		fail("numbers from %u on: 2 to %ld can be given (kernel.pid_max is %ld)",
		     create->first ? create->first : VPROCNS_FIRST_TID,
		     max - 1, max);
	fail("numbers from %u to %u: an ascending range within 2 to %ld is needed (kernel.pid_max is %ld)",
	     create->first ? create->first : VPROCNS_FIRST_TID, create->last,
	     max - 1, max);
}

int group_create(int device, const struct vprocns_create *create)
{
	const int fd = ioctl(device, VPROCNS_CREATE, create);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case EINVAL:
		/* Names and flags were checked when the options were read. */
		bad_range(create);
	case EEXIST:
		fail("you have a group named '%s': take another name, or see 'vprocns ls'",
		     create->name);
	case EDQUOT:
		fail("you have as many groups as one user may: end some ('vprocns ls'), or have the module's parameter max_user_groups raised");
	case ENOSPC:
		fail("too many groups: end some, or raise the module's parameter max_groups");
	default:
		fail("a group can't be made: %s", strerror(errno));
	}
}

int group_open(int device, const char *word)
{
	struct vprocns_open open = {};
	char *end;
	int fd;

	errno = 0;
	open.id = strtoull(word, &end, 10);
	if (errno || end == word || *end) {
		open.id = 0;
		if (!*word || strlen(word) >= sizeof(open.name))
			misuse("'%s' is neither a group's id nor its name", word);
		memcpy(open.name, word, strlen(word));
	}
	fd = ioctl(device, VPROCNS_OPEN, &open);
	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
		fail("there is no group '%s' of yours: see 'vprocns ls'", word);
	case ENOTUNIQ:
		fail("several users have a group '%s': give its id, see 'vprocns ls'",
		     word);
	case EINVAL:
		misuse("'%s' is neither a group's id nor its name", word);
	default:
		fail("group '%s' can't be opened: %s", word, strerror(errno));
	}
}

void group_bind(int group, int pidfd, const struct vprocns_create *create,
		__u32 flags)
{
	struct vprocns_bind bind = { .pidfd = pidfd, .flags = flags };

	if (!ioctl(group, VPROCNS_BIND, &bind))
		return;
	switch (errno) {
	case EINVAL:
		bad_range(create);
	case EPERM:
		fail("not permitted: the initial PID namespace can't be bound, another's needs CAP_SYS_ADMIN over its user namespace");
	case ETXTBSY:
		fail("a kernel live patch or another module holds a function that is needed: the kernel log names it");
	case ENODEV:
		fail("kernel.ftrace_enabled is 0: set it with 'sysctl kernel.ftrace_enabled=1'");
	case EBUSY:
		fail("its PID namespace is bound to another group already: see 'vprocns ls'");
	case ESRCH:
		fail("the process, or the init of its PID namespace, is gone");
	default:
		fail("the PID namespace can't be bound: %s", strerror(errno));
	}
}

void group_slot(int group, __u32 number)
{
	struct vprocns_slot slot = { .slot = number };

	if (!ioctl(group, VPROCNS_SLOT, &slot))
		return;
	switch (errno) {
	case EINVAL:
		fail("slots go with --numbering lineage, which this group does not have");
	case EBUSY:
		fail("slot %u is in use: take another, or wait for its program's end",
		     number);
	case ESRCH:
		fail("the group has not begun or has ended: only a group that is alive has slots");
	case ENOTTY:
		fail("the module has no slots: install one of this release");
	default:
		fail("slot %u can't be taken: %s", number, strerror(errno));
	}
}

struct vprocns_stats group_stats(int group)
{
	struct vprocns_stats stats;

	if (ioctl(group, VPROCNS_STATS, &stats))
		fail("the counters can't be read: %s", strerror(errno));
	return stats;
}

struct vprocns_member *group_members(int group, size_t *count)
{
	enum { AT_ONCE = 256 };
	struct vprocns_members members = {
		.capacity = AT_ONCE, .size = sizeof(struct vprocns_member),
	};
	struct vprocns_member *found = NULL;

	*count = 0;
	do {
		found = need(reallocarray(found, *count + AT_ONCE, sizeof(*found)));
		members.members = (uintptr_t)(found + *count);
		if (ioctl(group, VPROCNS_MEMBERS, &members))
			fail("the members can't be listed: %s", strerror(errno));
		*count += members.count;
	} while (members.count == AT_ONCE);
	return found;
}

size_t group_refusals(int group, struct vprocns_refused *refused, size_t capacity)
{
	struct vprocns_refusals refusals = {
		.refusals = (uintptr_t)refused, .capacity = capacity,
		.size = sizeof(*refused),
	};

	if (ioctl(group, VPROCNS_REFUSALS, &refusals))
		fail("the refusals can't be read: %s", strerror(errno));
	return refusals.count;
}

struct vprocns_info group_info(int group)
{
	struct vprocns_info info;

	if (ioctl(group, VPROCNS_INFO, &info))
		fail("the group can't be asked: %s", strerror(errno));
	return info;
}
