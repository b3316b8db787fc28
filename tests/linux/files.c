// SPDX-License-Identifier: MIT
/* Files, offsets, links, directories, errors: what the host says is right. */
#include "lx.h"

/* The sum of the letters of a directory's entries, whatever their order. */
static int letters(const char *name)
{
	DIR *d = opendir(name);
	struct dirent *e;
	int sum = 0;

	while ((e = readdir(d)))
		sum += e->d_name[0] == '.' ? 0 : 1 << (e->d_name[0] - 'a');
	closedir(d);
	return sum;
}

/* What was renamed is listed like everything else, and what was there before it still is. */
static void listings(void)
{
	struct dirent *e;
	int seen = 0;
	DIR *d;

	mkdir("list", 0755);
	mkdir("other", 0755);
	close(open("list/a", O_CREAT, 0644));
	close(open("list/b", O_CREAT, 0644));
	mkdir("list/c", 0755);
	close(open("other/d", O_CREAT, 0644));
	printf("made: %x", letters("list"));
	rename("list/a", "list/e");
	printf(", renamed: %x", letters("list"));
	rename("list/c", "list/f");
	rename("list/f", "list/c");
	rename("list/b", "other/b");
	printf(", moved: %x %x", letters("list"), letters("other"));
	rename("other/d", "list/d");
	printf(", back: %x %x\n", letters("list"), letters("other"));
	d = opendir("list");
	while ((e = readdir(d))) { /* while it is being listed */
		seen += e->d_name[0] != '.';
		rename("other/b", "other/g");
		unlinkat(dirfd(d), e->d_name, e->d_type == DT_DIR ? AT_REMOVEDIR : 0);
	}
	closedir(d);
	printf("removed while listed: %d, left %x\n", seen, letters("list"));
	system("rm -r list other");
}

int main(void)
{
	char b[64] = "", path[] = "tXXXXXX";
	struct stat st;
	struct iovec v[2] = {{"ab", 2}, {"cd", 2}};
	int fd = mkstemp(path), fd2, n;
	DIR *d;
	struct dirent *e;

	unlink(path);
	CHECK(write(fd, "hello world", 11));
	CHECK(lseek(fd, 0, SEEK_SET));
	CHECK(read(fd, b, 5));
	fd2 = dup(fd);
	CHECK(lseek(fd2, 0, SEEK_CUR)); /* shared offset */
	CHECK(pread(fd, b, 4, 6));
	CHECK(pread(fd, b, 4, 100));
	CHECK(pwrite(fd, "W", 1, 6));
	CHECK(lseek(fd, -1, SEEK_SET));
	CHECK(lseek(fd, 5, SEEK_END));
	CHECK(write(fd, "x", 1));
	CHECK(fstat(fd, &st));
	printf("size %ld mode %o nlink %ld\n", (long)st.st_size, st.st_mode & 0170000,
	       (long)st.st_nlink);
	CHECK(ftruncate(fd, 3));
	CHECK(pread(fd, b, 10, 0));
	CHECK(ftruncate(fd, 10));
	n = pread(fd, b, 10, 0);
	printf("%d zero %d\n", n, b[5]);
	CHECK(writev(fd, v, 2));
	CHECK(close(fd2));
	CHECK(close(fd));
	CHECK(close(fd));
	CHECK(read(fd, b, 1));
	CHECK(open("/no/such/file", O_RDONLY));
	CHECK(open("/", O_WRONLY));
	CHECK(open("dir", O_RDONLY | O_DIRECTORY));
	CHECK(mkdir("dir", 0755));
	CHECK(mkdir("dir", 0755));
	CHECK(open("dir/f", O_CREAT | O_EXCL | O_RDWR, 0644) >= 0);
	CHECK(open("dir/f", O_CREAT | O_EXCL | O_RDWR, 0644));
	CHECK(open("dir/f/g", O_RDONLY));
	CHECK(rmdir("dir"));
	CHECK(unlink("dir"));
	CHECK(symlink("f", "dir/l"));
	CHECK(readlink("dir/l", b, sizeof(b)));
	CHECK(open("dir/l", O_RDONLY | O_NOFOLLOW));
	CHECK(lstat("dir/l", &st));
	printf("link %d\n", S_ISLNK(st.st_mode));
	CHECK(symlink("loop", "dir/loop"));
	CHECK(open("dir/loop", O_RDONLY));
	CHECK(link("dir/f", "dir/h"));
	CHECK(stat("dir/h", &st));
	printf("nlink %ld\n", (long)st.st_nlink);
	CHECK(rename("dir/h", "dir/i"));
	CHECK(rename("dir/none", "dir/i"));
	CHECK(rename("dir", "dir/sub"));
	CHECK(access("dir/i", R_OK));
	CHECK(access("dir/none", F_OK));
	n = 0;
	d = opendir("dir");
	while ((e = readdir(d)))
		n++;
	closedir(d);
	printf("entries %d\n", n);
	CHECK(chmod("dir/i", 0600));
	CHECK(stat("dir/i", &st));
	printf("mode %o\n", st.st_mode & 0777);
	CHECK(unlink("dir/f"));
	CHECK(unlink("dir/i"));
	CHECK(unlink("dir/l"));
	CHECK(unlink("dir/loop"));
	CHECK(rmdir("dir"));
	CHECK(read(0x7fff, b, 1));
	CHECK(open((char *)8, O_RDONLY));
	fd = open("/dev/zero", O_RDONLY);
	CHECK(read(fd, (void *)8, 10));
	CHECK(ioctl(open("/dev/null", O_RDWR), TCGETS, b));
	CHECK(write(open("/dev/full", O_WRONLY), "x", 1));
	listings();
	return 0;
}
