// SPDX-License-Identifier: MIT
/* alarm, setitimer, sleeps interrupted, memfd. */
#include "lx.h"

static volatile int alarms;

static void on_alarm(int s)
{
	(void)s;
	alarms++;
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
	return 0;
}
