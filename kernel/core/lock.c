// SPDX-License-Identifier: MIT
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/lock.h>

struct bkl bkl;

NO_LOCK_CHECK void bkl_lock(void)
{
	uint32_t ticket = __atomic_fetch_add(&bkl.next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&bkl.serving, __ATOMIC_ACQUIRE) != ticket) {
		tlb_poll();
		cpu_pause();
	}
}

NO_LOCK_CHECK void bkl_unlock(void)
{
	__atomic_store_n(&bkl.serving, bkl.serving + 1, __ATOMIC_RELEASE);
}
