// SPDX-License-Identifier: MIT
/* Processes and threads: clone, wait, exit, groups, credentials, limits. */
#include "lx.h"

enum {
	CLONE_VM = 0x100,
	CLONE_FS = 0x200,
	CLONE_FILES = 0x400,
	CLONE_SIGHAND = 0x800,
	CLONE_PIDFD = 0x1000,
	CLONE_VFORK = 0x4000,
	CLONE_THREAD = 0x10000,
	CLONE_SETTLS = 0x80000,
	CLONE_PARENT_SETTID = 0x100000,
	CLONE_CHILD_CLEARTID = 0x200000,
	CLONE_CHILD_SETTID = 0x1000000,
	CLONE_SYSVSEM = 0x40000,
	CLONE_DETACHED = 0x400000,
	CLONE_UNTRACED = 0x800000,
	CLONE_IO = 0x80000000
};
#define CLONE_CLEAR_SIGHAND 0x100000000ull /* clone3 alone has room for it */
/* no namespaces, no CLONE_PARENT, CLONE_PTRACE */
#define CLONE_KNOWN                                                                              \
	(0xff | CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK | CLONE_THREAD | \
	 CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |             \
	 CLONE_DETACHED | CLONE_UNTRACED | CLONE_CHILD_SETTID | CLONE_IO | CLONE_PIDFD |         \
	 CLONE_CLEAR_SIGHAND)

struct clone {
	uint64_t flags, stack, parent_tid, child_tid, tls, pidfd;
};

/* ---- threads ---- */

static struct lx_thread *slot_thread(uint32_t slot)
{
	return (struct lx_thread *)LX_THREAD_BLOCK((uint64_t)slot);
}

static bool slot_reclaim(struct lx_slot *s)
{
	struct w_obj_info i;

	if (s->state == 2 && (w_obj_info(s->handle, &i) || i.signals & W_ENDED)) {
		w_handle_close(s->handle);
		s->handle = 0;
		s->state = 0;
	}
	return !s->state;
}

static long slot_take(void)
{
	struct lx_proc *p = proc();
	uint32_t i;

	lx_lock();
	for (i = 1; i < LX_THREADS_MAX && i < CONFIG_MAX_THREADS; i++)
		if (slot_reclaim(&p->slots[i])) {
			p->slots[i].state = 1;
			p->view.nslots = i >= p->view.nslots ? i + 1 : p->view.nslots;
			p->nthreads++;
			lx_unlock();
			return i;
		}
	lx_unlock();
	return -EAGAIN;
}

static void slot_free(uint32_t i)
{
	lx_lock();
	proc()->slots[i].state = 0;
	proc()->nthreads--;
	lx_unlock();
}

static long slot_map(uint32_t slot)
{
	struct w_map_args a = {.flags = W_PROT_READ | W_PROT_WRITE | W_MAP_NOREPL,
			       .va = LX_THREAD(slot) + W_PAGE,
			       .len = LX_THREAD_SIZE - LX_THREAD_HOT - W_PAGE};
	long r = w_as_map(0, &a);

	if (r < 0 && r != W_EEXIST) /* mapped: a thread ended here */
		return r;
	a.va += a.len;
	a.len = LX_THREAD_HOT;
	a.flags |= W_MAP_EAGER | W_MAP_OWN;
	r = w_as_map(0, &a);
	return r < 0 && r != W_EEXIST ? r : 0;
}

