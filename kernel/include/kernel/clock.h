/* SPDX-License-Identifier: MIT */
/*
 * Time: a monotonic clock in nanoseconds and one-shot kernel timers.
 * fn() runs under the lock from the clock interrupt.
 */
#pragma once

#include <kernel/lock.h>
#include <lib/list.h>
#include <wherry/abi.h>

struct ktimer {
	uint64_t at; /* ns; 0: not armed */
	uint32_t slot;
	void (*fn)(struct ktimer *); /* called with the lock held */
};

uint64_t clock_ns(void);

BKL_BEGIN
/* Make room for one more timer: every struct ktimer is reserved when its owner
 * is made, so arming never fails. */
int ktimer_reserve(void);
void ktimer_release(void);
void ktimer_set(struct ktimer *t, uint64_t at);
void ktimer_cancel(struct ktimer *t);
void clock_expire(void);	  /* run what is due, program the next */
void clock_program(uint64_t at);  /* make this CPU's clock fire by then */
void clock_set_wall(uint64_t ns); /* since 1970, now */
paddr_t clock_page(void);	  /* the frame of struct w_timepage */
BKL_END
