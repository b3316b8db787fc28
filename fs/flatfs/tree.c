// SPDX-License-Identifier: MIT
#include "tree.h"

#include <lib/string.h>
#include <rt/rt.h>

#define NODES_MOST (1u << 24)
#define META_MOST (64u << 20)
#define NAME_MOST 255
#define PATH_MOST 4095
#define LINKS_MOST 8
enum { IFMT = 0170000, IFDIR = 0040000, IFLNK = 0120000, IFCHR = 0020000, IFBLK = 0060000 };

static bool is_dir(const struct flat_tree *t, uint32_t i)
{
	return (t->node[i].mode & IFMT) == IFDIR;
}

/* ---- nodes ---- */

static uint32_t hash(const struct flat_tree *t, uint32_t dir, const char *name, uint32_t len)
{
	uint32_t h = dir * 0x9e3779b1u + 2166136261u; /* FNV-1a */

	while (len--)
		h = (h ^ (uint8_t)*name++) * 16777619u;
	return h % t->room;
}

static void hash_in(struct flat_tree *t, uint32_t i)
{
	struct flat_node *x = &t->node[i];
	uint32_t *b = &t->bucket[hash(t, x->parent, x->name, x->name_len)];

	x->same_hash = *b;
	*b = i;
}

static void hash_out(struct flat_tree *t, uint32_t i)
{
	struct flat_node *x = &t->node[i];
	uint32_t *at = &t->bucket[hash(t, x->parent, x->name, x->name_len)];

	while (*at != i)
		at = &t->node[*at].same_hash;
	*at = x->same_hash;
}

static int grow(struct flat_tree *t)
{
	uint32_t room = t->room ? t->room * 2 : 64, i;
	struct flat_node *node = room <= NODES_MOST ? rt_try_alloc(room * sizeof(*node)) : NULL;
	uint32_t *bucket = node ? rt_try_alloc(room * sizeof(*bucket)) : NULL;

	if (!bucket) {
		rt_free(node);
		return W_ENOMEM;
	}
	if (t->n)
		memcpy(node, t->node, t->n * sizeof(*node));
	rt_free(t->node);
	rt_free(t->bucket);
	t->node = node;
	t->bucket = bucket;
	t->room = room;
	for (i = 1; i < t->n; i++)
		hash_in(t, i);
	return 0;
}

static char *copy_text(const char *from, size_t len)
{
	char *to = rt_try_alloc(len + 1);

	if (to) {
		memcpy(to, from, len);
		to[len] = 0;
	}
	return to;
}

static void link_child(struct flat_tree *t, uint32_t dir, uint32_t i)
{
	struct flat_node *d = &t->node[dir];

	if (d->last)
		t->node[d->last].next = i;
	else
		d->first = i;
	d->last = i;
	if (is_dir(t, i))
		d->subdirs++;
}

static int add(struct flat_tree *t, uint32_t dir, const char *name, uint32_t len, uint32_t mode,
	       uint32_t *out)
{
	int err = t->n == t->room ? grow(t) : 0;
	char *own = err ? NULL : copy_text(name, len);

	if (!own)
		return W_ENOMEM;
	*out = t->n++;
	t->node[*out] =
		(struct flat_node){.name = own, .name_len = len, .parent = dir, .mode = mode};
	hash_in(t, *out);
	link_child(t, dir, *out);
	return 0;
}

uint32_t flat_tree_child(const struct flat_tree *t, uint32_t dir, const char *name, uint32_t len)
{
	uint32_t i = t->bucket[hash(t, dir, name, len)];
	const struct flat_node *x;

	for (; i; i = x->same_hash) {
		x = &t->node[i];
		if (x->parent == dir && x->name_len == len && !memcmp(x->name, name, len))
			break;
	}
	return i;
}

/* Under that name with '~' behind it. */
static int name_beside(const struct flat_tree *t, uint32_t dir, const char *name, uint32_t len,
		       char to[NAME_MOST + 1])
{
	if (len == NAME_MOST)
		return W_ENAMETOOLONG;
	memcpy(to, name, len);
	to[len] = '~';
	to[len + 1] = 0;
	return flat_tree_child(t, dir, to, len + 1) ? W_EEXIST : 0;
}

