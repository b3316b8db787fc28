// SPDX-License-Identifier: MIT
/* AF_UNIX: names, connect and accept, datagrams, descriptors in flight. */
#include "lx.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <stddef.h>
#include <sys/un.h>

static struct sockaddr_un name(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	return a;
}

static void show(const char *what, long r)
{
	printf("%s: %ld %s\n", what, r, r < 0 ? strerror(errno) : "");
}

static void stream_by_name(void)
{
	struct sockaddr_un a = name("sock"), got;
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), s;
	socklen_t len = sizeof(got);
	struct ucred cred;
	struct stat st;
	char buf[16];

	unlink("sock");
	show("connect to nothing", connect(c, (void *)&a, sizeof(a)));
	show("bind", bind(l, (void *)&a, sizeof(a)));
	show("connect before listen", connect(c, (void *)&a, sizeof(a)));
	show("bind again", bind(c, (void *)&a, sizeof(a)));
	stat("sock", &st);
	printf("is a socket: %d\n", S_ISSOCK(st.st_mode));
	show("open", open("sock", O_RDWR));
	show("listen", listen(l, 5));
	show("connect", connect(c, (void *)&a, sizeof(a)));
	show("write before accept", write(c, "early", 5));
	s = accept(l, (void *)&got, &len);
	printf("accepted: %d, peer name of %u bytes\n", s >= 0, len);
	show("read", read(s, buf, sizeof(buf)));
	len = sizeof(got);
	getpeername(c, (void *)&got, &len);
	printf("server is %s (%u)\n", got.sun_path, len);
	len = sizeof(cred);
	getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	printf("peer is me: %d\n", cred.pid == getpid() && cred.uid == getuid());
	show("write", write(s, "answer", 6));
	show("read", read(c, buf, sizeof(buf)));
	close(s);
	show("read after close", read(c, buf, sizeof(buf)));
	signal(SIGPIPE, SIG_IGN);
	show("write after close", write(c, "x", 1));
	fcntl(l, F_SETFL, O_NONBLOCK);
	show("accept of none", accept(l, NULL, NULL));
	close(l);
	close(c);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	show("connect to a dead name", connect(c, (void *)&a, sizeof(a)));
	unlink("sock");
	close(c);
}

static void send_fds(int s, const int *fds, int n, const char *data)
{
	char control[CMSG_SPACE(16 * sizeof(int))] = {0};
	struct iovec v = {(void *)data, strlen(data)};
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	show("sendmsg", sendmsg(s, &m, 0));
}

static int recv_fds(int s, int *fds, size_t room, char *buf)
{
	char control[CMSG_SPACE(16 * sizeof(int))];
	struct iovec v = {buf, 63};
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
	struct cmsghdr *c;
	ssize_t n = recvmsg(s, &m, 0);
	int count = 0;

	buf[n > 0 ? n : 0] = 0;
	c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c && c->cmsg_type == SCM_RIGHTS) {
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), count * sizeof(int));
	}
	printf("recvmsg: %zd \"%s\", %d descriptors%s\n", n, buf, count,
	       m.msg_flags & MSG_CTRUNC ? ", truncated" : "");
	return count;
}

static void descriptors(int type)
{
	int sv[2], p[2], fds[16], e = eventfd(3, 0), f, st;
	char buf[64];
	uint64_t v = 0;

	show("socketpair", socketpair(AF_UNIX, type, 0, sv));
	pipe(p);
	f = open("passed", O_CREAT | O_RDWR | O_TRUNC, 0600);
	write(f, "0123456789", 10);
	lseek(f, 4, SEEK_SET);
	fflush(stdout);
	{
		int three[3] = {p[1], f, e};

		send_fds(sv[0], three, 3, "first");
		show("plain write", write(sv[0], "second", 6));
		send_fds(sv[0], &p[0], 1, "third");
	}
	fflush(stdout);
	if (!fork()) {
		close(sv[0]);
		if (recv_fds(sv[1], fds, CMSG_SPACE(3 * sizeof(int)), buf) == 3) {
			write(fds[0], "through the pipe", 16);
			printf("offset is shared: %ld\n", (long)read(fds[1], buf, 3));
			read(fds[2], &v, 8);
			printf("eventfd: %lu\n", (unsigned long)v);
		}
		while (!strstr(buf, "third"))
			recv_fds(sv[1], fds, CMSG_SPACE(sizeof(int)), buf);
		fflush(stdout);
		_exit(0);
	}
	wait(&st);
	buf[read(p[0], buf, 63)] = 0;
	printf("%s; offset now %ld\n", buf, (long)lseek(f, 0, SEEK_CUR));
	close(p[0]);
	close(p[1]);
	close(f);
	close(e);
	close(sv[0]);
	close(sv[1]);
	unlink("passed");
}

