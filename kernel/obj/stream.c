// SPDX-License-Identifier: MIT
/*
 * Byte streams: two ends, a ring in each direction.  Pipes, sockets and
 * terminals are made of them; readiness, end-of-file and "the peer is gone" are
 * the kernel's, so they hold across fork, dup and passing.
 *
 *	ST1  0 <= tail <= head - ... : head - tail <= size, for both rings.
 *	ST2  an end's signals always say what a call on it would do now.
 *
 * The rings' pages appear on first use and go when a ring runs empty and big.
 */
#include <arch/cpu.h>
#include <kernel/page.h>
#include <kernel/protos.h>
#include <kernel/thread.h>
#include <lib/string.h>

BKL_BEGIN

#define PIPE_BUF 4096
#define RING_MAX (1u << 22)

struct ring {
	char *buf;	     /* owns; NULL until the first byte */
	uint32_t size;	     /* [c] power of two */
	uint64_t head, tail; /* bytes ever written, read */
	bool closed;	     /* no writer any more */
	bool abandoned;	     /* no reader any more */
	struct list readers, writers;
};

struct stream_pair;

struct stream {
	struct object obj;
	struct stream_pair *pair;
	int side;
	uint32_t flags; /* sticky: W_STREAM_NONBLOCK */
};

struct stream_pair {
	struct stream end[2];
	struct ring ring[2]; /* ring[i]: written by end i */
	uint32_t lowat;
	int alive; /* ends not destroyed */
	bool pipe, reset;
};

static struct ring *in_of(struct stream *s)
{
	return &s->pair->ring[!s->side];
}

static struct ring *out_of(struct stream *s)
{
	return &s->pair->ring[s->side];
}

static uint32_t used(const struct ring *r)
{
	return r->head - r->tail;
}

static uint32_t room(const struct ring *r)
{
	return r->size - used(r);
}

static uint32_t signals_of(struct stream *s)
{
	struct ring *in = in_of(s), *out = out_of(s);
	uint32_t sig;

	if (s->pair->reset)
		return W_READABLE | W_WRITABLE | W_HUP | W_ERROR | W_RDHUP;
	if (s->pair->pipe && s->side == 0)
		return (used(in) ? W_READABLE : 0) | (in->closed ? W_HUP : 0);
	sig = room(out) >= s->pair->lowat || out->abandoned ? W_WRITABLE : 0;
	if (s->pair->pipe)
		return sig | (out->abandoned ? W_ERROR : 0);
	if (used(in))
		sig |= W_READABLE;
	if (in->closed)
		sig |= W_READABLE | W_RDHUP;
	if (in->closed && (out->closed || out->abandoned))
		sig |= W_HUP;
	return sig;
}

static void update(struct stream *s)
{
	uint32_t now = signals_of(s);

	obj_signal(&s->obj, now, ~now);
}

/* Something new for the other side: edges fire even when already ready. */
static void tell(struct stream *s)
{
	uint32_t was = s->obj.signals;

	update(s);
	if (was & s->obj.signals & (W_READABLE | W_WRITABLE))
		obj_pulse(&s->obj);
}

static struct stream *peer(struct stream *s)
{
	return &s->pair->end[!s->side];
}

static void close_out(struct stream *s)
{
	struct ring *r = out_of(s);

	r->closed = true;
	thread_wake_all(&r->readers);
	tell(peer(s));
	update(s);
}

static void close_in(struct stream *s)
{
	struct ring *r = in_of(s);

	r->abandoned = true;
	thread_wake_all(&r->writers);
	tell(peer(s));
	update(s);
}

static void stream_unhandled(struct object *o)
{
	struct stream *s = container_of(o, struct stream, obj);
	struct ring *out = out_of(s), *in = in_of(s);

	/* nobody is left to see our own signals change */
	out->closed = true;
	in->abandoned = true;
	thread_wake_all(&out->readers);
	thread_wake_all(&in->writers);
	tell(peer(s));
}

static void stream_destroy(struct object *o)
{
	struct stream *s = container_of(o, struct stream, obj);
	struct stream_pair *p = s->pair;

	if (--p->alive)
		return;
	kfree(p->ring[0].buf);
	kfree(p->ring[1].buf);
	kfree(p);
}

