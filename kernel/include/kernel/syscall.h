/* SPDX-License-Identifier: MIT */
/* The generated dispatch table and the runner that uses it. */
#pragma once

#include <arch/cpu.h>
#include <kernel/oom.h>
#include <kernel/thread.h>
#include <wherry/calls.h>

struct syscall {
	int64_t (*run)(const struct w_regs *r); /* called with the lock held */
	const char *name;
};

extern const struct syscall syscalls[W_NR_CALLS];
extern uint64_t syscall_counts[W_NR_CALLS];

BKL_BEGIN

/* A call in steps comes back: is it the same? */
void syscall_resume(struct thread *t, uint64_t nr);
/* The handler has done a part of it: the thread makes the call again. */
void syscall_again(struct thread *t, uint64_t nr);
/* It has come to nothing: the thread makes it from the beginning. */
void syscall_anew(struct thread *t);

/*
 * Run the call in t's registers.  A handler that parked its thread is run again when the
 * thread wakes; t->restart and t->wake tell it so.
 */
static inline MUST_HOLD(bkl) void syscall_run(struct thread *t)
{
	struct w_regs *r = &t->regs;
	uint64_t nr = r->rax;
	int64_t ret;

	if (nr >= W_NR_CALLS || !syscalls[nr].run) {
		r->rax = W_ENOSYS;
		return;
	}
	syscall_counts[nr]++;
	if (t->step_call)
		syscall_resume(t, nr);
	ret = syscalls[nr].run(r);
	if (ret == SYS_PARKED)
		return;
	t->restart = false;
	t->wake = WAKE_NONE;
	if (ret == SYS_MORE) {
		syscall_again(t, nr);
		return;
	}
	if (t->step_call | t->step_done | (uint64_t)t->holding)
		thread_steps_end(t);
	if (ret == W_ENOMEM && oom_make_room())
		syscall_anew(t);
	else
		r->rax = ret;
}

/* The object behind handle h of the running process, for a call that wants one of that type
 * with those rights; self: h 0 is the process itself. */
static inline int handle_check(uint64_t h, uint32_t type, uint32_t rights, bool self, void *out)
{
	struct process *p = thread_self()->proc;
	const struct handle *s = &p->handles.slot[h];

	if (self && !h) {
		*(void **)out = p;
		return 0;
	}
	if (h >= p->handles.size || !s->obj)
		return W_EBADH;
	if (s->obj->type != type)
		return W_ETYPE;
	if (rights & ~s->rights)
		return W_EACCES;
	/* the object heads every type but thread, whose registers come first */
	*(void **)out = type == W_T_THREAD ? (void *)container_of(s->obj, struct thread, obj)
					   : (void *)s->obj;
	return 0;
}

BKL_END
