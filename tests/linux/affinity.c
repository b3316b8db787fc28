// SPDX-License-Identifier: MIT
/* Which CPUs a thread may run on: who says it, who inherits it, and that it is so (sched(7)). */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static cpu_set_t all;

static const char *outcome(int r)
{
	return r ? strerror(errno) : "ok";
}

static int pin(pid_t tid, int cpu)
{
	cpu_set_t s;

	CPU_ZERO(&s);
	CPU_SET(cpu, &s);
	return sched_setaffinity(tid, sizeof(s), &s);
}

/* 1: those of tid are exactly this one. */
static int only(pid_t tid, int cpu)
{
	cpu_set_t s;

	return !sched_getaffinity(tid, sizeof(s), &s) && CPU_COUNT(&s) == 1 && CPU_ISSET(cpu, &s);
}

static int where(void)
{
	unsigned cpu = -1, node = -1;

	return syscall(SYS_getcpu, &cpu, &node, NULL) || node ? -1 : (int)cpu;
}

static int last_cpu(void)
{
	int i, last = 0;

	for (i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &all))
			last = i;
	return last;
}

static void *inherits(void *arg)
{
	*(int *)arg = only(0, last_cpu()) && where() == last_cpu();
	return NULL;
}

static volatile int go, told;
static volatile pid_t other;

/* Is told to be elsewhere while it runs. */
static void *moves(void *arg)
{
	other = syscall(SYS_gettid);
	while (!go)
		;
	while (where() != 0)
		;
	*(int *)arg = only(0, 0);
	while (!told)
		sched_yield();
	return NULL;
}

static volatile long counts[3];
static volatile int over;

static void *count(void *arg)
{
	pin(0, last_cpu());
	while (!over)
		++*(volatile long *)arg;
	return NULL;
}

int main(int argc, char **argv)
{
	int last, ok = 0, status, i;
	pthread_t t[3];
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(50);
	sched_getaffinity(0, sizeof(all), &all);
	last = last_cpu();
	if (argc > 1)
		return only(0, last) ? 7 : 8;
	printf("here: %d, glibc's: %d\n", where() >= 0 && CPU_ISSET(where(), &all),
	       sched_getcpu() >= 0);
	printf("the last: %s", outcome(pin(0, last)));
	printf(", %d, on it %d\n", only(0, last), where() == last);
	pthread_create(&t[0], NULL, inherits, &ok);
	pthread_join(t[0], NULL);
	printf("a thread inherits: %d\n", ok);
	if (!(pid = fork()))
		execl(argv[0], argv[0], "child", NULL);
	waitpid(pid, &status, 0);
	printf("so does a child, through exec: %d\n", WEXITSTATUS(status));
	printf("all again: %s\n", outcome(sched_setaffinity(0, sizeof(all), &all)));

	pthread_create(&t[0], NULL, moves, &ok);
	while (!other)
		sched_yield();
	pin(other, last);
	go = 1;
	printf("another thread: %s", outcome(pin(other, 0)));
	printf(", %d\n", only(other, 0));
	told = 1;
	pthread_join(t[0], NULL);
	printf("it moved: %d\n", ok);

	if (!(pid = fork()))
		for (;;)
			pause();
	printf("another process: %s", outcome(pin(pid, last)));
	printf(", %d\n", only(pid, last));
	kill(pid, 9);
	waitpid(pid, NULL, 0);
	if (!(pid = fork())) {
		if (setuid(65534))
			_exit(1);
		printf("root's, to others: %s\n", outcome(pin(getppid(), 0)));
		_exit(0);
	}
	waitpid(pid, NULL, 0);

	for (i = 0; i < 3; i++) /* more than one for a CPU, and nothing for the others */
		pthread_create(&t[i], NULL, count, (void *)&counts[i]);
	for (i = 0; i < 100 && !(counts[0] && counts[1] && counts[2]); i++)
		usleep(20000);
	over = 1;
	for (i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	printf("three on one: %d %d %d\n", counts[0] > 0, counts[1] > 0, counts[2] > 0);

	printf("none: %s\n", outcome(sched_setaffinity(0, sizeof(all), &(cpu_set_t){0})));
	printf("nobody: %s\n", outcome(pin(999999, 0)));
	printf("small: %s\n", outcome(sched_getaffinity(0, 4, &all)));
	printf("bad: %s\n", outcome(sched_setaffinity(0, 8, (void *)8)));
	return 0;
}
