// SPDX-License-Identifier: MIT
/* mount(2) and umount2(2). */
#include "inode.h"
#include "mounts.h"
#include "ops.h"
#include "permission.h"
#include "walk.h"

#include <rt/blk.h>

enum { /* include/uapi/linux/mount.h */
       MS_REMOUNT = 32,
       MS_BIND = 4096,
       MS_MOVE = 8192,
       MS_REC = 16384,
       MS_PRIVATE = 1 << 18,
       MS_SILENT = 32768,
       PROPAGATION = 1 << 17 | 1 << 18 | 1 << 19 | 1 << 20,
       KEPT = MOUNT_RDONLY | MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC | MOUNT_NOATIME |
	      MOUNT_NODIRATIME | MOUNT_RELATIME | MOUNT_STRICTATIME,
       MNT_DETACH = 2,
};
#define ENOTBLK (-15)
#define ENXIO (-6)

struct asked { /* mount's arguments, as they were lent: NUL behind each */
	const char *source, *target, *type, *options;
	uint32_t flags;
};

static bool parse(const struct request *rq, struct asked *a)
{
	const char **to[] = {&a->source, &a->target, &a->type, &a->options};
	const char *p = rq->bytes, *end = rq->bytes + rq->m->in_len;
	uint32_t i;

	if (rq->m->in_len >= SERVICE_BYTES)
		return false;
	for (i = 0; i < 4; i++, p += strlen(p) + 1) {
		if (p > end)
			return false;
		*to[i] = p;
	}
	a->flags = rq->m->FS_MOUNT_in_flags & ~(uint32_t)MS_SILENT;
	return true;
}

static const struct file_system *kind_named(const char *name)
{
	const struct file_system *const *k;

	for (k = file_systems; *k; k++)
		if (!strcmp((*k)->name, name))
			return *k;
	return NULL;
}

/* ---- a new one ---- */

static int find_device(struct request *rq, const char *source, struct blk **out)
{
	struct path p;
	int err = walk(rq, source, 0, &p);

	if (err)
		return err;
	*out = blk_by_rdev(p.d->inode->rdev);
	if ((p.d->inode->mode & FS_S_IFMT) != FS_S_IFBLK)
		err = ENOTBLK;
	else if (!*out || !(*out)->ops)
		err = ENXIO;
	path_put(p);
	return err;
}

static bool needs_device(const struct file_system *kind, const char *source)
{
	if (kind->flags & FS_KIND_ARCHIVE && !strcmp(source, FS_ARCHIVE_SOURCE))
		return false;
	return kind->flags & FS_KIND_DEVICE;
}

static int mount_kind(struct request *rq, const struct asked *a, struct path at,
		      const struct file_system *kind)
{
	struct mount_args args = {
		.source = a->source, .options = a->options, .read_only = a->flags & MOUNT_RDONLY};
	bool device = needs_device(kind, a->source);
	int err = device ? find_device(rq, a->source, &args.dev) : 0;

	if (!err && device)
		err = args.dev->claimed_by ? W_EBUSY : blk_claim(args.dev, kind);
	if (err)
		return err;
	err = mount_new_at(at, kind, &args, a->flags & KEPT);
	if (err && device)
		blk_release(args.dev, kind);
	return err;
}

static int mount_new_one(struct request *rq, const struct asked *a, struct path at)
{
	const struct file_system *kind = kind_named(a->type);

	if (!is_dir(at.d->inode))
		return W_ENOTDIR;
	if (!strcmp(a->type, "proc"))
		return mount_service(at, "/proc");
	if (!strcmp(a->type, "devpts"))
		return mount_service(at, "/dev/pts");
	if (!strcmp(a->type, "sysfs"))
		return mount_service(at, SYS_SERVICE);
	return kind ? mount_kind(rq, a, at, kind) : W_ENODEV;
}

/* ---- one that is there ---- */

static int bind(struct request *rq, const struct asked *a, struct path at)
{
	struct path from;
	int err = a->flags & MS_REC ? W_EINVAL : walk(rq, a->source, 0, &from);

	if (err)
		return err;
	err = is_dir(from.d->inode) != is_dir(at.d->inode)
		      ? W_ENOTDIR
		      : mount_add(at, from.d->sb, from.d, from.mnt->flags, from.mnt->source);
	path_put(from);
	return err;
}

static int remount(const struct asked *a, struct path at)
{
	struct super_block *sb = at.d->sb;
	bool read_only = a->flags & MOUNT_RDONLY;
	int err = at.d == at.mnt->root ? 0 : W_EINVAL;

	if (!err && !(a->flags & MS_BIND) && read_only != sb->read_only) {
		err = read_only ? super_sync(sb) : 0;
		if (!err)
			err = sb->ops->remount(sb, read_only, a->options);
		if (!err)
			sb->read_only = read_only;
	}
	if (!err)
		at.mnt->flags = a->flags & KEPT;
	return err;
}

static int mount_at(struct request *rq, const struct asked *a, struct path at)
{
	if (a->flags & PROPAGATION) /* every mount is private: others do not follow it */
		return (a->flags & PROPAGATION) == MS_PRIVATE ? 0 : W_EINVAL;
	if (a->flags & MS_MOVE)
		return W_EINVAL;
	if (a->flags & MS_REMOUNT)
		return remount(a, at);
	return a->flags & MS_BIND ? bind(rq, a, at) : mount_new_one(rq, a, at);
}

void op_mount(struct request *rq)
{
	struct asked a;
	struct path at;
	int err = !parse(rq, &a) ? W_EINVAL : may_all(rq) ? walk(rq, a.target, 0, &at) : W_EPERM;

	if (err) {
		reply(rq, err);
		return;
	}
	err = mount_at(rq, &a, at);
	path_put(at);
	mounts_show(vfs_view);
	reply(rq, err);
}

void op_umount(struct request *rq)
{
	struct path p;
	int err = may_all(rq) ? walk(rq, rq->bytes, 0, &p) : W_EPERM;
	struct mount *m;

	if (err) {
		reply(rq, err);
		return;
	}
	m = p.mnt;
	err = p.d == m->root ? 0 : W_EINVAL;
	dentry_put(p.d); /* the reference of the mount is mount_remove()'s to know */
	if (!err)
		err = mount_remove(m, rq->m->FS_UMOUNT_in_flags & MNT_DETACH);
	mount_put(m);
	mounts_show(vfs_view);
	reply(rq, err);
}
