// SPDX-License-Identifier: MIT
/* sources: lib/elf.c */
#include "fuzz.h"

#include <elf.h>
#include <lib/elf.h>
#include <stdlib.h>
#include <string.h>

/* What elf_parse() accepts must satisfy what loaders rely on. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint64_t top = 0x7fff00000000ull;
	struct elf e;
	int i;

	if (elf_parse(&e, data, size < ELF_HEAD ? size : ELF_HEAD, size, top))
		return 0;
	for (i = 0; i < e.nseg; i++) {
		const struct elf_segment *s = &e.seg[i];

		if (s->file_len > s->mem_len || s->off > size || s->file_len > size - s->off ||
		    s->va > top || s->mem_len > top - s->va ||
		    (i && s->va < s[-1].va + s[-1].mem_len) || ((s->va ^ s->off) & 4095))
			abort();
	}
	if (e.lo > e.hi || e.nseg < 1)
		abort();
	return 0;
}

const uint8_t *fuzz_seed(int n, size_t *size)
{
	static struct {
		Elf64_Ehdr e;
		Elf64_Phdr p[3];
		uint8_t rest[8192];
	} f;

	if (n)
		return NULL;
	memcpy(f.e.e_ident, "\177ELF\2\1\1", 7);
	f.e.e_type = ET_DYN;
	f.e.e_machine = EM_X86_64;
	f.e.e_phoff = sizeof(f.e);
	f.e.e_phentsize = sizeof(f.p[0]);
	f.e.e_phnum = 3;
	f.p[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = 5, .p_filesz = 4096, .p_memsz = 4096};
	f.p[1] = (Elf64_Phdr){.p_type = PT_LOAD,
			      .p_flags = 6,
			      .p_offset = 4096,
			      .p_vaddr = 4096,
			      .p_filesz = 100,
			      .p_memsz = 9000};
	f.p[2] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 300, .p_filesz = 28};
	*size = sizeof(f);
	return (const uint8_t *)&f;
}
