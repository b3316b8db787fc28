// SPDX-License-Identifier: MIT
#include <rt/fiber.h>

#define FIBER_STACK (32ul << 10)

struct fiber {
	struct ev_task task;
	uint64_t rsp;
	void (*fn)(void *);
	void *arg;
	char *stack; /* owns: a guard page below */
	bool done;
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

static void resume(struct ev_task *t)
{
	struct fiber *f = container_of(t, struct fiber, task);

	current = f;
	fiber_switch(&loop_rsp, f->rsp);
	current = NULL;
	if (!f->done)
		return;
	w_as_unmap(0, (uint64_t)f->stack, FIBER_STACK);
	rt_free(f);
}

struct fiber *fiber_start(void (*fn)(void *), void *arg)
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
