// SPDX-License-Identifier: MIT
/*
 * The file service: the root file system for everybody.  Channel badge 0 takes
 * paths; every open makes a channel whose badge is its struct ofile, which is
 * freed when the last handle anywhere is gone.
 */
#include "cred.h"
#include "fifo.h"
#include "lease.h"
#include "lock.h"
#include "mqueue.h"
#include "watch.h"

#include <lib/flatfs.h>
#include <rt/module.h>

#define META "etc/wherry/meta"

struct ofile {
	struct node *n;
	uint64_t off;
	uint32_t flags;
	bool fifo; /* counted there */
	struct parking park;
	struct watcher *watcher; /* an inotify instance: no node */
};

static struct service service;
static uint64_t now_ns(void)
{
	return rt_wall();
}

static void reply(struct w_msg *m, int64_t status)
{
	m->nh = 0;
	service_finish(&service, m, status);
}

/* h: a handle that is given away, or the error. */
static void reply_handle(struct w_msg *m, int64_t h)
{
	if (h < 0) {
		reply(m, h);
		return;
	}
	m->h[0] = h;
	m->nh = 1;
	service_finish(&service, m, 0);
}

/* ---- open ---- */

/* An open file of n (NULL: of none), with its channel in m->h[0]; NULL: no memory. */
static struct ofile *ofile_new(struct w_msg *m, struct node *n, uint32_t flags)
{
	struct ofile *f = rt_try_alloc(sizeof(*f));

	m->h[0] = f ? service_mint(&service, (uint64_t)f) : 0;
	if (!m->h[0]) {
		rt_free(f);
		return NULL;
	}
	f->n = n;
	f->flags = flags;
	if (n)
		n->opens++;
	return f;
}

/* *fresh: it was made just now, so whoever made it may open it whatever its mode. */
static int open_create(const char *path, uint32_t flags, uint32_t mode, struct node **out,
		       bool *fresh)
{
	char last[256];
	struct node *dir;
	size_t len = strlen(path);
	int err;

	if (len && path[len - 1] == '/') { /* a directory's name */
		err = ramfs_walk(ramfs_root, path, false, &dir, last);
		return err ? err : W_EISDIR;
	}
	err = ramfs_walk(ramfs_root, path, flags & (FS_O_NOFOLLOW | FS_O_EXCL), out, NULL);
	if (!err)
		return flags & FS_O_EXCL ? W_EEXIST : 0;
	if (err != W_ENOENT)
		return err;
	err = ramfs_walk(ramfs_root, path, false, &dir, last);
	if (!err && !*last)
		err = W_EISDIR;
	if (err)
		return err;
	if (ramfs_child(dir, last)) /* a dangling link: its target's parent would be next */
		return W_ENOENT;
	*fresh = true;
	return ramfs_create(dir, last, FS_S_IFREG | (mode & 07777), out);
}

static int open_check(struct node *n, uint32_t flags)
{
	uint32_t type = n->mode & FS_S_IFMT;

	if (type == FS_S_IFLNK && !(flags & FS_O_PATH))
		return W_ELOOP;
	if (flags & FS_O_DIRECTORY && type != FS_S_IFDIR)
		return W_ENOTDIR;
	if (type == FS_S_IFDIR && (flags & FS_O_ACCMODE || flags & FS_O_CREAT))
		return W_EISDIR;
	return type == FS_S_IFSOCK && !(flags & FS_O_PATH) ? -6 : 0; /* ENXIO */
}

static bool open_permitted(const struct node *n, uint32_t flags)
{
	return flags & FS_O_PATH || cred_may(n, cred_open_bits(flags));
}

/* Whoever watches wants to hear of each open. */
static bool may_park(const struct node *named, uint32_t flags)
{
	const struct node *n = named->hard ? named->hard : named;

	return !(flags & (FS_O_ACCMODE | FS_O_CREAT | FS_O_PATH)) &&
	       (n->mode & FS_S_IFMT) == FS_S_IFREG && list_is_empty(&n->watches) &&
	       (!named->parent || list_is_empty(&named->parent->watches));
}

/* The slot, or 0. */
static uint32_t open_parkable(const struct w_msg *m, struct ofile *f)
{
	uint32_t slot = m->FS_OPEN_in_slot;

	return lease_park(&f->park, m->sender, slot, &f->n) ? slot : 0;
}

static void op_open(struct w_msg *m, const char *path)
{
	uint32_t flags = m->FS_OPEN_in_flags;
	struct node *n, *named = NULL;
	bool fresh = false;
	struct ofile *f;
	int err;

	if (flags & FS_O_PATH) /* names the file: nothing is opened, made or changed */
		flags &= FS_O_PATH | FS_O_DIRECTORY | FS_O_NOFOLLOW;
	if (flags & FS_O_CREAT)
		err = open_create(path, flags, m->FS_OPEN_in_mode, &n, &fresh);
	else
		err = ramfs_walk(ramfs_root, path, flags & FS_O_NOFOLLOW, &n, NULL);
	if (!err) {
		named = n;
		n = ramfs_data(n);
		err = open_check(n, flags);
	}
	if (!err && !fresh && !open_permitted(n, flags))
		err = W_EACCES;
	if (!err && flags & FS_O_TRUNC && flags & FS_O_ACCMODE &&
	    (n->mode & FS_S_IFMT) == FS_S_IFREG)
		err = ramfs_resize(n, 0);
	f = err ? NULL : ofile_new(m, n, flags);
	if (!f) {
		reply(m, err ? err : W_ENOMEM);
		return;
	}
	watch_tell(n, IN_OPEN);
	if ((n->mode & FS_S_IFMT) == FS_S_IFIFO && !(flags & FS_O_PATH)) {
		f->fifo = true;
		m->FS_OPEN_out_slot = 0;
		fifo_open(&service, m, n, flags, m->h[0]);
		return;
	}
	m->FS_OPEN_out_slot = may_park(named, flags) ? open_parkable(m, f) : 0;
	m->FS_OPEN_out_mode = n->mode;
	m->FS_OPEN_out_size = n->rdev ? n->rdev : n->size;
	lease_end((uint64_t *)&m->FS_OPEN_out_trail0, &m->FS_OPEN_out_sum);
	m->nh = 1;
	service_finish(&service, m, 0);
}

