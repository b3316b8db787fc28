// SPDX-License-Identifier: MIT
/*
 * hvm_start_info (xen/include/public/arch-x86/hvm/start_info.h, versions 0 and
 * 1) to struct boot_info.  The VMM is trusted, but truncation is not an excuse to
 * crash: everything is bounded.
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/boot.h>
#include <kernel/log.h>
#include <lib/fmt.h>
#include <lib/string.h>

#define PVH_MAGIC 0x336ec578u
#define E820_RAM 1

struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist, cmdline, rsdp, memmap;
	uint32_t memmap_entries, pad;
};

struct module {
	uint64_t paddr, size, cmdline, pad;
};

struct memmap_entry {
	uint64_t addr, size;
	uint32_t type, pad;
};

struct boot_info boot_info;

static void add_ram(uint64_t start, uint64_t end)
{
	struct boot_info *b = &boot_info;

	if (start >= end || b->nram == BOOT_RAM_MAX)
		return;
	b->ram[b->nram++] = (struct boot_range){start, end};
}

static void fill(const struct start_info *si)
{
	const struct memmap_entry *e = phys_to_virt(si->memmap);
	const struct module *m = phys_to_virt(si->modlist);
	uint32_t i;

	strlcpy(boot_info.protocol, si->flags & 0x80000000u ? "mbr" : "pvh",
		sizeof(boot_info.protocol));
	fmt(boot_info.cmdline, sizeof(boot_info.cmdline), "%s%s%s", CONFIG_CMDLINE,
	    *CONFIG_CMDLINE ? " " : "", si->cmdline ? (const char *)phys_to_virt(si->cmdline) : "");
	boot_info.rsdp = si->rsdp;
	if (si->nr_modules) {
		boot_info.archive = m->paddr;
		boot_info.archive_len = m->size;
	}
	for (i = 0; si->version >= 1 && i < si->memmap_entries; i++)
		if (e[i].type == E820_RAM)
			add_ram(e[i].addr, e[i].addr + e[i].size);
}

void pvh_main(uint32_t pa) __attribute__((noreturn));
void pvh_main(uint32_t pa)
{
	const struct start_info *si = phys_to_virt(pa);

	cpu_init_early(&cpus[0]);
	boot_info.entry_tsc = rdtsc();
	if (si->magic != PVH_MAGIC)
		panic("boot_protocol", "no start_info at %x: boot with -kernel or from the disk",
		      pa);
	fill(si);
	if (!boot_info.nram)
		panic("boot_memory_map", "the loader gave no memory map");
	kernel_main();
}
