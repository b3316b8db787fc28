// SPDX-License-Identifier: MIT
/*
 * srfs as a file system of the file service: inodes for its nodes, a block device for its
 * blocks.  The only file here that knows either.
 *
 * Times that change with every read and write are kept in memory and written with what is
 * written next: with the file's bytes, by fsync and sync, by age, or when the inode goes.
 */
#include "volume.h"

#include <fs/file_system.h>
#include <rt/blk.h>
#include <rt/fiber.h>

#define SECTORS (SRFS_BLOCK / BLK_SECTOR)
#define COMMIT_NS ((uint64_t)CONFIG_FS_WRITE_AGE * 1000000000)
#define COOKIE_FIRST 2 /* of the service; ours begin at 0 */

struct srfs_lock {
	struct fiber_lock lock;
	struct fiber *sleeper;
};

struct mounted {
	struct srfs *fs;
	struct super_block *sb;
	struct blk *blk;
	struct list late; /* struct own.late: nodes whose times are newer in memory */
	struct ev_timer timer;
	bool committing;
};

struct own {
	struct srfs_node node;
	struct list late;
};

/* ---- env ---- */

struct srfs_lock *srfs_lock_new(void)
{
	return rt_try_alloc(sizeof(struct srfs_lock));
}

void srfs_lock_free(struct srfs_lock *l)
{
	rt_free(l);
}

void srfs_lock(struct srfs *fs)
{
	fiber_lock(&fs->lock->lock);
}

void srfs_unlock(struct srfs *fs)
{
	fiber_unlock(&fs->lock->lock);
}

void srfs_sleep(struct srfs *fs)
{
	fs->lock->sleeper = fiber_self();
	fiber_wait();
}

void srfs_wake(struct srfs *fs)
{
	if (fs->lock->sleeper && !fs->data_in_flight) {
		fiber_wake(fs->lock->sleeper);
		fs->lock->sleeper = NULL;
	}
}

void srfs_broke(struct srfs *fs, int err)
{
	const struct blk *b = fs->dev.self;

	rt_log("srfs: %s: error %d in the middle of a change; nothing more is written until it is "
	       "mounted again",
	       b->name, -err);
}

/* ---- the device: neighbours in one request ---- */

struct requests {
	struct blk_req *rq;
	struct blk_seg *seg;
	uint32_t n, nseg;
};

static bool joins(const struct requests *r, const struct blk_req *last, uint64_t sector, bool write,
		  uint32_t most)
{
	return r->n && last->sector + last->sectors == sector && (last->op == BLK_WRITE) == write &&
	       last->nseg < BLK_SEGMENTS && last->sectors + SECTORS <= most;
}

static void add_block(struct requests *r, uint64_t block, bool write, void *buf, uint32_t most)
{
	struct blk_req *last = r->rq + r->n - 1;

	r->seg[r->nseg] = (struct blk_seg){.va = buf, .len = SRFS_BLOCK};
	if (!joins(r, last, block * SECTORS, write, most)) {
		last = r->rq + r->n++;
		*last = (struct blk_req){.op = write ? BLK_WRITE : BLK_READ,
					 .sector = block * SECTORS,
					 .seg = r->seg + r->nseg};
	}
	last->sectors += SECTORS;
	last->nseg++;
	r->nseg++;
}

static uint32_t count_blocks(const struct srfs_io *io, uint32_t n)
{
	uint32_t i, count = 0;

	for (i = 0; i < n; i++)
		count += io[i].count;
	return count;
}

static int device_run(void *self, const struct srfs_io *io, uint32_t n)
{
	struct blk *b = self;
	uint32_t count = count_blocks(io, n), i, k;
	struct requests r = {.rq = rt_try_alloc(count * sizeof(*r.rq)),
			     .seg = rt_try_alloc(count * sizeof(*r.seg))};
	int err = r.rq && r.seg ? 0 : W_ENOMEM;

	for (i = 0; !err && i < n; i++)
		for (k = 0; k < io[i].count; k++)
			add_block(&r, io[i].block + k, io[i].write,
				  (char *)io[i].buf + (uint64_t)k * SRFS_BLOCK, b->most_sectors);
	if (!err && r.n)
		err = blk_run(b, r.rq, r.n);
	rt_free(r.seg);
	rt_free(r.rq);
	return err;
}

static int device_flush(void *self)
{
	return blk_flush(self);
}

