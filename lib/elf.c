/* SPDX-License-Identifier: MIT */
/* Numbers: System V ABI, "Object Files" and "Program Loading"; AMD64 psABI. */
#include <lib/elf.h>
#include <lib/string.h>
#include <wherry/abi.h>

struct ehdr {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

enum { ET_EXEC = 2, ET_DYN = 3, EM_X86_64 = 62 };
enum { PT_LOAD = 1, PT_INTERP = 3, PT_PHDR = 6, PT_GNU_STACK = 0x6474e551 };

static int header_check(const struct ehdr *h, size_t len)
{
	static const uint8_t magic[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

	if (memcmp(h->ident, magic, sizeof(magic)) || h->machine != EM_X86_64)
		return W_ENOEXEC;
	if (h->type != ET_EXEC && h->type != ET_DYN)
		return W_ENOEXEC;
	if (h->phentsize != sizeof(struct phdr) || !h->phnum || h->phnum > 64)
		return W_ENOEXEC;
	if (h->phoff > len || h->phoff % 8 || h->phnum * sizeof(struct phdr) > len - h->phoff)
		return W_ENOEXEC;
	return 0;
}

static int add_load(struct elf *e, const struct phdr *p, uint64_t size, uint64_t va_max)
{
	struct elf_segment *s = &e->seg[e->nseg];

	if (!p->memsz)
		return 0;
	if (e->nseg == ELF_SEGMENTS || p->filesz > p->memsz)
		return W_ENOEXEC;
	if (p->offset > size || p->filesz > size - p->offset)
		return W_ENOEXEC;
	if (p->vaddr > va_max || p->memsz > va_max - p->vaddr)
		return W_ENOEXEC;
	if ((p->vaddr ^ p->offset) & (W_PAGE - 1))
		return W_ENOEXEC;
	if (e->nseg && p->vaddr < s[-1].va + s[-1].mem_len)
		return W_ENOEXEC; /* the ABI wants them ascending, without overlap */
	*s = (struct elf_segment){p->vaddr, p->memsz, p->offset, p->filesz, 0};
	s->prot = (p->flags & 4 ? W_PROT_READ : 0) | (p->flags & 2 ? W_PROT_WRITE : 0) |
		  (p->flags & 1 ? W_PROT_EXEC : 0);
	e->nseg++;
	return 0;
}

static int add_segment(struct elf *e, const struct phdr *p, uint64_t size, uint64_t va_max)
{
	switch (p->type) {
	case PT_LOAD:
		return add_load(e, p, size, va_max);
	case PT_INTERP:
		if (p->filesz < 2 || p->filesz > 255 || p->offset > size ||
		    p->filesz > size - p->offset)
			return W_ENOEXEC;
		e->interp_off = p->offset;
		e->interp_len = p->filesz;
		return 0;
	case PT_GNU_STACK:
		e->exec_stack = p->flags & 1;
		return 0;
	default:
		return 0;
	}
}

/* Where the loaded program headers will be: inside the segment that covers them. */
static uint64_t find_phdrs(const struct elf *e, uint64_t phoff)
{
	const struct elf_segment *s;

	for (s = e->seg; s < e->seg + e->nseg; s++)
		if (phoff >= s->off && phoff < s->off + s->file_len)
			return s->va + (phoff - s->off);
	return 0;
}

int elf_parse(struct elf *e, const void *head, size_t len, uint64_t size, uint64_t va_max)
{
	struct ehdr h;
	struct phdr p;
	int i, err;

	memset(e, 0, sizeof(*e));
	if (len < sizeof(h))
		return W_ENOEXEC;
	memcpy(&h, head, sizeof(h));
	err = header_check(&h, len);
	if (err)
		return err;
	for (i = 0; i < h.phnum; i++) {
		memcpy(&p, (const char *)head + h.phoff + i * sizeof(p), sizeof(p));
		err = add_segment(e, &p, size, va_max);
		if (err)
			return err;
	}
	if (!e->nseg || h.entry > va_max)
		return W_ENOEXEC;
	e->pie = h.type == ET_DYN;
	e->entry = h.entry;
	e->lo = e->seg[0].va & ~(W_PAGE - 1);
	e->hi = (e->seg[e->nseg - 1].va + e->seg[e->nseg - 1].mem_len + W_PAGE - 1) & ~(W_PAGE - 1);
	e->phnum = h.phnum;
	e->phentsize = h.phentsize;
	e->phdr_va = find_phdrs(e, h.phoff);
	return 0;
}
