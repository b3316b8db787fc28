// SPDX-License-Identifier: MIT
/* sources: lib/elf.c */
#include "unit.h"

#include <elf.h>
#include <lib/elf.h>
#include <wherry/abi.h>

static struct {
	Elf64_Ehdr e;
	Elf64_Phdr p[3];
} f;

static void good(void)
{
	memset(&f, 0, sizeof(f));
	memcpy(f.e.e_ident, "\177ELF\2\1\1", 7);
	f.e.e_type = ET_EXEC;
	f.e.e_machine = EM_X86_64;
	f.e.e_phoff = sizeof(f.e);
	f.e.e_phentsize = sizeof(f.p[0]);
	f.e.e_phnum = 2;
	f.e.e_entry = 0x401000;
	f.p[0] = (Elf64_Phdr){.p_type = PT_LOAD,
			      .p_flags = PF_R | PF_X,
			      .p_offset = 0,
			      .p_vaddr = 0x400000,
			      .p_filesz = 0x2000,
			      .p_memsz = 0x2000};
	f.p[1] = (Elf64_Phdr){.p_type = PT_LOAD,
			      .p_flags = PF_R | PF_W,
			      .p_offset = 0x2000,
			      .p_vaddr = 0x402000,
			      .p_filesz = 0x10,
			      .p_memsz = 0x3000};
}

static int parse(struct elf *e)
{
	return elf_parse(e, &f, sizeof(f), 0x3000, 0x7fff00000000ull);
}

static void accepts_a_good_one(void **s)
{
	struct elf e;

	(void)s;
	good();
	assert_int_equal(parse(&e), 0);
	assert_int_equal(e.nseg, 2);
	assert_int_equal(e.hi, 0x405000);
	assert_int_equal(e.phdr_va, 0x400040);
	assert_int_equal(e.seg[1].prot, W_PROT_READ | W_PROT_WRITE);
}

#define REFUSES(change)                                  \
	do {                                             \
		struct elf e_;                           \
		good();                                  \
		change;                                  \
		assert_int_equal(parse(&e_), W_ENOEXEC); \
	} while (0)

static void refuses_what_a_loader_could_trip_over(void **s)
{
	(void)s;
	REFUSES(f.e.e_ident[0] = 0);
	REFUSES(f.e.e_machine = EM_386);
	REFUSES(f.e.e_type = ET_REL);
	REFUSES(f.e.e_phoff = ~0ull - 7);
	REFUSES(f.e.e_phoff = 1);
	REFUSES(f.e.e_phnum = 0);
	REFUSES(f.e.e_phnum = 60);
	REFUSES(f.e.e_phentsize = 8);
	REFUSES(f.p[0].p_filesz = 0x3000); /* more file than memory */
	REFUSES(f.p[0].p_offset = ~0ull - 0xfff);
	REFUSES(f.p[1].p_offset = 0x2ff8);  /* past the end */
	REFUSES(f.p[1].p_vaddr = 0x402008); /* not congruent */
	REFUSES(f.p[1].p_vaddr = 0x401000); /* overlap */
	REFUSES(f.p[1].p_memsz = ~0ull);
	REFUSES(f.p[1].p_vaddr = 0x7ffffffff000ull);
	REFUSES(f.e.e_entry = ~0ull);
	REFUSES(f.p[0].p_type = f.p[1].p_type = PT_NULL);
}

static void interp_must_be_inside(void **s)
{
	struct elf e;

	(void)s;
	good();
	f.e.e_phnum = 3;
	f.p[2] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x100, .p_filesz = 28};
	assert_int_equal(parse(&e), 0);
	assert_int_equal(e.interp_len, 28);
	f.p[2].p_filesz = 1000;
	assert_int_equal(parse(&e), W_ENOEXEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_a_good_one),
		cmocka_unit_test(refuses_what_a_loader_could_trip_over),
		cmocka_unit_test(interp_must_be_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
