/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: mappings, page faults, copy-on-write, user copies.
 *
 *	AS1  mappings are sorted, page-aligned and disjoint.
 *	AS2  a leaf PTE with PTE_ANON owns one reference of its frame; one without
 *	     borrows a frame of the mapping's memory object.
 *	AS3  a writable PTE with PTE_ANON names a frame with one reference.
 *
 *	AS4  in a space that shares, what is below as->shared is as->under's: mappings, pages,
 *	     page tables (root entries are copied when they are needed).  under shares nothing.
 *
 * Page tables are the only record of private pages.  Copies to and from user
 * memory walk them in software, so they work on any address space, never fault
 * and need no SMAP window.
 */
#pragma once

#include <arch/mmu.h>
#include <kernel/memory.h>
#include <lib/string.h>

#define USER_TOP 0x7ffffffff000ull

struct mapping {
	struct list link;   /* in aspace.maps */
	struct list of_mem; /* in memory.maps */
	uint64_t va, end;
	uint32_t flags;	    /* W_PROT_* | W_MAP_* */
	uint32_t may;	    /* W_PROT_*: what as_protect can ask for */
	struct memory *mem; /* counted; NULL: anonymous */
	uint64_t off;	    /* of va in mem */
	uint64_t cookie;
	struct aspace *as; /* borrows: the owner */
};

#define ASPACE_STEP 512ul /* pages */
#define ASPACE_SEEN 64	  /* a power of 2 */
#define SEEN_READ 1u
#define SEEN_WRITE 2u
#define SEEN_TURN 4u

struct aspace {
	uint32_t refs;
	paddr_t root;	       /* owns the page tables below the user half */
	struct list maps;      /* owns struct mapping */
	struct mapping *hint;  /* last found */
	uint64_t anon_pages;   /* frames with PTE_ANON */
	uint64_t mapped;       /* bytes of all mappings */
	uint64_t cpus;	       /* CPUs that may cache translations */
	struct aspace *under;  /* counted: memory below `shared` is its; NULL: shared is 0 */
	uint64_t shared;       /* a multiple of MMU_SHARE_UNIT */
	uint32_t lent;	       /* spaces whose under this one is */
	struct list unlent;    /* threads that wait for lent to be 0 */
	struct thread *holder; /* who alone may change mappings: thread_hold() */
	uint64_t teardown_va;  /* progress of aspace_reap_step() */
	uint32_t nmaps;
	/* pages that were walked to lately; tlb_flush() forgets them with the CPUs' own, by
	 * seen_forget() */
	uint64_t seen_turn; /* in tags of now: a multiple of SEEN_TURN, below a page */
	struct {
		uint64_t tag; /* page | turn | SEEN_READ | SEEN_WRITE, 0: none */
		char *kva;
	} seen[ASPACE_SEEN];
	struct list dying; /* in the reaper's list */
};

enum { ACCESS_READ = W_PROT_READ, ACCESS_WRITE = W_PROT_WRITE, ACCESS_EXEC = W_PROT_EXEC };

BKL_BEGIN
struct aspace *aspace_new(void);
void aspace_put(struct aspace *as); /* the last one queues it for the reaper */
bool aspace_reap_step(void);	    /* one bounded step; false: nothing to do */

/* may: W_PROT_* that the mapping can ever have. */
int64_t aspace_map(struct aspace *as, struct memory *mem, const struct w_map_args *a, uint32_t may);
int aspace_unmap(struct aspace *as, uint64_t va, uint64_t len);
/*
 * Work on many pages comes in steps of at most ASPACE_STEP.  Each does a part from *va on
 * and moves *va; the range is done when it has come to end.
 */
int aspace_unmap_step(struct aspace *as, uint64_t *va, uint64_t end);
int aspace_discard_step(struct aspace *as, uint64_t *va, uint64_t end);
/* First the mappings, then what is in the page tables; true: all done. */
int aspace_protect(struct aspace *as, uint64_t va, uint64_t len, uint32_t prot);
bool aspace_protect_step(struct aspace *as, uint64_t *va, uint64_t end);
/* Copy-on-write copies of what src itself has, from *at on up to end; src's mappings must
 * not change between steps. */
