// SPDX-License-Identifier: MIT
/* sources: lib/frame_ring.c */
#include "unit.h"

#include <lib/frame_ring.h>

static struct frame_ring ring;
static struct frame_ring_end p, c;

static int setup(void **s)
{
	(void)s;
	memset(&ring, 0, sizeof(ring));
	p = c = (struct frame_ring_end){.ring = &ring};
	return 0;
}

static bool push(uint8_t v)
{
	uint8_t *b = frame_ring_room(&p);

	if (!b)
		return false;
	b[0] = v;
	frame_ring_push(&p, 1);
	return true;
}

static int pop(void)
{
	uint32_t len;
	const uint8_t *b = frame_ring_next(&c, &len);
	int v;

	if (!b)
		return -1;
	assert_int_equal(len, 1);
	v = b[0];
	frame_ring_pop(&c);
	return v;
}

static void frames_come_out_in_order_for_ever(void **s)
{
	int i;

	(void)s;
	p.mine = c.mine = ring.head = ring.tail = ~0u - 10; /* indices wrap */
	for (i = 0; i < 1000; i++) {
		assert_true(push(i));
		assert_int_equal(pop(), (uint8_t)i);
	}
	assert_int_equal(pop(), -1);
}

static void a_full_ring_says_so_and_is_told_of_room(void **s)
{
	unsigned int i;

	(void)s;
	for (i = 0; i < FRAME_RING_SLOTS; i++)
		assert_true(push(i));
	assert_false(push(0));
	assert_int_equal(pop(), 0);
	assert_true(frame_ring_wanted(&c));
	assert_false(frame_ring_wanted(&c));
	assert_true(push(99));
}

static void a_lying_peer_breaks_only_the_ring(void **s)
{
	uint32_t len;

	(void)s;
	ring.head = 1000;
	assert_null(frame_ring_next(&c, &len));
	assert_true(c.broken);
	setup(NULL);
	push(1);
	ring.slot[0].len = FRAME_RING_BYTES + 1;
	assert_null(frame_ring_next(&c, &len));
	assert_true(c.broken);
	setup(NULL);
	ring.tail = 5; /* more taken than given */
	assert_null(frame_ring_room(&p));
	assert_true(p.broken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(frames_come_out_in_order_for_ever, setup),
		cmocka_unit_test_setup(a_full_ring_says_so_and_is_told_of_room, setup),
		cmocka_unit_test_setup(a_lying_peer_breaks_only_the_ring, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
