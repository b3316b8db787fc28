// SPDX-License-Identifier: MIT
/*
 * Cooperative: one queue, no preemption, no tick.  A thread runs until it
 * waits, yields or ends; a kick still interrupts it.  Least overhead, for images
 * whose programs are trusted to wait.
 */
#include <arch/cpu.h>
#include <kernel/sched.h>

const char sched_name[] = "coop";

BKL_BEGIN

static struct list queue = LIST_INIT(queue);
static unsigned int length;

void sched_init(void)
{
}

void sched_enqueue(struct thread *t, bool handoff)
{
	int i;

	if (handoff)
		list_push(&queue, &t->run);
	else
		list_append(&queue, &t->run);
	length++;
	for (i = 0; i < ncpus; i++)
		if (cpus[i].idle && i != this_cpu()->id && t->affinity >> i & 1) {
			cpu_kick(i);
			return;
		}
}

void sched_dequeue(struct thread *t)
{
	if (!list_is_linked(&t->run))
		return;
	list_del(&t->run);
	length--;
}

void sched_stay(void)
{
}

static bool allowed(const struct thread *t)
{
	return t->affinity >> this_cpu()->id & 1;
}

static struct thread *first(void)
{
	struct list *l;

	list_for_each (l, &queue)
		if (allowed(list_entry(l, struct thread, run)))
			return list_entry(l, struct thread, run);
	return NULL;
}

struct thread *sched_pick(void)
{
	struct thread *t = first();

	if (t)
		sched_dequeue(t);
	return t;
}

void sched_start(struct thread *t)
{
	(void)t;
}

bool sched_tick(struct thread *t)
{
	return !allowed(t);
}

void sched_yield(struct thread *t)
{
	sched_enqueue(t, false);
}

void sched_set(struct thread *t, uint32_t policy, int level)
{
	sched_set_fields(t, policy, level); /* kept, not used: everybody runs until he waits */
}

unsigned int sched_ready(void)
{
	return length;
}

bool sched_has_work(void)
{
	return first();
}

BKL_END
