// SPDX-License-Identifier: MIT
/* sources: fs/vfs/pages.c */
/* Marks of pages (fs/vfs/pages.h) against a plain array, and where files of terabytes end. */
#include "unit.h"

#include <wherry/errors.h>

#include "../../fs/vfs/pages.h"

#define PAGES 5000

static int fail_after = -1;

void *rt_try_alloc(size_t n)
{
	if (!fail_after)
		return NULL;
	fail_after -= fail_after > 0;
	return calloc(1, n);
}

void rt_free(void *p)
{
	free(p);
}

static uint64_t expected_next(const uint8_t *model, uint64_t from, uint64_t end, bool set)
{
	for (; from < end; from++)
		if ((from < PAGES && model[from]) == set)
			return from;
	return ~0ull;
}

static void against_the_model(void **state)
{
	static uint8_t model[PAGES];
	struct pages *p = pages_new();
	uint64_t first, n, i, fresh, count, want;

	(void)state;
	srand(3);
	for (int round = 0; round < 20000; round++) {
		first = rand() % PAGES;
		n = rand() % 40 + (rand() % 50 == 0) * 1000;
		n = first + n > PAGES ? PAGES - first : n;
		for (i = first, want = 0; i < first + n; i++)
			want += model[i];
		if (rand() % 2) {
			fresh = 0;
			assert_int_equal(pages_set(p, first, n, PAGE_PRESENT, &fresh), 0);
			assert_int_equal(fresh, n - want);
			memset(model + first, 1, n);
		} else {
			assert_int_equal(pages_clear(p, first, n, PAGE_PRESENT), want);
			memset(model + first, 0, n);
		}
		for (i = count = 0; i < PAGES; i++)
			count += model[i];
		assert_int_equal(pages_count(p, PAGE_PRESENT), count);
		first = rand() % (PAGES + 2000);
		for (int set = 0; set < 2; set++)
			assert_int_equal(pages_next(p, first, first + 3000, PAGE_PRESENT, set),
					 expected_next(model, first, first + 3000, set));
	}
	assert_int_equal(pages_count(p, PAGE_DIRTY), 0);
	pages_free(p);
}

static void far_out(void **state)
{
	struct pages *p = pages_new();
	uint64_t far = 1ull << 51;

	(void)state;
	assert_int_equal(pages_next(p, 0, ~0ull, PAGE_PRESENT, true), ~0ull);
	assert_int_equal(pages_next(p, far, ~0ull, PAGE_PRESENT, false), far);
	assert_int_equal(pages_set(p, far, 1, PAGE_PRESENT, NULL), 0);
	assert_int_equal(pages_set(p, 3, 1, PAGE_PRESENT, NULL), 0);
	assert_int_equal(pages_next(p, 4, ~0ull, PAGE_PRESENT, true), far);
	assert_true(pages_has(p, far, PAGE_PRESENT));
	assert_false(pages_has(p, far - 1, PAGE_PRESENT));
	assert_int_equal(pages_clear(p, 4, ~0ull, PAGE_PRESENT), 1);
	assert_int_equal(pages_count(p, PAGE_PRESENT), 1);
	pages_free(p);
}

static void without_memory(void **state)
{
	struct pages *p;

	(void)state;
	for (int n = 1; n < 12; n++) {
		fail_after = n;
		p = pages_new();
		if (pages_set(p, 1ull << 30, 600, PAGE_DIRTY, NULL))
			assert_true(pages_count(p, PAGE_DIRTY) < 600);
		fail_after = -1;
		assert_int_equal(pages_set(p, 1ull << 30, 600, PAGE_DIRTY, NULL), 0);
		assert_int_equal(pages_count(p, PAGE_DIRTY), 600);
		pages_free(p);
	}
	assert_false(pages_has(NULL, 1, PAGE_DIRTY));
	assert_int_equal(pages_clear(NULL, 0, 10, PAGE_DIRTY), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_the_model),
		cmocka_unit_test(far_out),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
