// SPDX-License-Identifier: MIT
/*
 * What a process did is seen by whoever hears that it has ended: nothing is still on its way.
 * Only TCP may take a moment, as on any network: there poll() waits.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 50

static int moment; /* milliseconds */

static int readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, moment) == 1 ? p.revents : 0;
}

/* A child writes to w; afterwards r is readable, and once it is read it is not. */
static void bytes(const char *what, int r, int w)
{
	int i, seen = 0, read_all = 0, empty = 0;
	char buf[16];

	for (i = 0; i < ROUNDS; i++) {
		if (!fork())
			_exit(write(w, "12345678", 8) != 8);
		wait(NULL);
		seen += readable(r) == POLLIN;
		read_all += read(r, buf, 8) == 8;
		if (!fork())
			_exit(0);
		wait(NULL);
		empty += moment || !readable(r);
	}
	printf("%s: seen %d, read %d, empty %d\n", what, seen, read_all, empty);
}

/* A child takes what is there; afterwards nothing is. */
static void taken(const char *what, int r, int w)
{
	int i, gone = 0;
	char buf[16];

	for (i = 0; i < ROUNDS; i++) {
		if (write(w, "12345678", 8) != 8)
			break;
		if (!fork())
			_exit(read(r, buf, 8) != 8);
		wait(NULL);
		gone += !readable(r);
	}
	printf("%s: taken %d\n", what, gone);
}

/* A child is the last to have w open: the end is seen. */
static void hang_up(const char *what, int (*pair)(int fd[2]))
{
	int i, fd[2], ended = 0;

	for (i = 0; i < ROUNDS; i++) {
		if (pair(fd))
			break;
		if (!fork()) {
			close(fd[0]);
			_exit(0);
		}
		close(fd[1]);
		wait(NULL);
		ended += readable(fd[0]) != 0;
		close(fd[0]);
	}
	printf("%s: ended %d\n", what, ended);
}

static int unix_pair(int fd[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
}

static int tcp_listen(struct sockaddr_in *a)
{
	socklen_t n = sizeof(*a);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	memset(a, 0, sizeof(*a));
	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bind(l, (struct sockaddr *)a, sizeof(*a));
	getsockname(l, (struct sockaddr *)a, &n);
	listen(l, 8);
	return l;
}

static int tcp_pair(int fd[2])
{
	struct sockaddr_in a;
	int l = tcp_listen(&a);

	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	connect(fd[0], (struct sockaddr *)&a, sizeof(a));
	fd[1] = accept(l, NULL, NULL);
	close(l);
	return fd[1] < 0;
}

/*
 * Small segments, one at a time, that nobody answers: each waits for the acknowledgement of
 * the one before it (RFC 896), which must not wait for an answer that never comes.  With 50 ms
 * for each, alarm() would end this.
 */
static void one_way(int r, int w)
{
	int i, n = 0;
	char buf[16];

	for (i = 0; i < 2000; i++)
		n += write(w, "12345678", 8) == 8 && read(r, buf, 8) == 8;
	printf("one way: %d\n", n);
}

static void tcp(void)
{
	int fd[2];

	moment = 10000;
	if (tcp_pair(fd))
		return;
	bytes("tcp", fd[0], fd[1]);
	one_way(fd[0], fd[1]);
	hang_up("tcp", tcp_pair);
	moment = 0;
	taken("tcp", fd[0], fd[1]);
}

static void accepting(void)
{
	struct sockaddr_in a;
	int l = tcp_listen(&a), i, fd, there = 0, got = 0;
	struct sockaddr_un u = {.sun_family = AF_UNIX, .sun_path = "seen.sock"};

	for (i = 0; i < ROUNDS; i++) {
		if (!fork())
			_exit(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a,
				      sizeof(a)) != 0);
		wait(NULL);
		there += readable(l) == POLLIN;
		fd = accept(l, NULL, NULL);
		got += fd >= 0;
		close(fd);
	}
	close(l);
	printf("tcp connections: there %d, accepted %d\n", there, got);
	l = socket(AF_UNIX, SOCK_STREAM, 0);
	unlink("seen.sock");
	bind(l, (struct sockaddr *)&u, sizeof(u));
	listen(l, 8);
	for (i = there = got = 0; i < ROUNDS; i++) {
		if (!fork())
			_exit(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&u,
				      sizeof(u)) != 0);
		wait(NULL);
		there += readable(l) == POLLIN;
		fd = accept(l, NULL, NULL);
		got += fd >= 0;
		close(fd);
	}
	close(l);
	unlink("seen.sock");
	printf("unix connections: there %d, accepted %d\n", there, got);
}

