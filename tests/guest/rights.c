// SPDX-License-Identifier: MIT
/* Every call that takes a handle, with no handle, with one of another type, and with
 * one that lacks the right. */
#include "t.h"

static struct w_msg m;
static struct w_event ev;
static struct w_serve serve;
static struct w_map_args map_args = {.len = W_PAGE, .flags = W_PROT_READ};
static struct w_map_info map_info;
static struct w_thread_args thread_args = {.rip = 0x400000, .flags = W_THREAD_HOLD};
static struct w_personality pers = {
	.text_lo = 0x1000, .text_hi = 0x2000, .entry = 0x1000, .upcall = 0x1000};
static struct w_msi msi;
static char buf[16];

/* An object of each type, and a handle to it that may do nothing. */
static w_handle_t weak(int64_t h)
{
	int64_t d = w_handle_dup(h, 0);

	t_ok(h);
	t_ok(d);
	t_ok(w_handle_close(h));
	return d;
}

#define GONE BAD_HANDLE

TEST(calls, no_handle_is_an_error_everywhere)
{
	t_eq(w_mem_resize(GONE, 0), W_EBADH);
	t_eq(w_mem_rw(GONE, 0, buf, 1, 0), W_EBADH);
	t_eq(w_mem_read(GONE, 0, buf, 1), W_EBADH);
	t_eq(w_mem_content(GONE, 0), W_EBADH);
	t_eq(w_mem_slice(GONE, 0, W_PAGE), W_EBADH);
	t_eq(w_mem_paddr(GONE, 0), W_EBADH);
	t_eq(w_as_unmap(GONE, 0x100000, W_PAGE), W_EBADH);
	t_eq(w_as_protect(GONE, 0x100000, W_PAGE, 1), W_EBADH);
	t_eq(w_as_discard(GONE, 0x100000, W_PAGE), W_EBADH);
	t_eq(w_as_query(GONE, 0, &map_info), W_EBADH);
	t_eq(w_proc_kill(GONE, 0), W_EBADH);
	t_eq(w_proc_setup(GONE, &pers), W_EBADH);
	t_eq(w_proc_kick(GONE), W_EBADH);
	t_eq(w_proc_stop(GONE, 1), W_EBADH);
	t_eq(w_thread_create(GONE, &thread_args), W_EBADH);
	t_eq(w_thread_start(GONE), W_EBADH);
	t_eq(w_thread_kick(GONE), W_EBADH);
	t_eq(w_chan_mint(GONE, 0), W_EBADH);
	t_eq(w_port_recv(GONE, &m, 0), W_EBADH);
	t_eq(w_port_reply(GONE, &m), W_EBADH);
	t_eq(w_msg_copy(GONE, 0, 0, buf, 1, 0), W_EBADH);
	t_eq(w_ws_wait(GONE, &ev, 1, 0), W_EBADH);
	t_eq(w_ws_serve(GONE, &serve), W_EBADH);
	t_eq(w_timer_set(GONE, 0, 0), W_EBADH);
	t_eq(w_timer_read(GONE), W_EBADH);
	t_eq(w_stream_read(GONE, buf, 1, 0), W_EBADH);
	t_eq(w_stream_write(GONE, buf, 1, 0), W_EBADH);
	t_eq(w_stream_ctl(GONE, 1, 0), W_EBADH);
	t_eq(w_irq_create(GONE, W_IRQ_MSI, 0, &msi), W_EBADH);
	t_eq(w_irq_ack(GONE), W_EBADH);
	t_eq(w_ioport_create(GONE, 0x80, 1), W_EBADH);
	t_eq(w_ioport_in(GONE, 0, 1), W_EBADH);
	t_eq(w_ioport_out(GONE, 0, 1, 0), W_EBADH);
	t_eq(w_mmio_create(GONE, 0xfee00000, W_PAGE), W_EBADH);
	t_eq(w_sys_power(GONE, 0, 0), W_EBADH);
	t_eq(w_pci_config(GONE, 0, 0, 0, 0), W_EBADH);
	t_eq(w_as_read(GONE, 0x400000, buf, 1), W_EBADH);
	t_eq(w_proc_inherit(GONE, W_H_SELF, 1), W_EBADH);
	t_eq(w_proc_quota(GONE, 0, NULL), W_EBADH);
	t_eq(w_clock_set(GONE, 0), W_EBADH);
}

TEST(proc_inherit, gives_what_is_held_at_equal_numbers)
{
	w_handle_t a = w_proc_create("a", 1, 0, 1), b = w_proc_create("b", 1, 0, 1);
	w_handle_t e = w_event_create(0), d = w_handle_dup(e, W_ALL);
	struct w_obj_info i;

	t_eq(w_proc_inherit(a, a, 1), W_EINVAL);
	t_eq(w_proc_inherit(a, b, 0), W_EINVAL);
	t_ok(w_proc_give(a, d, 40));
	t_ok(w_proc_inherit(b, a, 41));
	t_ok(w_obj_info(e, &i));
	t_eq(i.handles, 2); /* ours and a's: it was below the first to give */
	t_ok(w_proc_inherit(b, a, 40));
	t_ok(w_obj_info(e, &i));
	t_eq(i.handles, 3);
	t_eq(w_proc_inherit(b, a, 40), W_EEXIST);
	t_ok(w_handle_close(a));
	t_ok(w_handle_close(b));
	t_ok(w_handle_close(e));
}

