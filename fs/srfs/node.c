// SPDX-License-Identifier: MIT
#include "volume.h"

#include <lib/crc32.h>
#include <rt/rt.h>

#define IFMT 0170000u
#define IFDIR 0040000u
#define IFREG 0100000u
#define IFLNK 0120000u
#define NS 1000000000ull

/* ---- attributes ---- */

static uint64_t from_stamp(const struct srfs_stamp *s)
{
	return s->s < ~0ull / NS && s->ns < NS ? s->s * NS + s->ns : 0;
}

static struct srfs_stamp to_stamp(uint64_t ns)
{
	return (struct srfs_stamp){.s = ns / NS, .ns = ns % NS};
}

static bool is_dir_id(const struct srfs_id *id)
{
	return id->generation & 1;
}

/* Blocks of a file that the crate has made, which has no holes. */
static uint64_t crate_blocks(const struct srfs_meta *m)
{
	uint64_t n = m->size <= SRFS_INLINE ? 0 : (m->size + SRFS_BLOCK - 1) / SRFS_BLOCK;

	return n <= SRFS_SLOTS ? n : n + (n + SRFS_FAN - 1) / SRFS_FAN;
}

void attr_from(struct srfs_attr *a, const struct srfs_meta *m)
{
	bool dir = is_dir_id(&m->id);

	*a = (struct srfs_attr){.mode = m->mode,
				.uid = m->uid,
				.gid = m->gid,
				.nlink = m->nlink,
				.rdev = m->rdev,
				.size = m->size,
				.blocks = 1 + m->blocks,
				.atime = from_stamp(&m->accessed),
				.mtime = from_stamp(&m->modified),
				.ctime = m->changed,
				.btime = from_stamp(&m->created)};
	if (m->mode)
		return;
	a->mode = dir ? IFDIR | 0755 : IFREG | 0644;
	a->nlink = dir ? 2 : 1;
	a->blocks = 1 + (dir ? 0 : crate_blocks(m));
	a->ctime = a->mtime;
	a->atime = a->atime ? a->atime : a->mtime;
}

void attr_to(struct srfs_meta *m, const struct srfs_attr *a)
{
	if (!m->mode) /* the crate's until now */
		m->blocks = a->blocks - 1;
	m->mode = a->mode;
	m->uid = a->uid;
	m->gid = a->gid;
	m->nlink = a->nlink;
	m->rdev = a->rdev;
	m->accessed = to_stamp(a->atime);
	m->modified = to_stamp(a->mtime);
	m->changed = a->ctime;
}

/* ---- metadata blocks ---- */

int meta_get(struct srfs *fs, const struct srfs_id *id, struct srfs_buf **out)
{
	const struct srfs_meta *m;
	int err = buf_get(fs, id->block, out);

	if (err)
		return err;
	m = meta_of(*out);
	if (m->id.block == id->block && m->id.generation == id->generation &&
	    ((*out)->dirty || (*out)->logged || crc32(0, m, SRFS_META_CRC) == m->crc))
		return 0;
	buf_put(fs, *out);
	return W_EIO;
}

void meta_dirty(struct srfs *fs, struct srfs_buf *b)
{
	struct srfs_meta *m = meta_of(b);

	buf_dirty(fs, b);
	m->crc = crc32(0, m, SRFS_META_CRC);
}

int need_feature(struct srfs *fs, uint32_t feature)
{
	if (fs->super.ext.features & feature)
		return 0;
	if (fs->crate_only)
		return W_EOPNOTSUPP;
	fs->super.ext.features |= feature;
	fs->super_dirty = true;
	return 0;
}

static int valid(const struct srfs_meta *m)
{
	uint32_t type = m->mode & IFMT;

	if (m->mode && (type == IFDIR) != is_dir_id(&m->id))
		return W_EIO;
	if (is_dir_id(&m->id))
		return m->size > SRFS_DIR_MOST ? W_EIO : 0;
	return m->size > SRFS_FILE_MOST ? W_EIO : 0;
}

