// SPDX-License-Identifier: MIT
/* The calls of the as_ family: checks, then <kernel/aspace.h>. */
#include <arch/cpu.h>
#include <kernel/page.h>
#include <kernel/protos.h>
#include <kernel/thread.h>
#include <lib/string.h>

BKL_BEGIN

static int mappable(const struct handle *h, const struct w_map_args *a)
{
	if (h->obj->type != W_T_MEMORY)
		return W_ETYPE;
	if (!(h->rights & W_READ))
		return W_EACCES;
	if (a->flags & W_MAP_SHARED && a->flags & W_PROT_WRITE && !(h->rights & W_WRITE))
		return W_EACCES;
	if (a->flags & W_PROT_EXEC && !(h->rights & W_EXEC))
		return W_EACCES;
	return 0;
}

int64_t sys_as_map(struct process *p, uaddr_t args)
{
	struct process *self = thread_self()->proc;
	struct memory *mem = NULL;
	struct w_map_args a;
	struct handle *h;
	int err;

	err = copy_in(self->as, &a, args, sizeof(a));
	if (err)
		return err;
	if (!p->as)
		return W_EINVAL;
	if (a.mem) {
		h = handle_get(&self->handles, a.mem);
		if (!h)
			return W_EBADH;
		err = mappable(h, &a);
		if (err)
			return err;
		mem = container_of(h->obj, struct memory, obj);
	} else if (a.flags & W_MAP_SHARED) {
		return W_EINVAL; /* share a memory object instead */
	}
	return aspace_map(p->as, mem, &a);
}

/* A range is unmapped in bounded steps; the caller's registers keep the rest. */
#define UNMAP_STEP (512ull << 12)

/* How far one step may go: over holes for free, over UNMAP_STEP of what has pages. */
static uint64_t bounded(struct aspace *as, uint64_t va, uint64_t end)
{
	struct mapping *m = aspace_next(as, va);
	uint64_t pages;

	if (!m || m->va >= end)
		return end;
	if (m->end < end)
		end = m->end;
	pages = mmu_next_table(as->root, va > m->va ? va : m->va, end);
	return end - pages > UNMAP_STEP ? pages + UNMAP_STEP : end;
}

static int64_t step(struct process *p, uint64_t va, uint64_t len,
		    int (*fn)(struct aspace *, uint64_t, uint64_t))
{
	struct w_regs *r = &thread_self()->regs;
	uint64_t n;
	int err;

	if (va + len < va || va + len > USER_TOP || (va | len) & (W_PAGE - 1) || !len)
		return W_EINVAL;
	n = bounded(p->as, va, va + len) - va;
	if (n >= len)
		return fn(p->as, va, len);
	err = fn(p->as, va, n);
	if (err)
		return err;
	r->rsi = va + n;
	r->rdx = len - n;
	return SYS_MORE;
}

int64_t sys_as_unmap(struct process *p, uint64_t va, uint64_t len)
{
	return p->as ? step(p, va, len, aspace_unmap) : W_EINVAL;
}

int64_t sys_as_discard(struct process *p, uint64_t va, uint64_t len)
{
	return p->as ? step(p, va, len, aspace_discard) : W_EINVAL;
}

int64_t sys_as_protect(struct process *p, uint64_t va, uint64_t len, uint32_t prot)
{
	return p->as ? aspace_protect(p->as, va, len, prot) : W_EINVAL;
}

static int move_ptes(struct aspace *as, uint64_t va, uint64_t end, uint64_t to)
{
	pte_t *from, *dst;
	uint64_t at = va;

	for (from = mmu_next_page(as->root, &at, end); from;
	     at += W_PAGE, from = mmu_next_page(as->root, &at, end)) {
		dst = mmu_walk(as->root, to + (at - va), true);
		if (!dst)
			return W_ENOMEM;
		*dst = *from;
		*from = 0;
	}
	return 0;
}

int64_t sys_as_move(uint64_t va, uint64_t len, uint64_t to)
{
	struct aspace *as = thread_self()->proc->as;
	struct mapping *m = aspace_find(as, va);
	struct w_map_args a;
	int64_t r;
	int err;

	if ((va | len | to) & (W_PAGE - 1) || !len || va + len < va)
		return W_EINVAL;
	if (!m || va + len > m->end)
		return W_EFAULT;
	a = (struct w_map_args){.flags = (m->flags & ~W_MAP_GROWS) | W_MAP_NOREPL,
				.off = m->off + (va - m->va),
				.va = to,
				.len = len,
				.cookie = m->cookie};
	if (!to)
		a.flags &= ~W_MAP_NOREPL;
	r = aspace_map(as, m->mem, &a);
	if (r < 0)
		return r;
	err = move_ptes(as, va, va + len, r);
	if (err)
		return err;
	err = aspace_unmap(as, va, len);
	return err ? err : r;
}

int64_t sys_as_merge(struct process *from, struct process *to, uint64_t end)
{
	if (!from->as || !to->as || from == to)
		return W_EINVAL;
	return aspace_merge(from->as, to->as, end);
}

int64_t sys_as_query(struct process *p, uint64_t va, uaddr_t info)
{
	struct w_map_info i;
	struct mapping *m;
	struct list *l;
	uint64_t at;
	pte_t *pte;

	if (!p->as)
		return W_ENOENT;
	list_for_each (l, &p->as->maps) {
		m = list_entry(l, struct mapping, link);
		if (m->end <= va)
			continue;
		memset(&i, 0, sizeof(i));
		i.va = m->va;
		i.len = m->end - m->va;
		i.off = m->off;
		i.cookie = m->cookie;
		i.flags = m->flags;
		i.koid = m->mem ? m->mem->obj.koid : 0;
		at = m->va;
		for (pte = mmu_next_page(p->as->root, &at, m->end); pte;
		     at += W_PAGE, pte = mmu_next_page(p->as->root, &at, m->end))
			i.resident += !!(*pte & PTE_ADDR);
		return copy_out(thread_self()->proc->as, info, &i, sizeof(i));
	}
	return W_ENOENT;
}

BKL_END
