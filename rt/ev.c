// SPDX-License-Identifier: MIT
#include <rt/fiber.h>

#define CALLS_PER_TURN 32
#define FINISH_BYTES 256

static w_handle_t set;
static struct list timers = LIST_INIT(timers); /* earliest first */
static struct list tasks = LIST_INIT(tasks);
static int batch_n, batch_i;

/* What travels with the next wait: an answer that service_finish() left, and its bytes. */
static struct w_serve serve;
static char finish_bytes[FINISH_BYTES];
char service_scratch[SERVICE_BYTES];
static char *bytes; /* SERVICE_BYTES: lent with the call that is being served */

static w_handle_t the_set(void)
{
	int64_t h;

	if (!set) {
		h = w_ws_create();
		if (h < 0)
			rt_die("no wait set: error %ld", -h);
		set = h;
	}
	return set;
}

void ev_add(struct ev_source *s, w_handle_t h, uint32_t mask)
{
	int64_t r;

	s->h = h;
	s->mask = mask;
	r = w_ws_ctl(the_set(), W_WS_ADD, h, mask, (uint64_t)s);
	if (r < 0)
		rt_die("cannot watch handle %u: error %ld", h, -r);
}

void ev_mod(struct ev_source *s, uint32_t mask)
{
	if (s->h && mask != s->mask)
		w_ws_ctl(set, W_WS_MOD, s->h, mask, (uint64_t)s);
	s->mask = mask;
}

/* What has been reported of it and was not looked at yet. */
static void forget_events(struct ev_source *s)
{
	int i;

	s->h = 0;
	for (i = batch_i; i < batch_n; i++) /* already reported, not yet run */
		if (serve.event[i].key == (uint64_t)s)
			serve.event[i].key = 0;
}

void ev_del(struct ev_source *s)
{
	if (!s->h)
		return;
	w_ws_ctl(set, W_WS_DEL, s->h, 0, (uint64_t)s);
	forget_events(s);
}

/* With the last handle of an object whoever watches it is forgotten. */
void ev_gone(struct ev_source *s)
{
	if (s->h)
		forget_events(s);
}

void ev_timer_set(struct ev_timer *t, uint64_t at)
{
	struct list *l;

	if (t->at)
		list_del(&t->link);
	t->at = at;
	if (!at)
		return;
	list_for_each (l, &timers)
		if (list_entry(l, struct ev_timer, link)->at > at)
			break;
	list_insert(&t->link, l->prev, l);
}

void ev_task_add(struct ev_task *t)
{
	if (t->link.next && list_is_linked(&t->link))
		return;
	list_append(&tasks, &t->link);
}

static void run_tasks(void)
{
	struct ev_task *t;

	while (!list_is_empty(&tasks)) {
		t = list_first(&tasks, struct ev_task, link);
		list_del(&t->link);
		t->fn(t);
	}
}

static uint64_t run_timers(void)
{
	struct ev_timer *t;
	uint64_t now;

	while (!list_is_empty(&timers)) {
		t = list_first(&timers, struct ev_timer, link);
		now = rt_now();
		if (t->at > now)
			return t->at;
		list_del(&t->link);
		t->at = 0;
		t->fn(t);
	}
	return W_FOREVER;
}

/* ---- services ---- */

/* One message, of which the bytes have arrived.  A fiber that waits keeps them. */
static void service_take(struct service *s, struct w_msg *m)
{
	bytes[m->in_len < SERVICE_BYTES ? m->in_len : SERVICE_BYTES - 1] = 0;
	s->bytes = bytes;
	if (s->in_fibers)
		fiber_serve(s, m, &bytes);
	else
		s->call(s, m);
}

static void flush_answer(void)
{
	w_handle_t port = serve.answer;
	uint32_t i;

	serve.answer = 0;
	if (port && w_port_reply(port, &serve.msg) < 0)
		for (i = 0; i < serve.msg.nh; i++)
			w_handle_close(serve.msg.h[i]);
}

/* More than one message waits: take some before looking at the rest of the world. */
static void service_ready(struct ev_source *src, uint32_t bits)
{
	struct service *s = container_of(src, struct service, src);
	struct w_msg m;
	uint32_t more;
	int i;

	(void)bits;
	for (i = 0; i < CALLS_PER_TURN; i++) {
		flush_answer();
		m.out = (uint64_t)bytes;
		m.out_len = SERVICE_BYTES - 1;
		if (w_port_recv(s->port, &m, 0) < 0)
			return;
		more = m.pad;
		service_take(s, &m);
		if (!more)
			return;
	}
}

void service_listen(struct service *s)
{
	int64_t p = w_port_create(256);

	if (p < 0)
		rt_die("no port: error %ld", -p);
	s->port = p;
	s->src.fn = service_ready;
	ev_add(&s->src, p, W_READABLE | W_WS_RECV);
}

void service_start(struct service *s, const char *name)
{
	int64_t ch;

	service_listen(s);
	ch = w_chan_mint(s->port, 0);
	if (ch < 0)
		rt_die("%s: no channel: error %ld", name, -ch);
	rt_publish(name, ch);
}

w_handle_t service_mint(struct service *s, uint64_t badge)
{
	int64_t h = w_chan_mint(s->port, badge);

	return h < 0 ? 0 : h;
}

int64_t service_reply_bytes(struct service *s, struct w_msg *m, int32_t status, const void *p,
			    uint32_t len)
{
	m->status = status;
	m->in = (uint64_t)p;
	m->in_len = len;
	return w_port_reply(s->port, m);
}

int64_t service_reply(struct service *s, struct w_msg *m, int32_t status)
{
	return service_reply_bytes(s, m, status, NULL, 0);
}

void service_finish_bytes(struct service *s, struct w_msg *m, int32_t status, const void *p,
			  uint32_t len)
{
	if (len > FINISH_BYTES) {
		service_reply_bytes(s, m, status, p, len);
		return;
	}
	flush_answer();
	memcpy(finish_bytes, p, len);
	m->status = status;
	m->in = (uint64_t)finish_bytes;
	m->in_len = len;
	serve.msg = *m;
	serve.answer = s->port;
}

void service_finish(struct service *s, struct w_msg *m, int32_t status)
{
	service_finish_bytes(s, m, status, NULL, 0);
}

/* ---- the loop ---- */

static void run_batch(void)
{
	for (batch_i = 0; batch_i < batch_n;) {
		struct w_event e = serve.event[batch_i++];
		struct ev_source *s = (struct ev_source *)e.key;

		if (s)
			s->fn(s, e.bits);
	}
}

/* The one event is a message for a service. */
static void run_call(void)
{
	struct ev_source *src = (struct ev_source *)serve.event[0].key;
	struct w_msg m = serve.msg;
	bool more = m.pad;

	batch_n = 0;
	service_take(container_of(src, struct service, src), &m);
	if (more)
		service_ready(src, 0);
}

void ev_run(void)
{
	int64_t n;

	serve.bytes_len = SERVICE_BYTES - 1;
	bytes = rt_alloc(SERVICE_BYTES);
	for (;;) {
		run_tasks();
		serve.deadline = run_timers();
		if (!list_is_empty(&tasks))
			continue;
		serve.bytes = (uint64_t)bytes;
		n = w_ws_serve(the_set(), &serve);
		serve.answer = 0;
		batch_n = n > 0 ? n : 0;
		if (n == 1 && serve.event[0].bits & W_RECEIVED)
			run_call();
		else
			run_batch();
	}
}