/* ---- bytes ---- */

static void op_read(struct w_msg *m, struct ofile *f)
{
	uint64_t off = m->FS_READ_in_off, n;
	bool own = off == FS_OWN_OFFSET;

	if ((f->n->mode & FS_S_IFMT) == FS_S_IFDIR) {
		reply(m, W_EISDIR);
		return;
	}
	if ((f->flags & FS_O_ACCMODE) == FS_O_WRONLY) {
		reply(m, W_EBADH);
		return;
	}
	if (own)
		off = f->off;
	n = off < f->n->size ? f->n->size - off : 0;
	if (n > m->out_len)
		n = m->out_len;
	if (service_reply_bytes(&service, m, n, n ? ramfs_bytes(f->n) + off : NULL, n) >= 0 && own)
		f->off = off + n;
}

static void op_write(struct w_msg *m, struct ofile *f)
{
	uint64_t off = m->FS_WRITE_in_off;
	bool own = off == FS_OWN_OFFSET;
	char *to;
	int err;

	if (!(f->flags & FS_O_ACCMODE)) {
		reply(m, W_EBADH);
		return;
	}
	if (f->flags & FS_O_APPEND)
		off = f->n->size;
	else if (own)
		off = f->off;
	to = ramfs_writable(f->n, off, m->in_len, &err);
	if (!to) {
		reply(m, err);
		return;
	}
	err = m->in_len ? w_msg_copy(service.port, m->txn, 0, to, m->in_len, 0) : 0;
	if (err < 0) {
		reply(m, err == W_ENOMEM ? W_ENOSPC : W_EFAULT);
		return;
	}
	if (off + m->in_len > f->n->size && m->in_len) {
		f->n->size = off + m->in_len;
		ramfs_sized(f->n);
	}
	f->n->mtime = f->n->ctime = now_ns();
	lease_changed(f->n);
	if (m->in_len)
		watch_tell(f->n, IN_MODIFY);
	if (own)
		f->off = off + m->in_len;
	m->FS_WRITE_out_size = f->n->size;
	reply(m, m->in_len);
}

static void op_seek(struct w_msg *m, struct ofile *f)
{
	int64_t off = m->FS_SEEK_in_off, base;

	switch (m->FS_SEEK_in_whence) {
	case 0:
		base = 0;
		break;
	case 1:
		base = f->off;
		break;
	case 2:
		base = f->n->size;
		break;
	case 3: /* SEEK_DATA: everything is data */
	case 4:
		if ((uint64_t)off >= f->n->size) {
			reply(m, -6); /* ENXIO */
			return;
		}
		base = m->FS_SEEK_in_whence == 4 ? (int64_t)f->n->size - off : 0;
		break;
	default:
		reply(m, W_EINVAL);
		return;
	}
	if (base + off < 0) {
		reply(m, W_EINVAL);
		return;
	}
	f->off = base + off;
	m->FS_SEEK_out_off = f->off;
	reply(m, 0);
}

static void op_truncate(struct w_msg *m, struct ofile *f, const char *path)
{
	struct node *n = f ? f->n : NULL;
	int err = 0;

	if (!f)
		err = ramfs_walk(ramfs_root, path, false, &n, NULL);
	if (!err && !f && !cred_may(ramfs_data(n), MAY_W))
		err = W_EACCES;
	else if (f && !(f->flags & FS_O_ACCMODE))
		err = W_EINVAL;
	if (!err) {
		n = ramfs_data(n);
		err = (n->mode & FS_S_IFMT) == FS_S_IFDIR   ? W_EISDIR
		      : (int64_t)m->FS_TRUNCATE_in_size < 0 ? W_EINVAL
							    : 0;
	}
	if (!err)
		err = ramfs_resize(n, m->FS_TRUNCATE_in_size);
	if (!err)
		watch_tell(n, IN_MODIFY);
	reply(m, err);
}

static void op_mmap(struct w_msg *m, struct ofile *f)
{
	w_handle_t mem;
	int64_t h;
	int err = (f->n->mode & FS_S_IFMT) == FS_S_IFREG ? ramfs_memory(f->n, &mem) : W_ENODEV;

	if (err) {
		reply(m, err);
		return;
	}
	h = w_handle_dup(mem, f->n->mem_own && (f->flags & FS_O_ACCMODE) == FS_O_RDWR
				      ? W_ALL & ~W_MANAGE
				      : W_ALL & ~(W_WRITE | W_MANAGE));
	m->FS_MMAP_out_size = f->n->size;
	ramfs_accessed(f->n);
	reply_handle(m, h);
}

