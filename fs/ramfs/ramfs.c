// SPDX-License-Identifier: MIT
/*
 * Files in memory.  Names and pages are the service's (FS_KIND_MEMORY): what is left is to
 * number files, to keep attributes and to count links.
 */
#include <fs/file_system.h>
#include <lib/string.h>

#define RAMFS_MAGIC 0x858458f6 /* statfs(2) */
#define FILES_MOST (1ull << 20)

struct ramfs {
	uint64_t next_ino, files;
};

static const struct inode_ops ramfs_inode_ops;

static struct inode *new_inode(struct super_block *sb, const struct new_file *what)
{
	struct ramfs *r = sb->own;
	struct inode *i =
		r->files < FILES_MOST ? inode_new(sb, r->next_ino, &ramfs_inode_ops) : NULL;

	if (!i)
		return NULL;
	r->next_ino++;
	r->files++;
	i->mode = what->mode;
	i->uid = what->uid;
	i->gid = what->gid;
	i->rdev = what->rdev;
	i->nlink = is_dir(i) ? 2 : 1;
	i->atime = i->mtime = i->ctime = what->now;
	return i;
}

static int set_target(struct inode *i, const char *target)
{
	size_t len = strlen(target);
	char *to = rt_try_alloc(len + 1);

	if (!to)
		return W_ENOSPC;
	memcpy(to, target, len + 1);
	i->own = to;
	i->size = len;
	return 0;
}

static int ramfs_create(struct inode *dir, const struct name *name, const struct new_file *what,
			struct inode **out)
{
	struct inode *i = new_inode(dir->sb, what);

	(void)name;
	if (!i)
		return W_ENOSPC;
	if (is_symlink(i) && set_target(i, what->target)) {
		inode_put(i);
		return W_ENOSPC;
	}
	if (is_dir(i))
		dir->nlink++;
	*out = i;
	return 0;
}

static int ramfs_link(struct inode *dir, const struct name *name, struct inode *target)
{
	(void)dir;
	(void)name;
	target->nlink++;
	target->ctime = rt_wall();
	return 0;
}

static void name_lost(struct inode *dir, struct inode *i)
{
	if (is_dir(i))
		dir->nlink--;
	i->nlink -= is_dir(i) ? 2 : 1;
	i->ctime = rt_wall();
}

static int ramfs_unlink(struct inode *dir, const struct name *name, struct inode *victim)
{
	(void)name;
	name_lost(dir, victim);
	return 0;
}

static int ramfs_rename(struct inode *from_dir, const struct name *from, struct inode *what,
			struct inode *to_dir, const struct name *to, struct inode *replaced,
			uint32_t flags)
{
	(void)from;
	(void)to;
	if (replaced && !(flags & RENAME_EXCHANGE))
		name_lost(to_dir, replaced);
	if (is_dir(what)) {
		from_dir->nlink--;
		to_dir->nlink++;
	}
	if (replaced && flags & RENAME_EXCHANGE && is_dir(replaced)) {
		from_dir->nlink++;
		to_dir->nlink--;
	}
	return 0;
}

static int ramfs_setattr(struct inode *i, uint32_t what, const struct attr *a)
{
	if (what & FS_SET_MODE)
		i->mode = a->mode;
	if (what & FS_SET_UID)
		i->uid = a->uid;
	if (what & FS_SET_GID)
		i->gid = a->gid;
	if (what & FS_SET_ATIME)
		i->atime = a->atime;
	if (what & FS_SET_MTIME)
		i->mtime = a->mtime;
	if (what & ATTR_CTIME)
		i->ctime = a->ctime;
	return 0;
}

static int ramfs_readlink(struct inode *i, char *to, size_t size)
{
	strlcpy(to, i->own, size);
	return 0;
}

static const struct inode_ops ramfs_inode_ops = {
	.create = ramfs_create,
	.link = ramfs_link,
	.unlink = ramfs_unlink,
	.rename = ramfs_rename,
	.setattr = ramfs_setattr,
	.readlink = ramfs_readlink,
};

/* ---- the whole ---- */

static void ramfs_statfs(struct super_block *sb, struct fs_statfs *out)
{
	struct ramfs *r = sb->own;

	memory_statfs(out);
	out->files = FILES_MOST;
	out->ffree = FILES_MOST - r->files;
}

static int ramfs_sync(struct super_block *sb)
{
	(void)sb;
	return 0;
}

static int ramfs_remount(struct super_block *sb, bool read_only, const char *options)
{
	(void)sb;
	(void)read_only;
	(void)options;
	return 0;
}

static void ramfs_evict(struct inode *i)
{
	struct ramfs *r = i->sb->own;

	r->files--;
	rt_free(i->own);
}

static void ramfs_unmount(struct super_block *sb)
{
	rt_free(sb->own);
}

static const struct super_ops ramfs_super_ops = {.statfs = ramfs_statfs,
						 .sync = ramfs_sync,
						 .remount = ramfs_remount,
						 .evict = ramfs_evict,
						 .unmount = ramfs_unmount};

static int ramfs_mount(struct super_block *sb, const struct mount_args *args)
{
	struct new_file root = {.mode = FS_S_IFDIR | 0755, .now = rt_wall()};
	struct ramfs *r = rt_try_alloc(sizeof(*r));

	(void)args;
	if (!r)
		return W_ENOMEM;
	r->next_ino = 1;
	sb->own = r;
	sb->ops = &ramfs_super_ops;
	sb->magic = RAMFS_MAGIC;
	sb->root = new_inode(sb, &root);
	if (sb->root)
		return 0;
	rt_free(r);
	return W_ENOMEM;
}

const struct file_system ramfs = {"tmpfs", FS_KIND_MEMORY, ramfs_mount};
