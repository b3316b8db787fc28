// SPDX-License-Identifier: MIT
/* Clocks, sleeps, interval timers, futexes. */
#include "lx.h"

#include <wherry/signal.h>

enum {
	CLOCK_REALTIME,
	CLOCK_MONOTONIC,
	CLOCK_PROCESS_CPUTIME_ID,
	CLOCK_THREAD_CPUTIME_ID,
	CLOCK_MONOTONIC_RAW,
	CLOCK_REALTIME_COARSE,
	CLOCK_MONOTONIC_COARSE,
	CLOCK_BOOTTIME
};

static const struct w_timepage *time_page(void)
{
	return (const struct w_timepage *)LX_TIMEPAGE;
}

uint64_t lx_now(void)
{
	const struct w_timepage *t = time_page();
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return t->base_ns +
	       ((unsigned __int128)(((uint64_t)hi << 32 | lo) - t->base_tsc) * t->mult >> 32);
}

uint64_t lx_wall_offset(void)
{
	return time_page()->wall_ns;
}

uint64_t lx_from_wall(uint64_t ns)
{
	uint64_t start = lx_wall_offset();

	return ns > start ? ns - start : 1;
}

/* Whose CPU time clock id counts; 0: of the whole process.  Clocks of one process or thread
 * are ~id << 3, bit 2: of a thread (posix-timers.h). */
static long cpu_clock(uint32_t id, w_handle_t *h)
{
	uint32_t of = ~(int32_t)id >> 3 & 0x1fffffff, slot = lx_tid_slot(of);

	*h = W_H_THREAD;
	if (id == CLOCK_PROCESS_CPUTIME_ID)
		*h = 0;
	if ((int32_t)id >= 0)
		return 0;
	if ((id & 3) == 3) /* CPUCLOCK_MAX; no clock is a file here */
		return -EINVAL;
	if (of && (of & 0x7fff) != proc()->pid)
		return -EINVAL;
	if (!(id & 4))
		*h = 0;
	else if (of && of != self()->tid && proc()->slots[slot].state == 1)
		*h = proc()->slots[slot].handle;
	return 0;
}

static bool is_cpu_clock(uint32_t id)
{
	return id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID || (int32_t)id < 0;
}

static long cpu_read(uint32_t id, uint64_t *ns)
{
	struct w_obj_info i;
	w_handle_t h;
	long err = cpu_clock(id, &h);

	if (err || w_obj_info(h, &i) < 0)
		return -EINVAL;
	*ns = i.time_ns;
	return 0;
}

static long clock_read(uint64_t id, uint64_t *ns)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		*ns = lx_now() + lx_wall_offset();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = lx_now();
		return 0;
	default:
		return is_cpu_clock(id) ? cpu_read(id, ns) : -EINVAL;
	}
}

static bool valid(const struct lx_timespec *t)
{
	return t->sec >= 0 && t->nsec >= 0 && t->nsec < 1000000000;
}

static uint64_t to_ns(const struct lx_timespec *t)
{
	return t->sec > 9000000000ll ? W_FOREVER / 2 : t->sec * 1000000000ull + t->nsec;
}

int lx_get_time(uint64_t uts, uint64_t *ns)
{
	struct lx_timespec t;

	if (get_user(&t, uts, sizeof(t)))
		return -EFAULT;
	*ns = to_ns(&t);
	return valid(&t) ? 0 : -EINVAL;
}

int lx_get_deadline(uint64_t uts, uint64_t *deadline)
{
	uint64_t ns;
	int err = lx_get_time(uts, &ns);

	if (!err)
		*deadline = ns ? lx_now() + ns : 0;
	return err;
}

LX(clock_gettime)
{
	struct lx_timespec t;
	uint64_t ns;
	long err = clock_read((uint32_t)a[0], &ns);

	t = (struct lx_timespec){ns / 1000000000, ns % 1000000000};
	return err ? err : put_user(a[1], &t, sizeof(t)) ? -EFAULT : 0;
}

LX(clock_getres)
{
	struct lx_timespec t = {0, 1};
	uint64_t ns;
	long err = clock_read((uint32_t)a[0], &ns);

	return err ? err : a[1] && put_user(a[1], &t, sizeof(t)) ? -EFAULT : 0;
}

LX(gettimeofday)
{
	uint64_t ns = lx_now() + lx_wall_offset();
	int64_t tv[2] = {ns / 1000000000, ns / 1000 % 1000000};

	return a[0] && put_user(a[0], tv, sizeof(tv)) ? -EFAULT : 0;
}

