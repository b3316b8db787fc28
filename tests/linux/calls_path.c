// SPDX-License-Identifier: MIT
/* Paths and what they name, one call at a time (call.h). */
#include "call.h"

#include <sys/time.h>
#include <sys/statfs.h>

struct open_how {
	uint64_t flags, mode, resolve;
};

static char buf[4096], longest[5000];

static void clean(void)
{
	unlink("f");
	unlink("g");
	unlink("l");
	unlink("loop");
	rmdir("d/e");
	unlink("d/f");
	rmdir("d");
	rmdir("d2");
	memset(longest, 'x', sizeof(longest) - 1);
}

static void setup(void)
{
	clean();
	close(file("f", 5));
	mkdir("d", 0755);
	if (symlink("loop", "loop"))
		exit(1);
}

CALL(open)
{
	int fd;

	setup();
	E(S(open, "missing", O_RDONLY));
	E(S(open, "", O_RDONLY));
	E(S(open, BAD, O_RDONLY));
	E(S(open, "f/g", O_RDONLY));
	E(S(open, "f", O_RDONLY | O_DIRECTORY));
	E(S(open, "d", O_WRONLY));
	E(S(open, "d", O_CREAT, 0600));
	E(S(open, "f", O_CREAT | O_EXCL, 0600));
	E(S(open, "loop", O_RDONLY));
	E(S(open, longest, O_RDONLY));
	longest[300] = 0;
	E(S(open, longest, O_RDONLY | O_CREAT, 0600));
	E(S(open, "missing/g", O_CREAT, 0600));
	E(S(open, "g/", O_CREAT, 0600));
	E(fd = S(open, "g", O_CREAT | O_RDWR, 0666));
	close(fd);
	chmod("f", 0);
	AS_NOBODY
	{
		E(S(open, "f", O_RDONLY));
		E(S(open, "/root-only", O_CREAT, 0600));
	}
	clean();
}

CALL(openat)
{
	int fd, d;

	setup();
	d = open("d", O_RDONLY);
	E(S(openat, CLOSED, "f", O_RDONLY));
	E(fd = S(openat, d, "f", O_CREAT | O_WRONLY, 0600));
	E(S(openat, fd, "f", O_RDONLY));
	N(access("d/f", F_OK));
	close(fd);
	close(d);
	clean();
}

CALL(openat2)
{
	struct open_how how = {.flags = O_RDONLY},
			wrong = {.flags = O_RDONLY, .resolve = 1ull << 40};
	int fd;

	setup();
	E(syscall(437, AT_FDCWD, "f", &how, 8));
	E(syscall(437, AT_FDCWD, "f", BAD, sizeof(how)));
	E(syscall(437, AT_FDCWD, "f", &wrong, sizeof(how)));
	E(fd = syscall(437, AT_FDCWD, "f", &how, sizeof(how)));
	close(fd);
	clean();
}

CALL(creat)
{
	int fd;

	setup();
	E(S(creat, "d", 0600));
	E(S(creat, "missing/f", 0600));
	E(fd = S(creat, "f", 0600));
	N(lseek(fd, 0, SEEK_END));
	N(fcntl(fd, F_GETFL) & O_ACCMODE);
	close(fd);
	clean();
}

CALL(stat)
{
	struct stat st;

	setup();
	E(S(stat, "missing", &st));
	E(S(stat, "f/g", &st));
	E(S(stat, "loop", &st));
	E(S(stat, "f", BAD));
	E(S(stat, BAD, &st));
	E(S(stat, "", &st));
	E(S(stat, "f/", &st));
	E(S(stat, "f", &st));
	N(st.st_size);
	N(st.st_nlink);
	N(st.st_mode);
	clean();
}

CALL(lstat)
{
	struct stat st;

	setup();
	E(S(lstat, "missing", &st));
	E(S(lstat, "loop/", &st));
	E(S(lstat, "loop", &st));
	N(S_ISLNK(st.st_mode));
	N(st.st_size);
	clean();
}

