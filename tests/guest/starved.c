// SPDX-License-Identifier: MIT
/* No memory: every call that allocates says NOMEM at each allocation that can fail, and
 * what it had made by then is gone again (the runner counts the kernel's objects). */
#include "t.h"

/* Leave the account room for so many bytes more.  Each entry into the kernel frees a part
 * of the address spaces that have ended: first wait until none is left. */
static void leave(uint64_t bytes)
{
	struct w_quota q = {0};
	uint64_t was;
	int same;

	for (same = 0; same < 4; same = q.used == was ? same + 1 : 0) {
		was = q.used;
		t_ok(w_proc_quota(0, W_QUOTA_KEEP, &q));
	}
	t_ok(w_proc_quota(0, q.used + bytes, NULL));
}

static void leave_all(void)
{
	t_ok(w_proc_quota(0, 0, NULL));
}

/* The call with room for nothing, then for a little more each time until it works: so
 * each allocation in it is the one that fails once.  r is what it returned in the end. */
#define MORE 32
#define ENOUGH (256ul << 10)
#define t_starved(call)                                                   \
	({                                                                \
		int64_t r_ = W_ENOMEM;                                    \
		uint64_t n_;                                              \
		leave(0);                                                 \
		t_eq(call, W_ENOMEM);                                     \
		for (n_ = 1; r_ == W_ENOMEM && n_ < ENOUGH; n_ += MORE) { \
			leave(n_);                                        \
			r_ = (call);                                      \
		}                                                         \
		leave_all();                                              \
		t_ok(r_);                                                 \
		r_;                                                       \
	})

static volatile char big[256 * W_PAGE];
static char stack[2][4096];

static void touch_all(uint64_t arg)
{
	size_t i;

	(void)arg;
	for (i = 0; i < sizeof(big); i += W_PAGE)
		big[i] = 1;
	w_proc_kill(0, 0);
}

static int64_t clone(void (*fn)(uint64_t))
{
	return w_proc_clone((uint64_t)fn, (uint64_t)stack[0] + 4000, 0);
}

static void close(int64_t h)
{
	t_ok(w_handle_close(h));
}

/* Let the clone run, with what room is left for it. */
static void ends_with(int64_t c, uint64_t status)
{
	uint64_t got;

	t_ok(w_proc_stop(c, 0));
	got = t_wait_end(c);
	leave_all();
	t_eq(got, status);
	close(c);
}

TEST(proc_quota, counts_and_binds)
{
	struct w_quota before, after, q;
	int64_t m, p;

	t_ok(w_proc_quota(0, W_QUOTA_KEEP, &before));
	m = w_mem_create(8 * W_PAGE, 0);
	t_ok(w_mem_rw(m, 0, &q, sizeof(q), 1));
	t_ok(w_proc_quota(0, W_QUOTA_KEEP, &after));
	t_eq(after.used >= before.used + W_PAGE, 1);
	close(m);
	t_ok(w_proc_quota(0, W_QUOTA_KEEP, &after));
	t_eq(after.used, before.used);
	p = w_proc_create("t", 1, 4, 1);
	t_ok(w_proc_quota(p, W_QUOTA_KEEP, &q));
	t_eq(q.limit, 4 * W_PAGE);
	t_eq(q.hard, 4 * W_PAGE);
	t_ok(w_proc_quota(p, W_PAGE, NULL));
	t_eq(w_proc_quota(p, 5 * W_PAGE, NULL), W_EINVAL);
	t_eq(w_proc_quota(p, 0, NULL), W_EINVAL);
	t_eq(w_proc_quota(p, W_PAGE, (void *)8), W_EFAULT);
	close(p);
}

/* Parent and clone pay from one account: the clone touches more than is left and ends. */
TEST(proc_quota, binds_clones_together)
{
	int64_t c = clone(touch_all);

	t_ok(c);
	leave(64 * W_PAGE);
	ends_with(c, 9);
	c = clone(touch_all);
	ends_with(c, 0);
}

