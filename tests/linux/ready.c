// SPDX-License-Identifier: MIT
/* epoll, poll, select, eventfd, timerfd, sockets over loopback. */
#include "lx.h"

static int wait_for(int ep)
{
	struct epoll_event ev = {0};
	int n = epoll_wait(ep, &ev, 1, 0);

	return n > 0 ? (int)(ev.events | ev.data.u32 << 16) : n;
}

static void sockets(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0), c, s, one = 1;
	char b[8] = "";

	CHECK(setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	CHECK(bind(l, (void *)&a, sizeof(a)));
	CHECK(listen(l, 5));
	CHECK(getsockname(l, (void *)&a, &len));
	printf("port %d\n", a.sin_port != 0);
	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(send(c, "x", 1, MSG_NOSIGNAL));
	CHECK(connect(c, (void *)&a, sizeof(a)));
	CHECK(connect(c, (void *)&a, sizeof(a)));
	s = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	printf("accepted %d\n", s >= 0);
	CHECK(connect(s, (void *)&a, sizeof(a)));
	CHECK(read(s, b, 1));
	CHECK(send(c, "ping", 4, 0));
	CHECK(poll(&(struct pollfd){s, POLLIN, 0}, 1, 5000));
	CHECK(recv(s, b, 8, MSG_PEEK));
	CHECK(recv(s, b, 8, 0));
	CHECK(shutdown(c, SHUT_WR));
	CHECK(poll(&(struct pollfd){s, POLLIN, 0}, 1, 5000));
	CHECK(recv(s, b, 8, 0));
	CHECK(send(s, "pong", 4, 0));
	CHECK(recv(c, b, 4, MSG_WAITALL));
	close(s);
	CHECK(recv(c, b, 4, 0));
	close(c);
	close(l);
	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(c, (void *)&a, sizeof(a)));
	CHECK(socket(AF_INET, 99, 0) < 0);
	CHECK(listen(0, 5) < 0);
}

/* What a connection leaves behind, where it was closed first, keeps its port; SO_REUSEADDR
 * gets past it. */
static void lingering(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in any = a;
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), s, one = 1;
	char b;

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	CHECK(bind(l, (void *)&a, sizeof(a)));
	CHECK(listen(l, 5));
	getsockname(l, (void *)&a, &len);
	CHECK(connect(c, (void *)&a, sizeof(a)));
	getsockname(c, (void *)&any, &len);
	printf("port %d\n", any.sin_port && any.sin_port != a.sin_port);
	s = accept(l, NULL, NULL);
	close(l);
	close(s);
	CHECK(read(c, &b, 1));
	close(c);
	s = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(bind(s, (void *)&a, sizeof(a)));
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	CHECK(bind(s, (void *)&a, sizeof(a)));
	CHECK(listen(s, 5));
	close(s);
	s = socket(AF_INET, SOCK_STREAM, 0);
	any.sin_port = 0;
	CHECK(bind(s, (void *)&any, sizeof(any)));
	CHECK(getsockname(s, (void *)&any, &len));
	printf("another %d\n", any.sin_port && any.sin_port != a.sin_port);
	close(s);
}

static void datagrams(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
			   f;
	socklen_t len = sizeof(a), fl = sizeof(f);
	int s = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);
	char b[16] = "";

	CHECK(bind(s, (void *)&a, sizeof(a)));
	CHECK(getsockname(s, (void *)&a, &len));
	CHECK(recv(s, b, 1, MSG_DONTWAIT));
	CHECK(sendto(c, "hello", 5, 0, (void *)&a, sizeof(a)));
	CHECK(poll(&(struct pollfd){s, POLLIN, 0}, 1, 5000));
	CHECK(recvfrom(s, b, sizeof(b), 0, (void *)&f, &fl));
	CHECK(sendto(s, "back", 4, 0, (void *)&f, sizeof(f)));
	CHECK(recv(c, b, 2, 0));
	CHECK(send(c, "x", 1, 0));
}

