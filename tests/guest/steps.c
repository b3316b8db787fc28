// SPDX-License-Identifier: MIT
/* Calls on so much memory that the kernel does them in steps: the result is the same, and
 * other threads of the process get their turn between. */
#include "t.h"

#define PAGES 5000ul
#define LEN (PAGES * W_PAGE)
#define RW (W_PROT_READ | W_PROT_WRITE)

static char stack[2][8192] __attribute__((aligned(16)));
static volatile uint64_t turns;
static volatile bool stop;

/* Maps and unmaps all the while: waits where a call holds the mappings, and goes on. */
static void disturb(uint64_t arg)
{
	char *p;

	(void)arg;
	while (!stop) {
		p = rt_map(0, 0, W_PAGE, RW);
		if (p) {
			*p = 1;
			w_as_unmap(0, (uint64_t)p, W_PAGE);
		}
		turns++;
		w_thread_yield();
	}
	w_thread_exit(NULL, 0, 0);
}

static w_handle_t disturber(void)
{
	struct w_thread_args a = {.rip = (uint64_t)disturb,
				  .rsp = (uint64_t)stack[0] + sizeof(stack[0]) - 8};
	int64_t t;

	stop = false;
	t = w_thread_create(0, &a);
	t_ok(t);
	return t;
}

static uint64_t *filled(void)
{
	uint64_t *p = rt_map(0, 0, LEN, RW), i;

	if (!p)
		rt_die("no memory for the test");
	for (i = 0; i < PAGES; i++)
		p[i * 512] = i + 1;
	return p;
}

static uint64_t wrong(const uint64_t *p, uint64_t add)
{
	uint64_t i, n = 0;

	for (i = 0; i < PAGES; i++)
		n += p[i * 512] != (add == ~0ull ? 0 : i + add);
	return n;
}

static uint64_t resident(void *p)
{
	struct w_map_info i = {0};

	t_ok(w_as_query(0, (uint64_t)p, &i));
	return i.resident;
}

TEST(as_move, moves_what_takes_many_steps)
{
	w_handle_t t = disturber();
	uint64_t *p = filled();
	int64_t to;

	t_eq(resident(p), PAGES);
	to = w_as_move((uint64_t)p, LEN, 0);
	t_ok(to);
	t_eq(wrong((uint64_t *)to, 1), 0);
	t_eq(w_as_move((uint64_t)p, LEN, 0), W_EFAULT); /* it is gone there */
	t_ok(w_as_unmap(0, to, LEN));
	stop = true;
	t_wait_end(t);
	t_ok(w_handle_close(t));
}

TEST(as_protect, and_discard_and_map_over_many_pages)
{
	uint64_t *p = filled();
	struct w_map_args a = {.flags = RW | W_MAP_FIXED, .va = (uint64_t)p, .len = LEN};
	w_handle_t t = disturber();

	t_ok(w_as_protect(0, (uint64_t)p, LEN, W_PROT_READ));
	t_eq(w_sys_info(W_SYS_STAT, 0, p + (PAGES - 1) * 512, sizeof(struct w_sys_stat)),
	     W_EFAULT); /* to the last page */
	t_eq(wrong(p, 1), 0);
	t_ok(w_as_protect(0, (uint64_t)p, LEN, RW));
	p[0] = 1;
	t_eq(wrong(p, 1), 0);
	t_ok(w_as_discard(0, (uint64_t)p, LEN));
	t_eq(resident(p), 0);
	p[7 * 512] = 1;
	t_eq(w_as_map(0, &a), (int64_t)p);
	t_eq(wrong(p, ~0ull), 0);
	t_ok(w_as_unmap(0, (uint64_t)p, LEN));
	stop = true;
	t_wait_end(t);
	t_ok(w_handle_close(t));
}

static uint64_t *shown;
static w_handle_t child_says;

static void check_copy(uint64_t arg)
{
	(void)arg;
	w_proc_kill(0, wrong(shown, 1) ? 1 : 42);
}

static int64_t clone(void (*fn)(uint64_t))
{
	return w_proc_clone((uint64_t)fn, (uint64_t)stack[1] + sizeof(stack[1]) - 8, 0);
}

TEST(proc_clone, copies_what_takes_many_steps)
{
	w_handle_t t = disturber();
	int64_t c;
	int n;

	shown = filled();
	for (n = 0; n < 3; n++) {
		c = clone(check_copy);
		t_ok(c);
		shown[512] = 99; /* ours only */
		t_ok(w_proc_stop(c, 0));
		t_eq(t_wait_end(c), 42);
		t_ok(w_handle_close(c));
		shown[512] = 2;
	}
	stop = true;
	t_wait_end(t);
	t_ok(w_handle_close(t));
	t_ok(w_as_unmap(0, (uint64_t)shown, LEN));
}

