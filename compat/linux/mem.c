// SPDX-License-Identifier: MIT
/* Memory: mmap and its family, brk.  The kernel keeps the mappings. */
#include "lx.h"

enum {
	MAP_SHARED = 1,
	MAP_PRIVATE = 2,
	MAP_SHARED_VALIDATE = 3,
	MAP_FIXED = 0x10,
	MAP_ANON = 0x20,
	MAP_32BIT = 0x40,
	MAP_GROWSDOWN = 0x100,
	MAP_FIXED_NOREPLACE = 0x100000
};
enum { MADV_DONTNEED = 4, MADV_FREE = 8 };

static uint64_t page_up(uint64_t v)
{
	return (v + W_PAGE - 1) & ~(W_PAGE - 1);
}

static bool program_range(uint64_t va, uint64_t len)
{
	return len && va + len >= va && va + len <= LX_PROGRAM_TOP;
}

static bool all_mapped(uint64_t va, uint64_t len)
{
	uint64_t end = va + len;
	struct w_map_info i;

	if (end < va || !program_range(va, len))
		return false;
	for (; va < end; va = i.va + i.len)
		if (w_as_query(0, va, &i) || i.va > va)
			return false;
	return true;
}

/* RLIMIT_AS: may the program have more bytes mapped?  What lies above it is ours. */
static bool fits_limit(uint64_t more)
{
	uint64_t limit = proc()->rlimit[RLIMIT_AS][0], ours = 0, va;
	struct w_obj_info i;
	struct w_map_info q;

	if (limit == ~0ull)
		return true;
	for (va = LX_PROGRAM_TOP; w_as_query(0, va, &q) >= 0; va = q.va + q.len)
		ours += q.len;
	return w_obj_info(0, &i) >= 0 && i.mapped - ours + more <= limit;
}

/* What backs the mapping: a handle to close afterwards in *mem, 0 for anonymous. */
static long backing(const uint64_t *a, w_handle_t *mem)
{
	bool shared = (a[3] & 3) != MAP_PRIVATE;
	struct w_msg m = {.op = FS_MMAP};
	struct lx_file *f;
	long h;

	*mem = 0;
	if (a[3] & MAP_ANON) {
		h = shared ? w_mem_create(page_up(a[1]), 0) : 0;
		*mem = h > 0 ? h : 0;
		return h < 0 ? h : 0;
	}
	f = fd_file(a[4]);
	if (!f || f->oflags & FS_O_PATH)
		return -EBADF;
	if (f->kind == K_DEV && f->dev == DEV_ZERO)
		return 0;
	if (f->kind != K_FILE)
		return -19; /* ENODEV */
	if ((f->oflags & 3) == FS_O_WRONLY || (shared && a[2] & 2 && (f->oflags & 3) != FS_O_RDWR))
		return -13; /* EACCES */
	h = lx_chan(f->h, &m);
	if (h >= 0)
		*mem = m.h[0];
	return h < 0 ? h : 0;
}

LX(mmap)
{
	struct w_map_args m = {.off = a[5], .va = a[0], .len = a[1]};
	w_handle_t mem;
	long err;

	if (!a[1] || a[5] % W_PAGE || !(a[3] & 3) || a[2] & ~7ull)
		return -EINVAL;
	if (page_up(a[1]) < a[1] || a[1] > LX_PROGRAM_TOP)
		return -ENOMEM;
	if (a[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (a[0] % W_PAGE)
			return -EINVAL;
		if (!program_range(a[0], page_up(a[1])))
			return -ENOMEM;
		m.flags |= a[3] & MAP_FIXED_NOREPLACE ? W_MAP_NOREPL : W_MAP_FIXED;
	} else if (a[0]) {
		m.va &= ~(W_PAGE - 1);
		m.flags |= W_MAP_HINT;
	}
	if (!fits_limit(page_up(a[1])))
		return -ENOMEM;
	err = backing(a, &mem);
	if (err)
		return err;
	m.mem = mem;
	m.flags |= a[2] & 7;
	if (mem && (a[3] & 3) != MAP_PRIVATE)
		m.flags |= W_MAP_SHARED;
	if (a[3] & MAP_32BIT)
		m.flags |= W_MAP_LOW;
	if (a[3] & MAP_GROWSDOWN)
		m.flags |= W_MAP_GROWS;
	if (a[3] & MAP_ANON)
		m.off = 0;
	err = w_as_map(0, &m);
	if (mem)
		w_handle_close(mem);
	return err;
}

LX(munmap)
{
	if (a[0] % W_PAGE || !a[1] || !program_range(a[0], page_up(a[1])))
		return -EINVAL;
	return w_as_unmap(0, a[0], page_up(a[1]));
}

LX(mprotect)
{
	if (a[0] % W_PAGE)
		return -EINVAL;
	if (!a[1])
		return 0;
	if (!program_range(a[0], page_up(a[1])))
		return -ENOMEM;
	return w_as_protect(0, a[0], page_up(a[1]), a[2] & 7);
}

LX(madvise)
{
	if (a[0] % W_PAGE)
		return -EINVAL;
	if (!a[1])
		return 0;
	if (!program_range(a[0], page_up(a[1])))
		return -ENOMEM;
	if (a[2] > 25)
		return -EINVAL;
	if (a[2] == MADV_DONTNEED || a[2] == MADV_FREE)
		w_as_discard(0, a[0], page_up(a[1]));
	return all_mapped(a[0], page_up(a[1])) ? 0 : -ENOMEM;
}

/* ---- mremap ---- */

enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2, MREMAP_DONTUNMAP = 4 };

