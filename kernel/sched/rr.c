// SPDX-License-Identifier: MIT
/*
 * Round robin: queues per CPU, preemption at the end of the slice, stealing from the
 * longest queue when idle.  A hand-off (the target of an IPC) goes to the head of the
 * queue of the CPU that woke it, and runs on the waker's slice: two threads that call
 * each other use up one slice, not a new one each time.
 *
 * Who is handed off by one that waits from now on, while nobody else does, is in no queue: it
 * runs next here (cpu->next).
 *
 * Real-time threads (W_SCHED_FIFO, W_SCHED_RR) wait in a queue of their own, highest
 * priority first, and run before ordinary threads; servers go before them, since it is
 * servers that do what they ask for.  While they leave nothing to ordinary threads, one of
 * those runs every RT_MOST: root's shell must answer.  A nice value makes the slice longer
 * or shorter, by a quarter each step.
 */
#include <arch/cpu.h>
#include <kernel/account.h>
#include <kernel/sched.h>

const char sched_name[] = "rr";

#define SLICE (CONFIG_SCHED_SLICE_US * 1000ull)
#define RT_MOST 950000000ull /* ns; Linux's sched_rt_runtime_us */

BKL_BEGIN

static struct list queue[MAX_CPUS];    /* servers and ordinary threads */
static struct list rt_queue[MAX_CPUS]; /* real-time threads */
static unsigned int length[MAX_CPUS];  /* of both */
static uint64_t rt_since[MAX_CPUS];    /* no ordinary thread has run since; 0: one has */
static bool relief[MAX_CPUS];	       /* one runs now, and may end its slice */

void sched_init(void)
{
	int i;

	for (i = 0; i < MAX_CPUS; i++) {
		list_init(&queue[i]);
		list_init(&rt_queue[i]);
	}
}

static bool is_rt(const struct thread *t)
{
	return t->policy != W_SCHED_OTHER;
}

/* Not made by procd, nor by what procd made: nobody gets there by a call. */
static bool is_server(const struct thread *t)
{
	return !t->proc->account->ordinary;
}

/* Does t take the CPU from the running thread at once? */
static bool urgent(const struct thread *t, const struct thread *running)
{
	if (is_rt(running))
		return is_server(t) || (is_rt(t) && t->priority > running->priority);
	return is_rt(t) && !is_server(running) && !relief[running->cpu];
}

static uint64_t slice_of(const struct thread *t)
{
	uint64_t slice = SLICE;
	int n;

	for (n = t->nice; n > 0 && slice > SLICE / 16; n--)
		slice = slice * 4 / 5;
	for (n = t->nice; n < 0 && slice < SLICE * 16; n++)
		slice = slice * 5 / 4;
	return slice;
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

	for (i = 0; i < ncpus && ncpus > 1; i++)
		if (i != here && cpus[i].idle && allowed(t, i)) {
			cpu_kick(i);
			return;
		}
}

/* t has run alone: as if one slice had followed the other all the time. */
static void renew_slice(struct thread *t, uint64_t now)
{
	uint64_t slice = slice_of(t);

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
	if (is_rt(me->thread))
		return now + SLICE;
	if (!length[me->id])
		renew_slice(me->thread, now);
	return now < me->thread->slice_end ? me->thread->slice_end : 0;
}

/* When the clock has to be looked at for t. */
static uint64_t next_look(const struct thread *t)
{
	uint64_t most;

	if (!is_rt(t) || list_is_empty(&queue[t->cpu]))
		return t->slice_end;
	most = rt_since[t->cpu] + RT_MOST + 1;
	return most < t->slice_end ? most : t->slice_end;
}

/* Behind those of its priority; before them if it was interrupted in its turn. */
static void rt_insert(struct thread *t, int cpu)
{
	bool goes_on = t->slice_end > clock_ns();
	struct list *l = rt_queue[cpu].next;

	while (l != &rt_queue[cpu] &&
	       list_entry(l, struct thread, run)->priority >= t->priority + goes_on)
		l = l->next;
	list_append(l, &t->run); /* before l */
}

static void insert(struct thread *t, int cpu, bool handoff)
{
	if (is_rt(t))
		rt_insert(t, cpu);
	else if (handoff)
		list_push(&queue[cpu], &t->run);
	else
		list_append(&queue[cpu], &t->run);
	t->cpu = cpu;
	length[cpu]++;
}

/* t needs no queue: its waker gives up the CPU before the kernel is left. */
static bool keep_beside(struct thread *t, struct cpu *me)
{
	const struct thread *waker = me->thread;

	if (!waker || (waker->state == T_RUNNING && !me->leaving) || length[me->id] || me->next ||
	    is_rt(t) || is_rt(waker) || !allowed(t, me->id))
		return false;
	t->slice_end = waker->slice_end;
	t->cpu = me->id;
	me->next = t;
	return true;
}

static void enqueue(struct thread *t, struct cpu *me, bool handoff)
{
	int cpu = handoff && allowed(t, me->id) ? me->id : t->cpu;
	uint64_t left = slice_left(me); /* renews the running thread's, whoever t is */

	if (!allowed(t, cpu))
		cpu = first_allowed(t);
	t->slice_end = handoff && !is_rt(t) ? left : 0;
	insert(t, cpu, t->slice_end);
	if (cpu != me->id)
		cpu_kick(cpu);
	else if (me->thread && me->thread->state == T_RUNNING)
		wake_idle(t, cpu);
	if (cpu != me->id || !me->thread)
		return;
	if (urgent(t, me->thread))
		me->resched = true;
	clock_program(next_look(me->thread));
}

