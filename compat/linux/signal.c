// SPDX-License-Identifier: MIT
/*
 * Signals: masks, actions, delivery.
 *
 * procd posts process-directed signals on the signal page and kicks; a thread
 * that is kicked looks at the page and at its own pending word when it leaves the
 * personality (or at once, if it was in program code), claims one signal and
 * builds the frame that Linux builds (arch/x86 struct rt_sigframe).
 */
#include "lx.h"

#include <wherry/signal.h>

enum {
	SA_NOCLDSTOP = 1,
	SA_NOCLDWAIT = 2,
	SA_SIGINFO = 4,
	SA_RESTORER = 0x04000000,
	SA_ONSTACK = 0x08000000,
	SA_RESTART = 0x10000000,
	SA_NODEFER = 0x40000000
};
#define SA_RESETHAND 0x80000000u
#define BIT(sig) (1ull << ((sig)-1))
#define UNBLOCKABLE (BIT(SIGKILL) | BIT(SIGSTOP))

/* arch/x86/include/uapi/asm/sigcontext.h, ucontext.h */
struct sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip,
		eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};

struct ucontext {
	uint64_t flags, link;
	struct lx_sigstack stack;
	struct sigcontext mc;
	uint64_t sigmask;
};

struct siginfo {
	int32_t signo, err, code, pad;
	uint64_t f[14];
};

struct rt_sigframe {
	uint64_t restorer;
	struct ucontext uc;
	struct siginfo info;
};

/* What waits for one thread of the process in particular. */
static uint64_t for_others(uint64_t set)
{
	uint64_t out = 0, left;
	int sig;

	for (left = set; left; left &= left - 1) {
		sig = __builtin_ctzll(left) + 1;
		if (lx_page()->info[sig].tid && lx_page()->info[sig].tid != self()->tid)
			out |= BIT(sig);
	}
	return out;
}

uint64_t lx_pending(void)
{
	uint64_t shared = __atomic_load_n(&lx_page()->pending, __ATOMIC_ACQUIRE);

	return (shared & ~for_others(shared)) | __atomic_load_n(&self()->pending, __ATOMIC_ACQUIRE);
}

static bool default_ignored(int sig)
{
	return sig == SIGCHLD || sig == SIGCONT || sig == SIGURG || sig == SIGWINCH;
}

static bool ignored(int sig)
{
	uint64_t handler = proc()->action[sig].handler;

	return handler == 1 || (!handler && default_ignored(sig));
}

/* Those that are ignored interrupt nothing: they are gone when somebody looks. */
bool lx_signal_waiting(void)
{
	uint64_t set = lx_pending() & ~self()->sigmask, left;
	struct lx_siginfo info;

	for (left = set; left; left &= left - 1)
		if (!ignored(__builtin_ctzll(left) + 1))
			return true;
	while (set && lx_claim(~set, &info))
		;
	return false;
}

/* ---- real-time signals queue, those for one thread as well (signal(7)) ---- */

#define QUEUED_MAX 1024 /* per process, as procd's */

struct queued_signal {
	struct list link;
	uint32_t tid;
	struct lx_siginfo info;
};

static struct list *queue(void)
{
	struct list *q = &proc()->queued;

	if (!q->next)
		list_init(q);
	return q;
}

static struct queued_signal *queued(uint32_t tid, int sig)
{
	struct queued_signal *q;
	struct list *l;

	list_for_each (l, queue()) {
		q = list_entry(l, struct queued_signal, link);
		if (q->tid == tid && (!sig || q->info.signo == sig))
			return q;
	}
	return NULL;
}

/* The signal is pending for t from now on; false: too many are. */
static bool post_to_thread(struct lx_thread *t, const struct lx_siginfo *info)
{
	struct queued_signal *q = info->signo < SIGRTMIN ? NULL : pmalloc(sizeof(*q));
	uint64_t bit = BIT(info->signo);
	bool kept = true;

	lx_lock();
	if (info->signo < SIGRTMIN || !(t->pending & bit)) {
		t->info[info->signo] = *info;
		__atomic_fetch_or(&t->pending, bit, __ATOMIC_SEQ_CST);
	} else if (q && proc()->nqueued < QUEUED_MAX) {
		q->tid = t->tid;
		q->info = *info;
		list_append(queue(), &q->link);
		proc()->nqueued++;
		q = NULL;
	} else {
		kept = false;
	}
	lx_unlock();
	pfree(q);
	return kept;
}

