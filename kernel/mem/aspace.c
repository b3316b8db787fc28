// SPDX-License-Identifier: MIT
#include <arch/cpu.h>
#include <kernel/aspace.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <kernel/thread.h>
#include <lib/string.h>

BKL_BEGIN

#define MAP_BASE 0x10000ull /* nothing is mapped below: null pointers fault */
#define AROUND 16ul	    /* pages, a power of 2 */
#define POPULATE 32ul	    /* pages */
#define MAP_CHOOSE_TOP 0x7f8000000000ull
#define STACK_GROW_MAX (8ull << 20) /* unless the mapping's cookie says otherwise */
#define STACK_GROW_LIMIT (1ull << 30)

static struct list dying = LIST_INIT(dying);

struct aspace *aspace_new(void)
{
	struct aspace *as = kzalloc(sizeof(*as));

	if (!as)
		return NULL;
	as->root = mmu_root_new();
	if (!as->root) {
		kfree(as);
		return NULL;
	}
	as->refs = 1;
	list_init(&as->maps);
	list_init(&as->dying);
	list_init(&as->unlent);
	return as;
}

void aspace_put(struct aspace *as)
{
	if (--as->refs)
		return;
	list_append(&dying, &as->dying);
	ndying++;
}

/* ---- what is promised: OVERCOMMIT_NEVER ---- */

static uint64_t committed; /* bytes of private writable mappings, of all processes */

static uint64_t promised(uint32_t flags, uint64_t len)
{
	return flags & W_PROT_WRITE && !(flags & (W_MAP_SHARED | W_MAP_NORESERVE)) ? len : 0;
}

/* Servers are not asked: they have the reserve. */
static bool may_promise(uint64_t more)
{
	const struct account *a = account_current();

	if (!IS_ENABLED(CONFIG_OVERCOMMIT_NEVER) || !more || !a || !a->ordinary)
		return true;
	return committed + more <= (frames_total - account_reserve()) * W_PAGE;
}

/* Mappings of as cover so many bytes more (or, negative, less), with these flags. */
static void mapped_more(struct aspace *as, uint32_t flags, int64_t bytes)
{
	as->mapped += bytes;
	committed += promised(flags, bytes);
}

/* ---- finding ---- */

struct mapping *aspace_search(struct aspace *as, uint64_t va)
{
	struct mapping *m;
	struct list *l;

	list_for_each (l, &as->maps) {
		m = list_entry(l, struct mapping, link);
		if (va < m->va)
			return NULL;
		if (va < m->end)
			return as->hint = m;
	}
	return NULL;
}

/* The first mapping that ends above va, or NULL. */
struct mapping *aspace_next(struct aspace *as, uint64_t va)
{
	struct mapping *m;
	struct list *l;

	list_for_each (l, &as->maps) {
		m = list_entry(l, struct mapping, link);
		if (m->end > va)
			return m;
	}
	return NULL;
}

static struct mapping *next_mapping(struct aspace *as, struct mapping *m)
{
	return m->link.next == &as->maps ? NULL : list_entry(m->link.next, struct mapping, link);
}

static bool range_is_free(struct aspace *as, uint64_t va, uint64_t len)
{
	struct mapping *m = aspace_next(as, va);

	return !m || m->va >= va + len;
}

static uint64_t stack_max(const struct mapping *m)
{
	return m->cookie && m->cookie <= STACK_GROW_LIMIT ? m->cookie : STACK_GROW_MAX;
}

/* Where a mapping begins, with the room that a stack may still grow into. */
static uint64_t low_end(const struct mapping *m)
{
	uint64_t room = stack_max(m) + 64 * W_PAGE; /* and its guard gap */

	if (!(m->flags & W_MAP_GROWS) || m->end < room)
		return m->va;
	return m->va < m->end - room ? m->va : m->end - room;
}

/* Highest hole of len below top; 0: none. */
static uint64_t find_hole(struct aspace *as, uint64_t len, uint64_t top)
{
	struct mapping *m;
	struct list *l;

	for (l = as->maps.prev; l != &as->maps; l = l->prev) {
		m = list_entry(l, struct mapping, link);
		if (m->va >= top)
			continue;
		if (m->end <= top && top - m->end >= len)
			return top - len;
		if (low_end(m) < top)
			top = low_end(m);
	}
	return top >= MAP_BASE + len ? top - len : 0;
}

