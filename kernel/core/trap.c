// SPDX-License-Identifier: MIT
/*
 * Every way into the kernel and the one way out.
 *
 *	entry.S --> trap_syscall / trap_user / trap_kernel --> kernel_exit --> entry.S
 *
 * kernel_exit() picks who runs next, re-runs a woken thread's call, delivers
 * kicks, and returns with the lock released and this_cpu()->thread loaded.
 */
#include <arch/cpu.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/oom.h>
#include <kernel/sched.h>
#include <kernel/stat.h>
#include <kernel/syscall.h>
#include <kernel/trap.h>
#include <lib/string.h>

#define SIGSEGV 11

static bool in_range(uint64_t v, uint64_t lo, uint64_t hi)
{
	return v >= lo && v < hi;
}

BKL_BEGIN

static bool in_personality(const struct thread *t)
{
	return in_range(t->regs.rip, t->proc->pers.text_lo, t->proc->pers.text_hi);
}

/* Hand what interrupted the program to its personality. */
static void upcall(struct thread *t, uint64_t vec, uint64_t cr2)
{
	struct w_tcb *tcb = t->tcb_kva;

	tcb->upcall = t->regs;
	tcb->upcall.vec = vec;
	tcb->upcall_cr2 = cr2;
	t->regs.vec = 0; /* leave by iretq */
	t->regs.rip = t->proc->pers.upcall;
	t->regs.rsp = tcb->stack;
	t->regs.rdi = vec;
	t->regs.rflags = 0x202;
}

static void deliver_kick(struct thread *t)
{
	const struct w_personality *p = &t->proc->pers;

	t->kick = false;
	if (!p->entry || !t->tcb_kva)
		return;
	t->tcb_kva->kicked = 1;
	if (!in_personality(t))
		upcall(t, W_UPCALL_KICK, 0);
	else if (in_range(t->regs.rip, p->exit_lo, p->exit_hi))
		t->regs.rip = p->exit_lo;
}

static void fault_kill(struct thread *t, const char *what, uint64_t cr2)
{
	const struct w_regs *r = &t->regs;

	klog("%s: %s: vector %lu error %lx rip %lx rsp %lx address %lx: ended\n", t->proc->name,
	     what, r->vec, r->err, r->rip, r->rsp, cr2);
	process_kill(t->proc, SIGSEGV);
}

/* A fault that the kernel cannot resolve belongs to the program. */
static void fault_user(struct thread *t, uint64_t cr2)
{
	struct w_tcb *tcb = t->tcb_kva;

	if (!t->proc->pers.entry || !tcb) {
		fault_kill(t, "fault", cr2);
		return;
	}
	/* on its way out the personality touches the program's stack: that fault is the program's
	 */
	if (!in_personality(t) ||
	    in_range(t->regs.rip, t->proc->pers.exit_lo, t->proc->pers.exit_hi)) {
		upcall(t, t->regs.vec, cr2);
		return;
	}
	if (!in_range(tcb->fixup, t->proc->pers.text_lo, t->proc->pers.text_hi)) {
		fault_kill(t, "personality fault", cr2);
		return;
	}
	t->regs.vec = 0;
	t->regs.rip = tcb->fixup;
	t->regs.rax = W_EFAULT;
}

/* Free a part of what has ended; false: nothing is left to free. */
static bool reap_step(void)
{
	return aspace_reap_step() || memory_reap_step();
}

static void page_fault(struct thread *t)
{
	uint64_t cr2 = cpu_fault_address();
	uint32_t err = t->regs.err;
	uint32_t access = err & 16 ? ACCESS_EXEC : err & 2 ? ACCESS_WRITE : ACCESS_READ;
	int r = aspace_fault(t->proc->as, cr2, access);

	if (!r || (r == W_ENOMEM && (reap_step() || oom_make_room()))) /* it asks again */
		return;
	if (r == W_ENOMEM) {
		klog("%s: out of memory: ended\n", t->proc->name);
		process_kill(t->proc, SIGKILL);
		return;
	}
	t->regs.err = (t->regs.err & 0xff) | (r == W_EIO ? 0x100 : 0);
	fault_user(t, cr2);
}

/* User or system time?  A call in the kernel is found on its way back to the personality. */
static void sample(struct thread *t)
{
	if (t && t->proc->pers.entry)
		t->samples[in_personality(t)]++;
}

static void irq(uint32_t vec)
{
	stat_irqs++;
	apic_eoi();
	if (vec == VEC_TIMER) {
		sample(thread_self());
		clock_expire();
	}
	if (vec >= VEC_IRQ_FIRST && vec <= VEC_IRQ_LAST)
		irq_fire(vec);
	/* the slice is over, or (VEC_WAKE) another CPU has just given this one work */
	if ((vec == VEC_TIMER || vec == VEC_WAKE) && thread_self() && sched_tick(thread_self()))
		this_cpu()->resched = true;
}

