// SPDX-License-Identifier: MIT
/* sources: lib/flatfs.c */
#include "unit.h"

#include <lib/flatfs.h>
#include <wherry/errors.h>

static uint8_t img[512];

static void put(size_t off, uint64_t v)
{
	memcpy(img + off, &v, 8);
}

/* header and one file "/a/b" with bytes "xyz" */
static void one_file(void)
{
	memset(img, 0, sizeof(img));
	put(0, FLATFS_MAGIC);
	put(8, 1);
	put(16, 80);
	put(24, 1);
	put(32, 72);
	put(40, 4);
	put(48, 76);
	put(56, 3);
	memcpy(img + 72, "/a/bxyz", 7);
}

static void finds_a_file_without_its_leading_slash(void **s)
{
	struct flatfs_file f;
	struct flatfs fs;

	(void)s;
	one_file();
	assert_int_equal(flatfs_open(&fs, img, sizeof(img)), 0);
	assert_int_equal(flatfs_check(&fs), 0);
	assert_true(flatfs_find(&fs, "a/b", &f));
	assert_int_equal(f.len, 3);
	assert_memory_equal(img + f.off, "xyz", 3);
	assert_false(flatfs_find(&fs, "a/c", &f));
}

static void empty_archive_is_valid(void **s)
{
	struct flatfs_file f;
	struct flatfs fs;

	(void)s;
	one_file();
	put(16, 32);
	put(24, 0);
	assert_int_equal(flatfs_open(&fs, img, 32), 0);
	assert_int_equal(flatfs_check(&fs), 0);
	assert_false(flatfs_find(&fs, "a/b", &f));
}

static void refuses_bad_headers(void **s)
{
	struct flatfs fs;

	(void)s;
	one_file();
	assert_int_equal(flatfs_open(&fs, img, 31), W_EINVAL);
	put(0, 1);
	assert_int_equal(flatfs_open(&fs, img, sizeof(img)), W_EINVAL);
	one_file();
	put(8, 2);
	assert_int_equal(flatfs_open(&fs, img, sizeof(img)), W_EINVAL);
	one_file();
	put(16, sizeof(img) + 8);
	assert_int_equal(flatfs_open(&fs, img, sizeof(img)), W_EINVAL);
}

/* Every field of the entry, set to values that overflow or leave the image. */
static void bad_entries_never_pass(void **s)
{
	static const uint64_t bad[] = {~0ull, ~7ull, 1ull << 63, 513, 81};
	struct flatfs fs;
	size_t i, field;

	(void)s;
	for (field = 32; field < 72; field += 8)
		for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
			one_file();
			put(field, bad[i]);
			assert_int_equal(flatfs_open(&fs, img, sizeof(img)), 0);
			assert_int_equal(flatfs_check(&fs), W_EINVAL);
		}
	one_file();
	put(64, 32); /* a loop */
	assert_int_equal(flatfs_open(&fs, img, sizeof(img)), 0);
	assert_int_equal(flatfs_check(&fs), W_EINVAL);
	one_file();
	put(24, 2); /* fewer entries than promised */
	assert_int_equal(flatfs_open(&fs, img, sizeof(img)), 0);
	assert_int_equal(flatfs_check(&fs), W_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_a_file_without_its_leading_slash),
		cmocka_unit_test(empty_archive_is_valid),
		cmocka_unit_test(refuses_bad_headers),
		cmocka_unit_test(bad_entries_never_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