static long thread_clone(const struct clone *c, const struct w_regs *r)
{
	struct lx_thread *me = self(), *t;
	struct w_regs *frame;
	struct w_thread_args args = {.rip = (uint64_t)exit_lo, .flags = W_THREAD_HOLD};
	long slot = slot_take(), h;
	uint32_t tid;

	if (slot < 0)
		return slot;
	h = slot_map(slot);
	if (h < 0) {
		slot_free(slot);
		return h;
	}
	t = slot_thread(slot);
	memset(t, 0, sizeof(*t));
	t->tcb.self = t->tcb.stack = (uint64_t)t;
	t->sigmask = me->sigmask;
	t->slot = slot;
	t->tid = tid = lx_tid(proc()->pid, slot, ++proc()->slots[slot].gen);
	t->altstack.flags = 2;
	t->tcb.kicked = lx_signal_waiting(); /* of the process: the newcomer may take it */
	t->policy = me->policy;
	t->priority = me->priority;
	t->clear_tid = c->flags & CLONE_CHILD_CLEARTID ? c->child_tid : 0;
	frame = (struct w_regs *)((uint64_t)t - sizeof(*frame));
	*frame = *r;
	frame->rax = 0;
	frame->rsp = c->stack ? c->stack : r->rsp;
	frame->vec = 0; /* r8..r11 and rcx too: a start routine may be in them */
	t->fs = args.fs = c->flags & CLONE_SETTLS ? c->tls : me->fs;
	args.tcb = (uint64_t)t;
	args.rsp = (uint64_t)frame;
	h = w_thread_create(0, &args);
	if (h < 0) {
		slot_free(slot);
		return h;
	}
	t->handle = proc()->slots[slot].handle = h;
	if ((c->flags & CLONE_PARENT_SETTID && put_user(c->parent_tid, &tid, 4)) ||
	    (c->flags & CLONE_CHILD_SETTID && put_user(c->child_tid, &tid, 4)))
		(void)0; /* as Linux: the thread is made, its id is lost */
	w_thread_start(h);
	return tid;
}

/* pthread robust mutexes: mark what the thread held (futex(2)). */
static void robust_exit(struct lx_thread *t)
{
	uint64_t head[3], at;
	uint32_t word, want;
	int n;

	if (!t->robust || get_user(head, t->robust, sizeof(head)))
		return;
	for (n = 0, at = head[0]; n < 2048 && at && at != t->robust; n++) {
		uint64_t next;

		if (get_user(&next, at, 8) || get_user(&word, at + head[1], 4))
			return;
		if ((word & 0x3fffffff) == t->tid) {
			want = (word & 0x80000000) | 0x40000000;
			put_user(at + head[1], &want, 4);
			w_futex_wake((void *)(at + head[1]), 1, ~0u);
		}
		at = next;
	}
}

void lx_exit_process(uint32_t wstatus)
{
	w_proc_kill(0, LX_STATUS | wstatus);
	__builtin_unreachable();
}

LX(exit)
{
	struct lx_thread *t = self();
	uint32_t left;

	robust_exit(t);
	lx_drop_queued(t->tid);
	lx_lock();
	left = --proc()->nthreads;
	if (t->slot)
		proc()->slots[t->slot].state = 2;
	lx_unlock();
	if (!left)
		lx_exit_process((a[0] & 0xff) << 8);
	w_thread_exit((uint32_t *)t->clear_tid, 0, 0);
	__builtin_unreachable();
}

LX(exit_group)
{
	lx_exit_process((a[0] & 0xff) << 8);
}

/* exec: only the caller goes on, as the first thread. */
void lx_end_other_threads(void)
{
	struct lx_proc *p = proc();
	uint32_t i;

	w_thread_end_others();
	for (i = 1; i < p->view.nslots && p->nthreads > 1; i++) {
		if (!p->slots[i].state)
			continue;
		if (i != self()->slot) {
			w_handle_close(p->slots[i].handle);
			p->slots[i] = (struct lx_slot){.gen = p->slots[i].gen};
		}
	}
	self()->tid = p->pid;
	p->nthreads = 1;
	p->lock = 0;
}

/* ---- fork ---- */

extern char lx_fork_return[] __attribute__((visibility("hidden")));

void lx_fork_child(struct w_regs *r)
{
	struct lx_thread *t = self();
	struct lx_proc *p = proc();
	struct lx_sigpage *s = lx_page();
	uint32_t i;

	p->lock = 0;
	p->pid = t->tid = s->pid;
	p->nthreads = 1;
	t->pending = 0;
	t->robust = 0;
	for (i = 1; i < p->view.nslots; i++)
		if (p->slots[i].state && i != t->slot)
			p->slots[i] = (struct lx_slot){0};
	t->handle = 0;
	if (t->slot)
		p->slots[t->slot].handle = 0;
	lease_child();
	lx_drop_queued(0);
	lx_sigchld_changed();
	lx_sched_reset();
	if (t->set_tid)
		put_user(t->set_tid, &t->tid, 4);
	t->set_tid = 0;
	if (t->clear_sighand)
		lx_clear_handlers();
	t->clear_sighand = false;
	if (t->pidfd) /* the parent's alone */
		file_put(fd_remove(t->pidfd - 1));
	t->pidfd = 0;
	r->rax = 0;
}

