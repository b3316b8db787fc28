/* SPDX-License-Identifier: MIT */
/*
 * Which pages of a file are there, and which are dirty: a radix tree of bitmaps, so that a
 * file of terabytes with one page costs what one page costs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum page_mark { PAGE_PRESENT, PAGE_DIRTY, PAGE_MARKS };

struct pages;

struct pages *pages_new(void); /* NULL: no memory */
void pages_free(struct pages *p);
bool pages_has(const struct pages *p, uint64_t index, enum page_mark mark);
/* W_ENOMEM, or 0; *fresh (may be NULL) grows by those that were not marked. */
int pages_set(struct pages *p, uint64_t index, uint64_t n, enum page_mark mark, uint64_t *fresh);
/* W_ENOMEM, or 0: setting marks of these cannot fail from now on. */
int pages_reserve(struct pages *p, uint64_t index, uint64_t n);
/* The count of those that were marked. */
uint64_t pages_clear(struct pages *p, uint64_t index, uint64_t n, enum page_mark mark);
/* The first index from `index` on that is marked (set) or not; ~0: none below `end`. */
uint64_t pages_next(const struct pages *p, uint64_t index, uint64_t end, enum page_mark mark,
		    bool set);
uint64_t pages_count(const struct pages *p, enum page_mark mark);