/* The caller takes its own pending sig: the next one that is queued becomes pending. */
static bool take_own(int sig, struct lx_siginfo *info)
{
	struct lx_thread *t = self();
	struct queued_signal *q = NULL;
	bool had;

	lx_lock();
	*info = t->info[sig];
	had = __atomic_fetch_and(&t->pending, ~BIT(sig), __ATOMIC_ACQ_REL) & BIT(sig);
	if (had && proc()->nqueued && (q = queued(t->tid, sig))) {
		list_del(&q->link);
		proc()->nqueued--;
		t->info[sig] = q->info;
		__atomic_fetch_or(&t->pending, BIT(sig), __ATOMIC_SEQ_CST);
	}
	lx_unlock();
	pfree(q);
	return had;
}

/* tid 0: of everybody (a fork's child inherits none). */
void lx_drop_queued(uint32_t tid)
{
	struct queued_signal *q;

	while (proc()->nqueued) {
		lx_lock();
		q = tid || list_is_empty(queue()) ? queued(tid, 0)
						  : list_first(queue(), struct queued_signal, link);
		if (q) {
			list_del(&q->link);
			proc()->nqueued--;
		}
		lx_unlock();
		if (!q)
			return;
		pfree(q);
	}
}

/* Take one signal that mask leaves; 0: none.  Some are for one thread only. */
int lx_claim(uint64_t mask, struct lx_siginfo *info)
{
	uint64_t *words[2] = {&self()->pending, &lx_page()->pending}, set, not_ours = 0;
	struct w_msg m = {.op = PROC_NEXT};
	int i, sig;

	for (i = 0; i < 2; i++)
		while ((set = __atomic_load_n(words[i], __ATOMIC_ACQUIRE) & ~mask & ~not_ours)) {
			sig = __builtin_ctzll(set) + 1;
			if (!i) {
				if (!take_own(sig, info))
					continue;
				info->signo = sig;
				return sig;
			}
			*info = lx_page()->info[sig];
			info->signo = sig;
			if (info->tid && info->tid != self()->tid) {
				not_ours |= BIT(sig);
				continue;
			}
			if (!(__atomic_fetch_and(words[i], ~BIT(sig), __ATOMIC_ACQ_REL) & BIT(sig)))
				continue;
			if (__atomic_load_n(&lx_page()->more, __ATOMIC_ACQUIRE) & BIT(sig)) {
				m.PROC_NEXT_in_sig = sig;
				lx_chan(LX_H_PROC, &m);
			}
			return sig;
		}
	return 0;
}

static bool default_stops(int sig)
{
	return sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU || sig == SIGSTOP;
}

static void default_action(int sig)
{
	struct w_msg m = {.op = PROC_STOPPED};

	if (default_ignored(sig))
		return;
	if (default_stops(sig)) {
		m.PROC_STOPPED_in_sig = sig;
		lx_chan(LX_H_PROC, &m);
		return;
	}
	lx_exit_process(sig); /* without the core bit: no cores are written */
}

/* ---- vector state: saved in the frame as Linux lays it out ---- */

#define XSTATE_MAGIC1 0x46505853u
#define XSTATE_MAGIC2 0x46505845u

/* What CPUID says of it: the bytes that it takes, and the state components in them. */
static bool has_xsave(uint32_t *size, uint64_t *features)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (!(c >> 27 & 1))
		return false;
	a = 0xd;
	c = 0;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	*size = b;
	*features = (uint64_t)d << 32 | a;
	return true;
}

/* From byte 464 of the state on: fpx_sw_bytes, and the header, which has to be clear. */
struct xstate_mark {
	uint32_t magic, size;
	uint64_t features;
	uint32_t xsave_size, pad[7];
	uint64_t header[8];
};
_Static_assert(sizeof(struct xstate_mark) == 48 + 64, "uapi/asm/sigcontext.h");

