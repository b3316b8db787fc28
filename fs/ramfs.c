// SPDX-License-Identifier: MIT
#include "cred.h"
#include "lease.h"
#include "mqueue.h"
#include "watch.h"

#define LINKS_MAX 40
#define NAME_MAX_BYTES 255

struct node *ramfs_root;
w_handle_t ramfs_archive;
static uint64_t next_ino = 2;
static uint64_t used_bytes; /* of own memory objects */

static bool strlcat_at(char *to, const char *from, size_t size)
{
	size_t len = strlen(to);

	return len + strlcpy(to + len, from, size - len) < size;
}

static uint32_t hash_of(const char *s, size_t n)
{
	uint32_t h = 2166136261u;

	while (n--)
		h = (h ^ (uint8_t)*s++) * 16777619u;
	return h;
}

static struct node *node_new(const char *name, uint32_t mode)
{
	const struct proc_cred *me = cred_me();
	struct node *n = rt_try_alloc(sizeof(*n));

	if (!n)
		return NULL;
	n->name = rt_try_alloc(strlen(name) + 1);
	if (!n->name) {
		rt_free(n);
		return NULL;
	}
	memcpy(n->name, name, strlen(name) + 1);
	n->hash = hash_of(name, strlen(name));
	list_init(&n->children);
	list_init(&n->sibling);
	list_init(&n->named);
	list_init(&n->watches);
	list_init(&n->parkings);
	n->mode = mode;
	n->nlink = 1;
	n->ino = next_ino++;
	n->atime = n->mtime = n->ctime = rt_wall();
	if (me) {
		n->uid = me->uid;
		n->gid = me->gid;
	}
	return n;
}

uint64_t ramfs_used(void)
{
	return used_bytes;
}

struct node *ramfs_data(struct node *n)
{
	return n->hard ? n->hard : n;
}

static bool is_dir(const struct node *n)
{
	return (n->mode & FS_S_IFMT) == FS_S_IFDIR;
}

static bool is_link(const struct node *n)
{
	return (n->mode & FS_S_IFMT) == FS_S_IFLNK;
}

/* ---- the names of all directories: one hash table, so that none is searched ---- */

static struct list *buckets;
static uint32_t nbuckets, nnames; /* nbuckets: a power of 2 */

static struct list *bucket(const struct node *dir, uint32_t hash)
{
	return &buckets[(hash ^ (uint32_t)dir->ino * 0x9e3779b1u) & (nbuckets - 1)];
}

/* false: there is no room for a larger table. */
static bool names_grow(uint32_t want)
{
	struct list *old = buckets, *to = rt_try_alloc(want * sizeof(*to));
	uint32_t i, nold = nbuckets;
	struct node *n;

	if (!to)
		return false;
	buckets = to;
	nbuckets = want;
	for (i = 0; i < want; i++)
		list_init(&to[i]);
	for (i = 0; i < nold; i++)
		while (!list_is_empty(&old[i])) {
			n = list_first(&old[i], struct node, named);
			list_del(&n->named);
			list_append(bucket(n->parent, n->hash), &n->named);
		}
	rt_free(old);
	return true;
}

void ramfs_init(void)
{
	ramfs_root = node_new("", FS_S_IFDIR | 0755);
	if (!ramfs_root || !names_grow(256))
		rt_die("fs: out of memory");
}

static void name_add(struct node *n)
{
	if (++nnames > nbuckets)
		names_grow(nbuckets * 2); /* else the chains get longer */
	list_push(bucket(n->parent, n->hash), &n->named);
}

static struct node *child(struct node *dir, const char *name, size_t len)
{
	uint32_t h = hash_of(name, len);
	struct list *l, *in = bucket(dir, h);
	struct node *n;

	list_for_each (l, in) {
		n = list_entry(l, struct node, named);
		if (n->hash == h && n->parent == dir && !memcmp(n->name, name, len) &&
		    !n->name[len])
			return n;
	}
	return NULL;
}

