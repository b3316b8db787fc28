// SPDX-License-Identifier: MIT
/* What is in an image, by the very sources that the file service has. */
#include "tool.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct image {
	struct flatfs fs;
	struct flat_tree tree;
	uint64_t file_len;
};

/* ---- what the tree needs of its surroundings ---- */

void *rt_try_alloc(size_t size);
void rt_free(void *p);

void *rt_try_alloc(size_t size)
{
	return calloc(1, size ? size : 1);
}

void rt_free(void *p)
{
	free(p);
}

static int copy(void *self, uint64_t off, void *to, uint64_t len)
{
	struct image *im = self;

	memcpy(to, im->fs.base + off, len);
	return 0;
}

/* ---- opening ---- */

static void open_image(const char *path, struct image *im)
{
	int fd = open(path, O_RDONLY), err;
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st))
		die(path, "%s", strerror(errno));
	if (!st.st_size)
		die(path, "it is empty");
	p = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		die(path, "%s", strerror(errno));
	close(fd);
	im->file_len = st.st_size;
	if (flatfs_open(&im->fs, p, st.st_size))
		die(path, "this is no flatfs image, or it is cut short");
	if (flatfs_check(&im->fs))
		die(path, "its list of files is damaged");
	err = flat_tree_begin(&im->tree);
	if (!err)
		err = flat_tree_fill(&im->tree, &im->fs, copy, im);
	if (err)
		die(path, "%s", strerror(-err));
}

static const char *path_of(const struct flat_tree *t, uint32_t i)
{
	static char text[65536];
	size_t at = sizeof(text) - 1;

	for (; i != FLAT_ROOT && t->node[i].name_len < at; i = t->node[i].parent) {
		at -= t->node[i].name_len;
		memcpy(text + at, t->node[i].name, t->node[i].name_len);
		text[--at] = '/';
	}
	return text + at;
}

/* Each node after its directory, in order of the image. */
static void for_each(const struct flat_tree *t, uint32_t dir,
		     void (*fn)(const struct flat_tree *t, uint32_t i, void *to), void *to)
{
	uint32_t i = t->node[dir].first;

	while (i) {
		fn(t, i, to);
		if (t->node[i].first) {
			i = t->node[i].first;
			continue;
		}
		while (i != dir && !t->node[i].next)
			i = t->node[i].parent;
		i = i == dir ? FLAT_NONE : t->node[i].next;
	}
}

/* ---- commands ---- */

static void list_one(const struct flat_tree *t, uint32_t i, void *to)
{
	const struct flat_node *x = &t->node[i];

	(void)to;
	printf("%06o %5u %5u ", x->mode, x->uid, x->gid);
	if (S_ISCHR(x->mode) || S_ISBLK(x->mode))
		printf("%6u,%3u", x->rdev >> 8, x->rdev & 255);
	else
		printf("%10" PRIu64, S_ISDIR(x->mode) ? 0 : x->len);
	printf(" %s", path_of(t, i));
	printf(S_ISLNK(x->mode) ? " -> %s\n" : "\n", x->target);
}

int list(int argc, char **argv)
{
	struct image im;

	(void)argc;
	open_image(argv[0], &im);
	for_each(&im.tree, FLAT_ROOT, list_one, NULL);
	return 0;
}

int verify(int argc, char **argv)
{
	struct flat_tree *t;
	struct image im;

	(void)argc;
	open_image(argv[0], &im);
	t = &im.tree;
	printf("%s: %" PRIu64 " files, %u names, %" PRIu64 " bytes", argv[0], im.fs.files, t->n - 1,
	       im.fs.len);
	if (im.file_len > im.fs.len)
		printf(" and %" PRIu64 " behind it", im.file_len - im.fs.len);
	putchar('\n');
	if (t->left_out)
		printf("%u files have names that cannot be shown\n", t->left_out);
	if (t->twice)
		printf("%u files are replaced by a later one of the same name\n", t->twice);
	if (t->bad_lines)
		printf("%u lines of %s are not understood\n", t->bad_lines, FLATMETA_NAME);
	return t->left_out || t->twice || t->bad_lines;
}

struct target {
	int dir; /* everything is made below it: the tree's names have no dots and no slashes */
	const uint8_t *bytes;
	bool root;
};

static void write_file(const struct target *to, const char *path, const struct flat_node *x)
{
	int fd = openat(to->dir, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	uint64_t at = 0;
	ssize_t done;

	if (fd < 0)
		die(path, "%s", strerror(errno));
	for (; at < x->len; at += done) {
		done = write(fd, to->bytes + x->off + at, x->len - at);
		if (done <= 0)
			die(path, "%s", strerror(errno));
	}
	if (close(fd))
		die(path, "%s", strerror(errno));
}

static void extract_one(const struct flat_tree *t, uint32_t i, void *self)
{
	const struct flat_node *x = &t->node[i];
	const char *path = path_of(t, i) + 1;
	struct target *to = self;
	int err = 0;

	switch (x->mode & S_IFMT) {
	case S_IFREG:
		write_file(to, path, x);
		break;
	case S_IFDIR:
		err = mkdirat(to->dir, path, 0700);
		break;
	case S_IFLNK:
		err = symlinkat(x->target, to->dir, path);
		break;
	default:
		if (to->root)
			err = mknodat(to->dir, path, x->mode, makedev(x->rdev >> 8, x->rdev & 255));
		else
			fprintf(stderr, "mkflatfs: %s: only root makes devices\n", path);
	}
	if (err)
		die(path, "%s", strerror(errno));
}

static void set_rights(const struct flat_tree *t, uint32_t i, void *self)
{
	const struct flat_node *x = &t->node[i];
	const char *path = path_of(t, i) + 1;
	struct target *to = self;

	if (to->root && fchownat(to->dir, path, x->uid, x->gid, AT_SYMLINK_NOFOLLOW))
		die(path, "%s", strerror(errno));
	if ((S_ISREG(x->mode) || S_ISDIR(x->mode) || (to->root && !S_ISLNK(x->mode))) &&
	    fchmodat(to->dir, path, x->mode & 07777, 0))
		die(path, "%s", strerror(errno));
}

int extract(int argc, char **argv)
{
	struct target to = {.root = !geteuid()};
	struct image im;
	uint32_t i;

	(void)argc;
	open_image(argv[0], &im);
	if (mkdir(argv[1], 0755) && errno != EEXIST)
		die(argv[1], "%s", strerror(errno));
	to.dir = open(argv[1], O_RDONLY | O_DIRECTORY);
	to.bytes = im.fs.base;
	if (to.dir < 0)
		die(argv[1], "%s", strerror(errno));
	for_each(&im.tree, FLAT_ROOT, extract_one, &to);
	for (i = im.tree.n; --i;) /* a directory's last, that it may be written until then */
		set_rights(&im.tree, i, &to);
	return 0;
}
