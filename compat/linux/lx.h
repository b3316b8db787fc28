/* SPDX-License-Identifier: MIT */
/*
 * The personality: the Linux x86-64 ABI inside each process (design D7;
 * Documentation/design/personality.md).
 *
 * One read-only image; all state is reached through the thread block (%gs).  What
 * is kept here may only hurt this process.  No lock is held while program code
 * runs.  Handlers get the six arguments and return a result or a negative errno;
 * ERESTART* say what a signal does to an interrupted call.
 */
#pragma once

#include <lib/list.h>
#include <lib/string.h>
#include <wherry/abi.h>
#include <wherry/fs.h>
#include <wherry/ops.h>
#include <wherry/proc.h>
#include <wherry/stubs.h>

/* Inside only: Linux include/linux/errno.h */
#define ERESTARTSYS (-512)    /* restart if SA_RESTART or no handler ran */
#define ERESTARTNOHAND (-514) /* restart only if no handler ran */
#define ERESTART_SLEEP (-516) /* the same, until sleep_end, not as long again */

enum {
	EPERM = 1,
	ENOENT = 2,
	ESRCH = 3,
	EINTR = 4,
	E2BIG = 7,
	EBADF = 9,
	EAGAIN = 11,
	ENOMEM = 12,
	EFAULT = 14,
	EEXIST = 17,
	ENOTDIR = 20,
	EINVAL = 22,
	EMFILE = 24,
	ENOTTY = 25,
	ESPIPE = 29,
	EPIPE = 32,
	ERANGE = 34,
	ENOSYS = 38
};

/* ---- per thread: the thread block page ---- */

struct lx_sigstack {
	uint64_t sp;
	int32_t flags, pad;
	uint64_t size;
};

struct lx_thread {
	struct w_tcb tcb;
	uint64_t orig_rax; /* the call that it makes; entry.S */
	uint64_t sigmask;
	uint64_t pending;    /* thread-directed; atomic */
	uint64_t saved_mask; /* to restore after a call that swapped it */
	uint64_t sleep_end;  /* of an interrupted sleep that starts again; 0: none */
	bool mask_saved;
	uint32_t tid, slot;
	uint64_t clear_tid;
	uint64_t set_tid;   /* a child in the making writes its id there, */
	uint32_t pidfd;	    /* closes this descriptor (1 + number; 0: none) */
	bool clear_sighand; /* and forgets its handlers */
	uint64_t robust;
	struct lx_sigstack altstack;
	w_handle_t handle;	   /* of this thread; 0: the first */
	uint32_t policy, priority; /* sched(7), if it is not the first: procd knows that one's */
	bool reset_on_fork;
	uint8_t hops;	      /* links from one service to another that it is just following */
	uint64_t timer_slack; /* ns, prctl(2); 0: the default */
	uint64_t fs;
	struct lx_siginfo info[65];
};
_Static_assert(sizeof(struct lx_thread) <= W_PAGE, "the thread block is one page");
_Static_assert(offsetof(struct lx_thread, orig_rax) == 0xf0, "entry.S");

/* ---- files ---- */

enum { DEV_NULL = 3, DEV_ZERO = 5, DEV_FULL = 7, DEV_RANDOM = 8, DEV_URANDOM = 9 };

enum sock_state { S_NEW, S_LISTEN, S_CONNECTING, S_CONNECTED, S_DGRAM };

struct lx_epitem {
	struct list link; /* in file.items of the epoll */
	struct lx_file *file;
	int fd;
	uint32_t events;
	uint64_t data;
	bool two; /* registered with event and stream */
};

struct lease_said { /* with what an answer about a path holds: fs/vfs/lease.h */
	uint64_t trail[2], sum;
};

