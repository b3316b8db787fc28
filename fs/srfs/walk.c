// SPDX-License-Identifier: MIT
/*
 * The whole tree from the root down: what is used, and what is wrong.  It reads by itself
 * and believes nothing: block numbers are inside, each block has one user, ids and sums agree,
 * names are names, no directory is met twice.
 */
#include "volume.h"

#include <lib/crc32.h>
#include <rt/rt.h>

struct place { /* a directory to be looked into */
	struct srfs_id id, parent;
};

struct walking {
	struct srfs *fs;
	struct srfs_walk *w;
	uint8_t *used;
	struct place *stack;
	uint32_t depth, room;
	uint8_t *meta, *block, *link, *list; /* SRFS_BLOCK each */
};

static void problem(struct walking *k, uint64_t block, const char *what)
{
	k->w->problems++;
	if (k->w->problem)
		k->w->problem(k->w->self, block, what);
}

/* false: it is no block, or another has it. */
static bool claim(struct walking *k, uint64_t block)
{
	if (block < 1 || block >= k->fs->super.num_blocks) {
		problem(k, block, "a block number outside the volume");
		return false;
	}
	if (k->used[block / 8] >> block % 8 & 1) {
		problem(k, block, "a block that two have");
		return false;
	}
	k->used[block / 8] |= 1u << block % 8;
	k->w->used++;
	return true;
}

/* Buffers may be newer than the medium. */
static int read_block(struct walking *k, uint64_t block, void *to)
{
	struct srfs_buf *b;
	int err = buf_get(k->fs, block, &b);

	if (err)
		return err;
	memcpy(to, b->data, SRFS_BLOCK);
	buf_put(k->fs, b);
	return 0;
}

/* ---- tables: fn for each data block, in order; holes too (0) ---- */

typedef int (*block_fn)(struct walking *k, uint64_t block, uint64_t index, void *arg);

static int table(struct walking *k, const uint64_t *numbers, uint64_t n, uint32_t level,
		 uint64_t index, block_fn fn, void *arg)
{
	uint64_t span = level == 2 ? SRFS_FAN * SRFS_FAN : level ? SRFS_FAN : 1, i, part;
	uint8_t *below = level == 2 ? k->list : k->link;
	int err = 0;

	for (i = 0; n && !err; i++, n -= part, index += part) {
		part = n < span ? n : span;
		if (!level)
			err = !numbers[i] || claim(k, numbers[i]) ? fn(k, numbers[i], index, arg)
								  : 0;
		else if (numbers[i] && claim(k, numbers[i]))
			err = read_block(k, numbers[i], below);
		else
			continue;
		if (!err && level)
			err = table(k, (uint64_t *)below, part, level - 1, index, fn, arg);
	}
	return err;
}

static int blocks(struct walking *k, const uint8_t *meta, uint64_t count, block_fn fn, void *arg)
{
	uint64_t *numbers = rt_try_alloc(SRFS_SLOTS * 8);
	uint32_t level = count <= SRFS_SLOTS ? 0 : count <= SRFS_SLOTS * SRFS_FAN ? 1 : 2;
	int err = numbers ? 0 : W_ENOMEM;

	if (!err) {
		memcpy(numbers, meta + SRFS_META, SRFS_SLOTS * 8);
		err = table(k, numbers, count, level, 0, fn, arg);
	}
	rt_free(numbers);
	return err;
}

/* ---- entries ---- */

static bool name_is_valid(const struct srfs_dirent *e)
{
	uint32_t i;

	for (i = 0; i < e->len; i++)
		if (!e->name[i] || e->name[i] == '/')
			return false;
	return !(e->len == 1 && e->name[0] == '.') &&
	       !(e->len == 2 && e->name[0] == '.' && e->name[1] == '.');
}

static int push(struct walking *k, const struct srfs_id *id, const struct srfs_id *parent)
{
	uint32_t room = k->room ? k->room * 2 : 64;
	struct place *to;

	if (k->depth == k->room) {
		to = rt_try_alloc(room * sizeof(*to));
		if (!to)
			return W_ENOMEM;
		if (k->depth)
			memcpy(to, k->stack, k->depth * sizeof(*to));
		rt_free(k->stack);
		k->stack = to;
		k->room = room;
	}
	k->stack[k->depth++] = (struct place){*id, *parent};
	return 0;
}

static int no_more(struct walking *k, uint64_t block, uint64_t index, void *arg)
{
	(void)k;
	(void)block;
	(void)index;
	(void)arg;
	return 0;
}

static bool meta_is_valid(struct walking *k, const struct srfs_meta *m, const struct srfs_id *id)
{
	const char *what = m->id.block != id->block || m->id.generation != id->generation
				   ? "an entry that leads to another file's metadata"
			   : crc32(0, m, SRFS_META_CRC) != m->crc ? "metadata with a wrong sum"
			   : id->generation & 1 && m->size > SRFS_DIR_MOST
				   ? "a directory with impossibly many entries"
			   : !(id->generation & 1) && m->size > SRFS_FILE_MOST
				   ? "a file of impossible size"
				   : NULL;

	if (what)
		problem(k, id->block, what);
	return !what;
}

/* A file whose metadata block is in k->meta. */
static int file(struct walking *k)
{
	const struct srfs_meta *m = (struct srfs_meta *)k->meta;
	uint64_t n = m->size <= SRFS_INLINE ? 0 : (m->size + SRFS_BLOCK - 1) / SRFS_BLOCK;

	k->w->files++;
	if (m->xattr)
		claim(k, m->xattr);
	return blocks(k, k->meta, n, no_more, NULL);
}