/* ---- page table entries of one mapping ---- */

static pte_t pte_prot(const struct mapping *m, bool writable)
{
	pte_t p = 0;

	if (m->flags & (W_PROT_READ | W_PROT_WRITE | W_PROT_EXEC))
		p |= PTE_P | PTE_U;
	if (writable && m->flags & W_PROT_WRITE)
		p |= PTE_W;
	if (!(m->flags & W_PROT_EXEC))
		p |= PTE_NX;
	if (m->mem && m->mem->device)
		p |= PTE_PCD | PTE_PWT;
	return p;
}

static void pte_drop(struct aspace *as, pte_t *pte)
{
	if (*pte & PTE_ANON) {
		frame_put(*pte & PTE_ADDR);
		as->anon_pages--;
	}
	*pte = 0;
}

void mapping_zap(struct mapping *m, uint64_t va, uint64_t end)
{
	struct page_walk w = {.root = m->as->root, .va = va, .end = end};
	pte_t *pte;

	for (pte = page_walk(&w); pte; w.va += W_PAGE, pte = page_walk(&w))
		pte_drop(m->as, pte);
}

static void mapping_free(struct mapping *m)
{
	m->as->nmaps--;
	mapped_more(m->as, m->flags, -(int64_t)(m->end - m->va));
	if (m->as->hint == m)
		m->as->hint = NULL;
	list_del(&m->link);
	list_del(&m->of_mem);
	if (m->mem)
		obj_put(&m->mem->obj);
	kfree(m);
}

/* ---- faults ---- */

static int map_private_page(struct aspace *as, struct mapping *m, pte_t *pte, paddr_t from)
{
	paddr_t pa;

	pa = frame_alloc();
	if (!pa)
		return W_ENOMEM;
	if (from)
		memcpy(phys_to_virt(pa), phys_to_virt(from), W_PAGE);
	else
		memset(phys_to_virt(pa), 0, W_PAGE);
	if (*pte & PTE_ANON)
		pte_drop(as, pte);
	as->anon_pages++;
	*pte = pa | PTE_ANON | pte_prot(m, true);
	return 0;
}

/* The object's pages in [lo, hi), whose entries begin at pte, as far as they are in memory. */
static void map_present(struct mapping *m, uint64_t lo, uint64_t hi, pte_t *pte)
{
	pte_t prot = pte_prot(m, m->flags & W_MAP_SHARED), *end = pte + (hi - lo) / W_PAGE;
	uint64_t index = (m->off + (lo - m->va)) / W_PAGE;
	paddr_t pa;

	mmu_mark(pte, end - pte);
	for (; pte < end; pte++, index++) {
		pa = *pte ? 0 : memory_frame(m->mem, index, false);
		if (pa)
			*pte = pa | prot;
	}
}

/* What is read is mostly read on: the pages of the object around va that are in memory, as
 * far as they are of the same page table.  One fault for AROUND pages of a program. */
static void map_around(struct mapping *m, uint64_t va, pte_t *pte)
{
	uint64_t lo = va & ~(AROUND * W_PAGE - 1), hi = lo + AROUND * W_PAGE;

	lo = lo > m->va ? lo : m->va;
	hi = hi < m->end ? hi : m->end;
	map_present(m, lo, hi, pte - (va - lo) / W_PAGE);
}

/* W_MAP_POPULATE: as far as one table goes.  Without memory for it there will be faults. */
static void populate(struct aspace *as, struct mapping *m)
{
	uint64_t hi = (m->va | (512 * W_PAGE - 1)) + 1, most = m->va + POPULATE * W_PAGE;
	pte_t *pte;

	if (!(m->flags & W_MAP_POPULATE) || !m->mem || m->mem->device)
		return;
	hi = hi < m->end ? hi : m->end;
	pte = mmu_make(as->root, m->va);
	if (pte)
		map_present(m, m->va, hi < most ? hi : most, pte);
}

