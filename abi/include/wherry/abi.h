/* SPDX-License-Identifier: MIT */
/*
 * Structures and constants that kernel and ring 3 share.
 *
 * All structures are fixed-size, 8-aligned and copied whole; a call that takes
 * one reads it exactly once.  Numbers of calls and errors are generated
 * (<wherry/calls.h>, <wherry/errors.h>).
 */
#pragma once

#include <wherry/errors.h>
#include <wherry/types.h>

/* ---- rights ---- */
#define W_READ 0x1u
#define W_WRITE 0x2u
#define W_EXEC 0x4u
#define W_DUP 0x8u     /* may be duplicated and passed on */
#define W_MANAGE 0x10u /* may change what the object is, not only use it */
#define W_ALL 0x1fu

/* ---- object types ---- */
enum w_type {
	W_T_NONE,
	W_T_PROCESS,
	W_T_THREAD,
	W_T_MEMORY,
	W_T_PORT,
	W_T_CHANNEL,
	W_T_WAITSET,
	W_T_EVENT,
	W_T_TIMER,
	W_T_STREAM,
	W_T_IRQ,
	W_T_IOPORT,
	W_T_IOROOT,
	W_T_COUNT,
};

/* ---- readiness bits; the values are those of poll(2) so that the
 * personality's epoll passes them through unchanged ---- */
#define W_READABLE 0x1u
#define W_WRITABLE 0x4u
#define W_ERROR 0x8u
#define W_HUP 0x10u
#define W_RDHUP 0x2000u
#define W_ENDED 0x1u /* process, thread: it has ended */

struct w_obj_info {
	uint32_t type;
	uint32_t rights;
	uint64_t koid;	  /* unique for the life of the system */
	uint32_t handles; /* handles that name the object */
	uint32_t signals; /* readiness now */
	/* process: exit status, pages resident, threads, CPU time;
	 * memory: size, count of pages present; port: queued */
	uint64_t status;
	uint64_t size;
	uint64_t count;
	uint64_t time_ns;
	/* process: bytes of its mappings, touched or not; memory: 0, 1, or 2 for more mappings */
	uint64_t mapped;
	/* process, thread: of time_ns what was not the program's own code; by samples, 100 a
	 * second of running (0 with the scheduler coop) */
	uint64_t system_ns;
	uint64_t affinity; /* thread, process: CPUs that it, or its first thread, may run on */
};

/* ---- memory ---- */
#define W_MEM_CONTIG 0x1u
#define W_MEM_GONE (~0ull) /* mem_content: readers have to ask anew where the bytes are */

#define W_PROT_READ 0x1u
#define W_PROT_WRITE 0x2u
#define W_PROT_EXEC 0x4u

#define W_MAP_SHARED 0x10u	/* writes reach the object; default is private (COW) */
#define W_MAP_FIXED 0x20u	/* replace what is at va */
#define W_MAP_NOREPL 0x40u	/* at va exactly, EXIST if anything is there */
#define W_MAP_EAGER 0x80u	/* copied, not shared, by proc_clone */
#define W_MAP_NOFORK 0x100u	/* left out by proc_clone */
#define W_MAP_GROWS 0x200u	/* a stack: grows down on a touch just below it */
#define W_MAP_HINT 0x400u	/* try va, else anywhere */
#define W_MAP_LOW 0x800u	/* below 2 GiB (MAP_32BIT) */
#define W_MAP_NORESERVE 0x1000u /* used sparsely: not in OVERCOMMIT_NEVER's sum */
#define W_MAP_OWN 0x2000u /* one thread's: proc_clone takes only what has the caller's block */
#define W_MAP_POPULATE                                                          \
	0x4000u /* an object's first pages, if it has them, without a fault; of \
		 * a shared mapping in clones as well */

struct w_map_args {
	w_handle_t mem; /* 0: anonymous */
	uint32_t flags; /* W_PROT_* | W_MAP_* */
	uint64_t off;	/* into mem, page-aligned */
	uint64_t va;
	uint64_t len;
	uint64_t cookie; /* whatever the caller wants as_query to tell it; W_MAP_GROWS: the most
			    bytes that the stack may grow to (0: 8 MiB) */
};

struct w_map_info {
	uint64_t va, len, off, cookie;
	uint32_t flags, resident;
	uint64_t koid;
};

/* ---- processes ---- */
#define W_PROC_NATIVE 0x1u   /* no vector state: its threads may not use those registers */
#define W_PROC_ORDINARY 0x2u /* it and its clones cannot have the machine's last memory */