/* Hard links: the second name of a file claims nothing. */
static bool is_known(struct walking *k, uint64_t block)
{
	return block < k->fs->super.num_blocks && k->used[block / 8] >> block % 8 & 1;
}

static int entry(struct walking *k, const struct srfs_dirent *e, const struct srfs_id *dir)
{
	const struct srfs_meta *m = (struct srfs_meta *)k->meta;
	bool again = !(e->id.generation & 1) && is_known(k, e->id.block);
	int err;

	if (!name_is_valid(e))
		problem(k, dir->block, "a name that is none");
	if (e->id.block < 2 || (!again && !claim(k, e->id.block)))
		return 0;
	err = read_block(k, e->id.block, k->meta);
	if (err || !meta_is_valid(k, m, &e->id))
		return err == W_ENOMEM ? err : 0;
	if (again && m->nlink < 2) {
		problem(k, e->id.block, "a second name for a file with one link");
		return 0;
	}
	if (k->w->entry)
		k->w->entry(k->w->self, m, (const char *)e->name, e->len);
	if (again)
		return 0;
	return e->id.generation & 1 ? push(k, &e->id, dir) : file(k);
}

struct listing {
	struct place at;
	uint64_t n;
};

static int entries_of(struct walking *k, uint64_t block, uint64_t index, void *arg)
{
	struct listing *l = arg;
	struct srfs_dirent *e = rt_try_alloc(SRFS_DIR_BLOCK * SRFS_DIRENT);
	uint8_t *link, *list;
	uint64_t i, n = l->n - index * SRFS_DIR_BLOCK;
	int err = e ? 0 : W_ENOMEM;

	if (!block) {
		problem(k, l->at.id.block, "a hole in a directory");
		rt_free(e);
		return 0;
	}
	if (!err)
		err = read_block(k, block, k->block);
	if (!err)
		memcpy(e, k->block, SRFS_DIR_BLOCK * SRFS_DIRENT);
	link = k->link; /* entry() goes through tables of its own */
	list = k->list;
	k->link = rt_try_alloc(SRFS_BLOCK);
	k->list = rt_try_alloc(SRFS_BLOCK);
	if (!k->link || !k->list)
		err = W_ENOMEM;
	for (i = 0; !err && i < n && i < SRFS_DIR_BLOCK; i++)
		err = entry(k, &e[i], &l->at.id);
	rt_free(k->link);
	rt_free(k->list);
	k->link = link;
	k->list = list;
	rt_free(e);
	return err;
}

static int inline_entries(struct walking *k, struct listing *l, const uint8_t *meta)
{
	struct srfs_dirent *e = rt_try_alloc(SRFS_DIR_INLINE * SRFS_DIRENT);
	uint64_t i;
	int err = e ? 0 : W_ENOMEM;

	if (!err)
		memcpy(e, meta + SRFS_DIRENT, SRFS_DIR_INLINE * SRFS_DIRENT);
	for (i = 0; !err && i < l->n; i++)
		err = entry(k, &e[i], &l->at.id);
	rt_free(e);
	return err;
}

static int directory(struct walking *k, struct place at)
{
	uint8_t *copy = rt_try_alloc(SRFS_BLOCK);
	struct listing l = {.at = at};
	int err = copy ? read_block(k, at.id.block, copy) : W_ENOMEM;

	if (!err && meta_is_valid(k, (struct srfs_meta *)copy, &at.id)) {
		k->w->dirs++;
		l.n = ((struct srfs_meta *)copy)->size;
		err = l.n <= SRFS_DIR_INLINE
			      ? inline_entries(k, &l, copy)
			      : blocks(k, copy, (l.n + SRFS_DIR_BLOCK - 1) / SRFS_DIR_BLOCK,
				       entries_of, &l);
	}
	rt_free(copy);
	return err;
}

static int run(struct walking *k)
{
	struct srfs_id root = {SRFS_ROOT, SRFS_ROOT};
	int err;

	k->used[0] |= 1; /* the superblock */
	k->w->used++;
	claim(k, SRFS_ROOT);
	err = push(k, &root, &root);
	while (!err && k->depth)
		err = directory(k, k->stack[--k->depth]);
	return err;
}

int srfs_walk(struct srfs *fs, struct srfs_walk *w, uint8_t **used)
{
	uint64_t bytes =
		(fs->super.num_blocks + SRFS_BLOCK * 8 - 1) / (SRFS_BLOCK * 8) * SRFS_BLOCK;
	struct walking k = {.fs = fs, .w = w};
	int err = W_ENOMEM;

	k.used = rt_try_alloc(bytes);
	k.meta = rt_try_alloc(SRFS_BLOCK);
	k.block = rt_try_alloc(SRFS_BLOCK);
	k.link = rt_try_alloc(SRFS_BLOCK);
	k.list = rt_try_alloc(SRFS_BLOCK);
	if (k.used && k.meta && k.block && k.link && k.list)
		err = run(&k);
	rt_free(k.meta);
	rt_free(k.block);
	rt_free(k.link);
	rt_free(k.list);
	rt_free(k.stack);
	if (used && !err)
		*used = k.used;
	else
		rt_free(k.used);
	return err;
}