static void op_exec(struct w_msg *m, const char *path)
{
	w_handle_t mem;
	struct node *n;
	int64_t h;
	int err = ramfs_walk(ramfs_root, path, false, &n, NULL);

	if (!err) {
		n = ramfs_data(n);
		err = (n->mode & FS_S_IFMT) != FS_S_IFREG || !cred_may(n, MAY_X) ? W_EACCES : 0;
	}
	if (!err)
		err = ramfs_memory(n, &mem);
	h = err ? err : w_handle_dup(mem, W_ALL & ~(W_WRITE | W_MANAGE));
	if (h >= 0) {
		watch_tell(n, IN_OPEN);
		ramfs_accessed(n);
		m->FS_EXEC_out_mode = n->mode;
		m->FS_EXEC_out_size = n->size;
	}
	reply_handle(m, h);
}

/* What reads come from, so that they need not come here. */
static void op_content(struct w_msg *m, struct ofile *f)
{
	w_handle_t mem;
	int64_t h = W_EINVAL;

	if ((f->flags & FS_O_ACCMODE) != FS_O_WRONLY && (f->n->mode & FS_S_IFMT) == FS_S_IFREG)
		h = ramfs_content(f->n, &mem);
	if (!h)
		h = w_handle_dup(mem, W_READ | W_DUP);
	reply_handle(m, h);
}

/* ---- names ---- */

static void op_stat(struct w_msg *m, struct ofile *f, const char *path)
{
	struct fs_stat st;
	struct node *n = f ? f->n : NULL;
	int err = 0;

	if (m->in_len || !f) {
		err = ramfs_walk(ramfs_root, path, m->FS_STAT_in_nofollow, &n, NULL);
		m->FS_STAT_out_trail0 = 0;
		if (!err || err == W_ENOENT)
			lease_end((uint64_t *)&m->FS_STAT_out_trail0, &m->FS_STAT_out_sum);
	}
	if (err) {
		reply(m, err);
		return;
	}
	n = ramfs_data(n);
	st = (struct fs_stat){.ino = n->ino,
			      .size = n->size,
			      .blocks = (n->size + 511) / 512,
			      .mode = n->mode,
			      .nlink = n->nlink,
			      .uid = n->uid,
			      .gid = n->gid,
			      .atime = n->atime,
			      .mtime = n->mtime,
			      .ctime = n->ctime,
			      .rdev = n->rdev,
			      .dev = 1};
	service_finish_bytes(&service, m, 0, &st, sizeof(st));
}

static size_t put_dirent(char *buf, size_t room, uint64_t ino, uint64_t next, uint32_t mode,
			 const char *name)
{
	size_t len = (offsetof(struct fs_dirent, name) + strlen(name) + 1 + 7) & ~7ul;
	struct fs_dirent *d = (struct fs_dirent *)buf;

	if (len > room)
		return 0;
	d->ino = ino;
	d->next = next;
	d->len = len;
	d->type = (mode & FS_S_IFMT) >> 12;
	strlcpy(d->name, name, len - offsetof(struct fs_dirent, name));
	return len;
}

/* A cookie is 2 + the seat of the last entry: they are in that order, so making, deleting and
 * renaming some never makes a listing skip others. */
static void op_readdir(struct w_msg *m, struct ofile *f)
{
	size_t room = m->out_len < SERVICE_BYTES ? m->out_len : SERVICE_BYTES, used = 0, len;
	struct node *n;
	struct list *l;

	if ((f->n->mode & FS_S_IFMT) != FS_S_IFDIR) {
		reply(m, W_ENOTDIR);
		return;
	}
	if (f->off == 0 && (len = put_dirent(service.bytes, room, f->n->ino, 1, FS_S_IFDIR, "."))) {
		used += len;
		f->off = 1;
	}
	if (f->off == 1 &&
	    (len = put_dirent(service.bytes + used, room - used,
			      f->n->parent ? f->n->parent->ino : f->n->ino, 2, FS_S_IFDIR, ".."))) {
		used += len;
		f->off = 2;
	}
	list_for_each (l, &f->n->children) {
		n = list_entry(l, struct node, sibling);
		if (f->off < 2 || n->seat + 2 <= f->off)
			continue;
		len = put_dirent(service.bytes + used, room - used, ramfs_data(n)->ino, n->seat + 2,
				 n->mode, n->name);
		if (!len)
			break;
		used += len;
		f->off = n->seat + 2;
	}
	if (!used && f->off < 2)
		reply(m, W_EINVAL);
	else
		service_reply_bytes(&service, m, used, service.bytes, used);
}

/*
 * The directory and the name of what is to be made.  A slash at the end is for directories:
 * there is nothing else behind it, and nothing else can be made there.
 */
static int walk_new(const char *path, bool is_dir, struct node **dir, char last[256])
{
	struct node *n;
	size_t len = strlen(path);
	int err = ramfs_walk(ramfs_root, path, false, dir, last);

	if (err || is_dir || !*last || !len || path[len - 1] != '/')
		return err;
	err = ramfs_walk(ramfs_root, path, false, &n, NULL);
	return !err || err == W_ENOTDIR ? W_EEXIST : err;
}

static int make(const char *path, uint32_t mode, struct node **out)
{
	char last[256];
	struct node *dir;
	int err = walk_new(path, (mode & FS_S_IFMT) == FS_S_IFDIR, &dir, last);

	if (err)
		return err;
	return *last ? ramfs_create(dir, last, mode, out) : W_EEXIST;
}

static void op_unlink(struct w_msg *m, const char *path)
{
	struct node *n;
	size_t len = strlen(path);
	int err = ramfs_walk(ramfs_root, path, true, &n, NULL);

	if (!err && m->FS_UNLINK_in_rmdir && len && path[len - 1] == '.' &&
	    (len == 1 || path[len - 2] == '/'))
		err = W_EINVAL;
	reply(m, err ? err : ramfs_unlink(n, m->FS_UNLINK_in_rmdir));
}

