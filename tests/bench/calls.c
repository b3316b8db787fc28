// SPDX-License-Identifier: MIT
/*
 * What system calls cost, in ticks of the time stamp counter (guest instructions under
 * QEMU's -icount shift=0).  Runs as a program and as the only process of a Linux kernel.
 * Prints "name ticks", the least of a few rounds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

#define ROUNDS 5
#define MEASURE(name, n, body)                                     \
	do {                                                       \
		uint64_t best = ~0ull, t0;                         \
		int round, i;                                      \
		for (round = 0; round < ROUNDS; round++) {         \
			t0 = now();                                \
			for (i = 0; i < (n); i++)                  \
				body;                              \
			t0 = (now() - t0) / (n);                   \
			if (t0 < best)                             \
				best = t0;                         \
		}                                                  \
		printf("%-28s %8lu\n", name, (unsigned long)best); \
		fflush(stdout);                                    \
	} while (0)

static char buf[65536];
static char *self;

static void simple(void)
{
	int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY), f;
	struct timespec ts;
	struct stat st;

	f = open("/tmp/bench-file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	write(f, buf, 16384);
	MEASURE("getppid", 1000, getppid());
	MEASURE("clock_gettime", 1000, clock_gettime(CLOCK_MONOTONIC, &ts));
	MEASURE("read 1 byte of /dev/zero", 1000, read(zero, buf, 1));
	MEASURE("write 1 byte to /dev/null", 1000, write(null, buf, 1));
	MEASURE("read 4 KiB of a file", 500, pread(f, buf, 4096, 0));
	MEASURE("open+close", 200, close(open("/tmp/bench-file", O_RDONLY)));
	MEASURE("stat", 200, stat("/tmp/bench-file", &st));
	MEASURE("create+unlink", 200,
		(close(open("/tmp/bench-new", O_RDWR | O_CREAT, 0600)), unlink("/tmp/bench-new")));
	close(zero);
	close(null);
	close(f);
	unlink("/tmp/bench-file");
}

static int ab[2], ba[2];

static void ping(int in, int out)
{
	char c = 1;

	write(out, &c, 1);
	read(in, &c, 1);
}

static pid_t echo(int in, int out)
{
	pid_t pid = fork();
	char c;

	if (pid)
		return pid;
	while (read(in, &c, 1) == 1 && c)
		write(out, &c, 1);
	_exit(0);
}

static void stop(pid_t pid, int out)
{
	char c = 0;

	write(out, &c, 1);
	waitpid(pid, NULL, 0);
}

static void ping_pong(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int sv[2], l, c, s, one = 1;
	pid_t pid;

	pipe(ab);
	pipe(ba);
	pid = echo(ab[0], ba[1]);
	MEASURE("pipe ping-pong", 200, ping(ba[0], ab[1]));
	stop(pid, ab[1]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	pid = echo(sv[1], sv[1]);
	MEASURE("unix socket ping-pong", 200, ping(sv[0], sv[0]));
	stop(pid, sv[0]);
	l = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(l, (void *)&a, sizeof(a)) || listen(l, 64) || getsockname(l, (void *)&a, &len))
		return;
	c = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(c, (void *)&a, sizeof(a)))
		return;
	s = accept(l, NULL, NULL);
	setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	pid = echo(s, s);
	MEASURE("TCP loopback ping-pong", 100, ping(c, c));
	stop(pid, c);
	close(c);
	close(s);
	MEASURE("TCP connect+accept+close", 50, ({
			c = socket(AF_INET, SOCK_STREAM, 0);
			connect(c, (void *)&a, sizeof(a));
			s = accept(l, NULL, NULL);
			close(c);
			close(s);
		}));
	close(l);
}

static volatile uint32_t word;

static void futex(int op, uint32_t v)
{
	syscall(SYS_futex, &word, op | FUTEX_PRIVATE_FLAG, v, NULL, NULL, 0);
}

static void *other_side(void *unused)
{
	while (word != 99) {
		if (word == 1) {
			word = 0;
			futex(FUTEX_WAKE, 1);
		} else {
			futex(FUTEX_WAIT, 0);
		}
	}
	return NULL;
}

static void futex_round(void)
{
	word = 1;
	futex(FUTEX_WAKE, 1);
	while (word == 1)
		futex(FUTEX_WAIT, 1);
}

static void *nothing(void *arg)
{
	return arg;
}

static void threads(void)
{
	pthread_t t;

	pthread_create(&t, NULL, other_side, NULL);
	usleep(1000);
	MEASURE("futex ping-pong", 200, futex_round());
	word = 99;
	futex(FUTEX_WAKE, 1);
	pthread_join(t, NULL);
	MEASURE("thread create+join", 50,
		(pthread_create(&t, NULL, nothing, NULL), pthread_join(t, NULL)));
}

static void fork_wait(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void fork_exec(int vforked)
{
	char *const argv[] = {self, "exit", NULL}, *const env[] = {NULL};
	pid_t pid = vforked ? vfork() : fork();

	if (!pid) {
		execve(self, argv, env);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static void processes(void)
{
	MEASURE("fork+exit+wait", 20, fork_wait());
	MEASURE("fork+exec+wait", 20, fork_exec(0));
	MEASURE("vfork+exec+wait", 20, fork_exec(1));
}

static void on_signal(int sig)
{
	(void)sig;
}

static void map_touch(void)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*p = 1;
	munmap(p, 4096);
}

static void memory(void)
{
	size_t i, pages = 512;
	uint64_t best = ~0ull, t0;
	char *p;
	int round;

	MEASURE("mmap+touch+munmap", 200, map_touch());
	for (round = 0; round < ROUNDS; round++) {
		p = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
		madvise(p, pages * 4096, MADV_NOHUGEPAGE);
		t0 = now();
		for (i = 0; i < pages; i++)
			p[i * 4096] = 1;
		t0 = (now() - t0) / pages;
		best = t0 < best ? t0 : best;
		munmap(p, pages * 4096);
	}
	printf("%-28s %8lu\n", "anonymous page fault", (unsigned long)best);
	signal(SIGUSR1, on_signal);
	MEASURE("signal to itself", 200, kill(getpid(), SIGUSR1));
}

static void epoll_idle(void)
{
	struct epoll_event ev = {EPOLLIN}, out[4];
	struct rlimit many = {4096, 4096};
	int ep = epoll_create1(0), p[2], i, made = 0;

	setrlimit(RLIMIT_NOFILE, &many);
	for (i = 0; i < 1000 && !pipe(p); i++, made++)
		epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev);
	write(p[1], "x", 1);
	printf("# %d descriptors in the set, one ready\n", made);
	MEASURE("epoll_wait", 500, epoll_wait(ep, out, 4, 0));
}

static void loopback_up(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	ioctl(s, SIOCSIFFLAGS, &r);
	close(s);
}

/* Keep-alive requests over the loopback interface: server and client together. */
#define CONNECTIONS 16

