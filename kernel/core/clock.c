// SPDX-License-Identifier: MIT
/*
 * Kernel timers: a binary heap, earliest first.  Whichever CPU makes a timer
 * the earliest programs its own clock for it, so some CPU always wakes in time.
 *
 *	CK1  heap[t->slot] == t for every armed timer.
 *	CK2  used <= reserved, so arming never allocates.
 */
#include <arch/cpu.h>
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <lib/string.h>

BKL_BEGIN

static struct ktimer **heap;
static uint32_t used, reserved, capacity;

int ktimer_reserve(void)
{
	struct ktimer **bigger;
	uint32_t want;

	if (reserved < capacity) {
		reserved++;
		return 0;
	}
	want = capacity ? capacity * 2 : 64;
	bigger = kzalloc(want * sizeof(*heap));
	if (!bigger)
		return W_ENOMEM;
	if (heap)
		memcpy(bigger, heap, used * sizeof(*heap));
	kfree(heap);
	heap = bigger;
	capacity = want;
	reserved++;
	return 0;
}

void ktimer_release(void)
{
	reserved--;
	kassert(CK2, used <= reserved);
}

static void place(struct ktimer *t, uint32_t slot)
{
	heap[slot] = t;
	t->slot = slot;
}

static void sift_up(struct ktimer *t, uint32_t slot)
{
	for (; slot && heap[(slot - 1) / 2]->at > t->at; slot = (slot - 1) / 2)
		place(heap[(slot - 1) / 2], slot);
	place(t, slot);
}

static void sift_down(struct ktimer *t, uint32_t slot)
{
	for (;;) {
		uint32_t c = slot * 2 + 1;

		if (c + 1 < used && heap[c + 1]->at < heap[c]->at)
			c++;
		if (c >= used || heap[c]->at >= t->at)
			break;
		place(heap[c], slot);
		slot = c;
	}
	place(t, slot);
}

void ktimer_cancel(struct ktimer *t)
{
	struct ktimer *last;
	uint32_t slot = t->slot;

	if (!t->at)
		return;
	t->at = 0;
	last = heap[--used];
	if (last == t)
		return;
	if (slot && heap[(slot - 1) / 2]->at > last->at)
		sift_up(last, slot);
	else
		sift_down(last, slot);
}

void ktimer_set(struct ktimer *t, uint64_t at)
{
	ktimer_cancel(t);
	if (at == W_FOREVER)
		return;
	kassert(CK2, used < reserved);
	t->at = at ? at : 1;
	sift_up(t, used++);
	if (heap[0] == t)
		clock_program(t->at);
}

void clock_program(uint64_t at)
{
	struct cpu *c = this_cpu();
	uint64_t now;

	if (c->armed && c->armed <= at)
		return;
	now = clock_ns();
	c->armed = at;
	apic_timer_set(at > now ? at - now : 1);
}

void clock_expire(void)
{
	uint64_t now = clock_ns();
	struct ktimer *t;

	this_cpu()->armed = 0;
	while (used && heap[0]->at <= now) {
		t = heap[0];
		ktimer_cancel(t);
		t->fn(t);
	}
	if (used)
		clock_program(heap[0]->at);
}

BKL_END