/* ---- inodes ---- */

static const struct inode_ops srfs_inode_ops;

static struct own *own_of(const struct inode *i)
{
	return i->own;
}

static struct srfs_node *node_of(const struct inode *i)
{
	return &own_of(i)->node;
}

static struct mounted *mounted_of(const struct inode *i)
{
	return i->sb->own;
}

/* What the core says of it; the size of a file is the service's, which may be ahead. */
static void refresh(struct inode *i)
{
	const struct srfs_attr *a = &node_of(i)->attr;

	i->mode = a->mode;
	i->uid = a->uid;
	i->gid = a->gid;
	i->nlink = a->nlink;
	i->rdev = a->rdev;
	i->blocks = a->blocks * SECTORS;
	i->atime = a->atime;
	i->mtime = a->mtime;
	i->ctime = a->ctime;
	if (!is_file(i))
		i->size = is_dir(i) ? a->blocks * SRFS_BLOCK : a->size;
}

static struct inode *new_inode(struct super_block *sb, struct own *own)
{
	struct inode *i = inode_new(sb, own->node.id.block, &srfs_inode_ops);

	if (!i)
		return NULL;
	i->own = own;
	i->size = own->node.attr.size;
	refresh(i);
	return i;
}

static struct own *own_new(void)
{
	struct own *o = rt_try_alloc(sizeof(*o));

	if (o)
		list_init(&o->late);
	return o;
}

/* The inode of an id: the one in memory, or read. */
static int get_inode(struct super_block *sb, const struct srfs_id *id, struct inode **out)
{
	struct mounted *m = sb->own;
	struct own *o;
	int err;

	*out = inode_find(sb, id->block);
	if (*out)
		return 0;
	o = own_new();
	err = o ? srfs_node_read(m->fs, id->block, id->generation, &o->node) : W_ENOMEM;
	if (!err) {
		*out = inode_find(sb, id->block); /* another has been faster */
		if (!*out) {
			*out = new_inode(sb, o);
			if (*out)
				return 0;
			err = W_ENOMEM;
		}
	}
	if (o)
		srfs_node_fini(&o->node);
	rt_free(o);
	return err;
}

static int lookup(struct inode *dir, const struct name *name, struct inode **out)
{
	struct srfs_id id;
	int err = srfs_lookup(node_of(dir), name->bytes, name->len, &id);

	return err ? err : get_inode(dir->sb, &id, out);
}

/* ---- times ---- */

static void be_late(struct inode *i)
{
	struct mounted *m = mounted_of(i);

	if (!list_is_linked(&own_of(i)->late))
		list_append(&m->late, &own_of(i)->late);
	if (!m->timer.at)
		ev_timer_set(&m->timer, rt_now() + COMMIT_NS);
}

static void changed(struct inode *i)
{
	struct mounted *m = mounted_of(i);

	refresh(i);
	if (!m->timer.at)
		ev_timer_set(&m->timer, rt_now() + COMMIT_NS);
}

static int write_late(struct own *o)
{
	if (!list_is_linked(&o->late))
		return 0;
	list_del(&o->late);
	return srfs_setattr(&o->node, 0, NULL);
}

static int write_all_late(struct mounted *m)
{
	int err = 0;

	while (!list_is_empty(&m->late) && !err)
		err = write_late(list_first(&m->late, struct own, late));
	return err;
}

static void commit(void *arg)
{
	struct mounted *m = arg;
	int err = write_all_late(m);

	if (!err)
		err = srfs_commit(m->fs);
	if (err)
		rt_log("srfs: %s: what was written is not on the disk: error %d", m->blk->name,
		       -err);
	m->committing = false;
}

static void aged(struct ev_timer *t)
{
	struct mounted *m = container_of(t, struct mounted, timer);

	if (!m->committing)
		m->committing = fiber_start(commit, m) != NULL;
}

/* ---- names ---- */

static int create(struct inode *dir, const struct name *name, const struct new_file *what,
		  struct inode **out)
{
	struct srfs_new w = {.mode = what->mode,
			     .uid = what->uid,
			     .gid = what->gid,
			     .rdev = what->rdev,
			     .target = what->target,
			     .now = what->now};
	struct own *o = own_new();
	int err = o ? srfs_create(node_of(dir), name->bytes, name->len, &w, &o->node) : W_ENOMEM;

