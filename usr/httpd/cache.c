// SPDX-License-Identifier: MIT
#include "cache.h"

#include <string.h>

int cache_seconds = 1;

static struct cached *slot(struct cache *c, const char *path)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	while (*path)
		h = (h ^ (uint8_t)*path++) * 16777619u;
	return &c->file[h % CACHE_FILES];
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mode == b->st_mode && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

const struct cached *cache_find(struct cache *c, const char *path, time_t now)
{
	struct cached *f = slot(c, path);
	struct stat st;

	if (strcmp(f->path, path))
		return NULL;
	if (now - f->looked < cache_seconds)
		return f;
	if (stat(f->full, &st) || !is_same(&st, &f->st)) {
		f->path[0] = 0;
		return NULL;
	}
	f->looked = now;
	return f;
}

void cache_keep(struct cache *c, const char *path, const char *full, const struct stat *st,
		const char *etag, const char *head, uint32_t head_len, const char *body,
		uint32_t body_len, time_t now)
{
	struct cached *f = slot(c, path);

	if (strlen(path) >= CACHE_PATH || strlen(full) >= CACHE_PATH ||
	    strlen(etag) >= sizeof(f->etag) || head_len + body_len > CACHE_BYTES)
		return;
	strcpy(f->path, path);
	strcpy(f->full, full);
	strcpy(f->etag, etag);
	f->st = *st;
	f->looked = now;
	f->head_len = head_len;
	f->body_len = body_len;
	memcpy(f->bytes, head, head_len);
	memcpy(f->bytes + head_len, body, body_len);
}
