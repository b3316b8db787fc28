// SPDX-License-Identifier: MIT
/* proc_clone with memory that is not copied but the caller's own: what vfork stands on. */
#include "t.h"

#define SHARED (255 * (512ull << 30)) /* our text and data are below, our stack above */
#define FAR 0x200000000000ull	      /* in a part of the address space that has no tables yet */

static volatile uint32_t word, gate;
static char stack[2][4096] __attribute__((aligned(16)));

static int64_t clone(void (*fn)(uint64_t), int which, uint64_t share)
{
	return w_proc_clone((uint64_t)fn, (uint64_t)stack[which] + 4000, share);
}

static void until(volatile uint32_t *w, uint32_t value)
{
	while (*w != value)
		w_thread_yield();
}

static void write_and_leave(uint64_t arg)
{
	struct w_map_args a = {
		.va = FAR, .len = W_PAGE, .flags = W_PROT_READ | W_PROT_WRITE | W_MAP_FIXED};

	(void)arg;
	if (w_as_map(0, &a) >= 0)
		*(volatile uint32_t *)FAR = 77;
	word = 1;
	until(&gate, 1);
	w_as_detach(); /* our text is gone with it: a fault */
}

TEST(proc_clone, shared_memory_is_one_until_the_child_detaches)
{
	struct w_obj_info i;
	int64_t c;

	word = gate = 0;
	c = clone(write_and_leave, 0, SHARED);
	t_ok(c);
	t_ok(w_proc_stop(c, 0));
	until(&word, 1);
	t_eq(*(volatile uint32_t *)FAR, 77); /* it mapped what we see */
	t_ok(w_as_unmap(0, FAR, W_PAGE));
	gate = 1;
	t_wait_end(c);
	w_obj_info(c, &i);
	t_eq(i.status, 11);
	t_eq(word, 1);
	t_ok(w_handle_close(c));
}

TEST(proc_clone, what_is_shared_is_whole_tables) /* covers: INVAL */
{
	t_eq(w_proc_clone((uint64_t)write_and_leave, 0, W_PAGE), W_EINVAL);
	t_eq(w_proc_clone((uint64_t)write_and_leave, 0, 1ull << 47), W_EINVAL);
}

TEST(as_detach, only_who_shares) /* covers: INVAL */
{
	t_eq(w_as_detach(), W_EINVAL);
}

static void wake_parent(uint64_t arg)
{
	(void)arg;
	while (w_futex_wake((void *)&word, 1, ~0u) != 1)
		w_thread_yield();
	w_proc_kill(0, 5);
}

TEST(futex_wait, a_word_that_two_processes_share)
{
	int64_t c;

	word = 0;
	c = clone(wake_parent, 0, SHARED);
	t_ok(c);
	t_ok(w_proc_stop(c, 0));
	t_ok(w_futex_wait((void *)&word, 0, W_FOREVER, ~0u));
	t_wait_end(c);
	t_ok(w_handle_close(c));
}

static void end_later(uint64_t arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 200; i++)
		w_thread_yield();
	word = 2;
	w_proc_kill(0, 0);
}

TEST(as_detach, waits_until_nobody_shares_ours)
{
	int64_t c;

	word = 0;
	c = clone(end_later, 0, SHARED);
	t_ok(c);
	t_ok(w_proc_stop(c, 0));
	t_eq(w_as_detach(), W_EINVAL);
	t_eq(word, 2);
	t_wait_end(c);
	t_ok(w_handle_close(c));
}

static void write_copy(uint64_t arg)
{
	(void)arg;
	word = 9; /* in our copy */
	w_proc_kill(0, word == 9 ? 21 : 0);
}

static void clone_again(uint64_t arg)
{
	struct w_obj_info i = {0};
	int64_t g = clone(write_copy, 1, 0);

	(void)arg;
	w_proc_stop(g, 0);
	while (!(i.signals & W_ENDED)) {
		w_thread_yield();
		w_obj_info(g, &i);
	}
	gate = i.status;
	w_proc_kill(0, 0);
}

TEST(proc_clone, a_clone_of_who_shares_copies_all)
{
	int64_t c;

	word = 3;
	gate = 0;
	c = clone(clone_again, 0, SHARED);
	t_ok(c);
	t_ok(w_proc_stop(c, 0));
	t_wait_end(c);
	t_eq(gate, 21);
	t_eq(word, 3);
	t_ok(w_handle_close(c));
}

static void say_later(uint64_t event)
{
	int i;

	for (i = 0; i < 200; i++)
		w_thread_yield();
	word = 4; /* its lender has ended by now */
	w_event_set(gate, word == 4 ? W_READABLE : 0, 0);
	w_proc_kill(0, 0);
	(void)event;
}

static void lend_and_end(uint64_t arg)
{
	int64_t c = clone(say_later, 1, SHARED);

	(void)arg;
	w_proc_kill(0, w_proc_stop(c, 0) == 0);
}

TEST(proc_clone, memory_outlives_who_lent_it)
{
	struct w_obj_info i = {0};
	int64_t c;

	gate = w_event_create(0);
	c = clone(lend_and_end, 0, 0);
	t_ok(c);
	t_ok(w_proc_stop(c, 0));
	t_eq(t_wait_end(c), 1);
	t_ok(w_handle_close(c));
	while (!(i.signals & W_READABLE)) {
		w_thread_yield();
		t_ok(w_obj_info(gate, &i));
	}
	while (i.handles > 1) { /* the clone's */
		w_thread_yield();
		t_ok(w_obj_info(gate, &i));
	}
	t_ok(w_handle_close(gate));
}
