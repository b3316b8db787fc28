// SPDX-License-Identifier: MIT
/*
 * The service of AF_UNIX sockets (unix(7)).
 *
 * Bytes of a SOCK_STREAM pair go through a kernel stream and never come here; what
 * does come here is who meets whom, the descriptors that travel with the bytes
 * (SCM_RIGHTS), and datagrams.  A descriptor in flight is kept as the handles that
 * it is made of; they close when the receiver ends without taking them.
 *
 * Badges: a socket's control channel is its struct usock; the channel that leads to
 * it (what the file system keeps under its name) is the same with bit 0 set.
 * A usock lives while a channel or another usock names it (refs).
 */
#include <rt/module.h>
#include <wherry/fs.h>

enum { SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_SEQPACKET = 5 };

#define PATH_BYTES 108 /* sizeof sun_path */
#define QUEUE_MAX 64   /* datagrams, or descriptors in flight, per socket */
#define DGRAM_MAX 212992
#define BACKLOG_MAX 4096
#define STREAM_BYTES 65536
#define BLOB_MAX 4352 /* a path of PATH_MAX, and what else there is of an open file */

struct cred {
	uint32_t pid, uid, gid;
};

struct rights {
	struct list link;
	uint64_t pos, end; /* of the bytes it came with */
	uint32_t nh, len;
	w_handle_t h[W_MSG_HANDLES];
	char blob[];
};

struct dgram {
	struct list link;
	struct list rights; /* struct rights */
	struct cred cred;
	uint32_t path_len, len;
	char path[PATH_BYTES];
	char *data; /* owns */
};

struct pending {
	struct list link;
	struct w_msg m;
	struct usock *from; /* connect, sendto: who; holds a reference */
};

struct usock {
	struct list all; /* bound ones */
	uint32_t refs;
	int type;
	bool open;	/* its control channel is, or will be */
	uint32_t stale; /* channels that nobody took; their ends mean nothing */
	bool listening, connected;
	uint32_t backlog;
	uint64_t ticket;
	w_handle_t event;
	struct usock *peer; /* holds a reference */
	struct cred cred;   /* of the other side, at connect time */
	uint64_t own_koid;  /* who sent last, and its credentials */
	struct cred own;
	char path[PATH_BYTES];
	uint32_t path_len;
	struct list accepted; /* listening: struct usock by .queued_in */
	struct list queued_in;
	uint32_t naccepted;
	w_handle_t stream;	/* not yet given to its process */
	struct list rights;	/* arrived with the stream */
	struct list out_rights; /* of the next datagram */
	struct list got_rights; /* of the last datagram received */
	struct list dgrams;
	uint32_t nrights, ndgrams;
	struct list waiting; /* struct pending: accept, recvfrom */
	struct list senders; /* struct pending: connect, sendto */
	bool shut_rd, shut_wr;
};

static struct service service;
static struct list bound = LIST_INIT(bound);
static struct list sockets_by_ticket[64];
static w_handle_t proc;

static void reply(struct w_msg *m, int32_t status)
{
	m->nh = 0;
	service_finish(&service, m, status);
}

static void close_handles(struct w_msg *m)
{
	uint32_t i;

	for (i = 0; i < m->nh; i++)
		w_handle_close(m->h[i]);
	m->nh = 0;
}

static struct cred cred_of(uint64_t koid)
{
	struct w_msg m = {.op = PROC_INFO};

	if (!proc)
		proc = rt_lookup("proc");
	m.PROC_INFO_in_koid = koid;
	if (rt_call(proc, &m) < 0)
		return (struct cred){0, 65534, 65534};
	return (struct cred){m.PROC_INFO_out_pid, m.PROC_INFO_out_uid, m.PROC_INFO_out_gid};
}

/* ---- life ---- */

struct by_ticket { /* beside each usock, so that a ticket finds it */
	struct list link;
	struct usock s;
};

static struct usock *usock_new(int type)
{
	struct by_ticket *b = rt_try_alloc(sizeof(*b));
	struct usock *s = b ? &b->s : NULL;
	int64_t e;

