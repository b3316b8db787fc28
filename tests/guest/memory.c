// SPDX-License-Identifier: MIT
#include "t.h"

TEST(as_read, of_another_process) /* covers: INVAL FAULT */
{
	struct w_map_args a = {.va = 0x100000,
			       .len = 2 * W_PAGE,
			       .flags = W_PROT_READ | W_PROT_WRITE | W_MAP_FIXED | W_MAP_SHARED};
	int64_t p = w_proc_create("t", 1, 0, 1), mem = w_mem_create(2 * W_PAGE, 0);
	static char out[8];

	a.mem = mem;
	t_ok(w_mem_rw(mem, W_PAGE - 4, (void *)"12345678", 8, 1));
	t_ok(w_as_map(p, &a));
	t_ok(w_as_read(p, 0x100000 + W_PAGE - 4, out, 8)); /* over the end of a page */
	t_eq(out[0] * 256 + out[7], '1' * 256 + '8');
	t_eq(w_as_read(p, 0x100000 + 2 * W_PAGE - 4, out, 8), W_EFAULT);
	t_eq(w_as_read(p, 0x50000, out, 8), W_EFAULT);
	t_eq(w_as_read(p, 0x100000, (void *)8, 8), W_EFAULT);
	t_eq(w_as_read(p, ~0ull - 4, out, 8), W_EFAULT);
	t_eq(w_as_read(p, 0x100000, out, 65537), W_EINVAL);
	t_ok(w_proc_kill(p, 0));
	t_wait_end(p);
	t_ok(w_handle_close(p));
	t_ok(w_handle_close(mem));
}

#define P W_PAGE
#define RW (W_PROT_READ | W_PROT_WRITE)

static int64_t map(w_handle_t mem, uint64_t va, uint64_t len, uint32_t flags)
{
	struct w_map_args a = {.mem = mem, .flags = flags, .va = va, .len = len};

	return w_as_map(0, &a);
}

TEST(mem_create, refuses_nonsense) /* covers: INVAL NOMEM */
{
	t_eq(w_mem_create(P, 0x80), W_EINVAL);
	t_eq(w_mem_create(1ull << 50, 0), W_EINVAL);
	t_eq(w_mem_create(1ull << 30, W_MEM_CONTIG), W_ENOMEM);
}

TEST(mem_rw, stays_inside) /* covers: RANGE FAULT */
{
	w_handle_t m = w_mem_create(2 * P, 0);
	char b[16] = "hello", c[16];

	t_eq(w_mem_rw(m, P - 3, b, 6, 1), 6); /* across a page */
	t_eq(w_mem_rw(m, P - 3, c, 6, 0), 6);
	t_eq(memcmp(b, c, 6), 0);
	t_eq(w_mem_rw(m, 2 * P, b, 1, 0), W_ERANGE);
	t_eq(w_mem_rw(m, ~0ull, b, 8, 0), W_ERANGE);
	t_eq(w_mem_rw(m, 0, (void *)8, 8, 0), W_EFAULT);
	t_eq(w_mem_rw(m, 0, b, 8, 2), W_ERANGE);
	t_ok(w_handle_close(m));
}

TEST(mem_slice, shares_frames_read_only) /* covers: INVAL RANGE ACCES */
{
	w_handle_t m = w_mem_create(2 * P, 0);
	uint64_t v = 42, w = 0;
	int64_t s;

	t_ok(w_mem_rw(m, P, &v, 8, 1));
	s = w_mem_slice(m, P, P);
	t_ok(s);
	t_eq(w_mem_rw(s, 0, &w, 8, 0), 8);
	t_eq(w, 42);
	t_eq(w_mem_rw(s, 0, &v, 8, 1), W_EACCES);
	t_eq(w_mem_slice(m, 1, P), W_EINVAL);
	t_eq(w_mem_slice(m, 2 * P, P), W_ERANGE);
	t_ok(w_handle_close(s));
	t_ok(w_handle_close(m));
}

