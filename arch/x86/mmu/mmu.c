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

/*
 * Tables are mostly empty.  Which eights of entries may be in use stands in struct page, so
 * that nobody looks at all 512.
 *
 *	MM1  an entry that is not zero has its bit set; tables that are freed hold zeroes.
 */
static uint64_t *used_of(const pte_t *t)
{
	return &frame_pages[virt_to_phys(t) / W_PAGE].used;
}

static void mark_used(const pte_t *t, unsigned int i)
{
	*used_of(t) |= 1ull << i / 8;
}

void mmu_mark(const pte_t *e, unsigned int n)
{
	const pte_t *t = (const pte_t *)((uint64_t)e & ~(W_PAGE - 1));
	unsigned int i;

	for (i = (e - t) / 8; i <= (e - t + n - 1) / 8; i++)
		mark_used(t, i * 8);
}

/* The first entry from i on that is not zero, or end. */
static unsigned int next_used(const pte_t *t, unsigned int i, unsigned int end)
{
	uint64_t eights;

	for (; i < end; i++) {
		if (i % 8 == 0) {
			eights = *used_of(t) >> i / 8;
			if (!eights)
				return end;
			i += __builtin_ctzll(eights) * 8;
			if (i >= end)
				return end;
		}
		if (t[i])
			return i;
	}
	return end;
}

static paddr_t table_new(void)
{
	paddr_t pa = frame_alloc_zero();

	if (pa)
		frame_pages[pa / W_PAGE].used = 0;
	return pa;
}

/* The table behind e, an entry of t; NULL: there is none, or a large page. */
NO_LOCK_CHECK static inline pte_t *below(const pte_t *t, pte_t *e, bool make, pte_t flags)
{
	paddr_t pa;

	if (*e & PTE_P)
		return *e & PTE_PS ? NULL : table(*e);
	pa = make ? table_new() : 0;
	if (!pa)
		return NULL;
	*e = pa | flags;
	mark_used(t, e - t);
	return phys_to_virt(pa);
}

/* Levels are constants wherever this is called: no shift is computed. */
static inline __attribute__((always_inline)) pte_t *walk(paddr_t root, uint64_t va, int leaf,
							 bool make, pte_t flags)
{
	pte_t *t = phys_to_virt(root);

	t = below(t, &t[INDEX(va, 3)], make, flags);
	if (t && leaf < 2)
		t = below(t, &t[INDEX(va, 2)], make, flags);
	if (t && leaf < 1)
		t = below(t, &t[INDEX(va, 1)], make, flags);
	if (!t)
		return NULL;
	if (make)
		mark_used(t, INDEX(va, leaf));
	return &t[INDEX(va, leaf)];
}

