/* SPDX-License-Identifier: GPL-2.0 */
/* What a fuzzer takes for a finding, beside what the sanitizers do. */
#ifndef _VPROCNS_FUZZ_HOLDS_H
#define _VPROCNS_FUZZ_HOLDS_H

#include <stdio.h>
#include <stdlib.h>

#define HOLDS(condition) do {						\
	if (!(condition)) {						\
		fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__,	\
			__LINE__, #condition);				\
		abort();						\
	}								\
} while (0)

#endif
