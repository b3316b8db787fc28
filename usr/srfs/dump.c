// SPDX-License-Identifier: MIT
/*
 * srfsdump FILE: what a volume says of itself, and every file in it, a line each.
 * srfsdump -x DIRECTORY FILE: copy its files there.
 *
 * Nothing is written to the volume; what a crash left in its log is not looked at (fsck.srfs -p
 * puts it in place).
 */
#include "device.h"
#include "extract.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void problem(void *self, uint64_t block, const char *what)
{
	(void)self;
	printf("problem: block %" PRIu64 ": %s\n", block, what);
}

static void entry(void *self, const struct srfs_meta *m, const char *name, uint32_t len)
{
	uint32_t mode = m->mode ? m->mode : m->id.generation & 1 ? 040755 : 0100644;
	time_t t = m->modified.s;
	char when[32] = "?";
	struct tm tm;

	(void)self;
	if (gmtime_r(&t, &tm))
		strftime(when, sizeof(when), "%F %T", &tm);
	printf("%8" PRIu64 " in %-8" PRIu64 " %06o %2u %5u %5u %12" PRIu64 " %s %.*s\n",
	       m->id.block, m->parent.block, mode, m->nlink, m->uid, m->gid, m->size, when,
	       (int)len, name);
}

static void dump_super(const struct srfs_super *s)
{
	const struct srfs_ext *e = &s->ext;

	printf("blocks %" PRIu64 ", free %" PRIu64 ", generation %" PRIu64
	       ", never used from %" PRIu64 " on\n",
	       s->num_blocks, s->free_blocks, s->generation, s->empty_area_start);
	if (e->magic != SRFS_EXT_MAGIC) {
		printf("made by the Rust crate: no log, no bitmap\n");
		return;
	}
	printf("state %s, transaction %" PRIu64 ", features%s%s%s%s%s\n",
	       e->state == SRFS_CLEAN ? "clean" : "mounted, or not left clean", e->sequence,
	       e->features & SRFS_F_SPARSE ? " sparse" : "",
	       e->features & SRFS_F_LINKS ? " links" : "",
	       e->features & SRFS_F_LARGE_DIR ? " large-dir" : "",
	       e->features & SRFS_F_XATTR ? " xattr" : "",
	       e->features & SRFS_F_SPECIAL ? " special" : "");
	printf("log %" PRIu64 "+%" PRIu64 ", bitmap %" PRIu64 "+%" PRIu64 ", orphans %" PRIu64 "\n",
	       e->log_start, e->log_blocks, e->bitmap_start, e->bitmap_blocks, e->orphans);
}

static int list(struct srfs *fs, const char *path)
{
	struct srfs_walk w = {.problem = problem, .entry = entry};
	int err;

	dump_super(srfs_super(fs));
	printf("   block    parent   mode  n   uid   gid         size modified (UTC)       name\n");
	err = srfs_walk(fs, &w, NULL);
	if (err)
		die(8, "%s: %s", path, error_text(err));
	return w.problems ? 4 : 0;
}

static void extract(struct srfs *fs, const char *to)
{
	struct srfs_node root;
	int err = srfs_node_read(fs, SRFS_ROOT, SRFS_ROOT, &root);

	if (err)
		die(8, "the root: %s", error_text(err));
	extract_directory(fs, &root, to);
	srfs_node_fini(&root);
}

int main(int argc, char **argv)
{
	struct srfs_options o = {.read_only = true, .no_recovery = true};
	const char *to = NULL;
	struct srfs_dev dev;
	struct srfs *fs;
	int c, err, status = 0;

	tool = "srfsdump";
	while ((c = getopt(argc, argv, "x:")) != -1)
		if (c == 'x')
			to = optarg;
		else
			optind = argc + 1;
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: srfsdump [-x DIRECTORY] FILE\n");
		return 16;
	}
	dev = device_open(argv[optind], false);
	err = srfs_mount(&dev, &o, &fs);
	if (err)
		die(8, "%s: %s", argv[optind],
		    err == -22 ? "this is no srfs volume" : error_text(err));
	if (to)
		extract(fs, to);
	else
		status = list(fs, argv[optind]);
	srfs_abandon(fs);
	device_close(&dev);
	return status;
}
