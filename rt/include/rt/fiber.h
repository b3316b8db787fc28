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
