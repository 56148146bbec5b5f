// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kinds.h"
#include "vprocns.h"

const struct kind kinds[3] = {
	{ "plain", false, 0 },
	{ "sequential", true, VPROCNS_NUMBERING_SEQUENTIAL },
	{ "lineage", true, VPROCNS_NUMBERING_LINEAGE },
};

const struct kind *find_kind(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(name, kinds[i].name))
			return &kinds[i];
	errx(2, "no kind %s; see --help", name);
}

int open_device(void)
{
	const int device = open("/dev/vprocns", O_RDWR | O_CLOEXEC);

	if (device < 0)
		err(1, "/dev/vprocns");
	return device;
}

/* In a new namespace's init: binds it, if it is to be a group's. @last may be 0. */
void bind_self(const struct kind *kind, unsigned int profile, unsigned int last)
{
	const struct vprocns_create create = {
		.profile = profile,
		.numbering = kind->numbering,
		.first = FIRST,
		.last = last,
	};
	const struct vprocns_bind bind = { .pidfd = -1 };
	int device, group;

	write_number("/proc/sys/kernel/ns_last_pid", FIRST - 1);
	if (!kind->grouped)
		return;
	device = open_device();
	group = ioctl(device, VPROCNS_CREATE, &create);
	if (group < 0 || ioctl(group, VPROCNS_BIND, &bind))
		err(1, "a group");
	close(group);
	close(device);
}

/* One fork, exit and wait. */
void spend(void)
{
	const pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		err(1, "fork");
}

void write_all(int fd, const void *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		err(1, "write");
}

void read_all(int fd, void *data, size_t size)
{
	if (read(fd, data, size) != (ssize_t)size)
		errx(1, "the process at the other end is gone");
}

void write_number(const char *path, int number)
{
	FILE *const file = fopen(path, "we");

	if (!file || fprintf(file, "%d", number) < 0 || fclose(file))
		err(1, "%s", path);
}