/*
 * Is all of it mapped, in one piece as Linux sees it?  Memory without a file that was mapped or
 * grown bit by bit is several mappings here, and one there.
 */
static bool one_piece(uint64_t va, uint64_t len, struct w_map_info *first)
{
	uint64_t at = va, end = va + len;
	struct w_map_info i;

	for (; at < end; at = i.va + i.len) {
		if (w_as_query(0, at, &i) || i.va > at)
			return false;
		if (at == va)
			*first = i;
		else if (i.koid || first->koid || i.flags != first->flags)
			return false;
	}
	return true;
}

/* Mapping by mapping; *done: what has arrived. */
static long move_pieces(uint64_t from, uint64_t len, uint64_t to, uint64_t *done)
{
	struct w_map_info i;
	uint64_t n;
	long r = 0;

	for (*done = 0; *done < len && r >= 0; *done += r >= 0 ? n : 0) {
		if (w_as_query(0, from + *done, &i) || i.va > from + *done)
			return -EFAULT; /* another thread has unmapped it */
		n = i.va + i.len - (from + *done);
		n = n < len - *done ? n : len - *done;
		w_as_unmap(0, to + *done, n);
		r = w_as_move(from + *done, n, to + *done);
	}
	return r < 0 ? r : 0;
}

static long mremap_move(uint64_t old, uint64_t old_len, uint64_t new_len, uint64_t flags,
			uint64_t to)
{
	struct w_map_args m = {.flags = W_PROT_READ | W_PROT_WRITE, .len = new_len, .va = to};
	uint64_t keep = old_len < new_len ? old_len : new_len, done, back;
	struct w_map_info i;
	long va, err;

	if (!one_piece(old, old_len, &i))
		return -EFAULT;
	if (i.koid && new_len > old_len)
		return -ENOMEM; /* files do not grow under a mapping */
	if (i.koid && flags & MREMAP_DONTUNMAP)
		return -EINVAL;
	if (flags & MREMAP_FIXED)
		m.flags |= W_MAP_FIXED;
	m.flags = (m.flags & ~7u) | (i.flags & 7);
	va = w_as_map(0, &m); /* reserve the room, then move the old pages into it */
	if (va < 0)
		return va;
	err = move_pieces(old, keep, va, &done);
	if (err) {
		move_pieces(va, done, old, &back);
		w_as_unmap(0, va, new_len);
		return err;
	}
	if (old_len > keep)
		w_as_unmap(0, old + keep, old_len - keep);
	if (flags & MREMAP_DONTUNMAP) { /* the room stays, empty */
		m.va = old;
		m.len = old_len;
		m.flags = (m.flags & 7) | W_MAP_NOREPL;
		w_as_map(0, &m);
	}
	return va;
}

static bool overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b + b_len && b < a + a_len;
}

/* What Linux refuses before it looks at the memory. */
static bool mremap_allowed(const uint64_t a[6], uint64_t old_len, uint64_t new_len)
{
	uint64_t flags = a[3];

	if (a[0] % W_PAGE || !new_len || !old_len || flags & ~7ull)
		return false;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE))
		return false;
	if (flags & MREMAP_DONTUNMAP && old_len != new_len)
		return false;
	if (!program_range(a[0], old_len))
		return false;
	return !(flags & MREMAP_FIXED) || (a[4] % W_PAGE == 0 && program_range(a[4], new_len) &&
					   !overlap(a[0], old_len, a[4], new_len));
}

