// SPDX-License-Identifier: MIT
/*
 * Local APIC (xAPIC or x2APIC; Intel SDM vol. 3, 11) and I/O APICs (82093AA
 * data sheet).
 */
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/log.h>
#include <wherry/errors.h>
#include <kernel/page.h>

#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define APIC_ID 0x20
#define APIC_EOI 0xb0
#define APIC_SVR 0xf0
#define APIC_ICR 0x300
#define APIC_ICR_HIGH 0x310
#define APIC_LVT_TIMER 0x320
#define APIC_TIMER_INIT 0x380
#define APIC_TIMER_NOW 0x390
#define APIC_TIMER_DIV 0x3e0

static volatile uint32_t *mmio;
static bool x2apic, deadline_mode;
uint64_t apic_mult; /* timer ticks per ns, 32.32 */

static uint32_t reg_read(uint32_t reg)
{
	return x2apic ? (uint32_t)rdmsr(0x800 + (reg >> 4)) : mmio[reg / 4];
}

static void reg_write(uint32_t reg, uint32_t v)
{
	if (x2apic)
		wrmsr(0x800 + (reg >> 4), v);
	else
		mmio[reg / 4] = v;
}

/* The PC's old controllers: the firmware left them delivering IRQ 0 as vector 8,
 * which would look like a double fault.  Move them out of the way and mask. */
static void pic_disable(void)
{
	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	outb(0x21, 0xf8); /* spurious ones: 0xf8.. */
	outb(0xa1, 0xf8);
	outb(0x21, 4);
	outb(0xa1, 2);
	outb(0x21, 1);
	outb(0xa1, 1);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

void apic_init(void)
{
	uint32_t r[4];

	pic_disable();
	cpuid(1, 0, r);
	x2apic = r[2] >> 21 & 1;
	deadline_mode = r[2] >> 24 & 1;
	if (!x2apic)
		mmio = mmu_map_device(rdmsr(MSR_APIC_BASE) & PTE_ADDR, 4096);
	apic_init_cpu();
}

void apic_init_cpu(void)
{
	if (x2apic)
		wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0xc00);
	reg_write(APIC_SVR, 0x100 | VEC_SPURIOUS);
	reg_write(APIC_TIMER_DIV, 0xb); /* by 1 */
	reg_write(APIC_LVT_TIMER, VEC_TIMER | (deadline_mode ? 2 << 17 : 0));
}

uint32_t apic_id(void)
{
	uint32_t r[4];

	if (x2apic)
		return reg_read(APIC_ID);
	if (mmio)
		return reg_read(APIC_ID) >> 24;
	cpuid(1, 0, r);
	return r[1] >> 24;
}

void apic_eoi(void)
{
	reg_write(APIC_EOI, 0);
}

/* Ticks of the timer in tsc_ticks of the time stamp counter: for calibration. */
uint32_t apic_timer_measure(void)
{
	return reg_read(APIC_TIMER_NOW);
}

void apic_timer_start_max(void)
{
	reg_write(APIC_LVT_TIMER, VEC_TIMER | 1 << 16);
	reg_write(APIC_TIMER_INIT, ~0u);
}

void apic_timer_ready(void)
{
	reg_write(APIC_TIMER_INIT, 0);
	reg_write(APIC_LVT_TIMER, VEC_TIMER | (deadline_mode ? 2 << 17 : 0));
}

bool apic_has_deadline(void)
{
	return deadline_mode;
}

void apic_timer_set(uint64_t delta_ns)
{
	uint64_t ticks;

	if (deadline_mode) {
		wrmsr(MSR_TSC_DEADLINE, rdtsc() + ns_to_tsc(delta_ns));
		return;
	}
	if (delta_ns > 1000000000ull)
		delta_ns = 1000000000ull; /* fires early, is programmed again */
	ticks = (unsigned __int128)delta_ns * apic_mult >> 32;
	reg_write(APIC_TIMER_INIT, ticks < 1 ? 1 : ticks > ~0u ? ~0u : ticks);
}

static void icr(uint32_t dest, uint32_t low)
{
	if (x2apic) {
		wrmsr(0x830, (uint64_t)dest << 32 | low);
		return;
	}
	while (reg_read(APIC_ICR) & 1 << 12)
		cpu_pause();
	reg_write(APIC_ICR_HIGH, dest << 24);
	reg_write(APIC_ICR, low);
}

void apic_send_ipi(uint32_t dest, uint8_t vector)
{
	icr(dest, 0x4000 | vector);
}

void apic_send_init_sipi(uint32_t dest, uint8_t page)
{
	icr(dest, 0x4500);
	icr(dest, 0x4600 | page);
}

/* ---- I/O APICs ---- */

#define MAX_IOAPICS 8

static struct ioapic {
	volatile uint32_t *mmio;
	uint32_t base, count;
} ioapics[MAX_IOAPICS];
static int nioapics;

static uint32_t io_read(struct ioapic *a, uint32_t reg)
{
	a->mmio[0] = reg;
	return a->mmio[4];
}

static void io_write(struct ioapic *a, uint32_t reg, uint32_t v)
{
	a->mmio[0] = reg;
	a->mmio[4] = v;
}

void ioapic_add(paddr_t pa, uint32_t base)
{
	struct ioapic *a = &ioapics[nioapics];

	if (nioapics == MAX_IOAPICS)
		return;
	a->mmio = mmu_map_device(pa, 4096);
	a->base = base;
	a->count = (io_read(a, 1) >> 16 & 0xff) + 1;
	nioapics++;
}

static struct ioapic *ioapic_of(uint32_t gsi)
{
	int i;

	for (i = 0; i < nioapics; i++)
		if (gsi >= ioapics[i].base && gsi - ioapics[i].base < ioapics[i].count)
			return &ioapics[i];
	return NULL;
}

int ioapic_bind(uint32_t gsi, uint8_t vector, bool level)
{
	struct irq_override o = acpi_irq_override(gsi);
	struct ioapic *a = ioapic_of(o.gsi);
	uint32_t pin;

	if (!a)
		return W_EINVAL;
	pin = o.gsi - a->base;
	io_write(a, 0x10 + pin * 2 + 1, cpus[0].apic_id << 24);
	io_write(a, 0x10 + pin * 2,
		 vector | (level || o.level ? 1 << 15 : 0) | (o.low ? 1 << 13 : 0));
	return 0;
}

void ioapic_mask(uint32_t gsi, bool mask)
{
	struct irq_override o = acpi_irq_override(gsi);
	struct ioapic *a = ioapic_of(o.gsi);
	uint32_t reg, v;

	if (!a)
		return;
	reg = 0x10 + (o.gsi - a->base) * 2;
	v = io_read(a, reg);
	io_write(a, reg, mask ? v | 1 << 16 : v & ~(1u << 16));
}
