// SPDX-License-Identifier: MIT
#include <arch/cpu.h>
#include <kernel/ipc.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <kernel/protos.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <lib/string.h>

BKL_BEGIN

static void thread_destroy(struct object *o)
{
	struct thread *t = container_of(o, struct thread, obj);

	ktimer_release();
	if (t->tcb_kva)
		frame_put(virt_to_phys((uint64_t)t->tcb_kva & ~(W_PAGE - 1)));
	kfree(t->fpu);
	obj_put(&t->proc->obj);
	kfree(t);
}

static const struct object_ops thread_ops = {.destroy = thread_destroy};

static void deadline_passed(struct ktimer *k)
{
	struct thread *t = container_of(k, struct thread, deadline);

	thread_wake(t, WAKE_TIMEOUT);
}

/* Threads and clones are of the class of who made them. */
static void thread_inherit_class(struct thread *t)
{
	const struct thread *from = thread_self();

	if (!from || t->proc->native)
		return;
	t->affinity = from->affinity;
	t->policy = from->policy;
	t->priority = from->priority;
	t->nice = from->nice;
}

struct thread *thread_new(struct process *p, const struct w_thread_args *a)
{
	struct thread *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	if (ktimer_reserve()) {
		kfree(t);
		return NULL;
	}
	if (!p->native) {
		t->fpu = fpu_state_new();
		if (!t->fpu) {
			ktimer_release();
			kfree(t);
			return NULL;
		}
	}
	obj_init(&t->obj, W_T_THREAD, &thread_ops);
	t->proc = p;
	obj_get(&p->obj);
	t->state = T_HELD;
	t->affinity = ~0ull;
	thread_inherit_class(t);
	t->cpu = this_cpu()->id;
	t->deadline.fn = deadline_passed;
	list_init(&t->run);
	list_init(&t->wait);
	t->regs.rip = a->rip;
	t->regs.rsp = a->rsp;
	t->regs.rdi = a->arg;
	t->regs.cs = 0x2b;
	t->regs.ss = 0x23;
	t->regs.rflags = 0x202;
	t->fs = a->fs;
	strlcpy(t->name, p->name, sizeof(t->name));
	list_append(&p->threads, &t->in_proc);
	p->nthreads++;
	return t;
}

int thread_set_tcb(struct thread *t, uaddr_t tcb)
{
	struct w_tcb *kva = NULL;
	int err = 0;

	if (tcb) {
		if (tcb & 63 || (tcb & (W_PAGE - 1)) > W_PAGE - sizeof(struct w_tcb))
			return W_EINVAL;
		kva = user_ptr(t->proc->as, tcb, ACCESS_WRITE, &err);
		if (!kva)
			return err;
		frame_get(virt_to_phys((uint64_t)kva & ~(W_PAGE - 1)));
	}
	if (t->tcb_kva)
		frame_put(virt_to_phys((uint64_t)t->tcb_kva & ~(W_PAGE - 1)));
	t->tcb = tcb;
	t->tcb_kva = kva;
	return 0;
}

static void make_ready(struct thread *t, bool handoff)
{
	t->state = T_READY;
	if (!t->proc->stopped || t->dying)
		sched_enqueue(t, handoff);
}

void thread_start(struct thread *t)
{
	if (t->state == T_HELD)
		make_ready(t, false);
}

int64_t thread_park(struct list *queue, uint64_t deadline)
{
	struct thread *t = thread_self();

	if (t->dying || (!t->uninterruptible && (t->kick || (t->tcb_kva && t->tcb_kva->kicked))))
		return W_EINTR;
	t->state = T_BLOCKED;
	t->wake = WAKE_NONE;
	t->restart = true;
	if (queue)
		list_append(queue, &t->wait);
	if (deadline != W_FOREVER)
		ktimer_set(&t->deadline, deadline);
	return SYS_PARKED;
}

void thread_wake(struct thread *t, enum wake why)
{
	if (t->state != T_BLOCKED)
		return;
	list_del(&t->wait);
	ktimer_cancel(&t->deadline);
	t->uninterruptible = false;
	t->serve = 0;
	t->wake = why;
	make_ready(t, why == WAKE_DONE);
}

void thread_wake_all(struct list *queue)
{
	while (!list_is_empty(queue))
		thread_wake(list_first(queue, struct thread, wait), WAKE_DONE);
}

void thread_finish(struct thread *t, int64_t result)
{
	t->restart = false;
	t->regs.rax = result;
	thread_wake(t, WAKE_DONE);
}

