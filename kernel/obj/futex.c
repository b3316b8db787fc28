// SPDX-License-Identifier: MIT
/*
 * Futexes: sleepers on user words, keyed by what the word is, not where it is
 * mapped: (memory object, offset) for shared mappings, (address space, address)
 * otherwise.  A hash of wait queues; chains are walked under the lock.
 */
#include <arch/cpu.h>
#include <kernel/protos.h>
#include <kernel/thread.h>

BKL_BEGIN

#define BUCKETS 256
static struct list buckets[BUCKETS];

static struct list *bucket(const uint64_t key[2])
{
	uint64_t h = (key[0] ^ key[1] * 0x9e3779b97f4a7c15ull) * 0x9e3779b97f4a7c15ull;
	struct list *b = &buckets[h >> 56];

	if (!b->next)
		list_init(b);
	return b;
}

static int futex_key(uaddr_t addr, uint64_t key[2])
{
	struct aspace *as = aspace_at(thread_self()->proc->as, addr);
	struct mapping *m = aspace_find(as, addr);

	if (addr & 3)
		return W_EINVAL;
	if (!m)
		return W_EFAULT;
	if (m->mem && m->flags & W_MAP_SHARED) {
		key[0] = (uint64_t)m->mem;
		key[1] = m->off + (addr - m->va);
	} else {
		key[0] = (uint64_t)as;
		key[1] = addr;
	}
	return 0;
}

int64_t sys_futex_wait(uaddr_t addr, uint32_t val, uint64_t deadline, uint32_t mask)
{
	struct thread *t = thread_self();
	const uint32_t *now = NULL;
	int err;

	if (!mask)
		return W_EINVAL;
	if (t->wake == WAKE_DONE && t->restart)
		return 0;
	err = futex_key(addr, t->futex_key);
	if (!err)
		now = user_ptr(t->proc->as, addr, ACCESS_READ, &err);
	if (!now)
		return err;
	if (t->wake == WAKE_TIMEOUT)
		return W_ETIMEDOUT;
	if (t->wake == WAKE_KICK)
		return W_EINTR;
	if (__atomic_load_n(now, __ATOMIC_RELAXED) != val)
		return W_EAGAIN;
	t->futex_mask = mask;
	return thread_park(bucket(t->futex_key), deadline);
}

static bool matches(const struct thread *t, const uint64_t key[2], uint32_t mask)
{
	return t->futex_key[0] == key[0] && t->futex_key[1] == key[1] && t->futex_mask & mask;
}

int64_t sys_futex_wake(uaddr_t addr, uint32_t n, uint32_t mask)
{
	struct list *b, *l, *tmp;
	struct thread *t;
	uint64_t key[2];
	uint32_t woken = 0;
	int err = futex_key(addr, key);

	if (err)
		return err;
	b = bucket(key);
	list_for_each_safe (l, tmp, b) {
		t = list_entry(l, struct thread, wait);
		if (woken >= n)
			break;
		if (!matches(t, key, mask))
			continue;
		woken++;
		thread_finish(t, 0);
	}
	return woken;
}

int64_t sys_futex_requeue(uaddr_t addr, uint32_t n, uaddr_t addr2, uint32_t m)
{
	struct list *b, *l, *tmp;
	struct thread *t;
	uint64_t key[2], to[2];
	uint32_t woken = 0, moved = 0;
	int err = futex_key(addr, key);

	if (!err)
		err = futex_key(addr2, to);
	if (err)
		return err;
	b = bucket(key);
	list_for_each_safe (l, tmp, b) {
		t = list_entry(l, struct thread, wait);
		if (!matches(t, key, ~0u))
			continue;
		if (woken < n) {
			woken++;
			thread_finish(t, 0);
		} else if (moved < m) {
			moved++;
			t->futex_key[0] = to[0];
			t->futex_key[1] = to[1];
			list_del(&t->wait);
			list_append(bucket(to), &t->wait);
		}
	}
	return woken + moved;
}

BKL_END