TEST(mem_resize, cuts_mappings_too) /* covers: INVAL */
{
	w_handle_t m = w_mem_create(2 * P, 0);
	int64_t va = map(m, 0, 2 * P, RW | W_MAP_SHARED);
	uint64_t v;

	t_ok(va);
	*(volatile char *)(va + P) = 1;
	t_ok(w_mem_resize(m, P));
	t_eq(w_mem_rw(m, P, &v, 8, 0), W_ERANGE);
	t_eq(w_debug_write((void *)(va + P), 1), W_EFAULT);
	t_eq(w_mem_resize(m, 1ull << 50), W_EINVAL);
	t_ok(w_as_unmap(0, va, 2 * P));
	t_ok(w_handle_close(m));
}

TEST(mem_paddr, only_for_contiguous) /* covers: INVAL RANGE */
{
	w_handle_t m = w_mem_create(P, 0), c = w_mem_create(2 * P, W_MEM_CONTIG);

	t_eq(w_mem_paddr(m, 0), W_EINVAL);
	t_eq(w_mem_paddr(c, P) - w_mem_paddr(c, 0), P);
	t_eq(w_mem_paddr(c, 16 * P), W_ERANGE);
	t_ok(w_handle_close(m));
	t_ok(w_handle_close(c));
}

TEST(dma_addr, is_where_the_page_is) /* covers: BADH TYPE ACCES FAULT */
{
	w_handle_t c = w_mem_create(2 * P, W_MEM_CONTIG), e = w_event_create(0);
	w_handle_t weak = w_handle_dup(W_H_IOROOT, 0);
	struct w_map_args a = {
		.mem = c, .flags = W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED, .len = 2 * P};
	int64_t va = w_as_map(0, &a), ro;

	t_eq(va > 0, 1);
	t_eq(w_dma_addr(W_H_IOROOT, va + P + 5, 1), w_mem_paddr(c, P) + 5);
	t_eq(w_dma_addr(W_H_IOROOT, 8, 0), W_EFAULT);
	t_eq(w_dma_addr(W_H_IOROOT, ~0ull << 47, 0), W_EFAULT);
	t_eq(w_dma_addr(e, va, 0), W_ETYPE);
	t_eq(w_dma_addr(BAD_HANDLE, va, 0), W_EBADH);
	t_eq(w_dma_addr(weak, va, 0), W_EACCES);
	a.flags = W_PROT_READ | W_MAP_SHARED;
	ro = w_as_map(0, &a);
	t_eq(w_dma_addr(W_H_IOROOT, ro, 0), w_mem_paddr(c, 0));
	t_eq(w_dma_addr(W_H_IOROOT, ro, 1), W_EFAULT);
	t_ok(w_as_unmap(0, va, 2 * P));
	t_ok(w_as_unmap(0, ro, 2 * P));
	t_ok(w_handle_close(c));
	t_ok(w_handle_close(e));
	t_ok(w_handle_close(weak));
}

TEST(as_map, refuses_bad_ranges) /* covers: INVAL EXIST FAULT BADH TYPE ACCES */
{
	w_handle_t e = w_event_create(0), m = w_mem_create(P, 0);
	int64_t ro = w_handle_dup(m, W_READ), va;

	t_eq(map(0, 0, 0, RW), W_EINVAL);
	t_eq(map(0, 123, P, RW | W_MAP_FIXED), W_EINVAL);
	t_eq(map(0, 0, P, RW | W_MAP_FIXED), W_EINVAL); /* page 0 */
	t_eq(map(0, 0xffff800000000000ull, P, RW | W_MAP_FIXED), W_EINVAL);
	t_eq(map(0, 0x7fffffffe000ull, 4 * P, RW | W_MAP_FIXED), W_EINVAL);
	t_eq(map(0, 0, ~0ull, RW), W_EINVAL);
	t_eq(map(0, 0, P, RW | W_MAP_SHARED), W_EINVAL);
	t_eq(map(e, 0, P, RW), W_ETYPE);
	t_eq(map(BAD_HANDLE, 0, P, RW), W_EBADH);
	t_eq(map(ro, 0, P, RW | W_MAP_SHARED), W_EACCES);
	t_eq(map(ro, 0, P, W_PROT_READ | W_PROT_EXEC), W_EACCES);
	t_eq(w_as_map(0, (void *)8), W_EFAULT);
	va = map(0, 0, P, RW);
	t_ok(va);
	t_eq(map(0, va, P, RW | W_MAP_NOREPL), W_EEXIST);
	t_ok(w_as_unmap(0, va, P));
	t_ok(w_handle_close(ro));
	t_ok(w_handle_close(m));
	t_ok(w_handle_close(e));
}

