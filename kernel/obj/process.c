// SPDX-License-Identifier: MIT
#include <arch/cpu.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <kernel/protos.h>
#include <kernel/sched.h>
#include <kernel/thread.h>
#include <lib/string.h>

struct list processes = LIST_INIT(processes);

BKL_BEGIN

static void process_destroy(struct object *o)
{
	struct process *p = container_of(o, struct process, obj);

	handle_table_free(&p->handles);
	if (p->as)
		aspace_put(p->as);
	list_del(&p->all);
	account_put(p->account);
	kfree(p);
}

/* Nobody can name it and nothing runs in it, as in a clone whose parent ended before it
 * said what to do with it: nothing ever will. */
static void process_unhandled(struct object *o)
{
	struct process *p = container_of(o, struct process, obj);

	if ((!p->nthreads || p->stopped) && !p->dead)
		process_kill(p, 0);
}

static const struct object_ops process_ops = {
	.unhandled = process_unhandled,
	.destroy = process_destroy,
};

/* Takes over a reference of the account. */
static struct process *process_init(const char *name, struct account *account, bool native)
{
	struct process *p = account ? kzalloc(sizeof(*p)) : NULL;

	if (!p) {
		if (account)
			account_put(account);
		return NULL;
	}
	p->account = account;
	obj_init(&p->obj, W_T_PROCESS, &process_ops);
	p->native = native;
	p->handles.limit = CONFIG_MAX_HANDLES;
	list_init(&p->threads);
	list_append(&processes, &p->all);
	strlcpy(p->name, name, sizeof(p->name));
	return p;
}

struct process *process_new(const char *name, struct account *up, uint64_t quota, uint32_t flags)
{
	struct process *p = process_init(name, account_new(up, quota, flags & W_PROC_ORDINARY),
					 flags & W_PROC_NATIVE);

	if (!p)
		return NULL;
	p->as = aspace_new();
	if (!p->as) {
		obj_put(&p->obj);
		return NULL;
	}
	return p;
}

void process_kill(struct process *p, uint32_t status)
{
	struct list *l, *tmp;

	if (p->dead)
		return;
	p->status = status;
	p->stopped = false;
	if (!p->nthreads) {
		p->dead = true;
		handle_table_free(&p->handles);
		obj_signal(&p->obj, W_ENDED, 0);
		return;
	}
	obj_get(&p->obj);
	list_for_each_safe (l, tmp, &p->threads)
		thread_end(list_entry(l, struct thread, in_proc));
	obj_put(&p->obj);
}

int64_t sys_proc_create(uaddr_t name, uint32_t len, uint64_t quota_pages, uint32_t flags)
{
	struct process *self = thread_self()->proc, *p;
	char buf[16] = "";
	int err;

	if (flags & ~(W_PROC_NATIVE | W_PROC_ORDINARY) || quota_pages > 1ull << 40)
		return W_EINVAL;
	err = copy_in(self->as, buf, name, len < 15 ? len : 15);
	if (err)
		return err;
	p = process_new(buf, self->account, quota_pages * W_PAGE, flags);
	return p ? handle_new(&p->obj, W_ALL) : W_ENOMEM;
}

int64_t sys_proc_name(struct process *p, uaddr_t name, uint32_t len)
{
	char buf[sizeof(p->name)] = "";
	uint32_t most = sizeof(buf) - 1;
	int err = copy_in(thread_self()->proc->as, buf, name, len < most ? len : most);

	if (!err)
		memcpy(p->name, buf, sizeof(buf));
	return err;
}

static struct thread *clone_thread(struct process *child, struct thread *t, uint64_t rip,
				   uint64_t rsp)
{
	struct w_thread_args a = {.rip = rip, .rsp = rsp, .fs = t->fs};
	struct thread *c = thread_new(child, &a);

	if (!c)
		return NULL;
	memcpy(c->name, t->name, sizeof(c->name));
	if (t->fpu)
		fpu_save_current(t);
	if (t->fpu && c->fpu)
		memcpy(c->fpu, t->fpu, fpu_state_size);
	if (thread_set_tcb(c, t->tcb)) {
		thread_end(c);
		return NULL;
	}
	return c;
}

/* The child, with nothing of its parent's yet. */
static struct process *clone_begin(struct process *p)
{
	struct process *c;

	account_get(p->account);
	c = process_init(p->name, p->account, p->native);
	if (!c)
		return NULL;
	c->pers = p->pers;
	c->stopped = true; /* until whoever gets the handle knows it: proc_stop(0) */
	c->as = aspace_new();
	if (c->as)
		return c;
	process_kill(c, 0);
	obj_put(&c->obj);
	return NULL;
}

