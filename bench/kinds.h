/* SPDX-License-Identifier: GPL-2.0 */
/* PID namespaces of each kind that is compared: plain, and groups by numbering. */
#ifndef _VPROCNS_BENCH_KINDS_H
#define _VPROCNS_BENCH_KINDS_H

#include <stdbool.h>
#include <stddef.h>

/* All kinds give numbers from here: equally deep in the kernel's tree. */
#define FIRST 5000

struct kind {
	const char *name;
	bool grouped;
	unsigned int numbering;
};

extern const struct kind kinds[3];

const struct kind *find_kind(const char *name);
int open_device(void);
void bind_self(const struct kind *kind, unsigned int profile, unsigned int last);

void spend(void);
void write_all(int fd, const void *data, size_t size);
void read_all(int fd, void *data, size_t size);
void write_number(const char *path, int number);

#endif
