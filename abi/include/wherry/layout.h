/* SPDX-License-Identifier: MIT */
/* The address space of a Linux process. */
#pragma once

#include <wherry/abi.h>

/*
 * The personality's region; programs may not map there.  It is the last 512 GiB, so that a
 * vfork child can share all that is below with its parent (proc_clone).  What every process
 * has (its first thread, text, state, the pages of procd and the clock) is in the 2 MiB from
 * LX_CORE on: one page table.
 */
#define LX_PROGRAM_TOP 0x7f8000000000ull /* MAP_CHOOSE_TOP in kernel/mem/aspace.c */
#define LX_CORE 0x7f8010000000ull
#define LX_TEXT (LX_CORE + 0x10000) /* personality.lds */
#define LX_SIGPAGE (LX_CORE + 0x100000)
#define LX_TIMEPAGE (LX_CORE + 0x110000)
#define LX_VDSO (LX_CORE + 0x120000)	 /* ELF image for the C library's clock reads */
#define LX_COUNTERS (LX_CORE + 0x130000) /* the file service's (compat/linux/lease.c) */
#define LX_PARKING (LX_CORE + 0x138000)
#define LX_STATE (LX_CORE + 0x140000)
#define LX_STATE_SIZE (4ull << 20)
#define LX_STATE_HOT W_PAGE /* the part that a child gets a copy of at once (W_MAP_EAGER) */
#define LX_START (LX_CORE + 0x1000000) /* start block, while starting */
/* Threads go down from the first: guard page, stack, thread block in the last page.  The
 * last page of the stack and the block are hot as well. */
#define LX_THREAD_SIZE 0x10000ull
#define LX_THREADS_MAX 4096
#define LX_THREAD(slot) (LX_CORE - (slot)*LX_THREAD_SIZE)
#define LX_THREAD_HOT (2 * W_PAGE)
#define LX_THREAD_BLOCK(slot) (LX_THREAD(slot) + LX_THREAD_SIZE - W_PAGE)
