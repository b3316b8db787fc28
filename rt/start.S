/* SPDX-License-Identifier: MIT */
.globl _start
_start:
	xorl %ebp, %ebp
	andq $-16, %rsp
	call rt_start
	ud2
.globl fiber_switch
/* fiber_switch(uint64_t *save_rsp, uint64_t new_rsp): callee-saved registers only */
fiber_switch:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret
.section .note.GNU-stack, "", @progbits