/* CLONE_PIDFD: the descriptor comes first, since nothing may go wrong any more once there is
 * a child. */
static long pidfd_begin(struct lx_thread *t, const struct clone *c)
{
	struct lx_file *f;
	long fd;

	if (!(c->flags & CLONE_PIDFD))
		return 0;
	f = file_new(K_PIDFD, 2);
	fd = f ? fd_install(f, 0, true) : -ENOMEM;
	if (fd >= 0)
		t->pidfd = fd + 1;
	return fd < 0 ? fd : 0;
}

static void pidfd_finish(uint32_t pidfd, const struct clone *c, w_handle_t child, uint32_t pid)
{
	struct lx_file *f = fd_file(pidfd - 1); /* NULL: another thread has closed it */
	uint32_t fd = pidfd - 1;

	if (!f) {
		w_handle_close(child);
		return;
	}
	f->h = child;
	f->pid = pid;
	put_user(c->pidfd, &fd, 4);
}

static long pidfd_cancel(uint32_t pidfd, w_handle_t child, long err)
{
	if (child)
		w_handle_close(child);
	if (pidfd)
		file_put(fd_remove(pidfd - 1));
	return err;
}

/* What the child will find in its copy of this thread. */
static void prepare_child(struct lx_thread *t, const struct clone *c)
{
	t->clear_tid = c->flags & CLONE_CHILD_CLEARTID ? c->child_tid : 0;
	t->set_tid = c->flags & CLONE_CHILD_SETTID ? c->child_tid : 0;
	t->clear_sighand = c->flags & CLONE_CLEAR_SIGHAND;
	if (c->flags & CLONE_SETTLS)
		t->fs = c->tls;
}

/* A process that is a copy of this one, stopped; the child's frame is r, copied with the
 * memory. */
static long copy_process(const struct clone *c, struct w_regs *r)
{
	struct lx_thread *t = self();
	struct w_regs saved = *r;
	uint64_t clear = t->clear_tid, fs = t->fs;
	uint64_t share = c->flags & CLONE_VM ? LX_PROGRAM_TOP : 0;
	long h;

	if (c->stack)
		r->rsp = c->stack;
	prepare_child(t, c);
	lease_fork();
	lx_lock();
	h = w_proc_clone((uint64_t)lx_fork_return, 0, share);
	lx_unlock();
	t->clear_tid = clear;
	t->set_tid = 0;
	t->clear_sighand = false;
	t->fs = fs;
	*r = saved;
	return h;
}

static long fork_clone(const struct clone *c, struct w_regs *r)
{
	struct w_msg m = {.op = PROC_FORK, .nh = 1};
	uint32_t pid, pidfd;
	w_handle_t child = 0;
	long h = pidfd_begin(self(), c);

	if (h < 0)
		return h;
	h = copy_process(c, r);
	pidfd = self()->pidfd;
	self()->pidfd = 0;
	if (h < 0)
		return pidfd_cancel(pidfd, 0, h);
	if (pidfd)
		child = w_handle_dup(h, W_READ | W_DUP);
	m.h[0] = h;
	m.PROC_FORK_in_vfork = !!(c->flags & CLONE_VFORK);
	h = lx_chan(LX_H_PROC, &m);
	if (h < 0)
		return pidfd_cancel(pidfd, child, h);
	pid = m.PROC_FORK_out_pid;
	if (c->flags & CLONE_PARENT_SETTID)
		put_user(c->parent_tid, &pid, 4);
	if (pidfd)
		pidfd_finish(pidfd, c, child, pid);
	return pid;
}

