// SPDX-License-Identifier: MIT
/* Message queues by name: files of /dev/mqueue, with their permissions. */
#include "make.h"
#include "mqueue.h"
#include "ops.h"
#include "permission.h"
#include "walk.h"

static struct mqueue *queue_of(const struct path *p)
{
	return p->d->inode->st ? p->d->inode->st->mq : NULL;
}

static int open_old(struct request *rq, const struct path *p, uint32_t flags)
{
	if (flags & FS_O_CREAT && flags & FS_O_EXCL)
		return W_EEXIST;
	return queue_of(p) && may(rq, p->d->inode, cred_open_bits(flags)) ? 0 : W_EACCES;
}

static int open_new(struct request *rq, struct path dir, const char *name, struct path *out)
{
	const struct w_msg *m = rq->m;
	struct new_file what = make_what(rq, FS_S_IFREG | (m->FS_MQ_OPEN_in_mode & 0777));
	int err = make_in(rq, dir, name, &what, out);

	if (err)
		return err;
	err = mqueue_create(out->d->inode, what.uid, m->FS_MQ_OPEN_in_most, m->FS_MQ_OPEN_in_size);
	if (!err)
		return 0;
	path_put(*out);
	unmake(rq, dir, name, false);
	return err;
}

static int find(struct request *rq, const char *name, struct path *out)
{
	struct name n = {name, strlen(name)};
	uint32_t flags = rq->m->FS_MQ_OPEN_in_flags;
	struct path dir;
	struct dentry *d;
	int err = walk(rq, "/dev/mqueue", 0, &dir);

	if (err)
		return err;
	d = dentry_lookup(dir.d, &n, &err);
	if (d && d->inode) {
		*out = path_get((struct path){dir.mnt, d});
		err = open_old(rq, out, flags);
		if (err)
			path_put(*out);
	} else if (!err || err == W_ENOENT) {
		err = flags & FS_O_CREAT ? open_new(rq, dir, name, out) : W_ENOENT;
	}
	if (d)
		dentry_put(d);
	path_put(dir);
	return err;
}

static int check_name(const char *name)
{
	if (!*name)
		return W_ENOENT;
	if (strlen(name) > 255)
		return W_ENAMETOOLONG;
	return strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ? W_EACCES : 0;
}

void op_mq_open(struct request *rq)
{
	uint32_t flags = rq->m->FS_MQ_OPEN_in_flags & (FS_O_ACCMODE | FS_O_NONBLOCK);
	struct path p;
	int err = check_name(rq->bytes);

	if (!err)
		err = find(rq, rq->bytes, &p);
	if (err) {
		reply(rq, err);
		return;
	}
	if (!file_new(rq->m, &p, flags)) {
		reply(rq, W_ENOMEM);
	} else {
		rq->m->h[1] = w_handle_dup(mqueue_event(queue_of(&p)), W_READ | W_DUP);
		rq->m->nh = 2;
		service_finish(&vfs_service, rq->m, 0);
	}
	path_put(p);
}

void call_mqueue(struct request *rq, struct file *f)
{
	bool nonblock = f->flags & FS_O_NONBLOCK;
	struct mqueue *q = queue_of(&f->path);

	if (!q || (rq->m->op == FS_MQ_SEND && !file_writes(f)) ||
	    (rq->m->op == FS_MQ_RECEIVE && !file_reads(f))) {
		reply(rq, W_EBADH);
		return;
	}
	permission_cred(rq); /* what he waits for goes with him: procd has to tell us */
	switch (rq->m->op) {
	case FS_MQ_SEND:
		mqueue_send(&vfs_service, rq->m, q, nonblock);
		break;
	case FS_MQ_RECEIVE:
		mqueue_receive(&vfs_service, rq->m, q, nonblock);
		break;
	case FS_MQ_ATTR:
		mqueue_attr(&vfs_service, rq->m, q, f->flags);
		break;
	default:
		mqueue_notify(&vfs_service, rq->m, q);
	}
}
