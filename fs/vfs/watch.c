// SPDX-License-Identifier: MIT
#include "watch.h"

enum {
	IN_Q_OVERFLOW = 0x4000,
	IN_IGNORED = 0x8000,
	IN_ONLYDIR = 0x1000000,
	IN_MASK_CREATE = 0x10000000,
	IN_MASK_ADD = 0x20000000,
	IN_ISDIR = 0x40000000,
};
#define IN_ONESHOT 0x80000000u
#define EVENTS_MAX 1024
#define WATCHES_MAX 8192

struct record { /* struct inotify_event, then the name padded with NULs */
	int32_t wd;
	uint32_t mask, cookie, len;
};

struct queued {
	struct list link;
	struct record r;
	char name[];
};

struct watch {
	struct list of_inode, of_watcher;
	struct watcher *watcher;
	int wd;
	uint32_t mask;
};

struct waiting_read {
	struct list link;
	struct service *s;
	struct w_msg m;
};

struct watcher {
	struct list watches, events, readers;
	uint32_t nevents, nwatches, bytes;
	int last_wd;
	w_handle_t event;
};

struct watcher *watch_new(void)
{
	struct watcher *w = rt_try_alloc(sizeof(*w));
	int64_t e;

	if (!w)
		return NULL;
	e = w_event_create(0);
	if (e < 0) {
		rt_free(w);
		return NULL;
	}
	w->event = e;
	list_init(&w->watches);
	list_init(&w->events);
	list_init(&w->readers);
	return w;
}

w_handle_t watch_event(const struct watcher *w)
{
	return w->event;
}

uint32_t watch_available(const struct watcher *w)
{
	return w->bytes;
}

static void drop_event(struct watcher *w, struct queued *q)
{
	list_del(&q->link);
	w->nevents--;
	w->bytes -= sizeof(q->r) + q->r.len;
	rt_free(q);
}

static void forget(struct watch *k)
{
	list_del(&k->of_inode);
	list_del(&k->of_watcher);
	k->watcher->nwatches--;
	rt_free(k);
}

/* As many whole events as fit; 0: not even the first. */
static uint32_t fill(struct watcher *w, char *buf, uint32_t room)
{
	uint32_t used = 0, size;
	struct list *l;

	list_for_each (l, &w->events) {
		struct queued *q = list_entry(l, struct queued, link);

		size = sizeof(q->r) + q->r.len;
		if (used + size > room)
			break;
		memcpy(buf + used, &q->r, size);
		used += size;
	}
	return used;
}

/* Answer one read; the events it took go when it has them. */
static void answer(struct service *s, struct w_msg *m, struct watcher *w)
{
	uint32_t room = m->out_len < SERVICE_BYTES ? m->out_len : SERVICE_BYTES;
	uint32_t n = fill(w, service_scratch, room), gone;

	m->nh = 0;
	if (!n) {
		service_reply(s, m, W_EINVAL); /* no room for one event */
		return;
	}
	if (service_reply_bytes(s, m, n, service_scratch, n) < 0)
		return;
	for (gone = 0; gone < n;) {
		struct queued *q = list_first(&w->events, struct queued, link);

		gone += sizeof(q->r) + q->r.len;
		drop_event(w, q);
	}
}

static void update(struct watcher *w)
{
	struct waiting_read *r;

	while (w->nevents && !list_is_empty(&w->readers)) {
		r = list_first(&w->readers, struct waiting_read, link);
		list_del(&r->link);
		answer(r->s, &r->m, w);
		rt_free(r);
	}
	w_event_set(w->event, w->nevents ? W_READABLE : 0, w->nevents ? 0 : W_READABLE);
}

static void queue(struct watcher *w, int wd, uint32_t mask, uint32_t cookie, const char *name)
{
	uint32_t len = name && *name ? (strlen(name) + 16) & ~15u : 0;
	struct queued *q, *last;

	if (w->nevents >= EVENTS_MAX) { /* room for the word that some are missing */
		last = list_entry(w->events.prev, struct queued, link);
		if (last->r.mask == IN_Q_OVERFLOW)
			return;
		wd = -1;
		mask = IN_Q_OVERFLOW;
		len = cookie = 0;
	}
	last = w->nevents ? list_entry(w->events.prev, struct queued, link) : NULL;
	if (last && last->r.wd == wd && last->r.mask == mask && last->r.cookie == cookie &&
	    last->r.len == len && (!len || !strcmp(last->name, name)))
		return; /* the same again is one event (inotify(7)) */
	q = rt_try_alloc(sizeof(*q) + len);
	if (!q)
		return;
	q->r = (struct record){wd, mask, cookie, len};
	if (len)
		strlcpy(q->name, name, len);
	list_append(&w->events, &q->link);
	w->nevents++;
	w->bytes += sizeof(q->r) + len;
	update(w);
}

