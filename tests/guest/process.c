// SPDX-License-Identifier: MIT
#include "t.h"

static void spin(uint64_t arg)
{
	(void)arg;
	for (;;)
		w_thread_yield();
}

TEST(proc_create, ends_with_its_last_handle) /* covers: FAULT INVAL */
{
	int64_t p = w_proc_create("t", 1, 0, 1);

	t_ok(p);
	t_ok(w_handle_close(p));
	t_eq(w_proc_create((void *)8, 4, 0, 0), W_EFAULT);
	t_eq(w_proc_create("t", 1, 0, 99), W_EINVAL);
}

TEST(thread_create, checks_its_arguments) /* covers: FAULT INVAL */
{
	struct w_thread_args a = {.rip = 0xffffffff80100000ull};

	t_eq(w_thread_create(0, &a), W_EINVAL);
	t_eq(w_thread_create(0, (void *)8), W_EFAULT);
	a.rip = 0x400000;
	a.tcb = 12345;
	t_eq(w_thread_create(0, &a), W_EINVAL);
	a.tcb = 0x100000000000ull;
	t_eq(w_thread_create(0, &a), W_EFAULT);
}

TEST(proc_kill, a_fault_ends_that_process_only)
{
	int64_t p = w_proc_create("faulty", 6, 0, 1), t;
	struct w_thread_args a = {.rip = 0x10000, .rsp = 0x20000};
	struct w_obj_info i;

	t = w_thread_create(p, &a); /* nothing is mapped there */
	t_ok(t);
	t_wait_end(p);
	w_obj_info(p, &i);
	t_eq(i.status, 11);
	t_ok(w_handle_close(t));
	t_ok(w_handle_close(p));
}

static bool log_says(const char *what)
{
	char buf[513];
	uint64_t off = 0;
	int64_t n;

	for (; (n = w_sys_info(W_SYS_LOG, off, buf, sizeof(buf) - 1)) > 0;
	     off += n > 32 ? n - 32 : n) {
		buf[n] = 0;
		if (strstr(buf, what))
			return true;
	}
	return false;
}

TEST(proc_name, is_what_the_log_says_of_it) /* covers: BADH TYPE ACCES FAULT */
{
	int64_t p = w_proc_create("before", 6, 0, 1), weak = w_handle_dup(p, W_READ);
	struct w_thread_args a = {.rip = 0x10000, .rsp = 0x20000};
	w_handle_t e = w_event_create(0);

	t_eq(w_proc_name(BAD_HANDLE, "x", 1), W_EBADH);
	t_eq(w_proc_name(e, "x", 1), W_ETYPE);
	t_eq(w_proc_name(weak, "x", 1), W_EACCES);
	t_eq(w_proc_name(p, (void *)8, 4), W_EFAULT);
	t_ok(w_proc_name(p, "a name that is too long", 23));
	t_ok(w_handle_close(w_thread_create(p, &a))); /* nothing is mapped there */
	t_wait_end(p);
	t_eq(log_says("a name that is : fault"), true);
	t_eq(log_says("before: fault"), false);
	t_ok(w_handle_close(weak));
	t_ok(w_handle_close(e));
	t_ok(w_handle_close(p));
}

TEST(proc_clone, the_child_is_a_copy_and_stays_stopped)
{
	struct w_obj_info i;
	int64_t c = w_proc_clone((uint64_t)spin, 0, 0);

	t_ok(c);
	w_obj_info(c, &i);
	t_eq(i.count, 1);
	t_eq(i.signals & W_ENDED, 0);
	t_ok(w_proc_kill(c, 3));
	t_wait_end(c);
	w_obj_info(c, &i);
	t_eq(i.status, 3);
	t_ok(w_handle_close(c));
	t_eq(w_proc_clone(0xffffffff80100000ull, 0, 0), W_EINVAL);
}

TEST(proc_give, moves_a_handle) /* covers: BADH EXIST MFILE */
{
	int64_t p = w_proc_create("t", 1, 0, 1);
	w_handle_t e = w_event_create(0);

	t_eq(w_proc_give(p, BAD_HANDLE, 5), W_EBADH);
	t_eq(w_proc_give(p, e, 5), 5);
	t_eq(w_event_set(e, 1, 0), W_EBADH);
	e = w_event_create(0);
	t_eq(w_proc_give(p, e, 5), W_EEXIST);
	t_eq(w_proc_give(p, e, 1 << 30), W_EMFILE);
	t_ok(w_handle_close(e));
	t_ok(w_handle_close(p));
}

