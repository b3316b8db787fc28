// SPDX-License-Identifier: MIT
#include "volume.h"

#include <rt/rt.h>

#define KEEP 256 /* buffers without a user */

static struct list *bucket(struct srfs *fs, uint64_t block)
{
	return &fs->buckets[block % SRFS_BUCKETS];
}

int io_one(struct srfs *fs, bool write, uint64_t block, uint32_t count, void *buf)
{
	struct srfs_io io = {.block = block, .count = count, .write = write, .buf = buf};

	if (block >= fs->dev.blocks || count > fs->dev.blocks - block)
		return W_EIO;
	return fs->dev.run(fs->dev.self, &io, 1);
}

static struct srfs_buf *find(struct srfs *fs, uint64_t block)
{
	struct list *l, *head = bucket(fs, block);

	list_for_each (l, head)
		if (list_entry(l, struct srfs_buf, hashed)->block == block)
			return list_entry(l, struct srfs_buf, hashed);
	return NULL;
}

static struct srfs_buf *add(struct srfs *fs, uint64_t block)
{
	struct srfs_buf *b;

	if (fs->nbufs > KEEP + fs->ndirty + fs->nlogged)
		buf_shrink(fs, KEEP);
	b = rt_try_alloc(sizeof(*b));
	if (!b)
		return NULL;
	b->data = rt_try_alloc(SRFS_BLOCK);
	if (!b->data) {
		rt_free(b);
		return NULL;
	}
	b->block = block;
	b->refs = 1;
	list_init(&b->lru);
	list_init(&b->changed);
	list_push(bucket(fs, block), &b->hashed);
	fs->nbufs++;
	return b;
}

static void drop(struct srfs *fs, struct srfs_buf *b)
{
	list_del(&b->hashed);
	list_del(&b->lru);
	list_del(&b->changed);
	rt_free(b->data);
	rt_free(b);
	fs->nbufs--;
}

static void hold(struct srfs_buf *b)
{
	b->refs++;
	list_del(&b->lru);
}

/* The volume is locked while this reads: nobody else sees a buffer that is not filled. */
int buf_get(struct srfs *fs, uint64_t block, struct srfs_buf **out)
{
	struct srfs_buf *b = find(fs, block);
	int err;

	if (b) {
		hold(b);
		*out = b;
		return 0;
	}
	if (!block || block >= fs->super.num_blocks)
		return W_EIO;
	b = add(fs, block);
	if (!b)
		return W_ENOMEM;
	err = io_one(fs, false, block, 1, b->data);
	if (err) {
		drop(fs, b);
		return err;
	}
	*out = b;
	return 0;
}

int buf_new(struct srfs *fs, uint64_t block, struct srfs_buf **out)
{
	struct srfs_buf *b = find(fs, block);

	if (b)
		hold(b);
	else
		b = add(fs, block);
	if (!b)
		return W_ENOMEM;
	memset(b->data, 0, SRFS_BLOCK);
	buf_dirty(fs, b);
	b->fresh = true;
	*out = b;
	return 0;
}

void buf_put(struct srfs *fs, struct srfs_buf *b)
{
	if (--b->refs)
		return;
	if (b->gone)
		drop(fs, b);
	else if (!b->dirty && !b->logged)
		list_append(&fs->lru, &b->lru);
}

void buf_dirty(struct srfs *fs, struct srfs_buf *b)
{
	if (b->dirty || b->gone)
		return;
	if (b->logged) { /* it will be logged anew, and put in place with that */
		b->logged = false;
		list_del(&b->changed);
		fs->nlogged--;
	}
	b->dirty = true;
	b->fresh = false;
	list_append(&fs->dirty, &b->changed);
	fs->ndirty++;
}

void buf_forget(struct srfs *fs, uint64_t block)
{
	struct srfs_buf *b = find(fs, block);

	if (!b)
		return;
	if (b->dirty)
		fs->ndirty--;
	if (b->logged)
		fs->nlogged--;
	b->dirty = b->logged = b->fresh = false;
	list_del(&b->changed);
	list_del(&b->hashed);
	b->gone = true;
	if (!b->refs)
		drop(fs, b);
}

void buf_shrink(struct srfs *fs, uint32_t keep)
{
	struct srfs_buf *b;

	while (!list_is_empty(&fs->lru) && fs->nbufs > keep + fs->ndirty + fs->nlogged) {
		b = list_first(&fs->lru, struct srfs_buf, lru);
		drop(fs, b);
	}
}

void buf_free_all(struct srfs *fs)
{
	uint32_t i;

	for (i = 0; i < SRFS_BUCKETS; i++)
		while (!list_is_empty(&fs->buckets[i]))
			drop(fs, list_first(&fs->buckets[i], struct srfs_buf, hashed));
}
