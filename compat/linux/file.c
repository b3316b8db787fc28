// SPDX-License-Identifier: MIT
/* Descriptors, and reading and writing through them. */
#include "lx.h"

#include <wherry/signal.h>

/* ---- the table ---- */

struct lx_file *file_new(enum kind kind, uint32_t oflags)
{
	struct lx_file *f = pmalloc(sizeof(*f));

	if (!f)
		return NULL;
	f->refs = 1;
	f->kind = kind;
	f->oflags = oflags;
	list_init(&f->items);
	return f;
}

void file_put(struct lx_file *f)
{
	if (__atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL))
		return;
	if (!f->slot || !lease_park(f))
		file_close(f);
}

void file_close(struct lx_file *f)
{
	struct w_msg flush = {.op = FS_STATFS};

	if (f->kind == K_SIGNALFD)
		proc()->signalfds--;
	while (!list_is_empty(&f->items)) {
		struct lx_epitem *i = list_first(&f->items, struct lx_epitem, link);

		list_del(&i->link);
		pfree(i);
	}
	w_handle_close_all(f->stream, f->h, f->event);
	if (f->content)
		w_handle_close(f->content);
	if (f->event && f->kind == K_STREAM) /* a FIFO: until its service has seen the end */
		lx_chan(LX_H_FS, &flush);
	lease_slot_free(f->slot, f->forks);
	pfree(f->path);
	pfree(f);
}

static uint64_t fd_limit(void)
{
	return proc()->rlimit[RLIMIT_NOFILE][0];
}

/* The lowest free descriptor from there on; none: one that no limit allows. */
static uint32_t fd_free(struct lx_proc *p, uint32_t from)
{
	uint64_t free, below = (1ull << from % 64) - 1;
	uint32_t w = from / 64;

	if (w < p->fd_full) {
		w = p->fd_full;
		below = 0;
	}
	for (; w < sizeof(p->fd_taken) / sizeof(p->fd_taken[0]); w++, below = 0) {
		free = ~p->fd_taken[w];
		if (free & ~below)
			return w * 64 + __builtin_ctzll(free & ~below);
		if (w == p->fd_full && !free)
			p->fd_full++;
	}
	return LX_FDS;
}

static void fd_set(uint32_t fd, struct lx_file *f, bool cloexec)
{
	struct lx_proc *p = proc();

	p->fd[fd] = (struct lx_fd){f, cloexec};
	p->fd_taken[fd / 64] |= 1ull << fd % 64;
	if (fd >= p->view.nfds)
		p->view.nfds = fd + 1;
}

static void fd_clear(uint32_t fd)
{
	struct lx_proc *p = proc();

	p->fd[fd] = (struct lx_fd){0};
	p->fd_taken[fd / 64] &= ~(1ull << fd % 64);
	if (fd / 64 < p->fd_full)
		p->fd_full = fd / 64;
}

void fd_place(uint32_t fd, struct lx_file *f)
{
	fd_set(fd, f, false);
}

long fd_install(struct lx_file *f, int from, bool cloexec)
{
	struct lx_proc *p = proc();
	uint32_t i;

	lx_lock();
	i = fd_free(p, from);
	if (i < fd_limit()) {
		fd_set(i, f, cloexec);
		lx_unlock();
		return i;
	}
	lx_unlock();
	file_put(f);
	return -EMFILE;
}

/* A descriptor led to f.  POSIX: closing any of a file ends the process's locks on it. */
static void fd_lost(struct lx_file *f)
{
	struct w_msg m = {.op = FS_UNLOCK_ALL};

	if (proc()->record_locks && f->kind == K_FILE)
		lx_chan(f->h, &m);
	if (f->kind == K_MQ)
		mq_closing(f);
}

struct lx_file *fd_remove(long fd)
{
	struct lx_file *f;

	if ((uint64_t)fd >= LX_FDS)
		return NULL;
	lx_lock();
	f = proc()->fd[fd].file;
	if (f)
		fd_clear(fd);
	lx_unlock();
	if (f)
		fd_lost(f);
	return f;
}

void fd_close_exec(void)
{
	uint32_t i;

	for (i = 0; i < proc()->view.nfds; i++)
		if (proc()->fd[i].file && proc()->fd[i].cloexec)
			file_put(fd_remove(i));
}

LX(close)
{
	struct lx_file *f = fd_remove(a[0]);

	if (!f)
		return -EBADF;
	file_put(f);
	return 0;
}

LX(close_range)
{
	uint64_t i, last = (uint32_t)a[1] < LX_FDS ? (uint32_t)a[1] : LX_FDS - 1;
	struct lx_file *f;

	if ((uint32_t)a[0] > (uint32_t)a[1] || a[2] & ~6ull) /* UNSHARE: threads share it all */
		return -EINVAL;
	for (i = (uint32_t)a[0]; i <= last; i++) {
		if (a[2] & 4) { /* CLOSE_RANGE_CLOEXEC */
			proc()->fd[i].cloexec = true;
			continue;
		}
		f = fd_remove(i);
		if (f)
			file_put(f);
	}
	return 0;
}

