/* SPDX-License-Identifier: MIT */
/*
 * The names of a flatfs image as a tree: the archive lists paths, and META (lib/flatmeta.h)
 * adds directories, links, devices, modes and owners.  Built once when the image is mounted,
 * then only read.
 *
 *	Where two entries have one name the later wins; a file that has the name of a directory
 *	(the format allows both) is shown with '~' behind its name.
 *
 * Nodes are indices; 0 is the root and stands for "none" where a root cannot be.  Errors are
 * W_E codes; the image's bytes are untrusted.  Memory is rt_try_alloc()'s.
 */
#pragma once

#include <lib/flatfs.h>
#include <lib/flatmeta.h>

#define FLAT_ROOT 0u
#define FLAT_NONE 0u
#define FLAT_MODE_DIR 0040755u
#define FLAT_MODE_FILE 0100644u

struct flat_node {
	char *name; /* owns; terminated */
	uint32_t name_len;
	uint32_t parent, first, last, next; /* of its directory's children, in order of the image */
	uint32_t same_hash;
	uint32_t mode, uid, gid, rdev, subdirs;
	char *target;	   /* symbolic links: owns */
	uint64_t off, len; /* files: where in the image */
};

struct flat_tree {
	struct flat_node *node;
	uint32_t n, room;
	uint32_t *bucket; /* as many as room */
	/* of the image, for who wants to know: files and lines that cannot be shown, and files
	 * that a later one of their name replaced */
	uint32_t left_out, bad_lines, twice;
};

int flat_tree_begin(struct flat_tree *t);
void flat_tree_free(struct flat_tree *t);

/* A file of the archive; its directories are made where they are missing. */
int flat_tree_file(struct flat_tree *t, const struct flatfs_file *f);
int flat_tree_meta(struct flat_tree *t, const struct flatmeta *m);
/* All of an image: META's lines come from it too, and its own file at path META is kept.
 * copy reads n bytes of the image. */
int flat_tree_fill(struct flat_tree *t, const struct flatfs *fs,
		   int (*copy)(void *self, uint64_t off, void *to, uint64_t n), void *self);

/* The child of that name; FLAT_NONE. */
uint32_t flat_tree_child(const struct flat_tree *t, uint32_t dir, const char *name, uint32_t len);