	if (!b)
		return NULL;
	e = w_event_create(type == SOCK_DGRAM ? W_WRITABLE : 0);
	if (e < 0) {
		rt_free(b);
		return NULL;
	}
	s->event = e;
	s->type = type;
	w_sys_random(&s->ticket, sizeof(s->ticket));
	list_init(&s->all);
	list_init(&s->accepted);
	list_init(&s->queued_in);
	list_init(&s->rights);
	list_init(&s->out_rights);
	list_init(&s->got_rights);
	list_init(&s->dgrams);
	list_init(&s->waiting);
	list_init(&s->senders);
	list_append(&sockets_by_ticket[s->ticket % 64], &b->link);
	return s;
}

static void rights_free(struct rights *r)
{
	uint32_t i;

	list_del(&r->link);
	for (i = 0; i < r->nh; i++)
		w_handle_close(r->h[i]);
	rt_free(r);
}

static void rights_drop(struct list *l)
{
	while (!list_is_empty(l))
		rights_free(list_first(l, struct rights, link));
}

static void put(struct usock *s)
{
	struct by_ticket *b = container_of(s, struct by_ticket, s);

	if (--s->refs)
		return;
	list_del(&b->link);
	w_handle_close(s->event);
	rt_free(b);
}

static struct usock *get(struct usock *s)
{
	s->refs++;
	return s;
}

static void dgram_free(struct dgram *d)
{
	list_del(&d->link);
	rights_drop(&d->rights);
	rt_free(d->data);
	rt_free(d);
}

static void pending_done(struct pending *p)
{
	list_del(&p->link);
	if (p->from)
		put(p->from);
	rt_free(p);
}

static void fail_all(struct list *l, int err)
{
	struct pending *p;

	while (!list_is_empty(l)) {
		p = list_first(l, struct pending, link);
		close_handles(&p->m);
		reply(&p->m, err);
		pending_done(p);
	}
}

static bool wait_for(struct list *l, struct w_msg *m, struct usock *from)
{
	struct pending *p = rt_try_alloc(sizeof(*p));

	if (!p) {
		reply(m, W_ENOMEM);
		return false;
	}
	p->m = *m;
	p->from = from ? get(from) : NULL;
	list_append(l, &p->link);
	return true;
}

static void update(struct usock *s)
{
	bool r = s->ndgrams || s->naccepted || s->shut_rd ||
		 (s->type == SOCK_SEQPACKET && s->connected && (!s->peer || !s->peer->open));

	w_event_set(s->event, r ? W_READABLE : 0, r ? 0 : W_READABLE);
}

/* The event as it will be once the answer is out: whoever hears of that finds it so.  Where
 * nobody was there to hear it, update() puts it right. */
static void update_ahead(struct usock *s, int dgrams, int accepted)
{
	s->ndgrams += dgrams;
	s->naccepted += accepted;
	update(s);
	s->ndgrams -= dgrams;
	s->naccepted -= accepted;
}

static void answer_receivers(struct usock *s);

/* The control channel is gone: whoever is connected here sees the end. */
static void end(struct usock *s)
{
	struct usock *peer = s->peer, *c;

	s->open = false;
	list_del(&s->all);
	fail_all(&s->waiting, W_EBADH);
	fail_all(&s->senders, W_ECONNREFUSED);
	rights_drop(&s->rights);
	rights_drop(&s->out_rights);
	rights_drop(&s->got_rights);
	while (!list_is_empty(&s->dgrams))
		dgram_free(list_first(&s->dgrams, struct dgram, link));
	s->ndgrams = 0;
	while (!list_is_empty(&s->accepted)) {
		c = list_first(&s->accepted, struct usock, queued_in);
		list_del(&c->queued_in);
		get(c);
		end(c);
		put(c);
	}
	if (s->stream)
		w_handle_close(s->stream);
	s->stream = 0;
	s->peer = NULL;
	if (peer) {
		if (peer->type == SOCK_SEQPACKET) {
			w_event_set(peer->event, W_HUP | W_RDHUP | W_READABLE, 0);
			answer_receivers(peer);
		}
		put(peer);
	}
	put(s);
}