struct lx_file {
	int refs; /* descriptors */
	enum kind kind;
	uint32_t oflags;	  /* status flags as F_GETFL reports them */
	uint32_t mode;		  /* S_IFMT | permissions at open */
	char *path;		  /* of what has one; owns */
	w_handle_t h;		  /* channel, stream, wait set, timer */
	w_handle_t stream, event; /* sockets, terminals */
	enum sock_state sock_state;
	w_handle_t content; /* of a file that is read often: reads go there, 0: not yet */
	uint32_t preads;    /* how often it was; CONTENT_NONE: its service reads */
	uint32_t dev;	    /* K_DEV: minor */
	uint32_t efd_flags;
	uint64_t interval, next; /* K_TIMERFD */
	uint64_t sigmask;	 /* K_SIGNALFD */
	uint32_t pid;		 /* K_PIDFD */
	struct list items;	 /* K_EPOLL */
	bool unix_domain, passcred;
	uint32_t sock_type;
	uint64_t ticket;     /* AF_UNIX: names it to its service */
	uint64_t timeout[2]; /* ns, SO_RCVTIMEO and SO_SNDTIMEO; 0: none */
	/* a file that may be parked (lease.c): its slot, 0: it may not */
	uint32_t slot, forks; /* forks: proc()->forks when it was opened */
	struct lease_said said;
};

_Static_assert(offsetof(struct lx_file, path) == offsetof(struct lx_view_file, path), "its head");

#define UNPARKABLE (~0u) /* in forks */

struct lx_fd {
	struct lx_file *file;
	bool cloexec;
};

/* ---- calls ---- */

/*
 * Handlers of system calls, named in abi/linux.tbl: a has the six arguments.  Most look at no
 * other register of the program.  Those that do (LX_FRAME) get r, all registers, and the slow
 * way in and out that this takes.
 */
typedef long (*lx_handler)(const uint64_t *a);
typedef long (*lx_frame_handler)(const uint64_t *a, struct w_regs *r);
#define LX(name) long lx_##name(const uint64_t *a)
#define LX_FRAME(name) long lx_##name(const uint64_t *a, struct w_regs *r)

#define LX_CALLS 512 /* more than Linux has */
extern __attribute__((visibility("hidden"))) const lx_handler lx_calls[LX_CALLS],
	lx_no_calls[LX_CALLS];

#include "gen/lxprotos.h"

/* ---- per process ---- */

struct lx_sigaction {
	uint64_t handler, flags, restorer, mask;
};

#define LX_FDS CONFIG_LINUX_MAX_FILES
#define LX_HEAP_CLASSES 15 /* blocks of 32 << class bytes: up to 512 KiB */

#define LX_FDS_SOFT (LX_FDS < 1024 ? LX_FDS : 1024) /* select(2) has room for so many */

/* What a child and its parent both write after a fork is in the first page (LX_STATE_HOT). */
struct lx_proc {
	struct lx_view view;	 /* first: procd looks here; nfds: none is open from there on */
	const lx_handler *calls; /* lx_calls, or lx_no_calls: each is traced; entry.S */
	uint32_t lock;
	uint32_t pid;
	uint64_t heap_next; /* pmalloc */
	struct block *heap_free[LX_HEAP_CLASSES];
	struct list queued; /* struct queued_signal: real-time ones for one thread */
	uint32_t nqueued;
	uint32_t signalfds; /* open ones: look at them when signals come */
	uint32_t nthreads, umask;
	w_handle_t exec_from;	     /* the file to execute next, instead of looking it up; owns */
	bool locked;		     /* mlockall(2) */
	bool undumpable;	     /* prctl(PR_SET_DUMPABLE), until exec */
	bool record_locks;	     /* it may hold some: closing tells the file service */
	bool parking, parking_asked; /* the file service has our page, or was asked (lease.c) */
	bool trace, trace_log;	     /* trace.c: print calls; into the kernel's log */
	struct lx_file *trace_file;  /* or there; owns */
	uint64_t brk_start;	     /* its end: LX_BRK_AT */
	struct lx_leases *leases;    /* lease.c; NULL: not yet */
	uint32_t lookups, forks;     /* lookups: until it has leases; forks: children made */
	uint32_t nparked;	     /* files in the table of leases */
	uint64_t seen_missing[8];
	uint64_t rlimit[16][2]; /* soft, hard */
	struct lx_sigaction action[65];
	char comm[16];
	char *exe; /* its path; owns */
	struct lx_slot slots[LX_THREADS_MAX];
	uint32_t fd_full; /* words of fd_taken before this one are all ones */
	uint64_t fd_taken[(LX_FDS + 63) / 64];
	struct lx_fd fd[LX_FDS];
	char cwd[LX_PATH_MAX];
};
_Static_assert(sizeof(struct lx_fd) == 16, "struct lx_view");
_Static_assert(offsetof(struct lx_proc, calls) == 64, "entry.S");
_Static_assert(offsetof(struct lx_proc, action) < LX_STATE_HOT, "written after every fork");

