// SPDX-License-Identifier: MIT
/*
 * rename(2).  Both directories are locked, in the order of their addresses; one rename of a
 * directory into another at a time, so that no circle can come about between the check and
 * the move.
 */
#include "inode.h"
#include "make.h"
#include "ops.h"
#include "permission.h"
#include "walk.h"
#include "watch.h"

struct rename {
	struct request *rq;
	struct path from_dir, to_dir;
	char from[256], to[256];
	struct dentry *what, *old; /* old: what has the new name now; NULL or negative: nothing */
	uint32_t flags;
};

static struct fiber_lock moves;

static bool is_exchange(const struct rename *r)
{
	return r->flags & RENAME_EXCHANGE;
}

static int may_take(struct rename *r, const struct path *dir, const struct dentry *d)
{
	int err = d->mounts ? W_EBUSY : may_remove(r->rq, dir->d->inode, d->inode);

	/* Its ".." changes, which is to write it. */
	if (!err && is_dir(d->inode) && r->from_dir.d != r->to_dir.d &&
	    !may(r->rq, d->inode, MAY_W))
		err = W_EACCES;
	return err;
}

static int check_old(struct rename *r)
{
	struct inode *what = r->what->inode, *old = r->old->inode;
	int err;

	if (r->flags & RENAME_NOREPLACE)
		return W_EEXIST;
	err = may_take(r, &r->to_dir, r->old);
	if (err || is_exchange(r))
		return err;
	if (is_dir(what) != is_dir(old))
		return is_dir(what) ? W_ENOTDIR : W_EISDIR;
	return is_memory(old->sb) && dentry_has_children(r->old) ? W_ENOTEMPTY : 0;
}

static bool makes_circle(const struct rename *r)
{
	if (is_dir(r->what->inode) && dentry_below(r->to_dir.d, r->what))
		return true;
	return is_exchange(r) && r->old && r->old->inode && is_dir(r->old->inode) &&
	       dentry_below(r->from_dir.d, r->old);
}

/* 1: both names are of one file already, and nothing is to be done (rename(2)). */
static int check(struct rename *r)
{
	bool exists = r->old && r->old->inode;
	int err;

	if (!r->what->inode || (is_exchange(r) && !exists))
		return W_ENOENT;
	if (!r->to_dir.d->parent && r->to_dir.d != r->to_dir.mnt->root)
		return W_ENOENT;
	if (makes_circle(r))
		return W_EINVAL;
	if (exists && dentry_below(r->from_dir.d, r->old) && !is_exchange(r))
		return W_ENOTEMPTY;
	if (exists && r->old->inode == r->what->inode)
		return r->flags & RENAME_NOREPLACE ? W_EEXIST : 1;
	if (exists) {
		err = check_old(r);
		if (err)
			return err;
	}
	err = may_take(r, &r->from_dir, r->what);
	if (!err && !may(r->rq, r->to_dir.d->inode, MAY_W | MAY_X))
		err = W_EACCES;
	return err ? err : writable_here(&r->to_dir);
}

static void told(struct rename *r, struct dentry *d, struct inode *from, const char *old_name,
		 struct inode *to, uint32_t cookie)
{
	watch_entry(from, old_name, is_dir(d->inode), IN_MOVED_FROM, cookie);
	watch_entry(to, d->name, is_dir(d->inode), IN_MOVED_TO, cookie);
	watch_self(d->inode, IN_MOVE_SELF);
	lease_changed(d->inode);
	(void)r;
}

/* The file system has done it: so do the names. */
static void moved(struct rename *r, const struct name *to)
{
	static uint32_t cookie;
	struct inode *from_dir = r->from_dir.d->inode, *to_dir = r->to_dir.d->inode;

	entries_changed(from_dir);
	entries_changed(to_dir);
	if (is_exchange(r)) {
		dentry_swap(r->what, r->old);
		told(r, r->old, to_dir, r->to, from_dir, ++cookie);
		told(r, r->what, from_dir, r->from, to_dir, ++cookie);
		return;
	}
	if (r->old && r->old->inode) {
		lease_changed(r->old->inode);
		name_gone(to_dir, r->old);
	}
	dentry_move(r->what, r->to_dir.d, to);
	told(r, r->what, from_dir, r->from, to_dir, ++cookie);
}

