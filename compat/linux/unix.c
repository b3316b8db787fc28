// SPDX-License-Identifier: MIT
/*
 * AF_UNIX sockets: who meets whom is the unix service's, names in the file system
 * are the file service's, bytes of a stream are the kernel's.  A descriptor that is
 * passed (SCM_RIGHTS) travels as the handles that it is made of and a description.
 */
#include "lx.h"

#include <wherry/signal.h>

enum { AF_UNIX = 1, SOCK_STREAM = 1, SOL_SOCKET = 1, SCM_RIGHTS = 1, SCM_CREDENTIALS = 2 };
enum {
	MSG_PEEK = 2,
	MSG_CTRUNC = 8,
	MSG_TRUNC = 0x20,
	MSG_DONTWAIT = 0x40,
	MSG_NOSIGNAL = 0x4000,
	MSG_CMSG_CLOEXEC = 0x40000000
};
#define SUN_PATH 108
#define SCM_MAX_FD 253
#define GATHER_MAX 16000

/* ---- a descriptor in flight ---- */

struct passed {
	uint32_t kind, oflags, mode, sock_state, dev, efd_flags, unix_domain, sock_type, present;
	uint64_t ticket, interval, next;
	char path[LX_PATH_MAX]; /* as much as there is of it */
};
#define PASSED_HEAD offsetof(struct passed, path)

static uint64_t stream_pos(struct lx_file *f, uint32_t which)
{
	return f->stream ? (uint64_t)w_stream_ctl(f->stream, which, 0) : 0;
}

/* With the len bytes that follow in the stream. */
static long send_fd(struct lx_file *sock, int fd, uint64_t len)
{
	struct lx_file *f = fd_file(fd);
	struct passed p;
	w_handle_t *h[3];
	struct w_msg m = {.op = UNIX_RIGHTS_SEND, .in = (uint64_t)&p};
	struct w_obj_info info;
	int64_t d;
	long err;
	int i;

	if (!f)
		return -EBADF;
	if (f->kind == K_EPOLL)
		return -EINVAL; /* what it watches is this process's */
	lease_unparkable(f);
	memset(&p, 0, PASSED_HEAD + 1);
	p.kind = f->kind;
	p.oflags = f->oflags;
	p.mode = f->mode;
	p.sock_state = f->sock_state;
	p.dev = f->dev;
	p.efd_flags = f->efd_flags;
	p.unix_domain = f->unix_domain;
	p.sock_type = f->sock_type;
	p.ticket = f->ticket;
	p.interval = f->interval;
	p.next = f->next;
	if (f->path)
		strlcpy(p.path, f->path, sizeof(p.path));
	m.in_len = PASSED_HEAD + strlen(p.path) + 1;
	h[0] = &f->h;
	h[1] = &f->stream;
	h[2] = &f->event;
	for (i = 0, err = 0; i < 3 && !err; i++) {
		if (!*h[i])
			continue;
		w_obj_info(*h[i], &info);
		d = w_handle_dup(*h[i], info.rights);
		if (d < 0)
			err = d;
		else
			m.h[m.nh++] = d;
		p.present |= 1u << i;
	}
	if (!m.nh && !err) { /* /dev/null and its like are made of nothing */
		d = w_event_create(0);
		err = d < 0 ? d : 0;
		m.h[m.nh++] = d;
	}
	m.UNIX_RIGHTS_SEND_in_pos = stream_pos(sock, W_STREAM_POS_OUT);
	m.UNIX_RIGHTS_SEND_in_len = len;
	if (!err)
		err = lx_chan(sock->h, &m);
	if (err < 0)
		while (m.nh)
			w_handle_close(m.h[--m.nh]);
	return err;
}

static struct lx_file *file_of(const struct passed *p, const struct w_msg *m)
{
	struct lx_file *f = file_new(p->kind, p->oflags);
	uint32_t n = 0;

	if (!f)
		return NULL;
	f->mode = p->mode;
	f->sock_state = p->sock_state;
	f->dev = p->dev;
	f->efd_flags = p->efd_flags;
	f->unix_domain = p->unix_domain;
	f->sock_type = p->sock_type;
	f->ticket = p->ticket;
	f->interval = p->interval;
	f->next = p->next;
	f->h = p->present & 1 && n < m->nh ? m->h[n++] : 0;
	f->stream = p->present & 2 && n < m->nh ? m->h[n++] : 0;
	f->event = p->present & 4 && n < m->nh ? m->h[n++] : 0;
	for (; n < m->nh; n++)
		w_handle_close(m->h[n]);
	if (p->path[0]) {
		f->path = pmalloc(strlen(p->path) + 1);
		if (f->path)
			memcpy(f->path, p->path, strlen(p->path) + 1);
	}
	return f;
}

