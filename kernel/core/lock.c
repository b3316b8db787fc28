// SPDX-License-Identifier: MIT
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/lock.h>

struct bkl bkl;

NO_LOCK_CHECK void bkl_wait(void)
{
	do {
		while (__atomic_load_n(&bkl.held, __ATOMIC_RELAXED)) {
			tlb_poll();
			cpu_pause();
		}
	} while (__atomic_exchange_n(&bkl.held, 1, __ATOMIC_ACQUIRE));
}
