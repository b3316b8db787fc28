// SPDX-License-Identifier: MIT
/*
 * What /proc and /sys tell of block devices.  The table is the file service's; here each
 * text is made of a copy of it, so that a reader sees one moment.
 *
 * /sys/class/block has all devices, /sys/dev/block too but by number, /sys/block the disks with
 * their partitions inside.  All are directories here where Linux has links into /sys/devices.
 */
#include "procfs.h"

#include <wherry/disks.h>

#define MS 1000000ul

static const struct disk_table *shared;

void disks_map(w_handle_t mem)
{
	shared = rt_map(mem, 0, sizeof(*shared), W_PROT_READ | W_MAP_SHARED);
}

/* The devices now, to be freed; NULL: none, or no memory. */
static struct disk_table *disks_now(void)
{
	struct disk_table *t = shared ? rt_try_alloc(sizeof(*t)) : NULL;
	uint32_t turn;

	if (!t)
		return NULL;
	do {
		turn = __atomic_load_n(&shared->turn, __ATOMIC_SEQ_CST);
		memcpy(t, shared, sizeof(*t));
	} while (turn & 1 || turn != __atomic_load_n(&shared->turn, __ATOMIC_SEQ_CST));
	t->n = t->n < DISK_ROWS ? t->n : DISK_ROWS;
	return t;
}

static uint32_t major_of(const struct disk_row *r)
{
	return r->rdev >> 8;
}

static uint32_t minor_of(const struct disk_row *r)
{
	return r->rdev & 0xff;
}

void f_partitions(struct out *o)
{
	struct disk_table *t = disks_now();
	uint32_t i;

	put(o, "major minor  #blocks  name\n\n");
	for (i = 0; t && i < t->n; i++)
		put(o, "%4u  %7u %10lu %s\n", major_of(&t->row[i]), minor_of(&t->row[i]),
		    t->row[i].sectors / 2, t->row[i].name);
	rt_free(t);
}

static uint64_t busy_ns(const struct disk_stats *s)
{
	uint64_t now = rt_now();

	return s->busy_ns + (s->in_flight && now > s->busy_since ? now - s->busy_since : 0);
}

/* The 17 counts of diskstats; nothing is ever merged. */
static void put_stats(struct out *o, const struct disk_stats *s)
{
	uint64_t sum = s->read_ns + s->write_ns + s->discard_ns + s->flush_ns;

	put(o, "%lu 0 %lu %lu %lu 0 %lu %lu ", s->reads, s->read_sectors, s->read_ns / MS,
	    s->writes, s->write_sectors, s->write_ns / MS);
	put(o, "%lu %lu %lu %lu 0 %lu %lu %lu %lu\n", s->in_flight, busy_ns(s) / MS, sum / MS,
	    s->discards, s->discard_sectors, s->discard_ns / MS, s->flushes, s->flush_ns / MS);
}

void f_diskstats(struct out *o)
{
	struct disk_table *t = disks_now();
	uint32_t i;

	for (i = 0; t && i < t->n; i++) {
		put(o, "%4u %7u %s ", major_of(&t->row[i]), minor_of(&t->row[i]), t->row[i].name);
		put_stats(o, &t->row[i].stats);
	}
	rt_free(t);
}

/* ---- files of one device ---- */

static void s_dev(struct out *o, const struct disk_row *r)
{
	put(o, "%u:%u\n", major_of(r), minor_of(r));
}

static void s_size(struct out *o, const struct disk_row *r)
{
	put(o, "%lu\n", r->sectors);
}

static void s_ro(struct out *o, const struct disk_row *r)
{
	put(o, "%u\n", r->read_only);
}

static void s_stat(struct out *o, const struct disk_row *r)
{
	put_stats(o, &r->stats);
}

static void s_errors(struct out *o, const struct disk_row *r)
{
	put(o, "%lu\n", r->stats.errors);
}

static void s_uevent(struct out *o, const struct disk_row *r)
{
	put(o, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=%s\n", major_of(r), minor_of(r), r->name,
	    r->part ? "partition" : "disk");
}

static void s_start(struct out *o, const struct disk_row *r)
{
	put(o, "%lu\n", r->start);
}

static void s_partition(struct out *o, const struct disk_row *r)
{
	put(o, "%u\n", r->part);
}

