// SPDX-License-Identifier: MIT
#include "mqueue.h"

#include <wherry/proc.h>
#include <wherry/signal.h>

/* mq_overview(7): limits, for root and for others */
#define MQ_MOST_ROOT 65536ull
#define MQ_SIZE_ROOT (16ull << 20)
#define MQ_MOST 10
#define MQ_SIZE 8192
#define MQ_QUEUES 256
#define MQ_USER_BYTES 819200ull /* RLIMIT_MSGQUEUE's default */
#define MQ_PRIO_MAX 32768
#define SI_MESGQ (-3)
#define MSGSIZE_ERROR (-90) /* EMSGSIZE */

struct message {
	struct list link;
	uint32_t prio, len;
	char bytes[];
};

struct waiting {
	struct list link;
	struct service *s;
	struct w_msg m;
	struct mqueue *q;
	struct ev_timer timer;
};

struct mqueue {
	struct list link;     /* in every */
	struct list messages; /* highest priority first, then the oldest */
	struct list receivers, senders;
	uint64_t most, size, n;
	uint32_t uid;
	w_handle_t event;
	uint64_t notify_koid; /* 0: nobody wants to know */
	uint64_t notify_sig, notify_value;
};

static struct list every = LIST_INIT(every);

static void reply(struct service *s, struct w_msg *m, int64_t status)
{
	m->nh = 0;
	service_reply(s, m, status);
}

static uint64_t bytes_of(uint64_t most, uint64_t size)
{
	return most * (size + sizeof(struct message));
}

static uint64_t bytes_of_user(uint32_t uid, uint32_t *count)
{
	uint64_t sum = 0;
	struct list *l;

	*count = 0;
	list_for_each (l, &every) {
		const struct mqueue *q = list_entry(l, struct mqueue, link);

		sum += q->uid == uid ? bytes_of(q->most, q->size) : 0;
		++*count;
	}
	return sum;
}

int mqueue_create(struct inode *i, uint32_t uid, uint64_t most, uint64_t size)
{
	struct inode_state *st = inode_state(i);
	struct mqueue *q;
	uint32_t count;
	int64_t e;

	if (!st)
		return W_ENOMEM;
	if (!most || !size || most > (uid ? MQ_MOST : MQ_MOST_ROOT) ||
	    size > (uid ? MQ_SIZE : MQ_SIZE_ROOT))
		return W_EINVAL;
	if (bytes_of_user(uid, &count) + bytes_of(most, size) > MQ_USER_BYTES)
		return W_EMFILE;
	if (uid && count >= MQ_QUEUES)
		return W_ENOSPC;
	q = rt_try_alloc(sizeof(*q));
	e = q ? w_event_create(W_WRITABLE) : W_ENOMEM;
	if (e < 0) {
		rt_free(q);
		return W_ENOMEM;
	}
	list_init(&q->messages);
	list_init(&q->receivers);
	list_init(&q->senders);
	q->most = most;
	q->size = size;
	q->uid = uid;
	q->event = e;
	list_append(&every, &q->link);
	st->mq = q;
	return 0;
}

static void waiting_end(struct waiting *w)
{
	ev_timer_set(&w->timer, 0);
	list_del(&w->link);
	rt_free(w);
}

/* Calls that still wait are of processes that are gone or were interrupted. */
void mqueue_free(struct mqueue *q)
{
	struct message *msg;

	while (!list_is_empty(&q->receivers))
		waiting_end(list_first(&q->receivers, struct waiting, link));
	while (!list_is_empty(&q->senders))
		waiting_end(list_first(&q->senders, struct waiting, link));
	while (!list_is_empty(&q->messages)) {
		msg = list_first(&q->messages, struct message, link);
		list_del(&msg->link);
		rt_free(msg);
	}
	list_del(&q->link);
	w_handle_close(q->event);
	rt_free(q);
}

w_handle_t mqueue_event(const struct mqueue *q)
{
	return q->event;
}

static void update(struct mqueue *q)
{
	uint32_t on = (q->n ? W_READABLE : 0) | (q->n < q->most ? W_WRITABLE : 0);

	w_event_set(q->event, on, ~on & (W_READABLE | W_WRITABLE));
}

static void insert(struct mqueue *q, struct message *msg)
{
	struct list *l = q->messages.prev;

	while (l != &q->messages && list_entry(l, struct message, link)->prio < msg->prio)
		l = l->prev;
	list_push(l, &msg->link); /* behind l */
	q->n++;
}

/* A message has come to an empty queue, and nobody waits for it. */
static void notify(struct mqueue *q, uint64_t sender)
{
	static w_handle_t proc;
	struct w_msg m = {.op = PROC_NOTIFY};

	if (!q->notify_koid)
		return;
	if (!proc)
		proc = rt_lookup("proc");
	m.PROC_NOTIFY_in_koid = q->notify_koid;
	m.PROC_NOTIFY_in_from = sender;
	m.PROC_NOTIFY_in_sig = q->notify_sig;
	m.PROC_NOTIFY_in_code = (uint64_t)SI_MESGQ;
	m.PROC_NOTIFY_in_value = q->notify_value;
	q->notify_koid = 0;
	if (m.PROC_NOTIFY_in_sig)
		rt_call(proc, &m);
}

/* The first message is the caller's; false: the call was given up meanwhile. */
static bool give(struct service *s, struct w_msg *m, struct mqueue *q)
{
	struct message *msg = list_first(&q->messages, struct message, link);

	m->nh = 0;
	m->FS_MQ_RECEIVE_out_prio = msg->prio;
	list_del(&msg->link);
	q->n--;
	update(q);
	if (service_reply_bytes(s, m, msg->len, msg->bytes, msg->len) < 0) {
		list_push(&q->messages, &msg->link);
		q->n++;
		update(q);
		return false;
	}
	rt_free(msg);
	return true;
}

