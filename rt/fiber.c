// SPDX-License-Identifier: MIT
#include <rt/fiber.h>

#define FIBER_STACK (64ul << 10) /* paths of PATH_MAX on it, some levels deep */
#define IDLE_MOST 8

struct fiber {
	struct ev_task task;
	uint64_t rsp;
	void (*fn)(void *);
	void *arg;
	char *stack; /* owns: a guard page below */
	bool done;
	struct fiber *next; /* who waits for the same lock after it, or is idle as well */
	/* one that serves: what it works on */
	struct service *service; /* NULL: it is idle */
	struct w_msg msg;
	char *kept; /* the lent bytes, since it waited; owns */
};

void fiber_switch(uint64_t *save, uint64_t to);
static struct fiber *current;
static uint64_t loop_rsp;

static void fiber_main(void)
{
	current->fn(current->arg);
	current->done = true;
	fiber_switch(&current->rsp, loop_rsp);
	__builtin_unreachable();
}

static void fiber_free(struct fiber *f)
{
	w_as_unmap(0, (uint64_t)f->stack, FIBER_STACK);
	rt_free(f);
}

static void run(struct fiber *f)
{
	current = f;
	fiber_switch(&loop_rsp, f->rsp);
	current = NULL;
}

static void resume(struct ev_task *t)
{
	struct fiber *f = container_of(t, struct fiber, task);

	run(f);
	if (f->done)
		fiber_free(f);
}

static struct fiber *fiber_new(void (*fn)(void *), void *arg)
{
	struct fiber *f = rt_try_alloc(sizeof(*f));
	uint64_t *sp;

	if (!f)
		return NULL;
	f->stack = rt_map(0, 0, FIBER_STACK, W_PROT_READ | W_PROT_WRITE);
	if (!f->stack) {
		rt_free(f);
		return NULL;
	}
	w_as_protect(0, (uint64_t)f->stack, W_PAGE, 0);
	f->fn = fn;
	f->arg = arg;
	sp = (uint64_t *)(f->stack + FIBER_STACK) - 2;
	*sp = (uint64_t)fiber_main;
	f->rsp = (uint64_t)(sp - 6);
	f->task.fn = resume;
	list_init(&f->task.link);
	return f;
}

struct fiber *fiber_start(void (*fn)(void *), void *arg)
{
	struct fiber *f = fiber_new(fn, arg);

	if (f)
		ev_task_add(&f->task);
	return f;
}

struct fiber *fiber_self(void)
{
	return current;
}

void fiber_wait(void)
{
	fiber_switch(&current->rsp, loop_rsp);
}

void fiber_wake(struct fiber *f)
{
	ev_task_add(&f->task);
}

/* ---- locks ---- */

void fiber_lock_wait(struct fiber_lock *l)
{
	struct fiber *f = current;

	if (!f)
		rt_die("a lock is waited for outside a fiber");
	f->next = NULL;
	if (l->first)
		l->last->next = f;
	else
		l->first = f;
	l->last = f;
	fiber_wait(); /* fiber_unlock() hands it over, held as it is */
}

void fiber_unlock(struct fiber_lock *l)
{
	struct fiber *f = l->first;

	if (!f) {
		l->held = false;
		return;
	}
	l->first = f->next;
	fiber_wake(f);
}

/* ---- serving ---- */

static struct fiber *idle;
static uint32_t nidle;
static char *spare; /* bytes for the next call, should this one wait */

static void serve_on(void *arg)
{
	struct fiber *f = current;

	(void)arg;
	for (;;) {
		f->service->call(f->service, &f->msg);
		rt_free(spare ? f->kept : NULL);
		spare = spare ? spare : f->kept;
		f->kept = NULL;
		f->service = NULL;
		if (nidle >= IDLE_MOST)
			return;
		f->next = idle;
		idle = f;
		nidle++;
		fiber_wait();
	}
}

static struct fiber *take_idle(void)
{
	struct fiber *f = idle;

	if (!f)
		return fiber_new(serve_on, NULL);
	idle = f->next;
	nidle--;
	return f;
}

/* No memory for a fiber: calls are refused; a note must be heard, and seldom waits. */
static void without_fiber(struct service *s, struct w_msg m)
{
	if (!m.txn) {
		s->call(s, &m);
		return;
	}
	while (m.nh)
		w_handle_close(m.h[--m.nh]);
	service_reply(s, &m, W_ENOMEM);
}

void fiber_serve(struct service *s, const struct w_msg *m, char **bytes)
{
	struct fiber *f;

	if (!spare)
		spare = rt_alloc_raw(SERVICE_BYTES);
	f = spare ? take_idle() : NULL;
	if (!f) {
		without_fiber(s, *m);
		return;
	}
	f->service = s;
	f->msg = *m;
	run(f);
	if (f->done) {
		fiber_free(f);
	} else if (f->service) { /* it waits, and keeps the bytes */
		f->kept = *bytes;
		*bytes = spare;
		spare = NULL;
	}
}
