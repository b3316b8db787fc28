// SPDX-License-Identifier: MIT
/*
 * fsck.srfs [-n | -p | -y] FILE: check a volume, and mend what can be mended.
 *
 *	-n	look only
 *	-p, -y	mend without asking (there is nothing to choose)
 *
 * First what a crash left in the log is put in place, as a mount does it; then the whole tree is
 * walked.  Free blocks that are marked used, and used ones that are marked free, are mended;
 * so is a volume that the Rust crate has written to since.  A damaged file or directory is named
 * and left alone: copy what can be read, and make the volume anew.
 *
 * Exit status as fsck(8): 0 nothing wrong, 1 mended, 4 something is left, 8 the volume cannot be
 * read, 16 wrong arguments.
 */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void problem(void *self, uint64_t block, const char *what)
{
	(void)self;
	printf("block %llu: %s\n", (unsigned long long)block, what);
}

static bool bit(const uint8_t *map, uint64_t n)
{
	return map[n / 8] >> n % 8 & 1;
}

/* The difference between what the bitmap says and what the tree has. */
static uint64_t compare(struct srfs *fs, const uint8_t *used, const struct srfs_walk *w)
{
	const struct srfs_super *s = srfs_super(fs);
	uint64_t i, lost = 0, shared = 0;
	bool marked;

	for (i = 0; i < s->num_blocks; i++) {
		if (srfs_is_ours(fs, i))
			continue;
		if (srfs_block_is_used(fs, i, &marked))
			die(8, "the bitmap cannot be read");
		lost += marked && !bit(used, i);
		shared += !marked && bit(used, i);
	}
	if (shared)
		printf("%llu blocks of files are marked free\n", (unsigned long long)shared);
	if (lost)
		printf("%llu blocks that nobody has are marked used\n", (unsigned long long)lost);
	if (s->free_blocks != s->num_blocks - w->used - srfs_our_blocks(fs))
		printf("%llu free blocks are counted, there are %llu\n",
		       (unsigned long long)s->free_blocks,
		       (unsigned long long)(s->num_blocks - w->used - srfs_our_blocks(fs)));
	return lost + shared + (s->free_blocks != s->num_blocks - w->used - srfs_our_blocks(fs));
}

int main(int argc, char **argv)
{
	struct srfs_options o = {.read_only = true};
	struct srfs_walk w = {.problem = problem};
	uint64_t wrong = 0;
	struct srfs_dev dev;
	struct srfs *fs;
	uint8_t *used;
	bool mend = false;
	int c, err;

	tool = "fsck.srfs";
	while ((c = getopt(argc, argv, "npya")) != -1)
		if (c == '?')
			optind = argc + 1;
		else
			mend = c != 'n';
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: fsck.srfs [-n | -p | -y] FILE\n");
		return 16;
	}
	dev = device_open(argv[optind], mend);
	err = srfs_mount(&dev, &o, &fs);
	if (err == -30 || (err == -5 && !mend)) /* a log to be replayed, and we may not write */
		die(8, "%s: it was not left clean; -p mends it", argv[optind]);
	if (err)
		die(8, "%s: %s", argv[optind],
		    err == -22 ? "this is no srfs volume" : error_text(err));
	err = srfs_walk(fs, &w, &used);
	if (err)
		die(8, "%s: %s", argv[optind], error_text(err));
	if (srfs_has_bitmap(fs))
		wrong = compare(fs, used, &w);
	free(used);
	printf("%s: %llu files, %llu directories, %llu of %llu blocks used, %llu problems\n",
	       argv[optind], (unsigned long long)w.files, (unsigned long long)w.dirs,
	       (unsigned long long)w.used, (unsigned long long)srfs_super(fs)->num_blocks,
	       (unsigned long long)(w.problems + wrong));
	if (wrong && mend && !w.problems) {
		err = srfs_rebuild(fs);
		if (err)
			die(8, "%s: %s", argv[optind], error_text(err));
		printf("%s: mended\n", argv[optind]);
	}
	srfs_abandon(fs);
	device_close(&dev);
	return w.problems || (wrong && !mend) ? 4 : wrong ? 1 : 0;
}