static MUST_HOLD(bkl) void idle(struct cpu *c)
{
	c->idle = true;
	c->idle_since = clock_ns();
	c->idle_since_tsc = rdtsc();
	while (!reap_step() && !sched_has_work()) {
		bkl_unlock();
		cpu_idle_wait();
		bkl_lock();
	}
	c->idle_ns += clock_ns() - c->idle_since;
	c->idle_tsc += rdtsc() - c->idle_since_tsc;
	c->idle = false;
}

/* The running thread stops running here. */
static void put_current(struct cpu *c, uint64_t now)
{
	struct thread *t = c->thread;

	if (!t)
		return;
	t->cpu_ns += now - t->ran_at;
	t->ran_at = now;
	if (t->fpu)
		fpu_save_current(t);
	c->thread = NULL;
	if (t->state != T_RUNNING)
		return;
	t->state = T_READY;
	if (!t->proc->stopped || t->dying)
		sched_yield(t);
}

static MUST_HOLD(bkl) void pick_next(struct cpu *c)
{
	uint64_t now = clock_ns();
	struct thread *t;

	put_current(c, now);
	c->resched = false;
	while (!(t = sched_pick())) {
		mmu_leave();
		idle(c);
		now = clock_ns();
	}
	stat_switches++;
	t->state = T_RUNNING;
	t->cpu = c->id;
	t->ran_at = now;
	c->thread = t;
	sched_start(t);
	cpu_use_thread(t);
}

static bool must_leave(const struct cpu *c, const struct thread *t)
{
	return !t || t->state != T_RUNNING || c->resched || (t->proc->stopped && !t->dying);
}

static MUST_HOLD(bkl) void settle(struct cpu *c)
{
	for (;;) {
		struct thread *t = c->thread;

		if (t && t->dying && t->state == T_RUNNING) {
			t->restart = false;
			thread_end(t);
			continue;
		}
		if (must_leave(c, t)) {
			pick_next(c);
			continue;
		}
		if (!t->restart)
			return;
		syscall_run(t);
	}
}

/* Nothing has happened: the way out of most system calls.  Who stops a process that runs
 * here asks for resched. */
static bool goes_on(const struct cpu *c, const struct thread *t)
{
	return t && t->state == T_RUNNING && !c->next && !(t->attention | c->resched | ndying);
}

static __attribute__((noinline)) MUST_HOLD(bkl) void kernel_exit_busy(struct cpu *c)
{
	do {
		settle(c);
		if (c->next)
			sched_stay();
		if (c->thread->kick)
			deliver_kick(c->thread);
	} while (c->resched); /* by what came since the thread was picked */
	if (ndying)
		reap_step();
}

static inline MUST_HOLD(bkl) void kernel_exit_locked(void)
{
	struct cpu *c = this_cpu();

	if (!goes_on(c, c->thread))
		kernel_exit_busy(c);
}

static void exception(struct thread *t)
{
	if (t->regs.vec == 14)
		page_fault(t);
	else if (t->regs.vec == 7)
		fault_kill(t, "vector registers in a native process", 0);
	else
		fault_user(t, 0);
}

BKL_END

NO_LOCK_CHECK bool trap_syscall(struct thread *t)
{
	struct cpu *c = this_cpu();

	bkl_lock();
	stat_entries++;
	syscall_run(t);
	if (!goes_on(c, c->thread))
		return false;
	bkl_unlock();
	return true;
}

NO_LOCK_CHECK void trap_syscall_leave(void)
{
	kernel_exit_busy(this_cpu());
	bkl_unlock();
}

void trap_user(struct thread *t)
{
	uint64_t vec = t->regs.vec;

	if (vec == VEC_FLUSH) {
		apic_eoi();
		tlb_poll();
		return;
	}
	bkl_lock();
	stat_entries++;
	if (vec < 32)
		exception(t);
	else
		irq(vec);
	kernel_exit_locked();
	bkl_unlock();
}

/* Interrupts reach kernel mode only in idle(); exceptions there are our bugs. */
void trap_kernel(struct w_regs *r)
{
	if (r->vec < 32) {
		backtrace(r->rbp, r->rip);
		cpu_dump(r);
		panic("kernel_exception",
		      "vector %lu error %lx rip %lx rsp %lx cr2 %lx rax %lx "
		      "rdi %lx rsi %lx",
		      r->vec, r->err, r->rip, r->rsp, cpu_fault_address(), r->rax, r->rdi, r->rsi);
	}
	if (r->vec == VEC_FLUSH) {
		apic_eoi();
		tlb_poll();
		return;
	}
	bkl_lock();
	irq(r->vec);
	bkl_unlock();
}

void kernel_exit(void)
{
	bkl_lock();
	kernel_exit_locked();
	bkl_unlock();
}
