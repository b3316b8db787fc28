// SPDX-License-Identifier: MIT
/*
 * Random system calls with random and wrong arguments, in many short-lived processes that have
 * open files of many kinds: `storm FIRST COUNT [root|inside]`.  Some calls are made with a stack
 * that is none.  With "inside", addresses of the personality's own memory are among them: who
 * spoils that ends in a fault there, and hurts nobody else.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wherry/layout.h>

static uint64_t state;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static char *page; /* the last one that is mapped: what follows is not */
static char *read_only;

/* Structures as calls want them, full of addresses: vectors, message headers, lists of them. */
static uint64_t nested(void)
{
	uint64_t *at = (uint64_t *)page + rnd() % 400;
	int i;

	for (i = 0; i < 32; i++)
		at[i] = rnd() % 2 ? (uint64_t)page + rnd() % 4200 : rnd() % 40;
	return (uint64_t)at;
}

/* Behind all programs, the kernel's half, no canonical address. */
static const uint64_t nowhere[5] = {8, 0x7ffffffff000, 0x800000000000, 0xffff800000000000,
				    0xffffffff80100000};
static const uint64_t personality[5] = {LX_TEXT, LX_STATE, LX_SIGPAGE, LX_THREAD_BLOCK(0), 8};
static int inside;

static uint64_t argument(void)
{
	switch (rnd() % 15) {
	case 0:
		return rnd();
	case 1:
		return 0;
	case 2:
		return ~0ull - rnd() % 16;
	case 3:
		return (uint64_t)page + rnd() % 4096;
	case 4:
		return (uint64_t)page + 4096 - rnd() % 16;
	case 5:
		return (inside ? personality : nowhere)[rnd() % 5] + rnd() % 64;
	case 6:
		return 1ull << rnd() % 64;
	case 7:
		return rnd() % 64;
	case 8:
		return nested();
	case 9:
		return (uint64_t)read_only + rnd() % 4096;
	case 10:
		return (uint64_t) "/tmp/storm";
	default:
		return rnd() % 8;
	}
}

static int excluded(long nr, int root)
{
	switch (nr) {
	case SYS_reboot:
	case SYS_exit:
	case SYS_exit_group:
	case SYS_fork: /* see forks.c */
	case SYS_vfork:
	case SYS_clone:
	case SYS_clone3:
	case SYS_setsid: /* or the parent loses it */
	case SYS_setpgid:
	case SYS_pause:
	case SYS_rt_sigsuspend:
	case SYS_unlink: /* the image is to survive */
	case SYS_unlinkat:
	case SYS_rename:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_ioctl: /* of the console: it is what we are watched through */
		return 1;
	case SYS_kill: /* nobody's but root's to send to others */
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
	case SYS_setrlimit:
	case SYS_prlimit64:
	case SYS_settimeofday:
	case SYS_clock_settime:
	case SYS_sethostname:
	case SYS_setdomainname:
	case SYS_truncate:
	case SYS_mount:
	case SYS_umount2:
	case SYS_chroot:
	case SYS_pivot_root:
		return root;
	}
	return 0;
}

/* A call with the stack pointer where it should not be; the way back is a register's. */
static void call_on(uint64_t sp, long nr, uint64_t x, uint64_t y, uint64_t z)
{
	asm volatile("movq %%rsp, %%r12\n\tmovq %4, %%rsp\n\tsyscall\n\tmovq %%r12, %%rsp"
		     : "+a"(nr)
		     : "D"(x), "S"(y), "d"(z), "r"(sp)
		     : "rcx", "r11", "r12", "memory");
}

static void call(long nr)
{
	if (rnd() % 16)
		syscall(nr, argument(), argument(), argument(), argument(), argument(), argument());
	else
		call_on(argument(), nr, argument(), argument(), argument());
}

/* One of each kind. */
static void open_some(void)
{
	int two[2];

	close(0);
	close(1);
	close(2);
	open("/dev/null", O_RDWR);
	open("/tmp/storm/x", O_RDWR | O_CREAT, 0666);
	open("/tmp/storm", O_DIRECTORY);
	pipe(two);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, two);
	socket(AF_UNIX, SOCK_STREAM, 0);
	socket(AF_INET, SOCK_STREAM, 0);
	socket(AF_INET, SOCK_DGRAM, 0);
	epoll_create1(0);
	eventfd(3, 0);
	timerfd_create(CLOCK_MONOTONIC, 0);
	inotify_init1(0);
	open("/proc/self/maps", O_RDONLY);
	open("/dev/ptmx", O_RDWR | O_NOCTTY);
	syscall(SYS_memfd_create, "m", 0);
	syscall(SYS_pidfd_open, getpid(), 0);
}

static void child(uint64_t seed, int root)
{
	int i;

	state = seed * 0x9e3779b97f4a7c15ull | 1;
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(page + 4096, 4096);
	read_only = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < 4096; i++)
		page[i] = rnd() % 4 ? rnd() : 0;
	open_some();
	chdir("/tmp/storm");
	for (i = 0; i < 400; i++) {
		long nr = rnd() % 450;

		if (!excluded(nr, root))
			call(nr);
	}
	_exit(0);
}

/* Its status; most do not end by themselves: somebody has put an end to their alarm. */
static int end_of(pid_t pid, const sigset_t *chld)
{
	struct timespec patience = {1, 0};
	int st = 0;

	while (waitpid(pid, &st, WNOHANG) != pid)
		if (sigtimedwait(chld, NULL, &patience) < 0)
			kill(pid, SIGKILL);
	return st;
}

int main(int argc, char **argv)
{
	int first = argc > 1 ? atoi(argv[1]) : 1, n = argc > 2 ? atoi(argv[2]) : 100, i;
	int ended = 0, killed = 0, root = argc > 3 && !strcmp(argv[3], "root");
	sigset_t chld;

	inside = argc > 3 && !strcmp(argv[3], "inside");
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	mkdir("/tmp/storm", 0777);
	chmod("/tmp/storm", 0777);
	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		if (!pid) {
			if (!root && getuid() == 0 && setuid(1000))
				_exit(9);
			child(first + i, root);
		}
		if (WIFSIGNALED(end_of(pid, &chld)))
			killed++;
		else
			ended++;
	}
	printf("storm: %d ended, %d were killed\n", ended, killed);
	return 0;
}