	if (!err) {
		*out = new_inode(dir->sb, o);
		if (*out) {
			changed(dir);
			return 0;
		}
		srfs_unlink(node_of(dir), name->bytes, name->len, &o->node, what->now);
		srfs_release(&o->node);
		srfs_node_fini(&o->node);
		err = W_ENOMEM;
	}
	rt_free(o);
	return err;
}

static int link_to(struct inode *dir, const struct name *name, struct inode *target)
{
	int err = srfs_link(node_of(dir), name->bytes, name->len, node_of(target), rt_wall());

	if (!err) {
		changed(dir);
		refresh(target);
	}
	return err;
}

static int unlink_it(struct inode *dir, const struct name *name, struct inode *victim)
{
	int err = srfs_unlink(node_of(dir), name->bytes, name->len, node_of(victim), rt_wall());

	if (!err) {
		changed(dir);
		refresh(victim);
	}
	return err;
}

static int rename_it(struct inode *from_dir, const struct name *from, struct inode *what,
		     struct inode *to_dir, const struct name *to, struct inode *replaced,
		     uint32_t flags)
{
	int err = srfs_rename(node_of(from_dir), from->bytes, from->len, node_of(what),
			      node_of(to_dir), to->bytes, to->len,
			      replaced ? node_of(replaced) : NULL, flags & RENAME_EXCHANGE,
			      rt_wall());

	if (err)
		return err;
	changed(from_dir);
	refresh(to_dir);
	refresh(what);
	if (replaced)
		refresh(replaced);
	return 0;
}

struct emitting {
	readdir_emit emit;
	void *to;
	bool special; /* files may be other things */
};

static bool emit_one(void *arg, const char *name, uint32_t len, const struct srfs_id *id,
		     uint64_t next)
{
	struct emitting *e = arg;
	uint32_t mode = id->generation & 1 ? FS_S_IFDIR : e->special ? 0 : FS_S_IFREG;

	return e->emit(e->to, &(struct name){name, len}, id->block, mode, next + COOKIE_FIRST);
}

static int readdir(struct inode *dir, uint64_t cookie, readdir_emit emit, void *to)
{
	struct emitting e = {emit, to,
			     srfs_super(mounted_of(dir)->fs)->ext.features & SRFS_F_SPECIAL};

	return srfs_readdir(node_of(dir), cookie - COOKIE_FIRST, emit_one, &e);
}

/* ---- attributes ---- */

static int set_size(struct inode *i, uint64_t size)
{
	int err = srfs_truncate(node_of(i), size);

	if (!err) {
		i->size = size;
		i->blocks = node_of(i)->attr.blocks * SECTORS;
	}
	return err;
}

static int setattr(struct inode *i, uint32_t what, const struct attr *a)
{
	struct srfs_attr *mine = &node_of(i)->attr;
	struct srfs_attr want = {.mode = a->mode, .uid = a->uid, .gid = a->gid};
	uint32_t now = what & (FS_SET_MODE | FS_SET_UID | FS_SET_GID);
	int err = what & ATTR_SIZE ? set_size(i, a->size) : 0;

	_Static_assert((int)FS_SET_MODE == (int)SRFS_SET_MODE &&
			       (int)FS_SET_UID == (int)SRFS_SET_UID &&
			       (int)FS_SET_GID == (int)SRFS_SET_GID,
		       "the same bits");
	if (err)
		return err;
	if (what & FS_SET_ATIME)
		mine->atime = a->atime;
	if (what & FS_SET_MTIME)
		mine->mtime = a->mtime;
	if (what & ATTR_CTIME)
		mine->ctime = a->ctime;
	if (now)
		err = srfs_setattr(node_of(i), now, &want);
	else
		be_late(i);
	changed(i);
	return err;
}

static int readlink(struct inode *i, char *to, size_t size)
{
	char *page = rt_try_alloc(SRFS_BLOCK);
	int err = page ? srfs_read(node_of(i), 0, 1, page) : W_ENOMEM;

	if (!err)
		strlcpy(to, page, size);
	rt_free(page);
	return err;
}

static int fsync(struct inode *i, bool data_only)
{
	int err = data_only ? 0 : write_late(own_of(i));

	return err ? err : srfs_commit(mounted_of(i)->fs);
}

/* ---- pages ---- */

static int read_pages(struct inode *i, uint64_t index, uint32_t n, void *to)
{
	return srfs_read(node_of(i), index, n, to);
}