/* The state goes below sp, 64-aligned: there. */
static int save_fpu(uint64_t sp, uint64_t *at)
{
	struct xstate_mark m = {.magic = XSTATE_MAGIC1};
	uint32_t size = 512, end = XSTATE_MAGIC2;
	bool x = has_xsave(&size, &m.features);
	uint64_t p = (sp - size - 4) & ~63ull;

	*at = p;
	if (!x)
		return lx_fpu_save(p, false);
	m.size = size + 4;
	m.xsave_size = size;
	return put_user(p + 464, &m, sizeof(m)) || put_user(p + size, &end, 4) ||
			       lx_fpu_save(p, true)
		       ? W_EFAULT
		       : 0;
}

static int restore_fpu(uint64_t p)
{
	uint32_t size, magic = 0;
	uint64_t features;
	bool x;

	if (!p)
		return 0;
	x = has_xsave(&size, &features) && !get_user(&magic, p + 464, 4) && magic == XSTATE_MAGIC1;
	return lx_fpu_load(p, x);
}

/* ---- the frame ---- */

static void fill_context(struct sigcontext *c, const struct w_regs *r)
{
	*c = (struct sigcontext){r->r8,	 r->r9,	 r->r10, r->r11, r->r12, r->r13,
				 r->r14, r->r15, r->rdi, r->rsi, r->rbp, r->rbx,
				 r->rdx, r->rax, r->rcx, r->rsp, r->rip, r->rflags};
	c->cs = 0x33;
	c->ss = 0x2b;
	c->err = r->err;
	c->trapno = r->vec < 32 ? r->vec : 0;
	c->cr2 = self()->tcb.upcall_cr2;
}

static void fill_info(struct siginfo *s, const struct lx_siginfo *i)
{
	memset(s, 0, sizeof(*s));
	s->signo = i->signo;
	s->code = i->code;
	if (i->signo == SIGSEGV || i->signo == SIGBUS || i->signo == SIGILL || i->signo == SIGFPE) {
		s->f[0] = i->value;
		return;
	}
	s->f[0] = i->pid | (uint64_t)(i->code == -2 ? i->overrun : i->uid) << 32;
	s->f[1] = i->value;
}

static bool on_altstack(const struct lx_thread *t, uint64_t sp)
{
	return sp > t->altstack.sp && sp <= t->altstack.sp + t->altstack.size;
}

/* False: there is no room for its frame where the program's stack is said to be. */
static bool run_handler(struct w_regs *r, int sig, const struct lx_siginfo *info, uint64_t mask)
{
	struct lx_thread *t = self();
	struct lx_sigaction act = proc()->action[sig];
	uint64_t sp = r->rsp - 128, fpu;
	struct rt_sigframe f;

	if (act.flags & SA_ONSTACK && !(t->altstack.flags & 2) && t->altstack.size &&
	    !on_altstack(t, r->rsp))
		sp = t->altstack.sp + t->altstack.size;
	if (sp > LX_PROGRAM_TOP || save_fpu(sp, &fpu))
		return false;
	memset(&f, 0, sizeof(f));
	sp = ((fpu - sizeof(f)) & ~15ull) - 8;
	f.restorer = act.restorer;
	f.uc.flags = 7;
	f.uc.stack = t->altstack;
	fill_context(&f.uc.mc, r);
	f.uc.mc.fpstate = fpu;
	f.uc.sigmask = mask;
	fill_info(&f.info, info);
	if (put_user(sp, &f, sizeof(f)))
		return false;
	t->sigmask |= act.mask | (act.flags & SA_NODEFER ? 0 : BIT(sig));
	t->sigmask &= ~UNBLOCKABLE;
	if (act.flags & SA_RESETHAND) {
		proc()->action[sig].handler = 0;
		lx_sigchld_changed();
	}
	t->sleep_end = 0;
	r->rsp = sp;
	r->rip = act.handler;
	r->rdi = sig;
	r->rsi = sp + offsetof(struct rt_sigframe, info);
	r->rdx = sp + offsetof(struct rt_sigframe, uc);
	r->rax = 0;
	r->rflags &= ~0x500ull;
	r->vec = 0;
	return true;
}

