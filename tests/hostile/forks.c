// SPDX-License-Identifier: MIT
/* As many processes and signals as one can make. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int got;

static void handler(int sig)
{
	got++;
}

int main(void)
{
	pid_t pid, all[400];
	int n, i, st, me = getpid();

	for (n = 0; n < 400; n++) {
		pid = fork();
		if (pid < 0)
			break;
		if (!pid) {
			for (;;)
				pause();
		}
		all[n] = pid;
	}
	printf("forks: %d processes%s\n", n, n < 400 ? ", then no more" : "");
	for (i = 0; i < n; i++)
		kill(all[i], SIGKILL);
	for (i = 0; i < n; i++)
		waitpid(all[i], &st, 0);
	signal(SIGUSR1, handler);
	signal(SIGUSR2, handler);
	for (i = 0; i < 4; i++)
		if (!fork()) {
			int k;

			for (k = 0; k < 3000; k++)
				kill(me, k % 2 ? SIGUSR1 : SIGUSR2);
			_exit(0);
		}
	for (i = 0; i < 4;)
		i += wait(&st) > 0;
	printf("forks: signals %s\n", got ? "came" : "did not come");
	/* each of a chain of children leaves at once */
	for (i = 0; i < 200; i++) {
		pid = fork();
		if (!pid)
			_exit(fork() < 0);
		waitpid(pid, &st, 0);
	}
	printf("forks: over\n");
	return 0;
}