static int fault_object(struct aspace *as, struct mapping *m, uint64_t va, uint32_t access,
			pte_t *pte)
{
	uint64_t index = (m->off + (va - m->va)) / W_PAGE;
	paddr_t pa;

	if (index >= m->mem->pages)
		return W_EIO;
	pa = memory_frame(m->mem, index, true);
	if (!pa)
		return W_ENOMEM;
	if (m->mem->device) {
		*pte = pa | pte_prot(m, true);
		return 0;
	}
	if (access == ACCESS_WRITE && !(m->flags & W_MAP_SHARED))
		return map_private_page(as, m, pte, pa);
	*pte = pa | pte_prot(m, m->flags & W_MAP_SHARED);
	map_around(m, va, pte);
	return 0;
}

/* A write to a private page that is present but write-protected. */
static int fault_cow(struct aspace *as, struct mapping *m, pte_t *pte)
{
	paddr_t pa = *pte & PTE_ADDR;

	if (*pte & PTE_ANON && frame_refs(pa) == 1) {
		*pte = pa | PTE_ANON | pte_prot(m, true);
		return 0;
	}
	return map_private_page(as, m, pte, pa);
}

static struct mapping *grow_stack(struct aspace *as, uint64_t va)
{
	struct mapping *m = aspace_next(as, va), *below;
	uint64_t base = va & ~(W_PAGE - 1);

	if (!m || !(m->flags & W_MAP_GROWS) || m->end - base > stack_max(m))
		return NULL;
	below = m->link.prev == &as->maps ? NULL : list_entry(m->link.prev, struct mapping, link);
	if (below && below->end + 64 * W_PAGE > base)
		return NULL; /* keep the guard gap */
	if (!may_promise(promised(m->flags, m->va - base)))
		return NULL;
	mapped_more(as, m->flags, m->va - base);
	m->va = base;
	return m;
}

int aspace_fault(struct aspace *as, uint64_t va, uint32_t access)
{
	struct mapping *m;
	pte_t *pte, old;
	int err = 0;

	if (va >= USER_TOP)
		return W_EFAULT;
	if (va < as->shared) {
		err = aspace_fault(as->under, va, access);
		mmu_share(as->root, as->under->root, as->shared);
		return err;
	}
	m = aspace_find(as, va);
	if (!m)
		m = grow_stack(as, va);
	if (!m || !(m->flags & access))
		return W_EFAULT;
	pte = mmu_make(as->root, va);
	if (!pte)
		return W_ENOMEM;
	old = *pte;
	if (!(old & PTE_ADDR))
		err = m->mem ? fault_object(as, m, va, access, pte)
			     : map_private_page(as, m, pte, 0);
	else if (access == ACCESS_WRITE && !(old & PTE_W) && !(m->flags & W_MAP_SHARED))
		err = fault_cow(as, m, pte);
	else
		*pte = (old & (PTE_ADDR | PTE_ANON)) |
		       pte_prot(m, old & PTE_W || m->flags & W_MAP_SHARED);
	if (!err && old & PTE_P)
		tlb_flush(as, va & ~(W_PAGE - 1), W_PAGE);
	return err;
}

/* ---- mapping and unmapping ---- */

static void insert_sorted(struct aspace *as, struct mapping *m)
{
	struct mapping *after = aspace_next(as, m->va);

	list_append(after ? &after->link : &as->maps, &m->link);
	as->nmaps++;
	mapped_more(as, m->flags, m->end - m->va);
}

static struct mapping *mapping_dup(struct mapping *m)
{
	struct mapping *n = kzalloc(sizeof(*n));

	if (!n)
		return NULL;
	*n = *m;
	list_init(&n->link);
	list_init(&n->of_mem);
	if (n->mem) {
		obj_get(&n->mem->obj);
		list_append(&n->mem->maps, &n->of_mem);
	}
	return n;
}

/* Make va a boundary between mappings; no-op where it is one already. */
static int split_at(struct aspace *as, uint64_t va)
{
	struct mapping *m = aspace_find(as, va), *n;

	if (!m || m->va == va)
		return 0;
	n = mapping_dup(m);
	if (!n)
		return W_ENOMEM;
	n->va = va;
	n->off += va - m->va;
	m->end = va;
	list_push(&m->link, &n->link);
	as->nmaps++;
	return 0;
}

