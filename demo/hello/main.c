// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

const char *one(void);
const char *two(void);
const char *three(void);

int main(void)
{
	printf("%s %s %s\n", one(), two(), three());
	return 0;
}
