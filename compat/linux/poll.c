// SPDX-License-Identifier: MIT
/*
 * Readiness: poll, select, epoll.  Every waitable file is one or two kernel
 * objects; an epoll instance is a kernel wait set, so waiting is one call
 * whatever the number of descriptors.
 */
#include "lx.h"

enum {
	POLLIN = 1,
	POLLPRI = 2,
	POLLOUT = 4,
	POLLERR = 8,
	POLLHUP = 16,
	POLLNVAL = 32,
	POLLRDNORM = 64,
	POLLWRNORM = 256,
	POLLRDHUP = 0x2000
};
_Static_assert(POLLIN *POLLRDNORM == POLLRDNORM && POLLOUT * POLLRDNORM == POLLWRNORM,
	       "got_bits()");

int file_waitables(struct lx_file *f, w_handle_t h[2])
{
	switch (f->kind) {
	case K_STREAM:
	case K_EPOLL:
	case K_TIMERFD:
	case K_EVENTFD:
	case K_SIGNALFD:
	case K_PIDFD:
		h[0] = f->h;
		return 1;
	case K_TTY:
	case K_INOTIFY:
	case K_MQ:
		h[0] = f->event;
		return f->event ? 1 : 0;
	case K_SOCK:
		if (f->stream && f->sock_state == S_CONNECTED) {
			h[0] = f->stream;
			return 1;
		}
		h[0] = sock_event(f);
		h[1] = f->stream;
		return f->sock_state == S_CONNECTING && f->stream ? 2 : 1;
	default:
		return 0;
	}
}

static uint32_t signals(w_handle_t h)
{
	struct w_obj_info i;

	return w_obj_info(h, &i) < 0 ? 0 : i.signals;
}

uint32_t file_ready(struct lx_file *f)
{
	w_handle_t h[2];
	int n = file_waitables(f, h);

	if (!n)
		return POLLIN | POLLOUT;
	if (n == 2) /* connecting: the stream's own idea of writable does not count */
		return signals(h[0]) | (signals(h[1]) & ~POLLOUT);
	return signals(h[0]);
}

/* Watch f for these bits; true: there is something to watch. */
static bool watch(w_handle_t ws, struct lx_file *f, uint32_t bits, uint64_t key)
{
	w_handle_t h[2];
	int n = file_waitables(f, h);

	if (n)
		w_ws_ctl(ws, W_WS_ADD, h[0], bits, key);
	if (n == 2) /* as in file_ready() */
		w_ws_ctl(ws, W_WS_ADD, h[1], bits & ~POLLOUT, key);
	return n;
}

long lx_wait_ready(struct lx_file *f, uint32_t bits, uint64_t deadline)
{
	struct w_event ev;
	long ws = w_ws_create(), r = 0;

	if (ws < 0)
		return ws;
	if (watch(ws, f, bits | POLLERR | POLLHUP, 1))
		r = w_ws_wait(ws, &ev, 1, deadline);
	w_handle_close(ws);
	return r == W_ETIMEDOUT ? -EAGAIN : r == -EINTR ? ERESTARTSYS : r < 0 ? r : 0;
}

/* ---- poll and select ---- */

struct pollfd {
	int32_t fd;
	int16_t events, revents;
};

static uint32_t want_bits(uint32_t ev)
{
	return (ev & (POLLIN | POLLPRI | POLLOUT | POLLRDHUP)) | (ev & POLLRDNORM ? POLLIN : 0) |
	       (ev & POLLWRNORM ? POLLOUT : 0) | POLLERR | POLLHUP;
}

static uint32_t got_bits(uint32_t ready, uint32_t ev)
{
	ready |= (ready & (POLLIN | POLLOUT)) * POLLRDNORM; /* and POLLWRNORM */
	return ready & (ev | POLLERR | POLLHUP);
}

