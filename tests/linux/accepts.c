// SPDX-License-Identifier: MIT
/*
 * A connection nobody has accepted yet is not lost when the one who waited for it goes
 * away, and one that its peer has reset (SO_LINGER 0, socket(7)) takes no place for ever.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in addr;

static int listener(void)
{
	socklen_t n = sizeof(addr);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	addr.sin_family = AF_INET;
	addr.sin_port = 0;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(s, (void *)&addr, sizeof(addr)) || listen(s, 128) ||
	    getsockname(s, (void *)&addr, &n))
		perror("listen");
	return s;
}

static int dial(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(s, (void *)&addr, sizeof(addr)))
		perror("connect");
	return s;
}

/* accept() within ten seconds */
static int take(int l)
{
	struct pollfd p = {l, POLLIN};

	if (poll(&p, 1, 10000) != 1)
		return -1;
	return accept(l, NULL, NULL);
}

static void linger(int s)
{
	struct linger l = {1, 0}, got = {0};
	socklen_t n = sizeof(got);

	setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	getsockopt(s, SOL_SOCKET, SO_LINGER, &got, &n);
	if (n != sizeof(got) || got.l_onoff != 1 || got.l_linger)
		printf("SO_LINGER is %d %d\n", got.l_onoff, got.l_linger);
}

static void exchange(int l, const char *what)
{
	int c = dial(), s = take(l);
	char b[8] = "";

	write(c, "ping", 4);
	if (s >= 0)
		read(s, b, sizeof(b));
	printf("%s: %s\n", what, b);
	close(c);
	if (s >= 0)
		printf("%s: then %zd\n", what, read(s, b, sizeof(b)));
	close(s);
}

static void killed_acceptors(int l)
{
	pid_t pid[3];
	int i;

	fcntl(l, F_SETFL, 0);
	for (i = 0; i < 3; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			accept(l, NULL, NULL);
			_exit(0);
		}
	}
	usleep(200000);
	for (i = 0; i < 3; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	exchange(l, "after acceptors were killed");
	fcntl(l, F_SETFL, O_NONBLOCK);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void interrupted_acceptor(int l)
{
	struct sigaction a = {.sa_handler = on_alarm};
	int i, s;

	fcntl(l, F_SETFL, 0);
	sigaction(SIGALRM, &a, NULL);
	for (i = 0; i < 3; i++) {
		ualarm(20000, 20000); /* one may come before accept() waits */
		s = accept(l, NULL, NULL);
		printf("accept: %d %s\n", s, strerror(errno));
	}
	ualarm(0, 0);
	exchange(l, "after interruptions");
	fcntl(l, F_SETFL, O_NONBLOCK);
}

static void reset_before_accept(int l)
{
	int round, i, s;

	for (round = 0; round < 6; round++) {
		for (i = 0; i < 40; i++) {
			s = dial();
			linger(s);
			close(s);
		}
		usleep(50000);
		while ((s = accept(l, NULL, NULL)) >= 0)
			close(s);
	}
	exchange(l, "after 240 resets");
}

static void reset_after_accept(int l)
{
	int c = dial(), s = take(l), n;
	char b[8];

	write(c, "bytes", 5);
	linger(c);
	close(c);
	usleep(50000);
	n = read(s, b, sizeof(b)); /* what came before it may be lost: tcp(7) does not say */
	if (n > 0)
		n = read(s, b, sizeof(b));
	printf("reset: %d %s\n", n, strerror(errno));
	close(s);
}

static void *accepts(void *arg)
{
	int s = accept(*(int *)arg, NULL, NULL);

	printf("accept ends: %d %s\n", s, strerror(errno));
	return NULL;
}

/* The end of a listener: its queue is reset, who waits hears of it, others may listen. */
static void shut_down(int l)
{
	int queued = dial(), n;
	pthread_t t;
	char b[8];

	close(take(l));
	close(queued);
	fcntl(l, F_SETFL, 0);
	pthread_create(&t, NULL, accepts, &l);
	usleep(50000);
	n = shutdown(l, SHUT_RDWR);
	pthread_join(t, NULL);
	printf("shutdown: %d\n", n);
	n = accept(l, NULL, NULL);
	printf("accept: %d %s\n", n, strerror(errno));
	n = socket(AF_INET, SOCK_STREAM, 0);
	printf("connect: %d", connect(n, (void *)&addr, sizeof(addr)));
	printf(" %s\n", strerror(errno));
	close(n);
	close(l);
	l = listener();
	queued = dial();
	shutdown(l, SHUT_RD);
	n = read(queued, b, sizeof(b));
	printf("queued: %d %s\n", n, strerror(errno));
	close(queued);
	close(l);
}

int main(void)
{
	int l = listener();

	setvbuf(stdout, NULL, _IONBF, 0);
	exchange(l, "first");
	killed_acceptors(l);
	interrupted_acceptor(l);
	reset_after_accept(l);
	reset_before_accept(l);
	shut_down(l);
	return 0;
}
