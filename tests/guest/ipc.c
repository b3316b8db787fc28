// SPDX-License-Identifier: MIT
#include "t.h"

TEST(port_recv, says_when_nothing_is_there) /* covers: AGAIN TIMEDOUT FAULT */
{
	w_handle_t p = w_port_create(4);
	struct w_msg m = {0};

	t_eq(w_port_recv(p, &m, 0), W_EAGAIN);
	t_eq(w_port_recv(p, &m, rt_now() + 1000000), W_ETIMEDOUT);
	t_eq(w_port_recv(p, (void *)8, 0), W_EFAULT);
	t_ok(w_handle_close(p));
	t_eq(w_port_create(0), W_EINVAL);
	t_eq(w_port_create(100000), W_EINVAL);
}

TEST(chan_send, carries_badge_and_handles) /* covers: AGAIN INVAL BADH FAULT PIPE */
{
	w_handle_t p = w_port_create(2), c = w_chan_mint(p, 77), e = w_event_create(0);
	struct w_msg m = {.op = 5, .arg = {1, 2, 3}, .nh = 1, .h = {e}}, r = {0};

	t_ok(w_chan_send(c, &m));
	t_eq(w_event_set(e, 1, 0), W_EBADH); /* moved */
	t_ok(w_port_recv(p, &r, 0));
	t_eq(r.badge, 77);
	t_eq(r.op, 5);
	t_eq(r.arg[2], 3);
	t_eq(r.nh, 1);
	t_ok(w_event_set(r.h[0], 1, 0));
	t_ok(w_handle_close(r.h[0]));
	m.h[0] = BAD_HANDLE;
	t_eq(w_chan_send(c, &m), W_EBADH);
	m.nh = 9;
	t_eq(w_chan_send(c, &m), W_EINVAL);
	m.nh = 0;
	m.in_len = 5;
	t_eq(w_chan_send(c, &m), W_EINVAL); /* bytes need a call */
	m.in_len = 0;
	t_eq(w_chan_send(c, (void *)8), W_EFAULT);
	t_ok(w_chan_send(c, &m));
	t_ok(w_chan_send(c, &m));
	t_eq(w_chan_send(c, &m), W_EAGAIN); /* the limit */
	t_ok(w_handle_close(p));
	t_eq(w_chan_send(c, &m), W_EPIPE);
	t_eq(w_chan_call(c, &m), W_EPIPE);
	t_ok(w_handle_close(c));
}

TEST(chan_mint, last_handle_is_told_once)
{
	w_handle_t p = w_port_create(2), c = w_chan_mint(p, 5), d = w_handle_dup(c, W_ALL);
	struct w_msg m = {0};

	t_ok(w_handle_close(c));
	t_eq(w_port_recv(p, &m, 0), W_EAGAIN);
	t_ok(w_handle_close(d));
	t_ok(w_port_recv(p, &m, 0));
	t_eq(m.op, W_OP_CLOSED);
	t_eq(m.badge, 5);
	t_eq(w_port_recv(p, &m, 0), W_EAGAIN);
	t_ok(w_handle_close(p));
}

static void answer(uint64_t port)
{
	char buf[16];
	struct w_msg m = {.out = (uint64_t)buf, .out_len = sizeof(buf)};
	char back[16];
	uint32_t i;

	if (w_port_recv(port, &m, W_FOREVER) >= 0) {
		for (i = 0; i < 4; i++)
			back[i] = buf[3 - i];
		m.status = 123;
		m.arg[0] = m.in_len;
		m.nh = 0;
		m.in = (uint64_t)back;
		m.in_len = 4;
		w_port_reply(port, &m);
		w_port_reply(port, &m); /* the second answers nobody */
	}
	w_thread_exit(NULL, 0, 0);
}

static int64_t start_thread(void (*fn)(uint64_t), uint64_t arg, char *stack, size_t size)
{
	struct w_thread_args a = {
		.rip = (uint64_t)fn, .rsp = ((uint64_t)stack + size - 8) & ~15ull, .arg = arg};

	a.rsp -= 8;
	return w_thread_create(0, &a);
}