LX(time)
{
	int64_t s = (lx_now() + lx_wall_offset()) / 1000000000;

	return a[0] && put_user(a[0], &s, 8) ? -EFAULT : s;
}

static long set_wall(const struct lx_timespec *t)
{
	struct w_msg m = {.op = PROC_CLOCK};

	if (!valid(t) || t->sec > 9000000000ll)
		return -EINVAL;
	m.PROC_CLOCK_in_ns = to_ns(t);
	return lx_chan(LX_H_PROC, &m);
}

LX(clock_settime)
{
	struct lx_timespec t;

	if ((uint32_t)a[0] != CLOCK_REALTIME)
		return -EINVAL;
	return get_user(&t, a[1], sizeof(t)) ? -EFAULT : set_wall(&t);
}

LX(settimeofday)
{
	struct lx_timespec t;

	if (!a[0]) /* a time zone only */
		return 0;
	if (get_user(&t, a[0], sizeof(t)))
		return -EFAULT;
	if (t.nsec < 0 || t.nsec > 999999)
		return -EINVAL;
	t.nsec *= 1000;
	return set_wall(&t);
}

/* ---- sleeping ---- */

/* wall: the deadline is of the wall clock, which may be set meanwhile (procd kicks). */
static long sleep_until(uint64_t deadline, uint64_t urem, bool wall)
{
	struct lx_timespec left;
	uint32_t word = 0;
	uint64_t now;
	long err;

	for (;;) {
		err = w_futex_wait(&word, 0, wall ? lx_from_wall(deadline) : deadline, 1);
		if (err == W_ETIMEDOUT)
			return 0;
		if (err != -EINTR)
			return err;
		self()->tcb.kicked = 0;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (lx_signal_waiting())
			break;
	}
	if (wall) /* absolute: it starts again as it is */
		return ERESTARTNOHAND;
	now = lx_now();
	now = deadline > now ? deadline - now : 0;
	left = (struct lx_timespec){now / 1000000000, now % 1000000000};
	if (urem)
		put_user(urem, &left, sizeof(left));
	self()->sleep_end = deadline;
	return ERESTART_SLEEP;
}

uint64_t lx_sleep_end(uint64_t deadline)
{
	uint64_t end = self()->sleep_end;

	self()->sleep_end = 0;
	return end ? end : deadline;
}

LX(nanosleep)
{
	uint64_t ns;
	long err = lx_get_time(a[0], &ns);

	return err ? err : sleep_until(lx_sleep_end(lx_now() + ns), a[1], false);
}

LX(clock_nanosleep)
{
	uint64_t ns;
	long err;

	if (clock_read((uint32_t)a[0], &ns))
		return -EINVAL;
	if (a[0] == CLOCK_THREAD_CPUTIME_ID)
		return -95; /* EOPNOTSUPP: it would wait for itself */
	err = lx_get_time(a[2], &ns);
	if (err)
		return err;
	if (!(a[1] & 1))
		return sleep_until(lx_sleep_end(lx_now() + ns), a[3], false);
	return sleep_until(ns, 0, a[0] == CLOCK_REALTIME);
}

/* ---- interval timers: kept by procd, since the signal must come whatever we do ---- */

struct itimerval {
	int64_t interval_s, interval_us, value_s, value_us;
};

static uint64_t us_to_ns(int64_t s, int64_t us)
{
	return s * 1000000000ull + us * 1000;
}

static long itimer(bool set, uint64_t which, uint64_t value, uint64_t interval, uint64_t *old_value,
		   uint64_t *old_interval)
{
	struct w_msg m = {.op = PROC_ITIMER};
	long err;

	m.PROC_ITIMER_in_set = set;
	m.PROC_ITIMER_in_which = which;
	m.PROC_ITIMER_in_value = value;
	m.PROC_ITIMER_in_interval = interval;
	err = lx_chan(LX_H_PROC, &m);
	*old_value = m.PROC_ITIMER_out_value;
	*old_interval = m.PROC_ITIMER_out_interval;
	return err;
}

static long put_itimer(uint64_t u, uint64_t value, uint64_t interval)
{
	struct itimerval t = {interval / 1000000000, interval / 1000 % 1000000, value / 1000000000,
			      value / 1000 % 1000000};

	return u && put_user(u, &t, sizeof(t)) ? -EFAULT : 0;
}