/* "first NUL second": the second, or NULL when the client sent only one. */
static const char *second_of(const struct w_msg *m, const char *bytes)
{
	size_t first = strlen(bytes);

	return first < m->in_len ? bytes + first + 1 : NULL;
}

static void op_rename(struct w_msg *m, const char *from)
{
	const char *to = second_of(m, from);
	struct node *n, *dir;
	char last[256];
	int err = to ? ramfs_walk(ramfs_root, from, true, &n, NULL) : W_EINVAL;

	if (!err)
		err = ramfs_walk(ramfs_root, to, false, &dir, last);
	if (!err && *last && (n->mode & FS_S_IFMT) != FS_S_IFDIR && to[strlen(to) - 1] == '/')
		err = W_ENOTDIR;
	reply(m, err ? err : ramfs_rename(n, dir, last, m->FS_RENAME_in_noreplace));
}

/* As Linux with fs.protected_hardlinks: no names for what one could not copy. */
static bool link_permitted(const struct node *n)
{
	return cred_owns(n) || ((n->mode & FS_S_IFMT) == FS_S_IFREG && !(n->mode & 04000) &&
				cred_may(n, MAY_R | MAY_W));
}

static void op_link(struct w_msg *m, const char *from)
{
	const char *to = second_of(m, from);
	struct node *n, *dir;
	char last[256];
	int err = to ? ramfs_walk(ramfs_root, from, !m->FS_LINK_in_follow, &n, NULL) : W_EINVAL;

	if (!err)
		err = walk_new(to, false, &dir, last);
	if (!err && !*last)
		err = W_EEXIST;
	if (!err && !link_permitted(ramfs_data(n)))
		err = W_EPERM;
	reply(m, err ? err : ramfs_link(n, dir, last));
}

static int make_symlink(const char *target, const char *path)
{
	struct node *n;
	int err = make(path, FS_S_IFLNK | 0777, &n);

	if (err)
		return err;
	n->size = strlen(target);
	n->target = rt_try_alloc(n->size + 1);
	if (!n->target) {
		ramfs_unlink(n, false);
		return W_ENOSPC;
	}
	memcpy(n->target, target, n->size + 1);
	return 0;
}

static void op_symlink(struct w_msg *m, const char *target)
{
	const char *path = second_of(m, target);

	reply(m, path && *target ? make_symlink(target, path) : W_ENOENT);
}

static void op_readlink(struct w_msg *m, const char *path)
{
	struct node *n;
	int err = ramfs_walk(ramfs_root, path, true, &n, NULL);

	if (!err && (n->mode & FS_S_IFMT) != FS_S_IFLNK)
		err = W_EINVAL;
	if (err)
		reply(m, err);
	else
		service_finish_bytes(&service, m, n->size, n->target, n->size);
}

static void op_mkdir(struct w_msg *m, const char *path)
{
	struct node *n;

	reply(m, make(path, FS_S_IFDIR | (m->FS_MKDIR_in_mode & 07777), &n));
}

/* nofollow: the last component need not exist, and is not followed. */
static void op_resolve(struct w_msg *m, const char *path)
{
	char last[256] = "", *out = service.bytes + RAMFS_PATH;
	struct node *n;
	int err;

	if (m->in_len >= RAMFS_PATH) {
		reply(m, W_ENAMETOOLONG);
		return;
	}
	err = ramfs_walk(ramfs_root, path, false, &n, m->FS_RESOLVE_in_nofollow ? last : NULL);
	if (err == W_EXDEV) {
		service_reply_bytes(&service, m, 1, ramfs_elsewhere, strlen(ramfs_elsewhere));
		return;
	}
	if (!err && !ramfs_path(n, out, RAMFS_PATH))
		err = W_ENOENT;
	if (!err && *last) {
		size_t len = strlen(out);

		if (len + strlen(last) + 2 > RAMFS_PATH)
			err = W_ENAMETOOLONG;
		else
			fmt(out + len, RAMFS_PATH - len, "%s%s", len > 1 ? "/" : "", last);
	}
	if (err)
		reply(m, err);
	else
		service_reply_bytes(&service, m, 0, out, strlen(out));
}

/* procd believes this, since it comes from us: the channel is to the file looked at. */
static void op_grant(struct w_msg *m, const char *path)
{
	static w_handle_t proc;
	struct w_msg g = {.op = PROC_GRANT};
	struct ofile *f;
	struct node *n;
	uint32_t uid = ~0u, gid = ~0u;
	const struct proc_cred *me = cred_me();
	int err = ramfs_walk(ramfs_root, path, false, &n, NULL);

	if (!err) {
		n = ramfs_data(n);
		if ((n->mode & FS_S_IFMT) != FS_S_IFREG || !cred_may(n, MAY_X))
			err = W_EACCES;
	}
	if (!err && me) {
		uid = n->mode & 04000 && n->uid != me->uid ? n->uid : ~0u;
		gid = (n->mode & 02010) == 02010 && n->gid != me->gid ? n->gid : ~0u;
	}
	if (err || (uid == ~0u && gid == ~0u)) {
		reply(m, err ? err : 1);
		return;
	}
	f = rt_try_alloc(sizeof(*f));
	g.h[0] = f ? service_mint(&service, (uint64_t)f) : 0;
	if (!g.h[0]) {
		rt_free(f);
		reply(m, W_ENOMEM);
		return;
	}
	f->n = n;
	n->opens++;
	if (!proc)
		proc = rt_lookup("proc");
	g.nh = 1;
	g.PROC_GRANT_in_koid = m->sender;
	g.PROC_GRANT_in_uid = uid;
	g.PROC_GRANT_in_gid = gid;
	err = w_chan_send(proc, &g);
	if (err < 0)
		w_handle_close(g.h[0]);
	reply(m, err < 0 ? W_EAGAIN : 0);
}

