// SPDX-License-Identifier: MIT
/*
 * The file service: what comes through its port, to whom it goes.  A channel's badge is a
 * view, which takes paths, or an open file (channel.h); 0 is the first view.  Every request
 * runs in a fiber of its own, so none waits for another's disk.
 */
#include "boot.h"
#include "devices.h"
#include "disks.h"
#include "lock.h"
#include "mounts.h"
#include "mqueue.h"
#include "ops.h"
#include "pagecache.h"
#include "permission.h"
#include "walk.h"
#include "watch.h"

#include <rt/fiber.h>
#include <rt/module.h>

struct service vfs_service;
struct view *vfs_view;

/* ---- who asks for more than a file ---- */

static void op_who(struct request *rq)
{
	struct w_obj_info info = {0};

	w_obj_info(0, &info);
	rq->m->FS_WHO_out_koid = info.koid;
	if (!mounts_memory() || !disks_memory()) {
		reply(rq, W_ENOMEM);
		return;
	}
	rq->m->h[0] = w_handle_dup(mounts_memory(), W_READ | W_DUP);
	rq->m->h[1] = w_handle_dup(disks_memory(), W_READ | W_DUP);
	rq->m->nh = 2;
	service_finish(&vfs_service, rq->m, 0);
}

static void op_leases(struct request *rq)
{
	w_handle_t mem = lease_counters();

	reply_handle(rq, mem ? w_handle_dup(mem, W_READ | W_DUP) : W_ENOMEM);
}

static void op_parking(struct request *rq)
{
	w_handle_t mem = rq->m->nh == 1 ? rq->m->h[0] : 0;

	permission_cred(rq); /* what is kept of him goes with him: procd has to tell us */
	reply(rq, mem ? lease_client_new(rq->m->sender, mem) : W_EINVAL);
}

static void process_gone(uint64_t koid)
{
	lock_process_gone(koid);
	mqueue_process_gone(koid);
	lease_client_gone(koid);
}

static void note(const struct w_msg *m)
{
	if (!permission_from_procd(m->sender))
		return;
	permission_forget(m->FS_NOTE_in_koid);
	if (m->FS_NOTE_in_what)
		process_gone(m->FS_NOTE_in_koid);
}

/* ---- locks ---- */

static void op_flock(struct request *rq, struct file *f)
{
	permission_cred(rq);
	lock_flock(&vfs_service, rq->m, f->inode, f);
}

enum { F_GETLK = 5, F_OFD_GETLK = 36 }; /* include/uapi/asm-generic/fcntl.h */

static void op_lock(struct request *rq, struct file *f)
{
	uint64_t type = rq->m->FS_LOCK_in_type;

	permission_cred(rq);
	if (rq->m->FS_LOCK_in_cmd != F_GETLK && rq->m->FS_LOCK_in_cmd != F_OFD_GETLK &&
	    ((type == 0 && !file_reads(f)) || (type == 1 && !file_writes(f))))
		reply(rq, W_EBADH);
	else
		lock_record(&vfs_service, rq->m, f->inode, f);
}

/* The lent bytes are the argument, as are the reply's. */
static void op_ioctl(struct request *rq, struct file *f)
{
	struct inode *i = f->inode;
	uint64_t out[8];
	int64_t n = W_ENOTTY;

	if (i->ops->ioctl)
		n = i->ops->ioctl(i, rq->m->FS_IOCTL_in_request, rq->bytes,
				  rq->m->in_len < SERVICE_BYTES ? rq->m->in_len : 0, out,
				  sizeof(out));
	if (n < 0)
		reply(rq, n);
	else
		reply_bytes(rq, 0, out, n < rq->m->out_len ? n : rq->m->out_len);
}

static void op_fsync(struct request *rq, struct file *f)
{
	struct inode *i = f->inode;
	struct content *c = has_bytes(i) ? content_of(i) : NULL;
	int err = has_bytes(i) && !c ? W_ENOMEM : c ? c->ops->sync(i) : 0;

	if (!err && i->ops->fsync)
		err = i->ops->fsync(i, rq->m->FS_FSYNC_in_data_only);
	reply(rq, err);
}

static void op_syncfs(struct request *rq, struct file *f)
{
	reply(rq, super_sync(f->inode->sb));
}

/* sync(2): of all that is mounted anywhere. */
static void op_sync(struct request *rq)
{
	mount_sync_all();
	reply(rq, 0);
}

