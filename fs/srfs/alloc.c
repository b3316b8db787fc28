// SPDX-License-Identifier: MIT
/*
 * Free blocks: a bitmap in the volume, whose blocks are metadata like others.  What is freed is
 * held back until the log cannot bring its old content back (journal_checkpoint()).
 */
#include "volume.h"

#include <rt/rt.h>

#define BITS (SRFS_BLOCK * 8) /* blocks that a block of the bitmap describes */

static uint64_t *words(const struct srfs_buf *b)
{
	return (uint64_t *)b->data;
}

static int bitmap_get(struct srfs *fs, uint64_t n, struct srfs_buf **out)
{
	return buf_get(fs, fs->super.ext.bitmap_start + n, out);
}

static uint64_t word_of(struct srfs *fs, const struct srfs_buf *b, uint64_t n, uint32_t w)
{
	uint64_t *held = (uint64_t *)fs->held[n];

	return words(b)[w] | (held ? held[w] : 0);
}

/* The first free bit from bit on; BITS: none. */
static uint32_t find_free(struct srfs *fs, const struct srfs_buf *b, uint64_t n, uint32_t bit)
{
	uint64_t free;

	while (bit < BITS) {
		free = ~word_of(fs, b, n, bit / 64) >> bit % 64;
		if (free)
			return bit + __builtin_ctzll(free);
		bit = (bit | 63) + 1;
	}
	return BITS;
}

static uint32_t run_length(struct srfs *fs, const struct srfs_buf *b, uint64_t n, uint32_t bit,
			   uint32_t most)
{
	uint32_t k = 0;

	while (k < most && bit + k < BITS &&
	       !(word_of(fs, b, n, (bit + k) / 64) >> (bit + k) % 64 & 1))
		k++;
	return k;
}

static void take(struct srfs *fs, struct srfs_buf *b, uint64_t first, uint32_t got)
{
	uint32_t k;

	buf_dirty(fs, b);
	for (k = 0; k < got; k++)
		words(b)[(first + k) % BITS / 64] |= 1ull << (first + k) % 64;
	fs->super.free_blocks -= got;
	if (first + got > fs->super.empty_area_start)
		fs->super.empty_area_start = first + got;
	fs->super_dirty = true;
	fs->hint = first + got;
}

uint64_t blocks_available(const struct srfs *fs)
{
	uint64_t gone = fs->nheld + fs->promised;

	return fs->super.free_blocks > gone ? fs->super.free_blocks - gone : 0;
}

int block_alloc(struct srfs *fs, uint64_t near, uint32_t count, uint64_t *first, uint32_t *got)
{
	uint64_t nmaps = fs->super.ext.bitmap_blocks, n, k;
	uint64_t start = near && near < fs->super.num_blocks ? near : fs->hint;
	struct srfs_buf *b;
	uint32_t bit;
	int err;

	if (start >= fs->super.num_blocks)
		start = 0;
	for (k = 0; k <= nmaps; k++) {
		n = (start / BITS + k) % nmaps;
		err = bitmap_get(fs, n, &b);
		if (err)
			return err;
		bit = find_free(fs, b, n, k ? 0 : start % BITS);
		if (bit < BITS && n * BITS + bit < fs->super.num_blocks) {
			*got = run_length(fs, b, n, bit, count);
			*first = n * BITS + bit;
			take(fs, b, *first, *got);
			buf_put(fs, b);
			return 0;
		}
		buf_put(fs, b);
	}
	return W_ENOSPC;
}

static int hold(struct srfs *fs, uint64_t block)
{
	uint64_t n = block / BITS;

	if (!fs->held[n])
		fs->held[n] = rt_try_alloc(SRFS_BLOCK);
	if (!fs->held[n])
		return W_ENOMEM;
	((uint64_t *)fs->held[n])[block % BITS / 64] |= 1ull << block % 64;
	fs->nheld++;
	return 0;
}

static int free_one(struct srfs *fs, uint64_t block)
{
	struct srfs_buf *b;
	uint64_t *w, bit = 1ull << block % 64;
	int err = block < 2 || block >= fs->super.num_blocks ? W_EIO : 0;

	if (!err)
		err = bitmap_get(fs, block / BITS, &b);
	if (err)
		return err;
	w = &words(b)[block % BITS / 64];
	err = *w & bit ? hold(fs, block) : W_EIO; /* free already: two have it */
	if (!err) {
		buf_dirty(fs, b);
		*w &= ~bit;
		fs->super.free_blocks++;
		fs->super_dirty = true;
		buf_forget(fs, block);
	}
	buf_put(fs, b);
	return err;
}

int block_free(struct srfs *fs, uint64_t block, uint32_t count)
{
	int err = 0;

	for (; count && !err; count--, block++)
		err = free_one(fs, block);
	return err;
}

int srfs_block_is_used(struct srfs *fs, uint64_t block, bool *used)
{
	struct srfs_buf *b;
	int err = bitmap_get(fs, block / BITS, &b);

	if (err)
		return err;
	*used = words(b)[block % BITS / 64] >> block % 64 & 1;
	buf_put(fs, b);
	return 0;
}

void blocks_release_held(struct srfs *fs)
{
	uint64_t n;

	for (n = 0; fs->nheld && n < fs->super.ext.bitmap_blocks; n++) {
		rt_free(fs->held[n]);
		fs->held[n] = NULL;
	}
	fs->nheld = 0;
}