static int write_pages(struct inode *i, uint64_t index, uint32_t n, const void *from)
{
	int err = srfs_write(node_of(i), index, n, from, i->size);

	if (!err) {
		list_del(&own_of(i)->late); /* its times went along */
		i->blocks = node_of(i)->attr.blocks * SECTORS;
		changed(i);
	}
	return err;
}

static int reserve(struct inode *i, uint64_t off, uint64_t len)
{
	return srfs_reserve(node_of(i), off + len > i->size ? off + len : i->size);
}

static int64_t seek(struct inode *i, uint64_t off, bool data)
{
	return srfs_seek(node_of(i), off, data);
}

static const struct inode_ops srfs_inode_ops = {.lookup = lookup,
						.create = create,
						.link = link_to,
						.unlink = unlink_it,
						.rename = rename_it,
						.readdir = readdir,
						.setattr = setattr,
						.readlink = readlink,
						.fsync = fsync,
						.read_pages = read_pages,
						.write_pages = write_pages,
						.reserve = reserve,
						.seek = seek};

/* ---- the volume ---- */

static void statfs(struct super_block *sb, struct fs_statfs *out)
{
	struct mounted *m = sb->own;

	srfs_space(m->fs, &out->blocks, &out->free);
	out->files = out->blocks;
	out->ffree = out->free;
}

static int sync_all(struct super_block *sb)
{
	struct mounted *m = sb->own;
	int err = srfs_is_read_only(m->fs) ? 0 : write_all_late(m);

	return err || srfs_is_read_only(m->fs) ? err : srfs_commit(m->fs);
}

static int remount(struct super_block *sb, bool read_only, const char *options)
{
	struct mounted *m = sb->own;

	(void)options;
	return srfs_set_read_only(m->fs, read_only);
}

static void evict(struct inode *i)
{
	struct own *o = own_of(i);
	int err = 0;

	if (!i->nlink && !i->sb->read_only) {
		list_del(&o->late);
		err = srfs_release(&o->node);
	} else {
		err = write_late(o);
	}
	if (err)
		rt_log("srfs: file %lu cannot be let go: error %d", i->ino, -err);
	srfs_node_fini(&o->node);
	rt_free(o);
}

static void unmount(struct super_block *sb)
{
	struct mounted *m = sb->own;
	int err;

	ev_timer_set(&m->timer, 0);
	err = srfs_unmount(m->fs);
	if (err)
		rt_log("srfs: %s is not left clean: error %d", m->blk->name, -err);
	rt_free(m);
}

static const struct super_ops srfs_super_ops = {
	.statfs = statfs, .sync = sync_all, .remount = remount, .evict = evict, .unmount = unmount};

static bool has_option(const char *options, const char *name)
{
	size_t len = strlen(name);
	const char *p;

	for (p = options; (p = strstr(p, name)); p += len)
		if ((p == options || p[-1] == ',') && (!p[len] || p[len] == ','))
			return true;
	return false;
}

static int mount(struct super_block *sb, const struct mount_args *args)
{
	struct srfs_dev dev = {args->dev, args->dev->sectors / SECTORS, device_run, device_flush};
	struct srfs_options o = {.read_only = args->read_only || args->dev->read_only,
				 .crate_only = has_option(args->options, "compat"),
				 .now = rt_wall()};
	struct srfs_id root = {SRFS_ROOT, SRFS_ROOT};
	struct mounted *m = rt_try_alloc(sizeof(*m));
	int err = m ? has_option(args->options, "format") ? srfs_format(&dev, &o) : 0 : W_ENOMEM;

	if (!err)
		err = srfs_mount(&dev, &o, &m->fs);
	if (err) {
		rt_free(m);
		return err;
	}
	m->sb = sb;
	m->blk = args->dev;
	m->timer.fn = aged;
	list_init(&m->late);
	sb->own = m;
	sb->ops = &srfs_super_ops;
	sb->magic = 0x73667273; /* "srfs" */
	sb->max_file_size = SRFS_FILE_MOST;
	sb->read_only = o.read_only;
	err = get_inode(sb, &root, &sb->root);
	if (err) {
		srfs_abandon(m->fs);
		rt_free(m);
	}
	return err;
}

const struct file_system srfs = {"srfs", FS_KIND_DEVICE, mount};
