// SPDX-License-Identifier: MIT
/* Threads use memory that others unmap, protect and close under them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char *volatile area;
static volatile int stop;
static int pipes[2], pair[2];

static void *mapper(void *unused)
{
	int i;

	for (i = 0; i < 3000; i++) {
		mmap(area, 16384, i % 3 ? PROT_READ | PROT_WRITE : PROT_READ,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		if (i % 2)
			munmap(area + 4096, 4096);
		mprotect(area, 4096, i % 5 ? PROT_READ | PROT_WRITE : PROT_NONE);
	}
	stop = 1;
	return unused;
}

static void *user(void *arg)
{
	int f = open("/tmp/race-file", O_RDWR | O_CREAT, 0600);
	struct stat *st = (struct stat *)(area + 4000);
	long n = 0;

	while (!stop) {
		struct iovec v[2] = {{area, 6000}, {area + 8000, 6000}};

		write(pipes[1], area, 6000);
		read(pipes[0], area, 12000);
		writev(f, v, 2);
		pread(f, area + 100, 9000, 0);
		syscall(SYS_stat, "/etc/passwd", st); /* the library would copy it itself */
		send(pair[0], area, 5000, MSG_DONTWAIT);
		recv(pair[1], area, 8000, MSG_DONTWAIT);
		open(area, O_RDONLY | O_CLOEXEC) >= 0 ? close(3) : 0;
		ftruncate(f, 0);
		n++;
	}
	close(f);
	return (void *)n;
}

static void *closer(void *unused)
{
	while (!stop) {
		int fd = dup(pipes[0]);

		close(fd);
		close(open("/dev/null", O_RDONLY));
	}
	return unused;
}

int main(void)
{
	pthread_t t[5];
	int i;

	area = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pipe2(pipes, O_NONBLOCK);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	pthread_create(&t[0], NULL, mapper, NULL);
	for (i = 1; i < 4; i++)
		pthread_create(&t[i], NULL, user, NULL);
	pthread_create(&t[4], NULL, closer, NULL);
	for (i = 0; i < 5; i++)
		pthread_join(t[i], NULL);
	unlink("/tmp/race-file");
	printf("race: over\n");
	return 0;
}
