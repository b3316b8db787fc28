// SPDX-License-Identifier: MIT
/*
 * A program that makes native calls itself, through a syscall instruction of the
 * personality's.  As nobody it clones itself behind procd's back, and the clone, which no
 * server knows, asks for what only servers get: another user's file, a program started, a
 * signal for a group.  "devices": as a known nobody it asks the services themselves for what
 * the nodes in /dev would refuse.
 */
#define _XOPEN_SOURCE 700
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

static long ask(long channel, uint32_t op, const void *bytes, uint32_t len, uint64_t a, uint64_t b,
		struct w_msg *m)
{
	*m = (struct w_msg){.op = op, .in = (uint64_t)bytes, .in_len = len};
	m->arg[0] = a;
	m->arg[1] = b;
	return native(W_NR_chan_call, channel, (long)m, 0);
}

static void devices(void)
{
	static const uint16_t low[8] = {2, 80 << 8}; /* sockaddr_in, port 80 */
	struct w_msg m;
	long open, own;

	printf("native: disk %ld\n", ask(LX_H_FS, FS_OPEN, "/dev/vda", 8, FS_O_RDWR, 0, &m));
	printf("native: console %ld\n", ask(LX_H_CONSOLE, FS_OPEN, "console", 7, FS_O_RDWR, 0, &m));
	printf("native: foreign %ld\n", ask(LX_H_CONSOLE, FS_OPEN, "/0", 2, FS_O_RDWR, 0, &m));
	printf("native: taken %ld\n",
	       ask(LX_H_CONSOLE, FS_SETATTR, "/0", 2, FS_SET_MODE, 0666, &m));
	own = ask(LX_H_CONSOLE, FS_OPEN, "ptmx", 4, FS_O_RDWR, 0, &m);
	printf("native: own %ld\n", own);
	printf("native: given %ld\n",
	       own ? own : ask(m.h[0], FS_SETATTR, "", 0, FS_SET_UID, 0, &m));
	open = ask(LX_H_NET, NET_SOCKET, "", 0, 2, 1, &m);
	printf("native: port %ld\n", open ? open : ask(m.h[0], NET_BIND, low, 16, 0, 0, &m));
}

int main(int argc, char **argv)
{
	const unsigned char *p = (const unsigned char *)LX_TEXT;
	long child;
	int i;

	for (i = 0; i < 0x10000 && !gadget; i++)
		if (!memcmp(p + i, "\x0f\x05\xc3", 3))
			gadget = p + i;
	said = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	i = posix_openpt(O_RDWR); /* root's terminal, /dev/pts/0 */
	if (i < 0 || unlockpt(i) || strcmp(ptsname(i), "/dev/pts/0"))
		return 1;
	if (!gadget || said == MAP_FAILED || setresuid(65534, 65534, 65534))
		return 1;
	if (argc > 1 && !strcmp(argv[1], "devices")) {
		devices();
		return 0;
	}
	child = native(W_NR_proc_clone, (long)unknown, (long)(stack + sizeof(stack) - 8), 0);
	if (child < 0 || native(W_NR_proc_stop, child, 0, 0))
		return 1;
	for (i = 0; i < 1000 && !said->done; i++)
		usleep(10000);
	printf("native: done %ld, open %ld, spawn %ld\n", said->done, said->open, said->spawn);
	printf("native: over\n");
	return 0;
}
