// SPDX-License-Identifier: MIT
/*
 * A link that leads into /proc, to the directory of a process that says that this is the link:
 * for whoever follows it there is no end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wherry/layout.h>

static void liar(void)
{
	char *cwd = *(char **)LX_STATE; /* struct lx_view */
	char to[64];

	snprintf(to, sizeof(to), "/proc/%d/cwd", getpid());
	unlink("/tmp/loop");
	symlink(to, "/tmp/loop");
	strcpy(cwd, "/tmp/loop");
	for (;;)
		pause();
}

int main(void)
{
	pid_t p = fork();
	struct stat st;
	int i, ends;

	if (!p)
		liar();
	for (i = 0; i < 500 && lstat("/tmp/loop", &st); i++)
		usleep(10000);
	usleep(100000);
	ends = stat("/tmp/loop", &st) == -1 && errno == ELOOP;
	ends += open("/tmp/loop", O_RDONLY) == -1 && errno == ELOOP;
	ends += chmod("/tmp/loop", 0700) == -1 && errno == ELOOP;
	kill(p, SIGKILL);
	waitpid(p, NULL, 0);
	unlink("/tmp/loop");
	printf("loop: %d of 3 end, over\n", ends);
	return 0;
}