CALL(newfstatat)
{
	struct stat st;
	int fd;

	setup();
	fd = open("f", O_RDONLY);
	E(S(newfstatat, CLOSED, "f", &st, 0));
	E(S(newfstatat, fd, "f", &st, 0));
	E(S(newfstatat, fd, "", &st, 0));
	E(S(newfstatat, fd, "", &st, AT_EMPTY_PATH));
	N(st.st_size);
	E(S(newfstatat, AT_FDCWD, "f", &st, 1));
	E(S(newfstatat, AT_FDCWD, "loop", &st, AT_SYMLINK_NOFOLLOW));
	close(fd);
	clean();
}

CALL(statx)
{
	uint64_t st[32]; /* struct statx; the size is the sixth word */

	setup();
	E(S(statx, AT_FDCWD, "missing", 0, 0xfff, st));
	E(S(statx, CLOSED, "f", 0, 0xfff, st));
	E(S(statx, AT_FDCWD, "f", 1, 0xfff, st));
	E(S(statx, AT_FDCWD, "f", 0, 0x80000000u, st));
	E(S(statx, AT_FDCWD, "f", 0, 0xfff, BAD));
	E(S(statx, AT_FDCWD, "f", 0, 0x7ff, st));
	N(st[5]);
	clean();
}

CALL(access)
{
	setup();
	chmod("f", 0400);
	E(S(access, "missing", F_OK));
	E(S(access, "f", 8));
	E(S(access, BAD, F_OK));
	E(S(access, "f/g", F_OK));
	E(S(access, "loop", F_OK));
	E(S(access, "f", X_OK));
	E(S(access, "f", R_OK | W_OK));
	AS_NOBODY
	{
		E(S(access, "f", R_OK));
		E(S(access, "f", F_OK));
	}
	clean();
}

CALL(faccessat)
{
	setup();
	E(S(faccessat, CLOSED, "f", F_OK));
	E(S(faccessat, AT_FDCWD, "missing", F_OK));
	E(S(faccessat, AT_FDCWD, "f", F_OK));
	clean();
}

CALL(faccessat2)
{
	setup();
	E(syscall(439, AT_FDCWD, "f", F_OK, 1));
	E(syscall(439, AT_FDCWD, "f", 8, 0));
	E(syscall(439, AT_FDCWD, "loop", F_OK, AT_SYMLINK_NOFOLLOW));
	E(syscall(439, AT_FDCWD, "f", R_OK, AT_EACCESS));
	clean();
}

CALL(rename)
{
	setup();
	mkdir("d2", 0755);
	close(file("d/f", 1));
	E(S(rename, "missing", "g"));
	E(S(rename, "f", "missing/g"));
	E(S(rename, "f", "d"));
	E(S(rename, "d", "f"));
	E(S(rename, "d", "d/e"));
	E(S(rename, "d2", "d"));
	E(S(rename, "f", BAD));
	E(S(rename, "f", ""));
	E(S(rename, ".", "g"));
	E(S(rename, "f", "f"));
	E(S(rename, "f", "g"));
	N(access("f", F_OK));
	E(S(rename, "g", "d/f"));
	chmod("d", 0755);
	AS_NOBODY E(S(rename, "d/f", "d/g"));
	clean();
}

CALL(renameat)
{
	setup();
	E(S(renameat, CLOSED, "f", AT_FDCWD, "g"));
	E(S(renameat, AT_FDCWD, "f", AT_FDCWD, "g"));
	clean();
}

static void exchanged(const char *a, const char *b)
{
	struct stat sa, sb;

	printf("  %s %o", a, lstat(a, &sa) ? 0 : sa.st_mode & S_IFMT);
	printf(" %ld, ", S_ISREG(sa.st_mode) ? (long)sa.st_size : 0);
	printf("%s %o", b, lstat(b, &sb) ? 0 : sb.st_mode & S_IFMT);
	printf(" %ld\n", S_ISREG(sb.st_mode) ? (long)sb.st_size : 0);
}

