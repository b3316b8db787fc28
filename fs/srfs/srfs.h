/* SPDX-License-Identifier: MIT */
/*
 * The srfs module's core: volumes, files, directories on a device of 4096-byte blocks.  It
 * builds in the file service and on the host (tools, tests): what differs is struct srfs_dev,
 * rt_try_alloc()/rt_free(), and the lock (srfs_lock()).
 *
 *	Transactions.  Every change belongs to the running transaction.  It is on the medium
 *	after srfs_commit(), all of it or nothing; a change that is not committed is lost in a
 *	crash without a trace.  srfs_begin() and srfs_end() bracket one operation: between them
 *	the volume is locked, and no commit parts what they change.
 *
 *	Errors.  0 or a W_E code.  W_EIO: the device failed, or the volume says what cannot be;
 *after an error in the middle of a change the volume takes no more changes until it is mounted
 *	again (which goes back to the last commit).
 *
 *	Names are valid, and files are what the caller says they are: see fs/file_system.h.
 */
#pragma once

#include "format.h"

#include <stdbool.h>
#include <stddef.h>

struct srfs_io {
	uint64_t block;
	uint32_t count;
	bool write;
	void *buf;
};

/* What the volume lies on. */
struct srfs_dev {
	void *self;
	uint64_t blocks;
	/* Do all of them, in any order, at once if it can; the first error. */
	int (*run)(void *self, const struct srfs_io *io, uint32_t n);
	/* What run() has written is on the medium. */
	int (*flush)(void *self);
};

struct srfs;
struct srfs_buf;

/* How a volume is made or mounted. */
struct srfs_options {
	bool read_only;
	bool crate_only;  /* refuse what the crate cannot express; holes are filled */
	bool no_recovery; /* with read_only: as it lies there, whatever a crash left in the log */
	uint64_t now;	  /* ns since 1970 */
};

/* Attributes as the VFS wants them. */
struct srfs_attr {
	uint32_t mode, uid, gid, nlink, rdev;
	uint64_t size, blocks; /* blocks of 4096 bytes that it has, its metadata's too */
	uint64_t atime, mtime, ctime, btime;
};

/* A file or directory that somebody uses; one for each, the user's to keep and give back. */
struct srfs_node {
	struct srfs *fs;
	struct srfs_id id;
	struct srfs_attr attr; /* true at any time; change by srfs_setattr() */
	struct srfs_dir *dir;  /* directories: the names in memory, once looked for; owns */
	uint64_t promised;     /* blocks reserved for pages not yet written */
};

enum {
	SRFS_SET_MODE = 1,
	SRFS_SET_UID = 2,
	SRFS_SET_GID = 4,
	SRFS_SET_ATIME = 8,
	SRFS_SET_MTIME = 16,
	SRFS_SET_CTIME = 32,
	SRFS_SET_NLINK = 64
};

/* ---- volumes (super.c) ---- */
int srfs_format(const struct srfs_dev *dev, const struct srfs_options *o);
/* Recovers by itself.  *out is the caller's until srfs_unmount(). */
int srfs_mount(const struct srfs_dev *dev, const struct srfs_options *o, struct srfs **out);
int srfs_unmount(struct srfs *fs);  /* commits; the volume is clean.  Frees fs whatever happens */
void srfs_abandon(struct srfs *fs); /* as if the power failed now */
int srfs_set_read_only(struct srfs *fs, bool read_only);
bool srfs_is_read_only(const struct srfs *fs);
void srfs_space(const struct srfs *fs, uint64_t *blocks, uint64_t *free);
const struct srfs_super *srfs_super(const struct srfs *fs);

/* ---- transactions (journal.c) ---- */
/* One operation, which takes at most `blocks` free blocks: W_ENOSPC, W_EROFS, W_EIO. */
int srfs_begin(struct srfs *fs, uint64_t blocks);
void srfs_end(struct srfs *fs);
int srfs_commit(struct srfs *fs);
bool srfs_has_changes(const struct srfs *fs);

