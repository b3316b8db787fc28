// SPDX-License-Identifier: MIT
/* Sockets, one call at a time (call.h). */
#include "call.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static char buf[256];

static struct sockaddr_in local(int port)
{
	return (struct sockaddr_in){AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}};
}

static int tcp(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int udp(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

/* A listening socket and where it listens. */
static int listener(struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int s = tcp();

	*a = local(0);
	bind(s, (void *)a, len);
	listen(s, 4);
	getsockname(s, (void *)a, &len);
	return s;
}

static int pair[2];

static void connected(int type)
{
	if (socketpair(AF_UNIX, type, 0, pair))
		exit(1);
}

static void closed(void)
{
	close(pair[0]);
	close(pair[1]);
}

CALL(socket)
{
	int s;

	E(S(socket, 99, SOCK_STREAM, 0));
	E(S(socket, AF_INET, 99, 0));
	E(S(socket, AF_INET, SOCK_STREAM, IPPROTO_UDP));
	E(S(socket, AF_UNIX, SOCK_STREAM, 77));
	E(s = S(socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	N(fcntl(s, F_GETFD));
	N(fcntl(s, F_GETFL) & O_NONBLOCK);
	close(s);
}

CALL(socketpair)
{
	E(S(socketpair, AF_INET, SOCK_STREAM, 0, pair));
	E(S(socketpair, AF_UNIX, 99, 0, pair));
	E(S(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD));
	E(S(socketpair, AF_UNIX, SOCK_SEQPACKET, 0, pair));
	closed();
}

CALL(bind)
{
	struct sockaddr_in a = local(0), far = {AF_INET, 0, {htonl(0x01020304)}};
	struct sockaddr_un u = {AF_UNIX, "missing/socket"};
	int s = tcp(), n = socket(AF_UNIX, SOCK_STREAM, 0), t;
	socklen_t len = sizeof(a);

	E(S(bind, CLOSED, &a, sizeof(a)));
	E(S(bind, 1, &a, sizeof(a)));
	E(S(bind, s, &a, 4));
	E(S(bind, s, BAD, sizeof(a)));
	E(S(bind, s, &far, sizeof(far)));
	E(S(bind, s, &a, sizeof(a)));
	E(S(bind, s, &a, sizeof(a)));
	listen(s, 1);
	getsockname(s, (void *)&a, &len);
	t = tcp();
	E(S(bind, t, &a, sizeof(a)));
	E(S(bind, n, &a, sizeof(a)));
	E(S(bind, n, &u, sizeof(u)));
	close(file("f", 0));
	strcpy(u.sun_path, "f");
	E(S(bind, n, &u, sizeof(u)));
	unlink("f");
	close(s);
	close(t);
	close(n);
}

CALL(listen)
{
	int s = tcp(), u = udp();

	E(S(listen, CLOSED, 1));
	E(S(listen, 1, 1));
	E(S(listen, u, 1));
	E(S(listen, s, 1));
	E(S(listen, s, 5));
	close(s);
	close(u);
}

CALL(connect)
{
	struct sockaddr_in a, dead;
	struct sockaddr_un un = {AF_UNIX, "no-such-socket"};
	int l = listener(&a), s = tcp(), u = socket(AF_UNIX, SOCK_STREAM, 0), t = tcp();

	E(S(connect, CLOSED, &a, sizeof(a)));
	E(S(connect, 1, &a, sizeof(a)));
	E(S(connect, s, &a, 4));
	E(S(connect, s, BAD, sizeof(a)));
	E(S(connect, u, &un, sizeof(un)));
	E(S(connect, s, &a, sizeof(a)));
	E(S(connect, s, &a, sizeof(a)));
	close(l);
	dead = a;
	E(S(connect, t, &dead, sizeof(dead)));
	a.sin_family = 77;
	close(t);
	t = tcp();
	E(S(connect, t, &a, sizeof(a)));
	close(s);
	close(t);
	close(u);
}

CALL(accept)
{
	struct sockaddr_in a, from;
	int l = listener(&a), s = tcp(), u = udp(), c;
	socklen_t len = sizeof(from);

	E(S(accept, CLOSED, NULL, NULL));
	E(S(accept, 1, NULL, NULL));
	E(S(accept, s, NULL, NULL));
	E(S(accept, u, NULL, NULL));
	fcntl(l, F_SETFL, O_NONBLOCK);
	E(S(accept, l, NULL, NULL));
	connect(s, (void *)&a, sizeof(a));
	fcntl(l, F_SETFL, 0);
	E(c = S(accept, l, &from, &len));
	N(len);
	N(from.sin_family);
	close(c);
	close(s);
	close(u);
	close(l);
}

CALL(accept4)
{
	struct sockaddr_in a;
	int l = listener(&a), s = tcp(), c;

	E(S(accept4, l, NULL, NULL, 1));
	connect(s, (void *)&a, sizeof(a));
	E(c = S(accept4, l, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
	N(fcntl(c, F_GETFD));
	N(fcntl(c, F_GETFL) & O_NONBLOCK);
	close(c);
	close(s);
	close(l);
}

CALL(getsockname)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a), negative = -1;
	int s = tcp();

	E(S(getsockname, CLOSED, &a, &len));
	E(S(getsockname, 1, &a, &len));
	E(S(getsockname, s, BAD, &len));
	E(S(getsockname, s, &a, BAD));
	E(S(getsockname, s, &a, &negative));
	len = 2;
	E(S(getsockname, s, &a, &len));
	N(len);
	N(a.sin_family);
	close(s);
}

CALL(getpeername)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int s = tcp();

	E(S(getpeername, CLOSED, &a, &len));
	E(S(getpeername, 1, &a, &len));
	E(S(getpeername, s, &a, &len));
	close(s);
}

CALL(setsockopt)
{
	struct timeval t = {0, 20000}, wrong = {0, 1000000};
	int s = tcp(), on = 1, got = 0;
	socklen_t len = sizeof(got);

	E(S(setsockopt, CLOSED, SOL_SOCKET, SO_REUSEADDR, &on, 4));
	E(S(setsockopt, 1, SOL_SOCKET, SO_REUSEADDR, &on, 4));
	E(S(setsockopt, s, SOL_SOCKET, 9999, &on, 4));
	E(S(setsockopt, s, 9999, 1, &on, 4));
	E(S(setsockopt, s, SOL_SOCKET, SO_REUSEADDR, &on, 3));
	E(S(setsockopt, s, SOL_SOCKET, SO_REUSEADDR, BAD, 4));
	E(S(setsockopt, s, SOL_SOCKET, SO_REUSEADDR, &on, 4));
	E(S(setsockopt, s, IPPROTO_TCP, TCP_NODELAY, &on, 4));
	getsockopt(s, IPPROTO_TCP, TCP_NODELAY, &got, &len);
	N(got);
	connected(SOCK_STREAM);
	E(S(setsockopt, pair[0], SOL_SOCKET, SO_RCVTIMEO, &wrong, sizeof(wrong)));
	E(S(setsockopt, pair[0], SOL_SOCKET, SO_RCVTIMEO, &t, 8));
	E(S(setsockopt, pair[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
	E(read(pair[0], buf, 1));
	if (write(pair[1], "x", 1) == 1)
		N(read(pair[0], buf, 1));
	close(pair[1]);
	N(read(pair[0], buf, 1));
	close(pair[0]);
	close(s);
}

CALL(getsockopt)
{
	int s = tcp(), got = 7;
	socklen_t len = sizeof(got);

	E(S(getsockopt, CLOSED, SOL_SOCKET, SO_TYPE, &got, &len));
	E(S(getsockopt, 1, SOL_SOCKET, SO_TYPE, &got, &len));
	E(S(getsockopt, s, SOL_SOCKET, 9999, &got, &len));
	E(S(getsockopt, s, 9999, 1, &got, &len));
	E(S(getsockopt, s, SOL_SOCKET, SO_TYPE, BAD, &len));
	E(S(getsockopt, s, SOL_SOCKET, SO_TYPE, &got, BAD));
	E(S(getsockopt, s, SOL_SOCKET, SO_TYPE, &got, &len));
	N(got);
	E(S(getsockopt, s, SOL_SOCKET, SO_ERROR, &got, &len));
	N(got);
	E(S(getsockopt, s, SOL_SOCKET, SO_ACCEPTCONN, &got, &len));
	N(got);
	close(s);
}

CALL(shutdown)
{
	int s = tcp();

	E(S(shutdown, CLOSED, SHUT_RD));
	E(S(shutdown, 1, SHUT_RD));
	E(S(shutdown, s, SHUT_RD));
	connected(SOCK_STREAM);
	E(S(shutdown, pair[0], 9));
	E(S(shutdown, pair[0], SHUT_WR));
	N(read(pair[1], buf, 1));
	E(S(write, pair[0], "x", 1));
	closed();
	close(s);
}

/* 0.0.0.0 is this machine, and a receiver that does not read loses what is sent to it. */
static void to_any_address(void)
{
	struct sockaddr_in a = local(0), peer = {0};
	int from = udp(), to = udp(), i, sent = 0;
	socklen_t len = sizeof(a);

	bind(to, (void *)&a, len);
	getsockname(to, (void *)&a, &len);
	a.sin_addr.s_addr = INADDR_ANY;
	for (i = 0; i < 2000; i++)
		sent += sendto(from, buf, 700, 0, (void *)&a, len) == 700;
	N(sent);
	N(recv(to, buf, sizeof(buf), 0));
	E(connect(from, (void *)&a, len));
	E(getpeername(from, (void *)&peer, &len));
	N(ntohl(peer.sin_addr.s_addr));
	N(send(from, "x", 1, 0));
	close(from);
	close(to);
}

CALL(sendto)
{
	struct sockaddr_in a = local(9);
	int s = tcp(), u = udp();

	E(S(sendto, CLOSED, "x", 1, 0, NULL, 0));
	E(S(sendto, 1, "x", 1, 0, NULL, 0));
	E(S(sendto, s, "x", 1, MSG_NOSIGNAL, NULL, 0));
	E(S(sendto, u, "x", 1, 0, NULL, 0));
	E(S(sendto, u, "x", 1, 0, &a, 4));
	E(S(sendto, u, "x", 1, 0, BAD, sizeof(a)));
	E(S(sendto, u, BAD, 1, 0, &a, sizeof(a)));
	E(S(sendto, u, buf, 70000, 0, &a, sizeof(a)));
	connected(SOCK_DGRAM);
	N(S(sendto, pair[0], "abc", 3, 0, NULL, 0));
	closed();
	close(s);
	close(u);
	to_any_address();
}

CALL(recvfrom)
{
	struct sockaddr_in a = local(0), from;
	socklen_t len = sizeof(a);
	int u = udp(), s = tcp();

	E(S(recvfrom, CLOSED, buf, 1, 0, NULL, NULL));
	E(S(recvfrom, 1, buf, 1, 0, NULL, NULL));
	E(S(recvfrom, s, buf, 1, 0, NULL, NULL));
	bind(u, (void *)&a, len);
	getsockname(u, (void *)&a, &len);
	E(S(recvfrom, u, buf, 1, MSG_DONTWAIT, NULL, NULL));
	sendto(u, "hello", 5, 0, (void *)&a, len);
	N(S(recvfrom, u, buf, 3, MSG_PEEK, NULL, NULL));
	N(S(recvfrom, u, buf, 3, MSG_TRUNC, &from, &len));
	N(from.sin_port == a.sin_port);
	close(u);
	close(s);
}

CALL(sendmsg)
{
	struct iovec v[2] = {{"ab", 2}, {"cd", 2}}, wrong = {BAD, 2};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};

	connected(SOCK_STREAM);
	E(S(sendmsg, CLOSED, &m, 0));
	E(S(sendmsg, 1, &m, 0));
	E(S(sendmsg, pair[0], BAD, 0));
	N(S(sendmsg, pair[0], &m, 0));
	m.msg_iov = &wrong;
	m.msg_iovlen = 1;
	E(S(sendmsg, pair[0], &m, 0));
	m.msg_iovlen = 1025;
	E(S(sendmsg, pair[0], &m, 0));
	closed();
}

CALL(recvmsg)
{
	struct iovec v[2] = {{buf, 2}, {buf + 2, 200}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};

	connected(SOCK_DGRAM);
	E(S(recvmsg, CLOSED, &m, 0));
	E(S(recvmsg, 1, &m, 0));
	E(S(recvmsg, pair[0], BAD, 0));
	E(S(recvmsg, pair[0], &m, MSG_DONTWAIT));
	if (write(pair[1], "abcdef", 6) == 6)
		N(S(recvmsg, pair[0], &m, 0));
	v[1].iov_len = 1;
	if (write(pair[1], "abcdef", 6) == 6)
		N(S(recvmsg, pair[0], &m, 0));
	N((m.msg_flags & MSG_TRUNC) != 0);
	closed();
}

CALL(sendmmsg)
{
	struct iovec v = {"ab", 2};
	struct {
		struct msghdr m;
		unsigned len;
	} m[2] = {{{.msg_iov = &v, .msg_iovlen = 1}}, {{.msg_iov = &v, .msg_iovlen = 1}}};

	connected(SOCK_DGRAM);
	E(S(sendmmsg, CLOSED, m, 2, 0));
	E(S(sendmmsg, pair[0], BAD, 2, 0));
	N(S(sendmmsg, pair[0], m, 2, 0));
	N(m[1].len);
	closed();
}

CALL(recvmmsg)
{
	struct iovec v = {buf, 9};
	struct {
		struct msghdr m;
		unsigned len;
	} m[2] = {{{.msg_iov = &v, .msg_iovlen = 1}}, {{.msg_iov = &v, .msg_iovlen = 1}}};
	struct timespec wrong = {0, -1};

	connected(SOCK_DGRAM);
	E(S(recvmmsg, CLOSED, m, 2, 0, NULL));
	E(S(recvmmsg, pair[0], m, 2, MSG_DONTWAIT, NULL));
	E(S(recvmmsg, pair[0], m, 2, MSG_DONTWAIT, &wrong));
	if (write(pair[1], "abc", 3) == 3)
		N(S(recvmmsg, pair[0], m, 2, MSG_DONTWAIT, NULL));
	N(m[0].len);
	closed();
}
