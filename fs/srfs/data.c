// SPDX-License-Identifier: MIT
/*
 * The bytes of files.  They are written in place before the transaction that makes them part of
 * the file (journal.c, 1), so a crash shows either the old file or the new one, and of a file
 * that is overwritten some of the new bytes.
 */
#include "volume.h"

#include <rt/rt.h>

#define IO_MOST 64
#define ENXIO (-6)

static uint64_t blocks_for(uint64_t size)
{
	return size <= SRFS_INLINE ? 0 : (size + SRFS_BLOCK - 1) / SRFS_BLOCK;
}

static struct tree tree_of(struct srfs_node *n, struct srfs_buf *meta)
{
	return (struct tree){.fs = n->fs,
			     .meta = meta,
			     .count = blocks_for(meta_of(meta)->size),
			     .near = n->id.block};
}

/* Size and attributes to the metadata block. */
static void put_meta(struct srfs_node *n, struct srfs_buf *meta, const struct tree *t,
		     uint64_t size)
{
	n->attr.size = size;
	n->attr.blocks += t->blocks;
	attr_to(meta_of(meta), &n->attr);
	meta_of(meta)->blocks = n->attr.blocks - 1;
	meta_of(meta)->size = size;
	meta_dirty(n->fs, meta);
}

/* ---- what device requests a range of blocks is ---- */

struct plan {
	struct srfs_io io[IO_MOST];
	uint32_t n, count; /* requests; blocks that they, and holes, stand for */
};

/* As much of [index, index + count) as fits a plan; holes are filled in at once when reading. */
static int plan(const struct tree *t, uint64_t index, uint32_t count, char *buf, bool write,
		struct plan *p)
{
	uint64_t block;
	uint32_t run;
	int err;

	p->n = p->count = 0;
	while (p->count < count && p->n < IO_MOST) {
		err = tree_run(t, index + p->count, count - p->count, &block, &run);
		if (err)
			return err;
		if (block)
			p->io[p->n++] =
				(struct srfs_io){.block = block,
						 .count = run,
						 .write = write,
						 .buf = buf + p->count * (uint64_t)SRFS_BLOCK};
		else if (!write)
			memset(buf + p->count * (uint64_t)SRFS_BLOCK, 0,
			       run * (uint64_t)SRFS_BLOCK);
		p->count += run;
	}
	return 0;
}

/* ---- reading ---- */

static int read_inline(struct srfs_buf *meta, uint64_t index, uint32_t count, char *to)
{
	memset(to, 0, count * (uint64_t)SRFS_BLOCK);
	if (!index && count)
		memcpy(to, buf_at(meta, SRFS_META), meta_of(meta)->size);
	return 0;
}

/* One plan's worth; *done blocks of it. */
static int read_some(struct srfs_node *n, uint64_t index, uint32_t count, char *to, struct plan *p)
{
	struct srfs_buf *meta;
	struct tree t;
	int err;

	srfs_lock(n->fs);
	err = meta_get(n->fs, &n->id, &meta);
	p->n = 0;
	p->count = count;
	if (!err) {
		t = tree_of(n, meta);
		if (!t.count)
			err = read_inline(meta, index, count, to);
		else if (index >= t.count)
			memset(to, 0, count * (uint64_t)SRFS_BLOCK);
		else
			err = plan(&t, index, count < t.count - index ? count : t.count - index, to,
				   false, p);
		buf_put(n->fs, meta);
	}
	srfs_unlock(n->fs);
	return err;
}

static void clear_end(struct srfs_node *n, uint64_t index, uint32_t count, char *to)
{
	uint64_t begin = index * SRFS_BLOCK, end = begin + count * (uint64_t)SRFS_BLOCK;
	uint64_t size = n->attr.size;

	if (size < end)
		memset(to + (size > begin ? size - begin : 0), 0,
		       end - (size > begin ? size : begin));
}

int srfs_read(struct srfs_node *n, uint64_t index, uint32_t count, void *to)
{
	struct plan p;
	uint64_t at = index;
	uint32_t left = count;
	char *buf = to;
	int err = 0;

	for (; left && !err;
	     left -= p.count, at += p.count, buf += p.count * (uint64_t)SRFS_BLOCK) {
		err = read_some(n, at, left, buf, &p);
		if (!err && p.n)
			err = n->fs->dev.run(n->fs->dev.self, p.io, p.n);
	}
	if (!err)
		clear_end(n, index, count, to);
	return err;
}

