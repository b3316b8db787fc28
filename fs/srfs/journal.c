// SPDX-License-Identifier: MIT
/*
 * The log: changed metadata blocks, whole, one record a transaction.  The order that makes a
 * crash harmless at any write (Documentation/design/srfs.md):
 *
 *	1  file data and fresh metadata, in place		nothing refers to them yet
 *	2  flush
 *	3  the record, with a sum over all of it
 *	4  flush						the transaction has happened
 *	5  the changed blocks, in place, but the superblock	(checkpoint: now or later)
 *	6  flush
 *	7  the superblock with this sequence number		the record is not needed any more
 *	8  flush						freed blocks may be used again
 *
 * Recovery reads records from the beginning of the log while each is whole and has the number
 * that follows, and puts in place those behind the superblock's number.
 */
#include "volume.h"

#include <rt/rt.h>

#define IO_MOST 64 /* blocks given to the device at once */

/* ---- the sum: 8 bytes at a time; it finds torn and lost writes, not forgeries ---- */

static uint64_t sum64(uint64_t h, const void *data, uint32_t n)
{
	const uint64_t *p = data;

	for (; n; n -= 8) {
		h = (h ^ *p++) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
	}
	return h;
}

int srfs_fail(struct srfs *fs, int err)
{
	if (!fs->broken)
		srfs_broke(fs, err);
	fs->broken = true;
	return err;
}

/* ---- many blocks at once ---- */

struct batch {
	struct srfs *fs;
	struct srfs_io io[IO_MOST];
	uint32_t n;
};

static int batch_run(struct batch *b)
{
	int err = b->n ? b->fs->dev.run(b->fs->dev.self, b->io, b->n) : 0;

	b->n = 0;
	return err;
}

static int batch_write(struct batch *b, uint64_t block, void *data)
{
	int err = b->n == IO_MOST ? batch_run(b) : 0;

	b->io[b->n++] = (struct srfs_io){.block = block, .count = 1, .write = true, .buf = data};
	return err;
}

static int flush(struct srfs *fs)
{
	int err = fs->dev.flush(fs->dev.self);

	if (!err)
		fs->data_written = false;
	return err;
}

/* ---- checkpoint ---- */

static int write_logged(struct srfs *fs)
{
	struct batch b = {.fs = fs};
	struct srfs_buf *buf;
	struct list *l;
	int err = 0;

	list_for_each (l, &fs->logged) {
		buf = list_entry(l, struct srfs_buf, changed);
		err = err ? err : batch_write(&b, buf->block, buf->data);
	}
	return err ? err : batch_run(&b);
}

static void all_in_place(struct srfs *fs)
{
	struct srfs_buf *b;

	while (!list_is_empty(&fs->logged)) {
		b = list_first(&fs->logged, struct srfs_buf, changed);
		list_del(&b->changed);
		b->logged = false;
		if (!b->refs)
			list_append(&fs->lru, &b->lru);
	}
	fs->nlogged = 0;
	fs->log_at = fs->super.ext.log_start;
	blocks_release_held(fs);
}

/* Nothing is dirty: what is logged is what was committed. */
int journal_checkpoint(struct srfs *fs)
{
	int err;

	if (!fs->nlogged && !fs->nheld && fs->log_at == fs->super.ext.log_start)
		return 0;
	err = write_logged(fs);
	if (!err)
		err = flush(fs);
	if (!err)
		err = super_write(fs, SRFS_DIRTY);
	if (!err)
		err = flush(fs);
	if (err)
		return srfs_fail(fs, err);
	all_in_place(fs);
	return 0;
}

/* ---- commit ---- */

static int write_fresh(struct srfs *fs, bool *any)
{
	struct batch b = {.fs = fs};
	struct srfs_buf *buf;
	struct list *l;
	int err = 0;

	list_for_each (l, &fs->dirty) {
		buf = list_entry(l, struct srfs_buf, changed);
		if (!buf->fresh || err)
			continue;
		*any = true;
		err = batch_write(&b, buf->block, buf->data);
	}
	return err ? err : batch_run(&b);
}

