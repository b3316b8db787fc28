// SPDX-License-Identifier: MIT
#include <arch/cpu.h>
#include <kernel/ipc.h>
#include <kernel/page.h>
#include <kernel/protos.h>
#include <kernel/syscall.h>
#include <kernel/waitset.h>

BKL_BEGIN

#define EVENTS_AT_ONCE 64
#define EVENTS_MAX 4096

static void watch_free(struct watch *w)
{
	list_del(&w->of_obj);
	list_del(&w->of_set);
	list_del(&w->ready);
	kfree(w);
}

static void waitset_unhandled(struct object *o)
{
	struct waitset *ws = container_of(o, struct waitset, obj);

	while (!list_is_empty(&ws->all))
		watch_free(list_first(&ws->all, struct watch, of_set));
}

static void waitset_destroy(struct object *o)
{
	waitset_unhandled(o);
	kfree(container_of(o, struct waitset, obj));
}

static const struct object_ops waitset_ops = {
	.unhandled = waitset_unhandled,
	.destroy = waitset_destroy,
};

/* A set is itself READABLE while something in it is ready: sets nest.  Wake one
 * sleeper; it takes all that is ready, others find what comes later. */
static void set_ready(struct waitset *ws, int depth);

static void object_ready(struct object *o, int depth)
{
	struct watch *w;
	struct list *l, *tmp;

	list_for_each_safe (l, tmp, &o->watches) {
		w = list_entry(l, struct watch, of_obj);
		if (!(w->mask & o->signals))
			continue;
		if (!list_is_linked(&w->ready))
			list_append(&w->set->ready, &w->ready);
		set_ready(w->set, depth);
		if (w->mode & W_WS_EXCLUSIVE && !list_is_empty(&w->set->sleepers))
			break;
	}
}

static void set_ready(struct waitset *ws, int depth)
{
	if (!list_is_empty(&ws->sleepers))
		thread_wake(list_first(&ws->sleepers, struct thread, wait), WAKE_DONE);
	ws->obj.signals |= W_READABLE;
	if (!list_is_empty(&ws->obj.watches) && depth < 5)
		object_ready(&ws->obj, depth + 1);
}

void watch_notify(struct object *o)
{
	if (!list_is_empty(&o->watches))
		object_ready(o, 0);
}

void watch_drop_all(struct object *o)
{
	while (!list_is_empty(&o->watches))
		watch_free(list_first(&o->watches, struct watch, of_obj));
}

int64_t sys_ws_create(void)
{
	struct waitset *ws = kzalloc(sizeof(*ws));

	if (!ws)
		return W_ENOMEM;
	obj_init(&ws->obj, W_T_WAITSET, &waitset_ops);
	list_init(&ws->all);
	list_init(&ws->ready);
	list_init(&ws->sleepers);
	return handle_new(&ws->obj, W_ALL);
}

static struct watch *watch_find(struct object *o, struct waitset *ws, uint64_t key)
{
	struct watch *w;
	struct list *l;

	list_for_each (l, &o->watches) {
		w = list_entry(l, struct watch, of_obj);
		if (w->set == ws && w->key == key)
			return w;
	}
	return NULL;
}

static void watch_arm(struct watch *w, uint32_t mask)
{
	const uint32_t modes = W_WS_EDGE | W_WS_ONESHOT | W_WS_EXCLUSIVE | W_WS_RECV;

	w->mode = mask & modes;
	w->mask = mask & ~modes;
	if (w->mask & w->obj->signals) {
		if (!list_is_linked(&w->ready))
			list_append(&w->set->ready, &w->ready);
		set_ready(w->set, 0);
	}
}

/* Would watching o from ws close a loop of sets? */
static bool reaches(struct object *o, struct waitset *ws, int depth)
{
	struct waitset *inner;
	struct list *l;

	if (o->type != W_T_WAITSET)
		return false;
	inner = container_of(o, struct waitset, obj);
	if (inner == ws || depth == 5)
		return true;
	list_for_each (l, &inner->all)
		if (reaches(list_entry(l, struct watch, of_set)->obj, ws, depth + 1))
			return true;
	return false;
}

