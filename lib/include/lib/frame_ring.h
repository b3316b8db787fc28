/* SPDX-License-Identifier: MIT */
/*
 * A ring of Ethernet frames in memory shared by one producer and one consumer that do
 * not trust each other.
 *
 * Each end keeps its own index in private memory and only publishes it; the other's
 * index and every length are read once and checked.  An impossible value marks
 * the end broken: it then neither gives nor takes, and the owner can say so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FRAME_RING_SLOTS 64u
#define FRAME_RING_BYTES 2044u

struct frame_ring {			    /* shared: 0 to start with */
	uint32_t head, want_room, pad0[14]; /* [u] written by the producer */
	uint32_t tail, pad1[15];	    /* [u] written by the consumer */
	struct {
		uint32_t len;
		uint8_t data[FRAME_RING_BYTES];
	} slot[FRAME_RING_SLOTS];
};

struct frame_ring_end { /* private */
	struct frame_ring *ring;
	uint32_t mine; /* own index */
	bool broken;
};

/* Producer: room for one frame, or NULL (then want_room is set and was checked
 * again: the consumer will ring). */
void *frame_ring_room(struct frame_ring_end *e);
void frame_ring_push(struct frame_ring_end *e, uint32_t len);

/* Consumer: the next frame, or NULL; frame_ring_pop() gives the slot back. */
const void *frame_ring_next(struct frame_ring_end *e, uint32_t *len);
void frame_ring_pop(struct frame_ring_end *e);
/* Does the producer wait for room?  Clears the wish. */
bool frame_ring_wanted(struct frame_ring_end *e);
