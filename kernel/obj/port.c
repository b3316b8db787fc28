// SPDX-License-Identifier: MIT
#include <arch/cpu.h>
#include <kernel/ipc.h>
#include <kernel/page.h>
#include <kernel/protos.h>
#include <lib/string.h>

BKL_BEGIN

struct note {
	struct list link;
	struct w_msg msg;
	struct handle h[W_MSG_HANDLES];
};

static void drop_handles(struct handle *h, uint32_t nh)
{
	uint32_t i;

	for (i = 0; i < nh; i++)
		handle_drop(&h[i]);
}

/* ---- leaving a port ---- */

static bool has_more(const struct port *p)
{
	return !list_is_empty(&p->notes) || !list_is_empty(&p->gone) || !list_is_empty(&p->callers);
}

static void port_update(struct port *p)
{
	bool any = has_more(p);

	obj_signal(&p->obj, any ? W_READABLE : 0, any ? 0 : W_READABLE);
}

static void wake_receiver(struct port *p)
{
	port_update(p);
	if (!list_is_empty(&p->receivers))
		thread_wake(list_first(&p->receivers, struct thread, wait), WAKE_DONE);
}

/*
 * Nobody can call through ch any more: the port hears it once, and needs no memory for that.
 * Not before the last call through it is over: what the badge stands for is in use until then.
 */
static void tell_gone(struct channel *ch)
{
	if (!ch->given || ch->obj.handles || ch->calls || ch->port->closed)
		return;
	obj_get(&ch->obj);
	list_append(&ch->port->gone, &ch->gone);
	wake_receiver(ch->port);
}

/* Take t out of its port; the call it made is over. */
static void caller_leave(struct thread *t)
{
	struct port *p = t->in_port;
	struct channel *ch = t->via;

	if (t->txn)
		p->txns[t->txn - 1] = NULL;
	else
		list_del(&t->wait);
	t->in_port = NULL;
	t->via = NULL;
	t->txn = 0;
	ch->calls--;
	tell_gone(ch);
	port_update(p);
	drop_handles(t->msg_h, t->msg.nh);
	obj_put(&ch->obj);
	obj_put(&p->obj);
}

void ipc_abort(struct thread *t)
{
	if (t->in_port)
		caller_leave(t);
}

/* The port has heard that nobody can call through ch any more. */
static void gone_put(struct channel *ch)
{
	list_del(&ch->gone);
	obj_put(&ch->obj);
}

static void port_unhandled(struct object *o)
{
	struct port *p = container_of(o, struct port, obj);
	struct note *n;
	struct thread *t;
	uint32_t i;

	p->closed = true;
	while (!list_is_empty(&p->callers)) {
		t = list_first(&p->callers, struct thread, wait);
		caller_leave(t);
		thread_finish(t, W_EPIPE);
	}
	for (i = 0; i < p->txn_size; i++) {
		t = p->txns[i];
		if (!t)
			continue;
		caller_leave(t);
		thread_finish(t, W_EPIPE);
	}
	while (!list_is_empty(&p->notes)) {
		n = list_first(&p->notes, struct note, link);
		list_del(&n->link);
		drop_handles(n->h, n->msg.nh);
		kfree(n);
	}
	while (!list_is_empty(&p->gone))
		gone_put(list_first(&p->gone, struct channel, gone));
}

static void port_destroy(struct object *o)
{
	struct port *p = container_of(o, struct port, obj);

	kfree(p->txns);
	kfree(p->txn_gen);
	kfree(p);
}

static const struct object_ops port_ops = {
	.unhandled = port_unhandled,
	.destroy = port_destroy,
};

static void channel_unhandled(struct object *o)
{
	tell_gone(container_of(o, struct channel, obj));
}

static void channel_destroy(struct object *o)
{
	struct channel *ch = container_of(o, struct channel, obj);

	obj_put(&ch->port->obj);
	kfree(ch);
}

static const struct object_ops channel_ops = {
	.unhandled = channel_unhandled,
	.destroy = channel_destroy,
};

int64_t sys_port_create(uint32_t limit)
{
	struct port *p;

	if (!limit || limit > 4096)
		return W_EINVAL;
	p = kzalloc(sizeof(*p));
	if (!p)
		return W_ENOMEM;
	obj_init(&p->obj, W_T_PORT, &port_ops);
	list_init(&p->callers);
	list_init(&p->notes);
	list_init(&p->gone);
	list_init(&p->receivers);
	p->limit = limit;
	return handle_new(&p->obj, W_ALL);
}

