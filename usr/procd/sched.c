// SPDX-License-Identifier: MIT
/* Who may have how much of the CPU (sched(7)): procd decides, the kernel does it. */
#include "proc.h"

#define SCHED_IDLE 5

static bool may_schedule(const struct proc *from, const struct proc *to)
{
	return !from->euid || from->euid == to->euid || from->euid == to->ruid;
}

static bool is_real_time(uint32_t policy)
{
	return policy == W_SCHED_FIFO || policy == W_SCHED_RR;
}

/* policy as sched(7) has it: the kernel has no SCHED_BATCH, and SCHED_IDLE is being very nice. */
static int set_class(w_handle_t h, uint32_t policy, uint32_t priority, int nice)
{
	int err = is_real_time(policy)
			  ? w_thread_sched(h, policy, priority, W_H_IOROOT)
			  : w_thread_sched(h, W_SCHED_OTHER, policy == SCHED_IDLE ? 19 : nice,
					   W_H_IOROOT);

	return err == W_EACCES ? W_EPERM : err;
}

/* sched(7): without privilege nobody may have more than before. */
static int set_policy(const struct w_msg *m, const struct proc *from, struct proc *to, w_handle_t h)
{
	uint32_t policy = m->PROC_SCHED_in_policy, priority = m->PROC_SCHED_in_priority;
	bool more = is_real_time(policy) && (to->policy != policy || priority > to->priority);
	int err;

	if (!may_schedule(from, to) || (from->euid && more))
		return W_EPERM;
	err = set_class(h ? h : to->process, policy, priority, to->nice);
	if (!err && !h) {
		to->policy = policy;
		to->priority = priority;
	}
	return err;
}

void sched_apply(const struct proc *p)
{
	set_class(p->process, p->policy, p->priority, p->nice);
}

void sched_call(struct w_msg *m, struct proc *from)
{
	uint32_t pid = m->PROC_SCHED_in_pid;
	struct proc *to = pid ? proc_by_pid(pid) : from;
	w_handle_t h = m->nh == 1 ? m->h[0] : 0;
	int err = to && to->state != P_ZOMBIE ? 0 : W_ESRCH;

	if (pid == 1) /* init: an ordinary one, and nobody else's business */
		err = m->PROC_SCHED_in_set ? W_EPERM : 0;
	else if (!err && m->PROC_SCHED_in_set)
		err = set_policy(m, from, to, h);
	if (h)
		w_handle_close(h);
	m->PROC_SCHED_out_policy = to ? to->policy : 0;
	m->PROC_SCHED_out_priority = to ? to->priority : 0;
	proc_reply(m, err);
}

/* Init runs where it likes. */
void affinity_call(struct w_msg *m, struct proc *from)
{
	uint32_t pid = m->PROC_AFFINITY_in_pid;
	struct proc *to = pid ? proc_by_pid(pid) : from;
	struct w_obj_info i = {0};
	int err = 0;

	if (!to || to->state == P_ZOMBIE)
		err = W_ESRCH;
	else if (m->PROC_AFFINITY_in_set && !may_schedule(from, to))
		err = W_EPERM;
	else if (m->PROC_AFFINITY_in_set)
		err = w_thread_affinity(to->process, m->PROC_AFFINITY_in_mask);
	if (!err)
		w_obj_info(to->process, &i);
	m->PROC_AFFINITY_out_mask = i.affinity;
	proc_reply(m, err);
}

static int set_nice(const struct proc *from, struct proc *p, int nice)
{
	if (!may_schedule(from, p))
		return W_EPERM;
	if (from->euid && nice < p->nice)
		return W_EACCES;
	p->nice = nice;
	if (is_real_time(p->policy))
		return 0;
	return w_thread_sched(p->process, W_SCHED_OTHER | W_SCHED_ALL, nice, W_H_IOROOT);
}

static bool nice_names(const struct proc *p, uint32_t which, uint32_t who)
{
	return p->state != P_ZOMBIE && (which == 0   ? p->pid == who
					: which == 1 ? p->pgid == who
						     : p->ruid == who);
}

void nice_call(struct w_msg *m, struct proc *from)
{
	uint32_t which = m->PROC_NICE_in_which, who = m->PROC_NICE_in_who;
	bool set = m->PROC_NICE_in_set;
	int nice = (int32_t)m->PROC_NICE_in_nice, lowest = 20, err = 0;
	struct list *l;
	struct proc *p;

	if (!who)
		who = which == 0 ? from->pid : which == 1 ? from->pgid : from->ruid;
	list_for_each (l, &procs) {
		p = list_entry(l, struct proc, all);
		if (!nice_names(p, which, who))
			continue;
		if (set && !err)
			err = set_nice(from, p, nice);
		lowest = p->nice < lowest ? p->nice : lowest;
	}
	if (nice_names(proc_by_pid(1), which, who)) { /* init, as sched_call() has it */
		err = set && !err ? W_EPERM : err;
		lowest = lowest > 0 ? 0 : lowest;
	}
	m->PROC_NICE_out_nice = (uint64_t)(int64_t)lowest;
	proc_reply(m, err ? err : lowest == 20 ? W_ESRCH : 0);
}
