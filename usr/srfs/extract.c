// SPDX-License-Identifier: MIT
#include "extract.h"

#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define RUN 256u /* blocks read at once */

struct names { /* of a directory, since nothing may be read while it is listed */
	struct one {
		char *name;
		struct srfs_id id;
	} * list;
	size_t n;
};

static bool collect(void *to, const char *name, uint32_t len, const struct srfs_id *id,
		    uint64_t next)
{
	struct names *all = to;

	(void)next;
	all->list = realloc(all->list, (all->n + 1) * sizeof(*all->list));
	if (!all->list)
		die(1, "out of memory");
	all->list[all->n++] = (struct one){strndup(name, len), *id};
	return true;
}

static void copy_bytes(struct srfs_node *n, const char *path)
{
	static char buf[RUN * SRFS_BLOCK];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint64_t at = 0, left, take;
	int err;

	if (fd < 0)
		die(1, "%s: %m", path);
	for (left = n->attr.size; left; left -= take, at += take) {
		take = left < sizeof(buf) ? left : sizeof(buf);
		err = srfs_read(n, at / SRFS_BLOCK, (take + SRFS_BLOCK - 1) / SRFS_BLOCK, buf);
		if (err)
			die(1, "%s: %s", path, error_text(err));
		if (pwrite(fd, buf, take, at) != (ssize_t)take)
			die(1, "%s: %m", path);
	}
	close(fd);
}

static void make_link(struct srfs_node *n, const char *path)
{
	char target[SRFS_BLOCK + 1] = "";
	int err = srfs_read(n, 0, 1, target);

	if (err || symlink(target, path))
		die(1, "%s: %s", path, err ? error_text(err) : strerror(errno));
}

static void copy(struct srfs *fs, const struct srfs_id *id, const char *path)
{
	struct srfs_node n;
	uint32_t mode;
	int err = srfs_node_read(fs, id->block, id->generation, &n);

	if (err)
		die(1, "%s: %s", path, error_text(err));
	mode = n.attr.mode;
	if (S_ISDIR(mode)) {
		if (mkdir(path, 0700))
			die(1, "%s: %m", path);
		extract_directory(fs, &n, path);
	} else if (S_ISREG(mode)) {
		copy_bytes(&n, path);
	} else if (S_ISLNK(mode)) {
		make_link(&n, path);
	} else if (mknod(path, mode, makedev(n.attr.rdev >> 8, n.attr.rdev & 255))) {
		fprintf(stderr, "%s: warning: %s is left out: %m\n", tool, path);
	}
	if (!S_ISLNK(mode))
		chmod(path, mode & 07777);
	if (!geteuid() && lchown(path, n.attr.uid, n.attr.gid))
		die(1, "%s: %m", path);
	srfs_node_fini(&n);
}

/* A name on a damaged disk may be anything: nothing is written outside the directory. */
static bool is_a_name(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

void extract_directory(struct srfs *fs, struct srfs_node *dir, const char *path)
{
	struct names all = {0};
	char *below;
	size_t i;
	int err = srfs_readdir(dir, 0, collect, &all);

	if (err)
		die(1, "%s: %s", path, error_text(err));
	for (i = 0; i < all.n; i++) {
		if (!is_a_name(all.list[i].name))
			die(1, "%s: it holds a name that is none", path);
		if (asprintf(&below, "%s/%s", path, all.list[i].name) < 0)
			die(1, "out of memory");
		copy(fs, &all.list[i].id, below);
		free(below);
		free(all.list[i].name);
	}
	free(all.list);
}
