// SPDX-License-Identifier: MIT
#include "boot.h"

#include "inode.h"
#include "make.h"
#include "permission.h"
#include "walk.h"

#include <lib/flatfs.h>
#include <lib/partition.h>
#include <rt/blk.h>

#define META "etc/wherry/meta"

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

static int fill_file(const struct flatfs *fs, const struct flatfs_file *f, uint64_t base,
		     struct inode *i)
{
	struct content *c;

	if (is_memory(i->sb)) {
		i->size = f->len;
		i->blocks = (f->len + 511) / 512;
		inode_borrow(i, W_H_ARCHIVE, base + f->off, fs->base + f->off);
		return 0;
	}
	c = content_of(i);
	return c ? c->ops->put(i, 0, fs->base + f->off, f->len) : W_ENOMEM;
}

static int add_named(const struct flatfs *fs, const struct flatfs_file *f, uint64_t base,
		     struct path dir, const char *last)
{
	struct new_file what = make_what(&self, FS_S_IFREG | 0644);
	struct path p;
	int err = make_in(&self, dir, last, &what, &p);

	if (err)
		return err;
	err = fill_file(fs, f, base, p.d->inode);
	path_put(p);
	return err;
}

static void add_file(const struct flatfs *fs, const struct flatfs_file *f, uint64_t base)
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
		err = add_named(fs, f, base, dir, last);
		path_put(dir);
	}
	if (err)
		rt_log("fs: the archive's %s cannot be added: error %d", last, -err);
}

/* ---- META: Documentation/design/flatfs.md ---- */

