// SPDX-License-Identifier: MIT
#include "fill.h"

#include "inode.h"
#include "make.h"
#include "permission.h"
#include "request.h"
#include "walk.h"

#include <lib/flatfs.h>
#include <lib/flatmeta.h>

static struct request self; /* nobody's: we ourselves may all */

/* The directory of a path, through links, made where it is missing.  Counts. */
static int directory(const char *path, size_t len, struct path *out)
{
	struct new_file what;
	char part[512];
	size_t n;
	int err = 0;

	if (len >= sizeof(part))
		return W_ENAMETOOLONG;
	for (n = 0; n <= len && !err; n++) {
		if (n < len && path[n] != '/')
			continue;
		memcpy(part, path, n);
		part[n] = 0;
		err = walk(&self, part, 0, out);
		if (err == W_ENOENT) {
			what = make_what(&self, FS_S_IFDIR | 0755);
			err = make(&self, part, &what, out);
		}
		if (!err && n < len)
			path_put(*out);
	}
	return err;
}

/* The archive is sorted: mostly the same directory again. */
static int directory_again(const char *path, size_t len, struct path *out)
{
	static struct path last;
	static char last_path[512];
	int err;

	if (last.d && strlen(last_path) == len && !memcmp(path, last_path, len)) {
		*out = path_get(last);
		return 0;
	}
	err = directory(path, len, out);
	if (err)
		return err;
	path_put(last);
	last = path_get(*out);
	memcpy(last_path, path, len);
	last_path[len] = 0;
	return 0;
}

static int fill_file(const struct flatfs *fs, const struct flatfs_file *f, struct inode *i)
{
	const struct fs_boot_archive *a = fs_boot_archive();
	struct content *c;

	if (is_memory(i->sb)) {
		i->size = f->len;
		i->blocks = (f->len + 511) / 512;
		inode_borrow(i, a->mem, a->off + f->off, fs->base + f->off);
		return 0;
	}
	c = content_of(i);
	return c ? c->ops->put(i, 0, fs->base + f->off, f->len) : W_ENOMEM;
}

static int add_named(const struct flatfs *fs, const struct flatfs_file *f, struct path dir,
		     const char *last)
{
	struct new_file what = make_what(&self, FS_S_IFREG | 0644);
	struct path p;
	int err = make_in(&self, dir, last, &what, &p);

	if (err)
		return err;
	err = fill_file(fs, f, p.d->inode);
	path_put(p);
	return err;
}

static void add_file(const struct flatfs *fs, const struct flatfs_file *f)
{
	const char *name = f->name + f->name_len;
	struct path dir;
	char last[256];
	int err;

	while (name > f->name && name[-1] != '/')
		name--;
	if ((size_t)(f->name + f->name_len - name) >= sizeof(last))
		return;
	memcpy(last, name, f->name + f->name_len - name);
	last[f->name + f->name_len - name] = 0;
	err = directory_again(f->name, name - f->name, &dir);
	if (!err) {
		err = add_named(fs, f, dir, last);
		path_put(dir);
	}
	if (err)
		rt_log("fs: the archive's %s cannot be added: error %d", last, -err);
}

/* ---- META ---- */

static void make_link(const struct flatmeta *m)
{
	struct new_file what = make_what(&self, FS_S_IFLNK | 0777);

	what.target = m->target;
	make(&self, m->path, &what, NULL);
}

static void set(const char *path, uint32_t what, struct attr *a)
{
	struct path p;

	if (walk(&self, path, WALK_NOFOLLOW, &p))
		return;
	if (what & FS_SET_MODE)
		a->mode = (p.d->inode->mode & FS_S_IFMT) | (a->mode & 07777);
	inode_setattr(p.d->inode, what, a);
	path_put(p);
}

int fill_directory(const char *path, struct path *out)
{
	return directory(path, strlen(path), out);
}

static void make_dir(const struct flatmeta *m)
{
	struct attr a = {.mode = m->mode};
	struct path p;

	if (directory(m->path, strlen(m->path), &p))
		return;
	path_put(p);
	set(m->path, FS_SET_MODE, &a);
}

static void make_device(const struct flatmeta *m)
{
	struct new_file what =
		make_what(&self, (m->kind == FLATMETA_CHAR ? FS_S_IFCHR : FS_S_IFBLK) | m->mode);

	what.rdev = m->major << 8 | m->minor;
	make(&self, m->path, &what, NULL);
}

static void apply(const struct flatmeta *m)
{
	struct attr a = {.mode = m->mode, .uid = m->uid, .gid = m->gid};

	switch (m->kind) {
	case FLATMETA_LINK:
		make_link(m);
		break;
	case FLATMETA_DIR:
		make_dir(m);
		break;
	case FLATMETA_CHAR:
	case FLATMETA_BLOCK:
		make_device(m);
		break;
	case FLATMETA_MODE:
		set(m->path, FS_SET_MODE, &a);
		break;
	case FLATMETA_OWNER:
		set(m->path, FS_SET_UID | FS_SET_GID, &a);
		break;
	}
}

/* Is it one of these directories, or below? */
static bool is_below(const char *path, const char *const *below)
{
	size_t n;

	for (; *below; below++) {
		n = strlen(*below);
		if (!strncmp(path, *below, n) && (!path[n] || path[n] == '/'))
			return true;
	}
	return false;
}

/* The lines that make something, or those that change it; below: only those about these
 * directories (NULL: all). */
static void apply_meta(const struct flatfs *fs, bool makes, const char *const *below)
{
	struct flatmeta *m = rt_alloc(sizeof(*m));
	struct flatfs_file f;

	if (flatfs_find(fs, FLATMETA_NAME, &f))
		flatmeta_begin(m, fs->base + f.off, f.len);
	while (flatmeta_next(m))
		if (flatmeta_makes(m) == makes && (!below || is_below(m->path, below)))
			apply(m);
	if (m->bad && makes)
		rt_log("fs: %u lines of %s are not understood", m->bad, FLATMETA_NAME);
	rt_free(m);
}

/* ---- the whole ---- */

static void open_archive(struct flatfs *fs)
{
	const struct fs_boot_archive *a = fs_boot_archive();

	if (flatfs_open(fs, a->at, a->len))
		rt_die("fs: the boot archive is none");
}

void fill_begin(struct view *v)
{
	request_begin(&self, NULL, NULL, v);
}

int fill_find(const char *path, struct path *out)
{
	return walk(&self, path, 0, out);
}

void fill_all(void)
{
	struct flatfs_file f;
	struct flatfs fs;

	open_archive(&fs);
	apply_meta(&fs, true, NULL);
	flatfs_begin(&f);
	while (flatfs_next(&fs, &f))
		add_file(&fs, &f);
	apply_meta(&fs, false, NULL);
}

void fill_below(const char *const *below)
{
	struct flatfs fs;

	open_archive(&fs);
	apply_meta(&fs, true, below);
	apply_meta(&fs, false, below);
}
