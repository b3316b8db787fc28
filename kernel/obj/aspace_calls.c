// SPDX-License-Identifier: MIT
/* The calls of the as_ family: checks, then <kernel/aspace.h>. */
#include <arch/cpu.h>
#include <kernel/page.h>
#include <kernel/protos.h>
#include <kernel/thread.h>
#include <lib/string.h>

BKL_BEGIN

#define PROT_ALL (W_PROT_READ | W_PROT_WRITE | W_PROT_EXEC)

/* What a mapping of h may ever be protected to: a private one's writes go to copies. */
static int mappable(const struct handle *h, const struct w_map_args *a, uint32_t *may)
{
	if (h->obj->type != W_T_MEMORY)
		return W_ETYPE;
	if (!(h->rights & W_READ))
		return W_EACCES;
	*may = PROT_ALL;
	if (a->flags & W_MAP_SHARED && !(h->rights & W_WRITE))
		*may &= ~W_PROT_WRITE;
	if (!(h->rights & W_EXEC))
		*may &= ~W_PROT_EXEC;
	return a->flags & PROT_ALL & ~*may ? W_EACCES : 0;
}

/* Whose [va, va + len) of p is (AS4); NULL: two spaces', or p has ended. */
static struct aspace *space_of(struct process *p, uint64_t va, uint64_t len)
{
	struct aspace *as = p->as;

	return as && va < as->shared && len > as->shared - va ? NULL
	       : as					      ? aspace_at(as, va)
							      : NULL;
}

/* What is there goes in steps; meanwhile nobody else gets the place. */
static int64_t map_over(struct aspace *as, struct memory *mem, const struct w_map_args *a,
			uint32_t may)
{
	struct thread *t = thread_self();
	uint64_t end = a->va + ((a->len + W_PAGE - 1) & ~(W_PAGE - 1));
	uint64_t va = t->step_done ? t->step_done : a->va;
	bool valid = va < end && end <= USER_TOP && !((va | end) & (W_PAGE - 1));

	if (!thread_hold(as))
		return SYS_MORE;
	if (valid && mmu_next_table(as->root, va, end) < end) {
		if (!aspace_unmap_step(as, &va, end) && va < end) {
			t->step_done = va;
			return SYS_MORE;
		}
	}
	return aspace_map(as, mem, a, may);
}

int64_t sys_as_map(struct process *p, uaddr_t args)
{
	struct process *self = thread_self()->proc;
	struct memory *mem = NULL;
	uint32_t may = PROT_ALL;
	struct w_map_args a;
	struct aspace *as;
	struct handle *h;
	int err;

	err = copy_in(self->as, &a, args, sizeof(a));
	if (err)
		return err;
	/* where there is a hole is below what is shared, if anything is */
	as = a.flags & (W_MAP_FIXED | W_MAP_NOREPL) ? space_of(p, a.va, a.len) : space_of(p, 0, 0);
	if (!as)
		return W_EINVAL;
	if (a.mem) {
		h = handle_get(&self->handles, a.mem);
		if (!h)
			return W_EBADH;
		err = mappable(h, &a, &may);
		if (err)
			return err;
		mem = container_of(h->obj, struct memory, obj);
	} else if (a.flags & W_MAP_SHARED) {
		return W_EINVAL; /* share a memory object instead */
	}
	if (a.flags & W_MAP_FIXED)
		return map_over(as, mem, &a, may);
	return thread_may_map(as) ? aspace_map(as, mem, &a, may) : SYS_MORE;
}

/* fn from va to va + len, a step of it: t->step_done is how far the steps before came. */
static int64_t in_steps(struct process *p, uint64_t va, uint64_t len,
			int (*fn)(struct aspace *, uint64_t *, uint64_t))
{
	struct aspace *as = space_of(p, va, len);
	struct thread *t = thread_self();
	uint64_t end = va + len;
	int err;

	if (!as || end < va || end > USER_TOP || (va | len) & (W_PAGE - 1) || !len)
		return W_EINVAL;
	if (!thread_may_map(as))
		return SYS_MORE;
	if (t->step_done > va && t->step_done < end)
		va = t->step_done;
	err = fn(as, &va, end);
	t->step_done = va;
	return err ? err : va < end ? SYS_MORE : 0;
}

int64_t sys_as_unmap(struct process *p, uint64_t va, uint64_t len)
{
	return in_steps(p, va, len, aspace_unmap_step);
}

int64_t sys_as_discard(struct process *p, uint64_t va, uint64_t len)
{
	return in_steps(p, va, len, aspace_discard_step);
}

static int protect_step(struct aspace *as, uint64_t *va, uint64_t end)
{
	aspace_protect_step(as, va, end);
	return 0;
}

int64_t sys_as_protect(struct process *p, uint64_t va, uint64_t len, uint32_t prot)
{
	struct aspace *as = space_of(p, va, len);
	int err;

	if (!as)
		return W_EINVAL;
	if (!thread_may_map(as))
		return SYS_MORE;
	err = thread_self()->step_done ? 0 : aspace_protect(as, va, len, prot);
	return err ? err : in_steps(p, va, len, protect_step);
}

