// SPDX-License-Identifier: MIT
#include "walk.h"

#include "inode.h"
#include "lease.h"
#include "permission.h"

#define LINKS_MAX 40
#define NAME_BYTES 255

struct walk {
	struct request *rq;
	struct path at; /* counted */
	bool nofollow;
	char *last; /* != NULL: stop before the final component */
	uint32_t links;
};

static int walk_path(struct walk *w, const char *p, bool inner);

static void move_to(struct walk *w, struct path to)
{
	to = path_get(to);
	path_put(w->at);
	w->at = to;
}

/* ---- to another service ---- */

static int elsewhere_add(struct request *rq, const char *text)
{
	size_t len = strlen(rq->elsewhere);

	return len + strlcpy(rq->elsewhere + len, text, VFS_PATH - len) < VFS_PATH ? W_EXDEV
										   : W_ENAMETOOLONG;
}

/* The walk has come to a service's mount with rest to go. */
static int leave(struct request *rq, const struct mount *m, const char *rest)
{
	if (!rq->elsewhere)
		rq->elsewhere = rt_try_alloc(VFS_PATH);
	if (!rq->elsewhere)
		return W_ENOMEM;
	strlcpy(rq->elsewhere, m->service, VFS_PATH);
	if (*rest && elsewhere_add(rq, "/") != W_EXDEV)
		return W_ENAMETOOLONG;
	return elsewhere_add(rq, rest);
}

/* Onto what is mounted here; W_EXDEV: rest is another service's. */
static int cross_mounts(struct walk *w, const char *rest)
{
	struct mount *m;

	while (w->at.d->mounts && (m = mount_on(w->at))) {
		if (!m->sb)
			return leave(w->rq, m, rest);
		move_to(w, (struct path){m, m->root});
	}
	return 0;
}

/* ---- steps ---- */

static int follow(struct walk *w, struct dentry *link)
{
	const char *target;
	int err;

	if (++w->links > LINKS_MAX)
		return W_ELOOP;
	target = inode_target(link->inode, &err);
	if (!target)
		return err;
	if (*target == '/')
		move_to(w, w->rq->view->root);
	return walk_path(w, target, true);
}

static int step_to(struct walk *w, struct dentry *d, bool final)
{
	int err;

	if (!d->inode)
		return W_ENOENT;
	if (!is_symlink(d->inode) || (final && w->nofollow)) {
		move_to(w, (struct path){w->at.mnt, d});
		return 0;
	}
	err = follow(w, d);
	return err;
}

static int step(struct walk *w, const struct name *name, bool final)
{
	struct inode *dir = w->at.d->inode;
	struct dentry *d;
	int err;

	if (!is_dir(dir))
		return W_ENOTDIR;
	lease_visit(w->rq, dir);
	if (!may(w->rq, dir, MAY_X))
		return W_EACCES;
	if (name->len > NAME_BYTES)
		return W_ENAMETOOLONG;
	if (name->len == 1 && name->bytes[0] == '.')
		return 0;
	if (name->len == 2 && name->bytes[0] == '.' && name->bytes[1] == '.') {
		path_up(w->rq->view, &w->at);
		return 0;
	}
	d = dentry_lookup(w->at.d, name, &err);
	if (!d)
		return err;
	err = step_to(w, d, final);
	dentry_put(d);
	return err;
}

static bool is_dots(const struct name *name)
{
	return name->bytes[0] == '.' &&
	       (name->len == 1 || (name->len == 2 && name->bytes[1] == '.'));
}

/* The walk ends before its last component. */
static int stop_before(struct walk *w, const struct name *name)
{
	if (name->len > NAME_BYTES)
		return W_ENAMETOOLONG;
	memcpy(w->last, name->bytes, name->len);
	w->last[name->len] = 0;
	if (!is_dir(w->at.d->inode))
		return W_ENOTDIR;
	return may(w->rq, w->at.d->inode, MAY_X) ? 0 : W_EACCES;
}

static const char *skip_slashes(const char *p)
{
	while (*p == '/')
		p++;
	return p;
}

/* inner: this is the target of a link; what follows the link in its path comes after. */
static int walk_path(struct walk *w, const char *p, bool inner)
{
	const char *end, *next;
	struct name name;
	bool final;
	int err;

	for (;; p = next) {
		p = skip_slashes(p);
		err = cross_mounts(w, p);
		if (err || !*p)
			return err;
		for (end = p; *end && *end != '/'; end++)
			;
		next = skip_slashes(end);
		name = (struct name){p, end - p};
		final = !*next;
		if (final && w->last && !inner && !is_dots(&name))
			return stop_before(w, &name);
		err = step(w, &name, final && next == end && !inner);
		if (err == W_EXDEV && *next)
			return elsewhere_add(w->rq, "/") == W_EXDEV ? elsewhere_add(w->rq, next)
								    : W_ENAMETOOLONG;
		if (err)
			return err;
		if (next != end && final && !is_dir(w->at.d->inode))
			return W_ENOTDIR;
	}
}

static int run(struct walk *w, const char *path, struct path *out)
{
	int err;

	lease_begin(w->rq);
	w->at = path_get(w->rq->view->root);
	err = walk_path(w, path, false);
	if (err) {
		path_put(w->at);
		return err;
	}
	lease_visit(w->rq, w->at.d->inode);
	*out = w->at;
	return 0;
}

int walk(struct request *rq, const char *path, uint32_t flags, struct path *out)
{
	struct walk w = {.rq = rq, .nofollow = flags & WALK_NOFOLLOW};

	return run(&w, path, out);
}

int walk_parent(struct request *rq, const char *path, struct path *out, char *last)
{
	struct walk w = {.rq = rq, .last = last};

	*last = 0;
	return run(&w, path, out);
}