int64_t sys_chan_mint(struct port *p, uint64_t badge)
{
	struct channel *ch = kzalloc(sizeof(*ch));
	int64_t h;

	if (!ch)
		return W_ENOMEM;
	obj_init(&ch->obj, W_T_CHANNEL, &channel_ops);
	list_init(&ch->gone);
	ch->port = p;
	ch->badge = badge;
	obj_get(&p->obj);
	h = handle_new(&ch->obj, W_ALL);
	if (h >= 0) /* who is told of an error needs no closing message as well */
		ch->given = true;
	return h;
}

/* ---- handles in messages: check all, then move all ---- */

static int handles_check(struct handle_table *t, const struct w_msg *m)
{
	struct handle *s;
	uint32_t i, j;

	if (m->nh > W_MSG_HANDLES)
		return W_EINVAL;
	for (i = 0; i < m->nh; i++) {
		s = handle_get(t, m->h[i]);
		if (!s)
			return W_EBADH;
		if (!(s->rights & W_DUP))
			return W_EACCES;
		for (j = 0; j < i; j++)
			if (m->h[j] == m->h[i])
				return W_EINVAL;
	}
	return 0;
}

static void handles_move(struct handle_table *t, const struct w_msg *m, struct handle *out)
{
	uint32_t i;

	for (i = 0; i < m->nh; i++)
		handle_take(t, m->h[i], &out[i]);
}

static int handles_deliver(struct handle_table *t, struct handle *h, uint32_t nh, w_handle_t *out)
{
	uint32_t i;
	int64_t r;

	for (i = 0; i < nh; i++) {
		r = handle_install(t, h[i].obj, h[i].rights, 0);
		if (r < 0)
			break;
		out[i] = r;
	}
	if (i == nh) {
		for (i = 0; i < nh; i++)
			handle_drop(&h[i]);
		return 0;
	}
	while (i--) {
		struct handle back;

		handle_take(t, out[i], &back);
		handle_drop(&back);
	}
	return W_EMFILE;
}

static int txn_slot(struct port *p, uint32_t *slot)
{
	struct thread **txns;
	uint32_t i, size, *gen;

	for (i = 0; i < p->txn_size; i++)
		if (!p->txns[i]) {
			*slot = i;
			return 0;
		}
	size = p->txn_size ? p->txn_size * 2 : 8;
	txns = kzalloc(size * sizeof(*txns));
	gen = kzalloc(size * sizeof(*gen));
	if (!txns || !gen) {
		kfree(txns);
		kfree(gen);
		return W_ENOMEM;
	}
	if (p->txn_size) {
		memcpy(txns, p->txns, p->txn_size * sizeof(*txns));
		memcpy(gen, p->txn_gen, p->txn_size * sizeof(*gen));
	}
	kfree(p->txns);
	kfree(p->txn_gen);
	p->txns = txns;
	p->txn_gen = gen;
	*slot = p->txn_size;
	p->txn_size = size;
	return 0;
}

/*
 * Give t's call to a receiver: the lent bytes, the handles, the message.  W_EAGAIN: t cannot
 * be served, *theirs says why; other errors are the receiver's own.
 */
static int hand_over(struct port *p, struct thread *t, struct process *to, uaddr_t umsg,
		     uaddr_t bytes, uint32_t room, bool more, int *theirs)
{
	struct w_msg m = t->msg;
	uint32_t slot, n = m.in_len < room ? m.in_len : room;
	int err;

	*theirs = txn_slot(p, &slot);
	if (n && !*theirs)
		*theirs = copy_across(to->as, bytes, t->proc->as, m.in, n);
	if (m.nh && !*theirs)
		*theirs = handles_deliver(&to->handles, t->msg_h, m.nh, m.h);
	if (*theirs)
		return W_EAGAIN;
	m.in = m.out = 0;
	m.pad = more;
	m.txn = (uint64_t)++p->txn_seq << 32 | (slot + 1);
	err = copy_out(to->as, umsg, &m, sizeof(m));
	p->txn_gen[slot] = p->txn_seq;
	p->txns[slot] = t;
	t->txn = slot + 1;
	return err;
}

/* ---- sending ---- */

/* t's call goes straight to a server that has nothing else to do; false: it has to queue.
 * The server's next words are the answer, so there is no queue to look at. */