struct node *ramfs_child(struct node *dir, const char *name)
{
	return child(dir, name, strlen(name));
}

/* ---- walking ---- */

char ramfs_elsewhere[RAMFS_PATH];

bool ramfs_path(const struct node *n, char *out, size_t size)
{
	size_t at = size - 1, len;

	out[at] = 0;
	for (; n->parent; n = n->parent) {
		len = strlen(n->name);
		if (len + 1 > at)
			return false;
		at -= len;
		memcpy(out + at, n->name, len);
		out[--at] = '/';
	}
	if (n != ramfs_root)
		return false;
	if (!out[at])
		out[--at] = '/';
	memmove(out, out + at, size - at);
	return true;
}

/* The walk has come to a mount point with rest to go. */
static int leave(const struct node *mount, const char *rest)
{
	if (!ramfs_path(mount, ramfs_elsewhere, sizeof(ramfs_elsewhere)))
		return W_ENAMETOOLONG;
	if (*rest)
		strlcat_at(ramfs_elsewhere, "/", sizeof(ramfs_elsewhere));
	return strlcat_at(ramfs_elsewhere, rest, sizeof(ramfs_elsewhere)) ? W_EXDEV
									  : W_ENAMETOOLONG;
}

struct walk {
	struct node *at;
	bool nofollow;
	char *last; /* != NULL: stop before the final component */
	int links;
};

static int walk_path(struct walk *w, const char *p, bool inner);

static int follow(struct walk *w, struct node *link)
{
	if (++w->links > LINKS_MAX)
		return W_ELOOP;
	if (link->target[0] == '/')
		w->at = ramfs_root;
	else
		w->at = link->parent;
	return walk_path(w, link->target, true);
}

static int step(struct walk *w, const char *name, size_t len, bool final)
{
	struct node *n;

	if (!is_dir(w->at))
		return W_ENOTDIR;
	lease_visit(w->at);
	if (!cred_may(w->at, MAY_X))
		return W_EACCES;
	if (len > NAME_MAX_BYTES)
		return W_ENAMETOOLONG;
	if (len == 1 && name[0] == '.')
		return 0;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		if (w->at->parent)
			w->at = w->at->parent;
		return 0;
	}
	n = child(w->at, name, len);
	if (!n)
		return W_ENOENT;
	if (is_link(n) && !(final && w->nofollow))
		return follow(w, n);
	w->at = n;
	return 0;
}