TEST(proc_setup, text_must_hold_its_entries) /* covers: FAULT INVAL */
{
	int64_t p = w_proc_create("t", 1, 0, 0);
	struct w_personality w = {.text_lo = 0x1000, .text_hi = 0x2000, .entry = 0x3000};

	t_eq(w_proc_setup(p, &w), W_EINVAL);
	t_eq(w_proc_setup(p, (void *)8), W_EFAULT);
	t_ok(w_handle_close(p));
}

TEST(thread_kick, a_thread_that_never_waits_can_be_ended)
{
	static char stack[4096];
	struct w_thread_args a = {.rip = (uint64_t)spin, .rsp = (uint64_t)stack + 4000};
	int64_t c, t;

	(void)a;
	c = w_proc_clone((uint64_t)spin, (uint64_t)stack + 4000, 0);
	t_ok(c);
	t_ok(w_proc_stop(c, 0));
	t_ok(w_proc_kick(c));
	t = w_proc_kill(c, 9);
	t_ok(t);
	t_wait_end(c);
	t_ok(w_handle_close(c));
}

TEST(thread_set, refuses_kernel_addresses) /* covers: INVAL FAULT */
{
	t_eq(w_thread_set(W_THREAD_FS, 0xffff800000000000ull), W_EINVAL);
	t_eq(w_thread_set(W_THREAD_TCB, 0x123), W_EINVAL);
	t_eq(w_thread_set(99, 0), W_EINVAL);
}

TEST(thread_affinity, refuses_cpus_that_are_not_there) /* covers: BADH TYPE ACCES INVAL */
{
	int64_t e = w_event_create(0), p = w_proc_create("pinned", 6, 0, 0),
		weak = w_handle_dup(p, W_READ);
	struct w_obj_info all, one;

	t_ok(w_obj_info(W_H_THREAD, &all));
	t_eq(w_thread_affinity(0, 0), W_EINVAL);
	t_eq(w_thread_affinity(0, ~all.affinity), W_EINVAL);
	t_eq(w_thread_affinity(9999, 1), W_EBADH);
	t_eq(w_thread_affinity(e, 1), W_ETYPE);
	t_eq(w_thread_affinity(weak, 1), W_EACCES);
	t_ok(w_thread_affinity(p, 1)); /* it has no thread */
	t_ok(w_thread_affinity(0, 1));
	t_ok(w_obj_info(W_H_THREAD, &one));
	t_eq(one.affinity, 1);
	t_eq(w_cpu(), 0);
	t_ok(w_thread_affinity(W_H_THREAD, ~0ull));
	t_ok(w_obj_info(0, &one));
	t_eq(one.affinity, all.affinity);
	t_ok(w_handle_close(weak));
	t_ok(w_handle_close(p));
	t_ok(w_handle_close(e));
}

TEST(mem_quota, binds_the_process_that_asks)
{
	int64_t p = w_proc_create("small", 5, 4, 1);
	struct w_map_args a = {.flags = W_PROT_READ | W_PROT_WRITE | W_MAP_FIXED,
			       .va = 0x100000,
			       .len = 64 * W_PAGE};
	struct w_obj_info i;

	t_ok(w_as_map(p, &a));
	w_obj_info(p, &i);
	t_eq(i.size, 0); /* untouched: nothing is used */
	t_ok(w_handle_close(p));
}

TEST(irq_create, refuses_what_is_not_there) /* covers: INVAL FAULT BUSY */
{
	struct w_msi m;
	int64_t h;

	t_eq(w_irq_create(W_H_IOROOT, 77, 0, &m), W_EINVAL);
	t_eq(w_irq_create(W_H_IOROOT, W_IRQ_GSI, 5000, &m), W_EINVAL);
	t_eq(w_irq_create(W_H_IOROOT, W_IRQ_MSI, 0, (void *)8), W_EFAULT);
	h = w_irq_create(W_H_IOROOT, W_IRQ_MSI, 0, &m);
	t_ok(h);
	t_ok(w_irq_ack(h));
	t_ok(w_handle_close(h));
	t_eq(w_irq_create(W_H_IOROOT, W_IRQ_GSI, 4, &m), W_EBUSY); /* the console has it */
}

