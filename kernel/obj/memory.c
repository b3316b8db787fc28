// SPDX-License-Identifier: MIT
#include <arch/cpu.h>
#include <kernel/log.h>
#include <kernel/memory.h>
#include <kernel/page.h>
#include <kernel/protos.h>
#include <kernel/syscall.h>
#include <kernel/thread.h>
#include <lib/string.h>

BKL_BEGIN

#define DIR_SPAN 1024		/* frames that one pfn table describes */
#define MEMORY_MAX (1ull << 26) /* pages: 256 GiB */
#define SLICE_MAX 4096		/* pages of a slice with a table of its own */

static void frames_drop(struct memory *m, uint64_t from)
{
	uint64_t d, i;

	for (d = from / DIR_SPAN; d < m->dir_len; d++) {
		if (!m->dir[d])
			continue;
		for (i = d == from / DIR_SPAN ? from % DIR_SPAN : 0; i < DIR_SPAN && m->resident;
		     i++) {
			if (!m->dir[d][i])
				continue;
			frame_put((paddr_t)m->dir[d][i] * W_PAGE);
			m->dir[d][i] = 0;
			m->resident--;
		}
		if (d * DIR_SPAN >= from) {
			kfree(m->dir[d]);
			m->dir[d] = NULL;
		}
	}
}

/* ---- the end, in steps: one table of frames each ---- */

static struct list dying = LIST_INIT(dying);
uint32_t ndying;

static void memory_free(struct memory *m)
{
	uint64_t i;

	kfree(m->dir);
	for (i = 0; m->owns_linear && i < m->pages; i++)
		frame_put(m->linear + i * W_PAGE);
	if (m->base)
		obj_put(&m->base->obj);
	kfree(m);
}

bool memory_reap_step(void)
{
	struct memory *m;

	if (list_is_empty(&dying))
		return false;
	m = list_first(&dying, struct memory, dying);
	frames_drop(m, (m->dir_len - 1) * DIR_SPAN);
	if (!--m->dir_len) {
		list_del(&m->dying);
		ndying--;
		memory_free(m);
	}
	return true;
}

static void memory_destroy(struct object *o)
{
	struct memory *m = container_of(o, struct memory, obj);

	if (m->resident <= DIR_SPAN) {
		if (m->dir)
			frames_drop(m, 0);
		memory_free(m);
		return;
	}
	list_append(&dying, &m->dying);
	ndying++;
}

static const struct object_ops memory_ops = {.destroy = memory_destroy};

static struct memory *memory_init(uint64_t pages)
{
	struct memory *m = kzalloc(sizeof(*m));

	if (!m)
		return NULL;
	obj_init(&m->obj, W_T_MEMORY, &memory_ops);
	m->pages = pages;
	list_init(&m->maps);
	return m;
}

struct memory *memory_new(uint64_t pages)
{
	return memory_init(pages);
}

struct memory *memory_new_linear(paddr_t start, uint64_t pages, bool owns)
{
	struct memory *m = memory_init(pages);

	if (m) {
		m->linear = start;
		m->owns_linear = owns;
	}
	return m;
}

struct memory *memory_new_device(paddr_t start, uint64_t pages)
{
	struct memory *m = memory_init(pages);

	if (m)
		m->device = start;
	return m;
}

static bool dir_reach(struct memory *m, uint64_t d)
{
	uint64_t len = m->dir_len ? m->dir_len : 4;
	uint32_t **dir;

	if (d < m->dir_len)
		return true;
	while (len <= d)
		len *= 2;
	dir = kzalloc(len * sizeof(*dir));
	if (!dir)
		return false;
	if (m->dir)
		memcpy(dir, m->dir, m->dir_len * sizeof(*dir));
	kfree(m->dir);
	m->dir = dir;
	m->dir_len = len;
	return true;
}

paddr_t memory_frame(struct memory *m, uint64_t index, bool make)
{
	uint64_t d = index / DIR_SPAN;
	uint32_t *slot;
	paddr_t pa;

	if (index >= m->pages)
		return 0;
	if (m->device || m->linear)
		return (m->device | m->linear) + index * W_PAGE;
	if (d >= m->dir_len && (!make || !dir_reach(m, d)))
		return 0;
	if (!m->dir[d]) {
		if (!make)
			return 0;
		m->dir[d] = kzalloc(DIR_SPAN * sizeof(uint32_t));
		if (!m->dir[d])
			return 0;
	}
	slot = &m->dir[d][index % DIR_SPAN];
	if (*slot || !make)
		return (paddr_t)*slot * W_PAGE;
	pa = frame_alloc_zero();
	if (pa) {
		*slot = pa / W_PAGE;
		m->resident++;
	}
	return pa;
}

