// SPDX-License-Identifier: MIT
/*
 * POSIX timers (timer_create(2)) and interval timers (setitimer(2)): they signal
 * whatever the process does.  Those of CPU time are looked at when they could have
 * run out at the earliest.
 */
#include "proc.h"

#include <wherry/signal.h>

#define TIMERS_MAX 512
#define INTERVAL_MIN 100000 /* ns: a process may keep us busy only so much */
#define LOOK_MIN 1000000    /* ns: CPU time is looked at no more often */
#define SI_TIMER (-2)
#define OVERRUN_MAX 0x7fffffffu /* DELAYTIMER_MAX */
#define NS_PER_S 1000000000ull

struct ptimer {
	struct list link;
	struct ev_timer ev;
	struct proc *p;
	uint32_t id;
	uint64_t overrun; /* expiries that no signal of their own was sent for */
	struct lx_siginfo info;
	uint64_t interval, at; /* at: the next expiry; 0: disarmed */
	bool realtime;	       /* made for the wall clock */
	bool cpu;	       /* or for CPU time: the process's, or */
	w_handle_t thread;     /* this thread's; owns */
	uint64_t wall;	       /* set to this time of it; 0: to none */
};

static struct ptimer *find(struct proc *p, uint32_t id)
{
	struct list *l;

	list_for_each (l, &p->timers)
		if (list_entry(l, struct ptimer, link)->id == id)
			return list_entry(l, struct ptimer, link);
	return NULL;
}

static uint64_t cpu_time(w_handle_t h)
{
	struct w_obj_info i = {0};

	w_obj_info(h, &i);
	return i.time_ns;
}

static uint64_t now_of(const struct ptimer *t)
{
	if (!t->cpu)
		return rt_now();
	return cpu_time(t->thread ? t->thread : t->p->process);
}

/* When CPU time could have come to target at the earliest, on that many CPUs. */
static uint64_t soonest_look(uint64_t used, uint64_t target, uint32_t cpus)
{
	uint64_t left = target > used ? (target - used) / cpus : 0;

	return rt_now() + (left < LOOK_MIN ? LOOK_MIN : left);
}

/* Wake at the next expiry, but not sooner than we want to be kept busy: expiries in between
 * are counted, as they are when the signal is still pending. */
static void arm(struct ptimer *t, uint64_t now)
{
	uint64_t soonest = now + INTERVAL_MIN;

	if (t->cpu) {
		ev_timer_set(&t->ev, soonest_look(now, t->at, t->thread ? 1 : CONFIG_NR_CPUS));
		return;
	}
	ev_timer_set(&t->ev, t->interval && t->interval < INTERVAL_MIN && t->at < soonest ? soonest
											  : t->at);
}

static void fired(struct ev_timer *ev)
{
	struct ptimer *t = container_of(ev, struct ptimer, ev);
	uint64_t now = now_of(t), missed = 0;

	if (now < t->at) { /* CPU time, as yet */
		arm(t, now);
		return;
	}
	t->wall = 0;
	if (t->interval) {
		missed = (now - t->at) / t->interval;
		t->at += (missed + 1) * t->interval;
		arm(t, now);
	} else {
		t->at = 0;
	}
	t->info.overrun = missed < OVERRUN_MAX ? missed : OVERRUN_MAX;
	if (t->info.signo && proc_post(t->p, &t->info))
		t->overrun = missed;
	else
		t->overrun += missed + 1;
}

static int create(struct w_msg *m, struct proc *p)
{
	uint64_t sig = m->PROC_TIMER_in_sig, clock = m->PROC_TIMER_in_id_abs >> 32;
	struct list *l;
	struct ptimer *t;
	int n = 0;

	list_for_each (l, &p->timers)
		n++;
	if (n >= TIMERS_MAX)
		return W_EAGAIN;
	if (sig > 64)
		return W_EINVAL;
	t = rt_try_alloc(sizeof(*t));
	if (!t)
		return W_EAGAIN;
	t->p = p;
	t->id = p->last_timer++;
	t->ev.fn = fired;
	t->info = (struct lx_siginfo){.signo = sig,
				      .code = SI_TIMER,
				      .pid = t->id,
				      .value = m->PROC_TIMER_in_value,
				      .tid = m->PROC_TIMER_in_tid};
	t->realtime = clock == PROC_TIMER_WALL;
	t->cpu = clock == PROC_TIMER_CPU;
	if (t->cpu && m->nh == 1) {
		t->thread = m->h[0];
		m->nh = 0;
	}
	list_append(&p->timers, &t->link);
	m->PROC_TIMER_out_id = t->id;
	return 0;
}

static void get(struct w_msg *m, const struct ptimer *t)
{
	uint64_t now = now_of(t), at = t->at;

	m->PROC_TIMER_out_value = at > now ? at - now : at ? 1 : 0;
	m->PROC_TIMER_out_interval = t->interval;
}

static uint64_t from_wall(uint64_t wall)
{
	uint64_t start = rt_wall() - rt_now();

	return wall > start ? wall - start : 1;
}

/* The wall clock has been set: what waits for a time of it waits longer or shorter. */
static void clock_moved(struct proc *p)
{
	struct list *l;

	list_for_each (l, &p->timers) {
		struct ptimer *t = list_entry(l, struct ptimer, link);

		if (t->wall && t->at)
			ev_timer_set(&t->ev, t->at = from_wall(t->wall));
	}
}