static int scan(struct pollfd *p, uint32_t n)
{
	struct lx_file *f;
	uint32_t i;
	int found = 0;

	for (i = 0; i < n; i++) {
		p[i].revents = 0;
		if (p[i].fd < 0)
			continue;
		f = fd_file(p[i].fd);
		p[i].revents = f ? got_bits(file_ready(f), (uint16_t)p[i].events) : POLLNVAL;
		found += p[i].revents != 0;
	}
	return found;
}

static long wait_any(const struct pollfd *p, uint32_t n, uint64_t deadline)
{
	struct w_event ev;
	struct lx_file *f;
	long ws = w_ws_create(), r;
	uint32_t i;

	if (ws < 0)
		return ws;
	for (i = 0; i < n; i++) {
		f = p[i].fd < 0 ? NULL : fd_file(p[i].fd);
		if (f)
			watch(ws, f, want_bits((uint16_t)p[i].events), i);
	}
	r = w_ws_wait(ws, &ev, 1, deadline);
	w_handle_close(ws);
	return r;
}

static long poll_loop(struct pollfd *p, uint32_t n, uint64_t deadline)
{
	long found, r;

	deadline = lx_sleep_end(deadline);
	for (;;) {
		found = scan(p, n);
		if (found || !deadline)
			return found;
		r = wait_any(p, n, deadline);
		if (r == W_ETIMEDOUT)
			return scan(p, n);
		if (r == -EINTR) {
			self()->tcb.kicked = 1;
			self()->sleep_end = deadline;
			return ERESTART_SLEEP;
		}
		if (r < 0)
			return r;
	}
}

#define POLL_MAX 1024

static long poll_common(uint64_t ufds, uint64_t n, uint64_t deadline)
{
	struct pollfd *p;
	long r;

	if (n > POLL_MAX)
		return -EINVAL;
	p = pmalloc(n ? n * sizeof(*p) : 1);
	if (!p)
		return -ENOMEM;
	r = get_user(p, ufds, n * sizeof(*p)) ? -EFAULT : poll_loop(p, n, deadline);
	if (r >= 0 && put_user(ufds, p, n * sizeof(*p)))
		r = -EFAULT;
	pfree(p);
	return r;
}

LX(poll)
{
	int32_t ms = a[2];
	uint64_t deadline = ms < 0 ? W_FOREVER : ms ? lx_now() + ms * 1000000ull : 0;

	return poll_common(a[0], a[1], deadline);
}

LX(ppoll)
{
	uint64_t deadline = W_FOREVER;
	long err;

	err = a[2] ? lx_get_deadline(a[2], &deadline) : 0;
	if (err)
		return err;
	err = lx_swap_mask(a[3]);
	if (err)
		return err;
	err = poll_common(a[0], a[1], deadline);
	if (self()->mask_saved)
		self()->tcb.kicked = 1;
	return err;
}

/* Sets of 1024 bits become a poll list and back. */
static long select_common(uint64_t n, uint64_t urd, uint64_t uwr, uint64_t uex, uint64_t deadline)
{
	uint64_t set[3][16] = {{0}}, out[3][16] = {{0}}, users[3] = {urd, uwr, uex};
	uint64_t bytes = (n + 63) / 64 * 8;
	struct pollfd *p;
	uint32_t i, np = 0;
	long r;
	int k;

	if (n > POLL_MAX)
		return -EINVAL;
	for (k = 0; k < 3; k++)
		if (users[k] && get_user(set[k], users[k], bytes))
			return -EFAULT;
	p = pmalloc(n ? n * sizeof(*p) : 1);
	if (!p)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		uint32_t ev = (set[0][i / 64] >> i % 64 & 1 ? POLLIN : 0) |
			      (set[1][i / 64] >> i % 64 & 1 ? POLLOUT : 0) |
			      (set[2][i / 64] >> i % 64 & 1 ? POLLPRI : 0);

		if (!ev)
			continue;
		if (!fd_file(i)) {
			pfree(p);
			return -EBADF;
		}
		p[np++] = (struct pollfd){.fd = i, .events = ev};
	}
	r = poll_loop(p, np, deadline);
	for (i = 0, k = 0; r >= 0 && i < np; i++) {
		uint64_t bit = 1ull << p[i].fd % 64;
		uint32_t got = p[i].revents, w = p[i].fd / 64;

		if (p[i].events & POLLIN && got & (POLLIN | POLLHUP | POLLERR))
			out[0][w] |= bit, k++;
		if (p[i].events & POLLOUT && got & (POLLOUT | POLLERR))
			out[1][w] |= bit, k++;
		if (p[i].events & POLLPRI && got & POLLPRI)
			out[2][w] |= bit, k++;
	}
	pfree(p);
	if (r < 0)
		return r;
	r = k;
	for (k = 0; k < 3; k++)
		if (users[k] && put_user(users[k], out[k], bytes))
			return -EFAULT;
	return r;
}

