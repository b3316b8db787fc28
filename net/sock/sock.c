// SPDX-License-Identifier: MIT
/*
 * The socket service: TCP and UDP sockets for Linux processes.
 *
 * A TCP socket is two or three things to its process: a control channel (badge: struct
 * sock), a stream that carries the bytes, and, if it asked for one, an event whose bits
 * are the readiness of what is not bytes (connections to accept, the end of connect).
 * The stream's far end is ours: what arrives is written into it, and what the
 * process wrote is read from it whenever the send buffer has room.
 *
 *	S_NEW -> BOUND -> S_LISTEN
 *	S_NEW|BOUND -> S_CONNECTING -> S_CONNECTED -> S_DEAD
 *
 * A sock lives until both its control channel has closed and its pcb is gone.
 */
#include "../stack.h"
#include "../tcp.h"

#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>
#include <rt/cred.h>
#include <rt/module.h>

#define BACKLOG_MAX 128
#define DGRAM_QUEUE 64
#define STREAM_BYTES 65536
#define ACK_DELAY_NS 2000000 /* RFC 1122, 4.2.3.2: less than 500 ms */

enum state { S_NEW, S_LISTEN, S_CONNECTING, S_CONNECTED, S_DEAD };

/* include/linux/net.h, include/uapi/linux/in.h */
enum { SOCK_STREAM = 1, SOCK_DGRAM = 2, AF_INET = 2 };
enum { SOL_SOCKET = 1, IPPROTO_TCP = 6, IPPROTO_UDP_ = 17 };
enum {
	SO_REUSEADDR = 2,
	SO_TYPE = 3,
	SO_ERROR = 4,
	SO_BROADCAST = 6,
	SO_SNDBUF = 7,
	SO_RCVBUF = 8,
	SO_KEEPALIVE = 9,
	SO_LINGER = 13,
	SO_REUSEPORT = 15,
	SO_ACCEPTCONN = 30,
	SO_PROTOCOL = 38,
	SO_DOMAIN = 39
};
enum { TCP_NODELAY_ = 1, TCP_MAXSEG_ = 2 };

struct sockaddr {
	uint16_t family, port; /* port: network order */
	uint32_t ip;	       /* network order */
	uint8_t pad[8];
};

struct linger { /* socket(7) */
	int32_t on, seconds;
};

struct dgram {
	struct list link;
	struct pbuf *p;
	struct sockaddr from;
};

struct pending {
	struct list link;
	struct w_msg m;
};

struct sock {
	enum state state;
	int type;
	struct tcp_pcb *tcp;
	struct udp_pcb *udp;
	bool control;		   /* the control channel is open */
	uint32_t lost;		   /* control channels made for a caller who had gone */
	struct ev_source src;	   /* our end of the stream */
	w_handle_t stream, theirs; /* ours; the end not yet given away */
	w_handle_t event;
	int error;	      /* SO_ERROR, positive */
	struct pbuf *in;      /* arrived, not yet in the stream */
	bool fin_in, fin_out; /* peer has finished; process has finished */
	bool want_out;	      /* stream is watched for readable */
	struct list queue;    /* S_LISTEN: connections; UDP: datagrams */
	uint32_t queued;
	struct list in_queue;  /* this connection, in its listener's queue, or in connections */
	struct sock *listener; /* while in_queue is linked */
	struct list waiting;   /* pending accept, connect, recvfrom */
	struct list owes;      /* an acknowledgement, in owing */
	bool answered;	       /* the process has sent since something last arrived */
	struct sockaddr bound, peer;
	bool reuse, reuse_port;
	bool counted;  /* in nconnections */
	bool told;     /* some connect() has heard that it succeeded */
	bool readable; /* S_LISTEN: its event says so */
	struct linger linger;
	uint32_t backlog;
};

static struct service service;
static char tx_buf[16384];

static void reply(struct w_msg *m, int32_t status)
{
	m->nh = 0;
	service_finish(&service, m, status);
}

static int to_errno(err_t e)
{
	switch (e) {
	case ERR_OK:
		return 0;
	case ERR_USE:
		return W_EADDRINUSE;
	case ERR_RTE:
		return W_ENETUNREACH;
	case ERR_ABRT:
		return W_ECONNABORTED;
	case ERR_RST:
		return W_ECONNREFUSED;
	case ERR_TIMEOUT:
		return W_ETIMEDOUT;
	case ERR_MEM:
	case ERR_BUF:
		return W_ENOMEM;
	default:
		return W_EINVAL;
	}
}

static void ready(struct sock *s, uint32_t set, uint32_t clear)
{
	if (s->event)
		w_event_set(s->event, set, clear);
}

/* What the event of a TCP socket says now. */
static uint32_t ready_now(const struct sock *s)
{
	switch (s->state) {
	case S_LISTEN:
		return list_is_empty(&s->queue) ? 0 : W_READABLE;
	case S_CONNECTED:
		return W_WRITABLE;
	case S_DEAD:
		return W_READABLE | W_WRITABLE | W_ERROR | W_HUP;
	default:
		return 0;
	}
}

