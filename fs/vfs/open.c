// SPDX-License-Identifier: MIT
#include "fifo.h"
#include "make.h"
#include "ops.h"
#include "permission.h"
#include "walk.h"
#include "watch.h"

#include <fs/bdev.h>

#define ENXIO (-6)

/* ---- open ---- */

/* A link is not made but followed: where it leads nowhere, there is nothing to make. */
static int open_old(struct request *rq, uint32_t flags, struct path dir, struct dentry *d,
		    struct path *out)
{
	if (flags & FS_O_EXCL)
		return W_EEXIST;
	if (d->mounts || (is_symlink(d->inode) && !(flags & FS_O_NOFOLLOW)))
		return walk(rq, rq->bytes, 0, out);
	*out = path_get((struct path){dir.mnt, d});
	lease_visit(rq, d->inode);
	return 0;
}

/* *fresh: it was made just now, so whoever made it may open it whatever its mode. */
static int open_in(struct request *rq, uint32_t flags, struct path dir, const char *last,
		   struct path *out, bool *fresh)
{
	struct name name = {last, strlen(last)};
	struct dentry *d;
	struct new_file what;
	int err;

	d = dentry_lookup(dir.d, &name, &err);
	if (!d && err != W_ENOENT)
		return err;
	if (d && d->inode) {
		lease_visit(rq, dir.d->inode);
		err = open_old(rq, flags, dir, d, out);
	} else {
		what = make_what(rq, FS_S_IFREG | (rq->m->FS_OPEN_in_mode & 07777));
		err = make_in(rq, dir, last, &what, out);
		*fresh = !err;
	}
	if (d)
		dentry_put(d);
	return err;
}

static int open_create(struct request *rq, uint32_t flags, struct path *out, bool *fresh)
{
	size_t len = strlen(rq->bytes);
	char last[256];
	struct path dir;
	int err = walk_parent(rq, rq->bytes, &dir, last);

	if (err)
		return err;
	if (!*last || rq->bytes[len - 1] == '/') /* a directory's name */
		err = W_EISDIR;
	else
		err = open_in(rq, flags, dir, last, out, fresh);
	path_put(dir);
	if (err == W_EEXIST && !(flags & FS_O_EXCL)) /* another has just made it */
		err = walk(rq, rq->bytes, 0, out);
	return err;
}

static int check_type(const struct inode *i, uint32_t flags)
{
	uint32_t type = i->mode & FS_S_IFMT;

	if (type == FS_S_IFLNK && !(flags & FS_O_PATH))
		return W_ELOOP;
	if (flags & FS_O_DIRECTORY && type != FS_S_IFDIR)
		return W_ENOTDIR;
	if (type == FS_S_IFDIR && (flags & FS_O_ACCMODE || flags & FS_O_CREAT))
		return W_EISDIR;
	return type == FS_S_IFSOCK && !(flags & FS_O_PATH) ? ENXIO : 0;
}

static int open_allowed(struct request *rq, const struct path *p, uint32_t flags, bool fresh)
{
	const struct inode *i = p->d->inode;
	int err = check_type(i, flags);

	if (err || flags & FS_O_PATH)
		return err;
	if (!fresh && !may(rq, i, cred_open_bits(flags)))
		return W_EACCES;
	return is_file(i) && flags & FS_O_ACCMODE ? writable_here(p) : 0;
}

static int open_truncate(struct request *rq, struct path *p, uint32_t flags, bool fresh)
{
	struct content *c;
	int err;

	if (fresh || !(flags & FS_O_TRUNC) || !(flags & FS_O_ACCMODE) || !is_file(p->d->inode))
		return 0;
	c = content_of(p->d->inode);
	err = c ? c->ops->resize(p->d->inode, 0) : W_ENOMEM;
	if (!err)
		content_changed(rq, p->d->inode);
	return err;
}

