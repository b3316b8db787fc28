// SPDX-License-Identifier: MIT
#include "dentry.h"

#include "inode.h"

#define IDLE_MOST 8192

static struct list *buckets;
static uint32_t nbuckets, nnames; /* nbuckets: a power of 2 */
static uint64_t last_seat;
static struct list idle = LIST_INIT(idle); /* without a user, the longest ago first */
static uint32_t nidle;

/* Eight bytes at a time: a name is hashed several times in its life. */
static uint32_t hash_of(const struct name *name)
{
	const char *p = name->bytes;
	uint64_t h = name->len, word;
	uint32_t n;

	for (n = name->len; n >= 8; n -= 8, p += 8) {
		memcpy(&word, p, 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	for (word = 0; n; n--)
		word = word << 8 | (uint8_t)p[n - 1];
	h = (h ^ word) * 0x9e3779b97f4a7c15ull;
	return h >> 32;
}

static struct list *bucket(const struct dentry *dir, uint32_t hash)
{
	return &buckets[(hash ^ (uint32_t)((uint64_t)dir >> 4) * 0x9e3779b1u) & (nbuckets - 1)];
}

/* false: there is no room for a larger table. */
static bool table_grow(uint32_t want)
{
	struct list *old = buckets, *to = rt_try_alloc(want * sizeof(*to));
	uint32_t i, nold = nbuckets;
	struct dentry *d;

	if (!to)
		return false;
	buckets = to;
	nbuckets = want;
	for (i = 0; i < want; i++)
		list_init(&to[i]);
	for (i = 0; i < nold; i++)
		while (!list_is_empty(&old[i])) {
			d = list_first(&old[i], struct dentry, hashed);
			list_del(&d->hashed);
			list_append(bucket(d->parent, d->hash), &d->hashed);
		}
	rt_free(old);
	return true;
}

void dentry_init(void)
{
	if (!table_grow(256))
		rt_die("fs: out of memory");
}

/* ---- making and ending ---- */

/* Where a name of this length goes; NULL: no memory. */
static char *name_room(struct dentry *d, uint32_t len)
{
	return len < DENTRY_SHORT ? d->name_space : rt_try_alloc(len + 1);
}

static void name_put(struct dentry *d, char *room, const struct name *name)
{
	if (d->name != d->name_space)
		rt_free(d->name);
	memcpy(room, name->bytes, name->len);
	room[name->len] = 0;
	d->name = room;
	d->name_len = name->len;
	d->hash = hash_of(name);
}

static struct dentry *dentry_new(struct super_block *sb, const struct name *name)
{
	struct dentry *d = rt_try_alloc(sizeof(*d));
	char *room = d ? name_room(d, name->len) : NULL;

	if (!room) {
		rt_free(d);
		return NULL;
	}
	name_put(d, room, name);
	d->sb = sb;
	d->refs = 1;
	list_init(&d->children);
	list_init(&d->seat.link);
	list_init(&d->hashed);
	list_init(&d->idle);
	return d;
}

static void attach(struct dentry *d, struct dentry *dir)
{
	d->parent = dentry_get(dir);
	d->seat.no = ++last_seat;
	list_append(&dir->children, &d->seat.link);
	if (++nnames > nbuckets)
		table_grow(nbuckets * 2); /* else the chains get longer */
	list_push(bucket(dir, d->hash), &d->hashed);
}

/* D2's reference of the parent is the caller's. */
static struct dentry *detach(struct dentry *d)
{
	struct dentry *dir = d->parent;

	list_del(&d->seat.link);
	list_del(&d->hashed);
	nnames--;
	d->parent = NULL;
	return dir;
}

static void idle_del(struct dentry *d)
{
	if (!list_is_linked(&d->idle))
		return;
	list_del(&d->idle);
	nidle--;
}

static void dentry_free(struct dentry *d)
{
	idle_del(d);
	if (d->inode)
		inode_put(d->inode);
	if (d->name != d->name_space)
		rt_free(d->name);
	rt_free(d->spare);
	rt_free(d);
}

static void idle_add(struct dentry *d)
{
	list_append(&idle, &d->idle);
	if (++nidle > IDLE_MOST)
		dentry_shrink(IDLE_MOST / 8);
}

void dentry_put(struct dentry *d)
{
	if (--d->refs)
		return;
	if (!d->parent)
		dentry_free(d);
	else if (!is_memory(d->sb))
		idle_add(d);
}

struct dentry *dentry_root(struct super_block *sb)
{
	struct dentry *d = dentry_new(sb, &(struct name){"", 0});

	if (d)
		d->inode = inode_get(sb->root);
	return d;
}

/* ---- finding ---- */

struct dentry *dentry_known(struct dentry *dir, const struct name *name)
{
	uint32_t h = hash_of(name);
	struct list *l, *in = bucket(dir, h);
	struct dentry *d;

	list_for_each (l, in) {
		d = list_entry(l, struct dentry, hashed);
		if (d->hash != h || d->parent != dir || d->name_len != name->len ||
		    memcmp(d->name, name->bytes, name->len))
			continue;
		if (!d->refs++)
			idle_del(d);
		return d;
	}
	return NULL;
}

struct dentry *dentry_add(struct dentry *dir, const struct name *name, struct inode *inode)
{
	struct dentry *d = dentry_new(dir->sb, name);

	if (!d)
		return NULL;
	if (inode)
		d->inode = inode_get(inode);
	attach(d, dir);
	return d;
}

struct dentry *dentry_ask(struct dentry *dir, const struct name *name, int *err)
{
	struct dentry *d = dentry_known(dir, name);
	struct inode *inode = NULL;

	*err = d || !is_memory(dir->sb) ? 0 : W_ENOENT;
	if (d || *err)
		return d;
	*err = dir->inode->ops->lookup(dir->inode, name, &inode);
	if (*err && *err != W_ENOENT)
		return NULL;
	d = dentry_add(dir, name, inode);
	*err = d ? 0 : W_ENOMEM;
	if (inode)
		inode_put(inode);
	return d;
}

struct dentry *dentry_lookup(struct dentry *dir, const struct name *name, int *err)
{
	struct dentry *d = dentry_known(dir, name);
	struct inode_state *st;

	*err = 0;
	if (d)
		return d;
	if (is_memory(dir->sb)) {
		*err = W_ENOENT;
		return NULL;
	}
	st = inode_state(dir->inode);
	if (!st) {
		*err = W_ENOMEM;
		return NULL;
	}
	fiber_lock(&st->lock);
	d = dentry_ask(dir, name, err);
	fiber_unlock(&st->lock);
	return d;
}

/* ---- changing ---- */

void dentry_instantiate(struct dentry *d, struct inode *inode)
{
	d->inode = inode_get(inode);
	d->seat.no = ++last_seat; /* it has come just now */
	list_del(&d->seat.link);
	list_append(&d->parent->children, &d->seat.link);
}

void dentry_unlinked(struct dentry *d)
{
	struct dentry *dir = detach(d);

	dentry_put(dir);
	if (!d->refs)
		dentry_free(d);
}

int dentry_move_room(struct dentry *d, const struct name *name)
{
	if (name->len >= DENTRY_SHORT && !d->spare)
		d->spare = rt_try_alloc(256);
	return name->len >= DENTRY_SHORT && !d->spare ? W_ENOMEM : 0;
}

void dentry_move(struct dentry *d, struct dentry *dir, const struct name *name)
{
	struct dentry *old = dentry_known(dir, name), *from;
	char *room = name->len < DENTRY_SHORT ? d->name_space : d->spare;

	if (old) {
		dentry_unlinked(old);
		dentry_put(old);
	}
	from = detach(d);
	name_put(d, room, name);
	if (room == d->spare)
		d->spare = NULL;
	attach(d, dir);
	dentry_put(from);
}

/* The names change places: long ones are pointers, short ones lie in the dentry. */
static void swap_names(struct dentry *a, struct dentry *b)
{
	bool long_a = a->name != a->name_space, long_b = b->name != b->name_space;
	char space[DENTRY_SHORT], *name = a->name;
	uint32_t len = a->name_len, hash = a->hash;

	memcpy(space, a->name_space, sizeof(space));
	memcpy(a->name_space, b->name_space, sizeof(space));
	memcpy(b->name_space, space, sizeof(space));
	a->name = long_b ? b->name : a->name_space;
	b->name = long_a ? name : b->name_space;
	a->name_len = b->name_len;
	a->hash = b->hash;
	b->name_len = len;
	b->hash = hash;
}

void dentry_swap(struct dentry *a, struct dentry *b)
{
	struct dentry *of_a = detach(a), *of_b = detach(b);

	swap_names(a, b);
	attach(a, of_b);
	attach(b, of_a);
	dentry_put(of_a);
	dentry_put(of_b);
}

/* ---- forgetting ---- */

uint32_t dentry_shrink(uint32_t n)
{
	struct dentry *d, *dir;
	uint32_t done = 0;

	while (done < n && !list_is_empty(&idle)) {
		d = list_first(&idle, struct dentry, idle);
		idle_del(d);
		dir = detach(d);
		dentry_free(d);
		dentry_put(dir);
		done++;
	}
	return done;
}

/* Nobody uses any of it: leaf by leaf. */
void dentry_free_tree(struct dentry *root)
{
	struct dentry *d = root, *dir;

	for (;;) {
		while (!list_is_empty(&d->children)) /* no listing goes on: they are all names */
			d = list_first(&d->children, struct dentry, seat.link);
		if (d == root)
			break;
		dir = detach(d);
		dentry_free(d);
		dir->refs--;
		d = dir;
	}
	dentry_put(root);
}

bool dentry_below(const struct dentry *d, const struct dentry *dir)
{
	for (; d; d = d->parent)
		if (d == dir)
			return true;
	return false;
}

bool dentry_has_children(const struct dentry *d)
{
	const struct list *l;

	list_for_each (l, &d->children)
		if (list_entry(l, struct seat, link)->no)
			return true;
	return false;
}
