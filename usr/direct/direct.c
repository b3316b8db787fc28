// SPDX-License-Identifier: MIT
/*
 * What scripts/wherry-cc links into a program: room for the code that stands in for its
 * system calls, and the start that learns from the auxiliary vector where they may go.
 *
 * A call is made with its number in rax, its arguments where `syscall` has them, and in
 * rcx the address behind the `syscall` it replaces.  On Wherry wherry_entry is the
 * personality's entry (compat/linux/entry.S, lx_direct); elsewhere, and until the start
 * below has run, it is wherry_trap, which goes back to that `syscall`.
 */
#include <sys/auxv.h>

#ifndef WHERRY_STUBS
#define WHERRY_STUBS 4096 /* bytes, some 20 a call */
#endif
#define STRING_(x) #x
#define STRING(x) STRING_(x)

#define AT_WHERRY_DIRECT 0x77687279 /* compat/linux/exec.c */

void wherry_trap(void);

void (*wherry_entry)(void) = wherry_trap;

__asm__(".pushsection .text.wherry, \"ax\"\n"
	".globl wherry_trap\n"
	".type wherry_trap, @function\n"
	"wherry_trap:\n"
	"	leaq -2(%rcx), %rcx\n"
	"	jmp *%rcx\n"
	".size wherry_trap, . - wherry_trap\n"
	".globl wherry_stubs\n"
	".type wherry_stubs, @object\n"
	"wherry_stubs:\n"
	"	.fill " STRING(WHERRY_STUBS) ", 1, 0xcc\n"
					     ".size wherry_stubs, . - wherry_stubs\n"
					     ".popsection\n");

__attribute__((constructor(101))) static void learn_entry(void)
{
	unsigned long entry = getauxval(AT_WHERRY_DIRECT);

	if (entry)
		wherry_entry = (void (*)(void))entry;
}
