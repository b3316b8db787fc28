// SPDX-License-Identifier: MIT
/*
 * What the file service said of paths, kept for as long as its counters say that it is true
 * (fs/vfs/lease.h), and files that were closed and may be opened again without asking.
 *
 * Only a process that asks often has this (SETUP_AFTER); only a path that is opened for
 * reading again and again gets its file parked.  A parked file belongs to the table, its
 * handles are open.  All is under lx_lock, which nothing here waits under.
 *
 * What is kept is true for these credentials: who changes them forgets it.  A child gets a
 * copy of the table; nothing is parked while it is made.
 */
#include "lx.h"

#define SETUP_AFTER 8
#define ENTRIES 32 /* a power of 2 */
#define KEPT_PATH 112

struct lease {
	uint32_t hash;
	uint32_t len;	       /* of path; 0: nothing is kept here */
	int32_t err;	       /* what FS_STAT said */
	bool nofollow, stated; /* stated: st and err are there */
	struct lease_said said;
	struct fs_stat st;
	struct lx_file *parked; /* owns; opened by this path */
	char path[KEPT_PATH];
};

struct lx_leases {
	uint64_t used; /* slots of it */
	uint32_t born; /* files opened at less forks are our parent's to park */
	struct lease e[ENTRIES];
};

#define counters ((const uint64_t *)LX_COUNTERS)
#define page ((struct fs_parking *)LX_PARKING)

/* Is what was said with this trail still so? */
static bool holds(const struct lease_said *said)
{
	uint32_t n = said->trail[0] >> FS_TRAIL_COUNT_SHIFT, i;
	uint64_t now = 0, w = said->trail[0];

	for (i = 0; i < n; i++) {
		if (i == FS_TRAIL_WORD)
			w = said->trail[1];
		now += __atomic_load_n(&counters[w & (FS_COUNTERS - 1)], __ATOMIC_ACQUIRE);
		w >>= FS_TRAIL_BITS;
	}
	return n && now == said->sum;
}

