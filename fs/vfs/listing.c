// SPDX-License-Identifier: MIT
/*
 * getdents(2).  Positions are 0 for ".", 1 for "..", and from 2 on cookies: of file systems in
 * memory 2 + the seat of the entry before.  Seats only grow, so making, deleting and
 * renaming some never makes a listing skip or repeat others; the listing's own seat among
 * them makes going on cost nothing however long the directory is.
 */
#include "inode.h"
#include "ops.h"

#include <rt/fiber.h>

struct out {
	char *buf;
	size_t room, used;
	uint64_t next; /* the position behind the last that fitted */
};

static bool put(struct out *o, const struct name *name, uint64_t ino, uint32_t mode, uint64_t next)
{
	size_t len = (offsetof(struct fs_dirent, name) + name->len + 1 + 7) & ~7ul;
	struct fs_dirent *d = (struct fs_dirent *)(o->buf + o->used);

	if (o->used + len > o->room)
		return false;
	memset(d, 0, len);
	d->ino = ino;
	d->next = next;
	d->len = len;
	d->type = (mode & FS_S_IFMT) >> 12;
	memcpy(d->name, name->bytes, name->len);
	o->used += len;
	o->next = next;
	return true;
}

static bool emit(void *to, const struct name *name, uint64_t ino, uint32_t mode, uint64_t next)
{
	return put(to, name, ino, mode, next);
}

/* ---- file systems in memory ---- */

void listing_end(struct file *f)
{
	list_del(&f->cursor.link);
}

/* Where the listing goes on: behind its own seat, or at the first later than its position. */
static struct list *resume_at(struct file *f, struct dentry *dir)
{
	struct list *l;

	if (list_is_linked(&f->cursor.link))
		return f->cursor.link.next;
	list_for_each (l, &dir->children)
		if (list_entry(l, struct seat, link)->no + 2 > f->off)
			break;
	return l;
}

static void list_memory(struct file *f, struct out *o)
{
	struct dentry *dir = f->path.d, *d;
	struct list *l = resume_at(f, dir);
	struct seat *s;

	list_del(&f->cursor.link);
	for (; l != &dir->children; l = l->next) {
		s = list_entry(l, struct seat, link);
		if (!s->no)
			continue;
		d = list_entry(l, struct dentry, seat.link);
		if (!put(o, &(struct name){d->name, d->name_len}, d->inode->ino, d->inode->mode,
			 s->no + 2))
			break;
	}
	list_insert(&f->cursor.link, l->prev, l);
}

/* ---- any ---- */

static bool list_dots(struct file *f, struct out *o)
{
	struct path up = path_get(f->path);
	uint64_t ino = f->inode->ino;
	bool fits = true;

	if (f->off == 0)
		fits = put(o, &(struct name){".", 1}, ino, FS_S_IFDIR, 1);
	if (fits && f->off <= 1) {
		path_up(vfs_view, &up);
		fits = put(o, &(struct name){"..", 2}, up.d->inode->ino, FS_S_IFDIR, 2);
	}
	path_put(up);
	return fits;
}

static int list_some(struct file *f, struct out *o)
{
	int err = 0;

	o->next = f->off;
	if (f->off < 2 && !list_dots(f, o))
		return o->used ? 0 : W_EINVAL;
	if (o->next < 2 || f->inode->nlink == 0)
		return 0;
	f->off = o->next;
	if (is_memory(f->inode->sb))
		list_memory(f, o);
	else
		err = f->inode->ops->readdir(f->inode, f->off, emit, o);
	return err;
}

void op_readdir(struct request *rq, struct file *f)
{
	struct out o = {.room = rq->m->out_len < SERVICE_BYTES ? rq->m->out_len : SERVICE_BYTES};
	int err;

	if (!is_dir(f->inode)) {
		reply(rq, W_ENOTDIR);
		return;
	}
	o.buf = rt_alloc_raw(SERVICE_BYTES); /* not the scratch: a file system may wait */
	if (!o.buf) {
		reply(rq, W_ENOMEM);
		return;
	}
	err = list_some(f, &o);
	if (!err && !o.used && o.room < 24)
		err = W_EINVAL;
	if (err) {
		reply(rq, err);
	} else {
		f->off = o.next;
		rq->m->nh = 0;
		service_reply_bytes(&vfs_service, rq->m, o.used, o.buf, o.used);
	}
	rt_free(o.buf);
}