static bool range_is_valid(uint64_t va, uint64_t len)
{
	return len && !((va | len) & (W_PAGE - 1)) && va >= MAP_BASE && len < USER_TOP &&
	       va <= USER_TOP - len;
}

int aspace_unmap(struct aspace *as, uint64_t va, uint64_t len)
{
	struct mapping *m, *next;
	int err;

	if (!range_is_valid(va, len))
		return W_EINVAL;
	err = split_at(as, va);
	if (!err)
		err = split_at(as, va + len);
	if (err)
		return err;
	for (m = aspace_next(as, va); m && m->va < va + len; m = next) {
		next = next_mapping(as, m);
		mapping_zap(m, m->va, m->end);
		mapping_free(m);
	}
	tlb_flush(as, va, len);
	return 0;
}

/* How far one step may go: over holes for free, over ASPACE_STEP of what has pages. */
static uint64_t bounded(struct aspace *as, uint64_t va, uint64_t end)
{
	struct mapping *m = aspace_next(as, va);
	uint64_t pages;

	if (!m || m->va >= end)
		return end;
	if (m->end < end)
		end = m->end;
	pages = mmu_next_table(as->root, va > m->va ? va : m->va, end);
	return end - pages > ASPACE_STEP * W_PAGE ? pages + ASPACE_STEP * W_PAGE : end;
}

static int step(struct aspace *as, uint64_t *va, uint64_t end,
		int (*fn)(struct aspace *, uint64_t, uint64_t))
{
	uint64_t to, from = *va;
	int err;

	if (!range_is_valid(from, end - from))
		return W_EINVAL;
	to = bounded(as, from, end);
	err = fn(as, from, to - from);
	if (!err)
		*va = to;
	return err;
}

int aspace_unmap_step(struct aspace *as, uint64_t *va, uint64_t end)
{
	return step(as, va, end, aspace_unmap);
}

static int choose_va(struct aspace *as, const struct w_map_args *a, uint64_t len, uint64_t *va)
{
	bool fixed = a->flags & (W_MAP_FIXED | W_MAP_NOREPL);

	*va = a->va;
	if (fixed && !range_is_valid(a->va, len))
		return W_EINVAL;
	if (a->flags & W_MAP_NOREPL && !range_is_free(as, a->va, len))
		return W_EEXIST;
	if (fixed)
		return a->flags & W_MAP_FIXED && !range_is_free(as, a->va, len)
			       ? aspace_unmap(as, a->va, len)
			       : 0;
	if (a->flags & W_MAP_HINT && range_is_valid(a->va, len) && a->va + len <= MAP_CHOOSE_TOP &&
	    range_is_free(as, a->va, len))
		return 0;
	*va = find_hole(as, len, a->flags & W_MAP_LOW ? 0x80000000ull : MAP_CHOOSE_TOP);
	return *va ? 0 : W_ENOMEM;
}

/* Anonymous neighbours with equal flags become one mapping: brk and stacks of
 * small mmaps stay cheap. */
static bool merge_below(struct aspace *as, uint64_t va, uint64_t end, const struct w_map_args *a)
{
	struct mapping *below;

	if (a->mem || va < MAP_BASE + W_PAGE || a->flags & W_MAP_GROWS)
		return false;
	below = aspace_find(as, va - 1);
	if (!below || below->mem || below->cookie != a->cookie ||
	    below->flags != (a->flags & ~(W_MAP_FIXED | W_MAP_NOREPL | W_MAP_HINT | W_MAP_LOW)))
		return false;
	below->end = end;
	mapped_more(as, below->flags, end - va);
	return true;
}

