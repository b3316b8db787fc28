// SPDX-License-Identifier: MIT
/*
 * Events (sticky bits, and a counter for those who count) and timers (which turn
 * READABLE when they fire).
 */
#include <arch/cpu.h>
#include <kernel/clock.h>
#include <kernel/page.h>
#include <kernel/protos.h>
#include <kernel/thread.h>

BKL_BEGIN

struct event {
	struct object obj;
	uint64_t count; /* [k] event_add, event_take */
};

struct timer {
	struct object obj;
	struct ktimer k;
	uint64_t interval; /* [k] ns, 0: once */
	uint64_t count;	   /* [k] expirations not yet read */
};

static void event_destroy(struct object *o)
{
	kfree(container_of(o, struct event, obj));
}

static const struct object_ops event_ops = {.destroy = event_destroy};

int64_t sys_event_create(uint32_t bits)
{
	struct event *e = kzalloc(sizeof(*e));

	if (!e)
		return W_ENOMEM;
	obj_init(&e->obj, W_T_EVENT, &event_ops);
	e->obj.signals = bits;
	return handle_new(&e->obj, W_ALL);
}

int64_t sys_event_set(struct event *e, uint32_t set, uint32_t clear)
{
	uint32_t was = e->obj.signals;

	obj_signal(&e->obj, set, clear);
	if (set & was & ~clear) /* set again: an edge for those who watch edges */
		obj_pulse(&e->obj);
	return was;
}

#define COUNT_MAX (~0ull - 1)

static void count_signals(struct event *e)
{
	uint32_t on = (e->count ? W_READABLE : 0) | (e->count < COUNT_MAX ? W_WRITABLE : 0);

	obj_signal(&e->obj, on, ~on & (W_READABLE | W_WRITABLE));
}

int64_t sys_event_add(struct event *e, uint64_t value)
{
	bool was = e->count;

	if (value > COUNT_MAX - e->count)
		return W_EAGAIN;
	e->count += value;
	count_signals(e);
	if (was && value)
		obj_pulse(&e->obj);
	return 0;
}

int64_t sys_event_take(struct event *e, uint32_t one, uaddr_t value)
{
	uint64_t n = one && e->count ? 1 : e->count;
	int err;

	if (!n)
		return W_EAGAIN;
	err = copy_out(thread_self()->proc->as, value, &n, sizeof(n));
	if (err)
		return err;
	e->count -= n;
	count_signals(e);
	return 0;
}

static void timer_destroy(struct object *o)
{
	struct timer *t = container_of(o, struct timer, obj);

	ktimer_cancel(&t->k);
	ktimer_release();
	kfree(t);
}

static const struct object_ops timer_ops = {.destroy = timer_destroy};

static void timer_fired(struct ktimer *k)
{
	struct timer *t = container_of(k, struct timer, k);
	uint64_t now = clock_ns();

	t->count++;
	if (t->interval) {
		uint64_t next = k->at + t->interval;

		if (next <= now) { /* late: count what was missed */
			t->count += (now - next) / t->interval + 1;
			next += ((now - next) / t->interval + 1) * t->interval;
		}
		ktimer_set(k, next);
	}
	obj_signal(&t->obj, W_READABLE, 0);
	if (t->count > 1)
		obj_pulse(&t->obj);
}

int64_t sys_timer_create(void)
{
	struct timer *t = kzalloc(sizeof(*t));

	if (!t)
		return W_ENOMEM;
	if (ktimer_reserve()) {
		kfree(t);
		return W_ENOMEM;
	}
	obj_init(&t->obj, W_T_TIMER, &timer_ops);
	t->k.fn = timer_fired;
	return handle_new(&t->obj, W_ALL);
}

int64_t sys_timer_set(struct timer *t, uint64_t deadline, uint64_t interval)
{
	ktimer_cancel(&t->k);
	t->count = 0;
	t->interval = interval && interval < 1000 ? 1000 : interval;
	obj_signal(&t->obj, 0, W_READABLE);
	if (deadline)
		ktimer_set(&t->k, deadline);
	return 0;
}

int64_t sys_timer_read(struct timer *t)
{
	uint64_t n = t->count;

	t->count = 0;
	obj_signal(&t->obj, 0, W_READABLE);
	return n;
}

BKL_END