static bool is_dots(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

/* The walk ends before its last component, name[0..len). */
static int stop_before(struct walk *w, const char *name, size_t len)
{
	if (len > NAME_MAX_BYTES)
		return W_ENAMETOOLONG;
	memcpy(w->last, name, len);
	w->last[len] = 0;
	if (!is_dir(w->at))
		return W_ENOTDIR;
	return cred_may(w->at, MAY_X) ? 0 : W_EACCES;
}

static int walk_path(struct walk *w, const char *p, bool inner)
{
	const char *end, *next;
	bool final, slash;
	int err;

	for (;; p = next) {
		while (*p == '/')
			p++;
		if (w->at->mount)
			return leave(w->at, p);
		if (!*p)
			return 0;
		for (end = p; *end && *end != '/'; end++)
			;
		for (next = end; *next == '/'; next++)
			;
		final = !*next;
		slash = next != end;
		if (final && w->last && !inner && !is_dots(p, end - p))
			return stop_before(w, p, end - p);
		err = step(w, p, end - p, final && !slash && !inner);
		if (err == W_EXDEV && *next) /* inside a link: what follows it comes after */
			return strlcat_at(ramfs_elsewhere, "/", RAMFS_PATH) &&
					       strlcat_at(ramfs_elsewhere, next, RAMFS_PATH)
				       ? W_EXDEV
				       : W_ENAMETOOLONG;
		if (err)
			return err;
		if (slash && final && !is_dir(w->at))
			return W_ENOTDIR;
	}
}

int ramfs_walk(struct node *from, const char *path, bool nofollow, struct node **out, char *last)
{
	struct walk w = {
		.at = *path == '/' ? ramfs_root : from, .nofollow = nofollow, .last = last};
	int err;

	if (last)
		*last = 0;
	lease_begin();
	err = walk_path(&w, path, false);
	if (err)
		return err;
	*out = w.at;
	lease_visit(w.at);
	if (w.at->hard)
		lease_visit(w.at->hard);
	return 0;
}

/* ---- names ---- */

static void attach(struct node *n, struct node *dir)
{
	static uint64_t last_seat;

	n->parent = dir;
	n->seat = ++last_seat;
	list_append(&dir->children, &n->sibling);
	name_add(n);
	dir->mtime = dir->ctime = rt_wall();
	if (is_dir(n))
		dir->nlink++;
	lease_changed(dir);
}

static void detach(struct node *n)
{
	if (is_dir(n))
		n->parent->nlink--;
	n->parent->mtime = n->parent->ctime = rt_wall();
	lease_changed(n->parent);
	lease_changed(n); /* an open file's name */
	list_del(&n->sibling);
	list_del(&n->named);
	nnames--;
	n->parent = NULL;
}

static int name_check(struct node *dir, const char *name)
{
	size_t len = strlen(name);

	if (!len || !strcmp(name, ".") || !strcmp(name, ".."))
		return W_EEXIST;
	if (len > NAME_MAX_BYTES)
		return W_ENAMETOOLONG;
	if (!is_dir(dir))
		return W_ENOTDIR;
	if (!dir->parent && dir != ramfs_root)
		return W_ENOENT; /* the directory was removed */
	return ramfs_child(dir, name) ? W_EEXIST : 0;
}

int ramfs_create(struct node *dir, const char *name, uint32_t mode, struct node **out)
{
	int err = name_check(dir, name);
	struct node *n;

	if (!err && !cred_may(dir, MAY_W | MAY_X))
		err = W_EACCES;
	if (err)
		return err;
	n = node_new(name, mode);
	if (!n)
		return W_ENOSPC;
	if (is_dir(n))
		n->nlink = 2;
	if (dir->mode & 02000) { /* set-group-id: what is made belongs to its group */
		n->gid = dir->gid;
		n->mode |= is_dir(n) ? 02000 : 0;
	}
	attach(n, dir);
	watch_entry(dir, n->name, is_dir(n), IN_CREATE, 0);
	*out = n;
	return 0;
}

int ramfs_link(struct node *target, struct node *dir, const char *name)
{
	struct node *n;
	int err;

	target = ramfs_data(target);
	if (is_dir(target))
		return W_EPERM;
	err = ramfs_create(dir, name, target->mode, &n);
	if (err)
		return err;
	n->hard = target;
	target->nlink++;
	lease_changed(target);
	target->opens++; /* the data outlives its first name */
	return 0;
}

static void data_drop(struct node *n)
{
	if (n->mem_lent)
		w_mem_content(n->mem, W_MEM_GONE);
	n->mem_lent = false;
	if (n->map)
		w_as_unmap(0, (uint64_t)n->map, n->map_len);
	if (n->mem)
		w_handle_close(n->mem);
	if (n->mem_own)
		used_bytes -= n->map_len;
	n->map = NULL;
	n->mem = 0;
	n->mem_own = false;
	n->map_len = 0;
	n->ro = NULL;
}

static void node_free(struct node *n)
{
	watch_node_gone(n);
	data_drop(n);
	if (n->leads)
		w_handle_close(n->leads);
	if (n->mq)
		mqueue_free(n->mq);
	rt_free(n->name);
	rt_free(n->target);
	rt_free(n);
}

void ramfs_put(struct node *n)
{
	if (--n->opens || n->parent || n == ramfs_root)
		return;
	node_free(n);
}

int ramfs_unlink(struct node *n, bool rmdir)
{
	struct node *data = ramfs_data(n), *dir;

	if (n == ramfs_root)
		return W_EBUSY;
	if (rmdir && !is_dir(n))
		return W_ENOTDIR;
	if (!rmdir && is_dir(n))
		return W_EISDIR;
	if (rmdir && !list_is_empty(&n->children))
		return W_ENOTEMPTY;
	if (!cred_may_remove(n->parent, n))
		return cred_may(n->parent, MAY_W | MAY_X) ? W_EPERM : W_EACCES;
	dir = n->parent;
	detach(n);
	data->nlink -= is_dir(n) ? 2 : 1;
	data->ctime = rt_wall();
	lease_changed(data);
	if (!data->nlink)
		lease_revoke(data);
	if (!is_dir(n))
		watch_self(data, IN_ATTRIB); /* the number of names */
	if (!data->nlink && !data->opens)
		watch_node_gone(data);
	watch_entry(dir, n->name, is_dir(n), IN_DELETE, 0);
	if (n->hard) {
		node_free(n);
		ramfs_put(data);
	} else if (!n->opens) {
		node_free(n);
	}
	return 0;
}

static bool is_below(const struct node *n, const struct node *dir)
{
	for (; n; n = n->parent)
		if (n == dir)
			return true;
	return false;
}

int ramfs_rename(struct node *n, struct node *dir, const char *name, bool noreplace)
{
	struct node *old = ramfs_child(dir, name);
	static uint32_t cookie;
	char *copy;
	int err;

	if (n == ramfs_root || !*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return W_EBUSY;
	if (is_dir(n) && is_below(dir, n))
		return W_EINVAL;
	if (old == n || (old && ramfs_data(old) == ramfs_data(n)))
		return noreplace ? W_EEXIST : 0;
	if (old && noreplace)
		return W_EEXIST;
	if (old && is_dir(n) && !is_dir(old))
		return W_ENOTDIR;
	if (!cred_may_remove(n->parent, n) || !cred_may(dir, MAY_W | MAY_X))
		return cred_may(n->parent, MAY_W | MAY_X) && cred_may(dir, MAY_W | MAY_X)
			       ? W_EPERM
			       : W_EACCES;
	copy = rt_try_alloc(strlen(name) + 1);
	if (!copy)
		return W_ENOSPC;
	if (old) {
		err = ramfs_unlink(old, is_dir(n));
		if (err) {
			rt_free(copy);
			return err;
		}
	}
	memcpy(copy, name, strlen(name) + 1);
	watch_entry(n->parent, n->name, is_dir(n), IN_MOVED_FROM, ++cookie);
	detach(n);
	rt_free(n->name);
	n->name = copy;
	n->hash = hash_of(copy, strlen(copy));
	attach(n, dir);
	watch_entry(dir, copy, is_dir(n), IN_MOVED_TO, cookie);
	watch_self(ramfs_data(n), IN_MOVE_SELF);
	n->ctime = rt_wall();
	lease_changed(ramfs_data(n));
	return 0;
}

/* Reading changes the time of access once a day at the most (relatime, mount(8)). */
void ramfs_accessed(struct node *n)
{
	const uint64_t day = 86400ull * 1000000000;
	uint64_t now = rt_wall();

	if (n->atime > n->mtime && n->atime > n->ctime && now - n->atime < day)
		return;
	n->atime = now;
	lease_changed(n);
}

/* ---- bytes ---- */

const char *ramfs_bytes(struct node *n)
{
	return n->mem_own ? n->map : n->ro;
}

/* Is there memory for so many bytes more?  Programs cannot have what is reserved for the
 * servers, files as much again: so somebody can still start rm. */
static bool has_room(uint64_t bytes)
{
	struct w_sys_stat s;

	return bytes <= ((uint64_t)CONFIG_FS_MEM_LIMIT << 20) - used_bytes &&
	       w_sys_info(W_SYS_STAT, 0, &s, sizeof(s)) >= 0 &&
	       s.pages_free >= 2 * s.pages_reserve + bytes / W_PAGE;
}

/* Give the file a memory object of at least len bytes, with what it holds. */
static int own(struct node *n, uint64_t len)
{
	uint64_t cap = n->mem_own ? n->map_len : W_PAGE;
	const char *old = ramfs_bytes(n);
	int64_t mem;
	char *map;

	while (cap < len)
		cap *= 2;
	if (n->mem_own && cap == n->map_len)
		return 0;
	if (!has_room(cap - (n->mem_own ? n->map_len : 0)))
		return W_ENOSPC;
	if (n->mem_own) { /* grow in place: mappings of the object stay valid */
		if (w_mem_resize(n->mem, cap) < 0)
			return W_ENOSPC;
		map = rt_map(n->mem, 0, cap, W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED);
		if (!map)
			return W_ENOSPC;
		w_as_unmap(0, (uint64_t)n->map, n->map_len);
		used_bytes += cap - n->map_len;
		n->map = map;
		n->map_len = cap;
		return 0;
	}
	mem = w_mem_create(cap, 0);
	if (mem < 0)
		return W_ENOSPC;
	map = rt_map(mem, 0, cap, W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED);
	/* by a call, not by touching it: without memory that is an error, not our end */
	if (!map || (old && w_mem_rw(mem, 0, (void *)old, n->size, 1) < 0)) {
		if (map)
			w_as_unmap(0, (uint64_t)map, cap);
		w_handle_close(mem);
		return W_ENOSPC;
	}
	data_drop(n);
	n->mem = mem;
	n->mem_own = true;
	n->map = map;
	n->map_len = cap;
	used_bytes += cap;
	return 0;
}

int ramfs_resize(struct node *n, uint64_t size)
{
	int err;

	if (size == n->size)
		return 0;
	err = size || n->mem_own ? own(n, size) : 0;
	if (err)
		return err;
	if (!size && !n->mem_own)
		data_drop(n);
	if (size < n->size && n->mem_own) { /* what is cut off reads zero if it grows back */
		uint64_t keep = (size + W_PAGE - 1) & ~(W_PAGE - 1);

		memset(n->map + size, 0,
		       keep - size < n->size - size ? keep - size : n->size - size);
		if (keep < n->map_len) {
			w_mem_resize(n->mem, keep);
			w_mem_resize(n->mem, n->map_len);
		}
	}
	n->size = size;
	ramfs_sized(n);
	n->mtime = n->ctime = rt_wall();
	lease_changed(n);
	return 0;
}

char *ramfs_writable(struct node *n, uint64_t off, uint64_t len, int *err)
{
	if (off + len < off || off + len > (uint64_t)CONFIG_FS_MEM_LIMIT << 20) {
		*err = off + len < off ? W_EFBIG : W_ENOSPC;
		return NULL;
	}
	*err = own(n, off + len > n->size ? off + len : n->size);
	return *err ? NULL : n->map + off;
}

int ramfs_memory(struct node *n, w_handle_t *mem)
{
	int64_t h;
	int err;

	if (!n->mem && n->ro && n->ro_off % W_PAGE == 0) {
		h = w_mem_slice(ramfs_archive, n->ro_off, (n->size + W_PAGE - 1) & ~(W_PAGE - 1));
		if (h < 0)
			return h;
		n->mem = h;
	}
	if (!n->mem) {
		err = own(n, n->size ? n->size : 1);
		if (err)
			return err;
	}
	*mem = n->mem;
	return 0;
}

int ramfs_content(struct node *n, w_handle_t *mem)
{
	int err = ramfs_memory(n, mem);

	if (!err)
		n->mem_lent = true;
	ramfs_sized(n);
	return err;
}

void ramfs_sized(struct node *n)
{
	if (n->mem_lent)
		w_mem_content(n->mem, n->size);
}