static void op_event(struct w_msg *m, struct sock *s)
{
	int64_t e = s->event;

	if (!e) {
		e = w_event_create(ready_now(s));
		if (e < 0) {
			reply(m, W_ENOMEM);
			return;
		}
		s->event = e;
		s->readable = s->state == S_LISTEN && !list_is_empty(&s->queue);
	}
	e = w_handle_dup(s->event, W_READ | W_DUP);
	m->h[0] = e;
	m->nh = e >= 0;
	service_finish(&service, m, e < 0 ? W_ENOMEM : 0);
}

/* ---- life ---- */

/* Datagrams always have an event; a connection has a stream, which says all. */
static struct sock *sock_new(int type)
{
	struct sock *s = rt_try_alloc(sizeof(*s));
	int64_t e;

	if (!s)
		return NULL;
	e = type == SOCK_DGRAM ? w_event_create(0) : 0;
	if (e < 0) {
		rt_free(s);
		return NULL;
	}
	s->event = e;
	s->type = type;
	list_init(&s->queue);
	list_init(&s->in_queue);
	list_init(&s->waiting);
	list_init(&s->owes);
	s->answered = true;
	s->bound.family = s->peer.family = AF_INET;
	return s;
}

/* The answer to all who wait; true: somebody was still there to hear it. */
static bool fail_waiting(struct sock *s, int err)
{
	struct pending *p;
	bool heard = false;

	while (!list_is_empty(&s->waiting)) {
		p = list_first(&s->waiting, struct pending, link);
		list_del(&p->link);
		p->m.nh = 0;
		heard |= service_reply(&service, &p->m, err) >= 0;
		rt_free(p);
	}
	return heard;
}

static uint32_t nconnections;

/* false: there are as many as may be. */
static bool count_connection(struct sock *s)
{
	if (!s->counted && nconnections >= CONFIG_TCP_MAX_CONNECTIONS)
		return false;
	nconnections += !s->counted;
	s->counted = true;
	return true;
}

/* Its connection is nobody's, or no more. */
static void lose_pcb(struct sock *s)
{
	s->tcp = NULL;
	nconnections -= s->counted;
	s->counted = false;
}

/* false: somebody still knows it. */
static bool sock_free(struct sock *s)
{
	if (!s)
		return true;
	if (s->control || s->lost || s->tcp || list_is_linked(&s->in_queue))
		return false;
	fail_waiting(s, W_ECONNABORTED);
	ev_gone(&s->src);
	list_del(&s->owes);
	w_handle_close_all(s->stream, s->theirs, s->event);
	if (s->in)
		pbuf_free(s->in);
	lose_pcb(s);
	rt_free(s);
	return true;
}

/* Out of its listener's queue; NULL: it was in none. */
static struct sock *unqueue(struct sock *s)
{
	struct sock *l = s->listener;

	if (!l)
		return NULL;
	s->listener = NULL;
	list_del(&s->in_queue);
	l->queued--;
	return l;
}

static void enqueue(struct sock *l, struct sock *s, bool first)
{
	s->listener = l;
	if (first)
		list_push(&l->queue, &s->in_queue);
	else
		list_append(&l->queue, &s->in_queue);
	l->queued++;
}

static void pcb_forget(struct sock *s)
{
	if (!s->tcp)
		return;
	tcp_arg(s->tcp, NULL);
	if (s->state != S_LISTEN) {
		tcp_recv(s->tcp, NULL);
		tcp_sent(s->tcp, NULL);
		tcp_err(s->tcp, NULL);
	}
	lose_pcb(s);
}

/* Both sides have finished: what came can still be read. */
static void on_timewait(void *arg)
{
	lose_pcb(arg);
}

/* ---- from the wire to the stream ---- */

static void push_in(struct sock *s)
{
	struct pbuf *p, *next;
	int64_t n;

	while ((p = s->in)) {
		n = w_stream_write(s->stream, p->payload, p->len, W_STREAM_NONBLOCK);
		if (n == W_EPIPE)
			n = p->len; /* the reader is gone; swallow it */
		if (n <= 0)
			return;
		if (s->tcp)
			tcp_recved(s->tcp, n);
		if (n < p->len) {
			pbuf_remove_header(p, n);
			return;
		}
		next = p->next;
		if (next)
			pbuf_ref(next);
		pbuf_free(p);
		s->in = next;
	}
	if (s->fin_in)
		w_stream_ctl(s->stream, W_STREAM_SHUT_WR, 0);
}

static void watch_update(struct sock *s)
{
	uint32_t mask = (s->want_out ? W_READABLE | W_RDHUP | W_HUP : 0) | (s->in ? W_WRITABLE : 0);

	ev_mod(&s->src, mask);
}

/*
 * An acknowledgement waits a moment for an answer that can carry it, but not longer: with
 * small segments the peer sends nothing more until it comes (RFC 896, Nagle's algorithm),
 * and lwIP's own timer would let it wait for up to 50 ms.  Where the process does not
 * answer what comes it goes out at once.
 */
static struct list owing = LIST_INIT(owing);

