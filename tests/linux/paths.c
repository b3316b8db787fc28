// SPDX-License-Identifier: MIT
/* "..", links to directories and to other file systems, the current directory. */
#include "lx.h"

static void cwd(const char *start)
{
	char b[512];

	printf("%s\n", getcwd(b, sizeof(b)) ? b + strlen(start) : "none");
}

static void cat(const char *path)
{
	char b[64] = "";
	int fd = open(path, O_RDONLY), n = fd < 0 ? -1 : (int)read(fd, b, 63);

	printf("%s: %s\n", path, n < 0 ? strerror(errno) : b);
	close(fd);
}

static void file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);

	write(fd, text, strlen(text));
	close(fd);
}

int main(void)
{
	char start[512], b[64];
	struct stat st, st2;
	int d;

	getcwd(start, sizeof(start));
	mkdir("t", 0755);
	mkdir("t/a", 0755);
	mkdir("t/a/b", 0755);
	mkdir("t/c", 0755);
	symlink("a/b", "t/ab");
	symlink("../a/b", "t/c/up");
	file("t/f", "t");
	file("t/a/f", "a");
	file("t/a/b/f", "b");
	cat("t/ab/f");
	cat("t/ab/../f"); /* of a, not of t */
	cat("t/c/up/../f");
	cat("t/c/up/../../f");
	cat("t/./a/../a/b/../../f");
	cat("t/nothing/../f");
	cat("t/f/../f");
	CHECK(chdir("t/ab"));
	cwd(start);
	cat("f");
	cat("../f");
	CHECK(chdir(".."));
	cwd(start);
	CHECK(chdir("../c/up/.."));
	cwd(start);
	CHECK(chdir(start));
	d = open("t/ab", O_RDONLY | O_DIRECTORY);
	CHECK(openat(d, "../f", O_RDONLY) > 0);
	CHECK(fchdir(d));
	cat("../f");
	CHECK(chdir(start));
	CHECK(stat("t/ab/..", &st));
	CHECK(stat("t/a", &st2) || st.st_ino != st2.st_ino);
	CHECK(chdir("/../../.."));
	cwd("");
	CHECK(chdir(start));
	symlink("/proc/self", "t/self");
	symlink("/proc/self/comm", "t/comm");
	CHECK(stat("t/self/status", &st));
	CHECK(access("t/comm", R_OK));
	d = open("t/comm", O_RDONLY);
	CHECK(read(d, b, sizeof(b)) > 0);
	CHECK(stat("t/self/nothing", &st));
	CHECK(readlink("t/self", b, sizeof(b)));
	CHECK(lstat("t/self", &st) || !S_ISLNK(st.st_mode));
	CHECK(unlink("t/self"));
	CHECK(unlink("t/comm"));
	CHECK(mkdir("t/a/b/../new", 0755));
	CHECK(rename("t/ab/../new", "t/c/up/../../renamed"));
	CHECK(rmdir("t/renamed"));
	CHECK(open("t/ab/../made", O_CREAT | O_EXCL | O_WRONLY, 0600) > 0);
	CHECK(unlink("t/a/made"));
	CHECK(mkdir("t/dots..", 0755));
	CHECK(rmdir("t/dots.."));
	CHECK(mkdir("t/...", 0755));
	CHECK(chdir("t/..."));
	cwd(start);
	CHECK(chdir(start));
	CHECK(rmdir("t/..."));
	CHECK(open("t/a..b", O_CREAT | O_WRONLY, 0600) > 0);
	CHECK(unlink("t/a..b"));
	system("rm -rf t");
	return 0;
}
