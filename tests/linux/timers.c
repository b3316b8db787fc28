// SPDX-License-Identifier: MIT
/* alarm, setitimer, sleeps interrupted, memfd. */
#include "lx.h"

static volatile int alarms;

static void on_alarm(int s)
{
	(void)s;
	alarms++;
}

static volatile int ticks, tick_code, over;

static void on_tick(int s, siginfo_t *i, void *u)
{
	(void)s;
	(void)u;
	ticks++;
	tick_code = i->si_code;
}

static long cpu_ms(clockid_t c)
{
	struct timespec t;

	clock_gettime(c, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void *burn(void *arg)
{
	while (!over)
		;
	return arg;
}

/* A timer of CPU time: sleeping does not count, working does, and another thread's work only
 * towards the process's. */
static void cpu_timer(const char *name, clockid_t c, int others)
{
	struct itimerspec once = {{0, 0}, {0, 30000000}}, every = {{0, 5000000}, {0, 5000000}},
			  left;
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct timespec nap = {0, 80000000};
	pthread_t t;
	timer_t id;
	long start, used;

	ticks = over = 0;
	CHECK(timer_create(c, &e, &id));
	CHECK(timer_settime(id, 0, &once, NULL));
	nanosleep(&nap, NULL);
	CHECK(timer_gettime(id, &left));
	printf("%s: asleep %d, left %d\n", name, ticks, left.it_value.tv_nsec > 10000000);
	start = cpu_ms(c);
	if (others)
		pthread_create(&t, NULL, burn, NULL);
	while (others == 1 && !ticks)
		nanosleep(&nap, NULL);
	if (others == 2)
		nanosleep(&nap, NULL);
	printf("by another thread: %d\n", ticks);
	while (!ticks)
		;
	used = cpu_ms(c) - start;
	over = 1;
	printf("once %d, code %d, not early %d\n", ticks, tick_code == SI_TIMER, used >= 20);
	CHECK(timer_settime(id, 0, &every, NULL));
	while (ticks < 4)
		;
	CHECK(timer_delete(id));
	if (others)
		pthread_join(t, NULL);
}

int main(void)
{
	struct itimerval it = {{0, 5000}, {0, 5000}}, old;
	struct timespec ts = {5, 0}, left;
	char b[8] = "", *p;
	int fd;

	signal(SIGALRM, on_alarm);
	CHECK(setitimer(ITIMER_REAL, &it, NULL));
	while (alarms < 3)
		pause();
	printf("three\n");
	memset(&it, 0, sizeof(it));
	CHECK(setitimer(ITIMER_REAL, &it, &old));
	printf("interval %d\n", (int)old.it_interval.tv_usec);
	CHECK(alarm(100));
	CHECK(alarm(0));
	CHECK(getitimer(ITIMER_REAL, &it));
	printf("off %d\n", (int)it.it_value.tv_sec);
	it.it_value.tv_usec = 20000;
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK(nanosleep(&ts, &left));
	printf("left %d\n", left.tv_sec >= 4);
	CHECK(setitimer(99, &it, NULL));
	it.it_value.tv_usec = 2000000;
	CHECK(setitimer(ITIMER_REAL, &it, NULL));
	fd = memfd_create("x", MFD_CLOEXEC);
	CHECK(write(fd, "hello", 5));
	CHECK(ftruncate(fd, 8192));
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	printf("%s %d\n", p, p[8191]);
	p[0] = 'J';
	CHECK(pread(fd, b, 5, 0));
	printf("%s\n", b);
	sigaction(SIGUSR1,
		  &(struct sigaction){.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART},
		  NULL);
	it.it_value.tv_usec = 0;
	setitimer(ITIMER_REAL, &it, NULL);
	cpu_timer("process", CLOCK_PROCESS_CPUTIME_ID, 0);
	cpu_timer("process", CLOCK_PROCESS_CPUTIME_ID, 1);
	cpu_timer("thread", CLOCK_THREAD_CPUTIME_ID, 2);
	return 0;
}
