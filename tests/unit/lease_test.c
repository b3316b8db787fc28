// SPDX-License-Identifier: MIT
/* sources:  */
/*
 * Leases (fs/vfs/lease.h): sums that change with what they are about, and parked opens against
 * clients that write anything into the page they share.
 */
#include "unit.h"

#include <rt/rt.h>

/* The kernel's part, here. */
static uint64_t object_size;
static int mapped;

static int64_t fake_mem_create(uint64_t bytes)
{
	object_size = bytes;
	return 1;
}

static int64_t fake_obj_info(struct w_obj_info *i)
{
	*i = (struct w_obj_info){.type = W_T_MEMORY, .size = object_size};
	return 0;
}

static int64_t fake_unmap(uint64_t va)
{
	mapped--;
	free((void *)va);
	return 0;
}

#define w_mem_create(bytes, flags) fake_mem_create(bytes)
#define w_obj_info(h, info) fake_obj_info(info)
#define w_as_unmap(p, va, len) fake_unmap(va)
#define w_handle_close(h) ((void)(h))
#include "../../fs/vfs/lease.c"

static struct fs_parking *last_page;

void *rt_map(w_handle_t mem, uint64_t off, uint64_t len, uint32_t flags)
{
	(void)mem;
	(void)off;
	(void)flags;
	mapped++;
	return last_page = calloc(1, len);
}

void *rt_try_alloc(size_t n)
{
	return calloc(1, n);
}

void rt_free(void *p)
{
	free(p);
}

static struct super_block super;

struct inode_state *inode_state(struct inode *i)
{
	return i->st;
}

static struct inode *file_new(uint64_t ino)
{
	struct inode *i = calloc(1, sizeof(*i));

	i->ino = ino;
	i->sb = &super;
	i->st = calloc(1, sizeof(*i->st));
	list_init(&i->st->parkings);
	return i;
}

static void file_free(struct inode *i)
{
	free(i->st);
	free(i);
}

static uint64_t sum_of(struct inode **n, int count)
{
	struct request rq;
	uint64_t trail[2], sum;
	int i;

	lease_begin(&rq);
	for (i = 0; i < count; i++)
		lease_visit(&rq, n[i]);
	lease_end(&rq, trail, &sum);
	assert_int_equal(trail[0] >> FS_TRAIL_COUNT_SHIFT, count > FS_TRAIL ? 0 : count);
	return trail[0] ? sum : ~0ull;
}

static void a_sum_changes_with_each_file_met(void **state)
{
	struct inode *n[FS_TRAIL + 1], *other = file_new(999);
	uint64_t before;
	int i;

	(void)state;
	for (i = 0; i <= FS_TRAIL; i++)
		n[i] = file_new(10 + i);
	for (i = 0; i < FS_TRAIL; i++) {
		before = sum_of(n, FS_TRAIL);
		lease_changed(other);
		assert_true(sum_of(n, FS_TRAIL) == before);
		lease_changed(n[i]);
		assert_true(sum_of(n, FS_TRAIL) != before);
	}
	assert_true(sum_of(n, FS_TRAIL + 1) == ~0ull);
	for (i = 0; i <= FS_TRAIL; i++)
		file_free(n[i]);
	file_free(other);
}

static void a_trail_names_its_counters(void **state)
{
	struct inode *n = file_new(5 + FS_COUNTERS), *m = file_new(77);
	struct request rq;
	uint64_t trail[2], sum;
	int i;

	(void)state;
	lease_begin(&rq);
	for (i = 0; i < 7; i++)
		lease_visit(&rq, i == 6 ? m : n);
	lease_end(&rq, trail, &sum);
	assert_int_equal(trail[0] & (FS_COUNTERS - 1), 5);
	assert_int_equal(trail[1], 77);
	file_free(n);
	file_free(m);
}

struct open {
	struct inode *n;
	struct parking park;
};

static void open_end(struct parking *p)
{
	struct open *o = container_of(p, struct open, park);

	assert_true(o->n->refs > 0);
	o->n->refs--;
	o->n = NULL;
}

