// SPDX-License-Identifier: MIT
#include "pagecache.h"

#include "inode.h"
#include "pages.h"
#include "request.h"

#include <rt/fiber.h>

#define AHEAD_PAGES 32 /* read at once when reading goes on: 128 KiB */
#define RUN_PAGES 256  /* written at once */
#define SECOND 1000000000ull
#define AGE_NS (CONFIG_FS_WRITE_AGE * SECOND)
#define DIRTY_MOST (((uint64_t)CONFIG_FS_DIRTY_LIMIT << 20) / W_PAGE)
#define CACHE_MOST (((uint64_t)CONFIG_FS_CACHE_LIMIT << 20) / W_PAGE)

static struct list dirty_files = LIST_INIT(dirty_files);   /* struct content.dirty, oldest first */
static struct list cached_files = LIST_INIT(cached_files); /* content.cached, coldest first */
static uint64_t cached_pages, dirty_pages;
static struct ev_timer age_timer;
static bool writing; /* a fiber writes back */

static struct content *content(struct inode *i)
{
	return &i->st->content;
}

static struct inode *inode_of(struct content *c)
{
	return c->inode;
}

uint64_t pagecache_pages(void)
{
	return cached_pages;
}

static uint64_t pages_for(uint64_t bytes)
{
	return (bytes + W_PAGE - 1) / W_PAGE;
}

/* ---- room ---- */

static void warm(struct content *c)
{
	list_del(&c->cached);
	list_append(&cached_files, &c->cached);
}

/* An object of at least so many pages, mapped here. */
static int reach(struct inode *i, uint64_t npages)
{
	struct content *c = content(i);
	uint64_t len = npages * W_PAGE, cap = c->map_len ? c->map_len : W_PAGE;
	char *map;

	while (cap < len)
		cap *= 2;
	if (cap == c->map_len)
		return 0;
	if (!c->pages)
		c->pages = pages_new();
	if (!c->mem) {
		int64_t h = w_mem_create(cap, 0);

		c->mem = h > 0 ? h : 0;
	} else if (w_mem_resize(c->mem, cap) < 0) {
		return W_ENOMEM;
	}
	map = c->pages && c->mem ? rt_map(c->mem, 0, cap, W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED)
				 : NULL;
	if (!map)
		return W_ENOMEM;
	if (c->map)
		w_as_unmap(0, (uint64_t)c->map, c->map_len);
	c->map = map;
	c->map_len = cap;
	c->own = true;
	return 0;
}

/* So many pages more: others go first. */
static int make_room(uint64_t npages)
{
	struct w_sys_stat s;
	uint64_t most = CACHE_MOST;

	if (w_sys_info(W_SYS_STAT, 0, &s, sizeof(s)) >= 0 &&
	    s.pages_free < 2 * s.pages_reserve + npages + most)
		most = cached_pages + s.pages_free > 2 * s.pages_reserve
			       ? cached_pages + s.pages_free - 2 * s.pages_reserve
			       : 0;
	if (cached_pages + npages <= most)
		return 0;
	pagecache_reclaim(cached_pages + npages - most);
	return cached_pages + npages <= most + AHEAD_PAGES ? 0 : W_ENOMEM;
}

/* ---- filling ---- */

static int mark_present(struct content *c, uint64_t index, uint64_t n)
{
	uint64_t fresh = 0;
	int err = pages_set(c->pages, index, n, PAGE_PRESENT, &fresh);

	cached_pages += fresh;
	warm(c);
	return err;
}

/* One run of absent pages from first on, none behind stop. */
static int fill_run(struct inode *i, uint64_t first, uint64_t stop, uint64_t *next)
{
	struct content *c = content(i);
	uint64_t there;
	int err;

	if (stop - first > RUN_PAGES)
		stop = first + RUN_PAGES;
	there = pages_next(c->pages, first, stop, PAGE_PRESENT, true);
	*next = there < stop ? there : stop;
	err = make_room(*next - first);
	if (!err)
		err = reach(i, *next);
	if (!err)
		err = i->ops->read_pages(i, first, *next - first, c->map + first * W_PAGE);
	return err ? err : mark_present(c, first, *next - first);
}

