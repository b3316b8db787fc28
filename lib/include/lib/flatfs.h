/* SPDX-License-Identifier: MIT */
/*
 * flatfs: a read-only archive (layout: Documentation/design/flatfs.md) in memory, or read
 * piece by piece through a window.  The bytes are untrusted; every offset is checked before
 * use and an iterator never leaves the image.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLATFS_MAGIC 0xf1a1f1a1f1a1f1a1ull
#define FLATFS_HEADER 32
#define FLATFS_ENTRY 40

/* The bytes [off, off + len) of the image, until it is called again; NULL: it cannot. */
typedef const void *(*flatfs_window)(void *self, uint64_t off, uint64_t len);

struct flatfs {
	const uint8_t *base; /* NULL: window */
	flatfs_window window;
	void *self;   /* window's */
	uint64_t len; /* as the header says; <= what it was opened with */
	uint64_t files;
};

struct flatfs_file {
	const char *name; /* without leading slashes, not terminated; a window's bytes */
	size_t name_len;
	uint64_t off; /* of the bytes, in the image */
	uint64_t len;
	uint64_t next; /* iterator state */
};

/* Both return 0, or a W_E code; a false flatfs_next means the clean end only
 * when flatfs_check() passed. */
int flatfs_open(struct flatfs *fs, const void *base, size_t size);
int flatfs_open_at(struct flatfs *fs, flatfs_window window, void *self, uint64_t size);
int flatfs_check(const struct flatfs *fs);
void flatfs_begin(struct flatfs_file *it);
bool flatfs_next(const struct flatfs *fs, struct flatfs_file *it);
bool flatfs_find(const struct flatfs *fs, const char *name, struct flatfs_file *it);
