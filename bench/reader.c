// SPDX-License-Identifier: GPL-2.0
/*
 * Reads a group's events and drops them: what there is to a recording but for its file.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "measure.h"
#include "vprocns.h"

#define RING 1048576
/* Often enough that no repeat of a measurement is without it. */
#define WAKE 16384

static const char usage[] =
	"usage: reader GROUP\n"
	"\n"
	"Prints \"reads\", reads the events of the group with the id GROUP until it ends, and\n"
	"fails if any were lost.\n";

int main(int argc, char **argv)
{
	const struct vprocns_events events = { .size = RING, .wake = WAKE };
	struct vprocns_events_stats stats;
	struct vprocns_open open_group = { 0 };
	static char records[RING];
	ssize_t size;
	int device, group;

	if (argc != 2) {
		fputs(usage, stderr);
		return 2;
	}
	open_group.id = amount(argv[1], -1UL);
	device = open("/dev/vprocns", O_RDWR | O_CLOEXEC);
	if (device < 0)
		err(1, "/dev/vprocns");
	group = ioctl(device, VPROCNS_OPEN, &open_group);
	if (group < 0 || ioctl(group, VPROCNS_EVENTS, &events))
		err(1, "group %s", argv[1]);
	puts("reads");
	fflush(stdout);
	/* It comes for what is there, and not for one event at a time. */
	while ((size = read(group, records, sizeof(records))) > 0)
		;
	if (size < 0)
		err(1, "read");
	if (ioctl(group, VPROCNS_EVENTS_STATS, &stats))
		err(1, "VPROCNS_EVENTS_STATS");
	if (stats.lost)
		errx(1, "%llu events were lost", (unsigned long long)stats.lost);
	return 0;
}
