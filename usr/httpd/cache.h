/* SPDX-License-Identifier: MIT */
/*
 * Small files with their heads, ready to be sent.  A file is looked at again (stat(2)) when
 * its entry is older than cache_seconds; only if it is another one, or has changed, is it
 * read again.  Each worker has a cache of its own: no locks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#define CACHE_FILES 64	 /* a power of 2 */
#define CACHE_PATH 256	 /* longer ones are not kept, full path included */
#define CACHE_BYTES 3072 /* head and body */

struct cached {
	char path[CACHE_PATH]; /* of the request; "": unused */
	char full[CACHE_PATH]; /* of the file */
	char etag[48];
	struct stat st;
	time_t looked; /* when the file was last seen to be this */
	uint32_t head_len, body_len;
	char bytes[CACHE_BYTES];
};

struct cache {
	struct cached file[CACHE_FILES];
};

extern int cache_seconds; /* 0: look at the file for each request */

/* The entry if there is one and it is still the file; now: CLOCK_MONOTONIC. */
const struct cached *cache_find(struct cache *c, const char *path, time_t now);
/* Keep head and body; what does not fit is not kept. */
void cache_keep(struct cache *c, const char *path, const char *full, const struct stat *st,
		const char *etag, const char *head, uint32_t head_len, const char *body,
		uint32_t body_len, time_t now);
