// SPDX-License-Identifier: MIT
/* The file systems that this configuration has; the first is the one to start with. */
#include <fs/file_system.h>

extern const struct file_system ramfs;

const struct file_system *const file_systems[] = {
	&ramfs,
	NULL,
};