static uint32_t count_to_log(struct srfs *fs)
{
	struct list *l;
	uint32_t n = fs->super_dirty;

	list_for_each (l, &fs->dirty)
		n += !list_entry(l, struct srfs_buf, changed)->fresh;
	return n;
}

static void put_image(struct srfs_record *r, struct srfs_io *io, uint32_t *n, uint64_t block,
		      void *data)
{
	r->block[*n] = block;
	io[*n + 1].buf = data;
	++*n;
}

/* The record with its images; io[0] is its first block. */
static uint32_t make_record(struct srfs *fs, struct srfs_record *r, uint8_t *super,
			    struct srfs_io *io)
{
	struct srfs_buf *b;
	struct list *l;
	uint32_t n = 0, i;

	list_for_each (l, &fs->dirty) {
		b = list_entry(l, struct srfs_buf, changed);
		if (!b->fresh)
			put_image(r, io, &n, b->block, b->data);
	}
	super_seal(fs, SRFS_DIRTY, super);
	put_image(r, io, &n, 0, super);
	r->magic = SRFS_RECORD_MAGIC;
	r->sequence = fs->super.ext.sequence;
	r->count = n;
	io[0].buf = r;
	r->sum = sum64(0, r, SRFS_BLOCK);
	for (i = 0; i < n; i++)
		r->sum = sum64(r->sum, io[i + 1].buf, SRFS_BLOCK);
	for (i = 0; i <= n; i++) {
		io[i].block = fs->log_at + i;
		io[i].count = 1;
		io[i].write = true;
	}
	return n + 1;
}

static int write_record(struct srfs *fs, uint32_t images)
{
	struct srfs_record *r = rt_try_alloc(sizeof(*r));
	uint8_t *super = rt_try_alloc(SRFS_BLOCK);
	struct srfs_io *io = rt_try_alloc((images + 2) * sizeof(*io));
	uint32_t n;
	int err = W_ENOMEM;

	if (r && super && io) {
		n = make_record(fs, r, super, io);
		err = fs->dev.run(fs->dev.self, io, n);
		if (!err)
			fs->log_at += n;
	}
	rt_free(io);
	rt_free(super);
	rt_free(r);
	return err ? err : flush(fs);
}

/* What was dirty is committed: fresh blocks are in place, the others in the log. */
static void all_logged(struct srfs *fs)
{
	struct srfs_buf *b;

	while (!list_is_empty(&fs->dirty)) {
		b = list_first(&fs->dirty, struct srfs_buf, changed);
		list_del(&b->changed);
		b->dirty = false;
		if (b->fresh) {
			b->fresh = false;
			if (!b->refs)
				list_append(&fs->lru, &b->lru);
			continue;
		}
		b->logged = true;
		list_append(&fs->logged, &b->changed);
		fs->nlogged++;
	}
	fs->ndirty = 0;
	fs->super_dirty = false;
}

static int commit_locked(struct srfs *fs)
{
	uint32_t images = count_to_log(fs) + 1;
	bool fresh = false;
	int err = 0;

	if (fs->broken)
		return W_EIO;
	while (fs->data_in_flight) /* 1: it comes before */
		srfs_sleep(fs);
	if (!srfs_has_changes(fs))
		return fs->data_written ? flush(fs) : 0;
	if (fs->log_at + images + 1 > fs->super.ext.log_start + fs->super.ext.log_blocks)
		return srfs_fail(fs, W_EIO); /* txn_most keeps this from happening */
	err = write_fresh(fs, &fresh);
	if (!err && (fresh || fs->data_written))
		err = flush(fs);
	fs->super.ext.sequence++;
	if (!err)
		err = write_record(fs, images);
	if (err)
		return srfs_fail(fs, err);
	all_logged(fs);
	/* room for the next one, however large */
	if (fs->log_at + fs->txn_most + 2 > fs->super.ext.log_start + fs->super.ext.log_blocks)
		err = journal_checkpoint(fs);
	return err;
}