/* A descriptor at or before pos: its number, -ENOENT: none. */
static long recv_fd(struct lx_file *sock, uint64_t pos, bool cloexec)
{
	struct passed p;
	struct w_msg m = {.op = UNIX_RIGHTS_RECV, .out = (uint64_t)&p, .out_len = sizeof(p)};
	struct lx_file *f;
	long err;

	memset(&p, 0, PASSED_HEAD + 1);
	m.UNIX_RIGHTS_RECV_in_pos = pos;
	err = lx_chan(sock->h, &m);
	if (err <= 0)
		return err ? err : -ENOENT;
	p.path[sizeof(p.path) - 1] = 0;
	f = file_of(&p, &m);
	if (!f) {
		while (m.nh)
			w_handle_close(m.h[--m.nh]);
		return -ENOMEM;
	}
	return fd_install(f, 0, cloexec);
}

/* ---- making ---- */

static struct lx_file *unix_file(uint32_t type, uint32_t flags, w_handle_t h, w_handle_t event,
				 w_handle_t stream)
{
	struct lx_file *f = file_new(K_SOCK, 2 | (flags & FS_O_NONBLOCK));

	if (!f) {
		w_handle_close(h);
		w_handle_close(event);
		if (stream)
			w_handle_close(stream);
		return NULL;
	}
	f->h = h;
	f->event = event;
	f->stream = stream;
	f->unix_domain = true;
	f->sock_type = type;
	f->mode = FS_S_IFSOCK | 0777;
	f->sock_state = stream ? S_CONNECTED : S_NEW;
	if (stream && flags & FS_O_NONBLOCK)
		w_stream_ctl(stream, W_STREAM_SETFLAGS, W_STREAM_NONBLOCK);
	return f;
}

long unix_socket(uint32_t type, uint32_t flags)
{
	struct w_msg m = {.op = UNIX_SOCKET};
	struct lx_file *f;
	long err;

	m.UNIX_SOCKET_in_type = type;
	err = lx_chan(LX_H_UNIX, &m);
	if (err < 0)
		return err;
	f = unix_file(type, flags, m.h[0], m.h[1], 0);
	if (!f)
		return -ENOMEM;
	f->ticket = m.UNIX_SOCKET_out_ticket;
	return fd_install(f, 0, flags & 02000000);
}

long unix_pair(uint32_t type, uint32_t flags, uint64_t ufds)
{
	struct w_msg m = {.op = UNIX_PAIR};
	w_handle_t stream[2] = {0};
	struct lx_file *f[2];
	int32_t fds[2];
	long err;

	m.UNIX_PAIR_in_type = type;
	err = lx_chan(LX_H_UNIX, &m);
	if (err < 0)
		return err;
	if (type == SOCK_STREAM) {
		err = w_stream_create(65536, 0, stream);
		if (err < 0) {
			while (m.nh)
				w_handle_close(m.h[--m.nh]);
			return err;
		}
	}
	f[0] = unix_file(type, flags, m.h[0], m.h[1], stream[0]);
	f[1] = unix_file(type, flags, m.h[2], m.h[3], stream[1]);
	if (!f[0] || !f[1]) {
		if (f[0])
			file_put(f[0]);
		if (f[1])
			file_put(f[1]);
		return -ENOMEM;
	}
	f[0]->sock_state = f[1]->sock_state = S_CONNECTED;
	fds[0] = fd_install(f[0], 0, flags & 02000000);
	if (fds[0] < 0) {
		file_put(f[1]);
		return fds[0];
	}
	fds[1] = fd_install(f[1], 0, flags & 02000000);
	if (fds[1] < 0) {
		file_put(fd_remove(fds[0]));
		return fds[1];
	}
	return put_user(ufds, fds, sizeof(fds)) ? -EFAULT : 0;
}

/* ---- names ---- */

