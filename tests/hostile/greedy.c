// SPDX-License-Identifier: MIT
/*
 * All the memory there is, three ways: in pages (alone, and shared out among children that
 * stay small) and in files.  Says "full" when no more is to be had, and keeps it until a
 * line comes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1 << 20)

/* Touch memory until it is refused: our end, or (for a mapping) an error. */
static int take_pages(size_t most)
{
	size_t got;
	char *p;

	for (got = 0; got < most; got += 64 << 10) {
		p = mmap(NULL, 64 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);
		if (p == MAP_FAILED)
			return errno;
		memset(p, 1, 64 << 10);
	}
	return 0;
}

static void alone(void)
{
	pid_t pid = fork();
	int st;

	if (!pid)
		_exit(take_pages(~0ul) == ENOMEM);
	waitpid(pid, &st, 0);
	if ((WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL) || (WIFEXITED(st) && WEXITSTATUS(st)))
		printf("greedy: stopped\n");
}

/* Children that take 4 MiB each and stay, until there is no room for one more. */
static void have_children(void)
{
	int n, st;

	for (n = 0; n < 200; n++) {
		switch (fork()) {
		case -1:
			_exit(0);
		case 0:
			take_pages(4 * MIB);
			for (;;)
				pause();
		}
		usleep(20000);
		if (waitpid(-1, &st, WNOHANG) > 0)
			_exit(0);
	}
	printf("greedy: nothing stopped it\n");
}

/* Whoever has them may be the one for whom no page is left, so somebody else reports. */
static void together(void)
{
	pid_t family = fork();

	if (!family) {
		setpgid(0, 0);
		have_children();
		_exit(0);
	}
	printf("greedy: taking\n"); /* what is written here from now on is ours already */
	waitpid(family, NULL, 0);
	printf("greedy: full of children\n");
	getchar();
	kill(-family, SIGKILL);
}

static int fill(const char *name, size_t size)
{
	static char block[MIB];
	char path[64];
	int f, n;

	for (n = 0;; n++) {
		snprintf(path, sizeof(path), "/tmp/greedy/%s%d", name, n);
		f = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		if (f < 0 || write(f, block, size) != (ssize_t)size) {
			printf("greedy: %d files of %zu KiB: %s\n", n, size >> 10, strerror(errno));
			if (f >= 0)
				close(f);
			return errno == ENOSPC;
		}
		close(f);
	}
}

static void files(void)
{
	int ok;

	mkdir("/tmp/greedy", 0700);
	ok = fill("m", MIB);
	ok &= fill("k", 64 << 10);
	ok &= fill("p", 4 << 10);
	printf(ok ? "greedy: full of files\n" : "greedy: another error\n");
	getchar();
	system("rm -r /tmp/greedy");
}

int main(int argc, char **argv)
{
	setbuf(stdout, NULL);
	if (!strcmp(argv[1], "alone"))
		alone();
	else if (!strcmp(argv[1], "together"))
		together();
	else
		files();
	printf("greedy: over\n");
	return 0;
}
