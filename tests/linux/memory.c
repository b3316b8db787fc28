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

/* Memory that grew in steps is one piece to whoever moves it. */
static void moves_what_grew(void)
{
	char *room = mmap(NULL, 64 << 12, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p, *q;
	char *to = room + (32 << 12);
	int i, good = 0;

	munmap(room, 64 << 12);
	p = mmap(room, 1 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0);
	for (i = 0; i < 4; i++) {
		memset(p + (i ? 1 << (i + 11) : 0), 'a' + i, i ? 1 << (i + 11) : 4096);
		CHECK(mremap(p, 4096 << i, 4096 << (i + 1), 0) != p);
	}
	q = mremap(p, 16 << 12, 20 << 12, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	CHECK(q != to);
	for (i = 0; i < 8; i++)
		good += q[i << 12] == (i ? 'a' + (i >= 4 ? 3 : i >= 2 ? 2 : 1) : 'a');
	printf("pages as they were: %d, fresh: %d\n", good, !q[15 << 12] && !q[19 << 12]);
	CHECK(mremap(q, 20 << 12, 20 << 12, MREMAP_MAYMOVE | MREMAP_FIXED, q + 4096) == MAP_FAILED);
	CHECK(mremap(q, 2 << 12, 2 << 12, MREMAP_MAYMOVE | MREMAP_FIXED, p + 1) == MAP_FAILED);
	CHECK(mremap(q, 2 << 12, 4 << 12, MREMAP_MAYMOVE | 4, 0) == MAP_FAILED);
	CHECK(mremap(q, 2 << 12, 2 << 12, 4, 0) == MAP_FAILED);
	p = mremap(q, 2 << 12, 2 << 12, MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */, 0);
	printf("moved %d, and what is left is empty: %d\n", p != q && p[0] == 'a' && p[4096] == 'b',
	       !q[0] && !q[4096]);
	CHECK(munmap(q + (1 << 12), 1 << 12));
	CHECK(mremap(q, 3 << 12, 4 << 12, MREMAP_MAYMOVE) == MAP_FAILED); /* a hole */
	CHECK(munmap(q, 20 << 12));
	CHECK(munmap(p, 2 << 12));
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
	moves_what_grew();
	return 0;
}
