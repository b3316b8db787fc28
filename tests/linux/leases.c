// SPDX-License-Identifier: MIT
/* What is asked again and again may be kept in mind; never longer than it is true. */
#include "lx.h"

#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/syscall.h>

#define OFTEN 20
static const char f[] = "/tmp/lease-f", g[] = "/tmp/lease-g", d[] = "/tmp/lease-d";

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	write(fd, text, strlen(text));
	close(fd);
}

static long size_of(const char *path)
{
	struct stat st = {0};
	int i, r = 0;

	for (i = 0; i < OFTEN; i++)
		r = stat(path, &st);
	return r ? -errno : st.st_size;
}

/* What the file says, and how far the second read came after the first. */
static const char *text_of(const char *path)
{
	static char buf[64];
	int i, fd, n = 0;

	for (i = 0; i < OFTEN; i++) {
		fd = open(path, O_RDONLY);
		if (fd < 0)
			return strerror(errno);
		n = read(fd, buf, 3);
		n += read(fd, buf + n, sizeof(buf) - 1 - n);
		close(fd);
	}
	buf[n] = 0;
	return buf;
}

/* In another process, so that our own cannot know. */
static int elsewhere(void (*fn)(void))
{
	pid_t pid = fork();
	int st;

	if (!pid) {
		fn();
		_exit(0);
	}
	waitpid(pid, &st, 0);
	return st;
}

static void append(void)
{
	int fd = open(f, O_WRONLY | O_APPEND);

	write(fd, "more", 4);
	close(fd);
}

static void replace(void)
{
	put(g, "replaced");
	rename(g, f);
}

static void replace_dir(void)
{
	rename(d, "/tmp/lease-old");
	mkdir(d, 0755);
	put("/tmp/lease-d/x", "new directory");
}

static void remove_it(void)
{
	unlink(f);
}

static void cut(void)
{
	truncate(f, 2);
}

static void make_it(void)
{
	put(f, "made");
}

static void close_mode(void)
{
	chmod(f, 0600);
}

static void close_dir(void)
{
	chmod(d, 0700);
}

static void changes(void)
{
	struct stat st;

	CHECK(size_of(f));
	put(f, "first");
	CHECK(size_of(f));
	printf("%s\n", text_of(f));
	append();
	CHECK(size_of(f));
	printf("%s\n", text_of(f));
	CHECK(elsewhere(append));
	CHECK(size_of(f));
	printf("%s\n", text_of(f));
	CHECK(elsewhere(replace));
	CHECK(size_of(f));
	printf("%s\n", text_of(f));
	CHECK(elsewhere(cut));
	printf("%ld %s\n", size_of(f), text_of(f));
	CHECK(elsewhere(remove_it));
	printf("%ld %s\n", size_of(f), text_of(f));
	CHECK(elsewhere(make_it));
	printf("%ld %s\n", size_of(f), text_of(f));
	CHECK(link(f, g));
	CHECK(stat(f, &st));
	CHECK(st.st_nlink);
	CHECK(unlink(g));
	CHECK(stat(f, &st));
	CHECK(st.st_nlink);
	CHECK(chmod(f, 0640));
	CHECK(stat(f, &st));
	CHECK(st.st_mode);
}

static void directories(void)
{
	CHECK(mkdir(d, 0755));
	put("/tmp/lease-d/x", "old directory");
	printf("%ld %s\n", size_of("/tmp/lease-d/x"), text_of("/tmp/lease-d/x"));
	CHECK(elsewhere(replace_dir));
	printf("%ld %s\n", size_of("/tmp/lease-d/x"), text_of("/tmp/lease-d/x"));
	printf("%ld %s\n", size_of("/tmp/lease-old/x"), text_of("/tmp/lease-old/x"));
	CHECK(size_of("/tmp/lease-d/x/y"));
	CHECK(size_of("/tmp/lease-d/y/x"));
	CHECK(unlink("/tmp/lease-d/x") | unlink("/tmp/lease-old/x"));
	CHECK(rmdir("/tmp/lease-old"));
}