TEST(as_map, anonymous_reads_zero_and_private_copies)
{
	w_handle_t m = w_mem_create(P, 0);
	volatile uint64_t *a = (void *)map(0, 0, P, RW), *b, *c;
	uint64_t v = 7;

	t_eq(*a, 0);
	w_mem_rw(m, 0, &v, 8, 1);
	b = (void *)map(m, 0, P, RW);
	c = (void *)map(m, 0, P, RW | W_MAP_SHARED);
	t_eq(*b, 7);
	*b = 8;
	t_eq(*c, 7);
	*c = 9;
	t_eq(*b, 8);
	w_mem_rw(m, 0, &v, 8, 0);
	t_eq(v, 9);
	t_ok(w_as_unmap(0, (uint64_t)a, P));
	t_ok(w_as_unmap(0, (uint64_t)b, P));
	t_ok(w_as_unmap(0, (uint64_t)c, P));
	t_ok(w_handle_close(m));
}

TEST(as_protect, binds_copies_of_the_kernel_too) /* covers: INVAL NOMEM */
{
	int64_t va = map(0, 0, 2 * P, RW);

	*(volatile char *)va = 1;
	t_ok(w_as_protect(0, va, P, W_PROT_READ));
	t_eq(w_obj_info(0, (void *)va), W_EFAULT);
	t_eq(w_debug_write((void *)va, 1), 1);
	t_ok(w_as_protect(0, va, P, 0));
	t_eq(w_debug_write((void *)va, 1), W_EFAULT);
	t_ok(w_as_protect(0, va, P, RW));
	t_eq(*(volatile char *)va, 1); /* what was there survives */
	t_eq(w_as_protect(0, va, P, 64), W_EINVAL);
	t_eq(w_as_protect(0, va + 1, P, RW), W_EINVAL);
	t_ok(w_as_unmap(0, va + P, P));
	t_eq(w_as_protect(0, va, 2 * P, RW), W_ENOMEM);
	t_ok(w_as_unmap(0, va, P));
}

TEST(as_discard, gives_zero_again) /* covers: INVAL */
{
	volatile char *p = (void *)map(0, 0, P, RW);

	*p = 5;
	t_ok(w_as_discard(0, (uint64_t)p, P));
	t_eq(*p, 0);
	t_eq(w_as_discard(0, (uint64_t)p + 1, P), W_EINVAL);
	t_ok(w_as_unmap(0, (uint64_t)p, P));
}

TEST(as_unmap, big_holes_are_cheap) /* covers: INVAL */
{
	int64_t va = map(0, 0, 64ull << 30, 0);

	t_ok(va);
	t_ok(w_as_unmap(0, va, 64ull << 30));
	t_eq(w_as_unmap(0, va, 0), W_EINVAL);
	t_eq(w_as_unmap(0, 0x7fffffffe000ull, 1ull << 40), W_EINVAL);
}

TEST(as_move, carries_pages) /* covers: INVAL FAULT EXIST */
{
	volatile char *p = (void *)map(0, 0, 2 * P, RW);
	int64_t to;

	p[0] = 3;
	p[P] = 4;
	to = w_as_move((uint64_t)p, 2 * P, 0);
	t_ok(to);
	t_eq(((volatile char *)to)[0], 3);
	t_eq(((volatile char *)to)[P], 4);
	t_eq(w_as_move((uint64_t)p, P, 0), W_EFAULT);
	t_eq(w_as_move(to + 1, P, 0), W_EINVAL);
	t_eq(w_as_move(to, P, to + P), W_EEXIST);
	t_ok(w_as_unmap(0, to, 2 * P));
}