LX(select)
{
	int64_t tv[2];
	uint64_t deadline = W_FOREVER;

	if (a[4]) {
		if (get_user(tv, a[4], sizeof(tv)))
			return -EFAULT;
		if (tv[0] < 0 || tv[1] < 0)
			return -EINVAL;
		deadline = tv[0] || tv[1] ? lx_now() + tv[0] * 1000000000ull + tv[1] * 1000 : 0;
	}
	return select_common(a[0], a[1], a[2], a[3], deadline);
}

LX(pselect6)
{
	uint64_t deadline = W_FOREVER, sig[2] = {0};
	long err;

	err = a[4] ? lx_get_deadline(a[4], &deadline) : 0;
	if (err)
		return err;
	if (a[5] && get_user(sig, a[5], sizeof(sig)))
		return -EFAULT;
	err = lx_swap_mask(sig[0]);
	if (err)
		return err;
	err = select_common(a[0], a[1], a[2], a[3], deadline);
	if (self()->mask_saved)
		self()->tcb.kicked = 1;
	return err;
}

/* ---- epoll ---- */

struct epoll_event {
	uint32_t events;
	uint64_t data;
} __attribute__((packed));

static long epoll_new(uint64_t flags)
{
	long ws = w_ws_create();
	struct lx_file *f;

	if (ws < 0)
		return ws;
	f = file_new(K_EPOLL, 2);
	if (!f) {
		w_handle_close(ws);
		return -ENOMEM;
	}
	f->h = ws;
	return fd_install(f, 0, flags & 02000000);
}

LX(epoll_create)
{
	return (int32_t)a[0] <= 0 ? -EINVAL : epoll_new(0);
}

LX(epoll_create1)
{
	return a[0] & ~02000000ull ? -EINVAL : epoll_new(a[0]);
}

static struct lx_epitem *item_find(struct lx_file *ep, struct lx_file *f, int fd)
{
	struct lx_epitem *i;
	struct list *l;

	list_for_each (l, &ep->items) {
		i = list_entry(l, struct lx_epitem, link);
		if (i->fd == fd && i->file == f)
			return i;
	}
	return NULL;
}

static long item_arm(struct lx_file *ep, struct lx_epitem *i, uint32_t op)
{
	uint32_t modes = i->events & (W_WS_EDGE | W_WS_ONESHOT | W_WS_EXCLUSIVE), mask;
	w_handle_t h[2];
	int n = file_waitables(i->file, h);
	long r;

	mask = want_bits(i->events) | modes;
	if (i->two && n < 2) { /* connected since: one object is left */
		w_ws_ctl(ep->h, W_WS_DEL, i->file->event, 0, (uint64_t)i);
		i->two = false;
	}
	r = w_ws_ctl(ep->h, op, h[0], mask, (uint64_t)i);
	if (n == 2) {
		w_ws_ctl(ep->h, op, h[1], mask & ~(uint32_t)POLLOUT, (uint64_t)i);
		i->two = true;
	}
	return r;
}

