/* SPDX-License-Identifier: MIT */
/*
 * Threads and processes.
 *
 * A thread that waits is a saved register frame, a place in one wait queue and
 * maybe a deadline; no kernel stack (design D1).  When it is woken its call runs
 * again from the start with t->wake saying why, unless the waker completed the
 * call for it.
 */
#pragma once

#include <kernel/aspace.h>
#include <kernel/clock.h>
#include <kernel/object.h>

enum thread_state { T_HELD, T_READY, T_RUNNING, T_BLOCKED, T_DEAD };
enum wake { WAKE_NONE, WAKE_DONE, WAKE_TIMEOUT, WAKE_KICK };

#define VEC_SYSCALL 0x1000 /* regs.vec of a frame that entered by syscall */

struct thread {
	struct w_regs regs; /* [k] first: the entry code saves here */
	struct object obj;
	struct process *proc;	 /* [c] counted */
	struct list in_proc;	 /* process.threads */
	enum thread_state state; /* [k] */
	enum wake wake;		 /* [k] why the wait ended */
	union {
		struct {
			bool restart;	      /* [k] run the call in regs again */
			bool kick;	      /* [k] to be delivered on the way out */
			bool dying;	      /* [k] ends at its next kernel exit */
			bool uninterruptible; /* [k] a kick does not end this wait */
		};
		uint32_t attention; /* [k] 0: none of them */
	};
	int cpu;		  /* [k] runs there, or last ran there */
	uint64_t affinity;	  /* [k] CPU mask */
	struct list run;	  /* ready queue */
	struct list wait;	  /* wait queue */
	struct ktimer deadline;	  /* armed while waiting with one */
	uint64_t fs;		  /* [k] FS base */
	uaddr_t tcb;		  /* [k] thread block, 0: none */
	struct w_tcb *tcb_kva;	  /* [k] pinned */
	void *fpu;		  /* owns; NULL for threads without vector state */
	int cpu_fpu;		  /* [k] CPU whose registers last held it */
	uint8_t policy, priority; /* [k] W_SCHED_*; of FIFO and RR: 1 to 99 */
	int8_t nice;		  /* [k] -20 to 19 */
	uint64_t slice_end;	  /* scheduler's own */
	uint64_t cpu_ns, ran_at;  /* CPU time used */
	uint32_t samples[2];	  /* [k] the clock found the program's code, or the personality */
	uint64_t told[2];	  /* [k] user and system time, when somebody asked last */
	/* IPC: what a caller sent, until the reply */
	struct w_msg msg;
	uaddr_t msg_user;
	struct port *in_port; /* [k] waits in its queue or txn table; counted */
	struct channel *via;  /* counted while calling */
	uint32_t txn;	      /* index in port.txns + 1, 0: still queued */
	struct handle msg_h[W_MSG_HANDLES];
	/* a call that is run in steps (SYS_MORE): what the steps before this one did */
	uint64_t step_call; /* [k] its number + 1, 0: none */
	uint64_t step_args[6];
	uint64_t step_done, step_sum;
	struct process *cloning; /* counted: the child, until it is whole */
	struct aspace *holding;	 /* counted: its mappings stay as they are meanwhile */
	/* futex */
	uint64_t futex_key[2];
	uint32_t futex_mask;
	/* waits in ws_serve(): where it wants its message (0: it does not), and the bytes lent
	 * with that */
	uaddr_t serve, serve_bytes;
	uint32_t serve_room;
	char name[16];
};

struct process {
	struct object obj;
	struct aspace *as;	 /* counted; NULL once dead */
	struct account *account; /* [c] counted: who pays for what it allocates */
	struct handle_table handles;
	struct list threads; /* struct thread.in_proc; uncounted */
	struct list all;     /* in the list of all processes */
	uint32_t nthreads;
	bool dead, stopped, native; /* native: no vector state */
	bool makes_room;	    /* it was ended for its memory: oom.h */
	uint32_t status;
	struct w_personality pers; /* entry 0: a native process */
	uint64_t cpu_ns;	   /* of threads that ended */
	uint64_t samples[2];	   /* the same */
	uint64_t told[2];	   /* as in struct thread */
	uint64_t last_pages;	   /* in memory when it ended */
	char name[16];
};

BKL_BEGIN
/* up: the creator's account; quota: bytes that it and its clones may have, 0: as up. */
struct process *process_new(const char *name, struct account *up, uint64_t quota, uint32_t flags);
struct thread *thread_new(struct process *p, const struct w_thread_args *a);
void thread_start(struct thread *t);
void thread_end(struct thread *t); /* now, or at its next kernel exit */
#define SIGKILL 9		   /* the status of one that the kernel ends */
void process_kill(struct process *p, uint32_t status);
void thread_kick(struct thread *t);
int thread_set_tcb(struct thread *t, uaddr_t tcb);

/*
 * Park the running thread on queue (may be NULL) until thread_wake() or the
 * deadline.  The handler returns at once with whatever this returns; the call
 * is run again after the wake-up.  A pending kick makes it return W_EINTR.
 */
int64_t thread_park(struct list *queue, uint64_t deadline);
void thread_wake(struct thread *t, enum wake why);
void thread_wake_all(struct list *queue);
/* Complete a parked call from outside. */
void thread_finish(struct thread *t, int64_t result);
void thread_steps_end(struct thread *t); /* the call is over, or given up */
/*
 * Nobody but the running thread changes the mappings of as until its call ends.  False:
 * somebody else holds it; the handler returns SYS_MORE and is run again later.
 */
bool thread_hold(struct aspace *as);
bool thread_may_map(struct aspace *as); /* as thread_hold(), for a call of one step */
BKL_END

/* Returned by a handler whose thread is parked or whose result is already set. */
#define SYS_PARKED ((int64_t)-4096)
/* Returned by a handler that did a bounded part of the work: call it again. */
#define SYS_MORE ((int64_t)-4097)
#define COPY_STEP (64ul << 10) /* bytes that one step copies */

#define thread_self() (this_cpu()->thread)

/* How often the clock looks what a program's thread is at. */
#define SAMPLE_NS 10000000ull

extern struct list processes; /* [k] */
