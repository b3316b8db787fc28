// SPDX-License-Identifier: MIT
#include "mount.h"

#include "inode.h"
#include "lease.h"
#include "pagecache.h"

#include <fs/bdev.h>
#include <rt/blk.h>

static uint32_t last_id;
static uint64_t last_dev;
static struct list supers = LIST_INIT(supers);

struct mount *mount_on(struct path p)
{
	struct namespace *ns = p.mnt->ns;
	struct list *l;
	struct mount *m;

	if (!p.d->mounts || !ns)
		return NULL;
	for (l = ns->mounts.prev; l != &ns->mounts; l = l->prev) { /* the latest is on top */
		m = list_entry(l, struct mount, link);
		if (m->parent == p.mnt && m->at == p.d)
			return m;
	}
	return NULL;
}

/* No mount shows it any more, and nobody uses a file of it: it goes. */
static void super_end_use(struct super_block *sb)
{
	int err = sb->read_only ? 0 : super_sync(sb);

	if (err)
		rt_log("fs: what was written is not all there: error %d", -err);
	pagecache_forget(sb);
	dentry_free_tree(sb->top);
	inode_put(sb->root);
	sb->ops->unmount(sb);
	if (sb->dev)
		blk_release(sb->dev, sb->kind);
	list_del(&sb->link);
	rt_free(sb);
}

void mount_put(struct mount *m)
{
	if (--m->refs)
		return;
	if (m->root)
		dentry_put(m->root);
	if (m->sb && !--m->sb->mounts)
		super_end_use(m->sb);
	if (m->parent) {
		dentry_put(m->at);
		mount_put(m->parent);
	}
	rt_free(m);
}

void path_put(struct path p)
{
	if (!p.d)
		return;
	dentry_put(p.d);
	mount_put(p.mnt);
}

bool path_up(const struct view *view, struct path *p)
{
	struct path at = *p;

	for (;;) {
		if (path_is_same(at, view->root))
			return false;
		if (at.d != at.mnt->root) {
			if (!at.d->parent)
				return false;
			at.d = at.d->parent;
			break;
		}
		if (!at.mnt->parent)
			return false;
		at = (struct path){at.mnt->parent, at.mnt->at};
	}
	at = path_get(at);
	path_put(*p);
	*p = at;
	return true;
}

/* Prepend "/name" to the text that begins at out[at]; 0: no room. */
static size_t prepend(char *out, size_t at, const char *name, size_t len)
{
	if (len + 1 > at)
		return 0;
	memcpy(out + at - len, name, len);
	out[at - len - 1] = '/';
	return at - len - 1;
}

bool path_text(const struct view *view, struct path p, char *out, size_t size)
{
	size_t at = size - 1;

	out[at] = 0;
	while (!path_is_same(p, view->root)) {
		if (p.d == p.mnt->root && p.mnt->parent) {
			p = (struct path){p.mnt->parent, p.mnt->at};
			continue;
		}
		if (!p.d->parent)
			return false; /* unlinked, or not below the view's root */
		at = prepend(out, at, p.d->name, p.d->name_len);
		if (!at)
			return false;
		p.d = p.d->parent;
	}
	if (!out[at])
		out[--at] = '/';
	memmove(out, out + at, size - at);
	return true;
}

int mount_remove(struct mount *m, bool lazy)
{
	if (!m->parent || !m->ns)
		return W_EINVAL;
	if (m->refs > 2 && !lazy) /* more than the tree of mounts, and who asks */
		return W_EBUSY;
	list_del(&m->link);
	m->ns = NULL;
	m->at->mounts--;
	lease_changed(m->at->inode);
	mount_put(m);
	return 0;
}

/* ---- making ---- */

static struct mount *mount_new(struct super_block *sb, uint32_t flags, const char *source)
{
	struct mount *m = rt_try_alloc(sizeof(*m));

