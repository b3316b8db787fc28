/* SPDX-License-Identifier: MIT */
/*
 * What the service keeps of a file beside what the file system says of it.  Most files need
 * nothing: the state is made by the first who does, and lives until the inode is evicted.
 */
#pragma once

#include "content.h"

#include <fs/file_system.h>
#include <rt/fiber.h>

struct inode_state {
	struct content content; /* regular files: the bytes */
	struct fiber_lock lock; /* see file_system.h: who changes a directory or a file */
	char *target;		/* symbolic links, once read; owns */
	w_handle_t leads;	/* sockets: to their service; owns */
	struct list watches;	/* struct watch (watch.c) */
	struct list parkings;	/* struct parking (lease.h): opens that may be parked */
	struct locks *locks;	/* lock.c; owns */
	struct fifo *fifo;	/* fifo.c; owns */
	struct mqueue *mq;	/* mqueue.c; owns */
};

struct inode_state *inode_state(struct inode *inode); /* NULL: no memory */
/* The target of a symbolic link; NULL: *err says why. */
const char *inode_target(struct inode *inode, int *err);
/* As the operation, with the time of change (ctime 0: now); W_EROFS. */
int inode_setattr(struct inode *inode, uint32_t what, struct attr *attr);
/* Somebody has read it: the time of access, as the mount's flags want it. */
void inode_accessed(struct inode *inode, uint32_t mount_flags);

/* It waits to be written back, and is kept for that. */
static inline bool inode_is_dirty(const struct inode *i)
{
	return i->st && list_is_linked(&i->st->content.dirty);
}

static inline bool is_memory(const struct super_block *sb)
{
	return sb->kind->flags & FS_KIND_MEMORY;
}
