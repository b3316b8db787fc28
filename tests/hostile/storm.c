// SPDX-License-Identifier: MIT
/* Random system calls with random and wrong arguments, in many short-lived processes. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
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

static uint64_t argument(void)
{
	switch (rnd() % 12) {
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
	case 5: /* the personality's own memory, the kernel's half, no canonical address */
		return (uint64_t[]){LX_TEXT,
				    LX_STATE,
				    LX_SIGPAGE,
				    LX_THREAD_BLOCK(0),
				    0xffff800000000000,
				    0xffffffff80100000,
				    0x800000000000,
				    8}[rnd() % 8] +
		       rnd() % 64;
	case 6:
		return 1ull << rnd() % 64;
	case 7:
		return rnd() % 64;
	default:
		return rnd() % 8;
	}
}

static int excluded(long nr)
{
	switch (nr) {
	case SYS_reboot:
	case SYS_kill:
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
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
	}
	return 0;
}

static void child(uint64_t seed)
{
	int i;

	state = seed * 0x9e3779b97f4a7c15ull | 1;
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(page + 4096, 4096);
	for (i = 0; i < 4096; i++)
		page[i] = rnd() % 4 ? rnd() : 0;
	close(0);
	close(1);
	close(2);
	chdir("/tmp");
	for (i = 0; i < 400; i++) {
		long nr = rnd() % 450;

		if (!excluded(nr))
			syscall(nr, argument(), argument(), argument(), argument(), argument(),
				argument());
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	int first = argc > 1 ? atoi(argv[1]) : 1, n = argc > 2 ? atoi(argv[2]) : 100, i, st;
	int ended = 0, killed = 0;
	struct timespec patience = {2, 0};
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);

	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		if (!pid) {
			if (getuid() == 0 && setuid(1000))
				_exit(9);
			child(first + i);
		}
		/* it may have put its alarm off: two seconds are enough for anybody */
		sigtimedwait(&chld, NULL, &patience);
		kill(pid, SIGKILL);
		waitpid(pid, &st, 0);
		if (WIFSIGNALED(st))
			killed++;
		else
			ended++;
	}
	printf("storm: %d ended, %d were killed\n", ended, killed);
	return 0;
}
