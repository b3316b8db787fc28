/* SPDX-License-Identifier: MIT */
/*
 * A block device, as its users see it: one structure whether the driver is in this process,
 * behind a proxy, a partition, a RAM disk or a file.
 *
 *	Requests.  A request and its buffers are lent from blk_begin() until done(), which runs
 *	exactly once, from the event loop and never inside blk_begin().  Many may be in flight;
 *	they end in any order.  A write is on the medium when a flush that began after its
 *	done() is done, or at its own done() with BLK_FUA.
 *
 *	Units.  Sectors are 512 bytes whatever the device's own block size is; requests that
 *	do not begin and end on block_size, or have more than most_sectors, end with W_EINVAL.
 *
 *	Errors.  status is 0, W_EIO (the device said no, or is gone), W_EROFS, W_ENOSPC (past
 *	the end), W_EINVAL, W_EOPNOTSUPP (discard and write zeroes where the device has none).
 *
 * The device is not trusted: whatever it answers, only the lent buffers change.
 */
#pragma once

#include <lib/list.h>
#include <rt/rt.h>
#include <wherry/disks.h>

#define BLK_SECTOR 512u
#define BLK_NAME 16
#define BLK_SEGMENTS 16 /* of one request, at the most */

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD, BLK_WRITE_ZEROES };
enum { BLK_FUA = 1 };

/* Memory of this process.  pa: its physical address where the owner knows it and the bytes are
 * contiguous, else 0, and the driver copies. */
struct blk_seg {
	void *va;
	uint64_t pa;
	uint32_t len;
};

struct blk_req {
	struct list link; /* the provider's, until done() */
	enum blk_op op;
	uint32_t flags;
	uint64_t sector, sectors; /* flush: both 0 */
	const struct blk_seg *seg;
	uint32_t nseg; /* their lengths sum to sectors * 512; 0 for what has no bytes */
	void (*done)(struct blk_req *rq);
	int status;
	void *own; /* whoever begins it may keep something here; blk_run() does */
	/* blk.c's: the device that does it, the partition it was asked of, and when */
	struct blk *blk, *part;
	uint64_t began_ns;
};

struct blk;

struct blk_ops {
	/* Checked already: bounds, alignment, rights.  Must lead to blk_done(). */
	void (*begin)(struct blk *b, struct blk_req *rq);
};

struct blk {
	const struct blk_ops *ops; /* NULL: the device is gone, requests end with W_EIO */
	void *self;		   /* the provider's */
	char name[BLK_NAME];	   /* "vda", "vda1" */
	uint32_t rdev;		   /* major << 8 | minor */
	uint64_t sectors;
	uint32_t block_size;   /* 512 or 4096 */
	uint32_t most_sectors; /* of one request */
	bool read_only, can_discard, can_zero;
	struct blk *whole;	/* a partition's disk, else NULL */
	uint64_t start;		/* of the partition, in sectors of the disk */
	uint8_t part_type;	/* MBR's type byte, or what the GPT type stands for; 0: none */
	uint8_t part_index;	/* 1 for the first */
	const void *claimed_by; /* who has it mounted; NULL: nobody */
	struct disk_stats stats;
	struct disk_stats *shown; /* a copy that others read, kept current; NULL: nobody does */
	struct list link;
};

/* ---- users ---- */
void blk_begin(struct blk *b, struct blk_req *rq);
/* In a fiber, waiting: n bytes, whole blocks, cut to what the device takes.  0 or the error. */
int blk_read(struct blk *b, uint64_t sector, void *buf, uint64_t n);
int blk_write(struct blk *b, uint64_t sector, const void *buf, uint64_t n);
int blk_flush(struct blk *b);
int blk_discard(struct blk *b, uint64_t sector, uint64_t sectors);
int blk_write_zeroes(struct blk *b, uint64_t sector, uint64_t sectors);
/* Begin all of them, wait for all; the first error. */
int blk_run(struct blk *b, struct blk_req *rq, uint32_t n);

struct blk *blk_find(const char *name);
struct blk *blk_by_rdev(uint32_t rdev);
struct blk *blk_next(struct blk *b); /* NULL: the first; NULL comes back after the last */
/* Mounted, or written whole: only one may. W_EBUSY, also when a partition of it is claimed. */
int blk_claim(struct blk *b, const void *who);
void blk_release(struct blk *b, const void *who);
void blk_settle(void); /* in a fiber: until the tables of all disks so far have been read */
/* fn runs whenever a device comes, goes or changes its size. */
void blk_watch(void (*fn)(struct blk *b));

/* ---- providers ---- */
void blk_add(struct blk *b);  /* then its partition table is read, in a fiber */
void blk_gone(struct blk *b); /* all its requests have ended */
void blk_resized(struct blk *b, uint64_t sectors);
void blk_done(struct blk_req *rq, int status); /* soon, from the loop: rq->done(rq) */
/* Read the partition table again (BLKRRPART).  W_EBUSY while one of them is claimed. */
int blk_reread(struct blk *b);
