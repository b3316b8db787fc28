// SPDX-License-Identifier: MIT
/*
 * flatfs as a file system of the file service: read-only, in place.  On a device pages are
 * read when they are wanted; of the boot archive (source "archive") readers get the very pages
 * of the image.
 */
#include "tree.h"

#include <fs/file_system.h>
#include <lib/string.h>
#include <rt/blk.h>

#define COOKIE_FIRST 2	    /* of the service; ours are nodes' numbers on top */
#define WINDOW (2 * W_PAGE) /* of headers and names, whatever their place */

struct flatfs_mounted {
	struct flatfs image;
	struct flat_tree tree;
	struct blk *blk;		       /* NULL: */
	const struct fs_boot_archive *archive; /* it is this one */
	uint64_t now;			       /* all times: the image has none */
	/* while the tree is made: the window's bytes */
	char *window;
	uint64_t window_at, window_len;
	int err;
};

static const struct inode_ops flatfs_inode_ops;

/* ---- bytes of the image ---- */

static int read_blocks(struct blk *b, uint64_t off, void *to, uint64_t n)
{
	return blk_read(b, off / BLK_SECTOR, to, n);
}

static uint64_t device_bytes(const struct flatfs_mounted *m)
{
	return m->blk->sectors * BLK_SECTOR;
}

/* Any bytes, by way of whole blocks in a buffer of ours. */
static int read_around(struct flatfs_mounted *m, uint64_t off, void *to, uint64_t n)
{
	uint64_t block = m->blk->block_size, first = off / block * block;
	uint64_t end = (off + n + block - 1) / block * block;
	char *buf;
	int err;

	if (end > device_bytes(m))
		return W_EIO;
	buf = rt_try_alloc(end - first);
	err = buf ? read_blocks(m->blk, first, buf, end - first) : W_ENOMEM;
	if (!err)
		memcpy(to, buf + (off - first), n);
	rt_free(buf);
	return err;
}

static int copy(void *self, uint64_t off, void *to, uint64_t n)
{
	struct flatfs_mounted *m = self;

	if (!m->archive)
		return read_around(m, off, to, n);
	memcpy(to, (const char *)m->archive->at + off, n);
	return 0;
}

/* One page and its neighbour: headers are 40 bytes, names hardly longer. */
static const void *window(void *self, uint64_t off, uint64_t len)
{
	struct flatfs_mounted *m = self;
	uint64_t start = off / W_PAGE * W_PAGE;

	if (off - start + len > WINDOW)
		return NULL;
	if (start != m->window_at || off + len > m->window_at + m->window_len) {
		m->window_at = start;
		m->window_len = device_bytes(m) - start < WINDOW ? device_bytes(m) - start : WINDOW;
		m->err = read_blocks(m->blk, start, m->window, m->window_len);
		if (m->err) {
			m->window_len = 0;
			return NULL;
		}
	}
	return m->window + (off - start);
}

static int open_image(struct flatfs_mounted *m)
{
	int err;

	if (m->archive)
		return flatfs_open(&m->image, m->archive->at, m->archive->len);
	m->window = rt_try_alloc(WINDOW);
	if (!m->window)
		return W_ENOMEM;
	m->window_at = ~0ull;
	err = flatfs_open_at(&m->image, window, m, device_bytes(m));
	return m->err ? m->err : err;
}

static int read_tree(struct flatfs_mounted *m)
{
	int err = open_image(m);

	if (!err)
		err = flatfs_check(&m->image);
	if (!err)
		err = flat_tree_begin(&m->tree);
	if (!err)
		err = flat_tree_fill(&m->tree, &m->image, copy, m);
	if (!err && m->tree.left_out + m->tree.bad_lines)
		rt_log("flatfs: %u files and %u lines of %s cannot be shown", m->tree.left_out,
		       m->tree.bad_lines, FLATMETA_NAME);
	rt_free(m->window);
	m->window = NULL;
	return m->err ? m->err : err;
}

/* ---- files ---- */

static struct flatfs_mounted *mounted_of(const struct inode *i)
{
	return i->sb->own;
}

static struct flat_node *node_of(const struct inode *i)
{
	return &mounted_of(i)->tree.node[i->ino - 1];
}

static int get_inode(struct super_block *sb, uint32_t node, struct inode **out)
{
	struct flatfs_mounted *m = sb->own;
	struct flat_node *n = &m->tree.node[node];
	struct inode *i = inode_find(sb, node + 1);

	*out = i;
	if (i)
		return 0;
	i = inode_new(sb, node + 1, &flatfs_inode_ops);
	if (!i)
		return W_ENOMEM;
	i->mode = n->mode;
	i->uid = n->uid;
	i->gid = n->gid;
	i->rdev = n->rdev;
	i->nlink = is_dir(i) ? 2 + n->subdirs : 1;
	i->size = is_dir(i) ? W_PAGE : n->len;
	i->blocks = is_file(i) ? (n->len + 511) / 512 : 0;
	i->atime = i->mtime = i->ctime = m->now;
	if (m->archive && is_file(i))
		inode_borrow(i, m->archive->mem, m->archive->off + n->off,
			     (const char *)m->archive->at + n->off);
	*out = i;
	return 0;
}