static long clone(const struct clone *c, struct w_regs *r)
{
	if (c->flags & ~(uint64_t)CLONE_KNOWN ||
	    (c->flags & CLONE_THREAD && !(c->flags & CLONE_SIGHAND)) ||
	    (c->flags & CLONE_SIGHAND && !(c->flags & CLONE_VM)) ||
	    (c->flags & CLONE_SIGHAND && c->flags & CLONE_CLEAR_SIGHAND) ||
	    (c->flags & CLONE_PIDFD && c->flags & (CLONE_THREAD | CLONE_DETACHED)))
		return -EINVAL;
	if (c->flags & CLONE_THREAD)
		return thread_clone(c, r);
	if (c->flags & (CLONE_FS | CLONE_FILES) && !(c->flags & CLONE_VFORK))
		return -EINVAL; /* two processes with one table: as CLONE_VM alone */
	if (c->flags & CLONE_VM && !(c->flags & CLONE_VFORK))
		return -EINVAL; /* two processes that go on in one memory: see CAVEATS.md */
	return fork_clone(c, r);
}

LX_FRAME(clone)
{
	struct clone c = {a[0] & 0xffffffff, a[1], a[2], a[3], a[4], a[2]};

	if (c.flags & CLONE_PIDFD && c.flags & CLONE_PARENT_SETTID)
		return -EINVAL; /* both are written to the same place */
	return clone(&c, r);
}

/* struct clone_args, include/uapi/linux/sched.h */
#define CLONE_ARGS_FIRST 64u
#define CLONE_ARGS_MOST 4096u

/* What comes after the part that we know asks for nothing? */
static long rest_is_zero(uint64_t at, uint64_t end)
{
	uint64_t v = 0;

	for (; at < end; at += sizeof(v)) {
		v = 0;
		if (get_user(&v, at, end - at < sizeof(v) ? end - at : sizeof(v)))
			return -EFAULT;
		if (v)
			return -EINVAL;
	}
	return 0;
}

LX_FRAME(clone3)
{
	uint64_t w[8];
	struct clone c;
	long err;

	if (a[1] > CLONE_ARGS_MOST)
		return -E2BIG;
	if (a[1] < CLONE_ARGS_FIRST)
		return -EINVAL;
	if (get_user(w, a[0], sizeof(w)))
		return -EFAULT;
	err = rest_is_zero(a[0] + sizeof(w), a[0] + a[1]);
	if (err)
		return err;
	if (!w[5] != !w[6] || w[0] & 0xff)
		return -EINVAL; /* a stack without a size, a signal among the flags */
	c = (struct clone){w[0], w[5] ? w[5] + w[6] : 0, w[3], w[2], w[7], w[1]};
	return clone(&c, r);
}

LX_FRAME(fork)
{
	struct clone c = {.flags = 17};

	(void)a;
	return clone(&c, r);
}

LX_FRAME(vfork)
{
	struct clone c = {.flags = CLONE_VFORK | CLONE_VM | 17};

	(void)a;
	return clone(&c, r);
}

LX(set_tid_address)
{
	self()->clear_tid = a[0];
	return self()->tid;
}

LX(set_robust_list)
{
	if (a[1] != 24)
		return -EINVAL;
	self()->robust = a[0];
	return 0;
}

LX(get_robust_list)
{
	struct lx_thread *t = self();
	const uint64_t len = 24; /* struct robust_list_head */

	if (a[0] && a[0] != t->tid)
		return -ESRCH;
	return put_user(a[1], &t->robust, 8) || put_user(a[2], &len, 8) ? -EFAULT : 0;
}

/* ---- wait ---- */

struct rusage {
	struct {
		int64_t sec, usec;
	} utime, stime;
	int64_t maxrss, other[13];
};

static long put_rusage(uint64_t u, uint64_t ns, uint64_t system, uint64_t rss)
{
	uint64_t user = ns - system;
	struct rusage ru = {.utime = {user / 1000000000, user / 1000 % 1000000},
			    .stime = {system / 1000000000, system / 1000 % 1000000},
			    .maxrss = rss / 1024};

	return u && put_user(u, &ru, sizeof(ru)) ? -EFAULT : 0;
}

#define WNOHANG 1

/* A child that has ended counts more than the signal that tells of it: what Linux looks at
 * first.  So whoever was interrupted asks again, without waiting. */