static int read_node(struct srfs *fs, uint64_t block, uint64_t generation, struct srfs_node *out)
{
	struct srfs_buf *b;
	struct srfs_id id = {block, generation};
	int err = meta_get(fs, &id, &b);

	if (err)
		return err;
	*out = (struct srfs_node){.fs = fs, .id = id};
	err = valid(meta_of(b));
	attr_from(&out->attr, meta_of(b));
	if (!err && !meta_of(b)->mode && is_dir_id(&id)) {
		err = dir_load(out);
		out->attr.nlink = err ? 2 : 2 + dir_subdirs(out);
	}
	buf_put(fs, b);
	return err;
}

int srfs_node_read(struct srfs *fs, uint64_t block, uint64_t generation, struct srfs_node *out)
{
	int err;

	srfs_lock(fs);
	err = read_node(fs, block, generation, out);
	srfs_unlock(fs);
	return err;
}

void srfs_node_fini(struct srfs_node *n)
{
	srfs_unreserve(n);
	dir_fini(n);
}

/* Write the attributes that are in memory. */
static int put_attr(struct srfs_node *n)
{
	struct srfs_buf *b;
	int err = meta_get(n->fs, &n->id, &b);

	if (err)
		return err;
	attr_to(meta_of(b), &n->attr);
	meta_dirty(n->fs, b);
	buf_put(n->fs, b);
	return 0;
}

int srfs_setattr(struct srfs_node *n, uint32_t what, const struct srfs_attr *a)
{
	struct srfs_attr old = n->attr;
	int err = srfs_begin(n->fs, 0);

	if (err)
		return err;
	if (what & SRFS_SET_MODE)
		n->attr.mode = (n->attr.mode & IFMT) | (a->mode & 07777);
	if (what & SRFS_SET_UID)
		n->attr.uid = a->uid;
	if (what & SRFS_SET_GID)
		n->attr.gid = a->gid;
	if (what & SRFS_SET_ATIME)
		n->attr.atime = a->atime;
	if (what & SRFS_SET_MTIME)
		n->attr.mtime = a->mtime;
	if (what & SRFS_SET_CTIME)
		n->attr.ctime = a->ctime;
	err = put_attr(n);
	if (err)
		n->attr = old;
	srfs_end(n->fs);
	return err;
}

/* ---- making ---- */

static uint64_t next_generation(struct srfs *fs, bool dir)
{
	uint64_t g = fs->super.generation + 1;

	if ((g & 1) != dir)
		g++;
	fs->super.generation = g;
	fs->super_dirty = true;
	return g;
}

static void fill_new(struct srfs_node *n, const struct srfs_node *dir, const struct srfs_new *w,
		     struct srfs_buf *b)
{
	struct srfs_meta *m = meta_of(b);

	n->attr = (struct srfs_attr){.mode = w->mode,
				     .uid = w->uid,
				     .gid = w->gid,
				     .rdev = w->rdev,
				     .nlink = is_dir_id(&n->id) ? 2 : 1,
				     .blocks = 1,
				     .atime = w->now,
				     .mtime = w->now,
				     .ctime = w->now,
				     .btime = w->now};
	m->id = n->id;
	m->parent = dir->id;
	m->created = to_stamp(w->now);
	attr_to(m, &n->attr);
	m->blocks = 0;
}

/* A link's target is its content; PATH_MAX fits the metadata block but for its last bytes. */
static int put_target(struct srfs_node *n, const char *target, struct srfs_buf *b)
{
	size_t len = strlen(target);

	if (len > SRFS_INLINE)
		return W_ENAMETOOLONG;
	memcpy(buf_at(b, SRFS_META), target, len);
	meta_of(b)->size = n->attr.size = len;
	return 0;
}