TEST(memory, calls_without_room)
{
	struct w_map_args map = {.flags = W_PROT_READ, .len = 4 * W_PAGE};
	int64_t m, s, va, to;
	char c = 1;

	m = t_starved(w_mem_create(64 * W_PAGE, 0));
	t_starved(w_mem_rw(m, 0, &c, 1, 1));
	t_ok(w_mem_content(m, 64 * W_PAGE));
	t_starved(w_mem_read(m, 40 * W_PAGE, &c, 1));
	t_starved(w_mem_rw(m, 5000 * W_PAGE % (64 * W_PAGE), &c, 1, 0));
	s = t_starved(w_mem_slice(m, 0, W_PAGE));
	close(s);
	close(m);
	close(t_starved(w_mem_create(W_PAGE, W_MEM_CONTIG)));
	map.flags |= W_PROT_WRITE;
	va = w_as_map(0, &map);
	t_starved(w_dma_addr(W_H_IOROOT, va, 1));
	t_ok(w_as_unmap(0, va, map.len));
	map.flags = W_PROT_READ;
	close(t_starved(w_mmio_create(W_H_IOROOT, 0xfee00000, W_PAGE)));
	close(t_starved(w_ioport_create(W_H_IOROOT, 0x80, 1)));
	va = t_starved(w_as_map(0, &map));
	t_starved(w_as_protect(0, va + W_PAGE, W_PAGE, W_PROT_READ | W_PROT_WRITE));
	t_starved(w_as_unmap(0, va + 2 * W_PAGE, W_PAGE));
	to = t_starved(w_as_move(va, W_PAGE, 0));
	t_ok(w_as_unmap(0, va, 4 * W_PAGE));
	t_ok(w_as_unmap(0, to, W_PAGE));
}

TEST(objects, calls_without_room)
{
	w_handle_t port, two[2], ws, e, ch;
	struct w_msi msi;
	struct w_msg m = {.op = 1};

	port = t_starved(w_port_create(4));
	ch = t_starved(w_chan_mint(port, 1));
	t_starved(w_chan_send(ch, &m));
	close(ch);
	t_ok(w_port_recv(port, &m, 0));
	t_ok(w_port_recv(port, &m, 0)); /* the closing of ch */
	t_eq(w_port_recv(port, &m, 0), W_EAGAIN);
	ws = t_starved(w_ws_create());
	e = t_starved(w_event_create(0));
	t_starved(w_ws_ctl(ws, W_WS_ADD, e, 1, 1));
	close(e);
	close(ws);
	close(port);
	close(t_starved(w_timer_create()));
	t_starved(w_stream_create(4096, 0, two));
	close(two[0]);
	close(two[1]);
	close(t_starved(w_irq_create(W_H_IOROOT, W_IRQ_MSI, 0, &msi)));
}

#define FAR 0x200000000000ull

static void touch_far(uint64_t arg)
{
	(void)arg;
	*(volatile char *)FAR = 1;
	w_proc_kill(0, 0);
}

TEST(processes, calls_without_room)
{
	struct w_thread_args args = {.rip = 0x400000, .flags = W_THREAD_HOLD};
	struct w_map_args map = {
		.flags = W_PROT_READ | W_PROT_WRITE | W_MAP_FIXED, .va = FAR, .len = W_PAGE};
	int64_t p, c, q;
	char word[8];

	p = t_starved(w_proc_create("t", 1, 0, 1));
	q = t_starved(w_thread_create(p, &args));
	c = w_event_create(0);
	t_starved(w_proc_give(p, c, 3000)); /* its table has to grow */
	t_ok(w_proc_kill(p, 0));
	close(q);
	close(p);

	p = w_proc_create("p", 1, 0, 1);
	q = w_proc_create("q", 1, 0, 1);
	t_ok(w_proc_give(p, w_event_create(0), 3000));
	t_starved(w_proc_inherit(q, p, 3000));
	close(p);

	t_ok(w_as_map(q, &map)); /* nobody has touched it */
	t_starved(w_as_read(q, FAR, word, 8));
	close(q);
}

