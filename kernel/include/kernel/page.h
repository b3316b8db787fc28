/* SPDX-License-Identifier: MIT */
/*
 * Page frames: a buddy allocator with a reference count per frame, and the
 * kernel heap on top of it.
 *
 * A frame is freed when its last reference is put.  Nothing here sleeps; an
 * allocation that cannot be met, or that the running process's account has no
 * room for, returns 0 (NULL) and the caller passes NOMEM on to whoever asked.
 */
#pragma once

#include <arch/mmu.h>
#include <kernel/account.h>
#include <kernel/lock.h>
#include <lib/list.h>
#include <wherry/types.h>

#define FRAME_ORDERS 12 /* blocks of 4 KiB .. 8 MiB */

struct page {
	uint32_t refs;	     /* [k] */
	uint8_t order;	     /* [k] of the block that starts here */
	uint8_t state;	     /* [k] enum page_state */
	uint16_t class;	     /* [k] heap: object size in 16-byte units */
	uint32_t next, prev; /* [k] free list or heap partial list, 0: none */
	union {
		void *free;    /* [k] heap: first free object */
		uint64_t used; /* [k] page table: bit n: one of entries 8n..8n+7 may not be zero */
	};
	struct account *payer; /* [k] of a used frame, NULL: nobody; heap: see kzalloc() */
};

enum page_state { PAGE_RESERVED, PAGE_FREE, PAGE_USED, PAGE_HEAP };

BKL_BEGIN
void frames_init(void);
void frames_add(paddr_t start, paddr_t end);
paddr_t frame_alloc(void); /* contents undefined */
paddr_t frame_alloc_zero(void);
void frame_put_zero(paddr_t pa); /* the only reference of one that holds zeroes again */
paddr_t frame_alloc_block(int order);
void frame_get(paddr_t pa);
void frame_put(paddr_t pa);
uint32_t frame_refs(paddr_t pa);
void frame_free_block(paddr_t pa, int order);

void *kzalloc(size_t size); /* zeroed; NULL when out of memory */
void *kalloc(size_t size);  /* whatever was there */
void kfree(void *p);
BKL_END

extern struct page *frame_pages;	   /* [c] indexed by frame number */
extern uint64_t frames_total, frames_free; /* [k] */
extern uint64_t heap_bytes;		   /* [k] */