static long wait_for(struct w_msg *m)
{
	struct w_msg again = *m;
	long err = lx_chan_intr(LX_H_PROC, m);

	if (err != ERESTARTSYS)
		return err;
	again.PROC_WAIT_in_options |= WNOHANG;
	err = lx_chan(LX_H_PROC, &again);
	if (!err && !again.PROC_WAIT_out_pid)
		return ERESTARTSYS;
	*m = again;
	return err;
}

LX(wait4)
{
	struct w_msg m = {.op = PROC_WAIT};
	int32_t pid = a[0];
	uint32_t status;
	long err;

	if (a[2] & ~0x6000000bull)
		return -EINVAL;
	if (pid == INT32_MIN) /* there is no group of that number */
		return -ESRCH;
	m.PROC_WAIT_in_pid = (uint64_t)(int64_t)pid;
	m.PROC_WAIT_in_options = a[2];
	err = wait_for(&m);
	if (err < 0)
		return err;
	if (!m.PROC_WAIT_out_pid)
		return 0;
	status = m.PROC_WAIT_out_status;
	if (a[1] && put_user(a[1], &status, 4))
		return -EFAULT;
	put_rusage(a[3], m.PROC_WAIT_out_time, m.PROC_WAIT_out_system, m.PROC_WAIT_out_rss);
	return m.PROC_WAIT_out_pid;
}

LX(waitid)
{
	struct w_msg m = {.op = PROC_WAIT};
	int32_t info[32] = {0};
	int32_t id = a[1];
	uint32_t st;
	long err;

	if (a[0] > 3 || !(a[3] & 14) || (a[0] == 1 && id <= 0) || (a[0] == 2 && id < 0))
		return -EINVAL;
	if (a[0] == 3) { /* P_PIDFD */
		struct lx_file *f = fd_file(a[1]);

		if (!f || f->kind != K_PIDFD)
			return -EBADF;
		id = f->pid;
	}
	m.PROC_WAIT_in_pid = (uint64_t)(int64_t)(a[0] == 0 ? -1 : a[0] == 2 ? -id : id);
	m.PROC_WAIT_in_options = (a[3] & 0x100000b) | (a[3] & 0x1000000);
	err = wait_for(&m);
	if (err < 0)
		return err;
	if (m.PROC_WAIT_out_pid) {
		st = m.PROC_WAIT_out_status;
		info[0] = 17;
		info[2] = (st & 0xff) == 0x7f ? 5 : st == 0xffff ? 6 : st & 0x7f ? 2 : 1;
		info[4] = m.PROC_WAIT_out_pid;
		info[6] = info[2] == 1 ? st >> 8 & 0xff : info[2] == 5 ? st >> 8 : st & 0x7f;
	}
	put_rusage(a[4], m.PROC_WAIT_out_time, m.PROC_WAIT_out_system, m.PROC_WAIT_out_rss);
	return a[2] && put_user(a[2], info, sizeof(info)) ? -EFAULT : 0;
}

/* ---- who am I ---- */

LX(getpid)
{
	(void)a;
	return proc()->pid;
}

LX(gettid)
{
	(void)a;
	return self()->tid;
}

static long group_of(uint64_t pid, struct w_msg *m)
{
	*m = (struct w_msg){.op = PROC_GETPGID};
	m->PROC_GETPGID_in_pid = pid;
	return lx_chan(LX_H_PROC, m);
}

LX(getppid)
{
	(void)a;
	return lx_page()->ppid;
}

LX(getpgid)
{
	struct w_msg m;
	long err;

	if (!a[0])
		return lx_page()->pgid;
	err = group_of(a[0], &m);
	return err < 0 ? err : (long)m.PROC_GETPGID_out_pgid;
}

LX(getpgrp)
{
	const uint64_t zero[6] = {0};

	(void)a;
	return lx_getpgid(zero);
}

LX(getsid)
{
	struct w_msg m;
	long err;

	if (!a[0])
		return lx_page()->sid;
	err = group_of(a[0], &m);
	return err < 0 ? err : (long)m.PROC_GETPGID_out_sid;
}

LX(setpgid)
{
	struct w_msg m = {.op = PROC_SETPGID};

	if ((int32_t)a[1] < 0 || (!(int32_t)a[1] && (int32_t)a[0] < 0))
		return -EINVAL;
	m.PROC_SETPGID_in_pid = a[0];
	m.PROC_SETPGID_in_pgid = (uint64_t)(int64_t)(int32_t)a[1];
	return lx_chan(LX_H_PROC, &m);
}