int64_t sys_ws_ctl(struct waitset *ws, uint32_t op, w_handle_t h, uint32_t mask, uint64_t key)
{
	struct handle *s = handle_get(&thread_self()->proc->handles, h);
	struct watch *w;

	if (!s)
		return W_EBADH;
	w = watch_find(s->obj, ws, key);
	if (op == W_WS_ADD && w)
		return W_EEXIST;
	if (op != W_WS_ADD && !w)
		return W_ENOENT;
	if (op == W_WS_DEL) {
		watch_free(w);
		return 0;
	}
	if (op == W_WS_ADD) {
		if (reaches(s->obj, ws, 0))
			return W_ELOOP;
		w = kzalloc(sizeof(*w));
		if (!w)
			return W_ENOMEM;
		w->obj = s->obj;
		w->set = ws;
		w->key = key;
		list_init(&w->ready);
		list_append(&s->obj->watches, &w->of_obj);
		list_append(&ws->all, &w->of_set);
	} else if (op != W_WS_MOD) {
		return W_EINVAL;
	}
	watch_arm(w, mask);
	return 0;
}

/*
 * Take what is ready, at most max.  What is level-triggered and still ready goes to the end
 * of the line, behind what has not been reported yet; *again is the first that did.
 */
static uint32_t collect(struct waitset *ws, struct w_event *ev, uint32_t max, struct watch **again)
{
	uint32_t n = 0, bits;
	struct watch *w;

	while (n < max && !list_is_empty(&ws->ready)) {
		w = list_first(&ws->ready, struct watch, ready);
		if (w == *again)
			break;
		list_del(&w->ready);
		bits = w->mask & w->obj->signals;
		if (!bits)
			continue;
		ev[n++] = (struct w_event){.key = w->key, .bits = bits};
		if (w->mode & W_WS_ONESHOT) {
			w->mask = 0;
		} else if (!(w->mode & W_WS_EDGE)) {
			list_append(&ws->ready, &w->ready);
			*again = *again ? *again : w;
		}
	}
	return n;
}

/* Of one watch that stays ready nothing changes: the commonest answer of all. */
static struct watch *only_ready(const struct waitset *ws)
{
	struct list *l = ws->ready.next;
	struct watch *w = list_entry(l, struct watch, ready);

	return l != &ws->ready && l->next == &ws->ready && w->mask & w->obj->signals &&
			       !(w->mode & (W_WS_EDGE | W_WS_ONESHOT))
		       ? w
		       : NULL;
}

static int64_t report_one(const struct watch *w, uaddr_t uev)
{
	struct w_event e = {.key = w->key, .bits = w->mask & w->obj->signals};
	int err = copy_out(thread_self()->proc->as, uev, &e, sizeof(e));

	return err ? err : 1;
}

/* In pieces that fit the stack: the number reported, or the error of the first piece. */
static int64_t report(struct waitset *ws, uaddr_t uev, uint32_t max)
{
	struct w_event ev[EVENTS_AT_ONCE];
	struct watch *again = NULL;
	uint32_t done = 0, n;
	int err = 0;

	do {
		n = max - done < EVENTS_AT_ONCE ? max - done : EVENTS_AT_ONCE;
		n = collect(ws, ev, n, &again);
		if (n)
			err = copy_out(thread_self()->proc->as, uev + done * sizeof(*ev), ev,
				       n * sizeof(*ev));
		if (!err)
			done += n;
	} while (!err && n == EVENTS_AT_ONCE && done < max);
	if (list_is_empty(&ws->ready))
		ws->obj.signals &= ~W_READABLE;
	return done ? (int64_t)done : err;
}

static __attribute__((noinline)) int64_t report_or_wait(struct waitset *ws, uaddr_t uev,
							uint32_t max, uint64_t deadline)
{
	struct thread *t = thread_self();
	int64_t n = report(ws, uev, max);

	if (n)
		return n;
	if (t->wake == WAKE_TIMEOUT || !deadline)
		return W_ETIMEDOUT;
	if (t->wake == WAKE_KICK)
		return W_EINTR;
	return thread_park(&ws->sleepers, deadline);
}