static void acks_due(struct ev_timer *t)
{
	struct sock *s;

	(void)t;
	while (!list_is_empty(&owing)) {
		s = list_first(&owing, struct sock, owes);
		list_del(&s->owes);
		if (s->tcp && s->tcp->flags & TF_ACK_DELAY) {
			tcp_ack_now(s->tcp);
			tcp_output(s->tcp);
		}
	}
	stack_poll();
}

static void owe_ack(struct sock *s, struct tcp_pcb *pcb, uint32_t len)
{
	static struct ev_timer timer = {.fn = acks_due};

	if (pcb->flags & TF_ACK_DELAY) {
		if (!s->answered && len < pcb->mss) {
			tcp_ack_now(pcb); /* tcp_input() sends it when we return */
		} else if (!list_is_linked(&s->owes)) {
			if (list_is_empty(&owing))
				ev_timer_set(&timer, rt_now() + ACK_DELAY_NS);
			list_append(&owing, &s->owes);
		}
	}
	s->answered = false;
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct sock *s = arg;

	(void)err;
	if (!s) {
		if (p) {
			tcp_recved(pcb, p->tot_len);
			pbuf_free(p);
		}
		return ERR_OK;
	}
	if (p)
		owe_ack(s, pcb, p->tot_len);
	if (!p)
		s->fin_in = true;
	else if (s->in)
		pbuf_cat(s->in, p);
	else
		s->in = p;
	push_in(s);
	if (s->in)
		watch_update(s);
	return ERR_OK;
}

/* ---- from the stream to the wire ---- */

static void finish_out(struct sock *s)
{
	struct tcp_pcb *pcb = s->tcp;

	if (s->fin_out)
		return;
	s->fin_out = true;
	s->want_out = false;
	if (!s->control) { /* nobody reads any more: close both ways */
		pcb_forget(s);
		if (tcp_close(pcb) != ERR_OK)
			tcp_abort(pcb);
		return;
	}
	tcp_shutdown(pcb, 0, 1);
}

static void pull_out(struct sock *s)
{
	int64_t n;
	size_t room;

	while (s->tcp && !s->fin_out) {
		room = tcp_sndbuf(s->tcp);
		if (tcp_sndqueuelen(s->tcp) > TCP_SND_QUEUELEN - 16)
			room = 0;
		if (!room) {
			s->want_out = false; /* on_sent() goes on */
			break;
		}
		n = w_stream_read(s->stream, tx_buf, room < sizeof(tx_buf) ? room : sizeof(tx_buf),
				  W_STREAM_NONBLOCK);
		if (n == W_EAGAIN) {
			s->want_out = true;
			break;
		}
		if (n <= 0) {
			finish_out(s);
			break;
		}
		s->answered = true;
		if (tcp_write(s->tcp, tx_buf, n, TCP_WRITE_FLAG_COPY) != ERR_OK) {
			struct tcp_pcb *pcb = s->tcp; /* out of memory: bytes are lost, so is it */

			pcb_forget(s);
			tcp_abort(pcb);
			w_stream_ctl(s->stream, W_STREAM_RESET, 0);
			s->state = S_DEAD;
			break;
		}
	}
	if (s->tcp && s->state == S_CONNECTED)
		tcp_output(s->tcp);
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct sock *s = arg;

	(void)pcb;
	(void)len;
	if (!s || s->want_out || s->fin_out)
		return ERR_OK;
	pull_out(s);
	watch_update(s);
	if (!s->tcp)
		sock_free(s);
	return ERR_OK;
}

static void stream_ready(struct ev_source *src, uint32_t bits)
{
	struct sock *s = container_of(src, struct sock, src);

	if (s->in)
		push_in(s);
	if (bits & (W_READABLE | W_RDHUP | W_HUP) && s->tcp)
		pull_out(s);
	if (!s->tcp)
		s->want_out = false;
	stack_poll();
	if (!sock_free(s))
		watch_update(s);
}

/* lwIP has freed the pcb already. */
static void on_err(void *arg, err_t err)
{
	struct sock *s = arg, *l;

	if (!s)
		return;
	lose_pcb(s);
	s->error = s->state == S_CONNECTING ? (err == ERR_RST	 ? 111
					       : err == ERR_ABRT ? 110
								 : -to_errno(err))
					    : 104;
	s->state = S_DEAD;
	l = unqueue(s);
	if (l && !l->queued && l->readable) {
		ready(l, 0, W_READABLE);
		l->readable = false;
	}
	w_stream_ctl(s->stream, W_STREAM_RESET, 0);
	fail_waiting(s, -s->error);
	ready(s, W_READABLE | W_WRITABLE | W_ERROR | W_HUP, 0);
	sock_free(s);
}

static int make_stream(struct sock *s)
{
	w_handle_t h[2];
	int64_t r = w_stream_create(STREAM_BYTES, 0, h);

	if (r < 0)
		return r;
	s->stream = h[0];
	s->theirs = h[1];
	s->src.fn = stream_ready;
	return 0;
}

static void attach_pcb(struct sock *s, struct tcp_pcb *pcb)
{
	s->tcp = pcb;
	tcp_arg(pcb, s);
	tcp_recv(pcb, on_recv);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_err);
}

static void own_name(struct sock *s)
{
	s->bound.ip = ip_addr_get_ip4_u32(&s->tcp->local_ip);
	s->bound.port = lwip_htons(s->tcp->local_port);
}