static void udp(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int r = socket(AF_INET, SOCK_DGRAM, 0), w = socket(AF_INET, SOCK_DGRAM, 0);

	bind(r, (struct sockaddr *)&a, sizeof(a));
	getsockname(r, (struct sockaddr *)&a, &n);
	connect(w, (struct sockaddr *)&a, sizeof(a));
	bytes("udp", r, w);
	taken("udp", r, w);
	close(r);
	close(w);
}

static void files(void)
{
	int i, fd, events = 0, lock = 0, there = 0, gone = 0, n = inotify_init1(IN_NONBLOCK);
	struct stat st;
	char buf[256];

	mkdir("seen.d", 0755);
	inotify_add_watch(n, "seen.d", IN_CREATE);
	fd = open("seen.lock", O_CREAT | O_RDWR, 0600);
	for (i = 0; i < ROUNDS; i++) {
		if (!fork()) {
			int own = open("seen.lock", O_RDWR);

			flock(own, LOCK_EX);
			_exit(close(open("seen.d/file", O_CREAT | O_WRONLY, 0600)));
		}
		wait(NULL);
		events += readable(n) == POLLIN && read(n, buf, sizeof(buf)) > 0;
		lock += !flock(fd, LOCK_EX | LOCK_NB);
		flock(fd, LOCK_UN);
		there += !stat("seen.d/file", &st);
		if (!fork())
			_exit(unlink("seen.d/file"));
		wait(NULL);
		gone += stat("seen.d/file", &st) < 0;
	}
	close(fd);
	close(n);
	unlink("seen.lock");
	rmdir("seen.d");
	printf("files: there %d, gone %d, told %d, unlocked %d\n", there, gone, events, lock);
}

static volatile sig_atomic_t heard;

static void on_signal(int sig)
{
	heard += sig == SIGUSR1;
}

static void signals(void)
{
	int i, gone = 0;

	signal(SIGUSR1, on_signal);
	for (i = 0; i < ROUNDS; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(kill(getppid(), SIGUSR1));
		while (waitpid(pid, NULL, 0) != pid)
			;
		gone += kill(pid, 0) < 0;
	}
	printf("signals: heard %d, nobody there %d\n", (int)heard, gone);
}

int main(void)
{
	int fd[2];

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(50);
	if (pipe(fd))
		return 1;
	bytes("pipe", fd[0], fd[1]);
	taken("pipe", fd[0], fd[1]);
	mkfifo("seen.fifo", 0600);
	fd[0] = open("seen.fifo", O_RDONLY | O_NONBLOCK);
	fd[1] = open("seen.fifo", O_WRONLY);
	bytes("fifo", fd[0], fd[1]);
	taken("fifo", fd[0], fd[1]);
	unlink("seen.fifo");
	fd[0] = eventfd(0, EFD_NONBLOCK);
	taken("eventfd", fd[0], fd[0]);
	if (unix_pair(fd))
		return 1;
	bytes("unix stream", fd[0], fd[1]);
	taken("unix stream", fd[0], fd[1]);
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd))
		return 1;
	bytes("unix datagrams", fd[0], fd[1]);
	taken("unix datagrams", fd[0], fd[1]);
	tcp();
	udp();
	hang_up("pipe", pipe);
	hang_up("unix", unix_pair);
	accepting();
	files();
	signals();
	return 0;
}