TEST(calls, another_type_is_an_error_everywhere)
{
	w_handle_t e = w_event_create(0), t = w_timer_create();

	t_eq(w_as_unmap(e, 0x100000, W_PAGE), W_ETYPE);
	t_eq(w_as_protect(e, 0x100000, W_PAGE, 1), W_ETYPE);
	t_eq(w_as_discard(e, 0x100000, W_PAGE), W_ETYPE);
	t_eq(w_as_query(e, 0, &map_info), W_ETYPE);
	t_eq(w_mem_read(e, 0, buf, 1), W_ETYPE);
	t_eq(w_mem_content(e, 0), W_ETYPE);
	t_eq(w_proc_setup(e, &pers), W_ETYPE);
	t_eq(w_proc_give(e, t, 5), W_ETYPE);
	t_eq(w_thread_create(e, &thread_args), W_ETYPE);
	t_eq(w_ws_ctl(e, W_WS_ADD, t, 1, 1), W_ETYPE);
	t_eq(w_event_set(t, 1, 0), W_ETYPE);
	t_eq(w_irq_create(e, W_IRQ_MSI, 0, &msi), W_ETYPE);
	t_eq(w_ioport_create(e, 0x80, 1), W_ETYPE);
	t_eq(w_pci_config(e, 0, 0, 0, 0), W_ETYPE);
	t_eq(w_as_read(e, 0x400000, buf, 1), W_ETYPE);
	t_eq(w_proc_inherit(e, e, 1), W_ETYPE);
	t_eq(w_proc_quota(e, 0, NULL), W_ETYPE);
	t_eq(w_clock_set(e, 0), W_ETYPE);
	t_ok(w_handle_close(e));
	t_ok(w_handle_close(t));
}

TEST(calls, a_right_that_is_missing_is_an_error_everywhere)
{
	w_handle_t mem = weak(w_mem_create(W_PAGE, 0)), p = weak(w_proc_create("t", 1, 0, 1));
	w_handle_t port = w_port_create(1), ch = weak(w_chan_mint(port, 0)), wp = weak(port);
	w_handle_t ws = weak(w_ws_create()), tm = weak(w_timer_create()), e = w_event_create(0);
	w_handle_t io = w_handle_dup(W_H_IOROOT, 0),
		   pt = weak(w_ioport_create(W_H_IOROOT, 0x80, 1));
	w_handle_t irq = weak(w_irq_create(W_H_IOROOT, W_IRQ_MSI, 0, &msi));

	t_eq(w_mem_resize(mem, 0), W_EACCES);
	t_eq(w_mem_slice(mem, 0, W_PAGE), W_EACCES);
	t_eq(w_mem_paddr(mem, 0), W_EACCES);
	t_eq(w_mem_read(mem, 0, buf, 1), W_EACCES);
	t_eq(w_mem_content(mem, 0), W_EACCES);
	t_eq(w_as_map(p, &map_args), W_EACCES);
	t_eq(w_proc_quota(p, 0, NULL), W_EACCES);
	t_eq(w_as_unmap(p, 0x100000, W_PAGE), W_EACCES);
	t_eq(w_as_protect(p, 0x100000, W_PAGE, 1), W_EACCES);
	t_eq(w_as_discard(p, 0x100000, W_PAGE), W_EACCES);
	t_eq(w_as_query(p, 0, &map_info), W_EACCES);
	t_eq(w_proc_kill(p, 0), W_EACCES);
	t_eq(w_proc_setup(p, &pers), W_EACCES);
	t_eq(w_proc_give(p, e, 5), W_EACCES);
	t_eq(w_proc_kick(p), W_EACCES);
	t_eq(w_proc_stop(p, 1), W_EACCES);
	t_eq(w_thread_create(p, &thread_args), W_EACCES);
	t_eq(w_chan_mint(wp, 0), W_EACCES);
	t_eq(w_chan_call(ch, &m), W_EACCES);
	t_eq(w_chan_send(ch, &m), W_EACCES);
	t_eq(w_port_recv(wp, &m, 0), W_EACCES);
	t_eq(w_port_reply(wp, &m), W_EACCES);
	t_eq(w_msg_copy(wp, 0, 0, buf, 1, 0), W_EACCES);
	t_eq(w_ws_ctl(ws, W_WS_ADD, e, 1, 1), W_EACCES);
	t_eq(w_ws_wait(ws, &ev, 1, 0), W_EACCES);
	t_eq(w_ws_serve(ws, &serve), W_EACCES);
	t_eq(w_timer_set(tm, 0, 0), W_EACCES);
	t_eq(w_timer_read(tm), W_EACCES);
	t_eq(w_irq_create(io, W_IRQ_MSI, 0, &msi), W_EACCES);
	t_eq(w_irq_ack(irq), W_EACCES);
	t_eq(w_ioport_create(io, 0x80, 1), W_EACCES);
	t_eq(w_ioport_in(pt, 0, 1), W_EACCES);
	t_eq(w_ioport_out(pt, 0, 1, 0), W_EACCES);
	t_eq(w_mmio_create(io, 0xfee00000, W_PAGE), W_EACCES);
	t_eq(w_sys_power(io, 0, 0), W_EACCES);
	t_eq(w_clock_set(io, 0), W_EACCES);
	t_eq(w_pci_config(io, 0, 0, 0, 0), W_EACCES);
	t_eq(w_as_read(p, 0x400000, buf, 1), W_EACCES);
	t_eq(w_proc_inherit(p, p, 1), W_EACCES);
	t_ok(w_handle_close(mem));
	t_ok(w_handle_close(p));
	t_ok(w_handle_close(ch));
	t_ok(w_handle_close(wp));
	t_ok(w_handle_close(ws));
	t_ok(w_handle_close(tm));
	t_ok(w_handle_close(e));
	t_ok(w_handle_close(io));
	t_ok(w_handle_close(pt));
	t_ok(w_handle_close(irq));
}