static void op_msync(struct request *rq)
{
	struct inode *i = pagecache_by_koid(rq->m->FS_MSYNC_in_koid);
	int err = 0;

	if (i) {
		err = content_of(i)->ops->sync(i);
		if (!err && i->ops->fsync)
			err = i->ops->fsync(i, true);
		inode_put(i);
	}
	reply(rq, err);
}

static void op_unlock_all(struct request *rq, struct file *f)
{
	lock_close(f->inode, rq->m->sender);
	reply(rq, 0);
}

/* ---- inotify ---- */

static void op_watch_new(struct request *rq)
{
	struct watcher *w = watch_new();
	struct file *f = w ? file_new(rq->m, NULL, rq->m->FS_WATCH_NEW_in_flags) : NULL;

	if (!f) {
		if (w)
			watch_free(w);
		reply(rq, W_ENOMEM);
		return;
	}
	f->watcher = w;
	rq->m->h[1] = w_handle_dup(watch_event(w), W_READ | W_DUP);
	rq->m->nh = 2;
	service_finish(&vfs_service, rq->m, 0);
}

static void op_watch_add(struct request *rq, struct file *f)
{
	uint32_t mask = rq->m->FS_WATCH_ADD_in_mask;
	struct path p;
	int err = walk(rq, rq->bytes, mask & 0x2000000 ? WALK_NOFOLLOW : 0, &p); /* DONT_FOLLOW */

	if (err) {
		reply(rq, err);
		return;
	}
	err = may(rq, p.d->inode, MAY_R) ? watch_add(f->watcher, p.d->inode, mask) : W_EACCES;
	if (err >= 0) /* opens are to be told from now on */
		lease_changed(p.d->inode);
	path_put(p);
	reply(rq, err);
}

static void call_watcher(struct request *rq, struct file *f)
{
	struct w_msg *m = rq->m;
	uint32_t n;

	switch (m->op) {
	case FS_WATCH_ADD:
		op_watch_add(rq, f);
		break;
	case FS_WATCH_DEL:
		reply(rq, watch_del(f->watcher, m->FS_WATCH_DEL_in_wd));
		break;
	case FS_READ:
		watch_read(&vfs_service, m, f->watcher, f->flags & FS_O_NONBLOCK);
		break;
	case FS_FLAGS:
		op_flags(rq, f);
		break;
	case FS_IOCTL: /* FIONREAD */
		n = watch_available(f->watcher);
		reply_bytes(rq, 0, &n, sizeof(n));
		break;
	default:
		reply(rq, W_EINVAL);
	}
}

/* ---- tables ---- */

/* Of an operation in its service (the service's number is above). */
#define NR(op) ((op)&0xffffu)

typedef void (*file_op)(struct request *rq, struct file *f);
typedef void (*view_op)(struct request *rq);

static const file_op file_ops[] = {
	[NR(FS_READ)] = op_read,
	[NR(FS_WRITE)] = op_write,
	[NR(FS_STAT)] = op_stat,
	[NR(FS_READDIR)] = op_readdir,
	[NR(FS_SEEK)] = op_seek,
	[NR(FS_TRUNCATE)] = op_truncate,
	[NR(FS_SETATTR)] = op_setattr,
	[NR(FS_MMAP)] = op_mmap,
	[NR(FS_CONTENT)] = op_content,
	[NR(FS_STATFS)] = op_statfs,
	[NR(FS_FLAGS)] = op_flags,
	[NR(FS_FSYNC)] = op_fsync,
	[NR(FS_SYNCFS)] = op_syncfs,
	[NR(FS_IOCTL)] = op_ioctl,
	[NR(FS_FLOCK)] = op_flock,
	[NR(FS_LOCK)] = op_lock,
	[NR(FS_UNLOCK_ALL)] = op_unlock_all,
	[NR(FS_MQ_SEND)] = call_mqueue,
	[NR(FS_MQ_RECEIVE)] = call_mqueue,
	[NR(FS_MQ_ATTR)] = call_mqueue,
	[NR(FS_MQ_NOTIFY)] = call_mqueue,
};

static void op_stat_path(struct request *rq)
{
	op_stat(rq, NULL);
}

static void op_setattr_path(struct request *rq)
{
	op_setattr(rq, NULL);
}

static void op_truncate_path(struct request *rq)
{
	op_truncate(rq, NULL);
}

static void op_statfs_path(struct request *rq)
{
	op_statfs(rq, NULL);
}

