// SPDX-License-Identifier: MIT
/* Record locks, flock, FIFOs. */
#include "lx.h"

#include <pthread.h>
#include <sys/file.h>

static int lock(int fd, int cmd, int type, long start, long len)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
	int r = fcntl(fd, cmd, &l);

	if (cmd == F_GETLK && !r)
		printf("  held: type %d start %ld len %ld other %d\n", l.l_type, (long)l.l_start,
		       (long)l.l_len, l.l_type != F_UNLCK && l.l_pid != getpid());
	return r;
}

static void in_child(void (*fn)(int), int arg)
{
	int st;

	fflush(stdout);
	if (!fork()) {
		fn(arg);
		fflush(stdout);
		_exit(0);
	}
	wait(&st);
}

static void other(int fd)
{
	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	CHECK(lock(fd, F_SETLK, F_RDLCK, 15, 1));
	CHECK(lock(fd, F_SETLK, F_WRLCK, 15, 1));
	CHECK(lock(fd, F_SETLK, F_WRLCK, 25, 5));
	CHECK(lock(fd, F_GETLK, F_WRLCK, 0, 0));
	CHECK(lock(fd, F_GETLK, F_WRLCK, 12, 3));
	CHECK(lock(fd, F_SETLK, F_WRLCK, 100, 1));
}

static void all(int fd)
{
	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 0));
}

static void closes(int fd)
{
	int again = open("locked", O_RDWR);

	lock(fd, F_SETLK, F_WRLCK, 50, 1);
	close(again); /* that was all the locks this process had */
}

static void flocks(int unused)
{
	int f = open("locked", O_RDWR);

	(void)unused;
	CHECK(flock(f, LOCK_EX | LOCK_NB));
	CHECK(flock(f, LOCK_SH | LOCK_NB));
	close(f);
}

static void blocking(void)
{
	int fd = open("locked", O_RDWR), p[2], st;
	char c;

	pipe(p);
	lock(fd, F_SETLK, F_WRLCK, 0, 1);
	fflush(stdout);
	if (!fork()) {
		write(p[1], "w", 1);
		CHECK(lock(fd, F_SETLKW, F_WRLCK, 0, 1));
		fflush(stdout);
		_exit(0);
	}
	read(p[0], &c, 1);
	usleep(30000);
	printf("parent unlocks\n");
	fflush(stdout);
	lock(fd, F_SETLK, F_UNLCK, 0, 1);
	wait(&st);
	close(p[0]);
	close(p[1]);
	close(fd);
}

static void deadlock(void)
{
	int fd = open("locked", O_RDWR), p[2], st;
	char c;

	pipe(p);
	lock(fd, F_SETLK, F_WRLCK, 0, 1);
	fflush(stdout);
	if (!fork()) {
		lock(fd, F_SETLK, F_WRLCK, 1, 1);
		write(p[1], "w", 1);
		_exit(lock(fd, F_SETLKW, F_WRLCK, 0, 1));
	}
	read(p[0], &c, 1);
	usleep(30000);
	CHECK(lock(fd, F_SETLKW, F_WRLCK, 1, 1));
	lock(fd, F_SETLK, F_UNLCK, 0, 0);
	wait(&st);
	CHECK(st);
	close(p[0]);
	close(p[1]);
	close(fd);
}

static void fifos(void)
{
	char b[16];
	struct stat s;
	int r, w, st, i;

	unlink("fifo");
	CHECK(mkfifo("fifo", 0600));
	CHECK(mkfifo("fifo", 0600));
	CHECK(stat("fifo", &s) || !S_ISFIFO(s.st_mode));
	CHECK(open("fifo", O_WRONLY | O_NONBLOCK));
	fflush(stdout);
	for (i = 0; i < 2; i++) {
		if (!fork()) {
			w = open("fifo", O_WRONLY);
			write(w, "hello", 5);
			_exit(0);
		}
		r = open("fifo", O_RDONLY);
		wait(&st);
		CHECK(read(r, b, 16));
		CHECK(read(r, b, 16));
		close(r);
	}
	r = open("fifo", O_RDWR);
	CHECK(write(r, "self", 4));
	CHECK(read(r, b, 16));
	close(r);
	r = open("fifo", O_RDONLY | O_NONBLOCK);
	CHECK(read(r, b, 16));
	w = open("fifo", O_WRONLY | O_NONBLOCK);
	CHECK(read(r, b, 16));
	CHECK(write(w, "x", 1));
	CHECK(read(r, b, 16));
	close(r);
	signal(SIGPIPE, SIG_IGN);
	CHECK(write(w, "x", 1));
	close(w);
	unlink("fifo");
}

static void *waits_for_lock(void *arg)
{
	return (void *)(long)flock(*(int *)arg, LOCK_EX);
}

