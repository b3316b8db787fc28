// SPDX-License-Identifier: MIT
/* A full handle table: every call that makes a handle says so, and what it had made
 * by then is gone again (the runner counts the kernel's objects). */
#include "t.h"

static w_handle_t filler[CONFIG_MAX_HANDLES];
static int nfill;

static void fill(w_handle_t h)
{
	int64_t d;

	for (nfill = 0; nfill < CONFIG_MAX_HANDLES; nfill++) {
		d = w_handle_dup(h, W_ALL);
		if (d < 0)
			break;
		filler[nfill] = d;
	}
}

static void empty(void)
{
	while (nfill)
		t_ok(w_handle_close(filler[--nfill]));
}

TEST(handle_table, full_is_an_error_of_every_call_that_makes_a_handle)
{
	w_handle_t e = w_event_create(0), port = w_port_create(4), mem = w_mem_create(W_PAGE, 0);
	struct w_thread_args args = {.rip = 0x400000, .flags = W_THREAD_HOLD};
	struct w_msg m = {0};
	struct w_msi msi;
	w_handle_t two[2];

	fill(e);
	t_eq(w_handle_dup(e, W_ALL), W_EMFILE);
	t_eq(w_mem_create(W_PAGE, 0), W_EMFILE);
	t_eq(w_mem_create(W_PAGE, W_MEM_CONTIG), W_EMFILE);
	t_eq(w_mem_slice(mem, 0, W_PAGE), W_EMFILE);
	t_eq(w_proc_create("t", 1, 0, 1), W_EMFILE);
	t_eq(w_proc_clone(0x400000, 0, 0), W_EMFILE);
	t_eq(w_thread_create(0, &args), W_EMFILE);
	t_eq(w_port_create(4), W_EMFILE);
	t_eq(w_chan_mint(port, 7), W_EMFILE);
	t_eq(w_ws_create(), W_EMFILE);
	t_eq(w_event_create(0), W_EMFILE);
	t_eq(w_timer_create(), W_EMFILE);
	t_eq(w_stream_create(4096, 0, two), W_EMFILE);
	t_eq(w_irq_create(W_H_IOROOT, W_IRQ_MSI, 0, &msi), W_EMFILE);
	t_eq(w_ioport_create(W_H_IOROOT, 0x80, 1), W_EMFILE);
	t_eq(w_mmio_create(W_H_IOROOT, 0xfee00000, W_PAGE), W_EMFILE);
	t_eq(w_port_recv(port, &m, 0), W_EAGAIN); /* a channel nobody had does not close */
	empty();
	fill(e);
	t_ok(w_handle_close(filler[--nfill])); /* one free: a pair does not fit */
	t_eq(w_stream_create(4096, 0, two), W_EMFILE);
	empty();
	t_ok(w_handle_close(e));
	t_ok(w_handle_close(port));
	t_ok(w_handle_close(mem));
}

TEST(port_recv, a_message_whose_handles_do_not_fit)
{
	w_handle_t e = w_event_create(0), port = w_port_create(4), ch = w_chan_mint(port, 7);
	struct w_msg m = {.nh = 1, .h = {w_event_create(0)}};

	w_handle_t ws = w_ws_create();
	struct w_serve s = {0};

	t_ok(w_chan_send(ch, &m));
	m.h[0] = w_event_create(0);
	t_ok(w_chan_send(ch, &m));
	t_ok(w_ws_ctl(ws, W_WS_ADD, port, W_READABLE | W_WS_RECV, 1));
	fill(e);
	t_eq(w_port_recv(port, &m, 0), W_EMFILE);
	t_eq(w_ws_serve(ws, &s), W_EMFILE);
	empty();
	t_ok(w_handle_close(ws));
	t_ok(w_handle_close(ch));
	t_ok(w_handle_close(port));
	t_ok(w_handle_close(e));
}
