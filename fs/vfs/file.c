// SPDX-License-Identifier: MIT
#include "file.h"

#include "fifo.h"
#include "inode.h"
#include "lock.h"
#include "ops.h"
#include "watch.h"

static void let_go(struct file *f)
{
	struct path p = f->path;
	struct inode *i = f->inode;

	f->path = (struct path){0};
	f->inode = NULL;
	path_put(p);
	inode_put(i);
}

static void file_revoked(struct parking *p)
{
	let_go(container_of(p, struct file, park));
}

struct file *file_new(struct w_msg *m, const struct path *p, uint32_t flags)
{
	struct file *f = rt_try_alloc(sizeof(*f));

	m->h[0] = f ? service_mint(&vfs_service, (uint64_t)f) : 0;
	if (!m->h[0]) {
		rt_free(f);
		return NULL;
	}
	f->kind = p ? CHANNEL_FILE : CHANNEL_WATCHER;
	f->flags = flags;
	f->park.revoked = file_revoked;
	list_init(&f->cursor.link);
	if (p) {
		f->path = path_get(*p);
		f->inode = inode_get(p->d->inode);
	}
	return f;
}

void file_closed(struct file *f)
{
	if (f->watcher)
		watch_free(f->watcher);
	lease_closed(&f->park);
	if (f->path.d) {
		watch_tell(f->path.d, file_writes(f) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
		lock_end(f->inode, f);
		if (f->fifo)
			fifo_close(f->inode, f->flags);
		listing_end(f);
		let_go(f);
	}
	rt_free(f);
}