/* What is torn, or where nothing can be read, is a SIGSEGV that may have a handler. */
LX_FRAME(rt_sigreturn)
{
	struct rt_sigframe f;
	struct sigcontext *c = &f.uc.mc;
	bool bad = get_user(&f, r->rsp - 8, sizeof(f));

	(void)a;
	if (!bad) {
		*r = (struct w_regs){c->r15, c->r14, c->r13, c->r12, c->rbp, c->rbx, c->r11, c->r10,
				     c->r9,  c->r8,  c->rax, c->rcx, c->rdx, c->rsi, c->rdi};
		r->rip = c->rip;
		r->rsp = c->rsp;
		r->rflags = (c->eflags & 0x40dd5) | 0x202;
		r->cs = 0x2b;
		r->ss = 0x23;
		self()->sigmask = f.uc.sigmask & ~UNBLOCKABLE;
		bad = restore_fpu(c->fpstate);
	}
	if (bad)
		lx_force_signal(SIGSEGV, 128, 0);
	self()->tcb.kicked = 1; /* look again: the mask changed */
	self()->orig_rax = ~0ull;
	return r->rax;
}

/* ---- delivery ---- */

static void restart_call(struct w_regs *r, bool handler_restarts, bool handled)
{
	int64_t code = r->rax;

	if (code == ERESTARTSYS && (!handled || handler_restarts)) {
		r->rax = self()->orig_rax;
		r->rip -= 2;
	} else if ((code == ERESTARTNOHAND || code == ERESTART_SLEEP) && !handled) {
		r->rax = self()->orig_rax;
		r->rip -= 2;
	} else {
		self()->sleep_end = 0;
		r->rax = -EINTR;
	}
}

/* Instead of the signal there is a SIGSEGV, whose handler may have a stack of its own. */
static void no_frame(int sig)
{
	if (sig == SIGSEGV)
		lx_exit_process(SIGSEGV);
	lx_force_signal(SIGSEGV, 128, 0);
}

void lx_signals(struct w_regs *r)
{
	struct lx_thread *t = self();
	struct lx_siginfo info;
	uint64_t mask;
	bool pending_restart;
	int sig;

	for (;;) {
		t->tcb.kicked = 0;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (proc()->signalfds)
			signalfd_update();
		sig = lx_claim(t->sigmask, &info);
		if (!sig)
			break;
		if (proc()->trace)
			trace_signal(sig, &info, r->rip);
		if (proc()->action[sig].handler == 1)
			continue;
		if (!proc()->action[sig].handler) {
			default_action(sig);
			continue;
		}
		mask = t->mask_saved ? t->saved_mask : t->sigmask;
		pending_restart = (int64_t)r->rax <= -512 && (int64_t)r->rax > -520;
		if (pending_restart)
			restart_call(r, proc()->action[sig].flags & SA_RESTART, true);
		if (!run_handler(r, sig, &info, mask)) {
			no_frame(sig);
			continue;
		}
		t->mask_saved = false;
		if (lx_pending() & ~t->sigmask) /* never 0: a kick may have come just now */
			t->tcb.kicked = 1;
		return;
	}
	if (t->mask_saved) {
		t->sigmask = t->saved_mask;
		t->mask_saved = false;
	}
	if ((int64_t)r->rax <= -512 && (int64_t)r->rax > -520 && r->vec == 0x1000)
		restart_call(r, true, false);
}

void lx_force_signal(int sig, int code, uint64_t addr)
{
	struct lx_thread *t = self();

	t->info[sig] = (struct lx_siginfo){.signo = sig, .code = code, .value = addr};
	if (proc()->action[sig].handler <= 1 || t->sigmask & BIT(sig)) {
		if (proc()->trace)
			trace_signal(sig, &t->info[sig], t->tcb.upcall.rip);
		lx_exit_process(sig);
	}
	__atomic_fetch_or(&t->pending, BIT(sig), __ATOMIC_SEQ_CST);
}

/* Intel SDM vol. 3, 6.15: which exception means which signal. */
static void fault(uint64_t vec, const struct w_regs *f)
{
	uint64_t addr = self()->tcb.upcall_cr2;

	switch (vec) {
	case 0:
		lx_force_signal(SIGFPE, 1, f->rip);
		break;
	case 1:
	case 3:
		lx_force_signal(SIGTRAP, 1, f->rip);
		break;
	case 6:
		lx_force_signal(SIGILL, 2, f->rip);
		break;
	case 14:
		if (f->err & 0x100)
			lx_force_signal(SIGBUS, 2, addr);
		else
			lx_force_signal(SIGSEGV, f->err & 1 ? 2 : 1, addr);
		break;
	case 16:
	case 19:
		lx_force_signal(SIGFPE, 0, f->rip);
		break;
	default:
		lx_force_signal(SIGSEGV, 128, 0);
	}
}