static const view_op view_ops[] = {
	[NR(FS_OPEN)] = op_open,
	[NR(FS_STAT)] = op_stat_path,
	[NR(FS_MKDIR)] = op_mkdir,
	[NR(FS_UNLINK)] = op_unlink,
	[NR(FS_RENAME)] = op_rename,
	[NR(FS_LINK)] = op_link,
	[NR(FS_SYMLINK)] = op_symlink,
	[NR(FS_READLINK)] = op_readlink,
	[NR(FS_TRUNCATE)] = op_truncate_path,
	[NR(FS_SETATTR)] = op_setattr_path,
	[NR(FS_STATFS)] = op_statfs_path,
	[NR(FS_SYNC)] = op_sync,
	[NR(FS_MSYNC)] = op_msync,
	[NR(FS_MOUNT)] = op_mount,
	[NR(FS_UMOUNT)] = op_umount,
	[NR(FS_GRANT)] = op_grant,
	[NR(FS_EXEC)] = op_exec,
	[NR(FS_LEASES)] = op_leases,
	[NR(FS_PARKING)] = op_parking,
	[NR(FS_WHO)] = op_who,
	[NR(FS_WATCH_NEW)] = op_watch_new,
	[NR(FS_RESOLVE)] = op_resolve,
	[NR(FS_ACCESS)] = op_access,
	[NR(FS_MKNOD)] = op_mknod,
	[NR(FS_LEADS)] = op_leads,
	[NR(FS_MQ_OPEN)] = op_mq_open,
};

/* Who has a path only (O_PATH) needed no right to the file. */
static bool needs_no_right(uint32_t op)
{
	return op == FS_STAT || op == FS_STATFS || op == FS_FLAGS;
}

static void call_file(struct request *rq, struct file *f)
{
	uint32_t op = rq->m->op, nr = NR(op);

	if (f->kind == CHANNEL_WATCHER) {
		call_watcher(rq, f);
		return;
	}
	if (!f->inode) {
		reply(rq, -116); /* ESTALE: it was parked when the file's last name went */
		return;
	}
	if (lease_reopened(&f->park))
		f->off = 0;
	if (f->flags & FS_O_PATH && !needs_no_right(op))
		reply(rq, W_EBADH);
	else if (op - nr == FS_READ - NR(FS_READ) && nr < sizeof(file_ops) / sizeof(*file_ops) &&
		 file_ops[nr])
		file_ops[nr](rq, f);
	else
		reply(rq, W_ENOSYS);
}

static void call_view(struct request *rq)
{
	uint32_t op = rq->m->op, nr = NR(op);

	if (op - nr == FS_READ - NR(FS_READ) && nr < sizeof(view_ops) / sizeof(*view_ops) &&
	    view_ops[nr])
		view_ops[nr](rq);
	else
		reply(rq, W_ENOSYS);
}

/* Everything to its medium, and nothing more is taken: then procd switches off. */
static void shut_down(const struct w_msg *m)
{
	struct w_msg done = {.op = PROC_STOPPED_FILES};

	if (!permission_from_procd(m->sender))
		return;
	mount_end_all();
	done.PROC_STOPPED_FILES_in_how = m->FS_SHUTDOWN_in_how;
	w_chan_send(rt_lookup("proc"), &done);
}

static void call(struct service *s, struct w_msg *m)
{
	enum channel_kind *chan = (enum channel_kind *)m->badge;
	bool is_view = !chan || *chan == CHANNEL_VIEW;
	struct request rq;

	if (m->op == W_OP_CLOSED) {
		if (!is_view)
			file_closed((struct file *)chan);
		return;
	}
	if (m->op == FS_NOTE || m->op == FS_SHUTDOWN) {
		if (m->op == FS_NOTE)
			note(m);
		else
			shut_down(m);
		return;
	}
	request_begin(&rq, m, s->bytes, chan && is_view ? (struct view *)chan : vfs_view);
	if (is_view)
		call_view(&rq);
	else
		call_file(&rq, (struct file *)chan);
	request_end(&rq);
}

/* ---- start ---- */

static void start_service(void *arg)
{
	(void)arg;
	vfs_view = boot_root();
	devices_start(vfs_view);
	disks_start();
	mounts_memory();
	mounts_show(vfs_view);
	vfs_service.call = call;
	vfs_service.in_fibers = true;
	service_start(&vfs_service, "fs");
}

static void start(void)
{
	lease_init();
	dentry_init();
	pagecache_init();
	if (!fiber_start(start_service, NULL))
		rt_die("fs: out of memory");
}

const struct module fs_module = {"fs", start};
