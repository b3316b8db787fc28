// SPDX-License-Identifier: MIT
/*
 * Orders:		producer			consumer
 *	a  write slot			b  read head, acquire
 *	   publish head, release	   read slot
 *	c  set want_room		d  publish tail, release
 *	   fence			   fence
 *	   read tail again		   read want_room
 * So a frame is complete before it is seen (a, b), and either the producer sees the
 * new room or the consumer sees the wish (c, d).
 */
#include <lib/frame_ring.h>
#include <stddef.h>

static uint32_t load(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static bool full(struct frame_ring_end *e)
{
	uint32_t used = e->mine - load(&e->ring->tail);

	if (used > FRAME_RING_SLOTS)
		e->broken = true;
	return e->broken || used == FRAME_RING_SLOTS;
}

void *frame_ring_room(struct frame_ring_end *e)
{
	if (e->broken)
		return NULL;
	if (full(e)) {
		store(&e->ring->want_room, 1);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (full(e))
			return NULL;
	}
	return e->ring->slot[e->mine % FRAME_RING_SLOTS].data;
}

void frame_ring_push(struct frame_ring_end *e, uint32_t len)
{
	e->ring->slot[e->mine % FRAME_RING_SLOTS].len = len;
	store(&e->ring->head, ++e->mine);
}

const void *frame_ring_next(struct frame_ring_end *e, uint32_t *len)
{
	uint32_t ready = load(&e->ring->head) - e->mine, n;

	if (e->broken || !ready)
		return NULL;
	n = load(&e->ring->slot[e->mine % FRAME_RING_SLOTS].len);
	if (ready > FRAME_RING_SLOTS || n > FRAME_RING_BYTES) {
		e->broken = true;
		return NULL;
	}
	*len = n;
	return e->ring->slot[e->mine % FRAME_RING_SLOTS].data;
}

void frame_ring_pop(struct frame_ring_end *e)
{
	store(&e->ring->tail, ++e->mine);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool frame_ring_wanted(struct frame_ring_end *e)
{
	return __atomic_exchange_n(&e->ring->want_room, 0, __ATOMIC_ACQ_REL);
}
