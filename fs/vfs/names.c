// SPDX-License-Identifier: MIT
#include "inode.h"
#include "make.h"
#include "ops.h"
#include "permission.h"
#include "walk.h"
#include "watch.h"

/* ---- making ---- */

void op_mkdir(struct request *rq)
{
	struct new_file what = make_what(rq, FS_S_IFDIR | (rq->m->FS_MKDIR_in_mode & 07777));

	reply(rq, make(rq, rq->bytes, &what, NULL));
}

void op_symlink(struct request *rq)
{
	const char *path = request_second(rq);
	struct new_file what = make_what(rq, FS_S_IFLNK | 0777);

	what.target = rq->bytes;
	reply(rq, !path || !*rq->bytes		  ? W_ENOENT
		  : strlen(rq->bytes) >= VFS_PATH ? W_ENAMETOOLONG
						  : make(rq, path, &what, NULL));
}

static int may_mknod(struct request *rq, uint32_t type, bool leads)
{
	bool device = type == FS_S_IFCHR || type == FS_S_IFBLK;

	if ((type == FS_S_IFSOCK) != leads)
		return W_EINVAL;
	if (device && !may_all(rq))
		return W_EPERM;
	if (type == FS_S_IFDIR)
		return W_EPERM;
	return device || type == FS_S_IFIFO || type == FS_S_IFSOCK || type == FS_S_IFREG ? 0
											 : W_EINVAL;
}

/* The channel to its service is the node's from now on. */
static int keep_leads(struct path p, w_handle_t leads)
{
	struct inode_state *st = leads ? inode_state(p.d->inode) : NULL;

	if (leads && !st)
		return W_ENOMEM;
	if (leads)
		st->leads = leads;
	return 0;
}

void op_mknod(struct request *rq)
{
	const struct w_msg *m = rq->m;
	w_handle_t leads = m->nh == 1 ? m->h[0] : 0;
	struct new_file what = make_what(rq, m->FS_MKNOD_in_mode);
	uint32_t type = what.mode & FS_S_IFMT;
	struct path p;
	int err = may_mknod(rq, type, leads);

	if (type == FS_S_IFCHR || type == FS_S_IFBLK)
		what.rdev = m->FS_MKNOD_in_rdev;
	if (!err)
		err = make(rq, rq->bytes, &what, &p);
	if (!err) {
		err = keep_leads(p, leads);
		leads = err ? leads : 0;
		path_put(p);
	}
	if (leads)
		w_handle_close(leads);
	reply(rq, err);
}

void op_leads(struct request *rq)
{
	struct path p;
	struct inode *i;
	int64_t h = walk(rq, rq->bytes, 0, &p);

	if (h) {
		reply(rq, h);
		return;
	}
	i = p.d->inode;
	if (!may(rq, i, MAY_W))
		h = W_EACCES;
	else if (!i->st || !i->st->leads)
		h = W_ECONNREFUSED;
	else
		h = w_handle_dup(i->st->leads, W_WRITE | W_DUP);
	path_put(p);
	reply_handle(rq, h);
}

/* ---- removing ---- */

/* rmdir(2): a last component "." is EINVAL, ".." ENOTEMPTY. */
static int check_dots(const char *path, bool rmdir)
{
	size_t n = strlen(path), at;

	while (n && path[n - 1] == '/')
		n--;
	for (at = n; at && path[at - 1] != '/'; at--)
		;
	if (n - at == 1 && path[at] == '.')
		return rmdir ? W_EINVAL : W_EISDIR;
	if (n - at == 2 && path[at] == '.' && path[at + 1] == '.')
		return rmdir ? W_ENOTEMPTY : W_EISDIR;
	return n ? 0 : rmdir ? W_EBUSY : W_EISDIR; /* the root */
}

