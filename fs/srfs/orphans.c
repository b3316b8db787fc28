// SPDX-License-Identifier: MIT
/*
 * Files without a name that are still open: listed in a block of their own, so that the mount
 * after a crash frees them.
 */
#include "volume.h"

static int orphans_get(struct srfs *fs, struct srfs_buf **b, struct srfs_orphans **o)
{
	int err = buf_get(fs, fs->super.ext.orphans, b);

	if (err)
		return err;
	*o = (struct srfs_orphans *)(*b)->data;
	if ((*o)->magic == SRFS_ORPHANS_MAGIC && (*o)->count <= SRFS_ORPHANS_MOST)
		return 0;
	buf_put(fs, *b);
	return W_EIO;
}

int orphan_add(struct srfs *fs, uint64_t block)
{
	struct srfs_orphans *o;
	struct srfs_buf *b;
	int err = orphans_get(fs, &b, &o);

	if (err)
		return err;
	buf_dirty(fs, b);
	if (o->count < SRFS_ORPHANS_MOST)
		o->block[o->count++] = block;
	else
		o->lost++;
	buf_put(fs, b);
	return 0;
}

int orphan_remove(struct srfs *fs, uint64_t block)
{
	struct srfs_orphans *o;
	struct srfs_buf *b;
	uint32_t i;
	int err = orphans_get(fs, &b, &o);

	if (err)
		return err;
	buf_dirty(fs, b);
	for (i = 0; i < o->count && o->block[i] != block; i++)
		;
	if (i < o->count)
		o->block[i] = o->block[--o->count];
	else if (o->lost)
		o->lost--;
	buf_put(fs, b);
	return 0;
}

/* The generation that the block says itself: nothing else names the file. */
static int release(struct srfs *fs, uint64_t block)
{
	struct srfs_node n = {0};
	struct srfs_buf *b;
	uint64_t generation;
	int err = buf_get(fs, block, &b);

	if (err)
		return err;
	generation = meta_of(b)->id.generation;
	buf_put(fs, b);
	err = srfs_node_read(fs, block, generation, &n);
	if (!err && n.attr.nlink)
		err = W_EIO; /* it has a name: no orphan */
	if (!err)
		err = srfs_release(&n);
	srfs_node_fini(&n);
	return err;
}

int orphans_release(struct srfs *fs)
{
	struct srfs_orphans *o;
	struct srfs_buf *b;
	uint64_t block;
	uint32_t count;
	int err;

	for (;;) {
		err = orphans_get(fs, &b, &o);
		if (err)
			return err;
		count = o->count;
		block = count ? o->block[count - 1] : 0;
		buf_put(fs, b);
		if (!count)
			return 0;
		err = release(fs, block);
		if (err)
			return err;
	}
}
