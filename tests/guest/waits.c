// SPDX-License-Identifier: MIT
/* A second thread in each waiting call: kicked it hears INTR; and calls that a server
 * answers badly. */
#include "t.h"

static char stack[16384] __attribute__((aligned(16)));
static w_handle_t h[2];
static struct w_msg m;
static struct w_event ev;
static char buf[8192];
static uint32_t word;

static int64_t start(void (*fn)(uint64_t))
{
	struct w_thread_args a = {.rip = (uint64_t)fn, .rsp = (uint64_t)stack + sizeof(stack) - 8};

	return w_thread_create(0, &a);
}

static bool ended(w_handle_t t)
{
	struct w_obj_info i;

	t_ok(w_obj_info(t, &i));
	return i.signals & W_ENDED;
}

/* Kicks before the thread waits are lost to it, so kick until it has gone. */
static void kick_until_gone(void (*fn)(uint64_t))
{
	int64_t t = start(fn);

	t_ok(t);
	while (!ended(t)) {
		t_ok(w_thread_kick(t));
		w_thread_yield();
	}
	t_ok(w_handle_close(t));
}

static void in_recv(uint64_t arg)
{
	(void)arg;
	t_eq(w_port_recv(h[0], &m, W_FOREVER), W_EINTR);
	w_thread_exit(NULL, 0, 0);
}

static void in_call(uint64_t arg)
{
	(void)arg;
	t_eq(w_chan_call(h[1], &m), W_EINTR);
	w_thread_exit(NULL, 0, 0);
}

static void in_set(uint64_t arg)
{
	(void)arg;
	t_eq(w_ws_wait(h[0], &ev, 1, W_FOREVER), W_EINTR);
	w_thread_exit(NULL, 0, 0);
}

static void in_serve(uint64_t arg)
{
	static struct w_serve s = {.deadline = W_FOREVER};

	(void)arg;
	t_eq(w_ws_serve(h[0], &s), W_EINTR);
	w_thread_exit(NULL, 0, 0);
}

static void in_futex(uint64_t arg)
{
	(void)arg;
	t_eq(w_futex_wait(&word, 0, W_FOREVER, 1), W_EINTR);
	w_thread_exit(NULL, 0, 0);
}

static void in_read(uint64_t arg)
{
	(void)arg;
	t_eq(w_stream_read(h[0], buf, 1, 0), W_EINTR);
	w_thread_exit(NULL, 0, 0);
}

static void in_write(uint64_t arg)
{
	(void)arg;
	t_eq(w_stream_write(h[1], buf, 1, 0), W_EINTR);
	w_thread_exit(NULL, 0, 0);
}

TEST(thread_kick, ends_every_wait)
{
	h[0] = w_port_create(2);
	h[1] = w_chan_mint(h[0], 1);
	m = (struct w_msg){0};
	kick_until_gone(in_recv);
	kick_until_gone(in_call);
	t_eq(w_port_recv(h[0], &m, 0), W_EAGAIN); /* its call went with it */
	t_ok(w_handle_close(h[1]));
	t_ok(w_handle_close(h[0]));
	h[0] = w_ws_create();
	kick_until_gone(in_set);
	kick_until_gone(in_serve);
	t_ok(w_handle_close(h[0]));
	kick_until_gone(in_futex);
	t_eq(w_futex_wake(&word, 1, 1), 0);
	t_ok(w_stream_create(4096, W_STREAM_PIPE, h));
	kick_until_gone(in_read);
	t_eq(w_stream_write(h[1], buf, sizeof(buf), 0), 4096);
	t_eq(w_stream_write(h[1], buf, 1, W_STREAM_NONBLOCK), W_EAGAIN);
	kick_until_gone(in_write);
	t_eq(w_stream_read(h[0], (void *)8, 1, 0), W_EFAULT);
	t_ok(w_handle_close(h[0]));
	t_ok(w_handle_close(h[1]));
}

static void ask(uint64_t arg)
{
	struct w_msg q = {.in = (uint64_t) "abcd", .in_len = 4};

	(void)arg;
	t_eq(w_chan_call(h[1], &q), 42);
	w_thread_exit(NULL, 0, 0);
}

TEST(msg_copy, stays_in_what_the_caller_lent)
{
	w_handle_t t;
	struct w_msg q = {0};
	char b[8];

	h[0] = w_port_create(2);
	h[1] = w_chan_mint(h[0], 1);
	t = start(ask);
	t_ok(w_port_recv(h[0], &q, W_FOREVER));
	t_ok(w_msg_copy(h[0], q.txn, 1, b, 3, 0));
	t_eq(memcmp(b, "bcd", 3), 0);
	t_eq(w_msg_copy(h[0], q.txn, 1, b, 4, 0), W_ERANGE);
	t_eq(w_msg_copy(h[0], q.txn, ~0ull, b, 2, 0), W_ERANGE);
	t_eq(w_msg_copy(h[0], q.txn, 0, b, 1, 1), W_ERANGE);
	t_eq(w_msg_copy(h[0], q.txn, 0, b, 1, 2), W_ERANGE);
	t_eq(w_msg_copy(h[0], q.txn, 0, (void *)8, 1, 0), W_EFAULT);
	q.nh = W_MSG_HANDLES + 1;
	t_eq(w_port_reply(h[0], &q), W_EINVAL); /* and the caller still waits */
	q.nh = 0;
	q.in_len = 0;
	q.status = 42;
	t_ok(w_port_reply(h[0], &q));
	while (!ended(t))
		w_thread_yield();
	t_ok(w_handle_close(t));
	q.nh = W_MSG_HANDLES + 1;
	t_eq(w_chan_call(h[1], &q), W_EINVAL);
	t_ok(w_handle_close(h[1]));
	t_ok(w_handle_close(h[0]));
}

TEST(thread_set, odd_arguments_are_named)
{
	struct w_thread_args a = {.rip = 0x400000, .flags = W_THREAD_HOLD};
	w_handle_t proc = w_proc_create("t", 1, 0, 1), t = w_thread_create(proc, &a);
	w_handle_t none = w_handle_dup(t, 0), ws = w_ws_create(), e = w_event_create(0), p;

	t_eq(w_thread_start(none), W_EACCES);
	t_eq(w_thread_kick(none), W_EACCES);
	t_ok(w_handle_close(none));
	t_eq(w_thread_set(W_THREAD_TCB, 0x100000000000ull), W_EFAULT);
	t_eq(w_futex_wake((uint32_t *)((char *)&word + 2), 1, 1), W_EINVAL);
	t_eq(w_futex_requeue((uint32_t *)((char *)&word + 2), 1, &word, 1), W_EINVAL);
	t_ok(w_ws_ctl(ws, W_WS_ADD, e, 1, 1));
	t_eq(w_ws_ctl(ws, 99, e, 1, 1), W_EINVAL);
	p = w_ioport_create(W_H_IOROOT, 0x80, 4);
	t_eq(w_ioport_out(p, 0, 3, 0), W_EINVAL);
	t_ok(w_handle_close(p));
	t_ok(w_handle_close(ws));
	t_ok(w_handle_close(e));
	t_ok(w_proc_kill(proc, 0));
	t_ok(w_handle_close(t));
	t_ok(w_handle_close(proc));
}
