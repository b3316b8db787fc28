// SPDX-License-Identifier: MIT
/* Paths of up to PATH_MAX bytes, in every call, and what is known by such a path. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOMEBODY 1000

#define SAY(expr)                                                             \
	do {                                                                  \
		long r_;                                                      \
		errno = 0;                                                    \
		r_ = (expr);                                                  \
		printf("%s = %ld errno %d\n", #expr, r_, r_ < 0 ? errno : 0); \
	} while (0)

static char *top, part[256];

/* A path of len bytes that leads to "f": slashes are free. */
static char *path_of(size_t len, const char *to)
{
	char *p = malloc(len + 1);

	memset(p, '/', len);
	p[0] = '.';
	strcpy(p + len - strlen(to), to);
	return p;
}

static void each_call(const char *p, const char *q)
{
	char text[64];
	struct stat st;
	int f;

	SAY(access(p, F_OK));
	SAY(stat(p, &st));
	SAY(lstat(p, &st));
	SAY((f = open(p, O_RDONLY)) >= 0);
	close(f);
	SAY(chmod(p, 0755));
	SAY(chown(p, 0, 0));
	SAY(truncate(p, 5));
	SAY(mkdir(q, 0755));
	SAY(chdir(q) || chdir(".."));
	SAY(rmdir(q));
	SAY(link(p, q));
	SAY(rename(q, p));
	SAY(unlink(q));
	if (strlen(p) < 3900 ||
	    strlen(p) > 4095) /* between, file systems have limits of their own */
		SAY(symlink(p, "link") || unlink("link"));
	SAY(symlink("f", q));
	SAY(readlink(q, text, sizeof(text)));
	SAY(unlink(q));
}

static void lengths(void)
{
	static const size_t lens[] = {255,  1000, 1023, 1024, 1025, 2048,
				      4000, 4094, 4095, 4096, 5000};
	char name[300], *p, *q;
	unsigned i;

	close(open("f", O_CREAT | O_WRONLY, 0755));
	for (i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		p = path_of(lens[i], "f");
		q = path_of(lens[i], "new");
		printf("a path of %zu bytes\n", lens[i]);
		each_call(p, q);
		free(p);
		free(q);
	}
	unlink("f");
	memset(name, 'n', sizeof(name));
	name[255] = 0;
	SAY(mkdir(name, 0755));
	SAY(rmdir(name));
	name[255] = 'n';
	name[256] = 0;
	SAY(mkdir(name, 0755));
}

/* How much longer than the top's: the same wherever this runs. */
static int longer(const char *path)
{
	return (int)strlen(path) - (int)strlen(top);
}

static int cwd_longer(void)
{
	char cwd[4200];

	return getcwd(cwd, sizeof(cwd)) ? longer(cwd) : -errno;
}

static int link_longer(const char *link)
{
	char to[4200];
	ssize_t n = readlink(link, to, sizeof(to) - 1);

	to[n > 0 ? n : 0] = 0;
	return n > 0 ? longer(to) : -errno;
}

/* In another process: what it knows of itself, and whether a descriptor leads somewhere. */
static int say(const char *from)
{
	top = (char *)from;
	printf("executed as %d: cwd %d, exe %d, /proc's cwd %d\n", geteuid(), cwd_longer(),
	       link_longer("/proc/self/exe"), link_longer("/proc/self/cwd"));
	SAY(fchdir(9));
	SAY(cwd_longer());
	return 0;
}

static void execute(const char *what)
{
	char *argv[] = {"deep", top, NULL};
	int st;

	if (!fork()) {
		dup2(open(".", O_DIRECTORY), 9);
		execv(what, argv);
		printf("execv: errno %d\n", errno);
		_exit(1);
	}
	wait(&st);
	printf("status %x\n", st);
}

static void script(void)
{
	int f = open("script", O_CREAT | O_WRONLY, 0755), st;
	char path[4200];

	write(f, "#!/bin/sh\nexit ${#0}\n", 21);
	close(f);
	if (!getcwd(path, 4100) || !fork()) {
		strcat(path, "/script");
		execl(path, "x", NULL);
		_exit(1);
	}
	wait(&st);
	strcat(path, "/script");
	printf("script: %d\n", WEXITSTATUS(st) == (strlen(path) & 255));
	unlink("script");
}

static void seen_by_others(void)
{
	char link[64];
	int two[2], p;
	char c;

	pipe(two);
	p = fork();
	if (!p) {
		close(two[1]);
		read(two[0], &c, 1);
		_exit(0);
	}
	snprintf(link, sizeof(link), "/proc/%d/cwd", p);
	SAY(link_longer(link));
	close(two[1]);
	close(two[0]);
	waitpid(p, NULL, 0);
}

static void passed(void)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} u = {.h = {.cmsg_len = CMSG_LEN(sizeof(int)),
		     .cmsg_level = SOL_SOCKET,
		     .cmsg_type = SCM_RIGHTS}};
	char c = 'x';
	struct iovec v = {&c, 1};
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof(u)};
	int two[2], here = open(".", O_DIRECTORY), got;

	socketpair(AF_UNIX, SOCK_STREAM, 0, two);
	*(int *)CMSG_DATA(&u.h) = here;
	SAY(sendmsg(two[0], &m, 0));
	SAY(recvmsg(two[1], &m, 0));
	got = *(int *)CMSG_DATA(&u.h);
	SAY(chdir(".."));
	SAY(fchdir(got));
	SAY(cwd_longer());
	close(here);
	close(got);
	close(two[0]);
	close(two[1]);
}

static void named_socket(void)
{
	struct sockaddr_un a = {AF_UNIX, "socket"};
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);

	SAY(bind(s, (void *)&a, sizeof(a)));
	SAY(listen(s, 1));
	SAY(connect(c, (void *)&a, sizeof(a)));
	SAY(unlink("socket"));
	close(s);
	close(c);
}

static void copy(const char *from, const char *to)
{
	static char bytes[65536];
	int in = open(from, O_RDONLY), out = open(to, O_CREAT | O_WRONLY, 0755);
	ssize_t n;

	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		write(out, bytes, n);
	close(in);
	close(out);
}

static void deep(const char *self, int levels)
{
	char target[4300];
	int depth;

	for (depth = 0; depth < levels; depth++)
		if (mkdir(part, 0755) || chdir(part))
			printf("no level %d: errno %d\n", depth, errno);
	printf("%d levels: cwd %d\n", levels, cwd_longer());
	copy(self, "copy");
	getcwd(target, 4200);
	strcat(target, "/copy");
	SAY(access(target, X_OK));
	execute(target);
	execute("./copy");
	chown("copy", SOMEBODY, SOMEBODY);
	chmod("copy", 04755);
	execute(target);
	script();
	seen_by_others();
	passed();
	named_socket();
	SAY(unlink(target));
	for (; depth; depth--)
		if (chdir("..") || rmdir(part))
			printf("cannot leave: errno %d\n", errno);
	SAY(cwd_longer());
}

int main(int argc, char **argv)
{
	static char self[4200];

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 1)
		return say(argv[1]);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	umask(022);
	memset(part, 'd', 255);
	if (mkdir("paths", 0755) || chdir("paths"))
		return 1;
	top = getcwd(NULL, 0);
	lengths();
	deep(self, 1);
	deep(self, 3);
	deep(self, 5);
	deep(self, 14);
	chdir("..");
	return rmdir("paths");
}