int64_t sys_mem_create(uint64_t bytes, uint32_t flags)
{
	uint64_t pages = (bytes + W_PAGE - 1) / W_PAGE;
	struct memory *m;
	int order;
	paddr_t pa;

	if (flags & ~W_MEM_CONTIG || pages > MEMORY_MAX)
		return W_EINVAL;
	if (!(flags & W_MEM_CONTIG)) {
		m = memory_new(pages);
		return m ? handle_new(&m->obj, W_ALL) : W_ENOMEM;
	}
	for (order = 0; 1ull << order < pages; order++)
		;
	pa = pages ? frame_alloc_block(order) : 0;
	if (!pa)
		return W_ENOMEM;
	memset(phys_to_virt(pa), 0, W_PAGE << order);
	m = memory_new_linear(pa, 1ull << order, true);
	if (!m) {
		frame_free_block(pa, order);
		return W_ENOMEM;
	}
	return handle_new(&m->obj, W_ALL);
}

static void cut_off(struct memory *m, uint64_t pages)
{
	struct mapping *map;
	struct list *l;
	uint64_t from;

	list_for_each (l, &m->maps) {
		map = list_entry(l, struct mapping, of_mem);
		from = pages * W_PAGE > map->off ? map->va + pages * W_PAGE - map->off : map->va;
		if (from < map->end) {
			mapping_zap(map, from, map->end);
			tlb_flush(map->as, from, map->end - from);
		}
	}
	frames_drop(m, pages);
	m->pages = pages;
	if (m->content != W_MEM_GONE && m->content > pages * W_PAGE)
		m->content = pages * W_PAGE;
}

/* From the end, a step at a time: it is smaller after each. */
int64_t sys_mem_resize(struct memory *m, uint64_t bytes)
{
	uint64_t pages = (bytes + W_PAGE - 1) / W_PAGE, to = pages;

	if (m->device || m->linear || m->readonly || pages > MEMORY_MAX)
		return W_EINVAL;
	if (pages >= m->pages) {
		m->pages = pages;
		return 0;
	}
	if (m->resident > DIR_SPAN && m->pages - pages > DIR_SPAN)
		to = m->pages - DIR_SPAN;
	cut_off(m, to);
	return to > pages ? SYS_MORE : 0;
}

int memory_rw(struct memory *m, uint64_t off, void *buf, uint64_t len, bool write)
{
	uint64_t n;
	paddr_t pa;

	for (; len; len -= n, off += n, buf = (char *)buf + n) {
		n = W_PAGE - off % W_PAGE < len ? W_PAGE - off % W_PAGE : len;
		pa = memory_frame(m, off / W_PAGE, true);
		if (!pa)
			return W_ENOMEM;
		if (write)
			memcpy((char *)phys_to_virt(pa) + off % W_PAGE, buf, n);
		else
			memcpy(buf, (char *)phys_to_virt(pa) + off % W_PAGE, n);
	}
	return 0;
}

static int rw_page(struct memory *m, uint64_t off, uaddr_t buf, uint64_t n, bool write)
{
	struct aspace *as = thread_self()->proc->as;
	paddr_t pa = memory_frame(m, off / W_PAGE, true);
	char *p = (char *)phys_to_virt(pa) + off % W_PAGE;

	if (!pa)
		return W_ENOMEM;
	return write ? copy_in(as, p, buf, n) : copy_out(as, buf, p, n);
}

/* The part of it that this step is for; len bytes at off are inside the object. */
static int64_t rw_step(struct memory *m, uint64_t off, uaddr_t buf, uint64_t len, bool write)
{
	struct thread *t = thread_self();
	uint64_t n, done = t->step_done < len ? t->step_done : 0, stop;
	int err;

	stop = len - done > COPY_STEP ? done + COPY_STEP : len;
	for (; done < stop; done += n) {
		n = W_PAGE - (off + done) % W_PAGE;
		if (n > stop - done)
			n = stop - done;
		err = rw_page(m, off + done, buf + done, n, write);
		if (err)
			return err;
	}
	t->step_done = done;
	return done < len ? SYS_MORE : (int64_t)len;
}