static void clone_for_ever(uint64_t arg)
{
	int64_t c;

	(void)arg;
	t_ok(w_event_set(child_says, W_WRITABLE, 0));
	for (;;) {
		c = clone(check_copy);
		if (c >= 0) {
			w_proc_kill(c, 0);
			w_handle_close(c);
		}
		w_thread_yield();
	}
}

/* Whoever is killed in the middle of cloning leaves nothing behind: the runner counts. */
TEST(proc_clone, may_end_between_two_steps)
{
	struct w_obj_info i;
	int64_t c;
	int n, k;

	shown = filled();
	child_says = w_event_create(0);
	for (n = 0; n < 8; n++) {
		t_ok(w_event_set(child_says, 0, W_WRITABLE));
		c = clone(clone_for_ever);
		t_ok(c);
		t_ok(w_proc_stop(c, 0));
		do {
			w_thread_yield();
			t_ok(w_obj_info(child_says, &i));
		} while (!(i.signals & W_WRITABLE));
		for (k = 0; k < n * 3; k++)
			w_thread_yield();
		t_ok(w_proc_kill(c, 0));
		t_wait_end(c);
		t_ok(w_handle_close(c));
	}
	t_ok(w_handle_close(child_says));
	t_ok(w_as_unmap(0, (uint64_t)shown, LEN));
	for (k = 0; k < 100; k++) /* what has ended is freed in steps */
		w_thread_yield();
}

TEST(mem_resize, and_mem_rw_over_many_pages)
{
	w_handle_t m = w_mem_create(LEN, 0);
	uint64_t *p = filled(), *q = rt_map(0, 0, LEN, RW);
	struct w_obj_info i;

	t_eq(w_mem_rw(m, 0, p, LEN, 1), LEN);
	t_eq(w_mem_rw(m, 0, q, LEN, 0), LEN);
	t_eq(wrong(q, 1), 0);
	t_ok(w_mem_resize(m, 10 * W_PAGE));
	t_ok(w_obj_info(m, &i));
	t_eq(i.size, 10 * W_PAGE);
	t_eq(i.count, 10);
	t_ok(w_mem_resize(m, LEN));
	t_eq(w_mem_rw(m, 0, q, LEN, 0), LEN); /* what was cut off reads zero */
	t_eq(q[9 * 512], 10);
	t_eq(q[10 * 512], 0);
	t_ok(w_handle_close(m)); /* freed in steps */
	t_ok(w_as_unmap(0, (uint64_t)p, LEN));
	t_ok(w_as_unmap(0, (uint64_t)q, LEN));
}

static uint64_t *lent;

static void ask(uint64_t chan)
{
	struct w_msg m = {
		.in = (uint64_t)lent, .in_len = LEN, .out = (uint64_t)lent, .out_len = LEN};

	t_eq(w_chan_call(chan, &m), 3);
	t_eq(m.in_len, LEN);
	w_thread_exit(NULL, 0, 0);
}

TEST(port_reply, and_msg_copy_of_many_pages)
{
	w_handle_t p = w_port_create(2), c = w_chan_mint(p, 1);
	struct w_thread_args a = {
		.rip = (uint64_t)ask, .rsp = (uint64_t)stack[0] + sizeof(stack[0]) - 8, .arg = c};
	struct w_msg m = {0};
	uint64_t *mine = rt_map(0, 0, LEN, RW), i;
	int64_t t;

	lent = filled();
	t = w_thread_create(0, &a);
	t_ok(t);
	t_ok(w_port_recv(p, &m, W_FOREVER));
	t_ok(w_msg_copy(p, m.txn, 0, mine, LEN, 0));
	t_eq(wrong(mine, 1), 0);
	for (i = 0; i < PAGES; i++)
		mine[i * 512]++;
	m.in = (uint64_t)mine;
	m.in_len = LEN;
	m.status = 3;
	t_ok(w_port_reply(p, &m));
	t_wait_end(t);
	t_ok(w_handle_close(t));
	t_eq(wrong(lent, 2), 0);
	t_ok(w_handle_close(c));
	t_ok(w_handle_close(p));
	t_ok(w_as_unmap(0, (uint64_t)mine, LEN));
	t_ok(w_as_unmap(0, (uint64_t)lent, LEN));
}
