// SPDX-License-Identifier: MIT
#include <arch/cpu.h>
#include <kernel/log.h>
#include <kernel/oom.h>
#include <kernel/page.h>
#include <kernel/thread.h>

#define SLACK 16 /* frames: what one call may need at once, page tables included */

BKL_BEGIN

static bool is_short(const struct account *a)
{
	return frames_free <= (a->ordinary ? account_reserve() : 0) + SLACK;
}

/* Somebody who was ended, or what ended otherwise, has memory still. */
static bool is_coming(void)
{
	const struct process *p;
	struct list *l;

	list_for_each (l, &processes) {
		p = list_entry(l, struct process, all);
		if (p->makes_room && p->nthreads)
			return true;
	}
	return ndying;
}

static bool has_more(const struct process *p, const struct process *than)
{
	if (p->account != than->account)
		return p->account->used > than->account->used;
	return p->as->anon_pages > than->as->anon_pages;
}

static struct process *largest(struct process *self)
{
	struct process *p, *most = self->account->ordinary ? self : NULL;
	struct list *l;

	list_for_each (l, &processes) {
		p = list_entry(l, struct process, all);
		if (p->account->ordinary && p->nthreads && (!most || has_more(p, most)))
			most = p;
	}
	return most;
}

bool oom_make_room(void)
{
	struct process *self = thread_self()->proc, *p;

	if (!is_short(self->account))
		return false;
	if (!is_coming()) {
		p = largest(self);
		if (!p || p == self)
			return false;
		klog("%s: out of memory: ended\n", p->name);
		p->makes_room = true;
		process_kill(p, SIGKILL);
	}
	this_cpu()->resched = true;
	return true;
}

BKL_END
