/* SPDX-License-Identifier: MIT */
/* The list of mounts, where procd reads it for /proc/self/mounts and mountinfo. */
#pragma once

#include "mount.h"

w_handle_t mounts_memory(void);		/* struct fs_mounts (wherry/fs.h); borrows; 0: no memory */
void mounts_show(const struct view *v); /* something has changed */
