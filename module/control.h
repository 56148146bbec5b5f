/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_CONTROL_H
#define _VPROCNS_CONTROL_H

int vprocns_control_init(void);
void vprocns_control_exit(void);

#endif
