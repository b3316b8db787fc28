/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: mappings, page faults, copy-on-write, user copies.
 *
 *	AS1  mappings are sorted, page-aligned and disjoint.
 *	AS2  a leaf PTE with PTE_ANON owns one reference of its frame; one without
 *	     borrows a frame of the mapping's memory object.
 *	AS3  a writable PTE with PTE_ANON names a frame with one reference.
 *
 * Page tables are the only record of private pages.  Copies to and from user
 * memory walk them in software, so they work on any address space, never fault
 * and need no SMAP window.
 */
#pragma once

#include <arch/mmu.h>
#include <kernel/memory.h>

#define USER_TOP 0x7ffffffff000ull

struct mapping {
	struct list link;   /* in aspace.maps */
	struct list of_mem; /* in memory.maps */
	uint64_t va, end;
	uint32_t flags;	    /* W_PROT_* | W_MAP_* */
	struct memory *mem; /* counted; NULL: anonymous */
	uint64_t off;	    /* of va in mem */
	uint64_t cookie;
	struct aspace *as; /* borrows: the owner */
};

struct aspace {
	uint32_t refs;
	paddr_t root;	      /* owns the page tables below the user half */
	struct list maps;     /* owns struct mapping */
	struct mapping *hint; /* last found */
	uint64_t anon_pages;  /* frames with PTE_ANON */
	uint64_t quota;	      /* bound on anon_pages, 0: none */
	uint64_t cpus;	      /* CPUs that may cache translations */
	uint64_t teardown_va; /* progress of aspace_teardown_step() */
	uint32_t nmaps;
	/* last page tables walked to, by 2 MiB region: tables live as long as the space */
	struct {
		uint64_t tag; /* region + 1 */
		pte_t *table;
	} walked[4];
	struct list dying; /* in the reaper's list */
};

enum { ACCESS_READ = W_PROT_READ, ACCESS_WRITE = W_PROT_WRITE, ACCESS_EXEC = W_PROT_EXEC };

BKL_BEGIN
struct aspace *aspace_new(uint64_t quota);
struct aspace *aspace_clone(struct aspace *src);
void aspace_put(struct aspace *as); /* the last one queues it for the reaper */
bool aspace_reap_step(void);	    /* one bounded step; false: nothing to do */

int64_t aspace_map(struct aspace *as, struct memory *mem, const struct w_map_args *a);
int aspace_unmap(struct aspace *as, uint64_t va, uint64_t len);
int aspace_protect(struct aspace *as, uint64_t va, uint64_t len, uint32_t prot);
int aspace_discard(struct aspace *as, uint64_t va, uint64_t len);
int aspace_merge(struct aspace *from, struct aspace *to, uint64_t end); /* see as_merge */
struct mapping *aspace_next(struct aspace *as, uint64_t va);		/* first with end > va */
struct mapping *aspace_find(struct aspace *as, uint64_t va);		/* NULL: none covers va */
void mapping_zap(struct mapping *m, uint64_t va, uint64_t end);		/* drop PTEs */

/* Resolve a fault.  0, W_EFAULT (nothing there or forbidden), W_EIO (past the
 * object's end), W_ENOMEM. */
int aspace_fault(struct aspace *as, uint64_t va, uint32_t access);

/* All or nothing up to the first bad page; W_EFAULT. */
int copy_in(struct aspace *as, void *dst, uaddr_t src, uint64_t len);
int copy_out(struct aspace *as, uaddr_t dst, const void *src, uint64_t len);
int copy_across(struct aspace *das, uaddr_t dst, struct aspace *sas, uaddr_t src, uint64_t len);
/* The kernel's view of one user word (len bytes inside one page); NULL: bad. */
void *user_ptr(struct aspace *as, uaddr_t va, uint32_t access, int *err);
BKL_END