/* A directory gets this file's name. */
static int push_aside(struct flat_tree *t, uint32_t i)
{
	struct flat_node *x = &t->node[i];
	char name[NAME_MOST + 1], *own;
	int err = name_beside(t, x->parent, x->name, x->name_len, name);

	if (err)
		return err;
	own = copy_text(name, x->name_len + 1);
	if (!own)
		return W_ENOMEM;
	hash_out(t, i);
	rt_free(x->name);
	x->name = own;
	x->name_len++;
	hash_in(t, i);
	return 0;
}

/* ---- paths ---- */

static int valid(const char *name, uint32_t len)
{
	if (len > NAME_MOST)
		return W_ENAMETOOLONG;
	return !len || (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'))) ? W_EINVAL
										      : 0;
}

static uint32_t part_len(const char *p, const char *end)
{
	const char *slash = memchr(p, '/', end - p);

	return (slash ? slash : end) - p;
}

/* A directory of that name in *dir, made where there is none.  Links are left to the caller. */
static int enter(struct flat_tree *t, const char *name, uint32_t len, uint32_t *dir)
{
	uint32_t i = flat_tree_child(t, *dir, name, len);
	int err = valid(name, len);

	if (!err && i && !is_dir(t, i) && (t->node[i].mode & IFMT) != IFLNK) {
		err = push_aside(t, i);
		i = FLAT_NONE;
	}
	if (!err && !i)
		err = add(t, *dir, name, len, FLAT_MODE_DIR, &i);
	if (!err)
		*dir = i;
	return err;
}

struct step {
	const char *at, *end;
};

/* From *dir along the path, through links; each link's target is walked before what follows. */
static int walk_dirs(struct flat_tree *t, const char *path, size_t path_len, uint32_t *dir)
{
	struct step step[LINKS_MOST + 1] = {{path, path + path_len}}, *s = step;
	uint32_t len, i, links = 0;
	int err = 0;

	while (!err) {
		while (s->at < s->end && *s->at == '/')
			s->at++;
		if (s->at == s->end) {
			if (s == step)
				return 0;
			s--;
			continue;
		}
		len = part_len(s->at, s->end);
		i = *dir;
		if (s > step && len == 2 && !memcmp(s->at, "..", 2))
			i = t->node[i].parent;
		else if (s == step || len != 1 || *s->at != '.')
			err = enter(t, s->at, len, &i);
		s->at += len;
		if (!err && (t->node[i].mode & IFMT) == IFLNK) {
			if (++links > LINKS_MOST)
				return W_ELOOP;
			s++;
			s->at = t->node[i].target;
			s->end = s->at + strlen(s->at);
			*dir = *s->at == '/' ? FLAT_ROOT : *dir;
		} else {
			*dir = i;
		}
	}
	return err;
}

/* The directory of the path and its last name. */
static int walk_parent(struct flat_tree *t, const char *path, size_t len, uint32_t *dir,
		       const char **name, uint32_t *name_len)
{
	size_t at = len;

	while (at && path[at - 1] != '/')
		at--;
	if (len > PATH_MOST)
		return W_ENAMETOOLONG;
	*dir = FLAT_ROOT;
	*name = path + at;
	*name_len = len - at;
	return walk_dirs(t, path, at, dir);
}

/* ---- what an image has ---- */

/* The node of that path: the one that is there, if it is no directory, or a new one. */
static int place(struct flat_tree *t, const char *path, size_t path_len, uint32_t mode,
		 uint32_t *out)
{
	char beside[NAME_MOST + 1];
	const char *name;
	uint32_t dir, len, i;
	int err = walk_parent(t, path, path_len, &dir, &name, &len);

	if (!err)
		err = valid(name, len);
	if (err)
		return err;
	i = flat_tree_child(t, dir, name, len);
	if (i && !is_dir(t, i)) {
		t->twice++;
		t->node[i].mode = mode;
		*out = i;
		return 0;
	}
	if (!i)
		return add(t, dir, name, len, mode, out);
	err = name_beside(t, dir, name, len, beside);
	return err ? err : add(t, dir, beside, len + 1, mode, out);
}

int flat_tree_file(struct flat_tree *t, const struct flatfs_file *f)
{
	uint32_t i;
	int err = place(t, f->name, f->name_len, FLAT_MODE_FILE, &i);

	if (err)
		return err;
	t->node[i].off = f->off;
	t->node[i].len = f->len;
	return 0;
}

static int add_link(struct flat_tree *t, const struct flatmeta *m)
{
	char *target = copy_text(m->target, strlen(m->target));
	uint32_t i;
	int err = target ? place(t, m->path, strlen(m->path), IFLNK | 0777, &i) : W_ENOMEM;

	if (err) {
		rt_free(target);
		return err;
	}
	rt_free(t->node[i].target);
	t->node[i].target = target;
	t->node[i].len = strlen(target);
	return 0;
}

static int add_device(struct flat_tree *t, const struct flatmeta *m)
{
	uint32_t type = m->kind == FLATMETA_CHAR ? IFCHR : IFBLK, i;
	int err = place(t, m->path, strlen(m->path), type | m->mode, &i);

	if (!err)
		t->node[i].rdev = m->major << 8 | m->minor;
	return err;
}

static int add_dir(struct flat_tree *t, const struct flatmeta *m)
{
	uint32_t dir = FLAT_ROOT;
	int err = walk_dirs(t, m->path, strlen(m->path), &dir);

	if (!err)
		t->node[dir].mode = IFDIR | m->mode;
	return err;
}

static int change(struct flat_tree *t, const struct flatmeta *m)
{
	const char *name;
	uint32_t dir, len, i;
	int err = walk_parent(t, m->path, strlen(m->path), &dir, &name, &len);

	i = err ? FLAT_NONE : flat_tree_child(t, dir, name, len);
	if (!i)
		return err ? err : W_ENOENT;
	if (m->kind == FLATMETA_MODE) {
		t->node[i].mode = (t->node[i].mode & IFMT) | m->mode;
	} else {
		t->node[i].uid = m->uid;
		t->node[i].gid = m->gid;
	}
	return 0;
}

int flat_tree_meta(struct flat_tree *t, const struct flatmeta *m)
{
	switch (m->kind) {
	case FLATMETA_DIR:
		return add_dir(t, m);
	case FLATMETA_LINK:
		return add_link(t, m);
	case FLATMETA_CHAR:
	case FLATMETA_BLOCK:
		return add_device(t, m);
	case FLATMETA_MODE:
	case FLATMETA_OWNER:
		return change(t, m);
	}
	return W_EINVAL;
}

/* ---- the whole ---- */

int flat_tree_begin(struct flat_tree *t)
{
	int err;

	*t = (struct flat_tree){0};
	err = grow(t);
	if (!err)
		t->node[t->n++] = (struct flat_node){.mode = FLAT_MODE_DIR};
	return err;
}

void flat_tree_free(struct flat_tree *t)
{
	uint32_t i;

	for (i = 0; i < t->n; i++) {
		rt_free(t->node[i].name);
		rt_free(t->node[i].target);
	}
	rt_free(t->node);
	rt_free(t->bucket);
	*t = (struct flat_tree){0};
}

/* What cannot be shown is left out; without memory nothing can. */
static int files(struct flat_tree *t, const struct flatfs *fs)
{
	struct flatfs_file f;
	int err;

	flatfs_begin(&f);
	while (flatfs_next(fs, &f)) {
		err = flat_tree_file(t, &f);
		if (err == W_ENOMEM)
			return err;
		t->left_out += err != 0;
	}
	return 0;
}

static int lines(struct flat_tree *t, struct flatmeta *m, const char *text, uint64_t len, bool make)
{
	int err;

	flatmeta_begin(m, text, len);
	while (flatmeta_next(m)) {
		err = flatmeta_makes(m) == make ? flat_tree_meta(t, m) : 0;
		if (err == W_ENOMEM)
			return err;
		t->bad_lines += err != 0;
	}
	if (make)
		t->bad_lines += m->bad;
	return 0;
}

int flat_tree_fill(struct flat_tree *t, const struct flatfs *fs,
		   int (*copy)(void *self, uint64_t off, void *to, uint64_t n), void *self)
{
	struct flatfs_file f = {0};
	bool has_meta = flatfs_find(fs, FLATMETA_NAME, &f);
	uint64_t len = has_meta && f.len <= META_MOST ? f.len : 0;
	struct flatmeta *m = rt_try_alloc(sizeof(*m));
	char *text = rt_try_alloc(len + 1);
	int err = m && text ? 0 : W_ENOMEM;

	if (!err && len)
		err = copy(self, f.off, text, len);
	if (!err)
		err = lines(t, m, text, len, true);
	if (!err)
		err = files(t, fs);
	if (!err)
		err = lines(t, m, text, len, false);
	rt_free(m);
	rt_free(text);
	return err;
}
