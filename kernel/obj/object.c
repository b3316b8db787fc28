// SPDX-License-Identifier: MIT
#include <arch/cpu.h>
#include <kernel/log.h>
#include <kernel/object.h>
#include <kernel/page.h>
#include <kernel/syscall.h>
#include <kernel/waitset.h>
#include <kernel/protos.h>
#include <lib/string.h>

BKL_BEGIN

uint64_t obj_count;
static uint64_t next_koid = 1;

void obj_init(struct object *o, uint32_t type, const struct object_ops *ops)
{
	o->ops = ops;
	o->type = type;
	o->refs = 1;
	o->koid = next_koid++;
	list_init(&o->watches);
	obj_count++;
}

void obj_get(struct object *o)
{
	o->refs++;
}

void obj_put(struct object *o)
{
	kassert(OB1_put_of_a_live_object, o->refs);
	if (--o->refs)
		return;
	watch_forget(o);
	obj_count--;
	o->ops->destroy(o);
}

void obj_signal(struct object *o, uint32_t set, uint32_t clear)
{
	uint32_t was = o->signals;

	o->signals = (was & ~clear) | set;
	if (o->signals & ~was)
		watch_notify(o);
}

void obj_pulse(struct object *o)
{
	watch_notify(o);
}

/* ---- handle tables ---- */

#define TABLE_FIRST 32u /* slots */

/* One allocation: the slots, and behind them a bit for each that is taken. */
static int table_alloc(struct handle_table *t, uint32_t size)
{
	uint32_t words = (size + 63) / 64;
	struct handle *slot = kzalloc(size * sizeof(*slot) + words * sizeof(uint64_t));

	if (!slot)
		return W_ENOMEM;
	t->slot = slot;
	t->taken = (uint64_t *)(slot + size);
	t->size = size;
	t->words = words;
	t->taken[0] = (1ull << W_H_FIRST_FREE) - 1;
	return 0;
}

static int table_grow(struct handle_table *t, uint32_t want)
{
	uint32_t size = t->size ? t->size : TABLE_FIRST;
	struct handle_table old = *t;
	int err;

	while (size <= want)
		size *= 2;
	if (size > t->limit)
		size = t->limit;
	if (want >= size)
		return W_EMFILE;
	err = table_alloc(t, size);
	if (err || !old.size)
		return err;
	memcpy(t->slot, old.slot, old.size * sizeof(*t->slot));
	memcpy(t->taken, old.taken, old.words * sizeof(*t->taken));
	kfree(old.slot);
	return 0;
}

/* The lowest; not below the table's size: none. */
static uint32_t free_slot(struct handle_table *t)
{
	uint64_t free = 0;

	for (; t->low < t->words; t->low++) {
		free = ~t->taken[t->low];
		if (free)
			break;
	}
	return t->low * 64 + (free ? __builtin_ctzll(free) : 0);
}

/* The first slot from i on that may hold a handle; the table's size: none. */
static uint32_t next_taken(const struct handle_table *t, uint32_t i)
{
	uint64_t bits;

	for (; i < t->size; i = (i | 63) + 1) {
		bits = t->taken[i / 64] >> i % 64;
		if (bits)
			break;
	}
	if (i < t->size)
		i += __builtin_ctzll(bits);
	return i < t->size ? i : t->size;
}

static __attribute__((noinline)) int64_t grow_and_install(struct handle_table *t, struct object *o,
							  uint32_t rights, uint32_t at)
{
	int err = table_grow(t, at);

	return err ? err : handle_install(t, o, rights, at);
}

int64_t handle_install(struct handle_table *t, struct object *o, uint32_t rights, uint32_t at)
{
	if (!at)
		at = t->size ? free_slot(t) : W_H_FIRST_FREE;
	if (at >= t->size)
		return grow_and_install(t, o, rights, at);
	if (t->slot[at].obj)
		return W_EEXIST;
	obj_get(o);
	o->handles++;
	t->slot[at] = (struct handle){o, rights};
	t->taken[at / 64] |= 1ull << at % 64;
	t->used++;
	return at;
}

int64_t handle_new(struct object *o, uint32_t rights)
{
	int64_t h = handle_install(&thread_self()->proc->handles, o, rights, 0);

	if (h < 0 && !o->handles && o->ops->unhandled) {
		o->handles = 1; /* it never had one: close it properly */
		obj_get(o);
		handle_drop(&(struct handle){o, 0});
	}
	obj_put(o);
	return h;
}

struct handle *handle_get(struct handle_table *t, uint64_t h)
{
	return h < t->size && t->slot[h].obj ? &t->slot[h] : NULL;
}

int handle_take(struct handle_table *t, w_handle_t h, struct handle *out)
{
	struct handle *s = handle_get(t, h);

	if (!s)
		return W_EBADH;
	*out = *s;
	s->obj = NULL;
	t->used--;
	if (h < W_H_FIRST_FREE)
		return 0;
	t->taken[h / 64] &= ~(1ull << h % 64);
	if (h / 64 < t->low)
		t->low = h / 64;
	return 0;
}

void handle_drop(struct handle *h)
{
	struct object *o = h->obj;

	if (!o)
		return;
	h->obj = NULL;
	if (!--o->handles) {
		watch_forget(o);
		if (o->ops->unhandled)
			o->ops->unhandled(o);
	}
	obj_put(o);
}

/* A fork does not inherit power over its parent. */
bool handle_is_private(const struct object *o)
{
	return o->type == W_T_PROCESS || o->type == W_T_THREAD;
}