long fd_of_service(enum kind kind, uint32_t oflags, const w_handle_t *h, bool cloexec)
{
	struct lx_file *f = file_new(kind, oflags);

	if (!f) {
		w_handle_close(h[0]);
		w_handle_close(h[1]);
		return -ENOMEM;
	}
	f->h = h[0];
	f->event = h[1];
	return fd_install(f, 0, cloexec);
}

static long dup_from(struct lx_file *f, int from, bool cloexec)
{
	__atomic_add_fetch(&f->refs, 1, __ATOMIC_ACQ_REL);
	return fd_install(f, from, cloexec);
}

static long dup_to(uint64_t from, uint64_t to, bool cloexec)
{
	struct lx_file *f = fd_file(from), *old;

	if (!f || to >= fd_limit())
		return -EBADF;
	__atomic_add_fetch(&f->refs, 1, __ATOMIC_ACQ_REL);
	lx_lock();
	old = proc()->fd[to].file;
	fd_set(to, f, cloexec);
	lx_unlock();
	if (old) {
		fd_lost(old);
		file_put(old);
	}
	return to;
}

LX(dup)
{
	struct lx_file *f = fd_file(a[0]);

	return f ? dup_from(f, 0, false) : -EBADF;
}

LX(dup2)
{
	if (a[0] == a[1])
		return fd_file(a[0]) ? (long)a[0] : -EBADF;
	return dup_to(a[0], a[1], false);
}

LX(dup3)
{
	if (a[0] == a[1] || a[2] & ~02000000ull)
		return -EINVAL;
	return dup_to(a[0], a[1], a[2]);
}

/* ---- fcntl and ioctl ---- */

static bool sticky_stream(const struct lx_file *f)
{
	return f->kind == K_STREAM || (f->kind == K_SOCK && f->stream);
}

static uint32_t get_flags(struct lx_file *f)
{
	w_handle_t s = f->kind == K_STREAM ? f->h : f->stream;

	if (sticky_stream(f) && w_stream_ctl(s, W_STREAM_GETFLAGS, 0) & W_STREAM_NONBLOCK)
		return f->oflags | FS_O_NONBLOCK;
	return f->oflags;
}

static void set_flags(struct lx_file *f, uint32_t flags)
{
	const uint32_t can = FS_O_APPEND | FS_O_NONBLOCK | 020000 | 040000; /* ASYNC, DIRECT */
	w_handle_t s = f->kind == K_STREAM ? f->h : f->stream;
	struct w_msg m = {.op = FS_FLAGS};

	f->oflags = (f->oflags & ~can) | (flags & can);
	lease_unparkable(f);
	if (sticky_stream(f))
		w_stream_ctl(s, W_STREAM_SETFLAGS, flags & FS_O_NONBLOCK ? W_STREAM_NONBLOCK : 0);
	if (f->kind == K_FILE || f->kind == K_TTY || f->kind == K_INOTIFY || f->kind == K_MQ) {
		m.FS_FLAGS_in_mask = can;
		m.FS_FLAGS_in_value = flags;
		lx_chan(f->h, &m);
	}
}

enum {
	F_DUPFD,
	F_GETFD,
	F_SETFD,
	F_GETFL,
	F_SETFL,
	F_GETLK,
	F_SETLK,
	F_SETLKW,
	F_SETOWN,
	F_GETOWN,
	F_OFD_GETLK = 36,
	F_OFD_SETLK,
	F_OFD_SETLKW,
	F_DUPFD_CLOEXEC = 1030,
	F_SETPIPE_SZ,
	F_GETPIPE_SZ
};

struct flock {
	int16_t type, whence;
	uint32_t pad;
	int64_t start, len;
	int32_t pid, pad2;
};

/* Where the range starts, in bytes from the start of the file. */
static long lock_start(struct lx_file *f, struct flock *l)
{
	struct w_msg m = {.op = FS_SEEK};
	struct fs_stat st;
	struct w_msg s = {.op = FS_STAT, .out = (uint64_t)&st, .out_len = sizeof(st)};
	long err = 0;

	if (l->whence == 1) {
		m.FS_SEEK_in_whence = 1;
		err = lx_chan(f->h, &m);
		l->start += m.FS_SEEK_out_off;
	} else if (l->whence == 2) {
		err = lx_chan(f->h, &s);
		l->start += st.size;
	} else if (l->whence) {
		return -EINVAL;
	}
	if (l->len < 0) {
		l->start += l->len;
		l->len = -l->len;
	}
	return err < 0 ? err : l->start < 0 ? -EINVAL : 0;
}

