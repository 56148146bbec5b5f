// SPDX-License-Identifier: GPL-2.0
const char *one(void);

const char *one(void)
{
	return "one";
}
