// SPDX-License-Identifier: MIT
#include "boot.h"

#include "fill.h"
#include "inode.h"
#include "mount.h"

#include <lib/flatfs.h>
#include <lib/partition.h>
#include <rt/blk.h>

#define VANISH "files are in memory and will vanish"

/* ---- the boot archive ---- */

static struct fs_boot_archive archive;

/* The image begins anywhere in the first page: where the loader put it. */
const struct fs_boot_archive *fs_boot_archive(void)
{
	struct w_obj_info info;
	struct flatfs fs;
	char *p;

	if (archive.at)
		return &archive;
	w_obj_info(W_H_ARCHIVE, &info);
	p = rt_map(W_H_ARCHIVE, 0, info.size, W_PROT_READ | W_MAP_SHARED);
	if (!p)
		rt_die("fs: cannot map the boot archive");
	for (archive.off = 0; archive.off < W_PAGE; archive.off += 8)
		if (!flatfs_open(&fs, p + archive.off, info.size - archive.off))
			break;
	if (archive.off == W_PAGE)
		rt_die("fs: the boot archive is none");
	archive.mem = W_H_ARCHIVE;
	archive.len = fs.len;
	archive.at = fs.base;
	return &archive;
}

/* ---- mounting ---- */

static const struct file_system *kind_named(const char *name)
{
	const struct file_system *const *k;

	for (k = file_systems; *k; k++)
		if (!strcmp((*k)->name, name))
			return *k;
	return NULL;
}

static struct view *mount_root(const char *kind, const struct mount_args *args)
{
	const struct file_system *fs = kind_named(kind);
	struct view *v = NULL;
	int err = fs ? 0 : W_ENODEV;

	if (!err && args->dev)
		err = blk_claim(args->dev, fs);
	if (!err)
		v = mount_first(fs, args, &err);
	if (!v)
		rt_log("fs: %s cannot be the root: error %d; " VANISH, args->source, -err);
	return v;
}

/* What must not stay, or cannot be on a disk, is in memory; below a root that nobody can
 * write, more of it. */
static const char *const volatile_dirs[] = {"dev", "run", NULL};
static const char *const written_dirs[] = {"dev", "run", "tmp", "var/tmp", "var/log", NULL};

static void mount_memory(const char *const *dir)
{
	struct mount_args args = {.source = "tmpfs", .options = ""};
	struct path p;
	int err;

	for (; *dir; dir++) {
		err = fill_directory(*dir, &p);
		if (!err) {
			err = mount_new_at(p, kind_named("tmpfs"), &args, 0);
			path_put(p);
		}
		if (err)
			rt_log("fs: no /%s: error %d", *dir, -err);
	}
}

/* Paths below it are another service's (compat/linux/path.c), which has them by this name. */
static void mark_service(const char *path, const char *name)
{
	struct path p;

	if (fill_directory(path + 1, &p))
		return;
	mount_service(p, name);
	path_put(p);
}

/* ---- the kinds of roots ---- */

static struct view *root_in_memory(void)
{
	struct mount_args args = {.source = "root", .options = ""};
	struct view *v = mount_root(file_systems[0]->name, &args);

	if (!v)
		rt_die("fs: no root file system");
	fill_begin(v);
	fill_all();
	return v;
}

/* A flatfs: nothing of it can change. */
static struct view *root_read_only(struct blk *b)
{
	struct mount_args args = {.dev = b,
				  .source = b ? b->name : FS_ARCHIVE_SOURCE,
				  .options = "",
				  .read_only = true};
	struct view *v = mount_root("flatfs", &args);

	if (!v)
		return NULL;
	fill_begin(v);
	mount_memory(written_dirs);
	fill_below(written_dirs);
	return v;
}

static bool is_new(void)
{
	struct path p;

	if (fill_find("/etc/wherry", &p))
		return true;
	path_put(p);
	return false;
}

static struct view *root_on_srfs(struct blk *b, const char *options)
{
	struct mount_args args = {.dev = b, .source = b->name, .options = options};
	struct view *v = mount_root("srfs", &args);

	if (!v)
		return NULL;
	fill_begin(v);
	mount_memory(volatile_dirs);
	if (!is_new()) {
		fill_below(volatile_dirs);
		return v;
	}
	rt_log("fs: filling %s from the boot archive", b->name);
	fill_all();
	if (super_sync(v->root.d->sb))
		rt_log("fs: %s could not be filled", b->name);
	return v;
}

/* What is on it says which; a disk without anything at its beginning is made a volume. */
static struct view *root_on_device(struct blk *b)
{
	uint64_t *block = rt_alloc(W_PAGE);
	uint32_t i = 0;
	bool flat;

	if (blk_read(b, 0, block, W_PAGE))
		block[0] = 1; /* whoever mounts it will say so */
	while (i < W_PAGE / sizeof(*block) && !block[i])
		i++;
	flat = block[0] == FLATFS_MAGIC;
	rt_free(block);
	return flat ? root_read_only(b)
		    : root_on_srfs(b, i == W_PAGE / sizeof(*block) ? "format" : "");
}

/* ---- which ---- */

static struct blk *first_of_type(uint8_t type)
{
	struct blk *b = blk_next(NULL);

	while (b && b->part_type != type)
		b = blk_next(b);
	return b;
}

static struct view *root_named(const char *name)
{
	struct blk *b;

	if (!strcmp(name, "ram"))
		return NULL;
	if (!strcmp(name, "flatfs"))
		return root_read_only(NULL);
	blk_settle();
	b = strcmp(name, "srfs") ? blk_find(name) : first_of_type(PART_SRFS);
	if (b)
		return root_on_device(b);
	rt_log("fs: there is no disk for root=%s; " VANISH, name);
	return NULL;
}

struct view *boot_root(void)
{
	const char *usual = IS_ENABLED(CONFIG_ROOT_SRFS)     ? "srfs"
			    : IS_ENABLED(CONFIG_ROOT_FLATFS) ? "flatfs"
							     : "ram";
	char name[BLK_NAME];
	struct view *v;

	strlcpy(name, usual, sizeof(name));
	rt_option("root", name, sizeof(name));
	v = root_named(name);
	if (!v)
		v = root_in_memory();
	mark_service("/proc", "/proc");
	mark_service("/sys", SYS_SERVICE);
	mark_service("/dev/pts", "/dev/pts");
	return v;
}
