// SPDX-License-Identifier: MIT
/* Who reads a file again and again sees what others do to it at once. */
#include "lx.h"

#define MOST 100000

static unsigned char model[MOST], got[MOST];

/* Writes and truncations through one descriptor, reads through another. */
static void against_a_model(int writer, int reader)
{
	size_t size = 0, off, len, n;
	long r;
	int i, bad = 0;

	srand(3);
	for (i = 0; i < 3000; i++) {
		off = rand() % MOST;
		len = rand() % 3 ? rand() % 100 : rand() % (MOST - off);
		len = len < MOST - off ? len : MOST - off;
		switch (rand() % 8) {
		case 0:
			bad += ftruncate(writer, off) != 0;
			if (off > size)
				memset(model + size, 0, off - size);
			size = off;
			break;
		case 1:
		case 2:
			memset(got, i, len);
			bad += pwrite(writer, got, len, off) != (long)len;
			if (len && off > size)
				memset(model + size, 0, off - size);
			memset(model + off, i, len);
			size = len && off + len > size ? off + len : size;
			break;
		default:
			memset(got, 0xee, len);
			r = pread(reader, got, len, off);
			n = off >= size ? 0 : size - off < len ? size - off : len;
			bad += r != (long)n || memcmp(got, model + off, n);
		}
	}
	printf("model: %d wrong\n", bad);
}

/* A file that the image brought, if this is one of ours; else one like it. */
static void of_the_image(void)
{
	char path[64] = "/srv/www/index.html", a[8] = "", b[8] = "", c[8] = "";
	int r, w, i;

	if (access("/etc/wherry", F_OK) || access(path, W_OK)) {
		strcpy(path, "imageXXXXXX");
		w = mkstemp(path);
		write(w, "0123456789", 10);
		close(w);
	}
	r = open(path, O_RDONLY);
	for (i = 0; i < 5; i++)
		pread(r, a, 4, 0);
	w = open(path, O_WRONLY);
	CHECK(pwrite(w, "Wry!", 4, 0));
	CHECK(pread(r, b, 4, 0));
	printf("written %.4s\n", b);
	CHECK(pwrite(w, a, 4, 0));
	CHECK(pread(r, c, 4, 0));
	printf("put back %d\n", !memcmp(a, c, 4));
	close(r);
	close(w);
	if (path[0] != '/')
		unlink(path);
}

int main(void)
{
	char b[64] = "", path[] = "tXXXXXX", other[] = "uXXXXXX";
	int w = mkstemp(path), r = open(path, O_RDONLY), ro = open(path, O_WRONLY), i, st, p[2];

	against_a_model(w, r);
	CHECK(pread(ro, b, 1, 0)); /* not for reading */
	CHECK(ftruncate(w, 0));
	CHECK(pread(r, b, 4, 0));
	CHECK(pwrite(w, "abcdef", 6, 0));
	CHECK(pread(r, b, 4, 2));
	CHECK(pread(r, (void *)8, 4, 0));
	CHECK(pread(r, b, 4, -1));
	CHECK(pread(r, b, 1 << 20, 3)); /* to the end, however much was asked */
	CHECK(lseek(r, 0, SEEK_CUR));	/* none of this has moved it */
	CHECK(unlink(path));
	CHECK(pread(r, b, 4, 0));
	CHECK(rename(path, other));
	pipe(p);
	fflush(stdout);
	if (!fork()) { /* the child reads what the parent wrote after the fork */
		read(p[0], b, 1);
		memset(b, 0, sizeof(b));
		i = pread(r, b, 10, 0);
		printf("child %d %s\n", i, b);
		fflush(stdout);
		_exit(0);
	}
	CHECK(pwrite(w, "123", 3, 6));
	fflush(stdout);
	write(p[1], "x", 1);
	wait(&st);
	CHECK(close(r));
	r = open("/proc/self/stat", O_RDONLY); /* not a file of that kind */
	for (i = 0; i < 4; i++)
		st = pread(r, b, 4, 0);
	printf("proc %d\n", st);
	of_the_image();
	return 0;
}
