// SPDX-License-Identifier: MIT
/* sources: drivers/char/tty.c */
#include "unit.h"

#include "../../drivers/char/tty.h"

static struct tty t;
static char out[10000];
static size_t out_len;
static int last_signal;

static void output(struct tty *tty, const char *p, size_t n)
{
	(void)tty;
	if (out_len + n < sizeof(out)) {
		memcpy(out + out_len, p, n);
		out_len += n;
		out[out_len] = 0;
	}
}

static void on_signal(struct tty *tty, int sig)
{
	(void)tty;
	last_signal = sig;
}

static int setup(void **s)
{
	(void)s;
	memset(&t, 0, sizeof(t));
	tty_init(&t);
	t.output = output;
	t.signal = on_signal;
	out_len = 0;
	out[0] = 0;
	last_signal = 0;
	return 0;
}

static void type(const char *p)
{
	while (*p)
		tty_receive(&t, *p++);
}

static void reads(const char *want)
{
	char buf[64];
	size_t n = tty_read(&t, buf, sizeof(buf));

	assert_int_equal(n, strlen(want));
	assert_memory_equal(buf, want, n);
}

static void a_line_is_readable_at_its_end(void **s)
{
	(void)s;
	type("ab");
	assert_false(tty_readable(&t));
	type("c\r");
	assert_true(tty_readable(&t));
	reads("abc\n");
	assert_string_equal(out, "abc\r\n");
	assert_false(tty_readable(&t));
}

static void one_read_gets_one_line(void **s)
{
	(void)s;
	type("one\ntwo\n");
	reads("one\n");
	reads("two\n");
}

static void erase_and_kill_edit_the_line(void **s)
{
	(void)s;
	type("abx\x7f");
	type("c\n");
	reads("abc\n");
	type("garbage\x15ok\n");
	reads("ok\n");
	type("one two\x17three\n");
	reads("one three\n");
	type("\x7f\x7fz\n"); /* nothing to erase */
	reads("z\n");
}

static void a_utf8_character_is_erased_whole(void **s)
{
	(void)s;
	type("a\xc3\xa9\x7f\n");
	reads("a\n");
}

static void ctrl_c_signals_and_drops_the_line(void **s)
{
	(void)s;
	type("abc\x03");
	assert_int_equal(last_signal, 2);
	type("d\n");
	reads("d\n");
	assert_non_null(strstr(out, "^C"));
}

static void ctrl_d_is_end_of_file_on_an_empty_line(void **s)
{
	char buf[8];

	(void)s;
	type("\x04");
	assert_true(tty_readable(&t));
	assert_int_equal(tty_read(&t, buf, sizeof(buf)), 0);
	assert_false(tty_readable(&t));
	type("ab\x04");
	reads("ab");
}

static void raw_mode_gives_every_byte_at_once(void **s)
{
	(void)s;
	t.t.lflag &= ~(TTY_ICANON | TTY_ECHO | TTY_ISIG);
	t.t.iflag &= ~TTY_ICRNL;
	type("\x03\r");
	assert_int_equal(last_signal, 0);
	reads("\x03\r");
	assert_int_equal(out_len, 0);
}

static void a_full_buffer_loses_input_not_memory(void **s)
{
	char buf[8192];
	int i;

	(void)s;
	for (i = 0; i < 3 * TTY_BUF; i++)
		tty_receive(&t, 'x');
	tty_receive(&t, '\x15');
	type("ok\n");
	assert_int_equal(tty_read(&t, buf, sizeof(buf)), 3);
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_line_is_readable_at_its_end),     T(one_read_gets_one_line),
		T(erase_and_kill_edit_the_line),      T(a_utf8_character_is_erased_whole),
		T(ctrl_c_signals_and_drops_the_line), T(ctrl_d_is_end_of_file_on_an_empty_line),
		T(raw_mode_gives_every_byte_at_once), T(a_full_buffer_loses_input_not_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
