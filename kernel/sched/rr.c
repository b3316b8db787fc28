// SPDX-License-Identifier: MIT
/*
 * Round robin: a queue per CPU, preemption at the end of the slice, stealing
 * from the longest queue when idle.  A hand-off (the target of an IPC) goes to
 * the head of the queue of the CPU that woke it, and runs on the waker's slice:
 * two threads that call each other use up one slice, not a new one each time.
 */
#include <arch/cpu.h>
#include <kernel/sched.h>

const char sched_name[] = "rr";

BKL_BEGIN

static struct list queue[MAX_CPUS];
static unsigned int length[MAX_CPUS];

void sched_init(void)
{
	int i;

	for (i = 0; i < MAX_CPUS; i++)
		list_init(&queue[i]);
}

static bool allowed(const struct thread *t, int cpu)
{
	return t->affinity >> cpu & 1;
}

static int first_allowed(const struct thread *t)
{
	int i;

	for (i = 0; i < ncpus - 1 && !allowed(t, i); i++)
		;
	return i;
}

/* An idle CPU should hear of work that this one will not get to at once. */
static void wake_idle(const struct thread *t, int here)
{
	int i;

	for (i = 0; i < ncpus; i++)
		if (i != here && cpus[i].idle && allowed(t, i)) {
			cpu_kick(i);
			return;
		}
}

/* t has run alone: as if one slice had followed the other all the time. */
static void renew_slice(struct thread *t, uint64_t now)
{
	uint64_t slice = CONFIG_SCHED_SLICE_US * 1000ull;

	if (now >= t->slice_end)
		t->slice_end = now + slice - (now - t->slice_end) % slice;
}

/* When the running thread's slice ends; 0: it has, and others have waited for that. */
static uint64_t slice_left(struct cpu *me)
{
	uint64_t now;

	if (!me->thread)
		return 0;
	now = clock_ns();
	if (!length[me->id])
		renew_slice(me->thread, now);
	return now < me->thread->slice_end ? me->thread->slice_end : 0;
}

void sched_enqueue(struct thread *t, bool handoff)
{
	struct cpu *me = this_cpu();
	int cpu = handoff && allowed(t, me->id) ? me->id : t->cpu;

	if (!allowed(t, cpu))
		cpu = first_allowed(t);
	t->slice_end = slice_left(me); /* renews the running thread's, whoever t is */
	if (!handoff)
		t->slice_end = 0;
	handoff = t->slice_end;
	if (handoff)
		list_push(&queue[cpu], &t->run);
	else
		list_append(&queue[cpu], &t->run);
	t->cpu = cpu;
	length[cpu]++;
	if (cpu != me->id)
		cpu_kick(cpu);
	else if (me->thread && me->thread->state == T_RUNNING)
		wake_idle(t, cpu);
	if (length[cpu] && me->thread && cpu == me->id)
		clock_program(me->thread->slice_end);
}

void sched_dequeue(struct thread *t)
{
	if (!list_is_linked(&t->run))
		return;
	list_del(&t->run);
	length[t->cpu]--;
}

static struct thread *steal(int me)
{
	struct thread *t;
	struct list *l;
	int i, from = -1;

	for (i = 0; i < ncpus; i++)
		if (i != me && length[i] && (from < 0 || length[i] > length[from]))
			from = i;
	if (from < 0)
		return NULL;
	for (l = queue[from].prev; l != &queue[from]; l = l->prev) {
		t = list_entry(l, struct thread, run);
		if (allowed(t, me))
			return t;
	}
	return NULL;
}

struct thread *sched_pick(void)
{
	int me = this_cpu()->id;
	struct thread *t;

	t = length[me] ? list_first(&queue[me], struct thread, run) : steal(me);
	if (t)
		sched_dequeue(t);
	return t;
}

void sched_start(struct thread *t)
{
	if (!t->slice_end)
		t->slice_end = clock_ns() + CONFIG_SCHED_SLICE_US * 1000ull;
	if (length[this_cpu()->id])
		clock_program(t->slice_end);
}

bool sched_tick(struct thread *t)
{
	if (!length[this_cpu()->id])
		return false;
	if (clock_ns() >= t->slice_end)
		return true;
	clock_program(t->slice_end);
	return false;
}

void sched_yield(struct thread *t)
{
	sched_enqueue(t, false);
}

unsigned int sched_ready(void)
{
	unsigned int n = 0;
	int i;

	for (i = 0; i < ncpus; i++)
		n += length[i];
	return n;
}

BKL_END