void watch_free(struct watcher *w)
{
	struct waiting_read *r;

	while (!list_is_empty(&w->watches))
		forget(list_first(&w->watches, struct watch, of_watcher));
	while (!list_is_empty(&w->events))
		drop_event(w, list_first(&w->events, struct queued, link));
	while (!list_is_empty(&w->readers)) {
		r = list_first(&w->readers, struct waiting_read, link);
		list_del(&r->link);
		r->m.nh = 0;
		service_reply(r->s, &r->m, W_EBADH);
		rt_free(r);
	}
	w_handle_close(w->event);
	rt_free(w);
}

int watch_add(struct watcher *w, struct inode *i, uint32_t mask)
{
	const uint32_t kept = 0xfff | IN_ONESHOT;
	struct inode_state *st = inode_state(i);
	struct watch *k;
	struct list *l;

	if (!(mask & 0xfff))
		return W_EINVAL;
	if (!st)
		return W_ENOMEM;
	if (mask & IN_ONLYDIR && !is_dir(i))
		return W_ENOTDIR;
	list_for_each (l, &st->watches) {
		k = list_entry(l, struct watch, of_inode);
		if (k->watcher != w)
			continue;
		if (mask & IN_MASK_CREATE)
			return W_EEXIST;
		k->mask = (mask & IN_MASK_ADD ? k->mask : 0) | (mask & kept);
		return k->wd;
	}
	if (w->nwatches >= WATCHES_MAX)
		return W_ENOSPC;
	k = rt_try_alloc(sizeof(*k));
	if (!k)
		return W_ENOMEM;
	k->watcher = w;
	k->wd = ++w->last_wd;
	k->mask = mask & kept;
	list_append(&st->watches, &k->of_inode);
	list_append(&w->watches, &k->of_watcher);
	w->nwatches++;
	return k->wd;
}

int watch_del(struct watcher *w, int wd)
{
	struct list *l;

	list_for_each (l, &w->watches) {
		struct watch *k = list_entry(l, struct watch, of_watcher);

		if (k->wd != wd)
			continue;
		forget(k);
		queue(w, wd, IN_IGNORED, 0, NULL);
		return 0;
	}
	return W_EINVAL;
}

void watch_read(struct service *s, struct w_msg *m, struct watcher *w, bool nonblock)
{
	struct waiting_read *r;

	if (w->nevents) {
		answer(s, m, w);
		update(w);
		return;
	}
	r = nonblock ? NULL : rt_try_alloc(sizeof(*r));
	if (!r) {
		m->nh = 0;
		service_reply(s, m, nonblock ? W_EAGAIN : W_ENOMEM);
		return;
	}
	r->s = s;
	r->m = *m;
	list_append(&w->readers, &r->link);
}

static void tell_watches(struct inode *i, uint32_t what, uint32_t flags, uint32_t cookie,
			 const char *name)
{
	struct list *l, *tmp;

	list_for_each_safe (l, tmp, &i->st->watches) {
		struct watch *k = list_entry(l, struct watch, of_inode);
		struct watcher *w = k->watcher;
		int wd = k->wd;

		if (!(k->mask & what))
			continue;
		queue(w, wd, what | flags, cookie, name);
		if (k->mask & IN_ONESHOT) {
			forget(k);
			queue(w, wd, IN_IGNORED, 0, NULL);
		}
	}
}

void watch_tell(struct dentry *d, uint32_t what)
{
	if (d->parent && is_watched(d->parent->inode))
		tell_watches(d->parent->inode, what, is_dir(d->inode) ? IN_ISDIR : 0, 0, d->name);
	watch_self(d->inode, what);
}

void watch_self(struct inode *i, uint32_t what)
{
	if (is_watched(i))
		tell_watches(i, what, is_dir(i) ? IN_ISDIR : 0, 0, NULL);
}

void watch_entry(struct inode *dir, const char *name, bool isdir, uint32_t what, uint32_t cookie)
{
	if (is_watched(dir))
		tell_watches(dir, what, isdir ? IN_ISDIR : 0, cookie, name);
}

void watch_gone(struct inode *i)
{
	while (is_watched(i)) {
		struct watch *k = list_first(&i->st->watches, struct watch, of_inode);
		struct watcher *w = k->watcher;
		int wd = k->wd;
		bool tell = k->mask & IN_DELETE_SELF;

		forget(k);
		if (tell)
			queue(w, wd, IN_DELETE_SELF, 0, NULL);
		queue(w, wd, IN_IGNORED, 0, NULL);
	}
}
