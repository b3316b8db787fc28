// SPDX-License-Identifier: MIT
/* sources: net/timewait.c lib/siphash.c */
#include "unit.h"

#include "../../net/timewait.h"
#include <lib/siphash.h>

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static struct timewait conn(uint16_t local_port, uint16_t remote_port)
{
	return (struct timewait){.local_ip = 0x0a000001,
				 .remote_ip = 0x0a000002,
				 .ports = timewait_ports(local_port, remote_port),
				 .snd_nxt = 500,
				 .rcv_nxt = 0xfffffff0};
}

static struct timewait *find(uint16_t local_port, uint16_t remote_port)
{
	return timewait_find(0x0a000001, 0x0a000002, timewait_ports(local_port, remote_port));
}

static void add(uint16_t local_port, uint16_t remote_port, uint64_t now)
{
	struct timewait tw = conn(local_port, remote_port);

	timewait_add(&tw, now);
}

static int setup(void **s)
{
	(void)s;
	timewait_init(0x123456789abcdef0);
	return 0;
}

static void ports_stand_as_a_segment_begins(void **s)
{
	const uint8_t segment[4] = {0x12, 0x34, 0x00, 0x50}; /* from port 0x1234 to port 80 */
	uint32_t ports;

	(void)s;
	memcpy(&ports, segment, 4);
	assert_int_equal(ports, timewait_ports(80, 0x1234));
}

static void each_connection_is_found_until_its_time_is_over(void **s)
{
	unsigned int i;

	(void)s;
	for (i = 1; i <= 100; i++)
		add(80, i, 1000);
	for (i = 1; i <= 100; i++) {
		assert_non_null(find(80, i));
		assert_int_equal(find(80, i)->ports, timewait_ports(80, i));
	}
	assert_null(find(80, 101));
	assert_null(find(81, 1));
	assert_null(timewait_find(0x0a000003, 0x0a000002, timewait_ports(80, 1)));
	assert_false(timewait_is_over(find(80, 1), 1000 + TIMEWAIT_MS - 1));
	assert_true(timewait_is_over(find(80, 1), 1000 + TIMEWAIT_MS));
	assert_true(timewait_has_port(80, 1000));
	assert_false(timewait_has_port(1, 1000));
	assert_false(timewait_has_port(80, 1000 + TIMEWAIT_MS));
	assert_true(timewait_has_pair(0x0a000002, timewait_ports(80, 7), 1000));
	assert_false(timewait_has_pair(0x0a000002, timewait_ports(80, 7), 1000 + TIMEWAIT_MS));
	assert_false(timewait_has_pair(0x0a000003, timewait_ports(80, 7), 1000));
}

static void those_whose_time_is_over_make_room(void **s)
{
	unsigned int i;

	(void)s;
	for (i = 1; i <= 10; i++)
		add(80, i, 1000);
	for (i = 11; i <= 20; i++)
		add(80, i, 1000 + TIMEWAIT_MS);
	assert_null(find(80, 1));
	assert_int_equal(timewait_count, 10);
}

static void one_too_many_takes_the_place_of_the_oldest(void **s)
{
	unsigned int i;

	(void)s;
	for (i = 0; i < TIMEWAIT_MAX + 5; i++)
		add(1000 + i / 1000, 1 + i % 1000, 1000);
	assert_int_equal(timewait_count, TIMEWAIT_MAX);
	for (i = 0; i < TIMEWAIT_MAX + 5; i++)
		assert_int_equal(!find(1000 + i / 1000, 1 + i % 1000), i < 5);
}

static void the_same_ends_are_there_once(void **s)
{
	(void)s;
	add(80, 1, 1000);
	add(80, 1, 2000);
	assert_int_equal(timewait_count, 1);
	assert_int_equal(find(80, 1)->until, 2000 + TIMEWAIT_MS);
}

static void segments_of_the_old_connection_are_answered(void **s)
{
	(void)s;
	add(80, 1, 1000);
	assert_int_equal(timewait_segment(find(80, 1), ACK, 0xfffffff0, 0, 2000), TIMEWAIT_DROP);
	assert_int_equal(timewait_segment(find(80, 1), ACK, 0xffffff00, 10, 2000), TIMEWAIT_ACK);
	assert_int_equal(find(80, 1)->until, 1000 + TIMEWAIT_MS);
	assert_int_equal(timewait_segment(find(80, 1), FIN | ACK, 0xffffffef, 1, 2000),
			 TIMEWAIT_ACK);
	assert_int_equal(find(80, 1)->until, 2000 + TIMEWAIT_MS); /* the peer had not heard */
	assert_int_equal(timewait_segment(find(80, 1), RST, 0xfffffff0, 0, 2000), TIMEWAIT_DROP);
	assert_non_null(find(80, 1)); /* RFC 1337 */
}

static void a_later_syn_opens_a_new_connection(void **s)
{
	(void)s;
	add(80, 1, 1000);
	assert_int_equal(timewait_segment(find(80, 1), SYN, 0xfffffff0, 1, 2000), TIMEWAIT_ACK);
	assert_int_equal(timewait_segment(find(80, 1), SYN, 0xfffffe00, 1, 2000), TIMEWAIT_ACK);
	assert_non_null(find(80, 1));
	/* beyond what was received, numbers going round */
	assert_int_equal(timewait_segment(find(80, 1), SYN, 5, 1, 2000), TIMEWAIT_OPEN);
	assert_null(find(80, 1));
	assert_int_equal(timewait_count, 0);
	add(80, 1, 3000);
	assert_non_null(find(80, 1));
}

static void one_that_waits_anew_outlives_its_neighbours(void **s)
{
	unsigned int i;

	(void)s;
	for (i = 1; i <= 3; i++)
		add(80, i, 1000);
	timewait_segment(find(80, 1), FIN | ACK, 0xffffffef, 1, 31000);
	for (i = 4; i <= 20; i++)
		add(80, i, 1000 + TIMEWAIT_MS);
	assert_null(find(80, 2));
	assert_null(find(80, 3));
	assert_non_null(find(80, 1));
	assert_false(timewait_is_over(find(80, 1), 1000 + TIMEWAIT_MS));
	assert_int_equal(timewait_count, 18);
}

/* The first of the vectors in the authors' own implementation, cut to whole words. */
static void siphash_is_as_published(void **s)
{
	const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	const uint64_t words[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

	(void)s;
	assert_int_equal(siphash(key, words, 0), 0x726fdb47dd0e0e31);
	assert_int_equal(siphash(key, words, 1), 0x93f5f5799a932462);
	assert_int_equal(siphash(key, words, 2), 0x3f2acc7f57c29bdb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ports_stand_as_a_segment_begins, setup),
		cmocka_unit_test_setup(each_connection_is_found_until_its_time_is_over, setup),
		cmocka_unit_test_setup(those_whose_time_is_over_make_room, setup),
		cmocka_unit_test_setup(one_too_many_takes_the_place_of_the_oldest, setup),
		cmocka_unit_test_setup(the_same_ends_are_there_once, setup),
		cmocka_unit_test_setup(segments_of_the_old_connection_are_answered, setup),
		cmocka_unit_test_setup(a_later_syn_opens_a_new_connection, setup),
		cmocka_unit_test_setup(one_that_waits_anew_outlives_its_neighbours, setup),
		cmocka_unit_test(siphash_is_as_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
