// SPDX-License-Identifier: MIT
/* sources: drivers/char/tty.c */
#include "fuzz.h"

#include "../../drivers/char/tty.h"

#include <stdlib.h>
#include <string.h>

static void output(struct tty *t, const char *p, size_t n)
{
	(void)t;
	(void)p;
	(void)n;
}

static void on_signal(struct tty *t, int sig)
{
	(void)t;
	(void)sig;
}

/* Each byte is typed; 0xfe reads, 0xff changes the mode. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tty t = {0};
	char buf[100];
	size_t i;

	tty_init(&t);
	t.output = output;
	t.signal = on_signal;
	for (i = 0; i < size; i++) {
		if (data[i] == 0xfe && tty_readable(&t))
			tty_read(&t, buf, sizeof(buf));
		else if (data[i] == 0xff)
			t.t.lflag ^= TTY_ICANON;
		else
			tty_receive(&t, data[i]);
		if (t.start > t.line || t.line > t.end || t.end > TTY_BUF)
			abort();
	}
	return 0;
}

const uint8_t *fuzz_seed(int n, size_t *size)
{
	static char s[6000] = "abc\x7f\x15\n\xfe\x03\x04\xff raw \xfe\xc3\xa9\x7f\x17";

	if (n)
		return NULL;
	if (!s[40])
		memset(s + 40, 'x', sizeof(s) - 40);
	*size = sizeof(s);
	return (const uint8_t *)s;
}
