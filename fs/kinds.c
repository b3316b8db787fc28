// SPDX-License-Identifier: MIT
/* The file systems that this configuration has; the first is the one that needs nothing. */
#include <fs/file_system.h>

extern const struct file_system ramfs, srfs, flatfs;

const struct file_system *const file_systems[] = {
	&ramfs,
#ifdef CONFIG_SRFS
	&srfs,
#endif
#ifdef CONFIG_FLATFS
	&flatfs,
#endif
	NULL,
};