static void make_link(const char *path, const char *target)
{
	struct new_file what = make_what(&self, FS_S_IFLNK | 0777);

	what.target = target;
	make(&self, path, &what, NULL);
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

static void make_dir(const char *path, uint32_t mode)
{
	struct attr a = {.mode = mode};
	struct path p;

	if (directory(path, strlen(path), &p))
		return;
	path_put(p);
	set(path, FS_SET_MODE, &a);
}

static void make_device(char **word)
{
	const char *major = word[1], *minor = word[2], *mode = word[3];
	struct new_file what = make_what(&self, word[0][0] == 'c' ? FS_S_IFCHR : FS_S_IFBLK);

	what.mode |= strtoul_at(&mode, 8) & 07777;
	what.rdev = strtoul_at(&major, 10) << 8;
	what.rdev |= strtoul_at(&minor, 10);
	make(&self, word[4], &what, NULL);
}

/* "l PATH TARGET", "d MODE PATH", "c|b MAJOR MINOR MODE PATH": before the files. */
static void meta_make(char **word)
{
	const char *mode = word[1];

	switch (word[0][0]) {
	case 'l':
		make_link(word[1], word[2]);
		break;
	case 'd':
		make_dir(word[2], strtoul_at(&mode, 8));
		break;
	case 'c':
	case 'b':
		make_device(word);
		break;
	}
}

/* "m MODE PATH", "o UID GID PATH": after them. */
static void meta_set(char **word)
{
	const char *mode = word[1], *uid = word[1], *gid = word[2];
	struct attr a = {0};

	if (word[0][0] == 'm') {
		a.mode = strtoul_at(&mode, 8);
		set(word[2], FS_SET_MODE, &a);
	} else if (word[0][0] == 'o') {
		a.uid = strtoul_at(&uid, 10);
		a.gid = strtoul_at(&gid, 10);
		set(word[3], FS_SET_UID | FS_SET_GID, &a);
	}
}

static void meta_line(char *line, void (*apply)(char **word))
{
	char *word[5];
	int i;

	for (i = 0; i < 5; i++) {
		word[i] = line;
		while (*line && *line != ' ')
			line++;
		if (*line)
			*line++ = 0;
	}
	apply(word);
}

static void apply_meta(const struct flatfs *fs, void (*apply)(char **word))
{
	const char *p, *end, *nl;
	struct flatfs_file f;
	char line[600];
	size_t n;

	if (!flatfs_find(fs, META, &f))
		return;
	p = (const char *)fs->base + f.off;
	for (end = p + f.len; p < end; p = nl + 1) {
		nl = memchr(p, '\n', end - p);
		if (!nl)
			nl = end;
		n = nl - p < (long)sizeof(line) ? (size_t)(nl - p) : sizeof(line) - 1;
		memcpy(line, p, n);
		line[n] = 0;
		meta_line(line, apply);
	}
}

/* ---- which root ---- */

/* Paths below it are another service's (compat/linux/path.c), which has them by this name. */
static void mark_service(const char *path, const char *name)
{
	struct path p;

	if (directory(path, strlen(path), &p))
		return;
	mount_service(p, name);
	path_put(p);
}

struct archive {
	struct flatfs fs;
	uint64_t base; /* of the image in the memory object */
};

static void open_archive(struct archive *a)
{
	struct w_obj_info info;
	char *p;

	w_obj_info(W_H_ARCHIVE, &info);
	p = rt_map(W_H_ARCHIVE, 0, info.size, W_PROT_READ | W_MAP_SHARED);
	if (!p)
		rt_die("fs: cannot map the boot archive");
	for (a->base = 0; a->base < W_PAGE; a->base += 8)
		if (!flatfs_open(&a->fs, p + a->base, info.size - a->base))
			return;
	rt_die("fs: the boot archive is none");
}

static void fill(const struct archive *a)
{
	struct flatfs_file f;

	apply_meta(&a->fs, meta_make);
	flatfs_begin(&f);
	while (flatfs_next(&a->fs, &f))
		add_file(&a->fs, &f, a->base);
	apply_meta(&a->fs, meta_set);
}

/* The device that root= means; NULL: in memory. */
static struct blk *root_device(void)
{
	char name[BLK_NAME];
	struct blk *b;

	strlcpy(name, IS_ENABLED(CONFIG_ROOT_SRFS) ? "srfs" : "ram", sizeof(name));
	rt_option("root", name, sizeof(name));
	if (!strcmp(name, "ram"))
		return NULL;
	blk_settle();
	if (strcmp(name, "srfs")) {
		b = blk_find(name);
	} else {
		for (b = blk_next(NULL); b && b->part_type != PART_SRFS; b = blk_next(b))
			;
	}
	if (!b)
		rt_log("fs: there is no disk for root=%s; files are in memory and will vanish",
		       name);
	return b;
}

static const struct file_system *kind_named(const char *name)
{
	const struct file_system *const *k;

	for (k = file_systems; *k; k++)
		if (!strcmp((*k)->name, name))
			return *k;
	return NULL;
}

/* A disk without anything at its beginning is made a volume. */
static bool is_blank(struct blk *b)
{
	uint64_t *block = rt_try_alloc(W_PAGE);
	bool blank = block && !blk_read(b, 0, block, W_PAGE);
	uint32_t i;

	for (i = 0; blank && i < W_PAGE / sizeof(*block); i++)
		blank = !block[i];
	rt_free(block);
	return blank;
}

static struct view *mount_disk(struct blk *b)
{
	struct mount_args args = {.dev = b, .source = b->name, .options = ""};
	const struct file_system *kind = kind_named("srfs");
	struct view *v;
	int err = kind ? blk_claim(b, kind) : W_ENODEV;

	if (!err && is_blank(b))
		args.options = "format";
	v = err ? NULL : mount_first(kind, &args, &err);
	if (!v)
		rt_log("fs: %s cannot be the root: error %d; files are in memory and will vanish",
		       b->name, -err);
	return v;
}

/* What must not stay, or cannot be on a disk, is in memory. */
static void mount_memory(const char *path, uint32_t mode)
{
	struct mount_args args = {.source = "tmpfs", .options = ""};
	struct attr a = {.mode = mode};
	struct path p;
	int err = directory(path, strlen(path), &p);

	if (err)
		return;
	err = mount_new_at(p, kind_named("tmpfs"), &args, 0);
	path_put(p);
	if (err)
		rt_log("fs: no %s: error %d", path, -err);
	else
		set(path, FS_SET_MODE, &a);
}

static bool only_dev(const char *path)
{
	return !strncmp(path, "/dev", 4) || !strncmp(path, "dev", 3);
}

/* The lines of META that are about /dev, which is made anew with each start. */
static void meta_dev(char **word)
{
	const char *path = word[0][0] == 'l' ? word[1] : word[0][0] == 'd' ? word[2] : word[4];

	if (only_dev(path))
		meta_make(word);
}

static bool is_empty(struct view *v)
{
	struct path p;

	request_begin(&self, NULL, NULL, v);
	if (walk(&self, "/etc/wherry", 0, &p))
		return true;
	path_put(p);
	return false;
}

static void start_disk(struct view *v, const struct archive *a)
{
	bool fresh = is_empty(v);

	mount_memory("/dev", 0755);
	mount_memory("/run", 0755);
	if (fresh) {
		rt_log("fs: filling %s from the boot archive", v->root.mnt->source);
		fill(a);
		super_sync(v->root.d->sb);
	} else {
		apply_meta(&a->fs, meta_dev);
	}
}

static struct view *mount_ram(void)
{
	struct mount_args args = {.source = "root", .options = ""};
	struct view *v;
	int err;

	v = mount_first(file_systems[0], &args, &err);
	if (!v)
		rt_die("fs: no root file system: error %d", -err);
	return v;
}

struct view *boot_root(void)
{
	struct blk *b = root_device();
	struct view *v = b ? mount_disk(b) : NULL;
	bool on_disk = v;
	struct archive a;

	open_archive(&a);
	if (!v)
		v = mount_ram();
	request_begin(&self, NULL, NULL, v);
	if (on_disk)
		start_disk(v, &a);
	else
		fill(&a);
	mark_service("/proc", "/proc");
	mark_service("/sys", SYS_SERVICE);
	mark_service("/dev/pts", "/dev/pts");
	return v;
}
