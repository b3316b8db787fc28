// SPDX-License-Identifier: MIT
/* mmap and friends; a shared mapping across fork; faults with the right address. */
#include "lx.h"
#include <setjmp.h>
#include <sys/syscall.h>

static sigjmp_buf env;
static void *where;
static int code;

static void on_fault(int s, siginfo_t *i, void *u)
{
	(void)u;
	where = i->si_addr;
	code = i->si_code;
	siglongjmp(env, s);
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	char *p, *q;
	int fd, s;

	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p[0] = 1;
	CHECK(mprotect(p, 4096, PROT_READ));
	sigaction(SIGSEGV, &sa, NULL);
	if (!(s = sigsetjmp(env, 1)))
		p[0] = 2;
	printf("signal %d at 0 %d code %d\n", s, where == p, code);
	CHECK(munmap(p, 4096));
	if (!(s = sigsetjmp(env, 1)))
		p[5] = 2;
	printf("signal %d at 5 %d code %d\n", s, where == p + 5, code);
	CHECK(mprotect(p, 4096, PROT_READ));
	CHECK(munmap(p + 1, 4096));
	CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 9999, 0) == MAP_FAILED);
	CHECK(mmap(p + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		   0) == MAP_FAILED);
	q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!fork()) {
		q[0] = 42;
		p[4096] = 43;
		_exit(0);
	}
	wait(NULL);
	printf("shared %d private %d\n", q[0], p[4096]);
	fd = open("mm", O_CREAT | O_RDWR | O_TRUNC, 0600);
	write(fd, "file bytes", 10);
	q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memcpy(q, "FILE", 4);
	{
		char b[16] = "";

		pread(fd, b, 10, 0);
		printf("%s\n", b);
		pwrite(fd, "!", 1, 4);
		printf("%.10s\n", q);
	}
	q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	q[0] = 'x';
	{
		char b[16] = "";

		pread(fd, b, 10, 0);
		printf("%s\n", b);
	}
	unlink("mm");
	q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	q[0] = 9;
	q = mremap(q, 4096, 65536, MREMAP_MAYMOVE);
	printf("moved %d %d\n", q[0], q[60000]);
	CHECK(madvise(q, 4096, MADV_DONTNEED));
	printf("dropped %d\n", q[0]);
	signal(SIGSEGV, SIG_DFL);
	p = (char *)syscall(SYS_brk, 0);
	printf("brk grows %d\n", (char *)syscall(SYS_brk, p + 100000) == p + 100000);
	p[99999] = 1;
	printf("and shrinks %d\n", (char *)syscall(SYS_brk, p) == p);
	p = malloc(10 << 20);
	memset(p, 1, 10 << 20);
	free(p);
	{ /* what was opened for reading cannot be made writable by way of a mapping */
		char name[] = "roXXXXXX";
		int w = mkstemp(name), ro = open(name, O_RDONLY);

		write(w, "file", 4);
		p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, ro, 0);
		CHECK(mprotect(p, 4096, PROT_READ | PROT_WRITE));
		CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0) == MAP_FAILED);
		munmap(p, 4096);
		p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, ro, 0);
		CHECK(mprotect(p, 4096, PROT_READ | PROT_WRITE));
		memcpy(p, "mine", 4);
		munmap(p, 4096);
		p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, w, 0);
		CHECK(mprotect(p, 4096, PROT_READ | PROT_WRITE));
		CHECK(memcmp(p, "file", 4));
		unlink(name);
	}
	return 0;
}