/* Its two handles into m->h[at], m->h[at + 1]. */
static bool give(struct usock *s, struct w_msg *m, int at)
{
	int64_t ch = service_mint(&service, (uint64_t)s), ev;

	if (!ch)
		return false;
	ev = w_handle_dup(s->event, W_READ | W_DUP);
	if (ev < 0) {
		w_handle_close(ch);
		return false;
	}
	m->h[at] = ch;
	m->h[at + 1] = ev;
	return true;
}

static void op_socket(struct w_msg *m)
{
	int type = m->UNIX_SOCKET_in_type;
	struct usock *s;

	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET) {
		reply(m, -94); /* ESOCKTNOSUPPORT */
		return;
	}
	s = usock_new(type);
	if (s)
		s->refs = 1;
	if (!s || !give(s, m, 0)) {
		if (s)
			put(s);
		reply(m, W_ENOMEM);
		return;
	}
	s->open = true;
	m->nh = 2;
	m->UNIX_SOCKET_out_ticket = s->ticket;
	if (service_reply(&service, m, 0) < 0)
		close_handles(m);
}

static void join(struct usock *a, struct usock *b)
{
	a->peer = get(b);
	b->peer = get(a);
	a->connected = b->connected = true;
	if (a->type == SOCK_SEQPACKET) {
		w_event_set(a->event, W_WRITABLE, 0);
		w_event_set(b->event, W_WRITABLE, 0);
	}
}

static void op_pair(struct w_msg *m)
{
	struct usock *s[2] = {NULL, NULL};
	int type = m->UNIX_PAIR_in_type, i;

	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET) {
		reply(m, -94);
		return;
	}
	m->nh = 0;
	for (i = 0; i < 2; i++) {
		s[i] = usock_new(type);
		if (!s[i])
			break;
		s[i]->refs = 1;
		if (!give(s[i], m, 2 * i)) {
			put(s[i]);
			break;
		}
		s[i]->open = true;
		m->nh += 2;
	}
	if (i < 2) {
		close_handles(m); /* the first one's channel: it ends by itself */
		reply(m, W_ENOMEM);
		return;
	}
	join(s[0], s[1]);
	s[0]->cred = s[1]->cred = cred_of(m->sender);
	m->nh = 4;
	if (service_reply(&service, m, 0) < 0)
		close_handles(m);
}

/* ---- names ---- */

static struct usock *by_name(const char *name, uint32_t len)
{
	struct usock *s;
	struct list *l;

	list_for_each (l, &bound) {
		s = list_entry(l, struct usock, all);
		if (s->path_len == len && !memcmp(s->path, name, len))
			return s;
	}
	return NULL;
}

static struct usock *by_ticket(uint64_t ticket)
{
	struct list *l;

	list_for_each (l, &sockets_by_ticket[ticket % 64])
		if (list_entry(l, struct by_ticket, link)->s.ticket == ticket)
			return &list_entry(l, struct by_ticket, link)->s;
	return NULL;
}

static void op_bind(struct w_msg *m, struct usock *s, const char *name)
{
	int64_t ch;

	if (s->path_len || m->in_len > PATH_BYTES) {
		reply(m, W_EINVAL);
		return;
	}
	if (!m->in_len) { /* autobind: five hexadecimal digits (unix(7)) */
		s->path[0] = 0;
		fmt(s->path + 1, 6, "%05lx", s->ticket & 0xfffff);
		s->path_len = 6;
		list_append(&bound, &s->all);
		reply(m, 0);
		return;
	}
	if (!name[0] && by_name(name, m->in_len)) {
		reply(m, W_EADDRINUSE);
		return;
	}
	memcpy(s->path, name, m->in_len);
	s->path_len = m->in_len;
	if (!name[0]) {
		list_append(&bound, &s->all);
		reply(m, 0);
		return;
	}
	ch = service_mint(&service, (uint64_t)s | 1);
	if (!ch) {
		s->path_len = 0;
		reply(m, W_ENOMEM);
		return;
	}
	get(s); /* for the channel that leads here */
	m->h[0] = ch;
	m->nh = 1;
	if (service_reply(&service, m, 0) < 0)
		w_handle_close(ch);
}