LX(setitimer)
{
	struct itimerval t = {0};
	uint64_t value, interval;
	long err;

	if (a[0] > 2)
		return -EINVAL;
	if (a[1] && get_user(&t, a[1], sizeof(t)))
		return -EFAULT;
	if (t.value_s < 0 || t.interval_s < 0 || (uint64_t)t.value_us > 999999 ||
	    (uint64_t)t.interval_us > 999999)
		return -EINVAL;
	err = itimer(true, a[0], us_to_ns(t.value_s, t.value_us),
		     us_to_ns(t.interval_s, t.interval_us), &value, &interval);
	return err < 0 ? err : put_itimer(a[2], value, interval);
}

LX(getitimer)
{
	uint64_t value = 0, interval = 0;

	if (a[0] > 2)
		return -EINVAL;
	itimer(false, a[0], 0, 0, &value, &interval);
	return put_itimer(a[1], value, interval);
}

LX(alarm)
{
	uint64_t value, interval;

	if (itimer(true, 0, (uint32_t)a[0] * 1000000000ull, 0, &value, &interval) < 0)
		return 0;
	return (value + 999999999) / 1000000000;
}

/* ---- POSIX timers: procd keeps them, for the same reason ---- */

enum { SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SIGEV_THREAD_ID = 4 };

struct sigevent {
	int64_t value;
	int32_t signo, notify, tid, pad[11];
};

static long timer_op(uint64_t what, uint64_t id, struct w_msg *m)
{
	m->op = PROC_TIMER;
	m->PROC_TIMER_in_what = what;
	m->PROC_TIMER_in_id_abs = (uint32_t)id | m->PROC_TIMER_in_id_abs << 32;
	return lx_chan(LX_H_PROC, m);
}

static long timer_clock(uint32_t id, struct w_msg *m)
{
	w_handle_t h = 0;
	long err;

	m->PROC_TIMER_in_id_abs = id == CLOCK_REALTIME ? PROC_TIMER_WALL : PROC_TIMER_MONOTONIC;
	if (!is_cpu_clock(id))
		return 0;
	m->PROC_TIMER_in_id_abs = PROC_TIMER_CPU;
	err = cpu_clock(id, &h);
	if (err || !h)
		return err;
	err = w_handle_dup(h, W_READ | W_DUP);
	if (err < 0)
		return -EAGAIN;
	m->h[m->nh++] = err;
	return 0;
}

LX(timer_create)
{
	struct sigevent e = {.signo = SIGALRM, .notify = SIGEV_SIGNAL};
	struct w_msg m = {0};
	uint64_t ns;
	int32_t id;
	long err;

	if (clock_read((uint32_t)a[0], &ns))
		return -EINVAL;
	if (a[1] && get_user(&e, a[1], sizeof(e)))
		return -EFAULT;
	if (e.notify != SIGEV_SIGNAL && e.notify != SIGEV_NONE && e.notify != SIGEV_THREAD_ID)
		return -EINVAL;
	if (e.notify != SIGEV_NONE && (e.signo < 1 || e.signo > 64))
		return -EINVAL;
	m.PROC_TIMER_in_sig = e.notify == SIGEV_NONE ? 0 : e.signo;
	m.PROC_TIMER_in_value = e.value;
	m.PROC_TIMER_in_tid = e.notify == SIGEV_THREAD_ID ? e.tid : 0;
	err = timer_clock(a[0], &m);
	if (!err)
		err = timer_op(1, 0, &m);
	if (err < 0)
		return err;
	id = m.PROC_TIMER_out_id;
	if (!a[1]) /* the value is the id then; nobody has seen one before */
		e.value = id;
	return put_user(a[2], &id, 4) ? -EFAULT : 0;
}

static long put_timer(uint64_t u, const struct w_msg *m)
{
	struct lx_timespec t[2] = {
		{m->PROC_TIMER_out_interval / 1000000000, m->PROC_TIMER_out_interval % 1000000000},
		{m->PROC_TIMER_out_value / 1000000000, m->PROC_TIMER_out_value % 1000000000}};

	return u && put_user(u, t, sizeof(t)) ? -EFAULT : 0;
}

LX(timer_settime)
{
	struct lx_timespec t[2];
	struct w_msg m = {0};
	long err;

	if (get_user(t, a[2], sizeof(t)))
		return a[2] ? -EFAULT : -EINVAL;
	if (!valid(&t[0]) || !valid(&t[1]))
		return -EINVAL;
	m.PROC_TIMER_in_value = to_ns(&t[1]);
	m.PROC_TIMER_in_id_abs = a[1] & 1; /* TIMER_ABSTIME */
	m.PROC_TIMER_in_interval = to_ns(&t[0]);
	err = timer_op(2, a[0], &m);
	return err < 0 ? err : put_timer(a[3], &m);
}