static bool call_directly(struct port *p, struct thread *t)
{
	struct thread *server;
	uint64_t key;
	int err, theirs;

	if (has_more(p))
		return false;
	server = waitset_server(p, &key);
	if (!server || waitset_serve(server, key))
		return false;
	err = hand_over(p, t, server->proc, server->serve + offsetof(struct w_serve, msg),
			server->serve_bytes, server->serve_room, false, &theirs);
	if (err == W_EAGAIN) {
		caller_leave(t);
		thread_finish(t, theirs);
	} else {
		thread_finish(server, err ? err : 1);
	}
	return true;
}

int64_t sys_chan_call(struct channel *ch, uaddr_t umsg)
{
	struct thread *t = thread_self();
	int err;

	if (t->wake == WAKE_KICK && t->restart)
		return W_EINTR;
	if (ch->port->closed)
		return W_EPIPE;
	err = copy_in(t->proc->as, &t->msg, umsg, sizeof(t->msg));
	if (!err)
		err = handles_check(&t->proc->handles, &t->msg);
	if (err)
		return err;
	t->uninterruptible = t->msg.pad & W_MSG_UNINTERRUPTIBLE;
	err = thread_park(NULL, W_FOREVER);
	if (err != SYS_PARKED)
		return err;
	t->msg_user = umsg;
	t->msg.badge = ch->badge;
	t->msg.sender = t->proc->obj.koid;
	handles_move(&t->proc->handles, &t->msg, t->msg_h);
	t->in_port = ch->port;
	t->via = ch;
	obj_get(&ch->port->obj);
	obj_get(&ch->obj);
	ch->calls++;
	if (!call_directly(ch->port, t)) {
		list_append(&ch->port->callers, &t->wait);
		wake_receiver(ch->port);
	}
	return SYS_PARKED;
}

int64_t sys_chan_send(struct channel *ch, uaddr_t umsg)
{
	struct process *self = thread_self()->proc;
	struct port *p = ch->port;
	struct note *n;
	int err;

	if (p->closed)
		return W_EPIPE;
	if (p->nnotes >= p->limit)
		return W_EAGAIN;
	n = kzalloc(sizeof(*n));
	if (!n)
		return W_ENOMEM;
	err = copy_in(self->as, &n->msg, umsg, sizeof(n->msg));
	if (!err)
		err = handles_check(&self->handles, &n->msg);
	if (!err && (n->msg.in_len || n->msg.out_len || n->msg.op == W_OP_CLOSED))
		err = W_EINVAL; /* bytes are lent by calls only */
	if (err) {
		kfree(n);
		return err;
	}
	n->msg.txn = 0;
	n->msg.badge = ch->badge;
	n->msg.sender = self->obj.koid;
	handles_move(&self->handles, &n->msg, n->h);
	p->nnotes++;
	list_append(&p->notes, &n->link);
	wake_receiver(p);
	return 0;
}

/* ---- receiving ---- */

static struct thread *txn_find(struct port *p, uint64_t txn)
{
	uint32_t slot = (uint32_t)txn - 1, gen = txn >> 32;

	if (slot >= p->txn_size || !p->txns[slot] || p->txn_gen[slot] != gen)
		return NULL;
	return p->txns[slot];
}

static int recv_gone(struct port *p, struct process *self, uaddr_t umsg)
{
	struct channel *ch = list_first(&p->gone, struct channel, gone);
	struct w_msg m = {.op = W_OP_CLOSED, .badge = ch->badge};

	gone_put(ch);
	m.pad = has_more(p);
	port_update(p);
	return copy_out(self->as, umsg, &m, sizeof(m));
}

static int recv_note(struct port *p, struct process *self, uaddr_t umsg)
{
	struct note *n = list_first(&p->notes, struct note, link);
	struct w_msg m = n->msg;
	int err;

	list_del(&n->link);
	m.pad = has_more(p);
	err = handles_deliver(&self->handles, n->h, m.nh, m.h);
	if (!err)
		err = copy_out(self->as, umsg, &m, sizeof(m));
	p->nnotes--;
	drop_handles(n->h, n->msg.nh);
	kfree(n);
	port_update(p);
	return err;
}

/* A call is refused, not lost, when it cannot be received. */
static int recv_call(struct port *p, struct process *self, uaddr_t umsg, uaddr_t bytes,
		     uint32_t room)
{
	struct thread *t = list_first(&p->callers, struct thread, wait);
	bool more = t->wait.next != &p->callers;
	int theirs, err = hand_over(p, t, self, umsg, bytes, room, more, &theirs);

	if (err == W_EAGAIN) {
		caller_leave(t);
		thread_finish(t, theirs);
		return err;
	}
	list_del(&t->wait);
	port_update(p);
	return err;
}