static void op_name(struct w_msg *m, const struct usock *s)
{
	const struct usock *of = m->UNIX_NAME_in_peer ? s->peer : s;

	if (m->UNIX_NAME_in_peer && !s->connected)
		reply(m, W_ENOTCONN);
	else
		service_reply_bytes(&service, m, 0, of ? of->path : NULL, of ? of->path_len : 0);
}

/* ---- connect and accept ---- */

static void answer_accept(struct usock *s)
{
	struct pending *p;
	struct usock *c;

	while (s->naccepted && !list_is_empty(&s->waiting)) {
		p = list_first(&s->waiting, struct pending, link);
		c = list_first(&s->accepted, struct usock, queued_in);
		if (!give(c, &p->m, 0)) {
			reply(&p->m, W_ENOMEM);
			pending_done(p);
			continue;
		}
		p->m.h[2] = c->stream;
		p->m.nh = c->stream ? 3 : 2;
		p->m.UNIX_ACCEPT_out_ticket = c->ticket;
		update_ahead(s, 0, -1);
		if (service_reply_bytes(&service, &p->m, 0, c->peer ? c->peer->path : NULL,
					c->peer ? c->peer->path_len : 0) < 0) {
			/* the accepter went away: the channel closes, the connection stays */
			get(c);
			c->stale++;
			w_handle_close(p->m.h[0]);
			w_handle_close(p->m.h[1]);
			pending_done(p);
			continue;
		}
		c->stream = 0;
		list_del(&c->queued_in);
		s->naccepted--;
		pending_done(p);
	}
	update(s);
}

/* A new connection from s to the listener l: 0, or the error. */
static int connect_now(struct w_msg *m, struct usock *s, struct usock *l)
{
	w_handle_t h[2] = {0};
	struct usock *c;

	if (!l || !l->open || !l->listening)
		return W_ECONNREFUSED;
	c = usock_new(s->type);
	if (!c)
		return W_ENOMEM;
	if (s->type == SOCK_STREAM && w_stream_create(STREAM_BYTES, 0, h) < 0) {
		c->refs = 1;
		put(c);
		return W_ENOMEM;
	}
	c->refs = 1;
	m->h[0] = h[0];
	m->nh = h[0] ? 1 : 0;
	/* first: a caller that was interrupted asks again and must not find itself connected */
	update_ahead(l, 0, 1);
	if (service_reply(&service, m, 0) < 0) {
		update(l);
		close_handles(m);
		if (h[1])
			w_handle_close(h[1]);
		put(c);
		return 0;
	}
	c->open = true; /* the client may send before accept */
	c->stream = h[1];
	memcpy(c->path, l->path, l->path_len);
	c->path_len = l->path_len;
	join(s, c);
	c->cred = cred_of(m->sender);
	s->cred = l->cred;
	list_append(&l->accepted, &c->queued_in);
	l->naccepted++;
	answer_accept(l);
	return 0;
}

static void op_connect(struct w_msg *m, struct usock *s, struct usock *to)
{
	int err;

	if (!s || !s->open)
		err = W_EBADH;
	else if (!to || !to->open)
		err = W_ECONNREFUSED;
	else if (to->type != s->type)
		err = -91; /* EPROTOTYPE */
	else if (s->type == SOCK_DGRAM) {
		if (s->peer)
			put(s->peer);
		s->peer = get(to);
		s->connected = true;
		err = 0;
		reply(m, 0);
		return;
	} else if (s->connected)
		err = W_EISCONN;
	else if (to->listening && to->naccepted > to->backlog) {
		if (m->UNIX_CONNECT_in_nonblock)
			err = W_EAGAIN;
		else {
			wait_for(&to->senders, m, s);
			return;
		}
	} else
		err = connect_now(m, s, to);
	if (err)
		reply(m, err);
}

