/* SPDX-License-Identifier: MIT */
/*
 * etc/wherry/meta of a flatfs image: what the format itself cannot say (Documentation/design/
 * flatfs.md has the lines).  Untrusted text: a line that is not understood is counted and left
 * out.  Lines that make something (d, l, c, b) are meant before the files of the image are
 * added, those that change something (m, o) after.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLATMETA_NAME "etc/wherry/meta"
#define FLATMETA_LINE 8300 /* two paths of PATH_MAX, and what else there is */

enum flatmeta_kind {
	FLATMETA_DIR = 'd',
	FLATMETA_LINK = 'l',
	FLATMETA_CHAR = 'c',
	FLATMETA_BLOCK = 'b',
	FLATMETA_MODE = 'm',
	FLATMETA_OWNER = 'o',
};

struct flatmeta {
	enum flatmeta_kind kind;
	const char *path;   /* without leading slashes; until the next line */
	const char *target; /* links */
	uint32_t mode, uid, gid, major, minor;
	/* where we are */
	const char *at, *end;
	uint32_t bad; /* lines that were left out */
	char line[FLATMETA_LINE];
};

void flatmeta_begin(struct flatmeta *m, const void *text, size_t len);
bool flatmeta_next(struct flatmeta *m);

static inline bool flatmeta_makes(const struct flatmeta *m)
{
	return m->kind != FLATMETA_MODE && m->kind != FLATMETA_OWNER;
}