TEST(chan_call, lends_bytes_both_ways) /* covers: FAULT */
{
	static char stack[8192];
	w_handle_t p = w_port_create(2), c = w_chan_mint(p, 1);
	int64_t t;
	char out[8] = {0};
	struct w_msg m = {.op = 1,
			  .in = (uint64_t) "abcd",
			  .in_len = 4,
			  .out = (uint64_t)out,
			  .out_len = sizeof(out)};

	t = start_thread(answer, p, stack, sizeof(stack));
	t_ok(t);
	t_eq(w_chan_call(c, &m), 123);
	t_eq(m.arg[0], 4);
	t_eq(m.in_len, 4);
	t_eq(memcmp(out, "dcba", 4), 0);
	t_wait_end(t);
	t_ok(w_handle_close(t));
	t_eq(w_chan_call(c, (void *)8), W_EFAULT);
	t_ok(w_handle_close(c));
	t_ok(w_handle_close(p));
}

static void call_and_end(uint64_t c)
{
	struct w_msg m = {.op = 9};

	w_chan_call(c, &m);
	w_thread_exit(NULL, 0, 0);
}

/* A thread that calls through c, and is in the port's list when this returns. */
static int64_t queue_call(w_handle_t p, w_handle_t c, char *stack, size_t size)
{
	int64_t t = start_thread(call_and_end, c, stack, size), ws = w_ws_create();
	struct w_event e;

	t_ok(t);
	t_ok(w_ws_ctl(ws, W_WS_ADD, p, W_READABLE, 0));
	t_eq(w_ws_wait(ws, &e, 1, W_FOREVER), 1);
	t_ok(w_handle_close(ws));
	return t;
}

TEST(chan_call, is_over_before_the_end_of_its_channel) /* or a server uses what it has freed */
{
	static char stack[8192];
	w_handle_t p = w_port_create(2), c = w_chan_mint(p, 6);
	int64_t t = queue_call(p, c, stack, sizeof(stack));
	struct w_msg m = {0}, none = {0};

	t_ok(w_handle_close(c));
	t_ok(w_port_recv(p, &m, 0));
	t_eq(m.op, 9);
	t_eq(m.badge, 6);
	m.nh = 0;
	t_eq(w_port_recv(p, &none, 0), W_EAGAIN);
	t_ok(w_port_reply(p, &m));
	t_ok(w_port_recv(p, &m, 0));
	t_eq(m.op, W_OP_CLOSED);
	t_eq(m.badge, 6);
	t_eq(w_port_recv(p, &m, 0), W_EAGAIN);
	t_wait_end(t);
	t_ok(w_handle_close(t));
	t_ok(w_handle_close(p));
}

TEST(chan_call, that_is_given_up_leaves_the_end_of_its_channel)
{
	static char stack[8192];
	w_handle_t p = w_port_create(2), c = w_chan_mint(p, 7);
	int64_t t = queue_call(p, c, stack, sizeof(stack));
	struct w_msg m = {0};

	t_ok(w_handle_close(c));
	t_ok(w_thread_kick(t));
	t_wait_end(t);
	t_ok(w_port_recv(p, &m, 0));
	t_eq(m.op, W_OP_CLOSED);
	t_eq(m.badge, 7);
	t_eq(w_port_recv(p, &m, 0), W_EAGAIN);
	t_ok(w_handle_close(t));
	t_ok(w_handle_close(p));
}

TEST(port_reply, needs_a_live_call) /* covers: NOENT FAULT */
{
	w_handle_t p = w_port_create(2);
	struct w_msg m = {.txn = 1};
	char b[4];

	t_eq(w_port_reply(p, &m), W_ENOENT);
	m.txn = ~0ull;
	t_eq(w_port_reply(p, &m), W_ENOENT);
	t_eq(w_port_reply(p, (void *)8), W_EFAULT);
	t_eq(w_msg_copy(p, 1, 0, b, 4, 0), W_ENOENT);
	t_ok(w_handle_close(p));
}