/* sun_path without what follows its NUL; absolute when it is a path. */
static long name_of(const char *addr, uint32_t len, struct lx_path *path)
{
	char raw[SUN_PATH + 1];

	if (len > SUN_PATH)
		return -EINVAL;
	memcpy(raw, addr, len);
	raw[len] = 0;
	return path_get(-100, (uint64_t)raw, path);
}

long unix_bind(struct lx_file *f, const char *addr, uint32_t len)
{
	struct w_msg m = {.op = UNIX_BIND, .in = (uint64_t)addr, .in_len = len};
	struct w_msg node = {.op = FS_MKNOD};
	struct lx_path path LX_PATH;
	struct fs_stat st;
	long err;

	path_start(&path);
	if (len && addr[0]) {
		m.in_len = strnlen(addr, len);
		err = name_of(addr, len, &path);
		if (err < 0)
			return err;
		if (!path_stat(path.s, true, &st))
			return -98; /* EADDRINUSE */
	}
	err = lx_chan(f->h, &m);
	if (err < 0 || !m.nh)
		return err;
	node.FS_MKNOD_in_mode = FS_S_IFSOCK | (0777 & ~proc()->umask);
	node.nh = 1;
	node.h[0] = m.h[0];
	err = path_op(path.s, &node);
	if (err < 0 && node.nh)
		w_handle_close(m.h[0]);
	return err == -17 ? -98 : err;
}

long unix_listen(struct lx_file *f, uint32_t backlog)
{
	struct w_msg m = {.op = UNIX_LISTEN};
	long err;

	m.UNIX_LISTEN_in_backlog = backlog;
	err = lx_chan(f->h, &m);
	if (!err)
		f->sock_state = S_LISTEN;
	return err;
}

/* The channel that leads to the socket of that name; 0: an abstract one. */
static long lead(const char *addr, uint32_t len, w_handle_t *out)
{
	struct w_msg m = {.op = FS_LEADS};
	struct lx_path path LX_PATH;
	long err;

	path_start(&path);
	*out = 0;
	if (!len || !addr[0])
		return len ? 0 : -EINVAL;
	err = name_of(addr, len, &path);
	if (err >= 0)
		err = path_op(path.s, &m);
	if (err >= 0)
		*out = m.h[0];
	return err < 0 ? err : 0;
}

static long ask_connect(struct lx_file *f, w_handle_t to, const char *addr, uint32_t len, bool wait,
			struct w_msg *m)
{
	*m = (struct w_msg){.op = UNIX_CONNECT, .in = (uint64_t)addr, .in_len = len};
	m->UNIX_CONNECT_in_nonblock = !wait;
	m->UNIX_CONNECT_in_ticket = f->ticket;
	return wait ? lx_chan_intr(to, m) : lx_chan(to, m);
}

long unix_connect(struct lx_file *f, const char *addr, uint32_t len)
{
	struct w_msg m;
	w_handle_t to;
	long err = lead(addr, len, &to);

	if (err)
		return err;
	/* at once, if that is possible: signals that come faster than an answer would make a
	 * call that they interrupt start again for ever */
	err = ask_connect(f, to ? to : f->h, addr, len, false, &m);
	if (err == W_EAGAIN && !(f->oflags & FS_O_NONBLOCK))
		err = ask_connect(f, to ? to : f->h, addr, len, true, &m);
	if (to)
		w_handle_close(to);
	if (err < 0)
		return err;
	if (m.nh) {
		f->stream = m.h[0];
		if (f->oflags & FS_O_NONBLOCK)
			w_stream_ctl(f->stream, W_STREAM_SETFLAGS, W_STREAM_NONBLOCK);
	}
	f->sock_state = S_CONNECTED;
	return 0;
}

static long put_name(uint64_t uaddr, uint64_t ulen, const char *name, uint32_t len)
{
	char addr[2 + SUN_PATH + 1] = {AF_UNIX, 0};

	memcpy(addr + 2, name, len);
	if (len && name[0])
		len++; /* the NUL counts */
	return put_addr(uaddr, ulen, addr, 2 + len);
}