static void op_accept(struct w_msg *m, struct usock *s)
{
	struct pending *p;

	if (!s->listening) {
		reply(m, W_EINVAL);
		return;
	}
	if (!s->naccepted && m->UNIX_ACCEPT_in_nonblock) {
		reply(m, W_EAGAIN);
		return;
	}
	if (!wait_for(&s->waiting, m, NULL))
		return;
	answer_accept(s);
	while (s->naccepted <= s->backlog && !list_is_empty(&s->senders)) {
		p = list_first(&s->senders, struct pending, link);
		op_connect(&p->m, p->from, s);
		pending_done(p);
	}
}

static void op_listen(struct w_msg *m, struct usock *s)
{
	uint64_t n = m->UNIX_LISTEN_in_backlog;

	if (s->type == SOCK_DGRAM) {
		reply(m, W_EOPNOTSUPP);
		return;
	}
	if (!s->path_len || s->connected) {
		reply(m, W_EINVAL);
		return;
	}
	s->backlog = n < BACKLOG_MAX ? n : BACKLOG_MAX;
	s->cred = cred_of(m->sender);
	s->listening = true;
	reply(m, 0);
}

/* ---- descriptors in flight ---- */

static void op_rights_send(struct w_msg *m, struct usock *s, const char *blob)
{
	struct usock *to = s->type == SOCK_STREAM ? s->peer : s;
	struct rights *r;

	if (!m->in_len || m->in_len > BLOB_MAX || !m->nh || !to || to->nrights >= QUEUE_MAX) {
		close_handles(m);
		reply(m, !to ? W_EPIPE : to->nrights >= QUEUE_MAX ? -109 : W_EINVAL);
		return; /* -109: ETOOMANYREFS */
	}
	r = rt_try_alloc(sizeof(*r) + m->in_len);
	if (!r) {
		close_handles(m);
		reply(m, W_ENOMEM);
		return;
	}
	r->pos = m->UNIX_RIGHTS_SEND_in_pos;
	r->end = r->pos + m->UNIX_RIGHTS_SEND_in_len;
	r->nh = m->nh;
	r->len = m->in_len;
	memcpy(r->h, m->h, sizeof(r->h));
	memcpy(r->blob, blob, r->len);
	list_append(s->type == SOCK_STREAM ? &to->rights : &s->out_rights, &r->link);
	to->nrights++;
	reply(m, 0);
}

static void op_rights_recv(struct w_msg *m, struct usock *s)
{
	struct list *l = s->type == SOCK_STREAM ? &s->rights : &s->got_rights;
	struct rights *r = list_is_empty(l) ? NULL : list_first(l, struct rights, link);
	uint64_t pos = m->UNIX_RIGHTS_RECV_in_pos;
	bool peek = m->UNIX_RIGHTS_RECV_in_peek;

	m->UNIX_RIGHTS_RECV_out_next = r ? r->end : ~0ull;
	if (peek || !r || (s->type == SOCK_STREAM && r->pos > pos)) {
		reply(m, 0);
		return;
	}
	m->nh = r->nh;
	memcpy(m->h, r->h, sizeof(m->h));
	if (service_reply_bytes(&service, m, 1, r->blob, r->len) < 0)
		return; /* the receiver went away; they stay for the next one */
	r->nh = 0;
	rights_free(r);
	if (s->type == SOCK_STREAM)
		s->nrights--;
}

/* ---- datagrams ---- */