/* On the way out, between exit_lo and exit_hi: the program's stack or the place to go on at is
 * none.  r is where that way begins, so the program's registers are there already. */
static bool on_the_way_out(uint64_t rip)
{
	return rip >= (uint64_t)exit_lo && rip < (uint64_t)exit_hi;
}

void lx_upcall_main(uint64_t vec, struct w_regs *r)
{
	if (!on_the_way_out(self()->tcb.upcall.rip))
		*r = self()->tcb.upcall;
	r->vec = 0;
	if (vec != W_UPCALL_KICK) {
		r->err = self()->tcb.upcall.err;
		fault(vec, r);
	}
	self()->orig_rax = ~0ull;
	lx_signals(r);
}

/* ---- calls ---- */

LX(rt_sigaction)
{
	struct lx_sigaction new, *old;
	uint64_t sig = a[0];

	if (sig < 1 || sig > 64 || a[3] != 8 || (a[1] && (sig == SIGKILL || sig == SIGSTOP)))
		return -EINVAL;
	if (a[1] && get_user(&new, a[1], sizeof(new)))
		return -EFAULT;
	old = &proc()->action[sig];
	if (a[2] && put_user(a[2], old, sizeof(*old)))
		return -EFAULT;
	if (a[1])
		*old = new;
	if (a[1] && sig == SIGCHLD)
		lx_sigchld_changed();
	return 0;
}

void lx_clear_handlers(void)
{
	struct lx_sigaction *a;

	for (a = &proc()->action[1]; a < &proc()->action[65]; a++)
		if (a->handler | a->flags | a->mask)
			*a = (struct lx_sigaction){.handler = a->handler == 1};
	lx_sigchld_changed();
}

void lx_sigchld_changed(void)
{
	const struct lx_sigaction *c = &proc()->action[SIGCHLD];

	lx_page()->sigchld = (c->flags & SA_NOCLDSTOP ? LX_NOCLDSTOP : 0) |
			     (c->handler == 1 || c->flags & SA_NOCLDWAIT ? LX_NOCLDWAIT : 0);
}

LX(rt_sigprocmask)
{
	struct lx_thread *t = self();
	uint64_t set, old = t->sigmask;

	if (a[3] != 8)
		return -EINVAL;
	if (a[1]) {
		if (get_user(&set, a[1], 8))
			return -EFAULT;
		switch (a[0]) {
		case 0:
			t->sigmask |= set;
			break;
		case 1:
			t->sigmask &= ~set;
			break;
		case 2:
			t->sigmask = set;
			break;
		default:
			return -EINVAL;
		}
		t->sigmask &= ~UNBLOCKABLE;
		if (lx_signal_waiting())
			t->tcb.kicked = 1;
	}
	return a[2] && put_user(a[2], &old, 8) ? -EFAULT : 0;
}

LX(rt_sigpending)
{
	uint64_t set = lx_pending() & self()->sigmask;

	return a[1] > 8 ? -EINVAL : put_user(a[0], &set, a[1]) ? -EFAULT : 0;
}

static long swap_mask(uint64_t uset)
{
	struct lx_thread *t = self();
	uint64_t set;

	if (get_user(&set, uset, 8))
		return -EFAULT;
	t->saved_mask = t->sigmask;
	t->mask_saved = true;
	t->sigmask = set & ~UNBLOCKABLE;
	return 0;
}

/* Wait for a kick.  One that came before is latched in the thread block. */
static void sleep_until_kicked(void)
{
	uint32_t word = 0;

	while (!lx_signal_waiting()) {
		self()->tcb.kicked = 0;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (lx_signal_waiting())
			break;
		w_futex_wait(&word, 0, W_FOREVER, 1);
	}
}

LX(rt_sigsuspend)
{
	long err;

	if (a[1] != 8)
		return -EINVAL;
	err = swap_mask(a[0]);
	if (err)
		return err;
	sleep_until_kicked();
	self()->tcb.kicked = 1;
	return ERESTARTNOHAND;
}