void sched_enqueue(struct thread *t, bool handoff)
{
	struct cpu *me = this_cpu();

	if (!handoff || !keep_beside(t, me))
		enqueue(t, me, handoff);
}

void sched_stay(void)
{
	struct cpu *me = this_cpu();
	struct thread *t = me->next;

	me->next = NULL;
	enqueue(t, me, true);
}

void sched_dequeue(struct thread *t)
{
	if (this_cpu()->next == t)
		this_cpu()->next = NULL;
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
	list_for_each (l, &rt_queue[from])
		if (allowed(list_entry(l, struct thread, run), me))
			return list_entry(l, struct thread, run);
	for (l = queue[from].prev; l != &queue[from]; l = l->prev) {
		t = list_entry(l, struct thread, run);
		if (allowed(t, me))
			return t;
	}
	return NULL;
}

/* With real-time threads ready: a server, then they, now and then somebody else. */
static struct thread *pick_rt(int me)
{
	struct list *l;

	list_for_each (l, &queue[me])
		if (is_server(list_entry(l, struct thread, run)))
			return list_entry(l, struct thread, run);
	if (!rt_since[me])
		rt_since[me] = clock_ns();
	relief[me] = !list_is_empty(&queue[me]) && clock_ns() - rt_since[me] > RT_MOST;
	return list_first(relief[me] ? &queue[me] : &rt_queue[me], struct thread, run);
}

static struct thread *pick_queued(int me)
{
	struct thread *t;

	if (!list_is_empty(&rt_queue[me]))
		t = pick_rt(me);
	else
		t = length[me] ? list_first(&queue[me], struct thread, run) : steal(me);
	if (t)
		sched_dequeue(t);
	return t;
}

struct thread *sched_pick(void)
{
	struct cpu *c = this_cpu();
	struct thread *t = c->next;
	int me = c->id;

	c->next = NULL;
	relief[me] = false;
	if (t && length[me]) { /* others have come meanwhile: it is one of them */
		if (t->slice_end <= clock_ns())
			t->slice_end = 0;
		insert(t, me, t->slice_end);
		t = NULL;
	}
	if (!t)
		t = pick_queued(me);
	if (t && rt_since[me] && !is_rt(t) && !is_server(t))
		rt_since[me] = 0;
	return t;
}

static void start_rt(struct thread *t)
{
	uint64_t now = clock_ns();

	if (t->policy == W_SCHED_FIFO)
		t->slice_end = ~0ull >> 1;
	else if (t->slice_end <= now)
		t->slice_end = now + slice_of(t);
	if (!rt_since[t->cpu])
		rt_since[t->cpu] = now;
}

void sched_start(struct thread *t)
{
	if (is_rt(t))
		start_rt(t);
	else if (!t->slice_end)
		t->slice_end = clock_ns() + slice_of(t);
	if (length[t->cpu])
		clock_program(next_look(t));
	else if (!t->proc->native)
		clock_program(t->ran_at + SAMPLE_NS);
}

static bool rt_gives_way(const struct thread *t, int me)
{
	const struct thread *next;
	struct list *l;

	list_for_each (l, &queue[me])
		if (is_server(list_entry(l, struct thread, run)))
			return true;
	if (!list_is_empty(&queue[me]) && clock_ns() - rt_since[me] > RT_MOST)
		return true;
	if (list_is_empty(&rt_queue[me]))
		return false;
	next = list_first(&rt_queue[me], struct thread, run);
	return next->priority > t->priority ||
	       (next->priority == t->priority && clock_ns() >= t->slice_end);
}

bool sched_tick(struct thread *t)
{
	int me = this_cpu()->id;

	if (!allowed(t, me))
		return true;
	if (!length[me]) {
		if (!t->proc->native)
			clock_program(clock_ns() + SAMPLE_NS);
		return false;
	}
	if (is_rt(t) ? rt_gives_way(t, me)
		     : clock_ns() >= t->slice_end ||
			       (!list_is_empty(&rt_queue[me]) && !is_server(t) && !relief[me]))
		return true;
	clock_program(next_look(t));
	return false;
}

void sched_yield(struct thread *t)
{
	if (is_rt(t) && allowed(t, t->cpu))
		insert(t, t->cpu, false); /* with what is left of its turn */
	else
		sched_enqueue(t, false);
}

void sched_set(struct thread *t, uint32_t policy, int level)
{
	bool queued = list_is_linked(&t->run);

	sched_dequeue(t);
	sched_set_fields(t, policy, level);
	t->slice_end = 0;
	if (queued)
		sched_enqueue(t, false);
	else if (t == this_cpu()->thread)
		this_cpu()->resched = true;
	else if (t->state == T_RUNNING)
		cpu_kick(t->cpu);
}

unsigned int sched_ready(void)
{
	unsigned int n = 0;
	int i;

	for (i = 0; i < ncpus; i++)
		n += length[i];
	return n;
}

bool sched_has_work(void)
{
	int me = this_cpu()->id;

	return this_cpu()->next || length[me] || steal(me);
}

BKL_END
