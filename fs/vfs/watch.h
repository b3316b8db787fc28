/* SPDX-License-Identifier: MIT */
/*
 * Watching files and directories (inotify(7)).  An instance is an open file without
 * a node; its watches hang on the nodes, and what happens there is queued for its
 * reader.  A full queue loses events and says so (IN_Q_OVERFLOW).
 */
#pragma once

#include "dentry.h"
#include "inode.h"

#include <rt/ev.h>

enum {
	IN_ACCESS = 1,
	IN_MODIFY = 2,
	IN_ATTRIB = 4,
	IN_CLOSE_WRITE = 8,
	IN_CLOSE_NOWRITE = 0x10,
	IN_OPEN = 0x20,
	IN_MOVED_FROM = 0x40,
	IN_MOVED_TO = 0x80,
	IN_CREATE = 0x100,
	IN_DELETE = 0x200,
	IN_DELETE_SELF = 0x400,
	IN_MOVE_SELF = 0x800,
};

struct watcher; /* an instance */

struct watcher *watch_new(void); /* NULL: no memory */
w_handle_t watch_event(const struct watcher *w);
void watch_free(struct watcher *w);
int watch_add(struct watcher *w, struct inode *i, uint32_t mask); /* the number, or an error */
int watch_del(struct watcher *w, int wd);
void watch_read(struct service *s, struct w_msg *m, struct watcher *w, bool nonblock);
uint32_t watch_available(const struct watcher *w); /* bytes */

/* Something happened to d: those who watch it and those who watch its directory hear. */
void watch_tell(struct dentry *d, uint32_t what);
void watch_self(struct inode *i, uint32_t what); /* only those who watch i itself */
/* An entry of a directory came, went or moved (both halves of a move share a cookie). */
void watch_entry(struct inode *dir, const char *name, bool is_dir, uint32_t what, uint32_t cookie);
void watch_gone(struct inode *i); /* it has no name and no user any more */

static inline bool is_watched(const struct inode *i)
{
	return i->st && !list_is_empty(&i->st->watches);
}