/* A descriptor whose receiver ends without taking it is closed. */
static void lost_in_flight(void)
{
	int sv[2], p[2];
	char c;

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	pipe(p);
	send_fds(sv[0], &p[1], 1, "x");
	close(p[1]);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	show("read while in flight", read(p[0], &c, 1));
	close(sv[1]);
	close(sv[0]);
	fcntl(p[0], F_SETFL, 0);
	show("read after", read(p[0], &c, 1));
	close(p[0]);
}

static void datagrams(void)
{
	struct sockaddr_un a = name("dgram"), b = name("dgram2"), from;
	int s = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_DGRAM, 0);
	socklen_t len = sizeof(from);
	struct pollfd p = {s, POLLIN | POLLOUT};
	char buf[64];

	unlink("dgram");
	unlink("dgram2");
	bind(s, (void *)&a, sizeof(a));
	bind(c, (void *)&b, sizeof(b));
	poll(&p, 1, 0);
	printf("empty: %d\n", p.revents);
	show("sendto", sendto(c, "one", 3, 0, (void *)&a, sizeof(a)));
	show("sendto", sendto(c, "", 0, 0, (void *)&a, sizeof(a)));
	show("connect", connect(c, (void *)&a, sizeof(a)));
	show("send", send(c, "three", 5, 0));
	poll(&p, 1, 0);
	printf("queued: %d\n", p.revents);
	show("recvfrom", recvfrom(s, buf, 2, MSG_TRUNC, (void *)&from, &len));
	printf("from %s\n", from.sun_path);
	show("recv", recv(s, buf, sizeof(buf), 0));
	show("peek", recv(s, buf, sizeof(buf), MSG_PEEK));
	show("recv", recv(s, buf, sizeof(buf), 0));
	show("recv of none", recv(s, buf, sizeof(buf), MSG_DONTWAIT));
	close(s);
	show("send to nobody", send(c, "x", 1, 0));
	close(c);
	unlink("dgram");
	unlink("dgram2");
}

static void abstract(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0wherry-test"};
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 12;
	int l = socket(AF_UNIX, SOCK_SEQPACKET, 0), c = socket(AF_UNIX, SOCK_SEQPACKET, 0), s;
	char buf[16];

	show("bind", bind(l, (void *)&a, len));
	show("listen", listen(l, 1));
	show("connect", connect(c, (void *)&a, len));
	s = accept(l, NULL, NULL);
	show("send", send(c, "ab", 2, 0));
	show("send", send(c, "cd", 2, 0));
	show("recv", recv(s, buf, sizeof(buf), 0));
	show("recv", recv(s, buf, sizeof(buf), 0));
	close(c);
	show("recv at the end", recv(s, buf, sizeof(buf), 0));
	close(s);
	close(l);
	c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	show("connect later", connect(c, (void *)&a, len));
	close(c);
}

static volatile int ticks;

static void on_alarm(int sig)
{
	ticks++;
}

/* connect() under a storm of signals that restart it is still one connect(). */
static void interrupted(void)
{
	struct sockaddr_un a = name("busy");
	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct itimerval t = {{0, 1000}, {0, 1000}};
	int l = socket(AF_UNIX, SOCK_STREAM, 0), i, c, bad = 0;

	unlink("busy");
	bind(l, (void *)&a, sizeof(a));
	listen(l, 2);
	fflush(stdout);
	if (!fork()) {
		for (i = 0; i < 300; i++) {
			usleep(100);
			close(accept(l, NULL, NULL));
		}
		_exit(0);
	}
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
	for (i = 0; i < 300; i++) {
		c = socket(AF_UNIX, SOCK_STREAM, 0);
		bad += connect(c, (void *)&a, sizeof(a)) != 0;
		close(c);
	}
	memset(&t, 0, sizeof(t));
	setitimer(ITIMER_REAL, &t, NULL);
	while (wait(&i) < 0 && errno == EINTR)
		;
	printf("connects that failed: %d\n", bad);
	close(l);
	unlink("busy");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 65536);
	stream_by_name();
	descriptors(SOCK_STREAM);
	lost_in_flight();
	descriptors(SOCK_SEQPACKET);
	datagrams();
	abstract();
	interrupted();
	return 0;
}
