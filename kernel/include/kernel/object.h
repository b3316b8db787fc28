/* SPDX-License-Identifier: MIT */
/*
 * Kernel objects, handles and rights (design D3).
 *
 * An object lives while it has references.  Handles are counted apart: when the
 * last handle goes, ops->unhandled() runs (a stream end closes, a channel tells
 * its port) although references may remain.
 *
 * signals are the object's readiness bits; obj_signal() changes them and tells
 * every wait set and sleeper that watches.
 */
#pragma once

#include <kernel/lock.h>
#include <lib/list.h>
#include <wherry/abi.h>

struct object;
struct process;

struct object_ops {
	void (*unhandled)(struct object *o); /* last handle gone; may be NULL */
	void (*destroy)(struct object *o);   /* last reference gone; frees */
};

struct object {
	const struct object_ops *ops;
	uint32_t refs, handles; /* [k] */
	uint32_t type;		/* [c] enum w_type */
	uint32_t signals;	/* [k] */
	uint64_t koid;		/* [c] */
	struct list watches;	/* [k] struct watch, of wait sets */
};

struct handle {
	struct object *obj; /* [k] counted; NULL: free slot */
	uint32_t rights;
};

struct handle_table {
	struct handle *slot; /* [k] owns */
	uint64_t *taken;    /* [k] a bit for each slot: it holds a handle, or never will be given */
	uint32_t words;	    /* of taken */
	uint32_t size, low; /* low: no free slot in the 64s before it */
	uint32_t limit, used;
};

/* The concrete types that handlers receive. */
struct thread;
struct memory;
struct port;
struct channel;
struct waitset;
struct event;
struct timer;
struct stream;
struct irq;
struct ioport;
struct ioroot;

BKL_BEGIN
void obj_init(struct object *o, uint32_t type, const struct object_ops *ops); /* refs = 1 */
void obj_get(struct object *o);
void obj_put(struct object *o);
void obj_signal(struct object *o, uint32_t set, uint32_t clear);
void obj_pulse(struct object *o); /* new data while already readable: edges fire */

/*
 * Handle a new object to the running process: consumes the caller's reference
 * in every case; returns the handle or MFILE/NOMEM.
 */
int64_t handle_new(struct object *o, uint32_t rights);
int64_t handle_install(struct handle_table *t, struct object *o, uint32_t rights, uint32_t at);
int handle_take(struct handle_table *t, w_handle_t h, struct handle *out); /* moves it out */
struct handle *handle_get(struct handle_table *t, uint64_t h);
bool handle_is_private(const struct object *o); /* not cloned: processes, threads */
int handle_table_clone(struct handle_table *dst, const struct handle_table *src);
void handle_table_free(struct handle_table *t);
void handle_drop(struct handle *h); /* closes one that is in no table */
BKL_END

extern uint64_t obj_count; /* [k] live objects */
