// SPDX-License-Identifier: MIT
/* pthreads: create, join, mutex, condition, thread-local data, vector registers. */
#include "lx.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cv = PTHREAD_COND_INITIALIZER;
static int counter, turn;
static __thread int mine;

static void *adds(void *a)
{
	int i;

	mine = (int)(long)a;
	for (i = 0; i < 20000; i++) {
		pthread_mutex_lock(&m);
		counter++;
		pthread_mutex_unlock(&m);
	}
	return (void *)(long)mine;
}

static void *ping(void *a)
{
	long me = (long)a, i;

	for (i = 0; i < 500; i++) {
		pthread_mutex_lock(&m);
		while (turn != me)
			pthread_cond_wait(&cv, &m);
		turn = !me;
		pthread_cond_broadcast(&cv);
		pthread_mutex_unlock(&m);
	}
	return NULL;
}

static void *floats(void *a)
{
	double x = (long)a, s = 0;
	int i;

	for (i = 1; i < 300000; i++)
		s += x / i;
	return (void *)(long)(s * 1000);
}

int main(void)
{
	pthread_t t[8];
	struct timespec ts;
	void *r;
	long i, one[4];

	for (i = 0; i < 8; i++)
		CHECK(pthread_create(&t[i], NULL, adds, (void *)i));
	for (i = 0; i < 8; i++) {
		pthread_join(t[i], &r);
		printf("joined %ld\n", (long)r);
	}
	printf("counter %d mine %d\n", counter, mine);
	pthread_create(&t[0], NULL, ping, (void *)0);
	pthread_create(&t[1], NULL, ping, (void *)1);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	printf("turn %d\n", turn);
	for (i = 0; i < 4; i++)
		one[i] = (long)floats((void *)i);
	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, floats, (void *)i);
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &r);
		printf("same %d\n", (long)r == one[i]);
	}
	for (i = 0; i < 300; i++) {
		pthread_create(&t[0], NULL, floats, (void *)0);
		pthread_join(t[0], NULL);
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	pthread_mutex_lock(&m);
	CHECK(pthread_cond_timedwait(&cv, &m, &ts));
	return 0;
}