static long record_lock(struct lx_file *f, uint64_t cmd, uint64_t ulock)
{
	struct w_msg m = {.op = FS_LOCK};
	bool of_file = cmd >= F_OFD_GETLK;
	struct flock l;
	long err;

	if (get_user(&l, ulock, sizeof(l)))
		return -EFAULT;
	if (of_file && l.pid)
		return -EINVAL;
	if (f->kind != K_FILE)
		return f->kind == K_TTY ? 0 : -EINVAL;
	err = lock_start(f, &l);
	if (err)
		return err;
	m.FS_LOCK_in_cmd = cmd;
	m.FS_LOCK_in_type = (uint64_t)(int64_t)l.type;
	m.FS_LOCK_in_start = l.start;
	m.FS_LOCK_in_len = l.len;
	m.FS_LOCK_in_pid = proc()->pid;
	if (of_file)
		lease_unparkable(f); /* its end is the lock's */
	err = cmd == F_SETLKW || cmd == F_OFD_SETLKW ? lx_chan_intr(f->h, &m) : lx_chan(f->h, &m);
	if (err < 0)
		return err;
	if (cmd != F_GETLK && cmd != F_OFD_GETLK) {
		proc()->record_locks |= !of_file && l.type != 2;
		return 0;
	}
	l.type = m.FS_LOCK_out_type;
	if (l.type != 2) {
		l.whence = 0;
		l.start = m.FS_LOCK_out_start;
		l.len = m.FS_LOCK_out_len;
		l.pid = m.FS_LOCK_out_pid;
	}
	return put_user(ulock, &l, sizeof(l)) ? -EFAULT : 0;
}

static long set_pipe_size(struct lx_file *f, uint64_t size)
{
	if (size > 1u << 20)
		return -EPERM; /* /proc/sys/fs/pipe-max-size */
	return w_stream_ctl(f->h, W_STREAM_SIZE, size < 4096 ? 4096 : size);
}

