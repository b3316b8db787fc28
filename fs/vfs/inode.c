// SPDX-License-Identifier: MIT
#include "inode.h"

#include "fifo.h"
#include "mqueue.h"
#include "pagecache.h"
#include "watch.h"

#define BUCKETS 1024

static struct list numbers[BUCKETS];

static struct list *bucket(const struct super_block *sb, uint64_t ino)
{
	struct list *b = &numbers[(ino ^ ino >> 10 ^ sb->dev_no * 0x9e37u) % BUCKETS];

	if (!b->next)
		list_init(b);
	return b;
}

struct inode *inode_new(struct super_block *sb, uint64_t ino, const struct inode_ops *ops)
{
	struct inode *i = rt_try_alloc(sizeof(*i));

	if (!i)
		return NULL;
	i->sb = sb;
	i->ops = ops;
	i->ino = ino;
	i->refs = 1;
	list_init(&i->by_number);
	list_append(&sb->inodes, &i->of_super);
	if (!is_memory(sb)) /* nobody looks for the others */
		list_push(bucket(sb, ino), &i->by_number);
	return i;
}

struct inode *inode_find(struct super_block *sb, uint64_t ino)
{
	struct list *l, *b = bucket(sb, ino);
	struct inode *i;

	list_for_each (l, b) {
		i = list_entry(l, struct inode, by_number);
		if (i->ino == ino && i->sb == sb)
			return inode_get(i);
	}
	return NULL;
}

struct inode_state *inode_state(struct inode *i)
{
	struct inode_state *st = i->st;

	if (st)
		return st;
	st = rt_try_alloc(sizeof(*st));
	if (!st)
		return NULL;
	list_init(&st->watches);
	list_init(&st->parkings);
	list_init(&st->content.dirty);
	list_init(&st->content.cached);
	st->content.inode = i;
	return i->st = st;
}

static void state_free(struct inode *i)
{
	struct inode_state *st = i->st;

	watch_gone(i);
	if (st->content.ops)
		st->content.ops->drop(i);
	if (st->leads)
		w_handle_close(st->leads);
	if (st->mq)
		mqueue_free(st->mq);
	rt_free(st->target);
	rt_free(st);
	i->st = NULL;
}

/* A file without a name that nobody uses but to write it back: that is for nobody. */
static bool is_forsaken(const struct inode *i)
{
	return i->refs == 1 && !i->nlink && i->st && list_is_linked(&i->st->content.dirty);
}

void inode_put(struct inode *i)
{
	i->refs--;
	if (is_forsaken(i)) {
		pagecache_forsake(i);
		i->refs--;
	}
	if (i->refs)
		return;
	if (i->st)
		state_free(i);
	list_del(&i->by_number);
	list_del(&i->of_super);
	i->sb->ops->evict(i);
	rt_free(i);
}

const char *inode_target(struct inode *i, int *err)
{
	struct inode_state *st = inode_state(i);
	char *to;

	if (st && st->target)
		return st->target;
	to = st ? rt_try_alloc(i->size + 1) : NULL;
	*err = to ? i->ops->readlink(i, to, i->size + 1) : W_ENOMEM;
	if (*err) {
		rt_free(to);
		return NULL;
	}
	if (st->target) /* another has been faster */
		rt_free(to);
	else
		st->target = to;
	return st->target;
}

int inode_setattr(struct inode *i, uint32_t what, struct attr *attr)
{
	if (!attr->ctime)
		attr->ctime = rt_wall();
	if (i->sb->read_only)
		return W_EROFS;
	return i->ops->setattr(i, what | ATTR_CTIME, attr);
}
