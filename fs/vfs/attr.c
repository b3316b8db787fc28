// SPDX-License-Identifier: MIT
#include "inode.h"
#include "make.h"
#include "ops.h"
#include "permission.h"
#include "walk.h"
#include "watch.h"

#define DAY_NS (86400ull * 1000000000)

/* ---- stat ---- */

static void fill_stat(struct fs_stat *st, const struct inode *i)
{
	*st = (struct fs_stat){.ino = i->ino,
			       .size = i->size,
			       .blocks = i->blocks,
			       .mode = i->mode,
			       .nlink = i->nlink,
			       .uid = i->uid,
			       .gid = i->gid,
			       .atime = i->atime,
			       .mtime = i->mtime,
			       .ctime = i->ctime,
			       .rdev = i->rdev,
			       .dev = i->sb->dev_no};
}

void op_stat(struct request *rq, struct file *f)
{
	struct w_msg *m = rq->m;
	struct fs_stat st;
	struct path p;
	int err;

	if (f && !m->in_len) {
		fill_stat(&st, f->path.d->inode); /* of a device the node */
		reply_bytes(rq, 0, &st, sizeof(st));
		return;
	}
	err = walk(rq, rq->bytes, m->FS_STAT_in_nofollow ? WALK_NOFOLLOW : 0, &p);
	m->FS_STAT_out_trail0 = 0;
	if (!err || err == W_ENOENT)
		lease_end(rq, (uint64_t *)&m->FS_STAT_out_trail0, &m->FS_STAT_out_sum);
	if (err) {
		reply(rq, err);
		return;
	}
	fill_stat(&st, p.d->inode);
	path_put(p);
	reply_bytes(rq, 0, &st, sizeof(st));
}

void op_statfs(struct request *rq, struct file *f)
{
	struct fs_statfs s = {.block = W_PAGE};
	struct super_block *sb;
	struct path p = {0};
	int err = 0;

	if (!f && rq->m->in_len)
		err = walk(rq, rq->bytes, 0, &p);
	if (err) {
		reply(rq, err);
		return;
	}
	sb = f ? f->inode->sb : p.d ? p.d->sb : rq->view->root.d->sb;
	s.type = sb->magic;
	sb->ops->statfs(sb, &s);
	path_put(p);
	reply_bytes(rq, 0, &s, sizeof(s));
}

/* ---- changing ---- */

static int setattr_allowed(struct request *rq, const struct inode *i)
{
	const struct w_msg *m = rq->m;
	const struct proc_cred *me = permission_cred(rq);
	uint32_t what = m->FS_SETATTR_in_what;

	if (!me || !me->uid)
		return 0;
	if (what & FS_SET_UID && m->FS_SETATTR_in_uid != i->uid)
		return W_EPERM;
	if (what & FS_SET_GID && m->FS_SETATTR_in_gid != i->gid &&
	    !cred_member(me, m->FS_SETATTR_in_gid))
		return W_EPERM;
	if (!(what & ~(uint32_t)FS_SET_NOFOLLOW)) /* chown(-1, -1): it takes set-id bits away */
		return is_file(i) && passing_bits(rq, i) && !owns(rq, i) ? W_EPERM : 0;
	if (what & FS_SET_NOW && !(what & (FS_SET_MODE | FS_SET_UID | FS_SET_GID)) &&
	    may(rq, i, MAY_W)) /* times to now: writing is enough */
		return 0;
	return owns(rq, i) ? 0 : what & FS_SET_NOW ? W_EACCES : W_EPERM;
}

/* chmod(2): the set-group-id bit is not given by who is not in the group; chown(2): it and
 * the set-user-id bit go with the owner. */
static uint32_t mode_wanted(struct request *rq, const struct inode *i, uint32_t *what)
{
	const struct w_msg *m = rq->m;
	uint32_t mode = i->mode;

	if (*what & FS_SET_MODE) {
		mode = (i->mode & FS_S_IFMT) | (m->FS_SETATTR_in_mode & 07777);
		if (!is_dir(i) && !may_give_group(rq, i->gid))
			mode &= ~02000u;
	}
	if ((*what & (FS_SET_UID | FS_SET_GID) || !(*what & 0xff)) && is_file(i)) {
		mode &= ~passing_bits(rq, i);
		*what |= FS_SET_MODE;
	}
	return mode;
}

static int set_attributes(struct request *rq, struct path *p)
{
	const struct w_msg *m = rq->m;
	uint32_t what = m->FS_SETATTR_in_what;
	struct inode *i = p->d->inode;
	struct inode_state *st = inode_state(i);
	struct attr a = {.uid = m->FS_SETATTR_in_uid,
			 .gid = m->FS_SETATTR_in_gid,
			 .atime = m->FS_SETATTR_in_atime,
			 .mtime = m->FS_SETATTR_in_mtime};
	int err = st ? setattr_allowed(rq, i) : W_ENOMEM;

	if (!err)
		err = writable_here(p);
	if (err)
		return err;
	fiber_lock(&st->lock);
	a.mode = mode_wanted(rq, i, &what);
	err = inode_setattr(i, what & 0xff, &a);
	fiber_unlock(&st->lock);
	if (err)
		return err;
	lease_changed(i);
	watch_tell(p->d, IN_ATTRIB);
	return 0;
}

void op_setattr(struct request *rq, struct file *f)
{
	bool nofollow = rq->m->FS_SETATTR_in_what & FS_SET_NOFOLLOW;
	struct path p;
	int err;

	if (f && !rq->m->in_len) {
		reply(rq, set_attributes(rq, &f->path));
		return;
	}
	err = walk(rq, rq->bytes, nofollow ? WALK_NOFOLLOW : 0, &p);
	if (err) {
		reply(rq, err);
		return;
	}
	reply(rq, set_attributes(rq, &p));
	path_put(p);
}

/* Reading changes the time of access once a day at the most (relatime, mount(8)). */
void inode_accessed(struct inode *i, uint32_t mount_flags)
{
	uint64_t now = rt_wall();
	struct attr a = {.atime = now};

	if (mount_flags & (MOUNT_NOATIME | MOUNT_RDONLY) || i->sb->read_only)
		return;
	if (!(mount_flags & MOUNT_STRICTATIME) && i->atime > i->mtime && i->atime > i->ctime &&
	    now - i->atime < DAY_NS)
		return;
	if (!i->ops->setattr(i, FS_SET_ATIME, &a))
		lease_changed(i);
}

/* ---- access ---- */

/* With the real ids instead of the effective ones. */
static void assume_real(struct request *rq, struct proc_cred *real)
{
	const struct proc_cred *me = permission_cred(rq);

	if (!me)
		return;
	*real = *me;
	real->uid = real->ruid;
	real->gid = real->rgid;
	rq->cred = real;
}

void op_access(struct request *rq)
{
	uint32_t mode = rq->m->FS_ACCESS_in_mode & 7;
	struct proc_cred real;
	struct path p;
	int err;

	if (rq->m->FS_ACCESS_in_real)
		assume_real(rq, &real);
	err = walk(rq, rq->bytes, rq->m->FS_ACCESS_in_nofollow ? WALK_NOFOLLOW : 0, &p);
	if (err) {
		reply(rq, err);
		return;
	}
	if (mode && !may(rq, p.d->inode, mode))
		err = W_EACCES;
	if (!err && mode & MAY_W && (is_file(p.d->inode) || is_dir(p.d->inode)))
		err = writable_here(&p);
	path_put(p);
	reply(rq, err);
}
