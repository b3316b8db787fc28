// SPDX-License-Identifier: MIT
/*
 * The kernel half, shared by every address space: root entries 256..511 are
 * made once at start-up (with a table behind each that will ever be used), so a
 * new address space copies 256 words and never has to be updated.
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/aspace.h>
#include <kernel/boot.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <lib/string.h>

static paddr_t kernel_root;
static uint64_t device_next = DEVICE_VA;
static uint64_t ram_top;

extern char kernel_start[], kernel_text_end[], kernel_rodata_end[], kernel_end[];

#define INDEX(va, level) ((va) >> (12 + 9 * (level)) & 511)

static pte_t *table(pte_t entry)
{
	return phys_to_virt(entry & PTE_ADDR);
}

NO_LOCK_CHECK static pte_t *walk(paddr_t root, uint64_t va, int leaf, bool make, pte_t flags)
{
	pte_t *t = phys_to_virt(root);
	int level;

	for (level = 3; level > leaf; level--) {
		pte_t *e = &t[INDEX(va, level)];

		if (!(*e & PTE_P)) {
			paddr_t pa = make ? frame_alloc_zero() : 0;

			if (!pa)
				return NULL;
			*e = pa | flags;
		}
		if (*e & PTE_PS)
			return NULL;
		t = table(*e);
	}
	return &t[INDEX(va, leaf)];
}

static void map_kernel(uint64_t va, paddr_t pa, uint64_t len, pte_t prot, int level)
{
	uint64_t step = W_PAGE << (9 * level);
	pte_t *e;

	for (; len; va += step, pa += step, len -= len < step ? len : step) {
		e = walk(kernel_root, va, level, true, PTE_P | PTE_W);
		if (!e)
			panic("no_memory_for_kernel_tables", "give the machine more memory");
		*e = pa | prot | PTE_P | PTE_G | (level ? PTE_PS : 0);
	}
}

static void map_image(const char *from, const char *to, pte_t prot)
{
	map_kernel((uint64_t)from, (uint64_t)from - KERNEL_VA, to - from, prot, 0);
}

NO_LOCK_CHECK void mmu_init(void)
{
	int i;

	for (i = 0; i < boot_info.nram; i++)
		if (boot_info.ram[i].end > ram_top)
			ram_top = boot_info.ram[i].end;
	kernel_root = frame_alloc_zero();
	map_kernel(PHYSMAP, 0, (ram_top + (2 << 20) - 1) & ~((2ull << 20) - 1), PTE_W | PTE_NX, 1);
	map_image(kernel_start, kernel_text_end, 0);
	map_image(kernel_text_end, kernel_rodata_end, PTE_NX);
	map_image(kernel_rodata_end, kernel_end, PTE_W | PTE_NX);
	walk(kernel_root, DEVICE_VA, 2, true, PTE_P | PTE_W);
	cpu_guard_stacks();
	mmu_init_cpu();
}

NO_LOCK_CHECK void mmu_unmap_kernel_page(uint64_t va)
{
	pte_t *e = walk(kernel_root, va, 0, false, 0);

	if (e)
		*e = 0;
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

void mmu_init_cpu(void)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(kernel_root) : "memory");
}

bool mmu_is_ram(paddr_t pa, uint64_t len)
{
	int i;

	for (i = 0; i < boot_info.nram; i++)
		if (pa < boot_info.ram[i].end && pa + len > boot_info.ram[i].start)
			return true;
	return false;
}

void *mmu_reach(paddr_t pa, uint64_t len)
{
	return pa + len <= ram_top ? phys_to_virt(pa) : mmu_map_device(pa, len);
}

void *mmu_map_device(paddr_t pa, uint64_t len)
{
	uint64_t off = pa & (W_PAGE - 1), va = device_next;

	len = (len + off + W_PAGE - 1) & ~(W_PAGE - 1);
	map_kernel(va, pa - off, len, PTE_W | PTE_NX | PTE_PCD | PTE_PWT, 0);
	device_next += len;
	return (void *)(va + off);
}

BKL_BEGIN

paddr_t mmu_root_new(void)
{
	paddr_t pa = frame_alloc_zero();

	if (pa)
		memcpy((pte_t *)phys_to_virt(pa) + 256, (pte_t *)phys_to_virt(kernel_root) + 256,
		       256 * sizeof(pte_t));
	return pa;
}

pte_t *mmu_walk(paddr_t root, uint64_t va, bool make)
{
	return walk(root, va, 0, make, PTE_P | PTE_W | PTE_U);
}

uint64_t mmu_next_table(paddr_t root, uint64_t va, uint64_t end)
{
	while (va < end) {
		pte_t *t = phys_to_virt(root);
		int level;

		for (level = 3; level > 0; level--) {
			pte_t e = t[INDEX(va, level)];

			if (!(e & PTE_P))
				break;
			t = table(e);
		}
		if (!level)
			return va;
		va = (va | ((W_PAGE << (9 * level)) - 1)) + 1;
	}
	return end;
}

/* Index of the first entry that is not zero, from i; count: none.  Tables are mostly
 * empty, so eight at a time. */