LX(pause)
{
	(void)a;
	sleep_until_kicked();
	self()->tcb.kicked = 1;
	return ERESTARTNOHAND;
}

LX(rt_sigtimedwait)
{
	uint64_t set, deadline = W_FOREVER;
	struct lx_siginfo info;
	struct siginfo out;
	uint32_t word = 0;
	int sig;
	long err;

	if (a[3] != 8 || get_user(&set, a[0], 8))
		return a[3] != 8 ? -EINVAL : -EFAULT;
	err = a[2] ? lx_get_deadline(a[2], &deadline) : 0;
	if (err)
		return err;
	while (!(sig = lx_claim(~set | UNBLOCKABLE, &info))) {
		if (lx_signal_waiting())
			return -EINTR;
		self()->tcb.kicked = 0;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (lx_pending() & (set | ~self()->sigmask))
			continue;
		err = w_futex_wait(&word, 0, deadline, 1);
		if (err == W_ETIMEDOUT)
			return -EAGAIN;
	}
	fill_info(&out, &info);
	return a[1] && put_user(a[1], &out, sizeof(out)) ? -EFAULT : sig;
}

#define SS_AUTODISARM 0x80000000u

LX_FRAME(sigaltstack)
{
	struct lx_thread *t = self();
	struct lx_sigstack new, old = t->altstack;

	if (on_altstack(t, r->rsp))
		old.flags |= 1;
	if (a[0]) {
		if (get_user(&new, a[0], sizeof(new)))
			return -EFAULT;
		if (old.flags & 1)
			return -EPERM;
		if ((new.flags & ~SS_AUTODISARM) > 2)
			return -EINVAL; /* SS_ONSTACK, SS_DISABLE or neither */
		if (!(new.flags & 2) && new.size < 2048)
			return -ENOMEM;
		t->altstack = new.flags & 2 ? (struct lx_sigstack){.flags = 2} : new;
	}
	return a[1] && put_user(a[1], &old, sizeof(old)) ? -EFAULT : 0;
}

static long kill_pid(int64_t pid, uint64_t sig, int code, uint64_t value)
{
	struct w_msg m = {.op = PROC_KILL};

	m.PROC_KILL_in_pid = (uint64_t)pid;
	m.PROC_KILL_in_sig = sig;
	m.PROC_KILL_in_code = (uint64_t)(int64_t)code;
	m.PROC_KILL_in_value = value;
	return lx_chan(LX_H_PROC, &m);
}

static long tgkill_info(uint32_t tid, uint64_t sig, int code, int64_t value);

/* siginfo from the program: signo, errno, code, then pid, uid, value. */
static long sigqueue(uint64_t pid, uint64_t tid, uint64_t sig, uint64_t uinfo)
{
	struct siginfo s;

	if (get_user(&s, uinfo, sizeof(s)))
		return -EFAULT;
	if ((int32_t)pid <= 0) /* only a process, never a group or everybody */
		return -ESRCH;
	if (s.code >= 0 && pid != proc()->pid)
		return -EPERM; /* that would be the kernel's word */
	if (tid && pid == proc()->pid)
		return tgkill_info(tid, sig, s.code, s.f[1]);
	return kill_pid((int32_t)pid, (uint32_t)sig, s.code, s.f[1]);
}

LX(rt_sigqueueinfo)
{
	return sigqueue(a[0], 0, a[1], a[2]);
}

LX(rt_tgsigqueueinfo)
{
	if ((int32_t)a[0] <= 0 || (int32_t)a[1] <= 0)
		return -EINVAL;
	return sigqueue(a[0], a[1], a[2], a[3]);
}

/* Those that stop, continue or end a process are procd's business. */
#define NOT_ALONE (UNBLOCKABLE | BIT(SIGCONT) | BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU))