/* Of a table for what is in this one, which may have had more. */
static uint32_t size_for(const struct handle_table *t)
{
	uint32_t size = TABLE_FIRST, words = t->words;

	while (words > 1 && !t->taken[words - 1])
		words--;
	while (size < words * 64)
		size *= 2;
	return size < t->size ? size : t->size;
}

int handle_table_clone(struct handle_table *dst, const struct handle_table *src)
{
	uint32_t i;

	dst->limit = src->limit;
	if (!src->size)
		return 0;
	if (table_alloc(dst, size_for(src)))
		return W_ENOMEM;
	dst->used = src->used;
	for (i = next_taken(src, 0); i < src->size; i = next_taken(src, i + 1)) {
		if (!src->slot[i].obj || handle_is_private(src->slot[i].obj)) {
			dst->used -= !!src->slot[i].obj;
			continue;
		}
		dst->slot[i] = src->slot[i];
		dst->taken[i / 64] |= 1ull << i % 64;
		obj_get(dst->slot[i].obj);
		dst->slot[i].obj->handles++;
	}
	return 0;
}

void handle_table_free(struct handle_table *t)
{
	uint32_t i;

	for (i = next_taken(t, 0); i < t->size; i = next_taken(t, i + 1))
		handle_drop(&t->slot[i]);
	kfree(t->slot);
	memset(t, 0, sizeof(*t));
}

/* ---- calls on any object ---- */

int64_t sys_handle_close(w_handle_t h)
{
	struct handle s;
	int err = handle_take(&thread_self()->proc->handles, h, &s);

	if (!err)
		handle_drop(&s);
	return err;
}

int64_t sys_handle_close_all(w_handle_t a, w_handle_t b, w_handle_t c)
{
	int64_t err = a ? sys_handle_close(a) : 0;

	if (b && sys_handle_close(b))
		err = W_EBADH;
	if (c && sys_handle_close(c))
		err = W_EBADH;
	return err;
}

int64_t sys_handle_dup(w_handle_t h, uint32_t rights)
{
	struct handle_table *t = &thread_self()->proc->handles;
	struct handle *s = handle_get(t, h);

	if (h == W_H_THREAD && !(rights & ~W_ALL))
		return handle_install(t, &thread_self()->obj, rights, 0);
	if (!s)
		return W_EBADH;
	if (!(s->rights & W_DUP) || rights & ~s->rights)
		return W_EACCES;
	return handle_install(t, s->obj, rights, 0);
}

/* Of a thread that runs right now, up to now. */
static uint64_t cpu_time(const struct thread *t)
{
	return t->cpu_ns + (t->state == T_RUNNING ? clock_ns() - t->ran_at : 0);
}

/* The share of ns that the samples say, and no less than was told before, of either. */
static uint64_t system_time(uint64_t told[2], uint64_t ns, uint64_t user, uint64_t system)
{
	uint64_t all = user + system, s = all ? ns / all * system + ns % all * system / all : 0;

	if (s < told[1])
		s = told[1];
	if (ns - s < told[0])
		s = ns - told[0];
	told[0] = ns - s;
	return told[1] = s;
}

static void info_process(struct process *p, struct w_obj_info *i)
{
	uint64_t user = p->samples[0], system = p->samples[1];
	const struct thread *t;
	struct list *l;

	if (!list_is_empty(&p->threads))
		i->affinity =
			list_first(&p->threads, struct thread, in_proc)->affinity & cpus_online();
	i->status = p->status;
	i->count = p->nthreads;
	i->time_ns = p->cpu_ns;
	list_for_each (l, &p->threads) {
		t = list_entry(l, struct thread, in_proc);
		i->time_ns += cpu_time(t);
		user += t->samples[0];
		system += t->samples[1];
	}
	i->system_ns = system_time(p->told, i->time_ns, user, system);
	i->mapped = p->as ? p->as->mapped : 0;
	i->size = (p->as ? p->as->anon_pages : p->last_pages) * W_PAGE;
}

int64_t sys_obj_info(w_handle_t h, uaddr_t info)
{
	struct process *self = thread_self()->proc;
	struct handle *s = handle_get(&self->handles, h);
	struct w_obj_info i;
	struct object *o;

	if (h && !s && h != W_H_THREAD)
		return W_EBADH;
	o = h == W_H_THREAD ? &thread_self()->obj : h ? s->obj : &self->obj;
	memset(&i, 0, sizeof(i));
	i.type = o->type;
	i.rights = s ? s->rights : W_ALL;
	i.koid = o->koid;
	i.handles = o->handles;
	i.signals = o->signals;
	if (o->type == W_T_PROCESS)
		info_process(container_of(o, struct process, obj), &i);
	if (o->type == W_T_MEMORY) {
		const struct memory *m = container_of(o, struct memory, obj);

		i.size = m->pages * W_PAGE;
		i.count = m->resident;
		i.mapped = list_is_empty(&m->maps) ? 0 : m->maps.next->next == &m->maps ? 1 : 2;
	}
	if (o->type == W_T_THREAD) {
		struct thread *t = container_of(o, struct thread, obj);

		i.affinity = t->affinity & cpus_online();
		i.time_ns = cpu_time(t);
		i.system_ns = system_time(t->told, i.time_ns, t->samples[0], t->samples[1]);
	}
	return copy_out(self->as, info, &i, sizeof(i));
}

BKL_END
