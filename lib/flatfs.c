/* SPDX-License-Identifier: MIT */
#include <lib/flatfs.h>
#include <lib/string.h>
#include <wherry/errors.h>

/* Is [off, off+len) inside the image?  No sum can overflow here. */
static bool inside(const struct flatfs *fs, uint64_t off, uint64_t len)
{
	return off <= fs->len && len <= fs->len - off;
}

/* The bytes there; NULL: they are not in the image, or cannot be read. */
static const void *at(const struct flatfs *fs, uint64_t off, uint64_t len)
{
	if (!inside(fs, off, len))
		return NULL;
	return fs->base ? fs->base + off : fs->window(fs->self, off, len);
}

/* n words of 8 bytes. */
static bool words(const struct flatfs *fs, uint64_t off, uint64_t *to, uint32_t n)
{
	const void *from = at(fs, off, n * 8);

	if (from)
		memcpy(to, from, n * 8);
	return from;
}

static int read_header(struct flatfs *fs)
{
	enum { MAGIC, VERSION, LEN, FILES, N };
	uint64_t h[N];

	if (!words(fs, 0, h, N) || h[MAGIC] != FLATFS_MAGIC || h[VERSION] != 1)
		return W_EINVAL;
	if (h[LEN] > fs->len || h[LEN] < FLATFS_HEADER || h[LEN] % 8)
		return W_EINVAL;
	fs->len = h[LEN];
	fs->files = h[FILES];
	return 0;
}

int flatfs_open(struct flatfs *fs, const void *base, size_t size)
{
	*fs = (struct flatfs){.base = base, .len = size};
	return read_header(fs);
}

int flatfs_open_at(struct flatfs *fs, flatfs_window window, void *self, uint64_t size)
{
	*fs = (struct flatfs){.window = window, .self = self, .len = size};
	return read_header(fs);
}

void flatfs_begin(struct flatfs_file *it)
{
	*it = (struct flatfs_file){.next = FLATFS_HEADER};
}

static bool entry_read(const struct flatfs *fs, uint64_t where, struct flatfs_file *it)
{
	enum { NAME_OFF, NAME_LEN, OFF, LEN, NEXT, N };
	uint64_t e[N];

	if (where % 8 || !words(fs, where, e, N) || !inside(fs, e[OFF], e[LEN]))
		return false;
	if (e[NEXT] && e[NEXT] <= where) /* a chain only goes forward, so it ends */
		return false;
	it->name = at(fs, e[NAME_OFF], e[NAME_LEN]);
	if (!it->name)
		return false;
	it->name_len = e[NAME_LEN];
	it->off = e[OFF];
	it->len = e[LEN];
	it->next = e[NEXT];
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