/* From t->step_done on: what as shares with another space (AS4), then what is its own. */
static int clone_memory(struct aspace *to, struct aspace *as, uint64_t *at, bool *more)
{
	int err = 0;

	*more = false;
	if (*at < as->shared)
		err = aspace_clone_step(to, as->under, at, as->shared, more);
	if (err || *more)
		return err;
	*at = *at < as->shared ? as->shared : *at;
	return aspace_clone_step(to, as, at, USER_TOP, more);
}

int64_t sys_proc_clone(uint64_t rip, uint64_t rsp, uint64_t share)
{
	struct thread *t = thread_self(), *child = NULL;
	struct process *p = t->proc, *c;
	struct aspace *as = p->as;
	bool more;
	int64_t h;
	int err;

	if (rip >= USER_TOP || share % MMU_SHARE_UNIT || share > USER_TOP ||
	    (as->shared && share && share != as->shared))
		return W_EINVAL;
	if (!thread_hold(aspace_at(as, 0)))
		return SYS_MORE;
	if (!t->cloning)
		t->cloning = clone_begin(p);
	c = t->cloning; /* if we return now thread_steps_end() drops it */
	if (!c)
		return W_ENOMEM;
	if (t->step_done < share)
		t->step_done = share;
	err = clone_memory(c->as, as, &t->step_done, &more);
	if (err || more)
		return err ? err : SYS_MORE;
	if (share)
		aspace_share(c->as, as, share);
	if (!handle_table_clone(&c->handles, &p->handles))
		child = clone_thread(c, t, rip, rsp);
	if (!child)
		return W_ENOMEM;
	t->cloning = NULL;
	thread_start(child);
	obj_get(&c->obj);
	h = handle_new(&c->obj, W_ALL);
	if (h < 0)
		process_kill(c, 0);
	obj_put(&c->obj);
	return h;
}

int64_t sys_proc_quota(struct process *p, uint64_t limit, uaddr_t info)
{
	struct account *a = p->account;
	struct w_quota q;

	if (limit != W_QUOTA_KEEP && a->hard && (!limit || limit > a->hard))
		return W_EINVAL;
	if (limit != W_QUOTA_KEEP)
		a->limit = limit;
	q = (struct w_quota){.used = a->used, .limit = a->limit, .hard = a->hard};
	return info ? copy_out(thread_self()->proc->as, info, &q, sizeof(q)) : 0;
}

int64_t sys_proc_kill(struct process *p, uint32_t status)
{
	bool self = p == thread_self()->proc;

	process_kill(p, status);
	return self ? SYS_PARKED : 0;
}

int64_t sys_proc_setup(struct process *p, uaddr_t user)
{
	struct w_personality w;
	int err = copy_in(thread_self()->proc->as, &w, user, sizeof(w));

	if (err)
		return err;
	if (w.text_lo >= w.text_hi || w.text_hi > USER_TOP || w.entry < w.text_lo ||
	    w.entry >= w.text_hi || w.upcall < w.text_lo || w.upcall >= w.text_hi ||
	    w.exit_lo > w.exit_hi)
		return W_EINVAL;
	p->pers = w;
	return 0;
}

int64_t sys_proc_give(struct process *p, w_handle_t h, uint32_t at)
{
	struct process *self = thread_self()->proc;
	struct handle *s = handle_get(&self->handles, h), taken;
	int64_t r;

	if (!s)
		return W_EBADH;
	if (p->dead || at >= CONFIG_MAX_HANDLES)
		return W_EMFILE;
	r = handle_install(&p->handles, s->obj, s->rights, at);
	if (r < 0)
		return r;
	handle_take(&self->handles, h, &taken);
	handle_drop(&taken);
	return r;
}

int64_t sys_proc_inherit(struct process *to, struct process *from, uint32_t first)
{
	const struct handle_table *t = &from->handles;
	int64_t r;
	uint32_t i;

	if (to == from || to->dead || from->dead || !first)
		return W_EINVAL;
	for (i = first; i < t->size; i++) {
		if (!t->slot[i].obj || handle_is_private(t->slot[i].obj))
			continue;
		r = handle_install(&to->handles, t->slot[i].obj, t->slot[i].rights, i);
		if (r < 0)
			return r;
	}
	return 0;
}

int64_t sys_proc_kick(struct process *p)
{
	struct list *l;

	list_for_each (l, &p->threads)
		thread_kick(list_entry(l, struct thread, in_proc));
	return 0;
}

int64_t sys_proc_stop(struct process *p, uint32_t stop)
{
	struct thread *t;
	struct list *l;

	if (p->dead || p->stopped == !!stop)
		return 0;
	p->stopped = stop;
	list_for_each (l, &p->threads) {
		t = list_entry(l, struct thread, in_proc);
		if (t->state == T_READY && stop)
			sched_dequeue(t);
		else if (t->state == T_READY)
			sched_enqueue(t, false);
		if (t->state == T_RUNNING && stop) {
			cpus[t->cpu].resched = true;
			cpu_kick(t->cpu);
		}
	}
	return 0;
}

BKL_END
