// SPDX-License-Identifier: MIT
/* Dispatch, the lock, the heap, and the start of a fresh process. */
#include "lx.h"

#define X(nr, name, handler, args) [nr] = lx_##handler,
#define XFRAME(nr, name, handler, args)
const lx_handler lx_calls[LX_CALLS] = {
#include "gen/lxtable.h"
};
#undef X
#undef XFRAME
#define X(nr, name, handler, args)
#define XFRAME(nr, name, handler, args) [nr] = lx_##handler,
static const lx_frame_handler with_frame[LX_CALLS] = {
#include "gen/lxtable.h"
};
const lx_handler lx_no_calls[LX_CALLS];

/* Report a missing call once per process: procd counts them in /proc/wherry/missing. */
static long missing(uint64_t nr)
{
	struct lx_proc *p = proc();
	struct w_msg m = {.op = PROC_MISSING};

	if (nr < 512 && !(p->seen_missing[nr / 64] >> nr % 64 & 1)) {
		p->seen_missing[nr / 64] |= 1ull << nr % 64;
		m.PROC_MISSING_in_nr = nr;
		lx_chan(LX_H_PROC, &m);
	}
	return -ENOSYS;
}

static long call(uint64_t nr, const uint64_t *a, struct w_regs *r)
{
	if (nr < LX_CALLS && with_frame[nr])
		return with_frame[nr](a, r);
	return nr < LX_CALLS && lx_calls[nr] ? lx_calls[nr](a) : missing(nr);
}

/* What is in no table of the way in without a frame: it wants one, is traced, or missing. */
void lx_syscall(struct w_regs *r)
{
	const uint64_t a[6] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};
	struct lx_thread *t = self();
	uint64_t nr = r->rax;

	t->orig_rax = nr;
	if (proc()->trace)
		trace_enter(nr, a);
	r->rax = call(nr, a, r);
	if (proc()->trace)
		trace_exit(nr, a, r->rax);
	if (t->tcb.kicked || (int64_t)r->rax <= -512)
		lx_signals(r);
}

/* There is more to do than to return, so all registers are wanted after all. */
void lx_fill_frame(struct w_regs *r)
{
	const struct lx_light_frame *l = (const struct lx_light_frame *)r - 1;

	r->rax = l->rax;
	r->rdi = l->a[0];
	r->rsi = l->a[1];
	r->rdx = l->a[2];
	r->r10 = l->a[3];
	r->r8 = l->a[4];
	r->r9 = l->a[5];
	r->rip = r->rcx = l->rip;
	r->rflags = r->r11 = l->rflags;
	r->rsp = self()->tcb.rsp;
	r->cs = 0x2b;
	r->ss = 0x23;
	r->err = 0;
	r->vec = LX_VEC_SYSCALL;
}

void lx_slow_exit(struct w_regs *r)
{
	lx_signals(r);
}

/* ---- lock and heap ---- */

void lx_lock(void)
{
	uint32_t *l = &proc()->lock;

	while (__atomic_exchange_n(l, 1, __ATOMIC_ACQUIRE))
		w_thread_yield();
}

void lx_unlock(void)
{
	__atomic_store_n(&proc()->lock, 0, __ATOMIC_RELEASE);
}

struct block {
	uint64_t size;
	struct block *next;
};

/* Blocks of 32 << n bytes, cut from the state region, reused by size. */
void *pmalloc_raw(size_t n)
{
	struct lx_proc *p = proc();
	struct block *b = NULL;
	int c = 0;

	while (c < LX_HEAP_CLASSES && (32ul << c) < n + 16)
		c++;
	if (c == LX_HEAP_CLASSES)
		return NULL;
	lx_lock();
	if (p->heap_free[c]) {
		b = p->heap_free[c];
		p->heap_free[c] = b->next;
	} else if (p->heap_next + (32ul << c) <= LX_STATE + LX_STATE_SIZE) {
		b = (struct block *)p->heap_next;
		p->heap_next += 32ul << c;
	}
	lx_unlock();
	if (!b)
		return NULL;
	b->size = c;
	return (char *)b + 16;
}

