// SPDX-License-Identifier: MIT
/* Limits that bind: files, stack, address space, processes, CPU time. */
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

/* More than FD_SETSIZE, and always the lowest that is free. */
static void many(void)
{
	struct rlimit r = {3000, 3000};
	int last = 0, fd;

	CHECK(setrlimit(RLIMIT_NOFILE, &r));
	while ((fd = dup(0)) >= 0)
		last = fd;
	CHECK(errno);
	CHECK(last);
	close(70);
	close(1500);
	close(10);
	CHECK(dup(0));
	CHECK(fcntl(0, F_DUPFD, 100));
	CHECK(fcntl(0, F_DUPFD, 71));
	CHECK(fcntl(0, F_DUPFD, 3000));
	CHECK(dup2(0, 70));
	CHECK(dup(0));
	CHECK(setresuid(54321, 54321, 54321));
	r.rlim_max = 3501;
	CHECK(setrlimit(RLIMIT_NOFILE, &r));
}

static void shows(const char *file, const char *what)
{
	FILE *f = fopen(file, "r");
	char line[200];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, what, strlen(what)))
			printf("%s", line);
	if (f)
		fclose(f);
}

/* What others see of them. */
static void seen(void)
{
	struct rlimit r = {777, 888}, none = {0, 0};
	char file[64];
	pid_t pid;

	CHECK(setrlimit(RLIMIT_NOFILE, &r));
	CHECK(setrlimit(RLIMIT_CORE, &r));
	CHECK(setrlimit(RLIMIT_RTPRIO, &none));
	limited(RLIMIT_STACK, 8 << 20);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	snprintf(file, sizeof(file), "/proc/%d/limits", pid);
	shows(file, "Limit");
	shows(file, "Max open files");
	shows(file, "Max core file size");
	shows(file, "Max realtime priority");
	shows(file, "Max stack size");
	memset(&r, 0, sizeof(r));
	CHECK(prlimit(pid, RLIMIT_NOFILE, NULL, &r));
	CHECK(r.rlim_cur);
	CHECK(r.rlim_max);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK(prlimit(pid, RLIMIT_NOFILE, NULL, &r));
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

static void processes(void)
{
	pid_t pid;
	int n;

	CHECK(setresuid(54321, 54321, 54321));
	limited(RLIMIT_NPROC, 3);
	fflush(stdout);
	for (n = 0; n < 5; n++) {
		pid = fork();
		if (pid < 0)
			break;
		if (!pid) {
			pause();
			_exit(0);
		}
	}
	CHECK(pid);
	CHECK(n); /* two beside ourselves */
	signal(SIGTERM, SIG_IGN);
	kill(-1, SIGTERM);
	while (wait(NULL) > 0)
		;
	fflush(stdout);
	pid = fork(); /* those that are gone do not count */
	if (!pid)
		_exit(0);
	CHECK(pid > 0);
}

static void address_space(void)
{
	char *p;

	limited(RLIMIT_AS, 64 << 20);
	CHECK(mmap(NULL, 80 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	p = mmap(NULL, 40 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	CHECK(mmap(NULL, 40 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK(mremap(p, 40 << 20, 80 << 20, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK(munmap(p, 40 << 20));
	CHECK(mmap(NULL, 40 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static volatile int xcpu;

static void on_xcpu(int sig)
{
	xcpu++;
}

static void cpu_time(void)
{
	struct rlimit r = {1, 2};

	signal(SIGXCPU, on_xcpu);
	CHECK(setrlimit(RLIMIT_CPU, &r));
	fflush(stdout);
	while (!xcpu)
		;
	printf("SIGXCPU\n");
	fflush(stdout);
	for (;;) /* the hard limit ends it */
		;
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		printf("deep: %d\n", deep(atoi(argv[1])) != 77777);
		return 0;
	}
	in_child(files);
	in_child(many);
	in_child(seen);
	in_child(sizes);
	in_child(stacked);
	in_child(fits);
	in_child(overflows);
	in_child(address_space);
	in_child(processes);
	in_child(cpu_time);
	unlink("big");
	return 0;
}