int port_take(struct port *p, struct process *self, uaddr_t umsg, uaddr_t bytes, uint32_t room)
{
	if (!list_is_empty(&p->notes))
		return recv_note(p, self, umsg);
	if (!list_is_empty(&p->gone)) /* after what was sent through it */
		return recv_gone(p, self, umsg);
	if (!list_is_empty(&p->callers))
		return recv_call(p, self, umsg, bytes, room);
	return W_EAGAIN;
}

int64_t sys_port_recv(struct port *p, uaddr_t umsg, uint64_t deadline)
{
	struct thread *t = thread_self();
	struct w_msg want;
	int err;

	err = copy_in(t->proc->as, &want, umsg, sizeof(want));
	if (err)
		return err;
	if (has_more(p))
		return port_take(p, t->proc, umsg, want.out, want.out_len);
	if (!deadline)
		return W_EAGAIN;
	if (t->wake == WAKE_TIMEOUT)
		return W_ETIMEDOUT;
	if (t->wake == WAKE_KICK)
		return W_EINTR;
	return thread_park(&p->receivers, deadline);
}

/* Up to len bytes of a lent buffer, the part that this step is for; SYS_MORE: not the last. */
static int64_t copy_step(struct aspace *das, uaddr_t dst, struct aspace *sas, uaddr_t src,
			 uint64_t len)
{
	struct thread *self = thread_self();
	uint64_t at = self->step_done < len ? self->step_done : 0; /* len is the sender's word */
	uint64_t n = len - at > COPY_STEP ? COPY_STEP : len - at;
	int err = copy_across(das, dst + at, sas, src + at, n);

	self->step_done = at + n;
	return err ? err : at + n < len ? SYS_MORE : 0;
}

/* Give t what m says; its call is over.  W_ENOENT: it could not be given. */
static int64_t reply_to(struct thread *t, struct process *self, const struct w_msg *m)
{
	struct handle moved[W_MSG_HANDLES];
	struct w_msg out = t->msg;
	int64_t theirs = 0;

	out.status = m->status;
	memcpy(out.arg, m->arg, sizeof(out.arg));
	out.nh = 0;
	out.in_len = m->in_len < out.out_len ? m->in_len : out.out_len;
	if (out.in_len)
		theirs = copy_step(t->proc->as, out.out, self->as, m->in, out.in_len);
	if (theirs == SYS_MORE)
		return SYS_MORE;
	thread_self()->step_done = 0;
	handles_move(&self->handles, m, moved);
	if (!theirs)
		theirs = handles_deliver(&t->proc->handles, moved, m->nh, out.h);
	if (!theirs) {
		out.nh = m->nh;
		theirs = copy_out(t->proc->as, t->msg_user, &out, sizeof(out));
	}
	drop_handles(moved, m->nh);
	caller_leave(t);
	thread_finish(t, theirs ? theirs : m->status);
	return theirs ? W_ENOENT : 0;
}

int64_t sys_port_reply(struct port *p, uaddr_t umsg)
{
	struct process *self = thread_self()->proc;
	struct thread *t;
	struct w_msg m;
	int err;

	err = copy_in(self->as, &m, umsg, sizeof(m));
	if (err)
		return err;
	t = txn_find(p, m.txn);
	if (!t)
		return W_ENOENT;
	err = handles_check(&self->handles, &m);
	return err ? err : reply_to(t, self, &m);
}

int64_t port_answer(struct port *p, struct process *self, struct w_msg *m)
{
	struct handle moved[W_MSG_HANDLES];
	struct thread *t = txn_find(p, m->txn);
	int err = handles_check(&self->handles, m);

	if (err) {
		m->status = err;
		m->nh = 0;
	}
	if (t)
		return reply_to(t, self, m) == SYS_MORE ? SYS_MORE : 0;
	handles_move(&self->handles, m, moved);
	drop_handles(moved, m->nh);
	return 0;
}

int64_t sys_msg_copy(struct port *p, uint64_t txn, uint64_t off, uaddr_t buf, uint64_t len,
		     uint32_t dir)
{
	struct process *self = thread_self()->proc;
	struct thread *t = txn_find(p, txn);
	uint64_t room;

	if (!t)
		return W_ENOENT;
	room = dir ? t->msg.out_len : t->msg.in_len;
	if (dir > 1 || off > room || len > room - off)
		return W_ERANGE;
	if (dir)
		return copy_step(t->proc->as, t->msg.out + off, self->as, buf, len);
	return copy_step(self->as, buf, t->proc->as, t->msg.in + off, len);
}

BKL_END
