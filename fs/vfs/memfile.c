// SPDX-License-Identifier: MIT
/*
 * Files in memory: the memory object is the file.  A page takes room when it is first
 * written; holes read zero.  What programs have mapped shared they touch without asking us,
 * so from then on the kernel alone knows which pages there are, and all count as there.
 */
#include "inode.h"
#include "pages.h"
#include "request.h"

#include <rt/ev.h>

#define FILE_MOST (256ull << 30) /* a memory object's bound (kernel/obj/memory.c) */

static uint64_t used_pages;
static const char zeros[W_PAGE];

void memory_statfs(struct fs_statfs *out)
{
	out->blocks = ((uint64_t)CONFIG_FS_MEM_LIMIT << 20) / W_PAGE;
	out->free = out->blocks - used_pages;
}

static const char *bytes_of(const struct content *c)
{
	return c->own ? c->map : c->borrowed;
}

static void drop(struct inode *i)
{
	struct content *c = &i->st->content;

	if (c->lent)
		w_mem_content(c->mem, W_MEM_GONE);
	if (c->map)
		w_as_unmap(0, (uint64_t)c->map, c->map_len);
	if (c->mem)
		w_handle_close(c->mem);
	used_pages -= pages_count(c->pages, PAGE_PRESENT);
	pages_free(c->pages);
	*c = (struct content){.ops = c->ops, .inode = i};
	list_init(&c->dirty);
	list_init(&c->cached);
	i->blocks = 0;
}

/* Is there memory for so many pages more?  Programs cannot have what is reserved for the
 * servers, files as much again: so somebody can still start rm. */
static bool has_room(uint64_t pages)
{
	uint64_t limit = ((uint64_t)CONFIG_FS_MEM_LIMIT << 20) / W_PAGE;
	struct w_sys_stat s;

	return used_pages <= limit && pages <= limit - used_pages &&
	       w_sys_info(W_SYS_STAT, 0, &s, sizeof(s)) >= 0 &&
	       s.pages_free >= 2 * s.pages_reserve + pages;
}

/* Pages [first, end) will be written: they count from now on. */
static int take_pages(struct inode *i, uint64_t first, uint64_t end)
{
	struct content *c = &i->st->content;
	uint64_t fresh = 0;
	int err;

	if (pages_next(c->pages, first, end, PAGE_PRESENT, false) >= end)
		return 0;
	if (!has_room(end - first))
		return W_ENOSPC;
	err = pages_set(c->pages, first, end - first, PAGE_PRESENT, &fresh);
	used_pages += fresh;
	i->blocks = pages_count(c->pages, PAGE_PRESENT) * (W_PAGE / 512);
	return err ? W_ENOSPC : 0;
}

/* The object reaches len: mappings of it stay valid. */
static int reach(struct content *c, uint64_t len)
{
	uint64_t cap = c->map_len;
	char *map;

	while (cap < len)
		cap *= 2;
	if (cap == c->map_len)
		return 0;
	if (w_mem_resize(c->mem, cap) < 0)
		return W_ENOSPC;
	map = rt_map(c->mem, 0, cap, W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED);
	if (!map)
		return W_ENOSPC;
	w_as_unmap(0, (uint64_t)c->map, c->map_len);
	c->map = map;
	c->map_len = cap;
	return 0;
}

/* By a call, not by touching it: without memory that is an error, not our end. */
static int copy_borrowed(struct inode *i, w_handle_t mem, struct pages *p, uint64_t *fresh)
{
	const char *old = i->st->content.borrowed;

	if (!old || !i->size)
		return 0;
	if (!has_room((i->size + W_PAGE - 1) / W_PAGE) ||
	    w_mem_rw(mem, 0, (void *)old, i->size, 1) < 0)
		return W_ENOSPC;
	return pages_set(p, 0, (i->size + W_PAGE - 1) / W_PAGE, PAGE_PRESENT, fresh);
}

/* An object of the file's own, of at least len bytes, with what it holds. */
static int own(struct inode *i, uint64_t len)
{
	struct content *c = &i->st->content;
	struct pages *p;
	uint64_t cap = W_PAGE, fresh = 0;
	int64_t mem;
	char *map;

	if (c->own)
		return reach(c, len);
	while (cap < len || cap < i->size)
		cap *= 2;
	p = pages_new();
	mem = p ? w_mem_create(cap, 0) : W_ENOMEM;
	map = mem > 0 ? rt_map(mem, 0, cap, W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED) : NULL;
	if (!map || copy_borrowed(i, mem, p, &fresh)) {
		if (map)
			w_as_unmap(0, (uint64_t)map, cap);
		if (mem > 0)
			w_handle_close(mem);
		pages_free(p);
		return W_ENOSPC;
	}
	drop(i);
	c->mem = mem;
	c->own = true;
	c->map = map;
	c->map_len = cap;
	c->pages = p;
	used_pages += fresh;
	i->blocks = fresh * (W_PAGE / 512);
	return 0;
}

/* ---- reading ---- */

/* [off, off + *n) up to where pages that are there and holes meet; true: they are there. */
static bool run_of(const struct content *c, uint64_t off, uint64_t *n)
{
	uint64_t first = off / W_PAGE, end = (off + *n + W_PAGE - 1) / W_PAGE, at;
	bool there = !c->own || c->mapped || pages_has(c->pages, first, PAGE_PRESENT);

	if (!c->own || c->mapped)
		return bytes_of(c);
	at = pages_next(c->pages, first, end, PAGE_PRESENT, !there);
	if (at < end)
		*n = at * W_PAGE - off;
	return there;
}