static int next_used(const pte_t *t, int i, int count)
{
	const pte_t *e;

	for (; i < count && i % 8; i++)
		if (t[i])
			return i;
	for (; i + 8 <= count; i += 8) {
		e = t + i;
		if (e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7])
			break;
	}
	for (; i < count && !t[i]; i++)
		;
	return i < count ? i : count;
}

pte_t *mmu_next_page(paddr_t root, uint64_t *va, uint64_t end)
{
	uint64_t at = mmu_next_table(root, *va, end);
	pte_t *t;
	int i;

	while (at < end) {
		t = walk(root, at, 0, false, 0) - INDEX(at, 0);
		i = next_used(t, INDEX(at, 0), 512);
		at += (i - (int)INDEX(at, 0)) * W_PAGE;
		if (i < 512 && at < end) {
			*va = at;
			return &t[i];
		}
		at = mmu_next_table(root, at, end);
	}
	return NULL;
}

static void free_level(paddr_t pa, int level, int count)
{
	pte_t *t = phys_to_virt(pa);
	int i;

	for (i = next_used(t, 0, level ? count : 0); i < count && level;
	     i = next_used(t, i + 1, count))
		if (t[i] & PTE_P)
			free_level(t[i] & PTE_ADDR, level - 1, 512);
	frame_put(pa);
}

void mmu_root_free(paddr_t root)
{
	free_level(root, 3, 256);
}

void mmu_activate(struct aspace *as)
{
	struct cpu *c = this_cpu();

	if (c->as == as)
		return;
	if (c->as)
		c->as->cpus &= ~(1ull << c->id);
	c->as = as;
	as->cpus |= 1ull << c->id;
	__asm__ volatile("mov %0, %%cr3" : : "r"(as->root) : "memory");
}

void mmu_leave(void)
{
	struct cpu *c = this_cpu();

	if (!c->as)
		return;
	c->as->cpus &= ~(1ull << c->id);
	c->as = NULL;
	__asm__ volatile("mov %0, %%cr3" : : "r"(kernel_root) : "memory");
}

static void flush_all(void)
{
	uint64_t cr3;

	__asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
}

static void flush_others(struct aspace *as)
{
	int me = this_cpu()->id, i;

	if (!(as->cpus & ~(1ull << me)))
		return;
	for (i = 0; i < ncpus; i++)
		if (i != me && as->cpus >> i & 1) {
			__atomic_store_n(&cpus[i].flush, 1, __ATOMIC_SEQ_CST);
			apic_send_ipi(cpus[i].apic_id, VEC_FLUSH);
		}
	for (i = 0; i < ncpus; i++)
		while (i != me && __atomic_load_n(&cpus[i].flush, __ATOMIC_ACQUIRE))
			cpu_pause();
}

void tlb_flush(struct aspace *as, uint64_t va, uint64_t len)
{
	uint64_t at;
	int i;

	for (i = 0; i < ASPACE_SEEN; i++)
		as->seen[i].tag = 0;
	if (as->cpus >> this_cpu()->id & 1) {
		if (!len || len > 32 * W_PAGE)
			flush_all();
		else
			for (at = va; at < va + len; at += W_PAGE)
				__asm__ volatile("invlpg (%0)" : : "r"(at) : "memory");
	}
	flush_others(as);
}

BKL_END

/* Runs with or without the lock: only this CPU clears its own flag. */
void tlb_poll(void)
{
	struct cpu *c = this_cpu();
	uint64_t cr3;

	if (!__atomic_load_n(&c->flush, __ATOMIC_ACQUIRE))
		return;
	__asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
	__atomic_store_n(&c->flush, 0, __ATOMIC_RELEASE);
}
