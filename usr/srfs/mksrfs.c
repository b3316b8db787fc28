// SPDX-License-Identifier: MIT
/*
 * mksrfs [-d DIRECTORY] [-c] FILE [SIZE]: make a volume in a file or device.
 *
 *	-d	fill it with what the directory holds: modes, owners, times, links, devices
 *	-c	only what the Rust crate can express: no links, devices or holes
 *	SIZE	of a file that is made or extended: bytes, or with K, M, G
 *
 * The same input gives the same bytes: names in order, and with SOURCE_DATE_EPOCH set
 * every time is that one.
 */
#include "device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000ull
#define RUN 256 /* blocks written at once */

struct seen { /* files with several names: the first of them */
	dev_t dev;
	ino_t ino;
	struct srfs_id id;
};

static struct seen *seen;
static size_t nseen;
static const char *epoch;
static bool crate_only;

static uint64_t time_of(const struct timespec *t)
{
	return epoch ? strtoull(epoch, NULL, 10) * NS : (uint64_t)t->tv_sec * NS + t->tv_nsec;
}

static void check(int err, const char *what)
{
	if (err)
		die(1, "%s: %s", what, error_text(err));
}

/* ---- one file ---- */

static void copy_bytes(struct srfs_node *n, const char *path, uint64_t size)
{
	static char buf[RUN * SRFS_BLOCK];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t at = 0;
	ssize_t got;

	if (fd < 0)
		die(1, "%s: %m", path);
	while (at < size) {
		memset(buf, 0, sizeof(buf));
		got = pread(fd, buf, sizeof(buf), at);
		if (got <= 0)
			die(1, "%s: it became shorter", path);
		check(srfs_write(n, at / SRFS_BLOCK, (got + SRFS_BLOCK - 1) / SRFS_BLOCK, buf,
				 size),
		      path);
		at += got;
	}
	close(fd);
}

static void set_attributes(struct srfs_node *n, const struct stat *st, const char *path)
{
	struct srfs_attr a = {.mode = st->st_mode,
			      .uid = st->st_uid,
			      .gid = st->st_gid,
			      .atime = time_of(&st->st_mtim),
			      .mtime = time_of(&st->st_mtim),
			      .ctime = time_of(&st->st_mtim)};

	check(srfs_setattr(n, ~0u, &a), path);
}

/* Another name of a file that is there already. */
static bool linked(struct srfs_node *dir, const char *name, const struct stat *st, const char *path)
{
	struct srfs_node n;
	size_t i;

	for (i = 0; i < nseen; i++)
		if (seen[i].dev == st->st_dev && seen[i].ino == st->st_ino)
			break;
	if (i == nseen)
		return false;
	check(srfs_node_read(dir->fs, seen[i].id.block, seen[i].id.generation, &n), path);
	check(srfs_link(dir, name, strlen(name), &n, time_of(&st->st_mtim)), path);
	srfs_node_fini(&n);
	return true;
}

static void remember(const struct stat *st, const struct srfs_node *n)
{
	seen = realloc(seen, (nseen + 1) * sizeof(*seen));
	if (!seen)
		die(1, "out of memory");
	seen[nseen++] = (struct seen){st->st_dev, st->st_ino, n->id};
}

static void add_directory(struct srfs_node *to, const char *path);

static void add(struct srfs_node *dir, const char *name, const char *path)
{
	char target[SRFS_BLOCK] = "";
	struct srfs_new what;
	struct srfs_node n;
	struct stat st;

	if (lstat(path, &st))
		die(1, "%s: %m", path);
	if (st.st_nlink > 1 && !S_ISDIR(st.st_mode) && linked(dir, name, &st, path))
		return;
	if (S_ISLNK(st.st_mode) && readlink(path, target, sizeof(target) - 1) < 0)
		die(1, "%s: %m", path);
	what = (struct srfs_new){.mode = st.st_mode,
				 .uid = st.st_uid,
				 .gid = st.st_gid,
				 .rdev = major(st.st_rdev) << 8 | minor(st.st_rdev),
				 .now = time_of(&st.st_mtim),
				 .target = target};
	check(srfs_create(dir, name, strlen(name), &what, &n), path);
	if (S_ISDIR(st.st_mode))
		add_directory(&n, path);
	else if (S_ISREG(st.st_mode))
		copy_bytes(&n, path, st.st_size);
	set_attributes(&n, &st, path);
	if (st.st_nlink > 1 && !S_ISDIR(st.st_mode))
		remember(&st, &n);
	srfs_node_fini(&n);
}

static void add_directory(struct srfs_node *to, const char *path)
{
	struct dirent **list;
	int n = scandir(path, &list, NULL, alphasort), i;
	char *below;

	if (n < 0)
		die(1, "%s: %m", path);
	for (i = 0; i < n; i++) {
		if (strcmp(list[i]->d_name, ".") && strcmp(list[i]->d_name, "..")) {
			if (asprintf(&below, "%s/%s", path, list[i]->d_name) < 0)
				die(1, "out of memory");
			add(to, list[i]->d_name, below);
			free(below);
		}
		free(list[i]);
	}
	free(list);
}

/* ---- the volume ---- */

static uint64_t parse_size(const char *s)
{
	char *end;
	uint64_t n = strtoull(s, &end, 10);
	uint32_t shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;

	if (end == s || end[shift != 0])
		die(16, "'%s' is not a size; write bytes, or 64M, or 10G", s);
	return n << shift;
}

static void extend(const char *path, const char *size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0 || ftruncate(fd, 0) || ftruncate(fd, parse_size(size)))
		die(8, "%s: %m", path);
	close(fd);
}

static void fill(struct srfs_dev *dev, struct srfs_options *o, const char *directory)
{
	struct srfs_node root;
	struct stat st;
	struct srfs *fs;

	check(srfs_mount(dev, o, &fs), "the new volume");
	check(srfs_node_read(fs, SRFS_ROOT, SRFS_ROOT, &root), "the new volume");
	if (stat(directory, &st))
		die(1, "%s: %m", directory);
	add_directory(&root, directory);
	set_attributes(&root, &st, directory);
	srfs_node_fini(&root);
	check(srfs_unmount(fs), "the new volume");
}

int main(int argc, char **argv)
{
	struct srfs_options o = {0};
	struct timespec now;
	struct srfs_dev dev;
	const char *directory = NULL;
	int c, err;

	tool = "mksrfs";
	while ((c = getopt(argc, argv, "cd:")) != -1)
		if (c == 'c')
			crate_only = true;
		else if (c == 'd')
			directory = optarg;
		else
			optind = argc + 1;
	if (optind + 1 != argc && optind + 2 != argc) {
		fprintf(stderr, "usage: mksrfs [-c] [-d DIRECTORY] FILE [SIZE]\n");
		return 16;
	}
	epoch = getenv("SOURCE_DATE_EPOCH");
	clock_gettime(CLOCK_REALTIME, &now);
	o.now = time_of(&now);
	o.crate_only = crate_only;
	if (optind + 2 == argc)
		extend(argv[optind], argv[optind + 1]);
	dev = device_open(argv[optind], true);
	err = srfs_format(&dev, &o);
	if (err == -28) /* ENOSPC */
		die(8, "%s: a volume needs at least 512 KiB", argv[optind]);
	check(err, argv[optind]);
	if (directory)
		fill(&dev, &o, directory);
	device_close(&dev);
	return 0;
}