/* Pages [index, end) are there, and where reading goes on some behind them. */
static int fill(struct inode *i, uint64_t index, uint64_t end)
{
	struct content *c = content(i);
	uint64_t want = end, last = pages_for(i->size), first = index;
	int err = 0;

	if (c->ahead == index && want < index + AHEAD_PAGES)
		want = index + AHEAD_PAGES;
	want = want < last ? want : last;
	for (;;) {
		first = pages_next(c->pages, first, end, PAGE_PRESENT, false);
		if (first >= end || err)
			return err;
		err = fill_run(i, first, want, &first);
	}
}

static bool is_present(const struct content *c, uint64_t index, uint64_t end)
{
	return c->pages && pages_next(c->pages, index, end, PAGE_PRESENT, false) >= end;
}

/* Reading [off, off + n): below the file's lock, since nobody may write what is being read in. */
static int ready(struct inode *i, uint64_t off, uint64_t n)
{
	struct content *c = content(i);
	uint64_t index = off / W_PAGE, end = pages_for(off + n);
	int err = 0;

	if (!is_present(c, index, end)) {
		fiber_lock(&i->st->lock);
		if (!c->pages)
			err = reach(i, 1);
		if (!err)
			err = fill(i, index, end);
		fiber_unlock(&i->st->lock);
	}
	c->ahead = end;
	return err == W_ENOMEM ? W_ENOMEM : err ? W_EIO : 0;
}

static int64_t reply_content(struct request *rq, struct inode *i, uint64_t off, uint64_t n)
{
	int err = n ? ready(i, off, n) : 0;

	if (err) {
		reply(rq, err);
		return err;
	}
	rq->m->nh = 0;
	return service_reply_bytes(&vfs_service, rq->m, n, n ? content(i)->map + off : NULL, n);
}

static int get(struct inode *i, uint64_t off, void *to, uint64_t n)
{
	int err = n ? ready(i, off, n) : 0;

	if (!err && n)
		memcpy(to, content(i)->map + off, n);
	return err;
}

/* ---- writing back ---- */

static void make_dirty(struct inode *i, uint64_t index, uint64_t n)
{
	struct content *c = content(i);
	uint64_t fresh = 0;

	pages_set(c->pages, index, n, PAGE_DIRTY, &fresh); /* PC1: its leaf is there already */
	dirty_pages += fresh;
	if (list_is_linked(&c->dirty))
		return;
	c->dirty_since = rt_now();
	list_append(&dirty_files, &c->dirty);
	inode_get(i);
	if (!age_timer.at)
		ev_timer_set(&age_timer, c->dirty_since + AGE_NS);
}

static bool clean(struct inode *i)
{
	struct content *c = content(i);

	if (!list_is_linked(&c->dirty) || pages_count(c->pages, PAGE_DIRTY))
		return false;
	list_del(&c->dirty);
	return true;
}

/* Whoever maps it may have written anywhere. */
static void dirty_by_mapping(struct inode *i)
{
	struct content *c = content(i);

	if (c->mapped && i->size && c->pages)
		make_dirty(i, 0, pages_for(i->size));
}

static int write_runs(struct inode *i)
{
	struct content *c = content(i);
	uint64_t first = 0, stop, end = pages_for(i->size);
	int err = 0;

	while (!err && (first = pages_next(c->pages, first, end, PAGE_DIRTY, true)) < end) {
		stop = first + RUN_PAGES < end ? first + RUN_PAGES : end;
		stop = pages_next(c->pages, first, stop, PAGE_DIRTY, false) < stop
			       ? pages_next(c->pages, first, stop, PAGE_DIRTY, false)
			       : stop;
		err = i->ops->write_pages(i, first, stop - first, c->map + first * W_PAGE);
		if (!err)
			dirty_pages -= pages_clear(c->pages, first, stop - first, PAGE_DIRTY);
		first = stop;
	}
	return err;
}

