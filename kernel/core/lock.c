// SPDX-License-Identifier: MIT
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/lock.h>

struct bkl bkl;

NO_LOCK_CHECK void bkl_wait(uint32_t ticket)
{
	while (__atomic_load_n(&bkl.serving, __ATOMIC_ACQUIRE) != ticket) {
		tlb_poll();
		cpu_pause();
	}
}