CALL(renameat2)
{
	setup();
	close(file("g", 1));
	E(S(renameat2, AT_FDCWD, "f", AT_FDCWD, "g", 1));
	E(S(renameat2, AT_FDCWD, "f", AT_FDCWD, "g", 64));
	E(S(renameat2, AT_FDCWD, "f", AT_FDCWD, "l", 1));
	E(S(renameat2, AT_FDCWD, "f", AT_FDCWD, "g", 3));
	E(S(renameat2, AT_FDCWD, "f", AT_FDCWD, "missing", 2));
	E(S(renameat2, AT_FDCWD, "f", AT_FDCWD, "g", 2));
	exchanged("f", "g");
	E(S(renameat2, AT_FDCWD, "f", AT_FDCWD, "d", 2)); /* whatever they are */
	exchanged("f", "d");
	E(S(renameat2, AT_FDCWD, "f", AT_FDCWD, "d", 2));
	mkdir("d/in", 0755);
	E(S(renameat2, AT_FDCWD, "d", AT_FDCWD, "d/in", 2));
	E(S(renameat2, AT_FDCWD, "d/in", AT_FDCWD, "d", 2));
	E(S(renameat2, AT_FDCWD, "d/in", AT_FDCWD, "g", 2));
	exchanged("d/in", "g");
	E(S(renameat2, AT_FDCWD, "f", AT_FDCWD, "f", 2));
	AS_NOBODY E(S(renameat2, AT_FDCWD, "f", AT_FDCWD, "d/in", 2));
	unlink("d/in");
	rmdir("g");
	clean();
}

CALL(mkdir)
{
	struct stat st;

	setup();
	E(S(mkdir, "d", 0755));
	E(S(mkdir, "f", 0755));
	E(S(mkdir, "missing/d", 0755));
	E(S(mkdir, "f/d", 0755));
	E(S(mkdir, "", 0755));
	E(S(mkdir, BAD, 0755));
	E(S(mkdir, "/", 0755));
	E(S(mkdir, "d2/", 01777));
	stat("d2", &st);
	N(st.st_mode & 07777);
	AS_NOBODY E(S(mkdir, "/mine", 0755));
	clean();
}

CALL(mkdirat)
{
	int d;

	setup();
	d = open("d", O_RDONLY);
	E(S(mkdirat, CLOSED, "x", 0755));
	E(S(mkdirat, d, "e", 0755));
	N(access("d/e", F_OK));
	close(d);
	clean();
}

CALL(rmdir)
{
	setup();
	close(file("d/f", 1));
	E(S(rmdir, "missing"));
	E(S(rmdir, "f"));
	E(S(rmdir, "d"));
	E(S(rmdir, "."));
	E(S(rmdir, "d/.."));
	E(S(rmdir, BAD));
	E(S(rmdir, "/"));
	unlink("d/f");
	E(S(rmdir, "d"));
	clean();
}

CALL(unlink)
{
	setup();
	E(S(unlink, "missing"));
	E(S(unlink, "d"));
	E(S(unlink, "f/"));
	E(S(unlink, ""));
	E(S(unlink, BAD));
	E(S(unlink, "loop"));
	E(S(unlink, "f"));
	close(file("d/f", 1));
	AS_NOBODY E(S(unlink, "d/f"));
	clean();
}

CALL(unlinkat)
{
	setup();
	E(S(unlinkat, CLOSED, "f", 0));
	E(S(unlinkat, AT_FDCWD, "f", 1));
	E(S(unlinkat, AT_FDCWD, "f", AT_REMOVEDIR));
	E(S(unlinkat, AT_FDCWD, "d", 0));
	E(S(unlinkat, AT_FDCWD, "d", AT_REMOVEDIR));
	E(S(unlinkat, AT_FDCWD, "f", 0));
	clean();
}

CALL(link)
{
	struct stat st;

	setup();
	E(S(link, "missing", "g"));
	E(S(link, "f", "d"));
	E(S(link, "d", "g"));
	E(S(link, "f", "missing/g"));
	E(S(link, "f", BAD));
	E(S(link, "f", "g"));
	stat("f", &st);
	N(st.st_nlink);
	clean();
}

CALL(linkat)
{
	setup();
	E(S(linkat, CLOSED, "f", AT_FDCWD, "g", 0));
	E(S(linkat, AT_FDCWD, "f", AT_FDCWD, "g", 1));
	E(S(linkat, AT_FDCWD, "loop", AT_FDCWD, "g", AT_SYMLINK_FOLLOW));
	E(S(linkat, AT_FDCWD, "loop", AT_FDCWD, "g", 0));
	clean();
}