LX(timer_gettime)
{
	struct w_msg m = {0};
	long err = timer_op(3, a[0], &m);

	return err < 0 ? err : put_timer(a[1], &m);
}

LX(timer_getoverrun)
{
	struct w_msg m = {0};
	long err = timer_op(5, a[0], &m);

	return err < 0 ? err : (long)m.PROC_TIMER_out_value;
}

LX(timer_delete)
{
	struct w_msg m = {0};

	return timer_op(4, a[0], &m);
}

/* ---- timer descriptors ---- */

LX(timerfd_create)
{
	struct lx_file *f;
	int64_t h;

	if (a[0] > CLOCK_BOOTTIME || a[1] & ~(02000000ull | FS_O_NONBLOCK))
		return -EINVAL;
	h = w_timer_create();
	if (h < 0)
		return h;
	f = file_new(K_TIMERFD, a[1] & FS_O_NONBLOCK);
	if (!f) {
		w_handle_close(h);
		return -ENOMEM;
	}
	f->h = h;
	f->dev = a[0];
	return fd_install(f, 0, a[1] & 02000000);
}

LX(timerfd_settime)
{
	struct lx_file *f = fd_file(a[0]);
	struct lx_timespec t[2];
	uint64_t at;

	if (!f)
		return -EBADF;
	if (f->kind != K_TIMERFD || a[1] & ~3ull) /* ABSTIME, CANCEL_ON_SET */
		return -EINVAL;
	if (get_user(t, a[2], sizeof(t)))
		return -EFAULT;
	if (!valid(&t[0]) || !valid(&t[1]))
		return -EINVAL;
	at = to_ns(&t[1]);
	if (at && !(a[1] & 1))
		at += lx_now();
	else if (at && f->dev == CLOCK_REALTIME)
		at = lx_from_wall(at);
	f->next = at;
	f->interval = to_ns(&t[0]);
	return w_timer_set(f->h, at, f->interval);
}

LX(timerfd_gettime)
{
	struct lx_file *f = fd_file(a[0]);
	struct lx_timespec t[2] = {{0}};
	uint64_t now = lx_now(), left = 0;

	if (!f)
		return -EBADF;
	if (f->kind != K_TIMERFD)
		return -EINVAL;
	if (f->next > now)
		left = f->next - now;
	else if (f->next && f->interval)
		left = f->interval - (now - f->next) % f->interval;
	t[0] = (struct lx_timespec){f->interval / 1000000000, f->interval % 1000000000};
	t[1] = (struct lx_timespec){left / 1000000000, left % 1000000000};
	return put_user(a[1], t, sizeof(t)) ? -EFAULT : 0;
}

/* ---- futex ---- */

enum {
	FUTEX_WAIT,
	FUTEX_WAKE,
	FUTEX_FD,
	FUTEX_REQUEUE,
	FUTEX_CMP_REQUEUE,
	FUTEX_WAKE_OP,
	FUTEX_LOCK_PI,
	FUTEX_UNLOCK_PI,
	FUTEX_TRYLOCK_PI,
	FUTEX_WAIT_BITSET,
	FUTEX_WAKE_BITSET
};
#define FUTEX_CLOCK_REALTIME 256

static long futex_wait(const uint64_t *a, uint32_t mask, bool absolute)
{
	uint64_t deadline = W_FOREVER;
	struct lx_timespec t;
	long err;

	if (a[3]) {
		if (get_user(&t, a[3], sizeof(t)))
			return -EFAULT;
		if (!valid(&t))
			return -EINVAL;
		deadline = to_ns(&t);
		if (!absolute)
			deadline += lx_now();
		else if (a[1] & FUTEX_CLOCK_REALTIME)
			deadline = lx_from_wall(deadline);
		if (deadline <= lx_now())
			deadline = 1;
	}
	err = w_futex_wait((void *)a[0], a[2], deadline, mask);
	return err == -EINTR ? ERESTARTSYS : err;
}

/* One atomic step of futex(2) on a word: old is what it was. */
static long futex_op(uint64_t at, uint32_t op, uint32_t arg, uint32_t *old)
{
	uint32_t new;
	int r;

	if (at & 3)
		return -EINVAL;
	if (get_user(old, at, 4))
		return -EFAULT;
	do {
		new = op == 0	? arg
		      : op == 1 ? *old + arg
		      : op == 2 ? *old | arg
		      : op == 3 ? *old & ~arg
				: *old ^ arg;
		r = lx_cmpxchg(at, old, new);
	} while (r > 0);
	return r;
}

