/* SPDX-License-Identifier: MIT */
/*
 * Wait sets: register an object once, wait for any; O(1) per event.
 *
 * A watch links an object and a set.  When the object's signals come to meet
 * the mask the watch is put on the set's ready list; ws_wait() re-reads the
 * signals (level) or reports once (edge, oneshot).
 */
#pragma once

#include <kernel/thread.h>

struct watch {
	struct list of_obj;  /* object.watches */
	struct list of_set;  /* waitset.all */
	struct list ready;   /* waitset.ready */
	struct object *obj;  /* borrows: removed when the object has no handle left */
	struct waitset *set; /* borrows */
	uint64_t key;
	uint32_t mask, mode; /* mode: W_WS_* bits; oneshot disarms: mask = 0 */
};

struct waitset {
	struct object obj;
	struct list all, ready, sleepers;
};

BKL_BEGIN
void watch_notify(struct object *o);
void watch_drop_all(struct object *o);

static inline void watch_forget(struct object *o) /* drop all watches of an object */
{
	if (!list_is_empty(&o->watches))
		watch_drop_all(o);
}
BKL_END