/* ---- writing ---- */

static int write_inline(struct srfs_node *n, struct srfs_buf *meta, uint64_t index,
			const void *from, uint64_t size)
{
	struct tree t = {0};
	uint8_t *bytes = buf_at(meta, SRFS_META);

	buf_dirty(n->fs, meta);
	if (!index) {
		memcpy(bytes, from, size);
		memset(bytes + size, 0, SRFS_INLINE - size);
	} else if (size > n->attr.size) {
		memset(bytes + n->attr.size, 0, size - n->attr.size);
	}
	put_meta(n, meta, &t, size);
	return 0;
}

/* What the metadata block holds moves to block 0 of the file, unless that is written now. */
static int move_out(struct srfs_node *n, struct tree *t, bool rewritten)
{
	uint8_t *copy = rewritten || !n->attr.size ? NULL : rt_try_alloc(SRFS_BLOCK);
	uint8_t *bytes = buf_at(t->meta, SRFS_META);
	uint64_t block = 0;
	uint32_t got;
	int err = 0;

	if (!rewritten && n->attr.size) {
		err = copy ? block_alloc(n->fs, t->near, 1, &block, &got) : W_ENOMEM;
		if (!err) {
			memcpy(copy, bytes, n->attr.size);
			n->fs->data_written = true;
			err = io_one(n->fs, true, block, 1, copy);
			t->blocks++;
		}
		rt_free(copy);
	}
	if (err)
		return err;
	buf_dirty(n->fs, t->meta);
	memset(bytes, 0, SRFS_INLINE);
	((uint64_t *)bytes)[0] = block;
	t->count = 1;
	return 0;
}

/* The bytes of the last block behind the end become part of the file: they are zero.  Until this
 * transaction nobody could see them, so they may be written in place. */
static int clear_last(struct srfs_node *n, struct tree *t)
{
	uint64_t last = n->attr.size / SRFS_BLOCK, block;
	uint8_t *copy;
	int err;

	if (n->attr.size % SRFS_BLOCK == 0 || last >= t->count)
		return 0;
	err = tree_get(t, last, &block);
	if (err || !block)
		return err;
	copy = rt_try_alloc(SRFS_BLOCK);
	err = copy ? io_one(n->fs, false, block, 1, copy) : W_ENOMEM;
	if (!err) {
		memset(copy + n->attr.size % SRFS_BLOCK, 0, SRFS_BLOCK - n->attr.size % SRFS_BLOCK);
		n->fs->data_written = true;
		err = io_one(n->fs, true, block, 1, copy);
	}
	rt_free(copy);
	return err;
}

/* Every block of the range has a place, in a row where there is one. */
static int place(struct tree *t, uint64_t index, uint32_t count)
{
	uint64_t end = index + count, block, k;
	uint32_t run, got;
	int err = 0;

	while (index < end && !err) {
		err = tree_run(t, index, end - index, &block, &run);
		if (err)
			return err;
		if (block) {
			index += run;
			t->near = block + run;
			continue;
		}
		err = block_alloc(t->fs, t->near, run, &block, &got);
		for (k = 0; k < got && !err; k++)
			err = tree_set(t, index + k, block + k);
		if (err)
			return err;
		t->blocks += got;
		t->near = block + got;
		index += got;
	}
	return err;
}

/* Without holes, for who refuses them: zeros between the end and the range. */
static int fill_gap(struct srfs_node *n, struct tree *t, uint64_t from, uint64_t to)
{
	static uint8_t zeros[SRFS_BLOCK];
	uint64_t block;
	int err = 0;

	for (; from < to && !err; from++) {
		err = tree_get(t, from, &block);
		if (err || block)
			continue;
		err = place(t, from, 1);
		if (!err)
			err = tree_get(t, from, &block);
		n->fs->data_written = true;
		if (!err)
			err = io_one(n->fs, true, block, 1, zeros);
	}
	return err;
}

/* The table reaches to size; what comes between is holes. */
static int extend(struct srfs_node *n, struct tree *t, uint64_t index, uint32_t count,
		  uint64_t size)
{
	uint64_t old = t->count ? t->count : n->attr.size ? 1 : 0, want = blocks_for(size);
	bool rewritten = !index && count;
	int err = 0;

	if (size > n->attr.size && (index > n->attr.size / SRFS_BLOCK || !count))
		err = clear_last(n, t);
	if (!err && !t->count)
		err = move_out(n, t, rewritten);
	if (!err)
		err = tree_grow(t, want);
	if (err || want <= old || (index <= old && index + count >= want))
		return err;
	if (n->fs->crate_only)
		return fill_gap(n, t, old, want);
	return need_feature(n->fs, SRFS_F_SPARSE);
}