/* Give the first datagram to m; false: none and nothing to say. */
static bool deliver(struct usock *s, struct w_msg *m)
{
	struct dgram *d;
	uint32_t head, n;
	bool peek = m->UNIX_RECVFROM_in_peek;

	if (!s->ndgrams) {
		if (!s->shut_rd && !(s->type == SOCK_SEQPACKET && (!s->peer || !s->peer->open)))
			return false;
		m->UNIX_RECVFROM_out_full = 0;
		m->UNIX_RECVFROM_out_rights = 0;
		reply(m, 0);
		return true;
	}
	d = list_first(&s->dgrams, struct dgram, link);
	head = 4 + d->path_len;
	n = m->out_len < head ? 0 : m->out_len - head;
	if (n > d->len)
		n = d->len;
	memcpy(service_scratch, &d->path_len, 4);
	memcpy(service_scratch + 4, d->path, d->path_len);
	if (w_msg_copy(service.port, m->txn, 0, service_scratch, head, 1) < 0 ||
	    (n && w_msg_copy(service.port, m->txn, head, d->data, n, 1) < 0)) {
		reply(m, W_EFAULT);
		return true;
	}
	m->UNIX_RECVFROM_out_full = d->len;
	m->UNIX_RECVFROM_out_rights = !list_is_empty(&d->rights);
	m->UNIX_RECVFROM_out_pid = d->cred.pid;
	m->UNIX_RECVFROM_out_uid = d->cred.uid;
	m->UNIX_RECVFROM_out_gid = d->cred.gid;
	m->nh = 0;
	if (!peek)
		update_ahead(s, -1, 0);
	if (service_reply(&service, m, n) < 0 || peek)
		return true;
	rights_drop(&s->got_rights);
	while (!list_is_empty(&d->rights)) {
		struct rights *r = list_first(&d->rights, struct rights, link);

		list_del(&r->link);
		list_append(&s->got_rights, &r->link);
	}
	dgram_free(d);
	s->ndgrams--;
	return true;
}

static void op_sendto(struct w_msg *m, struct usock *s, struct usock *to);

static void answer_receivers(struct usock *s)
{
	struct pending *p;

	while (!list_is_empty(&s->waiting)) {
		p = list_first(&s->waiting, struct pending, link);
		if (!deliver(s, &p->m))
			break;
		pending_done(p);
	}
	while (s->ndgrams < QUEUE_MAX && !list_is_empty(&s->senders)) {
		p = list_first(&s->senders, struct pending, link);
		op_sendto(&p->m, p->from, s);
		pending_done(p);
	}
	update(s);
}

static int queue(struct w_msg *m, struct usock *s, struct usock *to)
{
	struct dgram *d = rt_try_alloc(sizeof(*d));
	struct rights *r;

	if (d && m->in_len)
		d->data = rt_alloc_raw(m->in_len);
	if (!d || (m->in_len && !d->data)) {
		rt_free(d);
		return W_ENOMEM;
	}
	if (m->in_len && w_msg_copy(service.port, m->txn, 0, d->data, m->in_len, 0) < 0) {
		rt_free(d->data);
		rt_free(d);
		return W_EFAULT;
	}
	list_init(&d->rights);
	d->len = m->in_len;
	d->path_len = s->path_len;
	memcpy(d->path, s->path, s->path_len);
	if (s->own_koid != m->sender) {
		s->own = cred_of(m->sender);
		s->own_koid = m->sender;
	}
	d->cred = s->own;
	while (!list_is_empty(&s->out_rights)) {
		r = list_first(&s->out_rights, struct rights, link);
		list_del(&r->link);
		list_append(&d->rights, &r->link);
	}
	s->nrights = 0;
	list_append(&to->dgrams, &d->link);
	to->ndgrams++;
	return 0;
}

static void op_sendto(struct w_msg *m, struct usock *s, struct usock *to)
{
	int err = 0;

	if (!s || s->type == SOCK_STREAM)
		err = W_EINVAL;
	else if (!to)
		err = s->type == SOCK_DGRAM && !s->connected ? -89 : W_EPIPE; /* EDESTADDRREQ */
	else if (!to->open || s->shut_wr)
		err = s->type == SOCK_DGRAM ? W_ECONNREFUSED : W_EPIPE;
	else if (to->type != s->type)
		err = -91;
	else if (m->in_len > DGRAM_MAX)
		err = -90; /* EMSGSIZE */
	else if (to->ndgrams >= QUEUE_MAX) {
		if (!m->UNIX_SENDTO_in_nonblock) {
			wait_for(&to->senders, m, s);
			return;
		}
		err = W_EAGAIN;
	} else
		err = queue(m, s, to);
	if (!err)
		answer_receivers(to);
	reply(m, err ? err : (int32_t)m->in_len);
}