static int rename_locked(struct rename *r)
{
	struct name from = {r->from, strlen(r->from)}, to = {r->to, strlen(r->to)};
	struct inode *dir = r->from_dir.d->inode;
	struct attr a = {0};
	int err;

	r->what = dentry_ask(r->from_dir.d, &from, &err);
	if (!r->what)
		return err;
	r->old = dentry_ask(r->to_dir.d, &to, &err);
	if (!r->old && err != W_ENOENT)
		return err;
	err = check(r);
	if (err)
		return err < 0 ? err : 0;
	err = dentry_move_room(r->what, &to);
	if (!err)
		err = dir->ops->rename(dir, &from, r->what->inode, r->to_dir.d->inode, &to,
				       r->old ? r->old->inode : NULL, r->flags);
	if (err)
		return err;
	if (is_memory(dir->sb)) /* others keep it with the entry */
		inode_setattr(r->what->inode, 0, &a);
	moved(r, &to);
	return 0;
}

static int lock_both(struct dentry *a, struct dentry *b)
{
	struct inode_state *first = inode_state(a->inode), *second = inode_state(b->inode), *st;

	if (!first || !second)
		return W_ENOMEM;
	if (first > second) {
		st = first;
		first = second;
		second = st;
	}
	fiber_lock(&moves);
	fiber_lock(&first->lock);
	if (first != second)
		fiber_lock(&second->lock);
	return 0;
}

static void unlock_both(struct dentry *a, struct dentry *b)
{
	fiber_unlock(&a->inode->st->lock);
	if (a->inode != b->inode)
		fiber_unlock(&b->inode->st->lock);
	fiber_unlock(&moves);
}

static bool ends_in_slash(const char *path)
{
	size_t n = strlen(path);

	return n && path[n - 1] == '/';
}

/* A slash at the end is for directories. */
static int check_slashes(struct rename *r, const char *from, const char *to)
{
	struct name name = {r->from, strlen(r->from)};
	struct dentry *d;
	int err = 0;

	if (!ends_in_slash(from) && !ends_in_slash(to))
		return 0;
	d = dentry_lookup(r->from_dir.d, &name, &err);
	if (!d)
		return err;
	err = !d->inode ? W_ENOENT : is_dir(d->inode) ? 0 : W_ENOTDIR;
	dentry_put(d);
	return err;
}

static int rename_between(struct rename *r)
{
	int err;

	if (!*r->from || !*r->to) /* "/", "." or ".." */
		return W_EBUSY;
	if (r->from_dir.mnt != r->to_dir.mnt)
		return -18; /* EXDEV */
	err = check_slashes(r, r->rq->bytes, request_second(r->rq));
	if (!err)
		err = lock_both(r->from_dir.d, r->to_dir.d);
	if (err)
		return err;
	err = rename_locked(r);
	unlock_both(r->from_dir.d, r->to_dir.d);
	if (r->what)
		dentry_put(r->what);
	if (r->old)
		dentry_put(r->old);
	return err;
}

void op_rename(struct request *rq)
{
	const char *to = request_second(rq);
	struct rename r = {.rq = rq, .flags = rq->m->FS_RENAME_in_flags};
	int err = to ? walk_parent(rq, rq->bytes, &r.from_dir, r.from) : W_EINVAL;

	if (err) {
		reply(rq, err);
		return;
	}
	err = walk_parent(rq, to, &r.to_dir, r.to);
	if (!err) {
		err = rename_between(&r);
		path_put(r.to_dir);
	}
	path_put(r.from_dir);
	reply(rq, err);
}
