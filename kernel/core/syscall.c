// SPDX-License-Identifier: MIT
#include <arch/cpu.h>
#include <kernel/syscall.h>

uint64_t syscall_counts[W_NR_CALLS];

BKL_BEGIN

/*
 * Run the call in t's registers.  A handler that parked its thread is run
 * again when the thread wakes; t->restart and t->wake tell it so.
 */
void syscall_run(struct thread *t)
{
	struct w_regs *r = &t->regs;
	uint64_t nr = r->rax;
	const uint64_t args[6] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};
	int64_t ret;

	if (nr >= W_NR_CALLS || !syscalls[nr].run) {
		r->rax = W_ENOSYS;
		return;
	}
	syscall_counts[nr]++;
	ret = syscalls[nr].run(args);
	if (ret == SYS_PARKED)
		return;
	t->restart = false;
	t->wake = WAKE_NONE;
	if (ret == SYS_MORE) {
		r->rip -= 2; /* the syscall instruction, again */
		return;
	}
	r->rax = ret;
}

BKL_END