static int http_connect(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(8099),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int s = socket(AF_INET, SOCK_STREAM, 0), one = 1, tries;

	for (tries = 0; tries < 1000 && connect(s, (void *)&a, sizeof(a)); tries++) {
		close(s);
		usleep(5000);
		s = socket(AF_INET, SOCK_STREAM, 0);
	}
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return s;
}

static void http_round(const int *s)
{
	static const char request[] = "GET /bench.txt HTTP/1.1\r\nHost: bench\r\n\r\n";
	int i;

	for (i = 0; i < CONNECTIONS; i++)
		write(s[i], request, sizeof(request) - 1);
	for (i = 0; i < CONNECTIONS; i++)
		read(s[i], buf, sizeof(buf)); /* head and 128 bytes come at once */
}

static void http(void)
{
	char *const argv[] = {"httpd", "-p", "8099", "/tmp/www", NULL}, *const env[] = {NULL};
	int s[CONNECTIONS], i, f;
	pid_t pid;

	if (access("/bin/httpd", X_OK))
		return;
	mkdir("/tmp/www", 0755);
	f = open("/tmp/www/bench.txt", O_WRONLY | O_CREAT, 0644);
	write(f, buf, 128);
	close(f);
	pid = fork();
	if (!pid) {
		dup2(open("/dev/null", O_RDWR), 1);
		execve("/bin/httpd", argv, env);
		_exit(1);
	}
	for (i = 0; i < CONNECTIONS; i++)
		s[i] = http_connect();
	http_round(s);
	MEASURE("16 HTTP requests, loopback", 10, http_round(s));
	for (i = 0; i < CONNECTIONS; i++)
		close(s[i]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	int alone = getpid() == 1;

	if (argc > 1 && !strcmp(argv[1], "exit"))
		return 0;
	self = argv[0];
	if (alone) {
		mkdir("/tmp", 0777);
		mkdir("/dev", 0755);
		mount("dev", "/dev", "devtmpfs", 0, NULL);
		open("/dev/console", O_RDWR);
		dup2(0, 1);
		dup2(0, 2);
		mount("tmp", "/tmp", "tmpfs", 0, NULL);
		loopback_up();
	}
	simple();
	memory();
	threads();
	processes();
	ping_pong();
	http();
	epoll_idle();
	printf("bench: done\n");
	fflush(stdout);
	if (alone)
		reboot(RB_POWER_OFF);
	return 0;
}