/* Not until it works: after that the first write to our own stack takes a page. */
TEST(proc_clone, without_room)
{
	struct w_quota before, after;
	uint64_t n, most;
	int64_t c;

	t_ok(w_proc_quota(0, W_QUOTA_KEEP, &before));
	c = clone(touch_all);
	t_ok(w_proc_quota(0, W_QUOTA_KEEP, &after));
	t_ok(w_proc_kill(c, 0));
	close(c);
	most = after.used - before.used - 8 * W_PAGE; /* less what we have written since */
	t_eq(most < ENOUGH, 1);
	for (n = 0; n < most; n += MORE) {
		leave(n);
		t_eq(w_proc_clone((uint64_t)touch_all, (uint64_t)stack[0] + 4000, 0), W_ENOMEM);
	}
	leave_all();
}

/* A fault without room ends who asked for the page, with the signal of the OOM killer. */
TEST(proc_quota, a_fault_without_room_ends_the_process)
{
	struct w_map_args map = {
		.flags = W_PROT_READ | W_PROT_WRITE | W_MAP_FIXED, .va = FAR, .len = W_PAGE};
	int64_t c;
	int n;

	t_ok(w_as_map(0, &map));
	for (n = 0; n < 16; n++) { /* tables of three levels and the page: each fails once */
		c = clone(touch_far);
		t_ok(c);
		leave(n * 1024);
		ends_with(c, 9);
	}
	t_ok(w_as_unmap(0, FAR, W_PAGE));
}

/* ---- what the receiver of a message has no room for is the sender's error ---- */

static void refused(uint64_t chan)
{
	struct w_msg m = {.op = 1};

	t_eq(w_chan_call(chan, &m), W_ENOMEM);
	w_thread_exit(NULL, 0, 0);
}

TEST(chan_call, refused_when_the_server_has_no_room)
{
	w_handle_t port = w_port_create(4), ch = w_chan_mint(port, 1);
	struct w_thread_args a = {
		.rip = (uint64_t)refused, .rsp = (uint64_t)stack[1] + 4088, .arg = ch};
	struct w_msg m = {0};
	struct w_obj_info i;
	int64_t t = w_thread_create(0, &a);

	t_ok(t);
	do {
		w_thread_yield();
		t_ok(w_obj_info(port, &i));
	} while (!(i.signals & W_READABLE));
	leave(0);
	t_eq(w_port_recv(port, &m, 0), W_EAGAIN);
	leave_all();
	t_wait_end(t);
	close(t);
	close(ch);
	close(port);
}

static w_handle_t full_chan;

/* In a clone, so that its table of handles is not the server's. */
static void call_with_full_table(uint64_t arg)
{
	struct w_msg m = {.op = 1};
	int64_t e = w_event_create(0);

	(void)arg;
	while (w_handle_dup(e, W_ALL) >= 0)
		;
	t_eq(w_chan_call(full_chan, &m), W_EMFILE);
	w_proc_kill(0, w_chan_call(full_chan, &m) == W_EMFILE ? 42 : 1);
}

TEST(chan_call, an_answer_whose_handles_do_not_fit)
{
	w_handle_t port = w_port_create(4);
	struct w_msg m = {0};
	int64_t c;
	int n;

	full_chan = w_chan_mint(port, 1);
	c = clone(call_with_full_table);
	t_ok(c);
	t_ok(w_proc_stop(c, 0));
	for (n = 0; n < 2; n++) {
		t_ok(w_port_recv(port, &m, W_FOREVER));
		m.nh = 1;
		m.h[0] = w_event_create(0);
		t_eq(w_port_reply(port, &m), W_ENOENT);
	}
	t_eq(t_wait_end(c), 42);
	close(c);
	close(full_chan);
	close(port);
}
