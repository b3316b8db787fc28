// SPDX-License-Identifier: MIT
/* Threads that call servers without end do not keep others from running. */
#include "lx.h"

static volatile int stop;

static void *caller(void *unused)
{
	while (!stop)
		getsid(0);
	return NULL;
}

int main(void)
{
	pthread_t t[2];
	int i, p[2], st;
	char c;

	for (i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, caller, NULL);
	usleep(20000);
	pipe(p);
	if (!fork()) {
		for (volatile int n = 0; n < 1000000; n++)
			;
		write(p[1], "d", 1);
		_exit(0);
	}
	CHECK(read(p[0], &c, 1));
	wait(&st);
	stop = 1;
	for (i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	CHECK(st);
	return 0;
}