static int run_plans(struct srfs_node *n, const struct tree *t, uint64_t index, uint32_t count,
		     char *from)
{
	struct plan p;
	int err = 0;

	n->fs->data_written = true;
	n->fs->data_in_flight++;
	for (; count && !err; count -= p.count, index += p.count) {
		err = plan(t, index, count, from, true, &p);
		if (!err && p.n)
			err = n->fs->dev.run(n->fs->dev.self, p.io, p.n);
		from += p.count * (uint64_t)SRFS_BLOCK;
	}
	n->fs->data_in_flight--;
	n->fs->data_written = true;
	srfs_wake(n->fs);
	return err;
}

static int write_locked(struct srfs_node *n, uint64_t index, uint32_t count, const void *from,
			uint64_t size)
{
	struct srfs_buf *meta;
	struct tree t;
	int err = meta_get(n->fs, &n->id, &meta);

	if (err)
		return err;
	t = tree_of(n, meta);
	if (!t.count && size <= SRFS_INLINE) {
		err = write_inline(n, meta, index, from, size);
		buf_put(n->fs, meta);
		return err;
	}
	err = extend(n, &t, index, count, size);
	if (!err)
		err = place(&t, index, count);
	if (err) {
		srfs_fail(n->fs, err);
	} else {
		put_meta(n, meta, &t, size);
		err = run_plans(n, &t, index, count, (char *)from);
	}
	buf_put(n->fs, meta);
	return err;
}

/* Tables that count more blocks may need. */
static uint64_t with_tables(uint64_t count)
{
	return count + count / SRFS_FAN + 4;
}

/* What the range still needs is there; W_ENOSPC. */
static int room_for(struct srfs_node *n, uint64_t index, uint32_t count, uint64_t size)
{
	uint64_t block, at, end = index + count, need = 0;
	struct srfs_buf *meta;
	struct tree t;
	uint32_t run;
	int err;

	if (size <= SRFS_INLINE)
		return 0;
	err = meta_get(n->fs, &n->id, &meta);
	if (err)
		return err;
	t = tree_of(n, meta);
	for (at = index; at < end && at < t.count && !err; at += run) {
		err = tree_run(&t, at, end - at < t.count - at ? end - at : t.count - at, &block,
			       &run);
		need += err || block ? 0 : run;
	}
	need += end > t.count ? end - (index > t.count ? index : t.count) : 0;
	if (n->fs->crate_only && index > t.count)
		need += index - t.count;
	buf_put(n->fs, meta);
	return err || !need ? err : need_blocks(n->fs, with_tables(need));
}

int srfs_write(struct srfs_node *n, uint64_t index, uint32_t count, const void *from, uint64_t size)
{
	uint64_t promised = n->promised, end = index + count;
	int err;

	if (size > end * SRFS_BLOCK)
		size = end * SRFS_BLOCK; /* what lies behind comes with its own write */
	if (size < n->attr.size)
		size = n->attr.size;
	if (size > SRFS_FILE_MOST)
		return W_EFBIG;
	srfs_unreserve(n);
	err = srfs_begin(n->fs, 0);
	if (err)
		return err;
	err = room_for(n, index, count, size);
	if (!err)
		err = write_locked(n, index, count, from, size);
	if (promised > count) {
		n->promised = promised - count;
		n->fs->promised += n->promised;
	}
	srfs_end(n->fs);
	return err;
}

/* ---- promises ---- */

void srfs_unreserve(struct srfs_node *n)
{
	if (!n->fs)
		return;
	n->fs->promised -= n->promised;
	n->promised = 0;
}

int srfs_reserve(struct srfs_node *n, uint64_t size)
{
	uint64_t have = blocks_for(n->attr.size), want = blocks_for(size), need;
	int err;

	if (want <= have)
		return 0;
	need = with_tables(want - have);
	if (need <= n->promised)
		return 0;
	need -= n->promised;
	if (need > blocks_available(n->fs)) { /* perhaps after what is held back is free */
		err = srfs_begin(n->fs, need);
		if (err)
			return err;
		srfs_end(n->fs);
	}
	n->promised += need;
	n->fs->promised += need;
	return 0;
}

