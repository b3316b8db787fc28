/* SPDX-License-Identifier: MIT */
/*
 * What every boot protocol fills in (design D10).  Addresses are physical and
 * stay valid until frames_init() has reserved them.
 */
#pragma once

#include <stdint.h>

#define BOOT_RAM_MAX 64

struct boot_range {
	uint64_t start, end;
};

struct boot_info {
	char protocol[16];
	char cmdline[512];
	struct boot_range ram[BOOT_RAM_MAX]; /* usable memory */
	int nram;
	uint64_t archive, archive_len; /* the boot archive, 0: none */
	uint64_t entry_tsc;	       /* time stamp counter at entry */
	uint64_t rsdp;		       /* ACPI root, 0: search for it */
};

extern struct boot_info boot_info;
void kernel_main(void) __attribute__((noreturn));
