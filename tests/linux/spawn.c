// SPDX-License-Identifier: MIT
/* vfork shares its parent's memory until exec or exit; posix_spawn tells what failed. */
#include "lx.h"

#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>

static volatile int global;
static char page[8192];

static void child_writes(volatile int *local, char *heap)
{
	pid_t pid = vfork();

	if (!pid) {
		global = 1;
		*local = 2;
		heap[100] = 3;
		page[5000] = 4;
		_exit(7);
	}
	printf("after exit: %d %d %d %d\n", global, *local, heap[100], page[5000]);
	waitpid(pid, NULL, 0);
}

static void child_execs(volatile int *local, char *heap)
{
	char *const argv[] = {"/proc/self/exe", "child", NULL}, *const env[] = {NULL};
	pid_t pid = vfork();
	int st;

	if (!pid) {
		global = 10;
		*local = 20;
		heap[100] = 30;
		execve("/nonexistent", argv, env);
		page[5000] = errno;
		execve("/proc/self/exe", argv, env);
		_exit(1);
	}
	printf("after exec: %d %d %d %d\n", global, *local, heap[100], page[5000]);
	waitpid(pid, &st, 0);
	CHECK(WEXITSTATUS(st));
}

static volatile int stop;
static volatile long turns;

static void *other_thread(void *arg)
{
	while (!stop) {
		turns++;
		sched_yield();
	}
	return arg;
}

/* Another thread goes on in the memory that the child shares; both see what both write. */
static void beside_a_thread(void)
{
	pthread_t t;
	long before;
	pid_t pid;

	pthread_create(&t, NULL, other_thread, NULL);
	while (!turns)
		sched_yield();
	pid = vfork();
	if (!pid) {
		before = turns;
		while (turns < before + 3)
			sched_yield();
		global = 99;
		_exit(0);
	}
	printf("beside a thread: %d\n", global);
	waitpid(pid, NULL, 0);
	stop = 1;
	pthread_join(t, NULL);
}

/* The heap's end is the memory's, not the process's. */
static void child_grows_the_heap(void)
{
	char *was = (char *)syscall(SYS_brk, 0), *now;
	pid_t pid = vfork();

	if (!pid) {
		if (syscall(SYS_brk, was + 50000) == (long)was + 50000)
			was[49999] = 5;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	now = (char *)syscall(SYS_brk, 0);
	printf("heap: %ld %d\n", (long)(now - was), now > was ? now[-1] : 0);
	CHECK(syscall(SYS_brk, was) == (long)was);
}

static void child_maps_and_unmaps(void)
{
	char *gone = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char *volatile made;
	unsigned char in;
	pid_t pid = vfork();

	if (!pid) {
		made = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		made[7] = 6;
		munmap(gone, 8192);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	printf("map: %d\n", made[7]);
	CHECK(mincore(gone, 4096, &in));
	CHECK(munmap(made, 4096));
}

/* Descriptors and handlers are the child's own, its children are copies. */
static void child_forks(void)
{
	pid_t pid = vfork();
	int st;

	if (!pid) {
		pid_t g = fork();

		if (!g) {
			global = 1000;
			_exit(global == 1000 ? 12 : 13);
		}
		close(1);
		signal(SIGUSR1, SIG_IGN);
		waitpid(g, &st, 0);
		_exit(WEXITSTATUS(st) + (global == 1000));
	}
	waitpid(pid, &st, 0);
	printf("forks: %d\n", WEXITSTATUS(st));
	CHECK(signal(SIGUSR1, SIG_DFL) == SIG_DFL);
}

static void child_is_killed(void)
{
	pid_t pid = vfork();
	int st;

	if (!pid) {
		global = 55;
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, &st, 0);
	printf("killed: %d %d\n", WTERMSIG(st), global);
}

/* A child of a child: both in one memory. */
static void nested(void)
{
	char *const argv[] = {"/proc/self/exe", "child", NULL}, *const env[] = {NULL};
	pid_t pid = vfork(), p2;
	int st;

	if (!pid) {
		p2 = vfork();
		if (!p2) {
			global = 66;
			execve("/proc/self/exe", argv, env);
			_exit(1);
		}
		waitpid(p2, &st, 0);
		_exit(WEXITSTATUS(st) + 1);
	}
	waitpid(pid, &st, 0);
	printf("nested: %d %d\n", WEXITSTATUS(st), global);
}

int main(int argc, char **argv)
{
	char *const bad[] = {"nothing", NULL}, *const good[] = {"x", "child", NULL},
		    *const env[] = {NULL};
	char *heap = malloc(200000);
	volatile int local = 0;
	posix_spawn_file_actions_t fa;
	pid_t pid;
	int st, i;

	if (argc > 1)
		return 42;
	child_writes(&local, heap);
	child_execs(&local, heap);
	for (i = 0; i < 3; i++)
		CHECK(posix_spawn(&pid, "/nonexistent", NULL, NULL, bad, env));
	CHECK(posix_spawnp(&pid, "no-such-program", NULL, NULL, bad, env));
	CHECK(posix_spawn(&pid, "/etc/passwd", NULL, NULL, bad, env));
	CHECK(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, good, env));
	waitpid(pid, &st, 0);
	CHECK(WEXITSTATUS(st));
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addclose(&fa, 77);
	CHECK(posix_spawn(&pid, "/proc/self/exe", &fa, NULL, good, env));
	CHECK(system("exit 5"));
	heap[199999] = 1; /* ours alone again */
	page[0] = 1;
	CHECK(global + local);
	beside_a_thread();
	child_grows_the_heap();
	child_maps_and_unmaps();
	child_forks();
	child_is_killed();
	nested();
	return 0;
}
