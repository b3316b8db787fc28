// SPDX-License-Identifier: MIT
/* sources: lib/flatfs.c lib/flatmeta.c fs/flatfs/tree.c */
/* An image as a tree of names, by way of a window that forgets. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../fs/flatfs/tree.h"

#include <rt/rt.h>

struct image {
	const uint8_t *bytes;
	uint8_t *shown;
};

void *rt_try_alloc(size_t n)
{
	return calloc(1, n ? n : 1);
}

void rt_free(void *p)
{
	free(p);
}

static const void *window(void *self, uint64_t off, uint64_t len)
{
	struct image *im = self;

	free(im->shown);
	im->shown = malloc(len ? len : 1);
	if (im->shown)
		memcpy(im->shown, im->bytes + off, len);
	return im->shown;
}

static int copy(void *self, uint64_t off, void *to, uint64_t n)
{
	memcpy(to, ((struct image *)self)->bytes + off, n);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image im = {.bytes = data};
	struct flat_tree t = {0};
	struct flatfs fs;
	uint32_t i;

	if (!flatfs_open_at(&fs, window, &im, size) && !flatfs_check(&fs) && !flat_tree_begin(&t) &&
	    !flat_tree_fill(&t, &fs, copy, &im))
		for (i = 1; i < t.n; i++)
			if (flat_tree_child(&t, t.node[i].parent, t.node[i].name,
					    t.node[i].name_len) != i)
				abort(); /* two of one name in a directory */
	flat_tree_free(&t);
	free(im.shown);
	return 0;
}

static size_t add(uint8_t *img, size_t at, const char *name, const char *bytes, bool last)
{
	uint64_t n = strlen(name), len = strlen(bytes), next = (at + 40 + n + len + 7) & ~7ull;
	uint64_t h[5] = {at + 40, n, at + 40 + n, len, last ? 0 : next};

	memcpy(img + at, h, sizeof(h));
	memcpy(img + at + 40, name, n);
	memcpy(img + at + 40 + n, bytes, len);
	return next;
}

const uint8_t *fuzz_seed(int n, size_t *size)
{
	static uint64_t words[256];
	uint8_t *img = (uint8_t *)words;
	size_t at = 32;

	if (n)
		return NULL;
	at = add(img, at, "a", "file", false);
	at = add(img, at, "a/b/c", "deeper", false);
	at = add(img, at, "lib/x", "by a link", false);
	at = add(img, at, "/lib/x", "again", false);
	at = add(img, at, FLATMETA_NAME,
		 "l lib usr/lib\nl usr/lib ../a\nd 1777 /t\\040m\nc 1 3 666 d/n\nm 4755 /lib/x\no "
		 "1 2 a/b\n",
		 true);
	memcpy(img, (uint64_t[]){FLATFS_MAGIC, 1, at, 5}, 32);
	*size = at;
	return img;
}
