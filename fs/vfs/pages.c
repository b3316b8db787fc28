// SPDX-License-Identifier: MIT
#include "pages.h"

#include <lib/string.h>
#include <rt/rt.h>

#define LEAF_BITS 9 /* pages in a leaf: 2 MiB of a file */
#define LEAF_PAGES (1u << LEAF_BITS)
#define NODE_BITS 6
#define NODE_SLOTS (1u << NODE_BITS)
#define HEIGHT_MOST 8 /* 9 + 8 * 6 bits: more than there are pages in 2^64 bytes */

struct leaf {
	uint64_t bits[PAGE_MARKS][LEAF_PAGES / 64];
};

struct node {
	void *slot[NODE_SLOTS]; /* struct node, or struct leaf at height 1 */
};

struct pages {
	void *top;	 /* a leaf at height 0 */
	uint32_t height; /* of nodes above the leaves */
	uint64_t count[PAGE_MARKS];
};

struct pages *pages_new(void)
{
	return rt_try_alloc(sizeof(struct pages));
}

static void free_below(void *at, uint32_t height)
{
	uint32_t i;

	for (i = 0; at && height && i < NODE_SLOTS; i++)
		free_below(((struct node *)at)->slot[i], height - 1);
	rt_free(at);
}

void pages_free(struct pages *p)
{
	if (!p)
		return;
	free_below(p->top, p->height);
	rt_free(p);
}

/* Does a tree of this height reach the index? */
static bool reaches(uint32_t height, uint64_t index)
{
	uint32_t bits = LEAF_BITS + height * NODE_BITS;

	return bits >= 64 || !(index >> bits);
}

static uint32_t slot_of(uint64_t index, uint32_t height)
{
	return index >> (LEAF_BITS + (height - 1) * NODE_BITS) & (NODE_SLOTS - 1);
}

static struct leaf *find(const struct pages *p, uint64_t index)
{
	void *at = p->top;
	uint32_t h;

	if (!reaches(p->height, index))
		return NULL;
	for (h = p->height; at && h; h--)
		at = ((struct node *)at)->slot[slot_of(index, h)];
	return at;
}

static bool grow(struct pages *p, uint64_t index)
{
	struct node *n;

	while (!reaches(p->height, index) && p->height < HEIGHT_MOST) {
		if (p->top) {
			n = rt_try_alloc(sizeof(*n));
			if (!n)
				return false;
			n->slot[0] = p->top;
			p->top = n;
		}
		p->height++;
	}
	return true;
}

static struct leaf *make(struct pages *p, uint64_t index)
{
	void **at = &p->top;
	uint32_t h;

	if (!grow(p, index))
		return NULL;
	for (h = p->height;; h--) {
		if (!*at)
			*at = rt_try_alloc(h ? sizeof(struct node) : sizeof(struct leaf));
		if (!*at || !h)
			return *at;
		at = &((struct node *)*at)->slot[slot_of(index, h)];
	}
}

static bool test(const struct leaf *l, uint64_t index, enum page_mark mark)
{
	return l && l->bits[mark][index % LEAF_PAGES / 64] >> index % 64 & 1;
}

bool pages_has(const struct pages *p, uint64_t index, enum page_mark mark)
{
	return p && test(find(p, index), index, mark);
}

int pages_set(struct pages *p, uint64_t index, uint64_t n, enum page_mark mark, uint64_t *fresh)
{
	struct leaf *l = NULL;

	for (; n; n--, index++) {
		if (!l || !(index % LEAF_PAGES))
			l = make(p, index);
		if (!l)
			return W_ENOMEM;
		if (test(l, index, mark))
			continue;
		l->bits[mark][index % LEAF_PAGES / 64] |= 1ull << index % 64;
		p->count[mark]++;
		if (fresh)
			++*fresh;
	}
	return 0;
}

int pages_reserve(struct pages *p, uint64_t index, uint64_t n)
{
	uint64_t at;

	for (at = index & ~(LEAF_PAGES - 1ull); at < index + n; at += LEAF_PAGES)
		if (!make(p, at))
			return W_ENOMEM;
	return 0;
}

uint64_t pages_clear(struct pages *p, uint64_t index, uint64_t n, enum page_mark mark)
{
	uint64_t end = index + n < index ? ~0ull : index + n, count = 0;
	struct leaf *l;

	if (!p)
		return 0;
	for (index = pages_next(p, index, end, mark, true); index < end;
	     index = pages_next(p, index + 1, end, mark, true)) {
		l = find(p, index);
		l->bits[mark][index % LEAF_PAGES / 64] &= ~(1ull << index % 64);
		p->count[mark]--;
		count++;
	}
	return count;
}

/* The span of indices below the first missing slot on the way to index: nothing is there. */
static uint64_t missing_end(const struct pages *p, uint64_t index)
{
	void *at = p->top;
	uint32_t h, bits;

	if (!reaches(p->height, index))
		return ~0ull;
	for (h = p->height; at && h; h--)
		at = ((struct node *)at)->slot[slot_of(index, h)];
	bits = LEAF_BITS + h * NODE_BITS;
	return bits >= 64 ? ~0ull : ((index >> bits) + 1) << bits;
}

static uint64_t next_in_leaf(const struct leaf *l, uint64_t index, enum page_mark mark, bool set)
{
	uint64_t word;

	do {
		word = l->bits[mark][index % LEAF_PAGES / 64];
		word = (set ? word : ~word) >> index % 64;
		if (word)
			return index + __builtin_ctzll(word);
		index = (index | 63) + 1;
	} while (index % LEAF_PAGES);
	return ~0ull;
}

uint64_t pages_next(const struct pages *p, uint64_t index, uint64_t end, enum page_mark mark,
		    bool set)
{
	const struct leaf *l;
	uint64_t at;

	while (index < end) {
		l = p ? find(p, index) : NULL;
		if (!l && !set)
			return index;
		if (!l && !p)
			return ~0ull;
		at = l ? next_in_leaf(l, index, mark, set) : ~0ull;
		if (at != ~0ull)
			return at < end ? at : ~0ull;
		index = l ? (index | (LEAF_PAGES - 1)) + 1 : missing_end(p, index);
		if (!index)
			return ~0ull;
	}
	return ~0ull;
}

uint64_t pages_count(const struct pages *p, enum page_mark mark)
{
	return p ? p->count[mark] : 0;
}