int64_t sys_ws_wait(struct waitset *ws, uaddr_t uev, uint32_t max, uint64_t deadline)
{
	const struct watch *only = only_ready(ws);

	if (!max || max > EVENTS_MAX)
		return W_EINVAL;
	return only ? report_one(only, uev) : report_or_wait(ws, uev, max, deadline);
}

/* ---- serving ---- */

/* The first watch in line that is still ready; what is not leaves the line. */
static struct watch *first_ready(struct waitset *ws)
{
	struct watch *w;

	while (!list_is_empty(&ws->ready)) {
		w = list_first(&ws->ready, struct watch, ready);
		if (w->mask & w->obj->signals)
			return w;
		list_del(&w->ready);
	}
	ws->obj.signals &= ~W_READABLE;
	return NULL;
}

/* The port goes to the end of the line, or out of it when that was all. */
static void next_turn(struct watch *w)
{
	list_del(&w->ready);
	if (w->mask & w->obj->signals)
		list_append(&w->set->ready, &w->ready);
}

/* What ws_serve() reads of a struct w_serve. */
struct serve_head {
	struct w_msg msg;
	w_handle_t answer;
	uint32_t bytes_len;
	uint64_t bytes, deadline;
};
_Static_assert(sizeof(struct serve_head) == offsetof(struct w_serve, event), "its head");

#define PART(serve, field) ((serve) + offsetof(struct w_serve, field))

/* Events reported, 0: nothing is ready. */
static int64_t serve_ready(struct waitset *ws, uaddr_t serve, const struct serve_head *s)
{
	struct process *self = thread_self()->proc;
	struct w_event e = {.bits = W_RECEIVED};
	struct watch *w;
	int err;

	while ((w = first_ready(ws))) {
		if (!(w->mode & W_WS_RECV) || w->obj->type != W_T_PORT)
			return report(ws, PART(serve, event), W_SERVE_EVENTS);
		e.key = w->key;
		err = port_take(container_of(w->obj, struct port, obj), self, PART(serve, msg),
				s->bytes, s->bytes_len);
		next_turn(w);
		if (!err)
			err = copy_out(self->as, PART(serve, event), &e, sizeof(e));
		if (err != W_EAGAIN)
			return err ? err : 1;
	}
	return 0;
}

struct thread *waitset_server(struct port *p, uint64_t *key)
{
	struct watch *w = list_first(&p->obj.watches, struct watch, of_obj);
	struct thread *t;

	if (list_is_empty(&p->obj.watches) || w->of_obj.next != &p->obj.watches ||
	    !(w->mode & W_WS_RECV) || !(w->mask & W_READABLE) || list_is_empty(&w->set->sleepers))
		return NULL;
	t = list_first(&w->set->sleepers, struct thread, wait);
	*key = w->key;
	return t->serve && !t->proc->stopped ? t : NULL;
}

int waitset_serve(struct thread *server, uint64_t key)
{
	struct w_event e = {.key = key, .bits = W_RECEIVED};

	return copy_out(server->proc->as, PART(server->serve, event), &e, sizeof(e));
}

static int64_t answer_last(struct process *self, struct serve_head *s)
{
	struct port *p;
	int err = handle_check(s->answer, W_T_PORT, W_READ, false, &p);

	return err ? err : port_answer(p, self, &s->msg);
}

int64_t sys_ws_serve(struct waitset *ws, uaddr_t serve)
{
	struct thread *t = thread_self();
	struct serve_head s;
	int64_t n;

	n = copy_in(t->proc->as, &s, serve, sizeof(s));
	if (!n && s.answer && !t->restart) {
		this_cpu()->leaving = s.deadline;
		n = answer_last(t->proc, &s);
		this_cpu()->leaving = false;
	}
	if (!n)
		n = serve_ready(ws, serve, &s);
	if (n)
		return n;
	if (t->wake == WAKE_TIMEOUT || !s.deadline)
		return W_ETIMEDOUT;
	if (t->wake == WAKE_KICK)
		return W_EINTR;
	n = thread_park(&ws->sleepers, s.deadline);
	if (n == SYS_PARKED) {
		t->serve = serve;
		t->serve_bytes = s.bytes;
		t->serve_room = s.bytes_len;
	}
	return n;
}

BKL_END