static void set(struct w_msg *m, struct ptimer *t)
{
	uint64_t value = m->PROC_TIMER_in_value, interval = m->PROC_TIMER_in_interval;
	bool absolute = m->PROC_TIMER_in_id_abs >> 32;

	get(m, t); /* the answer is what it was */
	t->interval = interval;
	t->overrun = 0;
	t->wall = 0;
	if (!value)
		t->at = 0;
	else if (!absolute)
		t->at = now_of(t) + value;
	else if (!t->realtime)
		t->at = value;
	else
		t->at = from_wall(t->wall = value);
	if (t->cpu && t->at)
		arm(t, now_of(t));
	else
		ev_timer_set(&t->ev, t->at);
}

static void drop(struct ptimer *t)
{
	ev_timer_set(&t->ev, 0);
	list_del(&t->link);
	if (t->thread)
		w_handle_close(t->thread);
	rt_free(t);
}

void timer_call(struct w_msg *m, struct proc *p)
{
	uint64_t what = m->PROC_TIMER_in_what;
	struct ptimer *t = what == 1 ? NULL : find(p, (uint32_t)m->PROC_TIMER_in_id_abs);
	int err = 0;

	if (what == 1)
		err = create(m, p);
	else if (!t)
		err = W_EINVAL;
	else if (what == 2)
		set(m, t);
	else if (what == 3)
		get(m, t);
	else if (what == 4)
		drop(t);
	else
		m->PROC_TIMER_out_value = t->overrun < OVERRUN_MAX ? t->overrun : OVERRUN_MAX;
	while (m->nh)
		w_handle_close(m->h[--m->nh]);
	proc_reply(m, err);
}

void timer_end(struct proc *p)
{
	while (!list_is_empty(&p->timers))
		drop(list_first(&p->timers, struct ptimer, link));
}

void clock_call(struct w_msg *m, const struct proc *from)
{
	struct list *l;
	int err = from->euid ? W_EPERM : w_clock_set(W_H_IOROOT, m->PROC_CLOCK_in_ns);

	if (!err)
		list_for_each (l, &procs) {
			struct proc *p = list_entry(l, struct proc, all);

			clock_moved(p);
			if (p->state != P_ZOMBIE)
				w_proc_kick(p->process); /* who sleeps until a time looks again */
		}
	proc_reply(m, err);
}

/* ---- interval timers: survive exec, not inherited by fork ---- */

static const int itimer_signal[4] = {SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU};
#define CPU_LIMIT 3

static int which_of(const struct itimer *t)
{
	return t - t->p->itimer;
}

static void itimer_signal_now(struct itimer *t)
{
	const struct lx_siginfo info = {.signo = itimer_signal[which_of(t)], .code = 0x80};

	proc_post(t->p, &info);
}

static void real_fired(struct ev_timer *ev)
{
	struct itimer *t = container_of(ev, struct itimer, ev);

	if (t->interval)
		ev_timer_set(ev, rt_now() + t->interval);
	itimer_signal_now(t);
}

static void cpu_look(struct ev_timer *ev)
{
	struct itimer *t = container_of(ev, struct itimer, ev);
	uint64_t used = cpu_time(t->p->process);

	if (used >= t->target) {
		t->target = t->interval ? used + t->interval : 0;
		itimer_signal_now(t);
	}
	if (which_of(t) == CPU_LIMIT && used / NS_PER_S >= t->p->cpu_hard)
		w_proc_kill(t->p->process, SIGKILL);
	if (t->target)
		ev_timer_set(ev, soonest_look(used, t->target, CONFIG_NR_CPUS));
}

/* SIGXCPU at the limit and each second from then on, as Linux does. */
void cpu_limit_start(struct proc *p)
{
	struct itimer *t = &p->itimer[CPU_LIMIT];
	uint64_t first = p->cpu_soft < p->cpu_hard ? p->cpu_soft : p->cpu_hard;

	t->p = p;
	t->ev.fn = cpu_look;
	t->interval = NS_PER_S;
	t->target = first < ~0ull / NS_PER_S ? (first ? first : 1) * NS_PER_S : 0;
	ev_timer_set(&t->ev, 0);
	if (t->target)
		cpu_look(&t->ev);
}

static uint64_t itimer_left(const struct itimer *t)
{
	uint64_t now = which_of(t) ? cpu_time(t->p->process) : rt_now();
	uint64_t at = which_of(t) ? t->target : t->ev.at;

	return at > now ? at - now : at ? 1 : 0;
}

void itimer_call(struct w_msg *m, struct proc *p)
{
	uint64_t which = m->PROC_ITIMER_in_which, value = m->PROC_ITIMER_in_value;
	uint64_t interval = m->PROC_ITIMER_in_interval, set = m->PROC_ITIMER_in_set;
	struct itimer *t = which < 3 ? &p->itimer[which] : NULL;

	if (!t) {
		proc_reply(m, W_EINVAL);
		return;
	}
	t->p = p;
	m->PROC_ITIMER_out_value = itimer_left(t);
	m->PROC_ITIMER_out_interval = t->interval;
	if (set) {
		t->interval = interval && interval < 1000000 ? 1000000 : interval;
		t->ev.fn = which ? cpu_look : real_fired;
		t->target = which && value ? cpu_time(p->process) + value : 0;
		ev_timer_set(&t->ev, 0);
		if (t->target)
			cpu_look(&t->ev);
		else if (value && !which)
			ev_timer_set(&t->ev, rt_now() + value);
	}
	proc_reply(m, 0);
}

void itimer_end(struct proc *p)
{
	int i;

	for (i = 0; i < 4; i++)
		ev_timer_set(&p->itimer[i].ev, 0);
}
