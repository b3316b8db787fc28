// SPDX-License-Identifier: MIT
#include <arch/cpu.h>
#include <kernel/syscall.h>
#include <lib/string.h>

uint64_t syscall_counts[W_NR_CALLS];

BKL_BEGIN

static void get_args(const struct w_regs *r, uint64_t args[6])
{
	args[0] = r->rdi;
	args[1] = r->rsi;
	args[2] = r->rdx;
	args[3] = r->r10;
	args[4] = r->r8;
	args[5] = r->r9;
}

/* A kick can lead a thread astray between two steps: it may come back with another call. */
static __attribute__((noinline)) bool continues(const struct thread *t, uint64_t nr)
{
	uint64_t args[6];

	get_args(&t->regs, args);
	return t->step_call == nr + 1 && !memcmp(t->step_args, args, sizeof(t->step_args));
}

/*
 * Run the call in t's registers.  A handler that parked its thread is run
 * again when the thread wakes; t->restart and t->wake tell it so.
 */
void syscall_run(struct thread *t)
{
	struct w_regs *r = &t->regs;
	uint64_t nr = r->rax;
	int64_t ret;

	if (nr >= W_NR_CALLS || !syscalls[nr].run) {
		r->rax = W_ENOSYS;
		return;
	}
	syscall_counts[nr]++;
	if (t->step_call && !continues(t, nr))
		thread_steps_end(t);
	ret = syscalls[nr].run(r);
	if (ret == SYS_PARKED)
		return;
	t->restart = false;
	t->wake = WAKE_NONE;
	if (ret == SYS_MORE) {
		t->step_call = nr + 1;
		get_args(r, t->step_args);
		r->rip -= 2; /* the syscall instruction, again */
		return;
	}
	if (t->step_call | t->step_done | (uint64_t)t->holding)
		thread_steps_end(t);
	r->rax = ret;
}

BKL_END