static void connected(struct sock *s)
{
	s->state = S_CONNECTED;
	s->peer.ip = ip_addr_get_ip4_u32(&s->tcp->remote_ip);
	s->peer.port = lwip_htons(s->tcp->remote_port);
	own_name(s);
	s->want_out = true;
	ev_add(&s->src, s->stream, W_READABLE | W_RDHUP | W_HUP);
}

/* ---- listen and accept ---- */

/*
 * Answer with a control channel and the stream, or the event.  When the caller has gone the
 * channel's end will be told all the same: closed() counts that off.
 */
static int hand_out(struct sock *s, struct w_msg *m, int status)
{
	int64_t ev = s->type == SOCK_DGRAM ? w_handle_dup(s->event, W_READ | W_DUP) : 0;

	m->nh = 0;
	m->h[m->nh++] = service_mint(&service, (uint64_t)s);
	if (ev > 0)
		m->h[m->nh++] = ev;
	if (s->theirs)
		m->h[m->nh++] = s->theirs;
	if (!m->h[0] || ev < 0) {
		if (ev > 0)
			w_handle_close(ev);
		if (m->h[0]) {
			s->lost++;
			w_handle_close(m->h[0]);
		}
		reply(m, W_ENOMEM);
		return W_ENOMEM;
	}
	if (service_reply_bytes(&service, m, status, &s->peer, sizeof(s->peer)) < 0) {
		s->lost++;
		w_handle_close(m->h[0]);
		if (ev > 0)
			w_handle_close(ev);
		return W_ENOENT;
	}
	s->control = true;
	s->theirs = 0;
	return 0;
}

static void serve_accepts(struct sock *l)
{
	struct pending *p;
	struct sock *s;

	while (!list_is_empty(&l->waiting) && !list_is_empty(&l->queue)) {
		p = list_first(&l->waiting, struct pending, link);
		s = list_first(&l->queue, struct sock, in_queue);
		list_del(&p->link);
		unqueue(s);
		if (list_is_empty(&l->queue) && l->readable) { /* whoever hears finds it so */
			ready(l, 0, W_READABLE);
			l->readable = false;
		}
		if (hand_out(s, &p->m, 0)) /* the next one who asks may have it */
			enqueue(l, s, true);
		else if (s->tcp)
			tcp_backlog_accepted(s->tcp);
		rt_free(p);
	}
	if (!list_is_empty(&l->queue))
		ready(l, W_READABLE, 0);
	else if (l->readable)
		ready(l, 0, W_READABLE);
	l->readable = !list_is_empty(&l->queue);
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct sock *l = arg, *s;

	if (err != ERR_OK || !pcb || !l)
		return ERR_VAL;
	if (l->queued >= l->backlog)
		return ERR_MEM; /* lwIP resets the connection */
	s = sock_new(SOCK_STREAM);
	if (!s || !count_connection(s) || make_stream(s)) {
		sock_free(s);
		return ERR_MEM;
	}
	attach_pcb(s, pcb);
	connected(s);
	s->told = true; /* nobody here called connect() */
	tcp_backlog_delayed(pcb);
	enqueue(l, s, false);
	serve_accepts(l);
	return ERR_OK;
}

static bool wait(struct sock *s, struct w_msg *m)
{
	struct pending *p = rt_try_alloc(sizeof(*p));

	if (!p) {
		reply(m, W_ENOMEM);
		return false;
	}
	p->m = *m;
	list_append(&s->waiting, &p->link);
	return true;
}

static void op_accept(struct w_msg *m, struct sock *s)
{
	if (s->state != S_LISTEN)
		reply(m, s->type == SOCK_DGRAM ? -95 : W_EINVAL);
	else if (list_is_empty(&s->queue) && m->NET_ACCEPT_in_nonblock)
		reply(m, W_EAGAIN);
	else if (wait(s, m))
		serve_accepts(s);
}

static void op_listen(struct w_msg *m, struct sock *s)
{
	struct tcp_pcb *l;
	err_t err;

	if (s->type != SOCK_STREAM || s->state > S_LISTEN || !s->tcp) {
		reply(m, s->type == SOCK_STREAM ? W_EINVAL : W_EOPNOTSUPP);
		return;
	}
	s->backlog = m->NET_LISTEN_in_backlog < 1	      ? 1
		     : m->NET_LISTEN_in_backlog > BACKLOG_MAX ? BACKLOG_MAX
							      : m->NET_LISTEN_in_backlog;
	if (s->state == S_LISTEN) {
		reply(m, 0);
		return;
	}
	if (!s->bound.port) {
		err = tcp_bind_free(s->tcp, IP4_ADDR_ANY, NULL, 0);
		if (err != ERR_OK) {
			reply(m, to_errno(err));
			return;
		}
		s->bound.port = lwip_htons(s->tcp->local_port);
	}
	tcp_err(s->tcp, NULL);
	l = tcp_listen_with_backlog_and_err(s->tcp, BACKLOG_MAX, &err);
	if (!l) {
		reply(m, to_errno(err));
		return;
	}
	s->tcp = l;
	s->state = S_LISTEN;
	tcp_arg(l, s);
	tcp_accept(l, on_accept);
	reply(m, 0);
}