LX(setsid)
{
	struct w_msg m = {.op = PROC_SETSID};
	long err = lx_chan(LX_H_PROC, &m);

	(void)a;
	return err < 0 ? err : (long)m.PROC_SETSID_out_sid;
}

static long cred(uint64_t what, uint64_t x, uint64_t y, uint64_t z, struct w_msg *m)
{
	long err;

	*m = (struct w_msg){.op = PROC_CRED};
	m->PROC_CRED_in_what = what;
	m->PROC_CRED_in_a = (uint32_t)x;
	m->PROC_CRED_in_b = (uint32_t)y;
	m->PROC_CRED_in_c = (uint32_t)z;
	err = lx_chan(LX_H_PROC, m);
	lease_forget();
	return err;
}

static long cred_get(int i)
{
	return lx_page()->ids[i];
}

LX(getuid)
{
	(void)a;
	return cred_get(0);
}

LX(geteuid)
{
	(void)a;
	return cred_get(1);
}

LX(getgid)
{
	(void)a;
	return cred_get(3);
}

LX(getegid)
{
	(void)a;
	return cred_get(4);
}

/* setuid: root sets all three, others only the effective id. */
static long set_ids(int what, uint64_t id)
{
	struct w_msg m;
	bool root = !cred_get(1);

	return cred(what, root ? id : ~0u, id, root ? id : ~0u, &m);
}

LX(setuid)
{
	return set_ids(1, a[0]);
}

LX(setgid)
{
	return set_ids(2, a[0]);
}

LX(setresuid)
{
	struct w_msg m;

	return cred(1, a[0], a[1], a[2], &m);
}

LX(setresgid)
{
	struct w_msg m;

	return cred(2, a[0], a[1], a[2], &m);
}

static long put_ids(const uint64_t *a, int first)
{
	int i;

	for (i = 0; i < 3; i++)
		if (put_user(a[i], &lx_page()->ids[first + i], 4))
			return -EFAULT;
	return 0;
}

LX(getresuid)
{
	return put_ids(a, 0);
}

LX(getresgid)
{
	return put_ids(a, 3);
}

LX(getgroups)
{
	struct proc_cred c = {0};
	struct w_msg m = {.op = PROC_GROUPS, .out = (uint64_t)&c, .out_len = sizeof(c)};
	struct w_obj_info info;
	long err;

	w_obj_info(0, &info);
	m.PROC_GROUPS_in_koid = info.koid;
	err = lx_chan(LX_H_PROC, &m);
	if (err < 0 || !a[0])
		return err < 0 ? err : c.ngroups;
	if ((int32_t)a[0] < (int32_t)c.ngroups)
		return -EINVAL;
	return put_user(a[1], c.groups, c.ngroups * 4) ? -EFAULT : (long)c.ngroups;
}

LX(setgroups)
{
	uint32_t groups[PROC_GROUPS_MAX];
	struct w_msg m = {
		.op = PROC_SETGROUPS, .in = (uint64_t)groups, .in_len = (uint32_t)a[0] * 4};
	long err;

	if (a[0] > PROC_GROUPS_MAX)
		return -EINVAL;
	if (get_user(groups, a[1], m.in_len))
		return -EFAULT;
	err = lx_chan(LX_H_PROC, &m);
	lease_forget();
	return err;
}

/* setreuid: like setresuid, and a changed real id drags the saved one along. */
static long set_reids(int what, uint32_t real, uint32_t eff)
{
	struct w_msg m;
	uint32_t old_real = cred_get(what == 1 ? 0 : 3), old_eff = cred_get(what == 1 ? 1 : 4);
	bool drag = real != ~0u || (eff != ~0u && eff != old_real);

	return cred(what, real, eff, drag ? (eff != ~0u ? eff : old_eff) : ~0u, &m);
}

LX(setreuid)
{
	return set_reids(1, a[0], a[1]);
}

LX(setregid)
{
	return set_reids(2, a[0], a[1]);
}

