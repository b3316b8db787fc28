/* SPDX-License-Identifier: MIT */
/*
 * The block devices there are: memory that the file service writes and procd reads (FS_WHO),
 * for /proc/partitions, /proc/diskstats and /sys/block.  turn is odd while rows come, go or
 * change; counts grow in place at any time.
 */
#pragma once

#include <stdint.h>

/* As /proc/diskstats counts (Linux's Documentation/admin-guide/iostats.rst). */
struct disk_stats {
	uint64_t reads, read_sectors, read_ns;
	uint64_t writes, write_sectors, write_ns;
	uint64_t discards, discard_sectors, discard_ns;
	uint64_t flushes, flush_ns, errors;
	uint64_t busy_ns, busy_since; /* some request was in flight; since when (in_flight) */
	uint64_t in_flight;
};

struct disk_row {
	char name[16];
	uint64_t rdev; /* major << 8 | minor */
	uint64_t sectors, start;
	uint32_t part, whole; /* number of the partition, row of its disk; part 0: a disk */
	uint32_t block_size, read_only;
	struct disk_stats stats;
};

#define DISK_ROWS 128u
struct disk_table {
	uint32_t turn, n;
	struct disk_row row[DISK_ROWS]; /* a disk, then its partitions */
};
