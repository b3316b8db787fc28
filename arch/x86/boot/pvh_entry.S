/* SPDX-License-Identifier: MIT */
/*
 * PVH entry (xen/docs/misc/pvh.pandoc, "CPU state"): 32-bit protected mode,
 * paging off, ebx = physical address of hvm_start_info.  The MBR loader enters
 * here too, with a start_info it built itself.
 *
 * boot_tables map the first 4 GiB at 0, at PHYSMAP and the kernel at
 * KERNEL_VA with 2 MiB pages, until mmu_init() makes the real ones.  The
 * trampoline uses them as well, so they stay.
 */
#include <wherry/config.h>

#define KERNEL_VA 0xffffffff80000000
#define PA(x) ((x) - KERNEL_VA)

.section .note.Xen, "a", @note
	.balign 4
	.long 4
	.long 8
	.long 18	/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad PA(pvh_start)

.section .boot, "ax"
.code32
.globl pvh_start
pvh_start:
	cld
	movl $PA(boot_stack_top), %esp
	movl %ebx, PA(boot_start_info)

	/* page tables: 4 GiB of 2 MiB pages in boot_pd */
	movl $PA(boot_pd), %edi
	movl $0x83, %eax
	xorl %edx, %edx
	movl $2048, %ecx
1:	movl %eax, (%edi)
	movl %edx, 4(%edi)
	addl $0x200000, %eax
	adcl $0, %edx
	addl $8, %edi
	loop 1b
	movl $PA(boot_pd) + 3, %eax
	movl $PA(boot_pdpt), %edi
	movl $4, %ecx
2:	movl %eax, (%edi)
	addl $0x1000, %eax
	addl $8, %edi
	loop 2b
	movl $PA(boot_pd) + 3, PA(boot_pdpt_high) + 510 * 8
	movl $PA(boot_pdpt) + 3, PA(boot_tables)
	movl $PA(boot_pdpt) + 3, PA(boot_tables) + 256 * 8
	movl $PA(boot_pdpt_high) + 3, PA(boot_tables) + 511 * 8

	movl $PA(boot_tables), %eax
	movl %eax, %cr3
	call enable_long_mode
	lgdt PA(boot_gdt_ptr)
	ljmp $8, $PA(start64)

/* PAE, NXE and LME, then paging: Intel SDM vol. 3, 10.8.5. */
enable_long_mode:
	movl %cr4, %eax
	orl $0x620, %eax	/* PAE, OSFXSR, OSXMMEXCPT */
	movl %eax, %cr4
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x901, %eax	/* NXE, LME, SCE */
	wrmsr
	movl $0x80010033, %eax	/* PG, WP, NE, ET, MP, PE */
	movl %eax, %cr0
	ret

.code64
start64:
	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl %eax, %fs
	movl %eax, %gs
	movabsq $high64, %rax
	jmp *%rax

/* ---- application processors: copied to TRAMPOLINE, real mode ---- */
#define TRAMPOLINE 0x8000
.code16
.globl trampoline, trampoline_end
trampoline:
	cli
	cld
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl TRAMPOLINE + (trampoline_gdt_ptr - trampoline)
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $16, $TRAMPOLINE + (1f - trampoline)
.code32
1:	movw $24, %ax
	movw %ax, %ds
	movw %ax, %ss
	movl $PA(boot_tables), %eax
	movl %eax, %cr3
	movl %cr4, %eax
	orl $0x620, %eax
	movl %eax, %cr4
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x901, %eax
	wrmsr
	movl $0x80010033, %eax
	movl %eax, %cr0
	ljmpl $8, $TRAMPOLINE + (2f - trampoline)
.code64
2:	movabsq $ap_high64, %rax
	jmp *%rax
	.balign 4
trampoline_gdt_ptr:
	.word 31
	.long TRAMPOLINE + (trampoline_gdt - trampoline)
	.balign 8
trampoline_gdt:
	.quad 0, 0x00af9b000000ffff, 0x00cf9b000000ffff, 0x00cf93000000ffff
trampoline_end:

	.balign 8
boot_gdt:
	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdt_ptr:
	.word 23
	.long PA(boot_gdt)

.text
high64:
	movabsq $boot_stack_top, %rsp
	xorl %ebp, %ebp
	movl boot_start_info(%rip), %edi
	call pvh_main
	ud2

ap_high64:
	movq ap_stack(%rip), %rsp
	xorl %ebp, %ebp
	call ap_main
	ud2

.section .bss.boot, "aw", @nobits
	.balign 4096
.globl boot_tables
boot_tables:	.skip 4096
boot_pdpt:	.skip 4096
boot_pdpt_high:	.skip 4096
boot_pd:	.skip 4096 * 4
.globl boot_stack_top
	.skip 16384
boot_stack_top:
.globl ap_stack
ap_stack:	.skip 8
boot_start_info: .skip 8

.section .note.GNU-stack, "", @progbits
