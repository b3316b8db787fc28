/* SPDX-License-Identifier: MIT */
/*
 * Memory objects: pages that processes map.  One is anonymous (frames appear on
 * first touch), contiguous, a read-only slice of another, or device memory.
 */
#pragma once

#include <kernel/object.h>

struct memory {
	struct object obj;
	uint64_t pages;	     /* [k] size */
	uint32_t **dir;	     /* [k] owns: pfn tables of 1024 entries, 0: absent */
	uint64_t dir_len;    /* [k] */
	uint64_t resident;   /* [k] frames present */
	uint64_t content;    /* [k] bytes that mem_read() gives, W_MEM_GONE: none any more */
	paddr_t device;	     /* [c] != 0: device memory starts here */
	paddr_t linear;	     /* [c] != 0: contiguous RAM starts here */
	bool owns_linear;    /* [c] */
	bool readonly;	     /* [c] slices never change */
	struct memory *base; /* [c] slices: counted */
	struct list maps;    /* [k] struct mapping.of_mem */
	struct list dying;   /* [k] in the reaper's list */
};

BKL_BEGIN
struct memory *memory_new(uint64_t pages);
struct memory *memory_new_linear(paddr_t start, uint64_t pages, bool owns);
struct memory *memory_new_device(paddr_t start, uint64_t pages);
/* The frame at index, made when absent and make; 0: out of range or of memory. */
paddr_t memory_frame(struct memory *m, uint64_t index, bool make);
extern uint32_t ndying;	     /* memory objects and address spaces in the reapers' lists */
bool memory_reap_step(void); /* one bounded step; false: nothing to do */
int memory_rw(struct memory *m, uint64_t off, void *buf, uint64_t len, bool write);
BKL_END