void op_unlink(struct request *rq)
{
	bool rmdir = rq->m->FS_UNLINK_in_rmdir;
	size_t len = strlen(rq->bytes);
	char last[256];
	struct path dir, p;
	int err = walk_parent(rq, rq->bytes, &dir, last);

	if (err) {
		reply(rq, err);
		return;
	}
	if (!*last) {
		err = check_dots(rq->bytes, rmdir);
		err = err ? err : W_EINVAL;
	} else if (len && rq->bytes[len - 1] == '/' && !rmdir) {
		err = walk(rq, rq->bytes, WALK_NOFOLLOW, &p); /* a directory, or none */
		if (!err)
			path_put(p);
		err = err ? err : W_EISDIR;
	} else {
		err = unmake(rq, dir, last, rmdir);
	}
	path_put(dir);
	reply(rq, err);
}

/* ---- hard links ---- */

/* As Linux with fs.protected_hardlinks: no names for what one could not copy. */
static bool link_allowed(struct request *rq, const struct inode *i)
{
	return owns(rq, i) || (is_file(i) && !(i->mode & 04000) && (i->mode & 02010) != 02010 &&
			       may(rq, i, MAY_R | MAY_W));
}

static int link_in(struct request *rq, struct inode *i, struct path dir, const char *last)
{
	struct inode_state *st = inode_state(dir.d->inode);
	struct new_file what = {.link = i};
	int err = !st ? W_ENOMEM : is_dir(i) || !link_allowed(rq, i) ? W_EPERM : 0;

	if (!err && dir.d->sb != i->sb)
		return -18; /* EXDEV */
	return err ? err : make_in(rq, dir, last, &what, NULL);
}

void op_link(struct request *rq)
{
	const char *to = request_second(rq);
	uint32_t flags = rq->m->FS_LINK_in_follow ? 0 : WALK_NOFOLLOW;
	struct path p, dir;
	char last[256];
	int err = to ? walk(rq, rq->bytes, flags, &p) : W_EINVAL;

	if (err) {
		reply(rq, err);
		return;
	}
	err = make_place(rq, to, false, &dir, last);
	if (!err) {
		err = *last ? link_in(rq, p.d->inode, dir, last) : W_EEXIST;
		path_put(dir);
	}
	path_put(p);
	reply(rq, err);
}

/* ---- what a name is ---- */

void op_readlink(struct request *rq)
{
	const char *target;
	struct path p;
	int err = walk(rq, rq->bytes, WALK_NOFOLLOW, &p);

	if (err) {
		reply(rq, err);
		return;
	}
	target = is_symlink(p.d->inode) ? inode_target(p.d->inode, &err) : NULL;
	if (!target)
		reply(rq, err ? err : W_EINVAL);
	else
		reply_bytes(rq, strlen(target), target, strlen(target));
	path_put(p);
}

static int append_name(char *out, const char *last)
{
	size_t len = strlen(out);

	if (!*last)
		return 0;
	if (len + strlen(last) + 2 > VFS_PATH)
		return W_ENAMETOOLONG;
	fmt(out + len, VFS_PATH - len, "%s%s", len > 1 ? "/" : "", last);
	return 0;
}

/* nofollow: the last component need not exist, and is not followed. */
void op_resolve(struct request *rq)
{
	char last[256] = "", *out = service_scratch;
	struct path p;
	int err = strlen(rq->bytes) >= VFS_PATH	  ? W_ENAMETOOLONG
		  : rq->m->FS_RESOLVE_in_nofollow ? walk_parent(rq, rq->bytes, &p, last)
						  : walk(rq, rq->bytes, 0, &p);

	if (err == W_EXDEV) {
		reply_bytes(rq, 1, rq->elsewhere, strlen(rq->elsewhere));
		return;
	}
	if (err) {
		reply(rq, err);
		return;
	}
	err = path_text(rq->view, p, out, VFS_PATH) ? append_name(out, last) : W_ENOENT;
	path_put(p);
	if (err)
		reply(rq, err);
	else
		reply_bytes(rq, 0, out, strlen(out));
}