/* setfsuid: the file system's ids follow the effective ones; both calls report them. */
LX(setfsuid)
{
	(void)a;
	return cred_get(1);
}

LX(setfsgid)
{
	(void)a;
	return cred_get(4);
}

/* ---- limits and scheduling ---- */

/* What others have to enforce. */
static void tell_limit(uint64_t resource, const uint64_t *lim)
{
	struct w_msg m = {.op = PROC_LIMIT};

	if (resource != RLIMIT_CPU && resource != RLIMIT_NPROC)
		return;
	m.PROC_LIMIT_in_resource = resource;
	m.PROC_LIMIT_in_soft = lim[0];
	m.PROC_LIMIT_in_hard = lim[1];
	lx_chan(LX_H_PROC, &m);
}

static long other_limit(uint64_t pid, uint64_t resource, uint64_t new, uint64_t old)
{
	struct w_msg m = {.op = PROC_LIMITS};
	uint64_t lim[2];
	long err;

	m.PROC_LIMITS_in_pid = pid;
	m.PROC_LIMITS_in_resource = resource;
	err = lx_chan(LX_H_PROC, &m);
	if (err < 0)
		return err;
	if (new)
		return -EPERM; /* they are kept in that process */
	lim[0] = m.PROC_LIMITS_out_soft;
	lim[1] = m.PROC_LIMITS_out_hard;
	return old && put_user(old, lim, sizeof(lim)) ? -EFAULT : 0;
}

LX(prlimit64)
{
	struct lx_proc *p = proc();
	uint64_t *lim, new[2];

	if (a[1] > 15)
		return -EINVAL;
	if (a[0] && a[0] != p->pid)
		return other_limit(a[0], a[1], a[2], a[3]);
	lim = p->rlimit[a[1]];
	if (a[2] && get_user(new, a[2], sizeof(new)))
		return -EFAULT;
	if (a[3] && put_user(a[3], lim, sizeof(new)))
		return -EFAULT;
	if (!a[2])
		return 0;
	if (new[0] > new[1])
		return -EINVAL;
	if (a[1] == RLIMIT_NOFILE && new[1] > LX_FDS)
		return -EPERM;
	if (new[1] > lim[1] && cred_get(1))
		return -EPERM;
	memcpy(lim, new, sizeof(new));
	tell_limit(a[1], new);
	return 0;
}

LX(getrlimit)
{
	const uint64_t b[6] = {0, a[0], 0, a[1]};

	return lx_prlimit64(b);
}

LX(setrlimit)
{
	const uint64_t b[6] = {0, a[0], a[1], 0};

	return lx_prlimit64(b);
}

LX(getrusage)
{
	struct w_msg m = {.op = PROC_USAGE};
	struct w_obj_info i;
	uint64_t rss;

	if ((int32_t)a[0] == -1) { /* RUSAGE_CHILDREN */
		lx_chan(LX_H_PROC, &m);
		return put_rusage(a[1], m.PROC_USAGE_out_time, m.PROC_USAGE_out_system,
				  m.PROC_USAGE_out_rss);
	}
	if (a[0] > 1 || !a[1])
		return a[0] > 1 ? -EINVAL : -EFAULT;
	w_obj_info(0, &i);
	rss = i.size;
	if (a[0] == 1) /* RUSAGE_THREAD */
		w_obj_info(W_H_THREAD, &i);
	return put_rusage(a[1], i.time_ns, i.system_ns, rss);
}

LX(times)
{
	struct w_obj_info i;
	struct w_msg m = {.op = PROC_USAGE};
	uint64_t t[4] = {0};

	w_obj_info(0, &i);
	lx_chan(LX_H_PROC, &m);
	t[0] = (i.time_ns - i.system_ns) / 10000000;
	t[1] = i.system_ns / 10000000;
	t[2] = (m.PROC_USAGE_out_time - m.PROC_USAGE_out_system) / 10000000;
	t[3] = m.PROC_USAGE_out_system / 10000000;
	if (a[0] && put_user(a[0], t, sizeof(t)))
		return -EFAULT;
	return lx_now() / 10000000;
}

