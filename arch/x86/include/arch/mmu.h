/* SPDX-License-Identifier: MIT */
/* Page tables (Intel SDM vol. 3, 4.5) and the direct map of all RAM. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <wherry/types.h>

#define PTE_P (1ull << 0)
#define PTE_W (1ull << 1)
#define PTE_U (1ull << 2)
#define PTE_PWT (1ull << 3)
#define PTE_PCD (1ull << 4)
#define PTE_A (1ull << 5)
#define PTE_D (1ull << 6)
#define PTE_PS (1ull << 7)
#define PTE_G (1ull << 8)
#define PTE_ANON (1ull << 9) /* software: owns a reference of its frame */
#define PTE_NX (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

#define PHYSMAP 0xffff800000000000ull
#define KERNEL_VA 0xffffffff80000000ull
#define DEVICE_VA 0xffffff0000000000ull

#define phys_to_virt(pa) ((void *)((pa) + PHYSMAP))
#define virt_to_phys(p) ((uint64_t)(p)-PHYSMAP)

typedef uint64_t pte_t;

struct aspace;

void mmu_init(void); /* the kernel's own tables: W^X, direct map */
void mmu_unmap_kernel_page(uint64_t va);
void mmu_init_cpu(void);    /* control registers of this CPU */
paddr_t mmu_root_new(void); /* 0: out of memory */
/* The leaf entry for va; NULL: there is no table for it. */
pte_t *mmu_find(paddr_t root, uint64_t va);
/* The same, with the tables that were missing; NULL: no memory for them. */
pte_t *mmu_make(paddr_t root, uint64_t va);
/* The n entries from e on, of one table, may be set from now on. */
void mmu_mark(const pte_t *e, unsigned int n);
/* First va >= from with a page table present, or end: skips holes quickly. */
uint64_t mmu_next_table(paddr_t root, uint64_t from, uint64_t end);
/*
 * Leaf entries that are not zero, in order: page_walk() gives the first for va <= w.va < end
 * and moves w.va there; NULL: none.  Who goes on adds a page to w.va, or sets va and end as
 * it likes.
 *
 *	struct page_walk w = {.root = root, .va = va, .end = end};
 *	for (pte = page_walk(&w); pte; w.va += W_PAGE, pte = page_walk(&w))
 */
struct page_walk {
	paddr_t root;
	uint64_t va, end;
	pte_t *table;	/* the last leaf table; NULL: none yet */
	uint64_t first; /* an address that it covers */
};
pte_t *page_walk(struct page_walk *w);
/* The entry for w->va, as mmu_make() makes it; w (only its root set at first) remembers the
 * table for the next va. */
pte_t *page_make(struct page_walk *w);
/* Free the root and all page tables of the user half, whose leaves hold zeroes. */
void mmu_root_free(paddr_t root);
/*
 * Root entries cover MMU_SHARE_UNIT each.  mmu_share() gives a root the page tables that
 * another one has below end; mmu_unshare() takes them out of as, here also for this CPU.
 */
#define MMU_SHARE_UNIT (512ull << 30)
void mmu_share(paddr_t root, paddr_t from, uint64_t end);
void mmu_unshare(struct aspace *as);
bool mmu_is_ram(paddr_t pa, uint64_t len);
void *mmu_reach(paddr_t pa, uint64_t len);	/* firmware tables: mapped on demand */
void mmu_activate(struct aspace *as);		/* on this CPU */
void mmu_leave(void);				/* kernel tables only */
void *mmu_map_device(paddr_t pa, uint64_t len); /* uncached, never unmapped */
/* Forget cached translations of as on every CPU that may hold some;
 * len 0 means everything. */
void tlb_flush(struct aspace *as, uint64_t va, uint64_t len);
void tlb_poll(void); /* answer a shootdown while waiting for the lock */
