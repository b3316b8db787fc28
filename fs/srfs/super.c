// SPDX-License-Identifier: MIT
/*
 * Volumes: made, mounted, and left clean.  Our part of a volume (struct srfs_ext: log, bitmap,
 * orphans) is a run of blocks that looks used to the crate.  One that the crate has made gets
 * it with the first mount for writing; where the crate has written since, what it says is
 * taken and the bitmap is made anew from a walk.
 */
#include "volume.h"

#include <lib/crc32.h>
#include <rt/rt.h>

#define LOG_LEAST 48u
#define LOG_MOST 1024u
#define TXN_MOST 400u
#define BLOCKS_LEAST 128u
#define BITS (SRFS_BLOCK * 8)
#define IFDIR 0040000u

/* ---- the superblock's block ---- */

/* While the log may hold what is not in place, the crate's own mark says so. */
void super_seal(struct srfs *fs, uint32_t state, uint8_t *block)
{
	struct srfs_super *s = (struct srfs_super *)block;

	memset(block, 0, SRFS_BLOCK);
	*s = fs->super;
	s->txn_meta = state == SRFS_DIRTY ? fs->super.ext.log_start : 0;
	s->txn_data = s->txn_link = s->txn_list = s->txn_owner = 0;
	s->txn_type = 0;
	s->freelist_head = 0;
	s->crc = crc32(0, s, SRFS_SUPER_CRC);
	if (!fs->has_ext)
		return;
	s->ext.state = state;
	s->ext.seen_generation = s->generation;
	s->ext.seen_free = s->free_blocks;
	s->ext.seen_empty = s->empty_area_start;
	s->ext.crc = crc32(0, &s->ext, offsetof(struct srfs_ext, crc));
}

int super_write(struct srfs *fs, uint32_t state)
{
	uint8_t *block = rt_try_alloc(SRFS_BLOCK);
	int err = W_ENOMEM;

	if (block) {
		super_seal(fs, state, block);
		err = io_one(fs, true, 0, 1, block);
	}
	rt_free(block);
	return err;
}

static bool run_is_inside(const struct srfs_super *s, uint64_t start, uint64_t n)
{
	return start >= 2 && n && start < s->num_blocks && n <= s->num_blocks - start;
}

static bool ext_is_valid(const struct srfs_super *s)
{
	const struct srfs_ext *e = &s->ext;

	return e->magic == SRFS_EXT_MAGIC && e->version == 1 &&
	       crc32(0, e, offsetof(struct srfs_ext, crc)) == e->crc &&
	       run_is_inside(s, e->log_start, e->log_blocks) && e->log_blocks >= LOG_LEAST &&
	       run_is_inside(s, e->bitmap_start, e->bitmap_blocks) &&
	       e->bitmap_blocks == (s->num_blocks + BITS - 1) / BITS &&
	       run_is_inside(s, e->orphans, 1);
}

static int super_read(struct srfs *fs)
{
	uint8_t *block = rt_try_alloc(SRFS_BLOCK);
	struct srfs_super *s = &fs->super;
	int err = block ? io_one(fs, false, 0, 1, block) : W_ENOMEM;

	if (!err)
		memcpy(s, block, sizeof(*s));
	rt_free(block);
	if (err)
		return err;
	if (s->magic != SRFS_MAGIC || s->version != SRFS_VERSION ||
	    crc32(0, s, SRFS_SUPER_CRC) != s->crc)
		return W_EINVAL;
	if (s->num_blocks < 2 || s->num_blocks > fs->dev.blocks || s->free_blocks > s->num_blocks ||
	    s->empty_area_start > s->num_blocks)
		return W_EIO;
	fs->has_ext = ext_is_valid(s);
	return 0;
}

/* ---- our part ---- */

static uint32_t log_size(uint64_t blocks)
{
	uint64_t n = blocks / 32;

	return n < LOG_LEAST ? LOG_LEAST : n > LOG_MOST ? LOG_MOST : n;
}

