// SPDX-License-Identifier: MIT
/*
 * The monotonic clock is the time stamp counter.  Its rate comes from, in this
 * order: kvmclock's page, CPUID leaf 0x15, the hypervisor's timing leaf
 * (0x40000010), the PIT.  ns = base_ns + ((tsc - base_tsc) * mult >> 32).
 */
#include <arch/apic.h>
#include <arch/calibrate.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <lib/string.h>

#define MSR_KVM_WALL_CLOCK 0x4b564d00
#define MSR_KVM_SYSTEM_TIME 0x4b564d01

static struct w_timepage *page;
static paddr_t page_pa;
static uint64_t base_tsc, mult, hz;
static uint64_t tsc_mult; /* tsc per ns, 36.28 */

uint64_t clock_ns(void)
{
	return (unsigned __int128)(rdtsc() - base_tsc) * mult >> 32;
}

uint64_t ns_to_tsc(uint64_t ns)
{
	return (unsigned __int128)ns * tsc_mult >> 28;
}

/* kvmclock (Linux Documentation/virt/kvm/x86/msr.rst): only its rate is used. */
struct kvm_time {
	uint32_t version, pad;
	uint64_t tsc, system_time;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad2[2];
};

static uint64_t hz_from_kvm(void)
{
	static struct kvm_time t __attribute__((aligned(64)));
	uint32_t r[4];
	uint64_t v;

	cpuid(0x40000000, 0, r);
	if (r[1] != 0x4b4d564b)
		return 0;
	cpuid(0x40000001, 0, r);
	if (!(r[0] >> 3 & 1))
		return 0;
	wrmsr(MSR_KVM_SYSTEM_TIME, ((uint64_t)&t - KERNEL_VA) | 1);
	if (!t.mul)
		return 0;
	v = (1000000000ull << 32) / t.mul;
	wrmsr(MSR_KVM_SYSTEM_TIME, 0);
	return t.shift < 0 ? v << -t.shift : v >> t.shift;
}

static uint64_t hz_from_cpuid(void)
{
	uint32_t r[4];

	cpuid(0, 0, r);
	if (r[0] >= 0x15) {
		cpuid(0x15, 0, r);
		if (r[0] && r[1] && r[2])
			return (uint64_t)r[2] * r[1] / r[0];
	}
	cpuid(1, 0, r);
	if (!(r[2] >> 31 & 1))
		return 0;
	cpuid(0x40000000, 0, r);
	if (r[0] < 0x40000010)
		return 0;
	cpuid(0x40000010, 0, r);
	return (uint64_t)r[0] * 1000;
}

static uint16_t pit_read(void)
{
	uint8_t lo;

	outb(0x43, 0x80); /* latch channel 2 */
	lo = inb(0x42);
	return lo | inb(0x42) << 8;
}

static struct calibrate_reading read_clocks(void)
{
	struct calibrate_reading r;

	r.tsc = rdtsc();
	r.pit = pit_read();
	r.apic = apic_timer_measure();
	r.took = rdtsc() - r.tsc;
	return r;
}

/* Channel 2 counts down from 0xffff once its gate opens. */
static void calibrate_pit(uint64_t *tsc_hz, uint64_t *apic_hz)
{
	outb(0x61, (inb(0x61) & ~2) | 1);
	outb(0x43, 0xb0);
	outb(0x42, 0xff);
	outb(0x42, 0xff);
	apic_timer_start_max();
	if (!calibrate(read_clocks, tsc_hz, apic_hz)) /* what emulators without a PIT use */
		*tsc_hz = *apic_hz = 1000000000;
	apic_timer_ready();
}

/* ---- the time of day, once, from the CMOS clock (MC146818A) ---- */

static uint8_t cmos(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static unsigned int from_bcd(unsigned int v, bool bcd)
{
	return bcd ? (v >> 4) * 10 + (v & 15) : v;
}

static uint64_t wall_seconds(void)
{
	bool bcd = !(cmos(0x0b) & 4);
	int spins;
	int64_t y, m, d, days;

	for (spins = 0; cmos(0x0a) & 0x80 && spins < 10000; spins++)
		cpu_pause();
	y = from_bcd(cmos(9), bcd) + 2000;
	m = from_bcd(cmos(8), bcd);
	d = from_bcd(cmos(7), bcd);
	if (m < 1 || m > 12 || d < 1 || d > 31)
		return 0;
	y -= m <= 2; /* days from civil: count years from March */
	days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d -
	       1 - 719468;
	return days * 86400 + from_bcd(cmos(4) & 0x7f, bcd) * 3600 + from_bcd(cmos(2), bcd) * 60 +
	       from_bcd(cmos(0), bcd);
}

NO_LOCK_CHECK void clock_init(void)
{
	uint64_t apic_hz = 0, pit_hz;

	hz = hz_from_kvm();
	if (!hz)
		hz = hz_from_cpuid();
	if (!hz || !apic_has_deadline()) {
		calibrate_pit(&pit_hz, &apic_hz);
		if (!hz)
			hz = pit_hz;
	}
	if (apic_hz)
		apic_mult = (apic_hz << 32) / 1000000000u;
	mult = (1000000000ull << 32) / hz;
	tsc_mult = (hz << 28) / 1000000000u;
	base_tsc = rdtsc();
	page_pa = frame_alloc_zero();
	page = phys_to_virt(page_pa);
	*page = (struct w_timepage){.base_tsc = base_tsc,
				    .mult = mult,
				    .wall_ns = wall_seconds() * 1000000000ull,
				    .tsc_hz = hz};
}

BKL_BEGIN
void clock_set_wall(uint64_t ns)
{
	struct w_timepage *page = phys_to_virt(page_pa);

	/* one store: readers see the old offset or the new one */
	__atomic_store_n(&page->wall_ns, ns - clock_ns(), __ATOMIC_RELEASE);
}

paddr_t clock_page(void)
{
	return page_pa;
}
BKL_END