	if (!m)
		return NULL;
	m->sb = sb;
	m->refs = 1;
	m->flags = flags | (sb && sb->read_only ? MOUNT_RDONLY : 0);
	m->id = ++last_id;
	strlcpy(m->source, source, sizeof(m->source));
	if (sb)
		sb->mounts++;
	return m;
}

static void attach(struct mount *m, struct path at)
{
	at = path_get(at);
	m->parent = at.mnt;
	m->at = at.d;
	m->ns = at.mnt->ns;
	at.d->mounts++;
	list_append(&m->ns->mounts, &m->link);
	lease_changed(at.d->inode);
}

int mount_add(struct path p, struct super_block *sb, struct dentry *root, uint32_t flags,
	      const char *source)
{
	struct mount *m = mount_new(sb, flags, source);

	if (!m)
		return W_ENOMEM;
	m->root = dentry_get(root ? root : sb->top);
	attach(m, p);
	return 0;
}

int mount_service(struct path p, const char *service)
{
	struct mount *m = mount_new(NULL, 0, service + 1);

	if (!m)
		return W_ENOMEM;
	strlcpy(m->service, service, sizeof(m->service));
	attach(m, p);
	return 0;
}

static struct super_block *super_new(const struct file_system *kind, const struct mount_args *args,
				     int *err)
{
	struct super_block *sb = rt_try_alloc(sizeof(*sb));

	*err = W_ENOMEM;
	if (!sb)
		return NULL;
	sb->kind = kind;
	sb->dev = args->dev;
	sb->read_only = args->read_only;
	sb->dev_no = ++last_dev;
	list_init(&sb->inodes);
	*err = kind->mount(sb, args);
	if (*err) {
		rt_free(sb);
		return NULL;
	}
	sb->top = dentry_root(sb);
	if (!sb->top)
		rt_die("fs: out of memory"); /* it is mounted, and cannot be let go of */
	list_append(&supers, &sb->link);
	return sb;
}

int mount_new_at(struct path p, const struct file_system *kind, const struct mount_args *args,
		 uint32_t flags)
{
	struct super_block *sb;
	int err;

	sb = super_new(kind, args, &err);
	if (!sb)
		return err;
	err = mount_add(p, sb, NULL, flags, args->source);
	if (err)
		super_end_use(sb);
	return err;
}

struct view *mount_first(const struct file_system *kind, const struct mount_args *args, int *err)
{
	struct namespace *ns = rt_alloc(sizeof(*ns));
	struct super_block *sb = super_new(kind, args, err);
	struct view *v = rt_alloc(sizeof(*v));
	struct mount *m;

	if (!sb)
		return NULL;
	m = mount_new(sb, 0, args->source);
	if (!m)
		rt_die("fs: out of memory");
	m->root = dentry_get(sb->top);
	ns->refs = 1;
	list_init(&ns->mounts);
	m->ns = ns;
	list_append(&ns->mounts, &m->link);
	*v = (struct view){CHANNEL_VIEW, ns, path_get((struct path){m, m->root})};
	return v;
}

/* ---- to the medium ---- */

int super_sync(struct super_block *sb)
{
	int err = pages_sync(sb), own = sb->ops->sync(sb);

	return err ? err : own;
}

void mount_sync_all(void)
{
	struct list *l;

	list_for_each (l, &supers)
		super_sync(list_entry(l, struct super_block, link));
	bdev_sync_all();
}

static void super_end(struct super_block *sb)
{
	int err = sb->read_only ? 0 : super_sync(sb);

	if (!err && !sb->read_only && sb->ops->remount)
		err = sb->ops->remount(sb, true, "");
	sb->read_only = true;
	if (err)
		rt_log("fs: %s is not left clean: error %d", sb->dev ? sb->dev->name : "tmpfs",
		       -err);
}

void mount_end_all(void)
{
	struct list *l;

	list_for_each (l, &supers)
		super_end(list_entry(l, struct super_block, link));
	bdev_sync_all();
}
