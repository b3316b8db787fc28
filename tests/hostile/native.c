// SPDX-License-Identifier: MIT
/*
 * A program that makes native calls itself, through a syscall instruction of the
 * personality's.  As nobody it clones itself behind procd's back, and the clone, which no
 * server knows, asks for what only servers get: another user's file, a program started, a
 * signal for a group.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <wherry/abi.h>
#include <wherry/calls.h>
#include <wherry/fs.h>
#include <wherry/ops.h>
#include <wherry/proc.h>

static const unsigned char *gadget; /* syscall; ret */
static char stack[16384] __attribute__((aligned(16)));
static volatile struct {
	long open, spawn, signal, done;
} * said;

static long native(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("call *%5"
			 : "=a"(r)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(gadget)
			 : "rcx", "r11", "memory");
	return r;
}

static void unknown(void)
{
	static const char command[] = "/bin/busybox\0touch\0/tmp/owned", file[] = "/etc/passwd";
	struct w_msg m = {.op = FS_OPEN, .in = (uint64_t)file, .in_len = sizeof(file) - 1};

	m.FS_OPEN_in_flags = FS_O_RDWR;
	said->open = native(W_NR_chan_call, LX_H_FS, (long)&m, 0);
	m = (struct w_msg){.op = PROC_SPAWN, .in = (uint64_t)command, .in_len = sizeof(command)};
	said->spawn = native(W_NR_chan_call, LX_H_PROC, (long)&m, 0);
	m = (struct w_msg){.op = PROC_SIGNAL_GROUP};
	m.PROC_SIGNAL_GROUP_in_pgid = 2;
	m.PROC_SIGNAL_GROUP_in_sig = 9;
	said->signal = native(W_NR_chan_send, LX_H_PROC, (long)&m, 0);
	said->done = 1;
	native(W_NR_proc_kill, 0, 0, 0);
}

int main(void)
{
	const unsigned char *p = (const unsigned char *)LX_TEXT;
	long child;
	int i;

	for (i = 0; i < 0x10000 && !gadget; i++)
		if (!memcmp(p + i, "\x0f\x05\xc3", 3))
			gadget = p + i;
	said = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!gadget || said == MAP_FAILED || setresuid(65534, 65534, 65534))
		return 1;
	child = native(W_NR_proc_clone, (long)unknown, (long)(stack + sizeof(stack) - 8), 0);
	if (child < 0 || native(W_NR_proc_stop, child, 0, 0))
		return 1;
	for (i = 0; i < 1000 && !said->done; i++)
		usleep(10000);
	printf("native: done %ld, open %ld, spawn %ld\n", said->done, said->open, said->spawn);
	printf("native: over\n");
	return 0;
}