/* Page tables for [va, va + len), so that nothing can fail later. */
static int make_tables(struct aspace *as, uint64_t va, uint64_t len)
{
	uint64_t at, span = 512 * W_PAGE;

	for (at = va & ~(span - 1); at < va + len; at += span)
		if (!mmu_make(as->root, at))
			return W_ENOMEM;
	return 0;
}

static bool move_ptes(struct aspace *as, uint64_t *va, uint64_t end, uint64_t to)
{
	struct page_walk w = {.root = as->root, .va = *va, .end = end};
	int budget = ASPACE_STEP;
	pte_t *from, *dst;

	for (from = page_walk(&w); from && budget--; w.va += W_PAGE, from = page_walk(&w)) {
		dst = mmu_make(as->root, to + (w.va - *va));
		*dst = *from;
		*from = 0;
	}
	*va = from ? w.va : end;
	return !from;
}

static int64_t move_begin(struct aspace *as, struct mapping *m, uint64_t va, uint64_t len,
			  uint64_t to)
{
	struct w_map_args a = {.flags = (m->flags & ~W_MAP_GROWS) | W_MAP_NOREPL,
			       .off = m->off + (va - m->va),
			       .va = to,
			       .len = len,
			       .cookie = m->cookie};
	int64_t r;

	if (!to)
		a.flags &= ~W_MAP_NOREPL;
	r = aspace_map(as, m->mem, &a, m->may);
	if (r >= 0 && make_tables(as, r, len)) {
		aspace_unmap(as, r, len);
		return W_ENOMEM;
	}
	return r;
}

int64_t sys_as_move(uint64_t va, uint64_t len, uint64_t to)
{
	struct thread *t = thread_self();
	struct aspace *as = space_of(t->proc, va, len);
	struct mapping *m;
	int64_t r;
	int err;

	if (!as || as != (to ? space_of(t->proc, to, len) : as))
		return W_EINVAL;
	if (!thread_hold(as))
		return SYS_MORE;
	if (!t->step_sum) { /* the first step; later ones: the new address */
		m = aspace_find(as, va);
		if ((va | len | to) & (W_PAGE - 1) || !len || va + len < va)
			return W_EINVAL;
		if (!m || va + len > m->end)
			return W_EFAULT;
		r = move_begin(as, m, va, len, to);
		if (r < 0)
			return r;
		t->step_sum = r;
		t->step_done = va;
	}
	r = t->step_sum;
	if (!move_ptes(as, &t->step_done, va + len, r + (t->step_done - va)))
		return SYS_MORE;
	err = aspace_unmap(as, va, len);
	return err ? err : r;
}

int64_t sys_as_detach(void)
{
	struct thread *t = thread_self();
	struct aspace *as = t->proc->as;

	if (as->lent) {
		t->uninterruptible = true;
		return thread_park(&as->unlent, W_FOREVER);
	}
	if (!as->under)
		return W_EINVAL;
	if (t->proc->nthreads > 1) { /* they run in there */
		this_cpu()->resched = true;
		return SYS_MORE;
	}
	aspace_detach(as);
	return 0;
}

int64_t sys_as_read(struct process *p, uint64_t va, uaddr_t buf, uint32_t len)
{
	if (!p->as)
		return W_EINVAL;
	return copy_across(thread_self()->proc->as, buf, p->as, va, len);
}

/* Pages of m, counted in steps; false: not all yet. */
static bool count_resident(struct aspace *as, struct mapping *m, uint32_t *pages)
{
	struct thread *t = thread_self();
	int budget = ASPACE_STEP;
	uint64_t at = t->step_done > m->va && t->step_done < m->end ? t->step_done : m->va;
	struct page_walk w = {.root = as->root, .va = at, .end = m->end};
	pte_t *pte;

	for (pte = page_walk(&w); pte && budget--; w.va += W_PAGE, pte = page_walk(&w))
		t->step_sum += !!(*pte & PTE_ADDR);
	t->step_done = w.va;
	*pages = t->step_sum;
	return !pte;
}

static struct mapping *mapping_at(struct aspace *as, uint64_t va)
{
	struct mapping *m;

	if (va >= as->shared)
		return aspace_next(as, va);
	m = aspace_next(as->under, va);
	return m && m->va < as->shared ? m : aspace_next(as, as->shared);
}

int64_t sys_as_query(struct process *p, uint64_t va, uaddr_t info)
{
	struct mapping *m = p->as ? mapping_at(p->as, va) : NULL;
	struct w_map_info i = {0};

	if (!m)
		return W_ENOENT;
	if (!count_resident(m->as, m, &i.resident))
		return SYS_MORE;
	i.va = m->va;
	i.len = m->end - m->va;
	i.off = m->off;
	i.cookie = m->cookie;
	i.flags = m->flags;
	i.koid = m->mem ? m->mem->obj.koid : 0;
	return copy_out(thread_self()->proc->as, info, &i, sizeof(i));
}

BKL_END