/* Whoever watches wants to hear of each open. */
static bool may_park(const struct path *p, uint32_t flags)
{
	return !(flags & (FS_O_ACCMODE | FS_O_CREAT | FS_O_PATH)) && is_file(p->d->inode) &&
	       !is_watched(p->d->inode) && !(p->d->parent && is_watched(p->d->parent->inode));
}

/* A node of a block device is opened as what it stands for. */
static int open_device(struct file *f, const struct path *p)
{
	struct inode *dev;

	if ((f->inode->mode & FS_S_IFMT) != FS_S_IFBLK || f->flags & FS_O_PATH)
		return 0;
	if (p->mnt->flags & MOUNT_NODEV)
		return W_EACCES;
	dev = bdev_inode(f->inode->rdev);
	if (!dev)
		return ENXIO;
	inode_put(f->inode);
	f->inode = dev;
	return dev->sb->read_only && f->flags & FS_O_ACCMODE ? W_EROFS : 0;
}

static void opened(struct request *rq, struct path p, uint32_t flags)
{
	struct w_msg *m = rq->m;
	uint32_t slot = m->FS_OPEN_in_slot;
	struct file *f = file_new(m, &p, flags);
	int err = f ? open_device(f, &p) : W_ENOMEM;

	if (err) {
		if (f)
			w_handle_close(m->h[0]); /* whose end is the file's */
		reply(rq, err);
		return;
	}
	watch_tell(p.d, IN_OPEN);
	if ((f->inode->mode & FS_S_IFMT) == FS_S_IFIFO && !(flags & FS_O_PATH)) {
		f->fifo = true;
		m->FS_OPEN_out_slot = 0;
		fifo_open(&vfs_service, m, f->inode, flags, m->h[0]);
		return;
	}
	if (!may_park(&p, flags) || !lease_park(&f->park, m->sender, slot, f->inode))
		slot = 0;
	m->FS_OPEN_out_slot = slot;
	m->FS_OPEN_out_mode = f->inode->mode;
	m->FS_OPEN_out_size = p.d->inode->rdev ? p.d->inode->rdev : f->inode->size;
	lease_end(rq, (uint64_t *)&m->FS_OPEN_out_trail0, &m->FS_OPEN_out_sum);
	m->nh = 1;
	service_finish(&vfs_service, m, 0);
}

void op_open(struct request *rq)
{
	uint32_t flags = rq->m->FS_OPEN_in_flags;
	bool fresh = false;
	struct path p;
	int err;

	if (flags & FS_O_PATH) /* names the file: nothing is opened, made or changed */
		flags &= FS_O_PATH | FS_O_DIRECTORY | FS_O_NOFOLLOW;
	if (flags & FS_O_CREAT)
		err = open_create(rq, flags, &p, &fresh);
	else
		err = walk(rq, rq->bytes, flags & FS_O_NOFOLLOW ? WALK_NOFOLLOW : 0, &p);
	if (err) {
		reply(rq, err);
		return;
	}
	err = open_allowed(rq, &p, flags, fresh);
	if (!err)
		err = open_truncate(rq, &p, flags, fresh);
	if (err)
		reply(rq, err);
	else
		opened(rq, p, flags);
	path_put(p);
}

/* ---- to execute ---- */

static int walk_program(struct request *rq, struct path *p)
{
	int err = walk(rq, rq->bytes, 0, p);

	if (err)
		return err;
	if (is_file(p->d->inode) && may(rq, p->d->inode, MAY_X) && !(p->mnt->flags & MOUNT_NOEXEC))
		return 0;
	path_put(*p);
	return W_EACCES;
}

