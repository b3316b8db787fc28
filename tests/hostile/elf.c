// SPDX-License-Identifier: MIT
/* Executes itself with bytes changed, again and again. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char image[1 << 20];
	int f = open("/proc/self/exe", O_RDONLY), n = read(f, image, sizeof(image));
	int i, k, st, refused = 0, died = 0, ran = 0;

	if (argc > 1)
		return 0;
	close(f);
	srand(4711);
	for (i = 0; i < 300; i++) {
		int where[8], was[8], changes = 1 + rand() % 8;
		pid_t pid;

		for (k = 0; k < changes; k++) { /* mostly the headers */
			where[k] = rand() % 4 ? rand() % 512 : rand() % n;
			was[k] = image[where[k]];
			image[where[k]] = rand() % 3 ? rand() : 0xff;
		}
		f = open("/tmp/bad-elf", O_WRONLY | O_CREAT | O_TRUNC, 0755);
		write(f, image, rand() % 10 ? n : rand() % n);
		close(f);
		while (k--)
			image[where[k]] = was[k];
		pid = fork();
		if (!pid) {
			alarm(1);
			close(1);
			execl("/tmp/bad-elf", "bad-elf", "again", NULL);
			_exit(77);
		}
		waitpid(pid, &st, 0);
		if (WIFSIGNALED(st))
			died++;
		else if (WEXITSTATUS(st) == 77)
			refused++;
		else
			ran++;
	}
	unlink("/tmp/bad-elf");
	printf("elf: %d refused, %d died, %d ran\n", refused, died, ran);
	return 0;
}