CALL(symlink)
{
	setup();
	E(S(symlink, "", "g"));
	E(S(symlink, "x", "f"));
	E(S(symlink, "x", "missing/g"));
	E(S(symlink, BAD, "g"));
	E(S(symlink, "nowhere", "g"));
	N(readlink("g", buf, sizeof(buf)));
	clean();
}

CALL(symlinkat)
{
	setup();
	E(S(symlinkat, "x", CLOSED, "g"));
	E(S(symlinkat, "x", AT_FDCWD, "g"));
	clean();
}

CALL(readlink)
{
	setup();
	E(S(readlink, "missing", buf, 10));
	E(S(readlink, "f", buf, 10));
	E(S(readlink, "loop", buf, 0));
	E(S(readlink, "loop", BAD, 10));
	N(S(readlink, "loop", buf, 2));
	N(S(readlink, "loop", buf, 100));
	clean();
}

CALL(readlinkat)
{
	setup();
	E(S(readlinkat, CLOSED, "loop", buf, 10));
	N(S(readlinkat, AT_FDCWD, "loop", buf, 10));
	clean();
}

CALL(chmod)
{
	struct stat st;

	setup();
	E(S(chmod, "missing", 0600));
	E(S(chmod, BAD, 0600));
	E(S(chmod, "loop", 0600));
	E(S(chmod, "f", 04711));
	stat("f", &st);
	N(st.st_mode & 07777);
	AS_NOBODY E(S(chmod, "f", 0600));
	clean();
}

CALL(fchmod)
{
	int fd;

	setup();
	fd = open("f", O_RDONLY);
	E(S(fchmod, CLOSED, 0600));
	E(S(fchmod, fd, 0600));
	AS_NOBODY E(S(fchmod, fd, 0666));
	close(fd);
	clean();
}

CALL(fchmodat)
{
	setup();
	E(S(fchmodat, CLOSED, "f", 0600));
	E(S(fchmodat, AT_FDCWD, "missing", 0600));
	E(S(fchmodat, AT_FDCWD, "f", 0600));
	clean();
}

CALL(chown)
{
	struct stat st;

	setup();
	chmod("f", 06755);
	E(S(chown, "missing", 1, 1));
	E(S(chown, BAD, 1, 1));
	E(S(chown, "f", 1, -1));
	stat("f", &st);
	N(st.st_uid);
	N(st.st_mode & 07777);
	AS_NOBODY E(S(chown, "f", NOBODY, -1));
	clean();
}

CALL(fchown)
{
	int fd;

	setup();
	fd = open("f", O_RDONLY);
	E(S(fchown, CLOSED, 1, 1));
	E(S(fchown, fd, 3, 4));
	close(fd);
	clean();
}

CALL(lchown)
{
	struct stat st;

	setup();
	E(S(lchown, "missing", 1, 1));
	E(S(lchown, "loop", 7, 7));
	lstat("loop", &st);
	N(st.st_uid);
	clean();
}

CALL(fchownat)
{
	int fd;

	setup();
	fd = open("f", O_RDONLY);
	E(S(fchownat, CLOSED, "f", 1, 1, 0));
	E(S(fchownat, AT_FDCWD, "f", 1, 1, 1));
	E(S(fchownat, fd, "", 1, 1, AT_EMPTY_PATH));
	E(S(fchownat, AT_FDCWD, "loop", 1, 1, AT_SYMLINK_NOFOLLOW));
	close(fd);
	clean();
}

CALL(truncate)
{
	setup();
	E(S(truncate, "missing", 0));
	E(S(truncate, "d", 0));
	E(S(truncate, "f", -1L));
	E(S(truncate, BAD, 0));
	E(S(truncate, "f", 2));
	AS_NOBODY E(S(truncate, "f", 0));
	clean();
}

CALL(chdir)
{
	setup();
	E(S(chdir, "missing"));
	E(S(chdir, "f"));
	E(S(chdir, "loop"));
	E(S(chdir, BAD));
	E(S(chdir, ""));
	chmod("d", 0700);
	AS_NOBODY E(S(chdir, "d"));
	E(S(chdir, "d"));
	E(S(chdir, ".."));
	clean();
}