static void op_recvfrom(struct w_msg *m, struct usock *s)
{
	if (s->type == SOCK_SEQPACKET && !s->connected) {
		reply(m, W_ENOTCONN);
	} else if (!deliver(s, m)) {
		if (m->UNIX_RECVFROM_in_nonblock)
			reply(m, W_EAGAIN);
		else
			wait_for(&s->waiting, m, NULL);
		return;
	}
	answer_receivers(s);
}

static void op_shutdown(struct w_msg *m, struct usock *s)
{
	uint64_t how = m->UNIX_SHUTDOWN_in_how;

	s->shut_rd |= how != 1;
	s->shut_wr |= how != 0;
	if (s->peer && how != 0 && s->type == SOCK_SEQPACKET) {
		s->peer->shut_rd = true;
		answer_receivers(s->peer);
	}
	answer_receivers(s);
	reply(m, 0);
}

static void op_peercred(struct w_msg *m, const struct usock *s)
{
	m->UNIX_PEERCRED_out_pid = s->cred.pid;
	m->UNIX_PEERCRED_out_uid = s->cred.uid;
	m->UNIX_PEERCRED_out_gid = s->cred.gid;
	m->UNIX_PEERCRED_out_type = s->type;
	reply(m, 0);
}

/* ---- dispatch ---- */

static void call_socket(struct w_msg *m, struct usock *s, const char *bytes)
{
	if (m->nh && m->op != UNIX_RIGHTS_SEND)
		close_handles(m);
	switch (m->op) {
	case UNIX_BIND:
		op_bind(m, s, bytes);
		break;
	case UNIX_LISTEN:
		op_listen(m, s);
		break;
	case UNIX_CONNECT:
		op_connect(m, s, by_name(bytes, m->in_len));
		break;
	case UNIX_ACCEPT:
		op_accept(m, s);
		break;
	case UNIX_NAME:
		op_name(m, s);
		break;
	case UNIX_PEERCRED:
		op_peercred(m, s);
		break;
	case UNIX_RIGHTS_SEND:
		op_rights_send(m, s, bytes);
		break;
	case UNIX_RIGHTS_RECV:
		op_rights_recv(m, s);
		break;
	case UNIX_SENDTO:
		op_sendto(m, s, s->peer);
		break;
	case UNIX_RECVFROM:
		op_recvfrom(m, s);
		break;
	case UNIX_SHUTDOWN:
		op_shutdown(m, s);
		break;
	default:
		reply(m, W_ENOSYS);
	}
}

/* Through the name that someone gave it. */
static void call_leading(struct w_msg *m, struct usock *to)
{
	close_handles(m);
	if (m->op == W_OP_CLOSED)
		put(to);
	else if (m->op == UNIX_CONNECT)
		op_connect(m, by_ticket(m->UNIX_CONNECT_in_ticket), to);
	else if (m->op == UNIX_SENDTO)
		op_sendto(m, by_ticket(m->UNIX_SENDTO_in_ticket), to);
	else
		reply(m, W_ENOSYS);
}

static void call(struct service *s, struct w_msg *m)
{
	struct usock *u = (struct usock *)(m->badge & ~1ull);

	if (m->badge & 1) {
		call_leading(m, u);
	} else if (m->op == W_OP_CLOSED) {
		if (u && u->stale) {
			u->stale--;
			put(u);
		} else if (u) {
			end(u);
		}
	} else if (u) {
		call_socket(m, u, s->bytes);
	} else {
		close_handles(m);
		if (m->op == UNIX_SOCKET)
			op_socket(m);
		else if (m->op == UNIX_PAIR)
			op_pair(m);
		else
			reply(m, W_ENOSYS);
	}
}

static void start(void)
{
	int i;

	for (i = 0; i < 64; i++)
		list_init(&sockets_by_ticket[i]);
	service.call = call;
	service_start(&service, "unix");
}

const struct module unix_module = {"unix", start};
