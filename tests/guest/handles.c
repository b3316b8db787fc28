// SPDX-License-Identifier: MIT
#include "t.h"

TEST(handle_close, needs_a_handle) /* covers: BADH */
{
	t_eq(w_handle_close(BAD_HANDLE), W_EBADH);
	t_eq(w_handle_close(0), W_EBADH);
	t_eq(w_handle_close(~0u), W_EBADH);
}

TEST(handle_close_all, closes_what_is_there) /* covers: BADH */
{
	w_handle_t a = w_event_create(0), b = w_event_create(0), c = w_event_create(0);

	t_ok(w_handle_close_all(0, 0, 0));
	t_ok(w_handle_close_all(a, 0, b));
	t_eq(w_handle_close_all(BAD_HANDLE, c, 0), W_EBADH); /* and c is closed */
	t_eq(w_handle_close(c), W_EBADH);
	t_eq(w_handle_close_all(a, b, c), W_EBADH);
}

TEST(handle_dup, only_narrows_rights) /* covers: BADH ACCES */
{
	w_handle_t e = w_event_create(0);
	int64_t d = w_handle_dup(e, W_READ | W_DUP);

	t_ok(d);
	t_eq(w_handle_dup(d, W_ALL), W_EACCES);
	t_eq(w_event_set(d, 1, 0), W_EACCES);
	t_eq(w_handle_dup(BAD_HANDLE, 0), W_EBADH);
	t_ok(w_handle_close(d));
	d = w_handle_dup(e, W_WRITE);
	t_eq(w_handle_dup(d, W_WRITE), W_EACCES); /* not duplicable */
	t_ok(w_handle_close(d));
	t_ok(w_handle_close(e));
}

TEST(handle_dup, table_has_an_end) /* covers: MFILE */
{
	static w_handle_t h[CONFIG_MAX_HANDLES];
	w_handle_t e = w_event_create(0);
	int64_t r = 0;
	int n = 0, i;

	while (n < CONFIG_MAX_HANDLES && (r = w_handle_dup(e, W_ALL)) > 0)
		h[n++] = r;
	t_eq(r, W_EMFILE);
	t_eq(w_event_create(0), W_EMFILE);
	for (i = 0; i < n; i++)
		t_ok(w_handle_close(h[i]));
	t_ok(w_handle_close(e));
}

TEST(obj_info, checks_its_pointer) /* covers: BADH FAULT */
{
	void *bad[] = {BAD_POINTERS};
	struct w_obj_info i;
	size_t k;

	for (k = 0; k < 3; k++)
		t_eq(w_obj_info(0, bad[k]), W_EFAULT);
	t_eq(w_obj_info(BAD_HANDLE, &i), W_EBADH);
	t_ok(w_obj_info(0, &i));
	t_eq(i.type, W_T_PROCESS);
}

TEST(debug_write, refuses_bad_bytes) /* covers: FAULT INVAL */
{
	t_eq(w_debug_write((void *)8, 1), W_EFAULT);
	t_eq(w_debug_write("x", 5000), W_EINVAL);
	t_eq(w_debug_write((void *)0xffffffff80100000ull, 16), W_EFAULT);
}

TEST(sys_info, knows_what_it_is_asked) /* covers: INVAL FAULT */
{
	struct w_sys_stat s;

	t_eq(w_sys_info(999, 0, &s, sizeof(s)), W_EINVAL);
	t_eq(w_sys_info(W_SYS_STAT, 0, (void *)8, sizeof(s)), W_EFAULT);
	t_eq(w_sys_info(W_SYS_STAT, 0, &s, sizeof(s)), sizeof(s));
}

TEST(sys_random, fills_and_differs) /* covers: FAULT INVAL */
{
	uint64_t a[4] = {0}, b[4] = {0};

	t_eq(w_sys_random(a, sizeof(a)), sizeof(a));
	t_eq(w_sys_random(b, sizeof(b)), sizeof(b));
	t_eq(memcmp(a, b, sizeof(a)) != 0, 1);
	t_eq(w_sys_random((void *)8, 8), W_EFAULT);
	t_eq(w_sys_random(a, 5000), W_EINVAL);
}

TEST(calls, unknown_numbers_are_refused)
{
	int64_t r;

	__asm__ volatile("syscall" : "=a"(r) : "0"(9999l) : "rcx", "r11", "memory");
	t_eq(r, W_ENOSYS);
	__asm__ volatile("syscall" : "=a"(r) : "0"(-1l) : "rcx", "r11", "memory");
	t_eq(r, W_ENOSYS);
}

TEST(calls, every_handle_argument_is_checked_for_type) /* covers: TYPE BADH */
{
	w_handle_t e = w_event_create(0);
	struct w_msg m = {0};
	struct w_event ev;

	t_eq(w_mem_resize(e, 0), W_ETYPE);
	t_eq(w_mem_rw(e, 0, &m, 8, 0), W_ETYPE);
	t_eq(w_mem_slice(e, 0, 4096), W_ETYPE);
	t_eq(w_mem_paddr(e, 0), W_ETYPE);
	t_eq(w_proc_kill(e, 0), W_ETYPE);
	t_eq(w_proc_kick(e), W_ETYPE);
	t_eq(w_proc_stop(e, 1), W_ETYPE);
	t_eq(w_thread_start(e), W_ETYPE);
	t_eq(w_thread_kick(e), W_ETYPE);
	t_eq(w_chan_mint(e, 0), W_ETYPE);
	t_eq(w_chan_call(e, &m), W_ETYPE);
	t_eq(w_chan_send(e, &m), W_ETYPE);
	t_eq(w_port_recv(e, &m, 0), W_ETYPE);
	t_eq(w_port_reply(e, &m), W_ETYPE);
	t_eq(w_msg_copy(e, 0, 0, &m, 1, 0), W_ETYPE);
	t_eq(w_ws_wait(e, &ev, 1, 0), W_ETYPE);
	t_eq(w_timer_set(e, 0, 0), W_ETYPE);
	t_eq(w_timer_read(e), W_ETYPE);
	t_eq(w_stream_read(e, &m, 1, 0), W_ETYPE);
	t_eq(w_stream_write(e, &m, 1, 0), W_ETYPE);
	t_eq(w_stream_ctl(e, 0, 0), W_ETYPE);
	t_eq(w_irq_ack(e), W_ETYPE);
	t_eq(w_ioport_in(e, 0, 1), W_ETYPE);
	t_eq(w_ioport_out(e, 0, 1, 0), W_ETYPE);
	t_eq(w_mmio_create(e, 0xfee00000, 4096), W_ETYPE);
	t_eq(w_sys_power(e, 0, 0), W_ETYPE);
	t_eq(w_event_set(BAD_HANDLE, 1, 0), W_EBADH);
	t_eq(w_chan_call(BAD_HANDLE, &m), W_EBADH);
	t_ok(w_handle_close(e));
}
