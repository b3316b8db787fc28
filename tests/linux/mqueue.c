// SPDX-License-Identifier: MIT
/* POSIX message queues: order, limits, waiting, notice, permissions (mq_overview(7)). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char name[32];
static siginfo_t told;

static const char *outcome(long r)
{
	return r >= 0 ? "ok" : strerror(errno);
}

static void notice(int sig, siginfo_t *i, void *c)
{
	(void)sig;
	(void)c;
	told = *i;
}

static struct timespec soon(long ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static mqd_t make(int flags, long most, long size)
{
	struct mq_attr a = {.mq_maxmsg = most, .mq_msgsize = size};

	return mq_open(name, O_CREAT | O_RDWR | flags, 0640, &a);
}

static void names(void)
{
	char longest[300];

	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[299] = 0;
	printf("missing: %s\n", outcome(mq_open(name, O_RDWR)));
	printf("empty: %s\n", outcome(mq_open("/", O_CREAT | O_RDWR, 0600, NULL)));
	printf("slash: %s\n", outcome(mq_open("/a/b", O_CREAT | O_RDWR, 0600, NULL)));
	printf("dots: %s\n", outcome(mq_open("/..", O_CREAT | O_RDWR, 0600, NULL)));
	printf("long: %s\n", outcome(mq_open(longest, O_CREAT | O_RDWR, 0600, NULL)));
	printf("unlink: %s\n", outcome(mq_unlink(name)));
	printf("attributes: %s", outcome(make(0, 0, 8)));
	printf(" %s", outcome(make(0, -1, 8)));
	printf(" %s\n", outcome(make(0, 4, 1 << 30)));
}

static void order(mqd_t q)
{
	struct mq_attr a;
	char buf[16];
	unsigned prio;
	int i;

	mq_send(q, "low", 3, 1);
	mq_send(q, "high", 4, 9);
	mq_send(q, "high2", 5, 9);
	mq_send(q, "", 0, 5);
	mq_getattr(q, &a);
	printf("%ld of %ld, %ld bytes\n", a.mq_curmsgs, a.mq_maxmsg, a.mq_msgsize);
	for (i = 0; i < 4; i++) {
		int n = mq_receive(q, buf, 16, &prio);

		printf("%d '%.*s' %u\n", n, n, buf, prio);
	}
}

static void errors(mqd_t q)
{
	struct timespec t = soon(20), bad = {0, -1};
	char buf[16];
	mqd_t r = mq_open(name, O_RDONLY), w = mq_open(name, O_WRONLY | O_NONBLOCK);
	struct pollfd p = {q, POLLIN | POLLOUT, 0};
	int i;

	printf("too long: %s", outcome(mq_send(q, "0123456789abcdefg", 17, 0)));
	printf(", %s\n", outcome(mq_receive(q, buf, 15, NULL)));
	printf("priority: %s\n", outcome(mq_send(q, "x", 1, 32768)));
	printf("direction: %s", outcome(mq_send(r, "x", 1, 0)));
	printf(", %s\n", outcome(mq_receive(w, buf, 16, NULL)));
	printf("no queue: %s\n", outcome(mq_send(0, "x", 1, 0)));
	printf("pointer: %s\n", outcome(mq_send(q, (char *)8, 1, 0)));
	printf("empty: %s", outcome(mq_timedreceive(q, buf, 16, NULL, &t)));
	printf(", %s\n", outcome(mq_timedreceive(q, buf, 16, NULL, &bad)));
	poll(&p, 1, 0);
	printf("poll: %x", p.revents);
	for (i = 0; i < 4; i++)
		mq_send(w, "x", 1, 0);
	poll(&p, 1, 0);
	printf(" %x\n", p.revents);
	printf("full: %s", outcome(mq_send(w, "x", 1, 0)));
	printf(", %s\n", outcome(mq_timedsend(q, "x", 1, 0, &t)));
	for (i = 0; i < 4; i++)
		mq_receive(q, buf, 16, NULL);
	mq_close(r);
	mq_close(w);
	printf("closed: %s\n", outcome(mq_close(w)));
}

static void waiting(mqd_t q)
{
	char buf[16];
	int i, n;

	if (!fork()) {
		for (i = 0; i < 20; i++)
			mq_send(q, (char *)&i, 4, 0);
		_exit(0);
	}
	usleep(20000); /* it has filled the queue */
	for (i = n = 0; i < 20; i++)
		n += mq_receive(q, buf, 16, NULL) == 4 && *(int *)buf == i;
	wait(NULL);
	if (!fork())
		_exit(mq_receive(q, buf, 16, NULL) == 2);
	usleep(20000);
	mq_send(q, "yo", 2, 0);
	wait(&i);
	printf("in order: %d, received: %d\n", n, WEXITSTATUS(i));
}

