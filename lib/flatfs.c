/* SPDX-License-Identifier: MIT */
#include <lib/flatfs.h>
#include <lib/string.h>
#include <wherry/errors.h>

static uint64_t word(const struct flatfs *fs, uint64_t off)
{
	uint64_t v;

	memcpy(&v, fs->base + off, 8);
	return v;
}

/* Is [off, off+len) inside the image?  No sum can overflow here. */
static bool inside(const struct flatfs *fs, uint64_t off, uint64_t len)
{
	return off <= fs->len && len <= fs->len - off;
}

int flatfs_open(struct flatfs *fs, const void *base, size_t size)
{
	*fs = (struct flatfs){.base = base, .len = size};
	if (size < FLATFS_HEADER || word(fs, 0) != FLATFS_MAGIC || word(fs, 8) != 1)
		return W_EINVAL;
	if (word(fs, 16) > size || word(fs, 16) < FLATFS_HEADER || word(fs, 16) % 8)
		return W_EINVAL;
	fs->len = word(fs, 16);
	fs->files = word(fs, 24);
	return 0;
}

void flatfs_begin(struct flatfs_file *it)
{
	*it = (struct flatfs_file){.next = FLATFS_HEADER};
}

static bool entry_read(const struct flatfs *fs, uint64_t at, struct flatfs_file *it)
{
	uint64_t name_off, next;

	if (at % 8 || !inside(fs, at, FLATFS_ENTRY))
		return false;
	name_off = word(fs, at);
	it->name_len = word(fs, at + 8);
	it->off = word(fs, at + 16);
	it->len = word(fs, at + 24);
	next = word(fs, at + 32);
	if (!inside(fs, name_off, it->name_len) || !inside(fs, it->off, it->len))
		return false;
	if (next && next <= at) /* a chain only goes forward, so it ends */
		return false;
	it->name = (const char *)fs->base + name_off;
	it->next = next;
	while (it->name_len && *it->name == '/') {
		it->name++;
		it->name_len--;
	}
	return it->name_len && it->name[it->name_len - 1] != '/' &&
	       !memchr(it->name, 0, it->name_len);
}

bool flatfs_next(const struct flatfs *fs, struct flatfs_file *it)
{
	return fs->files && it->next && entry_read(fs, it->next, it);
}

int flatfs_check(const struct flatfs *fs)
{
	struct flatfs_file it;
	uint64_t n = 0;

	flatfs_begin(&it);
	while (flatfs_next(fs, &it))
		n++;
	return n == fs->files && (!n || !it.next) ? 0 : W_EINVAL;
}

bool flatfs_find(const struct flatfs *fs, const char *name, struct flatfs_file *it)
{
	size_t len = strlen(name);

	flatfs_begin(it);
	while (flatfs_next(fs, it))
		if (it->name_len == len && !memcmp(it->name, name, len))
			return true;
	return false;
}
