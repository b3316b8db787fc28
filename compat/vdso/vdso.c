// SPDX-License-Identifier: MIT
/*
 * The image that AT_SYSINFO_EHDR names (vdso(7)): C libraries find these functions by
 * their names and read clocks without a call.  The time page is where the personality
 * sees it too; what is not there goes to the system call.
 */
#include <wherry/abi.h>
#include <wherry/proc.h>

struct timespec {
	int64_t sec, nsec;
};

int __vdso_clock_gettime(int id, struct timespec *t);
int __vdso_gettimeofday(int64_t *tv, void *tz);
int64_t __vdso_time(int64_t *t);
int __vdso_getcpu(uint32_t *cpu, uint32_t *node, void *unused);

#define PAGE ((const volatile struct w_timepage *)LX_TIMEPAGE)
#define SECOND 1000000000ull

enum {
	CLOCK_REALTIME,
	CLOCK_MONOTONIC,
	CLOCK_MONOTONIC_RAW = 4,
	CLOCK_REALTIME_COARSE,
	CLOCK_MONOTONIC_COARSE,
	CLOCK_BOOTTIME,
	SYS_clock_gettime = 228
};

static uint64_t now(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return PAGE->base_ns +
	       ((unsigned __int128)(((uint64_t)hi << 32 | lo) - PAGE->base_tsc) * PAGE->mult >> 32);
}

static long call(long nr, long a, long b)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return ret;
}

int __vdso_clock_gettime(int id, struct timespec *t)
{
	uint64_t ns;

	switch (id) {
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		ns = now();
		break;
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		ns = now() + PAGE->wall_ns;
		break;
	default:
		return call(SYS_clock_gettime, id, (long)t);
	}
	t->sec = ns / SECOND;
	t->nsec = ns % SECOND;
	return 0;
}

int __vdso_gettimeofday(int64_t *tv, void *tz)
{
	uint64_t ns = now() + PAGE->wall_ns;

	if (tv) {
		tv[0] = ns / SECOND;
		tv[1] = ns % SECOND / 1000;
	}
	if (tz)
		*(uint64_t *)tz = 0;
	return 0;
}

int64_t __vdso_time(int64_t *t)
{
	int64_t s = (now() + PAGE->wall_ns) / SECOND;

	if (t)
		*t = s;
	return s;
}

int __vdso_getcpu(uint32_t *cpu, uint32_t *node, void *unused)
{
	(void)unused;
	if (cpu)
		*cpu = w_cpu();
	if (node)
		*node = 0;
	return 0;
}