TEST(ws_wait, level_edge_and_oneshot) /* covers: TIMEDOUT EXIST NOENT BADH INVAL FAULT */
{
	w_handle_t ws = w_ws_create(), e = w_event_create(0);
	struct w_event ev[4];

	t_ok(w_ws_ctl(ws, W_WS_ADD, e, 1, 10));
	t_eq(w_ws_ctl(ws, W_WS_ADD, e, 1, 10), W_EEXIST);
	t_eq(w_ws_ctl(ws, W_WS_DEL, e, 1, 11), W_ENOENT);
	t_eq(w_ws_ctl(ws, W_WS_ADD, BAD_HANDLE, 1, 12), W_EBADH);
	t_eq(w_ws_wait(ws, ev, 4, 0), W_ETIMEDOUT);
	t_eq(w_ws_wait(ws, ev, 0, 0), W_EINVAL);
	t_ok(w_event_set(e, 1, 0));
	t_eq(w_ws_wait(ws, (void *)8, 4, 0), W_EFAULT);
	t_eq(w_ws_wait(ws, ev, 4, 0), 1);
	t_eq(ev[0].key, 10);
	t_eq(w_ws_wait(ws, ev, 4, 0), 1); /* level: still */
	t_ok(w_ws_ctl(ws, W_WS_MOD, e, 1 | W_WS_EDGE, 10));
	t_eq(w_ws_wait(ws, ev, 4, 0), 1);
	t_eq(w_ws_wait(ws, ev, 4, 0), W_ETIMEDOUT); /* edge: once */
	t_ok(w_event_set(e, 1, 0));		    /* set again is news */
	t_eq(w_ws_wait(ws, ev, 4, 0), 1);
	t_ok(w_ws_ctl(ws, W_WS_MOD, e, 1 | W_WS_ONESHOT, 10));
	t_eq(w_ws_wait(ws, ev, 4, 0), 1);
	t_ok(w_event_set(e, 1, 0));
	t_eq(w_ws_wait(ws, ev, 4, 0), W_ETIMEDOUT);
	t_ok(w_handle_close(e)); /* closing unregisters */
	t_eq(w_ws_wait(ws, ev, 4, 0), W_ETIMEDOUT);
	t_ok(w_handle_close(ws));
}

static void call_and_check(uint64_t chan)
{
	struct w_msg m = {.op = 7, .in = (uint64_t) "abcd", .in_len = 4, .nh = 1};

	m.h[0] = w_event_create(0);
	t_eq(w_chan_call(chan, &m), 55);
	t_eq(m.nh, 1);
	t_ok(w_handle_close(m.h[0]));
	w_thread_exit(NULL, 0, 0);
}