/* Where the parts of the run that begins at start lie. */
static void ext_layout(struct srfs *fs, uint64_t start)
{
	struct srfs_ext *e = &fs->super.ext;

	memset(e, 0, sizeof(*e));
	e->magic = SRFS_EXT_MAGIC;
	e->version = 1;
	e->state = SRFS_CLEAN;
	e->bitmap_start = start;
	e->bitmap_blocks = (fs->super.num_blocks + BITS - 1) / BITS;
	e->orphans = start + e->bitmap_blocks;
	e->log_start = e->orphans + 1;
	e->log_blocks = log_size(fs->super.num_blocks);
	fs->has_ext = true;
}

static uint64_t ext_blocks(const struct srfs *fs)
{
	return (fs->super.num_blocks + BITS - 1) / BITS + 1 + log_size(fs->super.num_blocks);
}

static void mark(uint8_t *used, uint64_t block, uint64_t n)
{
	for (; n; n--, block++)
		used[block / 8] |= 1u << block % 8;
}

static bool is_marked(const uint8_t *used, uint64_t block)
{
	return used[block / 8] >> block % 8 & 1;
}

static int write_bitmap(struct srfs *fs, uint8_t *used)
{
	const struct srfs_ext *e = &fs->super.ext;
	uint64_t i, bits = e->bitmap_blocks * BITS;
	int err = 0;

	for (i = fs->super.num_blocks; i < bits; i++) /* there are no such blocks */
		mark(used, i, 1);
	for (i = 0; i < e->bitmap_blocks && !err; i++)
		err = io_one(fs, true, e->bitmap_start + i, 1, used + i * SRFS_BLOCK);
	return err;
}

/* An empty log and no orphans.  The whole log, since what an older volume has left there
 * could look like records of this one. */
static int write_empty(struct srfs *fs)
{
	const struct srfs_ext *e = &fs->super.ext;
	uint8_t *block = rt_try_alloc(SRFS_BLOCK);
	uint64_t i;
	int err = 0;

	if (!block)
		return W_ENOMEM;
	for (i = 0; i < e->log_blocks && !err; i++)
		err = io_one(fs, true, e->log_start + i, 1, block);
	((struct srfs_orphans *)block)->magic = SRFS_ORPHANS_MAGIC;
	if (!err)
		err = io_one(fs, true, e->orphans, 1, block);
	rt_free(block);
	return err;
}

/* Counts and the end of what was ever used, from a bitmap. */
static void count_from(struct srfs *fs, const uint8_t *used)
{
	struct srfs_super *s = &fs->super;
	uint64_t i;

	s->free_blocks = 0;
	s->empty_area_start = 2;
	for (i = 0; i < s->num_blocks; i++)
		if (is_marked(used, i))
			s->empty_area_start = i + 1;
		else
			s->free_blocks++;
	s->freelist_head = 0;
}

static int publish(struct srfs *fs, uint8_t *used)
{
	int err;

	count_from(fs, used);
	err = write_bitmap(fs, used);
	if (!err)
		err = fs->dev.flush(fs->dev.self);
	if (!err)
		err = super_write(fs, SRFS_CLEAN);
	return err ? err : fs->dev.flush(fs->dev.self);
}

/* A run of so many free blocks. */
static uint64_t find_run(const struct srfs *fs, const uint8_t *used, uint64_t n)
{
	uint64_t i, run = 0;

	for (i = 2; i < fs->super.num_blocks; i++) {
		run = is_marked(used, i) ? 0 : run + 1;
		if (run == n)
			return i + 1 - n;
	}
	return 0;
}