enum {
	PR_SET_NAME = 15,
	PR_GET_NAME = 16,
	PR_SET_PDEATHSIG = 1,
	PR_GET_DUMPABLE = 3,
	PR_SET_DUMPABLE = 4,
	PR_SET_TIMERSLACK = 29,
	PR_GET_TIMERSLACK = 30,
	PR_SET_CHILD_SUBREAPER = 36,
	PR_GET_CHILD_SUBREAPER = 37,
	PR_SET_NO_NEW_PRIVS = 38,
	PR_GET_NO_NEW_PRIVS = 39,
	PR_CAPBSET_READ = 23,
	PR_GET_PDEATHSIG = 2
};

static long set_name(uint64_t uname)
{
	struct w_msg m = {.op = PROC_OPTION};
	char name[16];

	if (lx_copy_str(name, (const char *)uname, sizeof(name)) == -EFAULT)
		return -EFAULT;
	name[15] = 0;
	if (self()->tid != proc()->pid) /* of another thread: nobody asks for those */
		return 0;
	strlcpy(proc()->comm, name, sizeof(proc()->comm));
	m.PROC_OPTION_in_what = 2;
	m.in = (uint64_t)name;
	m.in_len = strlen(name);
	return lx_chan(LX_H_PROC, &m);
}

/* What procd keeps of a process: set one of them (abi/services.wid), and all as they are. */
static long option(uint32_t what, uint64_t value, struct w_msg *m)
{
	*m = (struct w_msg){.op = PROC_OPTION};
	m->PROC_OPTION_in_what = what;
	m->PROC_OPTION_in_value = value;
	return lx_chan(LX_H_PROC, m);
}

static long prctl_set(const uint64_t *a)
{
	struct lx_proc *p = proc();
	struct w_msg m;

	switch (a[0]) {
	case PR_SET_NAME:
		return set_name(a[1]);
	case PR_SET_CHILD_SUBREAPER:
		return option(1, !!a[1], &m);
	case PR_SET_PDEATHSIG:
		return option(3, a[1], &m);
	case PR_SET_NO_NEW_PRIVS:
		return a[1] != 1 || a[2] || a[3] || a[4] ? -EINVAL : option(4, 1, &m);
	case PR_SET_DUMPABLE:
		if (a[1] > 1)
			return -EINVAL;
		p->undumpable = !a[1];
		return 0;
	case PR_SET_TIMERSLACK: /* kept: timers fire when they should, whatever it says */
		self()->timer_slack = a[1];
		return 0;
	default:
		return -EINVAL;
	}
}

LX(prctl)
{
	struct w_msg m;
	int32_t v;
	long err;

	switch (a[0]) {
	case PR_WHERRY_TRACE:
		return trace_start(a[1]);
	case PR_GET_NAME:
		return put_user(a[1], proc()->comm, 16) ? -EFAULT : 0;
	case PR_GET_DUMPABLE:
		return !proc()->undumpable;
	case PR_GET_TIMERSLACK:
		return self()->timer_slack ? self()->timer_slack : 50000;
	case PR_CAPBSET_READ:
		return a[1] <= 40 ? 1 : -EINVAL;
	case PR_GET_NO_NEW_PRIVS:
		if (a[1] || a[2] || a[3] || a[4])
			return -EINVAL;
		err = option(0, 0, &m);
		return err < 0 ? err : (long)m.PROC_OPTION_out_no_new_privs;
	case PR_GET_CHILD_SUBREAPER:
	case PR_GET_PDEATHSIG:
		err = option(0, 0, &m);
		v = a[0] == PR_GET_PDEATHSIG ? m.PROC_OPTION_out_parent_signal
					     : m.PROC_OPTION_out_subreaper;
		return err < 0 ? err : put_user(a[1], &v, 4) ? -EFAULT : 0;
	default:
		return prctl_set(a);
	}
}

LX(arch_prctl)
{
	long err;

	switch (a[0]) {
	case 0x1002: /* ARCH_SET_FS */
		err = w_thread_set(W_THREAD_FS, a[1]);
		if (!err)
			self()->fs = a[1];
		return err ? -EPERM : 0;
	case 0x1003: /* ARCH_GET_FS */
		return put_user(a[1], &self()->fs, 8) ? -EFAULT : 0;
	default:
		return -EINVAL;
	}
}