TEST(ws_serve, answers_waits_and_receives_in_one)
{
	static char stack[4096], bytes[16];
	static struct w_serve s;
	w_handle_t p = w_port_create(4), ws = w_ws_create(), c = w_chan_mint(p, 9), e, t;

	s = (struct w_serve){.bytes = (uint64_t)bytes, .bytes_len = sizeof(bytes)};
	t_ok(w_ws_ctl(ws, W_WS_ADD, p, W_READABLE | W_WS_RECV, 77));
	t_eq(w_ws_serve(ws, &s), W_ETIMEDOUT);
	t = start_thread(call_and_check, c, stack, sizeof(stack));
	t_ok(t);
	s.deadline = W_FOREVER;
	t_eq(w_ws_serve(ws, &s), 1);
	t_eq(s.event[0].key, 77);
	t_eq(s.event[0].bits, W_RECEIVED);
	t_eq(s.msg.op, 7);
	t_eq(s.msg.badge, 9);
	t_eq(memcmp(bytes, "abcd", 4), 0);
	t_eq(s.msg.nh, 1);
	s.msg.status = 55; /* the handle goes back */
	s.answer = p;
	s.deadline = 0;
	t_eq(w_ws_serve(ws, &s), W_ETIMEDOUT);
	t_wait_end(t);
	t_ok(w_handle_close(t));

	e = w_event_create(0); /* an answer that nobody waits for: its handles are dropped */
	s.msg.nh = 1;
	s.msg.h[0] = e;
	t_eq(w_ws_serve(ws, &s), W_ETIMEDOUT);
	t_eq(w_event_set(e, 1, 0), W_EBADH);
	s.answer = 0;

	e = w_event_create(W_READABLE); /* not a port: an event like any other's */
	t_ok(w_ws_ctl(ws, W_WS_ADD, e, W_READABLE | W_WS_RECV, 78));
	t_eq(w_ws_serve(ws, &s), 1);
	t_eq(s.event[0].key, 78);
	t_eq(s.event[0].bits, W_READABLE);
	t_ok(w_handle_close(e));
	t_ok(w_handle_close(c)); /* received as a note */
	t_eq(w_ws_serve(ws, &s), 1);
	t_eq(s.msg.op, W_OP_CLOSED);
	t_eq(w_ws_serve(ws, &s), W_ETIMEDOUT);
	t_eq(w_ws_serve(ws, (void *)8), W_EFAULT);
	t_eq(w_ws_serve(e, &s), W_EBADH);
	t_eq(w_ws_serve(p, &s), W_ETYPE);
	s.answer = ws;
	t_eq(w_ws_serve(ws, &s), W_ETYPE);
	t_ok(w_handle_close(ws));
	t_ok(w_handle_close(p));
}

static void answered_badly(uint64_t chan)
{
	struct w_msg m = {.op = 7};

	t_eq(w_chan_call(chan, &m), W_EBADH);
	w_thread_exit(NULL, 0, 0);
}

TEST(ws_serve, a_lie_in_the_answer_is_the_answer)
{
	static char stack[4096];
	static struct w_serve s;
	w_handle_t p = w_port_create(4), ws = w_ws_create(), c = w_chan_mint(p, 9), t;

	t_ok(w_ws_ctl(ws, W_WS_ADD, p, W_READABLE | W_WS_RECV, 77));
	t = start_thread(answered_badly, c, stack, sizeof(stack));
	s = (struct w_serve){.deadline = W_FOREVER};
	t_eq(w_ws_serve(ws, &s), 1);
	s.msg.nh = 1;
	s.msg.h[0] = BAD_HANDLE;
	s.answer = p;
	s.deadline = 0;
	t_eq(w_ws_serve(ws, &s), W_ETIMEDOUT);
	t_wait_end(t);
	t_ok(w_handle_close(t));
	t_ok(w_handle_close(ws));
	t_ok(w_handle_close(c));
	t_ok(w_handle_close(p));
}

TEST(event_add, counts_and_says_whether_it_is_zero_or_full)
{
	w_handle_t e = w_event_create(W_WRITABLE), t = w_timer_create(), r = w_handle_dup(e, 0);
	struct w_obj_info i;
	uint64_t v;

	t_eq(w_event_take(e, 0, &v), W_EAGAIN);
	t_ok(w_event_add(e, 3));
	t_ok(w_obj_info(e, &i));
	t_eq(i.signals, W_READABLE | W_WRITABLE);
	t_ok(w_event_take(e, 1, &v));
	t_eq(v, 1);
	t_eq(w_event_take(e, 0, (void *)8), W_EFAULT);
	t_ok(w_event_take(e, 0, &v));
	t_eq(v, 2);
	t_ok(w_event_add(e, ~0ull - 1));
	t_ok(w_obj_info(e, &i));
	t_eq(i.signals, W_READABLE);
	t_eq(w_event_add(e, 1), W_EAGAIN);
	t_eq(w_event_add(r, 1), W_EACCES);
	t_eq(w_event_take(r, 0, &v), W_EACCES);
	t_eq(w_event_add(t, 1), W_ETYPE);
	t_eq(w_event_take(t, 0, &v), W_ETYPE);
	t_ok(w_handle_close(r));
	t_eq(w_event_add(r, 1), W_EBADH);
	t_eq(w_event_take(r, 0, &v), W_EBADH);
	t_ok(w_handle_close(e));
	t_ok(w_handle_close(t));
}

