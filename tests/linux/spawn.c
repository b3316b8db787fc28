// SPDX-License-Identifier: MIT
/* vfork shares its parent's memory until exec or exit; posix_spawn tells what failed. */
#include "lx.h"

#include <spawn.h>

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
	return 0;
}