long unix_accept(struct lx_file *f, uint32_t flags, uint64_t uaddr, uint64_t ulen)
{
	char name[SUN_PATH];
	struct w_msg m = {.op = UNIX_ACCEPT, .out = (uint64_t)name, .out_len = sizeof(name)};
	struct lx_file *c;
	long err, fd;

	m.UNIX_ACCEPT_in_nonblock = !!(f->oflags & FS_O_NONBLOCK);
	err = m.UNIX_ACCEPT_in_nonblock ? lx_chan(f->h, &m) : lx_chan_intr(f->h, &m);
	if (err < 0)
		return err;
	c = unix_file(f->sock_type, flags, m.h[0], m.h[1], m.nh > 2 ? m.h[2] : 0);
	if (!c)
		return -ENOMEM;
	c->ticket = m.UNIX_ACCEPT_out_ticket;
	c->sock_state = S_CONNECTED;
	fd = fd_install(c, 0, flags & 02000000);
	if (fd >= 0 && uaddr)
		put_name(uaddr, ulen, name, m.in_len <= sizeof(name) ? m.in_len : 0);
	return fd;
}

long unix_name(struct lx_file *f, bool peer, uint64_t uaddr, uint64_t ulen)
{
	char name[SUN_PATH];
	struct w_msg m = {.op = UNIX_NAME, .out = (uint64_t)name, .out_len = sizeof(name)};
	long err;

	m.UNIX_NAME_in_peer = peer;
	err = lx_chan(f->h, &m);
	return err < 0 ? err : put_name(uaddr, ulen, name, m.in_len <= sizeof(name) ? m.in_len : 0);
}

long unix_peercred(struct lx_file *f, uint32_t cred[3])
{
	struct w_msg m = {.op = UNIX_PEERCRED};
	long err = lx_chan(f->h, &m);

	cred[0] = m.UNIX_PEERCRED_out_pid;
	cred[1] = m.UNIX_PEERCRED_out_uid;
	cred[2] = m.UNIX_PEERCRED_out_gid;
	return err < 0 ? err : 0;
}

long unix_shutdown(struct lx_file *f, uint32_t how)
{
	struct w_msg m = {.op = UNIX_SHUTDOWN};

	if (f->sock_state != S_CONNECTED)
		return -107;
	m.UNIX_SHUTDOWN_in_how = how;
	if (!f->stream)
		return lx_chan(f->h, &m);
	if (how != 0)
		w_stream_ctl(f->stream, W_STREAM_SHUT_WR, 0);
	if (how != 1)
		w_stream_ctl(f->stream, W_STREAM_SHUT_RD, 0);
	return 0;
}

/* ---- control messages (cmsg(3)) ---- */

struct cmsghdr {
	uint64_t len;
	int32_t level, type;
};

static uint64_t cmsg_align(uint64_t n)
{
	return (n + 7) & ~7ull;
}

static uint64_t vector_len(const struct msghdr *m)
{
	uint64_t i, n = 0;
	struct lx_iovec v;

	for (i = 0; i < m->iovlen; i++)
		n += get_user(&v, m->iov + i * sizeof(v), sizeof(v)) ? 0 : v.len;
	return n;
}

static long send_rights(struct lx_file *f, const struct msghdr *m)
{
	uint64_t at = m->control, end = m->control + m->controllen, i;
	struct cmsghdr c;
	int32_t fd;
	long err = 0;

	while (!err && at + sizeof(c) <= end) {
		if (get_user(&c, at, sizeof(c)))
			return -EFAULT;
		if (c.len < sizeof(c) || at + c.len > end)
			return -EINVAL;
		if (c.level == SOL_SOCKET && c.type == SCM_RIGHTS) {
			if ((c.len - sizeof(c)) / 4 > SCM_MAX_FD)
				return -EINVAL;
			for (i = sizeof(c); !err && i + 4 <= c.len; i += 4)
				err = get_user(&fd, at + i, 4) ? -EFAULT
							       : send_fd(f, fd, vector_len(m));
		} else if (c.level != SOL_SOCKET || c.type != SCM_CREDENTIALS) {
			return -EINVAL;
		}
		at += cmsg_align(c.len);
	}
	return err < 0 ? err : 0;
}

struct control {
	uint64_t at, room, used;
	bool truncated;
};

static bool control_put(struct control *c, int type, const void *data, uint64_t len)
{
	struct cmsghdr h = {sizeof(h) + len, SOL_SOCKET, type};

	if (c->used + sizeof(h) + len > c->room) {
		c->truncated = true;
		return false;
	}
	if (put_user(c->at + c->used, &h, sizeof(h)) ||
	    put_user(c->at + c->used + sizeof(h), data, len))
		return false;
	c->used += cmsg_align(sizeof(h) + len);
	if (c->used > c->room)
		c->used = c->room;
	return true;
}