int64_t aspace_map(struct aspace *as, struct memory *mem, const struct w_map_args *a, uint32_t may)
{
	uint64_t len = (a->len + W_PAGE - 1) & ~(W_PAGE - 1), va;
	struct mapping *m;
	int err;

	if (!len || len < a->len || len >= USER_TOP || a->off & (W_PAGE - 1) ||
	    a->off + len < a->off)
		return W_EINVAL;
	if (as->nmaps >= CONFIG_MAX_MAPPINGS || !may_promise(promised(a->flags, len)))
		return W_ENOMEM;
	m = kzalloc(sizeof(*m));
	if (!m)
		return W_ENOMEM;
	err = choose_va(as, a, len, &va);
	if (err || merge_below(as, va, va + len, a)) {
		kfree(m);
		return err ? err : (int64_t)va;
	}
	m->va = va;
	m->end = va + len;
	m->flags = a->flags & ~(W_MAP_FIXED | W_MAP_NOREPL | W_MAP_HINT | W_MAP_LOW);
	m->may = may;
	m->off = a->off;
	m->cookie = a->cookie;
	m->as = as;
	m->mem = mem;
	list_init(&m->of_mem);
	if (mem) {
		obj_get(&mem->obj);
		list_append(&mem->maps, &m->of_mem);
	}
	insert_sorted(as, m);
	populate(as, m);
	return va;
}

int aspace_protect(struct aspace *as, uint64_t va, uint64_t len, uint32_t prot)
{
	uint64_t at, more = 0;
	struct mapping *m;
	int err;

	if (!range_is_valid(va, len) || prot & ~7u)
		return W_EINVAL;
	for (at = va; at < va + len; at = m->end) {
		m = aspace_find(as, at);
		if (!m)
			return W_ENOMEM;
		if (prot & ~m->may)
			return W_EACCES;
	}
	err = split_at(as, va);
	if (!err)
		err = split_at(as, va + len);
	if (err)
		return err;
	for (m = aspace_next(as, va); m && m->va < va + len; m = next_mapping(as, m))
		if (prot & W_PROT_WRITE && !(m->flags & W_PROT_WRITE))
			more += promised(prot | (m->flags & ~7u), m->end - m->va);
	if (!may_promise(more))
		return W_ENOMEM;
	for (m = aspace_next(as, va); m && m->va < va + len; m = next_mapping(as, m)) {
		mapped_more(as, m->flags, -(int64_t)(m->end - m->va));
		m->flags = (m->flags & ~7u) | prot;
		mapped_more(as, m->flags, m->end - m->va);
	}
	return 0;
}

bool aspace_protect_step(struct aspace *as, uint64_t *va, uint64_t end)
{
	uint64_t from = *va, at = from;
	int budget = ASPACE_STEP;
	struct mapping *m;
	pte_t *pte;

	for (m = aspace_next(as, at); m && m->va < end && budget; m = next_mapping(as, m)) {
		uint64_t stop = m->end < end ? m->end : end;
		struct page_walk w = {.root = as->root, .va = at > m->va ? at : m->va, .end = stop};

		for (pte = page_walk(&w); pte && budget; budget--) {
			if (*pte & PTE_ADDR) /* writability comes back by a fault: AS3 */
				*pte = (*pte & (PTE_ADDR | PTE_ANON)) |
				       pte_prot(m, m->flags & W_MAP_SHARED);
			w.va += W_PAGE;
			pte = page_walk(&w);
		}
		at = pte ? w.va : stop;
	}
	*va = budget ? end : at;
	tlb_flush(as, from, *va - from);
	return *va >= end;
}

static int discard(struct aspace *as, uint64_t va, uint64_t len)
{
	struct mapping *m;
	uint64_t lo, hi;

	for (m = aspace_next(as, va); m && m->va < va + len; m = next_mapping(as, m)) {
		lo = m->va > va ? m->va : va;
		hi = m->end < va + len ? m->end : va + len;
		mapping_zap(m, lo, hi);
	}
	tlb_flush(as, va, len);
	return 0;
}

int aspace_discard_step(struct aspace *as, uint64_t *va, uint64_t end)
{
	return step(as, va, end, discard);
}

/* ---- clone (fork) ---- */