bool srfs_has_changes(const struct srfs *fs)
{
	return fs->ndirty || fs->super_dirty;
}

int srfs_commit(struct srfs *fs)
{
	int err;

	srfs_lock(fs);
	err = commit_locked(fs);
	srfs_unlock(fs);
	return err;
}

int journal_step(struct srfs *fs)
{
	return fs->ndirty + 64 > fs->txn_most ? commit_locked(fs) : 0;
}

int need_blocks(struct srfs *fs, uint64_t blocks)
{
	int err;

	if (blocks <= blocks_available(fs))
		return 0;
	if (fs->nheld) {
		err = commit_locked(fs);
		if (!err)
			err = journal_checkpoint(fs);
		if (err)
			return err;
	}
	return blocks <= blocks_available(fs) ? 0 : W_ENOSPC;
}

int srfs_begin(struct srfs *fs, uint64_t blocks)
{
	int err;

	srfs_lock(fs);
	err = fs->broken ? W_EIO : fs->read_only ? W_EROFS : journal_step(fs);
	if (!err)
		err = need_blocks(fs, blocks);
	if (err)
		srfs_unlock(fs);
	return err;
}

void srfs_end(struct srfs *fs)
{
	srfs_unlock(fs);
}

/* ---- recovery ---- */

static int read_record(struct srfs *fs, uint64_t at, struct srfs_record *r, uint8_t *images,
		       bool *whole)
{
	uint64_t end = fs->super.ext.log_start + fs->super.ext.log_blocks, sum;
	int err;

	*whole = false;
	if (at + 1 >= end)
		return 0;
	err = io_one(fs, false, at, 1, r);
	if (err || r->magic != SRFS_RECORD_MAGIC || !r->count || r->count > SRFS_RECORD_MOST ||
	    r->count > end - at - 1)
		return err;
	err = io_one(fs, false, at + 1, r->count, images);
	if (err)
		return err;
	sum = r->sum;
	r->sum = 0;
	*whole = sum64(sum64(0, r, SRFS_BLOCK), images, r->count * SRFS_BLOCK) == sum;
	return 0;
}

static int put_in_place(struct srfs *fs, const struct srfs_record *r, uint8_t *images)
{
	uint32_t i;
	int err = 0;

	for (i = 0; i < r->count && !err; i++) {
		if (!r->block[i]) { /* the superblock goes last (7) */
			memcpy(&fs->super, images + i * SRFS_BLOCK, sizeof(fs->super));
			continue;
		}
		err = r->block[i] < fs->super.num_blocks
			      ? io_one(fs, true, r->block[i], 1, images + i * SRFS_BLOCK)
			      : W_EIO;
	}
	return err;
}

static int replay(struct srfs *fs, struct srfs_record *r, uint8_t *images)
{
	uint64_t at = fs->super.ext.log_start, done = fs->super.ext.sequence, last = 0;
	bool whole;
	int err;

	for (;; at += r->count + 1) {
		err = read_record(fs, at, r, images, &whole);
		if (err || !whole || (last ? r->sequence != last + 1 : r->sequence > done + 1))
			return err;
		last = r->sequence;
		if (last > done)
			err = put_in_place(fs, r, images);
		if (err)
			return err;
	}
}

int journal_replay(struct srfs *fs)
{
	struct srfs_record *r = rt_try_alloc(sizeof(*r));
	uint8_t *images = rt_try_alloc(SRFS_RECORD_MOST * SRFS_BLOCK);
	int err = r && images ? replay(fs, r, images) : W_ENOMEM;

	rt_free(images);
	rt_free(r);
	if (!err)
		err = fs->dev.flush(fs->dev.self);
	return err;
}
