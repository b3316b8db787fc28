// SPDX-License-Identifier: MIT
/* Who gets the CPU: what test_sched.py asks of policies, priorities and nice values. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile struct {
	unsigned long count[3];
	int stop, done, order[4];
} * all;

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void spin(int me, long ms)
{
	long end = now_ms() + ms;

	while (now_ms() < end && !all->stop)
		all->count[me]++;
}

static int fifo(int priority)
{
	return sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){priority});
}

/* Two that count for two seconds, one nicer than the other. */
static void nice_values(void)
{
	int i;

	for (i = 0; i < 2; i++)
		if (!fork()) {
			setpriority(PRIO_PROCESS, 0, i * 10);
			spin(i, 2000);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	printf("nice: %lu percent\n", all->count[1] * 100 / (all->count[0] + 1));
}

/* An ordinary process gets nothing beside a real-time one; a higher one goes before it at once. */
static void real_time(void)
{
	unsigned long before;

	if (!fork()) {
		spin(0, 60000);
		_exit(0);
	}
	if (!fork()) {
		fifo(20);
		usleep(200000);
		all->order[all->done++] = 20;
		_exit(0);
	}
	usleep(50000);
	fifo(10);
	before = all->count[0];
	spin(1, 500);
	all->order[all->done++] = 10;
	printf("real time: ordinary %lu, order %d %d\n", all->count[0] - before, all->order[0],
	       all->order[1]);
	/* but a second of it does not stop everything */
	spin(1, 2500);
	printf("relief: %d\n", all->count[0] > before);
	all->stop = 1;
	while (wait(NULL) > 0)
		;
	sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0});
}

static void permissions(void)
{
	if (!fork()) {
		if (setuid(1000))
			_exit(1);
		printf("nobody: %s", fifo(1) ? strerror(errno) : "ok");
		printf(", %s", setpriority(PRIO_PROCESS, 0, 5) ? strerror(errno) : "ok");
		printf(", %s", setpriority(PRIO_PROCESS, 0, 4) ? strerror(errno) : "ok");
		printf(", %s\n", setpriority(PRIO_PROCESS, getppid(), 4) ? strerror(errno) : "ok");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	printf("policy: %d", sched_getscheduler(0));
	fflush(stdout);
	fifo(7);
	if (!fork()) {
		struct sched_param p;

		sched_getparam(0, &p);
		printf(" %d %d", sched_getscheduler(0), p.sched_priority);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	printf(" %d\n", sched_getscheduler(getpid()));
}

int main(void)
{
	all = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	permissions();
	sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0});
	nice_values();
	all->count[0] = 0;
	real_time();
	return 0;
}