static int clone_page(struct aspace *dst, struct mapping *m, pte_t *to, pte_t *pte)
{
	paddr_t pa = *pte & PTE_ADDR;

	if (!to)
		return W_ENOMEM;
	if (m->flags & W_MAP_EAGER)
		return map_private_page(dst, m, to, pa);
	*pte &= ~PTE_W;
	*to = *pte;
	frame_get(pa);
	dst->anon_pages++;
	return 0;
}

static bool is_others(const struct mapping *m)
{
	uaddr_t tcb = thread_self()->tcb;

	return m->flags & W_MAP_OWN && (tcb < m->va || tcb >= m->end);
}

static int clone_mapping(struct aspace *dst, struct mapping *m)
{
	struct mapping *n = may_promise(promised(m->flags, m->end - m->va)) ? mapping_dup(m) : NULL;

	if (!n)
		return W_ENOMEM;
	n->as = dst;
	list_append(&dst->maps, &n->link);
	dst->nmaps++;
	mapped_more(dst, n->flags, n->end - n->va);
	return 0;
}

/* One step: where it is in both page tables, and how much more it does. */
struct clone_walk {
	struct page_walk from, to;
	int budget;
};

/* Of m's pages from *at on.  *at is past m when none is left. */
static int clone_pages(struct aspace *dst, struct mapping *m, uint64_t *at, struct clone_walk *c)
{
	struct page_walk *w = &c->from;
	pte_t *pte;
	int err;

	w->va = *at & ~(W_PAGE - 1);
	w->end = m->end;
	for (pte = page_walk(w); pte; w->va += W_PAGE, pte = page_walk(w)) {
		if (--c->budget < 0) {
			*at = w->va > m->va ? w->va : m->va + 1;
			return 0;
		}
		if (!(*pte & PTE_ANON)) /* the object's: the child finds it by a fault */
			continue;
		c->to.va = w->va;
		err = clone_page(dst, m, page_make(&c->to), pte);
		if (err)
			return err;
	}
	*at = m->end;
	return 0;
}

/* *at: what is below is done; m->va + 1 when m has been made and none of its pages. */
int aspace_clone_step(struct aspace *dst, struct aspace *src, uint64_t *at, uint64_t end,
		      bool *more)
{
	struct clone_walk c = {.from.root = src->root, .to.root = dst->root, .budget = ASPACE_STEP};
	struct mapping *m;
	int err = 0;

	for (m = aspace_next(src, *at); !err && m && m->va < end && c.budget > 0;
	     m = next_mapping(src, m)) {
		if (m->flags & W_MAP_NOFORK || is_others(m)) {
			*at = m->end;
			continue;
		}
		if (*at <= m->va) {
			err = clone_mapping(dst, m);
			*at = m->va + 1;
			c.budget--;
		}
		if (!err && m->flags & W_MAP_SHARED) {
			populate(dst, m);
			*at = m->end;
		} else if (!err)
			err = clone_pages(dst, m, at, &c);
	}
	m = aspace_next(src, *at);
	*more = !err && m && m->va < end;
	if (!*more)
		tlb_flush(src, 0, 0); /* pages became read-only */
	return err;
}

/* ---- sharing (vfork) ---- */

void aspace_share(struct aspace *as, struct aspace *src, uint64_t end)
{
	as->under = src->under ? src->under : src;
	as->shared = end;
	as->under->refs++;
	as->under->lent++;
	mmu_share(as->root, as->under->root, end);
}

void aspace_detach(struct aspace *as)
{
	struct aspace *under = as->under;

	if (!under)
		return;
	mmu_unshare(as);
	as->under = NULL;
	as->shared = 0;
	seen_forget(as);
	if (!--under->lent)
		thread_wake_all(&under->unlent);
	aspace_put(under);
}

/* ---- teardown, in steps ---- */

/* All pages first, then what maps them: no fault comes between.  False: nothing is left. */
static bool reap_mappings(struct aspace *as)
{
	struct page_walk w = {.root = as->root, .va = as->teardown_va, .end = USER_TOP};
	int pages = ASPACE_STEP, maps = 64;
	pte_t *pte;

	for (pte = page_walk(&w); pte && pages; w.va += W_PAGE, pte = page_walk(&w), pages--)
		pte_drop(as, pte);
	as->teardown_va = w.va;
	while (!pte && maps-- && !list_is_empty(&as->maps))
		mapping_free(list_first(&as->maps, struct mapping, link));
	return pte || !list_is_empty(&as->maps);
}

