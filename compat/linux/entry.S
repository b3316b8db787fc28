/* SPDX-License-Identifier: MIT */
/*
 * The personality's ways in and out.  %gs: is the thread block (struct w_tcb), the
 * frame is a struct w_regs right below the personality stack's top.
 *
 * The code between exit_lo and exit_hi is restartable: a kick that lands in it
 * makes the kernel go back to exit_lo, so a signal that arrives while the
 * registers are being restored is still delivered before the program runs on.
 */
#define TCB_RIP 0x08
#define TCB_KICKED 0x10
#define TCB_FIXUP 0x18
#define TCB_STACK 0x20
#define TCB_RSP 0x28
#define FRAME 176
#define R_RBP 32
#define R_RBX 40
#define R_RCX 88
#define R_VEC 120
#define R_RIP 136
#define R_RFLAGS 152
#define R_RSP 160
#define VEC_SYSCALL 0x1000
#define VEC_LIGHT 0x1001
#define ORIG_RAX 0xf0	/* struct lx_thread */
#define CALLS 64	/* struct lx_proc */
#define LX_CALLS 512
#define LIGHT 80	/* sizeof(struct lx_light_frame) */
#define LX_MAGIC 0x796c616e6f737265

.section .header, "a"
	.quad LX_MAGIC
	.quad lx_start_entry
	.quad lx_entry
	.quad lx_upcall
	.quad exit_lo
	.quad exit_hi
	.quad 0

/* All of a frame but rcx, rip, rflags and rsp. */
.macro LOAD_REGS
	movq 0(%rsp), %r15
	movq 8(%rsp), %r14
	movq 16(%rsp), %r13
	movq 24(%rsp), %r12
	movq 32(%rsp), %rbp
	movq 40(%rsp), %rbx
	movq 48(%rsp), %r11
	movq 56(%rsp), %r10
	movq 64(%rsp), %r9
	movq 72(%rsp), %r8
	movq 80(%rsp), %rax
	movq 96(%rsp), %rdx
	movq 104(%rsp), %rsi
	movq 112(%rsp), %rdi
.endm

/* The call's handler in rcx, or away to full. */
.macro HANDLER full
	cmpq $LX_CALLS, %rax
	jae \full
	movq lx_process+CALLS(%rip), %rcx
	movq (%rcx,%rax,8), %rcx
	testq %rcx, %rcx
	jz \full
.endm

/* The rest of a struct lx_light_frame, after its rflags and rip. */
.macro PUSH_LIGHT
	pushq %r9
	pushq %r8
	pushq %r10
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %rax
	movq %rax, %gs:ORIG_RAX
.endm

/* After ss, rsp and rflags have been pushed: the rest, the call, the way out. */
.macro ENTER_C rip
	pushq $0x2b
	pushq \rip
	pushq $0
	pushq $VEC_SYSCALL
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
	cld
	movq %rsp, %rdi
	call lx_syscall
	jmp exit_lo
.endm

/*
 * A program's call.  Most look at nothing but their arguments: what C code preserves stays
 * where it is, and the rest is kept as a struct lx_light_frame, below an empty frame that is
 * filled (lx_fill_frame) when a signal or a restart wants all registers.  Calls that want
 * them themselves, missing ones and those of traced processes are not in the table.
 */
.text
lx_entry:
	HANDLER lx_entry_full
	movq %rsp, %gs:TCB_RSP
	movq %gs:TCB_STACK, %rsp
	movq $VEC_LIGHT, R_VEC-FRAME(%rsp)
	leaq -FRAME-8(%rsp), %rsp
	pushq %r11
	pushq %gs:TCB_RIP
	PUSH_LIGHT
	cld
light_call:
	leaq 8(%rsp), %rdi
	call *%rcx
	movq %rax, (%rsp)
	cmpq $-512, %rax
	jg exit_lo
	movq $1, %gs:TCB_KICKED /* the call starts again, or looks for signals */
	jmp exit_lo

lx_entry_full:
	movq %rsp, %gs:TCB_RSP
	movq %gs:TCB_STACK, %rsp
	pushq $0x23
	pushq %gs:TCB_RSP
	pushq %r11
	ENTER_C %gs:TCB_RIP

lx_direct_full:
	movq %r11, %rcx
	movq %rsp, %gs:TCB_RSP
	movq %gs:TCB_STACK, %rsp
	pushq $0x23
	pushq %gs:TCB_RSP
	pushfq
	ENTER_C %rcx

/*
 * A call without a trap (scripts/wherry-cc): as if by `syscall`, with the address to
 * return to in rcx.  The two bytes before that address are a `syscall`, for calls that
 * start again.
 */
.globl lx_direct
lx_direct:
	movq %rcx, %r11
	HANDLER lx_direct_full
	movq %rsp, %gs:TCB_RSP
	movq %gs:TCB_STACK, %rsp
	movq $VEC_LIGHT, R_VEC-FRAME(%rsp)
	leaq -FRAME-8(%rsp), %rsp
	pushfq
	pushq %r11
	PUSH_LIGHT
	jmp light_call

.globl exit_lo
exit_lo:
	movq %gs:TCB_STACK, %rsp
	leaq -FRAME(%rsp), %rsp
	cmpq $0, %gs:TCB_KICKED
	jne slow
	cmpq $VEC_SYSCALL, R_VEC(%rsp)
	ja light
	jb full
	pushq R_RFLAGS(%rsp)
	popfq
	LOAD_REGS
	movq R_RIP(%rsp), %rcx
	movq R_RSP(%rsp), %rsp
	jmp *%rcx
