/* SPDX-License-Identifier: MIT */
/*
 * The event loop of a server: one wait set, callbacks, timers.  One thread; no
 * callback blocks.  A callback may remove any source, its own included.
 */
#pragma once

#include <rt/rt.h>

struct ev_source {
	void (*fn)(struct ev_source *s, uint32_t bits);
	w_handle_t h;
	uint32_t mask; /* what it waits for */
};

struct ev_timer {
	struct list link;
	uint64_t at; /* ns; 0: not armed */
	void (*fn)(struct ev_timer *t);
};

/* fn, run once before the loop waits again */
struct ev_task {
	struct list link;
	void (*fn)(struct ev_task *t);
};

void ev_add(struct ev_source *s, w_handle_t h, uint32_t mask);
void ev_mod(struct ev_source *s, uint32_t mask);
void ev_del(struct ev_source *s);
void ev_gone(struct ev_source *s); /* as ev_del(); its handle, the only one, is closed next */
void ev_timer_set(struct ev_timer *t, uint64_t at);
void ev_task_add(struct ev_task *t);
void ev_run(void) __attribute__((noreturn));

/*
 * A service: a port whose calls go to call().  m->in_len bytes that the caller
 * lent are at s->bytes, NUL behind them (at most SERVICE_BYTES; more by w_msg_copy), until call()
 * returns or waits: who waits in a fiber keeps the pointer, not s->bytes.  The answer is given by
 * service_reply(), now or later.
 */
#define SERVICE_BYTES 12288 /* two paths of PATH_MAX, and more */
struct service {
	struct ev_source src;
	w_handle_t port;
	void (*call)(struct service *s, struct w_msg *m);
	char *bytes;
	bool in_fibers; /* call() may wait (rt/fiber.h) */
};

/* To put an answer together: anybody's, until he waits or returns to the loop. */
extern char service_scratch[SERVICE_BYTES];
void service_listen(struct service *s); /* without publishing */
void service_start(struct service *s, const char *name);
w_handle_t service_mint(struct service *s, uint64_t badge);
/*
 * The answer of a callback that does nothing more than give it: it goes out with the loop's
 * next wait, which saves a call.  Handles in it are dropped if the caller has gone.
 */
void service_finish(struct service *s, struct w_msg *m, int32_t status);
void service_finish_bytes(struct service *s, struct w_msg *m, int32_t status, const void *p,
			  uint32_t len);
/* The answer now.  Returns W_ENOENT when the caller has gone: handles are still here. */
int64_t service_reply(struct service *s, struct w_msg *m, int32_t status);
int64_t service_reply_bytes(struct service *s, struct w_msg *m, int32_t status, const void *p,
			    uint32_t len);
