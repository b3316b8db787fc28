// SPDX-License-Identifier: MIT
/*
 * Directories: entries packed one behind the other, in no order; taking one away moves the last
 * into its place.  So that neither looking a name up nor a listing reads them all, the names are
 * indexed in memory when a directory is first searched: by hash, and in the order of
 * their coming, in which they are listed wherever they lie.
 */
#include "volume.h"

#include <rt/rt.h>

#define NONE (~0u)

struct slot { /* of the entry at the same index on disk */
	uint32_t hash;
	uint32_t next_hash;	/* with the same bucket */
	uint32_t before, after; /* in the order of coming */
	uint64_t seq;		/* grows with each that comes; its cookie is seq + 2 */
};

struct srfs_dir {
	struct slot *slot;
	uint32_t room, n;
	uint32_t *bucket;
	uint32_t nbuckets; /* a power of 2, 0: none yet */
	uint32_t first, last, subdirs;
	uint64_t next_seq;
	uint32_t hint; /* where the last listing ended */
};

static uint32_t hash_of(const char *name, uint32_t len)
{
	uint64_t h = len, word;

	for (; len >= 8; len -= 8, name += 8) {
		memcpy(&word, name, 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	for (word = 0; len; len--)
		word = word << 8 | (uint8_t)name[len - 1];
	h = (h ^ word) * 0x9e3779b97f4a7c15ull;
	return h >> 32;
}

/* ---- where entries lie ---- */

static uint64_t blocks_for(uint64_t entries)
{
	return entries <= SRFS_DIR_INLINE ? 0 : (entries + SRFS_DIR_BLOCK - 1) / SRFS_DIR_BLOCK;
}

static struct tree tree_of(struct srfs_node *dir, struct srfs_buf *meta, uint64_t entries)
{
	return (struct tree){.fs = dir->fs, .meta = meta, .count = blocks_for(entries)};
}

/* The block with entry i of so many, counted, and the entry in it. */
static int entry_get(struct srfs_node *dir, struct srfs_buf *meta, uint64_t entries, uint64_t i,
		     struct srfs_buf **b, struct srfs_dirent **e)
{
	struct tree t = tree_of(dir, meta, entries);
	uint64_t block;
	int err;

	if (entries <= SRFS_DIR_INLINE) {
		meta->refs++;
		*b = meta;
		*e = buf_at(meta, SRFS_DIRENT * (i + 1));
		return 0;
	}
	err = tree_get(&t, i / SRFS_DIR_BLOCK, &block);
	if (!err)
		err = block ? buf_get(dir->fs, block, b) : W_EIO;
	if (!err)
		*e = buf_at(*b, SRFS_DIRENT * (i % SRFS_DIR_BLOCK));
	return err;
}

/* ---- the index ---- */

static uint32_t *bucket_of(struct srfs_dir *d, uint32_t hash)
{
	return &d->bucket[hash & (d->nbuckets - 1)];
}

static void chain_add(struct srfs_dir *d, uint32_t i)
{
	uint32_t *b = bucket_of(d, d->slot[i].hash);

	d->slot[i].next_hash = *b;
	*b = i;
}

static void chain_del(struct srfs_dir *d, uint32_t i)
{
	uint32_t *at = bucket_of(d, d->slot[i].hash);

	while (*at != i)
		at = &d->slot[*at].next_hash;
	*at = d->slot[i].next_hash;
}

static int index_rehash(struct srfs_dir *d, uint32_t want)
{
	uint32_t *to = rt_try_alloc(want * sizeof(*to)), i;

	if (!to)
		return W_ENOMEM;
	rt_free(d->bucket);
	d->bucket = to;
	d->nbuckets = want;
	memset(to, 0xff, want * sizeof(*to));
	for (i = 0; i < d->n; i++)
		chain_add(d, i);
	return 0;
}

/* Room for one more, so that index_add() cannot fail. */
static int index_reserve(struct srfs_dir *d)
{
	uint32_t room = d->room ? d->room * 2 : 16;
	struct slot *to;
	int err = 0;

	if (d->n == d->room) {
		to = rt_try_alloc(room * sizeof(*to));
		if (!to)
			return W_ENOMEM;
		if (d->n)
			memcpy(to, d->slot, d->n * sizeof(*to));
		rt_free(d->slot);
		d->slot = to;
		d->room = room;
	}
	if (d->n >= d->nbuckets)
		err = index_rehash(d, d->nbuckets ? d->nbuckets * 2 : 16);
	return d->nbuckets ? 0 : err;
}

static void index_add(struct srfs_dir *d, uint32_t hash, bool is_dir)
{
	uint32_t i = d->n++;

	d->slot[i] =
		(struct slot){.hash = hash, .before = d->last, .after = NONE, .seq = d->next_seq++};
	if (d->last != NONE)
		d->slot[d->last].after = i;
	else
		d->first = i;
	d->last = i;
	chain_add(d, i);
	d->subdirs += is_dir;
}

static void order_del(struct srfs_dir *d, uint32_t i)
{
	struct slot *s = &d->slot[i];

	if (s->before != NONE)
		d->slot[s->before].after = s->after;
	else
		d->first = s->after;
	if (s->after != NONE)
		d->slot[s->after].before = s->before;
	else
		d->last = s->before;
	if (d->hint == i)
		d->hint = s->after;
}

/* Entry i is gone, and the last has come into its place. */
static void index_del(struct srfs_dir *d, uint32_t i, bool is_dir)
{
	uint32_t last = d->n - 1;

	d->subdirs -= is_dir;
	order_del(d, i);
	chain_del(d, i);
	if (i != last) {
		chain_del(d, last);
		d->slot[i] = d->slot[last];
		chain_add(d, i);
		if (d->slot[i].before != NONE)
			d->slot[d->slot[i].before].after = i;
		else
			d->first = i;
		if (d->slot[i].after != NONE)
			d->slot[d->slot[i].after].before = i;
		else
			d->last = i;
		if (d->hint == last)
			d->hint = i;
	}
	d->n--;
}

void dir_fini(struct srfs_node *dir)
{
	if (!dir->dir)
		return;
	rt_free(dir->dir->slot);
	rt_free(dir->dir->bucket);
	rt_free(dir->dir);
	dir->dir = NULL;
}

uint32_t dir_subdirs(const struct srfs_node *dir)
{
	return dir->dir ? dir->dir->subdirs : 0;
}

static int load(struct srfs_node *dir, struct srfs_buf *meta)
{
	uint64_t i, n = meta_of(meta)->size;
	struct srfs_dirent *e;
	struct srfs_buf *b;
	int err = 0;

	for (i = 0; i < n && !err; i++) {
		err = index_reserve(dir->dir);
		if (!err)
			err = entry_get(dir, meta, n, i, &b, &e);
		if (err)
			break;
		index_add(dir->dir, hash_of((char *)e->name, e->len), e->id.generation & 1);
		buf_put(dir->fs, b);
	}
	return err;
}

int dir_load(struct srfs_node *dir)
{
	struct srfs_buf *meta;
	int err;

	if (dir->dir)
		return 0;
	if (!(dir->id.generation & 1))
		return W_ENOTDIR;
	err = meta_get(dir->fs, &dir->id, &meta);
	if (err)
		return err;
	dir->dir = rt_try_alloc(sizeof(*dir->dir));
	err = dir->dir && meta_of(meta)->size <= SRFS_DIR_MOST ? 0 : dir->dir ? W_EIO : W_ENOMEM;
	if (!err) {
		dir->dir->first = dir->dir->last = dir->dir->hint = NONE;
		err = index_rehash(dir->dir, 16);
	}
	if (!err)
		err = load(dir, meta);
	if (err)
		dir_fini(dir);
	buf_put(dir->fs, meta);
	return err;
}

/* ---- finding ---- */

/* The entry of a name, its block counted; W_ENOENT. */
static int find(struct srfs_node *dir, struct srfs_buf *meta, const char *name, uint32_t len,
		uint32_t *at, struct srfs_buf **b, struct srfs_dirent **e)
{
	struct srfs_dir *d = dir->dir;
	uint32_t hash = hash_of(name, len), i;
	int err;

	for (i = *bucket_of(d, hash); i != NONE; i = d->slot[i].next_hash) {
		if (d->slot[i].hash != hash)
			continue;
		err = entry_get(dir, meta, d->n, i, b, e);
		if (err)
			return err;
		if ((*e)->len == len && !memcmp((*e)->name, name, len)) {
			*at = i;
			return 0;
		}
		buf_put(dir->fs, *b);
	}
	return W_ENOENT;
}

static int lookup(struct srfs_node *dir, const char *name, uint32_t len, struct srfs_id *out)
{
	struct srfs_buf *meta, *b;
	struct srfs_dirent *e;
	uint32_t at;
	int err = dir_load(dir);

	if (!err)
		err = meta_get(dir->fs, &dir->id, &meta);
	if (err)
		return err;
	err = find(dir, meta, name, len, &at, &b, &e);
	if (!err) {
		*out = e->id;
		buf_put(dir->fs, b);
	}
	buf_put(dir->fs, meta);
	return err;
}

int srfs_lookup(struct srfs_node *dir, const char *name, uint32_t len, struct srfs_id *out)
{
	int err;

	srfs_lock(dir->fs);
	err = lookup(dir, name, len, out);
	srfs_unlock(dir->fs);
	return err;
}

/* ---- listing ---- */

static uint32_t place_of(struct srfs_dir *d, uint64_t cookie)
{
	uint32_t i = d->hint;

	if (cookie && i != NONE && d->slot[i].seq >= cookie &&
	    (d->slot[i].before == NONE || d->slot[d->slot[i].before].seq < cookie))
		return i;
	for (i = d->first; i != NONE && d->slot[i].seq < cookie; i = d->slot[i].after)
		;
	return i;
}

static int list(struct srfs_node *dir, struct srfs_buf *meta, uint64_t cookie, srfs_emit emit,
		void *to)
{
	struct srfs_dir *d = dir->dir;
	struct srfs_dirent *e;
	struct srfs_buf *b;
	uint32_t i;
	bool more = true;
	int err;

	for (i = place_of(d, cookie); i != NONE && more; i = more ? d->slot[i].after : i) {
		err = entry_get(dir, meta, d->n, i, &b, &e);
		if (err)
			return err;
		more = emit(to, (char *)e->name, e->len, &e->id, d->slot[i].seq + 1);
		buf_put(dir->fs, b);
	}
	d->hint = i;
	return 0;
}

int srfs_readdir(struct srfs_node *dir, uint64_t cookie, srfs_emit emit, void *to)
{
	struct srfs_buf *meta;
	int err;

	srfs_lock(dir->fs);
	err = dir_load(dir);
	if (!err)
		err = meta_get(dir->fs, &dir->id, &meta);
	if (!err) {
		err = list(dir, meta, cookie, emit, to);
		buf_put(dir->fs, meta);
	}
	srfs_unlock(dir->fs);
	return err;
}

/* ---- changing: the directory is loaded ---- */

static void fill(struct srfs_dirent *e, const char *name, uint32_t len, const struct srfs_id *id)
{
	e->id = *id;
	memcpy(e->name, name, len);
	e->len = len;
}

/* From the metadata block to a block of their own. */
static int move_out(struct srfs_node *dir, struct tree *t)
{
	struct srfs_buf *b;
	uint64_t block;
	uint32_t got;
	int err = block_alloc(dir->fs, dir->id.block, 1, &block, &got);

	if (!err)
		err = buf_new(dir->fs, block, &b);
	if (err)
		return err;
	memcpy(b->data, buf_at(t->meta, SRFS_DIRENT), SRFS_DIR_INLINE * SRFS_DIRENT);
	buf_put(dir->fs, b);
	buf_dirty(dir->fs, t->meta);
	memset(buf_at(t->meta, SRFS_META), 0, SRFS_INLINE);
	t->count = 1;
	t->blocks++;
	return tree_set(t, 0, block);
}

static int add_block(struct srfs_node *dir, struct tree *t)
{
	struct srfs_buf *b;
	uint64_t block;
	uint32_t got;
	int err = tree_grow(t, t->count + 1);

	if (!err)
		err = block_alloc(dir->fs, dir->id.block, 1, &block, &got);
	if (!err)
		err = buf_new(dir->fs, block, &b);
	if (err)
		return err;
	buf_put(dir->fs, b);
	t->blocks++;
	return tree_set(t, t->count - 1, block);
}

static void set_size(struct srfs_node *dir, struct srfs_buf *meta, uint64_t n, int64_t blocks)
{
	struct srfs_meta *m = meta_of(meta);

	m->size = n;
	dir->attr.size = n;
	dir->attr.blocks += blocks;
	m->blocks = dir->attr.blocks - 1;
	meta_dirty(dir->fs, meta);
}

static int append(struct srfs_node *dir, struct srfs_buf *meta, const char *name, uint32_t len,
		  const struct srfs_id *id)
{
	uint64_t n = dir->dir->n;
	struct tree t = tree_of(dir, meta, n);
	struct srfs_dirent *e;
	struct srfs_buf *b;
	int err = 0;

	if (n == SRFS_DIR_INLINE)
		err = move_out(dir, &t);
	else if (n > SRFS_DIR_INLINE && n % SRFS_DIR_BLOCK == 0)
		err = add_block(dir, &t);
	if (!err)
		err = entry_get(dir, meta, n + 1, n, &b, &e);
	if (err)
		return err;
	buf_dirty(dir->fs, b);
	fill(e, name, len, id);
	buf_put(dir->fs, b);
	set_size(dir, meta, n + 1, t.blocks);
	index_add(dir->dir, hash_of(name, len), id->generation & 1);
	return 0;
}

int dir_add(struct srfs_node *dir, const char *name, uint32_t len, const struct srfs_id *id)
{
	struct srfs_buf *meta;
	int err = dir->dir->n >= SRFS_DIR_MOST ? W_ENOSPC : 0;

	if (!err && dir->dir->n >= SRFS_DIR_CRATE)
		err = need_feature(dir->fs, SRFS_F_LARGE_DIR) ? W_ENOSPC : 0;
	if (!err)
		err = index_reserve(dir->dir);
	if (!err)
		err = meta_get(dir->fs, &dir->id, &meta);
	if (err)
		return err;
	err = append(dir, meta, name, len, id);
	buf_put(dir->fs, meta);
	return err;
}

/* Back into the metadata block: n of them are left, in one block. */
static int move_in(struct srfs_node *dir, struct tree *t, uint64_t n)
{
	struct srfs_buf *b;
	uint64_t block;
	int err = tree_get(t, 0, &block);

	if (!err)
		err = block ? buf_get(dir->fs, block, &b) : W_EIO;
	if (err)
		return err;
	buf_dirty(dir->fs, t->meta);
	memcpy(buf_at(t->meta, SRFS_DIRENT), b->data, n * SRFS_DIRENT);
	buf_put(dir->fs, b);
	t->blocks--;
	return block_free(dir->fs, block, 1);
}

/* The last entry is not there any more: n are left. */
static int shrink(struct srfs_node *dir, struct srfs_buf *meta, uint64_t n)
{
	struct tree t = tree_of(dir, meta, n + 1);
	int err = 0;

	if (n == SRFS_DIR_INLINE)
		err = move_in(dir, &t, n);
	else if (n > SRFS_DIR_INLINE)
		err = tree_shrink(&t, blocks_for(n));
	set_size(dir, meta, n, t.blocks);
	return err;
}

/* The last entry into the place of entry e. */
static int replace(struct srfs_node *dir, struct srfs_buf *meta, uint32_t at, struct srfs_dirent *e)
{
	uint32_t n = dir->dir->n;
	struct srfs_dirent *last;
	struct srfs_buf *b;
	int err;

	if (at == n - 1)
		return 0;
	err = entry_get(dir, meta, n, n - 1, &b, &last);
	if (err)
		return err;
	memcpy(e, last, SRFS_DIRENT);
	buf_put(dir->fs, b);
	return 0;
}

int dir_remove(struct srfs_node *dir, const char *name, uint32_t len)
{
	struct srfs_buf *meta, *b;
	struct srfs_dirent *e;
	uint32_t at;
	bool is_dir;
	int err = meta_get(dir->fs, &dir->id, &meta);

	if (err)
		return err;
	err = find(dir, meta, name, len, &at, &b, &e);
	if (!err) {
		is_dir = e->id.generation & 1;
		buf_dirty(dir->fs, b);
		err = replace(dir, meta, at, e);
		buf_put(dir->fs, b);
		if (!err)
			err = shrink(dir, meta, dir->dir->n - 1);
		if (!err)
			index_del(dir->dir, at, is_dir);
	}
	buf_put(dir->fs, meta);
	return err;
}

int dir_point(struct srfs_node *dir, const char *name, uint32_t len, const struct srfs_id *id)
{
	struct srfs_buf *meta, *b;
	struct srfs_dirent *e;
	uint32_t at;
	int err = meta_get(dir->fs, &dir->id, &meta);

	if (err)
		return err;
	err = find(dir, meta, name, len, &at, &b, &e);
	if (!err) {
		buf_dirty(dir->fs, b);
		dir->dir->subdirs += (id->generation & 1) - (e->id.generation & 1);
		e->id = *id;
		meta_dirty(dir->fs, meta);
		buf_put(dir->fs, b);
	}
	buf_put(dir->fs, meta);
	return err;
}
