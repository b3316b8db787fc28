/* SPDX-License-Identifier: MIT */
/* The generated dispatch table and the runner that uses it. */
#pragma once

#include <kernel/thread.h>
#include <wherry/calls.h>

struct syscall {
	int64_t (*run)(const struct w_regs *r); /* called with the lock held */
	const char *name;
};

extern const struct syscall syscalls[W_NR_CALLS];
extern uint64_t syscall_counts[W_NR_CALLS];
void syscall_run(struct thread *t) MUST_HOLD(bkl);