/* ---- names ---- */

static bool get_addr(const struct w_msg *m, const char *bytes, struct sockaddr *a)
{
	memset(a, 0, sizeof(*a));
	if (m->in_len < 8)
		return false;
	memcpy(a, bytes, m->in_len < sizeof(*a) ? m->in_len : sizeof(*a));
	return a->family == AF_INET;
}

/* SO_REUSEADDR gets past connections that linger, not past one who listens (socket(7)). */
static bool listened_on(const ip_addr_t *ip, uint16_t port)
{
	const struct tcp_pcb_listen *l;

	for (l = tcp_listen_pcbs.listen_pcbs; port && l; l = l->next)
		if (l->local_port == port && (ip_addr_isany(ip) || ip_addr_isany(&l->local_ip) ||
					      ip_addr_cmp(ip, &l->local_ip)))
			return true;
	return false;
}

/* May a socket have this address?  Datagrams may be for many at once. */
static bool is_local(const ip_addr_t *ip, bool datagrams)
{
	struct netif *n;

	if (ip_addr_isany(ip) || ip_addr_isloopback(ip) || (datagrams && ip_addr_ismulticast(ip)))
		return true;
	NETIF_FOREACH(n)
	if (ip_addr_cmp(ip, netif_ip_addr4(n)) || (datagrams && ip_addr_isbroadcast(ip, n)))
		return true;
	return false;
}

static bool privileged(uint16_t port) /* ip(7) */
{
	return port && port < 1024;
}

static bool is_root(uint64_t koid)
{
	struct proc_cred c;

	return cred_ask(koid, &c, NULL) && !c.uid;
}

static err_t bind_tcp(struct sock *s, const ip_addr_t *ip, uint16_t port)
{
	err_t err;

	if (!s->reuse_port && listened_on(ip, port))
		return ERR_USE;
	if (!s->reuse && tcp_port_lingers(port, NULL, 0))
		return ERR_USE;
	err = port ? ERR_OK : tcp_bind_free(s->tcp, ip, NULL, 0);
	if (s->reuse) /* not before: a free port is one that nobody has */
		ip_set_option(s->tcp, SOF_REUSEADDR);
	return port ? tcp_bind(s->tcp, ip, port) : err;
}

static void op_bind(struct w_msg *m, struct sock *s, const char *bytes)
{
	struct sockaddr a;
	ip_addr_t ip;
	err_t err;

	if (!get_addr(m, bytes, &a) || s->state != S_NEW || s->bound.port) {
		reply(m, W_EINVAL);
		return;
	}
	if (privileged(lwip_ntohs(a.port)) && !is_root(m->sender)) {
		reply(m, W_EACCES);
		return;
	}
	ip_addr_set_ip4_u32(&ip, a.ip);
	if (!is_local(&ip, s->type == SOCK_DGRAM)) {
		reply(m, W_EADDRNOTAVAIL);
		return;
	}
	if (s->type == SOCK_DGRAM)
		err = udp_bind(s->udp, &ip, lwip_ntohs(a.port));
	else
		err = bind_tcp(s, &ip, lwip_ntohs(a.port));
	if (err == ERR_OK) {
		s->bound = a;
		s->bound.port =
			lwip_htons(s->type == SOCK_DGRAM ? s->udp->local_port : s->tcp->local_port);
	}
	reply(m, err == ERR_VAL ? W_EADDRNOTAVAIL : to_errno(err));
}

static void op_name(struct w_msg *m, struct sock *s)
{
	struct sockaddr *a = m->NET_NAME_in_peer ? &s->peer : &s->bound;

	if (m->NET_NAME_in_peer && !s->peer.port)
		reply(m, W_ENOTCONN);
	else
		service_reply_bytes(&service, m, 0, a, sizeof(*a));
}

/* ---- connect ---- */

/*
 * Connections that have come about and are not told yet.  That waits until lwIP has done with
 * what it is at: on this machine itself the listener's side comes about right afterwards, and
 * who hears that connect() has succeeded finds the connection there.
 */
static struct list connections = LIST_INIT(connections);

static void tell_connected(struct ev_task *t)
{
	struct sock *s;

	(void)t;
	while (!list_is_empty(&connections)) {
		s = list_first(&connections, struct sock, in_queue);
		list_del(&s->in_queue);
		if (s->state == S_CONNECTED) {
			s->told |= fail_waiting(s, 0);
			ready(s, W_WRITABLE, 0);
		}
		sock_free(s); /* if it has ended meanwhile */
	}
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	static struct ev_task task = {.fn = tell_connected};
	struct sock *s = arg;

	(void)pcb;
	if (!s || err != ERR_OK)
		return ERR_OK;
	connected(s);
	list_append(&connections, &s->in_queue);
	ev_task_add(&task);
	return ERR_OK;
}

/* As Linux does, 0.0.0.0 leads to this machine. */
static ip_addr_t destination(const struct sockaddr *a)
{
	ip_addr_t ip;

	ip_addr_set_ip4_u32(&ip, a->ip ? a->ip : lwip_htonl(IPADDR_LOOPBACK));
	return ip;
}