int aspace_clone_step(struct aspace *dst, struct aspace *src, uint64_t *at, uint64_t end,
		      bool *more);
struct mapping *aspace_next(struct aspace *as, uint64_t va);	/* first with end > va */
struct mapping *aspace_search(struct aspace *as, uint64_t va);	/* NULL: none covers va */
void mapping_zap(struct mapping *m, uint64_t va, uint64_t end); /* drop PTEs */

/* As aspace_search(): mostly the one found last. */
static inline struct mapping *aspace_find(struct aspace *as, uint64_t va)
{
	struct mapping *m = as->hint;

	return m && va >= m->va && va < m->end ? m : aspace_search(as, va);
}

/* The space that address va of as belongs to: AS4. */
static inline struct aspace *aspace_at(struct aspace *as, uint64_t va)
{
	return va < as->shared ? as->under : as;
}

/* Let as share what src has below end, or what src itself shares there. */
void aspace_share(struct aspace *as, struct aspace *src, uint64_t end);
void aspace_detach(struct aspace *as); /* nothing is shared any more */

/* Resolve a fault.  0, W_EFAULT (nothing there or forbidden), W_EIO (past the
 * object's end), W_ENOMEM. */
int aspace_fault(struct aspace *as, uint64_t va, uint32_t access);

/* The kernel's view of one user address, good to the end of its page; NULL: bad. */
void *user_ptr_walk(struct aspace *as, uaddr_t va, uint32_t access, int *err);

void seen_forget(struct aspace *as);

/* Which entry: a multiplicative hash, since stacks, heaps and rings tend to begin at the
 * same low bits. */
static inline uint64_t seen_index(uint64_t va)
{
	return (va >> 12) * 0x9e3779b97f4a7c15ull >> 58;
}
_Static_assert(ASPACE_SEEN == 64, "seen_index() gives six bits");

/* As user_ptr_walk(), if it was asked for lately; NULL: walk. */
static inline void *user_ptr_seen(struct aspace *as, uaddr_t va, uint32_t access)
{
	uint64_t page = va & ~(W_PAGE - 1), i = seen_index(va), has;

	as = aspace_at(as, va);
	has = as->seen[i].tag ^ page ^ as->seen_turn;

	if (has == (SEEN_READ | SEEN_WRITE) || (has == SEEN_READ && access != ACCESS_WRITE))
		return as->seen[i].kva + (va - page);
	return NULL;
}

static inline void *user_ptr(struct aspace *as, uaddr_t va, uint32_t access, int *err)
{
	void *p = user_ptr_seen(as, va, access);

	return p ? p : user_ptr_walk(as, va, access, err);
}

/* Copies: all or nothing up to the first bad page; W_EFAULT. */
int copy_in_pages(struct aspace *as, void *dst, uaddr_t src, uint64_t len);
int copy_out_pages(struct aspace *as, uaddr_t dst, const void *src, uint64_t len);
int copy_across(struct aspace *das, uaddr_t dst, struct aspace *sas, uaddr_t src, uint64_t len);

static inline bool in_one_page(uaddr_t va, uint64_t len)
{
	return (va & (W_PAGE - 1)) + len <= W_PAGE;
}

static inline int copy_in(struct aspace *as, void *dst, uaddr_t src, uint64_t len)
{
	void *p = in_one_page(src, len) ? user_ptr_seen(as, src, ACCESS_READ) : NULL;

	if (!p)
		return copy_in_pages(as, dst, src, len);
	memcpy(dst, p, len);
	return 0;
}

static inline int copy_out(struct aspace *as, uaddr_t dst, const void *src, uint64_t len)
{
	void *p = in_one_page(dst, len) ? user_ptr_seen(as, dst, ACCESS_WRITE) : NULL;

	if (!p)
		return copy_out_pages(as, dst, src, len);
	memcpy(p, src, len);
	return 0;
}
BKL_END
