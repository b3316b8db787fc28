/* SPDX-License-Identifier: MIT */
/*
 * The big kernel lock, held from kernel entry to kernel exit (design D2).
 * clang's thread-safety analysis checks that every call handler, the dispatcher
 * and kernel exit hold it, and that entry and exit pair up.
 *
 * Whoever sees it free takes it; there is no line.  In a line the next may be a
 * virtual CPU that its host has put aside, and all the others would wait for that:
 * with four of them on two busy cores a ticket lock was a hundred times slower.
 *
 * A CPU that waits for the lock keeps answering TLB shootdowns, so the holder
 * may wait for the others.
 */
#pragma once

#include <stdint.h>

#if defined(__clang__)
#define CAPABILITY(x) __attribute__((capability(x)))
#define MUST_HOLD(l) __attribute__((requires_capability(l)))
#define ACQUIRES(l) __attribute__((acquire_capability(l)))
#define RELEASES(l) __attribute__((release_capability(l)))
#define GUARDED(l) __attribute__((guarded_by(l)))
#define NO_LOCK_CHECK __attribute__((no_thread_safety_analysis))
#else
#define CAPABILITY(x)
#define MUST_HOLD(l)
#define ACQUIRES(l)
#define RELEASES(l)
#define GUARDED(l)
#define NO_LOCK_CHECK
#endif

/* Mark, for readers, the part of a file in which every function holds the lock. */
#define BKL_BEGIN
#define BKL_END

struct CAPABILITY("lock") bkl {
	uint32_t held; /* [a] */
};

extern struct bkl bkl;
void bkl_wait(void); /* for it, and take it */

NO_LOCK_CHECK static inline void bkl_lock(void) ACQUIRES(bkl)
{
	if (__atomic_exchange_n(&bkl.held, 1, __ATOMIC_ACQUIRE))
		bkl_wait();
}

NO_LOCK_CHECK static inline void bkl_unlock(void) RELEASES(bkl)
{
	__atomic_store_n(&bkl.held, 0, __ATOMIC_RELEASE);
}