static long futex_wake_op(const uint64_t *a)
{
	uint32_t v = a[5], op = v >> 28 & 7, cmp = v >> 24 & 15, old;
	int32_t oparg = (int32_t)(v << 8) >> 20, cmparg = (int32_t)(v << 20) >> 20;
	bool hit;
	long n, m;

	if (v >> 31)
		oparg = 1 << (oparg & 31);
	n = futex_op(a[4], op, oparg, &old);
	if (n < 0)
		return n;
	hit = cmp == 0	 ? (int32_t)old == cmparg
	      : cmp == 1 ? (int32_t)old != cmparg
	      : cmp == 2 ? (int32_t)old < cmparg
	      : cmp == 3 ? (int32_t)old <= cmparg
	      : cmp == 4 ? (int32_t)old > cmparg
			 : (int32_t)old >= cmparg;
	n = w_futex_wake((void *)a[0], a[2], ~0u);
	m = hit && n >= 0 ? w_futex_wake((void *)a[4], a[3], ~0u) : 0;
	return n < 0 ? n : m < 0 ? m : n + m;
}

/*
 * Priority inheritance: there are no priorities, so what is left of it is the word's
 * protocol (futex(2)): owner's tid, bit 31: someone waits, bit 30: the owner died.
 */
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_TID 0x3fffffffu

static long lock_pi(const uint64_t *a, bool try)
{
	uint32_t old, tid = self()->tid, want;
	const uint64_t b[6] = {a[0], FUTEX_CLOCK_REALTIME, 0, a[3]};
	uint64_t w[6];
	long err;

	if (a[0] & 3)
		return -EINVAL;
	for (;;) {
		if (get_user(&old, a[0], 4))
			return -EFAULT;
		if ((old & FUTEX_TID) == tid)
			return -35;	  /* EDEADLK */
		if (!(old & FUTEX_TID)) { /* free, or its owner died */
			want = tid | (old & ~FUTEX_TID);
			err = lx_cmpxchg(a[0], &old, want);
			if (err <= 0)
				return err;
			continue;
		}
		if (try)
			return -EAGAIN;
		want = old | FUTEX_WAITERS;
		err = want != old ? lx_cmpxchg(a[0], &old, want) : 0;
		if (err < 0)
			return err;
		if (err)
			continue;
		memcpy(w, b, sizeof(w));
		w[2] = want;
		err = futex_wait(w, ~0u, true);
		if (err && err != -EAGAIN)
			return err;
	}
}

static long unlock_pi(const uint64_t *a)
{
	uint32_t old;
	int r;

	if (get_user(&old, a[0], 4))
		return -EFAULT;
	if ((old & FUTEX_TID) != self()->tid)
		return -EPERM;
	if (a[0] & 3)
		return -EINVAL;
	/* the waiters' bit stays until the last of them found the word free */
	while ((r = lx_cmpxchg(a[0], &old, 0)) > 0)
		;
	if (!r)
		w_futex_wake((void *)a[0], 0x7fffffff, ~0u);
	return r;
}

LX(futex)
{
	uint32_t word;

	switch (a[1] & 127) {
	case FUTEX_WAIT:
		return futex_wait(a, ~0u, false);
	case FUTEX_WAIT_BITSET:
		return futex_wait(a, a[5], true);
	case FUTEX_WAKE:
		return w_futex_wake((void *)a[0], a[2], ~0u);
	case FUTEX_WAKE_BITSET:
		return a[5] ? w_futex_wake((void *)a[0], a[2], a[5]) : -EINVAL;
	case FUTEX_CMP_REQUEUE:
		if (get_user(&word, a[0], 4))
			return -EFAULT;
		if (word != (uint32_t)a[5])
			return -EAGAIN;
		/* fall through */
	case FUTEX_REQUEUE:
		return w_futex_requeue((void *)a[0], a[2], (void *)a[4], a[3]);
	case FUTEX_WAKE_OP:
		return futex_wake_op(a);
	case FUTEX_LOCK_PI:
	case FUTEX_TRYLOCK_PI:
		return lock_pi(a, (a[1] & 127) == FUTEX_TRYLOCK_PI);
	case FUTEX_UNLOCK_PI:
		return unlock_pi(a);
	default:
		return -ENOSYS;
	}
}