void thread_kick(struct thread *t)
{
	if (t->state == T_DEAD)
		return;
	t->kick = true;
	if (t->tcb_kva)
		t->tcb_kva->kicked = 1;
	if (t->state == T_BLOCKED && !t->uninterruptible) {
		ipc_abort(t);
		thread_wake(t, WAKE_KICK);
	} else if (t->state == T_RUNNING && t->cpu != this_cpu()->id) {
		cpu_kick(t->cpu);
	}
}

void thread_steps_end(struct thread *t)
{
	struct process *c = t->cloning;
	struct aspace *as = t->holding;

	t->step_call = t->step_done = t->step_sum = 0;
	t->cloning = NULL;
	t->holding = NULL;
	if (c) {
		process_kill(c, 0);
		obj_put(&c->obj);
	}
	if (as) {
		as->holder = NULL;
		aspace_put(as);
	}
}

bool thread_may_map(struct aspace *as)
{
	if (!as->holder || as->holder == thread_self())
		return true;
	this_cpu()->resched = true; /* let the holder run */
	return false;
}

bool thread_hold(struct aspace *as)
{
	struct thread *t = thread_self();

	if (!thread_may_map(as))
		return false;
	if (!as->holder) {
		as->holder = t;
		as->refs++;
		t->holding = as;
	}
	return true;
}

/* The last thread is gone, or there never was one. */
static void process_finish(struct process *p)
{
	struct aspace *as = p->as;

	p->dead = true;
	handle_table_free(&p->handles);
	p->last_pages = p->as ? p->as->anon_pages : 0;
	p->as = NULL;
	if (as)
		aspace_put(as);
	list_del(&p->all);
	obj_signal(&p->obj, W_ENDED, 0);
}

static void thread_gone(struct thread *t)
{
	struct process *p = t->proc;

	if (t->state == T_RUNNING) /* its last turn counts too */
		t->cpu_ns += clock_ns() - t->ran_at;
	t->state = T_DEAD;
	thread_steps_end(t);
	cpu_drop_fpu(t);
	list_del(&t->in_proc);
	p->cpu_ns += t->cpu_ns;
	p->samples[0] += t->samples[0];
	p->samples[1] += t->samples[1];
	p->nthreads--;
	obj_get(&p->obj);
	obj_signal(&t->obj, W_ENDED, 0);
	if (t == thread_self())
		this_cpu()->thread = NULL;
	obj_put(&t->obj);
	if (!p->nthreads && !p->dead)
		process_finish(p);
	obj_put(&p->obj);
}

void thread_end(struct thread *t)
{
	if (t->state == T_DEAD)
		return;
	t->dying = true;
	if (t->state == T_RUNNING && t != thread_self()) {
		cpu_kick(t->cpu);
		return;
	}
	if (t->state == T_RUNNING && t->restart)
		return;
	if (t->state == T_BLOCKED) {
		ipc_abort(t);
		list_del(&t->wait);
		ktimer_cancel(&t->deadline);
	}
	if (t->state == T_READY)
		sched_dequeue(t);
	thread_gone(t);
}

int64_t sys_thread_create(struct process *p, uaddr_t args)
{
	struct w_thread_args a;
	struct thread *t;
	int64_t h;
	int err;

	err = copy_in(thread_self()->proc->as, &a, args, sizeof(a));
	if (err)
		return err;
	if (a.rip >= USER_TOP || a.fs >= USER_TOP || a.flags & ~W_THREAD_HOLD || p->dead)
		return W_EINVAL;
	if (p->nthreads >= CONFIG_MAX_THREADS)
		return W_EAGAIN;
	t = thread_new(p, &a);
	if (!t)
		return W_ENOMEM;
	err = thread_set_tcb(t, a.tcb);
	if (err) {
		thread_end(t);
		return err;
	}
	obj_get(&t->obj);
	h = handle_new(&t->obj, W_ALL);
	if (h < 0)
		thread_end(t);
	else if (!(a.flags & W_THREAD_HOLD))
		thread_start(t);
	return h;
}

int64_t sys_thread_exit(uaddr_t clear, uint64_t unmap, uint64_t len)
{
	struct thread *t = thread_self();
	uint32_t zero = 0;

	if (len) {
		struct aspace *as = aspace_at(t->proc->as, unmap);

		t->step_done = t->step_done ? t->step_done : unmap;
		if (!thread_may_map(as) || (!aspace_unmap_step(as, &t->step_done, unmap + len) &&
					    t->step_done < unmap + len))
			return SYS_MORE;
	}
	if (clear && !copy_out(t->proc->as, clear, &zero, sizeof(zero)))
		sys_futex_wake(clear, 1, ~0u);
	thread_end(t);
	return SYS_PARKED;
}