/*
 * All registers.  iretq would do, but QEMU's TCG makes its stack reads with
 * supervisor rights, which SMAP forbids; so the address to go on at is put below
 * the program's red zone and `ret $128` steps over both.
 */
full:
	movq R_RSP(%rsp), %rax
	movq R_RIP(%rsp), %rcx
	movq %rcx, -136(%rax)
	pushq R_RFLAGS(%rsp)
	popfq
	LOAD_REGS
	movq R_RCX(%rsp), %rcx
	movq R_RSP(%rsp), %rsp
	leaq -136(%rsp), %rsp
	ret $128
light:
	movq -16(%rsp), %r11
	movq -24(%rsp), %rcx
	movq -32(%rsp), %r9
	movq -40(%rsp), %r8
	movq -48(%rsp), %r10
	movq -56(%rsp), %rdx
	movq -64(%rsp), %rsi
	movq -72(%rsp), %rdi
	movq -LIGHT(%rsp), %rax
	pushq %r11
	popfq
	movq %gs:TCB_RSP, %rsp
	jmp *%rcx
.globl exit_hi
exit_hi:
slow_light:
	movq %r15, 0(%rsp)
	movq %r14, 8(%rsp)
	movq %r13, 16(%rsp)
	movq %r12, 24(%rsp)
	movq %rbp, R_RBP(%rsp)
	movq %rbx, R_RBX(%rsp)
	movq %rsp, %rdi
	leaq -LIGHT(%rsp), %rsp
	call lx_fill_frame
	leaq LIGHT(%rsp), %rsp
slow:
	cmpq $VEC_LIGHT, R_VEC(%rsp)
	je slow_light
	movq %rsp, %rdi
	call lx_slow_exit
	jmp exit_lo

/* A fault or a kick in the program; the kernel left its registers in the TCB. */
lx_upcall:
	subq $FRAME, %rsp
	cld
	movq %rsp, %rsi
	call lx_upcall_main
	jmp exit_lo

/* A fresh process: nothing to return to until exec has made it. */
.globl lx_start_entry
lx_start_entry:
	movq %rsp, %gs:0	/* the thread block, fresh: procd put rsp at it */
	movq %rsp, %gs:TCB_STACK
	leaq -FRAME(%rsp), %rsp
	movq %rsp, %rdi
	xorl %ebp, %ebp
	call lx_start
	jmp exit_lo

/* A child after fork, on the parent's stack image. */
.globl lx_fork_return
lx_fork_return:
	movq %gs:TCB_STACK, %rsp
	leaq -FRAME(%rsp), %rsp
	movq %rsp, %rdi
	call lx_fork_child
	jmp exit_lo

/* int lx_copy(void *dst, const void *src, size_t n): 0 or W_EFAULT */
.globl lx_copy
lx_copy:
	leaq 1f(%rip), %rax
	movq %rax, %gs:TCB_FIXUP
	movq %rdx, %rcx
	shrq $3, %rcx
	rep movsq
	movl %edx, %ecx
	andl $7, %ecx
	rep movsb
	xorl %eax, %eax
1:	movq $0, %gs:TCB_FIXUP
	ret

/* long lx_copy_str(char *dst, const char *src, size_t n): length, W_EFAULT, W_ENAMETOOLONG */
.globl lx_copy_str
lx_copy_str:
	leaq 1f(%rip), %rax
	movq %rax, %gs:TCB_FIXUP
	xorl %ecx, %ecx
2:	cmpq %rdx, %rcx
	jae 3f
	movb (%rsi,%rcx), %r8b
	movb %r8b, (%rdi,%rcx)
	incq %rcx
	testb %r8b, %r8b
	jnz 2b
	leaq -1(%rcx), %rax
1:	movq $0, %gs:TCB_FIXUP
	ret
3:	movq $-36, %rax
	jmp 1b

/* int lx_cmpxchg(uint64_t at, uint32_t *old, uint32_t new): 0, 1: it is *old now, W_EFAULT */
.globl lx_cmpxchg
lx_cmpxchg:
	leaq 1f(%rip), %rax
	movq %rax, %gs:TCB_FIXUP
	movl (%rsi), %eax
	lock cmpxchgl %edx, (%rdi)
	jne 2f
	xorl %eax, %eax
1:	movq $0, %gs:TCB_FIXUP
	ret
2:	movl %eax, (%rsi)
	movl $1, %eax
	jmp 1b

/* int lx_fpu_save(uint64_t at, bool xsave), lx_fpu_load(uint64_t at, bool xsave): 0, W_EFAULT */
.globl lx_fpu_save
lx_fpu_save:
	leaq 1f(%rip), %rax
	movq %rax, %gs:TCB_FIXUP
	movl $-1, %eax
	movl %eax, %edx
	testl %esi, %esi
	jz 2f
	xsave64 (%rdi)
	jmp 3f
2:	fxsave64 (%rdi)
3:	xorl %eax, %eax
1:	movq $0, %gs:TCB_FIXUP
	ret

.globl lx_fpu_load
lx_fpu_load:
	leaq 1f(%rip), %rax
	movq %rax, %gs:TCB_FIXUP
	movl $-1, %eax
	movl %eax, %edx
	testl %esi, %esi
	jz 2f
	xrstor64 (%rdi)
	jmp 3f
2:	fxrstor64 (%rdi)
3:	xorl %eax, %eax
1:	movq $0, %gs:TCB_FIXUP
	ret

.section .note.GNU-stack, "", @progbits
