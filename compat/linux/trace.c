// SPDX-License-Identifier: MIT
/*
 * A line for each call, as strace(1) prints them; names and argument kinds come
 * from abi/linux.tbl.  The tracer's descriptor is not in the table, so that the
 * program cannot close it by accident.
 */
#include "lx.h"

#include <lib/fmt.h>

static const struct {
	const char *name, *args;
} calls[] = {
#define X(nr, name, handler, args) [nr] = {#name, args},
#define XFRAME X
#include "gen/lxtable.h"
};
#define NCALLS (sizeof(calls) / sizeof(calls[0]))

enum { NR_EXECVE = 59, NR_EXIT = 60, NR_EXIT_GROUP = 231, NR_EXECVEAT = 322 };

static void put_line(const char *line, size_t n)
{
	struct lx_proc *p = proc();

	if (p->trace_log)
		w_debug_write(line, n);
	else if (p->trace_file)
		file_write(p->trace_file, (uint64_t)line, n, FS_OWN_OFFSET);
}

static int put_string(char *out, size_t room, uint64_t ustr)
{
	char s[65];
	long n = lx_copy_str(s, (const char *)ustr, sizeof(s));

	if (n == -EFAULT)
		return fmt(out, room, "0x%lx", ustr);
	s[sizeof(s) - 1] = 0;
	return fmt(out, room, "\"%s\"%s", s, n < 0 ? "..." : "");
}

static int put_arg(char *out, size_t room, char kind, uint64_t v)
{
	switch (kind) {
	case 's':
		return put_string(out, room, v);
	case 'd':
		return fmt(out, room, "%d", (int)v);
	case 'f':
		if ((int32_t)v == -100)
			return fmt(out, room, "AT_FDCWD");
		return fmt(out, room, "%d", (int)v);
	case 'u':
		return fmt(out, room, "%lu", v);
	default:
		return fmt(out, room, v ? "0x%lx" : "0", v);
	}
}

static int put_call(char *line, size_t size, uint64_t nr, const uint64_t *a)
{
	const char *args = nr < NCALLS && calls[nr].args ? calls[nr].args : "xxxxxx";
	int n, i;

	if (nr < NCALLS && calls[nr].name)
		n = fmt(line, size, "[%u] %s(", self()->tid, calls[nr].name);
	else
		n = fmt(line, size, "[%u] call_%lu(", self()->tid, nr);
	for (i = 0; args[i] && args[i] != '-'; i++) {
		if (i)
			n += fmt(line + n, size - n, ", ");
		n += put_arg(line + n, size - n, args[i], a[i]);
	}
	return n + fmt(line + n, size - n, ")");
}

/* Calls that do not come back, or change what their arguments point to. */
static bool print_first(uint64_t nr)
{
	return nr == NR_EXECVE || nr == NR_EXECVEAT || nr == NR_EXIT || nr == NR_EXIT_GROUP;
}

void trace_enter(uint64_t nr, const uint64_t *a)
{
	char line[600];
	int n;

	if (!print_first(nr))
		return;
	n = put_call(line, sizeof(line) - 8, nr, a);
	line[n++] = '\n';
	put_line(line, n);
}

void trace_exit(uint64_t nr, const uint64_t *a, int64_t result)
{
	char line[600];
	int n;

	if (print_first(nr) && !result)
		return;
	n = put_call(line, sizeof(line) - 40, nr, a);
	if (result < 0 && result > -512)
		n += fmt(line + n, 40, " = -1 errno %ld\n", -result);
	else if (result <= -512)
		n += fmt(line + n, 40, " = ? interrupted\n");
	else
		n += fmt(line + n, 40, result > 65536 ? " = 0x%lx\n" : " = %ld\n", result);
	put_line(line, n);
}

void trace_signal(int sig, const struct lx_siginfo *info, uint64_t rip)
{
	char line[160];
	int n = fmt(line, sizeof(line), "[%u] --- signal %d code %d value 0x%lx at 0x%lx ---\n",
		    self()->tid, sig, info->code, info->value, rip);

	put_line(line, n);
}

long trace_start(long fd)
{
	struct lx_proc *p = proc();
	struct lx_file *f = fd_file(fd), *old = p->trace_file;

	if (fd >= 0 && !f)
		return -EBADF;
	if (f)
		__atomic_add_fetch(&f->refs, 1, __ATOMIC_ACQ_REL);
	p->trace_file = f;
	p->trace = f || p->trace_log;
	p->calls = p->trace ? lx_no_calls : lx_calls;
	if (old)
		file_put(old);
	return 0;
}