/* Multiplicative, eight bytes at a time. */
static uint32_t hash_of(const char *p, uint32_t len)
{
	uint64_t h = len, w;

	for (; len >= 8; len -= 8, p += 8) {
		__builtin_memcpy(&w, p, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15ull;
	}
	for (w = 0; len; len--)
		w = w << 8 | (uint8_t)p[len - 1];
	h = (h ^ w) * 0x9e3779b97f4a7c15ull;
	return h >> 32;
}

static bool setup(struct lx_proc *p)
{
	struct w_msg m = {.op = FS_LEASES};
	struct w_map_args a = {.flags = W_PROT_READ | W_MAP_SHARED | W_MAP_FIXED | W_MAP_POPULATE,
			       .va = LX_COUNTERS,
			       .len = FS_COUNTERS * sizeof(uint64_t)};
	struct lx_leases *t, *none = NULL;
	long r;

	/* past it: another thread is at it, or it was refused */
	if (p->lookups > SETUP_AFTER ||
	    __atomic_add_fetch(&p->lookups, 1, __ATOMIC_RELAXED) != SETUP_AFTER)
		return false;
	if (lx_chan(LX_H_FS, &m) < 0)
		return false;
	a.mem = m.h[0];
	r = w_as_map(0, &a);
	w_handle_close(m.h[0]);
	t = r < 0 ? NULL : pmalloc(sizeof(*t));
	if (!t)
		return false;
	if (!__atomic_compare_exchange_n(&p->leases, &none, t, false, __ATOMIC_RELEASE,
					 __ATOMIC_RELAXED))
		pfree(t);
	return true;
}

static struct lx_leases *table(void)
{
	struct lx_proc *p = proc();

	return p->leases || setup(p) ? p->leases : NULL;
}

static struct lease *entry(struct lx_leases *t, uint32_t hash)
{
	return &t->e[hash % ENTRIES];
}

static bool is_of(const struct lease *l, const char *path, uint32_t len, uint32_t hash)
{
	return l->hash == hash && l->len == len && !memcmp(l->path, path, len);
}

/* Under the lock: l is about path from now on; what was parked there is returned. */
static struct lx_file *take_over(struct lease *l, const char *path, uint32_t len, uint32_t hash)
{
	struct lx_file *old = NULL;

	if (!is_of(l, path, len, hash)) {
		old = l->parked;
		l->parked = NULL;
		proc()->nparked -= !!old;
		l->stated = false;
		l->hash = hash;
		l->len = len;
		memcpy(l->path, path, len);
	}
	return old;
}

/* ---- stat ---- */

bool lease_stat(const char *path, uint32_t len, bool nofollow, struct fs_stat *st, long *err)
{
	struct lx_leases *t = table();
	uint32_t hash = hash_of(path, len);
	struct lease *l;
	bool hit;

	if (!t)
		return false;
	l = entry(t, hash);
	lx_lock();
	hit = is_of(l, path, len, hash) && l->stated && l->nofollow == nofollow && holds(&l->said);
	if (hit) {
		*err = l->err;
		if (!l->err)
			*st = l->st;
	}
	lx_unlock();
	return hit;
}

bool lease_fstat(const struct lx_file *f, uint32_t len, struct fs_stat *st)
{
	long err;

	return holds(&f->said) && lease_stat(f->path, len, false, st, &err) && !err;
}

void lease_keep(const char *path, uint32_t len, bool nofollow, const struct lease_said *said,
		const struct fs_stat *st, long err)
{
	struct lx_leases *t = proc()->leases;
	uint32_t hash = hash_of(path, len);
	struct lx_file *old;
	struct lease *l;

	if (!t || len > KEPT_PATH || !(said->trail[0] >> FS_TRAIL_COUNT_SHIFT))
		return;
	l = entry(t, hash);
	lx_lock();
	old = take_over(l, path, len, hash);
	l->said = *said;
	l->nofollow = nofollow;
	l->stated = true;
	l->err = err;
	if (!err)
		l->st = *st;
	lx_unlock();
	if (old)
		file_close(old);
}

/* ---- open ---- */

/* Flags that make no difference to a file opened for reading. */
#define PLAIN_OPEN (FS_O_NOCTTY | FS_O_NONBLOCK | 0100000u) /* O_LARGEFILE */

static bool start_parking(struct lx_leases *t)
{
	struct w_map_args a = {.flags = W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED | W_MAP_FIXED |
					W_MAP_NOFORK | W_MAP_POPULATE,
			       .va = LX_PARKING,
			       .len = W_PAGE};
	struct w_msg m = {.op = FS_PARKING, .nh = 1};
	struct lx_proc *p = proc();
	int64_t mem;
	long r;

	if (p->parking || __atomic_exchange_n(&p->parking_asked, true, __ATOMIC_ACQ_REL))
		return p->parking;
	mem = w_mem_create(W_PAGE, 0);
	if (mem < 0)
		return false;
	a.mem = mem;
	r = w_as_map(0, &a);
	if (r < 0) {
		w_handle_close(mem);
		return false;
	}
	page->state[0] = FS_REVOKED; /* the page is there now: no fault under the lock */
	m.h[0] = mem;
	if (lx_chan(LX_H_FS, &m) < 0)
		return false;
	t->used = 1; /* slot 0 is none */
	t->born = p->forks;
	__atomic_store_n(&p->parking, true, __ATOMIC_RELEASE);
	return true;
}

struct lx_file *lease_open(const char *path, uint32_t len, uint32_t flags, uint32_t *slot)
{
	struct lx_leases *t = table();
	uint32_t hash, parked = FS_PARKED;
	struct lx_file *f = NULL;
	bool again = false;
	struct lease *l;

	*slot = 0;
	if (!t || flags & ~PLAIN_OPEN || len > KEPT_PATH)
		return NULL;
	hash = hash_of(path, len);
	l = entry(t, hash);
	lx_lock();
	if (is_of(l, path, len, hash)) {
		again = true;
		f = l->parked;
		if (f && (!holds(&f->said) ||
			  !__atomic_compare_exchange_n(&page->state[f->slot], &parked, FS_OPEN_SLOT,
						       false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)))
			f = NULL;
		if (f) {
			l->parked = NULL;
			proc()->nparked--;
			__atomic_add_fetch(&page->opened[f->slot], 1, __ATOMIC_SEQ_CST);
		}
	}
	lx_unlock();
	if (f) {
		f->refs = 1;
		f->oflags = flags & ~FS_O_NOCTTY;
		return f;
	}
	if (!again || !start_parking(t))
		return NULL;
	lx_lock();
	if (~t->used) {
		*slot = __builtin_ctzll(~t->used);
		t->used |= 1ull << *slot;
		page->state[*slot] = FS_OPEN_SLOT;
	}
	lx_unlock();
	return NULL;
}

void lease_opened(struct lx_file *f, uint32_t len, uint32_t flags, const struct w_msg *m)
{
	struct lx_leases *t = proc()->leases;
	uint32_t hash = hash_of(f->path, len);
	struct lx_file *old;

	if (m->FS_OPEN_out_slot) {
		f->slot = m->FS_OPEN_out_slot;
		f->forks = proc()->forks;
		f->said = (struct lease_said){{m->FS_OPEN_out_trail0, m->FS_OPEN_out_trail1},
					      m->FS_OPEN_out_sum};
	}
	if (!t || flags & ~PLAIN_OPEN || len > KEPT_PATH)
		return;
	lx_lock();
	old = take_over(entry(t, hash), f->path, len, hash);
	lx_unlock();
	if (old)
		file_close(old);
}

void lease_slot_free(uint32_t slot, uint32_t forks)
{
	struct lx_leases *t = proc()->leases;

	if (!slot || !t || !proc()->parking || forks < t->born)
		return;
	lx_lock();
	__atomic_store_n(&page->state[slot], 0, __ATOMIC_SEQ_CST);
	t->used &= ~(1ull << slot);
	lx_unlock();
}

void lease_unparkable(struct lx_file *f)
{
	const struct lx_leases *t = proc()->leases;

	if (t && f->slot && f->forks >= t->born) /* its slot is ours to free */
		f->forks = UNPARKABLE;
}

bool lease_park(struct lx_file *f)
{
	struct lx_leases *t = proc()->leases;
	uint32_t len, hash;
	struct lx_file *old;
	struct lease *l;

	/* shared with a child, locked, changed: not as it was opened */
	if (!t || !proc()->parking || f->forks != proc()->forks || proc()->record_locks ||
	    !holds(&f->said))
		return false;
	len = strlen(f->path);
	hash = hash_of(f->path, len);
	l = entry(t, hash);
	lx_lock();
	if (!is_of(l, f->path, len, hash)) { /* not opened lately */
		lx_unlock();
		return false;
	}
	old = l->parked;
	l->parked = f;
	proc()->nparked += !old;
	__atomic_store_n(&page->state[f->slot], FS_PARKED, __ATOMIC_SEQ_CST);
	lx_unlock();
	if (old)
		file_close(old);
	return true;
}

/* ---- forgetting ---- */

/* Close what is parked; all: forget what was said, too. */
static void drop(bool all)
{
	struct lx_leases *t = proc()->leases;
	struct lx_file *old;
	int i;

	for (i = 0; t && i < ENTRIES; i++) {
		lx_lock();
		old = t->e[i].parked;
		t->e[i].parked = NULL;
		proc()->nparked -= !!old;
		if (all)
			t->e[i].len = 0;
		lx_unlock();
		if (old)
			file_close(old);
	}
}

void lease_forget(void)
{
	drop(true);
}

/* A child would hold on to what is parked; and what is open is no longer one process's. */
void lease_fork(void)
{
	if (proc()->nparked)
		drop(false);
	proc()->forks++;
}

void lease_child(void)
{
	/* the page is our parent's, and not here */
	proc()->parking = proc()->parking_asked = false;
}
