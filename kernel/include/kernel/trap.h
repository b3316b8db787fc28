/* SPDX-License-Identifier: MIT */
/* The C half of kernel entry; called by entry.S with interrupts off. */
#pragma once

#include <kernel/thread.h>

void trap_syscall(struct thread *t);
void trap_user(struct thread *t);   /* interrupt or exception from ring 3 */
void trap_kernel(struct w_regs *r); /* interrupt while idle, or a bug */
void kernel_exit(void);		    /* pick a thread and load it */
