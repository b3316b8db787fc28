/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's interface (design D9).  Kconfig links exactly one file of
 * kernel/sched/.  All calls are made under the lock.
 */
#pragma once

#include <kernel/thread.h>

BKL_BEGIN
void sched_init(void);
void sched_enqueue(struct thread *t, bool handoff); /* handoff: run it next here */
void sched_dequeue(struct thread *t);
void sched_stay(void);		    /* the waker of cpu->next runs on: it has to wait */
struct thread *sched_pick(void);    /* for this CPU, removed from its queue; NULL: idle */
void sched_start(struct thread *t); /* t is about to run here */
bool sched_tick(struct thread *t);  /* the clock fired: should t give way? */
void sched_yield(struct thread *t); /* t stays ready but goes last */
/* t, in whatever state, is of another class from now on */
void sched_set(struct thread *t, uint32_t policy, int level);
unsigned int sched_ready(void); /* threads waiting for a CPU */
bool sched_has_work(void);	/* one of them may run on this one */

/* What every scheduler keeps of a class. */
static inline void sched_set_fields(struct thread *t, uint32_t policy, int level)
{
	t->policy = policy;
	t->priority = policy == W_SCHED_OTHER ? 0 : level;
	if (policy == W_SCHED_OTHER)
		t->nice = level;
}
BKL_END

extern const char sched_name[];
