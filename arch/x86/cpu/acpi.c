// SPDX-License-Identifier: MIT
/*
 * The few ACPI tables that a kernel without an interpreter needs (ACPI 6.5):
 * MADT (CPUs, I/O APICs, overrides), MCFG (PCI configuration space), FADT (how
 * to switch off).  Without tables, one CPU and the PC's traditional addresses.
 */
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/boot.h>
#include <kernel/log.h>
#include <lib/fmt.h>
#include <lib/string.h>

struct sdt {
	char sig[4];
	uint32_t len;
	uint8_t rev, sum;
	char oem[6], table[8];
	uint32_t oem_rev, creator, creator_rev;
} __attribute__((packed));

uint64_t acpi_ecam, acpi_ecam_len, acpi_rsdp;
static struct irq_override overrides[16];
static uint16_t pm1a_cnt, sleep_reg;
static uint64_t sleep_mmio;

static const uint8_t *map(uint64_t pa, uint64_t len)
{
	return mmu_is_ram(pa, len) || pa + len < 1ull << 32 ? mmu_reach(pa, len) : NULL;
}

static uint32_t u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static uint64_t u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

static void madt_cpu(uint32_t id, uint32_t flags)
{
	int i;

	if (!(flags & 3) || id == cpus[0].apic_id)
		return;
	for (i = 1; i < MAX_CPUS && cpus[i].self; i++)
		;
	if (i == MAX_CPUS)
		return;
	cpus[i].self = &cpus[i];
	cpus[i].apic_id = id;
}

static void madt_override(const uint8_t *p)
{
	uint16_t flags = p[8] | p[9] << 8;

	if (p[3] < 16)
		overrides[p[3]] =
			(struct irq_override){u32(p + 4), (flags >> 2 & 3) == 3, (flags & 3) == 3};
}

static void parse_madt(const uint8_t *t, uint32_t len)
{
	uint32_t at;

	for (at = 44; at + 2 <= len && t[at + 1] >= 2 && at + t[at + 1] <= len; at += t[at + 1]) {
		const uint8_t *p = t + at;

		if (p[0] == 0 && p[1] >= 8)
			madt_cpu(p[3], u32(p + 4));
		else if (p[0] == 1 && p[1] >= 12)
			ioapic_add(u32(p + 4), u32(p + 8));
		else if (p[0] == 2 && p[1] >= 10)
			madt_override(p);
		else if (p[0] == 9 && p[1] >= 16)
			madt_cpu(u32(p + 4), u32(p + 8));
	}
}

static void parse_mcfg(const uint8_t *t, uint32_t len)
{
	if (len < 60)
		return;
	acpi_ecam = u64(t + 44);
	acpi_ecam_len = (t[55] - t[54] + 1ull) << 20;
}

/*
 * Machines without PCI (QEMU microvm) describe virtio-mmio devices in the DSDT.
 * What an interpreter would find there is a device with _HID LNRO0005 whose _CRS
 * holds a Memory32Fixed (0x86) and an Extended Interrupt descriptor (0x89; ACPI
 * 6.5, 6.4.3).  They are looked for as bytes, and become the words on the command
 * line that Linux uses for the same purpose.
 */
static const uint8_t *find_descriptor(const uint8_t *p, const uint8_t *end, uint8_t tag,
				      uint8_t len)
{
	for (; p + 3 + len <= end; p++)
		if (p[0] == tag && p[1] == len && !p[2])
			return p;
	return NULL;
}

static void parse_dsdt(uint64_t pa)
{
	const uint8_t *t = map(pa, sizeof(struct sdt)), *p, *end, *mem, *irq;
	char *line = boot_info.cmdline;
	size_t n;

	if (!t || memcmp(t, "DSDT", 4) || strstr(line, "virtio_mmio.device="))
		return;
	n = u32(t + 4);
	t = n >= sizeof(struct sdt) && n < 1 << 20 ? map(pa, n) : NULL;
	if (!t)
		return;
	for (p = t, end = t + n; p + 8 <= end; p++) {
		if (*p != 'L' || memcmp(p, "LNRO0005", 8))
			continue;
		mem = find_descriptor(p, p + 128 < end ? p + 128 : end, 0x86, 9);
		irq = find_descriptor(p, p + 128 < end ? p + 128 : end, 0x89, 6);
		n = strlen(line);
		if (mem && irq)
			fmt(line + n, sizeof(boot_info.cmdline) - n,
			    " virtio_mmio.device=%u@0x%x:%u", u32(mem + 8), u32(mem + 4),
			    u32(irq + 5));
	}
}

static void parse_fadt(const uint8_t *t, uint32_t len)
{
	if (len >= 68) {
		pm1a_cnt = u32(t + 64);
		parse_dsdt(len >= 148 && u64(t + 140) ? u64(t + 140) : u32(t + 40));
	}
	if (len < 268 || !(u32(t + 112) >> 20 & 1)) /* hardware-reduced: sleep register */
		return;
	if (t[244] == 1)
		sleep_reg = u64(t + 248);
	else if (t[244] == 0)
		sleep_mmio = u64(t + 248);
}

static void parse_table(uint64_t pa)
{
	const uint8_t *t = map(pa, sizeof(struct sdt));
	uint32_t len;

	if (!t)
		return;
	len = u32(t + 4);
	if (len < sizeof(struct sdt) || len > 1 << 20)
		return;
	t = map(pa, len);
	if (!t)
		return;
	if (!memcmp(t, "APIC", 4))
		parse_madt(t, len);
	else if (!memcmp(t, "MCFG", 4))
		parse_mcfg(t, len);
	else if (!memcmp(t, "FACP", 4))
		parse_fadt(t, len);
}

static uint64_t find_rsdp(void)
{
	const char *p;
	uint64_t pa;

	if (boot_info.rsdp)
		return boot_info.rsdp;
	for (pa = 0xe0000; pa < 0x100000; pa += 16) {
		p = phys_to_virt(pa);
		if (!memcmp(p, "RSD PTR ", 8))
			return pa;
	}
	return 0;
}

static void parse_root(uint64_t pa, int width)
{
	const uint8_t *t = map(pa, sizeof(struct sdt));
	uint32_t len, at;

	len = t ? u32(t + 4) : 0;
	if (len < sizeof(struct sdt) || len > 1 << 16)
		return;
	t = map(pa, len);
	for (at = sizeof(struct sdt); t && at + width <= len; at += width)
		parse_table(width == 8 ? u64(t + at) : u32(t + at));
}

void acpi_init(void)
{
	const uint8_t *r;
	uint32_t i;

	for (i = 0; i < 16; i++)
		overrides[i] = (struct irq_override){i, false, false};
	acpi_rsdp = find_rsdp();
	r = acpi_rsdp ? map(acpi_rsdp, 36) : NULL;
	if (!r) {
		ioapic_add(0xfec00000, 0);
		return;
	}
	if (r[15] >= 2 && u64(r + 24))
		parse_root(u64(r + 24), 8);
	else
		parse_root(u32(r + 16), 4);
}

struct irq_override acpi_irq_override(uint32_t irq)
{
	return irq < 16 ? overrides[irq] : (struct irq_override){irq, false, false};
}

void acpi_power_off(void)
{
	/* S5 on hardware-reduced machines (QEMU microvm): SLP_TYP 5, SLP_EN */
	if (sleep_reg)
		outb(sleep_reg, 5 << 2 | 1 << 5);
	if (sleep_mmio)
		*(volatile uint8_t *)mmu_map_device(sleep_mmio, 1) = 5 << 2 | 1 << 5;
	if (pm1a_cnt)
		outw(pm1a_cnt, 1 << 13);
}
