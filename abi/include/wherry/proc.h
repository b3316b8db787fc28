/* SPDX-License-Identifier: MIT */
/*
 * What procd and a Linux process share: the handles it starts with, the signal page, the
 * start block.  Where these are: <wherry/layout.h>.
 */
#pragma once

#include <wherry/abi.h>
#include <wherry/layout.h>

#define LX_PATH_MAX 4096 /* PATH_MAX: with its NUL */

/* Handles of every Linux process, at equal numbers in all of them. */
enum { LX_H_PROC = 8, LX_H_FS, LX_H_NET, LX_H_CONSOLE, LX_H_PROCFS, LX_H_UNIX, LX_H_LAST };

/* The limits that somebody enforces (setrlimit(2)). */
enum {
	RLIMIT_CPU = 0,
	RLIMIT_FSIZE = 1,
	RLIMIT_STACK = 3,
	RLIMIT_NPROC = 6,
	RLIMIT_NOFILE = 7,
	RLIMIT_MEMLOCK = 8,
	RLIMIT_AS = 9
};

/* Credentials as servers see them (PROC_GROUPS). */
#define PROC_GROUPS_MAX 64
struct proc_cred {
	uint32_t uid, gid; /* effective */
	uint32_t ruid, rgid;
	uint32_t ngroups, pad;
	uint32_t groups[PROC_GROUPS_MAX];
};

/* Exit status of a process (proc_kill): with this bit, a Linux wait status; without,
 * the number of the signal that the kernel ended it for. */
#define LX_STATUS 0x10000u

/* The first words of the personality's image. */
struct lx_header {
	uint64_t magic;
	uint64_t start; /* of a fresh process */
	uint64_t entry, upcall, exit_lo, exit_hi;
	uint64_t size;
};
#define LX_MAGIC 0x796c616e6f737265ull

/*
 * The signal page: procd adds, the process takes.  A process that scribbles on
 * it confuses only itself.
 */
#define LX_NOCLDSTOP 1u /* do not tell it that children stop or go on */
#define LX_NOCLDWAIT 2u /* its children leave no zombies */
struct lx_siginfo {
	int32_t signo, code;
	uint32_t pid, uid;
	int64_t value;
	uint32_t tid, overrun; /* only this thread may take it (0: any); timers */
};
#define LX_NAME 64 /* uname(2) */

struct lx_sigpage {
	uint64_t pending; /* bit n-1: signal n; atomic */
	uint32_t pid;
	uint64_t more; /* signals of which more are queued: PROC_NEXT gives the next */
	/* what procd says of the process, so that asking oneself costs no call */
	uint32_t ppid, pgid, sid;
	uint32_t ids[6];	    /* real, effective, saved uid; the same of gid */
	struct lx_siginfo info[65]; /* last siginfo of each signal number */
	uint32_t sigchld;	    /* LX_NOCLDSTOP, LX_NOCLDWAIT: from the process */
	char names[2][LX_NAME + 1]; /* of the machine, and of its domain */
};

/* What an open file of a process is (struct lx_view_file, struct lx_inherit_fd). */
enum kind {
	K_NONE,
	K_FILE,
	K_TTY,
	K_STREAM,
	K_SOCK,
	K_EPOLL,
	K_EVENTFD,
	K_TIMERFD,
	K_SIGNALFD,
	K_PIDFD,
	K_INOTIFY,
	K_FDDIR, /* /proc/self/fd; next: the number to list next */
	K_MQ,
	K_DEV
};

struct lx_slot {       /* threads other than the first */
	uint8_t state; /* 0 free, 1 used, 2 ending */
	uint8_t gen;   /* so that a tid is not somebody else's at once */
	w_handle_t handle;
};

/* tid of a thread that is not the first: what a futex word has room for (30 bits). */
static inline uint32_t lx_tid(uint32_t pid, uint32_t slot, uint32_t gen)
{
	return pid | slot << 15 | (gen & 7) << 27;
}

/*
 * What /proc shows of a process and only its personality knows, at LX_STATE.  procd reads it
 * with as_read and believes it no further than showing it: it is the process's own word.
 */
struct lx_view {
	uint64_t cwd;		/* address of the path */
	uint64_t fds, nfds;	/* of 16-byte slots that begin with the address of a lx_view_file */
	uint64_t slots, nslots; /* of struct lx_slot */
	uint64_t env_lo, env_hi; /* the environment that it was started with */
	uint64_t limits; /* of 16 pairs, soft and hard, as RLIMIT_* number them (getrlimit(2)) */
};
struct lx_view_file { /* how struct lx_file begins */
	uint32_t refs, kind, oflags, mode;
	uint64_t path; /* address, 0: it has none */
};

/* Clocks of POSIX timers (PROC_TIMER). */
enum { PROC_TIMER_MONOTONIC, PROC_TIMER_WALL, PROC_TIMER_CPU };

#define LX_START_TTY 1u	  /* the console becomes its controlling terminal */
#define LX_START_TRACE 2u /* its calls go to the kernel log (boot option strace=NAME) */

/* prctl: write a line for each call to descriptor arg2, here and in children, across
 * exec; our strace uses it.  A number that Linux does not have (EINVAL there). */
#define PR_WHERRY_TRACE 0x57545243

/*
 * What a process hands over to the one that a set-id program becomes.  The receiver
 * trusts none of it: the handles name only what the giver had.
 */
#define LX_INHERIT_FDS 64
struct lx_inherit {
	uint64_t sigmask, ignored, rlimit[16][2];
	uint32_t umask, nfds;
	char cwd[LX_PATH_MAX];
	struct lx_inherit_fd {
		uint32_t fd, same; /* same: 1 + index of the record with the same open file */
		uint32_t kind, oflags, mode, sock_state, dev, efd_flags, unix_domain, sock_type;
		uint32_t h, stream, event;
		uint32_t path; /* where in all this its path is, behind the records; 0: none */
		uint64_t ticket, interval, next;
	} fd[];
};
#define LX_START_SIZE (512ull << 10) /* at most */

/* What procd leaves at LX_START for a fresh process. */
struct lx_start {
	uint32_t pid, argc, envc, len; /* len: bytes of strings that follow */
	uint32_t flags, inherit;       /* LX_START_*; offset of struct lx_inherit, 0: none */
	uint32_t exec;		       /* the file to execute, 0: look path up */
	uint32_t size;		       /* of all this, struct lx_inherit included */
	char strings[];		       /* path, arguments, environment; NUL-ended */
};
