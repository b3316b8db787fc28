// SPDX-License-Identifier: MIT
/*
 * Who runs when (sched(7)): policies, priorities, nice values, affinity.  procd decides who
 * may have more than others and tells the kernel; it knows the class of each process's first
 * thread, a thread block that of the others.
 */
#include "lx.h"

enum { SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE = 5 };
#define SCHED_RESET_ON_FORK 0x40000000u
#define SLICE_NS 4000000 /* what SCHED_SLICE_US is unless somebody changes it */

LX(sched_yield)
{
	(void)a;
	w_thread_yield();
	return 0;
}

static long ask(struct w_msg *m)
{
	m->op = PROC_SCHED;
	return lx_chan(LX_H_PROC, m);
}

/* The thread that a sched_ call names, if it is of this process; *pid for procd if not. */
static long target(uint64_t tid, struct lx_thread **t, uint32_t *pid)
{
	if ((int32_t)tid < 0)
		return -EINVAL;
	*t = tid ? lx_thread_by_tid(tid) : self();
	*pid = *t ? 0 : tid;
	return 0;
}

static long get(uint64_t tid, uint32_t *policy, uint32_t *priority)
{
	struct lx_thread *t;
	struct w_msg m = {0};
	uint32_t pid;
	long err = target(tid, &t, &pid);

	if (err)
		return err;
	if (t && t->handle) {
		*policy = t->policy;
		*priority = t->priority;
	} else {
		m.PROC_SCHED_in_pid = pid;
		err = ask(&m);
		*policy = m.PROC_SCHED_out_policy;
		*priority = m.PROC_SCHED_out_priority;
	}
	if (t && t->reset_on_fork)
		*policy |= SCHED_RESET_ON_FORK;
	return err;
}

static bool valid(uint32_t policy, int32_t priority)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return priority >= 1 && priority <= 99;
	return (policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE) &&
	       !priority;
}

static long set(uint64_t tid, uint32_t policy, uint64_t uparam)
{
	bool reset = policy & SCHED_RESET_ON_FORK;
	struct w_msg m = {0};
	struct lx_thread *t;
	int32_t priority;
	uint32_t pid;
	long err = target(tid, &t, &pid);

	if (err || !uparam)
		return -EINVAL;
	if (get_user(&priority, uparam, 4))
		return -EFAULT;
	policy &= ~SCHED_RESET_ON_FORK;
	if (!valid(policy, priority))
		return -EINVAL;
	if (t && t->handle) {
		err = w_handle_dup(t->handle, W_ALL);
		if (err < 0)
			return err;
		m.h[0] = err;
		m.nh = 1;
	}
	m.PROC_SCHED_in_pid = pid;
	m.PROC_SCHED_in_set = 1;
	m.PROC_SCHED_in_policy = policy;
	m.PROC_SCHED_in_priority = priority;
	err = ask(&m);
	if (err || !t)
		return err;
	t->policy = policy;
	t->priority = priority;
	t->reset_on_fork = reset;
	return 0;
}

void lx_sched_reset(void)
{
	struct w_msg m = {.PROC_SCHED_in_set = 1};

	if (!self()->reset_on_fork)
		return;
	self()->reset_on_fork = false;
	ask(&m);
}

LX(sched_getscheduler)
{
	uint32_t policy, priority;
	long err = get(a[0], &policy, &priority);

	return err ? err : (long)policy;
}

LX(sched_setscheduler)
{
	return (int32_t)a[1] < 0 ? -EINVAL : set(a[0], a[1], a[2]);
}

LX(sched_getparam)
{
	uint32_t policy, priority;
	long err = a[1] ? get(a[0], &policy, &priority) : -EINVAL;

	return err ? err : put_user(a[1], &priority, 4) ? -EFAULT : 0;
}

LX(sched_setparam)
{
	uint32_t policy, priority;
	long err = get(a[0], &policy, &priority);

	return err ? err : set(a[0], policy, a[1]);
}

LX(sched_get_priority_max)
{
	return a[0] == SCHED_FIFO || a[0] == SCHED_RR ? 99
	       : a[0] <= SCHED_IDLE && a[0] != 4      ? 0
						      : -EINVAL;
}

LX(sched_get_priority_min)
{
	return a[0] == SCHED_FIFO || a[0] == SCHED_RR ? 1
	       : a[0] <= SCHED_IDLE && a[0] != 4      ? 0
						      : -EINVAL;
}

LX(sched_rr_get_interval)
{
	struct lx_timespec t = {0, SLICE_NS};
	uint32_t policy, priority;
	long err = get(a[0], &policy, &priority);

	if (err)
		return err;
	if (policy == SCHED_FIFO)
		t.nsec = 0;
	return put_user(a[1], &t, sizeof(t)) ? -EFAULT : 0;
}

/* ---- nice values ---- */

LX(getpriority)
{
	struct w_msg m = {.op = PROC_NICE};
	long err;

	if (a[0] > 2)
		return -EINVAL;
	m.PROC_NICE_in_which = a[0];
	m.PROC_NICE_in_who = (uint32_t)a[1];
	err = lx_chan(LX_H_PROC, &m);
	return err < 0 ? err : 20 - (int32_t)m.PROC_NICE_out_nice;
}

LX(setpriority)
{
	struct w_msg m = {.op = PROC_NICE};
	int nice = (int32_t)a[2];

	if (a[0] > 2)
		return -EINVAL;
	nice = nice < -20 ? -20 : nice > 19 ? 19 : nice;
	m.PROC_NICE_in_which = a[0];
	m.PROC_NICE_in_who = (uint32_t)a[1];
	m.PROC_NICE_in_set = 1;
	m.PROC_NICE_in_nice = (uint64_t)(int64_t)nice;
	return lx_chan(LX_H_PROC, &m);
}

/* ---- affinity ---- */

/* Of another process, or of this one's first thread; with set: from now on *mask. */
static long affinity_of(uint32_t pid, bool set, uint64_t *mask)
{
	struct w_msg m = {.op = PROC_AFFINITY};
	long err;

	m.PROC_AFFINITY_in_pid = pid;
	m.PROC_AFFINITY_in_set = set;
	m.PROC_AFFINITY_in_mask = *mask;
	err = lx_chan(LX_H_PROC, &m);
	*mask = m.PROC_AFFINITY_out_mask;
	return err;
}

LX(sched_getaffinity)
{
	struct w_obj_info i = {0};
	struct lx_thread *t;
	uint32_t pid;
	long err;

	if (a[1] < 8 || a[1] % 8)
		return -EINVAL;
	err = target(a[0], &t, &pid);
	if (err)
		return -ESRCH;
	if (t == self() || (t && t->handle))
		err = w_obj_info(t == self() ? W_H_THREAD : t->handle, &i);
	else
		err = affinity_of(pid, false, &i.affinity);
	if (err)
		return err;
	return put_user(a[2], &i.affinity, 8) ? -EFAULT : 8;
}

LX(sched_setaffinity)
{
	struct lx_thread *t;
	uint64_t mask = 0;
	uint32_t pid;

	if (get_user(&mask, a[2], a[1] < 8 ? a[1] : 8))
		return -EFAULT;
	if (target(a[0], &t, &pid))
		return -ESRCH;
	if (t == self() || (t && t->handle))
		return w_thread_affinity(t == self() ? 0 : t->handle, mask);
	return affinity_of(pid, true, &mask);
}