/* ---- quotas ---- */
#define W_QUOTA_KEEP (~0ull)

/* Bytes of memory of a process and its clones: pages, page tables, kernel objects. */
struct w_quota {
	uint64_t used;
	uint64_t limit; /* 0: none */
	uint64_t hard;	/* what limit may not exceed, 0: none */
};

/* ---- threads ---- */
#define W_THREAD_HOLD 0x1u

struct w_thread_args {
	uint64_t rip, rsp, arg; /* arg arrives in rdi */
	uint64_t tcb;		/* thread block (gs base), 0: none */
	uint64_t fs;
	uint32_t flags, pad;
};

/* thread_sched: real-time threads (POSIX.1-2017, 2.8.4) run before all but servers. */
enum { W_SCHED_OTHER, W_SCHED_FIFO, W_SCHED_RR };
#define W_SCHED_ALL 0x100u /* or-ed: all threads of the process */

enum { W_THREAD_FS = 1, W_THREAD_TCB };

/* A segment whose limit is the number of the CPU that it is looked at on. */
#define W_CPU_SELECTOR 0x43u

static inline uint32_t w_cpu(void)
{
	uint32_t cpu;

	__asm__ volatile("lsl %1, %0" : "=r"(cpu) : "r"(W_CPU_SELECTOR));
	return cpu;
}

/*
 * Registers as the kernel saves them: also the layout of the upcall frame in
 * the thread block.
 */
struct w_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi;
	uint64_t vec, err;
	uint64_t rip, cs, rflags, rsp, ss;
};

/*
 * The head of a thread block (TCB), at the thread's gs base.  One page, pinned;
 * the kernel writes rip, kicked and the upcall frame, and reads fixup.  A lie in
 * it hurts only the thread itself.
 */
struct w_tcb {
	uint64_t self;	      /* 0x00: its own address */
	uint64_t rip;	      /* 0x08: where the bounced syscall came from */
	uint64_t kicked;      /* 0x10: a kick is pending */
	uint64_t fixup;	      /* 0x18: where a fault inside the personality resumes */
	uint64_t stack;	      /* 0x20: personality stack top */
	uint64_t rsp;	      /* 0x28: the program's, saved by the entry code */
	uint64_t upcall_cr2;  /* 0x30 */
	uint64_t spare;	      /* 0x38 */
	struct w_regs upcall; /* 0x40: what a fault or kick interrupted */
};

/* Vectors an upcall reports besides the CPU's exceptions. */
#define W_UPCALL_KICK 0x100u

struct w_personality {
	uint64_t text_lo, text_hi; /* syscalls from here are native */
	uint64_t entry;		   /* where other syscalls bounce to */
	uint64_t upcall;	   /* where faults and kicks go */
	uint64_t exit_lo, exit_hi; /* restartable exit window: a kick inside it
				      rewinds to exit_lo */
};

/* ---- messages ---- */
#define W_MSG_ARGS 6
#define W_MSG_HANDLES 4
#define W_MSG_UNINTERRUPTIBLE 0x1u /* call: a kick waits for the reply */
#define W_OP_CLOSED 0xffffffffu	   /* the last handle with this badge is gone */

struct w_msg {
	uint64_t txn;	 /* recv: name of the call to answer; 0: none expected */
	uint64_t badge;	 /* recv: of the channel it came through */
	uint64_t sender; /* recv: koid of the sending process */
	uint32_t op;
	int32_t status; /* reply: result of the operation */
	uint64_t arg[W_MSG_ARGS];
	uint64_t in;  /* bytes sent along (call: lent; reply: copied) */
	uint64_t out; /* room for bytes that come back (recv: for the sent ones) */
	uint32_t in_len;
	uint32_t out_len;
	uint32_t nh;
	w_handle_t h[W_MSG_HANDLES];
	uint32_t pad; /* call: W_MSG_UNINTERRUPTIBLE; recv: more messages are queued */
};

/* ---- waiting ---- */
enum { W_WS_ADD = 1, W_WS_DEL = 2, W_WS_MOD = 3 };
#define W_WS_EDGE 0x80000000u	   /* EPOLLET */
#define W_WS_ONESHOT 0x40000000u   /* EPOLLONESHOT */
#define W_WS_EXCLUSIVE 0x10000000u /* EPOLLEXCLUSIVE */

struct w_event {
	uint64_t key;
	uint32_t bits, pad;
};