TEST(stream_ctl, pipes_are_resized_and_opened_again)
{
	w_handle_t h[2];
	char b[5000];

	t_ok(w_stream_create(4096, W_STREAM_PIPE, h));
	t_eq(w_stream_write(h[1], b, 3000, W_STREAM_NONBLOCK), 3000);
	t_eq(w_stream_read(h[0], b, 1000, 0), 1000);
	t_eq(w_stream_ctl(h[1], W_STREAM_SIZE, 10000), 16384);
	t_eq(w_stream_ctl(h[0], W_STREAM_SIZE, 0), 16384);
	t_eq(w_stream_write(h[1], b, 5000, W_STREAM_NONBLOCK), 5000);
	t_eq(w_stream_ctl(h[1], W_STREAM_SIZE, 4096), W_EBUSY);
	t_eq(w_stream_ctl(h[1], W_STREAM_POS_OUT, 0), 8000);
	t_eq(w_stream_ctl(h[0], W_STREAM_POS_IN, 0), 1000);
	t_ok(w_stream_ctl(h[1], W_STREAM_SHUT_WR, 0));
	t_eq(w_stream_read(h[0], b, 5000, 0), 5000);
	t_eq(w_stream_read(h[0], b, 5000, 0), 2000);
	t_eq(w_stream_read(h[0], b, 5000, 0), 0);
	t_ok(w_stream_ctl(h[1], W_STREAM_REOPEN, 0));
	t_eq(w_stream_read(h[0], b, 1, W_STREAM_NONBLOCK), W_EAGAIN);
	t_eq(w_stream_write(h[1], b, 1, 0), 1);
	t_eq(w_stream_read(h[0], b, 5000, 0), 1);
	t_ok(w_handle_close(h[0]));
	t_ok(w_handle_close(h[1]));
}

TEST(ws_wait, reports_more_than_fits_the_stack)
{
	static struct w_event ev[200];
	w_handle_t ws = w_ws_create(), e[100];
	int i;

	for (i = 0; i < 100; i++) {
		e[i] = w_event_create(1);
		t_ok(w_ws_ctl(ws, W_WS_ADD, e[i], 1, i));
	}
	t_eq(w_ws_wait(ws, ev, 200, 0), 100); /* level: each once */
	t_eq(w_ws_wait(ws, ev, 70, 0), 70);
	t_eq(w_ws_wait(ws, ev, 5000, 0), W_EINVAL);
	for (i = 0; i < 100; i++)
		t_ok(w_handle_close(e[i]));
	t_ok(w_handle_close(ws));
}

TEST(ws_ctl, sets_nest_but_do_not_loop) /* covers: LOOP */
{
	w_handle_t a = w_ws_create(), b = w_ws_create(), e = w_event_create(1);
	struct w_event ev;

	t_ok(w_ws_ctl(a, W_WS_ADD, b, 1, 1));
	t_eq(w_ws_ctl(b, W_WS_ADD, a, 1, 2), W_ELOOP);
	t_eq(w_ws_ctl(a, W_WS_ADD, a, 1, 3), W_ELOOP);
	t_ok(w_ws_ctl(b, W_WS_ADD, e, 1, 4));
	t_eq(w_ws_wait(a, &ev, 1, 0), 1);
	t_ok(w_handle_close(e));
	t_ok(w_handle_close(b));
	t_ok(w_handle_close(a));
}

TEST(timer_set, fires_and_counts)
{
	w_handle_t t = w_timer_create(), ws = w_ws_create();
	struct w_event ev;

	t_ok(w_ws_ctl(ws, W_WS_ADD, t, 1, 1));
	t_ok(w_timer_set(t, rt_now() + 1000000, 0));
	t_eq(w_ws_wait(ws, &ev, 1, rt_now() + 2000000000ull), 1);
	t_eq(w_timer_read(t), 1);
	t_eq(w_timer_read(t), 0);
	t_ok(w_timer_set(t, rt_now() + 60000000000ull, 0));
	t_ok(w_timer_set(t, 0, 0));
	t_ok(w_handle_close(t));
	t_ok(w_handle_close(ws));
}