/* From what the tree says: the bitmap anew, and our part where there is none yet. */
int srfs_rebuild(struct srfs *fs)
{
	struct srfs_walk w = {0};
	const struct srfs_ext *e = &fs->super.ext;
	uint8_t *used = NULL;
	uint64_t start;
	int err = srfs_walk(fs, &w, &used);

	if (!err && w.problems)
		err = W_EIO; /* fsck.srfs says which, and mends them */
	if (!err && !fs->has_ext) {
		start = find_run(fs, used, ext_blocks(fs));
		err = start ? 0 : W_ENOSPC;
		if (!err) {
			ext_layout(fs, start);
			mark(used, start, ext_blocks(fs));
			err = write_empty(fs);
		}
	} else if (!err) {
		mark(used, e->bitmap_start, e->bitmap_blocks);
		mark(used, e->orphans, 1);
		mark(used, e->log_start, e->log_blocks);
		err = write_empty(fs);
	}
	if (!err)
		err = publish(fs, used);
	rt_free(used);
	return err;
}

/* ---- making ---- */

static int write_root(struct srfs *fs, uint64_t now)
{
	uint8_t *block = rt_try_alloc(SRFS_BLOCK);
	struct srfs_meta *m = (struct srfs_meta *)block;
	struct srfs_attr a = {.mode = IFDIR | 0755,
			      .nlink = 2,
			      .blocks = 1,
			      .atime = now,
			      .mtime = now,
			      .ctime = now};
	int err;

	if (!block)
		return W_ENOMEM;
	m->id = m->parent = (struct srfs_id){SRFS_ROOT, SRFS_ROOT};
	attr_to(m, &a);
	m->created = m->modified;
	m->crc = crc32(0, m, SRFS_META_CRC);
	err = io_one(fs, true, SRFS_ROOT, 1, block);
	rt_free(block);
	return err;
}

static struct srfs *volume_new(const struct srfs_dev *dev)
{
	struct srfs *fs = rt_try_alloc(sizeof(*fs));
	uint32_t i;

	if (!fs)
		return NULL;
	fs->dev = *dev;
	list_init(&fs->lru);
	list_init(&fs->dirty);
	list_init(&fs->logged);
	for (i = 0; i < SRFS_BUCKETS; i++)
		list_init(&fs->buckets[i]);
	fs->lock = srfs_lock_new();
	if (fs->lock)
		return fs;
	rt_free(fs);
	return NULL;
}

static void volume_free(struct srfs *fs)
{
	uint64_t i;

	buf_free_all(fs);
	for (i = 0; fs->held && i < fs->super.ext.bitmap_blocks; i++)
		rt_free(fs->held[i]);
	rt_free(fs->held);
	srfs_lock_free(fs->lock);
	rt_free(fs);
}

static int format(struct srfs *fs, uint64_t now)
{
	uint64_t bytes = (fs->dev.blocks + BITS - 1) / BITS * SRFS_BLOCK;
	uint8_t *used = rt_try_alloc(bytes);
	int err;

	if (!used)
		return W_ENOMEM;
	fs->super = (struct srfs_super){.magic = SRFS_MAGIC,
					.version = SRFS_VERSION,
					.num_blocks = fs->dev.blocks,
					.generation = SRFS_ROOT};
	ext_layout(fs, 2);
	mark(used, 0, 2 + ext_blocks(fs));
	err = write_empty(fs);
	if (!err)
		err = write_root(fs, now);
	if (!err)
		err = publish(fs, used);
	rt_free(used);
	return err;
}

int srfs_format(const struct srfs_dev *dev, const struct srfs_options *o)
{
	struct srfs *fs;
	int err;

	if (dev->blocks < BLOCKS_LEAST)
		return W_ENOSPC;
	fs = volume_new(dev);
	if (!fs)
		return W_ENOMEM;
	err = format(fs, o->now);
	volume_free(fs);
	return err;
}

/* ---- mounting ---- */

static bool crate_has_written(const struct srfs_super *s)
{
	return s->ext.seen_generation != s->generation || s->ext.seen_free != s->free_blocks ||
	       s->ext.seen_empty != s->empty_area_start || s->freelist_head;
}

