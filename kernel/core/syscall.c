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
void syscall_resume(struct thread *t, uint64_t nr)
{
	uint64_t args[6];

	get_args(&t->regs, args);
	if (t->step_call != nr + 1 || memcmp(t->step_args, args, sizeof(t->step_args)))
		thread_steps_end(t);
}

void syscall_again(struct thread *t, uint64_t nr)
{
	t->step_call = nr + 1;
	get_args(&t->regs, t->step_args);
	syscall_anew(t);
}

void syscall_anew(struct thread *t)
{
	t->regs.rip -= 2; /* the syscall instruction, again */
}

BKL_END