/*
 * What a server's loop needs of the kernel between two callers, in one call (ws_serve):
 * the answer to the last, the wait, and the next call or note if that is what is ready.
 */
#define W_WS_RECV 0x08000000u  /* add: ws_serve() receives from this port */
#define W_RECEIVED 0x08000000u /* event: msg has come from this port; the only event */
#define W_SERVE_EVENTS 16

struct w_serve {
	struct w_msg msg;   /* in: the answer, if answer is not 0; out: what was received */
	w_handle_t answer;  /* the port that msg answers on */
	uint32_t bytes_len; /* room for bytes lent with a call */
	uint64_t bytes;
	uint64_t deadline;
	struct w_event event[W_SERVE_EVENTS]; /* out */
};

/* ---- streams ---- */
#define W_STREAM_NONBLOCK 0x1u /* this call does not wait */
#define W_STREAM_PEEK 0x2u
#define W_STREAM_WAITALL 0x4u
#define W_STREAM_FORCEBLOCK 0x8u /* this call waits whatever the end's flag says */
#define W_STREAM_PIPE 0x10u	 /* create: first end reads, second end writes */
#define W_STREAM_LOWAT 0x20u	 /* create: tell writers only when half is free */
enum {
	W_STREAM_AVAIL = 1, /* bytes to read */
	W_STREAM_ROOM,	    /* bytes that fit */
	W_STREAM_GETFLAGS,  /* the end's sticky flags (NONBLOCK) */
	W_STREAM_SETFLAGS,
	W_STREAM_SHUT_RD,
	W_STREAM_SHUT_WR,
	W_STREAM_RESET,	  /* both directions, the peer reads CONNRESET */
	W_STREAM_UNSENT,  /* bytes written that the peer has not read */
	W_STREAM_REOPEN,  /* undo SHUT_RD, SHUT_WR of this end: it has users again */
	W_STREAM_SIZE,	  /* bytes that fit; arg: change it to that, 0: only ask */
	W_STREAM_POS_IN,  /* bytes ever read from this end */
	W_STREAM_POS_OUT, /* bytes ever written to it */
};

/* ---- interrupts ---- */
enum { W_IRQ_GSI = 1, W_IRQ_MSI = 2 };
#define W_IRQ_LEVEL 0x100u /* or-ed to W_IRQ_GSI */

struct w_msi {
	uint64_t addr;
	uint32_t data, pad;
};

/* ---- sys_info ---- */
enum {
	W_SYS_STAT = 1, /* struct w_sys_stat */
	W_SYS_CMDLINE,	/* the boot command line, a string */
	W_SYS_LOG,	/* the kernel log, arg: offset from the oldest byte */
	W_SYS_CPUTIME,	/* uint64_t idle_ns[ncpu] */
	W_SYS_BOOT,	/* struct w_sys_boot */
	W_SYS_IDLE_TSC, /* uint64_t ticks[ncpu] spent idle, finished periods only */
	W_SYS_CALLS,	/* uint64_t counts[call number] */
};

struct w_sys_stat {
	uint64_t pages_total, pages_free, pages_kernel;
	uint64_t objects, switches, entries, irqs;
	uint64_t now_ns;
	uint32_t ncpu, nprocs, nthreads, nready;
	uint64_t heap_bytes;
	uint64_t pages_reserve; /* of the free ones: not for ordinary processes */
};

struct w_sys_boot {
	uint64_t rsdp;
	uint64_t ecam; /* PCI configuration space, 0: ports only */
	uint64_t ecam_len;
	uint64_t archive_len;
	uint64_t entry_tsc; /* when the kernel was entered */
	char protocol[16];
};

/*
 * The time page: mapped read-only wherever someone wants to read clocks
 * without a call.  ns = base_ns + ((tsc - base_tsc) * mult >> 32).
 */
struct w_timepage {
	uint32_t seq, pad; /* odd while being written */
	uint64_t base_tsc, base_ns, mult;
	uint64_t wall_ns; /* add to monotonic for time since 1970 */
	uint64_t tsc_hz;
};

/* Handles that a process finds at start (given by its creator). */
enum {
	W_H_NONE,
	W_H_SELF,    /* the process */
	W_H_PARENT,  /* channel to the creator */
	W_H_TIME,    /* time page */
	W_H_ARCHIVE, /* boot archive: init only */
	W_H_IOROOT,  /* init and driver hosts only */
	W_H_FIRST_FREE = 8,
};
#define W_H_THREAD 0xffffffffu /* obj_info, handle_dup, thread_*: the calling thread */
