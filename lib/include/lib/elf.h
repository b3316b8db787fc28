/* SPDX-License-Identifier: MIT */
/*
 * ELF64 executables for x86-64, read out of untrusted bytes.
 *
 * elf_parse() checks everything that a loader relies on: sizes, alignment,
 * order, overlap, address range, W^X.  After it succeeded the segments can be
 * mapped without further checks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS 16
#define ELF_HEAD 4096 /* bytes of the file's head that elf_parse() may look at */

struct elf_segment {
	uint64_t va, mem_len; /* va as in the file; add the bias for PIE */
	uint64_t off, file_len;
	uint32_t prot; /* W_PROT_* */
};

struct elf {
	struct elf_segment seg[ELF_SEGMENTS];
	int nseg;
	bool pie; /* ET_DYN: may be placed anywhere */
	uint64_t entry;
	uint64_t lo, hi;  /* page-aligned extent of all segments */
	uint64_t phdr_va; /* address of the program headers, 0: not loaded */
	uint32_t phnum, phentsize;
	uint64_t interp_off; /* PT_INTERP string, len 0: none */
	uint64_t interp_len;
	bool exec_stack;
};

/* Returns 0 or W_ENOEXEC; head holds the first len bytes of a file of size bytes. */
int elf_parse(struct elf *e, const void *head, size_t len, uint64_t size, uint64_t va_max);
