/* SPDX-License-Identifier: MIT */
/*
 * Fibers: code that must wait reads like straight code.  A fiber runs until it
 * waits; whoever completes what it waits for wakes it.  All on one thread.
 */
#pragma once

#include <rt/ev.h>

struct fiber;

struct fiber *fiber_start(void (*fn)(void *), void *arg); /* NULL: no memory */
struct fiber *fiber_self(void);				  /* NULL: not in a fiber */
void fiber_wait(void);					  /* until fiber_wake(); only in a fiber */
void fiber_wake(struct fiber *f);			  /* runs f from the loop, soon */

/*
 * A lock for what must not change while its holder waits; all zero: free.  Who waits for it
 * gets it in the order of asking.  Outside fibers only what is known to be free may be taken.
 */
struct fiber_lock {
	bool held;
	struct fiber *first, *last; /* who waits */
};

void fiber_lock_wait(struct fiber_lock *l);
void fiber_unlock(struct fiber_lock *l);

static inline void fiber_lock(struct fiber_lock *l)
{
	if (l->held)
		fiber_lock_wait(l);
	else
		l->held = true;
}

/*
 * Serving in fibers (service.in_fibers, rt/ev.h): call() runs in a fiber of its own, with the
 * message and the lent bytes for itself, and may wait.  One that does not wait costs two
 * switches, some 60 instructions.
 */
void fiber_serve(struct service *s, const struct w_msg *m, char **bytes);