/* Descriptors that came with the bytes up to pos, those of one message. */
static void recv_rights(struct lx_file *f, struct control *c, uint64_t pos, uint32_t flags)
{
	int32_t fds[SCM_MAX_FD];
	uint64_t n = 0, i;
	long fd;

	while (n < SCM_MAX_FD) {
		fd = recv_fd(f, pos, flags & MSG_CMSG_CLOEXEC);
		if (fd < 0)
			break;
		fds[n++] = fd;
	}
	if (n && !control_put(c, SCM_RIGHTS, fds, n * 4)) {
		c->truncated = true;
		for (i = 0; i < n; i++)
			file_put(fd_remove(fds[i]));
	}
}

/* ---- bytes ---- */

static long gather(const struct msghdr *m, char *buf, uint64_t size)
{
	struct lx_iovec v;
	uint64_t i, at = 0;

	for (i = 0; i < m->iovlen; i++) {
		if (get_user(&v, m->iov + i * sizeof(v), sizeof(v)))
			return -EFAULT;
		if (v.len > size - at)
			return -90; /* EMSGSIZE */
		if (v.len && get_user(buf + at, v.base, v.len))
			return -EFAULT;
		at += v.len;
	}
	return at;
}

static long dgram_sendmsg(struct lx_file *f, struct msghdr *m, uint32_t flags)
{
	struct w_msg w = {.op = UNIX_SENDTO};
	char addr[2 + SUN_PATH], *buf = NULL;
	struct lx_iovec v;
	w_handle_t to = 0;
	long n = 0, err = 0;

	if (m->iovlen == 1) {
		if (get_user(&v, m->iov, sizeof(v)))
			return -EFAULT;
		w.in = v.base;
		n = v.len;
	} else if (m->iovlen) {
		buf = pmalloc(GATHER_MAX);
		n = buf ? gather(m, buf, GATHER_MAX) : -ENOMEM;
		w.in = (uint64_t)buf;
	}
	if (n >= 0 && m->name) {
		if (m->namelen < 3 || m->namelen > sizeof(addr))
			err = -EINVAL;
		else
			err = get_user(addr, m->name, m->namelen)
				      ? -EFAULT
				      : lead(addr + 2, m->namelen - 2, &to);
		if (!err && !to)
			err = -95; /* abstract names: connect first */
	}
	w.in_len = n;
	w.UNIX_SENDTO_in_ticket = f->ticket;
	w.UNIX_SENDTO_in_nonblock = flags & MSG_DONTWAIT || f->oflags & FS_O_NONBLOCK;
	if (n >= 0 && !err)
		n = lx_chan_intr(to ? to : f->h, &w);
	if (n == -EPIPE && !(flags & MSG_NOSIGNAL))
		lx_thread_signal(SIGPIPE);
	if (to)
		w_handle_close(to);
	pfree(buf);
	return err ? err : n;
}

long unix_sendmsg(struct lx_file *f, struct msghdr *m, uint32_t flags)
{
	long n = 0;

	if (f->sock_type == SOCK_STREAM && f->sock_state != S_CONNECTED)
		return -107;
	if (m->controllen)
		n = send_rights(f, m);
	if (n < 0)
		return n;
	if (f->sock_type != SOCK_STREAM)
		return dgram_sendmsg(f, m, flags);
	return sock_send_vector(f, m, flags);
}