static void a_parked_open_ends_with_the_last_name(void **state)
{
	struct open a = {.park.revoked = open_end}, b = {.park.revoked = open_end};
	struct inode *n = file_new(3);

	(void)state;
	object_size = 2 * W_PAGE;
	assert_int_equal(lease_client_new(7, 1), W_EINVAL);
	object_size = W_PAGE;
	assert_int_equal(lease_client_new(7, 1), 0);
	assert_int_equal(lease_client_new(7, 1), W_EINVAL); /* once */
	n->refs = 2;
	a.n = b.n = n;
	assert_false(lease_park(&a.park, 8, 1, n));
	assert_false(lease_park(&a.park, 7, 0, n));
	assert_false(lease_park(&a.park, 7, FS_PARKING_SLOTS, n));
	assert_true(lease_park(&a.park, 7, 1, n));
	assert_true(lease_park(&b.park, 7, 2, n));
	assert_false(lease_reopened(&a.park));
	last_page->opened[1]++;
	assert_true(lease_reopened(&a.park));
	assert_false(lease_reopened(&a.park));
	last_page->state[1] = FS_PARKED;
	last_page->state[2] = FS_OPEN_SLOT;
	lease_revoke(n);
	assert_int_equal(last_page->state[1], FS_REVOKED);
	assert_null(a.n);
	assert_ptr_equal(b.n, n); /* it is open */
	assert_int_equal(n->refs, 1);
	last_page->state[2] = FS_PARKED;
	lease_client_gone(7);
	assert_null(b.n);
	assert_int_equal(n->refs, 0);
	lease_closed(&a.park);
	lease_closed(&b.park);
	file_free(n);
}

static uint32_t rnd(void)
{
	static uint64_t s = 88172645463325252ull;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s >> 11;
}

#define NODES 4
#define OPENS 64

static void check(struct inode **nodes, const struct open *opens)
{
	uint32_t i, j, held;

	for (i = 0; i < NODES; i++) {
		for (j = held = 0; j < OPENS; j++)
			held += opens[j].n == nodes[i];
		assert_int_equal(held, nodes[i]->refs);
	}
}

/* Whatever the page says, every open holds its file once, or was told that it does not. */
static void clients_that_lie(void **state)
{
	static struct open opens[OPENS];
	struct inode *nodes[NODES];
	struct fs_parking *pages[3] = {0};
	uint32_t i, o, round;

	(void)state;
	object_size = W_PAGE;
	for (i = 0; i < NODES; i++)
		nodes[i] = file_new(i);
	for (round = 0; round < 50000; round++) {
		uint32_t koid = rnd() % 3;

		o = rnd() % OPENS;
		switch (rnd() % 6) {
		case 0:
			if (!pages[koid] && !lease_client_new(koid, 1))
				pages[koid] = last_page;
			break;
		case 1:
			if (opens[o].n || opens[o].park.client)
				break;
			opens[o].n = nodes[rnd() % NODES];
			opens[o].n->refs++;
			opens[o].park.revoked = open_end;
			lease_park(&opens[o].park, koid, rnd() % (FS_PARKING_SLOTS + 2),
				   opens[o].n);
			break;
		case 2:
			lease_closed(&opens[o].park);
			if (opens[o].n)
				opens[o].n->refs--;
			memset(&opens[o], 0, sizeof(opens[o]));
			break;
		case 3:
			lease_revoke(nodes[rnd() % NODES]);
			break;
		case 4:
			if (rnd() % 64 == 0) {
				lease_client_gone(koid);
				pages[koid] = NULL;
			}
			break;
		default:
			if (pages[koid]) {
				pages[koid]->state[rnd() % FS_PARKING_SLOTS] = rnd() % 5;
				pages[koid]->opened[rnd() % FS_PARKING_SLOTS] = rnd();
			}
			if (opens[o].n)
				lease_reopened(&opens[o].park);
		}
		check(nodes, opens);
	}
	for (i = 0; i < 3; i++)
		lease_client_gone(i);
	for (o = 0; o < OPENS; o++)
		lease_closed(&opens[o].park);
	for (i = 0; i < NODES; i++) {
		assert_true(list_is_empty(&nodes[i]->st->parkings));
		file_free(nodes[i]);
	}
	assert_int_equal(mapped, 1); /* the counters */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sum_changes_with_each_file_met),
		cmocka_unit_test(a_trail_names_its_counters),
		cmocka_unit_test(a_parked_open_ends_with_the_last_name),
		cmocka_unit_test(clients_that_lie),
	};

	lease_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
