// SPDX-License-Identifier: MIT
/*
 * The blocks of a file or a directory: 496 numbers in its metadata block, which name data blocks,
 * or link blocks of 512 numbers, or blocks of 512 numbers of link blocks.  Which of the three
 * follows from the count of blocks alone.  Behind the count is garbage, until tree_grow() makes
 * it holes.
 */
#include "volume.h"

#define FAN_BITS 9

static uint32_t depth_of(uint64_t count)
{
	return count <= SRFS_SLOTS ? 0 : count <= SRFS_SLOTS * SRFS_FAN ? 1 : 2;
}

static uint64_t *slots(const struct tree *t)
{
	return buf_at(t->meta, SRFS_META);
}

static int check(const struct tree *t, uint64_t block)
{
	return !block || (block >= 2 && block < t->fs->super.num_blocks) ? 0 : W_EIO;
}

/* The table of the lowest level that has index, counted; NULL: a hole as large.  make: it is made.
 */
static int table_of(struct tree *t, uint64_t index, bool make, struct srfs_buf **out)
{
	struct srfs_buf *at = t->meta, *next;
	uint32_t level = depth_of(t->count);
	uint64_t *slot = slots(t) + (index >> level * FAN_BITS), block;
	uint32_t got;
	int err = 0;

	at->refs++;
	for (; level; level--) {
		block = *slot;
		err = check(t, block);
		if (!err && !block && !make)
			break;
		if (!err && block)
			err = buf_get(t->fs, block, &next);
		else if (!err)
			err = block_alloc(t->fs, t->near, 1, &block, &got);
		if (!err && !*slot) {
			err = buf_new(t->fs, block, &next);
			buf_dirty(t->fs, at);
			*slot = block;
			t->blocks++;
		}
		if (err)
			break;
		buf_put(t->fs, at);
		at = next;
		slot = (uint64_t *)at->data + (index >> (level - 1) * FAN_BITS & (SRFS_FAN - 1));
	}
	if (err || level) {
		buf_put(t->fs, at);
		at = NULL;
	}
	*out = at;
	return err;
}

static uint64_t *entry(const struct tree *t, const struct srfs_buf *table, uint64_t index)
{
	return table == t->meta ? slots(t) + index : (uint64_t *)table->data + index % SRFS_FAN;
}

int tree_run(const struct tree *t, uint64_t index, uint32_t n, uint64_t *block, uint32_t *run)
{
	struct srfs_buf *table;
	uint64_t *e;
	uint32_t k = 1, most;
	int err = table_of((struct tree *)t, index, false, &table);

	if (err)
		return err;
	most = SRFS_FAN - index % SRFS_FAN;
	if (!depth_of(t->count))
		most = SRFS_SLOTS - index;
	most = most < n ? most : n;
	*block = 0;
	*run = most;
	if (!table)
		return 0;
	e = entry(t, table, index);
	*block = *e;
	while (k < most && e[k] == (*block ? *block + k : 0))
		k++;
	*run = k;
	err = check(t, *block);
	if (!err && *block)
		err = check(t, *block + k - 1);
	buf_put(t->fs, table);
	return err;
}

int tree_get(const struct tree *t, uint64_t index, uint64_t *block)
{
	uint32_t run;

	return tree_run(t, index, 1, block, &run);
}

int tree_set(struct tree *t, uint64_t index, uint64_t block)
{
	struct srfs_buf *table;
	int err = table_of(t, index, true, &table);

	if (err)
		return err;
	buf_dirty(t->fs, table);
	*entry(t, table, index) = block;
	buf_put(t->fs, table);
	return 0;
}

/* ---- growing ---- */

/* Numbers [from, n) of a table become holes. */
static void clear(const struct tree *t, struct srfs_buf *b, uint64_t *numbers, uint64_t from,
		  uint64_t n)
{
	uint64_t i;

	for (i = from; i < n; i++)
		if (numbers[i]) {
			buf_dirty(t->fs, b);
			numbers[i] = 0;
		}
}

/* What lies behind the count, in each table that is in use only in part. */
static int clear_tail(struct tree *t)
{
	uint32_t level, depth = depth_of(t->count);
	uint64_t span = 1ull << depth * FAN_BITS, block = 0;
	struct srfs_buf *b;
	int err = 0;

	clear(t, t->meta, slots(t), (t->count + span - 1) / span, SRFS_SLOTS);
	for (level = depth; level && t->count % span && !err; level--) {
		block = level == depth ? slots(t)[t->count / span] : block;
		err = check(t, block);
		if (err || !block)
			return err;
		err = buf_get(t->fs, block, &b);
		if (err)
			return err;
		span >>= FAN_BITS;
		clear(t, b, (uint64_t *)b->data, ((t->count + span - 1) / span - 1) % SRFS_FAN + 1,
		      SRFS_FAN);
		block = ((uint64_t *)b->data)[t->count / span % SRFS_FAN];
		buf_put(t->fs, b);
	}
	return err;
}

