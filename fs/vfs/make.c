// SPDX-License-Identifier: MIT
#include "make.h"

#include "inode.h"
#include "lease.h"
#include "permission.h"
#include "walk.h"
#include "watch.h"

int writable_here(const struct path *p)
{
	return p->mnt->flags & MOUNT_RDONLY || p->d->sb->read_only ? W_EROFS : 0;
}

struct new_file make_what(struct request *rq, uint32_t mode)
{
	const struct proc_cred *me = permission_cred(rq);

	return (struct new_file){
		.mode = mode, .uid = me ? me->uid : 0, .gid = me ? me->gid : 0, .now = rt_wall()};
}

void entries_changed(struct inode *dir)
{
	struct attr a = {.mtime = rt_wall()};

	a.ctime = a.mtime;
	if (is_memory(dir->sb)) /* others keep it with the entry */
		inode_setattr(dir, FS_SET_MTIME, &a);
	lease_changed(dir);
}

static int may_make(struct request *rq, const struct path *dir, const char *name)
{
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return W_EEXIST;
	if (!is_dir(dir->d->inode))
		return W_ENOTDIR;
	if (!dir->d->parent && dir->d != dir->mnt->root)
		return W_ENOENT; /* the directory was removed */
	if (!may(rq, dir->d->inode, MAY_W | MAY_X))
		return W_EACCES;
	return writable_here(dir);
}

/* The directory is locked. *d: a negative dentry, or NULL. */
static int is_free(struct dentry *dir, const struct name *name, struct dentry **d)
{
	struct inode *inode = NULL;
	int err;

	*d = dentry_known(dir, name);
	if (*d || is_memory(dir->sb))
		return *d && (*d)->inode ? W_EEXIST : 0;
	err = dir->inode->ops->lookup(dir->inode, name, &inode);
	if (!err) {
		*d = dentry_add(dir, name, inode);
		inode_put(inode);
		return W_EEXIST;
	}
	return err == W_ENOENT ? 0 : err;
}

/* set-group-id directories: what is made belongs to their group, and may not speak for it unless
 * who makes it is in it. */
static void inherit_group(struct request *rq, const struct inode *dir, struct new_file *what)
{
	if (!(dir->mode & 02000))
		return;
	what->gid = dir->gid;
	if ((what->mode & FS_S_IFMT) == FS_S_IFDIR)
		what->mode |= 02000;
	else if ((what->mode & 02010) == 02010 && !may_give_group(rq, dir->gid))
		what->mode &= ~02000u;
}

static int named(struct path dir, const struct name *name, struct dentry *d, struct inode *inode,
		 struct path *out)
{
	if (d)
		dentry_instantiate(d, inode);
	else
		d = dentry_add(dir.d, name, inode);
	if (!d)
		return W_ENOMEM;
	entries_changed(dir.d->inode);
	watch_entry(dir.d->inode, d->name, is_dir(inode), IN_CREATE, 0);
	if (out)
		*out = path_get((struct path){dir.mnt, d});
	dentry_put(d);
	return 0;
}

static int create(struct request *rq, struct inode *dir, const struct name *name,
		  struct new_file *what, struct inode **out)
{
	int err;

	if (!what->link) {
		inherit_group(rq, dir, what);
		return dir->ops->create(dir, name, what, out);
	}
	if (!what->link->nlink) /* its last name has just gone */
		return W_ENOENT;
	err = dir->ops->link(dir, name, what->link);
	if (err)
		return err;
	lease_changed(what->link);
	*out = inode_get(what->link);
	return 0;
}

static int make_locked(struct request *rq, struct path dir, const struct name *name,
		       struct new_file *what, struct path *out)
{
	struct inode *at = dir.d->inode, *inode;
	struct dentry *d;
	int err = is_free(dir.d, name, &d);

	if (!err)
		err = may_make(rq, &dir, name->bytes);
	if (!err)
		err = create(rq, at, name, what, &inode);
	if (err) {
		if (d)
			dentry_put(d);
		return err;
	}
	err = named(dir, name, d, inode, out);
	if (err)
		at->ops->unlink(at, name, inode);
	inode_put(inode);
	return err;
}

int make_in(struct request *rq, struct path dir, const char *name, struct new_file *what,
	    struct path *out)
{
	struct inode_state *st = inode_state(dir.d->inode);
	struct name n = {name, strlen(name)};
	int err = st ? 0 : W_ENOMEM;

	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return W_EEXIST;
	if (err)
		return err;
	fiber_lock(&st->lock);
	err = make_locked(rq, dir, &n, what, out);
	fiber_unlock(&st->lock);
	return err;
}

int make_place(struct request *rq, const char *path, bool isdir, struct path *dir, char *last)
{
	size_t len = strlen(path);
	struct path p;
	int err = walk_parent(rq, path, dir, last);

	if (err || isdir || !*last || path[len - 1] != '/')
		return err;
	/* A slash at the end is for directories: nothing else can be made there. */
	path_put(*dir);
	err = walk(rq, path, 0, &p);
	if (!err)
		path_put(p);
	return !err || err == W_ENOTDIR ? W_EEXIST : err;
}

int make(struct request *rq, const char *path, struct new_file *what, struct path *out)
{
	char last[256];
	struct path dir;
	int err = make_place(rq, path, (what->mode & FS_S_IFMT) == FS_S_IFDIR, &dir, last);

	if (err)
		return err;
	err = make_in(rq, dir, last, what, out);
	path_put(dir);
	return err;
}

/* ---- removing ---- */

static int may_unmake(struct request *rq, struct path dir, const struct dentry *d, bool rmdir)
{
	int err;

	if (!d->inode)
		return W_ENOENT;
	if (rmdir && !is_dir(d->inode))
		return W_ENOTDIR;
	if (!rmdir && is_dir(d->inode))
		return W_EISDIR;
	if (d->mounts)
		return W_EBUSY;
	err = may_remove(rq, dir.d->inode, d->inode);
	return err ? err : writable_here(&dir);
}

void name_gone(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;

	lease_changed(i);
	if (!i->nlink)
		lease_revoke(i);
	if (!is_dir(i))
		watch_self(i, IN_ATTRIB); /* the number of names */
	if (!i->nlink && i->refs == 1u + inode_is_dirty(i))
		watch_gone(i); /* nobody has it open */
	watch_entry(dir, d->name, is_dir(i), IN_DELETE, 0);
}

static int unmake_locked(struct request *rq, struct path dir, struct dentry *d, bool rmdir)
{
	struct inode *at = dir.d->inode;
	int err = may_unmake(rq, dir, d, rmdir);

	if (!err && rmdir && is_memory(d->sb) && dentry_has_children(d))
		err = W_ENOTEMPTY;
	if (!err)
		err = at->ops->unlink(at, &(struct name){d->name, d->name_len}, d->inode);
	if (err)
		return err;
	entries_changed(at);
	name_gone(at, d);
	dentry_unlinked(d);
	return 0;
}

int unmake(struct request *rq, struct path dir, const char *name, bool rmdir)
{
	struct inode_state *st = inode_state(dir.d->inode);
	struct name n = {name, strlen(name)};
	struct dentry *d;
	int err = 0;

	if (!st)
		return W_ENOMEM;
	d = dentry_lookup(dir.d, &n, &err);
	if (!d)
		return err;
	fiber_lock(&st->lock);
	err = d->parent == dir.d ? unmake_locked(rq, dir, d, rmdir) : W_ENOENT;
	fiber_unlock(&st->lock);
	dentry_put(d);
	return err;
}