static void connect_udp(struct w_msg *m, struct sock *s, const struct sockaddr *a)
{
	ip_addr_t ip = destination(a);

	s->peer = *a;
	s->peer.ip = ip_addr_get_ip4_u32(&ip);
	reply(m, to_errno(udp_connect(s->udp, &ip, lwip_ntohs(a->port))));
	s->bound.port = lwip_htons(s->udp->local_port);
	s->bound.ip = ip_addr_get_ip4_u32(&s->udp->local_ip);
}

static err_t connect_tcp(struct sock *s, const ip_addr_t *ip, uint16_t port)
{
	err_t err = ERR_OK;

	if (!s->tcp->local_port)
		err = tcp_bind_free(s->tcp, &s->tcp->local_ip, ip, port);
	else if (tcp_port_lingers(s->tcp->local_port, ip, port))
		err = ERR_USE;
	return err == ERR_OK ? tcp_connect(s->tcp, ip, port, on_connected) : err;
}

static void op_connect(struct w_msg *m, struct sock *s, const char *bytes)
{
	struct sockaddr a;
	ip_addr_t ip;
	err_t err;

	if (!get_addr(m, bytes, &a)) {
		reply(m, W_EINVAL);
		return;
	}
	if (s->type == SOCK_DGRAM) {
		connect_udp(m, s, &a);
		return;
	}
	/* again after an interruption: go on waiting, or hear now what was missed */
	if (s->state == S_CONNECTING && !m->NET_CONNECT_in_nonblock) {
		wait(s, m);
		return;
	}
	if (s->state == S_CONNECTED && !s->told) {
		m->nh = 0;
		s->told = service_reply(&service, m, 0) >= 0;
		return;
	}
	if (s->state != S_NEW || !s->tcp) {
		reply(m, s->state == S_CONNECTING  ? W_EALREADY
			 : s->state == S_CONNECTED ? W_EISCONN
			 : s->error		   ? -s->error
						   : W_EINVAL);
		return;
	}
	if (!count_connection(s)) {
		reply(m, -105); /* ENOBUFS */
		return;
	}
	ip = destination(&a);
	err = connect_tcp(s, &ip, lwip_ntohs(a.port));
	if (err != ERR_OK) {
		reply(m, err == ERR_USE ? W_EADDRNOTAVAIL : to_errno(err));
		return;
	}
	s->peer = a;
	own_name(s);
	s->state = S_CONNECTING;
	if (m->NET_CONNECT_in_nonblock)
		reply(m, W_EINPROGRESS);
	else
		wait(s, m);
}

/* ---- datagrams ---- */

static bool give_dgram(struct sock *s, struct w_msg *m)
{
	struct dgram *d = list_first(&s->queue, struct dgram, link);
	char *buf = service_scratch;
	uint32_t n = d->p->tot_len, room = m->out_len > 16 ? m->out_len - 16 : 0;

	if (room > SERVICE_BYTES - 16)
		room = SERVICE_BYTES - 16;
	memcpy(buf, &d->from, 16);
	n = pbuf_copy_partial(d->p, buf + 16, n < room ? n : room, 0);
	m->NET_RECVFROM_out_full = d->p->tot_len;
	m->nh = 0;
	if (s->queued == 1 && !m->NET_RECVFROM_in_peek)
		ready(s, 0, W_READABLE); /* before the answer: whoever hears of it finds it so */
	if (service_reply_bytes(&service, m, n, buf, n + 16) < 0)
		return false;
	if (!m->NET_RECVFROM_in_peek) {
		list_del(&d->link);
		s->queued--;
		pbuf_free(d->p);
		rt_free(d);
	}
	return true;
}

static void serve_dgrams(struct sock *s)
{
	struct pending *p;

	while (!list_is_empty(&s->waiting) && !list_is_empty(&s->queue)) {
		p = list_first(&s->waiting, struct pending, link);
		list_del(&p->link);
		give_dgram(s, &p->m);
		rt_free(p);
	}
	ready(s, W_WRITABLE | (s->queued ? W_READABLE : 0), s->queued ? 0 : W_READABLE);
}

static void on_dgram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *ip,
		     u16_t port)
{
	struct sock *s = arg;
	struct dgram *d = s->queued < DGRAM_QUEUE ? rt_try_alloc(sizeof(*d)) : NULL;

	(void)pcb;
	if (!d) {
		pbuf_free(p);
		return;
	}
	d->p = p;
	d->from.family = AF_INET;
	d->from.port = lwip_htons(port);
	d->from.ip = ip_addr_get_ip4_u32(ip);
	list_append(&s->queue, &d->link);
	s->queued++;
	serve_dgrams(s);
}

static void op_recvfrom(struct w_msg *m, struct sock *s)
{
	if (s->type != SOCK_DGRAM)
		reply(m, W_EOPNOTSUPP);
	else if (list_is_empty(&s->queue) && m->NET_RECVFROM_in_nonblock)
		reply(m, W_EAGAIN);
	else if (wait(s, m))
		serve_dgrams(s);
}