/* A file that is closed while a thread waits for its lock stays open until the call ends. */
static void closed_meanwhile(void)
{
	int a = open("locked", O_RDWR), b = open("locked", O_RDWR), was = b, i;
	pthread_t t;
	void *r;

	CHECK(flock(a, LOCK_EX));
	pthread_create(&t, NULL, waits_for_lock, &was);
	usleep(50000);
	CHECK(close(b));
	usleep(20000);
	CHECK(flock(a, LOCK_UN));
	pthread_join(t, &r);
	printf("waited: %ld\n", (long)r);
	for (i = 0; i < 100 && flock(a, LOCK_EX | LOCK_NB); i++)
		usleep(10000); /* its end may take a moment */
	printf("free again: %d\n", i < 100);
	close(a);
}

/* So does another file's coming to stand where one of it stood. */
static void replaced(int fd)
{
	int other = dup(fd);

	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	in_child(all, fd);
	CHECK(dup2(0, other) == other);
	close(other);
}

/* ---- locks of open files (F_OFD_*) ---- */

static void ofd_child(int fd)
{
	int again = open("locked", O_RDWR);

	CHECK(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 4)); /* inherited: the same open file */
	CHECK(lock(again, F_OFD_SETLK, F_WRLCK, 0, 1));
	CHECK(lock(again, F_SETLK, F_RDLCK, 0, 1));
	close(again); /* not a lock of this process: it stays */
}

static void *waits_for_ofd(void *arg)
{
	return (void *)(long)lock(*(int *)arg, F_OFD_SETLKW, F_WRLCK, 0, 1);
}

static void ofd_get(int fd, int cmd)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 0};

	CHECK(fcntl(fd, cmd, &l));
	printf("  type %d start %ld len %ld pid %d\n", l.l_type, (long)l.l_start, (long)l.l_len,
	       l.l_type == F_UNLCK || l.l_pid == -1 ? (int)l.l_pid : 1);
	l = (struct flock){.l_type = F_WRLCK, .l_pid = 7};
	CHECK(fcntl(fd, F_OFD_SETLK, &l));
}

static void of_files(void)
{
	int a = open("locked", O_RDWR), b = open("locked", O_RDWR), ro = open("locked", O_RDONLY);
	int same = dup(a);
	pthread_t t;
	void *r;

	CHECK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 10));
	CHECK(lock(b, F_OFD_SETLK, F_WRLCK, 5, 1)); /* one process, two files */
	CHECK(lock(b, F_OFD_SETLK, F_WRLCK, 10, 1));
	CHECK(lock(a, F_SETLK, F_WRLCK, 0, 1)); /* nor is the process its own file's owner */
	CHECK(lock(ro, F_OFD_SETLK, F_WRLCK, 20, 1));
	CHECK(lock(ro, F_OFD_SETLK, F_RDLCK, 20, 1));
	ofd_get(b, F_OFD_GETLK);
	ofd_get(b, F_GETLK);
	in_child(ofd_child, a);
	close(a);
	CHECK(lock(b, F_OFD_SETLK, F_WRLCK, 0, 1)); /* its duplicate is there */
	pthread_create(&t, NULL, waits_for_ofd, &b);
	usleep(50000);
	close(same);
	pthread_join(t, &r);
	printf("waited: %ld\n", (long)r);
	CHECK(lock(b, F_OFD_SETLK, F_UNLCK, 0, 0));
	close(b);
	CHECK(lock(ro, F_OFD_SETLK, F_RDLCK, 0, 0));
	close(ro);
}

int main(void)
{
	int fd, f;

	unlink("locked");
	fd = open("locked", O_RDWR | O_CREAT, 0600);
	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	CHECK(lock(fd, F_SETLK, F_RDLCK, 10, 20));
	in_child(other, fd);
	CHECK(lock(fd, F_SETLK, F_UNLCK, 5, 15));
	CHECK(lock(fd, F_GETLK, F_WRLCK, 0, 0));
	in_child(all, fd);
	CHECK(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	in_child(all, fd);
	closes(fd);
	in_child(all, fd);
	replaced(fd);
	in_child(all, fd);
	CHECK(lock(fd, F_SETLK, 9, 0, 1));
	CHECK(lock(fd, F_SETLK, F_WRLCK, -1, 1));
	f = open("locked", O_RDWR);
	CHECK(flock(f, LOCK_SH));
	in_child(flocks, 0);
	CHECK(flock(f, LOCK_EX));
	in_child(flocks, 0);
	CHECK(flock(f, LOCK_UN));
	in_child(flocks, 0);
	CHECK(flock(f, 77));
	close(f);
	blocking();
	deadlock();
	of_files();
	fifos();
	closed_meanwhile();
	unlink("locked");
	return 0;
}
