// SPDX-License-Identifier: MIT
#include "content.h"

#include "inode.h"
#include "lease.h"
#include "permission.h"

struct content *content_of(struct inode *i)
{
	struct inode_state *st = inode_state(i);

	if (!st)
		return NULL;
	if (!st->content.ops)
		st->content.ops = is_memory(i->sb) ? &memfile_ops : &pagecache_ops;
	return &st->content;
}

void inode_borrow(struct inode *i, w_handle_t mem, uint64_t off, const void *at)
{
	struct content *c = i->size ? content_of(i) : NULL;

	if (!c)
		return;
	c->ops = &memfile_ops; /* whatever the file system's other files are */
	c->borrowed = at;
	c->from = mem;
	c->from_off = off;
}

int content_lend(struct inode *i, w_handle_t *mem)
{
	struct content *c = content_of(i);
	int err = c ? c->ops->memory(i, mem) : W_ENOMEM;

	if (err)
		return err;
	c->lent = true;
	content_sized(i);
	return 0;
}

void content_sized(struct inode *i)
{
	if (i->st->content.lent)
		w_mem_content(i->st->content.mem, i->size);
}

void content_changed(struct request *rq, struct inode *i)
{
	struct attr a = {.mode = mode_after_write(rq, i)};

	a.mtime = a.ctime = rt_wall();
	inode_setattr(i, FS_SET_MTIME | (a.mode != i->mode ? FS_SET_MODE : 0), &a);
	lease_changed(i);
}
