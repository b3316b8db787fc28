// SPDX-License-Identifier: MIT
/* Paths in the making: struct lx_path of lx.h. */
#include "lx.h"

/* What a block of the heap has room for: two paths in one message, or one behind another. */
#define ROOM (2 * LX_PATH_MAX + 64)

long path_room(struct lx_path *p, uint64_t n)
{
	char *s;

	if (n <= p->size)
		return 0;
	if (n > ROOM)
		return W_ENAMETOOLONG;
	s = pmalloc_raw(ROOM);
	if (!s)
		return -ENOMEM;
	memcpy(s, p->few, sizeof(p->few));
	p->s = s;
	p->size = ROOM;
	return 0;
}

long path_put(struct lx_path *p, uint64_t at, const char *text)
{
	uint64_t n = strlen(text) + 1;
	long err = path_room(p, at + n);

	if (!err)
		memcpy(p->s + at, text, n);
	return err;
}

long path_copy(struct lx_path *p, uint64_t utext)
{
	uint64_t size = p->size < LX_PATH_MAX ? p->size : LX_PATH_MAX;
	long n = lx_copy_str(p->s, (const char *)utext, size), err;

	if (n != W_ENAMETOOLONG || size == LX_PATH_MAX)
		return n;
	err = path_room(p, LX_PATH_MAX);
	return err ? err : lx_copy_str(p->s, (const char *)utext, LX_PATH_MAX);
}