LX(fcntl)
{
	struct lx_file *f = fd_file(a[0]);

	if (!f)
		return -EBADF;
	switch (a[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (a[2] >= fd_limit())
			return -EINVAL;
		return dup_from(f, a[2], a[1] == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return proc()->fd[a[0]].cloexec;
	case F_SETFD:
		proc()->fd[a[0]].cloexec = a[2] & 1;
		return 0;
	case F_GETFL:
		return get_flags(f) | (f->kind == K_FILE ? 0100000 : 0); /* O_LARGEFILE */
	case F_SETFL:
		set_flags(f, a[2]);
		return 0;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return record_lock(f, a[1], a[2]);
	case F_SETOWN:
		return 0;
	case F_GETOWN:
		return 0;
	case F_GETPIPE_SZ:
		return f->kind == K_STREAM ? w_stream_ctl(f->h, W_STREAM_SIZE, 0) : -EBADF;
	case F_SETPIPE_SZ:
		return f->kind == K_STREAM ? set_pipe_size(f, a[2]) : -EBADF;
	default:
		return -EINVAL;
	}
}

enum { TIOCGPTN = 0x80045430, TIOCGPTPEER = 0x5441, TIOCSPGRP = 0x5410 };

/* A descriptor of the other side of a pseudo-terminal, whatever its name leads to. */
static long tty_peer(struct lx_file *f, uint32_t flags)
{
	uint32_t n;
	struct w_msg m = {.op = FS_IOCTL, .out = (uint64_t)&n, .out_len = sizeof(n)};
	struct lx_file *peer;
	long err;

	m.FS_IOCTL_in_request = TIOCGPTN;
	err = lx_chan(f->h, &m);
	if (err >= 0)
		err = open_pts(n, flags & ~02000000u, &peer);
	return err < 0 ? err : fd_install(peer, 0, flags & 02000000);
}

/* How many bytes the argument points to that the terminal wants to see. */
static uint32_t tty_ioctl_in(uint64_t req)
{
	if (req >= 0x5402 && req <= 0x5404) /* TCSETS, TCSETSW, TCSETSF */
		return 36;
	if (req == 0x5414) /* TIOCSWINSZ */
		return 8;
	if (req == TIOCSPGRP)
		return 4;
	if (req == 0x1277 || req == 0x127f) /* BLKDISCARD, BLKZEROOUT */
		return 16;
	return req >> 30 == 1 ? req >> 16 & 0x3fff : 0; /* _IOW */
}

static long tty_ioctl(struct lx_file *f, uint64_t req, uint64_t arg)
{
	char buf[64];
	struct w_msg m = {
		.op = FS_IOCTL, .in = (uint64_t)buf, .out = (uint64_t)buf, .out_len = sizeof(buf)};
	uint32_t in = tty_ioctl_in(req), v = arg;
	long err;

	if (req == TIOCGPTPEER)
		return tty_peer(f, arg);
	if (in > sizeof(buf))
		return -EINVAL;
	if (in && get_user(buf, arg, in))
		return -EFAULT;
	if (!in && (req == 0x540b || req == 0x5409 || req == 0x540a || req == 0x40045436)) {
		memcpy(buf, &v, 4); /* TCFLSH, TCSBRK, TCXONC, TIOCSIG: the argument itself */
		in = 4;
	}
	m.in_len = in;
	m.FS_IOCTL_in_request = req;
	m.FS_IOCTL_in_nostop = lx_signal_ignored(SIGTTOU);
	err = lx_chan(f->h, &m);
	if (err == FS_BACKGROUND)
		return tty_background(SIGTTOU);
	if (err < 0)
		return err;
	return m.in_len && put_user(arg, buf, m.in_len) ? -EFAULT : err;
}

LX(ioctl)
{
	struct lx_file *f = fd_file(a[0]);
	uint32_t request = a[1], v; /* musl's is an int: its upper half is the sign */
	w_handle_t s;
	int64_t n;

	if (!f)
		return -EBADF;
	switch (request) {
	case 0x5421: /* FIONBIO */
		if (get_user(&v, a[2], 4))
			return -EFAULT;
		set_flags(f, v ? f->oflags | FS_O_NONBLOCK : f->oflags & ~FS_O_NONBLOCK);
		return 0;
	case 0x5451: /* FIOCLEX */
	case 0x5450:
		proc()->fd[a[0]].cloexec = request == 0x5451;
		return 0;
	case 0x5452: /* FIOASYNC */
		return 0;
	}
	if (f->kind == K_TTY || f->kind == K_INOTIFY || (f->mode & FS_S_IFMT) == FS_S_IFBLK)
		return tty_ioctl(f, request, a[2]);
	s = f->kind == K_STREAM ? f->h : f->stream;
	if (request == 0x541b && s) { /* FIONREAD */
		n = w_stream_ctl(s, W_STREAM_AVAIL, 0);
		v = n < 0 ? 0 : n;
		return put_user(a[2], &v, 4) ? -EFAULT : 0;
	}
	return -ENOTTY;
}

/* ---- read and write ---- */

static bool nonblock(const struct lx_file *f)
{
	return f->oflags & FS_O_NONBLOCK;
}

static long dev_read(struct lx_file *f, uint64_t buf, uint64_t len)
{
	static const char zeros[512];
	uint64_t done, n;
	long err;

	if (f->dev == DEV_NULL)
		return 0;
	for (done = 0; done < len; done += n) {
		n = len - done < sizeof(zeros) ? len - done : sizeof(zeros);
		if (f->dev == DEV_RANDOM || f->dev == DEV_URANDOM)
			err = w_sys_random((void *)(buf + done), n);
		else
			err = put_user(buf + done, zeros, n);
		if (err < 0)
			return done ? (long)done : -EFAULT;
	}
	return len;
}

static long eventfd_read(struct lx_file *f, uint64_t buf, uint64_t len)
{
	uint64_t v;
	long err;

	if (len < 8)
		return -EINVAL;
	while ((err = w_event_take(f->h, f->efd_flags & 1, &v)) == -EAGAIN) {
		if (nonblock(f))
			return -EAGAIN;
		err = lx_wait_ready(f, W_READABLE, W_FOREVER);
		if (err < 0)
			return err;
	}
	return err ? err : put_user(buf, &v, 8) ? -EFAULT : 8;
}

static long eventfd_write(struct lx_file *f, uint64_t buf, uint64_t len)
{
	uint64_t v;
	long err;

	if (len < 8)
		return -EINVAL;
	if (get_user(&v, buf, 8))
		return -EFAULT;
	if (v == ~0ull)
		return -EINVAL;
	while ((err = w_event_add(f->h, v)) == -EAGAIN) {
		if (nonblock(f))
			return -EAGAIN;
		err = lx_wait_ready(f, W_WRITABLE, W_FOREVER);
		if (err < 0)
			return err;
	}
	return err ? err : 8;
}

static long timerfd_read(struct lx_file *f, uint64_t buf, uint64_t len)
{
	uint64_t n;
	long err;

	if (len < 8)
		return -EINVAL;
	while (!(n = w_timer_read(f->h))) {
		if (nonblock(f))
			return -EAGAIN;
		err = lx_wait_ready(f, W_READABLE, W_FOREVER);
		if (err < 0)
			return err;
	}
	return put_user(buf, &n, 8) ? -EFAULT : 8;
}

static long stream_result(long n)
{
	return n == -EINTR ? ERESTARTSYS : n;
}

/* ---- reading a file's memory without its service ---- */

#define CONTENT_AFTER 2 /* calls at least, so that reading once costs nothing more */
#define CONTENT_NONE (~0u)

static void content_get(struct lx_file *f)
{
	struct w_msg m = {.op = FS_CONTENT};
	bool mine = false;

	if (lx_chan(f->h, &m) < 0) {
		f->preads = CONTENT_NONE;
		return;
	}
	lx_lock();
	if (!f->content) {
		f->content = m.h[0];
		mine = true;
	}
	lx_unlock();
	if (!mine) /* another thread was as fast */
		w_handle_close(m.h[0]);
}

/* false: ask the service.  The handle of a file whose bytes have moved stays until the
 * file is closed: another thread may be about to use its number. */
static bool content_read(struct lx_file *f, uint64_t buf, uint64_t len, uint64_t off, long *n)
{
	if (f->preads == CONTENT_NONE || (f->mode & FS_S_IFMT) != FS_S_IFREG)
		return false;
	if (!f->content) {
		if (++f->preads < CONTENT_AFTER)
			return false;
		content_get(f);
		if (!f->content)
			return false;
	}
	*n = w_mem_read(f->content, off, (void *)buf, len < 0x7ffff000 ? len : 0x7ffff000);
	if (*n != W_EPIPE)
		return true;
	f->preads = CONTENT_NONE;
	return false;
}

static long chan_read(struct lx_file *f, uint64_t buf, uint64_t len, uint64_t off)
{
	long n;
	struct w_msg m = {
		.op = FS_READ, .out = buf, .out_len = len < 0x7ffff000 ? len : 0x7ffff000};

	if (!len)
		return 0;
	if (f->kind == K_FILE && off != FS_OWN_OFFSET && content_read(f, buf, len, off, &n))
		return n;
	m.FS_READ_in_off = off;
	if (f->kind != K_TTY && f->kind != K_INOTIFY)
		return lx_chan(f->h, &m);
	n = lx_chan_intr(f->h, &m);
	return n == FS_BACKGROUND ? tty_background(SIGTTIN) : n;
}

long file_read(struct lx_file *f, uint64_t buf, uint64_t len, uint64_t off)
{
	if ((f->oflags & 3) == FS_O_WRONLY)
		return -EBADF;
	switch (f->kind) {
	case K_FILE:
	case K_TTY:
	case K_INOTIFY:
		return chan_read(f, buf, len, off);
	case K_STREAM:
		return stream_result(w_stream_read(f->h, (void *)buf, len, 0));
	case K_SOCK:
		return sock_recv(f, buf, len, 0);
	case K_DEV:
		return dev_read(f, buf, len);
	case K_EVENTFD:
		return eventfd_read(f, buf, len);
	case K_TIMERFD:
		return timerfd_read(f, buf, len);
	case K_SIGNALFD:
		return signalfd_read(f, buf, len);
	default:
		return -EINVAL;
	}
}

/* All of it, unless the end does not wait: then what fits. */
long stream_write_all(w_handle_t h, uint64_t buf, uint64_t len, uint32_t flags)
{
	uint64_t done = 0;
	long n;

	do {
		n = w_stream_write(h, (const void *)(buf + done), len - done, flags);
		if (n == W_EPIPE && !done) {
			lx_thread_signal(SIGPIPE);
			return -EPIPE;
		}
		if (n < 0)
			return done ? (long)done : stream_result(n);
		done += n;
	} while (done < len);
	return done;
}

/* RLIMIT_FSIZE: how much of len may be written at off; 0 after SIGXFSZ. */
static uint64_t size_limited(struct lx_file *f, uint64_t len, uint64_t off)
{
	uint64_t limit = proc()->rlimit[RLIMIT_FSIZE][0];
	struct w_msg m = {.op = FS_SEEK};
	struct fs_stat st;
	struct w_msg s = {.op = FS_STAT, .out = (uint64_t)&st, .out_len = sizeof(st)};

	if (limit == ~0ull || (f->mode & FS_S_IFMT) != FS_S_IFREG || !len)
		return len;
	if (f->oflags & FS_O_APPEND && lx_chan(f->h, &s) >= 0) {
		off = st.size;
	} else if (off == FS_OWN_OFFSET) {
		m.FS_SEEK_in_whence = 1;
		off = lx_chan(f->h, &m) < 0 ? 0 : m.FS_SEEK_out_off;
	}
	if (off < limit)
		return len < limit - off ? len : limit - off;
	lx_thread_signal(SIGXFSZ);
	return 0;
}

static long chan_write(struct lx_file *f, uint64_t buf, uint64_t len, uint64_t off)
{
	struct w_msg m = {.op = FS_WRITE, .in = buf, .in_len = len < 0x7ffff000 ? len : 0x7ffff000};
	long n;

	m.FS_WRITE_in_off = off;
	if (f->kind == K_FILE && len) {
		m.in_len = size_limited(f, m.in_len, off);
		if (!m.in_len)
			return -27; /* EFBIG */
	}
	if (f->kind != K_TTY)
		return lx_chan(f->h, &m);
	m.FS_WRITE_in_nostop = lx_signal_ignored(SIGTTOU);
	n = lx_chan_intr(f->h, &m);
	return n == FS_BACKGROUND ? tty_background(SIGTTOU) : n;
}

long file_write(struct lx_file *f, uint64_t buf, uint64_t len, uint64_t off)
{
	if (!(f->oflags & 3) && f->kind != K_SOCK)
		return -EBADF;
	switch (f->kind) {
	case K_FILE:
	case K_TTY:
		return chan_write(f, buf, len, off);
	case K_STREAM: /* of a FIFO that was opened both ways, the writing end */
		return stream_write_all(f->stream ? f->stream : f->h, buf, len, 0);
	case K_SOCK:
		return sock_send(f, buf, len, 0);
	case K_DEV:
		return f->dev == DEV_FULL ? -28 : (long)len;
	case K_EVENTFD:
		return eventfd_write(f, buf, len);
	default:
		return -EINVAL;
	}
}

LX(read)
{
	struct lx_file *f = fd_file(a[0]);

	return f ? file_read(f, a[1], a[2], FS_OWN_OFFSET) : -EBADF;
}

LX(write)
{
	struct lx_file *f = fd_file(a[0]);

	return f ? file_write(f, a[1], a[2], FS_OWN_OFFSET) : -EBADF;
}

static long seekable(struct lx_file *f, uint64_t off)
{
	if (!f)
		return -EBADF;
	if ((int64_t)off < 0)
		return -EINVAL;
	return f->kind == K_FILE || f->kind == K_DEV ? 0 : -ESPIPE;
}

LX(pread64)
{
	struct lx_file *f = fd_file(a[0]);
	long err = seekable(f, a[3]);

	return err ? err : file_read(f, a[1], a[2], a[3]);
}

LX(pwrite64)
{
	struct lx_file *f = fd_file(a[0]);
	long err = seekable(f, a[3]);

	return err ? err : file_write(f, a[1], a[2], a[3]);
}

typedef long (*rw_fn)(struct lx_file *, uint64_t, uint64_t, uint64_t);

static long vectored(struct lx_file *f, uint64_t uiov, uint64_t n, uint64_t off, rw_fn rw)
{
	struct lx_iovec v;
	long total = 0, got;
	uint64_t i;

	if (n > 1024)
		return -EINVAL;
	for (i = 0; i < n; i++) { /* nothing is moved if one of them is wrong */
		if (get_user(&v, uiov + i * sizeof(v), sizeof(v)))
			return -EFAULT;
		if ((int64_t)v.len < 0)
			return -EINVAL;
	}
	for (i = 0; i < n; i++) {
		if (get_user(&v, uiov + i * sizeof(v), sizeof(v)))
			return total ? total : -EFAULT;
		if (!v.len)
			continue;
		got = rw(f, v.base, v.len, off == FS_OWN_OFFSET ? off : off + total);
		if (got < 0)
			return total ? total : got;
		total += got;
		if ((uint64_t)got < v.len)
			break;
		if (rw == file_read && f->kind != K_FILE && f->kind != K_DEV && !file_ready(f))
			break; /* do not wait for more once there is something */
	}
	return total;
}

LX(readv)
{
	struct lx_file *f = fd_file(a[0]);

	return f ? vectored(f, a[1], a[2], FS_OWN_OFFSET, file_read) : -EBADF;
}

/* Small vectors on streams go out in one piece: one segment, not two. */
LX(writev)
{
	struct lx_file *f = fd_file(a[0]);
	struct lx_iovec v[4];
	uint64_t total = 0, i, at = 0;
	char buf[2048];

	if (!f)
		return -EBADF;
	if (a[2] < 2 || a[2] > 4 || get_user(v, a[1], a[2] * sizeof(*v)))
		return vectored(f, a[1], a[2], FS_OWN_OFFSET, file_write);
	for (i = 0; i < a[2]; i++)
		total += v[i].len < sizeof(buf) ? v[i].len : sizeof(buf) + 1;
	if (total > sizeof(buf))
		return vectored(f, a[1], a[2], FS_OWN_OFFSET, file_write);
	for (i = 0; i < a[2]; i++) {
		if (get_user(buf + at, v[i].base, v[i].len))
			return -EFAULT;
		at += v[i].len;
	}
	return file_write(f, (uint64_t)buf, total, FS_OWN_OFFSET);
}

LX(preadv)
{
	struct lx_file *f = fd_file(a[0]);
	long err = seekable(f, a[3]);

	return err ? err : vectored(f, a[1], a[2], a[3], file_read);
}

LX(pwritev)
{
	struct lx_file *f = fd_file(a[0]);
	long err = seekable(f, a[3]);

	return err ? err : vectored(f, a[1], a[2], a[3], file_write);
}

/* The flags of preadv2 ask for what there is no device for: only none are known. */
LX(preadv2)
{
	if (a[5])
		return -95;
	return a[3] == ~0ull ? lx_readv(a) : lx_preadv(a);
}

LX(pwritev2)
{
	if (a[5])
		return -95;
	return a[3] == ~0ull ? lx_writev(a) : lx_pwritev(a);
}

LX(lseek)
{
	struct lx_file *f = fd_file(a[0]);
	struct w_msg m = {.op = FS_SEEK};
	long err;

	if (!f)
		return -EBADF;
	if (f->kind == K_DEV)
		return 0;
	if (f->kind == K_FDDIR)
		return a[2] == 0 ? (long)(f->next = a[1]) : -EINVAL;
	if (f->kind != K_FILE)
		return -ESPIPE;
	m.FS_SEEK_in_off = a[1];
	m.FS_SEEK_in_whence = (uint32_t)a[2];
	err = lx_chan(f->h, &m);
	return err < 0 ? err : (long)m.FS_SEEK_out_off;
}

LX(sendfile)
{
	struct lx_file *out = fd_file(a[0]), *in = fd_file(a[1]);
	uint64_t off = FS_OWN_OFFSET, done = 0, want;
	char buf[4096];
	long n, w = 0;

	if (!out || !in)
		return -EBADF;
	if (in->kind != K_FILE)
		return -EINVAL;
	if (a[2] && get_user(&off, a[2], 8))
		return -EFAULT;
	if (a[2] && (int64_t)off < 0)
		return -EINVAL;
	while (done < a[3]) {
		struct w_msg m = {.op = FS_SEEK};

		want = a[3] - done < sizeof(buf) ? a[3] - done : sizeof(buf);
		n = file_read(in, (uint64_t)buf, want, a[2] ? off + done : FS_OWN_OFFSET);
		if (n <= 0) {
			w = n;
			break;
		}
		w = file_write(out, (uint64_t)buf, n, FS_OWN_OFFSET);
		if (w < n && !a[2]) { /* give back what did not go out */
			m.FS_SEEK_in_off = (w < 0 ? 0 : w) - n;
			m.FS_SEEK_in_whence = 1;
			lx_chan(in->h, &m);
		}
		if (w < 0)
			break;
		done += w;
		if (w < n)
			break;
	}
	off += done;
	if (a[2] && put_user(a[2], &off, 8))
		return -EFAULT;
	return done ? (long)done : w < 0 ? w : 0;
}

/* Through this process: there is no page to give away.  What was read is written. */
LX(splice)
{
	struct lx_file *in = fd_file(a[0]), *out = fd_file(a[2]);
	uint64_t from = FS_OWN_OFFSET, to = FS_OWN_OFFSET, want;
	char buf[4096];
	long n, w;

	if (!in || !out)
		return -EBADF;
	if ((in->kind != K_STREAM && out->kind != K_STREAM) || a[5] & ~15ull)
		return -EINVAL;
	if ((a[1] && in->kind == K_STREAM) || (a[3] && out->kind == K_STREAM))
		return -ESPIPE;
	if ((a[1] && get_user(&from, a[1], 8)) || (a[3] && get_user(&to, a[3], 8)))
		return -EFAULT;
	want = a[4] < sizeof(buf) ? a[4] : sizeof(buf);
	if (a[5] & 2 && !(file_ready(in) & 1)) /* SPLICE_F_NONBLOCK */
		return -EAGAIN;
	n = file_read(in, (uint64_t)buf, want, from);
	if (n <= 0)
		return n;
	w = file_write(out, (uint64_t)buf, n, to);
	if (w < 0)
		return w;
	from += n;
	to += w;
	if ((a[1] && put_user(a[1], &from, 8)) || (a[3] && put_user(a[3], &to, 8)))
		return -EFAULT;
	return w;
}

/* Between two files; the offsets are the descriptors' own where none is given. */
LX(copy_file_range)
{
	struct lx_file *in = fd_file(a[0]), *out = fd_file(a[2]);
	uint64_t from = FS_OWN_OFFSET, to = FS_OWN_OFFSET, done = 0, want;
	char buf[4096];
	long n = 0, w = 0;

	if (!in || !out)
		return -EBADF;
	if (in->kind != K_FILE || out->kind != K_FILE || a[5])
		return -EINVAL;
	if ((a[1] && get_user(&from, a[1], 8)) || (a[3] && get_user(&to, a[3], 8)))
		return -EFAULT;
	for (; done < a[4]; done += w) {
		want = a[4] - done < sizeof(buf) ? a[4] - done : sizeof(buf);
		n = file_read(in, (uint64_t)buf, want, a[1] ? from + done : from);
		w = n > 0 ? file_write(out, (uint64_t)buf, n, a[3] ? to + done : to) : n;
		if (w <= 0)
			break;
	}
	from += done;
	to += done;
	if ((a[1] && put_user(a[1], &from, 8)) || (a[3] && put_user(a[3], &to, 8)))
		return -EFAULT;
	return done ? (long)done : w;
}

LX(ftruncate)
{
	struct lx_file *f = fd_file(a[0]);
	struct w_msg m = {.op = FS_TRUNCATE};
	long err;

	if (!f)
		return -EBADF;
	if (f->kind != K_FILE)
		return -EINVAL;
	if ((int64_t)a[1] > 0 && a[1] > proc()->rlimit[RLIMIT_FSIZE][0]) {
		lx_thread_signal(SIGXFSZ);
		return -27;
	}
	m.FS_TRUNCATE_in_size = a[1];
	err = lx_chan(f->h, &m);
	return err < 0 ? err : 0;
}

LX(fallocate)
{
	struct lx_file *f = fd_file(a[0]);
	struct fs_stat st;
	struct w_msg m = {.op = FS_STAT, .out = (uint64_t)&st, .out_len = sizeof(st)};
	const uint64_t b[6] = {a[0], a[2] + a[3]};

	if (!f || !(f->oflags & FS_O_ACCMODE))
		return -EBADF;
	if ((int64_t)a[2] < 0 || (int64_t)a[3] <= 0)
		return -EINVAL;
	if (f->kind == K_STREAM)
		return -ESPIPE;
	if (f->kind != K_FILE)
		return W_ENODEV;
	if (a[1] & ~1ull)
		return -95;
	if (lx_chan(f->h, &m) < 0)
		return -EBADF;
	return a[1] & 1 || st.size >= b[1] ? 0 : lx_ftruncate(b);
}

static long sync_file(uint64_t fd, uint32_t op, bool data_only)
{
	struct lx_file *f = fd_file(fd);
	struct w_msg m = {.op = op};

	if (!f)
		return -EBADF;
	if (f->kind != K_FILE)
		return op == FS_SYNCFS ? 0 : -EINVAL;
	m.FS_FSYNC_in_data_only = data_only;
	return lx_chan(f->h, &m);
}

LX(fsync)
{
	return sync_file(a[0], FS_FSYNC, false);
}

LX(fdatasync)
{
	return sync_file(a[0], FS_FSYNC, true);
}

/* More than is asked for: the whole file, and on the medium. */
LX(sync_file_range)
{
	struct lx_file *f = fd_file(a[0]);

	if (!f)
		return -EBADF;
	if (a[3] & ~7ull || (int64_t)a[1] < 0 || (int64_t)a[2] < 0)
		return -EINVAL;
	return f->kind == K_STREAM ? -ESPIPE : sync_file(a[0], FS_FSYNC, true);
}

LX(syncfs)
{
	return sync_file(a[0], FS_SYNCFS, false);
}

LX(fadvise64)
{
	struct lx_file *f = fd_file(a[0]);

	if (!f)
		return -EBADF;
	return f->kind == K_STREAM ? -ESPIPE : a[3] > 5 ? -EINVAL : 0;
}

LX(readahead)
{
	struct lx_file *f = fd_file(a[0]);

	if (!f || (f->oflags & FS_O_ACCMODE) == FS_O_WRONLY)
		return -EBADF;
	return f->kind == K_FILE ? 0 : -EINVAL;
}

LX(flock)
{
	struct lx_file *f = fd_file(a[0]);
	struct w_msg m = {.op = FS_FLOCK};

	if (!f)
		return -EBADF;
	if (f->kind != K_FILE)
		return 0;
	m.FS_FLOCK_in_how = a[1];
	lease_unparkable(f);
	return a[1] & 4 ? lx_chan(f->h, &m) : lx_chan_intr(f->h, &m);
}

LX(getdents64)
{
	struct lx_file *f = fd_file(a[0]);
	struct w_msg m = {.op = FS_READDIR, .out = a[1], .out_len = a[2]};

	if (!f)
		return -EBADF;
	if (f->kind == K_FDDIR)
		return fddir_list(f, a[1], a[2]);
	if (f->kind != K_FILE)
		return -ENOTDIR;
	/* struct fs_dirent is struct linux_dirent64: an entry has more bytes than this */
	return a[2] < sizeof(struct fs_dirent) ? -EINVAL : lx_chan(f->h, &m);
}

/* ---- pipes and descriptors that are objects ---- */

static long pipe_make(uint64_t ufds, uint64_t flags)
{
	w_handle_t h[2];
	struct lx_file *f[2];
	int32_t fds[2];
	long err;
	int i;

	if (flags & ~(02000000ull | FS_O_NONBLOCK | 040000))
		return -EINVAL;
	err = w_stream_create(65536, W_STREAM_PIPE, h);
	if (err < 0)
		return err == W_EMFILE ? -23 : err;
	for (i = 0; i < 2; i++) {
		f[i] = file_new(K_STREAM, i | (flags & FS_O_NONBLOCK));
		if (!f[i]) {
			w_handle_close(h[0]);
			w_handle_close(h[1]);
			return -ENOMEM;
		}
		f[i]->h = h[i];
		f[i]->mode = FS_S_IFIFO | 0600;
		if (flags & FS_O_NONBLOCK)
			w_stream_ctl(h[i], W_STREAM_SETFLAGS, W_STREAM_NONBLOCK);
	}
	fds[0] = fd_install(f[0], 0, flags & 02000000);
	if (fds[0] < 0) {
		file_put(f[1]);
		return fds[0];
	}
	fds[1] = fd_install(f[1], 0, flags & 02000000);
	if (fds[1] < 0 || put_user(ufds, fds, sizeof(fds))) {
		file_put(fd_remove(fds[0]));
		if (fds[1] < 0)
			return fds[1];
		file_put(fd_remove(fds[1]));
		return -EFAULT;
	}
	return 0;
}

LX(pipe)
{
	return pipe_make(a[0], 0);
}

LX(pipe2)
{
	return pipe_make(a[0], a[1]);
}

LX(eventfd2)
{
	struct lx_file *f;
	int64_t e;

	if (a[1] & ~(02000000ull | FS_O_NONBLOCK | 1))
		return -EINVAL;
	e = w_event_create(W_WRITABLE);
	if (e < 0)
		return e;
	f = file_new(K_EVENTFD, 2 | (a[1] & FS_O_NONBLOCK));
	if (!f) {
		w_handle_close(e);
		return -ENOMEM;
	}
	w_event_add(e, (uint32_t)a[0]);
	f->h = e;
	f->efd_flags = a[1] & 1;
	return fd_install(f, 0, a[1] & 02000000);
}

LX(eventfd)
{
	const uint64_t b[6] = {a[0]};

	return lx_eventfd2(b);
}
