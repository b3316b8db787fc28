// SPDX-License-Identifier: MIT
#include <arch/cpu.h>
#include <kernel/account.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <kernel/thread.h>

BKL_BEGIN

struct account *account_new(struct account *up, uint64_t hard, bool ordinary)
{
	struct account *a = kzalloc(sizeof(*a));

	if (!a)
		return NULL;
	a->refs = 1;
	a->limit = a->hard = hard;
	a->ordinary = ordinary || (up && up->ordinary);
	a->up = up;
	if (up)
		account_get(up);
	return a;
}

void account_get(struct account *a)
{
	a->refs++;
}

static void free_if_idle(struct account *a)
{
	struct account *up = a->up;

	if (a->refs || a->used)
		return;
	kfree(a);
	if (up)
		account_put(up);
}

void account_put(struct account *a)
{
	a->refs--;
	free_if_idle(a);
}

struct account *account_current(void)
{
	struct thread *t = thread_self();

	return t ? t->proc->account : NULL;
}

uint64_t account_reserve(void)
{
	static uint64_t pages; /* the machine's memory does not change */

	if (!pages)
		pages = frames_total * CONFIG_MEMORY_RESERVE_PERCENT / 100;
	return pages;
}

bool account_charge(struct account *a, uint64_t bytes)
{
	struct account *p;

	if (a && a->ordinary && frames_free * W_PAGE < account_reserve() * W_PAGE + bytes)
		return false;
	for (p = a; p; p = p->up) {
		p->used += bytes;
		if (p->limit && p->used > p->limit)
			break;
	}
	if (!p)
		return true;
	for (; a != p->up; a = a->up)
		a->used -= bytes;
	return false;
}

/* An account above still holds these bytes while one below goes: it cannot go first. */
void account_give_back(struct account *a, uint64_t bytes)
{
	struct account *up;

	for (; a; a = up) {
		up = a->up;
		kassert(AC1, a->used >= bytes);
		a->used -= bytes;
		free_if_idle(a);
	}
}

BKL_END
