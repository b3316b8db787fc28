// SPDX-License-Identifier: MIT
/*
 * System calls and signals with a stack pointer that leads nowhere, signal frames that are torn,
 * and bad pointers deep inside what a call is given: errors or the program's own SIGSEGV, which it
 * may handle on its alternate stack.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static char alt[65536];
static volatile uint64_t bad_rsp, bad_rip;

static void on_segv(int sig)
{
	siglongjmp(back, sig);
}

/* getppid() with the stack pointer at sp; back again by a register. */
static long call_with_stack(uint64_t sp)
{
	long r;

	asm volatile("movq %%rsp, %%r12\n\tmovq %2, %%rsp\n\tsyscall\n\tmovq %%r12, %%rsp"
		     : "=a"(r)
		     : "a"(SYS_getppid), "r"(sp)
		     : "rcx", "r11", "r12", "memory");
	return r;
}

static void spoil(int sig, siginfo_t *i, void *ctx)
{
	ucontext_t *u = ctx;

	if (bad_rsp)
		u->uc_mcontext.gregs[REG_RSP] = bad_rsp;
	if (bad_rip)
		u->uc_mcontext.gregs[REG_RIP] = bad_rip;
}

static void returns_to(const char *what, uint64_t rsp, uint64_t rip)
{
	struct sigaction sa = {.sa_sigaction = spoil, .sa_flags = SA_SIGINFO};
	int got;

	sigaction(SIGUSR1, &sa, NULL);
	bad_rsp = rsp;
	bad_rip = rip;
	got = sigsetjmp(back, 1);
	if (!got) {
		raise(SIGUSR1);
		got = -1;
	}
	/* a stack that is none need not be noticed before it is used */
	printf("%s: %s\n", what, got == SIGSEGV ? "SIGSEGV" : got == -1 ? "went on" : "?");
}

static void torn(uint64_t sp)
{
	int got = sigsetjmp(back, 1);

	if (!got) {
		asm volatile("movq %0, %%rsp\n\tmovl $15, %%eax\n\tsyscall" ::"r"(sp)
			     : "rax", "memory");
		__builtin_unreachable();
	}
	printf("torn frame: %s\n", got == SIGSEGV ? "SIGSEGV" : "?");
}

/* The vector state that a handler returns to: nowhere, or with reserved bits in its head. */
static int state_kind;

static void spoil_state(int sig, siginfo_t *i, void *ctx)
{
	mcontext_t *m = &((ucontext_t *)ctx)->uc_mcontext;

	if (state_kind == 0)
		m->fpregs = (void *)8;
	else if (state_kind == 1)
		m->fpregs = (void *)0x8000000000000000;
	else
		memset((char *)m->fpregs + 512 + 8, 0xff, 56);
}

static void torn_state(int kind)
{
	struct sigaction sa = {.sa_sigaction = spoil_state, .sa_flags = SA_SIGINFO};
	int got = sigsetjmp(back, 1);

	state_kind = kind;
	sigaction(SIGUSR1, &sa, NULL);
	if (!got)
		raise(SIGUSR1);
	printf("torn vector state %d: %s\n", kind, got == SIGSEGV ? "SIGSEGV" : "?");
}

static void not_reached(int sig)
{
	puts("a handler without a frame");
	_exit(1);
}

/* A signal whose handler would run where there is no stack. */
static void no_frame(uint64_t sp)
{
	int got = sigsetjmp(back, 1);

	signal(SIGUSR1, not_reached);
	if (!got) {
		asm volatile("movq %0, %%rsp\n\tsyscall" ::"r"(sp), "a"(SYS_tkill), "D"(getpid()),
			     "S"(SIGUSR1)
			     : "rcx", "r11", "memory");
		__builtin_unreachable();
	}
	printf("no frame: %s\n", got == SIGSEGV ? "SIGSEGV" : "?");
}

/* Without a handler: the program ends, by SIGSEGV. */
static void ends(void (*f)(uint64_t), uint64_t arg)
{
	pid_t p = fork();
	int st;

	if (!p) {
		signal(SIGSEGV, SIG_DFL);
		f(arg);
		_exit(0);
	}
	waitpid(p, &st, 0);
	printf("ends by signal %d\n", WIFSIGNALED(st) ? WTERMSIG(st) : 0);
}

