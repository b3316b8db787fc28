// SPDX-License-Identifier: MIT
#include "inode.h"
#include "make.h"
#include "ops.h"
#include "permission.h"
#include "walk.h"
#include "watch.h"

/* ---- read and write ---- */

void op_read(struct request *rq, struct file *f)
{
	uint64_t off = rq->m->FS_READ_in_off, n;
	bool own = off == FS_OWN_OFFSET;
	struct content *c;

	if (!has_bytes(f->inode) || !file_reads(f)) {
		reply(rq, !file_reads(f) ? W_EBADH : is_dir(f->inode) ? W_EISDIR : W_EINVAL);
		return;
	}
	c = content_of(f->inode);
	if (!c) {
		reply(rq, W_ENOMEM);
		return;
	}
	if (own)
		off = f->off;
	n = off < f->inode->size ? f->inode->size - off : 0;
	if (n > rq->m->out_len)
		n = rq->m->out_len;
	if (c->ops->reply(rq, f->inode, off, n) >= 0 && own)
		f->off = off + n;
}

static int write_at(struct request *rq, struct file *f, uint64_t *off, uint64_t len)
{
	struct content *c = content_of(f->inode);
	struct inode_state *st = f->inode->st;
	int err;

	if (!c)
		return W_ENOMEM;
	fiber_lock(&st->lock);
	if (f->flags & FS_O_APPEND)
		*off = f->inode->size;
	err = *off + len < *off ? W_EFBIG : c->ops->write(rq, f->inode, *off, len);
	if (!err && len)
		content_changed(rq, f->inode);
	fiber_unlock(&st->lock);
	return err;
}

/* O_DSYNC, O_SYNC: on the medium before the answer. */
static int sync_written(struct file *f)
{
	int err = content_of(f->inode)->ops->sync(f->inode);

	if (!err && f->inode->ops->fsync)
		err = f->inode->ops->fsync(f->inode, !(f->flags & FS_O_SYNC));
	return err;
}

void op_write(struct request *rq, struct file *f)
{
	uint64_t off = rq->m->FS_WRITE_in_off, len = rq->m->in_len;
	bool own = off == FS_OWN_OFFSET;
	int err;

	if (!file_writes(f) || !has_bytes(f->inode)) {
		reply(rq, W_EBADH);
		return;
	}
	if (own)
		off = f->off;
	err = write_at(rq, f, &off, len);
	if (err) {
		reply(rq, err);
		return;
	}
	if (len)
		watch_tell(f->path.d, IN_MODIFY);
	if (len && f->flags & (FS_O_SYNC | FS_O_DSYNC))
		err = sync_written(f);
	if (err) {
		reply(rq, err);
		return;
	}
	if (own)
		f->off = off + len;
	rq->m->FS_WRITE_out_size = f->inode->size;
	reply(rq, len);
}

/* ---- size ---- */

static int truncate_to(struct request *rq, struct path *p, uint64_t size)
{
	struct inode *i = p->d->inode;
	struct content *c;
	int err;

	if (!is_file(i))
		return is_dir(i) ? W_EISDIR : W_EINVAL;
	if ((int64_t)size < 0)
		return W_EINVAL;
	c = content_of(i);
	if (!c)
		return W_ENOMEM;
	fiber_lock(&i->st->lock);
	err = c->ops->resize(i, size);
	if (!err)
		content_changed(rq, i);
	fiber_unlock(&i->st->lock);
	if (!err)
		watch_tell(p->d, IN_MODIFY);
	return err;
}

void op_truncate(struct request *rq, struct file *f)
{
	uint64_t size = rq->m->FS_TRUNCATE_in_size;
	struct path p;
	int err;

	if (f) {
		reply(rq, file_writes(f) ? truncate_to(rq, &f->path, size) : W_EINVAL);
		return;
	}
	err = walk(rq, rq->bytes, 0, &p);
	if (err) {
		reply(rq, err);
		return;
	}
	if (!is_dir(p.d->inode) && !may(rq, p.d->inode, MAY_W))
		err = W_EACCES;
	if (!err)
		err = writable_here(&p);
	reply(rq, err ? err : truncate_to(rq, &p, size));
	path_put(p);
}

/* ---- memory ---- */

void op_mmap(struct request *rq, struct file *f)
{
	struct content *c = has_bytes(f->inode) ? content_of(f->inode) : NULL;
	bool writes = (f->flags & FS_O_ACCMODE) == FS_O_RDWR;
	w_handle_t mem;
	int64_t h;

	if (!c) {
		reply(rq, has_bytes(f->inode) ? W_ENOMEM : W_ENODEV);
		return;
	}
	h = c->ops->memory(f->inode, &mem);
	if (h) {
		reply(rq, h);
		return;
	}
	writes = writes && c->own;
	h = w_handle_dup(mem, W_ALL & ~(writes ? W_MANAGE : W_WRITE | W_MANAGE));
	if (h >= 0 && writes)
		c->mapped = true;
	rq->m->FS_MMAP_out_size = f->inode->size;
	inode_accessed(f->inode, f->path.mnt->flags);
	reply_handle(rq, h);
}

/* What reads come from, so that they need not come here. */
void op_content(struct request *rq, struct file *f)
{
	w_handle_t mem;
	int64_t h = W_EINVAL;

	if (file_reads(f) && has_bytes(f->inode))
		h = content_lend(f->inode, &mem);
	if (!h)
		h = w_handle_dup(mem, W_READ | W_DUP);
	reply_handle(rq, h);
}