/* The caller has the lock and counts the inode. */
static int sync_locked(struct inode *i, bool *was_cleaned)
{
	int err;

	dirty_by_mapping(i);
	if (!list_is_linked(&content(i)->dirty))
		return 0;
	err = write_runs(i);
	if (err)
		content(i)->dirty_since = rt_now(); /* again later; who waits hears of it now */
	else
		*was_cleaned = clean(i);
	return err;
}

static int sync(struct inode *i)
{
	bool cleaned = false;
	int err;

	inode_get(i);
	fiber_lock(&i->st->lock);
	err = sync_locked(i, &cleaned);
	fiber_unlock(&i->st->lock);
	if (cleaned)
		inode_put(i); /* PC3 */
	inode_put(i);
	return err;
}

int pages_sync(struct super_block *sb)
{
	struct list *l, *next;
	struct inode *i;
	int err = 0, one;

	for (l = dirty_files.next; l != &dirty_files; l = next) {
		i = inode_of(list_entry(l, struct content, dirty));
		next = l->next;
		if (i->sb != sb)
			continue;
		one = sync(i);
		err = err ? err : one;
		next = one ? next : dirty_files.next; /* the list has changed meanwhile */
	}
	return err;
}

static void write_back(void *arg)
{
	struct content *c;

	(void)arg;
	while (!list_is_empty(&dirty_files)) {
		c = list_first(&dirty_files, struct content, dirty);
		if (c->dirty_since + AGE_NS > rt_now() && dirty_pages <= DIRTY_MOST / 2)
			break;
		list_del(&c->dirty); /* behind the others, should it fail */
		list_append(&dirty_files, &c->dirty);
		if (sync(inode_of(c)))
			break;
	}
	writing = false;
	if (!list_is_empty(&dirty_files))
		ev_timer_set(&age_timer, rt_now() + AGE_NS / 4);
}

static void start_writing(void)
{
	if (writing)
		return;
	writing = fiber_start(write_back, NULL) != NULL;
}

static void aged(struct ev_timer *t)
{
	(void)t;
	start_writing();
}

void pagecache_init(void)
{
	age_timer.fn = aged;
}

/* ---- writing ---- */

/* The pages at both ends that are written in part must be there whole. */
static int ready_to_write(struct inode *i, uint64_t off, uint64_t len)
{
	uint64_t index = off / W_PAGE, end = pages_for(off + len), last = pages_for(i->size);
	int err = make_room(end - index);

	if (!err)
		err = reach(i, end);
	if (!err && off % W_PAGE && index < last)
		err = fill(i, index, index + 1);
	if (!err && (off + len) % W_PAGE && off + len < i->size)
		err = fill(i, end - 1, end);
	if (!err && i->ops->reserve)
		err = i->ops->reserve(i, off, len);
	return err == W_ENOMEM ? W_ENOSPC : err;
}

static void written(struct inode *i, uint64_t off, uint64_t len)
{
	struct content *c = content(i);

	mark_present(c, off / W_PAGE, pages_for(off + len) - off / W_PAGE);
	if (off + len > i->size) {
		i->size = off + len;
		content_sized(i);
	}
	make_dirty(i, off / W_PAGE, pages_for(off + len) - off / W_PAGE);
	if (dirty_pages > DIRTY_MOST)
		start_writing();
}

/* What lies between the end of the file and off reads zero, also what is left in its page. */
static void clear_gap(struct inode *i, uint64_t off)
{
	struct content *c = content(i);
	uint64_t end = pages_for(i->size) * W_PAGE;

	if (off <= i->size || !(i->size % W_PAGE) ||
	    !pages_has(c->pages, i->size / W_PAGE, PAGE_PRESENT))
		return;
	memset(c->map + i->size, 0, (off < end ? off : end) - i->size);
}

