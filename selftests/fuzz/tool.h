/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tool's sources in a fuzzer: its main() is tool_main() there, and where it
 * would end the process, it comes back. Include once.
 */
#ifndef _VPROCNS_FUZZ_TOOL_H
#define _VPROCNS_FUZZ_TOOL_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>

#include "holds.h"

static jmp_buf back;
static bool may_end;
static int end_status;

/* The linker's --wrap=exit makes these of exit(). */
void __real_exit(int status) __attribute__((noreturn));
void __wrap_exit(int status) __attribute__((noreturn));

void __wrap_exit(int status)
{
	if (!may_end)
		__real_exit(status);
	may_end = false;
	end_status = status;
	longjmp(back, 1);
}

/* False when @statement would have ended the process, with end_status. */
#define COMES_BACK(statement) ({					\
	bool _came = false;						\
	may_end = true;							\
	if (!setjmp(back)) {						\
		statement;						\
		_came = true;						\
	}								\
	may_end = false;						\
	_came; })

/* A word for the tool out of what the fuzzer has: with an end. */
static inline char *word_of(const unsigned char *data, size_t size)
{
	char *const word = malloc(size + 1);

	if (!word)
		abort();
	for (size_t i = 0; i < size; i++)
		word[i] = data[i];
	word[size] = '\0';
	return word;
}

#endif