/* What is kept of the caller from now on goes with him: procd has to tell us. */
static void expect_end(const struct w_msg *m)
{
	cred_enter(m->sender);
	cred_me();
	cred_enter_self();
}

static void op_parking(struct w_msg *m)
{
	w_handle_t mem = m->nh == 1 ? m->h[0] : 0;

	expect_end(m);
	reply(m, mem ? lease_client_new(m->sender, mem) : W_EINVAL);
}

static void op_who(struct w_msg *m)
{
	struct w_obj_info info = {0};

	w_obj_info(0, &info);
	m->FS_WHO_out_koid = info.koid;
	reply(m, 0);
}

static void op_mknod(struct w_msg *m, const char *path)
{
	uint32_t mode = m->FS_MKNOD_in_mode, type = mode & FS_S_IFMT;
	w_handle_t leads = m->nh == 1 ? m->h[0] : 0;
	struct node *n;
	bool device = type == FS_S_IFCHR || type == FS_S_IFBLK;
	int err = (type == FS_S_IFSOCK) != (leads != 0) ? W_EINVAL : 0;

	if (!err && device && cred_me() && cred_me()->uid)
		err = W_EPERM;
	if (!err && type == FS_S_IFDIR)
		err = W_EPERM;
	if (!err && !device && type != FS_S_IFIFO && type != FS_S_IFSOCK && type != FS_S_IFREG)
		err = W_EINVAL;
	if (!err)
		err = make(path, mode, &n);
	if (!err && device)
		n->rdev = m->FS_MKNOD_in_rdev;
	if (!err)
		n->leads = leads;
	else if (leads)
		w_handle_close(leads);
	reply(m, err);
}

static void op_leads(struct w_msg *m, const char *path)
{
	struct node *n;
	int err = ramfs_walk(ramfs_root, path, false, &n, NULL);
	int64_t h;

	if (!err)
		n = ramfs_data(n);
	if (!err && !cred_may(n, MAY_W))
		err = W_EACCES;
	if (err || !n->leads) {
		reply(m, err ? err : W_ECONNREFUSED);
		return;
	}
	h = w_handle_dup(n->leads, W_WRITE | W_DUP);
	reply_handle(m, h);
}

static bool setattr_permitted(const struct node *n, const struct w_msg *m)
{
	uint32_t what = m->FS_SETATTR_in_what;
	const struct proc_cred *me = cred_me();

	if (!me || !me->uid)
		return true;
	if (what & FS_SET_UID && m->FS_SETATTR_in_uid != n->uid)
		return false;
	if (what & FS_SET_GID && m->FS_SETATTR_in_gid != n->gid &&
	    !cred_member(me, m->FS_SETATTR_in_gid))
		return false;
	if (what & FS_SET_NOW && !(what & (FS_SET_MODE | FS_SET_UID | FS_SET_GID)) &&
	    cred_may(n, MAY_W)) /* times to now: writing is enough */
		return true;
	return cred_owns(n);
}

static void op_setattr(struct w_msg *m, struct ofile *f, const char *path)
{
	uint32_t what = m->FS_SETATTR_in_what;
	struct node *n = f ? f->n : NULL;
	int err = 0;

	if (m->in_len || !f)
		err = ramfs_walk(ramfs_root, path, what & 0x100, &n, NULL);
	if (err) {
		reply(m, err);
		return;
	}
	n = ramfs_data(n);
	if (!setattr_permitted(n, m)) {
		reply(m, what & FS_SET_NOW ? W_EACCES : W_EPERM);
		return;
	}
	if (what & FS_SET_MODE)
		n->mode = (n->mode & FS_S_IFMT) | (m->FS_SETATTR_in_mode & 07777);
	if (what & (FS_SET_UID | FS_SET_GID) && (n->mode & FS_S_IFMT) == FS_S_IFREG)
		n->mode &= n->mode & 010 ? ~06000u : ~04000u; /* chown(2) */
	if (what & FS_SET_UID)
		n->uid = m->FS_SETATTR_in_uid;
	if (what & FS_SET_GID)
		n->gid = m->FS_SETATTR_in_gid;
	if (what & FS_SET_ATIME)
		n->atime = m->FS_SETATTR_in_atime;
	if (what & FS_SET_MTIME)
		n->mtime = m->FS_SETATTR_in_mtime;
	n->ctime = now_ns();
	lease_changed(n);
	watch_tell(n, IN_ATTRIB);
	reply(m, 0);
}

static void op_statfs(struct w_msg *m)
{
	uint64_t limit = (uint64_t)CONFIG_FS_MEM_LIMIT << 20;
	struct fs_statfs s = {.type = 0x858458f6, /* RAMFS_MAGIC */
			      .block = W_PAGE,
			      .blocks = limit / W_PAGE,
			      .free = (limit - ramfs_used()) / W_PAGE,
			      .files = 1 << 20,
			      .ffree = 1 << 19};

	service_reply_bytes(&service, m, 0, &s, sizeof(s));
}

static void op_flags(struct w_msg *m, struct ofile *f)
{
	uint32_t mask = m->FS_FLAGS_in_mask & (FS_O_APPEND | FS_O_NONBLOCK);

	f->flags = (f->flags & ~mask) | (m->FS_FLAGS_in_value & mask);
	m->FS_FLAGS_out_flags = f->flags;
	reply(m, 0);
}

