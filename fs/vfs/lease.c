// SPDX-License-Identifier: MIT
#include "lease.h"

#include "inode.h"

#include <rt/rt.h>

#define BUCKETS 64

struct lease_client {
	struct list link; /* in clients */
	uint64_t koid;
	struct fs_parking *page; /* mapped; the client's to scribble on */
	w_handle_t mem;
	struct list opens; /* struct parking.of_client */
};

static uint64_t *counters; /* NULL: no memory for them, so nothing is leased */
static w_handle_t counters_mem;
static struct list clients[BUCKETS];

void lease_init(void)
{
	int64_t mem = w_mem_create(FS_COUNTERS * sizeof(uint64_t), 0);
	int i;

	for (i = 0; i < BUCKETS; i++)
		list_init(&clients[i]);
	if (mem < 0)
		return;
	counters_mem = mem;
	counters = rt_map(mem, 0, FS_COUNTERS * sizeof(uint64_t),
			  W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED);
}

w_handle_t lease_counters(void)
{
	return counters ? counters_mem : 0;
}

static uint32_t counter_of(const struct inode *i)
{
	return (i->ino + i->sb->dev_no * 331) % FS_COUNTERS;
}

/* Readers look after they were answered or asked; the answer is a barrier. */
void lease_changed(const struct inode *i)
{
	if (counters)
		__atomic_store_n(&counters[counter_of(i)], counters[counter_of(i)] + 1,
				 __ATOMIC_RELEASE);
}

/* ---- trails ---- */

void lease_begin(struct request *rq)
{
	rq->nmet = 0;
}

void lease_visit(struct request *rq, const struct inode *i)
{
	if (rq->nmet < FS_TRAIL)
		rq->met[rq->nmet] = counter_of(i);
	rq->nmet++; /* more than FS_TRAIL: too many */
}

void lease_end(const struct request *rq, uint64_t trail[2], uint64_t *sum)
{
	uint32_t i;

	trail[0] = trail[1] = *sum = 0;
	if (rq->nmet > FS_TRAIL || !counters)
		return;
	trail[0] = (uint64_t)rq->nmet << FS_TRAIL_COUNT_SHIFT;
	for (i = 0; i < rq->nmet; i++) {
		trail[i / FS_TRAIL_WORD] |= (uint64_t)rq->met[i]
					    << i % FS_TRAIL_WORD * FS_TRAIL_BITS;
		*sum += counters[rq->met[i]];
	}
}

/* ---- parked opens ---- */

static struct lease_client *client(uint64_t koid)
{
	struct list *l, *head = &clients[koid % BUCKETS];

	list_for_each (l, head)
		if (list_entry(l, struct lease_client, link)->koid == koid)
			return list_entry(l, struct lease_client, link);
	return NULL;
}

int lease_client_new(uint64_t koid, w_handle_t mem)
{
	struct lease_client *c = client(koid) ? NULL : rt_try_alloc(sizeof(*c));
	struct w_obj_info info;

	if (!c || w_obj_info(mem, &info) || info.type != W_T_MEMORY || info.size != W_PAGE) {
		rt_free(c);
		w_handle_close(mem);
		return W_EINVAL;
	}
	c->page = rt_map(mem, 0, W_PAGE, W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED);
	if (!c->page) {
		rt_free(c);
		w_handle_close(mem);
		return W_ENOMEM;
	}
	c->koid = koid;
	c->mem = mem;
	list_init(&c->opens);
	list_push(&clients[koid % BUCKETS], &c->link);
	return 0;
}

/* An open cannot be parked any more. */
static void forget(struct parking *p)
{
	list_del(&p->of_inode);
	list_del(&p->of_client);
	p->client = NULL;
}

/* true: it was parked, and is nobody's from now on. */
static bool revoked(struct parking *p)
{
	uint32_t parked = FS_PARKED;

	return __atomic_compare_exchange_n(&p->client->page->state[p->slot], &parked, FS_REVOKED,
					   false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Forked children may hold handles of what he had parked; what he had open they may use. */
void lease_client_gone(uint64_t koid)
{
	struct lease_client *c = client(koid);
	struct parking *p;
	bool was_parked;

	if (!c)
		return;
	while (!list_is_empty(&c->opens)) {
		p = list_first(&c->opens, struct parking, of_client);
		was_parked = revoked(p);
		forget(p);
		if (was_parked)
			p->revoked(p);
	}
	w_as_unmap(0, (uint64_t)c->page, W_PAGE);
	w_handle_close(c->mem);
	list_del(&c->link);
	rt_free(c);
}

bool lease_park(struct parking *p, uint64_t koid, uint32_t slot, struct inode *i)
{
	struct lease_client *c = client(koid);
	struct inode_state *st = c ? inode_state(i) : NULL;

	if (!st || !slot || slot >= FS_PARKING_SLOTS)
		return false;
	p->client = c;
	p->slot = slot;
	p->seen = __atomic_load_n(&c->page->opened[slot], __ATOMIC_ACQUIRE);
	list_push(&st->parkings, &p->of_inode);
	list_push(&c->opens, &p->of_client);
	return true;
}

bool lease_reopened(struct parking *p)
{
	uint32_t now;

	if (!p->client)
		return false;
	now = __atomic_load_n(&p->client->page->opened[p->slot], __ATOMIC_ACQUIRE);
	if (now == p->seen)
		return false;
	p->seen = now;
	return true;
}

void lease_closed(struct parking *p)
{
	if (p->client)
		forget(p);
}

void lease_revoke(struct inode *i)
{
	struct list *l, *tmp;
	struct parking *p;

	if (!i->st)
		return;
	list_for_each_safe (l, tmp, &i->st->parkings) {
		p = list_entry(l, struct parking, of_inode);
		if (!revoked(p))
			continue;
		forget(p);
		p->revoked(p);
	}
}
