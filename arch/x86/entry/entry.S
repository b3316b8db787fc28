/* SPDX-License-Identifier: MIT */
/*
 * Ways in and out.  Offsets into struct cpu and struct w_regs are asserted in
 * cpu.c.  A thread's saved registers are the first thing in struct thread, and
 * the TSS's rsp0 points just behind them: the CPU itself pushes into the frame.
 */
#define CPU_THREAD 8
#define CPU_STACK 16
#define CPU_SCRATCH 24
#define CPU_PERS_LO 32
#define CPU_PERS_HI 40
#define CPU_PERS_ENTRY 48
#define CPU_TCB 56
#define TCB_RIP 8
/* struct w_regs */
#define R_R15 0
#define R_R14 8
#define R_R13 16
#define R_R12 24
#define R_RBP 32
#define R_RBX 40
#define R_R11 48
#define R_R10 56
#define R_R9 64
#define R_R8 72
#define R_RAX 80
#define R_RCX 88
#define R_RDX 96
#define R_RSI 104
#define R_RDI 112
#define R_VEC 120
#define R_RIP 136
#define R_RFLAGS 152
#define R_RSP 160
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

/*
 * Most calls go straight back to who made them.  So the registers that C code preserves are
 * left where they are, and go into the frame only when something else is to happen (rbp is
 * saved, since a zero there ends backtraces).  The frame's selectors are always the same.
 */
.text
.globl syscall_entry
syscall_entry:
	swapgs
	cmpq %gs:CPU_PERS_LO, %rcx
	jb bounce
	cmpq %gs:CPU_PERS_HI, %rcx
	ja bounce
	movq %rsp, %gs:CPU_SCRATCH
	movq %gs:CPU_THREAD, %rsp
	movq %rdi, R_RDI(%rsp)
	movq %rsi, R_RSI(%rsp)
	movq %rdx, R_RDX(%rsp)
	movq %rax, R_RAX(%rsp)
	movq %r8, R_R8(%rsp)
	movq %r9, R_R9(%rsp)
	movq %r10, R_R10(%rsp)
	movq %rbp, R_RBP(%rsp)
	movq %rcx, R_RIP(%rsp)
	movq %r11, R_RFLAGS(%rsp)
	movq $VEC_SYSCALL, R_VEC(%rsp)
	movq %gs:CPU_SCRATCH, %rax
	movq %rax, R_RSP(%rsp)
	movq %rsp, %rdi
	movq %gs:CPU_STACK, %rsp
	xorl %ebp, %ebp
	call trap_syscall
	testb %al, %al
	jz 1f
	movq %gs:CPU_THREAD, %rsp
	movq R_RDI(%rsp), %rdi
	movq R_RSI(%rsp), %rsi
	movq R_RDX(%rsp), %rdx
	movq R_RAX(%rsp), %rax
	movq R_R8(%rsp), %r8
	movq R_R9(%rsp), %r9
	movq R_R10(%rsp), %r10
	movq R_RBP(%rsp), %rbp
	movq R_RIP(%rsp), %rcx
	movq R_RFLAGS(%rsp), %r11
	movq R_RSP(%rsp), %rsp
	swapgs
	sysretq
1:	movq %gs:CPU_THREAD, %rax
	testq %rax, %rax
	jz 2f /* it has ended */
	movq %rbx, R_RBX(%rax)
	movq %r12, R_R12(%rax)
	movq %r13, R_R13(%rax)
	movq %r14, R_R14(%rax)
	movq %r15, R_R15(%rax)
	movq R_RIP(%rax), %rcx
	movq %rcx, R_RCX(%rax)
	movq R_RFLAGS(%rax), %rcx
	movq %rcx, R_R11(%rax)
2:	call trap_syscall_leave
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