/* The table in the metadata block goes a level down. */
static int push_down(struct tree *t)
{
	struct srfs_buf *b;
	uint64_t block;
	uint32_t got;
	int err = block_alloc(t->fs, t->near, 1, &block, &got);

	if (!err)
		err = buf_new(t->fs, block, &b);
	if (err)
		return err;
	t->blocks++;
	memcpy(b->data, slots(t), SRFS_SLOTS * 8);
	buf_put(t->fs, b);
	buf_dirty(t->fs, t->meta);
	memset(slots(t), 0, SRFS_SLOTS * 8);
	slots(t)[0] = block;
	return 0;
}

int tree_grow(struct tree *t, uint64_t count)
{
	uint32_t depth;
	int err = count > t->count ? clear_tail(t) : 0;

	for (depth = depth_of(t->count); !err && depth < depth_of(count); depth++)
		err = push_down(t);
	if (!err && count > t->count)
		t->count = count;
	return err;
}

/* ---- shrinking ---- */

static int free_block(struct tree *t, uint64_t block)
{
	int err = check(t, block);

	if (!err && block)
		err = block_free(t->fs, block, 1);
	if (!err && block)
		t->blocks--;
	return err;
}

/* The blocks [from, t->count) of one table. */
static int free_entries(struct tree *t, struct srfs_buf *table, uint64_t from)
{
	uint64_t i, *e;
	int err = 0;

	for (i = from; i < t->count && !err; i++) {
		e = entry(t, table, i);
		if (!*e)
			continue;
		err = free_block(t, *e);
		buf_dirty(t->fs, table);
		*e = 0;
	}
	return err;
}

/* The tables that begin at index have nothing in them any more. */
static int free_tables(struct tree *t, uint64_t index)
{
	uint32_t depth = depth_of(t->count);
	uint64_t *slot = slots(t) + (index >> depth * FAN_BITS), block;
	struct srfs_buf *list;
	int err;

	if (!depth || !*slot)
		return 0;
	if (depth == 1 || index % (SRFS_FAN * SRFS_FAN) == 0) {
		block = *slot;
		if (depth == 2) { /* the list, and its first link block */
			err = buf_get(t->fs, block, &list);
			if (err)
				return err;
			err = free_block(t, *(uint64_t *)list->data);
			buf_put(t->fs, list);
			if (err)
				return err;
		}
		buf_dirty(t->fs, t->meta);
		*slot = 0;
		return free_block(t, block);
	}
	err = buf_get(t->fs, *slot, &list);
	if (err)
		return err;
	slot = (uint64_t *)list->data + (index >> FAN_BITS) % SRFS_FAN;
	err = free_block(t, *slot);
	buf_dirty(t->fs, list);
	*slot = 0;
	buf_put(t->fs, list);
	return err;
}

/* The table a level down comes up into the metadata block. */
static int pull_up(struct tree *t)
{
	uint64_t block = slots(t)[0];
	struct srfs_buf *b;
	int err;

	if (!block)
		return 0;
	err = check(t, block);
	if (!err)
		err = buf_get(t->fs, block, &b);
	if (err)
		return err;
	buf_dirty(t->fs, t->meta);
	memcpy(slots(t), b->data, SRFS_SLOTS * 8);
	buf_put(t->fs, b);
	return free_block(t, block);
}

int tree_shrink(struct tree *t, uint64_t count)
{
	uint64_t from = (t->count - 1) & ~(uint64_t)(SRFS_FAN - 1);
	uint32_t depth = depth_of(t->count);
	struct srfs_buf *table;
	int err;

	if (t->count <= count)
		return 0;
	from = from > count ? from : count;
	err = table_of(t, from, false, &table);
	if (err)
		return err;
	if (table) {
		err = free_entries(t, table, from);
		buf_put(t->fs, table);
	}
	if (!err && from % SRFS_FAN == 0)
		err = free_tables(t, from);
	t->count = from;
	if (!err && depth_of(from) < depth)
		err = pull_up(t);
	return err;
}
