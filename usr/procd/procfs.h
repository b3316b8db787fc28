/* SPDX-License-Identifier: MIT */
/* Texts and listings of /proc and /sys, made anew for each open file. */
#pragma once

#include "proc.h"

struct out {
	char *p;
	uint32_t len, max; /* what does not fit is cut off */
};

void put(struct out *o, const char *f, ...) __attribute__((format(printf, 2, 3)));
void put_entry(struct out *o, const char *name, bool dir);

/* disks.c */
void disks_map(w_handle_t mem); /* struct disk_table; without it there are no disks */
void f_partitions(struct out *o);
void f_diskstats(struct out *o);
/* What is below /sys, path without slashes at its beginning: 0 or W_ENOENT. */
int sys_fill(struct out *o, const char *path, bool *dir);