/* ---- size ---- */

/* The first bytes of a file that becomes small enough for its metadata block. */
static int keep_inline(struct srfs_node *n, struct tree *t, uint64_t size, uint8_t *copy)
{
	uint64_t block;
	int err = tree_get(t, 0, &block);

	memset(copy, 0, SRFS_BLOCK);
	if (!err && block && size)
		err = io_one(n->fs, false, block, 1, copy);
	memset(copy + size, 0, SRFS_BLOCK - size);
	return err;
}

/* Step by step from the end: each leaves a shorter file.  The lock is held; commits may come
 * between. */
static int shrink_tree(struct srfs_node *n, struct srfs_buf *meta, struct tree *t, uint64_t size,
		       uint64_t count)
{
	int err = 0;

	while (t->count > count && !err) {
		err = tree_shrink(t, count);
		if (err)
			return srfs_fail(n->fs, err);
		if (t->count > count) {
			put_meta(n, meta, t, t->count * SRFS_BLOCK);
			t->blocks = 0;
			err = journal_step(n->fs);
		}
	}
	(void)size;
	return err;
}

static int shrink(struct srfs_node *n, struct srfs_buf *meta, uint64_t size)
{
	struct tree t = tree_of(n, meta);
	uint8_t *copy = NULL;
	int err = 0;

	if (t.count && size <= SRFS_INLINE) {
		copy = rt_try_alloc(SRFS_BLOCK);
		err = copy ? keep_inline(n, &t, size, copy) : W_ENOMEM;
	}
	/* a size of one block's worth would be read as inline: the last step goes to 0 at once */
	if (!err)
		err = shrink_tree(n, meta, &t, size, blocks_for(size));
	if (!err && (copy || !t.count)) {
		buf_dirty(n->fs, meta);
		if (copy)
			memcpy(buf_at(meta, SRFS_META), copy, SRFS_INLINE);
		else
			memset(buf_at(meta, SRFS_META + size), 0, SRFS_INLINE - size);
	}
	if (!err)
		put_meta(n, meta, &t, size);
	rt_free(copy);
	return err;
}

static int grow(struct srfs_node *n, struct srfs_buf *meta, uint64_t size)
{
	struct tree t = tree_of(n, meta);
	int err;

	if (size <= SRFS_INLINE) {
		buf_dirty(n->fs, meta);
		memset(buf_at(meta, SRFS_META + n->attr.size), 0, size - n->attr.size);
		put_meta(n, meta, &t, size);
		return 0;
	}
	err = extend(n, &t, 0, 0, size);
	if (!err)
		put_meta(n, meta, &t, size);
	else if (err != W_EOPNOTSUPP)
		srfs_fail(n->fs, err);
	return err;
}

int srfs_truncate(struct srfs_node *n, uint64_t size)
{
	struct srfs_buf *meta;
	int err;

	if (size > SRFS_FILE_MOST)
		return W_EFBIG;
	err = srfs_begin(n->fs, size > n->attr.size ? 8 : 0);
	if (err)
		return err;
	err = meta_get(n->fs, &n->id, &meta);
	if (!err) {
		err = size < n->attr.size ? shrink(n, meta, size) : grow(n, meta, size);
		buf_put(n->fs, meta);
	}
	if (size < n->attr.size || !err)
		srfs_unreserve(n);
	srfs_end(n->fs);
	return err;
}

/* ---- holes ---- */

int64_t srfs_seek(struct srfs_node *n, uint64_t off, bool data)
{
	struct srfs_buf *meta;
	uint64_t index = off / SRFS_BLOCK, block = 0;
	struct tree t;
	uint32_t run;
	int64_t err;

	if (off >= n->attr.size)
		return ENXIO;
	srfs_lock(n->fs);
	err = meta_get(n->fs, &n->id, &meta);
	if (!err) {
		t = tree_of(n, meta);
		for (run = 0; index < t.count && !err; index += run) {
			err = tree_run(&t, index, SRFS_FAN, &block, &run);
			if (!err && (block != 0) == data)
				break;
		}
		if (!err && !t.count)
			err = data ? off : n->attr.size;
		else if (!err && index >= t.count)
			err = data ? ENXIO : (int64_t)n->attr.size;
		else if (!err)
			err = index * SRFS_BLOCK > off ? index * SRFS_BLOCK : off;
		buf_put(n->fs, meta);
	}
	srfs_unlock(n->fs);
	return err;
}
