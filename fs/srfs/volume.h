/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the core share of a mounted volume.
 *
 * Buffers hold metadata blocks.  One is
 *	clean	as on the medium: may be forgotten when nobody holds it;
 *	dirty	changed by the running transaction;
 *	fresh	dirty, and its block was free before: it may be written in place at once,
 *		since nothing that is committed refers to it;
 *	logged	as in the log, and not yet in place.
 */
#pragma once

#include "srfs.h"

#include <lib/list.h>
#include <lib/string.h>
#include <wherry/errors.h>

struct srfs_buf {
	struct list hashed, lru;
	struct list changed; /* in dirty or logged of the volume */
	uint64_t block;
	uint32_t refs;
	bool dirty, fresh, logged;
	bool gone;     /* its block was freed: for who still holds it */
	uint8_t *data; /* SRFS_BLOCK bytes; owns */
};

#define SRFS_BUCKETS 512

struct srfs {
	struct srfs_dev dev;
	struct srfs_super super;
	bool read_only, crate_only, broken;
	bool has_ext;
	/* buffers */
	struct list buckets[SRFS_BUCKETS];
	struct list lru;    /* without a user, the coldest first */
	struct list dirty;  /* of the running transaction */
	struct list logged; /* wait to be put in place */
	uint32_t nbufs, ndirty, nlogged;
	/* the log */
	uint64_t log_at;   /* the next record's block, from log_start on */
	uint32_t txn_most; /* buffers in a transaction */
	bool super_dirty;  /* the superblock belongs to the running transaction */
	bool data_written; /* data was written in place since the last flush */
	uint32_t data_in_flight;
	/* blocks */
	uint64_t hint;	   /* where the last block was found */
	uint64_t promised; /* of all nodes */
	uint8_t **held;	   /* by bitmap block: freed, but the log may still have them; or NULL */
	uint64_t nheld;
	struct srfs_lock *lock;
};

/* ---- env: of the server (vfs.c) or the host ---- */
struct srfs_lock *srfs_lock_new(void);
void srfs_lock_free(struct srfs_lock *l);
void srfs_lock(struct srfs *fs);
void srfs_unlock(struct srfs *fs);
/* Who has the lock waits, keeping it, until data_in_flight may be 0. */
void srfs_sleep(struct srfs *fs);
void srfs_wake(struct srfs *fs);
void srfs_broke(struct srfs *fs, int err); /* from now on nothing is written: say so */

/* ---- cache.c ---- */
int buf_get(struct srfs *fs, uint64_t block, struct srfs_buf **out); /* reads; counts */
/* A block that was just allocated: zeros, dirty and fresh. */
int buf_new(struct srfs *fs, uint64_t block, struct srfs_buf **out);
void buf_put(struct srfs *fs, struct srfs_buf *b);
void buf_dirty(struct srfs *fs, struct srfs_buf *b); /* it has been changed, or will be now */
void buf_forget(struct srfs *fs, uint64_t block);    /* its block is free: nothing to write */
void buf_shrink(struct srfs *fs, uint32_t keep);
void buf_free_all(struct srfs *fs);
int io_one(struct srfs *fs, bool write, uint64_t block, uint32_t count, void *buf);

static inline void *buf_at(const struct srfs_buf *b, uint32_t off)
{
	return b->data + off;
}

/* ---- alloc.c ---- */
/* count blocks in a row, fewer where there are no such: *got of them from *first on. */
int block_alloc(struct srfs *fs, uint64_t near, uint32_t count, uint64_t *first, uint32_t *got);
int block_free(struct srfs *fs, uint64_t block, uint32_t count);
uint64_t blocks_available(const struct srfs *fs); /* now: not held, not promised */
void blocks_release_held(struct srfs *fs);

/* ---- journal.c ---- */
int journal_replay(struct srfs *fs);
int journal_checkpoint(struct srfs *fs);
/* The running transaction grows large: commit between two steps of an operation. */
int journal_step(struct srfs *fs);
/* Is there room for that many, now or after what is held back is free?  May commit. */
int need_blocks(struct srfs *fs, uint64_t blocks);
int srfs_fail(struct srfs *fs, int err); /* in the middle of a change: no more changes */

/* ---- super.c ---- */
void super_seal(struct srfs *fs, uint32_t state, uint8_t *block); /* as it goes to the medium */
int super_write(struct srfs *fs, uint32_t state);

/* ---- tree.c: the blocks of a file or directory as a table ---- */
struct tree {
	struct srfs *fs;
	struct srfs_buf *meta; /* its metadata block; counted by the caller */
	uint64_t count;	       /* blocks that it has room for: decides the depth */
	uint64_t near;
	int64_t blocks; /* grows by those that it takes, tables too, and falls */
};
int tree_get(const struct tree *t, uint64_t index, uint64_t *block); /* 0: a hole */
/* Up to n in a row from index on: *run of them are blocks in a row from *block on, or holes. */
int tree_run(const struct tree *t, uint64_t index, uint32_t n, uint64_t *block, uint32_t *run);
int tree_set(struct tree *t, uint64_t index, uint64_t block);
int tree_grow(struct tree *t, uint64_t count);
/* The blocks from count on are freed, a bounded part a call: t->count says how far it came. */
int tree_shrink(struct tree *t, uint64_t count);

/* ---- node.c ---- */
int meta_get(struct srfs *fs, const struct srfs_id *id, struct srfs_buf **out);
void meta_dirty(struct srfs *fs, struct srfs_buf *b); /* with its sum made anew */
int need_feature(struct srfs *fs, uint32_t feature);  /* it will be used, or EOPNOTSUPP */
void attr_from(struct srfs_attr *a, const struct srfs_meta *m);
void attr_to(struct srfs_meta *m, const struct srfs_attr *a); /* all but size and blocks */

static inline struct srfs_meta *meta_of(const struct srfs_buf *b)
{
	return (struct srfs_meta *)b->data;
}

/* ---- dir.c ---- */
int dir_add(struct srfs_node *dir, const char *name, uint32_t len, const struct srfs_id *id);
int dir_remove(struct srfs_node *dir, const char *name, uint32_t len);
int dir_point(struct srfs_node *dir, const char *name, uint32_t len, const struct srfs_id *id);
void dir_fini(struct srfs_node *dir);
int dir_load(struct srfs_node *dir);
uint32_t dir_subdirs(const struct srfs_node *dir);

/* ---- orphans.c ---- */
int orphan_add(struct srfs *fs, uint64_t block);
int orphan_remove(struct srfs *fs, uint64_t block);
int orphans_release(struct srfs *fs); /* at mount */
