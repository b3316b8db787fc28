// SPDX-License-Identifier: MIT
/* Sockets: control goes to the socket service, bytes through the stream. */
#include "lx.h"

#include <wherry/signal.h>

enum { AF_UNIX = 1, AF_INET = 2, SOCK_STREAM = 1, SOCK_DGRAM = 2 };
enum {
	MSG_PEEK = 2,
	MSG_TRUNC = 0x20,
	MSG_DONTWAIT = 0x40,
	MSG_WAITALL = 0x100,
	MSG_NOSIGNAL = 0x4000
};
#define SOCK_NONBLOCK FS_O_NONBLOCK
#define SOCK_CLOEXEC 02000000u
#define SEND_MAX 8000

static struct lx_file *sock_get(long fd, long *err)
{
	struct lx_file *f = fd_file(fd);

	*err = !f ? -EBADF : f->kind != K_SOCK ? -88 : 0;
	return *err ? NULL : f;
}

w_handle_t sock_event(struct lx_file *f)
{
	struct w_msg m = {.op = NET_EVENT};
	w_handle_t none = 0;

	if (f->event || f->unix_domain || f->sock_state == S_DGRAM || lx_chan(f->h, &m) < 0)
		return f->event;
	/* another thread may have been faster */
	if (!__atomic_compare_exchange_n(&f->event, &none, m.h[0], false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		w_handle_close(m.h[0]);
	return f->event;
}

/* channel, event and stream; either of the latter may be 0 */
static long install(const w_handle_t h[3], uint32_t flags, enum sock_state state)
{
	struct lx_file *f = file_new(K_SOCK, 2 | (flags & SOCK_NONBLOCK));
	uint32_t i;

	if (!f) {
		for (i = 0; i < 3; i++)
			if (h[i])
				w_handle_close(h[i]);
		return -ENOMEM;
	}
	f->h = h[0];
	f->event = h[1];
	f->stream = h[2];
	f->sock_state = state;
	f->mode = FS_S_IFSOCK | 0777;
	if (f->stream && flags & SOCK_NONBLOCK)
		w_stream_ctl(f->stream, W_STREAM_SETFLAGS, W_STREAM_NONBLOCK);
	return fd_install(f, 0, flags & SOCK_CLOEXEC);
}

LX(socket)
{
	struct w_msg m = {.op = NET_SOCKET};
	long err;

	if (a[1] & ~(15ull | SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	if (a[0] == AF_UNIX && a[2] > 1)
		return -93; /* EPROTONOSUPPORT */
	if (a[0] == AF_UNIX)
		return unix_socket(a[1] & 15, a[1]);
	if (!IS_ENABLED(CONFIG_NET))
		return -97;
	m.NET_SOCKET_in_domain = a[0];
	m.NET_SOCKET_in_type = a[1] & 15;
	m.NET_SOCKET_in_protocol = a[2];
	err = lx_chan(LX_H_NET, &m);
	if (err < 0)
		return err;
	if ((a[1] & 15) == SOCK_DGRAM)
		return install((w_handle_t[3]){m.h[0], m.h[1], 0}, a[1], S_DGRAM);
	return install((w_handle_t[3]){m.h[0], 0, m.h[1]}, a[1], S_NEW);
}

LX(socketpair)
{
	if (a[1] & ~(15ull | SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	if (a[0] != AF_UNIX)
		return -95;
	return unix_pair(a[1] & 15, a[1], a[3]);
}

/* ---- addresses ---- */

static long addr_op(struct lx_file *f, uint32_t op, uint64_t uaddr, uint64_t len, struct w_msg *m)
{
	char buf[128];

	if (len > sizeof(buf) || len < 2)
		return -EINVAL;
	if (get_user(buf, uaddr, len))
		return -EFAULT;
	if (f->unix_domain && *(uint16_t *)buf != AF_UNIX)
		return -EINVAL;
	if (f->unix_domain)
		return op == NET_BIND ? unix_bind(f, buf + 2, len - 2)
				      : unix_connect(f, buf + 2, len - 2);
	if (*(uint16_t *)buf != AF_INET)
		return op == NET_CONNECT && !*(uint16_t *)buf ? 0 : -97;
	m->op = op;
	m->in = (uint64_t)buf;
	m->in_len = len;
	return op == NET_CONNECT ? lx_chan_intr(f->h, m) : lx_chan(f->h, m);
}

LX(bind)
{
	struct w_msg m = {0};
	long err;
	struct lx_file *f = sock_get(a[0], &err);

	return f ? addr_op(f, NET_BIND, a[1], a[2], &m) : err;
}

LX(listen)
{
	struct w_msg m = {.op = NET_LISTEN};
	long err;
	struct lx_file *f = sock_get(a[0], &err);

	if (!f)
		return err;
	if (f->unix_domain)
		return unix_listen(f, a[1]);
	m.NET_LISTEN_in_backlog = (uint32_t)a[1] > 4096 ? 128 : (uint32_t)a[1];
	err = lx_chan(f->h, &m);
	if (!err)
		f->sock_state = S_LISTEN;
	return err;
}

LX(connect)
{
	struct w_msg m = {0};
	long err;
	struct lx_file *f = sock_get(a[0], &err);

	if (!f)
		return err;
	m.NET_CONNECT_in_nonblock = !!(f->oflags & FS_O_NONBLOCK);
	err = addr_op(f, NET_CONNECT, a[1], a[2], &m);
	if (f->unix_domain)
		return err;
	if (f->sock_state == S_NEW && !err)
		f->sock_state = S_CONNECTED;
	else if (f->sock_state == S_NEW && (err == -115 || err == ERESTARTSYS))
		f->sock_state = S_CONNECTING;
	return err;
}

/* SO_RCVTIMEO, SO_SNDTIMEO: who would wait longer is told EAGAIN (socket(7)). */
static long wait_in_time(struct lx_file *f, bool send, uint32_t flags)
{
	uint64_t timeout = f->timeout[send];

	if (!timeout || flags & MSG_DONTWAIT || f->oflags & FS_O_NONBLOCK)
		return 0;
	return lx_wait_ready(f, (send ? W_WRITABLE : W_READABLE) | W_HUP, lx_now() + timeout);
}

long put_addr(uint64_t uaddr, uint64_t ulen, const void *addr, uint32_t len)
{
	uint32_t room;

	if (!uaddr)
		return 0;
	if (get_user(&room, ulen, 4))
		return -EFAULT;
	if ((int32_t)room < 0)
		return -EINVAL;
	if (put_user(uaddr, addr, room < len ? room : len) || put_user(ulen, &len, 4))
		return -EFAULT;
	return 0;
}

static long accept_common(const uint64_t *a, uint64_t flags)
{
	char addr[16];
	struct w_msg m = {.op = NET_ACCEPT, .out = (uint64_t)addr, .out_len = sizeof(addr)};
	long err;
	struct lx_file *f = sock_get(a[0], &err);
	long fd;

	if (!f)
		return err;
	if (flags & ~(uint64_t)(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	err = f->sock_state == S_LISTEN ? wait_in_time(f, false, 0) : 0;
	if (err)
		return err;
	if (f->unix_domain)
		return unix_accept(f, flags, a[1], a[2]);
	m.NET_ACCEPT_in_nonblock = !!(f->oflags & FS_O_NONBLOCK);
	err = m.NET_ACCEPT_in_nonblock ? lx_chan(f->h, &m) : lx_chan_intr(f->h, &m);
	if (err < 0)
		return err;
	fd = install((w_handle_t[3]){m.h[0], 0, m.h[1]}, flags, S_CONNECTED);
	if (fd >= 0)
		put_addr(a[1], a[2], addr, sizeof(addr));
	return fd;
}

LX(accept)
{
	return accept_common(a, 0);
}

LX(accept4)
{
	return accept_common(a, a[3]);
}

static long name_common(const uint64_t *a, bool peer)
{
	char addr[16] = {0};
	struct w_msg m = {.op = NET_NAME, .out = (uint64_t)addr, .out_len = sizeof(addr)};
	long err;
	struct lx_file *f = sock_get(a[0], &err);

	if (!f)
		return err;
	if (f->unix_domain)
		return unix_name(f, peer, a[1], a[2]);
	m.NET_NAME_in_peer = peer;
	err = lx_chan(f->h, &m);
	return err < 0 ? err : put_addr(a[1], a[2], addr, sizeof(addr));
}

LX(getsockname)
{
	return name_common(a, false);
}

LX(getpeername)
{
	return name_common(a, true);
}

/* ---- bytes ---- */

static uint32_t stream_flags(uint32_t msg)
{
	return (msg & MSG_DONTWAIT ? W_STREAM_NONBLOCK : 0) | (msg & MSG_PEEK ? W_STREAM_PEEK : 0);
}

static bool usable(struct lx_file *f)
{
	if (f->sock_state == S_CONNECTING && sock_event(f)) {
		struct w_obj_info i = {0};

		w_obj_info(f->event, &i);
		if (i.signals & W_WRITABLE)
			f->sock_state = S_CONNECTED;
	}
	return f->stream && f->sock_state == S_CONNECTED;
}

static long dgram_recv(struct lx_file *f, uint64_t buf, uint64_t len, uint32_t flags, char *from)
{
	char tmp[8192];
	struct w_msg m = {.op = NET_RECVFROM, .out = (uint64_t)tmp, .out_len = sizeof(tmp)};
	long n;

	m.NET_RECVFROM_in_nonblock = flags & MSG_DONTWAIT || f->oflags & FS_O_NONBLOCK;
	m.NET_RECVFROM_in_peek = !!(flags & MSG_PEEK);
	n = lx_chan_intr(f->h, &m);
	if (n < 0)
		return n;
	if (from)
		memcpy(from, tmp, 16);
	if (put_user(buf, tmp + 16, (uint64_t)n < len ? (uint64_t)n : len))
		return -EFAULT;
	return flags & MSG_TRUNC   ? (long)m.NET_RECVFROM_out_full
	       : (uint64_t)n < len ? n
				   : (long)len;
}

long sock_recv(struct lx_file *f, uint64_t buf, uint64_t len, uint32_t flags)
{
	uint64_t done = 0;
	long n = wait_in_time(f, false, flags);

	if (n)
		return n;
	if (f->unix_domain && f->sock_type != SOCK_STREAM)
		return unix_recv(f, buf, len, flags);
	if (f->sock_state == S_DGRAM)
		return dgram_recv(f, buf, len, flags, NULL);
	if (f->unix_domain && f->sock_state != S_CONNECTED)
		return -EINVAL;
	if (!usable(f))
		return -107; /* ENOTCONN */
	do {
		n = w_stream_read(f->stream, (void *)(buf + done), len - done, stream_flags(flags));
		if (n <= 0)
			break;
		done += n;
	} while (flags & MSG_WAITALL && done < len);
	if (done)
		return done;
	return n == -EINTR ? ERESTARTSYS : n;
}

static long dgram_send(struct lx_file *f, uint64_t buf, uint64_t len, const char *to)
{
	char tmp[16 + SEND_MAX];
	struct w_msg m = {.op = NET_SENDTO, .in = (uint64_t)tmp, .in_len = 16 + len};

	if (len > SEND_MAX)
		return -90; /* EMSGSIZE */
	memset(tmp, 0, 16);
	if (to)
		memcpy(tmp, to, 16);
	if (get_user(tmp + 16, buf, len))
		return -EFAULT;
	return lx_chan(f->h, &m);
}

long sock_send(struct lx_file *f, uint64_t buf, uint64_t len, uint32_t flags)
{
	long late = wait_in_time(f, true, flags);

	if (late)
		return late;
	if (f->unix_domain && f->sock_type != SOCK_STREAM)
		return unix_send(f, buf, len, flags);
	if (f->sock_state == S_DGRAM)
		return dgram_send(f, buf, len, NULL);
	if (f->unix_domain && f->sock_state != S_CONNECTED)
		return -107;
	if (!usable(f)) {
		if (!(flags & MSG_NOSIGNAL) && f->sock_state != S_CONNECTING)
			lx_thread_signal(SIGPIPE);
		return f->sock_state == S_CONNECTING ? -EAGAIN : -EPIPE;
	}
	if (flags & MSG_NOSIGNAL) {
		uint64_t done = 0;
		long n;

		do {
			n = w_stream_write(f->stream, (const void *)(buf + done), len - done,
					   stream_flags(flags));
			if (n < 0)
				return done ? (long)done : n == -EINTR ? ERESTARTSYS : n;
			done += n;
		} while (done < len);
		return done;
	}
	return stream_write_all(f->stream, buf, len, stream_flags(flags));
}

LX(sendto)
{
	long err;
	struct lx_file *f = sock_get(a[0], &err);
	char to[16];

	if (!f)
		return err;
	if (f->unix_domain && a[4]) {
		struct lx_iovec v = {a[1], a[2]};
		struct msghdr m = {.name = a[4], .namelen = a[5], .iov = (uint64_t)&v, .iovlen = 1};

		return unix_sendmsg(f, &m, a[3]);
	}
	if (!a[4] || f->sock_state != S_DGRAM)
		return sock_send(f, a[1], a[2], a[3]);
	if (a[5] < 16 || get_user(to, a[4], 16))
		return a[5] < 16 ? -EINVAL : -EFAULT;
	return dgram_send(f, a[1], a[2], to);
}

LX(recvfrom)
{
	long err;
	struct lx_file *f = sock_get(a[0], &err);
	char from[16] = {0};
	long n;

	if (!f)
		return err;
	if (f->sock_state != S_DGRAM && !(f->unix_domain && a[4]))
		return sock_recv(f, a[1], a[2], a[3]);
	n = wait_in_time(f, false, a[3]);
	if (n)
		return n;
	if (f->unix_domain && a[4]) {
		struct lx_iovec v = {a[1], a[2]};
		struct msghdr m = {.name = a[4], .iov = (uint64_t)&v, .iovlen = 1};

		if (get_user(&m.namelen, a[5], 4))
			return -EFAULT;
		n = unix_recvmsg(f, &m, a[3]);
		return n >= 0 && put_user(a[5], &m.namelen, 4) ? -EFAULT : n;
	}
	n = dgram_recv(f, a[1], a[2], a[3], from);
	if (n >= 0 && a[4] && put_addr(a[4], a[5], from, sizeof(from)))
		return -EFAULT;
	return n;
}

/* One datagram out of many pieces. */
static long dgram_sendmsg(struct lx_file *f, const struct msghdr *m)
{
	char *buf = pmalloc(SEND_MAX), to[16];
	struct lx_iovec v;
	uint64_t i, at = 0;
	long n = buf ? 0 : -ENOMEM;

	if (m->name && m->namelen < 16)
		n = -EINVAL;
	else if (m->name && get_user(to, m->name, 16))
		n = -EFAULT;
	for (i = 0; !n && i < m->iovlen; i++) {
		if (get_user(&v, m->iov + i * sizeof(v), sizeof(v)))
			n = -EFAULT;
		else if (v.len > SEND_MAX - at)
			n = -90; /* EMSGSIZE */
		else if (v.len && get_user(buf + at, v.base, v.len))
			n = -EFAULT;
		at += v.len;
	}
	if (!n)
		n = dgram_send(f, (uint64_t)buf, at, m->name ? to : NULL);
	pfree(buf);
	return n;
}

/* A stream's bytes out of the buffers, until one does not go out whole. */
long sock_send_vector(struct lx_file *f, const struct msghdr *m, uint32_t flags)
{
	struct lx_iovec v;
	long total = 0, n;
	uint64_t i;

	for (i = 0; i < m->iovlen; i++) {
		if (get_user(&v, m->iov + i * sizeof(v), sizeof(v)))
			return total ? total : -EFAULT;
		n = v.len ? sock_send(f, v.base, v.len, flags) : 0;
		if (n < 0)
			return total ? total : n;
		total += n;
		if ((uint64_t)n < v.len)
			break;
	}
	return total;
}

LX(sendmsg)
{
	long err;
	struct lx_file *f = sock_get(a[0], &err);
	struct msghdr m;

	if (!f)
		return err;
	if (get_user(&m, a[1], sizeof(m)))
		return -EFAULT;
	if (m.iovlen > 1024)
		return -90; /* EMSGSIZE */
	if (f->unix_domain)
		return unix_sendmsg(f, &m, a[2]);
	if (f->sock_state == S_DGRAM)
		return dgram_sendmsg(f, &m);
	return sock_send_vector(f, &m, a[2]);
}

/* At most max bytes of a stream into as many buffers as they fill. */
long sock_recv_vector(struct lx_file *f, const struct msghdr *m, uint32_t flags, uint64_t max)
{
	struct lx_iovec v;
	long total = 0, n;
	uint64_t i, take;

	for (i = 0; i < m->iovlen; i++) {
		if (get_user(&v, m->iov + i * sizeof(v), sizeof(v)))
			return total ? total : -EFAULT;
		take = v.len < max - total ? v.len : max - total;
		if (!take)
			continue;
		n = sock_recv(f, v.base, take, total ? flags | MSG_DONTWAIT : flags);
		if (n < 0)
			return total ? total : n;
		total += n;
		if ((uint64_t)n < v.len)
			break;
	}
	return total;
}

/* A datagram into its buffers. */
static long recv_dgram_vector(struct lx_file *f, const struct msghdr *m, uint32_t flags, char *from)
{
	char *tmp = pmalloc(8192);
	struct lx_iovec v;
	uint64_t i, at = 0;
	long n = tmp ? dgram_recv(f, (uint64_t)tmp, 8192, flags, from) : -ENOMEM;

	for (i = 0; n > 0 && i < m->iovlen && at < (uint64_t)n; i++) {
		if (get_user(&v, m->iov + i * sizeof(v), sizeof(v)))
			n = -EFAULT;
		else if (put_user(v.base, tmp + at, v.len < n - at ? v.len : n - at))
			n = -EFAULT;
		at += v.len;
	}
	pfree(tmp);
	return n > 0 && at < (uint64_t)n && !(flags & MSG_TRUNC) ? (long)at : n;
}

/* Can the vector be read?  Asked before a datagram is taken, which would be lost. */
static bool vector_readable(const struct msghdr *m)
{
	struct lx_iovec v;
	uint64_t i;

	for (i = 0; i < m->iovlen; i++)
		if (get_user(&v, m->iov + i * sizeof(v), sizeof(v)))
			return false;
	return true;
}

static long recvmsg(struct lx_file *f, uint64_t umsg, uint32_t flags)
{
	char from[16] = {0};
	struct msghdr m;
	long n;

	if (get_user(&m, umsg, sizeof(m)))
		return -EFAULT;
	if (m.iovlen > 1024)
		return -90; /* EMSGSIZE */
	if (f->unix_domain || f->sock_state == S_DGRAM) {
		if (!vector_readable(&m))
			return -EFAULT;
		n = wait_in_time(f, false, flags);
		if (n)
			return n;
	}
	if (f->unix_domain) {
		n = unix_recvmsg(f, &m, flags);
		return n >= 0 && put_user(umsg, &m, sizeof(m)) ? -EFAULT : n;
	}
	n = f->sock_state == S_DGRAM ? recv_dgram_vector(f, &m, flags, from)
				     : sock_recv_vector(f, &m, flags, ~0ull);
	if (n < 0)
		return n;
	m.controllen = 0;
	m.flags = 0;
	if (m.name && f->sock_state == S_DGRAM) {
		if (put_user(m.name, from, m.namelen < 16 ? m.namelen : 16))
			return -EFAULT;
		m.namelen = 16;
	} else {
		m.namelen = 0;
	}
	return put_user(umsg, &m, sizeof(m)) ? -EFAULT : n;
}

LX(recvmsg)
{
	long err;
	struct lx_file *f = sock_get(a[0], &err);

	return f ? recvmsg(f, a[1], a[2]) : err;
}

struct mmsghdr {
	struct msghdr h;
	uint32_t len, pad;
};

LX(sendmmsg)
{
	uint64_t i, at = a[1];
	uint32_t n;
	long err = 0;

	for (i = 0; i < a[2] && i < 1024; i++, at += sizeof(struct mmsghdr)) {
		const uint64_t b[6] = {a[0], at, a[3]};

		err = lx_sendmsg(b);
		if (err < 0)
			break;
		n = err;
		if (put_user(at + offsetof(struct mmsghdr, len), &n, 4))
			return -EFAULT;
	}
	return i ? (long)i : err;
}

LX(recvmmsg)
{
	uint64_t i, at = a[1];
	uint64_t deadline = W_FOREVER;
	uint32_t n, flags = a[3];
	long err;
	struct lx_file *f = sock_get(a[0], &err);

	if (!f)
		return err;
	err = a[4] ? lx_get_deadline(a[4], &deadline) : 0;
	if (err)
		return err;
	for (i = 0; i < a[2] && i < 1024; i++, at += sizeof(struct mmsghdr)) {
		err = recvmsg(f, at, flags & ~0x10000u);
		if (err < 0)
			break;
		n = err;
		if (put_user(at + offsetof(struct mmsghdr, len), &n, 4))
			return -EFAULT;
		if (lx_now() > deadline) { /* looked at after each, as on Linux */
			i++;
			break;
		}
		if (flags & 0x10000) /* MSG_WAITFORONE */
			flags |= MSG_DONTWAIT;
	}
	return i ? (long)i : err;
}

/* ---- the rest ---- */

LX(shutdown)
{
	struct w_msg m = {.op = NET_SHUTDOWN};
	long err;
	struct lx_file *f = sock_get(a[0], &err);

	if (!f)
		return err;
	if (a[1] > 2)
		return -EINVAL;
	if (f->unix_domain)
		return unix_shutdown(f, a[1]);
	m.NET_SHUTDOWN_in_how = a[1];
	if (!usable(f)) /* not connected, or it listens */
		return lx_chan(f->h, &m);
	if (a[1] != 0)
		w_stream_ctl(f->stream, W_STREAM_SHUT_WR, 0);
	err = lx_chan(f->h, &m);
	return err == -107 ? 0 : err;
}

enum { SOL_SOCKET = 1, SO_LAST = 76 }; /* include/uapi/asm-generic/socket.h */
enum {
	SO_ERROR = 4,
	SO_LINGER = 13,
	SO_PASSCRED = 16,
	SO_PEERCRED,
	SO_RCVLOWAT,
	SO_SNDLOWAT,
	SO_RCVTIMEO,
	SO_SNDTIMEO
};

static long set_timeout(struct lx_file *f, bool send, const char *buf, uint64_t len)
{
	const int64_t *tv = (const int64_t *)buf;

	if (len < 16)
		return -EINVAL;
	if (tv[1] < 0 || tv[1] > 999999)
		return -33; /* EDOM */
	f->timeout[send] =
		tv[0] < 0 || tv[0] > 1000000000 ? 0 : tv[0] * 1000000000ull + tv[1] * 1000;
	return 0;
}

LX(setsockopt)
{
	char buf[16] __attribute__((aligned(8)));
	struct w_msg m = {.op = NET_SETOPT, .in = (uint64_t)buf};
	long err;
	struct lx_file *f = sock_get(a[0], &err);
	uint64_t len = a[4] < sizeof(buf) ? a[4] : sizeof(buf);

	if (!f)
		return err;
	if (get_user(buf, a[3], len))
		return -EFAULT;
	if (a[1] == SOL_SOCKET && (a[2] > SO_LAST || !a[2]))
		return -92; /* ENOPROTOOPT */
	if (a[1] == SOL_SOCKET && (a[2] == SO_RCVTIMEO || a[2] == SO_SNDTIMEO))
		return set_timeout(f, a[2] == SO_SNDTIMEO, buf, len);
	if (len < 4)
		return -EINVAL;
	if (f->unix_domain) {
		if (a[1] == SOL_SOCKET && a[2] == SO_PASSCRED)
			f->passcred = buf[0];
		return a[1] == SOL_SOCKET ? 0 : -95;
	}
	m.in_len = len;
	m.NET_SETOPT_in_level = a[1];
	m.NET_SETOPT_in_name = a[2];
	return lx_chan(f->h, &m);
}

static uint32_t unix_getopt(const struct lx_file *f, uint64_t name)
{
	switch (name) {
	case 3: /* SO_TYPE */
		return f->sock_type;
	case 7: /* SO_SNDBUF, SO_RCVBUF */
	case 8:
		return 65536;
	case 16: /* SO_PASSCRED */
		return f->passcred;
	case 30: /* SO_ACCEPTCONN */
		return f->sock_state == S_LISTEN;
	case 39: /* SO_DOMAIN */
		return AF_UNIX;
	default: /* SO_ERROR and flags that are off */
		return 0;
	}
}

/* As much of the n bytes as the caller has room for. */
static long give_opt(const uint64_t *a, uint32_t room, const void *bytes, uint32_t n)
{
	uint32_t len = room < n ? room : n;

	return put_user(a[3], bytes, len) || put_user(a[4], &len, 4) ? -EFAULT : 0;
}

LX(getsockopt)
{
	uint32_t v[2] = {0}, len;
	struct w_msg m = {.op = NET_GETOPT, .out = (uint64_t)v, .out_len = sizeof(v)};
	long err;
	struct lx_file *f = sock_get(a[0], &err);

	if (!f)
		return err;
	if (get_user(&len, a[4], 4))
		return -EFAULT;
	if (a[1] == SOL_SOCKET && (a[2] > SO_LAST || !a[2]))
		return -92; /* ENOPROTOOPT */
	if (a[1] == SOL_SOCKET && (a[2] == SO_RCVTIMEO || a[2] == SO_SNDTIMEO)) {
		uint64_t ns = f->timeout[a[2] == SO_SNDTIMEO], tv[2];

		tv[0] = ns / 1000000000;
		tv[1] = ns / 1000 % 1000000;
		return give_opt(a, len, tv, sizeof(tv));
	}
	if (f->unix_domain && a[1] == SOL_SOCKET && a[2] == SO_PEERCRED) {
		uint32_t cred[3];

		err = unix_peercred(f, cred);
		return err ? err : give_opt(a, len, cred, sizeof(cred));
	}
	if (f->unix_domain) {
		if (a[1] != 1)
			return -95;
		v[0] = unix_getopt(f, a[2]);
	} else {
		m.NET_GETOPT_in_level = a[1];
		m.NET_GETOPT_in_name = a[2];
		err = lx_chan(f->h, &m);
		if (err < 0)
			return err;
		if (a[1] == SOL_SOCKET && a[2] == SO_ERROR && !v[0])
			usable(f);
	}
	return give_opt(a, len, v, a[1] == SOL_SOCKET && a[2] == SO_LINGER ? 8 : 4);
}