bool aspace_reap_step(void)
{
	struct aspace *as;

	if (list_is_empty(&dying))
		return false;
	as = list_first(&dying, struct aspace, dying);
	if (as->cpus) /* a CPU is about to leave it and will reap itself */
		return false;
	aspace_detach(as);
	if (reap_mappings(as))
		return true;
	if (as->root) {
		mmu_root_free(as->root);
		as->root = 0;
		return true;
	}
	list_del(&as->dying);
	ndying--;
	kfree(as);
	return true;
}

/* ---- user copies ---- */

void *user_ptr_walk(struct aspace *as, uaddr_t va, uint32_t access, int *err)
{
	pte_t need = PTE_P | PTE_U | (access == ACCESS_WRITE ? PTE_W : 0);
	uint64_t page = va & ~(W_PAGE - 1), i = seen_index(va);
	pte_t *pte;

	if (va >= USER_TOP) {
		*err = W_EFAULT;
		return NULL;
	}
	as = aspace_at(as, va);
	pte = mmu_find(as->root, va);
	if (!pte || (*pte & need) != need) {
		*err = aspace_fault(as, va, access);
		if (*err)
			return NULL;
		pte = mmu_find(as->root, va);
	}
	if (*pte & PTE_PCD) { /* device memory is not in the direct map */
		*err = W_EFAULT;
		return NULL;
	}
	as->seen[i].tag = page | as->seen_turn | SEEN_READ;
	as->seen[i].kva = phys_to_virt(*pte & PTE_ADDR);
	if (access == ACCESS_WRITE) {
		*pte |= PTE_D | PTE_A;
		as->seen[i].tag |= SEEN_WRITE;
	}
	return as->seen[i].kva + (va - page);
}

void seen_forget(struct aspace *as)
{
	as->seen_turn = (as->seen_turn + SEEN_TURN) % W_PAGE;
	if (!as->seen_turn) /* tags of long ago would count again */
		memset(as->seen, 0, sizeof(as->seen));
}

static uint64_t in_page(uint64_t va, uint64_t len)
{
	uint64_t room = W_PAGE - (va & (W_PAGE - 1));

	return len < room ? len : room;
}

static int fault_code(int err)
{
	return err == W_ENOMEM ? W_ENOMEM : W_EFAULT;
}

int copy_in_pages(struct aspace *as, void *dst, uaddr_t src, uint64_t len)
{
	uint64_t n;
	void *p;
	int err;

	for (; len; len -= n, src += n, dst = (char *)dst + n) {
		n = in_page(src, len);
		p = user_ptr(as, src, ACCESS_READ, &err);
		if (!p)
			return fault_code(err);
		memcpy(dst, p, n);
	}
	return 0;
}

int copy_out_pages(struct aspace *as, uaddr_t dst, const void *src, uint64_t len)
{
	uint64_t n;
	void *p;
	int err;

	for (; len; len -= n, dst += n, src = (const char *)src + n) {
		n = in_page(dst, len);
		p = user_ptr(as, dst, ACCESS_WRITE, &err);
		if (!p)
			return fault_code(err);
		memcpy(p, src, n);
	}
	return 0;
}

int copy_across(struct aspace *das, uaddr_t dst, struct aspace *sas, uaddr_t src, uint64_t len)
{
	void *p, *q;
	uint64_t n;
	int err;

	if (in_one_page(src, len) && in_one_page(dst, len)) {
		p = user_ptr_seen(sas, src, ACCESS_READ);
		q = user_ptr_seen(das, dst, ACCESS_WRITE);
		if (p && q) {
			memcpy(q, p, len);
			return 0;
		}
	}
	for (; len; len -= n, src += n, dst += n) {
		n = in_page(src, len);
		p = user_ptr(sas, src, ACCESS_READ, &err);
		if (!p)
			return fault_code(err);
		err = copy_out(das, dst, p, n);
		if (err)
			return err;
	}
	return 0;
}

BKL_END