static void op_lock(struct w_msg *m, struct ofile *f)
{
	uint64_t type = m->FS_LOCK_in_type;
	uint32_t access = f->flags & FS_O_ACCMODE;

	if (m->FS_LOCK_in_cmd != 5 && /* F_GETLK */
	    ((type == 0 && access == FS_O_WRONLY) || (type == 1 && !access)))
		reply(m, W_EBADH);
	else
		lock_record(&service, m, f->n);
}

static void op_access(struct w_msg *m, const char *path)
{
	uint32_t mode = m->FS_ACCESS_in_mode & 7;
	const struct proc_cred *me = m->FS_ACCESS_in_real ? cred_me() : NULL;
	struct proc_cred real;
	struct node *n;
	int err;

	if (me) {
		real = *me;
		real.uid = real.ruid;
		real.gid = real.rgid;
		cred_assume(&real);
	}
	err = ramfs_walk(ramfs_root, path, m->FS_ACCESS_in_nofollow, &n, NULL);
	if (!err && mode && !cred_may(ramfs_data(n), mode))
		err = W_EACCES;
	cred_enter_self();
	reply(m, err);
}

static void closed(struct ofile *f)
{
	if (!f)
		return;
	if (f->watcher) {
		watch_free(f->watcher);
		rt_free(f);
		return;
	}
	lease_closed(&f->park);
	if (!f->n) { /* revoked */
		rt_free(f);
		return;
	}
	watch_tell(f->n, f->flags & FS_O_ACCMODE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	lock_end(f->n, f);
	if (f->fifo)
		fifo_close(f->n, f->flags);
	ramfs_put(f->n);
	rt_free(f);
}

static void op_watch_new(struct w_msg *m)
{
	struct watcher *w = watch_new();
	struct ofile *f = w ? ofile_new(m, NULL, m->FS_WATCH_NEW_in_flags) : NULL;

	if (!f) {
		if (w)
			watch_free(w);
		reply(m, W_ENOMEM);
		return;
	}
	f->watcher = w;
	m->h[1] = w_handle_dup(watch_event(f->watcher), W_READ | W_DUP);
	m->nh = 2;
	service_finish(&service, m, 0);
}

static void call_watcher(struct w_msg *m, struct ofile *f, const char *path)
{
	uint32_t mask = m->FS_WATCH_ADD_in_mask;
	struct node *n;
	int err;

	switch (m->op) {
	case FS_WATCH_ADD:
		cred_enter(m->sender);
		err = ramfs_walk(ramfs_root, path, mask & 0x2000000, &n, NULL); /* DONT_FOLLOW */
		if (!err && !cred_may(ramfs_data(n), MAY_R))
			err = W_EACCES;
		if (!err)
			err = watch_add(f->watcher, ramfs_data(n), mask);
		if (err >= 0) /* opens are to be told from now on */
			lease_changed(ramfs_data(n));
		reply(m, err);
		break;
	case FS_WATCH_DEL:
		reply(m, watch_del(f->watcher, m->FS_WATCH_DEL_in_wd));
		break;
	case FS_READ:
		watch_read(&service, m, f->watcher, f->flags & FS_O_NONBLOCK);
		break;
	case FS_FLAGS:
		op_flags(m, f);
		break;
	case FS_IOCTL: /* FIONREAD */
		m->FS_IOCTL_in_request = watch_available(f->watcher);
		service_reply_bytes(&service, m, 0, &m->FS_IOCTL_in_request, 4);
		break;
	default:
		reply(m, W_EINVAL);
	}
}

/* ---- message queues ---- */

static int mq_find(struct w_msg *m, const char *name, struct node **out)
{
	uint32_t flags = m->FS_MQ_OPEN_in_flags;
	struct node *dir;
	int err = ramfs_walk(ramfs_root, "/dev/mqueue", false, &dir, NULL);

	if (err)
		return err;
	*out = ramfs_child(dir, name);
	if (*out && flags & FS_O_CREAT && flags & FS_O_EXCL)
		return W_EEXIST;
	if (*out)
		return !(*out)->mq			       ? W_EACCES
		       : cred_may(*out, cred_open_bits(flags)) ? 0
							       : W_EACCES;
	if (!(flags & FS_O_CREAT))
		return W_ENOENT;
	err = ramfs_create(dir, name, FS_S_IFREG | (m->FS_MQ_OPEN_in_mode & 0777), out);
	if (!err)
		err = mqueue_create(*out, cred_me() ? cred_me()->uid : 0, m->FS_MQ_OPEN_in_most,
				    m->FS_MQ_OPEN_in_size);
	if (err && *out)
		ramfs_unlink(*out, false);
	return err;
}

static void op_mq_open(struct w_msg *m, const char *name)
{
	struct ofile *f;
	struct node *n = NULL;
	int err = !*name	       ? W_ENOENT
		  : strlen(name) > 255 ? W_ENAMETOOLONG
		  : strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..")
			  ? W_EACCES
			  : mq_find(m, name, &n);

	f = err ? NULL : ofile_new(m, n, m->FS_MQ_OPEN_in_flags & (FS_O_ACCMODE | FS_O_NONBLOCK));
	if (!f) {
		reply(m, err ? err : W_ENOMEM);
		return;
	}
	m->h[1] = w_handle_dup(mqueue_event(n->mq), W_READ | W_DUP);
	m->nh = 2;
	service_finish(&service, m, 0);
}

static void call_mqueue(struct w_msg *m, struct ofile *f)
{
	bool nonblock = f->flags & FS_O_NONBLOCK;

	switch (m->op) {
	case FS_MQ_SEND:
		if (!(f->flags & FS_O_ACCMODE))
			reply(m, W_EBADH);
		else
			mqueue_send(&service, m, f->n->mq, nonblock);
		break;
	case FS_MQ_RECEIVE:
		if ((f->flags & FS_O_ACCMODE) == FS_O_WRONLY)
			reply(m, W_EBADH);
		else
			mqueue_receive(&service, m, f->n->mq, nonblock);
		break;
	case FS_MQ_ATTR:
		mqueue_attr(&service, m, f->n->mq, f->flags);
		break;
	default:
		mqueue_notify(&service, m, f->n->mq);
	}
}

static void call_file(struct w_msg *m, struct ofile *f, const char *bytes)
{
	if (f->flags & FS_O_PATH && m->op != FS_STAT && m->op != FS_STATFS && m->op != FS_FLAGS) {
		reply(m, W_EBADH); /* whoever has it needed no right to the file */
		return;
	}
	switch (m->op) {
	case FS_READ:
		op_read(m, f);
		return;
	case FS_WRITE:
		op_write(m, f);
		return;
	case FS_STAT:
		op_stat(m, f, bytes);
		return;
	case FS_READDIR:
		op_readdir(m, f);
		return;
	case FS_SEEK:
		op_seek(m, f);
		return;
	case FS_TRUNCATE:
		op_truncate(m, f, bytes);
		return;
	case FS_SETATTR:
		op_setattr(m, f, bytes);
		return;
	case FS_MMAP:
		op_mmap(m, f);
		return;
	case FS_CONTENT:
		op_content(m, f);
		return;
	case FS_STATFS:
		op_statfs(m);
		return;
	case FS_FLAGS:
		op_flags(m, f);
		return;
	case FS_FLOCK:
		expect_end(m);
		lock_flock(&service, m, f->n, f);
		return;
	case FS_LOCK:
		expect_end(m);
		op_lock(m, f);
		return;
	case FS_UNLOCK_ALL:
		lock_close(f->n, m->sender);
		reply(m, 0);
		return;
	case FS_MQ_SEND:
	case FS_MQ_RECEIVE:
	case FS_MQ_ATTR:
	case FS_MQ_NOTIFY:
		if (f->n->mq) {
			expect_end(m);
			call_mqueue(m, f);
			return;
		}
		reply(m, W_EBADH);
		return;
	default:
		reply(m, m->op == FS_IOCTL ? W_ENOTTY : W_ENOSYS);
	}
}

static void process_gone(uint64_t koid)
{
	lock_process_gone(koid);
	mqueue_process_gone(koid);
	lease_client_gone(koid);
}

static void call(struct service *s, struct w_msg *m)
{
	struct ofile *f = (struct ofile *)m->badge;

	cred_enter_self();
	if (m->op == W_OP_CLOSED) {
		closed(f);
		return;
	}
	if (m->op == FS_NOTE) {
		if (cred_is_procd(m->sender))
			cred_forget(m->FS_NOTE_in_koid);
		if (cred_is_procd(m->sender) && m->FS_NOTE_in_what)
			process_gone(m->FS_NOTE_in_koid);
		return;
	}
	if ((!f && m->op != FS_WHO) || (f && m->op == FS_SETATTR))
		cred_enter(m->sender);
	if (f && f->watcher) {
		call_watcher(m, f, s->bytes);
		return;
	}
	if (f && !f->n) {
		reply(m, -116); /* ESTALE: it was parked when the file's last name went */
		return;
	}
	if (f) {
		if (lease_reopened(&f->park))
			f->off = 0;
		call_file(m, f, s->bytes);
		return;
	}
	switch (m->op) {
	case FS_OPEN:
		op_open(m, s->bytes);
		break;
	case FS_STAT:
		op_stat(m, NULL, s->bytes);
		break;
	case FS_MKDIR:
		op_mkdir(m, s->bytes);
		break;
	case FS_UNLINK:
		op_unlink(m, s->bytes);
		break;
	case FS_RENAME:
		op_rename(m, s->bytes);
		break;
	case FS_LINK:
		op_link(m, s->bytes);
		break;
	case FS_SYMLINK:
		op_symlink(m, s->bytes);
		break;
	case FS_READLINK:
		op_readlink(m, s->bytes);
		break;
	case FS_TRUNCATE:
		op_truncate(m, NULL, s->bytes);
		break;
	case FS_SETATTR:
		op_setattr(m, NULL, s->bytes);
		break;
	case FS_STATFS:
		op_statfs(m);
		break;
	case FS_GRANT:
		op_grant(m, s->bytes);
		break;
	case FS_EXEC:
		op_exec(m, s->bytes);
		break;
	case FS_LEASES:
		reply_handle(m, lease_counters() ? w_handle_dup(lease_counters(), W_READ | W_DUP)
						 : W_ENOMEM);
		break;
	case FS_PARKING:
		op_parking(m);
		break;
	case FS_WHO:
		op_who(m);
		break;
	case FS_WATCH_NEW:
		op_watch_new(m);
		break;
	case FS_RESOLVE:
		op_resolve(m, s->bytes);
		break;
	case FS_ACCESS:
		op_access(m, s->bytes);
		break;
	case FS_MKNOD:
		op_mknod(m, s->bytes);
		break;
	case FS_LEADS:
		op_leads(m, s->bytes);
		break;
	case FS_MQ_OPEN:
		op_mq_open(m, s->bytes);
		break;
	default:
		reply(m, W_ENOSYS);
	}
}

/* ---- filling the tree from the archive ---- */

/* The directory of a path, through links, made where it is missing. */
static struct node *directory(const char *path, size_t len)
{
	static struct node *last_dir; /* the archive is sorted: mostly the same again */
	static char last_path[512];
	struct node *at = ramfs_root, *n;
	const char *end = path + len, *slash;
	char part[512];
	size_t n_part;

	if (len >= sizeof(part))
		return NULL;
	if (last_dir && strlen(last_path) == len && !memcmp(path, last_path, len))
		return last_dir;
	for (slash = path; slash < end; slash++) {
		while (slash < end && *slash != '/')
			slash++;
		n_part = slash - path;
		memcpy(part, path, n_part);
		part[n_part] = 0;
		if (!n_part || !ramfs_walk(ramfs_root, part, false, &at, NULL))
			continue;
		if (make(part, FS_S_IFDIR | 0755, &n))
			return NULL;
		at = n;
	}
	last_dir = at;
	memcpy(last_path, path, len);
	last_path[len] = 0;
	return at;
}

static void add_file(const struct flatfs *fs, const struct flatfs_file *f, uint64_t base)
{
	const char *name = f->name + f->name_len;
	struct node *dir, *n;
	char last[256];

	while (name > f->name && name[-1] != '/')
		name--;
	if ((size_t)(f->name + f->name_len - name) >= sizeof(last))
		return;
	memcpy(last, name, f->name + f->name_len - name);
	last[f->name + f->name_len - name] = 0;
	dir = directory(f->name, name - f->name);
	if (!dir || ramfs_create(dir, last, FS_S_IFREG | 0644, &n)) {
		rt_log("fs: the archive's %s cannot be added", last);
		return;
	}
	n->size = f->len;
	n->ro = f->len ? (const char *)fs->base + f->off : NULL;
	n->ro_off = base + f->off;
}

/*
 * META lines, before the files: "l PATH TARGET", "d MODE PATH",
 * "c|b MAJOR MINOR MODE PATH"; after them: "m MODE PATH", "o UID GID PATH".
 */
static void meta_make(char **word)
{
	const char *mode = word[1], *major = word[1], *minor = word[2];
	struct node *n;

	switch (word[0][0]) {
	case 'l':
		make_symlink(word[2], word[1]);
		break;
	case 'd':
		n = directory(word[2], strlen(word[2]));
		if (n)
			n->mode = FS_S_IFDIR | strtoul_at(&mode, 8);
		break;
	case 'c':
	case 'b':
		mode = word[3];
		if (make(word[4],
			 (word[0][0] == 'c' ? FS_S_IFCHR : FS_S_IFBLK) | strtoul_at(&mode, 8), &n))
			break;
		n->rdev = strtoul_at(&major, 10) << 8;
		n->rdev |= strtoul_at(&minor, 10);
		break;
	}
}

static void meta_set(char **word)
{
	const char *mode = word[1], *uid = word[1], *gid = word[2];
	const char *path = word[0][0] == 'm' ? word[2] : word[3];
	struct node *n;

	if ((word[0][0] != 'm' && word[0][0] != 'o') ||
	    ramfs_walk(ramfs_root, path, true, &n, NULL))
		return;
	if (word[0][0] == 'm') {
		n->mode = (n->mode & FS_S_IFMT) | strtoul_at(&mode, 8);
		return;
	}
	n->uid = strtoul_at(&uid, 10);
	n->gid = strtoul_at(&gid, 10);
}

static void meta_line(char *line, void (*apply)(char **word))
{
	char *word[5];
	int i;

	for (i = 0; i < 5; i++) {
		word[i] = line;
		while (*line && *line != ' ')
			line++;
		if (*line)
			*line++ = 0;
	}
	apply(word);
}

static void apply_meta(const struct flatfs *fs, void (*apply)(char **word))
{
	const char *p, *end, *nl;
	struct flatfs_file f;
	char line[600];
	size_t n;

	if (!flatfs_find(fs, META, &f))
		return;
	p = (const char *)fs->base + f.off;
	for (end = p + f.len; p < end; p = nl + 1) {
		nl = memchr(p, '\n', end - p);
		if (!nl)
			nl = end;
		n = nl - p < (long)sizeof(line) ? (size_t)(nl - p) : sizeof(line) - 1;
		memcpy(line, p, n);
		line[n] = 0;
		meta_line(line, apply);
	}
}

/* The personality sends paths below these elsewhere (compat/linux/path.c). */
static void mark_mount(const char *path)
{
	struct node *n = directory(path, strlen(path));

	if (n)
		n->mount = true;
}

static void start(void)
{
	struct flatfs_file f;
	struct w_obj_info info;
	struct w_sys_boot boot = {0};
	struct flatfs fs;
	uint64_t base;
	char *p;

	w_obj_info(W_H_ARCHIVE, &info);
	w_sys_info(W_SYS_BOOT, 0, &boot, sizeof(boot));
	p = rt_map(W_H_ARCHIVE, 0, info.size, W_PROT_READ | W_MAP_SHARED);
	if (!p)
		rt_die("fs: cannot map the boot archive");
	for (base = 0; base < W_PAGE && flatfs_open(&fs, p + base, info.size - base); base += 8)
		;
	ramfs_archive = W_H_ARCHIVE;
	lease_init();
	ramfs_init();
	apply_meta(&fs, meta_make);
	flatfs_begin(&f);
	while (base < W_PAGE && flatfs_next(&fs, &f))
		add_file(&fs, &f, base);
	apply_meta(&fs, meta_set);
	mark_mount("proc");
	mark_mount("dev/pts");
	service.call = call;
	service_start(&service, "fs");
}

const struct module fs_module = {"fs", start};
