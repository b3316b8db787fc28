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

/* The end of the name of something new: "." and slashes. */
static void ends(void)
{
	static const char *const name[] = {"t/none/.", "t/none/..", "t/none/", "t/dir/.",
					   "t/dir/",   "t/file/.",  "t/file/", "t/.",
					   "t/..",     "/",	    "t//./"};
	unsigned i;

	mkdir("t/dir", 0755);
	close(open("t/file", O_CREAT | O_WRONLY, 0644));
	for (i = 0; i < sizeof(name) / sizeof(*name); i++) {
		printf("%s\n", name[i]);
		CHECK(mkdir(name[i], 0755));
		if (rmdir("t/none"))
			CHECK(mkfifo(name[i], 0644));
		CHECK(mknod(name[i], S_IFREG | 0644, 0));
		CHECK(symlink("nowhere", name[i]));
		CHECK(link("t/file", name[i]));
		CHECK(rename("t/file", name[i]));
		CHECK(open(name[i], O_CREAT | O_WRONLY, 0644));
		CHECK(unlink("t/none"));
	}
	CHECK(rename("t/dir", "t/moved/"));
	CHECK(rename("t/moved/", "t/dir"));
}

/* By the descriptor of a file that is not open for it, as C libraries do. */
static void behind_links(void)
{
	struct timespec ts[2] = {{5, 0}, {6, 0}};
	struct stat st;
	char fdname[64];
	int fd = open("t/file", O_PATH | O_CLOEXEC);

	sprintf(fdname, "/proc/self/fd/%d", fd);
	CHECK(chmod(fdname, 0421));
	CHECK(chown(fdname, 3, 4));
	CHECK(utimensat(AT_FDCWD, fdname, ts, 0));
	CHECK(truncate(fdname, 99));
	CHECK(stat("t/file", &st));
	printf("%o %d %d %d %d\n", st.st_mode, st.st_uid, st.st_gid, (int)st.st_mtime > 5,
	       (int)st.st_size);
	CHECK(unlink(fdname) && stat("t/file", &st) == 0);
	CHECK(rmdir(fdname) && mkdir(fdname, 0755) && symlink("x", fdname) && mkfifo(fdname, 0644));
	CHECK(rename(fdname, "t/else") && rename("t/dir", fdname) && link("t/dir", fdname));
	CHECK(lchown(fdname, 7, 8) >= -1 && stat("t/file", &st) == 0 && st.st_uid == 3);
	CHECK(chmod("/proc/self/status", 0600) && (errno == EPERM || errno == EROFS));
	close(fd);
	CHECK(chmod(fdname, 0421));
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
	ends();
	behind_links();
	system("rm -rf t");
	return 0;
}
