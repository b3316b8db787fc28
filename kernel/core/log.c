// SPDX-License-Identifier: MIT
/*
 * The kernel log is a byte ring.  Writers may be on several CPUs before the
 * lock exists or after a panic, so a byte may be lost there; nothing else can
 * go wrong.
 */
#include <arch/cpu.h>
#include <kernel/log.h>
#include <lib/fmt.h>
#include <lib/string.h>

#define LOG_SIZE (1u << CONFIG_LOG_SHIFT)

static char ring[LOG_SIZE];
static uint64_t written;

void klog_bytes(const char *s, size_t n)
{
	for (; n; n--, s++) {
		ring[written++ % LOG_SIZE] = *s;
		if (IS_ENABLED(CONFIG_EARLY_CONSOLE))
			early_putc(*s);
	}
}

void klog(const char *f, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, f);
	n = fmt_v(line, sizeof(line), f, ap);
	va_end(ap);
	klog_bytes(line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

size_t klog_read(uint64_t off, char *buf, size_t n)
{
	uint64_t start = written > LOG_SIZE ? written - LOG_SIZE : 0;
	uint64_t left = written - start;
	size_t i;

	if (off >= left)
		return 0;
	if (n > left - off)
		n = left - off;
	for (i = 0; i < n; i++)
		buf[i] = ring[(start + off + i) % LOG_SIZE];
	return n;
}

static void panic_line(const char *s)
{
	while (*s)
		early_putc(*s++);
}

void panic(const char *name, const char *f, ...)
{
	static int depth;
	char line[256];
	va_list ap;

	if (__atomic_fetch_add(&depth, 1, __ATOMIC_RELAXED))
		cpu_power(0, 3);
	va_start(ap, f);
	fmt_v(line, sizeof(line), f, ap);
	va_end(ap);
	panic_line("\r\nPANIC ");
	panic_line(name);
	panic_line(": ");
	panic_line(line);
	panic_line("\r\n");
	backtrace((uint64_t)__builtin_frame_address(0), (uint64_t)panic);
	cpu_dump(NULL);
	cpu_power(0, 3);
}