void *pmalloc(size_t n)
{
	void *p = pmalloc_raw(n);

	return p ? memset(p, 0, n) : NULL;
}

void pfree(void *ptr)
{
	struct block *b = (struct block *)((char *)ptr - 16);
	struct lx_proc *p = proc();

	if (!ptr)
		return;
	lx_lock();
	b->next = p->heap_free[b->size];
	p->heap_free[b->size] = b;
	lx_unlock();
}

/* ---- calls to servers ---- */

static long called(w_handle_t ch, long r)
{
	if (r == W_EPIPE && ch == LX_H_FS) /* it has ended: its counters stand still */
		lease_forget();
	return r;
}

long lx_chan(w_handle_t ch, struct w_msg *m)
{
	m->pad = W_MSG_UNINTERRUPTIBLE;
	return called(ch, w_chan_call(ch, m));
}

long lx_chan_intr(w_handle_t ch, struct w_msg *m)
{
	long r;

	m->pad = 0;
	r = called(ch, w_chan_call(ch, m));
	return r == -EINTR ? ERESTARTSYS : r;
}

/* ---- a fresh process ---- */

static void open_console(bool controlling)
{
	struct lx_file *f;
	int i;

	if (path_open("/dev/console", FS_O_RDWR | (controlling ? 0 : FS_O_NOCTTY), 0, &f))
		return;
	fd_install(f, 0, false);
	for (i = 1; i < 3; i++) {
		f->refs++;
		fd_install(f, i, false);
	}
}

void lx_start(struct w_regs *r)
{
	struct lx_thread *t = self();
	struct lx_start *s = (struct lx_start *)LX_START;
	const char *path = s->strings;
	uint32_t rest = s->len - strlen(path) - 1;
	char *strings;
	long err;
	int i;

	t->tcb.stack = (uint64_t)t;
	t->tid = s->pid;
	proc()->pid = s->pid;
	proc()->heap_next = LX_STATE + ((sizeof(struct lx_proc) + W_PAGE - 1) & ~(W_PAGE - 1));
	proc()->view = (struct lx_view){.cwd = (uint64_t)proc()->cwd,
					.fds = (uint64_t)proc()->fd,
					.slots = (uint64_t)proc()->slots,
					.limits = (uint64_t)proc()->rlimit};
	proc()->umask = 022;
	for (i = 0; i < 16; i++)
		proc()->rlimit[i][0] = proc()->rlimit[i][1] = ~0ull;
	proc()->rlimit[RLIMIT_STACK][0] = 8ull << 20;
	proc()->rlimit[RLIMIT_MEMLOCK][0] = proc()->rlimit[RLIMIT_MEMLOCK][1] = 8ull << 20;
	proc()->rlimit[RLIMIT_NOFILE][0] = LX_FDS_SOFT;
	proc()->rlimit[RLIMIT_NOFILE][1] = LX_FDS;
	proc()->nthreads = 1;
	proc()->cwd[0] = '/';
	proc()->trace_log = s->flags & LX_START_TRACE;
	trace_start(-1);
	if (s->inherit) {
		lx_inherit((const struct lx_inherit *)((char *)s + s->inherit),
			   s->size - s->inherit);
		proc()->exec_from = s->exec;
	} else {
		open_console(s->flags & LX_START_TTY);
	}
	strings = pmalloc(s->len + LX_SHEBANG_ROOM);
	if (strings)
		memcpy(strings, path + strlen(path) + 1, rest);
	err = strings ? lx_exec(path, r, strings, s->argc, s->envc, rest) : -ENOMEM;
	w_as_unmap(0, LX_START, LX_START_SIZE);
	if (err)
		lx_exit_process(127 << 8);
}
