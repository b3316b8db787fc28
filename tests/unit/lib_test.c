// SPDX-License-Identifier: MIT
/* sources: lib/fmt.c */
#include "unit.h"

#include <lib/fmt.h>
#include <lib/list.h>

static void formats(void **s)
{
	char b[64];

	(void)s;
	assert_int_equal(fmt(b, sizeof(b), "%d %u %x %s %c%%", -5, 7u, 255u, "hi", 'z'), 13);
	assert_string_equal(b, "-5 7 ff hi z%");
	fmt(b, sizeof(b), "[%5d|%-5d|%05d|%.2s]", 42, 42, -42, "abc");
	assert_string_equal(b, "[   42|42   |-0042|ab]");
	fmt(b, sizeof(b), "%lu %016lx", ~0ul, 0xabcul);
	assert_string_equal(b, "18446744073709551615 0000000000000abc");
	fmt(b, sizeof(b), "%*d", 4, 7);
	assert_string_equal(b, "   7");
}

static void truncation_terminates_and_counts(void **s)
{
	char b[4] = "xxx";

	(void)s;
	assert_int_equal(fmt(b, sizeof(b), "%s", "abcdef"), 6);
	assert_string_equal(b, "abc");
	assert_int_equal(fmt(b, 0, "%s", "abcdef"), 6);
}

static void smallest_numbers(void **s)
{
	char b[32];

	(void)s;
	fmt(b, sizeof(b), "%ld", INT64_MIN);
	assert_string_equal(b, "-9223372036854775808");
}

static void lists_survive_deletion_while_walking(void **s)
{
	struct list head = LIST_INIT(head), n[3], *l, *tmp;
	int seen = 0, i;

	(void)s;
	for (i = 0; i < 3; i++)
		list_append(&head, &n[i]);
	list_for_each_safe (l, tmp, &head) {
		list_del(l);
		list_del(l); /* twice is harmless */
		seen++;
	}
	assert_int_equal(seen, 3);
	assert_true(list_is_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(truncation_terminates_and_counts),
		cmocka_unit_test(smallest_numbers),
		cmocka_unit_test(lists_survive_deletion_while_walking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