static const struct object_ops stream_ops = {
	.unhandled = stream_unhandled,
	.destroy = stream_destroy,
};

static void ring_init(struct ring *r, uint32_t size)
{
	r->size = size;
	list_init(&r->readers);
	list_init(&r->writers);
}

/* The ring that holds at least want bytes. */
static uint32_t ring_bytes(uint64_t want)
{
	uint32_t size = PIPE_BUF;

	while (size < want)
		size *= 2;
	return size;
}

int64_t sys_stream_create(uint32_t bytes, uint32_t flags, uaddr_t hv)
{
	struct process *self = thread_self()->proc;
	struct stream_pair *p;
	w_handle_t h[2] = {0};
	uint32_t size;
	int64_t r;
	int i;

	if (flags & ~(W_STREAM_PIPE | W_STREAM_LOWAT) || bytes > RING_MAX)
		return W_EINVAL;
	r = copy_out(self->as, hv, h, sizeof(h)); /* before there is anything to undo */
	if (r)
		return r;
	size = ring_bytes(bytes);
	p = kzalloc(sizeof(*p));
	if (!p)
		return W_ENOMEM;
	p->pipe = flags & W_STREAM_PIPE;
	p->lowat = flags & W_STREAM_LOWAT ? size / 2 : p->pipe ? PIPE_BUF : 1;
	p->alive = 2;
	ring_init(&p->ring[0], size);
	ring_init(&p->ring[1], size);
	for (i = 0; i < 2; i++) {
		p->end[i].pair = p;
		p->end[i].side = i;
		obj_init(&p->end[i].obj, W_T_STREAM, &stream_ops);
	}
	if (p->pipe)
		p->ring[0].closed = p->ring[0].abandoned = true;
	for (i = 0; i < 2; i++)
		p->end[i].obj.signals = signals_of(&p->end[i]);
	r = handle_new(&p->end[0].obj, p->pipe ? W_ALL & ~W_WRITE : W_ALL);
	if (r < 0) {
		obj_put(&p->end[1].obj);
		return r;
	}
	h[0] = r;
	r = handle_new(&p->end[1].obj, p->pipe ? W_ALL & ~W_READ : W_ALL);
	if (r < 0) {
		sys_handle_close(h[0]);
		return r;
	}
	h[1] = r;
	return copy_out(self->as, hv, h, sizeof(h));
}

/* Copy n bytes between ring offset at and the user's buffer. */
static int ring_copy(struct ring *r, uint64_t at, uaddr_t buf, uint32_t n, bool out)
{
	struct aspace *as = thread_self()->proc->as;
	uint32_t off = at & (r->size - 1), first = r->size - off < n ? r->size - off : n;
	int err;

	err = out ? copy_out(as, buf, r->buf + off, first) : copy_in(as, r->buf + off, buf, first);
	if (err || first == n)
		return err;
	return out ? copy_out(as, buf + first, r->buf, n - first)
		   : copy_in(as, r->buf, buf + first, n - first);
}

static int64_t may_wait(struct stream *s, uint32_t flags, struct list *queue)
{
	struct thread *t = thread_self();

	if (flags & W_STREAM_NONBLOCK ||
	    (s->flags & W_STREAM_NONBLOCK && !(flags & W_STREAM_FORCEBLOCK)))
		return W_EAGAIN;
	if (t->wake == WAKE_KICK)
		return W_EINTR;
	return thread_park(queue, W_FOREVER);
}

int64_t sys_stream_read(struct stream *s, uaddr_t buf, uint64_t len, uint32_t flags)
{
	struct ring *r = in_of(s);
	uint32_t n = used(r);
	int err;

	if (!len)
		return 0;
	if (!n && s->pair->reset)
		return W_ECONNRESET;
	if (!n && (r->closed || r->abandoned))
		return 0;
	if (!n)
		return may_wait(s, flags, &r->readers);
	if (n > len)
		n = len;
	err = ring_copy(r, r->tail, buf, n, true);
	if (err)
		return err;
	if (flags & W_STREAM_PEEK)
		return n;
	r->tail += n;
	if (!list_is_empty(&r->writers))
		thread_wake_all(&r->writers);
	update(s);
	if (room(r) >= s->pair->lowat)
		tell(peer(s));
	return n;
}