static void links(void)
{
	struct stat st;
	int i;

	put(f, "through a link");
	CHECK(symlink(f, g));
	for (i = 0; i < OFTEN; i++)
		lstat(g, &st);
	CHECK(S_ISLNK(st.st_mode));
	printf("%ld %s\n", size_of(g), text_of(g));
	for (i = 0; i < OFTEN; i++)
		lstat(g, &st);
	CHECK(S_ISLNK(st.st_mode));
	CHECK(unlink(g));
	CHECK(symlink("/tmp/lease-nothing", g));
	printf("%ld %s\n", size_of(g), text_of(g));
	put("/tmp/lease-nothing", "now there");
	printf("%ld %s\n", size_of(g), text_of(g));
	CHECK(unlink("/tmp/lease-nothing") | unlink(g));
}

/* Who opens again begins at the start; who shares an open file does not. */
static void offsets(void)
{
	char c[4] = {0};
	int i, fd, again, st;
	pid_t pid;

	put(f, "0123456789");
	for (i = 0; i < OFTEN; i++) {
		fd = open(f, O_RDONLY);
		lseek(fd, i, SEEK_SET);
		if (lseek(fd, 0, SEEK_CUR) != i)
			printf("lseek %d\n", i);
		close(fd);
	}
	fd = open(f, O_RDONLY);
	CHECK(lseek(fd, 0, SEEK_CUR));
	again = open(f, O_RDONLY);
	read(fd, c, 2);
	CHECK(lseek(again, 0, SEEK_CUR));
	pid = fork();
	if (!pid) {
		lseek(fd, 5, SEEK_SET);
		close(fd);
		close(again);
		for (i = 0; i < OFTEN; i++)
			close(open(f, O_RDONLY));
		read(open(f, O_RDONLY), c, 1);
		_exit(c[0]);
	}
	waitpid(pid, &st, 0);
	CHECK(WEXITSTATUS(st) == '0');
	CHECK(lseek(fd, 0, SEEK_CUR));
	close(fd);
	close(again);
	fd = open(f, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CHECK(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
	CHECK(fcntl(fd, F_GETFD));
	close(fd);
	fd = open(f, O_RDONLY);
	CHECK(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
	CHECK(fcntl(fd, F_GETFD));
	CHECK(write(fd, c, 1));
	close(fd);
}

/* What was open when its name went stays; what was closed is gone. */
static void unlinked(void)
{
	char c[8] = {0};
	struct stat st;
	int fd;

	put(f, "still here");
	text_of(f);
	fd = open(f, O_RDONLY);
	CHECK(elsewhere(remove_it));
	CHECK(read(fd, c, 5));
	printf("%s\n", c);
	CHECK(fstat(fd, &st));
	CHECK(st.st_nlink);
	CHECK(open(f, O_RDONLY));
	close(fd);
	put(f, "another");
	printf("%s\n", text_of(f));
}

static void fstats(void)
{
	struct stat st;
	int i, fd;

	put(f, "12345");
	for (i = 0; i < OFTEN; i++) {
		fd = open(f, O_RDONLY);
		fstat(fd, &st);
		if (i < OFTEN - 1)
			close(fd);
	}
	CHECK(st.st_size);
	append();
	CHECK(fstat(fd, &st));
	CHECK(st.st_size);
	CHECK(elsewhere(replace));
	CHECK(fstat(fd, &st));
	CHECK(st.st_size);
	CHECK(stat(f, &st));
	CHECK(st.st_size);
	close(fd);
}

static void permissions(void)
{
	pid_t pid;
	int st;

	put(f, "for all");
	CHECK(chmod(f, 0644));
	CHECK(mkdir(d, 0755) | chmod(d, 0755));
	put("/tmp/lease-d/x", "inside");
	chmod("/tmp/lease-d/x", 0644);
	pid = fork();
	if (!pid) {
		if (getuid() == 0)
			printf("%ld %s\n", size_of(f), text_of(f));
		setgid(1234);
		setuid(1234);
		printf("%ld %s\n", size_of(f), text_of(f));
		printf("%ld %s\n", size_of("/tmp/lease-d/x"), text_of("/tmp/lease-d/x"));
		kill(getpid(), SIGSTOP);
		printf("%ld %s\n", size_of(f), text_of(f));
		printf("%ld %s\n", size_of("/tmp/lease-d/x"), text_of("/tmp/lease-d/x"));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &st, WUNTRACED);
	CHECK(WIFSTOPPED(st));
	CHECK(elsewhere(close_mode));
	CHECK(elsewhere(close_dir));
	kill(pid, SIGCONT);
	waitpid(pid, &st, 0);
	CHECK(unlink("/tmp/lease-d/x") | rmdir(d));
	chmod(f, 0600);
	text_of(f);
	pid = fork(); /* what root had open and closed is not what others may open */
	if (!pid) {
		text_of(f);
		setuid(1234);
		printf("%s\n", text_of(f));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &st, 0);
}

/* Watchers hear of each open. */
static void watched(void)
{
	char buf[4096] __attribute__((aligned(8)));
	int in, n, at, opens = 0, closes = 0, i, fd;

	put(f, "watched");
	text_of(f);
	fd = open(f, O_RDONLY);
	in = inotify_init1(IN_NONBLOCK);
	CHECK(inotify_add_watch(in, f, IN_OPEN | IN_CLOSE_NOWRITE) > 0);
	close(fd);
	for (i = 0; i < 5; i++)
		close(open(f, O_RDONLY));
	while ((n = read(in, buf, sizeof(buf))) > 0)
		for (at = 0; at < n; at += sizeof(struct inotify_event)) {
			opens += !!(((struct inotify_event *)(buf + at))->mask & IN_OPEN);
			closes += !!(((struct inotify_event *)(buf + at))->mask & IN_CLOSE_NOWRITE);
		}
	printf("%d %d\n", opens, closes);
	close(in);
	printf("%s\n", text_of(f));
}

/* Locks end with the close. */
static void locked(void)
{
	int i, fd;

	for (i = 0; i < OFTEN; i++) {
		fd = open(f, O_RDONLY);
		CHECK(flock(fd, LOCK_EX | LOCK_NB));
		close(fd);
	}
	fd = open(f, O_RDWR);
	CHECK(flock(fd, LOCK_EX | LOCK_NB));
	close(fd);
}

static void many(void)
{
	char path[64];
	int i, round, bad = 0;

	for (i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/tmp/lease-many-%d", i);
		put(path, path);
	}
	for (round = 0; round < 5; round++)
		for (i = 0; i < 100; i++) {
			snprintf(path, sizeof(path), "/tmp/lease-many-%d", i);
			bad += strcmp(text_of(path), path) != 0;
		}
	for (i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/tmp/lease-many-%d", i);
		bad += unlink(path) != 0 || size_of(path) != -ENOENT;
	}
	printf("many: %d\n", bad);
}

static void *opener(void *arg)
{
	char c;
	long bad = 0;
	int i, fd;

	for (i = 0; i < 2000; i++) {
		fd = open(f, O_RDONLY);
		bad += fd < 0 || read(fd, &c, 1) != 1 || c != 't';
		close(fd);
	}
	(void)arg;
	return (void *)bad;
}

static void threads(void)
{
	pthread_t t[4];
	void *bad;
	int i;

	put(f, "threads");
	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, opener, NULL);
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &bad);
		CHECK((long)bad);
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	unlink(f);
	unlink(g);
	changes();
	directories();
	links();
	offsets();
	unlinked();
	fstats();
	rmdir(d);
	permissions();
	watched();
	locked();
	many();
	threads();
	CHECK(unlink(f));
	return 0;
}