static inline uint32_t lx_tid_slot(uint32_t tid)
{
	return tid >> 15 & (LX_THREADS_MAX - 1);
}

static inline struct lx_thread *self(void)
{
	struct lx_thread *t;

	__asm__("mov %%gs:0, %0" : "=r"(t));
	return t;
}

static inline struct lx_sigpage *lx_page(void)
{
	return (struct lx_sigpage *)LX_SIGPAGE;
}

/* The process; at LX_STATE in each. */
extern __attribute__((visibility("hidden"))) struct lx_proc lx_process;

static inline struct lx_proc *proc(void)
{
	return &lx_process;
}

void lx_lock(void);
void lx_unlock(void);
void *pmalloc(size_t n);     /* zeroed; NULL */
void *pmalloc_raw(size_t n); /* whatever was there; NULL */
void pfree(void *p);

/*
 * The top of a program's stack.  Above its strings stands where its heap ends (brk): what
 * belongs to the program's memory is there, since a vfork child shares that, and not what
 * is in here.
 */
#define LX_STACK_TOP (LX_PROGRAM_TOP - 0x100000)
#define LX_BRK_AT (LX_STACK_TOP - 16)

/* ---- program memory ---- */

/*
 * entry.S.  Nothing else here touches a program's memory (native calls do, for us): whatever
 * fault these meet, an address that is none included, is their W_EFAULT.
 */
int lx_copy(void *dst, const void *src, size_t n);
long lx_copy_str(char *dst, const char *src, size_t n);
int lx_cmpxchg(uint64_t at, uint32_t *old, uint32_t new); /* 1: it was not *old, but is now */
int lx_fpu_save(uint64_t at, bool xsave);		  /* all vector state; at: 64-aligned */
int lx_fpu_load(uint64_t at, bool xsave);

static inline int get_user(void *dst, uint64_t src, size_t n)
{
	return lx_copy(dst, (const void *)src, n);
}

static inline int put_user(uint64_t dst, const void *src, size_t n)
{
	return lx_copy((void *)dst, src, n);
}

/* ---- between the files of the personality ---- */

struct lx_iovec {
	uint64_t base, len;
};

struct lx_timespec {
	int64_t sec, nsec;
};

uint64_t lx_now(void);
uint64_t lx_wall_offset(void);
uint64_t lx_from_wall(uint64_t ns);	  /* a time of the wall clock as ours; 1: it is long past */
uint64_t lx_sleep_end(uint64_t deadline); /* or, of a call that starts again, the old one */
int lx_get_time(uint64_t uts, uint64_t *ns);	       /* a timespec that is valid */
int lx_get_deadline(uint64_t uts, uint64_t *deadline); /* relative timespec -> absolute */

static inline struct lx_file *fd_file(long fd) /* borrows; NULL: EBADF */
{
	return (uint64_t)fd < LX_FDS ? proc()->fd[fd].file : NULL;
}
long fd_install(struct lx_file *f, int from, bool cloexec); /* consumes f on failure too */
/* A descriptor for a channel and its readiness event, h[0] and h[1]: both are consumed. */
long fd_of_service(enum kind kind, uint32_t oflags, const w_handle_t *h, bool cloexec);
void fd_place(uint32_t fd, struct lx_file *f); /* at a free number, without O_CLOEXEC */
struct lx_file *file_new(enum kind kind, uint32_t oflags);
void file_put(struct lx_file *f);
void file_close(struct lx_file *f); /* it is nobody's any more */
void fd_close_exec(void);
long file_read(struct lx_file *f, uint64_t buf, uint64_t len, uint64_t off);
long file_write(struct lx_file *f, uint64_t buf, uint64_t len, uint64_t off);
/* What to register in a wait set for readiness, and the bits now. */
w_handle_t sock_event(struct lx_file *f); /* asked for when it is wanted first; 0: none */
int file_waitables(struct lx_file *f, w_handle_t h[2]);
uint32_t file_ready(struct lx_file *f);

