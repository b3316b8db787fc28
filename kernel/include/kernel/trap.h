/* SPDX-License-Identifier: MIT */
/* The C half of kernel entry; called by entry.S with interrupts off. */
#pragma once

#include <kernel/thread.h>

/* true: the thread goes on, with what is in its frame.  false: the lock is held, and the
 * rest of the registers are wanted in the frame before trap_syscall_leave(). */
bool trap_syscall(struct thread *t);
void trap_syscall_leave(void);
void trap_user(struct thread *t);   /* interrupt or exception from ring 3 */
void trap_kernel(struct w_regs *r); /* interrupt while idle, or a bug */
void kernel_exit(void);		    /* pick a thread and load it */