TEST(ioport_in, stays_in_its_range) /* covers: RANGE INVAL */
{
	int64_t p = w_ioport_create(W_H_IOROOT, 0x80, 2);

	t_ok(p);
	t_ok(w_ioport_out(p, 0, 1, 0));
	t_eq(w_ioport_in(p, 2, 1), W_ERANGE);
	t_eq(w_ioport_in(p, 0, 4), W_ERANGE);
	t_eq(w_ioport_in(p, 0, 3), W_EINVAL);
	t_eq(w_ioport_out(p, ~0u, 1, 0), W_ERANGE);
	t_eq(w_ioport_create(W_H_IOROOT, 0xffff, 2), W_EINVAL);
	t_eq(w_ioport_create(W_H_IOROOT, 0, 0), W_EINVAL);
	t_ok(w_handle_close(p));
}

TEST(pci_config, refuses_what_is_no_register) /* covers: INVAL */
{
	t_eq(w_pci_config(W_H_IOROOT, 1 << 16, 0, 0, 0), W_EINVAL);
	t_eq(w_pci_config(W_H_IOROOT, 0, 2, 0, 0), W_EINVAL);
	t_eq(w_pci_config(W_H_IOROOT, 0, 256, 0, 0), W_EINVAL);
	t_eq(w_pci_config(W_H_IOROOT, 0, 0, 2, 0), W_EINVAL);
}

TEST(sys_power, refuses_nonsense) /* covers: INVAL */
{
	t_eq(w_sys_power(W_H_IOROOT, 5, 0), W_EINVAL);
	t_eq(w_sys_power(W_H_IOROOT, 0, 1000), W_EINVAL);
}

TEST(clock_set, moves_the_wall_clock_only)
{
	uint64_t wall = rt_wall(), now = rt_now();

	t_ok(w_clock_set(W_H_IOROOT, wall + 1000000000000ull));
	t_eq(rt_wall() - wall >= 1000000000000ull, true);
	t_eq(rt_now() - now < 1000000000000ull, true);
	t_ok(w_clock_set(W_H_IOROOT, wall));
}

TEST(thread_sched, more_than_before_needs_the_root) /* covers: BADH TYPE ACCES INVAL */
{
	w_handle_t e = w_event_create(0), p = w_proc_create("p", 1, 0, 1);
	w_handle_t weak = w_handle_dup(p, W_READ), io = w_handle_dup(W_H_IOROOT, W_READ);

	t_ok(w_thread_sched(0, W_SCHED_FIFO, 99, W_H_IOROOT));
	t_eq(w_thread_sched(0, W_SCHED_FIFO, 1, 0), W_EACCES);
	t_ok(w_thread_sched(W_H_THREAD, W_SCHED_OTHER, 3, 0)); /* less is free */
	t_eq(w_thread_sched(0, W_SCHED_OTHER, 2, 0), W_EACCES);
	t_ok(w_thread_sched(0, W_SCHED_OTHER, 0, W_H_IOROOT));
	t_ok(w_thread_sched(p, W_SCHED_RR | W_SCHED_ALL, 1, 0)); /* it has no thread */
	t_eq(w_thread_sched(0, W_SCHED_FIFO, 0, W_H_IOROOT), W_EINVAL);
	t_eq(w_thread_sched(0, W_SCHED_RR, 100, W_H_IOROOT), W_EINVAL);
	t_eq(w_thread_sched(0, W_SCHED_OTHER, 20, W_H_IOROOT), W_EINVAL);
	t_eq(w_thread_sched(0, W_SCHED_OTHER, -21, W_H_IOROOT), W_EINVAL);
	t_eq(w_thread_sched(0, 3, 0, W_H_IOROOT), W_EINVAL);
	t_eq(w_thread_sched(BAD_HANDLE, W_SCHED_OTHER, 0, 0), W_EBADH);
	t_eq(w_thread_sched(0, W_SCHED_OTHER, 0, BAD_HANDLE), W_EBADH);
	t_eq(w_thread_sched(e, W_SCHED_OTHER, 0, 0), W_ETYPE);
	t_eq(w_thread_sched(weak, W_SCHED_OTHER, 0, 0), W_EACCES);
	t_eq(w_thread_sched(0, W_SCHED_OTHER, 0, e), W_EACCES);
	t_eq(w_thread_sched(0, W_SCHED_OTHER, 0, io), W_EACCES);
	t_ok(w_handle_close(io));
	t_ok(w_handle_close(weak));
	t_ok(w_handle_close(p));
	t_ok(w_handle_close(e));
}