static void item_drop(struct lx_file *ep, struct lx_epitem *i)
{
	struct lx_file *f = i->file;

	if (f->h)
		w_ws_ctl(ep->h, W_WS_DEL, f->h, 0, (uint64_t)i);
	if (f->event)
		w_ws_ctl(ep->h, W_WS_DEL, f->event, 0, (uint64_t)i);
	if (f->stream)
		w_ws_ctl(ep->h, W_WS_DEL, f->stream, 0, (uint64_t)i);
	list_del(&i->link);
	pfree(i);
}

static long item_add(struct lx_file *ep, struct lx_file *f, int fd, const struct epoll_event *ev)
{
	struct lx_epitem *i = pmalloc(sizeof(*i));
	long err;

	if (!i)
		return -ENOMEM;
	i->file = f;
	i->fd = fd;
	i->events = ev->events;
	i->data = ev->data;
	err = item_arm(ep, i, W_WS_ADD);
	if (err < 0) {
		pfree(i);
		return err;
	}
	list_push(&ep->items, &i->link);
	return 0;
}

/* The program closed the descriptor without removing it, and the number (or the
 * structure) is in use again: the old registration went with its object. */
static void item_forget_stale(struct lx_file *ep, struct lx_file *f)
{
	struct list *l, *tmp;

	list_for_each_safe (l, tmp, &ep->items) {
		struct lx_epitem *i = list_entry(l, struct lx_epitem, link);

		if (i->file == f && fd_file(i->fd) != f) {
			list_del(&i->link);
			pfree(i);
		}
	}
}

enum { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL, EPOLL_CTL_MOD }; /* include/uapi/linux/eventpoll.h */
#define EPOLLEXCLUSIVE (1u << 28)
#define EXCLUSIVE_WITH (POLLIN | POLLOUT | POLLERR | POLLHUP | 1u << 29 | 1u << 31 | EPOLLEXCLUSIVE)

/* Exclusive is for ever, without oneshot, and not for an epoll in an epoll. */
static bool exclusive_ok(const struct lx_file *f, int op, uint32_t events)
{
	if (op == EPOLL_CTL_DEL || !(events & EPOLLEXCLUSIVE))
		return true;
	return op != EPOLL_CTL_MOD && f->kind != K_EPOLL && !(events & ~EXCLUSIVE_WITH);
}

LX(epoll_ctl)
{
	struct lx_file *ep = fd_file(a[0]), *f = fd_file(a[2]);
	struct epoll_event ev = {0};
	struct lx_epitem *i;
	w_handle_t h[2];
	int op = a[1];
	long err = 0;

	if (op != EPOLL_CTL_DEL && get_user(&ev, a[3], sizeof(ev)))
		return -EFAULT;
	if (!ep || !f)
		return -EBADF;
	if (!file_waitables(f, h))
		return -EPERM;
	if (ep->kind != K_EPOLL || ep == f || !exclusive_ok(f, op, ev.events))
		return -EINVAL;
	i = item_find(ep, f, a[2]);
	switch (op) {
	case EPOLL_CTL_ADD:
		if (i && w_ws_ctl(ep->h, W_WS_MOD, h[0], 0, (uint64_t)i) != W_ENOENT) {
			item_arm(ep, i, W_WS_MOD);
			return -EEXIST;
		}
		if (i) {
			list_del(&i->link);
			pfree(i);
		}
		item_forget_stale(ep, f);
		return item_add(ep, f, a[2], &ev);
	case EPOLL_CTL_DEL:
		if (!i)
			return -ENOENT;
		item_drop(ep, i);
		return 0;
	case EPOLL_CTL_MOD:
		if (!i)
			return -ENOENT;
		if (i->events & EPOLLEXCLUSIVE)
			return -EINVAL;
		i->events = ev.events;
		i->data = ev.data;
		err = item_arm(ep, i, W_WS_MOD);
		if (err == W_ENOENT)
			err = item_arm(ep, i, W_WS_ADD);
		return err;
	default:
		return -EINVAL;
	}
}

#define EPOLL_FEW 64
#define EPOLL_MANY 512 /* events that one call reports at most */

