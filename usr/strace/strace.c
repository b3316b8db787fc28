// SPDX-License-Identifier: MIT
/*
 * strace [-o FILE] PROGRAM [ARGUMENT...]: print the program's system calls, and its
 * children's.  The personality writes the lines (compat/linux/trace.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <wherry/proc.h>

int main(int argc, char **argv)
{
	int out = 2, at = 1;

	if (argc > 3 && !strcmp(argv[1], "-o")) {
		out = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
		if (out < 0) {
			fprintf(stderr, "strace: %s: %s\n", argv[2], strerror(errno));
			return 1;
		}
		at = 3;
	}
	if (at >= argc || argv[at][0] == '-') {
		fprintf(stderr, "usage: strace [-o FILE] PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	if (prctl(PR_WHERRY_TRACE, out, 0, 0, 0)) {
		fprintf(stderr, "strace: this system cannot trace: %s\n", strerror(errno));
		return 1;
	}
	execvp(argv[at], argv + at);
	fprintf(stderr, "strace: %s: %s\n", argv[at], strerror(errno));
	return 127;
}