static void op_sendto(struct w_msg *m, struct sock *s, const char *bytes)
{
	struct sockaddr a;
	struct pbuf *p;
	ip_addr_t ip;
	err_t err;

	if (s->type != SOCK_DGRAM || m->in_len < 16) {
		reply(m, W_EOPNOTSUPP);
		return;
	}
	if (m->in_len >= SERVICE_BYTES) {
		reply(m, -90); /* EMSGSIZE */
		return;
	}
	memcpy(&a, bytes, 16);
	if (!a.family && !s->peer.port) {
		reply(m, -89); /* EDESTADDRREQ */
		return;
	}
	p = pbuf_alloc(PBUF_TRANSPORT, m->in_len - 16, PBUF_RAM);
	if (!p) {
		reply(m, -105); /* ENOBUFS */
		return;
	}
	pbuf_take(p, bytes + 16, m->in_len - 16);
	ip = destination(&a);
	err = a.family ? udp_sendto(s->udp, p, &ip, lwip_ntohs(a.port)) : udp_send(s->udp, p);
	pbuf_free(p);
	stack_deliver();
	/* no room on the way is a datagram lost, which nobody is told (udp_send_skb() of Linux) */
	reply(m, err == ERR_OK || err == ERR_MEM ? (int)m->in_len - 16
		 : err == ERR_CONN		 ? W_ENOTCONN
						 : to_errno(err));
}

/* ---- options ---- */

static void op_setopt(struct w_msg *m, struct sock *s, const char *bytes)
{
	uint32_t level = m->NET_SETOPT_in_level, name = m->NET_SETOPT_in_name, v = 0;

	memcpy(&v, bytes, m->in_len < 4 ? m->in_len : 4);
	if (level == SOL_SOCKET && name == SO_LINGER) {
		if (m->in_len >= sizeof(s->linger))
			memcpy(&s->linger, bytes, sizeof(s->linger));
		reply(m, m->in_len < sizeof(s->linger) ? W_EINVAL : 0);
		return;
	}
	if (level == SOL_SOCKET && (name == SO_REUSEADDR || name == SO_REUSEPORT))
		s->reuse = v;
	if (level == SOL_SOCKET && name == SO_REUSEPORT)
		s->reuse_port = v;
	if (level == SOL_SOCKET && name == SO_KEEPALIVE && s->tcp && s->state != S_LISTEN) {
		if (v)
			ip_set_option(s->tcp, SOF_KEEPALIVE);
		else
			ip_reset_option(s->tcp, SOF_KEEPALIVE);
	}
	if (level == SOL_SOCKET && name == SO_BROADCAST && s->udp && v)
		ip_set_option(s->udp, SOF_BROADCAST);
	if (level == IPPROTO_TCP && name == TCP_NODELAY_ && s->tcp && s->state != S_LISTEN) {
		if (v)
			tcp_nagle_disable(s->tcp);
		else
			tcp_nagle_enable(s->tcp);
	}
	/* buffer sizes and the like are hints that we do not take */
	reply(m, level == SOL_SOCKET || level == IPPROTO_TCP || level == 0 ? 0
									   : -92); /* ENOPROTOOPT */
}

static void op_getopt(struct w_msg *m, struct sock *s)
{
	uint32_t level = m->NET_GETOPT_in_level, name = m->NET_GETOPT_in_name, v = 0;

	if (level == SOL_SOCKET && name == SO_LINGER) {
		m->nh = 0;
		service_reply_bytes(&service, m, 0, &s->linger, sizeof(s->linger));
		return;
	}
	if (level == SOL_SOCKET) {
		switch (name) {
		case SO_ERROR:
			v = s->error;
			s->error = 0;
			break;
		case SO_TYPE:
			v = s->type;
			break;
		case SO_SNDBUF:
		case SO_RCVBUF:
			v = STREAM_BYTES;
			break;
		case SO_ACCEPTCONN:
			v = s->state == S_LISTEN;
			break;
		case SO_REUSEADDR:
			v = s->reuse;
			break;
		case SO_REUSEPORT:
			v = s->reuse_port;
			break;
		case SO_DOMAIN:
			v = AF_INET;
			break;
		case SO_PROTOCOL:
			v = s->type == SOCK_STREAM ? 6 : 17;
			break;
		}
	} else if (level == IPPROTO_TCP && name == TCP_MAXSEG_) {
		v = CONFIG_TCP_MSS;
	} else if (level == IPPROTO_TCP && name == TCP_NODELAY_) {
		v = s->tcp && s->state != S_LISTEN && tcp_nagle_disabled(s->tcp);
	} else {
		reply(m, level == IPPROTO_TCP || level == 0 ? -92 : -95); /* ENOPROTOOPT */
		return;
	}
	m->nh = 0;
	service_reply_bytes(&service, m, 0, &v, 4);
}

/* ---- open and close ---- */

static void drop_pcbs(struct sock *s)
{
	struct tcp_pcb *pcb = s->tcp;

	if (s->udp)
		udp_remove(s->udp);
	s->udp = NULL;
	pcb_forget(s);
	if (pcb)
		tcp_abort(pcb);
}

