/* SPDX-License-Identifier: MIT */
/*
 * Ports and channels (design D4; Documentation/design/ipc.md).
 *
 * A port receives; a channel is a badge that leads to a port.  A call parks the
 * caller in the port's queue; port_recv() moves it to the port's transaction
 * table and port_reply() takes it out.  Sent messages (no reply) are queued as
 * struct note, at most port.limit of them.
 *
 *	IP1  a thread with in_port set is on port.callers (txn == 0) or in
 *	     port.txns[txn - 1], never both.
 *	IP2  a queued message owns its handles.
 */
#pragma once

#include <kernel/thread.h>

struct port {
	struct object obj;
	struct list callers; /* [k] struct thread.wait */
	struct list notes;   /* [k] owns struct note */
	struct list gone;    /* [k] channels without handles, counted, to be told */
	uint32_t nnotes, limit;
	struct thread **txns; /* [k] owns the array */
	uint32_t txn_size;
	uint32_t txn_seq;
	uint32_t *txn_gen;
	struct list receivers; /* [k] threads in port_recv() */
	bool closed;
};

struct channel {
	struct object obj;
	struct port *port; /* [c] counted */
	uint64_t badge;	   /* [c] */
	struct list gone;  /* [k] in port.gone */
	bool given;	   /* somebody has had a handle */
	uint32_t calls;	   /* [k] through it that are not over */
};

BKL_BEGIN
void ipc_abort(struct thread *t); /* take a waiting caller out */
/* The next message goes to umsg, the bytes lent with it to bytes; W_EAGAIN: none, or its
 * caller was refused. */
int port_take(struct port *p, struct process *self, uaddr_t umsg, uaddr_t bytes, uint32_t room);
/* Who waits in ws_serve() for what comes to p, while nothing else is to be done; *key: p's
 * in that set.  NULL: nobody. */
struct thread *waitset_server(struct port *p, uint64_t *key);
/* Tell it that the message is there; it goes on. */
int waitset_serve(struct thread *server, uint64_t key);
/* Answer m->txn.  The caller has gone: m's handles are dropped.  They are not what the
 * sender has: their error is the answer.  0 or SYS_MORE. */
int64_t port_answer(struct port *p, struct process *self, struct w_msg *m);
BKL_END