#define SAY(expr)                                                             \
	do {                                                                  \
		long r_ = (expr);                                             \
		printf("%s = %ld errno %d\n", #expr, r_, r_ < 0 ? errno : 0); \
	} while (0)

static void unexpected(int sig)
{
	puts("a fault that is none of ours");
	_exit(1);
}

/* C libraries look at some of them first. */
static void pointers(void)
{
	void *bad = (void *)8, *far = (void *)0x7ffffffff000, *odd = (void *)0x8000000000000000;
	struct iovec iov = {bad, 10}, many = {bad, 1}, good;
	char c = 'x';
	struct mmsghdr mm[2] = {0};
	struct msghdr m = {0};
	int s[2], i;
	void *where[3] = {bad, far, odd};

	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	good = (struct iovec){&c, 1};
	for (i = 0; i < 3; i++) {
		void *p = where[i];

		m = (struct msghdr){.msg_iov = &good, .msg_iovlen = 1};
		SAY(syscall(SYS_sendmsg, s[0], &m, 0));
		SAY(syscall(SYS_recvmmsg, s[1], p, 2, MSG_DONTWAIT, NULL));
		SAY(syscall(SYS_sendmmsg, s[0], p, 2, 0));
		SAY(syscall(SYS_recvmsg, s[1], p, MSG_DONTWAIT));
		SAY(syscall(SYS_sendmsg, s[0], p, 0));
		mm[0].msg_hdr = (struct msghdr){.msg_iov = p, .msg_iovlen = 1};
		SAY(syscall(SYS_recvmmsg, s[1], mm, 2, MSG_DONTWAIT, NULL));
		SAY(syscall(SYS_sendmmsg, s[0], mm, 1, 0));
		iov.iov_base = p;
		mm[0].msg_hdr = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
		SAY(syscall(SYS_sendmmsg, s[0], mm, 1, 0));
		mm[0].msg_hdr = (struct msghdr){
			.msg_iov = &good, .msg_iovlen = 1, .msg_control = p, .msg_controllen = 64};
		SAY(syscall(SYS_sendmmsg, s[0], mm, 1, 0));
		mm[0].msg_hdr = (struct msghdr){
			.msg_iov = &good, .msg_iovlen = 1, .msg_name = p, .msg_namelen = 16};
		SAY(syscall(SYS_sendmmsg, s[0], mm, 1, 0));
		SAY(syscall(SYS_recvmmsg, s[1], mm, 1, MSG_DONTWAIT, p));
		SAY(syscall(SYS_readv, s[1], p, 1));
		SAY(syscall(SYS_writev, s[0], p, 1));
		SAY(syscall(SYS_preadv, 0, p, 1, 0, 0) < 0);
		SAY(syscall(SYS_process_vm_readv, getpid(), p, 1, p, 1, 0) < 0);
		SAY(syscall(SYS_rt_sigaction, SIGUSR2, p, NULL, 8));
		SAY(syscall(SYS_rt_sigprocmask, SIG_BLOCK, p, NULL, 8));
		SAY(syscall(SYS_epoll_ctl, 0, 1, 0, p) < 0);
		SAY(syscall(SYS_select, 1, p, NULL, NULL, NULL));
		SAY(syscall(SYS_poll, p, 1, 0));
		SAY(syscall(SYS_execve, p, NULL, NULL));
		SAY(syscall(SYS_execve, "/bin/true", (char **)p, NULL));
		SAY(syscall(SYS_getcwd, p, 100));
		SAY(syscall(SYS_nanosleep, p, NULL));
		SAY(syscall(SYS_wait4, -1, p, WNOHANG, NULL));
		SAY(recv(s[1], &c, 1, MSG_DONTWAIT));
		while (recv(s[1], &c, 1, MSG_DONTWAIT) >= 0)
			;
	}
}

enum { WAKE_OP = 5, LOCK_PI, UNLOCK_PI, TRYLOCK_PI };
#define ADD_1_IF_0 (1 << 28 | 1 << 12)
#define FUTEX(at, op, val, at2, val3) SAY(syscall(SYS_futex, at, op, val, NULL, at2, val3))

static void words(void)
{
	uint32_t *ro = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t good = 0, *odd = (uint32_t *)((char *)&good + 1);

	*ro = getpid(); /* the first thread's */
	mprotect(ro, 4096, PROT_READ);
	FUTEX(&good, WAKE_OP, 1, ro, ADD_1_IF_0);
	FUTEX(&good, WAKE_OP, 1, (void *)8, ADD_1_IF_0);
	FUTEX(&good, WAKE_OP, 1, odd, ADD_1_IF_0);
	FUTEX(ro, UNLOCK_PI, 0, NULL, 0);
	FUTEX(ro + 1, LOCK_PI, 0, NULL, 0);
	FUTEX(ro + 1, TRYLOCK_PI, 0, NULL, 0);
	FUTEX((void *)8, LOCK_PI, 0, NULL, 0);
	FUTEX(odd, LOCK_PI, 0, NULL, 0);
	FUTEX(odd, UNLOCK_PI, 0, NULL, 0);
	FUTEX(&good, WAKE_OP, 1, &good, ADD_1_IF_0);
	SAY(good);
}

/* Arguments that have room on the stack, however small that may be, and more than that. */
static void arguments(size_t n)
{
	struct rlimit small = {65536, 65536};
	char *arg = malloc(n + 1), *argv[] = {"x", "sized", arg, NULL};
	int st;

	memset(arg, 'a', n);
	arg[n] = 0;
	if (!fork()) {
		setrlimit(RLIMIT_STACK, &small);
		execv("/proc/self/exe", argv);
		printf("execv of %zu: errno %d\n", n, errno);
		_exit(0);
	}
	wait(&st);
	printf("status %x\n", st);
	free(arg);
}

int main(int argc, char **argv)
{
	stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)};
	struct sigaction sa = {.sa_handler = on_segv, .sa_flags = SA_ONSTACK | SA_NODEFER};

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc == 3) {
		printf("arguments of %zu\n", strlen(argv[2]));
		return 0;
	}
	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	printf("with rsp 0: %s\n", call_with_stack(0) == getppid() ? "answered" : "?");
	printf("with rsp 8: %s\n", call_with_stack(8) == getppid() ? "answered" : "?");
	printf("with rsp far: %s\n",
	       call_with_stack(0x7ffffffff000) == getppid() ? "answered" : "?");
	returns_to("rip 0", 0, 8);
	returns_to("rip nowhere", 0, 0x123456789000);
	torn(8);
	torn(0x7ffffffff000);
	torn((uint64_t)alt + sizeof(alt) - 16 + 0x100000000000);
	ends(torn, 8);
	ends(torn, 0x7fffffffe000);
	torn_state(0);
	torn_state(1);
	torn_state(2);
	no_frame(8);
	no_frame(0x7fffffffe000);
	no_frame(0x8000000000000000);
	ends(no_frame, 8);
	signal(SIGSEGV, unexpected);
	words();
	arguments(30000);
	arguments(100000);
	arguments(200000);
	pointers();
	return 0;
}
