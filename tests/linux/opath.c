// SPDX-License-Identifier: MIT
/* O_PATH names a file and opens nothing: no right to it is needed, and none is had. */
#include "lx.h"

#include <sys/file.h>
#include <sys/statfs.h>

static void with(int f)
{
	struct stat st;
	char b[64];

	CHECK(f >= 0);
	CHECK(fstat(f, &st));
	CHECK(st.st_size);
	CHECK(read(f, b, 8));
	CHECK(pread(f, b, 8, 0));
	CHECK(pread(f, b, 8, 0));
	CHECK(write(f, "x", 1));
	CHECK(pwrite(f, "x", 1, 0));
	CHECK(lseek(f, 0, SEEK_SET));
	CHECK(ftruncate(f, 0));
	CHECK(syscall(91, f, 0777)); /* fchmod: musl would try chmod by way of /proc */
	CHECK(flock(f, LOCK_SH));
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, f, 0) == MAP_FAILED ? errno : 0);
	CHECK(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, f, 0) == MAP_FAILED ? errno : 0);
	CHECK(fcntl(f, F_GETFD));
	CHECK(close(dup(f)));
	CHECK(close(f));
}

int main(void)
{
	char secret[] = "secretXXXXXX", b[64] = "";
	int f = mkstemp(secret), d;

	write(f, "secret", 6);
	chmod(".", 0755);
	mkdir("opath-dir", 0700);
	close(open("opath-dir/in", O_CREAT | O_WRONLY, 0666));
	fflush(stdout);
	if (!fork()) {
		CHECK(setresuid(54321, 54321, 54321));
		CHECK(open(secret, O_RDONLY));
		with(open(secret, O_PATH));
		with(open(secret, O_PATH | O_RDWR | O_TRUNC));
		with(open(secret, O_PATH | O_WRONLY | O_APPEND));
		CHECK(open("opath-new", O_PATH | O_CREAT | O_RDWR, 0666));
		CHECK(open(secret, O_PATH | O_DIRECTORY));
		d = open("opath-dir", O_PATH);
		CHECK(d >= 0);
		CHECK(openat(d, "in", O_RDONLY)); /* the way through it is still closed */
		CHECK(fchdir(d));
		CHECK(readlinkat(d, "in", b, sizeof(b)));
		CHECK(close(d));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	CHECK(pread(f, b, 10, 0));
	printf("still %s\n", b);
	d = open("opath-dir", O_PATH);
	CHECK(openat(d, "in", O_RDONLY) >= 0);
	CHECK(syscall(217, d, b, sizeof(b))); /* getdents64 */
	CHECK(fchdir(d));
	CHECK(access("in", F_OK));
	CHECK(chdir(".."));
	CHECK(close(d));
	unlink(secret);
	unlink("opath-dir/in");
	rmdir("opath-dir");
	return 0;
}