/*
 * The caller's bytes become a message. Whoever hears from the caller that it
 * was sent finds the queue readable, and the process that is to be told
 * (news) has been told: the answer comes last.
 */
static bool take(struct service *s, struct w_msg *m, struct mqueue *q, bool news)
{
	struct message *msg = rt_try_alloc(sizeof(*msg) + m->in_len);

	if (!msg || (m->in_len && w_msg_copy(s->port, m->txn, 0, msg->bytes, m->in_len, 0) < 0)) {
		reply(s, m, msg ? W_EFAULT : W_ENOMEM);
		rt_free(msg);
		return false;
	}
	msg->prio = m->FS_MQ_SEND_in_prio;
	msg->len = m->in_len;
	insert(q, msg);
	update(q);
	if (news)
		notify(q, m->sender);
	m->nh = 0;
	if (service_reply(s, m, 0) < 0) { /* interrupted: it was not sent */
		list_del(&msg->link);
		q->n--;
		update(q);
		rt_free(msg);
		return false;
	}
	return true;
}

/* Serve who waits for what has changed, until nothing changes any more. */
static void settle(struct mqueue *q)
{
	struct waiting *w;
	bool moved = true;

	while (moved) {
		moved = false;
		while (q->n && !list_is_empty(&q->receivers)) {
			w = list_first(&q->receivers, struct waiting, link);
			moved |= give(w->s, &w->m, q);
			waiting_end(w);
		}
		while (q->n < q->most && !list_is_empty(&q->senders)) {
			w = list_first(&q->senders, struct waiting, link);
			moved |= take(w->s, &w->m, q, false);
			waiting_end(w);
		}
	}
}

static void timed_out(struct ev_timer *t)
{
	struct waiting *w = container_of(t, struct waiting, timer);

	reply(w->s, &w->m, W_ETIMEDOUT);
	waiting_end(w);
}

/* deadline: of our clock, W_FOREVER: none. */
static void wait_for(struct service *s, struct w_msg *m, struct mqueue *q, struct list *where,
		     uint64_t deadline)
{
	struct waiting *w;

	if (deadline != W_FOREVER && deadline <= rt_now()) {
		reply(s, m, W_ETIMEDOUT);
		return;
	}
	w = rt_try_alloc(sizeof(*w));
	if (!w) {
		reply(s, m, W_ENOMEM);
		return;
	}
	*w = (struct waiting){.s = s, .m = *m, .q = q, .timer.fn = timed_out};
	list_append(where, &w->link);
	if (deadline != W_FOREVER)
		ev_timer_set(&w->timer, deadline);
}

void mqueue_send(struct service *s, struct w_msg *m, struct mqueue *q, bool nonblock)
{
	bool was_empty = !q->n;
	uint64_t sender = m->sender;

	if (m->FS_MQ_SEND_in_prio >= MQ_PRIO_MAX || m->in_len > q->size) {
		reply(s, m, m->in_len > q->size ? MSGSIZE_ERROR : W_EINVAL);
	} else if (q->n < q->most) {
		take(s, m, q, was_empty && list_is_empty(&q->receivers));
		settle(q);
		if (was_empty && q->n) /* who waited for it has given up */
			notify(q, sender);
	} else if (nonblock) {
		reply(s, m, W_EAGAIN);
	} else {
		wait_for(s, m, q, &q->senders, m->FS_MQ_SEND_in_deadline);
	}
}

void mqueue_receive(struct service *s, struct w_msg *m, struct mqueue *q, bool nonblock)
{
	if (m->out_len < q->size) {
		reply(s, m, MSGSIZE_ERROR);
	} else if (q->n) {
		give(s, m, q);
		settle(q);
	} else if (nonblock) {
		reply(s, m, W_EAGAIN);
	} else {
		wait_for(s, m, q, &q->receivers, m->FS_MQ_RECEIVE_in_deadline);
	}
}

void mqueue_attr(struct service *s, struct w_msg *m, const struct mqueue *q, uint32_t flags)
{
	m->FS_MQ_ATTR_out_most = q->most;
	m->FS_MQ_ATTR_out_size = q->size;
	m->FS_MQ_ATTR_out_n = q->n;
	m->FS_MQ_ATTR_out_flags = flags & FS_O_NONBLOCK;
	reply(s, m, 0);
}

void mqueue_notify(struct service *s, struct w_msg *m, struct mqueue *q)
{
	bool ours = q->notify_koid == m->sender;

	if (!m->FS_MQ_NOTIFY_in_on) {
		if (ours)
			q->notify_koid = 0;
		reply(s, m, 0);
	} else if (q->notify_koid || m->FS_MQ_NOTIFY_in_sig > 64) {
		reply(s, m, q->notify_koid ? W_EBUSY : W_EINVAL);
	} else {
		q->notify_koid = m->sender;
		q->notify_sig = m->FS_MQ_NOTIFY_in_sig;
		q->notify_value = m->FS_MQ_NOTIFY_in_value;
		reply(s, m, 0);
	}
}

void mqueue_process_gone(uint64_t koid)
{
	struct list *l;

	list_for_each (l, &every) {
		struct mqueue *q = list_entry(l, struct mqueue, link);

		if (q->notify_koid == koid)
			q->notify_koid = 0;
	}
}