TEST(as_query, walks_all) /* covers: NOENT FAULT */
{
	struct w_map_info i;

	t_ok(w_as_query(0, 0, &i));
	t_eq(w_as_query(0, 0x7fffffffffffull, &i), W_ENOENT);
	t_eq(w_as_query(0, 0, (void *)8), W_EFAULT);
}

TEST(mmio_create, never_ram) /* covers: INVAL */
{
	t_eq(w_mmio_create(W_H_IOROOT, 0x200000, P), W_EINVAL);
	t_eq(w_mmio_create(W_H_IOROOT, 0xfee00001, P), W_EINVAL);
	t_eq(w_mmio_create(W_H_IOROOT, 0xfee00000, 0), W_EINVAL);
}

TEST(mem_read, stops_at_the_content)
{
	w_handle_t m = w_mem_create(2 * P, 0), s;
	char b[8] = "";

	t_eq(w_mem_read(m, 0, b, 8), 0); /* nothing has been said to be content */
	t_ok(w_mem_rw(m, P - 2, "abcd", 4, 1));
	t_ok(w_mem_content(m, P + 1));
	t_eq(w_mem_read(m, P - 2, b, 8), 3);
	t_eq(memcmp(b, "abc", 4), 0);
	t_eq(w_mem_read(m, P + 1, b, 8), 0);
	t_eq(w_mem_read(m, ~0ull, b, ~0ull), 0);
	t_eq(w_mem_read(m, P, (void *)8, 1), W_EFAULT);
	t_eq(w_mem_content(m, 2 * P + 1), W_ERANGE);
	t_ok(w_mem_resize(m, P)); /* content goes with the pages */
	t_eq(w_mem_read(m, P - 1, b, 8), 1);
	s = w_mem_slice(m, 0, P);
	t_ok(w_mem_content(s, 4));
	t_eq(w_mem_read(s, 0, b, 8), 4);
	t_ok(w_handle_close(s));
	t_ok(w_mem_content(m, W_MEM_GONE));
	t_eq(w_mem_read(m, 0, b, 8), W_EPIPE);
	t_ok(w_handle_close(m));
}

TEST(as_protect, gives_no_right_that_the_handle_lacked)
{
	w_handle_t m = w_mem_create(P, 0), ro = w_handle_dup(m, W_READ);
	struct w_map_args a = {.mem = ro, .flags = W_PROT_READ | W_MAP_SHARED, .len = P};
	char c = 7;
	int64_t va;

	t_eq(w_mem_rw(ro, 0, &c, 1, 1), W_EACCES);
	t_eq(w_mem_rw(ro, 0, &c, 1, 0), 1);
	va = w_as_map(0, &a);
	t_ok(va);
	t_eq(w_as_protect(0, va, P, RW), W_EACCES);
	t_eq(w_as_protect(0, va, P, W_PROT_READ | W_PROT_EXEC), W_EACCES);
	va = w_as_move(va, P, 0); /* nor by moving it */
	t_ok(va);
	t_eq(w_as_protect(0, va, P, RW), W_EACCES);
	t_ok(w_as_protect(0, va, P, 0));
	t_ok(w_as_protect(0, va, P, W_PROT_READ));
	t_ok(w_as_unmap(0, va, P));
	a.flags = W_PROT_READ; /* private: a copy is ours to write */
	va = w_as_map(0, &a);
	t_ok(w_as_protect(0, va, P, RW));
	*(volatile char *)va = 5;
	t_eq(w_mem_rw(m, 0, &c, 1, 0), 1);
	t_eq(c, 0);
	t_ok(w_as_unmap(0, va, P));
	t_ok(w_handle_close(ro));
	t_ok(w_handle_close(m));
}
