// SPDX-License-Identifier: MIT
/* Facts about the system, the kernel log, random bytes. */
#include <arch/cpu.h>
#include <kernel/boot.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <kernel/protos.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <lib/string.h>

uint64_t stat_switches, stat_entries, stat_irqs;

BKL_BEGIN

int64_t sys_debug_write(uaddr_t buf, uint32_t len)
{
	char tmp[128];
	uint32_t n, done;
	int err;

	for (done = 0; done < len; done += n) {
		n = len - done < sizeof(tmp) ? len - done : sizeof(tmp);
		err = copy_in(thread_self()->proc->as, tmp, buf + done, n);
		if (err)
			return err;
		klog_bytes(tmp, n);
	}
	return len;
}

static int64_t give(uaddr_t buf, uint32_t room, const void *src, uint64_t len)
{
	int err;

	if (len > room)
		len = room;
	err = copy_out(thread_self()->proc->as, buf, src, len);
	return err ? err : (int64_t)len;
}

static int64_t info_stat(uaddr_t buf, uint32_t len)
{
	struct w_sys_stat s = {
		.pages_total = frames_total,
		.pages_free = frames_free,
		.heap_bytes = heap_bytes,
		.pages_reserve = account_reserve(),
		.objects = obj_count,
		.switches = stat_switches,
		.entries = stat_entries,
		.irqs = stat_irqs,
		.now_ns = clock_ns(),
		.ncpu = ncpus,
		.nready = sched_ready(),
	};
	struct process *p;
	struct list *l;

	list_for_each (l, &processes) {
		p = list_entry(l, struct process, all);
		s.nprocs++;
		s.nthreads += p->nthreads;
	}
	return give(buf, len, &s, sizeof(s));
}

static int64_t info_boot(uaddr_t buf, uint32_t len)
{
	struct w_sys_boot b = {.rsdp = acpi_rsdp,
			       .ecam = acpi_ecam,
			       .ecam_len = acpi_ecam_len,
			       .archive_len = boot_info.archive_len,
			       .entry_tsc = boot_info.entry_tsc};

	memcpy(b.protocol, boot_info.protocol, sizeof(b.protocol));
	return give(buf, len, &b, sizeof(b));
}

static int64_t info_log(uint64_t off, uaddr_t buf, uint32_t len)
{
	char tmp[256];
	size_t n = klog_read(off, tmp, len < sizeof(tmp) ? len : sizeof(tmp));

	return give(buf, len, tmp, n);
}

static int64_t info_cputime(uaddr_t buf, uint32_t len)
{
	uint64_t idle[MAX_CPUS];
	int i;

	for (i = 0; i < ncpus; i++) {
		idle[i] = cpus[i].idle_ns;
		if (cpus[i].idle)
			idle[i] += clock_ns() - cpus[i].idle_since;
	}
	return give(buf, len, idle, ncpus * sizeof(*idle));
}

static int64_t info_idle_tsc(uaddr_t buf, uint32_t len)
{
	uint64_t idle[MAX_CPUS];
	int i;

	for (i = 0; i < ncpus; i++)
		idle[i] = cpus[i].idle_tsc;
	return give(buf, len, idle, ncpus * sizeof(*idle));
}

int64_t sys_sys_info(uint32_t what, uint64_t arg, uaddr_t buf, uint32_t len)
{
	switch (what) {
	case W_SYS_STAT:
		return info_stat(buf, len);
	case W_SYS_CMDLINE:
		return give(buf, len, boot_info.cmdline, strlen(boot_info.cmdline) + 1);
	case W_SYS_LOG:
		return info_log(arg, buf, len);
	case W_SYS_CPUTIME:
		return info_cputime(buf, len);
	case W_SYS_IDLE_TSC:
		return info_idle_tsc(buf, len);
	case W_SYS_BOOT:
		return info_boot(buf, len);
	case W_SYS_CALLS:
		return give(buf, len, syscall_counts, sizeof(syscall_counts));
	default:
		return W_EINVAL;
	}
}

/*
 * Random bytes: ChaCha20 (RFC 8439, 2.3) in counter mode, keyed at boot from RDSEED
 * or RDRAND and the jitter of the clocks, rekeyed from its own output each call.
 */
static uint32_t chacha_key[8];
static uint64_t chacha_counter;

#define ROTL(x, n) ((x) << (n) | (x) >> (32 - (n)))
static inline __attribute__((always_inline)) void quarter(uint32_t *s, int a, int b, int c, int d)
{
	s[a] += s[b];
	s[d] = ROTL(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = ROTL(s[b] ^ s[c], 12);
	s[a] += s[b];
	s[d] = ROTL(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = ROTL(s[b] ^ s[c], 7);
}

static void chacha_block(uint32_t out[16])
{
	static const uint32_t sigma[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
	uint32_t in[16];
	int i;

	memcpy(in, sigma, 16);
	memcpy(in + 4, chacha_key, 32);
	in[12] = chacha_counter;
	in[13] = chacha_counter >> 32;
	in[14] = in[15] = 0;
	chacha_counter++;
	memcpy(out, in, 64);
	for (i = 0; i < 10; i++) {
		quarter(out, 0, 4, 8, 12);
		quarter(out, 1, 5, 9, 13);
		quarter(out, 2, 6, 10, 14);
		quarter(out, 3, 7, 11, 15);
		quarter(out, 0, 5, 10, 15);
		quarter(out, 1, 6, 11, 12);
		quarter(out, 2, 7, 8, 13);
		quarter(out, 3, 4, 9, 14);
	}
	for (i = 0; i < 16; i++)
		out[i] += in[i];
}

/* Fast key erasure: of each block, half becomes the next key, half is given out once. */
#define POOL_BYTES 32
static uint8_t pool[POOL_BYTES];
static uint32_t pool_left;

static void pool_fill(void)
{
	static bool seeded;
	uint32_t block[16];
	uint64_t seed[4];

	if (!seeded) {
		cpu_random_seed(seed);
		memcpy(chacha_key, seed, sizeof(chacha_key));
		seeded = true;
	}
	chacha_block(block);
	memcpy(chacha_key, block, sizeof(chacha_key));
	memcpy(pool, block + 8, POOL_BYTES);
	pool_left = POOL_BYTES;
}

int64_t sys_sys_random(uaddr_t buf, uint32_t len)
{
	uint32_t n, done;
	uint8_t *from;
	int err;

	for (done = 0; done < len; done += n) {
		if (!pool_left)
			pool_fill();
		n = len - done < pool_left ? len - done : pool_left;
		from = pool + POOL_BYTES - pool_left;
		err = copy_out(thread_self()->proc->as, buf + done, from, n);
		if (err)
			return err;
		memset(from, 0, n);
		pool_left -= n;
	}
	return len;
}

BKL_END