/* Piece by piece, since some are holes: then only the count is left to say. */
static int64_t reply_pieces(struct request *rq, struct content *c, uint64_t off, uint64_t n)
{
	uint64_t done, k;
	const char *from;

	for (done = 0; done < n; done += k) {
		k = n - done;
		from = run_of(c, off + done, &k) ? bytes_of(c) + off + done : zeros;
		if (from == zeros && k > sizeof(zeros))
			k = sizeof(zeros);
		if (w_msg_copy(vfs_service.port, rq->m->txn, done, (void *)from, k, 1) < 0) {
			reply(rq, W_EFAULT);
			return W_EFAULT;
		}
	}
	rq->m->nh = 0;
	rq->m->status = n;
	rq->m->in = 0;
	rq->m->in_len = 0;
	return w_port_reply(vfs_service.port, rq->m);
}

static int64_t reply_content(struct request *rq, struct inode *i, uint64_t off, uint64_t n)
{
	struct content *c = &i->st->content;
	uint64_t k = n;

	if (n && (!run_of(c, off, &k) || k < n))
		return reply_pieces(rq, c, off, n);
	rq->m->nh = 0;
	return service_reply_bytes(&vfs_service, rq->m, n, n ? bytes_of(c) + off : NULL, n);
}

static int get(struct inode *i, uint64_t off, void *to, uint64_t n)
{
	struct content *c = &i->st->content;
	uint64_t done, k;

	for (done = 0; done < n; done += k) {
		k = n - done;
		if (run_of(c, off + done, &k))
			memcpy((char *)to + done, bytes_of(c) + off + done, k);
		else
			memset((char *)to + done, 0, k);
	}
	return 0;
}

/* ---- writing ---- */

static int room_for(struct inode *i, uint64_t off, uint64_t len)
{
	int err;

	if (off + len > FILE_MOST)
		return W_EFBIG;
	err = own(i, off + len > i->size ? off + len : i->size);
	return err || !len ? err : take_pages(i, off / W_PAGE, (off + len + W_PAGE - 1) / W_PAGE);
}

static void grown(struct inode *i, uint64_t end)
{
	if (end <= i->size)
		return;
	i->size = end;
	content_sized(i);
}

static int write(struct request *rq, struct inode *i, uint64_t off, uint64_t len)
{
	int64_t err = room_for(i, off, len);

	if (!err && len)
		err = w_msg_copy(vfs_service.port, rq->m->txn, 0, i->st->content.map + off, len, 0);
	if (err < 0)
		return err == W_ENOMEM			   ? W_ENOSPC
		       : err == W_ENOSPC || err == W_EFBIG ? err
							   : W_EFAULT;
	if (len)
		grown(i, off + len);
	return 0;
}

static int put(struct inode *i, uint64_t off, const void *from, uint64_t n)
{
	int64_t err = room_for(i, off, n);

	if (!err && n)
		err = w_mem_rw(i->st->content.mem, off, (void *)from, n, 1);
	if (err < 0)
		return err == W_EFBIG ? err : W_ENOSPC;
	if (n)
		grown(i, off + n);
	return 0;
}

/* What is cut off reads zero if it grows back. */
static void cut(struct inode *i, uint64_t size)
{
	struct content *c = &i->st->content;
	uint64_t keep = (size + W_PAGE - 1) & ~(W_PAGE - 1ull);

	if (size % W_PAGE && (c->mapped || pages_has(c->pages, size / W_PAGE, PAGE_PRESENT)))
		memset(c->map + size, 0, keep - size);
	used_pages -= pages_clear(c->pages, keep / W_PAGE, ~0ull, PAGE_PRESENT);
	i->blocks = pages_count(c->pages, PAGE_PRESENT) * (W_PAGE / 512);
	if (keep < c->map_len) {
		w_mem_resize(c->mem, keep);
		w_mem_resize(c->mem, c->map_len);
	}
}

static int resize(struct inode *i, uint64_t size)
{
	struct content *c = &i->st->content;
	int err;

	if (size == i->size)
		return 0;
	if (size > FILE_MOST)
		return W_EFBIG;
	err = size || c->own ? own(i, size) : 0;
	if (err)
		return err;
	if (!size && !c->own)
		drop(i);
	if (size < i->size && c->own)
		cut(i, size);
	i->size = size;
	content_sized(i);
	return 0;
}

/* A file of the archive that lies there page by page is a slice of it. */
static int memory(struct inode *i, w_handle_t *mem)
{
	struct content *c = &i->st->content;
	int64_t h;
	int err;

	if (!c->mem && c->borrowed && c->from_off % W_PAGE == 0) {
		h = w_mem_slice(c->from, c->from_off, (i->size + W_PAGE - 1) & ~(W_PAGE - 1ull));
		if (h < 0)
			return h;
		c->mem = h;
	}
	err = c->mem ? 0 : own(i, i->size ? i->size : 1);
	*mem = c->mem;
	return err;
}

static int64_t seek(struct inode *i, uint64_t off, bool data)
{
	struct content *c = &i->st->content;
	uint64_t end = (i->size + W_PAGE - 1) / W_PAGE, at;

	if (!c->own || c->mapped)
		return data ? off : i->size;
	at = pages_next(c->pages, off / W_PAGE, end, PAGE_PRESENT, data);
	if (at >= end)
		return data ? -6 /* ENXIO */ : (int64_t)i->size;
	return at * W_PAGE > off ? at * W_PAGE : off;
}

static int sync(struct inode *i)
{
	(void)i;
	return 0;
}

const struct content_ops memfile_ops = {.reply = reply_content,
					.write = write,
					.resize = resize,
					.memory = memory,
					.get = get,
					.put = put,
					.seek = seek,
					.sync = sync,
					.drop = drop};