static struct epoll_event epoll_event_of(const struct w_event *ev)
{
	const struct lx_epitem *it = (const struct lx_epitem *)ev->key;
	uint32_t bits = ev->bits;

	/* a socket that was connecting is watched twice: say all at once */
	if (it->two && fd_file(it->fd) == it->file)
		bits |= file_ready(it->file);
	return (struct epoll_event){got_bits(bits, it->events), it->data};
}

/* n events for the program; in place, since its form of one is no larger than the kernel's. */
static __attribute__((noinline)) long epoll_report(struct w_event *ev, long n, uint64_t uev)
{
	struct epoll_event *out = (struct epoll_event *)ev;
	long i;

	for (i = 0; i < n; i++)
		out[i] = epoll_event_of(&ev[i]);
	return put_user(uev, out, n * sizeof(*out)) ? -EFAULT : n;
}
_Static_assert(sizeof(struct epoll_event) <= sizeof(struct w_event), "epoll_report()");

static long epoll_report_one(const struct w_event *ev, uint64_t uev)
{
	struct epoll_event out = epoll_event_of(ev);

	return put_user(uev, &out, sizeof(out)) ? -EFAULT : 1;
}

/* Nothing is ready, and why. */
static __attribute__((noinline)) long epoll_nothing(long why)
{
	if (why == W_ETIMEDOUT)
		return 0;
	return why == -EINTR && !lx_signal_waiting() ? ERESTARTNOHAND : why;
}

static __attribute__((noinline)) long epoll_wait_many(struct lx_file *ep, uint64_t uev, int32_t max,
						      uint64_t deadline)
{
	struct w_event *ev;
	long n;

	max = max < EPOLL_MANY ? max : EPOLL_MANY;
	ev = pmalloc_raw(max * sizeof(*ev));
	if (!ev)
		return -ENOMEM;
	n = w_ws_wait(ep->h, ev, max, deadline);
	n = n > 0 ? epoll_report(ev, n, uev) : epoll_nothing(n);
	pfree(ev);
	return n;
}

static long epoll_wait_common(struct lx_file *ep, uint64_t uev, int32_t max, uint64_t deadline)
{
	struct w_event ev[EPOLL_FEW];
	long n;

	if (!ep)
		return -EBADF;
	if (ep->kind != K_EPOLL || max <= 0)
		return -EINVAL;
	if (max > EPOLL_FEW)
		return epoll_wait_many(ep, uev, max, deadline);
	n = w_ws_wait(ep->h, ev, max, deadline);
	if (n == 1)
		return epoll_report_one(ev, uev);
	return n > 0 ? epoll_report(ev, n, uev) : epoll_nothing(n);
}

static uint64_t ms_deadline(int32_t ms)
{
	return ms < 0 ? W_FOREVER : ms ? lx_now() + ms * 1000000ull : 0;
}

LX(epoll_wait)
{
	return epoll_wait_common(fd_file(a[0]), a[1], a[2], ms_deadline(a[3]));
}

/* As epoll_wait(), with another signal mask meanwhile. */
static __attribute__((noinline)) long epoll_wait_masked(const uint64_t *a, uint64_t deadline)
{
	long err = lx_swap_mask(a[4]);

	if (err)
		return err;
	err = epoll_wait_common(fd_file(a[0]), a[1], a[2], deadline);
	self()->tcb.kicked = 1; /* the old one is put back on the way out */
	return err;
}

LX(epoll_pwait2)
{
	uint64_t deadline = W_FOREVER;
	long err = a[3] ? lx_get_deadline(a[3], &deadline) : 0;

	if (err)
		return err;
	return a[4] ? epoll_wait_masked(a, deadline)
		    : epoll_wait_common(fd_file(a[0]), a[1], a[2], deadline);
}

LX(epoll_pwait)
{
	return a[4] ? epoll_wait_masked(a, ms_deadline(a[3])) : lx_epoll_wait(a);
}
