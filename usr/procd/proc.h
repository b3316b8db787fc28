/* SPDX-License-Identifier: MIT */
/*
 * procd's table of Linux processes.
 *
 * A process is here from before it runs until its parent has reaped it.  Who
 * calls is known by the koid that the kernel attests; pids are this file's.
 */
#pragma once

#include <rt/ev.h>
#include <wherry/fs.h>
#include <wherry/proc.h>

enum proc_state { P_RUNNING, P_STOPPED, P_ZOMBIE };

struct proc {
	struct list all;
	struct ev_source ended;
	w_handle_t process;
	uint64_t koid;
	uint32_t pid, ppid, pgid, sid;
	uint32_t ruid, euid, suid, rgid, egid, sgid;
	uint32_t ngroups, groups[PROC_GROUPS_MAX];
	enum proc_state state;
	uint32_t status;	       /* wait status, once P_ZOMBIE or to be reported */
	bool report_stop, report_cont; /* for wait with WUNTRACED, WCONTINUED */
	w_handle_t sigmem;
	struct lx_sigpage *sig;
	bool vforked;		 /* vfork_call waits for our exec or end */
	bool fs_asked;		 /* the file service keeps something of it in mind */
	struct w_msg vfork_call; /* the parent's */
	w_handle_t grant;	 /* the set-id file it may execute; 0: none */
	uint32_t grant_uid, grant_gid;
	struct list queue; /* struct queued_signal: real-time ones that wait their turn */
	uint32_t nqueue;
	struct list timers; /* struct ptimer (timer.c) */
	uint32_t last_timer;
	bool subreaper, no_new_privs;
	uint32_t parent_signal; /* when the parent ends; 0: none */
	/* of those reaped, and theirs; rss: the largest */
	uint64_t children_ns, children_system_ns, children_rss;
	struct itimer {
		struct ev_timer ev;
		struct proc *p;
		uint64_t interval;   /* ns, 0: once */
		uint64_t target;     /* CPU time at which it fires; 0: not armed */
	} itimer[4];		     /* ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF; RLIMIT_CPU */
	uint64_t cpu_soft, cpu_hard; /* RLIMIT_CPU in seconds, ~0: none */
	uint64_t nproc;		     /* RLIMIT_NPROC, ~0: none */
	uint32_t policy, priority;   /* of the first thread, as sched(7) has them */
	int nice;
	uint64_t started;		  /* ns */
	uint64_t time_ns, system_ns, rss; /* at the end */
	char name[16];
	char *exe; /* owns; NULL: there was no memory for it */
	char cmdline[256];
	uint32_t cmdline_len;
	struct list waits; /* struct waiting: its wait4 calls */
};

extern struct list procs;
extern struct service proc_service;
extern char machine_names[2][LX_NAME + 1]; /* its own, its domain's */
extern uint64_t missing_calls[512];	   /* Linux calls that nobody implements */

void proc_reply(struct w_msg *m, int64_t status);
/* Post a signal; tid 0: any thread.  False: it was pending already. */
bool proc_post(struct proc *p, const struct lx_siginfo *info);
void signal_next(struct proc *p, int sig); /* it took one: here is the next */
void signal_queue_drop(struct proc *p);
void timer_call(struct w_msg *m, struct proc *p); /* timer.c */
void timer_end(struct proc *p);			  /* those of timer_create */
void itimer_call(struct w_msg *m, struct proc *p);
void itimer_end(struct proc *p);
void clock_call(struct w_msg *m, const struct proc *from); /* set the wall clock */
void sched_call(struct w_msg *m, struct proc *from);	   /* sched.c */
void nice_call(struct w_msg *m, struct proc *from);
void affinity_call(struct w_msg *m, struct proc *from);
void sched_apply(const struct proc *p); /* to a process that is new behind its pid */
void cpu_limit_start(struct proc *p);	/* cpu_soft and cpu_hard are set */
struct proc *proc_by_pid(uint32_t pid);
struct proc *proc_by_koid(uint64_t koid);
int proc_spawn(const char *strings, uint32_t len, uint32_t flags, uint32_t *pid);
int proc_map_personality(w_handle_t process); /* image.c */
extern struct lx_header personality;
extern const struct fs_mounts *mounts; /* the file service's; NULL: none */
extern w_handle_t h_fs, h_net, h_console, h_self, h_procfs, h_unix;
void image_init(void);
void procfs_start(void);
/* Whether sender may look into p: ptrace(2). */
bool may_look(const struct proc *p, uint64_t sender);
/* Its limits, by its own word.  False: it has ended. */
bool proc_limits(const struct proc *p, uint64_t lim[16][2]);
