// SPDX-License-Identifier: MIT
/* Who may do what: modes, owners, groups, the sticky bit; run as root. */
#include "lx.h"

#include <grp.h>

static void as(unsigned uid, unsigned gid, void (*fn)(void))
{
	gid_t extra = 2000;
	int st;

	fflush(stdout);
	if (!fork()) {
		CHECK(setgroups(1, &extra));
		CHECK(setresgid(gid, gid, gid));
		CHECK(setresuid(uid, uid, uid));
		fn();
		fflush(stdout);
		_exit(0);
	}
	wait(&st);
	CHECK(st);
}

static void stranger(void)
{
	struct stat st;
	gid_t g[8];

	CHECK(getuid());
	CHECK(getgroups(8, g));
	CHECK(setuid(0));
	CHECK(setgroups(0, NULL));
	CHECK(open("p/private", O_RDONLY));
	CHECK(open("p/readable", O_RDONLY) > 0);
	CHECK(open("p/readable", O_RDWR));
	CHECK(open("p/group", O_RDWR) > 0);
	CHECK(access("p/readable", R_OK));
	CHECK(access("p/readable", W_OK));
	CHECK(access("p/private", F_OK));
	CHECK(access("p/private", R_OK));
	CHECK(open("p/closed/in", O_RDONLY));
	CHECK(stat("p/closed/in", &st));
	CHECK(stat("p/closed", &st));
	CHECK(chdir("p/closed"));
	CHECK(open("p/new", O_CREAT | O_RDWR, 0600));
	CHECK(mkdir("p/newdir", 0700));
	CHECK(unlink("p/readable"));
	CHECK(rename("p/readable", "p/x"));
	CHECK(chmod("p/readable", 0777));
	CHECK(chown("p/readable", 1000, 1000));
	CHECK(truncate("p/readable", 0));
	CHECK(symlink("x", "p/link"));
	CHECK(link("p/readable", "p/hard"));
	CHECK(open("p/sticky/mine", O_CREAT | O_WRONLY, 0644) > 0);
	CHECK(stat("p/sticky/mine", &st));
	CHECK(st.st_uid == getuid() && st.st_gid == getgid());
	CHECK(unlink("p/sticky/roots"));
	CHECK(rename("p/sticky/roots", "p/sticky/x"));
	CHECK(chmod("p/sticky/mine", 0600));
	CHECK(chown("p/sticky/mine", 0, -1));
	CHECK(chown("p/sticky/mine", -1, 2000));
	CHECK(chown("p/sticky/mine", -1, 3000));
	CHECK(unlink("p/sticky/mine"));
	CHECK(utimensat(AT_FDCWD, "p/group", NULL, 0));
	CHECK(utimensat(AT_FDCWD, "p/readable", NULL, 0));
	CHECK(mknod("p/sticky/dev", S_IFCHR | 0666, 0x103));
	CHECK(kill(getppid(), 0));
}

static void half(void)
{
	CHECK(seteuid(0));
	CHECK(setreuid(-1, 1000));
}

static void setgid_dir(void)
{
	struct stat st;

	CHECK(open("p/setgid/f", O_CREAT | O_WRONLY, 0666) > 0);
	CHECK(stat("p/setgid/f", &st));
	CHECK(st.st_gid);
	CHECK(mkdir("p/setgid/d", 0777));
	CHECK(stat("p/setgid/d", &st));
	CHECK(st.st_mode & 07777);
	rmdir("p/setgid/d");
	unlink("p/setgid/f");
}

static void file(const char *path, unsigned mode, unsigned uid, unsigned gid)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	write(fd, "x", 1);
	close(fd);
	chown(path, uid, gid);
	chmod(path, mode);
}

int main(void)
{
	umask(022);
	chmod(".", 0755);
	mkdir("p", 0755);
	file("p/private", 0600, 0, 0);
	file("p/readable", 0644, 0, 0);
	file("p/group", 0660, 0, 2000);
	mkdir("p/closed", 0700);
	file("p/closed/in", 0644, 0, 0);
	mkdir("p/sticky", 0);
	chmod("p/sticky", 01777);
	file("p/sticky/roots", 0666, 0, 0);
	mkdir("p/setgid", 0);
	chown("p/setgid", 0, 2000);
	chmod("p/setgid", 02777);
	as(1000, 1000, stranger);
	as(1000, 1000, half);
	as(1000, 1000, setgid_dir);
	CHECK(open("p/private", O_RDWR) > 0);
	CHECK(access("p/private", X_OK));
	system("rm -rf p 2>/dev/null");
	return 0;
}
