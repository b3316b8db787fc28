/* SPDX-License-Identifier: MIT */
/*
 * Ways in and out.  Offsets into struct cpu and struct w_regs are asserted in
 * cpu.c.  A thread's saved registers are the first thing in struct thread, and
 * the TSS's rsp0 points just behind them: the CPU itself pushes into the frame.
 */
#define CPU_THREAD 8
#define CPU_STACK 16
#define CPU_SCRATCH 24
#define CPU_FRAME_TOP 32
#define CPU_PERS_LO 40
#define CPU_PERS_HI 48
#define CPU_PERS_ENTRY 56
#define CPU_TCB 64
#define TCB_RIP 8
#define R_VEC 120
#define VEC_SYSCALL 0x1000

.macro PUSH_REGS
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
.endm

.macro POP_REGS
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
.endm

.text
.globl syscall_entry
syscall_entry:
	swapgs
	cmpq %gs:CPU_PERS_LO, %rcx
	jb bounce
	cmpq %gs:CPU_PERS_HI, %rcx
	ja bounce
	movq %rsp, %gs:CPU_SCRATCH
	movq %gs:CPU_FRAME_TOP, %rsp
	pushq $0x23
	pushq %gs:CPU_SCRATCH
	pushq %r11
	pushq $0x2b
	pushq %rcx
	pushq $0
	pushq $VEC_SYSCALL
	PUSH_REGS
	movq %gs:CPU_STACK, %rsp
	movq %gs:CPU_THREAD, %rdi
	xorl %ebp, %ebp
	call trap_syscall
	jmp return_user

/*
 * A Linux program's call: tell the personality where it came from and go there.
 * All registers but rcx are as the program left them.
 */
bounce:
	movq %rax, %gs:CPU_SCRATCH
	movq %gs:CPU_TCB, %rax
	movq %rcx, TCB_RIP(%rax)
	movq %gs:CPU_PERS_ENTRY, %rcx
	movq %gs:CPU_SCRATCH, %rax
	swapgs
	sysretq

.globl return_user
return_user:
	movq %gs:CPU_THREAD, %rsp
	cmpq $VEC_SYSCALL, R_VEC(%rsp)
	jne 1f
	POP_REGS
	movq 16(%rsp), %rcx
	movq 32(%rsp), %r11
	movq 40(%rsp), %rsp
	swapgs
	sysretq
1:	POP_REGS
	addq $16, %rsp
	swapgs
	iretq

interrupt:
	testb $3, 24(%rsp)
	jz 1f
	swapgs
	PUSH_REGS
	movq %gs:CPU_STACK, %rsp
	movq %gs:CPU_THREAD, %rdi
	xorl %ebp, %ebp
	cld
	call trap_user
	jmp return_user
1:	PUSH_REGS
	movq %rsp, %rdi
	cld
	call trap_kernel
	POP_REGS
	addq $16, %rsp
	iretq

/* 256 stubs of 16 bytes: vectors 8, 10-14, 17, 21, 29, 30 push an error code. */
.balign 16
.globl interrupt_stubs
interrupt_stubs:
vector = 0
.rept 256
	.balign 16
	.if (vector != 8) && ((vector < 10) || (vector > 14)) && (vector != 17) && (vector != 21) && (vector != 29) && (vector != 30)
	pushq $0
	.endif
	pushq $vector
	jmp interrupt
vector = vector + 1
.endr

.section .note.GNU-stack, "", @progbits