/* What a crash has left in the log goes where it belongs. */
static int recover(struct srfs *fs)
{
	int err;

	if (fs->super.ext.state != SRFS_DIRTY)
		return 0;
	err = journal_replay(fs);
	if (!err && !ext_is_valid(&fs->super))
		err = W_EIO;
	if (!err)
		err = super_write(fs, SRFS_DIRTY);
	return err ? err : fs->dev.flush(fs->dev.self);
}

static int for_writing(struct srfs *fs)
{
	int err;

	if (!fs->has_ext || (fs->super.ext.state == SRFS_CLEAN && crate_has_written(&fs->super))) {
		err = srfs_rebuild(fs);
		if (err)
			return err;
	}
	fs->held = rt_try_alloc(fs->super.ext.bitmap_blocks * sizeof(*fs->held));
	if (!fs->held)
		return W_ENOMEM;
	fs->log_at = fs->super.ext.log_start;
	fs->txn_most = fs->super.ext.log_blocks - 3;
	fs->txn_most = fs->txn_most < TXN_MOST ? fs->txn_most : TXN_MOST;
	err = super_write(fs, SRFS_DIRTY); /* from now on the log has to be looked at */
	if (!err)
		err = fs->dev.flush(fs->dev.self);
	fs->read_only = false;
	return err ? err : orphans_release(fs);
}

static int mount(struct srfs *fs, const struct srfs_options *o)
{
	int err = super_read(fs);

	if (err)
		return err;
	fs->crate_only = o->crate_only;
	fs->read_only = true;
	if (fs->has_ext && !o->no_recovery) {
		err = recover(fs);
		if (err)
			return err;
	}
	return o->read_only ? 0 : for_writing(fs);
}

int srfs_mount(const struct srfs_dev *dev, const struct srfs_options *o, struct srfs **out)
{
	struct srfs *fs = volume_new(dev);
	int err;

	if (!fs)
		return W_ENOMEM;
	err = mount(fs, o);
	if (err) {
		volume_free(fs);
		return err;
	}
	*out = fs;
	return 0;
}

static int leave_clean(struct srfs *fs)
{
	int err = srfs_commit(fs);

	if (!err)
		err = journal_checkpoint(fs);
	if (!err)
		err = super_write(fs, SRFS_CLEAN);
	return err ? err : fs->dev.flush(fs->dev.self);
}

int srfs_unmount(struct srfs *fs)
{
	int err = fs->read_only ? 0 : leave_clean(fs);

	volume_free(fs);
	return err;
}

void srfs_abandon(struct srfs *fs)
{
	volume_free(fs);
}

int srfs_set_read_only(struct srfs *fs, bool read_only)
{
	int err = 0;

	if (read_only == fs->read_only)
		return 0;
	if (read_only) {
		err = leave_clean(fs);
		fs->read_only = !err;
	} else {
		err = for_writing(fs);
	}
	return err;
}

bool srfs_is_read_only(const struct srfs *fs)
{
	return fs->read_only;
}

void srfs_space(const struct srfs *fs, uint64_t *blocks, uint64_t *free)
{
	*blocks = fs->super.num_blocks;
	*free = fs->super.free_blocks > fs->promised ? fs->super.free_blocks - fs->promised : 0;
}

const struct srfs_super *srfs_super(const struct srfs *fs)
{
	return &fs->super;
}

bool srfs_has_bitmap(const struct srfs *fs)
{
	return fs->has_ext;
}

bool srfs_is_ours(const struct srfs *fs, uint64_t block)
{
	const struct srfs_ext *e = &fs->super.ext;

	return (block >= e->bitmap_start && block < e->bitmap_start + e->bitmap_blocks) ||
	       block == e->orphans ||
	       (block >= e->log_start && block < e->log_start + e->log_blocks);
}

uint64_t srfs_our_blocks(const struct srfs *fs)
{
	return fs->super.ext.bitmap_blocks + 1 + fs->super.ext.log_blocks;
}