/* The datagram's bytes over the buffers; name and credentials aside. */
static long dgram_recvmsg(struct lx_file *f, struct msghdr *m, uint32_t flags, struct w_msg *w)
{
	char *buf = pmalloc(GATHER_MAX);
	uint32_t name_len;
	struct lx_iovec v;
	uint64_t i, at = 0, take;
	long n;

	*w = (struct w_msg){
		.op = UNIX_RECVFROM, .out = (uint64_t)buf, .out_len = buf ? GATHER_MAX : 0};
	if (!buf)
		return -ENOMEM;
	w->UNIX_RECVFROM_in_nonblock = flags & MSG_DONTWAIT || f->oflags & FS_O_NONBLOCK;
	w->UNIX_RECVFROM_in_peek = !!(flags & MSG_PEEK);
	n = lx_chan_intr(f->h, w);
	memcpy(&name_len, buf, 4);
	m->flags = 0;
	if (n >= 0 && m->name && w->UNIX_RECVFROM_out_full + name_len) {
		char addr[2 + SUN_PATH + 1] = {AF_UNIX, 0};

		name_len = name_len > SUN_PATH ? SUN_PATH : name_len;
		memcpy(addr + 2, buf + 4, name_len);
		name_len += name_len && buf[4] ? 1 : 0; /* the NUL counts */
		put_user(m->name, addr, m->namelen < 2 + name_len ? m->namelen : 2 + name_len);
		m->namelen = 2 + name_len;
		name_len -= name_len && buf[4] ? 1 : 0;
	} else {
		m->namelen = 0;
	}
	for (i = 0; n > 0 && i < m->iovlen && at < (uint64_t)n; i++, at += take) {
		if (get_user(&v, m->iov + i * sizeof(v), sizeof(v))) {
			n = -EFAULT;
			break;
		}
		take = v.len < n - at ? v.len : n - at;
		if (put_user(v.base, buf + 4 + name_len + at, take))
			n = -EFAULT;
	}
	if (n >= 0 && at < w->UNIX_RECVFROM_out_full)
		m->flags |= MSG_TRUNC;
	pfree(buf);
	return n < 0 ? n : flags & MSG_TRUNC ? (long)w->UNIX_RECVFROM_out_full : (long)at;
}

static long stream_recvmsg(struct lx_file *f, struct msghdr *m, uint32_t flags)
{
	uint64_t tail = stream_pos(f, W_STREAM_POS_IN), next = ~0ull;
	struct w_msg w = {.op = UNIX_RIGHTS_RECV};
	long n;

	if (f->sock_state != S_CONNECTED)
		return -EINVAL;
	if (m->control) { /* do not read past the bytes that descriptors came with */
		w.UNIX_RIGHTS_RECV_in_pos = tail;
		w.UNIX_RIGHTS_RECV_in_peek = 1;
		if (!lx_chan(f->h, &w))
			next = w.UNIX_RIGHTS_RECV_out_next;
	}
	n = sock_recv_vector(f, m, flags, next > tail ? next - tail : ~0ull);
	if (n < 0)
		return n;
	m->namelen = 0;
	m->flags = 0;
	return n;
}

long unix_recvmsg(struct lx_file *f, struct msghdr *m, uint32_t flags)
{
	struct control c = {.at = m->control, .room = m->control ? m->controllen : 0};
	uint64_t tail = stream_pos(f, W_STREAM_POS_IN);
	struct w_msg w = {0};
	uint32_t cred[3];
	long n;

	if (f->sock_type == SOCK_STREAM)
		n = stream_recvmsg(f, m, flags);
	else
		n = dgram_recvmsg(f, m, flags, &w);
	if (n < 0)
		return n;
	if (f->passcred && c.room) {
		cred[0] = w.UNIX_RECVFROM_out_pid;
		cred[1] = w.UNIX_RECVFROM_out_uid;
		cred[2] = w.UNIX_RECVFROM_out_gid;
		if (f->sock_type != SOCK_STREAM || !unix_peercred(f, cred))
			control_put(&c, SCM_CREDENTIALS, cred, sizeof(cred));
	}
	if (c.room && !(flags & MSG_PEEK) && n > 0 &&
	    (f->sock_type == SOCK_STREAM || w.UNIX_RECVFROM_out_rights))
		recv_rights(f, &c, f->sock_type == SOCK_STREAM ? tail + n - 1 : ~0ull, flags);
	if (c.truncated)
		m->flags |= MSG_CTRUNC;
	m->controllen = c.used;
	return n;
}

long unix_send(struct lx_file *f, uint64_t buf, uint64_t len, uint32_t flags)
{
	struct lx_iovec v = {buf, len};
	struct msghdr m = {.iov = (uint64_t)&v, .iovlen = 1};

	return dgram_sendmsg(f, &m, flags);
}

long unix_recv(struct lx_file *f, uint64_t buf, uint64_t len, uint32_t flags)
{
	struct lx_iovec v = {buf, len};
	struct msghdr m = {.iov = (uint64_t)&v, .iovlen = 1};
	struct w_msg w;

	return dgram_recvmsg(f, &m, flags, &w);
}