static void map_kernel(uint64_t va, paddr_t pa, uint64_t len, pte_t prot, int level)
{
	uint64_t step = W_PAGE << (9 * level);
	pte_t *e;

	for (; len; va += step, pa += step, len -= len < step ? len : step) {
		e = level ? walk(kernel_root, va, 1, true, PTE_P | PTE_W)
			  : walk(kernel_root, va, 0, true, PTE_P | PTE_W);
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
	kernel_root = table_new();
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

/* The kernel's entries in a root: copied, or taken out again. */
static void root_kernel_half(pte_t *root, bool in)
{
	const pte_t *from = phys_to_virt(kernel_root);
	unsigned int i;

	for (i = next_used(from, 256, 512); i < 512; i = next_used(from, i + 1, 512))
		root[i] = in ? from[i] : 0;
}

paddr_t mmu_root_new(void)
{
	paddr_t pa = table_new();

	if (pa)
		root_kernel_half(phys_to_virt(pa), true);
	return pa;
}

pte_t *mmu_find(paddr_t root, uint64_t va)
{
	return walk(root, va, 0, false, 0);
}

pte_t *mmu_make(paddr_t root, uint64_t va)
{
	return walk(root, va, 0, true, PTE_P | PTE_W | PTE_U);
}

#define TABLE_SPAN (512 * W_PAGE)

static bool has_table(const struct page_walk *w)
{
	return w->table && !((w->va ^ w->first) / TABLE_SPAN);
}

pte_t *page_make(struct page_walk *w)
{
	unsigned int at = INDEX(w->va, 0);

	if (!has_table(w)) {
		pte_t *pte = mmu_make(w->root, w->va);

		w->table = pte ? pte - at : NULL;
		w->first = w->va;
		return pte;
	}
	mark_used(w->table, at);
	return &w->table[at];
}

/* To the table behind the first used entry of t at or behind w->va; NULL: t has no more, and
 * w->va is where the next of its kind begins. */
static inline __attribute__((always_inline)) pte_t *step_down(struct page_walk *w, pte_t *t,
							      int level)
{
	const uint64_t span = W_PAGE << (9 * level);
	unsigned int at = INDEX(w->va, level), i = t[at] ? at : next_used(t, at, 512);

	if (i != at)
		w->va = (w->va & ~(512 * span - 1)) + i * span;
	return i < 512 ? table(t[i]) : NULL;
}

/* Down to the leaf table of the first page at or behind w->va that has one. */
static bool descend(struct page_walk *w)
{
	pte_t *t;

	while (w->va < w->end) {
		t = step_down(w, phys_to_virt(w->root), 3);
		t = t ? step_down(w, t, 2) : NULL;
		t = t ? step_down(w, t, 1) : NULL;
		w->table = t;
		w->first = w->va;
		if (t)
			return w->va < w->end;
	}
	w->table = NULL;
	return false;
}

uint64_t mmu_next_table(paddr_t root, uint64_t va, uint64_t end)
{
	struct page_walk w = {.root = root, .va = va, .end = end};

	return descend(&w) ? w.va : end;
}

pte_t *page_walk(struct page_walk *w)
{
	while (w->va < w->end) {
		unsigned int at, i, end = 512;

		if (!has_table(w) && !descend(w))
			return NULL;
		at = INDEX(w->va, 0);
		if (w->table[at])
			return &w->table[at];
		if (w->end - w->va < (512 - at) * W_PAGE)
			end = at + (w->end - w->va) / W_PAGE;
		i = next_used(w->table, at, end);
		w->va += (i - at) * W_PAGE;
		if (i < end)
			return &w->table[i];
	}
	return NULL;
}

static void free_tables(pte_t *t, int level)
{
	unsigned int i;

	for (i = level ? next_used(t, 0, 512) : 512; i < 512; i = next_used(t, i + 1, 512)) {
		free_tables(table(t[i]), level - 1);
		t[i] = 0;
	}
	frame_put_zero(virt_to_phys(t));
}

void mmu_root_free(paddr_t root)
{
	root_kernel_half(phys_to_virt(root), false);
	free_tables(phys_to_virt(root), 3);
}

static void flush_all(void)
{
	uint64_t cr3;

	__asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
}

/* Not marked as used: they are not root's to free. */
void mmu_share(paddr_t root, paddr_t from, uint64_t end)
{
	const pte_t *f = phys_to_virt(from);
	pte_t *t = phys_to_virt(root);
	unsigned int i, n = end / MMU_SHARE_UNIT;

	for (i = next_used(f, 0, n); i < n; i = next_used(f, i + 1, n))
		t[i] = f[i];
}

void mmu_unshare(struct aspace *as)
{
	const pte_t *f = phys_to_virt(as->under->root);
	pte_t *t = phys_to_virt(as->root);
	struct cpu *c = this_cpu();
	unsigned int i, n = as->shared / MMU_SHARE_UNIT;

	for (i = next_used(f, 0, n); i < n; i = next_used(f, i + 1, n))
		t[i] = 0;
	if (c->as != as)
		return;
	as->under->cpus &= ~(1ull << c->id);
	flush_all();
}

/* A CPU that runs as may cache what is as->under's, too. */
static void cpu_leaves(struct cpu *c)
{
	uint64_t others = ~(1ull << c->id);

	c->as->cpus &= others;
	if (c->as->under)
		c->as->under->cpus &= others;
}

void mmu_activate(struct aspace *as)
{
	struct cpu *c = this_cpu();

	if (c->as == as)
		return;
	if (c->as)
		cpu_leaves(c);
	c->as = as;
	as->cpus |= 1ull << c->id;
	if (as->under)
		as->under->cpus |= 1ull << c->id;
	__asm__ volatile("mov %0, %%cr3" : : "r"(as->root) : "memory");
}

void mmu_leave(void)
{
	struct cpu *c = this_cpu();

	if (!c->as)
		return;
	cpu_leaves(c);
	c->as = NULL;
	__asm__ volatile("mov %0, %%cr3" : : "r"(kernel_root) : "memory");
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

	seen_forget(as);
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