/*
 * Who hears from the sender's end that a message was sent has been told of it
 * by then, and sees it; and who hears that one was taken sees that too.
 */
static void before(mqd_t q)
{
	struct sigevent e = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 7};
	struct pollfd p = {.fd = q, .events = POLLIN};
	int i, heard = 0, seen = 0, gone = 0;
	char buf[16];

	for (i = 0; i < 200; i++) {
		told.si_signo = 0;
		mq_notify(q, &e);
		if (!fork())
			_exit(mq_send(q, "x", 1, 0));
		wait(NULL);
		heard += told.si_signo == SIGUSR1;
		seen += poll(&p, 1, 0) == 1;
		if (!fork())
			_exit(mq_receive(q, buf, 16, NULL));
		wait(NULL);
		gone += !poll(&p, 1, 0);
	}
	printf("before the sender's end: told %d, seen %d, taken %d\n", heard, seen, gone);
}

/* The signal is for the sender itself: sending is not interrupted by it. */
static void itself(mqd_t q)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	int i, sent = 0, heard = 0;
	char buf[16];

	for (i = 0; i < 200; i++) {
		told.si_signo = 0;
		mq_notify(q, &e);
		sent += !mq_send(q, "x", 1, 0);
		heard += told.si_signo == SIGUSR1;
		mq_receive(q, buf, 16, NULL);
	}
	printf("to itself: sent %d, told %d\n", sent, heard);
}

static void notices(mqd_t q)
{
	struct sigevent e = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
	struct sigaction s = {.sa_sigaction = notice, .sa_flags = SA_SIGINFO | SA_RESTART};
	char buf[16];
	int status;

	sigaction(SIGUSR1, &s, NULL);
	printf("notify: %s", outcome(mq_notify(q, &e)));
	printf(", again %s", outcome(mq_notify(q, &e)));
	if (!fork())
		_exit(mq_notify(q, &e) < 0 && errno == EBUSY && !mq_notify(q, NULL) &&
		      !mq_send(q, "x", 1, 0));
	wait(&status);
	printf(", other's %d\n", WEXITSTATUS(status));
	printf("told: %d %d %d\n", told.si_signo == SIGUSR1, told.si_code == SI_MESGQ,
	       told.si_value.sival_int);
	told.si_signo = 0;
	mq_send(q, "x", 1, 0);
	mq_notify(q, &e);
	mq_send(q, "x", 1, 0); /* it was not empty */
	printf("told: %d\n", told.si_signo);
	while (mq_getattr(q, &(struct mq_attr){0}) == 0 &&
	       mq_timedreceive(q, buf, 16, NULL, &(struct timespec){0}) > 0)
		;
	mq_notify(q, NULL);
	mq_send(q, "x", 1, 0);
	printf("taken back: %d\n", told.si_signo);
	mq_receive(q, buf, 16, NULL);
	before(q);
	itself(q);
}

static void permissions(void)
{
	int status;

	if (!fork()) {
		if (setgid(65534) || setuid(65534))
			_exit(9);
		printf("nobody: %s", outcome(mq_open(name, O_RDONLY)));
		printf(", large %s\n",
		       outcome(mq_open("/nobody", O_CREAT | O_RDWR, 0600,
				       &(struct mq_attr){.mq_maxmsg = 11, .mq_msgsize = 1})));
		_exit(0);
	}
	wait(&status);
}

int main(void)
{
	char buf[16];
	mqd_t q;

	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(name, sizeof(name), "/wherry-%d", getpid());
	names();
	q = make(O_EXCL, 4, 16);
	printf("open: %s\n", outcome(q));
	printf("exclusive: %s\n", outcome(make(O_EXCL, 4, 16)));
	printf("close-on-exec: %d\n", fcntl(q, F_GETFD));
	order(q);
	errors(q);
	waiting(q);
	notices(q);
	permissions();
	printf("unlink: %s\n", outcome(mq_unlink(name)));
	mq_send(q, "still", 5, 0);
	printf("unlinked: %zd\n", mq_receive(q, buf, 16, NULL));
	return 0;
}