static void dir_changed(struct srfs_node *dir, uint64_t now, int links)
{
	dir->attr.mtime = dir->attr.ctime = now;
	dir->attr.nlink += links;
}

static int feature_of(struct srfs *fs, uint32_t mode)
{
	uint32_t type = mode & IFMT;

	return type == IFREG || type == IFDIR ? 0 : need_feature(fs, SRFS_F_SPECIAL);
}

/* Its metadata block, filled; the directory does not have it yet. */
static int new_node(struct srfs_node *dir, const struct srfs_new *w, struct srfs_node *n)
{
	struct srfs *fs = dir->fs;
	struct srfs_buf *b;
	uint64_t block;
	uint32_t got;
	int err = feature_of(fs, w->mode);

	if (!err)
		err = block_alloc(fs, 0, 1, &block, &got);
	if (!err)
		err = buf_new(fs, block, &b);
	if (err)
		return err;
	*n = (struct srfs_node){.fs = fs};
	n->id = (struct srfs_id){block, next_generation(fs, (w->mode & IFMT) == IFDIR)};
	fill_new(n, dir, w, b);
	if ((w->mode & IFMT) == IFLNK)
		err = put_target(n, w->target, b);
	meta_dirty(fs, b);
	buf_put(fs, b);
	return err;
}

int srfs_create(struct srfs_node *dir, const char *name, uint32_t len, const struct srfs_new *what,
		struct srfs_node *out)
{
	struct srfs *fs = dir->fs;
	int err;

	if ((what->mode & IFMT) == IFLNK && strlen(what->target) > SRFS_INLINE)
		return W_ENAMETOOLONG;
	err = srfs_begin(fs, 6);
	if (err)
		return err;
	err = dir_load(dir); /* what may fail by the medium, first */
	if (!err) {
		err = new_node(dir, what, out);
		if (!err)
			err = dir_add(dir, name, len, &out->id);
		if (!err) {
			dir_changed(dir, what->now, (what->mode & IFMT) == IFDIR);
			err = put_attr(dir);
		}
		if (err && err != W_EOPNOTSUPP)
			srfs_fail(fs, err);
	}
	srfs_end(fs);
	return err;
}

int srfs_link(struct srfs_node *dir, const char *name, uint32_t len, struct srfs_node *n,
	      uint64_t now)
{
	struct srfs *fs = dir->fs;
	int err = srfs_begin(fs, 4);

	if (err)
		return err;
	err = dir_load(dir);
	if (!err)
		err = need_feature(fs, SRFS_F_LINKS);
	if (!err) {
		err = dir_add(dir, name, len, &n->id);
		n->attr.nlink++;
		n->attr.ctime = now;
		dir_changed(dir, now, 0);
		if (!err)
			err = put_attr(n);
		if (!err)
			err = put_attr(dir);
		if (err)
			srfs_fail(fs, err);
	}
	srfs_end(fs);
	return err;
}

/* ---- removing ---- */

/* A name of the file has gone from dir. */
static int lose_name(struct srfs_node *dir, struct srfs_node *victim, uint64_t now)
{
	bool is_dir = is_dir_id(&victim->id);
	int err = 0;

	victim->attr.ctime = now;
	victim->attr.nlink -= is_dir ? 2 : 1;
	dir_changed(dir, now, is_dir ? -1 : 0);
	if (is_dir)
		victim->attr.nlink = 0;
	if (!victim->attr.nlink)
		err = orphan_add(dir->fs, victim->id.block);
	return err ? err : put_attr(victim);
}

int srfs_unlink(struct srfs_node *dir, const char *name, uint32_t len, struct srfs_node *victim,
		uint64_t now)
{
	struct srfs *fs = dir->fs;
	int err = srfs_begin(fs, 0);

	if (err)
		return err;
	err = dir_load(dir);
	if (!err && is_dir_id(&victim->id) && victim->attr.size)
		err = W_ENOTEMPTY;
	if (!err) {
		err = dir_remove(dir, name, len);
		if (!err)
			err = lose_name(dir, victim, now);
		if (!err)
			err = put_attr(dir);
		if (err)
			srfs_fail(fs, err);
	}
	srfs_end(fs);
	return err;
}

