// SPDX-License-Identifier: MIT
/* POSIX message queues (mq_overview(7)): the file service keeps them (fs/vfs/mqueue.h). */
#include "lx.h"

#include <wherry/signal.h>

#define MQ_MOST_DEFAULT 10 /* /proc/sys/fs/mqueue/msg_default, msgsize_default */
#define MQ_SIZE_DEFAULT 8192
#define MQ_NAME_MAX 255

struct mq_attr {
	int64_t flags, most, size, n, reserved[4];
};

static struct lx_file *queue(long fd)
{
	struct lx_file *f = fd_file(fd);

	return f && f->kind == K_MQ ? f : NULL;
}

LX(mq_open)
{
	struct mq_attr attr = {.most = MQ_MOST_DEFAULT, .size = MQ_SIZE_DEFAULT};
	struct w_msg m = {.op = FS_MQ_OPEN};
	uint32_t flags = a[1];
	char name[MQ_NAME_MAX + 2];
	long n, err;

	n = lx_copy_str(name, (const char *)a[0], sizeof(name));
	if (n < 0)
		return n;
	if (flags & FS_O_CREAT && a[3] && get_user(&attr, a[3], sizeof(attr)))
		return -EFAULT;
	m.in = (uint64_t)name;
	m.in_len = n;
	m.FS_MQ_OPEN_in_flags = flags;
	m.FS_MQ_OPEN_in_mode = a[2] & 0777 & ~(uint64_t)proc()->umask;
	m.FS_MQ_OPEN_in_most = attr.most;
	m.FS_MQ_OPEN_in_size = attr.size;
	err = lx_chan(LX_H_FS, &m);
	if (err < 0)
		return err;
	/* closed at exec, as Linux does it whatever O_CLOEXEC says */
	return fd_of_service(K_MQ, flags & (FS_O_ACCMODE | FS_O_NONBLOCK), m.h, true);
}

LX(mq_unlink)
{
	static const char dir[] = "/dev/mqueue/";
	struct w_msg m = {.op = FS_UNLINK};
	char path[sizeof(dir) + MQ_NAME_MAX + 1], *name = path + sizeof(dir) - 1;
	long n;

	memcpy(path, dir, sizeof(dir));
	n = lx_copy_str(name, (const char *)a[0], MQ_NAME_MAX + 2);
	if (n <= 0 || n > MQ_NAME_MAX)
		return n < 0 ? n : n ? W_ENAMETOOLONG : -ENOENT;
	if (strchr(name, '/'))
		return W_EACCES;
	return path_op(path, &m);
}

/* Timeouts are of CLOCK_REALTIME; they are looked at first, even where nobody waits. */
static long deadline_of(uint64_t uts, uint64_t *deadline)
{
	uint64_t ns;
	long err = uts ? lx_get_time(uts, &ns) : 0;

	*deadline = uts && !err ? lx_from_wall(ns) : W_FOREVER;
	return err;
}

/*
 * Where there is room it is done at once and nothing interrupts it: the signal that tells of
 * the message (mq_notify) may be for the sender itself.
 */
LX(mq_timedsend)
{
	struct w_msg ask = {.op = FS_MQ_SEND, .in = a[1], .in_len = a[2]}, m;
	struct lx_file *f = queue(a[0]);
	uint64_t deadline;
	long err = deadline_of(a[4], &deadline);

	if (err || !f)
		return err ? err : -EBADF;
	ask.FS_MQ_SEND_in_prio = (uint32_t)a[3];
	ask.FS_MQ_SEND_in_deadline = 0;
	m = ask;
	err = lx_chan(f->h, &m);
	if (err == W_ETIMEDOUT) {
		ask.FS_MQ_SEND_in_deadline = deadline;
		err = lx_chan_intr(f->h, &ask);
	}
	return err == W_EBADH ? -EBADF : err;
}

LX(mq_timedreceive)
{
	struct w_msg m = {.op = FS_MQ_RECEIVE, .out = a[1], .out_len = a[2]};
	struct lx_file *f = queue(a[0]);
	uint64_t deadline;
	uint32_t prio;
	long err = deadline_of(a[4], &deadline);

	if (err || !f)
		return err ? err : -EBADF;
	m.FS_MQ_RECEIVE_in_deadline = deadline;
	err = lx_chan_intr(f->h, &m);
	prio = m.FS_MQ_RECEIVE_out_prio;
	if (err >= 0 && a[3] && put_user(a[3], &prio, 4))
		return -EFAULT;
	return err == W_EBADH ? -EBADF : err;
}

enum { SIGEV_SIGNAL, SIGEV_NONE };

/* SIGEV_THREAD is the C library's, by a netlink socket: there is none. */
LX(mq_notify)
{
	struct {
		int64_t value;
		int32_t signo, notify;
	} e;
	struct w_msg m = {.op = FS_MQ_NOTIFY};
	struct lx_file *f = queue(a[0]);

	if (a[1] && get_user(&e, a[1], sizeof(e)))
		return -EFAULT;
	if (a[1] && ((e.notify != SIGEV_SIGNAL && e.notify != SIGEV_NONE) ||
		     (e.notify == SIGEV_SIGNAL && (e.signo < 1 || e.signo > 64))))
		return -EINVAL;
	if (!f)
		return -EBADF;
	m.FS_MQ_NOTIFY_in_on = a[1] != 0;
	m.FS_MQ_NOTIFY_in_sig = a[1] && e.notify == SIGEV_SIGNAL ? e.signo : 0;
	m.FS_MQ_NOTIFY_in_value = a[1] ? e.value : 0;
	return lx_chan(f->h, &m);
}

/* Closing any descriptor of a queue takes the process's request for notice back. */
void mq_closing(struct lx_file *f)
{
	struct w_msg m = {.op = FS_MQ_NOTIFY};

	lx_chan(f->h, &m);
}

LX(mq_getsetattr)
{
	struct w_msg m = {.op = FS_MQ_ATTR}, set = {.op = FS_FLAGS};
	struct lx_file *f = queue(a[0]);
	struct mq_attr attr = {0}, new;
	long err;

	if (a[1] && get_user(&new, a[1], sizeof(new)))
		return -EFAULT;
	if (a[1] && new.flags & ~(int64_t)FS_O_NONBLOCK)
		return -EINVAL;
	if (!f)
		return -EBADF;
	err = lx_chan(f->h, &m);
	if (err < 0)
		return err;
	if (a[1]) {
		set.FS_FLAGS_in_mask = FS_O_NONBLOCK;
		set.FS_FLAGS_in_value = new.flags;
		lx_chan(f->h, &set);
		f->oflags = (f->oflags & ~FS_O_NONBLOCK) | new.flags;
	}
	attr.flags = m.FS_MQ_ATTR_out_flags;
	attr.most = m.FS_MQ_ATTR_out_most;
	attr.size = m.FS_MQ_ATTR_out_size;
	attr.n = m.FS_MQ_ATTR_out_n;
	return a[2] && put_user(a[2], &attr, sizeof(attr)) ? -EFAULT : 0;
}