/* A signal from the process to itself: the caller takes it if it can (kill(2)). */
static long kill_self(int sig)
{
	struct lx_sigpage *p = lx_page();
	const struct lx_siginfo info = {.signo = sig, .pid = p->pid, .uid = p->ids[0]};

	if (self()->sigmask & BIT(sig)) {
		if (sig >= 32) /* they queue: procd keeps them */
			return kill_pid(p->pid, sig, 0, 0);
		if (__atomic_load_n(&p->pending, __ATOMIC_ACQUIRE) & BIT(sig))
			return 0;
		p->info[sig] = info;
		__atomic_fetch_or(&p->pending, BIT(sig), __ATOMIC_SEQ_CST);
		return proc()->nthreads > 1 || proc()->signalfds ? w_proc_kick(0) : 0;
	}
	if (!(__atomic_load_n(&self()->pending, __ATOMIC_ACQUIRE) & BIT(sig)))
		self()->info[sig] = info;
	__atomic_fetch_or(&self()->pending, BIT(sig), __ATOMIC_SEQ_CST);
	self()->tcb.kicked = 1;
	return 0;
}

LX(kill)
{
	uint32_t sig = a[1];

	if (a[0] == proc()->pid && sig >= 1 && sig <= 64 && !(BIT(sig) & NOT_ALONE))
		return kill_self(sig);
	return kill_pid((int32_t)a[0], sig, 0, 0);
}

struct lx_thread *lx_thread_by_tid(uint32_t tid)
{
	struct lx_proc *p = proc();
	uint32_t slot = lx_tid_slot(tid);
	struct lx_thread *t;

	if (self()->tid == tid)
		return self();
	if (tid == p->pid)
		slot = 0;
	else if ((tid & 0x7fff) != p->pid || p->slots[slot].state != 1)
		return NULL;
	t = (struct lx_thread *)LX_THREAD_BLOCK((uint64_t)slot);
	return t->tid == tid ? t : NULL;
}

/* A signal for one thread of this process never leaves it. */
static long tgkill_info(uint32_t tid, uint64_t sig, int code, int64_t value)
{
	struct lx_thread *t = lx_thread_by_tid(tid);
	struct lx_siginfo info;

	if (sig > 64)
		return -EINVAL;
	if (!t)
		return -ESRCH;
	if (!sig)
		return 0;
	if (sig == SIGKILL || sig == SIGSTOP)
		return kill_pid(proc()->pid, sig, code, value);
	info = (struct lx_siginfo){.signo = sig, .code = code, .pid = proc()->pid, .value = value};
	if (!post_to_thread(t, &info))
		return -EAGAIN;
	if (t == self())
		t->tcb.kicked = 1;
	else if (t->handle)
		w_thread_kick(t->handle);
	else
		w_proc_kick(0); /* the first thread has no handle: everyone looks */
	return 0;
}

static long tgkill(uint32_t tid, uint64_t sig)
{
	return tgkill_info(tid, sig, -6, 0); /* SI_TKILL */
}

/* Of other processes their first threads are known, by the numbers of the processes. */
LX(tkill)
{
	uint32_t tid = a[0];

	if ((int32_t)tid <= 0)
		return -EINVAL;
	if (!lx_thread_by_tid(tid) && tid < 0x8000 && tid != proc()->pid)
		return kill_pid(tid, (uint32_t)a[1], -6, 0);
	return tgkill(tid, (uint32_t)a[1]);
}

LX(tgkill)
{
	if ((int32_t)a[0] <= 0 || (int32_t)a[1] <= 0)
		return -EINVAL;
	if (a[0] != proc()->pid)
		return a[0] == a[1] ? kill_pid(a[0], (uint32_t)a[2], -6, 0) : -ESRCH;
	return tgkill(a[1], (uint32_t)a[2]);
}

/* ---- for ppoll and friends ---- */

long lx_swap_mask(uint64_t uset)
{
	return uset ? swap_mask(uset) : 0;
}

void lx_thread_signal(int sig)
{
	struct lx_thread *t = self();

	t->info[sig] = (struct lx_siginfo){.signo = sig, .pid = proc()->pid};
	__atomic_fetch_or(&t->pending, BIT(sig), __ATOMIC_SEQ_CST);
	t->tcb.kicked = 1;
}

bool lx_signal_ignored(int sig)
{
	return self()->sigmask & BIT(sig) || proc()->action[sig].handler == 1;
}

long tty_background(int sig)
{
	struct w_msg m = {.op = PROC_GETPGID};

	if (lx_signal_ignored(sig) || lx_chan(LX_H_PROC, &m) < 0 || m.PROC_GETPGID_out_orphaned)
		return W_EIO;
	kill_pid(0, sig, 0x80, 0);
	return ERESTARTSYS;
}