static int flatfs_lookup(struct inode *dir, const struct name *name, struct inode **out)
{
	uint32_t i = flat_tree_child(&mounted_of(dir)->tree, dir->ino - 1, name->bytes, name->len);

	return i ? get_inode(dir->sb, i, out) : W_ENOENT;
}

static int flatfs_readdir(struct inode *dir, uint64_t cookie, readdir_emit emit, void *to)
{
	const struct flat_tree *t = &mounted_of(dir)->tree;
	uint32_t i = cookie == COOKIE_FIRST ? node_of(dir)->first : cookie - COOKIE_FIRST;
	const struct flat_node *n;
	struct name name;

	if (cookie - COOKIE_FIRST >= t->n)
		return 0;
	for (; i && t->node[i].parent == dir->ino - 1; i = n->next) {
		n = &t->node[i];
		name = (struct name){n->name, n->name_len};
		if (!emit(to, &name, i + 1, n->mode, COOKIE_FIRST + (n->next ? n->next : t->n)))
			break;
	}
	return 0;
}

static int flatfs_readlink(struct inode *i, char *to, size_t size)
{
	strlcpy(to, node_of(i)->target, size);
	return 0;
}

static int flatfs_setattr(struct inode *i, uint32_t what, const struct attr *a)
{
	(void)i;
	(void)what;
	(void)a;
	return W_EROFS;
}

/* mkflatfs lets large files begin on pages: then no byte is copied. */
static int flatfs_read_pages(struct inode *i, uint64_t index, uint32_t n, void *to)
{
	struct flatfs_mounted *m = mounted_of(i);
	uint64_t pos = index * W_PAGE, room = (uint64_t)n * W_PAGE, off = node_of(i)->off + pos;
	uint64_t len = pos < i->size ? i->size - pos : 0;

	if (len > room)
		len = room;
	memset((char *)to + len, 0, room - len);
	if (!len)
		return 0;
	if (off % m->blk->block_size || len % m->blk->block_size)
		return read_around(m, off, to, len);
	return read_blocks(m->blk, off, to, len);
}

static const struct inode_ops flatfs_inode_ops = {
	.lookup = flatfs_lookup,
	.readdir = flatfs_readdir,
	.setattr = flatfs_setattr,
	.readlink = flatfs_readlink,
	.read_pages = flatfs_read_pages,
};

/* ---- the whole ---- */

static void flatfs_statfs(struct super_block *sb, struct fs_statfs *out)
{
	struct flatfs_mounted *m = sb->own;

	out->blocks = (m->image.len + W_PAGE - 1) / W_PAGE;
	out->files = m->tree.n;
}

static int flatfs_sync(struct super_block *sb)
{
	(void)sb;
	return 0;
}

static int flatfs_remount(struct super_block *sb, bool read_only, const char *options)
{
	(void)sb;
	(void)options;
	return read_only ? 0 : W_EROFS;
}

static void flatfs_evict(struct inode *i)
{
	(void)i;
}

static void free_mounted(struct flatfs_mounted *m)
{
	flat_tree_free(&m->tree);
	rt_free(m);
}

static void flatfs_unmount(struct super_block *sb)
{
	free_mounted(sb->own);
}

static const struct super_ops flatfs_super_ops = {.statfs = flatfs_statfs,
						  .sync = flatfs_sync,
						  .remount = flatfs_remount,
						  .evict = flatfs_evict,
						  .unmount = flatfs_unmount};

static int flatfs_mount(struct super_block *sb, const struct mount_args *args)
{
	struct flatfs_mounted *m = rt_try_alloc(sizeof(*m));
	int err;

	if (!m)
		return W_ENOMEM;
	m->blk = args->dev;
	m->archive = args->dev ? NULL : fs_boot_archive();
	m->now = rt_wall();
	err = read_tree(m);
	sb->own = m;
	sb->ops = &flatfs_super_ops;
	sb->magic = (uint32_t)FLATFS_MAGIC;
	sb->read_only = true;
	if (!err)
		err = get_inode(sb, FLAT_ROOT, &sb->root);
	if (err)
		free_mounted(m);
	return err;
}

const struct file_system flatfs = {"flatfs", FS_KIND_DEVICE | FS_KIND_ARCHIVE, flatfs_mount};