static int free_node(struct srfs_node *n)
{
	struct srfs *fs = n->fs;
	struct srfs_buf *b;
	uint32_t xattr;
	int err = meta_get(fs, &n->id, &b);

	if (err)
		return err;
	xattr = meta_of(b)->xattr;
	buf_put(fs, b);
	err = xattr ? block_free(fs, xattr, 1) : 0;
	if (!err)
		err = block_free(fs, n->id.block, 1);
	return err ? err : orphan_remove(fs, n->id.block);
}

int srfs_release(struct srfs_node *n)
{
	int err = is_dir_id(&n->id) ? 0 : srfs_truncate(n, 0);

	if (!err)
		err = srfs_begin(n->fs, 0);
	if (err)
		return err;
	err = free_node(n);
	if (err)
		srfs_fail(n->fs, err);
	srfs_end(n->fs);
	return err;
}

/* ---- renaming ---- */

static int set_parent(struct srfs_node *n, const struct srfs_node *dir, uint64_t now)
{
	struct srfs_buf *b;
	int err = meta_get(n->fs, &n->id, &b);

	if (err)
		return err;
	n->attr.ctime = now;
	meta_of(b)->parent = dir->id;
	attr_to(meta_of(b), &n->attr);
	meta_dirty(n->fs, b);
	buf_put(n->fs, b);
	return 0;
}

static int do_exchange(struct srfs_node *from, const char *name, uint32_t len,
		       struct srfs_node *what, struct srfs_node *to, const char *new_name,
		       uint32_t new_len, struct srfs_node *other, uint64_t now)
{
	int links = is_dir_id(&other->id) - is_dir_id(&what->id);
	int err = dir_point(from, name, len, &other->id);

	if (!err)
		err = dir_point(to, new_name, new_len, &what->id);
	if (!err)
		err = set_parent(other, from, now);
	dir_changed(from, now, from != to ? links : 0);
	dir_changed(to, now, from != to ? -links : 0);
	return err;
}

static int do_rename(struct srfs_node *from, const char *name, uint32_t len, struct srfs_node *what,
		     struct srfs_node *to, const char *new_name, uint32_t new_len,
		     struct srfs_node *replaced, uint64_t now)
{
	int links = is_dir_id(&what->id), err;

	if (replaced) {
		err = dir_point(to, new_name, new_len, &what->id);
		if (!err)
			err = lose_name(to, replaced, now);
	} else {
		err = dir_add(to, new_name, new_len, &what->id);
	}
	if (!err)
		err = dir_remove(from, name, len);
	dir_changed(from, now, -links);
	dir_changed(to, now, links);
	return err;
}

int srfs_rename(struct srfs_node *from, const char *name, uint32_t len, struct srfs_node *what,
		struct srfs_node *to, const char *new_name, uint32_t new_len,
		struct srfs_node *replaced, bool exchange, uint64_t now)
{
	struct srfs *fs = from->fs;
	int err = srfs_begin(fs, 4);

	if (err)
		return err;
	err = dir_load(from);
	if (!err)
		err = dir_load(to);
	if (!err && replaced && !exchange && is_dir_id(&replaced->id) && replaced->attr.size)
		err = W_ENOTEMPTY;
	if (!err) {
		err = exchange ? do_exchange(from, name, len, what, to, new_name, new_len, replaced,
					     now)
			       : do_rename(from, name, len, what, to, new_name, new_len, replaced,
					   now);
		if (!err)
			err = set_parent(what, to, now);
		if (!err)
			err = put_attr(from);
		if (!err && to != from)
			err = put_attr(to);
		if (err)
			srfs_fail(fs, err);
	}
	srfs_end(fs);
	return err;
}