LX(mremap)
{
	uint64_t old_len = page_up(a[1]), new_len = page_up(a[2]);
	struct w_map_args m = {.flags = W_MAP_NOREPL};
	struct w_map_info i;

	if (!mremap_allowed(a, old_len, new_len))
		return -EINVAL;
	if (a[3] & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return mremap_move(a[0], old_len, new_len, a[3], a[3] & MREMAP_FIXED ? a[4] : 0);
	if (new_len <= old_len) {
		if (new_len < old_len)
			w_as_unmap(0, a[0] + new_len, old_len - new_len);
		return a[0];
	}
	if (!one_piece(a[0], old_len, &i))
		return -EFAULT;
	if (!fits_limit(new_len - old_len))
		return -ENOMEM;
	if (!i.koid && program_range(a[0], new_len)) { /* grow in place */
		m.va = a[0] + old_len;
		m.len = new_len - old_len;
		m.flags |= i.flags & 7;
		if (w_as_map(0, &m) >= 0)
			return a[0];
	}
	return a[3] & MREMAP_MAYMOVE ? mremap_move(a[0], old_len, new_len, 0, 0) : -ENOMEM;
}

LX(brk)
{
	uint64_t want = a[0], brk, old, new = page_up(want);
	struct w_map_args m = {.flags = W_PROT_READ | W_PROT_WRITE | W_MAP_NOREPL};

	if (get_user(&brk, LX_BRK_AT, sizeof(brk))) /* it unmapped its first stack */
		return 0;
	if (want < proc()->brk_start || want >= LX_PROGRAM_TOP)
		return brk;
	m.va = old = page_up(brk);
	m.len = new - old;
	if (new > old && (!fits_limit(new - old) || w_as_map(0, &m) < 0))
		return brk;
	if (new < old && (old > LX_PROGRAM_TOP || w_as_unmap(0, new, old - new) < 0))
		return brk;
	put_user(LX_BRK_AT, &want, sizeof(want));
	return want;
}

enum { MS_ASYNC = 1, MS_INVALIDATE, MS_SYNC = 4 };
enum { MCL_CURRENT = 1, MCL_FUTURE, MCL_ONFAULT = 4 };

/* Each file that is mapped shared and writable there is written back. */
static long sync_mappings(uint64_t va, uint64_t end)
{
	struct w_msg m = {.op = FS_MSYNC};
	struct w_map_info i;
	uint64_t last = 0;
	long err = 0, one;

	for (; va < end && !w_as_query(0, va, &i) && i.va < end; va = i.va + i.len) {
		if (!i.koid || i.koid == last || !(i.flags & W_MAP_SHARED) ||
		    !(i.flags & W_PROT_WRITE))
			continue;
		m.FS_MSYNC_in_koid = last = i.koid;
		one = lx_chan(LX_H_FS, &m);
		err = err ? err : one;
	}
	return err;
}

LX(msync)
{
	uint64_t len = page_up(a[1]);

	if (a[0] % W_PAGE || a[2] & ~7ull || (a[2] & MS_ASYNC && a[2] & MS_SYNC))
		return -EINVAL;
	if (a[2] & MS_INVALIDATE && proc()->locked)
		return -16; /* EBUSY */
	if (len && !all_mapped(a[0], len))
		return -ENOMEM;
	return a[2] & MS_SYNC ? sync_mappings(a[0], a[0] + len) : 0;
}

/* There is no swap: nothing to lock.  RLIMIT_MEMLOCK binds everybody but root (mlock(2)). */
static long may_lock(uint64_t len)
{
	uint64_t limit = proc()->rlimit[RLIMIT_MEMLOCK][0];

	if (!lx_page()->ids[1] || len <= limit)
		return 0;
	return limit ? -ENOMEM : -EPERM;
}

LX(mlock)
{
	uint64_t va = a[0] & ~(W_PAGE - 1), len = page_up(a[0] - va + a[1]);
	long err = may_lock(len);

	if (err || !a[1])
		return err;
	return all_mapped(va, len) ? 0 : -ENOMEM;
}

LX(mlock2)
{
	return a[2] & ~1ull ? -EINVAL : lx_mlock(a);
}

LX(munlock)
{
	uint64_t va = a[0] & ~(W_PAGE - 1), len = page_up(a[0] - va + a[1]);

	return !a[1] || all_mapped(va, len) ? 0 : -ENOMEM;
}

LX(mlockall)
{
	struct w_obj_info i = {0};
	long err;

	if (!a[0] || a[0] & ~7ull || a[0] == MCL_ONFAULT)
		return -EINVAL;
	w_obj_info(0, &i);
	err = may_lock(a[0] & MCL_CURRENT ? i.size : 1);
	if (!err)
		proc()->locked = a[0] & MCL_CURRENT;
	return err;
}

LX(munlockall)
{
	(void)a;
	proc()->locked = false;
	return 0;
}

LX(mincore)
{
	uint64_t n = page_up(a[1]) / W_PAGE, i;
	char one = 1;

	if (a[0] % W_PAGE)
		return -EINVAL;
	if (n && !all_mapped(a[0], n * W_PAGE))
		return -ENOMEM;
	for (i = 0; i < n; i++)
		if (put_user(a[2] + i, &one, 1))
			return -EFAULT;
	return 0;
}

LX(membarrier)
{
	(void)a;
	return -ENOSYS;
}
