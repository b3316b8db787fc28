/* SPDX-License-Identifier: MIT */
/*
 * Partition tables: MBR with logical partitions, and GPT (UEFI 2.10, 5).  Sectors are 512
 * bytes; a table on a disk of 4096-byte blocks counts in those, and is translated.
 *
 * The bytes are untrusted: what does not fit the disk, or overlaps the table, is left out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PARTITIONS_MOST 32

/* MBR type bytes; the same numbers stand for the GPT types below. */
enum {
	PART_NONE = 0,
	PART_EXTENDED_CHS = 0x05,
	PART_EXTENDED = 0x0f,
	PART_FLATFS = 0x2c,
	PART_SRFS = 0x2d,
	PART_LINUX = 0x83,
	PART_PROTECTIVE = 0xee, /* the disk has a GPT */
	PART_ESP = 0xef,
};

/* GPT type identifiers as they lie on the disk; the first two are Wherry's own. */
#define PART_GUID_FLATFS "WHERRY-flatfs-\x2c\x01"
#define PART_GUID_SRFS "WHERRY-srfs---\x2d\x01"

struct partition {
	uint64_t start, sectors;
	uint8_t index; /* 1 for the first; logical ones from 5 on */
	uint8_t type;  /* PART_*; of a GPT partition that is none of these PART_LINUX */
	bool bootable;
};

/* Read n sectors; 0 or an error, which is the result then. */
typedef int (*partition_read)(void *disk, uint64_t sector, void *buf, uint32_t n);

/* The partitions in order of index, at most PARTITIONS_MOST: their count, 0 without a table, or
 * the error.  block: the disk's block size in bytes, 512 or 4096. */
int partition_scan(void *disk, partition_read read, uint64_t sectors, uint32_t block,
		   struct partition *out);