/*
 * A path in the making.  Most are short and stay in few, on the stack, of which a thread has
 * little; others move to the heap.
 *
 *	struct lx_path p LX_PATH;	freed when it goes out of scope, so
 *	path_start(&p);			this comes before any return
 *
 * path_room() makes room for n bytes, keeping what few had; path_put() puts text at a byte of
 * it; path_copy() takes a string of the program's, and says how long it is.  Errors: -ENOMEM,
 * W_ENAMETOOLONG, -EFAULT.
 */
struct lx_path {
	char *s;
	uint32_t size;
	char few[244];
};
long path_room(struct lx_path *p, uint64_t n);
long path_put(struct lx_path *p, uint64_t at, const char *text);
long path_copy(struct lx_path *p, uint64_t utext);

static inline void path_start(struct lx_path *p)
{
	p->s = p->few;
	p->size = sizeof(p->few);
	p->few[0] = 0;
}

static inline void path_end(struct lx_path *p)
{
	if (p->s != p->few)
		pfree(p->s);
}
#define LX_PATH __attribute__((cleanup(path_end)))

long path_get(long dirfd, uint64_t upath, struct lx_path *out); /* absolute, normalised */
w_handle_t path_mount(const char **path); /* which service; strips the prefix */
long path_op(const char *path, struct w_msg *m);
long open_pts(uint32_t n, uint32_t flags, struct lx_file **out);
bool lx_signal_ignored(int sig); /* or blocked by the calling thread */
/* A background process touched its terminal: stop it by sig, or -EIO. */
long tty_background(int sig);
/*
 * lease.c: paths are absolute, of the root's file service, len bytes long.
 *
 * lease_stat() is true when *err (and *st) is known.  lease_open() gives a parked file, or
 * NULL and a slot to ask for; lease_opened() takes the answer.  lease_park() is true when it
 * has taken f over.
 */
bool lease_stat(const char *path, uint32_t len, bool nofollow, struct fs_stat *st, long *err);
bool lease_fstat(const struct lx_file *f, uint32_t len, struct fs_stat *st);
void lease_keep(const char *path, uint32_t len, bool nofollow, const struct lease_said *said,
		const struct fs_stat *st, long err);
struct lx_file *lease_open(const char *path, uint32_t len, uint32_t flags, uint32_t *slot);
void lease_opened(struct lx_file *f, uint32_t len, uint32_t flags, const struct w_msg *m);
bool lease_park(struct lx_file *f);
void lease_slot_free(uint32_t slot, uint32_t forks);
void lease_unparkable(struct lx_file *f); /* it is not as it was opened */
void lease_forget(void);		  /* the credentials change */
void lease_fork(void);			  /* a child is about to be made */
void lease_child(void);			  /* this is one */

long path_stat(const char *path, bool nofollow, struct fs_stat *st);
long path_open(const char *path, uint32_t flags, uint32_t mode, struct lx_file **out);
long lx_chan(w_handle_t ch, struct w_msg *m);	   /* uninterruptible call */
long lx_chan_intr(w_handle_t ch, struct w_msg *m); /* EINTR becomes ERESTARTSYS */

#define LX_SHEBANG_DEPTH 4
#define LX_SHEBANG_ROOM (LX_SHEBANG_DEPTH * 3 * 256) /* what scripts put before the arguments */

/* Replace the program: strings are argc arguments, then envc variables, NUL-ended, len bytes, in
 * personality memory (consumed by pfree on success), with room for LX_SHEBANG_ROOM and path. */
long lx_exec(const char *path, struct w_regs *r, char *strings, uint32_t argc, uint32_t envc,
	     uint32_t len);

/* setid.c: become another user by executing path; returns only when that fails (or 1:
 * the ids would stay). */
long lx_setid_exec(const char *path, const char *strings, uint32_t argc, uint32_t envc,
		   uint32_t len);
void lx_inherit(const struct lx_inherit *in, uint64_t size); /* of all that follows in it */
void lx_syscall(struct w_regs *r);
/* trace.c: one line per call, where proc()->trace_log or trace_file says. */
void trace_enter(uint64_t nr, const uint64_t *a);
void trace_exit(uint64_t nr, const uint64_t *a, int64_t result);
void trace_signal(int sig, const struct lx_siginfo *info, uint64_t rip);
long trace_start(long fd); /* prctl(PR_WHERRY_TRACE, fd) */
void lx_slow_exit(struct w_regs *r);
extern __attribute__((visibility("hidden"))) const char exit_lo[],
	exit_hi[]; /* entry.S: the way out */