int64_t sys_stream_write(struct stream *s, uaddr_t buf, uint64_t len, uint32_t flags)
{
	struct ring *r = out_of(s);
	uint32_t n = room(r);
	int err;

	if (r->closed || r->abandoned || s->pair->reset)
		return W_EPIPE;
	if (!len)
		return 0;
	if (!n || (s->pair->pipe && len <= PIPE_BUF && n < len))
		return may_wait(s, flags, &r->writers);
	if (!r->buf) {
		r->buf = kzalloc(r->size);
		if (!r->buf)
			return W_ENOMEM;
	}
	if (n > len)
		n = len;
	err = ring_copy(r, r->head, buf, n, false);
	if (err)
		return err;
	r->head += n;
	if (!list_is_empty(&r->readers))
		thread_wake(list_first(&r->readers, struct thread, wait), WAKE_DONE);
	update(s);
	tell(peer(s));
	return n;
}

static void reopen(struct stream *s)
{
	bool reads = !s->pair->pipe || s->side == 0, writes = !s->pair->pipe || s->side == 1;

	if (reads)
		in_of(s)->abandoned = false;
	if (writes)
		out_of(s)->closed = false;
	update(s);
	update(peer(s));
}

/* Make both rings hold at least want bytes: BUSY when what is there does not fit. */
static int64_t resize(struct stream_pair *p, uint64_t want)
{
	char *buf[2] = {NULL, NULL};
	uint32_t size;
	struct ring *r;
	int i;

	if (want > RING_MAX)
		return W_EINVAL;
	size = ring_bytes(want);
	for (i = 0; i < 2; i++)
		if (used(&p->ring[i]) > size)
			return W_EBUSY;
	for (i = 0; i < 2; i++) {
		if (!p->ring[i].buf)
			continue;
		buf[i] = kzalloc(size);
		if (!buf[i]) {
			kfree(buf[0]);
			return W_ENOMEM;
		}
	}
	for (i = 0; i < 2; i++) {
		uint64_t at;

		r = &p->ring[i];
		for (at = r->tail; r->buf && at < r->head; at++)
			buf[i][at & (size - 1)] = r->buf[at & (r->size - 1)];
		kfree(r->buf);
		r->buf = buf[i];
		r->size = size;
		thread_wake_all(&r->writers);
	}
	for (i = 0; i < 2; i++)
		update(&p->end[i]);
	return size;
}

static void reset(struct stream *s)
{
	int i;

	s->pair->reset = true;
	for (i = 0; i < 2; i++) {
		thread_wake_all(&s->pair->ring[i].readers);
		thread_wake_all(&s->pair->ring[i].writers);
		tell(&s->pair->end[i]);
	}
}

int64_t sys_stream_ctl(struct stream *s, uint32_t op, uint64_t arg)
{
	switch (op) {
	case W_STREAM_AVAIL:
		return used(in_of(s));
	case W_STREAM_ROOM:
		return room(out_of(s));
	case W_STREAM_UNSENT:
		return used(out_of(s));
	case W_STREAM_SIZE:
		return arg ? resize(s->pair, arg) : out_of(s)->size;
	case W_STREAM_POS_IN:
		return in_of(s)->tail;
	case W_STREAM_POS_OUT:
		return out_of(s)->head;
	case W_STREAM_GETFLAGS:
		return s->flags;
	case W_STREAM_SETFLAGS:
		s->flags = arg & W_STREAM_NONBLOCK;
		return 0;
	case W_STREAM_SHUT_RD:
		close_in(s);
		return 0;
	case W_STREAM_SHUT_WR:
		close_out(s);
		return 0;
	case W_STREAM_REOPEN:
		reopen(s);
		return 0;
	case W_STREAM_RESET:
		reset(s);
		return 0;
	default:
		return W_EINVAL;
	}
}

BKL_END