static const struct {
	const char *name;
	void (*fill)(struct out *o, const struct disk_row *r);
	bool partition; /* disks have none */
} files[] = {
	{"dev", s_dev},
	{"size", s_size},
	{"ro", s_ro},
	{"stat", s_stat},
	{"errors", s_errors},
	{"uevent", s_uevent},
	{"start", s_start, true},
	{"partition", s_partition, true},
};

#define FILES (sizeof(files) / sizeof(*files))

/* ---- the tree ---- */

enum tree { DISKS, ALL, BY_NUMBER };

static void put_dots(struct out *o)
{
	put_entry(o, ".", true);
	put_entry(o, "..", true);
}

/* Cuts the first component off; true: that is what it was. */
static bool step(const char **path, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(*path, name, n) || ((*path)[n] && (*path)[n] != '/'))
		return false;
	for (*path += n; **path == '/'; ++*path)
		;
	return true;
}

/* As the device is called in this tree. */
static const char *name_in(enum tree tree, const struct disk_row *r, char *buf, size_t size)
{
	if (tree != BY_NUMBER)
		return r->name;
	fmt(buf, size, "%u:%u", major_of(r), minor_of(r));
	return buf;
}

/* The device that path begins with, which is cut off; NULL: none. */
static const struct disk_row *row_named(const struct disk_table *t, const char **path,
					enum tree tree)
{
	const struct disk_row *r;
	char buf[24];

	for (r = t->row; r < t->row + t->n; r++)
		if ((tree != DISKS || !r->part) && step(path, name_in(tree, r, buf, sizeof(buf))))
			return r;
	return NULL;
}

static const struct disk_row *partition_named(const struct disk_table *t, const char **path,
					      const struct disk_row *disk)
{
	const struct disk_row *r;

	for (r = t->row; r < t->row + t->n; r++)
		if (r->part && t->row + r->whole == disk && step(path, r->name))
			return r;
	return NULL;
}

static void list_rows(struct out *o, const struct disk_table *t, enum tree tree)
{
	const struct disk_row *r;
	char buf[24];

	for (r = t->row; r < t->row + t->n; r++)
		if (tree != DISKS || !r->part)
			put_entry(o, name_in(tree, r, buf, sizeof(buf)), true);
}

static void list_row(struct out *o, const struct disk_table *t, const struct disk_row *of)
{
	const struct disk_row *r;
	size_t i;

	put_dots(o);
	for (i = 0; i < FILES; i++)
		if (of->part || !files[i].partition)
			put_entry(o, files[i].name, false);
	for (r = t->row; r < t->row + t->n; r++)
		if (!of->part && r->part && r->whole == of - t->row)
			put_entry(o, r->name, true);
}

static int fill_row(struct out *o, const struct disk_table *t, const struct disk_row *r,
		    const char *path, bool *dir)
{
	const struct disk_row *inner;
	size_t i;

	if (!*path) {
		list_row(o, t, r);
		return 0;
	}
	inner = r->part ? NULL : partition_named(t, &path, r);
	if (inner)
		return fill_row(o, t, inner, path, dir);
	*dir = false;
	for (i = 0; i < FILES; i++)
		if (!strcmp(path, files[i].name) && (r->part || !files[i].partition)) {
			files[i].fill(o, r);
			return 0;
		}
	return W_ENOENT;
}

static int fill_tree(struct out *o, const char *path, enum tree tree, bool *dir)
{
	struct disk_table *t = disks_now();
	const struct disk_row *r = *path && t ? row_named(t, &path, tree) : NULL;
	int err = 0;

	if (r) {
		err = fill_row(o, t, r, path, dir);
	} else if (*path) {
		err = W_ENOENT;
	} else {
		put_dots(o);
		if (t)
			list_rows(o, t, tree);
	}
	rt_free(t);
	return err;
}

static int list_names(struct out *o, const char *const *name)
{
	put_dots(o);
	for (; *name; name++)
		put_entry(o, *name, true);
	return 0;
}

int sys_fill(struct out *o, const char *path, bool *dir)
{
	static const char *const top[] = {"block", "class", "dev", NULL};
	enum tree tree;

	*dir = true;
	if (!*path)
		return list_names(o, top);
	if (step(&path, "block"))
		return fill_tree(o, path, DISKS, dir);
	if (step(&path, "class"))
		tree = ALL;
	else if (step(&path, "dev"))
		tree = BY_NUMBER;
	else
		return W_ENOENT;
	if (!*path)
		return list_names(o, (const char *const[]){"block", NULL});
	return step(&path, "block") ? fill_tree(o, path, tree, dir) : W_ENOENT;
}