int64_t sys_thread_start(struct thread *t)
{
	thread_start(t);
	return 0;
}

int64_t sys_thread_kick(struct thread *t)
{
	thread_kick(t);
	return 0;
}

int64_t sys_thread_set(uint32_t what, uint64_t value)
{
	struct thread *t = thread_self();
	int err;

	switch (what) {
	case W_THREAD_FS:
		if (value >= USER_TOP)
			return W_EINVAL;
		t->fs = value;
		cpu_use_thread(t);
		return 0;
	case W_THREAD_TCB:
		err = thread_set_tcb(t, value);
		if (!err)
			cpu_use_thread(t);
		return err;
	default:
		return W_EINVAL;
	}
}

int64_t sys_thread_end_others(void)
{
	struct thread *me = thread_self(), *t;
	struct list *l, *tmp;

	list_for_each_safe (l, tmp, &me->proc->threads) {
		t = list_entry(l, struct thread, in_proc);
		if (t != me)
			thread_end(t);
	}
	return 0;
}

static bool takes_more(const struct thread *t, uint32_t policy, int level)
{
	return policy != W_SCHED_OTHER || level < t->nice;
}

static int sched_one(struct thread *t, uint32_t policy, int level, bool root)
{
	if (takes_more(t, policy, level) && !root)
		return W_EACCES;
	sched_set(t, policy, level);
	return 0;
}

/* The object behind h, when it may be managed; h 0: the calling thread. */
static int sched_target(w_handle_t h, struct object **out)
{
	struct handle *s = handle_get(&thread_self()->proc->handles, h);

	*out = &thread_self()->obj;
	if (!h || h == W_H_THREAD)
		return 0;
	if (!s)
		return W_EBADH;
	*out = s->obj;
	if (s->obj->type != W_T_THREAD && s->obj->type != W_T_PROCESS)
		return W_ETYPE;
	return s->rights & W_MANAGE ? 0 : W_EACCES;
}

static int is_root(w_handle_t io)
{
	struct handle *s = io ? handle_get(&thread_self()->proc->handles, io) : NULL;

	if (!io)
		return 0;
	return !s ? W_EBADH : s->obj->type == W_T_IOROOT && s->rights & W_MANAGE ? 1 : W_EACCES;
}

int64_t sys_thread_sched(w_handle_t h, uint32_t policy, uint64_t level, w_handle_t io)
{
	bool all = policy & W_SCHED_ALL, fifo = (policy & ~W_SCHED_ALL) != W_SCHED_OTHER;
	int64_t n = (int64_t)level;
	struct object *o;
	struct process *p;
	struct list *l;
	int err = sched_target(h, &o), root = is_root(io);

	policy &= ~W_SCHED_ALL;
	if (err || root < 0)
		return err ? err : root;
	if (policy > W_SCHED_RR || n < (fifo ? 1 : -20) || n > (fifo ? 99 : 19))
		return W_EINVAL;
	if (o->type == W_T_THREAD)
		return sched_one(container_of(o, struct thread, obj), policy, n, root);
	p = container_of(o, struct process, obj);
	for (l = p->threads.next; l != &p->threads && !err; l = all ? l->next : &p->threads)
		err = sched_one(list_entry(l, struct thread, in_proc), policy, n, root);
	return err;
}

/* t, in whatever state, leaves a CPU that is not in mask: at once where it waits for one, on
 * its way out of the kernel where it runs. */
static void set_affinity(struct thread *t, uint64_t mask)
{
	t->affinity = mask;
	if (mask >> t->cpu & 1)
		return;
	if (list_is_linked(&t->run)) {
		sched_dequeue(t);
		sched_enqueue(t, false);
	} else if (t == this_cpu()->thread) {
		this_cpu()->resched = true;
	} else if (t->state == T_RUNNING) {
		cpu_kick(t->cpu);
	}
}

int64_t sys_thread_affinity(w_handle_t h, uint64_t mask)
{
	struct object *o;
	struct process *p;
	int err = sched_target(h, &o);

	if (err)
		return err;
	mask &= cpus_online();
	if (!mask)
		return W_EINVAL;
	if (o->type == W_T_THREAD) {
		set_affinity(container_of(o, struct thread, obj), mask);
		return 0;
	}
	p = container_of(o, struct process, obj);
	if (!list_is_empty(&p->threads))
		set_affinity(list_first(&p->threads, struct thread, in_proc), mask);
	return 0;
}

int64_t sys_thread_yield(void)
{
	thread_self()->slice_end = 0;
	this_cpu()->resched = true;
	return 0;
}

BKL_END