void op_exec(struct request *rq)
{
	struct content *c;
	w_handle_t mem;
	struct path p;
	int64_t h = walk_program(rq, &p);

	if (h) {
		reply(rq, h);
		return;
	}
	c = content_of(p.d->inode);
	h = c ? c->ops->memory(p.d->inode, &mem) : W_ENOMEM;
	if (!h)
		h = w_handle_dup(mem, W_ALL & ~(W_WRITE | W_MANAGE));
	if (h >= 0) {
		watch_tell(p.d, IN_OPEN);
		inode_accessed(p.d->inode, p.mnt->flags);
		rq->m->FS_EXEC_out_mode = p.d->inode->mode;
		if (p.mnt->flags & MOUNT_NOSUID)
			rq->m->FS_EXEC_out_mode &= ~06000u;
		rq->m->FS_EXEC_out_size = p.d->inode->size;
	}
	reply_handle(rq, h);
	path_put(p);
}

/* procd believes this, since it comes from us: the channel is to the file looked at. */
static int tell_procd(struct request *rq, const struct path *p, uint32_t uid, uint32_t gid)
{
	static w_handle_t proc;
	struct w_msg g = {.op = PROC_GRANT};
	int64_t err;

	if (!file_new(&g, p, 0))
		return W_ENOMEM;
	if (!proc)
		proc = rt_lookup("proc");
	g.nh = 1;
	g.PROC_GRANT_in_koid = rq->m->sender;
	g.PROC_GRANT_in_uid = uid;
	g.PROC_GRANT_in_gid = gid;
	err = w_chan_send(proc, &g);
	if (err < 0)
		w_handle_close(g.h[0]);
	return err < 0 ? W_EAGAIN : 0;
}

void op_grant(struct request *rq)
{
	const struct proc_cred *me = permission_cred(rq);
	uint32_t uid = ~0u, gid = ~0u;
	const struct inode *i;
	struct path p;
	int err = walk_program(rq, &p);

	if (err) {
		reply(rq, err);
		return;
	}
	i = p.d->inode;
	if (me && !(p.mnt->flags & MOUNT_NOSUID)) {
		uid = i->mode & 04000 && i->uid != me->uid ? i->uid : ~0u;
		gid = (i->mode & 02010) == 02010 && i->gid != me->gid ? i->gid : ~0u;
	}
	reply(rq, uid == ~0u && gid == ~0u ? 1 : tell_procd(rq, &p, uid, gid));
	path_put(p);
}

/* ---- about an open file ---- */

void op_flags(struct request *rq, struct file *f)
{
	struct w_msg *m = rq->m;
	uint32_t mask = m->FS_FLAGS_in_mask & (FS_O_APPEND | FS_O_NONBLOCK);

	f->flags = (f->flags & ~mask) | (m->FS_FLAGS_in_value & mask);
	m->FS_FLAGS_out_flags = f->flags;
	reply(rq, 0);
}

/* SEEK_DATA and SEEK_HOLE */
static int64_t seek_content(struct file *f, uint64_t off, bool data)
{
	struct content *c;

	if (!has_bytes(f->inode))
		return W_EINVAL;
	c = content_of(f->inode);
	return !c ? W_ENOMEM : off >= f->inode->size ? ENXIO : c->ops->seek(f->inode, off, data);
}

static int64_t seek_base(struct file *f, uint32_t whence)
{
	return whence == 0 ? 0 : whence == 1 ? (int64_t)f->off : (int64_t)f->inode->size;
}

void op_seek(struct request *rq, struct file *f)
{
	int64_t off = rq->m->FS_SEEK_in_off, to = W_EINVAL;
	uint32_t whence = rq->m->FS_SEEK_in_whence;

	if (whence == 3 || whence == 4)
		to = seek_content(f, off, whence == 3);
	else if (whence < 3 && !__builtin_add_overflow(seek_base(f, whence), off, &to))
		to = to < 0 ? W_EINVAL : to;
	else
		to = whence < 3 ? -75 /* EOVERFLOW */ : W_EINVAL;
	if (to < 0) {
		reply(rq, to);
		return;
	}
	if (is_dir(f->inode) && f->off != (uint64_t)to)
		listing_end(f);
	f->off = to;
	rq->m->FS_SEEK_out_off = to;
	reply(rq, 0);
}
