// SPDX-License-Identifier: MIT
#include "fifo.h"

#define PIPE_BYTES 65536

struct waiting_open {
	struct list link;
	struct service *s;
	struct w_msg m;
	uint32_t flags;
	w_handle_t chan;
};

struct fifo {
	w_handle_t end[2]; /* read, write */
	uint32_t readers, writers;
	struct list waiting;
};

static bool reads(uint32_t flags)
{
	return (flags & FS_O_ACCMODE) != FS_O_WRONLY;
}

static bool writes(uint32_t flags)
{
	return flags & FS_O_ACCMODE;
}

static struct fifo *fifo_of(struct inode *i)
{
	struct inode_state *st = inode_state(i);
	struct fifo *f;

	if (!st || st->fifo)
		return st ? st->fifo : NULL;
	f = rt_try_alloc(sizeof(*f));
	if (!f)
		return NULL;
	list_init(&f->waiting);
	if (w_stream_create(PIPE_BYTES, W_STREAM_PIPE, f->end) < 0) {
		rt_free(f);
		return NULL;
	}
	w_stream_ctl(f->end[0], W_STREAM_SHUT_RD, 0);
	w_stream_ctl(f->end[1], W_STREAM_SHUT_WR, 0);
	return st->fifo = f;
}

static void answer(struct service *s, struct w_msg *m, struct fifo *f, uint32_t flags,
		   w_handle_t chan)
{
	struct w_obj_info info;
	int64_t h;
	int i;

	m->nh = 0;
	m->h[m->nh++] = chan;
	for (i = 0; i < 2; i++) {
		if (!(i ? writes(flags) : reads(flags)))
			continue;
		w_obj_info(f->end[i], &info);
		h = w_handle_dup(f->end[i], info.rights & ~W_MANAGE);
		if (h > 0)
			m->h[m->nh++] = h;
	}
	m->FS_OPEN_out_mode = FS_S_IFIFO;
	if (service_reply(s, m, 0) < 0)
		while (m->nh) /* the channel's end takes the open back (fifo_close) */
			w_handle_close(m->h[--m->nh]);
}

static void answer_waiting(struct fifo *f)
{
	struct list *l, *tmp;
	struct waiting_open *w;

	list_for_each_safe (l, tmp, &f->waiting) {
		w = list_entry(l, struct waiting_open, link);
		if (!(reads(w->flags) ? f->writers : f->readers))
			continue;
		list_del(&w->link);
		answer(w->s, &w->m, f, w->flags, w->chan);
		rt_free(w);
	}
}

void fifo_open(struct service *s, struct w_msg *m, struct inode *i, uint32_t flags,
	       w_handle_t open_chan)
{
	struct fifo *f = fifo_of(i);
	struct waiting_open *w;
	bool alone;

	if (!f) {
		w_handle_close(open_chan);
		m->nh = 0;
		service_reply(s, m, W_ENOMEM);
		return;
	}
	if (reads(flags) && !f->readers++)
		w_stream_ctl(f->end[0], W_STREAM_REOPEN, 0);
	if (writes(flags) && !f->writers++)
		w_stream_ctl(f->end[1], W_STREAM_REOPEN, 0);
	alone = !f->readers || !f->writers;
	if (alone && flags & FS_O_NONBLOCK && writes(flags)) {
		m->nh = 0;
		service_reply(s, m, -6); /* ENXIO; closing the channel takes it back */
		w_handle_close(open_chan);
		return;
	}
	if (alone && !(flags & FS_O_NONBLOCK)) {
		w = rt_try_alloc(sizeof(*w));
		if (w) {
			*w = (struct waiting_open){
				.s = s, .m = *m, .flags = flags, .chan = open_chan};
			list_append(&f->waiting, &w->link);
			return;
		}
	}
	answer(s, m, f, flags, open_chan);
	answer_waiting(f);
}

void fifo_close(struct inode *i, uint32_t flags)
{
	struct fifo *f = i->st->fifo;

	if (!f)
		return;
	if (reads(flags) && !--f->readers)
		w_stream_ctl(f->end[0], W_STREAM_SHUT_RD, 0);
	if (writes(flags) && !--f->writers)
		w_stream_ctl(f->end[1], W_STREAM_SHUT_WR, 0);
	if (f->readers || f->writers)
		return;
	w_handle_close(f->end[0]);
	w_handle_close(f->end[1]);
	rt_free(f);
	i->st->fifo = NULL;
}