static void op_socket(struct w_msg *m)
{
	int type = m->NET_SOCKET_in_type & 15;
	uint64_t protocol = m->NET_SOCKET_in_protocol;
	struct sock *s;

	if (m->NET_SOCKET_in_domain != AF_INET) {
		reply(m, -97); /* EAFNOSUPPORT */
		return;
	}
	if (type != SOCK_STREAM && type != SOCK_DGRAM) {
		reply(m, -94); /* ESOCKTNOSUPPORT */
		return;
	}
	if (protocol && protocol != (type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP_)) {
		reply(m, -93); /* EPROTONOSUPPORT */
		return;
	}
	s = sock_new(type);
	if (!s) {
		reply(m, W_ENOMEM);
		return;
	}
	if (type == SOCK_DGRAM) {
		s->udp = udp_new();
		if (s->udp)
			udp_recv(s->udp, on_dgram, s);
		ready(s, W_WRITABLE, 0);
	} else if (!make_stream(s)) {
		s->tcp = tcp_new();
		if (s->tcp) {
			tcp_arg(s->tcp, s);
			tcp_recv(s->tcp, on_recv);
			tcp_sent(s->tcp, on_sent);
			tcp_err(s->tcp, on_err);
		}
	}
	if (!s->tcp && !s->udp) {
		reply(m, W_ENOMEM);
		sock_free(s);
	} else if (hand_out(s, m, 0)) {
		drop_pcbs(s);
		sock_free(s);
	}
}

static void drop_queue(struct sock *s)
{
	while (!list_is_empty(&s->queue)) {
		if (s->type == SOCK_DGRAM) {
			struct dgram *d = list_first(&s->queue, struct dgram, link);

			list_del(&d->link);
			pbuf_free(d->p);
			rt_free(d);
		} else {
			struct sock *c = list_first(&s->queue, struct sock, in_queue);

			unqueue(c);
			drop_pcbs(c);
			sock_free(c);
		}
	}
}

/* The last handle of the control channel is gone. */
static void closed(struct sock *s)
{
	struct tcp_pcb *pcb = s->tcp;

	if (s->lost) {
		s->lost--;
		sock_free(s);
		return;
	}
	s->control = false;
	drop_queue(s);
	if (s->udp || (s->state == S_CONNECTED && s->linger.on && !s->linger.seconds)) {
		drop_pcbs(s);
	} else if (pcb && (s->state != S_CONNECTED || s->fin_out)) {
		pcb_forget(s);
		if (tcp_close(pcb) != ERR_OK)
			tcp_abort(pcb);
	} else if (pcb) {
		pull_out(s); /* what was written is still sent; the end follows */
		if (s->tcp)
			watch_update(s);
	}
	sock_free(s);
}

/* Who waits in accept() is told: closing the descriptor would not (shutdown(2)). */
static void stop_listening(struct sock *s)
{
	struct tcp_pcb *pcb = s->tcp;

	drop_queue(s);
	pcb_forget(s);
	tcp_close(pcb); /* a listening pcb: cannot fail */
	s->state = S_DEAD;
	fail_waiting(s, W_EINVAL);
	ready(s, W_READABLE | W_HUP, 0);
}

static void op_shutdown(struct w_msg *m, struct sock *s)
{
	if (s->state == S_LISTEN) {
		if (m->NET_SHUTDOWN_in_how != 1)
			stop_listening(s);
		reply(m, 0);
		return;
	}
	if (s->state != S_CONNECTED) {
		reply(m, W_ENOTCONN);
		return;
	}
	if (m->NET_SHUTDOWN_in_how != 1)
		w_stream_ctl(s->stream, W_STREAM_SHUT_WR, 0);
	reply(m, 0);
}

static void call(struct service *sv, struct w_msg *m)
{
	struct sock *s = (struct sock *)m->badge;

	if (m->op == W_OP_CLOSED) {
		if (s)
			closed(s);
		stack_poll();
		return;
	}
	if (!s) {
		if (m->op == NET_SOCKET)
			op_socket(m);
		else
			reply(m, W_EINVAL);
		return;
	}
	switch (m->op) {
	case NET_BIND:
		op_bind(m, s, sv->bytes);
		break;
	case NET_LISTEN:
		op_listen(m, s);
		break;
	case NET_ACCEPT:
		op_accept(m, s);
		break;
	case NET_CONNECT:
		op_connect(m, s, sv->bytes);
		break;
	case NET_NAME:
		op_name(m, s);
		break;
	case NET_SETOPT:
		op_setopt(m, s, sv->bytes);
		break;
	case NET_GETOPT:
		op_getopt(m, s);
		break;
	case NET_SHUTDOWN:
		op_shutdown(m, s);
		break;
	case NET_SENDTO:
		op_sendto(m, s, sv->bytes);
		break;
	case NET_RECVFROM:
		op_recvfrom(m, s);
		break;
	case NET_EVENT:
		op_event(m, s);
		break;
	default:
		reply(m, W_ENOSYS);
	}
	stack_poll();
}

static void start(void)
{
	stack_start();
	tcp_on_timewait(on_timewait);
	service.call = call;
	service_start(&service, "net");
}

const struct module net_module = {"net", start};