CALL(fchdir)
{
	int fd, d;

	setup();
	fd = open("f", O_RDONLY);
	d = open("d", O_RDONLY);
	E(S(fchdir, CLOSED));
	E(S(fchdir, fd));
	E(S(fchdir, d));
	E(S(chdir, ".."));
	close(fd);
	close(d);
	clean();
}

CALL(getcwd)
{
	E(S(getcwd, BAD, 100));
	E(S(getcwd, buf, 1));
	N(S(getcwd, buf, sizeof(buf)) == (long)strlen(buf) + 1);
}

CALL(umask)
{
	S(umask, 027);
	N(S(umask, 07777));
	N(S(umask, 022));
}

CALL(statfs)
{
	struct statfs st;

	setup();
	E(S(statfs, "missing", &st));
	E(S(statfs, "f", BAD));
	E(S(statfs, "f", &st));
	clean();
}

CALL(mknod)
{
	struct stat st;

	setup();
	E(S(mknod, "f", S_IFREG | 0600, 0));
	E(S(mknod, "missing/g", S_IFREG | 0600, 0));
	E(S(mknod, "g", S_IFDIR | 0600, 0));
	E(S(mknod, BAD, S_IFREG | 0600, 0));
	E(S(mknod, "g", S_IFIFO | 0640, 0));
	stat("g", &st);
	N(S_ISFIFO(st.st_mode));
	N(st.st_mode & 0777);
	chmod("d", 0777);
	AS_NOBODY E(S(mknod, "d/g", S_IFCHR | 0600, 0x103));
	clean();
}

CALL(mknodat)
{
	setup();
	E(S(mknodat, CLOSED, "g", S_IFIFO | 0600, 0));
	E(S(mknodat, AT_FDCWD, "g", S_IFREG | 0600, 0));
	clean();
}

CALL(utime)
{
	struct {
		long access, modified;
	} t = {100, 200};
	struct stat st;

	setup();
	E(S(utime, "missing", &t));
	E(S(utime, "f", BAD));
	E(S(utime, "f", &t));
	stat("f", &st);
	N(st.st_mtime);
	chmod("f", 0644);
	AS_NOBODY
	{
		E(S(utime, "f", &t));
		E(S(utime, "f", NULL));
	}
	clean();
}

CALL(utimes)
{
	struct timeval t[2] = {{1, 2}, {3, 4}}, wrong[2] = {{1, 2}, {3, 1000000}};

	setup();
	E(S(utimes, "missing", t));
	E(S(utimes, "f", wrong));
	E(S(utimes, "f", t));
	clean();
}

CALL(futimesat)
{
	struct timeval t[2] = {{1, 2}, {3, 4}};

	setup();
	E(S(futimesat, CLOSED, "f", t));
	E(S(futimesat, AT_FDCWD, "f", t));
	clean();
}

CALL(utimensat)
{
	struct timespec t[2] = {{1, 0}, {0, UTIME_OMIT}}, wrong[2] = {{1, -1}, {2, 2}};
	struct stat st;

	setup();
	E(S(utimensat, CLOSED, "f", t, 0));
	E(S(utimensat, AT_FDCWD, "missing", t, 0));
	E(S(utimensat, AT_FDCWD, "f", wrong, 0));
	E(S(utimensat, AT_FDCWD, "f", t, 1));
	E(S(utimensat, AT_FDCWD, "f", BAD, 0));
	E(S(utimensat, AT_FDCWD, "f", t, 0));
	stat("f", &st);
	N(st.st_atime);
	E(S(utimensat, AT_FDCWD, "loop", t, AT_SYMLINK_NOFOLLOW));
	clean();
}

CALL(mount)
{
	setup();
	AS_NOBODY
	{
		E(S(mount, "none", ".", "tmpfs", 0, NULL));
		E(S(mount, ".", ".", NULL, 4096, NULL));
	}
	clean();
}

CALL(umount2)
{
	setup();
	E(S(umount2, "f", 64));
	AS_NOBODY E(S(umount2, "f", 0));
	clean();
}

CALL(sync)
{
	N(S(sync));
}
