// SPDX-License-Identifier: GPL-2.0
const char *two(void);

const char *two(void)
{
	return "two";
}
