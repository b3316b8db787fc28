/* SPDX-License-Identifier: MIT */
/*
 * An open file: what the badge of its channel points to.  It lives until the last handle of
 * that channel anywhere is gone, however many processes and descriptors share it.
 */
#pragma once

#include "lease.h"
#include "request.h"

struct file {
	enum channel_kind kind;
	struct path path;    /* counted; path.d NULL: of none (a watcher), or it was revoked */
	struct inode *inode; /* counted; NULL as path.d is */
	uint64_t off;
	uint32_t flags; /* FS_O_* */
	bool fifo;	/* counted there */
	struct parking park;
	struct watcher *watcher; /* CHANNEL_WATCHER */
	struct seat cursor;	 /* directories: where a listing goes on */
};

/* Of p (NULL: of none), with its channel in m->h[0]; NULL: no memory. */
struct file *file_new(struct w_msg *m, const struct path *p, uint32_t flags);
void file_closed(struct file *f);

static inline bool file_reads(const struct file *f)
{
	return (f->flags & FS_O_ACCMODE) != FS_O_WRONLY;
}

static inline bool file_writes(const struct file *f)
{
	return f->flags & FS_O_ACCMODE;
}