TEST(futex_wait, checks_word_and_time) /* covers: FAULT AGAIN TIMEDOUT INVAL */
{
	static uint32_t w = 5;

	t_eq(w_futex_wait(&w, 4, W_FOREVER, 1), W_EAGAIN);
	t_eq(w_futex_wait(&w, 5, rt_now() + 1000000, 1), W_ETIMEDOUT);
	t_eq(w_futex_wait(&w, 5, 0, 0), W_EINVAL);
	t_eq(w_futex_wait((uint32_t *)((char *)&w + 1), 5, 0, 1), W_EINVAL);
	t_eq(w_futex_wait((uint32_t *)8, 5, 0, 1), W_EFAULT);
	t_eq(w_futex_wake(&w, 10, ~0u), 0);
	t_eq(w_futex_wake((uint32_t *)0xffff800000000000ull, 1, 1), W_EFAULT);
	t_eq(w_futex_requeue(&w, 1, (uint32_t *)8, 1), W_EFAULT);
}

TEST(stream_read, pipe_semantics) /* covers: AGAIN PIPE FAULT ACCES */
{
	w_handle_t h[2];
	char b[8];

	t_ok(w_stream_create(4096, W_STREAM_PIPE, h));
	t_eq(w_stream_read(h[0], b, 8, W_STREAM_NONBLOCK), W_EAGAIN);
	t_eq(w_stream_write(h[0], b, 1, 0), W_EACCES);
	t_eq(w_stream_read(h[1], b, 1, 0), W_EACCES);
	t_eq(w_stream_write(h[1], "hello", 5, 0), 5);
	t_eq(w_stream_write(h[1], (void *)8, 5, 0), W_EFAULT);
	t_eq(w_stream_ctl(h[0], W_STREAM_AVAIL, 0), 5);
	t_eq(w_stream_read(h[0], b, 2, W_STREAM_PEEK), 2);
	t_eq(w_stream_read(h[0], b, 8, 0), 5);
	t_eq(memcmp(b, "hello", 5), 0);
	t_ok(w_stream_write(h[1], "x", 1, 0));
	t_ok(w_handle_close(h[1]));
	t_eq(w_stream_read(h[0], b, 8, 0), 1);
	t_eq(w_stream_read(h[0], b, 8, 0), 0); /* end of file */
	t_ok(w_handle_close(h[0]));
	t_ok(w_stream_create(4096, W_STREAM_PIPE, h));
	t_ok(w_handle_close(h[0]));
	t_eq(w_stream_write(h[1], b, 1, 0), W_EPIPE);
	t_ok(w_handle_close(h[1]));
	t_eq(w_stream_create(1 << 30, 0, h), W_EINVAL);
	t_eq(w_stream_create(4096, 0, (void *)8), W_EFAULT);
}

TEST(stream_ctl, reset_and_shutdown) /* covers: CONNRESET INVAL */
{
	w_handle_t h[2];
	char b[8];

	t_ok(w_stream_create(4096, 0, h));
	t_ok(w_stream_ctl(h[0], W_STREAM_SHUT_WR, 0));
	t_eq(w_stream_read(h[1], b, 1, 0), 0);
	t_eq(w_stream_write(h[0], b, 1, 0), W_EPIPE);
	t_eq(w_stream_write(h[1], b, 1, 0), 1);
	t_ok(w_stream_ctl(h[1], W_STREAM_RESET, 0));
	t_eq(w_stream_read(h[0], b, 8, 0), 1);
	t_eq(w_stream_read(h[0], b, 8, 0), W_ECONNRESET);
	t_eq(w_stream_ctl(h[0], 99, 0), W_EINVAL);
	t_ok(w_handle_close(h[0]));
	t_ok(w_handle_close(h[1]));
}
