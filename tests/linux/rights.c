// SPDX-License-Identifier: MIT
/*
 * What becomes of the set-user and set-group bits when somebody writes, truncates or gives a
 * file away; moving directories; chown(2) that changes nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOMEBODY 1000
#define ANOTHER 1001

#define SAY(expr)                                                             \
	do {                                                                  \
		long r_;                                                      \
		errno = 0;                                                    \
		r_ = (expr);                                                  \
		printf("%s = %ld errno %d\n", #expr, r_, r_ < 0 ? errno : 0); \
	} while (0)

static mode_t mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? 0 : st.st_mode & 07777;
}

/* In a process of its own, as that user in that group. */
static void as(uid_t uid, gid_t gid, void (*f)(void))
{
	pid_t p = fork();

	if (!p) {
		if (setgroups(0, NULL) || setgid(gid) || setuid(uid))
			puts("cannot become another");
		f();
		_exit(0);
	}
	waitpid(p, NULL, 0);
}

static void make(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	int f;

	unlink(path);
	f = open(path, O_CREAT | O_RDWR, 0600);
	write(f, "0123456789", 10);
	close(f);
	chown(path, uid, gid);
	chmod(path, mode);
}

/* ---- the bits ---- */

static void do_write(void)
{
	int f = open("f", O_WRONLY);

	SAY(write(f, "x", 1));
}

static void do_write_nothing(void)
{
	int f = open("f", O_WRONLY);

	SAY(write(f, "x", 0));
}

static void do_pwritev(void)
{
	int f = open("f", O_RDWR);
	struct iovec v = {"xy", 2};

	SAY(pwritev(f, &v, 1, 3));
}

static void do_truncate(void)
{
	SAY(truncate("f", 3));
}

static void do_truncate_same(void)
{
	SAY(truncate("f", 10));
}

static void do_ftruncate(void)
{
	int f = open("f", O_WRONLY);

	SAY(ftruncate(f, 20));
}

static void do_open_trunc(void)
{
	SAY(open("f", O_WRONLY | O_TRUNC) >= 0);
}

static void do_chown_self(void)
{
	SAY(chown("f", SOMEBODY, SOMEBODY));
}

static void do_chown_nothing(void)
{
	SAY(chown("f", -1, -1));
}

static void do_chown_group(void)
{
	SAY(chown("f", -1, SOMEBODY));
}

static void do_chmod(void)
{
	SAY(chmod("f", 06755));
}

static void do_read(void)
{
	int f = open("f", O_RDONLY);
	char c;

	SAY(read(f, &c, 1));
}

static const struct {
	const char *what;
	void (*f)(void);
} acts[] = {
	{"write", do_write},
	{"write of nothing", do_write_nothing},
	{"pwritev", do_pwritev},
	{"truncate", do_truncate},
	{"truncate to the same", do_truncate_same},
	{"ftruncate", do_ftruncate},
	{"O_TRUNC", do_open_trunc},
	{"chown", do_chown_self},
	{"chown to nothing", do_chown_nothing},
	{"chown of the group", do_chown_group},
	{"chmod", do_chmod},
	{"read", do_read},
};

static void bits(mode_t mode, uid_t owner, gid_t group, uid_t who, gid_t in)
{
	unsigned i;

	for (i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
		make("f", mode, owner, group);
		printf("%s, mode %o of %d:%d by %d:%d: ", acts[i].what, mode, owner, group, who,
		       in);
		as(who, in, acts[i].f);
		printf(" leaves %o\n", mode_of("f"));
	}
}

/* A page that is mapped and written is no write(2): the bits stay, or go, as on Linux. */
static void do_map(void)
{
	int f = open("f", O_RDWR);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);

	SAY(p != MAP_FAILED);
}

static void new_in_group(void)
{
	close(open("g/file", O_CREAT | O_WRONLY, 02775));
	mkdir("g/dir", 0775);
	SAY(mode_of("g/file"));
	SAY(mode_of("g/dir"));
}

/* ---- moving directories ---- */

static void do_move(void)
{
	SAY(rename("from/dir", "to/dir"));
	SAY(rename("from/dir", "from/same"));
	SAY(rename("from/same", "from/dir"));
	SAY(rename("from/file", "to/file"));
	SAY(rename("to/file", "from/file"));
}

static void moving(uid_t dir_owner, mode_t dir_mode)
{
	printf("a directory of %d, mode %o:\n", dir_owner, dir_mode);
	mkdir("from", 0777);
	mkdir("to", 0777);
	chmod("from", 0777);
	chmod("to", 0777);
	mkdir("from/dir", 0755);
	chown("from/dir", dir_owner, dir_owner);
	chmod("from/dir", dir_mode);
	make("from/file", 0600, 0, 0);
	as(SOMEBODY, SOMEBODY, do_move);
	rmdir("from/dir");
	rmdir("to/dir");
	unlink("from/file");
	rmdir("from");
	rmdir("to");
}

/* ---- chown ---- */

static void do_chowns(void)
{
	int f = open("f", O_RDONLY);

	SAY(chown("f", -1, -1));
	SAY(lchown("f", -1, -1));
	SAY(fchown(f, -1, -1));
	SAY(fchownat(AT_FDCWD, "f", -1, -1, 0));
	SAY(chown("f", 0, -1));
	SAY(chown("f", -1, 0));
	SAY(chown("f", SOMEBODY, -1));
	SAY(chown("f", -1, SOMEBODY));
	SAY(chown("none", -1, -1));
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	umask(022);
	if (mkdir("rights", 0777) || chdir("rights"))
		return 1;
	chmod(".", 0777);
	bits(06777, 0, 0, SOMEBODY, SOMEBODY);
	bits(06666, 0, 0, SOMEBODY, SOMEBODY);
	bits(06777, SOMEBODY, SOMEBODY, SOMEBODY, SOMEBODY);
	bits(06666, SOMEBODY, SOMEBODY, SOMEBODY, SOMEBODY);
	bits(02666, SOMEBODY, ANOTHER, SOMEBODY, SOMEBODY);
	bits(06777, SOMEBODY, ANOTHER, SOMEBODY, SOMEBODY);
	bits(02777, SOMEBODY, ANOTHER, ANOTHER, ANOTHER);
	bits(06777, SOMEBODY, SOMEBODY, 0, 0);
	make("f", 06777, 0, 0);
	as(SOMEBODY, SOMEBODY, do_map);
	printf("mapped: %o\n", mode_of("f"));
	mkdir("g", 0777);
	chown("g", 0, ANOTHER);
	chmod("g", 02777);
	as(SOMEBODY, SOMEBODY, new_in_group);
	unlink("g/file");
	rmdir("g/dir");
	rmdir("g");
	moving(0, 0755);
	moving(0, 0777);
	moving(SOMEBODY, 0755);
	moving(SOMEBODY, 0555);
	make("f", 0644, 0, 0);
	as(SOMEBODY, SOMEBODY, do_chowns);
	make("f", 0644, SOMEBODY, SOMEBODY);
	as(SOMEBODY, SOMEBODY, do_chowns);
	unlink("f");
	chdir("..");
	return rmdir("rights");
}
