/* SPDX-License-Identifier: MIT */
/* The table of disks that procd shows (wherry/disks.h), kept true as they come and go. */
#pragma once

#include <rt/rt.h>

void disks_start(void);
w_handle_t disks_memory(void); /* struct disk_table; borrows; 0: no memory */