int64_t sys_mem_rw(w_handle_t h, uint64_t off, uaddr_t buf, uint64_t len, uint32_t dir)
{
	struct memory *m;
	int err = handle_check(h, W_T_MEMORY, dir ? W_WRITE : W_READ, false, &m);

	if (err)
		return err;
	if (m->device || dir > 1 || off > m->pages * W_PAGE || len > m->pages * W_PAGE - off)
		return W_ERANGE;
	if (dir && m->readonly)
		return W_EACCES;
	return rw_step(m, off, buf, len, dir);
}

int64_t sys_mem_content(struct memory *m, uint64_t bytes)
{
	if (m->device || (bytes != W_MEM_GONE && bytes > m->pages * W_PAGE))
		return W_ERANGE;
	m->content = bytes;
	return 0;
}

int64_t sys_mem_read(struct memory *m, uint64_t off, uaddr_t buf, uint64_t len)
{
	if (m->content == W_MEM_GONE)
		return W_EPIPE;
	if (off >= m->content)
		return 0;
	return rw_step(m, off, buf, len < m->content - off ? len : m->content - off, false);
}

static int64_t slice_table(struct memory *m, struct memory *s, uint64_t first)
{
	uint64_t i;
	paddr_t pa;

	for (i = 0; i < s->pages; i++) {
		pa = memory_frame(m, first + i, true);
		if (!pa || !dir_reach(s, i / DIR_SPAN))
			return W_ENOMEM;
		if (!s->dir[i / DIR_SPAN])
			s->dir[i / DIR_SPAN] = kzalloc(DIR_SPAN * sizeof(uint32_t));
		if (!s->dir[i / DIR_SPAN])
			return W_ENOMEM;
		frame_get(pa);
		s->dir[i / DIR_SPAN][i % DIR_SPAN] = pa / W_PAGE;
		s->resident++;
	}
	return 0;
}

int64_t sys_mem_slice(struct memory *m, uint64_t off, uint64_t len)
{
	struct memory *s;
	int64_t err;

	if ((off | len) % W_PAGE || !len || m->device)
		return W_EINVAL;
	if (!m->linear && len / W_PAGE > SLICE_MAX)
		return W_EINVAL;
	if (off / W_PAGE > m->pages || len / W_PAGE > m->pages - off / W_PAGE)
		return W_ERANGE;
	s = memory_init(len / W_PAGE);
	if (!s)
		return W_ENOMEM;
	s->readonly = true;
	s->base = m;
	obj_get(&m->obj);
	if (m->linear) {
		s->linear = m->linear + off;
		return handle_new(&s->obj, W_ALL & ~W_WRITE);
	}
	err = slice_table(m, s, off / W_PAGE);
	if (err) {
		obj_put(&s->obj);
		return err;
	}
	return handle_new(&s->obj, W_ALL & ~W_WRITE);
}

int64_t sys_mem_paddr(struct memory *m, uint64_t off)
{
	if (!m->linear && !m->device)
		return W_EINVAL;
	if (off / W_PAGE >= m->pages)
		return W_ERANGE;
	return (m->linear | m->device) + (off & ~(W_PAGE - 1));
}

int64_t sys_dma_addr(struct ioroot *io, uint64_t va, uint32_t write)
{
	int err = 0;
	void *p = user_ptr(thread_self()->proc->as, va, write ? ACCESS_WRITE : ACCESS_READ, &err);

	(void)io;
	return p ? (int64_t)virt_to_phys(p) : err;
}

int64_t sys_mmio_create(struct ioroot *io, uint64_t paddr, uint64_t len)
{
	uint64_t pages = len / W_PAGE;
	struct memory *m;

	(void)io;
	if (!pages || (paddr | len) % W_PAGE || !paddr || paddr + len < paddr ||
	    paddr + len > 1ull << 46 || mmu_is_ram(paddr, len))
		return W_EINVAL;
	m = memory_new_device(paddr, pages);
	return m ? handle_new(&m->obj, W_ALL) : W_ENOMEM;
}

BKL_END
