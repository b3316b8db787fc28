/* SPDX-License-Identifier: MIT */
/*
 * srfs on disk (Documentation/design/srfs.md).  The layout is that of the Rust crate srfs-core
 * 0.1 and 0.2, whose tables this repeats; what is ours lies where the crate has spare bytes.
 * All integers are little-endian; a block is 4096 bytes.
 */
#pragma once

#include <stdint.h>

#define SRFS_BLOCK 4096u
#define SRFS_MAGIC 0x0c51a0bbb1083d14ull
#define SRFS_VERSION 1ull
#define SRFS_ROOT 1ull /* block and generation of the root directory's entry */

struct srfs_stamp { /* the crate's time: seconds and ns since 1970 */
	uint64_t s;
	uint32_t ns, pad;
};

struct srfs_id {
	uint64_t block;	     /* of the entry's metadata */
	uint64_t generation; /* odd: directory, even: file; never used again */
};

/* ---- block 0 ---- */

enum { SRFS_CLEAN = 1, SRFS_DIRTY = 2 };

/* What files here may need that the crate cannot express. */
enum {
	SRFS_F_SPARSE = 1,    /* block number 0: a hole */
	SRFS_F_LINKS = 2,     /* files with several names */
	SRFS_F_LARGE_DIR = 4, /* more than 65,536 entries */
	SRFS_F_XATTR = 8,     /* a block of extended attributes (srfs_meta.xattr) */
	SRFS_F_SPECIAL = 16,  /* symbolic links, devices, FIFOs, sockets: files to the crate */
};

/* Our part of the superblock, in the first 512 bytes of the block so that both parts are
 * written as one sector. */
struct srfs_ext {
	uint64_t magic; /* SRFS_EXT_MAGIC */
	uint32_t version, state;
	uint32_t features, pad;
	uint64_t log_start, log_blocks;
	uint64_t bitmap_start, bitmap_blocks; /* bit n: block n is used */
	uint64_t orphans;		      /* the block that lists them */
	uint64_t sequence;		      /* of the last transaction that is in place */
	/* the crate's fields as we left them: others if the crate has written since */
	uint64_t seen_generation, seen_free, seen_empty;
	uint32_t zero, crc; /* of the bytes before it */
};
#define SRFS_EXT_MAGIC 0x3178652d73667273ull /* "srfs-ex1" */

struct srfs_super {
	uint64_t magic, version, num_blocks, free_blocks, generation;
	uint64_t freelist_head, empty_area_start;
	/* A transaction of the crate's, or ours: never all 0 while the log may hold what is not in
	 * place, and then the crate does not open the volume. */
	uint64_t txn_meta, txn_data, txn_link, txn_list, txn_owner;
	uint32_t txn_type, crc; /* of bytes 0..99 */
	struct srfs_ext ext;
};
#define SRFS_SUPER_CRC 100u
_Static_assert(sizeof(struct srfs_super) <= 512, "one sector");
_Static_assert(__builtin_offsetof(struct srfs_super, crc) == SRFS_SUPER_CRC, "the crate's");

/* ---- an entry's metadata: the first 128 bytes of its block ---- */

struct srfs_meta {
	struct srfs_id id, parent;
	uint64_t size; /* bytes; of a directory entries */
	struct srfs_stamp created, modified, accessed;
	/* the crate's user_data; mode 0: made by the crate, root's, 0644 or 0755 */
	uint32_t mode, nlink;
	uint32_t uid, gid;
	uint64_t changed; /* ns since 1970 */
	uint32_t rdev;
	uint32_t blocks; /* of its contents, tables too */
	uint32_t xattr;	 /* block of extended attributes, 0: none (the crate's reserved word) */
	uint32_t crc;	 /* of bytes 0..123 */
};
#define SRFS_META 128u
#define SRFS_META_CRC 124u
_Static_assert(sizeof(struct srfs_meta) == SRFS_META, "the crate's");

/* ---- contents ---- */

#define SRFS_SLOTS 496u			     /* block numbers in the metadata block */
#define SRFS_FAN 512u			     /* in a link block */
#define SRFS_INLINE (SRFS_BLOCK - SRFS_META) /* bytes of a file that need no block */
#define SRFS_FILE_MOST (496ull * 512 * 512 * 4096)

struct srfs_dirent {
	struct srfs_id id;
	uint8_t name[255];
	uint8_t len;
};
#define SRFS_DIRENT 272u
_Static_assert(sizeof(struct srfs_dirent) == SRFS_DIRENT, "the crate's");
#define SRFS_DIR_INLINE 14u /* entries in the metadata block, at 272 * (i + 1) */
#define SRFS_DIR_BLOCK 15u  /* entries in a data block */
#define SRFS_DIR_CRATE 65536u
#define SRFS_DIR_MOST (SRFS_SLOTS * SRFS_FAN * SRFS_DIR_BLOCK)

/* ---- the log: records one behind the other from its first block on ---- */

struct srfs_record {
	uint64_t magic, sequence;
	uint64_t sum;	/* of this block with sum 0, then the images */
	uint32_t count; /* images, which follow */
	uint32_t pad;
	uint64_t block[SRFS_BLOCK / 8 - 4]; /* where each belongs */
};
#define SRFS_RECORD_MAGIC 0x676f6c2d73667273ull /* "srfs-log" */
#define SRFS_RECORD_MOST (SRFS_BLOCK / 8 - 4)
_Static_assert(sizeof(struct srfs_record) == SRFS_BLOCK, "a block");

/* ---- orphans: files without a name that somebody has open ---- */

struct srfs_orphans {
	uint64_t magic;
	uint32_t count, lost; /* lost: more than fit; the next mount looks for them */
	uint64_t block[SRFS_BLOCK / 8 - 2];
};
#define SRFS_ORPHANS_MAGIC 0x70726f2d73667273ull /* "srfs-orp" */
#define SRFS_ORPHANS_MOST (SRFS_BLOCK / 8 - 2)
