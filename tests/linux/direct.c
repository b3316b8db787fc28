// SPDX-License-Identifier: MIT
/*
 * What a system call leaves alone stays, whatever way it goes (scripts/wherry-cc makes jumps
 * of these) and however often a signal comes in between.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { RBX, RDI, RSI, RDX, R8, R9, R10, R12, R13, R14, R15, REGS };

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
	getppid(); /* a call in between */
}

/* The call of that number with every register full; what they hold afterwards. */
#define CALL(nr)                                                                                  \
	static long call_##nr(uint64_t *v)                                                        \
	{                                                                                         \
		long ret;                                                                         \
		__asm__ volatile("subq $128, %%rsp\n\tpushq %%rbp\n\tpushq %%rbx\n\tpushq "       \
				 "%%rax\n\tmovq %%rax, %%rbp\n\t"                                 \
				 "movq 0(%%rbp), %%rbx\n\tmovq 8(%%rbp), %%rdi\n\t"               \
				 "movq 16(%%rbp), %%rsi\n\tmovq 24(%%rbp), %%rdx\n\t"             \
				 "movq 32(%%rbp), %%r8\n\tmovq 40(%%rbp), %%r9\n\t"               \
				 "movq 48(%%rbp), %%r10\n\tmovq 56(%%rbp), %%r12\n\t"             \
				 "movq 64(%%rbp), %%r13\n\tmovq 72(%%rbp), %%r14\n\t"             \
				 "movq 80(%%rbp), %%r15\n\t"                                      \
				 "movl $" #nr ", %%eax\n\tsyscall\n\t"                            \
				 "movq %%rbx, 0(%%rbp)\n\tmovq %%rdi, 8(%%rbp)\n\t"               \
				 "movq %%rsi, 16(%%rbp)\n\tmovq %%rdx, 24(%%rbp)\n\t"             \
				 "movq %%r8, 32(%%rbp)\n\tmovq %%r9, 40(%%rbp)\n\t"               \
				 "movq %%r10, 48(%%rbp)\n\tmovq %%r12, 56(%%rbp)\n\t"             \
				 "movq %%r13, 64(%%rbp)\n\tmovq %%r14, 72(%%rbp)\n\t"             \
				 "movq %%r15, 80(%%rbp)\n\t"                                      \
				 "popq %%rcx\n\tpopq %%rbx\n\tpopq %%rbp\n\taddq $128, %%rsp\n\t" \
				 : "=a"(ret)                                                      \
				 : "a"(v)                                                         \
				 : "rcx", "rdi", "rsi", "rdx", "r8", "r9", "r10", "r11", "r12",   \
				   "r13", "r14", "r15", "memory", "cc");                          \
		return ret;                                                                       \
	}

CALL(110) /* getppid: ends in the process */
CALL(39)  /* getpid */
CALL(121) /* getpgid, of a process that is not */
CALL(3)	  /* close, of a descriptor that is not */

static int changed(long (*call)(uint64_t *), long want)
{
	uint64_t v[REGS], was[REGS];
	int i, bad = 0;

	for (i = 0; i < REGS; i++)
		v[i] = was[i] = 0x7fff000000000000ull + i * 0x0101010101ull;
	if (call(v) != want)
		return 1000;
	for (i = 0; i < REGS; i++)
		bad += v[i] != was[i];
	return bad;
}

/* With a signal every so often, until so many have come. */
static void storm(const char *name, long (*call)(uint64_t *), long want)
{
	struct itimerval t = {{0, 300}, {0, 300}}, off = {{0}};
	int bad = 0;

	signals = 0;
	setitimer(ITIMER_REAL, &t, NULL);
	while (signals < 300)
		bad += changed(call, want);
	setitimer(ITIMER_REAL, &off, NULL);
	printf("%s: %d registers changed\n", name, bad);
}

static void *call_often(void *arg)
{
	long *sum = arg;
	int i;

	for (i = 0; i < 20000; i++)
		*sum += getppid() == (pid_t)syscall(SYS_getppid);
	return NULL;
}

int main(void)
{
	struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	long sum[4] = {0};
	pthread_t t[4];
	struct timespec ts;
	int i;

	sigaction(SIGALRM, &a, NULL);
	storm("getppid", call_110, getppid());
	storm("getpid", call_39, getpid());
	storm("getpgid", call_121, -ESRCH);
	storm("close", call_3, -EBADF);
	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, call_often, &sum[i]);
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		printf("thread: %ld\n", sum[i]);
	}
	i = syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (void *)8);
	printf("a bad address: %d %s\n", i, strerror(errno));
	i = syscall(SYS_clock_gettime, 12345, &ts);
	printf("a bad clock: %d %s\n", i, strerror(errno));
	i = syscall(10000);
	printf("no such call: %d %s\n", i, strerror(errno));
	return 0;
}
