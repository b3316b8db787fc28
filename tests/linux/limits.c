// SPDX-License-Identifier: MIT
/* Limits that bind: open files, the size of a file, the stack. */
#include "lx.h"

#include <sys/resource.h>

static int deep(int n)
{
	char b[4096];

	memset(b, n, sizeof(b));
	return n ? deep(n - 1) + b[7] : b[9];
}

static void limited(int what, long soft)
{
	struct rlimit r;

	getrlimit(what, &r);
	r.rlim_cur = soft;
	CHECK(setrlimit(what, &r));
}

static void sizes(void)
{
	int f = open("big", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char b[8192] = {0};

	limited(RLIMIT_FSIZE, 10000);
	CHECK(write(f, b, 8192));
	CHECK(write(f, b, 8192));
	signal(SIGXFSZ, SIG_IGN);
	CHECK(write(f, b, 1));
	CHECK(pwrite(f, b, 1, 10000));
	CHECK(pwrite(f, b, 10, 9995));
	CHECK(ftruncate(f, 10001));
	CHECK(ftruncate(f, 9999));
	signal(SIGXFSZ, SIG_DFL);
	lseek(f, 0, SEEK_END);
	write(f, b, 1);
	write(f, b, 1); /* ends here */
	printf("not reached\n");
}

static void in_child(void (*fn)(void))
{
	int st;

	fflush(stdout);
	if (!fork()) {
		fn();
		fflush(stdout);
		_exit(0);
	}
	wait(&st);
	CHECK(st & 0x7f);
}

static void files(void)
{
	int n = 0;

	limited(RLIMIT_NOFILE, 20);
	while (dup(0) >= 0)
		n++;
	CHECK(errno);
	CHECK(dup2(0, 25));
	CHECK(n < 20 && n > 5);
}

static void stacked(void)
{
	char *const small[] = {"/proc/self/exe", "4", NULL}, *const env[] = {NULL};

	limited(RLIMIT_STACK, 1 << 20);
	fflush(stdout);
	execve("/proc/self/exe", small, env);
}

static void fits(void)
{
	char *const big[] = {"/proc/self/exe", "3000", NULL}, *const env[] = {NULL};

	limited(RLIMIT_STACK, 16 << 20);
	fflush(stdout);
	execve("/proc/self/exe", big, env);
}

static void overflows(void)
{
	char *const big[] = {"/proc/self/exe", "600", NULL}, *const env[] = {NULL};

	limited(RLIMIT_STACK, 1 << 20);
	fflush(stdout);
	execve("/proc/self/exe", big, env);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		printf("deep: %d\n", deep(atoi(argv[1])) != 77777);
		return 0;
	}
	in_child(files);
	in_child(sizes);
	in_child(stacked);
	in_child(fits);
	in_child(overflows);
	unlink("big");
	return 0;
}