static int prepare(struct inode *i, uint64_t off, uint64_t len)
{
	uint64_t most = i->sb->max_file_size;
	int err;

	if (most && off + len > most)
		return W_EFBIG;
	err = ready_to_write(i, off, len);
	if (!err) /* so that nothing can fail when the bytes are there */
		err = pages_reserve(content(i)->pages, off / W_PAGE,
				    pages_for(off + len) - off / W_PAGE);
	if (!err)
		clear_gap(i, off);
	return err;
}

static int write(struct request *rq, struct inode *i, uint64_t off, uint64_t len)
{
	int64_t err = len ? prepare(i, off, len) : 0;

	if (err || !len)
		return err;
	if (w_msg_copy(vfs_service.port, rq->m->txn, 0, content(i)->map + off, len, 0) < 0)
		return W_EFAULT;
	written(i, off, len);
	return 0;
}

static int put(struct inode *i, uint64_t off, const void *from, uint64_t n)
{
	int err = n ? prepare(i, off, n) : 0;

	if (err || !n)
		return err;
	memcpy(content(i)->map + off, from, n);
	written(i, off, n);
	return 0;
}

/* ---- size ---- */

static void cut(struct inode *i, uint64_t size)
{
	struct content *c = content(i);
	uint64_t keep = pages_for(size);

	dirty_pages -= pages_clear(c->pages, keep, ~0ull - keep, PAGE_DIRTY);
	cached_pages -= pages_clear(c->pages, keep, ~0ull - keep, PAGE_PRESENT);
	if (c->mem && keep * W_PAGE < c->map_len) {
		w_mem_resize(c->mem, keep * W_PAGE);
		w_mem_resize(c->mem, c->map_len);
	}
	if (size % W_PAGE && pages_has(c->pages, size / W_PAGE, PAGE_PRESENT))
		memset(c->map + size, 0, keep * W_PAGE - size);
}

static int resize(struct inode *i, uint64_t size)
{
	struct attr a = {.size = size};
	uint64_t most = i->sb->max_file_size;
	int err;

	if (size == i->size)
		return 0;
	if (most && size > most)
		return W_EFBIG;
	if (size > i->size && i->st->content.pages)
		clear_gap(i, size);
	err = inode_setattr(i, ATTR_SIZE, &a);
	if (err)
		return err;
	if (i->st->content.pages)
		cut(i, size);
	content_sized(i);
	return 0;
}

/* ---- memory ---- */

static int memory(struct inode *i, w_handle_t *mem)
{
	struct content *c = content(i);
	uint64_t end = pages_for(i->size);
	int err;

	fiber_lock(&i->st->lock);
	err = reach(i, end ? end : 1);
	if (!err)
		err = fill(i, 0, end);
	fiber_unlock(&i->st->lock);
	*mem = c->mem;
	return err;
}

static void forget(struct content *c)
{
	if (c->lent)
		w_mem_content(c->mem, W_MEM_GONE);
	if (c->map)
		w_as_unmap(0, (uint64_t)c->map, c->map_len);
	if (c->mem)
		w_handle_close(c->mem);
	cached_pages -= pages_count(c->pages, PAGE_PRESENT);
	dirty_pages -= pages_count(c->pages, PAGE_DIRTY);
	pages_free(c->pages);
	list_del(&c->cached);
	c->pages = NULL;
	c->map = NULL;
	c->map_len = c->mem = 0;
	c->lent = c->own = false;
}

static void drop(struct inode *i)
{
	forget(content(i));
}

/* Nobody but us has the object, or maps it. */
static bool is_ours_alone(const struct content *c)
{
	struct w_obj_info info;

	return !w_obj_info(c->mem, &info) && info.handles == 1 && info.mapped <= 1;
}

