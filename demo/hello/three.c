// SPDX-License-Identifier: GPL-2.0
const char *three(void);

const char *three(void)
{
	return "three";
}