void lx_upcall_main(uint64_t vec, struct w_regs *r);
void lx_start(struct w_regs *r);
void lx_fork_child(struct w_regs *r);
void lx_signals(struct w_regs *r); /* deliver what is pending */
void lx_exit_process(uint32_t wstatus) __attribute__((noreturn));
void lx_force_signal(int sig, int code, uint64_t addr);
bool lx_signal_waiting(void);
uint64_t lx_pending(void);			      /* that this thread may take */
int lx_claim(uint64_t mask, struct lx_siginfo *info); /* take one outside mask; 0: none */
void signalfd_update(void);
void mq_closing(struct lx_file *f);
long fddir_list(struct lx_file *f, uint64_t buf, uint64_t len);
long signalfd_read(struct lx_file *f, uint64_t buf, uint64_t len);
void lx_end_other_threads(void);
struct lx_thread *lx_thread_by_tid(uint32_t tid); /* of this process; NULL */
void lx_drop_queued(uint32_t tid);
void lx_sched_reset(void);     /* in a fork's child: SCHED_RESET_ON_FORK */
void lx_clear_handlers(void);  /* to the default, but what is ignored stays so */
void lx_sigchld_changed(void); /* tell procd what the process wants of SIGCHLD */

/* What entry.S keeps of a call without a frame, right below where the frame would be. */
#define LX_VEC_SYSCALL 0x1000
struct lx_light_frame {
	uint64_t rax, a[6], rip, rflags, pad;
};
void lx_fill_frame(struct w_regs *r);
__attribute__((visibility("hidden"))) void lx_direct(
	void); /* where programs of wherry-cc jump to: entry.S */

long sock_recv(struct lx_file *f, uint64_t buf, uint64_t len, uint32_t flags);
long sock_send(struct lx_file *f, uint64_t buf, uint64_t len, uint32_t flags);
long stream_write_all(w_handle_t h, uint64_t buf, uint64_t len, uint32_t flags);
struct msghdr {
	uint64_t name;
	uint32_t namelen, pad;
	uint64_t iov, iovlen, control, controllen;
	int32_t flags, pad2;
};

/* unix.c: AF_UNIX behind the calls of sock.c */
long unix_socket(uint32_t type, uint32_t flags);
long unix_pair(uint32_t type, uint32_t flags, uint64_t ufds);
long unix_bind(struct lx_file *f, const char *addr, uint32_t len);
long unix_listen(struct lx_file *f, uint32_t backlog);
long unix_connect(struct lx_file *f, const char *addr, uint32_t len);
long unix_accept(struct lx_file *f, uint32_t flags, uint64_t uaddr, uint64_t ulen);
long unix_name(struct lx_file *f, bool peer, uint64_t uaddr, uint64_t ulen);
long sock_send_vector(struct lx_file *f, const struct msghdr *m, uint32_t flags);
long sock_recv_vector(struct lx_file *f, const struct msghdr *m, uint32_t flags, uint64_t max);
long unix_sendmsg(struct lx_file *f, struct msghdr *m, uint32_t flags);
long unix_recvmsg(struct lx_file *f, struct msghdr *m, uint32_t flags);
long unix_peercred(struct lx_file *f, uint32_t cred[3]);
long unix_send(struct lx_file *f, uint64_t buf, uint64_t len, uint32_t flags);
long unix_recv(struct lx_file *f, uint64_t buf, uint64_t len, uint32_t flags);
long unix_shutdown(struct lx_file *f, uint32_t how);
long put_addr(uint64_t uaddr, uint64_t ulen, const void *addr, uint32_t len);
struct lx_file *fd_remove(long fd);

/* Wait until f is ready for bits: 0, ERESTARTSYS or -EAGAIN (deadline). */
long lx_wait_ready(struct lx_file *f, uint32_t bits, uint64_t deadline);
void lx_thread_signal(int sig);	  /* to the calling thread */
long lx_swap_mask(uint64_t uset); /* for the p* calls; restored on the way out */
