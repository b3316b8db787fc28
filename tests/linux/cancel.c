// SPDX-License-Identifier: MIT
/* pthread_cancel(3): a thread ends in the call it waits in, or not before it allows it. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int fd[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void cleanup(void *what)
{
	printf("%s: cleaned up\n", (char *)what);
}

static void *reads(void *arg)
{
	char c;

	pthread_cleanup_push(cleanup, arg);
	read(fd[0], &c, 1);
	printf("%s: goes on\n", (char *)arg);
	pthread_cleanup_pop(0);
	return arg;
}

static void *sleeps(void *arg)
{
	pthread_cleanup_push(cleanup, arg);
	sleep(1000);
	pthread_cleanup_pop(0);
	return arg;
}

static void unlock(void *arg)
{
	printf("lock: %s\n", pthread_mutex_trylock(&lock) == EBUSY ? "held" : "free");
	pthread_mutex_unlock(&lock);
	cleanup(arg);
}

static void *waits(void *arg)
{
	pthread_mutex_lock(&lock);
	pthread_cleanup_push(unlock, arg);
	for (;;)
		pthread_cond_wait(&cond, &lock);
	pthread_cleanup_pop(0);
	return arg;
}

static void *asks(void *arg)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	for (;;)
		;
	return arg;
}

static void *refuses(void *arg)
{
	struct timespec t = {0, 100000000};

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	nanosleep(&t, NULL);
	printf("%s: slept\n", (char *)arg);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	pthread_testcancel();
	return arg;
}

static void *is_late(void *arg) /* the request has come before the call */
{
	char c;
	volatile int i;

	pthread_cleanup_push(cleanup, arg);
	for (i = 0; i < 30000000; i++)
		;
	read(fd[0], &c, 1);
	pthread_cleanup_pop(0);
	return arg;
}

static void try(const char *what, void *(*run)(void *), int us)
{
	pthread_t t;
	void *ret = NULL;

	pthread_create(&t, NULL, run, (void *)what);
	if (us)
		usleep(us);
	pthread_cancel(t);
	pthread_join(t, &ret);
	printf("%s: %s\n", what, ret == PTHREAD_CANCELED ? "cancelled" : "returned");
}

int main(void)
{
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (pipe(fd))
		return 1;
	try("read", reads, 20000);
	try("sleep", sleeps, 20000);
	try("cond_wait", waits, 20000);
	try("asynchronous", asks, 20000);
	try("disabled", refuses, 20000);
	try("late", is_late, 1000);
	for (i = 0; i < 50; i++) /* wherever the thread is just now */
		try("read", reads, i * 20);
	return 0;
}