/* ---- nodes (node.c): each of these is one operation ---- */
int srfs_node_read(struct srfs *fs, uint64_t block, uint64_t generation, struct srfs_node *out);
void srfs_node_fini(struct srfs_node *n);
int srfs_setattr(struct srfs_node *n, uint32_t what, const struct srfs_attr *a);
struct srfs_new {
	uint32_t mode, uid, gid, rdev;
	uint64_t now;
	const char *target; /* symbolic links */
};
int srfs_create(struct srfs_node *dir, const char *name, uint32_t len, const struct srfs_new *what,
		struct srfs_node *out);
int srfs_link(struct srfs_node *dir, const char *name, uint32_t len, struct srfs_node *n,
	      uint64_t now);
/* nlink falls; with the last name the file becomes an orphan, until srfs_release(). */
int srfs_unlink(struct srfs_node *dir, const char *name, uint32_t len, struct srfs_node *victim,
		uint64_t now);
/* Nobody uses the file without a name any more: its blocks are free. */
int srfs_release(struct srfs_node *n);
int srfs_rename(struct srfs_node *from, const char *name, uint32_t len, struct srfs_node *what,
		struct srfs_node *to, const char *new_name, uint32_t new_len,
		struct srfs_node *replaced, bool exchange, uint64_t now);

/* ---- directories (dir.c) ---- */
int srfs_lookup(struct srfs_node *dir, const char *name, uint32_t len, struct srfs_id *out);
/* Entries in the order of their coming, from the cookie on (0: the first); *next is the cookie of
 * the one behind.  emit: false ends.  What is there all the time is listed once. */
typedef bool (*srfs_emit)(void *to, const char *name, uint32_t len, const struct srfs_id *id,
			  uint64_t next);
int srfs_readdir(struct srfs_node *dir, uint64_t cookie, srfs_emit emit, void *to);

/* ---- bytes (data.c) ---- */
/* Whole blocks; past the end zeros. */
int srfs_read(struct srfs_node *n, uint64_t index, uint32_t count, void *to);
/* Blocks [index, index + count) of a file that is size bytes long when this is done. */
int srfs_write(struct srfs_node *n, uint64_t index, uint32_t count, const void *from,
	       uint64_t size);
int srfs_truncate(struct srfs_node *n, uint64_t size);
/* The file's pages will reach to size: room for them is promised, or W_ENOSPC. */
int srfs_reserve(struct srfs_node *n, uint64_t size);
void srfs_unreserve(struct srfs_node *n);
/* The first byte from off on that is data, or in a hole; -ENXIO (6): none. */
int64_t srfs_seek(struct srfs_node *n, uint64_t off, bool data);

/* ---- checking (walk.c) ---- */
struct srfs_walk {
	void *self;
	/* Something is wrong; block: where. */
	void (*problem)(void *self, uint64_t block, const char *what);
	/* An entry was met, its parent before it. */
	void (*entry)(void *self, const struct srfs_meta *m, const char *name, uint32_t len);
	uint64_t files, dirs, used, problems; /* results */
};
/* Look at everything from the root down: each block used once, each sum right.  *used: a bitmap of
 * what is used, num_blocks bits, the caller's to free; may be NULL. */
int srfs_walk(struct srfs *fs, struct srfs_walk *w, uint8_t **used);
/* The bitmap anew from what a walk finds, of a volume mounted read-only. */
int srfs_rebuild(struct srfs *fs);
/* Volumes that the crate made have none of ours: then the rest is not to be asked. */
bool srfs_has_bitmap(const struct srfs *fs);
int srfs_block_is_used(struct srfs *fs, uint64_t block, bool *used);
bool srfs_is_ours(const struct srfs *fs, uint64_t block); /* log, bitmap, orphans */
uint64_t srfs_our_blocks(const struct srfs *fs);