static bool still_mapped(struct content *c)
{
	if (c->mapped && !list_is_linked(&c->dirty) && is_ours_alone(c))
		c->mapped = false; /* whoever mapped it has gone, and was written back */
	return c->mapped;
}

/* Of the last page only the part that was there has been read: the rest now, too. */
static int read_tail(struct inode *i, uint64_t old)
{
	struct content *c = content(i);
	uint64_t index = old / W_PAGE, from = old % W_PAGE;
	char *page;
	int err;

	if (!from || !pages_has(c->pages, index, PAGE_PRESENT))
		return 0;
	page = rt_try_alloc(W_PAGE);
	err = page ? i->ops->read_pages(i, index, 1, page) : W_ENOMEM;
	if (!err)
		memcpy(c->map + old, page + from, W_PAGE - from);
	rt_free(page);
	return err;
}

static int grow_locked(struct inode *i, uint64_t size)
{
	struct content *c = content(i);
	int err = !c->pages ? 0 : still_mapped(c) ? W_EBUSY : read_tail(i, i->size);

	if (err)
		return err;
	if (c->lent) { /* it has not all of the new size */
		w_mem_content(c->mem, W_MEM_GONE);
		c->lent = false;
	}
	i->size = size;
	return 0;
}

static void shrink_locked(struct inode *i, uint64_t size)
{
	i->size = size;
	if (content(i)->pages)
		cut(i, size);
	content_sized(i);
}

int inode_resized(struct inode *i, uint64_t size)
{
	int err = 0;

	if (!content_of(i))
		return W_ENOMEM;
	fiber_lock(&i->st->lock);
	if (size > i->size)
		err = grow_locked(i, size);
	else if (size < i->size)
		shrink_locked(i, size);
	fiber_unlock(&i->st->lock);
	return err;
}

uint64_t pagecache_reclaim(uint64_t want)
{
	struct list *l, *next;
	struct content *c;
	uint64_t before = cached_pages;

	for (l = cached_files.next; l != &cached_files && before - cached_pages < want; l = next) {
		next = l->next;
		c = list_entry(l, struct content, cached);
		if (still_mapped(c) || list_is_linked(&c->dirty) || inode_of(c)->st->lock.held)
			continue;
		if (c->lent) {
			w_mem_content(c->mem, W_MEM_GONE); /* readers ask anew */
			c->lent = false;
		}
		if (is_ours_alone(c))
			forget(c);
	}
	return before - cached_pages;
}

void pagecache_forsake(struct inode *i)
{
	struct content *c = content(i);

	dirty_pages -= pages_clear(c->pages, 0, ~0ull, PAGE_DIRTY);
	list_del(&c->dirty);
}

void pagecache_forget(struct super_block *sb)
{
	struct list *l, *tmp;
	struct inode *i;

	list_for_each_safe (l, tmp, &dirty_files) {
		i = inode_of(list_entry(l, struct content, dirty));
		if (i->sb != sb)
			continue;
		pagecache_forsake(i);
		inode_put(i);
	}
}

struct inode *pagecache_by_koid(uint64_t mem)
{
	struct w_obj_info info;
	struct content *c;
	struct list *l;

	list_for_each (l, &cached_files) {
		c = list_entry(l, struct content, cached);
		if (c->mapped && !w_obj_info(c->mem, &info) && info.koid == mem)
			return inode_get(inode_of(c));
	}
	return NULL;
}

static int64_t seek(struct inode *i, uint64_t off, bool data)
{
	int err;

	if (!i->ops->seek)
		return data ? off : i->size;
	err = sync(i); /* what is dirty has its place only then */
	return err ? err : i->ops->seek(i, off, data);
}

const struct content_ops pagecache_ops = {.reply = reply_content,
					  .write = write,
					  .resize = resize,
					  .memory = memory,
					  .get = get,
					  .put = put,
					  .seek = seek,
					  .sync = sync,
					  .drop = drop};