/* Who binds where somebody listens, and after. */
static void addresses_in_use(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	bind(l, (void *)&a, sizeof(a));
	getsockname(l, (void *)&a, &len);
	listen(l, 1);
	CHECK(bind(s, (void *)&a, sizeof(a)));
	a.sin_addr.s_addr = 0;
	CHECK(bind(s, (void *)&a, sizeof(a)));
	close(l);
	CHECK(bind(s, (void *)&a, sizeof(a)));
	CHECK(listen(s, 1));
	close(s);
	s = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
	one = 0;
	len = sizeof(one);
	CHECK(getsockopt(s, SOL_SOCKET, SO_REUSEPORT, &one, &len));
	CHECK(one);
	close(s);
	CHECK(socket(AF_INET, SOCK_STREAM, 17));
	CHECK(socket(AF_INET, SOCK_DGRAM, 6));
}

/* connect() goes on in the background, and the first that is waited for is what the server
 * says: how 0 by poll, 1 by select, 2 by epoll, 3 in read. */
static void server_speaks_first(int how)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0), r = 0;
	struct epoll_event ev = {.events = EPOLLIN};
	socklen_t n = sizeof(a);
	char b[8] = "";
	fd_set set;

	bind(l, (struct sockaddr *)&a, n);
	getsockname(l, (struct sockaddr *)&a, &n);
	listen(l, 1);
	if (!fork()) {
		usleep(50000);
		write(accept(l, NULL, NULL), "hello", 5);
		_exit(0);
	}
	fcntl(s, F_SETFL, O_NONBLOCK);
	CHECK(connect(s, (struct sockaddr *)&a, sizeof(a)));
	alarm(20);
	if (how == 0)
		r = poll(&(struct pollfd){s, POLLIN, 0}, 1, -1);
	if (how == 1) {
		FD_ZERO(&set);
		FD_SET(s, &set);
		r = select(s + 1, &set, NULL, NULL, NULL);
	}
	if (how == 2) {
		l = epoll_create1(0);
		epoll_ctl(l, EPOLL_CTL_ADD, s, &ev);
		r = epoll_wait(l, &ev, 1, -1);
	}
	if (how == 3)
		fcntl(s, F_SETFL, 0);
	alarm(0);
	printf("%d: ready %d, %d %s\n", how, r, (int)read(s, b, 8), b);
	close(s);
	close(l);
	wait(NULL);
}

int main(void)
{
	int p[2], ep = epoll_create1(0), e = eventfd(0, EFD_NONBLOCK), t, sp[2];
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = 3};
	struct itimerspec it = {.it_value = {0, 1000000}};
	struct timeval tv = {0, 0};
	uint64_t v = 5;
	fd_set set;
	char b[16];

	pipe(p);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
	CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &ev));
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, open("/bin/sh", O_RDONLY), &ev));
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, 9999, &ev));
	CHECK(wait_for(ep));
	write(p[1], "ab", 2);
	CHECK(wait_for(ep));
	CHECK(wait_for(ep));
	ev.events = EPOLLIN | EPOLLET;
	CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev));
	CHECK(wait_for(ep));
	CHECK(wait_for(ep));
	write(p[1], "c", 1);
	CHECK(wait_for(ep));
	ev.events = EPOLLIN | EPOLLONESHOT;
	CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev));
	CHECK(wait_for(ep));
	CHECK(wait_for(ep));
	CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	CHECK(poll(&(struct pollfd){p[1], POLLOUT, 0}, 1, 0));
	CHECK(poll(&(struct pollfd){9999, POLLIN, 0}, 1, 0));
	FD_ZERO(&set);
	FD_SET(p[0], &set);
	CHECK(select(p[0] + 1, &set, NULL, NULL, &tv));
	read(p[0], b, 16);
	close(p[1]);
	CHECK(poll(&(struct pollfd){p[0], POLLIN, 0}, 1, 0));
	CHECK(read(p[0], b, 1));
	CHECK(read(e, &v, 8));
	CHECK(write(e, &v, 8));
	CHECK(read(e, &v, 8));
	CHECK(read(e, &v, 4));
	t = timerfd_create(CLOCK_MONOTONIC, 0);
	CHECK(timerfd_settime(t, 0, &it, NULL));
	CHECK(read(t, &v, 8));
	printf("expirations %d\n", (int)v);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sp));
	CHECK(write(sp[0], "hi", 2));
	CHECK(read(sp[1], b, 16));
	close(sp[0]);
	CHECK(read(sp[1], b, 16));
	sockets();
	lingering();
	datagrams();
	addresses_in_use();
	for (t = 0; t < 4; t++)
		server_speaks_first(t);
	return 0;
}
